//! Behind the proxies that people keep: the whole story through real nginx, Caddy and HAProxy, configured by the files of
//! `config/forward-auth/` but for addresses, names and certificates.

use super::browser::{Ask, Browser, SESSION};
use super::site::{LOGIN, PAYROLL, Site, WIKI, free_port};
use crate::support::client::{Answer, Wire, tls};
use crate::support::upstream::{Upstream, value, values};
use crate::support::world::{Ca, NOW, write_pair};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::process::{Child, Command};

#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    Nginx,
    Caddy,
    Haproxy,
}

/// Ports on this machine.
struct Ports {
    front: u16,
    pages: u16,
    verify: u16,
}

struct Front {
    site: Site,
    kind: Kind,
    ports: Ports,
    /// Ended with the test, by its id.
    _proxy: Child,
}

impl Front {
    async fn start(kind: Kind) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let ca = Ca::new("test root");
        let files = write_pair(&ca, dir.path(), "site", &[LOGIN, WIKI]);
        let (wiki, wiki_at) = Upstream::start(None).await;
        let (payroll, _) = Upstream::start(None).await;
        let ports = Ports {
            front: free_port(),
            pages: free_port(),
            verify: free_port(),
        };
        let config = write_config(dir.path(), &ports);
        let proxy = match kind {
            Kind::Nginx => nginx(dir.path(), &ports, wiki_at),
            Kind::Haproxy => haproxy(dir.path(), &ports, wiki_at),
            Kind::Caddy => caddy(dir.path(), &ports, wiki_at, &files.certificate, &files.key),
        };
        let front = SocketAddr::from(([127, 0, 0, 1], ports.front));
        let log = dir.path().join("proxy.log");
        let site = Site::of((dir, ca), &config, (wiki, payroll), Some(front)).await;
        listening(front, &log).await;
        site.account("kaisa", &["staff", "admins"]).await;
        Self {
            site,
            kind,
            ports,
            _proxy: proxy,
        }
    }

    fn wiki(&self, path: &str) -> String {
        self.site.url(WIKI, path)
    }

    /// Somebody signed in at the wiki, in a browser that knows it.
    async fn signed_in(&self, login: &str) -> Browser {
        let mut b = self.site.browser();
        let page = b.open(&self.wiki("/start?a=b")).await;
        assert_eq!(page.status, 200, "{}", page.head);
        let fields = [("username", login), ("password", super::site::PASSWORD)];
        let answer = b.submit(&page, "/signin", &fields).await;
        let answer = b.follow(answer).await;
        assert_eq!(answer.status, 200, "{}", answer.head);
        self.site.wiki.take();
        b
    }

    /// What the wiki received, if anything.
    fn seen(&self) -> Option<String> {
        let mut seen = self.site.wiki.take();
        assert!(seen.len() < 2, "{seen:?}");
        seen.pop()
    }

    /// Bytes as they are, over TLS to the proxy.
    async fn raw(&self, text: &str) -> Option<Answer> {
        let method = text.split(' ').next().unwrap();
        self.site.net.raw(WIKI, method, text.as_bytes()).await
    }
}

fn write_config(dir: &Path, ports: &Ports) -> PathBuf {
    let Ports {
        front,
        pages,
        verify,
    } = ports;
    let text = format!(
        r#"listen:
  - {{ address: "127.0.0.1:{pages}", behind_proxy: true }}
  - {{ address: "127.0.0.1:{verify}", forward_auth: true }}
trusted_proxies: [ 127.0.0.1/32 ]
forward_auth: {{ trusted_proxies: [ 127.0.0.1/32 ] }}
portal: {{ url: "https://{LOGIN}:{front}" }}
storage: {{ url: "sqlite:vestibule.db" }}
secrets: {{ key_file: secret.key }}
two_factor: {{ policy: optional, enrolment_proof: none }}
routes:
  - name: wiki
    host: {WIKI}
    forward_auth: true
    public: [ /public/ ]
  - name: wiki-admin
    host: {WIKI}
    path: /admin
    forward_auth: true
    access: {{ groups: [ admins ] }}
  - name: wiki-secret
    host: {WIKI}
    path: /secret
    forward_auth: true
    two_factor: {{ policy: required, max_age: 15m }}
  - name: payroll
    host: {PAYROLL}
    forward_auth: true
    public: [ /page ]
"#
    );
    let file = dir.join("vestibule.yaml");
    std::fs::write(&file, text).unwrap();
    file
}

