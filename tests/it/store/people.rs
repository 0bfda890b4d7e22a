//! Devices, mail, links, the console's requests, tokens, figures.

use super::sample::*;
use std::time::Duration;
use uuid::Uuid;
use vestibule::domain::account::Status;
use vestibule::domain::adoption::{Figures, Snapshot};
use vestibule::domain::api_token::{ApiToken, Scope};
use vestibule::domain::audit::{Actor, Event};
use vestibule::domain::desk::{Act, Approval, IdentityCheck};
use vestibule::domain::device::{Device, MOST};
use vestibule::domain::id::{ApiTokenId, ApprovalId, DeviceId, MailId};
use vestibule::domain::throttle::{Admission, Bucket, Exhaustion, Kind, Rule};
use vestibule::domain::timestamp::Timestamp;
use vestibule::store::{AuditFilter, Change, Link, LinkPurpose, QueuedMail, Store};

fn device(n: u8, account: u8, used: Timestamp) -> Device {
    Device {
        id: DeviceId::from_uuid(Uuid::from_u128(0xd000 + u128::from(n))),
        account: account_id(account),
        known_since: NOW,
        last_used_at: used,
        trusted_until: Some(later(1000)),
        address: Some("192.0.2.1".to_owned()),
        user_agent: None,
    }
}

pub(super) fn add_device(n: u8, account: u8, used: Timestamp, t: u8) -> Change {
    Change::AddDevice {
        device: Box::new(device(n, account, used)),
        token: token(t),
    }
}

pub async fn devices_belong_to_one_account(s: &dyn Store) {
    done(s, [add(1), add(2), add_device(1, 1, NOW, 1)]).await;
    let found = s.device(account_id(1), &token(1)).await.unwrap();
    assert_eq!(found, Some(device(1, 1, NOW)));
    assert_eq!(s.device(account_id(2), &token(1)).await.unwrap(), None);
    assert_eq!(s.device(account_id(1), &token(2)).await.unwrap(), None);
    // neither a token nor an id is taken twice, whoever's it is
    lost(s, 0, [add_device(2, 2, NOW, 1)]).await;
    lost(s, 0, [add_device(1, 2, NOW, 2)]).await;
    // another account's device is not removed
    let remove = |account| Change::RemoveDevice {
        account: account_id(account),
        device: device(1, 1, NOW).id,
    };
    done(s, [remove(2)]).await;
    assert!(s.device(account_id(1), &token(1)).await.unwrap().is_some());
    done(s, [remove(1)]).await;
    assert_eq!(s.device(account_id(1), &token(1)).await.unwrap(), None);
}

pub async fn the_device_used_longest_ago_makes_room(s: &dyn Store) {
    done(s, [add(1), add(2), add_device(200, 2, NOW, 200)]).await;
    let most = u8::try_from(MOST).unwrap();
    for n in 0..most {
        done(s, [add_device(n, 1, later(u64::from(n)), n)]).await;
    }
    let first = device(0, 1, NOW).id;
    let use_first = Change::UseDevice {
        device: first,
        at: later(500),
    };
    done(s, [use_first, add_device(100, 1, later(600), 100)]).await;
    let kept: Vec<DeviceId> = s
        .devices_of(account_id(1))
        .await
        .unwrap()
        .iter()
        .map(|d| d.id)
        .collect();
    assert_eq!(kept.len(), usize::from(most));
    assert_eq!(
        kept[..2],
        [device(100, 1, NOW).id, first],
        "used last first"
    );
    assert!(!kept.contains(&device(1, 1, NOW).id));
    assert_eq!(s.devices_of(account_id(2)).await.unwrap().len(), 1);
}

pub async fn a_session_loses_its_trust_with_the_device(s: &dyn Store) {
    let trusting = |n: u8, of: u8| {
        let mut session = session(n);
        session.trusted_device = Some(Box::new(device(of, 1, NOW).id));
        opening(session, account_id(1), token(n))
    };
    let devices = [
        add(1),
        add_device(1, 1, NOW, 101),
        add_device(2, 1, NOW, 102),
    ];
    done(s, devices).await;
    done(s, [trusting(1, 1), trusting(2, 2)]).await;
    let trusted = async |t| {
        let view = s.session(&token(t), NOW).await.unwrap().unwrap();
        view.session.trusted_device.is_some()
    };
    assert!(trusted(1).await && trusted(2).await);
    let account = account_id(1);
    let before = s.last_notice().await.unwrap();
    let one = Change::RemoveDevice {
        account,
        device: device(1, 1, NOW).id,
    };
    done(s, [one]).await;
    assert!(!trusted(1).await && trusted(2).await);
    assert!(!s.notices(before).await.unwrap().1.is_empty());
    done(s, [Change::UntrustDevicesOf { account }]).await;
    assert!(!trusted(2).await);
    let left = s.devices_of(account).await.unwrap();
    assert_eq!(left.len(), 1);
    assert!(!left[0].is_trusted(NOW));
    done(s, [Change::RemoveDevicesOf { account }]).await;
    assert_eq!(s.devices_of(account).await.unwrap(), []);
    assert!(s.session(&token(2), NOW).await.unwrap().is_some());
}

