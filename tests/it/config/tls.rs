//! HTTPS in the configuration: certificates, ACME, client certificates, HSTS.

use super::{BASE, Folder};
use std::fmt::Write as _;
use std::time::Duration;
use vestibule::config::{ListenerKind, TlsSettings};

const PAIR: &str = "certificates: [ { certificate: ../certs/site.pem, key: ../certs/site.key } ]";
const ACME: &str = "acme: { agree_to_terms: true }\n";

/// The base with other listeners and more sections.
fn text(tls: &str, more: &str) -> String {
    let plain = "  - { address: 0.0.0.0:80, redirect_to_https: true }\n";
    BASE.replace(
        "tls: { certificates: [ { certificate: ../certs/site.pem, key: ../certs/site.key } ] }\n",
        &format!("tls: {{ {tls} }}\n{plain}"),
    ) + more
}

fn tls_of(listener: &vestibule::config::Listener) -> &TlsSettings {
    match &listener.kind {
        ListenerKind::Tls(tls) => tls,
        _ => panic!("plain HTTP"),
    }
}

#[test]
fn certificates_come_from_files_from_a_server_or_from_both() {
    let folder = Folder::new();
    let s = folder.settings(&text(PAIR, ""));
    assert!(s.acme.is_none() && !tls_of(&s.listeners[0]).acme);
    assert_eq!(
        s.hsts.portal.as_deref(),
        Some("max-age=31536000; includeSubDomains")
    );
    assert_eq!(s.hsts.elsewhere.as_deref(), Some("max-age=31536000"));
    assert!(!s.hsts.applications);

    let hosts = |text: &str| -> Vec<String> {
        let s = folder.settings(text);
        let acme = s.acme.unwrap();
        acme.hosts.iter().map(ToString::to_string).collect()
    };
    let all = [
        "login.example.com",
        "wiki.example.com",
        "payroll.example.com",
    ];
    assert_eq!(hosts(&text("acme: true", ACME)), all);
    let one = "acme: { agree_to_terms: true, hosts: [ wiki.example.com ] }\n";
    assert_eq!(hosts(&text("acme: true", one)), ["wiki.example.com"]);
    // a file is enough for the hosts that it is for
    folder.certificate("wiki", &["wiki.example.com".to_owned()]);
    let wiki = PAIR.replace("site", "wiki");
    let both = text(&format!("acme: true, {wiki}"), ACME);
    assert_eq!(hosts(&both), ["login.example.com", "payroll.example.com"]);

    folder.write("config/eab.key", "c2VjcmV0\n");
    let s = folder.settings(&text(
        "acme: true, min_version: \"1.3\", client_certificates: { ca: ../certs/internal-ca.pem, required: false }",
        "acme:\n  directory: https://acme.internal/directory\n  agree_to_terms: true\n  challenge: tls-alpn-01\n  ca: ../certs/internal-ca.pem\n  email: operations@example.com\n  renew_before: 14d\n  external_account: { key_id: kid-1, key_file: eab.key }\n",
    ));
    let tls = tls_of(&s.listeners[0]);
    assert!(tls.acme && tls.only_tls13);
    assert!(!tls.client_certificates.as_ref().unwrap().required);
    let acme = s.acme.unwrap();
    assert_eq!(acme.directory, "https://acme.internal/directory");
    assert!(acme.over_tls);
    assert_eq!(acme.ca.unwrap().len(), 1);
    assert_eq!(acme.renew_before, Some(Duration::from_secs(14 * 86_400)));
    let account = acme.external_account.unwrap();
    assert_eq!(
        (account.key_id.as_str(), &account.key[..]),
        ("kid-1", &b"secret"[..])
    );
    assert!(!format!("{account:?}").contains("secret"));
    // the files of client certificates are looked after by themselves
    assert!(!s.files.iter().any(|f| f.ends_with("site.pem")));
}

#[test]
fn what_browsers_are_told_about_https() {
    let folder = Folder::new();
    for (written, portal, elsewhere, applications) in [
        ("false", None, None, false),
        (
            "{ max_age: 0s }",
            Some("max-age=0; includeSubDomains"),
            Some("max-age=0"),
            false,
        ),
        (
            "{ max_age: 730d, include_subdomains: true, preload: true, applications: true }",
            Some("max-age=63072000; includeSubDomains; preload"),
            Some("max-age=63072000; includeSubDomains; preload"),
            true,
        ),
        (
            "{ include_subdomains: false }",
            Some("max-age=31536000"),
            Some("max-age=31536000"),
            false,
        ),
    ] {
        let s = folder.settings(&text(PAIR, &format!("hsts: {written}\n")));
        assert_eq!(s.hsts.portal.as_deref(), portal, "{written}");
        assert_eq!(s.hsts.elsewhere.as_deref(), elsewhere, "{written}");
        assert_eq!(s.hsts.applications, applications, "{written}");
    }
}

