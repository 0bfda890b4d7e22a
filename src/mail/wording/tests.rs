use super::*;
use crate::domain::host::Host;
use std::time::Duration;

const LINK: &str = "https://login.example.com:8443/reset/abc";

fn house() -> House {
    House {
        portal: Origin::new(Host::parse("login.example.com").unwrap(), 8443),
        languages: Language::ALL.to_vec(),
        accent: None,
        support: Support {
            email: Some("help@example.com".into()),
            phone: Some("+358 9 4245 0100".into()),
            chat: None,
        },
    }
}

const AT: Timestamp = Timestamp::from_seconds(1_797_258_720); // 14 December 2026, 14:32

fn letter(matter: Matter) -> Letter {
    let firefox = "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0";
    Letter {
        to: "aino@example.com".into(),
        name: "Aino".into(),
        language: None,
        at: AT,
        place: Some(Place::new(
            Some("192.0.2.7".parse().unwrap()),
            Some(firefox),
        )),
        matter,
    }
}

fn matters() -> Vec<Matter> {
    let until = AT.plus(Duration::from_secs(600));
    let mut all = vec![
        Matter::Enabled,
        Matter::Replaced,
        Matter::Disabled,
        Matter::EmergencyCodeUsed { left: 7, total: 8 },
        Matter::EmergencyCodesCreated,
        Matter::OneTimeCode {
            code: "K7WQ-M2HB".into(),
            until,
            case: Some("C-17".into()),
        },
        Matter::OneTimeCode {
            code: "K7WQ-M2HB".into(),
            until,
            case: None,
        },
        Matter::OneTimeCodeShown {
            case: Some("C-17".into()),
        },
        Matter::OneTimeCodeShown { case: None },
        Matter::OneTimeCodeUsed,
        Matter::EnrolmentCode {
            code: "K7WQ-M2HB".into(),
            until,
        },
        Matter::CodesPaused { wrong: 5, until },
        Matter::PasswordDisabled,
        Matter::AppDisabled,
        Matter::DeviceTrusted { until },
        Matter::NewPlace,
        Matter::PasswordChanged,
        Matter::Reset {
            link: LINK.into(),
            minutes: 30,
        },
        Matter::Invitation {
            link: LINK.into(),
            until,
        },
        Matter::Remind { last_day: until },
        Matter::DeadlinePassed,
    ];
    for act in [
        DeskAct::SignedOutEverywhere,
        DeskAct::TrustedDevicesRemoved,
        DeskAct::AuthenticatorReset,
        DeskAct::Exempted,
        DeskAct::Unlocked,
        DeskAct::Disabled,
        DeskAct::Enabled,
        DeskAct::GroupsChanged,
        DeskAct::PasswordReset,
        DeskAct::DeletionPlanned,
    ] {
        for case in [None, Some("C-17".to_owned())] {
            all.push(Matter::DeskAction { act, case });
        }
    }
    all
}

/// Every matter in every language, worded.
fn every(mut check: impl FnMut(&Letter, Language, &Worded)) {
    let texts = Texts::load(&[]).unwrap();
    for language in Language::ALL {
        for matter in matters() {
            let mut letter = letter(matter);
            letter.language = Some(language.tag().to_owned());
            // an id that does not exist or lacks an argument fails here already
            let worded = compose(&letter, &texts, &house()).unwrap();
            check(&letter, language, &worded);
        }
    }
}

#[test]
fn every_matter_ends_with_the_two_lines_in_every_language() {
    let texts = Texts::load(&[]).unwrap();
    every(|_, language, worded| {
        let tr = texts.in_language(language);
        let mut lines = worded.text.trim_end().lines().rev();
        let never = tr.text("mail-closing-never");
        assert_eq!(lines.next(), Some(never.as_str()));
        let not_you = lines.next().unwrap();
        assert!(not_you.contains("login.example.com:8443"), "{not_you}");
        assert!(not_you.contains("help@example.com, +358 9 4245 0100"));
        assert!(worded.html.contains("help@example.com, +358 9 4245 0100"));
        assert!(
            worded
                .html
                .contains(&format!("lang=\"{}\"", language.tag()))
        );
        assert!(worded.subject.chars().count() < 78, "{}", worded.subject);
        assert!(!worded.text.contains("mail-") && !worded.subject.contains("mail-"));
        assert!(!worded.text.contains("{ $"));
    });
}

#[test]
fn a_code_is_on_the_first_line_and_never_in_the_subject() {
    let mut codes = 0;
    every(|letter, _, worded| {
        let (Matter::OneTimeCode { code, .. } | Matter::EnrolmentCode { code, .. }) =
            &letter.matter
        else {
            assert!(!worded.text.contains("K7WQ"));
            return;
        };
        codes += 1;
        assert!(worded.text.starts_with(code.as_str()), "{}", worded.text);
        assert!(!worded.subject.contains(code.as_str()));
        let before = worded.html.split(code.as_str()).next().unwrap();
        assert_eq!(before.matches("<p").count(), 1, "the first paragraph");
    });
    assert_eq!(codes, 3 * 6);
}

