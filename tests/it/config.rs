//! The configuration as operators meet it: files in, settings or explanations out.

mod explain;
mod rewriting;
mod texts;
mod tls;
mod upstreams;

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};
use vestibule::config::{self, ListenerKind, Report, Settings, StorageSettings};
use vestibule::domain::account::{Account, Status};
use vestibule::domain::binding::EnrolmentProof;
use vestibule::domain::password_rules::Because;
use vestibule::domain::policy::TwoFactor;
use vestibule::domain::timestamp::Timestamp;

/// A folder with the files that configurations name.
struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        let folder = Self(tempfile::tempdir().unwrap());
        for sub in ["certs", "config"] {
            std::fs::create_dir(folder.path().join(sub)).unwrap();
        }
        let hosts = ["login", "wiki", "payroll"].map(|h| format!("{h}.example.com"));
        folder.certificate("site", &hosts);
        folder.certificate("wiki", &hosts);
        folder.certificate("other", &["other.example.com".to_owned()]);
        folder.certificate("internal-ca", &["internal".to_owned()]);
        folder.write(
            "config/logo.svg",
            "<svg xmlns='http://www.w3.org/2000/svg'/>",
        );
        folder.write("config/blocklist.txt", "password\n");
        folder.write("certs/empty.pem", "");
        folder
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn write(&self, name: &str, text: &str) {
        use std::os::unix::fs::PermissionsExt as _;
        let path = self.path().join(name);
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
    }

    fn certificate(&self, name: &str, hosts: &[String]) {
        let made = rcgen::generate_simple_self_signed(hosts).unwrap();
        self.write(&format!("certs/{name}.pem"), &made.cert.pem());
        self.write(
            &format!("certs/{name}.key"),
            &made.signing_key.serialize_pem(),
        );
    }

    /// Examines a text as if it was `config/vestibule.yaml` here.
    fn examine(&self, text: &str) -> (Option<Settings>, Report) {
        let variable = |name: &str| (name == "PRESENT").then(|| "s3cret-value".to_owned());
        config::examine_text(
            "vestibule.yaml",
            text.to_owned(),
            &self.path().join("config"),
            &variable,
        )
    }

    fn rendered(&self, text: &str) -> String {
        let (_, report) = self.examine(text);
        let shown = report.to_string();
        shown.replace(self.path().to_str().unwrap(), "/etc/vestibule")
    }

    fn settings(&self, text: &str) -> Settings {
        let (settings, report) = self.examine(text);
        settings.unwrap_or_else(|| panic!("{report}"))
    }
}

const BASE: &str = "\
listen:
  - address: 0.0.0.0:443
    tls: { certificates: [ { certificate: ../certs/site.pem, key: ../certs/site.key } ] }
portal:
  url: https://login.example.com
two_factor:
  policy: recommended
  enrolment_proof: helpdesk
password:
  minimum_length: 15
routes:
  - name: wiki
    host: wiki.example.com
    upstream: http://10.0.0.5:3000
  - name: payroll
    host: payroll.example.com
    upstream: http://10.0.0.6:3000
";

#[test]
fn a_plain_file_has_no_mistakes_and_the_documented_defaults() {
    let folder = Folder::new();
    let (settings, report) = folder.examine(BASE);
    assert_eq!(report.to_string(), "");
    let s = settings.unwrap();
    assert_eq!(s.portal.to_string(), "https://login.example.com");
    assert_eq!(s.listeners.len(), 1);
    assert!(matches!(&s.listeners[0].kind, ListenerKind::Tls(tls) if tls.certificates.len() == 1));
    assert_eq!(s.operations, None);
    assert!(s.trusted_proxies.is_empty());
    assert_eq!(s.sessions.idle, Duration::from_secs(3600));
    assert_eq!(s.sessions.lifetime, Duration::from_secs(36_000));
    assert!(s.remember_account);
    assert_eq!(s.emergency_codes, 8);
    assert_eq!(s.enrolment_proof, EnrolmentProof::Helpdesk);
    assert_eq!(s.two_factor.policy, TwoFactor::Recommended);
    assert_eq!(
        (
            s.throttle.password.free,
            s.throttle.code.free,
            s.throttle.network.free
        ),
        (10, 5, 500)
    );
    assert_eq!((s.hashing.threads, s.hashing.queue), (0, 64));
    let file = folder.path().join("config/data/vestibule.db");
    assert_eq!(s.storage, StorageSettings::File(file));
    assert_eq!(s.key_file, folder.path().join("config/data/secret.key"));
    assert_eq!(s.brand.languages, ["en", "fi", "sv", "nb", "da", "de"]);
    let wiki = &s.routes.routes()[0];
    assert_eq!((wiki.title.as_str(), wiki.prefix.as_str()), ("Wiki", "/"));
    assert_eq!(wiki.two_factor, TwoFactor::Optional);
    assert_eq!(wiki.identity.assertion, None);
    assert_eq!(wiki.timeouts.read, Duration::from_secs(60));
    assert!(wiki.access.groups.is_empty() && wiki.public.is_empty());
}

#[test]
fn what_is_written_arrives() {
    let folder = Folder::new();
    let s = folder.settings(
        &BASE
            .replace("login.example.com", "login.example.com:8443")
            .replace(
                "    host: payroll.example.com\n",
                "    host: PAYROLL.example.com\n    path: /app/\n    identity: { assertion: {} }\n    two_factor: { max_age: 15m }\n    limits: { body: 32KiB }\n",
            )
            .replace("http://10.0.0.5:3000", "[ http://10.0.0.5:3000, https://wiki.internal ]"),
    );
    let [wiki, payroll] = s.routes.routes() else {
        panic!()
    };
    assert_eq!(wiki.upstreams[1].to_string(), "https://wiki.internal:443");
    assert_eq!(
        payroll.origin.to_string(),
        "https://payroll.example.com:8443"
    );
    let assertion = payroll.identity.assertion.as_ref().unwrap();
    assert_eq!(assertion.audience, "https://payroll.example.com:8443/app");
    assert_eq!(assertion.header, "X-Vestibule-Assertion");
    assert_eq!(assertion.lifetime, Duration::from_secs(300));
    assert_eq!(payroll.max_age, Some(Duration::from_secs(900)));
    assert_eq!(payroll.body_limit, Some(32 * 1024));
}

