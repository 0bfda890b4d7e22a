use super::*;
use crate::domain::timestamp::Timestamp;
use proptest::prelude::*;
use std::time::Duration;

const AINO: Person<'_> = Person {
    login: "aino",
    email: Some("aino.virtanen@example.com"),
    name: "Aino Virtanen",
};

fn rules(length: usize) -> Rules {
    Rules {
        minimum: Minimum::written(length),
        blocklist: Arc::new(Blocklist::parse(b"quarterly report\n")),
        site: Arc::new(Site::new("Northgate", "login.example.com", ["wiki"])),
    }
}

fn decided(typed: &str, length: usize) -> Result<String, Refusal> {
    accept(typed, &rules(length), AINO).map(|p| p.reveal().to_owned())
}

#[test]
fn nothing_is_asked_about_composition() {
    for good in [
        "a few unrelated words",
        "correct horse battery staple",
        "kettle-bicycle-lamp-42",
        "neljä märkää kissaa katolla",
        "пять мокрых кошек на крыше",
        "屋根の上の五匹の濡れた猫たちです",
        "🐈🪣🌧🏠🚲🫖💡🧦🎺🪴🍋🦆🧊🎈🪁",
        " blanks at both ends count ",
        "ybmwdtoheukfiznqaj",
        "61827394502938475610",
    ] {
        assert!(decided(good, 15).is_ok(), "{good}: {:?}", decided(good, 15));
    }
    // as a part of two factors: eight random characters
    assert!(decided("x7#kQ2pL", 8).is_ok());
}

#[test]
fn what_is_guessed_first_is_refused() {
    use Refusal::{Breached, Common, Context, Guessable};
    for (bad, why) in [
        ("passwordpassword", Common),
        ("password password", Common),
        ("pass-word_password", Common),
        ("Password2026!!!", Common),
        ("IloveyouIloveyou", Common),
        ("1qaz2wsx3edc4rfv", Common),
        ("changemechangeme", Common),
        ("123456789012345", Guessable),
        ("qwertyuiopasdfgh", Guessable),
        ("abcdefghijklmnop", Guessable),
        ("aaaaaaaaaaaaaaaaaaaa", Guessable),
        ("secretpassword123", Guessable),
        ("Quarterly Report", Breached),
        ("quarterly report 2026", Breached),
        ("Virtanen-Virtanen", Context(Kind::Email)),
        ("aino aino aino 1", Context(Kind::Login)),
        ("northgate1234567", Context(Kind::Brand)),
        ("Wiki.Wiki.Wiki.1", Context(Kind::Route)),
    ] {
        assert_eq!(decided(bad, 15), Err(why), "{bad}");
    }
    for (bad, why) in [
        ("password", Common),
        ("Sunshine1", Common),
        ("dragon12", Common),
        ("virtanen", Context(Kind::Email)),
        ("example.com", Context(Kind::Email)),
        ("a1n0a1n0", Guessable),
        ("01.02.1985", Guessable),
    ] {
        assert_eq!(decided(bad, 8), Err(why), "{bad}");
    }
}

#[test]
fn a_long_password_is_more_than_its_beginning() {
    let padded = format!("{}kettle bicycle lamp sock", "a".repeat(64));
    assert!(decided(&padded, 15).is_ok());
    for bad in ["a".repeat(256), "password".repeat(32), "ab1@".repeat(64)] {
        assert!(decided(&bad, 15).is_err(), "{bad}");
    }
}

#[test]
fn lengths_count_characters_after_normalisation() {
    let sixteen = "kettle lamp sock";
    assert!(decided(sixteen, 16).is_ok());
    assert_eq!(
        decided(sixteen, 17),
        Err(Refusal::TooShort(Minimum::written(17)))
    );
    // 16 letters, 31 code points as typed
    let parts = "ä ö å ä ö å ä ö x".replace('ä', "a\u{308}");
    assert!(matches!(decided(&parts, 18), Err(Refusal::TooShort(_))));
    for bad in ["", &"x ".repeat(129)] {
        assert_eq!(decided(bad, 8), Err(Refusal::EmptyOrTooLong));
    }
}

