//! Every page, in every language, with hostile data, weighed.

use super::*;
use crate::i18n::Texts;
use crate::portal::brand::{AuthenticatorApp, Support};

mod account;

const HOSTILE: &str = "<script>alert(\"x\")</script>'&{$x}";
const OTPAUTH: &str = "otpauth://totp/Northgate:a.rather.long.name%40a-rather-long-domain.example.com?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Northgate";

fn brand(text: &str) -> Brand {
    Brand {
        name: text.into(),
        logo: None,
        accent: Some("#18594f".into()),
        support: Support {
            email: Some(text.into()),
            phone: Some("+358 9 1".into()),
            chat: Some(text.into()),
        },
        languages: Language::ALL.to_vec(),
        apps: vec![AuthenticatorApp {
            name: text.into(),
            own: true,
            ios: Some(text.into()),
            android: Some(text.into()),
            short: Some(text.into()),
        }],
    }
}

type Named<'a> = (&'static str, Box<dyn Page + 'a>);

fn nav(text: &str) -> Nav<'_> {
    Nav {
        shown_as: text,
        console: Some(text),
    }
}

fn pages<'a>(text: &'a str, codes: &'a [String], services: &'a [Service]) -> Vec<Named<'a>> {
    let sign_in = |error| SignIn {
        username: text,
        to: Some(text),
        error,
        by_login: true,
        forgot: true,
    };
    let code = |error| Code {
        shown_as: text,
        trust_days: Some(30),
        error,
        action: "/signin/code",
        second: true,
        switch: "/signin",
    };
    let emergency = |codes, error, purpose| EnrolCodes {
        codes,
        shown_as: text,
        date: 1_797_206_400,
        error,
        purpose,
        action: "/enrol/codes",
    };
    let deadline = || {
        Some(DeadlineView {
            days_left: 18,
            at: 1_797_206_400,
        })
    };
    let mut all: Vec<Named<'a>> = vec![
        ("sign in", Box::new(sign_in(None))),
        (
            "sign in, wrong",
            Box::new(sign_in(Some(SignInError::Credentials))),
        ),
        (
            "sign in, empty",
            Box::new(sign_in(Some(SignInError::EmptyBoth))),
        ),
        (
            "sign in, expired",
            Box::new(sign_in(Some(SignInError::Expired))),
        ),
        (
            "throttled",
            Box::new(Throttled {
                minutes: 4,
                forgot: true,
            }),
        ),
        ("code", Box::new(code(None))),
        ("code, wrong", Box::new(code(Some(CodeError::Wrong)))),
        (
            "locked",
            Box::new(CodeLocked {
                minutes: 15,
                mailed: true,
            }),
        ),
        ("second method", Box::new(SecondMethod)),
        (
            "one-time code",
            Box::new(OneTimeCode {
                error: Some(RecoveryError::Wrong),
                enrolment: false,
            }),
        ),
        (
            "proof",
            Box::new(OneTimeCode {
                error: None,
                enrolment: true,
            }),
        ),
        (
            "emergency code",
            Box::new(EmergencyCode {
                error: Some(RecoveryError::Wrong),
            }),
        ),
        (
            "lost",
            Box::new(Lost {
                temporary_allowed: true,
                error: false,
            }),
        ),
        (
            "lost, nothing chosen",
            Box::new(Lost {
                temporary_allowed: false,
                error: true,
            }),
        ),
        (
            "reminder",
            Box::new(Nag {
                policy_required: true,
                deadline: deadline(),
                next_reminder_at: 1_797_206_400,
                to: Some(text),
            }),
        ),
        (
            "deadline",
            Box::new(NagDeadline {
                at: Some(1_797_206_400),
                to: None,
            }),
        ),
        (
            "service requires",
            Box::new(NagApp {
                app: text,
                to: Some(text),
            }),
        ),
        (
            "why",
            Box::new(EnrolWhy {
                again: true,
                next: "/enrol/app",
            }),
        ),
        (
            "app",
            Box::new(EnrolApp {
                chosen: Chosen::Own,
                error: true,
            }),
        ),
        (
            "scan",
            Box::new(EnrolScan {
                otpauth: OTPAUTH,
                key_groups: "GEZD GNBV",
                account_label: text,
                own_app: Some(text),
            }),
        ),
        (
            "confirm",
            Box::new(EnrolConfirm {
                error: Some(ConfirmError::Wrong),
            }),
        ),
        (
            "codes",
            Box::new(emergency(codes, true, CodesFor::Enrolment)),
        ),
        (
            "one code",
            Box::new(emergency(&codes[..1], false, CodesFor::Enrolment)),
        ),
        (
            "new codes",
            Box::new(emergency(codes, false, CodesFor::Replacement)),
        ),
        (
            "services",
            Box::new(Launcher {
                nav: nav(text),
                services,
            }),
        ),
        (
            "no services",
            Box::new(Launcher {
                nav: nav(text),
                services: &[],
            }),
        ),
        ("signed out", Box::new(SignedOut)),
        (
            "sign out",
            Box::new(SignOut {
                shown_as: text,
                action: "/signout",
                back: "/",
            }),
        ),
        (
            "forbidden",
            Box::new(Forbidden {
                app: text,
                shown_as: text,
                reference: text,
                switch_url: text,
            }),
        ),
        (
            "bad gateway",
            Box::new(BadGateway {
                app: text,
                gateway_timeout: true,
                when: 1_797_206_400,
                reference: text,
                retry: text,
            }),
        ),
        ("not found", Box::new(NotFound { reference: "" })),
        ("expired", Box::new(Expired)),
        ("cookies blocked", Box::new(CookiesBlocked { host: text })),
        (
            "unavailable",
            Box::new(Unavailable {
                reference: Some(text),
                retry: Some(text),
            }),
        ),
        (
            "closed",
            Box::new(Closed {
                app: text,
                message: text,
                until: Some(1_800_000_000),
                retry: text,
                reference: text,
            }),
        ),
        (
            "too many",
            Box::new(TooMany {
                app: text,
                seconds: 121,
                retry: text,
                reference: text,
            }),
        ),
        ("internal", Box::new(Internal { reference: text })),
        ("form expired", Box::new(FormExpired { sign_in_url: text })),
        (
            "plain",
            Box::new(Plain {
                status: 421,
                reference: "",
            }),
        ),
    ];
    all.extend(account::pages(text));
    all
}

