use super::sample::*;
use vestibule::domain::assurance::{Factors, SecondFactor};
use vestibule::domain::session::{self, Beginning};
use vestibule::domain::subject::Subject;
use vestibule::domain::timestamp::Timestamp;
use vestibule::store::{Change, Store};

async fn alive(s: &dyn Store, t: u8, at: Timestamp) -> bool {
    s.session(&token(t), at).await.unwrap().is_some()
}

pub async fn opening_and_seeing(s: &dyn Store) {
    let mut raised = session(2);
    raised.factors = Factors::with(SecondFactor::EmergencyCode);
    raised.second_factor_at = Some(NOW);
    let unknown = session::Record {
        account: account_id(1),
        session: raised.clone(),
        begun: Beginning::default(),
    };
    let second = Change::OpenSession {
        record: Box::new(unknown.clone()),
        token: token(2),
    };
    done(s, [add(1), add(2), open(1, 1, 1), second, child(1, 3)]).await;
    for (t, want, host) in [
        (1, session(1), None),
        (2, raised, None),
        (3, session(1), Some("wiki.example.com")),
    ] {
        let view = s.session(&token(t), NOW).await.unwrap().unwrap();
        assert_eq!(view.session, want);
        assert_eq!(*view.subject, Subject::of(&signed_in(1)));
        assert_eq!(view.host.as_ref().map(|h| h.as_str()), host);
    }
    assert!(!alive(s, 4, NOW).await);
    let known = session::Record {
        account: account_id(1),
        session: session(1),
        begun: begun(),
    };
    let listed = s.sessions_of(Some(account_id(1)), NOW, 9).await.unwrap();
    assert_eq!(listed, [unknown, known]);

    // Of an account without groups, and with a change of the account seen at once.
    let account = account_id(1);
    let groups = [].into();
    done(s, [Change::SetGroups { account, groups }]).await;
    let view = s.session(&token(1), NOW).await.unwrap().unwrap();
    assert!(view.subject.groups.is_empty());
}

fn raise(n: u8, account: u8, t: u8) -> Change {
    let mut raised = session(n);
    raised.factors = Factors::with(SecondFactor::Totp);
    raised.auth_time = later(50);
    raised.password_at = later(40);
    raised.second_factor_at = Some(later(50));
    raised.last_seen_at = later(50);
    raised.expires_at = later(40_000);
    Change::RaiseSession {
        account: account_id(account),
        session: Box::new(raised),
        token: token(t),
    }
}

pub async fn raising_changes_the_token_and_keeps_the_children(s: &dyn Store) {
    done(s, [add(1), open(1, 1, 1), child(1, 3)]).await;
    done(s, [raise(1, 1, 2)]).await;
    assert!(!alive(s, 1, NOW).await, "the old token is dead");
    for t in [2, 3] {
        let view = s.session(&token(t), NOW).await.unwrap().unwrap();
        assert_eq!(view.session.factors, Factors::with(SecondFactor::Totp));
        assert_eq!(view.session.auth_time, later(50));
        assert_eq!(view.session.password_at, later(40));
        assert_eq!(view.session.second_factor_at, Some(later(50)));
        assert_eq!(view.session.last_seen_at, later(50));
        assert_eq!(
            view.session.expires_at,
            session(1).expires_at,
            "never lengthened"
        );
    }
    let listed = s.sessions_of(None, NOW, 9).await.unwrap();
    assert_eq!(listed[0].begun, begun());
}

pub async fn an_ended_session_is_not_raised(s: &dyn Store) {
    done(s, [add(1), add(2), open(1, 1, 1)]).await;
    lost(s, 0, [raise(1, 2, 2)]).await;
    let end = Change::EndSession {
        session: session_id(1),
    };
    done(s, [end.clone(), end]).await;
    lost(s, 0, [raise(1, 1, 2)]).await;
    assert!(!alive(s, 2, NOW).await);

    let mut short = session(2);
    short.expires_at = later(50);
    let short = opening(short, account_id(1), token(4));
    done(s, [short]).await;
    lost(s, 0, [raise(2, 1, 5)]).await;
}

pub async fn a_child_dies_with_its_parent(s: &dyn Store) {
    done(s, [add(1), open(1, 1, 1), open(2, 1, 2)]).await;
    done(s, [child(1, 3), child(1, 4), child(2, 5)]).await;
    let issue = Change::IssueTicket {
        token: token(8),
        ticket: ticket(1),
    };
    done(s, [issue]).await;
    let session = session_id(1);
    done(s, [Change::EndSession { session }]).await;
    for (t, lives) in [(1, false), (3, false), (4, false), (2, true), (5, true)] {
        assert_eq!(alive(s, t, NOW).await, lives, "{t}");
    }
    assert_eq!(s.ticket(&token(8)).await.unwrap(), None);
    lost(s, 0, [child(1, 6)]).await;
}

