//! The person's own pages in all their states.

use super::*;
use crate::domain::audit::Event;
use std::net::{IpAddr, Ipv4Addr};

const NOW: i64 = 1_795_375_467;
const DAY: i64 = 86_400;
const FIREFOX: &str = "Mozilla/5.0 (Windows NT 10.0; rv:145.0) Gecko/20100101 Firefox/145.0";
const IPHONE: &str =
    "Mozilla/5.0 (iPhone; CPU iPhone OS 19_1 like Mac OS X) Version/19.1 Safari/604.1";

fn device(user_agent: &str, last: u8) -> Device {
    let address = IpAddr::V4(Ipv4Addr::new(192, 0, 2, last));
    Device::new(Some(user_agent), Some(address))
}

fn sessions(text: &str) -> &'static [SessionRow] {
    let row = |user_agent: &str, current, services| SessionRow {
        id: text.into(),
        device: device(user_agent, 7),
        signed_in_at: NOW - DAY,
        last_active_at: NOW - 2400,
        current,
        services,
    };
    vec![
        row(FIREFOX, true, vec![text.into(), "Payroll".into()]),
        row(IPHONE, false, vec![text.into()]),
        row(text, false, vec![]),
    ]
    .leak()
}

fn devices(text: &str) -> &'static [DeviceRow] {
    let row = |user_agent: &str, current, last_used_at| DeviceRow {
        id: text.into(),
        device: device(user_agent, 7),
        until: NOW + 30 * DAY,
        last_used_at,
        current,
    };
    vec![
        row(FIREFOX, true, Some(NOW)),
        row(IPHONE, false, None),
        row(text, false, Some(NOW - DAY)),
    ]
    .leak()
}

fn entries(user_agent: &str, count: usize) -> &'static [Entry] {
    let entry = |(event, n): (&Event, i64)| {
        Some(Entry {
            at: NOW - n * 40_000,
            text_id: activity_text_id(event)?,
            device: (n % 4 != 3).then(|| device(user_agent, 7)),
        })
    };
    let events = Event::ALL.iter().rev().zip(0i64..);
    let all: Vec<Entry> = events.filter_map(entry).take(count).collect();
    all.leak()
}

fn security(text: &str, two_factor: TwoFactorView, done: Option<Done>) -> Security<'_> {
    Security {
        nav: nav(text),
        done,
        password_changed_at: Some(NOW - 200 * DAY),
        trusting: Trusting::Offered,
        trusted_devices: if matches!(two_factor, TwoFactorView::On { .. }) {
            2
        } else {
            0
        },
        two_factor,
        sessions: 3,
        recent: entries(FIREFOX, 4),
    }
}

const fn on(codes_left: u64, disabling: Disabling) -> TwoFactorView {
    TwoFactorView::On {
        since: NOW - 80 * DAY,
        last_code_at: Some(NOW),
        codes_left,
        codes_total: 8,
        disabling,
    }
}

fn off(demand: Demand) -> TwoFactorView {
    TwoFactorView::Off(demand)
}

