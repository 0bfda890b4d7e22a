//! Sessions: planted, kept too long, taken elsewhere; and the tickets that open them on applications.

use super::browser::{Browser, PRE, SESSION, SIGN_IN, field};
use super::site::{CHEAP, LOGIN, PAYROLL, Plan, Site, WIKI};
use futures_util::future::join_all;
use std::time::{Duration, Instant};
use vestibule::domain::account::{PasswordHash, Status};
use vestibule::domain::secret::Token;

fn token(byte: u8) -> String {
    Token::from_random([byte; 32]).reveal()
}

/// Signed in with both, the wiki open.
async fn inside(site: &Site, login: &str) -> Browser {
    let phone = site.account_with_app(login, &["staff"]).await;
    let mut b = site.browser();
    assert_eq!(b.both(login, &phone, site.now()).await.status, 303);
    assert_eq!(b.open(&site.url(WIKI, "/")).await.status, 200);
    site.wiki.take();
    b
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_malformed_cookie_is_no_session() {
    let site = Site::start().await;
    let b = inside(&site, "mikael").await;
    for host in [WIKI, LOGIN] {
        let good = b.cookie(host, SESSION).unwrap();
        let other_case = good.to_ascii_uppercase();
        let cut = &good[..good.len() - 1];
        let flipped = format!(
            "{}{}",
            &good[..good.len() - 1],
            if good.ends_with('A') { "B" } else { "A" }
        );
        let mut lines: Vec<String> = [
            "",
            "x",
            "%00",
            "null",
            "undefined",
            "../../etc/passwd",
            "' OR 1=1 --",
            "AAAA",
            "====",
            "{}",
            "[]",
            &other_case,
            cut,
            &flipped,
        ]
        .iter()
        .map(|v| format!("{SESSION}={v}"))
        .collect();
        lines.extend([
            format!("{SESSION}={}", "A".repeat(16 * 1024)),
            format!("{SESSION}={good}A"),
            format!("{SESSION}={good}\0"),
            format!("{SESSION}=\0{good}"),
            format!("{SESSION}=\"{good}\""),
            format!("{SESSION}={good}%20"),
            format!("{SESSION}={good}; {SESSION}={good}"),
            format!("{SESSION}={good}; {SESSION}=x"),
            format!("{SESSION}=x; {SESSION}={good}"),
            format!("__host-vestibule={good}"),
            format!("__HOST-VESTIBULE={good}"),
            format!("__Host-vestibule-pre={good}"),
            format!("{SIGN_IN}={good}"),
            format!("vestibule={good}"),
            SESSION.to_owned(),
            format!("={good}"),
            ";;=; a".to_owned(),
            "a=b;".repeat(4000),
        ]);
        for line in lines {
            let mut thief = site.browser();
            let mut ask = thief.visit(&site.url(host, "/"));
            ask.cookie = Some(line.clone());
            let short: String = line.chars().take(90).collect();
            // a head that is too large or broken may be answered by hanging up
            let Some(answer) = thief.try_send(&ask).await else {
                continue;
            };
            assert!(
                matches!(answer.status, 302 | 303 | 400 | 431),
                "{host} {short:?}: {}",
                answer.head
            );
            if matches!(answer.status, 302 | 303) {
                assert!(
                    answer.header("location").unwrap().contains("/signin"),
                    "{short:?}"
                );
            }
        }
        site.untouched();
    }
    // two lines of the same cookie
    for (one, two) in [("good", "good"), ("good", "bad")] {
        let good = b.cookie(WIKI, SESSION).unwrap();
        let value = |which| {
            if which == "good" {
                good.to_owned()
            } else {
                token(1)
            }
        };
        let mut thief = site.browser();
        let mut ask = thief.visit(&site.url(WIKI, "/"));
        ask.more = format!(
            "Cookie: {SESSION}={}\r\nCookie: {SESSION}={}\r\n",
            value(one),
            value(two)
        );
        assert_eq!(thief.send(ask).await.status, 302);
    }
    site.untouched();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn planted_cookies_are_never_taken_over() {
    let site = Site::start().await;
    let phone = site.account_with_app("mikael", &["staff"]).await;
    let mut b = site.browser();
    for (host, name, n) in [
        (LOGIN, SIGN_IN, 1),
        (LOGIN, SESSION, 2),
        (WIKI, SESSION, 3),
        (WIKI, PRE, 4),
    ] {
        b.plant(host, name, &token(n));
    }
    let _ = b.open(&site.url(WIKI, "/")).await;
    let answer = b.password("mikael").await;
    assert_eq!(answer.header("location"), Some("/signin/code"));
    let after_password = b.cookie(LOGIN, SIGN_IN).unwrap().to_owned();
    assert_ne!(
        after_password,
        token(1),
        "the sign-in is named anew at the password"
    );
    let answer = b.code(&phone.code(site.now())).await;
    let _ = b.follow(answer).await;
    let session = b.cookie(LOGIN, SESSION).unwrap().to_owned();
    assert!(session != token(2) && session != after_password);
    assert_eq!(b.cookie(LOGIN, SIGN_IN), None);
    let _ = b.open(&site.url(WIKI, "/")).await;
    assert_ne!(b.cookie(WIKI, SESSION), Some(token(3).as_str()));
    site.wiki.take();
    // whoever planted them holds nothing
    for value in [token(1), token(2), token(3), token(4), after_password] {
        let mut thief = site.browser();
        thief.plant(LOGIN, SESSION, &value);
        thief.plant(LOGIN, SIGN_IN, &value);
        thief.plant(WIKI, SESSION, &value);
        assert!(!thief.is_signed_in().await);
        assert_eq!(
            thief.page("/signin/code").await.header("location"),
            Some("/signin?expired")
        );
        assert_eq!(thief.get(&site.url(WIKI, "/")).await.status, 302);
    }
    site.untouched();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn signing_in_again_ends_the_session_before() {
    let site = Site::start().await;
    let mut b = inside(&site, "mikael").await;
    let old = b.clone();
    // the form was open in another tab all the time: its anti-forgery value is the session's
    let csrf = field(&b.page("/signout").await.text(), "csrf").unwrap();
    let ask = b.form(
        "/signin",
        &[
            ("csrf", &csrf),
            ("username", "aino"),
            ("password", "password"),
        ],
    );
    let answer = b.send(ask).await;
    assert_eq!(answer.status, 303);
    assert_ne!(b.cookie(LOGIN, SESSION), old.cookie(LOGIN, SESSION));
    let mut old = old;
    assert!(!old.is_signed_in().await);
    assert_eq!(old.get(&site.url(WIKI, "/")).await.status, 302);
    assert_eq!(site.sessions_of("mikael").await, 0);
    site.untouched();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_step_up_names_the_session_anew_and_lengthens_nothing() {
    let site = Site::start().await;
    let phone = site.account_with_app("mikael", &["admins"]).await;
    let mut b = site.browser();
    assert_eq!(b.both("mikael", &phone, site.now()).await.status, 303);
    assert_eq!(b.open(&site.url(WIKI, "/admin/")).await.status, 200);
    let began = site.now();
    let mut olds = Vec::new();
    while site.now() - began < 10 * 3600 - 20 * 60 {
        site.clock.advance(20 * 60);
        let old = b.cookie(LOGIN, SESSION).unwrap().to_owned();
        let _ = b.open(&site.url(WIKI, "/admin/")).await;
        assert_eq!(
            b.at,
            site.url(LOGIN, "/signin/code"),
            "asked again after a quarter of an hour"
        );
        let answer = b.code(&phone.code(site.now())).await;
        assert_eq!(b.follow(answer).await.status, 200);
        assert_ne!(b.cookie(LOGIN, SESSION), Some(old.as_str()));
        olds.push(old);
    }
    for old in olds {
        let mut thief = site.browser();
        thief.plant(LOGIN, SESSION, &old);
        assert!(!thief.is_signed_in().await);
    }
    assert!(b.is_signed_in().await);
    site.clock.advance(20 * 60);
    assert!(
        !b.is_signed_in().await,
        "ten hours after the sign-in, whatever was proven in between"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn idle_and_absolute_limits_hold() {
    let site = Site::start().await;
    let mut b = inside(&site, "mikael").await;
    // activity at an application keeps the portal's session alive as well
    for _ in 0..3 {
        site.clock.advance(59 * 60);
        assert_eq!(b.get(&site.url(WIKI, "/")).await.status, 200);
    }
    site.clock.advance(60 * 60);
    assert_eq!(b.get(&site.url(WIKI, "/")).await.status, 302);
    assert!(!b.is_signed_in().await);
    let mut b = site.browser();
    assert_eq!(b.password("aino").await.header("location"), Some("/"));
    let _ = b.open(&site.url(WIKI, "/")).await;
    for _ in 0..(10 * 2 - 1) {
        site.clock.advance(30 * 60);
        assert_eq!(b.get(&site.url(WIKI, "/")).await.status, 200);
    }
    site.wiki.take();
    site.clock.advance(30 * 60);
    assert_eq!(b.get(&site.url(WIKI, "/")).await.status, 302);
    assert!(!b.is_signed_in().await);
    site.untouched();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn signing_out_anywhere_signs_out_everywhere() {
    let site = Site::start().await;
    for host in [LOGIN, WIKI] {
        let mut b = inside(&site, if host == LOGIN { "mikael" } else { "helena" }).await;
        let _ = b.open(&site.url(PAYROLL, "/")).await;
        site.payroll.take();
        let copy = b.clone();
        let path = if host == LOGIN {
            "/signout"
        } else {
            "/.vestibule/logout"
        };
        // asking for the page does nothing
        let page = b.get(&site.url(host, path)).await;
        assert_eq!(page.status, 200);
        assert!(b.is_signed_in().await);
        let csrf = field(&page.text(), "csrf").unwrap();
        let mut ask = b.form(path, &[("csrf", &csrf)]);
        ask.url = site.url(host, path);
        ask.origin = Some(site.url(host, ""));
        let answer = b.send(ask).await;
        assert_eq!(answer.status, 303, "{}", answer.head);
        assert_eq!(b.cookie(host, SESSION), None);
        let mut copy = copy;
        assert!(!copy.is_signed_in().await);
        for host in [WIKI, PAYROLL] {
            assert_eq!(copy.get(&site.url(host, "/")).await.status, 302);
        }
        site.untouched();
    }
}

/// How long until the wiki refuses; at most two seconds.
async fn until_refused(site: &Site, b: &mut Browser) -> Duration {
    let begin = now();
    while begin.elapsed() < Duration::from_secs(2) {
        if b.get(&site.url(WIKI, "/")).await.status != 200 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    begin.elapsed()
}

#[allow(clippy::disallowed_methods)]
fn now() -> Instant {
    Instant::now()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_another_process_revokes_is_refused_within_a_second() {
    let site = Site::start().await;
    let authn = &site.office.authn;
    for what in ["revoke one", "revoke all", "disable", "password", "reset"] {
        let login = what.replace(' ', "-");
        let mut b = inside(&site, &login).await;
        let mut half = site.browser();
        let _ = half.password(&login).await;
        let account = site.find(&login).await.id;
        match what {
            "revoke one" => {
                let now = site.env.now();
                let open = site
                    .office
                    .store
                    .sessions_of(Some(account), now, 9)
                    .await
                    .unwrap();
                authn
                    .revoke_session(account, open[0].session.id)
                    .await
                    .unwrap();
            }
            "revoke all" => authn.revoke_sessions(account).await.unwrap(),
            "disable" => authn.set_status(account, Status::Disabled).await.unwrap(),
            "password" => {
                let same = PasswordHash::from_encoded(CHEAP.to_owned());
                authn.set_password(account, same).await.unwrap();
            }
            _ => authn.reset_second_factor(account).await.unwrap(),
        }
        let took = until_refused(&site, &mut b).await;
        assert!(took < Duration::from_secs(1), "{what}: {took:?}");
        assert!(!b.is_signed_in().await, "{what}");
        if what != "revoke one" {
            let answer = half.page("/signin/code").await;
            assert_eq!(answer.header("location"), Some("/signin?expired"), "{what}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_group_that_is_taken_away_counts_within_a_second() {
    let site = Site::start().await;
    let phone = site.account_with_app("mikael", &["admins"]).await;
    let mut b = site.browser();
    let _ = b.both("mikael", &phone, site.now()).await;
    assert_eq!(b.open(&site.url(WIKI, "/admin/")).await.status, 200);
    site.set_groups("mikael", &["staff"]).await;
    let begin = now();
    loop {
        let answer = b.get(&site.url(WIKI, "/admin/")).await;
        if answer.status == 403 {
            break;
        }
        assert!(begin.elapsed() < Duration::from_secs(1), "{}", answer.head);
    }
    assert_eq!(b.get(&site.url(WIKI, "/")).await.status, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_password_reset_beats_a_sign_in_that_is_being_checked() {
    // whoever knows the old password sends it again and again while the operator sets a new one
    let site = Site::start().await;
    let fresh = vestibule::domain::secret::Password::new("an entirely new password").unwrap();
    let hash = site.office.authn.hash_password(fresh).await.unwrap();
    for round in 0..6u64 {
        let login = format!("victim{round}");
        let account = site.account(&login, &[]).await.id;
        let mut b = site.browser();
        let page = b.page("/signin").await;
        let thief = tokio::spawn(async move {
            let fields = [("username", login.as_str()), ("password", "password")];
            let _ = b.submit(&page, "/signin", &fields).await;
            b
        });
        // somewhere in the middle of the check and the upgrade of the hash
        tokio::time::sleep(Duration::from_millis(15 + 12 * round)).await;
        site.office
            .authn
            .set_password(account, hash.clone())
            .await
            .unwrap();
        let mut b = thief.await.unwrap();
        site.settle().await;
        let stored = site.find(&format!("victim{round}")).await.password;
        assert!(
            stored.as_ref() == Some(&hash),
            "round {round}: the old password is back"
        );
        assert!(
            !b.is_signed_in().await,
            "round {round}: signed in with the old password"
        );
    }
}

// --- tickets

/// A ticket on its way to the wiki, and the browser it is meant for.
async fn ticket(site: &Site) -> (Browser, String) {
    let mut b = site.browser();
    let page = b.open(&site.url(WIKI, "/secret?a=1")).await;
    let fields = [("username", "aino"), ("password", "password")];
    let answer = b.submit(&page, "/signin", &fields).await;
    let to = answer.header("location").unwrap().to_owned();
    assert!(to.contains("/.vestibule/callback?ticket="), "{to}");
    (b, to)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_ticket_is_good_once_in_its_browser_on_its_host_for_thirty_seconds() {
    let site = Site::start().await;
    let no_session = |b: &Browser| assert_eq!(b.cookie(WIKI, SESSION), None);
    // another browser: no pre-session cookie, one of its own
    for with_own in [false, true] {
        let (mut owner, to) = ticket(&site).await;
        let mut thief = site.browser();
        if with_own {
            let _ = thief.get(&site.url(WIKI, "/")).await;
        }
        // no further than the portal, which does not know that browser
        let answer = thief.get(&to).await;
        let door = site.url(LOGIN, "/signin?to=");
        assert!(answer.header("location").unwrap().starts_with(&door));
        assert_eq!(thief.follow(answer).await.status, 200);
        assert!(thief.at.starts_with(&door), "{}", thief.at);
        no_session(&thief);
        // what was seen by somebody else is burnt
        assert_ne!(owner.get(&to).await.status, 302);
        no_session(&owner);
    }
    // another host
    let (mut b, to) = ticket(&site).await;
    let pre = b.cookie(WIKI, PRE).unwrap().to_owned();
    b.plant(PAYROLL, PRE, &pre);
    assert_ne!(b.get(&to.replace(WIKI, PAYROLL)).await.status, 302);
    assert_eq!(b.cookie(PAYROLL, SESSION), None);
    // too late
    let (mut b, to) = ticket(&site).await;
    site.clock.advance(30);
    assert_ne!(b.get(&to).await.status, 302);
    no_session(&b);
    // cut, doubled, empty
    let (mut b, to) = ticket(&site).await;
    for bad in [
        &to[..to.len() - 1],
        &format!("{to}A"),
        &format!("{to}&ticket=x").replace("?ticket=", "?ticket=x&ticket="),
    ] {
        assert_ne!(b.get(bad).await.status, 302, "{bad}");
        no_session(&b);
    }
    // once
    let answer = b.get(&to).await;
    assert_eq!(
        answer.header("location"),
        Some(site.url(WIKI, "/secret?a=1").as_str())
    );
    assert_ne!(b.clone().get(&to).await.status, 302);
    site.untouched();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_ticket_many_times_at_once_opens_one_session() {
    let site = Site::start().await;
    let (b, to) = ticket(&site).await;
    let sent = (0..50).map(|_| {
        let (mut b, to) = (b.clone(), to.clone());
        tokio::spawn(async move { b.get(&to).await.status })
    });
    let done = join_all(sent).await;
    let through = done.into_iter().filter(|s| matches!(s, Ok(302)));
    assert_eq!(through.count(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_ticket_dies_with_its_session() {
    let site = Site::start().await;
    let (mut b, to) = ticket(&site).await;
    let account = site.find("aino").await.id;
    site.office.authn.revoke_sessions(account).await.unwrap();
    assert_ne!(b.get(&to).await.status, 302);
    assert_eq!(b.cookie(WIKI, SESSION), None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cookie_opens_its_own_host_only() {
    let site = Site::with(Plan::default()).await;
    let mut b = inside(&site, "mikael").await;
    let _ = b.open(&site.url(PAYROLL, "/")).await;
    site.payroll.take();
    for from in [WIKI, PAYROLL, LOGIN] {
        for to in [WIKI, PAYROLL, LOGIN] {
            if from == to {
                continue;
            }
            let mut thief = site.browser();
            thief.plant(to, SESSION, b.cookie(from, SESSION).unwrap());
            if to == LOGIN {
                assert!(!thief.is_signed_in().await, "{from} at {to}");
            } else {
                let answer = thief.get(&site.url(to, "/")).await;
                assert_eq!(answer.status, 302, "{from} at {to}");
            }
        }
    }
    site.untouched();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_phone_that_is_bound_beats_a_sign_in_that_is_being_checked() {
    // the thief's password is right, and being checked, while the owner's phone is bound
    let site = Site::start().await;
    for round in 0..5u64 {
        let login = format!("owner{round}");
        let account = site.account(&login, &[]).await;
        let mut b = site.browser();
        let page = b.page("/signin").await;
        let thief = tokio::spawn(async move {
            let fields = [("username", login.as_str()), ("password", "password")];
            let answer = b.submit(&page, "/signin", &fields).await;
            (b, answer.header("location").map(str::to_owned))
        });
        tokio::time::sleep(Duration::from_millis(5 + 15 * round)).await;
        site.give_app(&account).await;
        let ended = vestibule::store::Change::EndSessionsOf {
            account: account.id,
            except: None,
        };
        site.commit(&[ended]).await;
        let (mut b, led) = thief.await.unwrap();
        site.settle().await;
        assert!(
            !b.is_signed_in().await,
            "round {round}: in by password alone, led to {led:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_right_passwords_at_once_both_lead_on() {
    // an imported hash is upgraded by one of them; the other is not told that it was wrong
    let site = Site::start().await;
    let mut first = site.browser();
    let mut second = site.browser();
    let (one, two) = (first.page("/signin").await, second.page("/signin").await);
    let fields = [("username", "aino"), ("password", "password")];
    let (one, two) = tokio::join!(
        first.submit(&one, "/signin", &fields),
        second.submit(&two, "/signin", &fields)
    );
    assert_eq!(one.header("location"), Some("/"));
    assert_eq!(two.header("location"), Some("/"));
    assert_eq!(site.sessions_of("aino").await, 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_open_websocket_ends_with_its_session() {
    use crate::support::client::{Wire, tls};
    let site = Site::start().await;
    for what in ["signed out", "revoked", "disabled", "idle"] {
        let login = what.replace(' ', "-");
        let mut b = inside(&site, &login).await;
        let stream = tls(site.net.address, WIKI, &site.net.roots, &[b"http/1.1"]).await;
        let mut wire = Wire::over(Box::new(stream.unwrap()));
        wire.send(format!(
            "GET /ws/x HTTP/1.1\r\nHost: {WIKI}:{}\r\nOrigin: {}\r\nCookie: {SESSION}={}\r\nConnection: Upgrade\r\n\
             Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
            site.net.address.port(),
            site.url(WIKI, ""),
            b.cookie(WIKI, SESSION).unwrap()
        ))
        .await;
        assert!(wire.head().await.contains(" 101 "), "{what}");
        let account = site.find(&login).await.id;
        let authn = &site.office.authn;
        match what {
            "signed out" => {
                let page = b.page("/signout").await;
                assert_eq!(b.submit(&page, "/signout", &[]).await.status, 303);
            }
            "revoked" => authn.revoke_sessions(account).await.unwrap(),
            "disabled" => authn.set_status(account, Status::Disabled).await.unwrap(),
            _ => site.clock.advance(3600),
        }
        assert!(wire.closes_within(Duration::from_secs(4)).await, "{what}");
    }
}
