//! Trusted browsers: what they spare, whom, and for how long.

use super::account::{letters, with_mail};
use super::browser::{Browser, SESSION};
use super::phone::Phone;
use super::site::{CHEAP, LOGIN, PASSWORD, PAYROLL, Plan, Site, WIKI};
use std::time::Duration;
use vestibule::domain::account::PasswordHash;
use vestibule::domain::audit::Event;
use vestibule::domain::device::DeviceTag;
use vestibule::domain::letter::Matter;
use vestibule::store::Change;

const DAY: i64 = 86_400;

async fn site() -> Site {
    Site::with(Plan {
        policy: "policy: optional\n  trusted_devices: 30d",
        ..Plan::default()
    })
    .await
}

/// The name of the cookie by which somebody's browser is known.
async fn cookie_of(site: &Site, login: &str) -> String {
    let account = site.find(login).await;
    format!("__Host-vestibule-device-{}", DeviceTag::of(account.id))
}

async fn trust(b: &mut Browser, login: &str, phone: &Phone, now: i64) {
    let answer = b.password(login).await;
    assert_eq!(answer.header("location"), Some("/signin/code"));
    let page = b.page("/signin/code").await;
    assert!(page.text().contains("name=\"trust\""), "no box to tick");
    let fields = [("code", phone.code(now)), ("trust", "1".to_owned())];
    let fields: Vec<(&str, &str)> = fields.iter().map(|(n, v)| (*n, v.as_str())).collect();
    assert_eq!(b.submit(&page, "/signin/code", &fields).await.status, 303);
}

