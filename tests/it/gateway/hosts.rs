//! Hosts, SNI, plain HTTP.

use crate::support::client::{Wire, tls};
use crate::support::world::{World, write_pair};
use http::Request;

#[tokio::test(flavor = "multi_thread")]
async fn spellings_of_a_host_are_one_host() {
    let world = World::start().await;
    for host in [
        "WIKI.TEST",
        "wiki.test.",
        "wiki.test:443",
        "Wiki.Test.:443",
        "wiki.test:8080",
    ] {
        let request = format!(
            "GET /admin HTTP/1.1\r\nHost: {host}\r\nCookie: __Host-vestibule={}\r\n\r\n",
            world.token
        );
        assert_eq!(world.raw(request).await.unwrap().status, 403, "{host}");
    }
    for host in [
        "evil.test",
        "x.wiki.test",
        "wiki.test.evil.test",
        "127.0.0.1",
        "b.wild.test",
    ] {
        let request = format!("GET / HTTP/1.1\r\nHost: {host}\r\nAccept: text/html\r\n\r\n");
        let answer = world.raw(request).await.unwrap();
        assert_eq!(answer.status, 421, "{host}");
        assert!(answer.text().contains("UnknownHost"));
    }
    assert!(world.upstream.take().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_application_sees_its_own_name_however_it_was_spelled() {
    use vestibule::domain::host::{Host, Origin};
    let world = World::with(|snapshot, _| {
        let mut routes = snapshot.routes.routes().to_vec();
        for route in &mut routes {
            if route.origin.host().as_str() == "other.test" {
                route.origin = Origin::new(Host::parse("other.test").unwrap(), 8443);
            }
        }
        *snapshot = crate::support::world::snapshot(routes);
    })
    .await;
    let upgrade = "Connection: Upgrade\r\nUpgrade: websocket\r\n";
    for (host, path, extra, want) in [
        ("WIKI.test.:1", "/page", "", "wiki.test"),
        ("wiki.test:443", "/page", "", "wiki.test"),
        ("Wiki.Test.", "/public/x", "", "wiki.test"),
        ("WIKI.test.:1", "/ws", upgrade, "wiki.test"),
        ("other.test", "/page", "", "other.test:8443"),
        ("OTHER.test:8443", "/page", "", "other.test:8443"),
        ("other.test:22", "/ws", upgrade, "other.test:8443"),
    ] {
        let mut wire = world.plain().await;
        wire.send(format!(
            "GET {path} HTTP/1.1\r\nHost: {host}\r\nCookie: __Host-vestibule={}\r\n{extra}\r\n",
            world.token
        ))
        .await;
        let head = wire.head().await;
        assert!(
            head.starts_with("HTTP/1.1 200 ") || head.starts_with("HTTP/1.1 101 "),
            "{host}: {head}"
        );
        let seen = world.upstream.only();
        let values = |name| crate::support::upstream::values(&seen, name);
        assert_eq!(values("host"), [want], "{host}");
        assert_eq!(values("x-forwarded-host"), [want], "{host}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_serves_the_hosts_of_its_certificate_only() {
    let world = World::start().await;
    for (sni, host, want) in [
        ("wiki.test", "wiki.test", 401),
        ("WIKI.test", "wiki.test", 401),
        ("wiki.test", "login.test", 200),
        ("wiki.test", "other.test", 421),
        ("other.test", "wiki.test", 421),
        ("other.test", "login.test", 421),
        ("other.test", "other.test", 401),
        ("a.wild.test", "a.wild.test", 401),
        ("a.wild.test", "other.test", 421),
    ] {
        let mut wire = world.tls(sni).await;
        wire.send(format!("GET / HTTP/1.1\r\nHost: {host}\r\n\r\n"))
            .await;
        let answer = wire.answer().await.unwrap();
        assert_eq!(answer.status, want, "{sni} {host}");
        assert!(
            answer
                .header("strict-transport-security")
                .unwrap()
                .starts_with("max-age=31536000")
        );
    }
    assert!(world.upstream.take().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn http_2_walks_the_same_line() {
    let world = World::start().await;
    let stream = tls(world.https, "wiki.test", &world.ca.roots(), &[b"h2"])
        .await
        .unwrap();
    let (client, connection) = h2::client::handshake(stream).await.unwrap();
    tokio::spawn(connection);
    let mut client = client.ready().await.unwrap();
    let mut ask = async |uri: &str, headers: &[(&str, &str)]| {
        let mut request = Request::get(uri);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        client = client.clone().ready().await.unwrap();
        let (response, _) = client
            .send_request(request.body(()).unwrap(), true)
            .unwrap();
        response.await.map(|r| r.status().as_u16())
    };
    let cookie = format!("__Host-vestibule={}", world.token);
    assert_eq!(ask("https://wiki.test/page", &[]).await.unwrap(), 401);
    let sent = [
        ("cookie", "a=1"),
        ("cookie", cookie.as_str()),
        ("cookie", "b=2"),
        ("remote.user", "evil"),
    ];
    assert_eq!(ask("https://wiki.test/page?x", &sent).await.unwrap(), 200);
    let seen = world.upstream.only();
    assert!(
        seen.starts_with("GET /page?x HTTP/1.1\r\n") && !seen.contains("evil"),
        "{seen}"
    );
    let values = |name| crate::support::upstream::values(&seen, name);
    assert_eq!(values("cookie"), ["a=1; b=2"]);
    assert_eq!(values("remote-user"), ["aino"]);
    assert_eq!(values("host"), ["wiki.test"]);
    assert_eq!(ask("https://other.test/page", &[]).await.unwrap(), 421);
    assert_eq!(ask("https://evil.test/page", &[]).await.unwrap(), 421);
    assert_eq!(ask("https://wiki.test//admin", &sent).await.unwrap(), 400);
    assert_eq!(ask("https://wiki.test/%61dmin", &sent).await.unwrap(), 403);
    // another host beside the authority
    let other = [("host", "login.test"), ("cookie", cookie.as_str())];
    assert!(!matches!(
        ask("https://wiki.test/page", &other).await,
        Ok(200)
    ));
    assert!(world.upstream.take().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn plain_http_leads_to_https_for_known_hosts() {
    let world = World::start().await;
    let ask = async |host: &str| {
        let mut wire = Wire::plain(world.redirecting).await;
        wire.send(format!(
            "GET /a?b=c HTTP/1.1\r\nHost: {host}\r\nCookie: __Host-vestibule={}\r\n\r\n",
            world.token
        ))
        .await;
        wire.answer().await.unwrap()
    };
    let answer = ask("wiki.test").await;
    assert_eq!(
        (answer.status, answer.header("location")),
        (308, Some("https://wiki.test/a?b=c"))
    );
    assert_eq!(answer.header("strict-transport-security"), None);
    let answer = ask("login.test:80").await;
    assert_eq!(
        (answer.status, answer.header("location")),
        (308, Some("https://login.test/a?b=c"))
    );
    let answer = ask("evil.test").await;
    assert_eq!((answer.status, answer.header("location")), (421, None));
    assert!(world.upstream.take().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn certificates_are_replaced_while_running() {
    use vestibule::gateway::{CertificateFiles, Certificates};
    let world = World::start().await;
    assert!(
        tls(world.https, "new.test", &world.ca.roots(), &[])
            .await
            .is_err()
    );
    let mut old = world.tls("wiki.test").await;
    let new = write_pair(&world.ca, world.dir.path(), "new", &["new.test"]);
    let served = async || {
        let roots = world.ca.roots();
        let stream = tls(world.https, "new.test", &roots, &[]).await;
        stream.is_ok()
    };
    let main = CertificateFiles {
        certificate: world.dir.path().join("main.pem"),
        key: world.dir.path().join("main.key"),
    };
    assert!(world.certificates.check().is_none());
    let names = ["other.test", "new.test"];
    let other = write_pair(&world.ca, world.dir.path(), "other", &names);
    assert!(!served().await);
    world.certificates.check().unwrap().unwrap();
    assert!(world.certificates.check().is_none());
    assert!(served().await);
    // a broken file is told once, and what was good goes on
    let key = std::fs::read(&other.key).unwrap();
    std::fs::write(&other.key, "half a key").unwrap();
    assert!(world.certificates.check().unwrap().is_err());
    assert!(world.certificates.check().is_none());
    std::fs::remove_file(&other.key).unwrap();
    assert!(world.certificates.check().unwrap().is_err());
    assert!(served().await);
    std::fs::write(&other.key, key).unwrap();
    world.certificates.check().unwrap().unwrap();
    assert!(served().await);
    old.send("GET / HTTP/1.1\r\nHost: wiki.test\r\n\r\n").await;
    assert_eq!(old.answer().await.unwrap().status, 401);

    let missing = CertificateFiles {
        key: world.dir.path().join("none.key"),
        ..main.clone()
    };
    let message = Certificates::load(&[missing]).unwrap_err().to_string();
    assert!(
        message.contains("none.key") && message.contains("No such file"),
        "{message}"
    );
    let mixed = CertificateFiles {
        key: new.key.clone(),
        ..main.clone()
    };
    let message = Certificates::load(&[mixed]).unwrap_err().to_string();
    assert!(
        message.contains("new.key") && message.contains("does not belong"),
        "{message}"
    );
    let swapped = CertificateFiles {
        certificate: main.key.clone(),
        key: main.key.clone(),
    };
    let message = Certificates::load(&[swapped]).unwrap_err().to_string();
    assert!(
        message.contains("main.key") && message.contains("no certificate"),
        "{message}"
    );
    assert!(Certificates::load(&[]).is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_http_2_upload_streams_and_its_trailers_end_here() {
    let world = World::start().await;
    let stream = tls(world.https, "wiki.test", &world.ca.roots(), &[b"h2"])
        .await
        .unwrap();
    let (client, connection) = h2::client::handshake(stream).await.unwrap();
    tokio::spawn(connection);
    let mut client = client.ready().await.unwrap();
    let request = Request::post("https://wiki.test/upload")
        .header("cookie", format!("__Host-vestibule={}", world.token))
        .body(())
        .unwrap();
    let (response, mut body) = client.send_request(request, false).unwrap();
    let mut left = 5_000_000;
    while left > 0 {
        body.reserve_capacity(left.min(65_536));
        let n = std::future::poll_fn(|cx| body.poll_capacity(cx)).await;
        let n = n.unwrap().unwrap().min(left);
        body.send_data(vec![b'x'; n].into(), false).unwrap();
        left -= n;
    }
    let mut trailers = http::HeaderMap::new();
    trailers.insert("remote-user", http::HeaderValue::from_static("evil"));
    body.send_trailers(trailers).unwrap();
    let mut response = response.await.unwrap();
    assert_eq!(response.status(), 200);
    let answer = response.body_mut().data().await.unwrap().unwrap();
    assert_eq!(&answer[..], b"received 5000000");
    assert!(!world.upstream.only().contains("evil"));
}