/// Leaks a few kilobytes: a test's pages live as long as the test.
pub(super) fn pages(text: &str) -> Vec<Named<'_>> {
    let deadline = Some(DeadlineView {
        days_left: 18,
        at: NOW + 18 * DAY,
    });
    let required = Demand::Required { deadline };
    let late = Demand::Required { deadline: None };
    let exempt = Demand::Exempt {
        until: Some(NOW + 9 * DAY),
    };
    let confirm = |asks, error| Confirm {
        shown_as: text,
        asks,
        error,
        action: "/account/confirm",
        cancel: "/account/security",
    };
    let password = |error| NewPassword {
        minimum_length: 12,
        error,
    };
    let change = |error| ChangePassword {
        shown_as: text,
        password: password(error),
    };
    let all_sessions = |done, rows| Sessions {
        nav: nav(text),
        done,
        rows,
    };
    let all_devices = |done, trusting, rows| Devices {
        nav: nav(text),
        done,
        trusting,
        rows,
    };
    let proof = |error, resent| EmailProof {
        masked: text,
        minutes: 30,
        error,
        resent,
        more: !resent,
    };
    let role = Nav {
        shown_as: text,
        console: None,
    };
    let mut all: Vec<Named<'_>> = vec![
        (
            "security",
            Box::new(security(text, on(7, Disabling::Required), None)),
        ),
        (
            "security, may disable",
            Box::new(security(
                text,
                on(0, Disabling::Allowed),
                Some(Done::PasswordChanged),
            )),
        ),
        (
            "security, role",
            Box::new(security(
                text,
                on(8, Disabling::RequiredForRole),
                Some(Done::CodesCreated),
            )),
        ),
        (
            "security, off, required",
            Box::new(security(text, off(required), None)),
        ),
        (
            "security, off, late",
            Box::new(security(text, off(late), None)),
        ),
        (
            "security, off, optional",
            Box::new(security(
                text,
                off(Demand::Optional),
                Some(Done::TwoFactorDisabled),
            )),
        ),
        (
            "security, off, exempt",
            Box::new(security(text, off(exempt), None)),
        ),
        (
            "security, off, exempt for good",
            Box::new(security(text, off(Demand::Exempt { until: None }), None)),
        ),
        (
            "sessions",
            Box::new(all_sessions(Some(Done::SessionEnded), sessions(text))),
        ),
        (
            "sessions, one",
            Box::new(all_sessions(None, &sessions(text)[..1])),
        ),
        (
            "devices",
            Box::new(all_devices(
                Some(Done::DeviceRemoved),
                Trusting::Offered,
                devices(text),
            )),
        ),
        (
            "devices, none",
            Box::new(all_devices(None, Trusting::Offered, &[])),
        ),
        (
            "devices, off",
            Box::new(all_devices(None, Trusting::SwitchedOff, devices(text))),
        ),
        (
            "devices, no 2fa",
            Box::new(all_devices(None, Trusting::NoTwoFactor, &[])),
        ),
        (
            "activity",
            Box::new(Activity {
                nav: role,
                entries: entries(IPHONE, 25),
                older: Some(text),
            }),
        ),
        (
            "activity, none",
            Box::new(Activity {
                nav: role,
                entries: &[],
                older: None,
            }),
        ),
        ("confirm, password", Box::new(confirm(Asks::Password, None))),
        (
            "confirm, password wrong",
            Box::new(confirm(Asks::Password, Some(ReauthError::WrongPassword))),
        ),
        ("confirm, code", Box::new(confirm(Asks::Code, None))),
        (
            "confirm, code wrong",
            Box::new(confirm(Asks::Code, Some(ReauthError::WrongCode))),
        ),
        ("confirm, both", Box::new(confirm(Asks::Both, None))),
        (
            "confirm, both empty",
            Box::new(confirm(Asks::Both, Some(ReauthError::EmptyBoth))),
        ),
        (
            "confirm, both wrong",
            Box::new(confirm(Asks::Both, Some(ReauthError::Wrong))),
        ),
        ("disable", Box::new(DisableTwoFactor { shown_as: text })),
        ("password", Box::new(change(None))),
        (
            "first password",
            Box::new(SetInitialPassword {
                shown_as: text,
                password: password(None),
                action: "/signin/password",
            }),
        ),
        (
            "forgot",
            Box::new(Forgot {
                username: text,
                error: false,
                by_login: true,
            }),
        ),
        (
            "forgot, empty",
            Box::new(Forgot {
                username: "",
                error: true,
                by_login: false,
            }),
        ),
        (
            "forgot, sent",
            Box::new(ForgotSent {
                typed: text,
                minutes: 30,
            }),
        ),
        (
            "reset",
            Box::new(ResetNew {
                shown_as: Some(text),
                password: password(None),
                token: Some(text),
            }),
        ),
        (
            "reset, without name",
            Box::new(ResetNew {
                shown_as: None,
                password: password(Some(NewPasswordError::Known)),
                token: None,
            }),
        ),
        ("reset, expired", Box::new(ResetExpired)),
        ("reset, done", Box::new(ResetDone { two_factor: true })),
        ("mailed proof", Box::new(proof(None, true))),
        (
            "mailed proof, wrong",
            Box::new(proof(Some(RecoveryError::Wrong), false)),
        ),
    ];
    let errors = [
        NewPasswordError::Empty,
        NewPasswordError::TooShort,
        NewPasswordError::TooLong,
        NewPasswordError::Known,
        NewPasswordError::Context,
        NewPasswordError::Guessable,
        NewPasswordError::Same,
    ];
    all.extend(
        errors.map(|error| -> Named<'_> { ("password, refused", Box::new(change(Some(error)))) }),
    );
    all
}