/// The next sign-in of the browser, out of nothing but what it is known by.
async fn again(b: &mut Browser, login: &str) -> bool {
    b.jar.entry(LOGIN.into()).or_default().remove(SESSION);
    let answer = b.password(login).await;
    match answer.header("location") {
        Some("/signin/code") => false,
        Some("/") => true,
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_trusted_browser_is_not_asked_for_a_code_and_its_session_says_so() {
    let site = site().await;
    let phone = site.account_with_app("mikael", &["staff", "admins"]).await;
    let mut b = site.browser();
    trust(&mut b, "mikael", &phone, site.now()).await;
    assert_eq!(site.count("mikael", Event::DeviceTrusted).await, 1);
    assert!(again(&mut b, "mikael").await);
    assert_eq!(site.count("mikael", Event::TrustedDeviceUsed).await, 1);
    // where a second factor is required it stands in for the question, and the application reads aal1
    let end = b.open(&site.url(PAYROLL, "/")).await;
    assert_eq!(end.status, 200);
    let seen = site.payroll.only();
    let assertion = seen
        .lines()
        .find_map(|l| l.strip_prefix("X-Vestibule-Assertion: "))
        .unwrap();
    let claims = assertion.split('.').nth(1).unwrap();
    use base64::Engine as _;
    let claims = base64::engine::general_purpose::URL_SAFE_NO_PAD
        .decode(claims)
        .unwrap();
    let claims: serde_json::Value = serde_json::from_slice(&claims).unwrap();
    assert_eq!(claims["acr"], "aal1");
    assert_eq!(claims["amr"], serde_json::json!(["pwd"]));
    // a place that asks how old the second factor is asks for it
    let end = b.open(&site.url(WIKI, "/admin/x")).await;
    assert!(b.at.ends_with("/signin/code"), "{} {}", b.at, end.status);
    // at a step-up there is nothing to trust
    assert!(!end.text().contains("name=\"trust\""));
    // another browser is asked, and so is this one without the password
    let mut stranger = site.browser();
    assert!(!again(&mut stranger, "mikael").await);
    let wrong = b.password_is("mikael", "not the password").await;
    assert_eq!(wrong.status, 422);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn trust_ends_on_its_day_and_is_not_prolonged_by_use() {
    let site = site().await;
    let phone = site.account_with_app("mikael", &[]).await;
    let mut b = site.browser();
    trust(&mut b, "mikael", &phone, site.now()).await;
    let name = cookie_of(&site, "mikael").await;
    let first = b.cookie(LOGIN, &name).unwrap().to_owned();
    site.clock.advance(29 * DAY);
    assert!(again(&mut b, "mikael").await);
    site.clock.advance(DAY);
    assert!(!again(&mut b, "mikael").await);
    // trusted anew it gets a new token, and the old one is nobody's
    trust(&mut b, "mikael", &phone, site.now()).await;
    assert_ne!(b.cookie(LOGIN, &name).unwrap(), first);
    let mut thief = site.browser();
    thief.plant(LOGIN, &name, &first);
    assert!(!again(&mut thief, "mikael").await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn somebody_elses_and_tampered_cookies_are_worth_nothing() {
    let site = site().await;
    let phone = site.account_with_app("mikael", &[]).await;
    let others = site.account_with_app("helena", &[]).await;
    let (mut b, mut other) = (site.browser(), site.browser());
    trust(&mut b, "mikael", &phone, site.now()).await;
    trust(&mut other, "helena", &others, site.now()).await;
    let (mine, hers) = (
        cookie_of(&site, "mikael").await,
        cookie_of(&site, "helena").await,
    );
    let good = b.cookie(LOGIN, &mine).unwrap().to_owned();
    let theirs = other.cookie(LOGIN, &hers).unwrap().to_owned();
    // her trusted browser, and her token under his name
    assert!(!again(&mut other.clone(), "mikael").await);
    let tampered = format!("{}A", &good[..good.len() - 1]);
    let cut = good[..good.len() - 1].to_owned();
    for value in [&theirs, &tampered, &cut, &String::new(), &"1".to_owned()] {
        if *value == good {
            continue;
        }
        let mut thief = site.browser();
        thief.plant(LOGIN, &mine, value);
        assert!(!again(&mut thief, "mikael").await, "{value}");
    }
    // his token under her name, and under both
    let mut thief = site.browser();
    thief.plant(LOGIN, &hers, &good);
    assert!(!again(&mut thief, "mikael").await);
    // two cookies of one name are none
    let mut twice = site.browser();
    let page = twice.page("/signin").await;
    let csrf = super::browser::field(&page.text(), "csrf").unwrap();
    let fields = [
        ("csrf", csrf.as_str()),
        ("username", "mikael"),
        ("password", PASSWORD),
    ];
    let mut ask = twice.form("/signin", &fields);
    let sign_in = twice.cookie(LOGIN, super::browser::SIGN_IN).unwrap();
    ask.cookie = Some(format!(
        "{}={sign_in}; {mine}={good}; {mine}={good}",
        super::browser::SIGN_IN
    ));
    let answer = twice.send(ask).await;
    assert_eq!(answer.header("location"), Some("/signin/code"));
    // the good one still works
    assert!(again(&mut b, "mikael").await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn trust_dies_with_password_and_app_and_its_sessions_are_asked() {
    let site = site().await;
    for end in ["password", "reset", "removed", "lost"] {
        let login = format!("m-{end}");
        let phone = site.account_with_app(&login, &[]).await;
        let account = site.find(&login).await;
        let mut b = site.browser();
        trust(&mut b, &login, &phone, site.now()).await;
        assert!(again(&mut b, &login).await);
        let authn = &site.office.authn;
        match end {
            "password" => {
                let same = PasswordHash::from_encoded(CHEAP.to_owned());
                authn.set_password(account.id, same).await.unwrap();
            }
            "reset" => {
                authn.reset_second_factor(account.id).await.unwrap();
                site.settle().await;
                // before any factor is active there is no trust, and the old one is not revived by a new app
                let answer = site.browser_with(&b).password(&login).await;
                assert_eq!(answer.header("location"), Some("/"));
                site.give_app(&account).await;
            }
            "removed" => {
                let account = account.id;
                site.commit(&[Change::RemoveDevicesOf { account }]).await;
                site.settle().await;
                // the session lives on, and is asked where a code is asked
                let _ = b.open(&site.url(PAYROLL, "/")).await;
                assert!(b.at.ends_with("/signin/code"), "{}", b.at);
            }
            _ => {
                let mut elsewhere = site.browser();
                let _ = elsewhere.password(&login).await;
                let otc = site.helpdesk_code(&login).await;
                let path = "/signin/one-time-code";
                let page = elsewhere.page(path).await;
                // trust is for the app's own code
                assert!(!page.text().contains("name=\"trust\""));
                let fields = [("otc", otc.as_str()), ("trust", "1")];
                let _ = elsewhere.submit(&page, path, &fields).await;
                let lost = "/signin/lost";
                let _ = elsewhere.step(lost, lost, &[("lost", "permanent")]).await;
                // leaving half-way changes nothing
                assert!(again(&mut b, &login).await);
                let _ = elsewhere.bind(site.now()).await;
                assert_eq!(site.count(&login, Event::DeviceTrusted).await, 1);
            }
        }
        site.settle().await;
        assert!(!again(&mut b, &login).await, "{end}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_it_is_switched_off_the_code_is_asked_and_no_box_is_shown() {
    let site = Site::with(Plan {
        policy: "policy: optional\n  trusted_devices: 30d",
        more: "  careful: { two_factor: { trusted_devices: false } }",
        wiki_policy: "required, trusted_devices: false",
        ..Plan::default()
    })
    .await;
    let phone = site.account_with_app("mikael", &[]).await;
    let mut b = site.browser();
    trust(&mut b, "mikael", &phone, site.now()).await;
    assert!(again(&mut b, "mikael").await);
    // a session that rests on trust does not open the wiki
    let page = b.open(&site.url(WIKI, "/")).await;
    assert!(b.at.ends_with("/signin/code"), "{} {}", b.at, page.status);
    // nor does a sign-in that leads there, and there is no box, nor use in pretending that there was
    b.jar.clear();
    let page = b.open(&site.url(WIKI, "/")).await;
    let fields = [("username", "mikael"), ("password", PASSWORD)];
    let answer = b.submit(&page, "/signin", &fields).await;
    assert_eq!(answer.header("location"), Some("/signin/code"));
    let page = b.page("/signin/code").await;
    assert!(!page.text().contains("name=\"trust\""));
    site.clock.advance(60);
    let code = phone.code(site.now());
    let _ = b
        .submit(&page, "/signin/code", &[("code", &code), ("trust", "1")])
        .await;
    assert_eq!(site.count("mikael", Event::DeviceTrusted).await, 1);
    site.untouched();
    // a member of the group: no box; what was trusted before is not any more
    site.clock.advance(60);
    let mut b = site.browser();
    trust(&mut b, "mikael", &phone, site.now()).await;
    site.set_groups("mikael", &["careful"]).await;
    assert!(!again(&mut b, "mikael").await);
    let page = b.page("/signin/code").await;
    assert!(!page.text().contains("name=\"trust\""));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_the_configuration_nobody_is_trusted() {
    let site = Site::start().await;
    let phone = site.account_with_app("mikael", &[]).await;
    let mut b = site.browser();
    let _ = b.password("mikael").await;
    let page = b.page("/signin/code").await;
    let code = phone.code(site.now());
    assert!(!page.text().contains("name=\"trust\""));
    let _ = b
        .submit(&page, "/signin/code", &[("code", &code), ("trust", "1")])
        .await;
    assert!(!again(&mut b, "mikael").await);
    assert_eq!(site.count("mikael", Event::DeviceTrusted).await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_browser_gets_a_token_of_its_own_and_a_stranger_is_noticed() {
    let site = site().await;
    site.account("mikael", &[]).await;
    let name = cookie_of(&site, "mikael").await;
    // a value that somebody planted is not adopted
    let planted = vestibule::domain::secret::Token::from_random([7; 32]).reveal();
    let mut b = site.browser();
    b.plant(LOGIN, &name, &planted);
    assert!(again(&mut b, "mikael").await);
    let given = b.cookie(LOGIN, &name).unwrap().to_owned();
    assert_ne!(given, planted);
    // the very first sign-in is no news; a second browser is; a known one is not
    assert_eq!(site.count("mikael", Event::NewDevice).await, 0);
    assert!(again(&mut site.browser(), "mikael").await);
    assert_eq!(site.count("mikael", Event::NewDevice).await, 1);
    assert!(again(&mut b, "mikael").await);
    assert_eq!(site.count("mikael", Event::NewDevice).await, 1);
    assert_eq!(b.cookie(LOGIN, &name), Some(given.as_str()));
    // forgotten after half a year
    site.clock.advance(181 * DAY);
    assert!(again(&mut b, "mikael").await);
    assert_eq!(site.count("mikael", Event::NewDevice).await, 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_given_password_is_changed_first_and_the_code_is_asked_all_the_same() {
    let site = site().await;
    let phone = site.account_with_app("mikael", &[]).await;
    let mut trusted = site.browser();
    trust(&mut trusted, "mikael", &phone, site.now()).await;
    let account = site.find("mikael").await.id;
    let give = |until: i64| Change::SetPassword {
        account,
        password: PasswordHash::from_encoded(CHEAP.to_owned()),
        at: site.env.now(),
        initial_until: Some(site.env.now().plus(Duration::from_secs(until as u64))),
    };
    site.commit(&[give(3600)]).await;
    trusted.jar.get_mut(LOGIN).unwrap().remove(SESSION);
    let answer = trusted.password("mikael").await;
    assert_eq!(answer.header("location"), Some("/signin/new-password"));
    let path = "/signin/new-password";
    for bad in ["", "short", PASSWORD, "passwordpassword"] {
        let answer = trusted.step(path, path, &[("password", bad)]).await;
        assert_eq!(answer.status, 422, "{bad}");
    }
    // nothing else is open meanwhile
    let code = phone.code(site.now() + 30);
    let page = trusted.page(path).await;
    let answer = trusted
        .submit(&page, "/signin/code", &[("code", &code)])
        .await;
    assert_eq!(answer.header("location"), Some(path));
    let new = "gravel otter lantern moss";
    let answer = trusted.submit(&page, path, &[("password", new)]).await;
    assert_eq!(
        answer.header("location"),
        Some("/signin/code"),
        "{}",
        answer.text()
    );
    assert_eq!(site.count("mikael", Event::PasswordChanged).await, 1);
    site.clock.advance(30);
    assert_eq!(trusted.code(&phone.code(site.now())).await.status, 303);
    assert_eq!(site.browser().password("mikael").await.status, 422);
    let answer = site.browser().password_is("mikael", new).await;
    assert_eq!(answer.header("location"), Some("/signin/code"));
    // past its time it is wrong, like any other wrong one
    site.commit(&[give(60)]).await;
    site.clock.advance(60);
    assert_eq!(site.browser().password("mikael").await.status, 422);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_happens_at_a_sign_in_is_mailed() {
    let site = Site::with(Plan {
        policy: "policy: optional\n  trusted_devices: 30d",
        ..with_mail()
    })
    .await;
    let phone = site.account_with_app("mikael", &[]).await;
    let mut b = site.browser();
    let _ = b.both("mikael", &phone, site.now()).await;
    let told = async || -> Vec<Matter> {
        let letters = letters(&site, "mikael").await;
        letters.into_iter().map(|letter| letter.matter).collect()
    };
    // the very first sign-in is no news
    assert!(told().await.is_empty());
    site.clock.advance(60);
    trust(&mut site.browser(), "mikael", &phone, site.now()).await;
    let until = site.env.now().plus(Duration::from_secs(30 * 86_400));
    let now = told().await;
    assert_eq!(now.len(), 2);
    assert!(now.contains(&Matter::NewPlace) && now.contains(&Matter::DeviceTrusted { until }));
    // a known browser is none
    site.clock.advance(60);
    b.jar.get_mut(LOGIN).unwrap().remove(SESSION);
    let _ = b.both("mikael", &phone, site.now()).await;
    assert_eq!(told().await.len(), 2);
    // five wrong codes: said on the page, once
    let mut thief = site.browser();
    let _ = thief.password("mikael").await;
    let mut last = String::new();
    for _ in 0..5 {
        last = thief.code(&phone.wrong(site.now())).await.text();
    }
    let sentence = "We have sent you an e-mail about this.";
    assert!(last.contains(sentence), "{last}");
    let until = site.env.now().plus(Duration::from_secs(900));
    assert!(
        told()
            .await
            .contains(&Matter::CodesPaused { wrong: 5, until })
    );
    let _ = thief.password("mikael").await;
    let again = thief.code(&phone.wrong(site.now())).await;
    assert_eq!(again.status, 429);
    assert!(!again.text().contains(sentence));
    assert_eq!(told().await.len(), 3);
    // a one-time code that was used
    site.clock.advance(900);
    let _ = thief.password("mikael").await;
    let otc = site.helpdesk_code("mikael").await;
    let path = "/signin/one-time-code";
    let _ = thief.step(path, path, &[("otc", &otc)]).await;
    assert!(told().await.contains(&Matter::OneTimeCodeUsed));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_place_that_requires_nothing_may_distrust_a_browser_all_the_same() {
    let site = Site::with(Plan {
        policy: "policy: optional\n  trusted_devices: 30d",
        wiki_policy: "optional, trusted_devices: false",
        ..Plan::default()
    })
    .await;
    let phone = site.account_with_app("mikael", &[]).await;
    let mut b = site.browser();
    trust(&mut b, "mikael", &phone, site.now()).await;
    // signed in for the portal, on trust
    assert!(again(&mut b, "mikael").await);
    let page = b.open(&site.url(WIKI, "/")).await;
    assert!(b.at.ends_with("/signin/code"), "{} {}", b.at, page.status);
    site.untouched();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn trust_that_was_taken_away_does_not_come_back_with_a_confirmation() {
    let site = site().await;
    let phone = site.account_with_app("mikael", &["staff", "admins"]).await;
    let account = site.find("mikael").await.id;
    let mut thief = site.browser();
    trust(&mut thief, "mikael", &phone, site.now()).await;
    assert!(again(&mut thief, "mikael").await);
    site.clock.advance(700);
    // asked, and not answered yet
    let page = thief.page("/account/confirm?next=sessions").await;
    let page = thief.follow(page).await;
    site.commit(&[Change::UntrustDevicesOf { account }]).await;
    site.settle().await;
    let fields = [("password", PASSWORD)];
    let answer = thief.submit(&page, "/account/confirm", &fields).await;
    assert_eq!(answer.header("location"), Some("/account/sessions"));
    let now = site.env.now();
    let open = site.office.store.sessions_of(Some(account), now, 9).await;
    let rest_on = open
        .unwrap()
        .iter()
        .map(|s| s.session.trusted_device.clone())
        .max();
    assert_eq!(rest_on, Some(None));
    let _ = thief.open(&site.url(PAYROLL, "/")).await;
    assert!(thief.at.ends_with("/signin/code"), "{}", thief.at);
}