#[test]
fn limits_are_todays_where_none_are_written() {
    use vestibule::domain::limits::{Limits, Rate};
    let folder = Folder::new();
    let settings = folder.settings(BASE);
    assert_eq!(settings.limits, Limits::default());
    assert_eq!(settings.routes.routes()[0].limits, Default::default());
    let written = BASE.replace(
        "    upstream: http://10.0.0.5:3000\n",
        "    upstream: http://10.0.0.5:3000\n    limits: { body: 1MiB, rate: 50/s, time: 10m, body_rate: 0 }\n",
    );
    let written = format!(
        "limits: {{ connections: 100, requests_per_address: 300, header_timeout: 5s, idle_timeout: 20s, stall_timeout: 30s, body_rate: 0, body_grace: 10s, read_rate: 2KiB, drain_timeout: 5m }}
{written}"
    );
    let (settings, report) = folder.examine(&written);
    assert_eq!(report.to_string(), "");
    let settings = settings.unwrap();
    let want = Limits {
        connections: 100,
        connections_per_address: 100,
        requests_per_address: 300,
        header: Duration::from_secs(5),
        idle: Duration::from_secs(20),
        stall: Duration::from_secs(30),
        body_rate: Some(0),
        body_grace: Duration::from_secs(10),
        read_rate: Some(2048),
        drain: Duration::from_secs(300),
        ..Limits::default()
    };
    assert_eq!(settings.limits, want);
    let wiki = &settings.routes.routes()[0];
    assert_eq!(wiki.body_limit, Some(1 << 20));
    assert_eq!(wiki.limits.time, Some(Duration::from_secs(600)));
    assert_eq!(wiki.limits.body_rate, Some(0));
    let rate = Rate {
        requests: 50,
        span: Duration::from_secs(1),
    };
    assert_eq!(wiki.limits.rate, Some(rate));
    for (mistake, told) in [
        ("connections: 0", "not between 1 and"),
        (
            "connections: 10, connections_per_address: 20",
            "more than `connections`",
        ),
        (
            "connections: 10, connections_per_address: 0",
            "not between 1 and",
        ),
        ("requests_per_address: 0", "not between 1 and"),
        ("header_timeout: 0s", "longer than nothing"),
        ("idle_timeout: 2h", "longer than an hour"),
        ("body_rate: 1MiB", "shut out people on slow lines"),
        ("read_rate: fast", "is not a size"),
        ("drain_timeout: 0s", "longer than nothing"),
        ("drain_timeout: 61m", "longer than an hour"),
        ("requests: 5", "requests"),
    ] {
        let report = folder.rendered(&format!("limits: {{ {mistake} }}\n{BASE}"));
        assert!(report.contains(told), "{mistake}: {report}");
    }
    for (mistake, told) in [
        ("rate: 50", "is not a rate"),
        ("rate: 0/s", "is not a rate"),
        ("rate: 2000000/s", "nobody asks as often"),
        ("time: 0s", "longer than nothing"),
    ] {
        let text = BASE.replace(
            "    upstream: http://10.0.0.5:3000\n",
            &format!("    upstream: http://10.0.0.5:3000\n    limits: {{ {mistake} }}\n"),
        );
        let report = folder.rendered(&text);
        assert!(report.contains(told), "{mistake}: {report}");
    }
}

#[test]
fn the_shortest_password_is_the_policys_where_none_is_written() {
    let folder = Folder::new();
    let examined = |two_factor: &str, password: &str| {
        let text = BASE
            .replace("  policy: recommended\n", two_factor)
            .replace("password:\n  minimum_length: 15\n", password);
        let (settings, report) = folder.examine(&text);
        let minimum = settings.unwrap().password.minimum;
        (minimum.length, minimum.because, report.warnings().count())
    };
    for (two_factor, password, expected) in [
        (
            "  policy: recommended\n",
            "",
            (15, Because::PasswordAlone, 0),
        ),
        ("  policy: required\n", "", (8, Because::TwoFactors, 0)),
        (
            "  policy: required\n  grace: 14d\n",
            "",
            (15, Because::PasswordAlone, 0),
        ),
        (
            "  policy: required\n  deadline: 2027-01-31\n",
            "password: { blocklist: blocklist.txt }\n",
            (15, Because::PasswordAlone, 0),
        ),
        (
            "  policy: required\n",
            "password: { minimum_length: 10 }\n",
            (10, Because::Written, 0),
        ),
        (
            "  policy: required\n  grace: 14d\n",
            "password: { minimum_length: 10 }\n",
            (10, Because::Written, 1),
        ),
    ] {
        assert_eq!(examined(two_factor, password), expected, "{two_factor}");
    }
}

#[test]
fn a_blocklist_too_large_to_be_held_is_refused() {
    let folder = Folder::new();
    let text = BASE.replace("minimum_length: 15", "blocklist: large.txt");
    let path = folder.path().join("config/large.txt");
    let file = std::fs::File::create(path).unwrap();
    file.set_len(64 * 1024 * 1024).unwrap();
    assert!(folder.examine(&text).0.is_some());
    file.set_len(64 * 1024 * 1024 + 1).unwrap();
    let report = folder.rendered(&text);
    assert!(report.contains("larger than 64 MiB"), "{report}");
}