/// The file of this name, with everything that is only an example replaced.
fn example(name: &str, changes: &[(&str, String)]) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("config/forward-auth");
    let mut text = std::fs::read_to_string(folder.join(name)).unwrap();
    for (from, to) in changes {
        assert!(text.contains(from), "{name} has no {from}");
        text = text.replace(from, to);
    }
    text
}

fn addresses(ports: &Ports, wiki: SocketAddr) -> Vec<(&'static str, String)> {
    vec![
        ("127.0.0.1:8080", format!("127.0.0.1:{}", ports.pages)),
        ("127.0.0.1:9091", format!("127.0.0.1:{}", ports.verify)),
        ("127.0.0.1:3000", wiki.to_string()),
    ]
}

fn nginx(dir: &Path, ports: &Ports, wiki: SocketAddr) -> Child {
    let here = dir.display();
    let mut changes = addresses(ports, wiki);
    changes.extend([
        (
            "listen 443 ssl",
            format!("listen 127.0.0.1:{} ssl", ports.front),
        ),
        ("login.example.com", LOGIN.to_owned()),
        ("wiki.example.com", WIKI.to_owned()),
        ("/etc/nginx/site", format!("{here}/site")),
    ]);
    let ours = example("nginx.conf", &changes);
    // one process, which needs no user to change to
    let text = format!(
        "daemon off;\nmaster_process off;\npid {here}/nginx.pid;\nerror_log stderr;\nevents {{ worker_connections 256; }}\n\
         http {{\naccess_log off;\nclient_body_temp_path {here}/body;\nproxy_temp_path {here}/proxy;\n\
         fastcgi_temp_path {here}/fastcgi;\nuwsgi_temp_path {here}/uwsgi;\nscgi_temp_path {here}/scgi;\n{ours}\n}}\n"
    );
    let file = dir.join("nginx.conf");
    std::fs::write(&file, text).unwrap();
    let mut command = Command::new("nginx");
    command.arg("-p").arg(dir).arg("-e").arg("stderr");
    spawn(command.arg("-c").arg(file), dir)
}

fn caddy(dir: &Path, ports: &Ports, wiki: SocketAddr, certificate: &Path, key: &Path) -> Child {
    let mut changes = addresses(ports, wiki);
    let site = |host: &str| {
        let tls = format!("tls {} {}", certificate.display(), key.display());
        format!(
            "https://{host}:{} {{\n\tbind 127.0.0.1\n\t{tls}\n",
            ports.front
        )
    };
    changes.extend([
        ("login.example.com {\n", site(LOGIN)),
        ("wiki.example.com {\n", site(WIKI)),
    ]);
    let ours = example("Caddyfile", &changes);
    let text = format!(
        "{{\n\tadmin off\n\tauto_https off\n\tservers {{\n\t\tprotocols h1 h2\n\t}}\n}}\n{ours}"
    );
    let file = dir.join("Caddyfile");
    std::fs::write(&file, text).unwrap();
    let mut command = Command::new("caddy");
    command
        .args(["run", "--adapter", "caddyfile", "--config"])
        .arg(file);
    command
        .env("HOME", dir)
        .env("XDG_DATA_HOME", dir)
        .env("XDG_CONFIG_HOME", dir);
    spawn(&mut command, dir)
}

