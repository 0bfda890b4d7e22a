//! Changes under way: the configuration is replaced and the program is exchanged while people work, and nobody
//! notices. The whole of it, 100 reloads and 5 upgrades:
//! `VESTIBULE_TEST_RELOADS=100 VESTIBULE_TEST_UPGRADES=5 cargo test --release --test it whole::change`

use super::browser::{Browser, SESSION};
use super::site::{CHEAP, LOGIN, Net, PASSWORD, Plan, WIKI, free_port, write_site};
use crate::support::client::{Wire, tls};
use crate::support::upstream::Upstream;
use crate::support::world::Ca;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;
use vestibule::app::Office;
use vestibule::authn::accounts::NewAccount;
use vestibule::config;
use vestibule::domain::account::PasswordHash;
use vestibule::env::Env;

fn rounds(variable: &str, usual: usize) -> usize {
    #[expect(
        clippy::disallowed_methods,
        reason = "how long a test takes is no setting"
    )]
    let given = std::env::var(variable).ok();
    given.map_or(usual, |n| n.parse().unwrap())
}

/// A gateway in a process of its own, on real files.
struct Service {
    dir: tempfile::TempDir,
    config: PathBuf,
    operations: SocketAddr,
    net: Net,
    _wiki: Upstream,
    /// The process that was started here.
    first: Option<std::process::Child>,
    /// Every process that has served, the last one now.
    processes: Vec<u32>,
}

impl Drop for Service {
    fn drop(&mut self) {
        for process in self.processes.iter().chain(&self.announced()) {
            signal("KILL", *process);
        }
        if let Some(mut first) = self.first.take() {
            let _ = first.wait();
        }
    }
}

fn signal(name: &str, process: u32) -> bool {
    let kill = Command::new("kill")
        .args([&format!("-{name}"), &process.to_string()])
        .stderr(Stdio::null())
        .status();
    kill.unwrap().success()
}

impl Service {
    async fn start() -> Self {
        Self::start_with(|_, _| ()).await
    }

