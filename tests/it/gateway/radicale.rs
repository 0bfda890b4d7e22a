//! A real application that lives elsewhere: Radicale, a CalDAV server that believes to be at `/`, below `/dav`.

use crate::support::client::{Answer, Wire};
use crate::support::world::{World, at, path, route, snapshot};
use std::io::BufRead as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use vestibule::domain::rewrite::{Destination, PathMap, Rewrite};
use vestibule::domain::route::Template;

struct Radicale {
    child: Child,
    address: std::net::SocketAddr,
}

impl Radicale {
    fn start(folder: &Path) -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let python = root.join("target/test-tools/venv/bin/python");
        let child = Command::new(&python)
            .args([
                "-m",
                "radicale",
                "--config",
                "",
                "--server-hosts",
                "127.0.0.1:0",
            ])
            .args([
                "--auth-type",
                "http_x_remote_user",
                "--rights-type",
                "owner_only",
            ])
            .args(["--logging-level", "info", "--storage-filesystem-folder"])
            .arg(folder)
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|e| {
                panic!("{}: {e}; tools/prepare test installs it", python.display())
            });
        let mut started = Self {
            child,
            address: ([127, 0, 0, 1], 0).into(),
        };
        let mut lines = std::io::BufReader::new(started.child.stderr.take().unwrap()).lines();
        let mut said = String::new();
        while started.address.port() == 0 {
            let Some(Ok(line)) = lines.next() else {
                panic!("Radicale does not start; tools/prepare test installs it:\n{said}");
            };
            said.push_str(&line);
            said.push('\n');
            // Listening on '[127.0.0.1]:40001'
            if line.contains("Listening on") {
                let port = line.trim_end_matches('\'').rsplit(':').next().unwrap();
                started.address.set_port(port.parse().expect(&line));
            }
        }
        // what it goes on saying is read, or it would stop at a full pipe
        std::thread::spawn(move || lines.for_each(drop));
        started
    }
}

impl Drop for Radicale {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// `/dav`: it is told its prefix; `/raw`: it knows nothing of it.
async fn world(radicale: &Radicale) -> World {
    let address = radicale.address;
    World::with(|s, _| {
        let mut routes = s.routes.routes().to_vec();
        for (prefix, destination) in [("/dav", Destination::Public), ("/raw", Destination::Inner)] {
            let mut route = route("wiki.test", prefix, at(address, false));
            let login = Template::parse("{account.login}").unwrap();
            route.identity.headers = vec![("X-Remote-User".into(), login)];
            route.rewrite = Some(Rewrite {
                path: Some(PathMap::new(&path(prefix), &path("/"))),
                destination,
                ..Rewrite::default()
            });
            if destination == Destination::Public {
                let name = Template::parse(prefix).unwrap();
                route.headers.request.set = vec![("X-Script-Name".into(), name)];
            }
            routes.push(route);
        }
        *s = snapshot(routes);
    })
    .await
}

async fn ask(world: &World, line: &str, headers: &str, body: &str) -> Answer {
    let mut wire: Wire = world.tls("wiki.test").await;
    wire.send(format!(
        "{line} HTTP/1.1\r\nHost: wiki.test\r\nCookie: __Host-vestibule={}\r\n{headers}Content-Length: {}\r\n\r\n{body}",
        world.token,
        body.len()
    ))
    .await;
    wire.answer().await.unwrap()
}

const EVENT: &str = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//test//EN\r\nBEGIN:VEVENT\r\nUID:one\r\n\
                     DTSTAMP:20270115T080000Z\r\nDTSTART:20270115T090000Z\r\nSUMMARY:Standup\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n";
const PROPFIND: &str =
    "<?xml version=\"1.0\"?><propfind xmlns=\"DAV:\"><prop><getetag/></prop></propfind>";

#[tokio::test(flavor = "multi_thread")]
async fn a_calendar_server_below_a_path() {
    let folder = tempfile::tempdir().unwrap();
    let radicale = Radicale::start(folder.path());
    let world = world(&radicale).await;
    let calendar = "Content-Type: text/calendar\r\n";
    for (prefix, shown) in [("/dav", "/dav"), ("/raw", "")] {
        let place = format!("{prefix}/aino/{}", prefix.trim_start_matches('/'));
        // its own page, wherever it believes it to be
        let answer = ask(&world, &format!("GET {prefix}/"), "", "").await;
        assert_eq!(answer.status, 302, "{answer:?}");
        assert_eq!(
            answer.header("location"),
            Some(&*format!("{prefix}/.web")),
            "{answer:?}"
        );

        let answer = ask(&world, &format!("MKCALENDAR {place}/"), "", "").await;
        assert_eq!(answer.status, 201, "{answer:?}");
        let answer = ask(&world, &format!("PUT {place}/a.ics"), calendar, EVENT).await;
        assert_eq!(answer.status, 201, "{answer:?}");

        // bodies are the application's: an address in one is public only if the application knows its prefix
        let xml = "Depth: 1\r\nContent-Type: application/xml\r\n";
        let answer = ask(&world, &format!("PROPFIND {place}/"), xml, PROPFIND).await;
        assert_eq!(answer.status, 207, "{answer:?}");
        let href = format!(
            "<href>{shown}{}/a.ics</href>",
            place.strip_prefix(prefix).unwrap()
        );
        assert!(answer.text().contains(&href), "{href}: {}", answer.text());

        let to = |path: &str| format!("Destination: https://wiki.test{path}\r\n");
        for (astray, want) in [
            (format!("/admin{place}/b.ics"), 403),
            (place.strip_prefix(prefix).unwrap().to_owned(), 403),
            (format!("{place}/../b.ics"), 400),
        ] {
            let answer = ask(&world, &format!("MOVE {place}/a.ics"), &to(&astray), "").await;
            assert_eq!(answer.status, want, "{astray}");
        }
        let answer = ask(
            &world,
            &format!("MOVE {place}/a.ics"),
            &to(&format!("{place}/b.ics")),
            "",
        )
        .await;
        assert_eq!(answer.status, 201, "{prefix}: {answer:?}");
        let answer = ask(&world, &format!("GET {place}/b.ics"), "", "").await;
        assert_eq!(answer.status, 200);
        assert!(answer.text().contains("SUMMARY:Standup"));
        let answer = ask(&world, &format!("GET {place}/a.ics"), "", "").await;
        assert_eq!(answer.status, 404);
    }
    // somebody else's calendars are not aino's, whoever the client says it is
    let forged = "X-Remote-User: eino\r\nX.Remote.User: eino\r\nX-Script-Name: /evil\r\n";
    let answer = ask(&world, "MKCALENDAR /dav/eino/cal/", forged, "").await;
    assert_eq!(answer.status, 403, "{answer:?}");
}
