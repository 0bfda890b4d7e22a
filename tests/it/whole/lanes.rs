//! Whose guesses count against whom, and where guessing ends.

use super::browser::{Browser, SESSION, field};
use super::site::{CHEAP, LOGIN, Plan, Site};
use futures_util::future::join_all;
use vestibule::domain::account::PasswordHash;
use vestibule::domain::audit::Event;
use vestibule::domain::letter::Matter;
use vestibule::domain::throttle::{Bucket, Kind};

/// Pauses that end within the second, so that a hundred wrong tries take a hundred seconds of the test's clock.
const SHORT: &str = "throttle: { password: { free: 3, then: 1, first_pause: 1s, longest_pause: 1s }, code: { free: 5, then: 5, first_pause: 1s, longest_pause: 1s } }";

async fn patient() -> Site {
    Site::with(Plan {
        more: SHORT,
        ..Plan::default()
    })
    .await
}

/// A browser that somebody has signed in with.
async fn known(site: &Site, login: &str) -> Browser {
    let mut b = site.browser();
    assert_eq!(b.password(login).await.header("location"), Some("/"));
    b.jar.get_mut(LOGIN).unwrap().remove(SESSION);
    b
}

async fn wrong(b: &mut Browser, login: &str) -> u16 {
    b.password_is(login, "not the password").await.status
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stranger_who_guesses_does_not_keep_the_owner_out() {
    let site = Site::start().await;
    site.account("mikael", &[]).await;
    let mut owner = known(&site, "mikael").await;
    let mut stranger = site.browser();
    let mut paused = 0;
    for name in ["mikael", "MIKAEL", " mikael@northgate.example"]
        .iter()
        .cycle()
        .take(15)
    {
        paused += usize::from(wrong(&mut stranger, name).await == 429);
    }
    // ten are looked at, whatever the spelling
    assert_eq!(paused, 5);
    assert_eq!(stranger.password("mikael").await.status, 429);
    assert_eq!(owner.password("mikael").await.header("location"), Some("/"));
    // the owner's success is none of the stranger's
    assert_eq!(stranger.password("mikael").await.status, 429);
    // a cookie somebody made up opens no lane
    let tag = vestibule::domain::device::DeviceTag::of(site.find("mikael").await.id);
    let made_up = vestibule::domain::secret::Token::from_random([9; 32]).reveal();
    stranger.plant(LOGIN, &format!("__Host-vestibule-device-{tag}"), &made_up);
    assert_eq!(stranger.password("mikael").await.status, 429);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_known_browser_that_guesses_pauses_itself_alone_and_no_more_than_ten_at_once() {
    let site = Site::start().await;
    site.account("mikael", &[]).await;
    let mut owner = known(&site, "mikael").await;
    let page = owner.page("/signin").await;
    let csrf = field(&page.text(), "csrf").unwrap();
    let ask = owner.form(
        "/signin",
        &[
            ("csrf", &csrf),
            ("username", "mikael"),
            ("password", "not the password"),
        ],
    );
    let sent = (0..50).map(|_| {
        let (mut b, ask) = (owner.clone(), ask.clone());
        tokio::spawn(async move { b.send(ask).await.status })
    });
    let seen: Vec<u16> = join_all(sent)
        .await
        .into_iter()
        .map(Result::unwrap)
        .collect();
    let looked_at = seen.iter().filter(|s| **s == 422).count();
    assert_eq!(looked_at, 10, "{seen:?}");
    assert_eq!(owner.password("mikael").await.status, 429);
    let mut elsewhere = site.browser();
    assert_eq!(
        elsewhere.password("mikael").await.header("location"),
        Some("/")
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_hundred_wrong_passwords_none_is_right_and_nothing_tells() {
    let site = patient().await;
    site.account("mikael", &[]).await;
    let mut owner = known(&site, "mikael").await;
    let mut stranger = site.browser();
    for n in 0..100 {
        assert_eq!(wrong(&mut stranger, "mikael").await, 422, "{n}");
        site.clock.advance(1);
    }
    assert_eq!(site.count("mikael", Event::PasswordExhausted).await, 1);
    // the right one is answered as a wrong one, and pauses go on as before
    let right = stranger.password("mikael").await;
    assert_eq!(right.status, 422);
    let text = right.text();
    assert!(
        text.contains("The e-mail address or password is not correct"),
        "{text}"
    );
    assert_eq!(stranger.password("mikael").await.status, 429);
    site.clock.advance(1);
    // a name that nobody has: the same
    for n in 0..102 {
        assert_eq!(wrong(&mut stranger, "nobody").await, 422, "{n}");
        site.clock.advance(1);
    }
    assert_eq!(site.count("mikael", Event::PasswordExhausted).await, 1);
    // years do not bring it back, nor does a restart: the store has it
    site.clock.advance(400 * 86_400);
    site.office.store.sweep(site.env.now()).await.unwrap();
    let id = site.find("mikael").await.id;
    let bucket = Bucket::new(Kind::Password, id.uuid().as_bytes());
    assert!(site.office.store.counter(&bucket).await.unwrap().failures >= 100);
    assert_eq!(stranger.password("mikael").await.status, 422);
    // another password does
    let same = PasswordHash::from_encoded(CHEAP.to_owned());
    site.office.authn.set_password(id, same).await.unwrap();
    assert_eq!(
        stranger.password("mikael").await.header("location"),
        Some("/")
    );
    let _ = owner.page("/").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_owners_browser_outlives_a_dead_password_and_the_helpdesk_brings_it_back() {
    let site = patient().await;
    site.account("mikael", &[]).await;
    let mut owner = known(&site, "mikael").await;
    let mut stranger = site.browser();
    for _ in 0..100 {
        wrong(&mut stranger, "mikael").await;
        site.clock.advance(1);
    }
    assert_eq!(owner.password("mikael").await.header("location"), Some("/"));
    assert_eq!(stranger.password("mikael").await.status, 422);
    site.clock.advance(1);
    let id = site.find("mikael").await.id;
    let unlock = site.office.authn.unlock_changes(id).await.unwrap();
    site.commit(&unlock).await;
    assert_eq!(
        stranger.password("mikael").await.header("location"),
        Some("/")
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_browser_that_used_up_its_lane_is_forgotten() {
    let site = patient().await;
    site.account("mikael", &[]).await;
    let mut thief = known(&site, "mikael").await;
    for n in 0..100 {
        assert_eq!(wrong(&mut thief, "mikael").await, 422, "{n}");
        site.clock.advance(1);
    }
    assert_eq!(site.count("mikael", Event::DeviceRemoved).await, 1);
    assert_eq!(site.count("mikael", Event::PasswordExhausted).await, 0);
    let id = site.find("mikael").await.id;
    assert_eq!(site.office.store.devices_of(id).await.unwrap(), []);
    // from here on it counts as a stranger's
    let bucket = Bucket::new(Kind::Password, id.uuid().as_bytes());
    assert_eq!(
        site.office.store.counter(&bucket).await.unwrap().failures,
        0
    );
    wrong(&mut thief, "mikael").await;
    assert_eq!(
        site.office.store.counter(&bucket).await.unwrap().failures,
        1
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_hundred_wrong_codes_the_app_is_dead_and_a_recovery_code_leads_back() {
    let site = patient().await;
    let phone = site.account_with_app("mikael", &[]).await;
    let mut thief = site.browser();
    for n in 0..100 {
        if n % 5 == 0 {
            site.clock.advance(1);
            let _ = thief.password("mikael").await;
        }
        let answer = thief.code(&phone.wrong(site.now())).await;
        let want = if n % 5 == 4 { 429 } else { 422 };
        assert_eq!(answer.status, want, "{n}");
    }
    assert_eq!(site.count("mikael", Event::CodesExhausted).await, 1);
    assert_eq!(site.count("mikael", Event::CodesPaused).await, 20);
    site.clock.advance(60);
    let mut owner = site.browser();
    let answer = owner.both("mikael", &phone, site.now()).await;
    assert_eq!(answer.status, 422, "the dead app was believed");
    // "for now" opens a session, and the app stays dead
    let path = "/signin/one-time-code";
    let otc = site.helpdesk_code("mikael").await;
    let answer = owner.step(path, path, &[("otc", &otc)]).await;
    assert_eq!(answer.header("location"), Some("/signin/lost"));
    let lost = "/signin/lost";
    let _ = owner.step(lost, lost, &[("lost", "temporary")]).await;
    assert!(owner.is_signed_in().await);
    site.clock.advance(60);
    let mut stranger = site.browser();
    assert_eq!(
        stranger.both("mikael", &phone, site.now()).await.status,
        422
    );
    // bound anew it begins anew
    let mut owner = site.browser();
    let _ = owner.password("mikael").await;
    let otc = site.helpdesk_code("mikael").await;
    let _ = owner.step(path, path, &[("otc", &otc)]).await;
    let _ = owner.step(lost, lost, &[("lost", "permanent")]).await;
    let (new, _) = owner.bind(site.now()).await;
    let _ = owner.finish().await;
    site.clock.advance(60);
    assert_eq!(
        site.browser().both("mikael", &new, site.now()).await.status,
        303
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn wrong_codes_elsewhere_do_not_pause_the_owners_browser() {
    let site = Site::start().await;
    let phone = site.account_with_app("mikael", &[]).await;
    let mut owner = site.browser();
    assert_eq!(owner.both("mikael", &phone, site.now()).await.status, 303);
    owner.jar.get_mut(LOGIN).unwrap().remove(SESSION);
    let mut thief = site.browser();
    let _ = thief.password("mikael").await;
    for _ in 0..5 {
        thief.code(&phone.wrong(site.now())).await;
    }
    let _ = thief.password("mikael").await;
    assert_eq!(thief.code(&phone.code(site.now())).await.status, 429);
    site.clock.advance(60);
    assert_eq!(owner.both("mikael", &phone, site.now()).await.status, 303);
    // its own wrong ones pause it
    owner.jar.get_mut(LOGIN).unwrap().remove(SESSION);
    let _ = owner.password("mikael").await;
    for n in 0..5 {
        let answer = owner.code(&phone.wrong(site.now())).await;
        assert_eq!(answer.status, if n == 4 { 429 } else { 422 });
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dead_password_is_told_of_once() {
    let more = "throttle: { password: { free: 3, then: 1, first_pause: 1s, longest_pause: 1s } }\nmail: { smtp: \"smtp://127.0.0.1:1\", from: login@northgate.example }";
    let site = Site::with(Plan {
        more,
        ..Plan::default()
    })
    .await;
    site.account("mikael", &[]).await;
    let mut stranger = site.browser();
    for _ in 0..105 {
        wrong(&mut stranger, "mikael").await;
        site.clock.advance(1);
    }
    let letters = super::account::letters(&site, "mikael").await;
    assert_eq!(letters.len(), 1);
    assert!(letters[0].matter == Matter::PasswordDisabled);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn browsers_known_before_the_app_have_no_lanes_for_its_codes() {
    let site = patient().await;
    // a thief of the password makes himself known while it is all there is
    let mut thieves = [
        known(&site, "aino").await,
        known(&site, "aino").await,
        known(&site, "aino").await,
    ];
    let mut owner = site.browser();
    let _ = owner.password("aino").await;
    let _ = owner
        .step("/account/security", "/account/2fa", &[("do", "enrol")])
        .await;
    let (phone, _) = owner.bind(site.now()).await;
    let _ = owner.finish().await;
    let mut looked_at = 0;
    for thief in &mut thieves {
        let answer = thief.password("aino").await;
        assert_eq!(answer.header("location"), Some("/signin/code"));
        while thief.code(&phone.wrong(site.now())).await.status == 422 {
            looked_at += 1;
        }
    }
    // five in one lane, the last of which says that it pauses
    assert_eq!(looked_at, 4);
}