/// One mistake each: its name, what is replaced, by what.
const MISTAKES: &[(&str, &str, &str)] = &[
    (
        "unknown key",
        "    upstream: http://10.0.0.5:3000",
        "    upstreem: http://10.0.0.5:3000",
    ),
    (
        "unknown key far from any",
        "portal:\n",
        "portal:\n  colour: red\n",
    ),
    (
        "unknown section",
        "portal:\n",
        "sesions: { idle: 1h }\nportal:\n",
    ),
    (
        "a key twice",
        "  url: https://login.example.com\n",
        "  url: https://login.example.com\n  url: https://x.example.com\n",
    ),
    (
        "a key without a value",
        "    host: payroll.example.com",
        "    host:",
    ),
    ("wrong word", "policy: recommended", "policy: require"),
    (
        "not a number",
        "minimum_length: 15",
        "minimum_length: fifteen",
    ),
    (
        "not a span of time",
        "password:\n",
        "sessions: { idle: 15 }\npassword:\n",
    ),
    (
        "not true or false",
        "password:\n",
        "sessions: { remember_account: yes }\npassword:\n",
    ),
    (
        "a section where a list belongs",
        "routes:\n",
        "trusted_proxies: { a: 10.0.0.1 }\nroutes:\n",
    ),
    (
        "a list where a section belongs",
        "  url: https://login.example.com",
        "  - url: https://login.example.com",
    ),
    (
        "portal without https",
        "https://login.example.com",
        "http://login.example.com",
    ),
    (
        "portal with a path",
        "https://login.example.com",
        "https://example.com/login",
    ),
    (
        "portal missing",
        "portal:\n  url: https://login.example.com\n",
        "",
    ),
    (
        "route on the portal's host",
        "host: payroll.example.com",
        "host: Login.example.com.",
    ),
    ("same name twice", "name: payroll", "name: wiki"),
    (
        "two routes for one place",
        "host: payroll.example.com",
        "host: wiki.example.com\n    path: /",
    ),
    (
        "upstream with a path",
        "http://10.0.0.6:3000",
        "http://10.0.0.6:3000/app",
    ),
    (
        "upstream with a password",
        "http://10.0.0.6:3000",
        "http://u:hunter2@10.0.0.6:3000",
    ),
    (
        "host with a port",
        "host: payroll.example.com",
        "host: payroll.example.com:443",
    ),
    (
        "public path as a pattern",
        "name: payroll\n",
        "name: payroll\n    public: [ /api/* ]\n",
    ),
    (
        "public path not plain",
        "name: payroll\n",
        "name: payroll\n    public: [ /a/../b, /%61pi ]\n",
    ),
    (
        "everything public",
        "name: payroll\n",
        "name: payroll\n    public: [ / ]\n",
    ),
    (
        "empty list of groups",
        "name: payroll\n",
        "name: payroll\n    access: { groups: [] }\n",
    ),
    (
        "method not in capitals",
        "name: payroll\n",
        "name: payroll\n    access: { methods: [ get ] }\n",
    ),
    (
        "network with bits beyond",
        "name: payroll\n",
        "name: payroll\n    access: { networks: [ 10.0.0.7/8 ] }\n",
    ),
    (
        "header of the connection",
        "name: payroll\n",
        "name: payroll\n    identity: { headers: { Content-Length: \"1\", Remote_User: x, \"a b\": y, ContentLength: z } }\n",
    ),
    (
        "header with an unknown fact",
        "name: payroll\n",
        "name: payroll\n    identity: { headers: { X-P: \"{account.password}\" } }\n",
    ),
    (
        "assertion too long",
        "name: payroll\n",
        "name: payroll\n    identity: { assertion: { lifetime: 10m } }\n",
    ),
    (
        "a key that signs nothing",
        "name: payroll\n",
        "name: payroll\n    identity: { message_signature_key_file: blocklist.txt }\n",
    ),
    (
        "a key that is none",
        "name: payroll\n",
        "name: payroll\n    identity: { message_signature: hmac-sha256, message_signature_key_file: blocklist.txt }\n",
    ),
    (
        "two answers",
        "name: payroll\n",
        "name: payroll\n    redirect: { to: \"https://u:p@new.example.com/a//b?x\", status: 300, keep_path: true }\n    respond: { status: 301, headers: { Set-Cookie: a=b } }\n",
    ),
    (
        "preflights of everybody",
        "name: payroll\n",
        "name: payroll\n    access: { methods: [ GET ] }\n    cors: { preflight: pass, origins: [ \"*\", \"null\", https://A.example.com, http://a.example.com, https://a.example.com/ ], credentials: true }\n",
    ),
    (
        "maintenance for no group",
        "name: payroll\n",
        "name: payroll\n    maintenance: { allow_groups: [], until: tomorrow }\n",
    ),
    (
        "basic auth",
        "name: payroll\n",
        "name: payroll\n    identity: { basic_auth: { username: \"x:{account.login}\" } }\n",
    ),
    (
        "proof by mail",
        "enrolment_proof: helpdesk",
        "enrolment_proof: email",
    ),
    ("no proof named", "  enrolment_proof: helpdesk\n", ""),
    (
        "postgres: nobody on the other side is known",
        "password:\n",
        "storage: { url: \"postgres://vestibule@db.example.com/vestibule?sslmode=prefer\" }\npassword:\n",
    ),
    (
        "postgres: no user, no database",
        "password:\n",
        "storage: { url: \"postgres://db.example.com?sslmode=verify-full\" }\npassword:\n",
    ),
    (
        "postgres: no host",
        "password:\n",
        "storage: { url: \"postgresql:///sso\" }\npassword:\n",
    ),
    (
        "postgres: unknown parameter",
        "password:\n",
        "storage: { url: \"postgres://vestibule@db.example.com/sso?connect_timeout=3&sslmode=full\" }\npassword:\n",
    ),
    (
        "postgres: password",
        "password:\n",
        "storage: { url: \"postgres://vestibule:hunter2@localhost/sso\" }\npassword:\n",
    ),
    (
        "postgres: half a certificate",
        "password:\n",
        "storage: { url: \"postgres://vestibule@localhost/sso?sslcert=wiki.pem&sslrootcert=nowhere.pem\" }\npassword:\n",
    ),
    (
        "postgres: several hosts",
        "password:\n",
        "storage: { url: \"postgres://vestibule@one,two/sso\" }\npassword:\n",
    ),
    (
        "postgres: pool",
        "password:\n",
        "storage: { url: \"postgres://vestibule@localhost/sso\", pool: 1 }\npassword:\n",
    ),
    (
        "a file with a pool",
        "password:\n",
        "storage: { url: \"sqlite:x.db\", pool: 4, password_file: x }\npassword:\n",
    ),
    (
        "unknown store",
        "password:\n",
        "storage: { url: \"mysql://db\" }\npassword:\n",
    ),
    (
        "operations for everybody",
        "password:\n",
        "operations: { address: 0.0.0.0:9090 }\npassword:\n",
    ),
    (
        "everybody a trusted proxy",
        "password:\n",
        "trusted_proxies: [ 0.0.0.0/0, \"::/0\" ]\npassword:\n",
    ),
    (
        "traces: no share, credentials without a collector",
        "password:\n",
        "traces: { sample: 0.5, headers_file: empty.pem }\npassword:\n",
    ),
    (
        "traces: another protocol, a file that is no headers",
        "password:\n",
        "traces: { otlp: \"grpc://127.0.0.1:4317\", headers_file: ../certs/site.pem }\npassword:\n",
    ),
    ("certificate missing", "site.pem", "sight.pem"),
    ("certificate empty", "site.pem", "empty.pem"),
    ("key of another certificate", "site.key", "wiki.key"),
    (
        "certificate for other hosts",
        "../certs/site.pem, key: ../certs/site.key",
        "../certs/other.pem, key: ../certs/other.key",
    ),
    (
        "listener without purpose",
        "portal:\n",
        "  - address: 0.0.0.0:80\nportal:\n",
    ),
    (
        "no https at all",
        "    tls: { certificates: [ { certificate: ../certs/site.pem, key: ../certs/site.key } ] }",
        "    redirect_to_https: true",
    ),
    ("address without port", "0.0.0.0:443", ":443"),
    (
        "proxies: nobody who may ask, nobody who is let in, nothing to ask about",
        "portal:\n",
        "  - { address: 127.0.0.1:8080, behind_proxy: true }\n  - { address: 127.0.0.1:9091, forward_auth: true }\nportal:\n",
    ),
    (
        "proxies: everybody may ask, at a listener that browsers reach, unencrypted",
        "portal:\n",
        "  - { address: 127.0.0.1:8080, behind_proxy: true, forward_auth: true }\n  - { address: 0.0.0.0:9091, forward_auth: true }\nforward_auth: { trusted_proxies: [ 0.0.0.0/0 ] }\nportal:\n",
    ),
    (
        "proxies: nowhere to ask, an empty list, a way that is not ours",
        "    upstream: http://10.0.0.5:3000\n",
        "    forward_auth: true\n    timeouts: { read: 5s }\n    limits: { body: 1MiB }\n",
    ),
    (
        "proxies: asking without a listener",
        "portal:\n",
        "forward_auth: { trusted_proxies: [] }\nportal:\n",
    ),
    (
        "idle above lifetime",
        "password:\n",
        "sessions: { idle: 12h }\npassword:\n",
    ),
    (
        "too long for AAL2",
        "password:\n",
        "sessions: { idle: 2h, lifetime: 30d }\npassword:\n",
    ),
    (
        "password too short",
        "minimum_length: 15",
        "minimum_length: 6",
    ),
    ("password alone", "minimum_length: 15", "minimum_length: 12"),
    (
        "password alone for a while",
        "policy: recommended\n  enrolment_proof: helpdesk\npassword:\n  minimum_length: 15",
        "policy: required\n  grace: 14d\n  enrolment_proof: helpdesk\npassword:\n  minimum_length: 12",
    ),
    (
        "no such blocklist",
        "minimum_length: 15",
        "blocklist: nowhere.txt",
    ),
    (
        "a blocklist that is a folder",
        "minimum_length: 15",
        "blocklist: .",
    ),
    (
        "mail password in the open",
        "password:\n",
        "mail: { smtp: \"smtps://u:hunter2@mail.example.com\", from: a@example.com }\npassword:\n",
    ),
    (
        "mail: a password in two places, a host that is none, a sender that is none",
        "password:\n",
        "mail: { smtp: \"smtp://u:${PRESENT}@mail.example.com/inbox\", from: \"A <b>\", password_file: ../certs/site.pem }\npassword:\n",
    ),
    (
        "mail: user without password, no sender, a file without certificates",
        "password:\n",
        "mail: { smtp: \"smtps://u@mail.example.com\", ca: ../certs/site.key }\npassword:\n",
    ),
    (
        "mail: password without user, empty",
        "password:\n",
        "mail: { smtp: \"smtps://mail.example.com\", from: a@example.com, password_file: ../certs/empty.pem }\npassword:\n",
    ),
    (
        "variable not set",
        "https://login.example.com",
        "https://${NOT_SET}",
    ),
    (
        "variable with a wrong value is not shown",
        "https://login.example.com",
        "${PRESENT}",
    ),
    (
        "tab",
        "  url: https://login.example.com",
        "\turl: https://login.example.com",
    ),
    ("alias", "policy: recommended", "policy: &p recommended"),
    (
        "colour",
        "portal:\n",
        "brand: { accent: \"red;}\" }\nportal:\n",
    ),
    (
        "date",
        "  policy: recommended\n",
        "  policy: required\n  deadline: 31.1.2027\n",
    ),
    ("text in place of everything", BASE, "hello"),
    ("nothing", BASE, "# all commented out\n"),
];

