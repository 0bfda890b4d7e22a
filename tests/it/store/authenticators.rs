use super::sample::*;
use vestibule::domain::reminder;
use vestibule::store::{Change, Store};

pub async fn a_step_is_spent_once_and_forwards(s: &dyn Store) {
    done(s, [add(1), add(2), bind(1, 7), bind(2, 8)]).await;
    for (n, at, wins) in [
        (7, 100, false),
        (7, 99, false),
        (7, 101, true),
        (7, 101, false),
        (7, 100, false),
        (7, 103, true),
        (7, 102, false),
        (8, 104, false),
    ] {
        if wins {
            done(s, [step(1, n, at)]).await;
        } else {
            lost(s, 0, [step(1, n, at)]).await;
        }
    }
    assert_eq!(get(s, 1).await.totp.unwrap().last_step, 103);
    assert_eq!(get(s, 2).await.totp.unwrap().last_step, 100);
    let absurd = s.commit(&[step(1, 7, u64::MAX)]).await;
    assert!(absurd.is_err(), "{absurd:?}");
    done(s, [step(1, 7, 104)]).await;
}

pub async fn binding_replaces_and_ends_the_snooze(s: &dyn Store) {
    let account = account_id(1);
    let reminder = reminder::Record {
        grace_started_at: Some(NOW),
        grace_ends_at: Some(later(9)),
        snoozed_until: Some(later(5)),
        exempt_until: None,
    };
    done(s, [add(1), Change::SetReminder { account, reminder }]).await;
    done(s, [bind(1, 7)]).await;
    let mut want = get(s, 1).await;
    assert_eq!(want.totp, Some(binding(7)));
    assert_eq!(want.reminder.snoozed_until, None);
    assert_eq!(want.reminder.grace_ends_at, Some(later(9)));
    done(s, [bind(1, 8)]).await;
    want.totp = Some(binding(8));
    assert_eq!(get(s, 1).await, want);
    lost(s, 0, [step(1, 7, 500)]).await;
}

pub async fn removing_takes_the_codes_along(s: &dyn Store) {
    for n in [1, 2] {
        let account = account_id(n);
        let codes = vec![emergency_code(n)];
        let code = one_time_code(n);
        done(
            s,
            [
                add(n),
                bind(n, n),
                Change::ReplaceEmergencyCodes { account, codes },
                Change::IssueOneTimeCode { account, code },
            ],
        )
        .await;
    }
    let account = account_id(1);
    done(s, [Change::RemoveSecondFactor { account }]).await;
    assert_eq!(get(s, 1).await.totp, None);
    assert_eq!(s.emergency_codes(account).await.unwrap(), []);
    assert_eq!(s.one_time_code(account).await.unwrap(), None);
    let other = account_id(2);
    assert_eq!(get(s, 2).await.totp, Some(binding(2)));
    assert_eq!(s.emergency_codes(other).await.unwrap().len(), 1);
    assert!(s.one_time_code(other).await.unwrap().is_some());
    lost(s, 0, [Change::ConfirmCodesStored { account }]).await;
}

pub async fn emergency_codes_go_one_by_one(s: &dyn Store) {
    let account = account_id(1);
    let replace = |codes: &[u8]| Change::ReplaceEmergencyCodes {
        account,
        codes: codes.iter().map(|n| emergency_code(*n)).collect(),
    };
    let spend = |account, n| Change::SpendEmergencyCode {
        account: account_id(account),
        code: authenticator_id(n),
    };
    done(s, [add(1), add(2), replace(&[1, 2, 3])]).await;
    lost(s, 0, [spend(2, 1)]).await;
    done(s, [spend(1, 2)]).await;
    lost(s, 0, [spend(1, 2)]).await;
    let left = s.emergency_codes(account).await.unwrap();
    assert_eq!(left, [emergency_code(1), emergency_code(3)]);
    done(s, [replace(&[4])]).await;
    lost(s, 0, [spend(1, 1)]).await;
    done(s, [spend(1, 4)]).await;
    assert_eq!(s.emergency_codes(account).await.unwrap(), []);
}

pub async fn one_time_code_is_one_and_wears_out(s: &dyn Store) {
    let account = account_id(1);
    let issue = |n| Change::IssueOneTimeCode {
        account,
        code: one_time_code(n),
    };
    let spend = |n| Change::SpendOneTimeCode {
        account,
        code: authenticator_id(n),
    };
    let wrong = Change::CountWrongOneTimeCode { account };
    done(s, [add(1), wrong.clone(), issue(1), issue(2)]).await;
    lost(s, 0, [spend(1)]).await;
    for _ in 0..4 {
        done(s, [wrong.clone()]).await;
    }
    let open = s.one_time_code(account).await.unwrap().unwrap();
    assert_eq!((open.id, open.wrong), (authenticator_id(2), 4));
    done(s, [spend(2)]).await;
    lost(s, 0, [spend(2)]).await;
    assert_eq!(s.one_time_code(account).await.unwrap(), None);

    done(s, [issue(3)]).await;
    for _ in 0..5 {
        done(s, [wrong.clone()]).await;
    }
    lost(s, 0, [spend(3)]).await;
    done(s, [issue(4)]).await;
    let fresh = s.one_time_code(account).await.unwrap();
    assert_eq!(fresh, Some(one_time_code(4)));
}

pub async fn codes_are_confirmed(s: &dyn Store) {
    let account = account_id(1);
    done(s, [add(1), bind(1, 1)]).await;
    done(s, [Change::ConfirmCodesStored { account }]).await;
    assert!(!get(s, 1).await.totp.unwrap().codes_unconfirmed);
    // of new ones nobody has said so yet
    let codes = vec![emergency_code(1)];
    done(s, [Change::ReplaceEmergencyCodes { account, codes }]).await;
    assert!(get(s, 1).await.totp.unwrap().codes_unconfirmed);
}

pub async fn the_first_authenticator_is_the_first(s: &dyn Store) {
    done(s, [add(1), bind_first(1, 1)]).await;
    lost(s, 0, [bind_first(1, 2)]).await;
    let bound = s.account(account_id(1)).await.unwrap().unwrap();
    assert_eq!(bound.totp.unwrap().id, authenticator_id(1));
    done(s, [bind(1, 3)]).await;
}
