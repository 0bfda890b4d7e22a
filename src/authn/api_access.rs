//! Who calls the admin API: a token as presented, checked.
//!
//! Invariant: a token that is unknown, revoked, cut short or run out gets one and the same answer. The look-up is by the
//! hash, so its time says nothing of how much of a token was right.

use super::desk::Agent;
use super::{Authn, Fault};
use crate::domain::api_token::{ApiToken, presented};
use crate::domain::audit::Place;
use crate::domain::throttle::{Admission, Bucket, Kind, Rule};
use crate::domain::timestamp::Timestamp;
use crate::store::Change;
use std::time::Duration;

/// Requests of one token in one minute.
pub const MOST_A_MINUTE: u32 = 600;

const MINUTE: Duration = Duration::from_secs(60);

/// A counter of its own for each minute, so that it needs no memory of the minute before.
const PACE: Rule = Rule {
    free: MOST_A_MINUTE,
    then: MOST_A_MINUTE,
    first_pause: MINUTE,
    longest_pause: MINUTE,
    forget_after: MINUTE,
    exhausted_after: None,
};

/// Why a caller gets no further.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotAdmitted {
    /// No token that works.
    Unknown,
    /// Too much, from this token or of wrong tokens from this network.
    Paused { until: Timestamp },
}

impl Authn {
    /// The program that a token stands for; `None`: there was nothing that could be one.
    pub async fn api_agent(
        &self,
        token: Option<&str>,
        place: &Place,
    ) -> Result<Result<Agent, NotAdmitted>, Fault> {
        let now = self.env.now();
        let found = match token.and_then(presented) {
            Some(hash) => self.store.api_token(&hash).await?,
            None => None,
        };
        let Some(token) = found.filter(|token| now < token.expires_at) else {
            return self.wrong_token(place, now).await.map(Err);
        };
        if let Some(until) = self.paced(&token, now).await? {
            return Ok(Err(NotAdmitted::Paused { until }));
        }
        let is_noted = |at: Timestamp| at <= now && now.since(at) < MINUTE;
        if !token.last_used_at.is_some_and(is_noted) {
            let used = Change::UseApiToken {
                token: token.id,
                at: now,
            };
            let _ = self.store.commit(&[used]).await?;
        }
        Ok(Ok(Agent::Token { token }))
    }

    /// Counted by network, as wrong passwords are, and apart from them: a program whose token has run out and which asks
    /// on must not keep a whole office from signing in. A token that works is not held up by it: nobody guesses 256
    /// bits, and a neighbour's mistakes must not stop a program.
    async fn wrong_token(&self, place: &Place, now: Timestamp) -> Result<NotAdmitted, Fault> {
        let Some(address) = place.address else {
            return Ok(NotAdmitted::Unknown);
        };
        let callers = Bucket {
            kind: Kind::Token,
            ..Bucket::network(address)
        };
        let rule = self.rules.throttle.network;
        Ok(match self.store.count_try(&[(callers, rule)], now).await? {
            Admission::Admitted { .. } => NotAdmitted::Unknown,
            Admission::Paused { until } => NotAdmitted::Paused { until },
        })
    }

    /// Until when this token has to wait.
    async fn paced(&self, token: &ApiToken, now: Timestamp) -> Result<Option<Timestamp>, Fault> {
        let minute = now.seconds().div_euclid(60);
        let mut key = token.id.uuid().as_bytes().to_vec();
        key.extend(minute.to_be_bytes());
        let bucket = Bucket::new(Kind::Token, &key);
        let next = Timestamp::from_seconds(minute.saturating_add(1).saturating_mul(60));
        Ok(match self.store.count_try(&[(bucket, PACE)], now).await? {
            Admission::Admitted { .. } => None,
            Admission::Paused { .. } => Some(next),
        })
    }
}