#[test]
fn each_mistake_has_its_place_and_its_remedy() {
    let folder = Folder::new();
    let mut all = String::new();
    for (name, from, to) in MISTAKES {
        assert!(BASE.contains(from), "{name}");
        let shown = folder.rendered(&BASE.replacen(from, to, 1));
        assert!(!shown.is_empty(), "{name} is not found");
        assert!(!shown.contains("s3cret"), "{name}");
        let _ = write!(all, "### {name}\n\n{shown}\n\n");
    }
    insta::assert_snapshot!(all);
}

#[test]
fn a_first_enrolment_is_proven_by_mail_where_there_is_mail() {
    let folder = Folder::new();
    const MAIL: &str = "mail: { smtp: \"smtp://127.0.0.1:25\", from: noreply@example.com }\n";
    let check = |mail: &str, proof: &str, want: EnrolmentProof, warns: bool| {
        let text = BASE.replacen("  enrolment_proof: helpdesk\n", proof, 1);
        let (settings, report) = folder.examine(&format!("{text}{mail}"));
        let report = report.to_string();
        let settings = settings.unwrap_or_else(|| panic!("{report}"));
        assert_eq!(settings.enrolment_proof, want, "{mail:?} {proof:?}");
        assert_eq!(
            report.contains("a stolen password alone"),
            warns,
            "{report}"
        );
    };
    check(MAIL, "", EnrolmentProof::Email, false);
    check(
        MAIL,
        "  enrolment_proof: email\n",
        EnrolmentProof::Email,
        false,
    );
    check(
        MAIL,
        "  enrolment_proof: none\n",
        EnrolmentProof::None,
        false,
    );
    check("", "  enrolment_proof: none\n", EnrolmentProof::None, false);
    check("", "", EnrolmentProof::None, true);
}