fn haproxy(dir: &Path, ports: &Ports, wiki: SocketAddr) -> Child {
    let here = dir.display();
    let read = |name: &str| std::fs::read_to_string(dir.join(name)).unwrap();
    let both = read("site.pem") + &read("site.key");
    std::fs::write(dir.join("haproxy.pem"), both).unwrap();
    let script = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/config/forward-auth/vestibule.lua"
    );
    let mut changes = addresses(ports, wiki);
    changes.extend([
        ("bind :443", format!("bind 127.0.0.1:{}", ports.front)),
        ("login.example.com", LOGIN.to_owned()),
        ("wiki.example.com", WIKI.to_owned()),
        ("/etc/haproxy/site.pem", format!("{here}/haproxy.pem")),
        ("/etc/haproxy/vestibule.lua", script.to_owned()),
    ]);
    let file = dir.join("haproxy.cfg");
    std::fs::write(&file, example("haproxy.cfg", &changes)).unwrap();
    let mut command = Command::new("haproxy");
    spawn(command.arg("-db").arg("-f").arg(file), dir)
}

fn spawn(command: &mut Command, dir: &Path) -> Child {
    let log = std::fs::File::create(dir.join("proxy.log")).unwrap();
    let program = command.as_std().get_program().to_owned();
    let child = command
        .stdin(std::process::Stdio::null())
        .stdout(log.try_clone().unwrap())
        .stderr(log)
        .kill_on_drop(true)
        .spawn();
    child.unwrap_or_else(|e| panic!("{program:?} cannot be started ({e}); run tools/prepare test"))
}