#[test]
fn the_policy_decides_where_nothing_is_written() {
    let required = TwoFactorRules::with_policy(TwoFactor::Required);
    let day = Some(Duration::from_secs(86_400));
    let deadline = Some(Timestamp::from_seconds(1_801_439_999));
    for (rules, length, because) in [
        (required.clone(), 8, Because::TwoFactors),
        (
            TwoFactorRules {
                grace: Some(Duration::ZERO),
                ..required.clone()
            },
            8,
            Because::TwoFactors,
        ),
        (
            TwoFactorRules {
                grace: day,
                ..required.clone()
            },
            15,
            Because::PasswordAlone,
        ),
        (
            TwoFactorRules {
                deadline,
                ..required
            },
            15,
            Because::PasswordAlone,
        ),
        (
            TwoFactorRules::with_policy(TwoFactor::Recommended),
            15,
            Because::PasswordAlone,
        ),
        (
            TwoFactorRules::with_policy(TwoFactor::Optional),
            15,
            Because::PasswordAlone,
        ),
    ] {
        let minimum = Minimum::by_policy(&rules);
        assert_eq!(minimum, Minimum { length, because }, "{rules:?}");
    }
}

#[test]
fn each_refusal_says_what_and_has_a_code() {
    let minimum = Minimum::by_policy(&TwoFactorRules::with_policy(TwoFactor::Optional));
    let said = Refusal::TooShort(minimum).to_string();
    assert!(
        said.contains("at least 15 characters") && said.contains("password.minimum_length"),
        "{said}"
    );
    let all = [
        Refusal::TooShort(minimum),
        Refusal::EmptyOrTooLong,
        Refusal::Common,
        Refusal::Breached,
        Refusal::Context(Kind::Name),
        Refusal::Guessable,
    ];
    let codes: std::collections::BTreeSet<_> = all.iter().map(Refusal::code).collect();
    assert_eq!(codes.len(), all.len());
}

#[test]
fn advice_is_the_weaker_the_easier_the_guess() {
    let said = |typed: &str| advice(typed, &rules(15), AINO);
    assert_eq!(said(""), None);
    for (typed, hint) in [
        ("password", Hint::Common),
        ("qwertyuiop[]", Hint::Keyboard),
        ("aaaaaaaaaaaa", Hint::Repeat),
        ("abcdefghijk", Hint::Sequence),
        ("Virtanen 1985", Hint::Context),
    ] {
        let advice = said(typed).unwrap();
        assert!(advice.strength <= 1, "{typed}: {advice:?}");
        assert_eq!(advice.hint, Some(hint), "{typed}");
    }
    let good = said("kettle bicycle lamp sock").unwrap();
    assert_eq!((good.strength, good.hint), (4, None));
}

/// Text as people and programs type it: words, patterns, anything.
fn typed() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<String>(),
        "\\PC{0,40}",
        "[a-zåäö0-9@$!(|+ ]{8,40}",
        "(password|qwerty|aino|wiki|2026|1!|e\u{301}|\u{1112}\u{1161}\u{11ab}){1,12}",
        "[0-9./-]{1,24}",
        "[a-c\n]{1,64}",
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn never_panics(typed in typed(), login in any::<String>(), name in any::<String>(), list in any::<Vec<u8>>()) {
        let rules = Rules {
            blocklist: Arc::new(Blocklist::parse(&list)),
            site: Arc::new(Site::new(&name, &login, [login.as_str()])),
            ..rules(8)
        };
        let person = Person { login: &login, email: Some(&name), name: &name };
        let _ = accept(&typed, &rules, person);
        let _ = advice(&typed, &rules, person);
    }

    #[test]
    fn equivalent_spellings_are_decided_alike(typed in typed()) {
        use unicode_normalization::UnicodeNormalization as _;
        let composed: String = typed.nfc().collect();
        let decomposed: String = typed.nfd().collect();
        prop_assert_eq!(decided(&typed, 8), decided(&composed, 8));
        prop_assert_eq!(decided(&typed, 8), decided(&decomposed, 8));
    }

    #[test]
    fn a_shorter_minimum_accepts_as_much(typed in typed(), shorter in 8usize..30, more in 0usize..30) {
        if decided(&typed, shorter + more).is_ok() {
            prop_assert!(decided(&typed, shorter).is_ok());
        }
    }

    #[test]
    fn what_is_in_the_list_is_refused(typed in "[a-zåäö0-9]{8,20}") {
        let rules = Rules { blocklist: Arc::new(Blocklist::parse(typed.as_bytes())), ..rules(8) };
        prop_assert!(accept(&typed, &rules, AINO).is_err());
        prop_assert!(accept(&typed.to_uppercase(), &rules, AINO).is_err());
    }
}