#[test]
fn every_page_in_every_language_escapes_and_stays_light() {
    let texts = Texts::load(&[]).unwrap();
    for text in ["Northgate", HOSTILE] {
        let brand = brand(text);
        let assets = Assets::new(&brand).unwrap();
        let fixed: usize = ["style.css", "brand.css", "app.js", "icon.svg"]
            .iter()
            .map(|name| assets.find(assets.file(name)).unwrap().1.len())
            .sum();
        let extra = assets.find(assets.file("account.css")).unwrap().1.len();
        let codes = vec!["H7KQ-2M9P-XT4D-ABCD".to_owned(); 8];
        let services = [Service {
            name: text.into(),
            url: text.into(),
            host: text.into(),
            needs_2fa: true,
        }];
        for language in Language::ALL {
            for (name, page) in pages(text, &codes, &services) {
                for panel in [
                    Panel::SigningInTo { app: text },
                    Panel::Tagline,
                    Panel::Steps {
                        current: 3,
                        codes_plural: true,
                    },
                ] {
                    let frame = Frame {
                        brand: &brand,
                        assets: &assets,
                        assets_base: "/assets/",
                        tr: texts.in_language(language),
                        language,
                        csrf: text,
                        panel,
                        here: "/signin?to=abc&lang=fi",
                        home: "https://login.example.com",
                    };
                    let html = page.render(&frame).unwrap();
                    assert!(
                        !html.contains("<script>") && !html.contains("\"x\""),
                        "{name}: not escaped"
                    );
                    assert!(
                        html.contains(&format!("<html lang=\"{}\"", language.tag())),
                        "{name}"
                    );
                    assert_eq!(html.matches("<h1").count(), 1, "{name}");
                    assert!(
                        !html.contains("style=") && !html.contains("onclick"),
                        "{name}: inline"
                    );
                    assert!(
                        html.matches("<form").count() == html.matches("name=\"csrf\"").count(),
                        "{name}: csrf"
                    );
                    labelled(name, &html);
                    let extra = if html.contains(assets.file("account.css")) {
                        extra
                    } else {
                        0
                    };
                    let weight = fixed + extra + html.len();
                    assert!(
                        weight < 30_000,
                        "{name} in {}: {weight} bytes",
                        language.tag()
                    );
                }
            }
        }
    }
}

/// Every field that is seen has a label, and says what a password manager may put into it; no id stands twice.
fn labelled(name: &str, html: &str) {
    let attribute = |tag: &str, key: &str| {
        let (_, rest) = tag.split_once(&format!(" {key}=\""))?;
        Some(rest.split_once('"')?.0.to_owned())
    };
    let ids: Vec<&str> = html
        .split(" id=\"")
        .skip(1)
        .filter_map(|rest| rest.split_once('"'))
        .map(|(id, _)| id)
        .collect();
    let unique: std::collections::BTreeSet<&&str> = ids.iter().collect();
    assert_eq!(ids.len(), unique.len(), "{name}: an id stands twice");
    for tag in html.split("<input").skip(1) {
        let tag = tag.split_once('>').unwrap().0;
        let kind = attribute(tag, "type").unwrap();
        if kind == "hidden" || tag.ends_with(" hidden") {
            continue;
        }
        let id = attribute(tag, "id").unwrap_or_else(|| panic!("{name}: no id: {tag}"));
        assert!(
            html.contains(&format!("<label for=\"{id}\"")),
            "{name}: {id} has no label"
        );
        let chosen = kind == "radio" || kind == "checkbox";
        let completes = attribute(tag, "autocomplete");
        assert!(chosen || completes.is_some(), "{name}: {id} autocomplete");
        if kind == "password" {
            let fresh = matches!(id.as_str(), "new") || html.contains("\"new-password\"");
            let wanted = if fresh {
                "new-password"
            } else {
                "current-password"
            };
            assert_eq!(completes.as_deref(), Some(wanted), "{name}: {id}");
        }
    }
}

#[test]
fn language_links_keep_the_rest_of_the_address() {
    let brand = brand("Northgate");
    let assets = Assets::new(&brand).unwrap();
    let texts = Texts::load(&[]).unwrap();
    let frame = Frame {
        brand: &brand,
        assets: &assets,
        assets_base: "/assets/",
        tr: texts.in_language(Language::Finnish),
        language: Language::Finnish,
        csrf: "",
        panel: Panel::Tagline,
        here: "/signin?to=abc&lang=fi",
        home: "",
    };
    let links = frame.languages();
    assert_eq!(links[0].href, "?to=abc&lang=en");
    assert_eq!(
        links
            .iter()
            .filter(|l| l.current)
            .map(|l| l.tag)
            .collect::<Vec<_>>(),
        ["fi"]
    );
}