async fn listening(address: SocketAddr, log: &Path) {
    for _ in 0..200 {
        if tokio::net::TcpStream::connect(address).await.is_ok() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("{}", std::fs::read_to_string(log).unwrap());
}

async fn the_story(kind: Kind) {
    let front = Front::start(kind).await;
    let site = &front.site;
    let mut b = site.browser();

    // nobody: to the portal, and nothing reaches the wiki
    let answer = b.get(&front.wiki("/start?a=b&c=%2F")).await;
    assert_eq!(answer.status, 302, "{}", answer.head);
    let to = answer.header("location").unwrap();
    assert!(to.starts_with(&site.url(LOGIN, "/signin?to=")), "{to}");
    assert!(b.cookie(WIKI, "__Host-vestibule-pre").is_some());
    assert_eq!(front.seen(), None);

    // through both doors, back to the very address
    let page = b.follow(answer).await;
    let fields = [("username", "aino"), ("password", super::site::PASSWORD)];
    let answer = b.submit(&page, "/signin", &fields).await;
    let answer = b.follow(answer).await;
    assert_eq!(answer.status, 200, "{}", answer.head);
    assert_eq!(b.at, front.wiki("/start?a=b&c=%2F"));
    let seen = front.seen().expect("the wiki is reached");
    assert!(
        seen.starts_with("GET /start?a=b&c=%2F HTTP/1.1\r\n"),
        "{seen}"
    );
    assert_eq!(values(&seen, "remote-user"), ["aino"]);
    assert_eq!(values(&seen, "remote-email"), ["aino@northgate.example"]);
    assert_eq!(values(&seen, "remote-groups"), ["staff"]);

    // a group it is not in, and a second factor it has not
    let answer = b.get(&front.wiki("/admin")).await;
    assert_eq!(answer.status, 403);
    assert_eq!(front.seen(), None);
    let answer = b.get(&front.wiki("/secret")).await;
    assert_eq!(answer.status, 302);
    assert_eq!(front.seen(), None);
    let page = b.follow(answer).await;
    assert!(b.at.contains("/remind/app"), "{} {}", b.at, page.head);

    // signed out on this host's page, which the proxy passes on to Vestibule
    let page = b.get(&front.wiki("/.vestibule/logout")).await;
    assert_eq!(page.status, 200, "{}", page.head);
    let csrf = super::browser::field(&page.text(), "csrf").unwrap();
    let form = Ask {
        url: front.wiki("/.vestibule/logout"),
        origin: Some(front.wiki("")),
        ..b.form("", &[("csrf", &csrf)])
    };
    let answer = b.send(form).await;
    assert!((300..400).contains(&answer.status), "{}", answer.head);
    assert_eq!(b.get(&front.wiki("/start")).await.status, 302);
    assert_eq!(front.seen(), None);
}

/// A second factor grows old: it is asked for again, and the wiki opens afterwards.
async fn the_step_up(kind: Kind) {
    let front = Front::start(kind).await;
    let site = &front.site;
    let phone = site.account_with_app("oona", &["staff"]).await;
    let mut b = site.browser();
    let page = b.open(&front.wiki("/secret/x")).await;
    let fields = [("username", "oona"), ("password", super::site::PASSWORD)];
    let answer = b.submit(&page, "/signin", &fields).await;
    assert_eq!(answer.header("location"), Some("/signin/code"));
    let answer = b.code(&phone.code(NOW)).await;
    let answer = b.follow(answer).await;
    assert_eq!(
        (answer.status, b.at.as_str()),
        (200, front.wiki("/secret/x").as_str())
    );
    assert_eq!(values(&front.seen().unwrap(), "remote-user"), ["oona"]);

    site.clock.advance(16 * 60);
    assert_eq!(b.get(&front.wiki("/page")).await.status, 200);
    front.seen().unwrap();
    let answer = b.get(&front.wiki("/secret/x")).await;
    assert_eq!(answer.status, 302);
    assert_eq!(front.seen(), None);
    b.follow(answer).await;
    let answer = b.code(&phone.code(site.now())).await;
    let answer = b.follow(answer).await;
    assert_eq!(
        (answer.status, b.at.as_str()),
        (200, front.wiki("/secret/x").as_str())
    );
    assert_eq!(values(&front.seen().unwrap(), "remote-user"), ["oona"]);
}

const NAMES: [&str; 6] = [
    "Remote-User",
    "remote-groups",
    "Remote_User",
    "Remote.User",
    "REMOTE-EMAIL",
    "Remote-Name",
];

/// What a browser sends under our names arrives nowhere, signed in or not.
async fn the_forgeries(kind: Kind) {
    let front = Front::start(kind).await;
    let b = front.signed_in("aino").await;
    let session = b.cookie(WIKI, SESSION).unwrap().to_owned();
    let port = front.ports.front;
    for name in NAMES {
        for (cookie, path) in [(true, "/page"), (true, "/public/x"), (false, "/public/x")] {
            for twice in [false, true] {
                let line = format!("{name}: evil\r\n").repeat(1 + usize::from(twice));
                let cookie = match cookie {
                    true => format!("Cookie: {SESSION}={session}\r\n"),
                    false => String::new(),
                };
                let text =
                    format!("GET {path} HTTP/1.1\r\nHost: {WIKI}:{port}\r\n{cookie}{line}\r\n");
                let answer = front.raw(&text).await.unwrap();
                assert_eq!(answer.status, 200, "{name} {path}: {}", answer.head);
                let seen = front.seen().unwrap();
                assert!(!seen.contains("evil"), "{name} {path}: {seen}");
                let want: &[&str] = if path == "/page" { &["aino"] } else { &[] };
                let users: Vec<&str> = values(&seen, "remote-user");
                let users: Vec<&str> = users.into_iter().filter(|u| !u.is_empty()).collect();
                assert_eq!(users, want, "{name} {path}: {seen}");
            }
        }
    }
    // a browser cannot have them taken off on the way either
    for nominated in [
        "Connection: close, Remote-User",
        "Connection: Remote-User, X-Original-URL",
    ] {
        let text = format!(
            "GET /page HTTP/1.1\r\nHost: {WIKI}:{port}\r\nCookie: {SESSION}={session}\r\n{nominated}\r\n\r\n"
        );
        if front.raw(&text).await.is_some_and(|a| a.status == 200) {
            let seen = front.seen().unwrap();
            assert_eq!(values(&seen, "remote-user"), ["aino"], "{seen}");
        }
    }
}

/// Words of the question, sent by a browser, move nothing: what is open stays open, what is closed stays closed.
async fn the_spoofed_questions(kind: Kind) {
    let front = Front::start(kind).await;
    let port = front.ports.front;
    let b = front.signed_in("aino").await;
    let session = b.cookie(WIKI, SESSION).unwrap().to_owned();
    for forged in [
        format!("X-Original-URL: https://{WIKI}:{port}/public/x"),
        format!("X-Original-URL: https://{WIKI}/public/x\r\nX-Original-Method: GET"),
        "X-Forwarded-Uri: /public/x".to_owned(),
        "X-Forwarded-Uri: /public/x\r\nX-Forwarded-Method: GET".to_owned(),
        "X-Forwarded-Host: login.test".to_owned(),
        "X-Forwarded-Proto: http".to_owned(),
        "X-Forwarded-For: 10.0.0.1".to_owned(),
        "Forwarded: for=10.0.0.1;host=x".to_owned(),
        "X-Rewrite-URL: /public/x".to_owned(),
        "X-Original-URI: /public/x".to_owned(),
        "X-HTTP-Method-Override: GET".to_owned(),
    ] {
        for (path, cookie, want) in [
            ("/public/x", None, 200),
            ("/page", None, 401),
            ("/page", Some(&session), 200),
            ("/admin", Some(&session), 403),
        ] {
            let cookie = cookie.map_or(String::new(), |s| format!("Cookie: {SESSION}={s}\r\n"));
            let text =
                format!("GET {path} HTTP/1.1\r\nHost: {WIKI}:{port}\r\n{cookie}{forged}\r\n\r\n");
            let answer = front.raw(&text).await.unwrap();
            assert_eq!(answer.status, want, "{path} {forged}: {}", answer.head);
            assert_eq!(front.seen().is_some(), want == 200, "{path} {forged}");
        }
    }
    // nobody can ask through the proxy
    for path in [
        "/.vestibule/verify",
        "/.vestibule/verify/public/x",
        "/.vestibule/../.vestibule/verify",
    ] {
        let text = format!(
            "GET {path} HTTP/1.1\r\nHost: {WIKI}:{port}\r\nCookie: {SESSION}={session}\r\n\
             X-Original-URL: https://{WIKI}/page\r\nX-Original-Method: GET\r\n\r\n"
        );
        let answer = front.raw(&text).await.unwrap();
        assert!(
            matches!(answer.status, 400 | 404),
            "{path}: {}",
            answer.head
        );
        assert_eq!(answer.header("remote-user"), None);
        assert_eq!(front.seen(), None);
    }
}

/// What the wiki sees is what was decided on, or the wiki sees nothing.
async fn the_confused_paths(kind: Kind) {
    let front = Front::start(kind).await;
    let port = front.ports.front;
    let b = front.signed_in("aino").await;
    let session = b.cookie(WIKI, SESSION).unwrap().to_owned();
    let mut arrived = 0;
    for path in [
        "/public/../admin",
        "/public/%2e%2e/admin",
        "/public/..%2fadmin",
        "/public/..%2Fadmin",
        "/public/%252e%252e/admin",
        "//admin",
        "/public//admin",
        "///public/../admin",
        "/admin;x",
        "/admin%3bx",
        "/admin;/../public/x",
        "/public/..;/admin",
        "/%61dmin",
        "/ADMIN",
        "/admin/",
        "/admin/.",
        "/./admin",
        "/\\admin",
        "/public\\..\\admin",
        "/public/%5c../admin",
        "/admin%00",
        "/admin%23/public",
        "/public#/admin",
        "/admin#/public/x",
        "/admin?/public/x",
        "/public/x?/../../admin",
        "/admin%2f",
        "/%2fadmin",
        "/public/.%2e/admin",
        "/public/%c0%ae%c0%ae/admin",
        "/public/a b",
        "/public/%2",
        "/.vestibule/../admin",
        "/.vestibule/%2e%2e/admin",
        "/.vestibule/..%2fadmin",
        "/%2evestibule/x",
        "/.VESTIBULE/x",
        "/.vestibule;x/y",
        "http://wiki.test/admin",
        "http://login.test/admin",
        "http://wiki.test/public/../admin",
        "*",
        "/public/ok?a=//b",
        "/public/caf%c3%a9",
    ] {
        for cookie in [None, Some(&session)] {
            let signed_in = cookie.is_some();
            let cookie = cookie.map_or(String::new(), |s| format!("Cookie: {SESSION}={s}\r\n"));
            let text = format!("GET {path} HTTP/1.1\r\nHost: {WIKI}:{port}\r\n{cookie}\r\n");
            let status = front.raw(&text).await.map_or(0, |a| a.status);
            let Some(seen) = front.seen() else {
                assert_ne!(status, 200, "{path} was answered by nobody");
                continue;
            };
            arrived += 1;
            // aino may not see /admin in any spelling that the wiki might take for it
            let target = seen.split(' ').nth(1).unwrap();
            let target = target.split('?').next().unwrap().to_ascii_lowercase();
            let plain = target
                .replace("%3b", ";")
                .replace("%61", "a")
                .replace("%2e", ".");
            let first = plain
                .trim_start_matches(['/', '\\'])
                .split(['/', ';'])
                .next();
            let climbs = plain.contains("..") || plain.contains("%2f") || plain.contains('\\');
            assert!(
                first != Some("admin")
                    && first != Some(".vestibule")
                    && !climbs
                    && !plain.contains("//"),
                "{path} arrived as {target} ({status}, signed in: {signed_in})"
            );
            if !signed_in {
                assert!(
                    target.starts_with("/public/"),
                    "{path} arrived as {target}, and nobody is signed in"
                );
            }
        }
    }
    assert!(arrived >= 4, "only {arrived} requests arrived at all");
    // two hosts in one request: the proxy opens one of them, and asks about the same
    let text = format!("GET https://{WIKI}:{port}/page HTTP/1.1\r\nHost: {PAYROLL}:{port}\r\n\r\n");
    front.raw(&text).await;
    assert_eq!(front.seen(), None, "decided on for another host");
}

async fn the_rest(kind: Kind) {
    let front = Front::start(kind).await;
    let port = front.ports.front;
    let mut b = front.signed_in("aino").await;
    let session = b.cookie(WIKI, SESSION).unwrap().to_owned();
    let cookie = format!("Cookie: a=1; {SESSION}={session}; __host-VESTIBULE-pre=x; b=\"2\"\r\n");

    // the wiki's own cookies and no other
    let text = format!("GET /page HTTP/1.1\r\nHost: {WIKI}:{port}\r\n{cookie}\r\n");
    assert_eq!(front.raw(&text).await.unwrap().status, 200);
    let seen = front.seen().unwrap();
    let pieces: Vec<&str> = value(&seen, "cookie")
        .unwrap()
        .split(';')
        .map(str::trim)
        .collect();
    let pieces: Vec<&str> = pieces.into_iter().filter(|p| !p.is_empty()).collect();
    assert_eq!(pieces, ["a=1", "b=\"2\""], "{seen}");

    // a form whose session is over: nothing is sent, and a browser that posts is not sent away
    let form = format!(
        "POST /page HTTP/1.1\r\nHost: {WIKI}:{port}\r\nAccept: text/html\r\nSec-Fetch-Mode: navigate\r\n\
         Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 9\r\n"
    );
    let answer = front.raw(&format!("{form}\r\ntext=long")).await.unwrap();
    assert_eq!(answer.status, 401, "{}", answer.head);
    if front.kind != Kind::Nginx {
        assert!(answer.text().contains("<html"), "{}", answer.text());
    }
    assert_eq!(front.seen(), None);
    let answer = front
        .raw(&format!("{form}{cookie}\r\ntext=long"))
        .await
        .unwrap();
    assert_eq!((answer.status, answer.text().as_str()), (200, "received 9"));
    front.seen().unwrap();

    // a program is told
    let answer = front
        .raw(&format!(
            "GET /page HTTP/1.1\r\nHost: {WIKI}:{port}\r\nAccept: application/json\r\n\r\n"
        ))
        .await
        .unwrap();
    assert_eq!(answer.status, 401);
    assert!(
        answer
            .header("www-authenticate")
            .is_some_and(|v| v.starts_with("Bearer ")),
        "{}",
        answer.head
    );

    // a WebSocket, of the wiki's own page and of a foreign one, with a session and without
    let upgrade = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n";
    for (origin, cookie, want) in [
        (front.wiki(""), cookie.as_str(), 101),
        (front.wiki(""), "", 401),
        ("https://evil.test".to_owned(), cookie.as_str(), 403),
    ] {
        let stream = tls(
            front.site.net.address,
            WIKI,
            &front.site.net.roots,
            &[b"http/1.1"],
        )
        .await;
        let mut wire = Wire::over(Box::new(stream.unwrap()));
        let text = format!(
            "GET /ws HTTP/1.1\r\nHost: {WIKI}:{port}\r\n{cookie}Origin: {origin}\r\n{upgrade}\r\n"
        );
        wire.send(&text).await;
        let head = wire.head().await;
        assert!(
            head.starts_with(&format!("HTTP/1.1 {want} ")),
            "{origin}: {head}"
        );
        if want == 101 {
            assert_eq!(wire.exactly(5).await, b"hello");
            wire.send("ping").await;
            assert_eq!(wire.exactly(4).await, b"ping");
            assert_eq!(values(&front.seen().unwrap(), "remote-user"), ["aino"]);
        } else {
            assert_eq!(front.seen(), None);
        }
    }

    // signed out elsewhere, the next request is out
    let id = front.site.find("aino").await.id;
    front.site.office.authn.revoke_sessions(id).await.unwrap();
    front.site.settle().await;
    assert_eq!(b.get(&front.wiki("/page")).await.status, 302);
    assert_eq!(front.seen(), None);

    // Vestibule away: closed, but for what is public
    let Front {
        site,
        ports,
        _proxy,
        ..
    } = front;
    site.running.stop().await;
    let stream = tls(
        SocketAddr::from(([127, 0, 0, 1], ports.front)),
        WIKI,
        &site.net.roots,
        &[b"http/1.1"],
    )
    .await;
    let mut wire = Wire::over(Box::new(stream.unwrap()));
    wire.send(format!(
        "GET /page HTTP/1.1\r\nHost: {WIKI}:{port}\r\n{cookie}\r\n"
    ))
    .await;
    let answer = wire.answer().await.unwrap();
    assert!(answer.status >= 500, "{}", answer.head);
    assert_eq!(site.wiki.take(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn nginx_leads_through_the_sign_in_and_back() {
    the_story(Kind::Nginx).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn caddy_leads_through_the_sign_in_and_back() {
    the_story(Kind::Caddy).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn haproxy_leads_through_the_sign_in_and_back() {
    the_story(Kind::Haproxy).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nginx_asks_for_the_second_factor_again() {
    the_step_up(Kind::Nginx).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn caddy_asks_for_the_second_factor_again() {
    the_step_up(Kind::Caddy).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn haproxy_asks_for_the_second_factor_again() {
    the_step_up(Kind::Haproxy).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nginx_passes_no_forged_identity() {
    the_forgeries(Kind::Nginx).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn caddy_passes_no_forged_identity() {
    the_forgeries(Kind::Caddy).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn haproxy_passes_no_forged_identity() {
    the_forgeries(Kind::Haproxy).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nginx_asks_what_it_opens_whatever_a_browser_says() {
    the_spoofed_questions(Kind::Nginx).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn caddy_asks_what_it_opens_whatever_a_browser_says() {
    the_spoofed_questions(Kind::Caddy).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn haproxy_asks_what_it_opens_whatever_a_browser_says() {
    the_spoofed_questions(Kind::Haproxy).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nginx_opens_the_path_that_was_decided_on() {
    the_confused_paths(Kind::Nginx).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn caddy_opens_the_path_that_was_decided_on() {
    the_confused_paths(Kind::Caddy).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn haproxy_opens_the_path_that_was_decided_on() {
    the_confused_paths(Kind::Haproxy).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nginx_keeps_cookies_forms_and_sockets() {
    the_rest(Kind::Nginx).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn caddy_keeps_cookies_forms_and_sockets() {
    the_rest(Kind::Caddy).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn haproxy_keeps_cookies_forms_and_sockets() {
    the_rest(Kind::Haproxy).await;
}
