//! A first enrolment that asks for a code from the mail, and mails before a deadline.

use super::browser::{Browser, field};
use super::phone::Phone;
use super::post::{MAIL, site_with_post, with_mail};
use super::site::{LOGIN, PASSWORD, Plan, Site};
use crate::support::client::Answer;
use vestibule::authn::accounts::NewAccount;
use vestibule::domain::account::PasswordHash;
use vestibule::domain::audit::Event;
use vestibule::domain::letter::Matter;
use vestibule::store::Change;

const DAY: i64 = 86_400;

fn by_mail() -> Plan {
    Plan {
        proof: "email",
        ..with_mail()
    }
}

/// A password alone, on the way to the enrolment that the person's group requires.
async fn thief(site: &Site, login: &str) -> Browser {
    let mut b = site.browser();
    let answer = b.password(login).await;
    assert_eq!(answer.header("location"), Some("/remind"), "{answer:?}");
    let answer = b.step("/remind", "/remind", &[("do", "enrol")]).await;
    assert_eq!(answer.header("location"), Some("/enrol"), "{answer:?}");
    b
}

async fn enter(b: &mut Browser, code: &str) -> Answer {
    b.step("/enrol/proof", "/enrol/proof", &[("code", code)])
        .await
}

async fn resend(b: &mut Browser) -> String {
    let answer = b
        .step("/enrol/proof", "/enrol/proof", &[("do", "resend")])
        .await;
    assert_eq!(answer.header("location"), Some("/enrol/proof"));
    b.page("/enrol/proof").await.text()
}