fn english(page: &dyn Page) -> String {
    let brand = brand("Northgate");
    let assets = Assets::new(&brand).unwrap();
    let texts = Texts::load(&[]).unwrap();
    let frame = Frame {
        brand: &brand,
        assets: &assets,
        assets_base: "/assets/",
        tr: texts.in_language(Language::English),
        language: Language::English,
        csrf: "csrf",
        panel: Panel::Account,
        here: "/account/security",
        home: "https://login.example.com",
    };
    page.render(&frame).unwrap()
}

/// Every event that its person reads about is in the trail of the helpdesk too; each text for one event.
#[test]
fn what_happened_is_worded() {
    let texts = Texts::load(&[]).unwrap();
    let mut seen = std::collections::BTreeSet::new();
    for event in Event::ALL {
        let (person, helpdesk) = (activity_text_id(event), trail_text_id(event));
        assert!(person.is_none() || helpdesk.is_some(), "{event:?}");
        for id in [person, helpdesk].into_iter().flatten() {
            assert!(seen.insert(id), "{id} says two things");
            for language in Language::ALL {
                // a text that is missing would show its id
                assert_ne!(texts.in_language(language).text(id), id);
            }
        }
    }
    assert!(activity_text_id(&Event::KeyRotated).is_none());
}

#[test]
fn what_was_done_survives_an_address() {
    for done in Done::ALL {
        assert_eq!(Done::parse(done.code()), Some(done));
        let html = english(&security("a", off(Demand::Optional), Some(done)));
        assert_eq!(html.matches("role=\"status\"").count(), 1, "{done:?}");
    }
    assert_eq!(Done::parse("<script>"), None);
}

#[test]
fn two_factor_is_turned_off_only_where_it_may_be() {
    let link = "/account/2fa/disable";
    let shown = |disabling| english(&security("a", on(7, disabling), None));
    assert!(shown(Disabling::Allowed).contains(link));
    for (disabling, why) in [
        (Disabling::Required, "Your organisation requires"),
        (Disabling::RequiredForRole, "You have access to the console"),
    ] {
        let html = shown(disabling);
        assert!(!html.contains(link) && html.contains(why), "{disabling:?}");
    }
}

#[test]
fn this_session_is_marked_and_only_others_are_ended_here() {
    let page = |rows| Sessions {
        nav: nav("a"),
        done: None,
        rows,
    };
    let html = english(&page(sessions("id")));
    assert_eq!(html.matches("This browser").count(), 1);
    assert_eq!(html.matches("name=\"session\"").count(), 2);
    assert!(html.contains("value=\"others\""));
    assert!(html.contains("Safari on iPhone") && html.contains("Unknown browser"));
    assert!(!english(&page(&sessions("id")[..1])).contains("value=\"others\""));
}

/// A configuration that switches trusting off has no list, whatever is still in the store.
#[test]
fn devices_are_listed_only_where_trusting_is_offered() {
    let page = |trusting| Devices {
        nav: nav("a"),
        done: None,
        trusting,
        rows: devices("id"),
    };
    assert_eq!(
        english(&page(Trusting::Offered))
            .matches("name=\"device\"")
            .count(),
        3
    );
    for trusting in [Trusting::SwitchedOff, Trusting::NoTwoFactor] {
        assert!(!english(&page(trusting)).contains("/account/devices\" class"));
        assert!(!english(&page(trusting)).contains("name=\"device\""));
    }
}

