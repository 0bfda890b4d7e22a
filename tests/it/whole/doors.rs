//! The first door: where it leads, how often one may knock, and who may push somebody through it.

use super::browser::{Ask, Browser, SESSION, SIGN_IN, field};
use super::site::{LOGIN, PASSWORD, PAYROLL, Plan, Site, WIKI};
use crate::support::client::Answer;
use futures_util::future::join_all;
use std::collections::BTreeSet;
use url::Url;
use vestibule::domain::account::Status;
use vestibule::domain::audit::Event;

// --- open redirects

const FOREIGN: &[&str] = &[
    "//evil.example",
    "/\\evil.example",
    "/%5cevil.example",
    "/\t/evil.example",
    "\\\\evil.example",
    "%0d%0aLocation:https://evil.example",
    "https:evil.example",
    "https:/evil.example",
    "https:///evil.example",
    "https:\\\\evil.example",
    "https://wiki.test@evil.example",
    "https://wiki.test.evil.example",
    "https://evilwiki.test",
    "https://wiki.test:444",
    "https://wiki.test:8444/",
    "http://wiki.test/",
    "javascript:alert(1)",
    "JAVASCRIPT:alert(1)",
    "data:text/html,x",
    "https://wiki.test\\@evil.example",
    "https://wiki.test\t.evil.example",
    "https://wiki.test%2eevil.example",
    "https://wiki.test%00.evil.example",
    "https://evil.example/https://wiki.test",
    "https://evil.example#wiki.test",
    "https://evil.example?wiki.test",
    "https://[::1]/",
    "https://127.0.0.1/",
    "https://0x7f.1/",
    "https://user:pass@wiki.test/",
    "https://wiki.test:443@evil.example/",
    " https://wiki.test/",
    "https://wiki.test/ x",
    "ftp://wiki.test/",
    "https://w\u{456}ki.test/",
    "https://wiki\u{3002}test.evil.example/",
    "",
    "/",
    "wiki.test",
    "https://",
    "https://:443/",
    "https://wiki.test..",
    "https://.wiki.test/",
    "https://wiki.test/\r\nSet-Cookie:x=y",
    "\u{feff}https://wiki.test/",
    "https://wiki.test\u{202e}/",
    "/signin?to=//evil.example",
    "///evil.example",
    "https://login.test@evil.example",
    "vbscript:x",
    "blob:https://evil.example/x",
    "https://evil.example",
    "AAAA",
    "-_-_",
    "../../evil",
];