fn another(code: &str) -> &'static str {
    if code == "AAAA-AAAA" {
        "BBBB-BBBB"
    } else {
        "AAAA-AAAA"
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stolen_password_binds_no_phone_without_the_mail() {
    let site = site_with_post(by_mail()).await;
    site.account("mikael", &["finance"]).await;
    let mut thief = thief(&site, "mikael").await;
    let page = thief.page("/enrol/proof").await.text();
    assert!(page.contains("m…@northgate.example"), "{page}");
    assert!(!page.contains("mikael@northgate.example"), "{page}");
    let csrf = field(&page, "csrf").unwrap();
    for path in [
        "/enrol/app",
        "/enrol/scan",
        "/enrol/confirm",
        "/enrol/codes",
    ] {
        assert_eq!(thief.page(path).await.status, 303, "{path}");
        for more in [("app", "own"), ("code", "000000"), ("stored", "1")] {
            let ask = thief.form(path, &[("csrf", &csrf), more]);
            let answer = thief.send(ask).await;
            assert!(matches!(answer.status, 303 | 405), "{path}");
            assert!(Phone::scan(&answer.text()).is_none());
        }
    }
    // one mail, however often the page is looked at
    let codes = site.mailed_codes("mikael").await;
    assert_eq!(codes.len(), 1, "{codes:?}");
    assert_eq!(site.count("mikael", Event::EnrolmentCodeSent).await, 1);
    // an address in the form is nobody's business
    let fields = [
        ("csrf", csrf.as_str()),
        ("do", "resend"),
        ("email", "thief@evil.example"),
    ];
    let ask = thief.form("/enrol/proof", &fields);
    assert_eq!(thief.send(ask).await.status, 303);
    let letters = site.letters().await;
    assert!(letters.iter().all(|l| l.to == "mikael@northgate.example"));
    for wrong in ["", "x", another(&codes[0])] {
        assert_eq!(enter(&mut thief, wrong).await.status, 422, "{wrong}");
    }
    assert!(site.find("mikael").await.totp.is_none());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_code_is_good_once_in_the_sign_in_it_was_mailed_for() {
    let site = site_with_post(by_mail()).await;
    site.account("mikael", &["finance"]).await;
    let mut thief = thief(&site, "mikael").await;
    let mut owner = self::thief(&site, "mikael").await;
    let codes = site.mailed_codes("mikael").await;
    let [theirs, own] = &codes[..] else {
        panic!("{codes:?}");
    };
    assert_eq!(enter(&mut thief, own).await.status, 422);
    assert_eq!(enter(&mut owner, theirs).await.status, 422);
    let answer = enter(&mut owner, &own.to_lowercase().replace('-', " ")).await;
    assert_eq!(answer.header("location"), Some("/enrol/app"), "{answer:?}");
    owner.bind(site.now()).await;
    assert!(site.find("mikael").await.totp.is_some());
    let answer = thief.page("/enrol/proof").await;
    assert_eq!(answer.header("location"), Some("/signin?expired"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn guessing_the_mailed_code_ends_after_five() {
    let site = site_with_post(by_mail()).await;
    site.account("mikael", &["finance"]).await;
    let mut b = thief(&site, "mikael").await;
    let codes = site.mailed_codes("mikael").await;
    for n in 0..5 {
        let answer = enter(&mut b, another(&codes[0])).await;
        assert_eq!(answer.status, if n < 4 { 422 } else { 429 });
    }
    let answer = b.page("/enrol/proof").await;
    assert_eq!(answer.header("location"), Some("/signin?expired"));
    // fifty at once are no more than five, whichever version of the sign-in they saw
    site.clock.advance(16 * 60);
    let mut b = thief(&site, "mikael").await;
    let code = site.mailed_codes("mikael").await.pop().unwrap();
    let csrf = field(&b.page("/enrol/proof").await.text(), "csrf").unwrap();
    let wrong = another(&code);
    let tries = (0..50).map(|_| {
        let mut b = b.clone();
        let ask = b.form("/enrol/proof", &[("csrf", &csrf), ("code", wrong)]);
        tokio::spawn(async move { b.send(ask).await.status })
    });
    let before = site.count("mikael", Event::CodeRefused).await;
    for done in tries.collect::<Vec<_>>() {
        let status = done.await.unwrap();
        assert!(matches!(status, 303 | 422 | 429), "{status}");
    }
    let looked_at = site.count("mikael", Event::CodeRefused).await - before;
    assert!(looked_at <= 5, "{looked_at}");
    let answer = b.page("/enrol/proof").await;
    assert_eq!(answer.header("location"), Some("/signin?expired"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_mails_for_an_enrolment_and_then_the_helpdesk() {
    let site = site_with_post(by_mail()).await;
    site.account("mikael", &["finance"]).await;
    let mut b = thief(&site, "mikael").await;
    let page = b.page("/enrol/proof").await.text();
    assert!(page.contains("value=\"resend\"") && !page.contains("A new code is on its way"));
    let page = resend(&mut b).await;
    assert!(page.contains("value=\"resend\"") && page.contains("A new code is on its way"));
    let page = resend(&mut b).await;
    assert!(!page.contains("value=\"resend\""), "{page}");
    assert!(page.contains("No more codes can be sent"), "{page}");
    // by hand it brings no further mail either
    let csrf = field(&page, "csrf").unwrap();
    let ask = b.form("/enrol/proof", &[("csrf", &csrf), ("do", "resend")]);
    assert_eq!(b.send(ask).await.status, 303);
    let codes = site.mailed_codes("mikael").await;
    assert_eq!(codes.len(), 3, "{codes:?}");
    assert_eq!(enter(&mut b, &codes[0]).await.status, 422);
    assert_eq!(enter(&mut b, &codes[1]).await.status, 422);
    // another sign-in gets no mail for now: it asks for the helpdesk's code
    let mut late = thief(&site, "mikael").await;
    assert_eq!(site.mailed_codes("mikael").await.len(), 3);
    let page = late.page("/enrol/proof").await.text();
    assert!(page.contains("name=\"otc\""), "{page}");
    let answer = late
        .step("/enrol/proof", "/enrol/proof", &[("otc", &codes[2])])
        .await;
    assert_eq!(answer.status, 422);
    let answer = enter(&mut b, &codes[2]).await;
    assert_eq!(answer.header("location"), Some("/enrol/app"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_helpdesks_code_is_a_way_round_the_mail() {
    let site = site_with_post(by_mail()).await;
    site.account("mikael", &["finance"]).await;
    let mut b = thief(&site, "mikael").await;
    let code = site.helpdesk_code("mikael").await;
    let answer = enter(&mut b, &code).await;
    assert_eq!(answer.header("location"), Some("/enrol/app"));
    assert_eq!(site.count("mikael", Event::OneTimeCodeUsed).await, 1);
    b.bind(site.now()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_gets_by_for_want_of_an_address() {
    let site = site_with_post(by_mail()).await;
    let new = NewAccount {
        login: "bare".into(),
        groups: ["finance".to_owned()].into(),
        password: Some(PasswordHash::from_encoded(super::site::CHEAP.to_owned())),
        ..NewAccount::default()
    };
    site.office.authn.add_account(new).await.unwrap().unwrap();
    let mut b = thief(&site, "bare").await;
    let page = b.page("/enrol/proof").await.text();
    assert!(page.contains("name=\"otc\""), "{page}");
    let answer = b.page("/enrol/scan").await;
    assert_eq!(answer.header("location"), Some("/enrol/proof"));
    let code = site.helpdesk_code("bare").await;
    let answer = b
        .step("/enrol/proof", "/enrol/proof", &[("otc", &code)])
        .await;
    assert_eq!(answer.header("location"), Some("/enrol/app"));
    assert!(site.letters().await.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_is_asked_for_the_code_as_well() {
    let site = site_with_post(by_mail()).await;
    let enrol = async |b: &mut Browser| {
        let csrf = field(&b.page("/signout").await.text(), "csrf").unwrap();
        let ask = b.form("/remind", &[("csrf", &csrf), ("do", "enrol")]);
        b.send(ask).await.header("location").unwrap().to_owned()
    };
    // the password is fresh
    let mut b = site.browser();
    let _ = b.password("aino").await;
    assert_eq!(enrol(&mut b).await, "/enrol");
    let answer = b.page("/enrol/app").await;
    assert_eq!(answer.header("location"), Some("/enrol/proof"));
    assert_eq!(site.mailed_codes("aino").await.len(), 1);
    // it is not: the mail waits for it
    site.clock.advance(6 * 60);
    assert_eq!(enrol(&mut b).await, "/account/confirm");
    assert_eq!(site.mailed_codes("aino").await.len(), 1);
    let fields = [("password", PASSWORD)];
    let answer = b
        .step("/account/confirm", "/account/confirm", &fields)
        .await;
    assert_eq!(answer.header("location"), Some("/enrol"));
    let codes = site.mailed_codes("aino").await;
    assert_eq!(codes.len(), 2);
    assert_eq!(enter(&mut b, &codes[0]).await.status, 422);
    let answer = enter(&mut b, &codes[1]).await;
    assert_eq!(answer.header("location"), Some("/enrol/app"));
    b.bind(site.now()).await;
    let _ = b.finish().await;
    assert!(b.is_signed_in().await);
    assert!(site.find("aino").await.totp.is_some());
    assert!(b.cookie(LOGIN, "__Host-vestibule").is_some());
}

/// Runs the hourly job through some days and says what each brought.
async fn days(site: &Site, login: &str, days: u32) -> String {
    let mut told = Vec::new();
    let mut before = site.told(login).await.split_whitespace().count();
    for day in 0..days {
        for _ in 0..3 {
            let _ = site.office.authn.mail_reminders().await.unwrap();
        }
        let all = site.told(login).await;
        let words: Vec<&str> = all.split_whitespace().collect();
        for word in &words[before..] {
            told.push(format!("{day}:{word}"));
        }
        before = words.len();
        site.clock.advance(DAY);
    }
    told.join(" ")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn people_are_mailed_before_their_deadline_and_once_after_it() {
    let site = site_with_post(Plan {
        policy: "policy: required\n  grace: 20d",
        more: MAIL,
        ..Plan::default()
    })
    .await;
    site.account_with_app("olga", &[]).await;
    site.account("never", &[]).await;
    for login in ["exempt", "gone"] {
        site.account(login, &[]).await;
        let _ = site.browser().password(login).await;
    }
    let answer = site.browser().password("aino").await;
    assert_eq!(answer.header("location"), Some("/remind"));
    let exempt = site.find("exempt").await;
    let quarter = std::time::Duration::from_secs(90 * 86_400);
    site.commit(&[Change::Exempt {
        account: exempt.id,
        until: Some(site.env.now().plus(quarter)),
    }])
    .await;
    let gone = site.find("gone").await.id;
    let disabled = vestibule::domain::account::Status::Disabled;
    site.office.authn.set_status(gone, disabled).await.unwrap();
    assert_eq!(
        days(&site, "aino", 40).await,
        "6:remind 13:remind 17:remind 19:remind 21:passed"
    );
    assert_eq!(site.count("aino", Event::ReminderMailed).await, 5);
    for login in ["olga", "never", "exempt", "gone"] {
        assert_eq!(site.told(login).await, "", "{login}");
    }
    let end = site.find("aino").await.reminder.grace_ends_at;
    let letters = site.letters().await;
    let last_days = letters.iter().filter_map(|letter| match letter.matter {
        Matter::Remind { last_day } => Some(last_day),
        _ => None,
    });
    assert!(last_days.into_iter().all(|day| Some(day) == end));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_common_deadline_is_mailed_to_those_who_never_came() {
    let site = site_with_post(Plan {
        policy: "policy: required\n  deadline: 2099-12-31",
        more: MAIL,
        ..Plan::default()
    })
    .await;
    site.clock.advance(4_102_444_800 - 11 * DAY - site.now());
    // ten days before: the mail of the fourteenth is made up for, and no more
    assert_eq!(
        days(&site, "aino", 15).await,
        "0:remind 3:remind 7:remind 9:remind 11:passed"
    );
}