pub(super) fn mail(n: u8, account: Option<u8>, queued_at: Timestamp) -> QueuedMail {
    QueuedMail {
        id: MailId::from_uuid(Uuid::from_u128(0xe000 + u128::from(n))),
        account: account.map(account_id),
        sealed: vec![n, 0, 255],
        queued_at,
    }
}

pub async fn mail_is_claimed_by_one_until_the_lease_runs_out(s: &dyn Store) {
    let queue = |n, at| Change::QueueMail(mail(n, Some(1), at));
    done(
        s,
        [
            add(1),
            queue(1, NOW),
            queue(2, later(1)),
            queue(3, later(9)),
        ],
    )
    .await;
    let claim = async |at, lease, limit| s.claim_mail(at, lease, limit).await.unwrap();
    let first = claim(later(1), later(100), 1).await;
    assert_eq!(first.len(), 1);
    assert_eq!(
        (&first[0].mail, first[0].tries),
        (&mail(1, Some(1), NOW), 1)
    );
    let rest = claim(later(1), later(50), 9).await;
    assert_eq!(rest.len(), 1, "the third is not due yet");
    assert_eq!(claim(later(8), later(60), 9).await, []);
    // the second was taken by the server, the first one's sender died
    let sent = Change::MailSent {
        mail: rest[0].mail.id,
    };
    done(s, [sent.clone(), sent]).await;
    assert_eq!(s.outbox().await.unwrap().waiting, 2);
    let again = claim(later(100), later(200), 9).await;
    let tries: Vec<u32> = again.iter().map(|c| c.tries).collect();
    assert_eq!(tries, [2, 1]);
    let defer = Change::MailDeferred {
        mail: again[0].mail.id,
        due_at: later(500),
    };
    let give_up = Change::MailGivenUp {
        mail: again[1].mail.id,
    };
    done(s, [defer, give_up]).await;
    let outbox = s.outbox().await.unwrap();
    assert_eq!((outbox.waiting, outbox.oldest_queued_at), (1, Some(NOW)));
    assert_eq!(claim(later(499), later(600), 9).await, []);
    assert_eq!(claim(later(500), later(600), 9).await.len(), 1);
}

pub async fn links_are_one_of_a_purpose_and_spent_once(s: &dyn Store) {
    let link = |account, purpose| Link {
        account: account_id(account),
        purpose,
        expires_at: later(1800),
    };
    let issue = |t, account, purpose| Change::IssueLink {
        token: token(t),
        link: link(account, purpose),
    };
    let (reset, invitation) = (LinkPurpose::Reset, LinkPurpose::Invitation);
    done(
        s,
        [add(1), add(2), issue(1, 1, reset), issue(2, 1, invitation)],
    )
    .await;
    done(s, [issue(3, 2, reset), issue(4, 1, reset)]).await;
    assert_eq!(
        s.link(&token(1)).await.unwrap(),
        None,
        "a newer one replaced it"
    );
    assert_eq!(s.link(&token(2)).await.unwrap(), Some(link(1, invitation)));
    assert_eq!(s.link(&token(3)).await.unwrap(), Some(link(2, reset)));
    let spend = |t| [Change::SpendLink { token: token(t) }];
    done(s, spend(4)).await;
    lost(s, 0, spend(4)).await;
    let account = account_id(1);
    done(s, [Change::DropLinksOf { account }]).await;
    lost(s, 0, spend(2)).await;
    s.sweep(later(1800)).await.unwrap();
    lost(s, 0, spend(3)).await;
}