    async fn start_with(change: impl FnOnce(&Path, &mut Command)) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let ca = Ca::new("test root");
        let (upstream, wiki) = Upstream::start(None).await;
        let port = free_port();
        let operations = SocketAddr::from(([127, 0, 0, 1], free_port()));
        let config = write_site(dir.path(), &ca, &Plan::default(), port, [wiki, wiki]);
        let mut text = std::fs::read_to_string(&config).unwrap();
        text.push_str(&format!("operations: {{ address: \"{operations}\" }}\n"));
        std::fs::write(&config, text).unwrap();
        let settings = config::load(&config).unwrap();
        let office = Office::open(settings, Env::system()).await.unwrap();
        let new = NewAccount {
            login: "aino".to_owned(),
            password: Some(PasswordHash::from_encoded(CHEAP.to_owned())),
            ..NewAccount::default()
        };
        let _ = office.authn.add_account(new).await.unwrap().unwrap();
        drop(office);
        let binary = dir.path().join("vestibule");
        std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_vestibule"), &binary).unwrap();
        let net = Net {
            address: SocketAddr::from(([127, 0, 0, 1], port)),
            roots: Arc::new(ca.roots()),
        };
        let mut service = Self {
            dir,
            config,
            operations,
            net,
            _wiki: upstream,
            first: None,
            processes: Vec::new(),
        };
        let log = std::fs::File::create(service.log_file()).unwrap();
        let mut command = Command::new(&binary);
        command
            .args(["serve", "--log", "info,vestibule::access=off", "--config"])
            .arg(&service.config)
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .stdin(Stdio::null());
        change(service.dir.path(), &mut command);
        let child = command.spawn().unwrap();
        service.processes.push(child.id());
        service.first = Some(child);
        service
            .until("a start", |log| log.contains("\"listening\""))
            .await;
        service
    }

    fn log_file(&self) -> PathBuf {
        self.dir.path().join("log")
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.log_file()).unwrap_or_default()
    }

    /// The processes that the log names as successors.
    fn announced(&self) -> Vec<u32> {
        let log = self.log();
        let lines = log.lines().filter(|l| l.contains("the new process serves"));
        lines
            .filter_map(|line| {
                let line: serde_json::Value = serde_json::from_str(line).ok()?;
                let process = line.pointer("/fields/process").or(line.get("process"))?;
                u32::try_from(process.as_u64()?).ok()
            })
            .collect()
    }

    async fn until(&self, what: &str, is_there: impl Fn(&str) -> bool) {
        for _ in 0..1200 {
            if is_there(&self.log()) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("{what} does not come:\n{}", self.log());
    }

    fn count(&self, words: &str) -> usize {
        self.log().matches(words).count()
    }

    fn serving(&self) -> u32 {
        *self.processes.last().unwrap()
    }

    async fn reload(&self, answer: &str) {
        let before = self.count(answer);
        assert!(signal("HUP", self.serving()));
        self.until(answer, |log| log.matches(answer).count() > before)
            .await;
    }

    /// Exchanges the program, and waits for the old process to be gone.
    async fn upgrade(&mut self) {
        let old = self.serving();
        let before = self.announced().len();
        assert!(signal("USR2", old));
        for _ in 0..1200 {
            if let Some(new) = self.announced().get(before) {
                self.processes.push(*new);
                break;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        assert_ne!(self.serving(), old, "no new process:\n{}", self.log());
    }

    async fn is_gone(&self, process: u32) -> bool {
        for _ in 0..800 {
            // ended children of this test stay as zombies until somebody asks after them
            let state = std::fs::read_to_string(format!("/proc/{process}/stat"));
            let ended = state.map_or(true, |s| s.contains(") Z"));
            if ended {
                return true;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        false
    }

    /// Changes the text of the configuration file.
    fn edit(&self, change: impl FnOnce(String) -> String) {
        let text = std::fs::read_to_string(&self.config).unwrap();
        let new = self.dir.path().join("vestibule.yaml.new");
        std::fs::write(&new, change(text)).unwrap();
        std::fs::rename(new, &self.config).unwrap();
    }

    /// The cookie of somebody who is signed in at the wiki.
    async fn cookie(&self) -> String {
        let mut b = Browser::new(self.net.clone());
        let _ = b.password_is("aino", PASSWORD).await;
        let answer = b.open(&self.net.url(WIKI, "/page")).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        let token = b.cookie(WIKI, SESSION).unwrap();
        format!("{SESSION}={token}")
    }

    async fn metrics(&self) -> String {
        let mut wire = Wire::plain(self.operations).await;
        wire.send("GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            .await;
        wire.answer().await.unwrap().text()
    }
}

/// What people who never stop asking have met.
#[derive(Default)]
struct Load {
    stop: AtomicBool,
    answered: AtomicUsize,
    connections: AtomicUsize,
    failed: parking_lot::Mutex<Vec<String>>,
}

impl Load {
    fn goes_on(&self) -> bool {
        !self.stop.load(Ordering::Relaxed)
    }
    fn answer(&self, status: Option<u16>, how: &str) {
        match status {
            Some(200) => {
                self.answered.fetch_add(1, Ordering::Relaxed);
            }
            other => self.failed.lock().push(format!("{how}: {other:?}")),
        }
    }
}

/// Keeps each connection as long as the gateway does. A connection that is closed without a word while a request
/// is under way is a failure.
async fn keeps_alive(load: Arc<Load>, net: Net, request: String) {
    while load.goes_on() {
        let stream = tls(net.address, WIKI, &net.roots, &[b"http/1.1"]).await;
        let Ok(stream) = stream else {
            load.failed.lock().push("no connection".to_owned());
            continue;
        };
        load.connections.fetch_add(1, Ordering::Relaxed);
        let mut wire = Wire::over(Box::new(stream));
        while load.goes_on() {
            wire.send(&request).await;
            let answer = wire.answer().await;
            load.answer(answer.as_ref().map(|a| a.status), "keep-alive");
            let closes = |a: &crate::support::client::Answer| {
                a.header("connection")
                    .is_some_and(|c| c.eq_ignore_ascii_case("close"))
            };
            if answer.as_ref().is_none_or(closes) {
                break;
            }
        }
    }
}

/// A connection a request.
async fn comes_anew(load: Arc<Load>, net: Net, request: String) {
    while load.goes_on() {
        let answer = net.raw(WIKI, "GET", request.as_bytes()).await;
        load.answer(answer.map(|a| a.status), "one-shot");
    }
}

/// HTTP/2, four requests at a time. A stream that was begun must be answered; a connection that takes no more is
/// replaced (RFC 9113 6.8).
async fn multiplexes(load: Arc<Load>, net: Net, cookie: String) {
    while load.goes_on() {
        let stream = tls(net.address, WIKI, &net.roots, &[b"h2"]).await.unwrap();
        let (client, connection) = h2::client::handshake(stream).await.unwrap();
        load.connections.fetch_add(1, Ordering::Relaxed);
        let connection = tokio::spawn(connection);
        'requests: while load.goes_on() {
            let mut answers = Vec::new();
            for _ in 0..4 {
                let Ok(mut ready) = client.clone().ready().await else {
                    break;
                };
                let request = http::Request::get(net.url(WIKI, "/page"))
                    .header("cookie", &cookie)
                    .body(())
                    .unwrap();
                match ready.send_request(request, true) {
                    Ok((answer, _)) => answers.push(answer),
                    // told to go away before anything was sent
                    Err(_) => break,
                }
            }
            let none = answers.is_empty();
            for answer in answers {
                match answer.await {
                    Ok(answer) => {
                        let status = answer.status().as_u16();
                        let mut body = answer.into_body();
                        let mut whole = true;
                        while let Some(chunk) = body.data().await {
                            match chunk {
                                Ok(chunk) => {
                                    let _ = body.flow_control().release_capacity(chunk.len());
                                }
                                Err(_) => whole = false,
                            }
                        }
                        load.answer(whole.then_some(status), "h2");
                    }
                    // the server has not looked at it and says so: to be sent again
                    Err(e) if e.is_go_away() || e.reason() == Some(h2::Reason::REFUSED_STREAM) => {
                        break 'requests;
                    }
                    Err(e) => load.failed.lock().push(format!("h2: {e}")),
                }
            }
            if none {
                break;
            }
        }
        connection.abort();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reloads_and_upgrades_under_load_lose_no_request() {
    let mut service = Service::start().await;
    let cookie = service.cookie().await;
    let request = format!("GET /page HTTP/1.1\r\nHost: {WIKI}\r\nCookie: {cookie}\r\n\r\n");
    let load = Arc::new(Load::default());
    let mut people = Vec::new();
    for _ in 0..3 {
        let net = service.net.clone();
        people.push(tokio::spawn(keeps_alive(
            load.clone(),
            net,
            request.clone(),
        )));
    }
    let once = request.replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n");
    let net = service.net.clone();
    people.push(tokio::spawn(comes_anew(load.clone(), net, once)));
    let net = service.net.clone();
    people.push(tokio::spawn(multiplexes(load.clone(), net, cookie.clone())));

    let reloads = rounds("VESTIBULE_TEST_RELOADS", 10);
    let upgrades = rounds("VESTIBULE_TEST_UPGRADES", 2);
    for round in 0..reloads.max(upgrades) {
        if round < reloads {
            service.edit(|text| text.replace("name: Northgate", "name: Northgate "));
            service.reload("the new configuration is in force").await;
        }
        if round < upgrades {
            let old = service.serving();
            service.upgrade().await;
            assert!(service.is_gone(old).await, "{}", service.log());
        }
    }
    tokio::time::sleep(Duration::from_millis(500)).await;
    load.stop.store(true, Ordering::Relaxed);
    for person in people {
        person.await.unwrap();
    }
    let failed = load.failed.lock();
    let answered = load.answered.load(Ordering::Relaxed);
    println!(
        "{reloads} reloads, {upgrades} upgrades: {answered} requests answered on {} kept connections, {} failed",
        load.connections.load(Ordering::Relaxed),
        failed.len()
    );
    assert!(failed.is_empty(), "{failed:?}\n{}", service.log());
    assert!(answered > 100, "there was no load");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_configuration_comes_into_force_and_a_wrong_one_does_not() {
    let service = Service::start().await;
    let second = free_port();
    let cookie = service.cookie().await;
    let asked = async |host: &str, path: &str| {
        let request = format!(
            "GET {path} HTTP/1.1\r\nHost: {host}\r\nCookie: {cookie}\r\nConnection: close\r\n\r\n"
        );
        service
            .net
            .raw(host, "GET", request.as_bytes())
            .await
            .unwrap()
    };
    assert_eq!(asked(WIKI, "/page").await.status, 200);
    assert!(
        asked(LOGIN, "/signed-out")
            .await
            .text()
            .contains("Northgate")
    );

    // rules, words, another listener
    service.edit(|text| {
        let closed = "    access: { methods: [POST] }\n    identity: { preset: remote-user }\n  - name: wiki-admin";
        text.replacen("    identity: { preset: remote-user }\n  - name: wiki-admin", closed, 1)
            .replace("name: Northgate", "name: Southgate")
            .replace("portal: {", &format!("  - address: 127.0.0.1:{second}\n    redirect_to_https: true\nportal: {{"))
    });
    service.reload("the new configuration is in force").await;
    assert_eq!(asked(WIKI, "/page").await.status, 405);
    assert!(
        asked(LOGIN, "/signed-out")
            .await
            .text()
            .contains("Southgate")
    );
    let plain = SocketAddr::from(([127, 0, 0, 1], second));
    let mut wire = Wire::plain(plain).await;
    wire.send(format!("GET /x HTTP/1.1\r\nHost: {WIKI}\r\n\r\n"))
        .await;
    assert_eq!(wire.answer().await.unwrap().status, 308);

    // with mistakes: each is told with its place, nothing changes
    service.edit(|text| text.replace("methods: [POST]", "metods: [GET]"));
    service.reload("the new configuration is refused").await;
    assert!(service.log().contains("metods"));
    assert_eq!(asked(WIKI, "/page").await.status, 405);
    let metrics = service.metrics().await;
    assert!(metrics.contains("vestibule_config_refused 1"), "{metrics}");
    assert!(
        metrics.contains("vestibule_config_loads_total{result=\"accepted\"} 2"),
        "{metrics}"
    );

    // what takes a new process is said, and nothing else of it comes into force
    service.edit(|text| {
        text.replace("metods: [GET]", "methods: [GET]")
            .replace("sqlite:vestibule.db", "sqlite:other.db")
    });
    service.reload("the new configuration is refused").await;
    assert_eq!(asked(WIKI, "/page").await.status, 405);

    // without a signal, when the file has settled; the second listener goes
    service.edit(|text| {
        text.replace("sqlite:other.db", "sqlite:vestibule.db")
            .replace(
                &format!("  - address: 127.0.0.1:{second}\n    redirect_to_https: true\n"),
                "",
            )
    });
    let loaded = "the new configuration is in force";
    let before = service.count(loaded);
    service
        .until("the change of a file", |log| {
            log.matches(loaded).count() > before
        })
        .await;
    assert!(service.log().contains("no longer listening"));
    assert!(std::net::TcpStream::connect(plain).is_err());
    assert!(
        service
            .metrics()
            .await
            .contains("vestibule_config_refused 0")
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stop_waits_for_requests_as_long_as_is_written_and_asks_for_the_time() {
    let mut socket = None;
    let service = Service::start_with(|dir, command| {
        let path = dir.join("notify");
        let manager = std::os::unix::net::UnixDatagram::bind(&path).unwrap();
        manager.set_nonblocking(true).unwrap();
        socket = Some(manager);
        command.env("NOTIFY_SOCKET", path);
    })
    .await;
    service.edit(|text| format!("{text}limits: {{ drain_timeout: 6s }}\n"));
    service.reload("the new configuration is in force").await;
    let cookie = service.cookie().await;
    let begin = async |path: &str| {
        let stream = tls(
            service.net.address,
            WIKI,
            &service.net.roots,
            &[b"http/1.1"],
        )
        .await;
        let mut wire = Wire::over(Box::new(stream.unwrap()));
        wire.send(format!(
            "GET {path} HTTP/1.1\r\nHost: {WIKI}\r\nCookie: {cookie}\r\n\r\n"
        ))
        .await;
        wire
    };
    // a minute long, and one that ends in time
    let mut slow = begin("/slow").await;
    let mut stream = begin("/sse").await;
    assert!(stream.head().await.contains(" 200 "));
    let started = tokio::time::Instant::now();
    assert!(signal("TERM", service.serving()));
    while stream.chunk().await.is_some() {}
    assert!(slow.answer().await.is_none(), "it was not cut");
    assert!(
        service.is_gone(service.serving()).await,
        "{}",
        service.log()
    );
    let took = started.elapsed().as_secs();
    assert!((6..25).contains(&took), "{took} s");
    let mut said = String::new();
    let mut buffer = [0; 4096];
    while let Ok(length) = socket.as_ref().unwrap().recv(&mut buffer) {
        said.push_str(std::str::from_utf8(&buffer[..length]).unwrap());
        said.push('\n');
    }
    let stopping = said.split("STOPPING=1").nth(1).unwrap();
    assert!(stopping.contains("EXTEND_TIMEOUT_USEC=21000000"), "{said}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn texts_in_other_words_come_into_force_and_wrong_ones_do_not() {
    let service = Service::start().await;
    let cookie = service.cookie().await;
    let load = Arc::new(Load::default());
    let request = format!("GET /page HTTP/1.1\r\nHost: {WIKI}\r\nCookie: {cookie}\r\n\r\n");
    let person = tokio::spawn(keeps_alive(load.clone(), service.net.clone(), request));
    let page = async || {
        let mut b = Browser::new(service.net.clone());
        b.open(&service.net.url(LOGIN, "/")).await.text()
    };
    let folder = service.dir.path().join("texts");
    std::fs::create_dir(&folder).unwrap();
    let write = |text: &str| {
        let new = folder.join(".en.ftl.new");
        std::fs::write(&new, text).unwrap();
        std::fs::rename(new, folder.join("en.ftl")).unwrap();
    };
    write("# ours\nsignin-submit = Let <b>me</b> in\n");
    assert!(page().await.contains("Sign in"));

    service.edit(|text| text.replace("name: Northgate", "name: Northgate\n  texts: texts"));
    service.reload("the new configuration is in force").await;
    let shown = page().await;
    // it is text, also where it looks like something else
    assert!(!shown.contains("<b>me"), "{shown}");
    assert!(
        shown.contains("Let &#60;b&#62;me&#60;/b&#62; in"),
        "{shown}"
    );

    // a wrong file is told with its line, and the words before stay
    write("signin-submit = Come in\n\nsignin-titel = Welcome\n");
    service.reload("the new configuration is refused").await;
    let log = service.log();
    assert!(
        log.contains("en.ftl:3: there is no text `signin-titel`"),
        "{log}"
    );
    assert!(log.contains("did you mean `signin-title`?"), "{log}");
    assert!(page().await.contains("Let &#60;b"));

    // the file of another language is not there yet; without a signal, when it is
    write("signin-submit = Come in\n");
    service.reload("the new configuration is in force").await;
    assert!(page().await.contains("Come in"));
    let loaded = "the new configuration is in force";
    let before = service.count(loaded);
    std::fs::write(folder.join("fi.ftl"), "signin-submit = Sisään\n").unwrap();
    service
        .until("the change of a text", |log| {
            log.matches(loaded).count() > before
        })
        .await;
    let mut b = Browser::new(service.net.clone());
    let finnish = b
        .open(&service.net.url(LOGIN, "/signin?lang=fi"))
        .await
        .text();
    assert!(finnish.contains("Sisään"), "{finnish}");

    load.stop.store(true, Ordering::Relaxed);
    person.await.unwrap();
    assert!(load.failed.lock().is_empty(), "{:?}", load.failed.lock());
    assert!(load.answered.load(Ordering::Relaxed) > 10);
}

/// Whether the kernel may give a process huge pages; `None` where it has none to give.
fn may_have_huge_pages(process: u32) -> Option<bool> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status.lines().find(|l| l.starts_with("THP_enabled:"))?;
    Some(line.ends_with('1'))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn idle_memory_is_not_held_in_huge_pages() {
    let service = Service::start().await;
    let process = service.serving();
    if may_have_huge_pages(std::process::id()).is_none() {
        return;
    }
    assert_eq!(may_have_huge_pages(process), Some(false));
    service.cookie().await;
    // a password was hashed, for which they are good
    for _ in 0..200 {
        if may_have_huge_pages(process) == Some(false) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("still with huge pages, long after the last password");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_program_that_does_not_start_takes_nothing_over() {
    let service = Service::start().await;
    let binary = service.dir.path().join("vestibule");
    let broken = service.dir.path().join("broken");
    std::os::unix::fs::symlink("/bin/false", &broken).unwrap();
    std::fs::rename(&broken, &binary).unwrap();
    assert!(signal("USR2", service.serving()));
    service
        .until("a refusal", |log| log.contains("no hand-over"))
        .await;
    let ask = format!("GET /signed-out HTTP/1.1\r\nHost: {LOGIN}\r\nConnection: close\r\n\r\n");
    let answer = service.net.raw(LOGIN, "GET", ask.as_bytes()).await;
    assert_eq!(answer.unwrap().status, 200);
    // the configuration no longer fits: the new process says why and ends, the old one goes on
    std::fs::remove_file(&binary).unwrap();
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_vestibule"), &binary).unwrap();
    service.edit(|text| text.replace("portal:", "portla:"));
    let before = service.count("no hand-over");
    assert!(signal("USR2", service.serving()));
    service
        .until("a refusal", |log| {
            log.matches("no hand-over").count() > before
        })
        .await;
    assert!(service.metrics().await.contains("vestibule_build_info"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stop_waits_for_requests_and_not_for_idle_connections() {
    let service = Service::start().await;
    let stream = tls(
        service.net.address,
        WIKI,
        &service.net.roots,
        &[b"http/1.1"],
    )
    .await;
    let mut idle = Wire::over(Box::new(stream.unwrap()));
    idle.send(format!("GET /page HTTP/1.1\r\nHost: {WIKI}\r\n\r\n"))
        .await;
    assert_eq!(idle.answer().await.unwrap().status, 401);
    assert!(signal("TERM", service.serving()));
    service
        .until("the farewell", |log| log.contains("stopping"))
        .await;
    // still answered, and told to close
    idle.send(format!("GET /page HTTP/1.1\r\nHost: {WIKI}\r\n\r\n"))
        .await;
    let answer = idle.answer().await.unwrap();
    assert_eq!(
        (answer.status, answer.header("connection")),
        (401, Some("close"))
    );
    assert!(service.is_gone(service.serving()).await);
    assert!(service.log().contains("\"stopped\""));
}

/// systemd's way: the sockets are there before the process.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sockets_of_the_service_manager_are_used() {
    let dir = tempfile::tempdir().unwrap();
    let ca = Ca::new("test root");
    let (_wiki, wiki) = Upstream::start(None).await;
    let port = free_port();
    let config = write_site(dir.path(), &ca, &Plan::default(), port, [wiki, wiki]);
    let activate = which("systemd-socket-activate");
    let mut child = Command::new(activate)
        .arg(format!("--listen=127.0.0.1:{port}"))
        .arg(env!("CARGO_BIN_EXE_vestibule"))
        .args(["serve", "--log", "info", "--config"])
        .arg(&config)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    // the first connection is what starts the process; it waits in the queue until somebody accepts
    let net = Net {
        address: SocketAddr::from(([127, 0, 0, 1], port)),
        roots: Arc::new(ca.roots()),
    };
    let mut first = None;
    for _ in 0..200 {
        if std::net::TcpStream::connect(net.address).is_ok() {
            let ask =
                format!("GET /signed-out HTTP/1.1\r\nHost: {LOGIN}\r\nConnection: close\r\n\r\n");
            first = net.raw(LOGIN, "GET", ask.as_bytes()).await;
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(first.unwrap().status, 200);
}

fn which(program: &str) -> PathBuf {
    let mut folders = ["/usr/bin", "/bin", "/usr/local/bin"].into_iter();
    let found = folders.find(|folder| Path::new(folder).join(program).is_file());
    Path::new(found.unwrap_or_else(|| panic!("{program} is missing: apt-get install systemd")))
        .join(program)
}
