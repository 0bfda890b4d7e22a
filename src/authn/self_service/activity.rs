//! What has happened to a person's own account.

use crate::authn::{Authn, Fault};
use crate::domain::audit::{Event, Logged};
use crate::domain::session::View;
use crate::store::AuditFilter;

/// A page of a person's trail.
#[derive(Debug)]
pub struct Trail {
    /// Newest first.
    pub records: Vec<Logged>,
    /// Where the next page begins; `None` where this is the last.
    pub before: Option<i64>,
}

impl Authn {
    /// The person's own records of these events, those numbered lower than `before` only.
    pub async fn own_activity(
        &self,
        view: &View,
        events: Vec<Event>,
        before: Option<i64>,
        limit: u32,
    ) -> Result<Trail, Fault> {
        let filter = AuditFilter {
            account: Some(view.subject.id),
            events,
            before,
            limit: limit.saturating_add(1),
            ..AuditFilter::default()
        };
        let mut records = self.store.audit(&filter).await?;
        let wanted = usize::try_from(limit).unwrap_or(usize::MAX);
        let more = records.len() > wanted;
        records.truncate(wanted);
        let last = records.last().map(|logged| logged.number);
        Ok(Trail {
            before: last.filter(|_| more),
            records,
        })
    }
}