pub async fn marks_are_made_once(s: &dyn Store) {
    let mark = |account, mark: &str| Change::Mark {
        account: account_id(account),
        mark: mark.to_owned(),
        at: NOW,
    };
    done(
        s,
        [add(1), add(2), mark(1, "remind:14"), mark(2, "remind:14")],
    )
    .await;
    lost(s, 1, [mark(1, "remind:7"), mark(1, "remind:14")]).await;
    assert!(s.has_mark(account_id(1), "remind:14").await.unwrap());
    assert!(!s.has_mark(account_id(1), "remind:7").await.unwrap());
}

pub(super) fn approval(n: u8, act: Act, target: u8) -> Approval {
    Approval {
        id: ApprovalId::from_uuid(Uuid::from_u128(0xf000 + u128::from(n))),
        act,
        target: account_id(target),
        requested_by: account_id(9),
        requested_at: NOW,
        expires_at: later(1800),
        case: "4711 'x'".to_owned(),
        check: Some(IdentityCheck::Manager),
        details: "{}".to_owned(),
    }
}

pub async fn approvals_are_settled_once(s: &dyn Store) {
    let ask = |n, act, target| Change::RequestApproval(approval(n, act, target));
    let reset = Act::ResetAuthenticator;
    done(
        s,
        [
            add(1),
            add(2),
            add(9),
            ask(1, reset, 1),
            ask(2, Act::Unlock, 1),
        ],
    )
    .await;
    done(s, [ask(3, reset, 2), ask(4, reset, 1)]).await;
    let waiting = s.approvals(NOW).await.unwrap();
    let expected = [(2, Act::Unlock, 1), (3, reset, 2), (4, reset, 1)];
    assert_eq!(
        waiting,
        expected.map(|(n, act, target)| approval(n, act, target))
    );
    let settle = |n| {
        let approval = approval(n, reset, 1).id;
        [Change::SettleApproval { approval }]
    };
    lost(s, 0, settle(1)).await;
    done(s, settle(4)).await;
    lost(s, 0, settle(4)).await;
    assert_eq!(
        s.approvals(later(1800)).await.unwrap(),
        [],
        "they have lapsed"
    );
}

pub async fn api_tokens_are_found_by_their_hash(s: &dyn Store) {
    let id = ApiTokenId::from_uuid(Uuid::from_u128(7));
    let mut record = ApiToken {
        id,
        name: "Inventory".to_owned(),
        scopes: Scope::ALL.into(),
        created_at: NOW,
        expires_at: later(60),
        last_used_at: None,
    };
    let add = |n: u128, t, name: &str| Change::AddApiToken {
        token: token(t),
        record: Box::new(ApiToken {
            id: ApiTokenId::from_uuid(Uuid::from_u128(n)),
            name: name.to_owned(),
            ..record.clone()
        }),
    };
    done(s, [add(7, 1, "Inventory")]).await;
    lost(s, 0, [add(8, 2, "Inventory")]).await;
    lost(s, 0, [add(8, 1, "Other")]).await;
    assert_eq!(s.api_token(&token(1)).await.unwrap(), Some(record.clone()));
    assert_eq!(s.api_token(&token(2)).await.unwrap(), None);
    let used = Change::UseApiToken {
        token: id,
        at: later(5),
    };
    done(s, [used]).await;
    record.last_used_at = Some(later(5));
    assert_eq!(s.api_tokens().await.unwrap(), [record]);
    let revoke = [Change::RevokeApiToken { token: id }];
    done(s, revoke.clone()).await;
    lost(s, 0, revoke).await;
    assert_eq!(s.api_token(&token(1)).await.unwrap(), None);
}

pub async fn adoption_has_one_row_a_day_and_group(s: &dyn Store) {
    let snapshot = |day, group: Option<&str>, on| Snapshot {
        day,
        group: group.map(str::to_owned),
        figures: Figures {
            on,
            reminding: 2,
            overdue: 3,
            exempt: 4,
        },
    };
    let all = |n| vec![snapshot(n, None, 1), snapshot(n, Some("staff"), 1)];
    done(
        s,
        [
            Change::RecordAdoption(all(10)),
            Change::RecordAdoption(all(11)),
        ],
    )
    .await;
    let later_that_day = vec![snapshot(11, None, 5)];
    done(s, [Change::RecordAdoption(later_that_day)]).await;
    let kept = async |day, group| s.adoption(day, group).await.unwrap();
    assert_eq!(kept(11, None).await, [snapshot(11, None, 5)]);
    let staff = [10, 11].map(|day| snapshot(day, Some("staff"), 1));
    assert_eq!(kept(0, Some("staff")).await, staff);
    assert_eq!(kept(0, None).await.len(), 2);
}