#[test]
fn trusting_a_device_is_offered_only_where_it_may_be() {
    let page = |trust_days| Code {
        shown_as: "a",
        trust_days,
        error: None,
        action: "/signin/code",
        second: true,
        switch: "/signin",
    };
    assert!(english(&page(Some(30))).contains("Trust this device for 30 days"));
    assert!(!english(&page(None)).contains("name=\"trust\""));
}

#[test]
fn a_forgotten_password_is_offered_only_with_mail() {
    let page = |forgot| SignIn {
        username: "",
        to: None,
        error: None,
        by_login: false,
        forgot,
    };
    assert!(english(&page(true)).contains("href=\"/password/forgot\""));
    assert!(!english(&page(false)).contains("/password/forgot"));
}

/// One field: the focus is in it. Two fields: in the summary, which leads to them.
#[test]
fn the_focus_is_where_it_is_needed() {
    for (asks, error, at) in [
        (Asks::Password, None, "id=\"password\""),
        (
            Asks::Password,
            Some(ReauthError::WrongPassword),
            "id=\"password\"",
        ),
        (Asks::Code, Some(ReauthError::WrongCode), "id=\"code\""),
        (Asks::Both, None, "id=\"password\""),
        (Asks::Both, Some(ReauthError::WrongCode), "role=\"alert\""),
    ] {
        let html = english(&Confirm {
            shown_as: "a",
            asks,
            error,
            action: "/account/confirm",
            cancel: "/",
        });
        let focused: Vec<&str> = html
            .split('<')
            .filter(|t| t.contains(" autofocus"))
            .collect();
        assert_eq!(focused.len(), 1, "{asks:?} {error:?}");
        assert!(
            focused[0].contains(at),
            "{asks:?} {error:?}: {}",
            focused[0]
        );
        assert_eq!(html.contains("<title>Error: "), error.is_some());
    }
}

/// To be looked at: every page as a file in target/pages, with style and script beside.
#[test]
#[ignore = "writes files for a person to look at"]
fn pages_to_look_at() {
    let dir = std::path::Path::new("target/pages");
    std::fs::create_dir_all(dir.join("assets")).unwrap();
    let mut brand = brand("Northgate");
    brand.support.email = Some("help@northgate.example".into());
    brand.support.chat = Some("https://northgate.example/chat".into());
    let assets = Assets::new(&brand).unwrap();
    for name in [
        "style.css",
        "account.css",
        "brand.css",
        "app.js",
        "icon.svg",
    ] {
        let file = assets.file(name);
        std::fs::write(dir.join("assets").join(file), assets.find(file).unwrap().1).unwrap();
    }
    let texts = Texts::load(&[]).unwrap();
    let codes = vec!["H7KQ-2M9P-XT4D-ABCD".to_owned(); 8];
    let services = ["Contracts", "Payroll", "Time"].map(|name| Service {
        name: name.into(),
        url: "https://a.example.com/".into(),
        host: format!("{}.example.com", name.to_lowercase()),
        needs_2fa: name == "Payroll",
    });
    for language in [Language::English, Language::German] {
        for (name, page) in super::pages("aino.virtanen@example.com", &codes, &services) {
            let frame = Frame {
                brand: &brand,
                assets: &assets,
                assets_base: "assets/",
                tr: texts.in_language(language),
                language,
                csrf: "csrf",
                panel: Panel::Account,
                here: "/account/security",
                home: "https://login.example.com",
            };
            let file = format!("{}.{}.html", name.replace([' ', ','], "_"), language.tag());
            std::fs::write(dir.join(file), page.render(&frame).unwrap()).unwrap();
        }
    }
}