pub async fn an_expired_session_is_not_there(s: &dyn Store) {
    done(s, [add(1), open(1, 1, 1), child(1, 2)]).await;
    for t in [1, 2] {
        assert!(alive(s, t, later(35_999)).await);
        assert!(!alive(s, t, later(36_000)).await);
    }
    let late = Change::OpenChild {
        parent: session_id(1),
        host: host("wiki.example.com"),
        token: token(3),
        created_at: later(36_000),
    };
    lost(s, 0, [late]).await;
    let listed = s.sessions_of(None, later(36_000), 9).await.unwrap();
    assert_eq!(listed, []);
}

pub async fn all_but_one_end(s: &dyn Store) {
    done(s, [add(1), add(2)]).await;
    done(s, [open(1, 1, 1), open(2, 1, 2), open(3, 1, 3)]).await;
    done(s, [open(4, 2, 4), child(1, 5), child(2, 6)]).await;
    let end = |except| Change::EndSessionsOf {
        account: account_id(1),
        except,
    };
    let left = async || {
        let mut left = Vec::new();
        for t in 1..=6 {
            if alive(s, t, NOW).await {
                left.push(t);
            }
        }
        left
    };
    done(s, [end(Some(session_id(2)))]).await;
    assert_eq!(left().await, [2, 4, 6]);
    done(s, [end(None), end(None)]).await;
    assert_eq!(left().await, [4]);
}

pub async fn tickets_are_redeemed_once(s: &dyn Store) {
    done(s, [add(1), open(1, 1, 1)]).await;
    let issue = Change::IssueTicket {
        token: token(8),
        ticket: ticket(1),
    };
    done(s, [issue.clone()]).await;
    lost(s, 0, [issue]).await;
    assert_eq!(s.ticket(&token(8)).await.unwrap(), Some(ticket(1)));
    let redeem = Change::RedeemTicket { token: token(8) };
    done(s, [redeem.clone(), child(1, 2)]).await;
    lost(s, 0, [redeem, child(1, 3)]).await;
    assert_eq!(s.ticket(&token(8)).await.unwrap(), None);
    assert!(!alive(s, 3, NOW).await);
}

pub async fn listing_newest_first(s: &dyn Store) {
    done(s, [add(1), add(2)]).await;
    done(s, [open(2, 1, 2), open(1, 1, 1), open(3, 2, 3)]).await;
    let ids = async |account: Option<u8>, limit| {
        let found = s.sessions_of(account.map(account_id), NOW, limit).await;
        found
            .unwrap()
            .iter()
            .map(|f| f.session.id)
            .collect::<Vec<_>>()
    };
    assert_eq!(ids(None, 9).await, [3, 2, 1].map(session_id));
    assert_eq!(ids(None, 2).await, [3, 2].map(session_id));
    assert_eq!(ids(Some(1), 9).await, [2, 1].map(session_id));
    assert_eq!(ids(Some(3), 9).await, []);
}

pub async fn touching_never_goes_back(s: &dyn Store) {
    done(s, [add(1), open(1, 1, 1), open(2, 1, 2)]).await;
    let end = Change::EndSession {
        session: session_id(2),
    };
    done(s, [end]).await;
    let seen = async || {
        let view = s.session(&token(1), NOW).await.unwrap().unwrap();
        view.session.last_seen_at
    };
    s.touch(&[
        (session_id(1), later(9)),
        (session_id(2), later(9)),
        (session_id(1), later(5)),
    ])
    .await
    .unwrap();
    assert_eq!(seen().await, later(9));
    s.touch(&[(session_id(1), later(8))]).await.unwrap();
    s.touch(&[]).await.unwrap();
    assert_eq!(seen().await, later(9));
    assert!(!alive(s, 2, NOW).await);
    let many = vec![(session_id(1), later(10)); 1200];
    s.touch(&many).await.unwrap();
    assert_eq!(seen().await, later(10));
}

pub async fn hosts_are_told_by_session(s: &dyn Store) {
    let child_at = |parent, name: &str, t| Change::OpenChild {
        parent: session_id(parent),
        host: host(name),
        token: token(t),
        created_at: NOW,
    };
    done(
        s,
        [add(1), add(2), open(1, 1, 1), open(2, 1, 2), open(3, 2, 3)],
    )
    .await;
    done(
        s,
        [
            child_at(1, "wiki.example.com", 4),
            child_at(1, "wiki.example.com", 5),
            child_at(1, "crm.example.com", 6),
            child_at(3, "payroll.example.com", 7),
        ],
    )
    .await;
    let opened = s.hosts_opened(account_id(1)).await.unwrap();
    let names: Vec<&str> = opened[&session_id(1)].iter().map(|h| h.as_str()).collect();
    assert_eq!(names, ["crm.example.com", "wiki.example.com"]);
    assert_eq!(opened.len(), 1);
}