pub async fn people_are_found_by_a_part_of_a_name(s: &dyn Store) {
    let mut odd = account(3);
    odd.login = "100%_sure".to_owned();
    odd.email = None;
    odd.name = "Åsa Öberg".to_owned();
    done(s, [add(1), add(2), Change::AddAccount(Box::new(odd))]).await;
    let found = async |text: &str| {
        let accounts = s.search_accounts(text, 50).await.unwrap();
        accounts.into_iter().map(|a| a.login).collect::<Vec<_>>()
    };
    assert_eq!(found("user").await, ["User1", "User2"]);
    assert_eq!(found(" USER2@example ").await, ["User2"]);
    assert_eq!(found("mann №1").await, ["User1"]);
    assert_eq!(
        found("0%_s").await,
        ["100%_sure"],
        "signs of patterns are letters"
    );
    assert_eq!(found("%").await, ["100%_sure"]);
    for spelling in ["Åsa", "åsa öberg", "ÖBERG", "A\u{30a}sa"] {
        assert_eq!(found(spelling).await, ["100%_sure"], "{spelling}");
    }
    assert_eq!(found(&account_id(2).to_string()).await, ["User2"]);
    assert_eq!(found("nobody").await, Vec::<String>::new());
    assert_eq!(s.search_accounts("user", 1).await.unwrap().len(), 1);
}

pub async fn contact_changes_and_keeps_names_apart(s: &dyn Store) {
    let contact = |email: Option<&str>| Change::SetContact {
        account: account_id(1),
        email: email.map(str::to_owned),
        name: "New Name".to_owned(),
        language: None,
        at: later(5),
    };
    done(s, [add(1), add(2)]).await;
    lost(s, 0, [contact(Some("user2@EXAMPLE.com"))]).await;
    done(s, [contact(Some("new@example.com"))]).await;
    let by = async |name: &str| {
        let found = s.account_by_name(&key(name)).await.unwrap();
        found.map(|account| account.id)
    };
    assert_eq!(by("user1@example.com").await, None);
    assert_eq!(by("NEW@example.com").await, Some(account_id(1)));
    assert_eq!(by("user1").await, Some(account_id(1)));
    let changed = get(s, 1).await;
    assert_eq!(changed.history.contact_changed_at, Some(later(5)));
    assert_eq!(changed.name, "New Name");
}

pub async fn an_exemption_is_not_lost_to_a_snooze(s: &dyn Store) {
    let account = account_id(1);
    done(s, [add(1)]).await;
    // read before the exemption was given, written after it
    let mut reminder = get(s, 1).await.reminder;
    let until = Some(later(77));
    done(s, [Change::Exempt { account, until }]).await;
    reminder.snoozed_until = Some(later(5));
    done(s, [Change::SetReminder { account, reminder }]).await;
    let stored = get(s, 1).await.reminder;
    assert_eq!(
        (stored.snoozed_until, stored.exempt_until),
        (Some(later(5)), until)
    );
    done(
        s,
        [Change::Exempt {
            account,
            until: None,
        }],
    )
    .await;
    assert_eq!(get(s, 1).await.reminder.exempt_until, None);
}

pub async fn deletion_waits_for_its_day(s: &dyn Store) {
    let account = account_id(1);
    let plan = |at| [Change::PlanDeletion { account, at }];
    let delete = |due| [Change::DeleteAccount { account, due }];
    done(s, [add(1), add(2), open(1, 1, 1)]).await;
    lost(s, 0, delete(later(9_999))).await;
    done(s, plan(Some(later(100)))).await;
    assert_eq!(get(s, 1).await.status, Status::Disabled);
    assert_eq!(s.deletions_due(later(99), 9).await.unwrap().len(), 0);
    assert_eq!(s.deletions_due(later(100), 9).await.unwrap().len(), 1);
    lost(s, 0, delete(later(99))).await;
    // thought better of
    done(s, plan(None)).await;
    lost(s, 0, delete(later(100))).await;
    done(s, plan(Some(later(100)))).await;
    // let in again: whoever may sign in is not deleted
    let status = |status| [Change::SetStatus { account, status }];
    done(s, status(Status::Active)).await;
    assert_eq!(s.deletions_due(later(100), 9).await.unwrap().len(), 0);
    lost(s, 0, delete(later(100))).await;
    done(s, status(Status::Disabled)).await;
    done(s, delete(later(100))).await;
    assert_eq!(s.account(account).await.unwrap(), None);
    assert!(s.session(&token(1), NOW).await.unwrap().is_none());
    assert_eq!(s.account_by_name(&key("user1")).await.unwrap(), None);
}

