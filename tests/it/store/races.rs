//! Once means once: fifty at the same time over two handles, and one of them wins.

use super::attempts::advance;
use super::certificates::claim;
use super::sample::*;
use super::throttle::{RULE, bucket};
use vestibule::domain::audit::Event;
use vestibule::domain::throttle::{Admission, Kind};
use vestibule::store::{Change, Commit, Notice, SharedStore};

const AT_ONCE: usize = 50;

/// Commits the same changes from many tasks at once; insists on one winner, told by audit records too.
async fn one_wins(s: &[SharedStore; 2], change: Change) {
    let audit = Change::Audit(record(Event::CodeAccepted, None, NOW));
    let tasks: Vec<_> = (0..AT_ONCE)
        .map(|i| {
            let (store, changes) = (s[i % 2].clone(), [audit.clone(), change.clone()]);
            tokio::spawn(async move { store.commit(&changes).await.unwrap() })
        })
        .collect();
    let mut winners = 0;
    for task in tasks {
        match task.await.unwrap() {
            Commit::Done => winners += 1,
            lost => assert_eq!(lost, Commit::Lost(1)),
        }
    }
    assert_eq!(winners, 1, "{change:?}");
    assert_eq!(trail(s[0].as_ref()).await.len(), 1);
}

pub async fn a_totp_step(s: [SharedStore; 2]) {
    done(s[0].as_ref(), [add(1), bind(1, 1)]).await;
    one_wins(&s, step(1, 1, 101)).await;
}

pub async fn an_emergency_code(s: [SharedStore; 2]) {
    let account = account_id(1);
    let codes = vec![emergency_code(1), emergency_code(2)];
    let replace = Change::ReplaceEmergencyCodes { account, codes };
    done(s[0].as_ref(), [add(1), replace]).await;
    let code = authenticator_id(1);
    one_wins(&s, Change::SpendEmergencyCode { account, code }).await;
    assert_eq!(s[1].emergency_codes(account).await.unwrap().len(), 1);
}

pub async fn a_one_time_code(s: [SharedStore; 2]) {
    let account = account_id(1);
    let code = one_time_code(1);
    let issue = Change::IssueOneTimeCode { account, code };
    done(s[0].as_ref(), [add(1), issue]).await;
    let code = authenticator_id(1);
    one_wins(&s, Change::SpendOneTimeCode { account, code }).await;
}

pub async fn a_ticket(s: [SharedStore; 2]) {
    let issue = Change::IssueTicket {
        token: token(8),
        ticket: ticket(1),
    };
    done(s[0].as_ref(), [add(1), open(1, 1, 1), issue]).await;
    one_wins(&s, Change::RedeemTicket { token: token(8) }).await;
}

pub async fn an_attempt_s_version(s: [SharedStore; 2]) {
    done(s[0].as_ref(), [add(1), start(1, 1)]).await;
    one_wins(&s, advance(1, 0, b"next")).await;
    let moved = s[1].attempt(&token(1)).await.unwrap().unwrap();
    assert_eq!(moved.version, 1);
}

pub async fn a_name(s: [SharedStore; 2]) {
    one_wins(&s, add(1)).await;
}

pub async fn tries_never_outrun_the_throttle(s: [SharedStore; 2]) {
    let rules = [
        (bucket(Kind::Code, 1), RULE),
        (bucket(Kind::Network, 1), RULE),
    ];
    let tasks: Vec<_> = (0..AT_ONCE)
        .map(|i| {
            let store = s[i % 2].clone();
            tokio::spawn(async move { store.count_try(&rules, NOW).await.unwrap() })
        })
        .collect();
    let (mut admitted, mut last) = (0, 0);
    for task in tasks {
        if let Admission::Admitted { pause_if_wrong, .. } = task.await.unwrap() {
            admitted += 1;
            last += usize::from(pause_if_wrong.is_some());
        }
    }
    assert_eq!((admitted, last), (RULE.free, 1));
}