#[test]
fn a_certificate_that_has_run_out_is_told() {
    let folder = Folder::new();
    let warned = |from: (i32, u8, u8), to: time::OffsetDateTime| {
        let mut params = rcgen::CertificateParams::new(
            ["login", "wiki", "payroll"].map(|h| format!("{h}.example.com")),
        )
        .unwrap();
        params.not_before = rcgen::date_time_ymd(from.0, from.1, from.2);
        params.not_after = to;
        let key = rcgen::KeyPair::generate().unwrap();
        let certificate = params.self_signed(&key).unwrap();
        folder.write("certs/site.pem", &certificate.pem());
        folder.write("certs/site.key", &key.serialize_pem());
        let (settings, report) = folder.examine(&text(PAIR, ""));
        assert!(settings.is_some(), "a warning refuses nothing");
        report.to_string()
    };
    let now = vestibule::env::Env::system().now().seconds();
    let now = time::OffsetDateTime::from_unix_timestamp(now).unwrap();
    let past = (2020, 1, 1);
    assert!(warned(past, now - time::Duration::days(1)).contains("has expired"));
    assert!(warned(past, now + time::Duration::days(13)).contains("expires soon"));
    assert_eq!(warned(past, now + time::Duration::days(20)), "");
    let early = warned((2100, 1, 1), rcgen::date_time_ymd(2101, 1, 1));
    assert!(early.contains("not valid before"), "{early}");
}

#[test]
fn each_mistake_about_https_has_its_place_and_its_remedy() {
    let folder = Folder::new();
    folder.write("config/eab.key", "not base64!\n");
    let demanded = "    access: { client_certificate: true }\n";
    let on_routes = |tls: &str| {
        text(tls, "").replace(
            "    upstream: http://10.0.0.6:3000\n",
            &format!("    upstream: http://10.0.0.6:3000\n{demanded}"),
        )
    };
    let mut all = String::new();
    for (name, text) in [
        (
            "neither files nor a server",
            text("min_version: \"1.3\"", ""),
        ),
        (
            "an old version",
            text(&format!("{PAIR}, min_version: \"1.1\""), ""),
        ),
        ("a server without its section", text("acme: true", "")),
        ("a section that nobody uses", text(PAIR, ACME)),
        (
            "no agreement",
            text("acme: true", "acme: { agree_to_terms: false }\n"),
        ),
        (
            "nothing said about the terms",
            text("acme: true", "acme: { email: nobody }\n"),
        ),
        (
            "plain HTTP to the server",
            text(
                "acme: true",
                "acme: { agree_to_terms: true, directory: \"http://acme.internal/\" }\n",
            ),
        ),
        (
            "no such challenge",
            text(
                "acme: true",
                "acme: { agree_to_terms: true, challenge: dns-01 }\n",
            ),
        ),
        (
            "http-01 without plain HTTP",
            text("acme: true", ACME)
                .replace("  - { address: 0.0.0.0:80, redirect_to_https: true }\n", ""),
        ),
        (
            "tls-alpn-01 where clients need a certificate",
            text(
                "acme: true, client_certificates: { ca: ../certs/internal-ca.pem }",
                "acme: { agree_to_terms: true, challenge: tls-alpn-01 }\n",
            ),
        ),
        (
            "hosts of somebody else, an address, none",
            text(
                "acme: true",
                "acme: { agree_to_terms: true, hosts: [ www.example.org, 192.0.2.1 ] }\n",
            ),
        ),
        (
            "no host",
            text("acme: true", "acme: { agree_to_terms: true, hosts: [] }\n"),
        ),
        (
            "a key that is none",
            text(
                "acme: true",
                "acme: { agree_to_terms: true, external_account: { key_id: a, key_file: eab.key } }\n",
            ),
        ),
        (
            "half an account",
            text(
                "acme: true",
                "acme: { agree_to_terms: true, external_account: { key_id: a } }\n",
            ),
        ),
        (
            "authorities that are not there",
            text(
                &format!("{PAIR}, client_certificates: {{ ca: ../certs/none.pem }}"),
                "",
            ),
        ),
        (
            "authorities that are none",
            text(
                &format!("{PAIR}, client_certificates: {{ ca: ../certs/empty.pem }}"),
                "",
            ),
        ),
        (
            "no authorities",
            text(
                &format!("{PAIR}, client_certificates: {{ required: true }}"),
                "",
            ),
        ),
        ("a route asks for what nobody can show", on_routes(PAIR)),
        (
            "a list of browsers without its conditions",
            text(PAIR, "hsts: { preload: true }\n"),
        ),
    ] {
        let shown = folder.rendered(&text);
        assert!(shown.contains("error"), "{name} is not found: {shown}");
        let _ = write!(all, "### {name}\n\n{shown}\n\n");
    }
    insta::assert_snapshot!(all);
    let fine = on_routes(&format!(
        "{PAIR}, client_certificates: {{ ca: ../certs/internal-ca.pem, required: false }}"
    ));
    let s = folder.settings(&fine);
    let demands = |n: usize| s.routes.routes()[n].access.client_certificate;
    assert_eq!((demands(0), demands(1)), (false, true));
}