#[test]
fn many_mistakes_come_out_in_one_run() {
    let folder = Folder::new();
    let text = "\
listen:
  - address: 443
    tls: { certificates: [] }
  - address: 0.0.0.0:80
portal:
  url: http://login.example.com/start
  colour: red
brand:
  accent: green
  languages: [ en, xx, en ]
sessions: { idle: 1 hour, lifetime: 10h }
two_factor:
  polcy: required
  emergency_codes: 99
  apps: [ { own: true }, { name: B, own: true } ]
throttle: { code: { free: 0, first_pause: 2h } }
groups: { finance: {}, board: { two_factor: { policy: allways } } }
routes:
  - name: wiki
    host: https://wiki.example.com
    upstream: [ 10.0.0.5:3000, http://10.0.0.6/x ]
    acess: { groups: [ staff ] }
  - name: wiki
    upstream: http://10.0.0.7
    public: [ static/, /ok/ ]
  - just text
  - host: a.example.com
    two_factor: { max_age: 0s }
";
    insta::assert_snapshot!(folder.rendered(text));
}

#[test]
fn what_stands_in_variables_is_used_and_never_shown() {
    let folder = Folder::new();
    let secret = format!("https://{}.example.com/x", "s3cret".repeat(30));
    let variable = |name: &str| (name == "URL").then(|| secret.clone());
    let examine = |text: String| {
        config::examine_text(
            "vestibule.yaml",
            text,
            &folder.path().join("config"),
            &variable,
        )
    };
    for wrong in ["${URL}", "\"x${URL}\"", "${URL}${URL}"] {
        for key in [
            "https://login.example.com",
            "http://10.0.0.5:3000",
            "wiki.example.com",
            "recommended",
            "15",
        ] {
            let (settings, report) = examine(BASE.replacen(key, wrong, 1));
            assert!(settings.is_none());
            assert!(!report.to_string().contains("s3cret"), "{report}");
        }
    }
    let literal = examine(format!("{BASE}brand: {{ name: \"$${{URL}}\" }}\n"))
        .0
        .unwrap();
    assert_eq!(literal.brand.name, "${URL}");
    let used = examine(format!(
        "{BASE}brand: {{ support: {{ chat: \"${{URL}}\" }} }}\n"
    ))
    .0
    .unwrap();
    assert_eq!(used.brand.support.chat.as_deref(), Some(secret.as_str()));
}

#[test]
fn the_design_page_is_accepted_but_for_what_is_not_built() {
    let folder = Folder::new();
    let text = include_str!("design.yaml");
    let text = text
        .replace("certs/wiki", "../certs/wiki")
        .replace("config/logo.svg", "logo.svg")
        .replace("config/blocklist.txt", "blocklist.txt")
        .replace("throttle: { ... }\n", "")
        .replace(
            "networks: [...], methods: [...]",
            "networks: [ 10.0.0.0/8 ], methods: [ GET ]",
        );
    let (_, report) = folder.examine(&text);
    let errors: Vec<String> = report
        .problems
        .iter()
        .filter(|p| p.severity == config::Severity::Error)
        .map(|p| {
            format!(
                "{}: {}",
                p.path,
                p.message.replace(folder.path().to_str().unwrap(), "")
            )
        })
        .collect();
    insta::assert_snapshot!(errors.join("\n"));
    let whole = text
        .replace(
            "smtps://user@host\", from: \"...\", password_file: ...",
            "smtps://host\", from: a@example.com",
        )
        .lines()
        .filter(|l| !l.contains("basic_auth"))
        .fold(String::new(), |all, line| all + line + "\n");
    let s = folder.settings(&whole);
    let signature = s.routes.routes()[0].identity.message_signature.as_ref();
    assert!(signature.unwrap().key.is_none());
    assert_eq!(s.routes.routes()[0].max_age, Some(Duration::from_secs(900)));
    assert_eq!(
        s.two_factor.groups.get("finance"),
        Some(&TwoFactor::Required)
    );
    assert_eq!(
        s.two_factor.deadline,
        Some(Timestamp::from_seconds(1_801_439_999))
    );
    assert_eq!(s.load_testing_prefix.as_deref(), Some("load-"));
    assert!(s.roles.helpdesk.contains("support"));
}

#[test]
fn the_mail_server() {
    use vestibule::config::MailSecurity::{ImplicitTls, StartTls, StartTlsIfOffered};
    let folder = Folder::new();
    folder.write("config/mail.password", "p@ss:wörd\n");
    let mail = |smtp: &str, more: &str| {
        let mail = format!("mail: {{ smtp: \"{smtp}\", from: a@example.com{more} }}\npassword:\n");
        let text = BASE.replace("password:\n", &mail);
        folder.settings(&text).mail.unwrap()
    };
    for (smtp, host, port, security) in [
        (
            "smtps://mail.example.com",
            "mail.example.com",
            465,
            ImplicitTls,
        ),
        (
            "smtps://mail.example.com:1465",
            "mail.example.com",
            1465,
            ImplicitTls,
        ),
        ("smtp://mail.example.com", "mail.example.com", 587, StartTls),
        (
            "smtp://mail.example.com:25",
            "mail.example.com",
            25,
            StartTls,
        ),
        ("smtp://10.0.0.1:25/", "10.0.0.1", 25, StartTls),
        ("smtp://127.0.0.1:25", "127.0.0.1", 25, StartTlsIfOffered),
        ("smtp://localhost", "localhost", 587, StartTlsIfOffered),
        (
            "smtp://localhost.example.com",
            "localhost.example.com",
            587,
            StartTls,
        ),
        ("smtps://localhost", "localhost", 465, ImplicitTls),
    ] {
        let m = mail(smtp, "");
        assert_eq!(
            (m.host.as_str(), m.port, m.security),
            (host, port, security),
            "{smtp}"
        );
        assert_eq!(m.credentials, None);
    }
    let m = mail(
        "smtps://a%40b@mail.example.com",
        ", password_file: mail.password",
    );
    let credentials = m.credentials.unwrap();
    assert_eq!(credentials.user, "a@b");
    assert_eq!(credentials.password.as_str(), "p@ss:wörd");
    assert!(!format!("{credentials:?}").contains("p@ss"));
}

#[test]
fn the_examples_are_right() {
    let folder = Folder::new();
    folder.write("config/mail.password", "a password\n");
    for text in [
        include_str!("../../config/minimal.yaml"),
        include_str!("../../config/vestibule.example.yaml"),
    ] {
        let (settings, report) = folder.examine(text);
        assert_eq!(report.to_string(), "");
        assert!(settings.is_some());
    }
}

#[test]
fn the_reference_page_is_up_to_date() {
    assert!(
        include_str!("../../docs/configuration.md") == config::docs::markdown(),
        "run tools/docs"
    );
}

#[test]
fn bombs_end_fast() {
    let folder = Folder::new();
    let laughs = (0..30).fold("a0: &a0 [x,x,x,x,x,x,x,x,x]\n".to_owned(), |all, n| {
        all + &format!(
            "a{}: &a{} [{}]\n",
            n + 1,
            n + 1,
            vec![format!("*a{n}"); 9].join(",")
        )
    });
    let routes: String = (0..9_000)
        .map(|n| format!("- {{name: r{n}, host: h{n}.example.com, upstream: \"http://a\", x: 1, public: [ bad ]}}\n"))
        .collect();
    let cases = [
        ("aliases", laughs),
        ("deep lists", "[".repeat(10_000)),
        ("deep sections", "{a: ".repeat(10_000)),
        (
            "deep by indentation",
            (0..1_300)
                .map(|n| format!("{}a:\n", " ".repeat(n)))
                .collect(),
        ),
        ("deep dashes", "- ".repeat(10_000)),
        ("too large", "#".repeat(5 * 1024 * 1024)),
        (
            "unknown keys",
            (0..100_000).map(|n| format!("k{n}: 1\n")).collect(),
        ),
        ("one key again and again", "k: 1\n".repeat(100_000)),
        ("nothing but dashes", "-\n".repeat(500_000)),
        (
            "many routes with two mistakes each",
            format!("routes:\n{routes}"),
        ),
        (
            "good entries before bad ones",
            format!(
                "trusted_proxies: [{}{}]\n",
                "10.0.0.1,".repeat(80_000),
                "x,".repeat(1_000)
            ),
        ),
        (
            "a long line",
            format!("portal: {{ url: \"{}\" }}\n", "x".repeat(1_000_000)),
        ),
        ("long keys", format!("{}: 1\n", "k".repeat(1_000_000))),
        (
            "variables",
            format!("portal: {{ url: \"{}\" }}\n", "${PRESENT}".repeat(90_000)),
        ),
        ("control characters", "\u{1b}[2J: \u{7}\n".repeat(10_000)),
        ("question marks", "? ".repeat(200_000)),
        ("quotes", "\"\n".repeat(200_000)),
    ];
    for (name, text) in cases {
        #[expect(clippy::disallowed_methods, reason = "the time is what is tested")]
        let start = Instant::now();
        let (settings, report) = folder.examine(&text);
        let shown = report.to_string();
        let took = start.elapsed();
        assert!(settings.is_none() && report.has_errors(), "{name}");
        assert!(report.problems.len() <= 102, "{name}");
        assert!(shown.len() < 200_000, "{name}: {} bytes", shown.len());
        assert!(!shown.contains('\u{1b}'), "{name}");
        // an optimised build takes a tenth of the time of this one
        assert!(took < Duration::from_secs(5), "{name}: {took:?}");
        eprintln!("{name}: {took:?}");
    }
}

#[test]
fn an_absent_or_unreadable_file_is_a_mistake_too() {
    let folder = Folder::new();
    let report = config::load(&folder.path().join("none.yaml")).unwrap_err();
    assert!(report.to_string().contains("cannot be read"), "{report}");
    std::fs::write(folder.path().join("latin1.yaml"), b"brand: { name: \xe4 }").unwrap();
    let report = config::load(&folder.path().join("latin1.yaml")).unwrap_err();
    assert!(report.to_string().contains("UTF-8"), "{report}");
    assert!(config::load(folder.path()).is_err());
}

fn vestibule(arguments: &[&str]) -> (i32, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_vestibule"))
        .args(arguments)
        .output()
        .unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (
        output.status.code().unwrap(),
        text(output.stdout),
        text(output.stderr),
    )
}

#[test]
fn the_check_command() {
    let folder = Folder::new();
    folder.write("config/vestibule.yaml", BASE);
    folder.write(
        "config/wrong.yaml",
        &BASE.replace("policy: recommended", "policy: require"),
    );
    let good = folder
        .path()
        .join("config/vestibule.yaml")
        .display()
        .to_string();
    let wrong = folder
        .path()
        .join("config/wrong.yaml")
        .display()
        .to_string();
    let (code, out, _) = vestibule(&["check", "--config", &good]);
    let in_force = "new passwords: at least 15 characters, as password.minimum_length says\n";
    assert_eq!(
        (code, out),
        (0, format!("{in_force}{good}: 2 routes, no mistakes\n"))
    );
    let (code, out, _) = vestibule(&["check", "--config", &wrong]);
    assert!(
        code == 1 && out.ends_with(&format!("{wrong}: 1 mistake\n")),
        "{out}"
    );
    let (code, out, _) = vestibule(&["check", "--config", &wrong, "--json"]);
    let json: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!(code, 1);
    assert_eq!(json["ok"], false);
    assert_eq!(json["problems"][0]["path"], "two_factor.policy");
    assert_eq!(
        (&json["problems"][0]["line"], &json["problems"][0]["column"]),
        (&7.into(), &11.into())
    );
    let (code, out, _) = vestibule(&["check", "--schema"]);
    let schema: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert!(code == 0 && schema["properties"]["routes"].is_object());
    assert_eq!(vestibule(&["check"]).0, 2);
    assert_eq!(vestibule(&["chek"]).0, 2);
    assert_eq!(vestibule(&["--version"]).0, 0);
}

const RULES: &str = "
    public: [ /static/ ]
    access: { groups: [ staff ], networks: [ 10.0.0.0/8 ], methods: [ GET, POST ] }
    two_factor: { policy: required, max_age: 15m }
    upstream: http://10.0.0.5:3000
";

fn aino(groups: &[&str]) -> Account {
    Account {
        id: vestibule::domain::id::AccountId::from_uuid(uuid::Uuid::from_u128(1)),
        login: "aino".into(),
        email: None,
        name: "Aino".into(),
        groups: groups
            .iter()
            .map(|g| (*g).to_owned())
            .collect::<BTreeSet<_>>()
            .into(),
        attributes: Default::default(),
        language: None,
        status: Status::Active,
        created_at: Timestamp::from_seconds(0),
        password: None,
        totp: None,
        reminder: Default::default(),
        history: vestibule::domain::account::History::default(),
    }
}

#[test]
fn explanations() {
    use vestibule::cli::explain::{Question, outcome};
    let folder = Folder::new();
    let strict =
        folder.settings(&BASE.replacen("\n    upstream: http://10.0.0.5:3000\n", RULES, 1));
    let now = Timestamp::from_seconds(1_800_000_000);
    let disabled = Account {
        status: Status::Disabled,
        ..aino(&["staff"])
    };
    let cases: &[(&str, &str, Option<Account>)] = &[
        ("https://wiki.example.com/page?x=1", "GET", None),
        (
            "https://wiki.example.com/page",
            "GET",
            Some(aino(&["staff"])),
        ),
        (
            "https://wiki.example.com/page",
            "GET",
            Some(aino(&["guests"])),
        ),
        (
            "https://wiki.example.com/page",
            "DELETE",
            Some(aino(&["staff"])),
        ),
        ("https://wiki.example.com/static/a.css", "GET", None),
        ("https://wiki.example.com/static/../page", "GET", None),
        ("https://payroll.example.com/", "GET", Some(aino(&[]))),
        ("https://payroll.example.com/", "GET", Some(disabled)),
        ("https://login.example.com/signin", "GET", None),
        ("https://wiki.example.com/.vestibule/callback", "GET", None),
        ("https://elsewhere.example.com/", "GET", None),
    ];
    let mut all = String::new();
    for (url, method, account) in cases {
        let question = Question {
            account: account.as_ref(),
            ..Question::new(url, method)
        };
        let explanation = outcome(&strict, &question, now).unwrap();
        let _ = writeln!(all, "{explanation}");
    }
    insta::assert_snapshot!(all);
    for ours in [
        "/.vestibule",
        "/.Vestibule/x",
        "/.vestibule;v/x",
        "/%2evestibule%3bx",
    ] {
        let url = format!("https://wiki.example.com{ours}");
        let explanation = outcome(&strict, &Question::new(&url, "GET"), now).unwrap();
        assert!(explanation.to_string().contains("Vestibule's own"), "{url}");
    }
    for bad in [
        "wiki.example.com",
        "ftp://wiki.example.com/",
        "https://u@wiki.example.com/",
        "",
    ] {
        assert!(
            outcome(&strict, &Question::new(bad, "GET"), now).is_err(),
            "{bad}"
        );
    }
    let lower = Question::new("https://wiki.example.com/", "get");
    assert!(outcome(&strict, &lower, now).is_err());
}

#[test]
fn the_explain_command() {
    let folder = Folder::new();
    folder.write("config/vestibule.yaml", BASE);
    let config = folder
        .path()
        .join("config/vestibule.yaml")
        .display()
        .to_string();
    let run = |more: &[&str]| vestibule(&[&["explain", "--config", &config][..], more].concat());
    let (code, out, _) = run(&["--url", "https://wiki.example.com/", "--json"]);
    let json: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!((code, &json["route"]), (0, &"wiki".into()));
    assert_eq!(json["outcomes"][0]["decision"], "sign_in");
    let (code, _, err) = run(&["--url", "https://wiki.example.com/", "--account", "aino"]);
    assert!(code == 1 && err.contains("store"), "{err}");
    assert_eq!(run(&["--url", "nonsense"]).0, 1);
    assert_eq!(run(&[]).0, 2);
}

#[test]
fn ten_thousand_applications_are_one_configuration() {
    let folder = Folder::new();
    let mut text = BASE.to_owned();
    for n in 0..10_000 {
        let _ = write!(
            text,
            "  - name: app{n}\n    host: app{n}.apps.example.com\n    upstream: \"http://10.0.{}.{}:8080\"\n    access: {{ groups: [staff, team{n}] }}\n",
            n / 256,
            n % 256
        );
    }
    // that no certificate is for any of them is a warning each, and still no mistake
    let (settings, report) = folder.examine(&text);
    assert_eq!(report.problems.len(), 51, "{report}");
    let routes = settings.unwrap().routes;
    assert_eq!(routes.routes().len(), 10_002);
    let host = vestibule::domain::host::Host::parse("app9999.apps.example.com").unwrap();
    assert_eq!(routes.first_on(&host).unwrap().name, "app9999");
}

#[test]
fn keys_that_others_can_read_are_refused() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = Folder::new();
    let mode = |file: &str, mode: u32| {
        let rights = std::fs::Permissions::from_mode(mode);
        std::fs::set_permissions(folder.path().join(file), rights).unwrap();
        let (settings, report) = folder.examine(BASE);
        (settings.is_some(), report.to_string())
    };
    for (rights, told) in [
        (0o604, "every user of this machine can read"),
        (0o644, "every user of this machine can read"),
        (0o646, "every user of this machine can change"),
    ] {
        let (starts, report) = mode("certs/site.key", rights);
        assert!(!starts, "{rights:o}");
        assert!(
            report.contains(told) && report.contains("chmod 600 "),
            "{report}"
        );
    }
    // as the package has it: root's, readable by the group
    for rights in [0o640, 0o600, 0o400] {
        assert_eq!(
            mode("certs/site.key", rights),
            (true, String::new()),
            "{rights:o}"
        );
    }
    // the key of everything else in the store: nobody's but the owner's
    std::fs::create_dir(folder.path().join("config/data")).unwrap();
    folder.write("config/data/secret.key", "x");
    for (rights, starts) in [
        (0o640, false),
        (0o604, false),
        (0o660, false),
        (0o600, true),
    ] {
        let (started, report) = mode("config/data/secret.key", rights);
        assert_eq!(started, starts, "{rights:o} {report}");
    }
}

