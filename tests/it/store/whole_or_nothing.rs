use super::sample::*;
use vestibule::domain::audit::Event;
use vestibule::domain::throttle::{Admission, Kind};
use vestibule::store::{Change, Commit, Store};

pub async fn nothing_is_an_empty_commit(s: &dyn Store) {
    assert_eq!(s.commit(&[]).await.unwrap(), Commit::Done);
}

/// One loser in every position among changes of every kind.
pub async fn a_lost_change_undoes_all_before_it(s: &dyn Store) {
    done(s, [add(1), bind(1, 1), open(1, 1, 1), child(1, 9)]).await;
    let codes = vec![emergency_code(5)];
    let account = account_id(1);
    done(s, [Change::ReplaceEmergencyCodes { account, codes }]).await;
    let bucket = super::throttle::bucket(Kind::Code, 1);
    let rules = [(bucket, super::throttle::RULE)];
    for _ in 0..5 {
        let _ = s.count_try(&rules, NOW).await.unwrap();
    }
    let before = get(s, 1).await;
    let told = s.last_notice().await.unwrap();

    let winners = [
        add(2),
        step(1, 1, 500),
        Change::SpendEmergencyCode {
            account,
            code: authenticator_id(5),
        },
        Change::RemoveSecondFactor { account },
        bind(1, 2),
        start(7, 1),
        open(2, 1, 2),
        child(2, 3),
        Change::IssueTicket {
            token: token(8),
            ticket: ticket(1),
        },
        Change::EndSessionsOf {
            account,
            except: None,
        },
        Change::ForgiveAll(bucket),
        Change::AddSigningKey(signing_key(1, 0)),
        Change::Audit(record(Event::SignedIn, Some(1), NOW)),
    ];
    let loser = Change::RedeemTicket { token: token(77) };
    for position in 0..=winners.len() {
        let mut changes = winners.to_vec();
        changes.insert(position, loser.clone());
        lost(s, position, changes).await;

        assert_eq!(get(s, 1).await, before);
        assert_eq!(s.account(account_id(2)).await.unwrap(), None);
        assert_eq!(s.emergency_codes(account).await.unwrap().len(), 1);
        assert_eq!(s.attempt(&token(7)).await.unwrap(), None);
        assert_eq!(s.ticket(&token(8)).await.unwrap(), None);
        for (t, lives) in [(1, true), (9, true), (2, false), (3, false)] {
            let found = s.session(&token(t), NOW).await.unwrap();
            assert_eq!(found.is_some(), lives, "{t}");
        }
        assert_eq!(s.signing_keys(NOW).await.unwrap(), []);
        assert_eq!(trail(s).await, []);
        assert_eq!(s.last_notice().await.unwrap(), told);
        let paused = s.count_try(&rules, NOW).await.unwrap();
        assert!(matches!(paused, Admission::Paused { .. }));
    }
    done(s, winners).await;
    assert_eq!(trail(s).await.len(), 1);
}

pub async fn taken_tokens_and_missing_owners_lose(s: &dyn Store) {
    done(s, [add(1), open(1, 1, 1), child(1, 2)]).await;
    let mut twin = emergency_code(1);
    twin.id = authenticator_id(2);
    let account = account_id(9);
    for change in [
        open(1, 1, 5),
        open(2, 1, 1),
        open(2, 9, 5),
        child(1, 2),
        start(5, 9),
        Change::IssueTicket {
            token: token(5),
            ticket: ticket(9),
        },
        Change::IssueOneTimeCode {
            account,
            code: one_time_code(1),
        },
        Change::ReplaceEmergencyCodes {
            account,
            codes: vec![twin],
        },
    ] {
        lost(s, 0, [change]).await;
    }
}
