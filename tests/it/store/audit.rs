use super::sample::*;
use vestibule::domain::audit::{Actor, Event, Place};
use vestibule::store::{AuditFilter, Change, Store};

pub async fn kept_whole_newest_first(s: &dyn Store) {
    let mut bare = record(Event::KeyRotated, None, later(1));
    bare.actor = Actor::System;
    bare.place = Place::default();
    // Of an account that is not (or no longer) there: the trail outlives it.
    let mut want = vec![bare, record(Event::PasswordRefused, Some(200), later(0))];
    want.extend(Event::ALL.iter().map(|e| record(*e, Some(1), later(2))));
    let changes: Vec<Change> = want.iter().cloned().map(Change::Audit).collect();
    done(s, changes).await;
    want.reverse();
    assert_eq!(trail(s).await, want);
    let found = async |account, limit| {
        let filter = AuditFilter {
            account,
            limit,
            ..AuditFilter::default()
        };
        let logged = s.audit(&filter).await.unwrap();
        logged.into_iter().map(|l| l.record).collect::<Vec<_>>()
    };
    assert_eq!(found(None, 2).await, want[..2]);
    let one = found(Some(account_id(200)), 9).await;
    assert_eq!(one, want[want.len() - 2..want.len() - 1]);
}

pub async fn counted_by_account_event_and_time(s: &dyn Store) {
    let lost = Event::LostTemporarily;
    for (event, account, at) in [
        (lost, 1, 0),
        (lost, 1, 10),
        (lost, 1, 20),
        (lost, 2, 20),
        (Event::SignedIn, 1, 20),
    ] {
        done(s, [Change::Audit(record(event, Some(account), later(at)))]).await;
    }
    for (since, want) in [(0, 3), (10, 2), (11, 1), (21, 0)] {
        let n = s.audit_count(account_id(1), lost, later(since)).await;
        assert_eq!(n.unwrap(), want, "{since}");
    }
}
