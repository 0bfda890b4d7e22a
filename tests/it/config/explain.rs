//! `vestibule explain` for one client: by address, certificate and sign-in, and what the application is told.

use super::{BASE, Folder, aino};
use crate::support::world::Ca;
use vestibule::cli::explain::{AssuranceLevel, Case, Explanation, Question, outcome};
use vestibule::config::Settings;
use vestibule::domain::timestamp::Timestamp;

const URL: &str = "https://wiki.example.com/page";
const RULES: &str = "
    access: { networks: [ 10.0.0.0/8, 203.0.113.0/24 ], client_certificate: true }
    identity:
      preset: remote-user
      headers: { X-Employee: \"{account.id}\", X-Office: \"{account.attributes.office}\" }
      basic_auth: { username: \"{account.login}\", password_file: wiki-password }
      assertion: { header: X-Signed }
    headers: { request: { set: { X-Greeting: \"hello {account.name}\", X-Plain: here } } }
    upstream: http://10.0.0.5:3000
";

fn settings(folder: &Folder, ca: &Ca) -> Settings {
    folder.write("certs/people.pem", &ca.pem());
    folder.write("config/wiki-password", "s3cret-value\n");
    let text = BASE.replacen("\n    upstream: http://10.0.0.5:3000\n", RULES, 1);
    let text = text.replacen(
        "tls: { ",
        "tls: { client_certificates: { ca: ../certs/people.pem, required: false }, ",
        1,
    );
    let text = format!("trusted_proxies: [ 10.1.0.0/16 ]\n{text}");
    folder.settings(&text)
}

fn asked(settings: &Settings, question: &Question<'_>) -> Explanation {
    // the certificates of the tests are good now, whenever that is
    let now = vestibule::env::Env::system().now();
    outcome(settings, question, now).unwrap()
}

fn decisions(explanation: &Explanation) -> Vec<&str> {
    explanation.outcomes.iter().map(|c| c.decision).collect()
}

#[test]
fn an_address_is_the_one_behind_trusted_proxies() {
    let (folder, ca) = (Folder::new(), Ca::new("people"));
    let settings = settings(&folder, &ca);
    let (own, _) = ca.issue(&["aino"]);
    let pem = own.pem();
    let check = |peer: &str, forwarded: Option<&str>, decision: &str, said: &str| {
        let question = Question {
            client: Some(peer.parse().unwrap()),
            forwarded_for: forwarded,
            certificate: Some(pem.as_bytes()),
            ..Question::new(URL, "GET")
        };
        let explanation = asked(&settings, &question);
        assert_eq!(decisions(&explanation), [decision], "{peer} {forwarded:?}");
        assert!(explanation.client[0].contains(said), "{explanation}");
    };
    check("203.0.113.7", None, "sign_in", "203.0.113.7");
    check("192.0.2.7", None, "deny_network", "192.0.2.7");
    check("10.1.0.1", None, "sign_in", "(--forwarded-for)");
    check(
        "10.1.0.1",
        Some("203.0.113.7"),
        "sign_in",
        "203.0.113.7, as 10.1.0.1 says",
    );
    check(
        "10.1.0.1",
        Some("192.0.2.7"),
        "deny_network",
        "192.0.2.7, as 10.1.0.1 says",
    );
    // what a stranger claims is not believed, nor what stands before a stranger
    check(
        "192.0.2.7",
        Some("203.0.113.7"),
        "deny_network",
        "is not believed",
    );
    check(
        "10.1.0.1",
        Some("203.0.113.7, 192.0.2.7"),
        "deny_network",
        "192.0.2.7, as",
    );
}

#[test]
fn a_certificate_is_verified_as_a_listener_would() {
    let (folder, ca) = (Folder::new(), Ca::new("people"));
    let settings = settings(&folder, &ca);
    let (own, _) = ca.issue(&["aino"]);
    let (foreign, _) = Ca::new("others").issue(&["aino"]);
    let check = |pem: Option<&str>, decisions_wanted: &[&str], said: &str| {
        let question = Question {
            client: Some([203, 0, 113, 7].into()),
            certificate: pem.map(str::as_bytes),
            ..Question::new(URL, "GET")
        };
        let explanation = asked(&settings, &question);
        assert_eq!(decisions(&explanation), decisions_wanted, "{explanation}");
        assert!(explanation.to_string().contains(said), "{explanation}");
    };
    check(
        Some(&own.pem()),
        &["sign_in"],
        "the certificate is taken at",
    );
    check(
        Some(&foreign.pem()),
        &["deny_client_certificate"],
        "the certificate is refused at",
    );
    check(Some("nonsense"), &["deny_client_certificate"], "holds none");
    check(
        None,
        &["deny_client_certificate", "sign_in"],
        "only with a client certificate",
    );
    let question = Question {
        certificate: Some(own.pem().leak().as_bytes()),
        ..Question::new(URL, "GET")
    };
    let long_after = Timestamp::from_seconds(100_000_000_000);
    let explanation = outcome(&settings, &question, long_after).unwrap();
    assert!(explanation.to_string().contains("refused"), "{explanation}");
    // a listener that asks for none
    let plain = folder.settings(BASE);
    let explanation = asked(&plain, &question);
    assert!(
        explanation.client[0].contains("no listener asks"),
        "{explanation}"
    );
}

#[test]
fn what_the_application_is_told_is_shown_but_for_secrets() {
    let (folder, ca) = (Folder::new(), Ca::new("people"));
    let settings = settings(&folder, &ca);
    let account = aino(&["staff"]);
    let question = Question {
        account: Some(&account),
        assurance: Some(AssuranceLevel::TwoFactor),
        ..Question::new(URL, "GET")
    };
    let explanation = asked(&settings, &question);
    let [
        Case {
            decision, headers, ..
        },
    ] = &explanation.outcomes[1..]
    else {
        panic!("{explanation}");
    };
    assert_eq!(*decision, "forward");
    let shown: Vec<String> = headers.iter().map(ToString::to_string).collect();
    let id = account.id.to_string();
    for line in [
        "remote-user: aino",
        "remote-groups: staff",
        "remote-email (left out: the account has nothing for it)",
        &format!("x-employee: {id}"),
        "x-office (left out: the account has nothing for it)",
        "authorization (holds the configured password)",
        "x-signed (signed anew for each request)",
        "x-greeting: hello Aino",
    ] {
        assert!(shown.iter().any(|s| s == line), "{line}: {shown:?}");
    }
    // what tells of nobody is no identity
    assert!(!shown.iter().any(|s| s.starts_with("x-plain")), "{shown:?}");
    let json = serde_json::to_string(&explanation).unwrap();
    let basic = "YWlubzpzM2NyZXQtdmFsdWU";
    assert!(!json.contains("s3cret") && !json.contains(basic), "{json}");
    assert!(json.contains("\"name\":\"x-employee\""));

    // for nobody in particular: the names
    let explanation = asked(&settings, &Question::new(URL, "GET"));
    for name in ["remote-user", "authorization", "x-signed", "x-greeting"] {
        assert!(explanation.headers.iter().any(|h| h == name), "{name}");
    }
    // a name that HTTP Basic cannot carry is said before it fails
    let mut odd = aino(&[]);
    odd.login = "ai:no".into();
    let question = Question {
        account: Some(&odd),
        ..question
    };
    let explanation = asked(&settings, &question);
    assert!(
        explanation.to_string().contains("every request fails"),
        "{explanation}"
    );
}

#[test]
fn one_factor_is_asked_about_alone() {
    let folder = Folder::new();
    let settings = folder.settings(BASE);
    let account = aino(&["staff"]);
    let check = |assurance, words: &str| {
        let question = Question {
            account: Some(&account),
            assurance: Some(assurance),
            ..Question::new(URL, "GET")
        };
        let explanation = asked(&settings, &question);
        let [case] = explanation.outcomes.as_slice() else {
            panic!("{explanation}");
        };
        assert!(case.who.contains(words), "{explanation}");
    };
    check(AssuranceLevel::OneFactor, "password only");
    check(AssuranceLevel::TwoFactor, "second factor just proven");
}
