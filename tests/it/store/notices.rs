use super::sample::*;
use vestibule::domain::account::{PasswordHash, Status};
use vestibule::domain::assurance::{Factors, SecondFactor};
use vestibule::domain::audit::Event;
use vestibule::domain::reminder;
use vestibule::store::{Change, Notice, Store};

pub async fn each_change_tells(s: &dyn Store) {
    let account = account_id(1);
    let about = Notice::Account(account);
    let ended = Notice::Session(session_id(1));
    let mut raised = session(1);
    raised.factors = Factors::with(SecondFactor::Totp);
    let raise = Change::RaiseSession {
        account,
        session: Box::new(raised),
        token: token(2),
    };
    let end_one = Change::EndSession {
        session: session_id(1),
    };
    let end_all = Change::EndSessionsOf {
        account,
        except: None,
    };
    let set_status = Change::SetStatus {
        account,
        status: Status::Active,
    };
    let set_password = Change::SetPassword {
        account,
        password: PasswordHash::from_encoded(String::new()),
        at: NOW,
        initial_until: None,
    };
    let set_groups = Change::SetGroups {
        account,
        groups: [].into(),
    };
    let set_reminder = Change::SetReminder {
        account,
        reminder: reminder::Record::default(),
    };
    let replace = Change::ReplaceEmergencyCodes {
        account,
        codes: vec![],
    };
    let audit = Change::Audit(record(Event::SignedIn, Some(1), NOW));
    for (change, want) in [
        (add(1), None),
        (open(1, 1, 1), None),
        (child(1, 3), None),
        (start(1, 1), None),
        (audit, None),
        (set_status, Some(&about)),
        (set_password, Some(&about)),
        (set_groups, Some(&about)),
        (set_reminder, Some(&about)),
        (bind(1, 1), Some(&about)),
        (step(1, 1, 200), None),
        (replace, Some(&about)),
        (Change::ConfirmCodesStored { account }, Some(&about)),
        (Change::RemoveSecondFactor { account }, Some(&about)),
        (raise, Some(&ended)),
        (end_one.clone(), Some(&ended)),
        (end_one, None),
        (open(2, 1, 4), None),
        (end_all.clone(), Some(&about)),
        (end_all, None),
    ] {
        let before = s.last_notice().await.unwrap();
        done(s, [change.clone()]).await;
        let (next, told) = s.notices(before).await.unwrap();
        assert_eq!(told, Vec::from_iter(want.cloned()), "{change:?}");
        assert_eq!(next, s.last_notice().await.unwrap());
        assert_eq!(s.notices(next).await.unwrap(), (next, vec![]));
    }
    let (_, all) = s.notices(0).await.unwrap();
    assert_eq!(all.len(), 11);
}

pub async fn keys_rotate_and_tell(s: &dyn Store) {
    let ids = async |at| {
        let keys = s.signing_keys(at).await.unwrap();
        keys.into_iter().map(|k| k.id).collect::<Vec<_>>()
    };
    let retire = |current: &str, until| Change::RetireOtherKeys {
        current: current.to_owned(),
        published_until: later(until),
    };
    done(s, [Change::AddSigningKey(signing_key(1, 20))]).await;
    lost(s, 0, [Change::AddSigningKey(signing_key(1, 0))]).await;
    lost(s, 0, [retire("key9", 100)]).await;
    done(
        s,
        [
            Change::AddSigningKey(signing_key(2, 10)),
            retire("key2", 100),
        ],
    )
    .await;
    done(
        s,
        [
            Change::AddSigningKey(signing_key(3, 0)),
            retire("key3", 200),
        ],
    )
    .await;
    lost(s, 0, [retire("key1", 300)]).await;
    assert_eq!(ids(later(99)).await, ["key3", "key2", "key1"]);
    assert_eq!(ids(later(100)).await, ["key3", "key2"]);
    assert_eq!(ids(later(200)).await, ["key3"]);
    let keys = s.signing_keys(NOW).await.unwrap();
    assert_eq!(keys[0], signing_key(3, 0));
    let (_, told) = s.notices(0).await.unwrap();
    assert_eq!(told, vec![Notice::Keys; 5]);
}