pub async fn wrong_codes_are_all_counted(s: [SharedStore; 2]) {
    let account = account_id(1);
    let code = one_time_code(1);
    let issue = Change::IssueOneTimeCode { account, code };
    done(s[0].as_ref(), [add(1), issue]).await;
    let tasks: Vec<_> = (0..AT_ONCE)
        .map(|i| {
            let store = s[i % 2].clone();
            let wrong = Change::CountWrongOneTimeCode { account };
            tokio::spawn(async move { store.commit(&[wrong]).await.unwrap() })
        })
        .collect();
    for task in tasks {
        assert_eq!(task.await.unwrap(), Commit::Done);
    }
    let open = s[0].one_time_code(account).await.unwrap().unwrap();
    assert_eq!(open.wrong as usize, AT_ONCE);
}

pub async fn notices_are_heard_by_the_other(s: [SharedStore; 2]) {
    let [one, other] = s;
    done(one.as_ref(), [add(1), open(1, 1, 1)]).await;
    let heard = other.last_notice().await.unwrap();
    let view = other.session(&token(1), NOW).await.unwrap();
    assert!(view.is_some());
    let session = session_id(1);
    done(one.as_ref(), [Change::EndSession { session }]).await;
    let (next, told) = other.notices(heard).await.unwrap();
    assert_eq!(told, [Notice::Session(session)]);
    assert!(next > heard);
    let view = other.session(&token(1), NOW).await.unwrap();
    assert!(view.is_none());
}

/// Who reads on from the last number misses none, in whichever order the writers are done.
pub async fn no_notice_is_passed_by(s: [SharedStore; 2]) {
    const WRITERS: u8 = 100;
    for n in 0..WRITERS {
        done(s[0].as_ref(), [add(n)]).await;
    }
    let mut after = s[1].last_notice().await.unwrap();
    let tasks: Vec<_> = (0..WRITERS)
        .map(|n| {
            let store = s[usize::from(n % 2)].clone();
            let audit = Change::Audit(record(Event::CodeAccepted, None, NOW));
            let mut changes = vec![audit; usize::from(n % 7)];
            let groups = Change::SetGroups {
                account: account_id(n),
                groups: [].into(),
            };
            changes.insert(0, groups);
            tokio::spawn(async move { store.commit(&changes).await.unwrap() })
        })
        .collect();
    let mut heard = Vec::new();
    loop {
        // what was done before the question is in the answer
        let all_done = tasks.iter().all(tokio::task::JoinHandle::is_finished);
        let (next, told) = s[1].notices(after).await.unwrap();
        after = next;
        heard.extend(told);
        if all_done {
            break;
        }
    }
    for task in tasks {
        assert_eq!(task.await.unwrap(), Commit::Done);
    }
    let told: std::collections::HashSet<String> =
        heard.iter().map(|notice| format!("{notice:?}")).collect();
    assert_eq!(told.len(), usize::from(WRITERS));
}

/// Processes that rotate the keys at the same time agree on one.
pub async fn one_signing_key_stays_in_use(s: [SharedStore; 2]) {
    let tasks: Vec<_> = (0..20)
        .map(|n| {
            let store = s[usize::from(n % 2)].clone();
            let rotate = [
                Change::AddSigningKey(signing_key(n, 0)),
                Change::RetireOtherKeys {
                    current: signing_key(n, 0).id,
                    published_until: later(100),
                },
            ];
            tokio::spawn(async move { store.commit(&rotate).await.unwrap() })
        })
        .collect();
    for task in tasks {
        assert_eq!(task.await.unwrap(), Commit::Done);
    }
    let keys = s[0].signing_keys(NOW).await.unwrap();
    assert_eq!(keys.len(), 20);
    let in_use = keys.iter().filter(|key| key.retired_until.is_none());
    assert_eq!(in_use.count(), 1);
}

/// One of two processes orders a certificate.
pub async fn an_order(s: [SharedStore; 2]) {
    let tasks: Vec<_> = (0..50)
        .map(|i| {
            let store = s[i % 2].clone();
            tokio::spawn(async move {
                let claim = claim("a.test", None, NOW);
                store.claim_order(&claim).await.unwrap().is_some()
            })
        })
        .collect();
    let mut winners = 0;
    for task in tasks {
        winners += u32::from(task.await.unwrap());
    }
    assert_eq!(winners, 1);
}