#[test]
fn only_mails_to_choose_a_password_link_and_only_to_the_portal() {
    every(|letter, _, worded| {
        let may = matches!(
            letter.matter,
            Matter::Reset { .. } | Matter::Invitation { .. }
        );
        assert_eq!(worded.text.contains("://"), may);
        assert_eq!(worded.html.contains("<a href="), may);
        assert_eq!(
            worded.text.lines().filter(|l| *l == LINK).count(),
            usize::from(may)
        );
    });
    let texts = Texts::load(&[]).unwrap();
    for link in [
        "https://login.example.com/reset/abc",
        "https://login.example.com:8443@evil.example/reset",
        "https://login.example.com:84430/reset",
        "https://evil.example/reset",
        "http://login.example.com:8443/reset",
        "javascript:alert(1)",
        "https://login.example.com:8443/a\r\nb",
        "https://login.example.com:8443",
        "",
    ] {
        let reset = letter(Matter::Reset {
            link: link.into(),
            minutes: 30,
        });
        let composed = compose(&reset, &texts, &house());
        assert_eq!(composed, Err(Unfit::ForeignLink), "{link}");
    }
}

#[test]
fn when_and_where_are_said_as_far_as_they_are_known() {
    let texts = Texts::load(&[]).unwrap();
    let check = |place: Option<Place>, language: &str, want: &str| {
        let mut letter = letter(Matter::Enabled);
        letter.place = place;
        letter.language = Some(language.to_owned());
        let text = compose(&letter, &texts, &house()).unwrap().text;
        assert!(text.contains(want), "{text}");
    };
    let place = |address: Option<&str>, agent: Option<&str>| {
        Some(Place::new(address.map(|a| a.parse().unwrap()), agent))
    };
    let known = letter(Matter::Enabled).place;
    let full = "on 14 December 2026, 14:32 UTC (Firefox on Linux, IP address 192.0.2.7). Keep";
    check(known.clone(), "en", full);
    check(
        known.clone(),
        "fi",
        "14.12.2026, 14:32 UTC (Firefox, Linux, IP-osoite 192.0.2.7).",
    );
    check(
        known,
        "de",
        "14. Dezember 2026, 14:32 UTC (Firefox auf Linux, IP-Adresse 192.0.2.7).",
    );
    check(None, "en", "on 14 December 2026, 14:32 UTC. Keep");
    check(
        place(None, None),
        "en",
        "(unknown browser, unknown IP address)",
    );
    check(
        place(None, Some("Firefox/1")),
        "en",
        "(Firefox, unknown IP address)",
    );
    let mapped = Some("::ffff:192.0.2.7");
    check(
        place(mapped, Some("<b>Linux</b>")),
        "en",
        "(Linux, IP address 192.0.2.7)",
    );
}

#[test]
fn a_language_that_is_not_offered_falls_back_to_the_first() {
    let texts = Texts::load(&[]).unwrap();
    let mut house = house();
    house.languages = vec![Language::Swedish, Language::English];
    let check = |tag: Option<&str>, want: &str| {
        let mut letter = letter(Matter::PasswordChanged);
        letter.language = tag.map(str::to_owned);
        let worded = compose(&letter, &texts, &house).unwrap();
        assert_eq!(worded.subject, want);
    };
    check(None, "Ditt lösenord har ändrats");
    check(Some("fi"), "Ditt lösenord har ändrats");
    check(Some("xx\r\n"), "Ditt lösenord har ändrats");
    check(Some("en-GB"), "Your password was changed");
}

#[test]
fn what_somebody_typed_is_neither_markup_nor_a_line_of_its_own() {
    let texts = Texts::load(&[]).unwrap();
    let case = "1\r\nBcc: x@example.com\n\n<img src=x>\u{2028}".to_owned();
    for matter in [
        Matter::OneTimeCodeShown {
            case: Some(case.clone()),
        },
        Matter::OneTimeCode {
            code: "AB\r\nCD".into(),
            until: AT,
            case: Some(case.clone()),
        },
        Matter::DeskAction {
            act: DeskAct::Enabled,
            case: Some(case),
        },
    ] {
        let worded = compose(&letter(matter), &texts, &house()).unwrap();
        assert!(!worded.subject.contains(['\r', '\n']));
        assert!(!worded.text.contains('\r'));
        assert!(!worded.text.lines().any(|l| l.starts_with("Bcc")));
        assert!(!worded.html.contains("<img"));
    }
}

#[test]
fn debug_output_holds_nothing_of_it() {
    let texts = Texts::load(&[]).unwrap();
    let worded = compose(&letter(Matter::Enabled), &texts, &house()).unwrap();
    assert_eq!(format!("{worded:?}"), "Worded");
}