pub async fn an_initial_password_has_an_end(s: &dyn Store) {
    let set = |initial_until| Change::SetPassword {
        account: account_id(1),
        password: account(1).password.unwrap(),
        at: later(3),
        initial_until,
    };
    done(s, [add(1), set(Some(later(60)))]).await;
    let history = get(s, 1).await.history;
    assert_eq!(history.initial_password_until, Some(later(60)));
    assert_eq!(history.password_changed_at, Some(later(3)));
    let rehash = Change::RehashPassword {
        account: account_id(1),
        password: account(2).password.unwrap(),
    };
    done(s, [rehash]).await;
    assert_eq!(get(s, 1).await.history, history, "the same password still");
    done(s, [set(None)]).await;
    assert_eq!(get(s, 1).await.history.initial_password_until, None);
}

pub async fn the_trail_is_narrowed(s: &dyn Store) {
    let mut by_agent = record(Event::DeskLooked, Some(1), later(5));
    by_agent.actor = Actor::Agent(account_id(9));
    let mut by_token = record(Event::AccountCreated, Some(2), later(6));
    by_token.actor = Actor::Token(ApiTokenId::from_uuid(Uuid::from_u128(3)));
    let all = [
        record(Event::SignedIn, Some(1), later(1)),
        by_agent.clone(),
        by_token.clone(),
    ];
    done(s, all.clone().map(Change::Audit)).await;
    let found = async |filter: AuditFilter| {
        let filter = AuditFilter { limit: 9, ..filter };
        s.audit(&filter).await.unwrap()
    };
    let everything = found(AuditFilter::default()).await;
    assert_eq!(everything.len(), 3);
    assert!(
        everything
            .windows(2)
            .all(|pair| pair[0].number > pair[1].number)
    );
    let one = async |filter| match found(filter).await.as_slice() {
        [one] => one.record.clone(),
        other => panic!("{other:?}"),
    };
    let none = AuditFilter::default;
    let actor = Some(by_agent.actor.clone());
    assert_eq!(one(AuditFilter { actor, ..none() }).await, by_agent);
    let events = vec![Event::AccountCreated];
    assert_eq!(one(AuditFilter { events, ..none() }).await, by_token);
    let events = vec![Event::AccountCreated, Event::KeyRotated];
    assert_eq!(one(AuditFilter { events, ..none() }).await, by_token);
    let since = Some(later(6));
    assert_eq!(one(AuditFilter { since, ..none() }).await, by_token);
    let until = Some(later(5));
    assert_eq!(one(AuditFilter { until, ..none() }).await, all[0]);
    let before = Some(everything[1].number);
    assert_eq!(one(AuditFilter { before, ..none() }).await, all[0]);
    let narrow = AuditFilter {
        account: Some(account_id(1)),
        events: vec![Event::DeskLooked],
        since: Some(NOW),
        until: Some(later(60)),
        ..none()
    };
    assert_eq!(one(narrow).await, by_agent);
}

pub async fn failures_in_a_row_outlast_pauses_and_days(s: &dyn Store) {
    let day = Duration::from_secs(86_400);
    let rule = Rule {
        free: 2,
        then: 2,
        first_pause: Duration::from_secs(1),
        longest_pause: Duration::from_secs(1),
        forget_after: Duration::from_secs(10),
        exhausted_after: Some(4),
    };
    let bucket = Bucket::new(Kind::Password, b"somebody");
    let counted = async |days: u32| {
        let at = NOW.plus(day * days);
        s.sweep(at).await.unwrap();
        match s.count_try(&[(bucket, rule)], at).await.unwrap() {
            Admission::Admitted { exhaustion, .. } => exhaustion,
            Admission::Paused { .. } => panic!("a day is longer than a pause"),
        }
    };
    assert_eq!(counted(0).await, Exhaustion::No);
    assert_eq!(counted(1).await, Exhaustion::No);
    assert_eq!(counted(2).await, Exhaustion::No);
    // given back: it was never looked at
    done(s, [Change::ForgiveOne(bucket)]).await;
    assert_eq!(counted(3).await, Exhaustion::No);
    assert_eq!(counted(4).await, Exhaustion::IfWrong);
    assert_eq!(counted(5).await, Exhaustion::Yes);
    assert_eq!(s.counter(&bucket).await.unwrap().failures, 5);
    done(s, [Change::ForgiveAll(bucket)]).await;
    assert_eq!(counted(6).await, Exhaustion::No);
}