#[track_caller]
fn stays(site: &Site, asked: &str, answer: &Answer) {
    assert!(answer.status < 500, "{asked}: {}", answer.head);
    for to in answer
        .headers("location")
        .into_iter()
        .chain(answer.headers("refresh"))
    {
        let to = Url::parse(&site.url(LOGIN, "/signin"))
            .unwrap()
            .join(to)
            .unwrap();
        let port = site.net.address.port();
        assert!(
            to.scheme() == "https" && to.host_str() == Some(LOGIN) && to.port() == Some(port),
            "{asked} leads to {to}"
        );
    }
    assert!(
        !answer.head.contains("evil") || !answer.head.contains("Set-Cookie: x"),
        "{asked}"
    );
    for link in answer
        .text()
        .split("href=\"")
        .skip(1)
        .chain(answer.text().split("action=\"").skip(1))
    {
        let link = link.split('"').next().unwrap().to_ascii_lowercase();
        assert!(
            !link.starts_with("//")
                && !link.starts_with("/\\")
                && !link.starts_with("javascript:")
                && !link.starts_with("https://evil"),
            "{asked}: {link}"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_destination_leads_away() {
    let site = Site::start().await;
    // sealed by another gateway's key
    let other = Site::start().await;
    let mut b = other.browser();
    let answer = b.get(&other.url(WIKI, "/")).await;
    let foreign_seal = Url::parse(answer.header("location").unwrap()).unwrap();
    let foreign_seal = foreign_seal.query_pairs().next().unwrap().1.into_owned();
    // ours, with a bit changed
    let mut b = site.browser();
    let answer = b.get(&site.url(WIKI, "/")).await;
    let own = Url::parse(answer.header("location").unwrap()).unwrap();
    let own = own.query_pairs().next().unwrap().1.into_owned();
    let bent = format!(
        "{}{}",
        if own.starts_with('A') { "B" } else { "A" },
        &own[1..]
    );
    let all: Vec<&str> = FOREIGN
        .iter()
        .copied()
        .chain([foreign_seal.as_str(), bent.as_str()])
        .collect();

    let mut inside = site.browser();
    assert_eq!(inside.password("aino").await.header("location"), Some("/"));
    let csrf_inside = field(&inside.page("/signout").await.text(), "csrf").unwrap();
    for payload in all {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        for name in ["to", "rd", "return_to", "next", "redirect", "url"] {
            query.append_pair(name, payload);
        }
        let query = query.finish();
        let mut outside = site.browser();
        for path in [
            "/signin",
            "/remind",
            "/remind/app",
            "/signout",
            "/signed-out",
            "/",
            "/enrol",
            "/signin/code",
        ] {
            let asked = format!("{path}?{query}");
            stays(&site, &asked, &outside.page(&asked).await);
            stays(&site, &asked, &inside.page(&asked).await);
        }
        let csrf = csrf_inside.as_str();
        for (path, fields) in [
            (
                "/remind",
                vec![
                    ("csrf", csrf),
                    ("do", "later"),
                    ("to", payload),
                    ("next", payload),
                ],
            ),
            (
                "/signin",
                vec![
                    ("csrf", ""),
                    ("username", "aino"),
                    ("password", PASSWORD),
                    ("to", payload),
                ],
            ),
        ] {
            let ask = inside.form(path, &fields);
            stays(&site, payload, &inside.send(ask).await);
        }
        // sent as it is, not encoded
        if payload.bytes().all(|b| (0x21..0x7f).contains(&b)) {
            let asked = format!("/signin?to={payload}");
            stays(&site, &asked, &inside.page(&asked).await);
        }
    }
    // after a real sign-in
    for payload in [
        "//evil.example",
        "https://evil.example/",
        &foreign_seal,
        &bent,
    ] {
        let mut b = site.browser();
        let page = b.page("/signin").await;
        let csrf = field(&page.text(), "csrf").unwrap();
        let ask = b.form(
            "/signin",
            &[
                ("csrf", &csrf),
                ("username", "aino"),
                ("password", PASSWORD),
                ("to", payload),
            ],
        );
        let answer = b.send(ask).await;
        assert_eq!(answer.header("location"), Some("/"), "{payload}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_path_that_looks_like_another_host_is_none() {
    let site = Site::start().await;
    let mut b = site.browser();
    assert_eq!(b.password("aino").await.status, 303);
    for path in [
        "//evil.example/",
        "//evil.example/%2f..",
        "/\\evil.example",
        "/%5cevil.example",
        "/.//evil.example",
        "/%2f/evil.example",
    ] {
        for host in [LOGIN, WIKI] {
            let answer = b.get(&site.url(host, path)).await;
            if answer.status == 200 {
                continue;
            }
            assert!(
                matches!(answer.status, 400 | 404),
                "{host}{path}: {}",
                answer.head
            );
            stays(&site, path, &answer);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_destination_somebody_else_sealed_gives_them_nothing() {
    // the attacker opens the wiki, and has the victim sign in with the attacker's destination
    let site = Site::start().await;
    let mut attacker = site.browser();
    let answer = attacker.get(&site.url(WIKI, "/")).await;
    let link = answer.header("location").unwrap().to_owned();
    let mut victim = site.browser();
    let page = victim.open(&link).await;
    let fields = [("username", "aino"), ("password", PASSWORD)];
    let answer = victim.submit(&page, "/signin", &fields).await;
    let ticket = answer.header("location").unwrap().to_owned();
    assert!(ticket.contains("callback?ticket="));
    // the victim's browser comes first and is turned away; the ticket is burnt or bound to the attacker's cookie
    let _ = victim.get(&ticket).await;
    assert_eq!(victim.cookie(WIKI, SESSION), None);
    site.untouched();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_long_address_survives_the_sign_in() {
    let site = Site::start().await;
    for length in [7000, 8100] {
        let path = format!("/{}?q=1", "long/".repeat(length / 5));
        let mut b = site.browser();
        let page = b.open(&site.url(WIKI, &path)).await;
        assert_eq!(page.status, 200, "{length}: {}", page.head);
        let fields = [("username", "aino"), ("password", PASSWORD)];
        let answer = b.submit(&page, "/signin", &fields).await;
        let answer = b.follow(answer).await;
        assert_eq!(answer.status, 200, "{length}: {}", answer.head);
        let seen = site.wiki.take();
        assert!(seen.last().unwrap().starts_with(&format!("GET {path} ")));
    }
    // the portal's own addresses and heads end somewhere too, and applications' no later than before
    let mut b = site.browser();
    let long = |n: usize| format!("/signin?to={}", "x".repeat(n));
    assert_eq!(b.page(&long(15_000)).await.status, 200);
    assert_eq!(b.page(&long(17_000)).await.status, 414);
    let mut ask = b.visit(&site.url(LOGIN, &long(15_000)));
    ask.more = format!("Referer: {}\r\n", site.url(LOGIN, &long(20_000)));
    assert_eq!(b.send(ask.clone()).await.status, 200);
    ask.more = format!("A: {}\r\n", "x".repeat(41_000));
    assert_eq!(b.send(ask).await.status, 431);
    assert_eq!(b.get(&site.url(WIKI, &long(8200))).await.status, 414);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_said_about_an_applications_sub_domains() {
    let site = Site::start().await;
    let mut b = site.browser();
    let _ = b.password("aino").await;
    let plain = Some("max-age=31536000");
    let all = Some("max-age=31536000; includeSubDomains");
    for (host, path, want) in [
        (LOGIN, "/", all),
        (LOGIN, "/signout", all),
        (LOGIN, "/nowhere", all),
        (WIKI, "/", plain),
        (WIKI, "/.vestibule/logout", plain),
        (WIKI, "/.vestibule/nowhere", plain),
    ] {
        let answer = b.get(&site.url(host, path)).await;
        let got = answer.header("strict-transport-security");
        assert_eq!(got, want, "{host}{path}");
    }
    let answer = b.open(&site.url(WIKI, "/")).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("strict-transport-security"), None);
    let answer = b.get(&site.url(WIKI, "/admin")).await;
    assert_eq!(answer.status, 403);
    assert_eq!(answer.header("strict-transport-security"), plain);
}

// --- throttling

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_spellings_of_a_name_share_one_counter() {
    let site = Site::start().await;
    let spellings = [
        "aino",
        "AINO",
        "Aino",
        " aino",
        "aino ",
        "aino@northgate.example",
        "AINO@NORTHGATE.EXAMPLE",
        "Aino@Northgate.Example",
        "\u{ff41}ino",
        "aino\u{200b}",
    ];
    let mut statuses = Vec::new();
    for n in 0..20 {
        let mut b = site.browser();
        let mut ask = b.visit(&site.url(LOGIN, "/signin"));
        ask.more = format!(
            "X-Forwarded-For: 10.0.0.{n}\r\nX-Real-IP: 10.1.0.{n}\r\nForwarded: for=10.2.0.{n}\r\nTrue-Client-IP: 10.3.0.{n}\r\n"
        );
        let more = ask.more.clone();
        let page = b.send(ask).await;
        let csrf = field(&page.text(), "csrf").unwrap();
        let mut ask = b.form(
            "/signin",
            &[
                ("csrf", &csrf),
                ("username", spellings[n % 8]),
                ("password", "wrong"),
            ],
        );
        ask.more = more;
        statuses.push(b.send(ask).await.status);
    }
    assert_eq!(
        site.count("aino", Event::PasswordRefused).await,
        10,
        "{statuses:?}"
    );
    assert_eq!(statuses[10..], [429; 10]);
    // the right one is not looked at either
    for name in spellings {
        assert_ne!(site.browser().password(name).await.status, 303, "{name}");
    }
    assert_eq!(site.sessions_of("aino").await, 0);
    // a look-alike is nobody else's way in once the pause is over
    site.clock.advance(3600);
    assert_eq!(site.browser().password("aino").await.status, 303);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_wrong_passwords_at_once_ten_are_looked_at() {
    let site = Site::start().await;
    for name in ["aino", "nobody"] {
        let mut b = site.browser();
        let csrf = field(&b.page("/signin").await.text(), "csrf").unwrap();
        let ask = b.form(
            "/signin",
            &[("csrf", &csrf), ("username", name), ("password", "wrong")],
        );
        let sent = (0..50).map(|_| {
            let (mut b, ask) = (b.clone(), ask.clone());
            tokio::spawn(async move { b.send(ask).await.status })
        });
        let statuses: Vec<u16> = join_all(sent)
            .await
            .into_iter()
            .map(Result::unwrap)
            .collect();
        let looked_at = statuses.iter().filter(|s| **s == 422).count();
        assert!(looked_at <= 10, "{name}: {statuses:?}");
        assert!(
            statuses.iter().all(|s| matches!(s, 422 | 429)),
            "{statuses:?}"
        );
        assert_eq!(b.clone().send(ask).await.status, 429, "{name}");
    }
    assert!(site.count("aino", Event::PasswordRefused).await <= 10);
}

/// A flood of wrong passwords, each under a name of its own, so that no counter stops it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flood_of_sign_ins_is_turned_away_and_nobody_else_notices() {
    const FLOOD: usize = 40;
    let site = Site::with(Plan {
        more: "throttle: { hashing_threads: 1, hashing_queue: 2, network: { free: 1000000 } }",
        ..Plan::default()
    })
    .await;
    let mut inside = site.browser();
    assert_eq!(inside.password("aino").await.status, 303);
    let home = inside.open(&site.url(WIKI, "/")).await;
    assert_eq!(home.status, 200);
    let mut b = site.browser();
    let csrf = field(&b.page("/signin").await.text(), "csrf").unwrap();
    let sent = (0..FLOOD).map(|n| {
        let mut b = b.clone();
        let name = format!("somebody{n}");
        let fields = [
            ("csrf", &*csrf),
            ("username", &*name),
            ("password", "wrong"),
        ];
        let ask = b.form("/signin", &fields);
        tokio::spawn(async move { b.send(ask).await })
    });
    let sent: Vec<_> = sent.collect();
    // in the midst of it
    for _ in 0..20 {
        assert_eq!(inside.get(&site.url(WIKI, "/")).await.status, 200);
    }
    let answers: Vec<Answer> = join_all(sent)
        .await
        .into_iter()
        .map(Result::unwrap)
        .collect();
    let statuses: Vec<u16> = answers.iter().map(|a| a.status).collect();
    assert!(
        statuses.iter().all(|s| matches!(s, 422 | 429)),
        "{statuses:?}"
    );
    let away: Vec<&Answer> = answers.iter().filter(|a| a.status == 429).collect();
    // one is checked and two wait; all came within the time of a few checks
    assert!(!away.is_empty() && away.len() < FLOOD, "{statuses:?}");
    for answer in away {
        let pause: u64 = answer.header("retry-after").unwrap().parse().unwrap();
        assert!((1..=60).contains(&pause));
    }
    // and then everything is as before
    assert_eq!(site.browser().password("aino").await.status, 303);
}

// --- enumeration

/// What is the same for everybody once values that are new each time are blotted out.
fn blotted(answer: &Answer, name: &str) -> String {
    let mut text = answer.text().replace(name, "NAME");
    for hidden in ["csrf", "to"] {
        if let Some(value) = field(&text, hidden) {
            text = text.replace(&value, hidden);
        }
    }
    let head: Vec<&str> = answer
        .head
        .lines()
        .filter(|l| {
            let name = l.split(':').next().unwrap_or_default();
            let new_each_time = ["date", "content-length", "x-request-id"];
            !new_each_time.contains(&name.to_ascii_lowercase().as_str())
        })
        .collect();
    format!("{}\n\n{text}", head.join("\n"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn unknown_wrong_disabled_and_without_password_look_alike() {
    let site = Site::start().await;
    site.account_with_app("mikael", &["finance"]).await;
    let disabled = site.account("disabled", &[]).await.id;
    site.office
        .authn
        .set_status(disabled, Status::Disabled)
        .await
        .unwrap();
    let bare = vestibule::authn::accounts::NewAccount {
        login: "bare".into(),
        ..Default::default()
    };
    site.office.authn.add_account(bare).await.unwrap().unwrap();
    let mut seen = BTreeSet::new();
    for (name, password) in [
        ("nobody", "wrong"),
        ("aino", "wrong"),
        ("mikael", "wrong"),
        ("disabled", "wrong"),
        ("disabled", PASSWORD),
        ("bare", "wrong"),
        ("nobody@nowhere.example", "wrong"),
        ("bare", "x"),
    ] {
        let mut b = site.browser();
        let answer = b.password_is(name, password).await;
        assert_eq!(answer.status, 422);
        seen.insert(blotted(&answer, name));
    }
    assert_eq!(seen.len(), 1, "{seen:#?}");
    // paused: the same as well
    let mut seen = BTreeSet::new();
    for name in ["nobody", "aino", "mikael", "disabled", "bare"] {
        let mut last = None;
        for _ in 0..12 {
            last = Some(site.browser().password_is(name, "wrong").await);
        }
        let last = last.unwrap();
        assert_eq!(last.status, 429, "{name}");
        seen.insert(blotted(&last, name));
    }
    assert_eq!(seen.len(), 1, "{seen:#?}");
}

// --- forms from elsewhere

async fn refused(b: &mut Browser, ask: Ask, what: &str) {
    let path = ask.url.clone();
    let answer = b.send(ask).await;
    assert_eq!(answer.status, 403, "{what} {path}: {}", answer.head);
    assert!(answer.header("location").is_none());
}

/// A browser, the page with the form, where the form goes, and the fields that would do it.
type Case<'a> = (&'a mut Browser, &'a str, &'a str, Vec<(&'a str, &'a str)>);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn forms_from_elsewhere_change_nothing() {
    let site = Site::with(Plan {
        policy: "policy: recommended",
        ..Plan::default()
    })
    .await;
    // one browser at each form, and the fields that would do it
    let phone = site.account_with_app("mikael", &[]).await;
    let mut at_code = site.browser();
    let _ = at_code.password("mikael").await;
    let mut at_nag = site.browser();
    assert_eq!(
        at_nag.password("aino").await.header("location"),
        Some("/remind")
    );
    let mut inside = site.browser();
    site.clock.advance(30);
    let _ = inside.both("mikael", &phone, site.now()).await;
    site.clock.advance(30);
    let mut at_app = site.browser();
    site.account("helena", &[]).await;
    let _ = at_app.password("helena").await;
    let _ = at_app.step("/remind", "/remind", &[("do", "enrol")]).await;
    let code = phone.code(site.now());
    let mut stranger = site.browser();
    let foreign_csrf = field(&stranger.page("/signin").await.text(), "csrf").unwrap();
    let mut outside = site.browser();
    let _ = outside.page("/signin").await;
    let cases: [Case<'_>; 5] = [
        (
            &mut outside,
            "/signin",
            "/signin",
            vec![("username", "aino"), ("password", PASSWORD)],
        ),
        (
            &mut at_code,
            "/signin/code",
            "/signin/code",
            vec![("code", &code)],
        ),
        (&mut at_nag, "/remind", "/remind", vec![("do", "later")]),
        (
            &mut at_app,
            "/enrol/app",
            "/enrol/app",
            vec![("app", "own")],
        ),
        (&mut inside, "/signout", "/signout", vec![]),
    ];
    let before = (
        site.sessions_of("mikael").await,
        site.sessions_of("aino").await,
    );
    for (b, shown, path, fields) in cases {
        let csrf = field(&b.page(shown).await.text(), "csrf").unwrap();
        let with = |csrf: Option<&str>| {
            let mut all: Vec<(&str, &str)> = csrf.map(|c| ("csrf", c)).into_iter().collect();
            all.extend(&fields);
            b.form(path, &all)
        };
        let good = with(Some(&csrf));
        let cut = &csrf[..csrf.len() - 1];
        let foreign_port = site
            .url(LOGIN, "")
            .replace(&format!(":{}", site.net.address.port()), "");
        let asks = vec![
            ("no value", with(None)),
            ("empty value", with(Some(""))),
            ("cut value", with(Some(cut))),
            ("another browser's value", with(Some(&foreign_csrf))),
            (
                "foreign origin",
                Ask {
                    origin: Some("https://evil.example".into()),
                    ..good.clone()
                },
            ),
            (
                "null origin",
                Ask {
                    origin: Some("null".into()),
                    ..good.clone()
                },
            ),
            (
                "application's origin",
                Ask {
                    origin: Some(site.url(WIKI, "")),
                    ..good.clone()
                },
            ),
            (
                "other port",
                Ask {
                    origin: Some(foreign_port),
                    ..good.clone()
                },
            ),
            (
                "cross site",
                Ask {
                    site: "cross-site",
                    ..good.clone()
                },
            ),
            (
                "same site",
                Ask {
                    site: "same-site",
                    ..good.clone()
                },
            ),
            (
                "cross site, no origin",
                Ask {
                    site: "cross-site",
                    origin: None,
                    ..good.clone()
                },
            ),
        ];
        for (what, ask) in asks {
            if what == "another browser's value" && !matches!(path, "/signin" | "/signout") {
                // a page of ours that is stale: shown anew
                let answer = b.send(ask).await;
                assert_eq!(answer.status, 303, "{what} {path}: {}", answer.head);
                assert!(path.starts_with(answer.header("location").unwrap()));
                continue;
            }
            refused(b, ask, what).await;
        }
        for kind in [
            "text/plain",
            "application/json",
            "multipart/form-data; boundary=x",
            "",
            "application/x-www-form-urlencodedx",
        ] {
            let answer = b
                .send(Ask {
                    kind,
                    ..good.clone()
                })
                .await;
            assert!(
                matches!(answer.status, 400 | 403 | 415),
                "{path} {kind}: {}",
                answer.head
            );
        }
        // by GET nothing happens
        let query = good.body.clone().unwrap();
        let url = site.url(LOGIN, &format!("{path}?{query}"));
        let answer = b.get(&url).await;
        assert!(answer.status == 200, "{path}: {}", answer.head);
        // without a word of where it comes from the value alone decides
    }
    let after = (
        site.sessions_of("mikael").await,
        site.sessions_of("aino").await,
    );
    assert_eq!(before, after);
    assert_eq!(site.find("aino").await.reminder.snoozed_until, None);
    assert_eq!(site.count("mikael", Event::CodeRefused).await, 0);
    assert!(inside.is_signed_in().await);
    assert!(inside.cookie(LOGIN, SIGN_IN).is_none());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn signing_out_on_an_application_takes_its_own_form() {
    let site = Site::start().await;
    let mut b = site.browser();
    let _ = b.password("aino").await;
    assert_eq!(b.open(&site.url(WIKI, "/")).await.status, 200);
    let page = b.get(&site.url(WIKI, "/.vestibule/logout")).await;
    let csrf = field(&page.text(), "csrf").unwrap();
    let portals = field(&b.page("/signout").await.text(), "csrf").unwrap();
    let mut good = b.form("", &[("csrf", &csrf)]);
    good.url = site.url(WIKI, "/.vestibule/logout");
    good.origin = Some(site.url(WIKI, ""));
    let mut other = b.form("", &[("csrf", &portals)]);
    other.url = good.url.clone();
    other.origin = good.origin.clone();
    refused(&mut b, other, "the portal's value").await;
    for origin in [site.url(PAYROLL, ""), site.url(LOGIN, ""), "null".into()] {
        let what = origin.clone();
        refused(
            &mut b,
            Ask {
                origin: Some(origin),
                ..good.clone()
            },
            &what,
        )
        .await;
    }
    refused(
        &mut b,
        Ask {
            site: "cross-site",
            ..good.clone()
        },
        "cross site",
    )
    .await;
    assert!(b.is_signed_in().await);
    let answer = b.send(good).await;
    assert_eq!(answer.status, 303);
    assert_eq!(b.cookie(WIKI, SESSION), None);
    // what the application keeps in the browser is its own; what the portal keeps goes
    assert_eq!(answer.header("clear-site-data"), None);
    assert!(!b.is_signed_in().await);
    let _ = b.password("aino").await;
    let page = b.page("/signout").await;
    let answer = b.submit(&page, "/signout", &[]).await;
    let cleared = answer.header("clear-site-data");
    assert_eq!(cleared, Some("\"cache\", \"storage\""));
    assert!(!b.is_signed_in().await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unknown_name_takes_as_much_work_as_a_wrong_password() {
    // without the decoy an unknown name is answered ten times faster; samples are taken in turn
    let site = Site::start().await;
    let hash = |text: &str| {
        let password = vestibule::domain::secret::Password::new(text).unwrap();
        site.office.authn.hash_password(password)
    };
    let costly = hash("a long enough password").await.unwrap();
    let add = async |login: &str, password, disabled| {
        let new = vestibule::authn::accounts::NewAccount {
            login: login.into(),
            password,
            disabled,
            ..Default::default()
        };
        site.office.authn.add_account(new).await.unwrap().unwrap();
    };
    add("known", Some(costly.clone()), false).await;
    add("gone", Some(costly), true).await;
    add("bare", None, false).await;
    let long = "x".repeat(3000);
    let cases = [
        ("known", "wrong"),
        ("gone", "wrong"),
        ("gone", "a long enough password"),
        ("bare", "wrong"),
        ("nobody", "wrong"),
        ("nobody2", &long),
    ];
    let mut times = vec![Vec::new(); cases.len()];
    for _ in 0..4 {
        for (times, (name, password)) in times.iter_mut().zip(cases) {
            let mut b = site.browser();
            let page = b.page("/signin").await;
            let begin = tokio::time::Instant::now();
            let fields = [("username", name), ("password", password)];
            let answer = b.submit(&page, "/signin", &fields).await;
            times.push(begin.elapsed());
            assert_eq!(answer.status, 422);
        }
    }
    let fastest: Vec<_> = times.iter().map(|t| t.iter().min().unwrap()).collect();
    let most = fastest.iter().max().unwrap();
    for (least, case) in fastest.iter().zip(cases) {
        let case = (case.0, case.1.len());
        assert!(**least * 4 > **most, "{case:?}: {fastest:?}");
    }
}