/// The address of a database, read as PostgreSQL's own clients read it; where nothing is said, the stricter way.
#[test]
fn the_database() {
    use vestibule::domain::database::{Place, Protection};
    let folder = Folder::new();
    folder.write("config/database.password", "open sesame\n");
    let read = |url: &str, more: &str| {
        let storage = format!("storage: {{ url: \"{url}\"{more} }}\npassword:\n");
        let text = BASE.replace("password:\n", &storage);
        let (settings, report) = folder.examine(&text);
        let warnings: Vec<_> = report.warnings().map(|w| w.message.clone()).collect();
        let settings = settings.unwrap_or_else(|| panic!("{report}"));
        match settings.storage {
            StorageSettings::Server(server) => (server, warnings),
            StorageSettings::File(path) => panic!("{}", path.display()),
        }
    };
    let ca = "sslrootcert=../certs/internal-ca.pem";
    use Protection::{Authority, Encrypted, Host, IfOffered, None};
    for (url, protection, warned) in [
        ("postgres://v@db.example.com/sso", Host, ""),
        (
            "postgres://v@db.example.com/sso?sslmode=verify-full",
            Host,
            "",
        ),
        (&format!("postgresql://v@db.example.com/sso?{ca}"), Host, ""),
        (
            &format!("postgres://v@db.example.com/sso?sslmode=verify-ca&{ca}"),
            Authority,
            "",
        ),
        (
            &format!("postgres://v@db.example.com/sso?sslmode=require&{ca}"),
            Authority,
            "",
        ),
        (
            "postgres://v@db.example.com/sso?sslmode=require",
            Encrypted,
            "pose as the database",
        ),
        (
            "postgres://v@10.0.0.7/sso?sslmode=disable",
            None,
            "in the clear",
        ),
        ("postgres://v@localhost/sso", IfOffered, ""),
        ("postgres://v@127.0.0.1/sso?sslmode=disable", None, ""),
        ("postgres://v@[::1]/sso?sslmode=prefer", IfOffered, ""),
        (&format!("postgres://v@localhost/sso?{ca}"), Host, ""),
        ("postgres://v@%2Frun%2Fpostgresql/sso", None, ""),
    ] {
        let (server, warnings) = read(url, "");
        assert_eq!(server.protection, protection, "{url}");
        assert_eq!(server.authorities.is_some(), url.contains(ca), "{url}");
        assert_eq!(
            warnings.len(),
            usize::from(!warned.is_empty()),
            "{url}: {warnings:?}"
        );
        assert!(
            warnings.iter().all(|w| w.contains(warned)),
            "{url}: {warnings:?}"
        );
    }
    let more = ", pool: 40, password_file: database.password";
    let (server, _) = read("postgres://some%40body@[2001:db8::5]:6432/my%20sso", more);
    let host = "2001:db8::5".to_owned();
    assert_eq!(server.place, Place::Tcp { host, port: 6432 });
    assert_eq!(
        (server.user.as_str(), server.database.as_str()),
        ("some@body", "my sso")
    );
    assert_eq!(server.connections, 40);
    assert_eq!(server.password.unwrap().as_str(), "open sesame");
    let (server, _) = read("postgres://v@%2Frun%2Fpostgresql:6432/sso", "");
    let folder = "/run/postgresql".into();
    assert_eq!(server.place, Place::Socket { folder, port: 6432 });
    assert_eq!((server.password, server.connections), (Option::None, 16));
}
