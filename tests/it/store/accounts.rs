use super::sample::*;
use std::sync::Arc;
use vestibule::domain::account::{Attributes, History, PasswordHash, Status};
use vestibule::domain::reminder;
use vestibule::store::{Census, Change, Store};

pub async fn adding_and_finding(s: &dyn Store) {
    let mut full = account(1);
    full.totp = Some(binding(7));
    full.reminder = reminder::Record {
        grace_started_at: Some(NOW),
        grace_ends_at: Some(later(5)),
        snoozed_until: Some(later(3)),
        exempt_until: Some(later(77)),
    };
    full.history = History {
        password_changed_at: Some(later(1)),
        initial_password_until: Some(later(2)),
        contact_changed_at: Some(later(3)),
        last_sign_in_at: Some(later(4)),
        delete_at: Some(later(5)),
    };
    let mut bare = account(2);
    bare.email = None;
    bare.language = None;
    bare.password = None;
    bare.groups = Arc::default();
    bare.attributes = Attributes::default();
    bare.status = Status::Disabled;
    done(
        s,
        [
            Change::AddAccount(Box::new(full.clone())),
            Change::AddAccount(Box::new(bare.clone())),
        ],
    )
    .await;
    for (name, want) in [
        ("user1", Some(&full)),
        ("USER1 ", Some(&full)),
        ("user1@example.com", Some(&full)),
        ("user2", Some(&bare)),
        ("user3", None),
        ("user2@example.com", None),
        ("user_", None),
    ] {
        let found = s.account_by_name(&key(name)).await.unwrap();
        assert_eq!(found.as_ref(), want, "{name}");
    }
    assert_eq!(s.account(full.id).await.unwrap(), Some(full));
    assert_eq!(s.account(account_id(9)).await.unwrap(), None);
}

pub async fn a_name_belongs_to_one_account(s: &dyn Store) {
    done(s, [add(1)]).await;
    lost(s, 0, [add(1)]).await;
    let named = |n: u8, login: &str, email: Option<&str>| {
        let mut other = account(n);
        other.login = login.to_owned();
        other.email = email.map(str::to_owned);
        [Change::AddAccount(Box::new(other))]
    };
    for (login, email) in [
        ("User1", None),
        (" uSER1", None),
        ("ｕｓｅｒ１", None),
        ("user1@EXAMPLE.com", None),
        ("somebody", Some("user1@example.com")),
        ("somebody", Some("USER1")),
    ] {
        lost(s, 0, named(2, login, email)).await;
    }
    assert_eq!(s.account_by_name(&key("somebody")).await.unwrap(), None);
    assert_eq!(s.account(account_id(2)).await.unwrap(), None);
    done(s, named(2, "two@example.com", Some("Two@example.com"))).await;
    let nameless = s.commit(&named(3, " \u{0} ", None)).await;
    assert!(
        nameless.is_err(),
        "an account nobody could find: {nameless:?}"
    );
}

pub async fn paging_by_login(s: &dyn Store) {
    for n in [3, 1, 2, 4] {
        done(s, [add(n)]).await;
    }
    let page = async |after: Option<&str>, limit| {
        let page = s.accounts(after, limit).await.unwrap();
        assert!(page.iter().all(|a| a.groups.len() == 2));
        page.into_iter().map(|a| a.login).collect::<Vec<_>>()
    };
    assert_eq!(page(None, 3).await, ["User1", "User2", "User3"]);
    assert_eq!(page(Some("User3"), 3).await, ["User4"]);
    assert_eq!(page(Some("User4"), 3).await, [""; 0]);
    assert_eq!(page(None, 0).await, [""; 0]);
}

pub async fn changing_each_part(s: &dyn Store) {
    done(s, [add(1), add(2)]).await;
    let untouched = get(s, 2).await;
    let mut want = get(s, 1).await;
    let id = account_id(1);

    want.status = Status::Disabled;
    let status = want.status;
    done(
        s,
        [Change::SetStatus {
            account: id,
            status,
        }],
    )
    .await;
    assert_eq!(get(s, 1).await, want);

    let password = PasswordHash::from_encoded("$argon2id$y".to_owned());
    want.password = Some(password.clone());
    want.history.password_changed_at = Some(NOW);
    done(
        s,
        [Change::SetPassword {
            account: id,
            password,
            at: NOW,
            initial_until: None,
        }],
    )
    .await;
    assert_eq!(get(s, 1).await, want);

    for groups in [vec!["finance", "staff"], vec![]] {
        want.groups = Arc::new(groups.into_iter().map(String::from).collect());
        let groups = (*want.groups).clone();
        done(
            s,
            [Change::SetGroups {
                account: id,
                groups,
            }],
        )
        .await;
        assert_eq!(get(s, 1).await, want);
    }

    want.reminder.grace_started_at = Some(NOW);
    want.reminder.grace_ends_at = Some(later(10));
    let reminder = want.reminder;
    done(
        s,
        [Change::SetReminder {
            account: id,
            reminder,
        }],
    )
    .await;
    assert_eq!(get(s, 1).await, want);
    assert_eq!(get(s, 2).await, untouched);
}

pub async fn nobody_is_changed_who_is_not_there(s: &dyn Store) {
    let account = account_id(1);
    for change in [
        Change::SetStatus {
            account,
            status: Status::Active,
        },
        Change::SetPassword {
            account,
            password: PasswordHash::from_encoded(String::new()),
            at: NOW,
            initial_until: None,
        },
        Change::SetGroups {
            account,
            groups: [].into(),
        },
        Change::SetReminder {
            account,
            reminder: reminder::Record::default(),
        },
        bind(1, 1),
        Change::RemoveSecondFactor { account },
        Change::ConfirmCodesStored { account },
    ] {
        lost(s, 0, [change]).await;
    }
    assert_eq!(s.last_notice().await.unwrap(), 0);
}

pub async fn counting_them(s: &dyn Store) {
    done(s, [add(1), add(2), add(3), bind(1, 1)]).await;
    done(
        s,
        [Change::SetStatus {
            account: account_id(3),
            status: Status::Disabled,
        }],
    )
    .await;
    let mut short = session(3);
    short.expires_at = later(10);
    let short = opening(short, account_id(2), token(3));
    done(s, [open(1, 1, 1), open(2, 1, 2), short]).await;
    let want = Census {
        accounts: 3,
        active_accounts: 2,
        with_second_factor: 1,
        sessions: 2,
    };
    assert_eq!(s.census(later(10)).await.unwrap(), want);
}

pub async fn an_account_is_as_expected_or_not(s: &dyn Store) {
    done(s, [add(1)]).await;
    let read = account(1);
    let expect = |password: &Option<PasswordHash>, authenticator| Change::ExpectAccount {
        account: account_id(1),
        password: password.clone(),
        authenticator,
    };
    let app = read.totp.as_ref().map(|t| t.id);
    done(s, [expect(&read.password, app)]).await;
    let other = Some(PasswordHash::from_encoded("other".into()));
    lost(s, 0, [expect(&other, app)]).await;
    lost(s, 0, [expect(&None, app)]).await;
    done(s, [bind(1, 9)]).await;
    lost(s, 0, [expect(&read.password, app)]).await;
    let now = s.account(account_id(1)).await.unwrap().unwrap();
    let bound = now.totp.as_ref().map(|t| t.id);
    done(s, [expect(&read.password, bound)]).await;
    let disabled = Change::SetStatus {
        account: account_id(1),
        status: Status::Disabled,
    };
    done(s, [disabled]).await;
    lost(s, 0, [expect(&read.password, bound)]).await;
}
