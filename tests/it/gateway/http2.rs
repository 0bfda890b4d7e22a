//! HTTP/2: what is malformed is refused or reset, whatever it would have become on the way to an application.

use crate::support::h2::{
    CONTINUATION, DATA, END_HEADERS, END_STREAM, Frames, HEADERS, Outcome, PING, RESET, SETTINGS,
    WINDOW, block, connect, get,
};
use crate::support::world::World;
use std::time::Duration;

type Field<'a> = (&'a str, &'a [u8]);

/// A good request, but for what `change` does to it.
fn request<'a>(cookie: &'a str, change: impl FnOnce(&mut Vec<Field<'a>>)) -> Vec<u8> {
    let mut fields: Vec<Field<'a>> = vec![
        (":method", b"GET"),
        (":scheme", b"https"),
        (":authority", b"wiki.test"),
        (":path", b"/page"),
        ("cookie", cookie.as_bytes()),
    ];
    change(&mut fields);
    block(&fields)
}

fn set<'a>(fields: &mut Vec<Field<'a>>, name: &'a str, value: &'a [u8]) {
    for field in fields.iter_mut().filter(|f| f.0 == name) {
        field.1 = value;
    }
}

fn without(fields: &mut Vec<Field<'_>>, name: &str) {
    fields.retain(|f| f.0 != name);
}

/// A case: its name, what it changes, and the statuses that may be answered. A reset, or the end of the connection, is
/// as good as any of them.
type Case<'a> = (
    &'a str,
    Box<dyn FnOnce(&mut Vec<Field<'a>>) + 'a>,
    &'a [u16],
);

fn add<'a>(name: &'a str, field: &'a str, value: &'a [u8], want: &'a [u16]) -> Case<'a> {
    (
        name,
        Box::new(move |f: &mut Vec<Field<'a>>| f.push((field, value))),
        want,
    )
}

fn put<'a>(name: &'a str, field: &'a str, value: &'a [u8], want: &'a [u16]) -> Case<'a> {
    (
        name,
        Box::new(move |f: &mut Vec<Field<'a>>| set(f, field, value)),
        want,
    )
}

fn lack<'a>(name: &'a str, field: &'a str, want: &'a [u16]) -> Case<'a> {
    (
        name,
        Box::new(move |f: &mut Vec<Field<'a>>| without(f, field)),
        want,
    )
}

/// Kind, flags, stream and payload of a frame.
type Sent = (u8, u8, u32, Vec<u8>);

#[tokio::test(flavor = "multi_thread")]
async fn malformed_requests_are_refused_or_reset() {
    let world = World::start().await;
    let cookie = format!("__Host-vestibule={}", world.token);
    let long = vec![b'x'; 9000];
    let large = vec![b'x'; 33 * 1024];
    let huge = vec![b'x'; 15 * 1024];
    let path: Vec<u8> = [b"/", long.as_slice()].concat();
    let names: Vec<String> = (0..101).map(|n| format!("x-{n}")).collect();
    let no: &[u16] = &[400];
    let cases: Vec<Case<'_>> = vec![
        add("connection", "connection", b"close", no),
        add("keep-alive", "keep-alive", b"timeout=5", no),
        add("proxy-connection", "proxy-connection", b"close", no),
        add("transfer-encoding", "transfer-encoding", b"chunked", no),
        add("upgrade", "upgrade", b"websocket", no),
        add("te: gzip", "te", b"gzip", no),
        add("upper case", "X-Upper", b"1", no),
        add("a space in a name", "x y", b"1", no),
        add("a colon in a name", "x:y", b"1", no),
        add("an empty name", "", b"1", no),
        add("CR in a name", "x\r\ny", b"1", no),
        add("CR in a value", "x-a", b"a\rb", no),
        add("LF in a value", "x-a", b"a\nremote-user: evil", no),
        add("CRLF in a value", "x-a", b"a\r\nremote-user: evil", no),
        add("NUL in a value", "x-a", b"a\0b", no),
        add("an underscore", "x_a", b"1", no),
        add("a twin of the length", "content_length", b"1", no),
        add("an unknown pseudo-header", ":foo", b"1", no),
        add("a pseudo-header after the others", ":path", b"/other", no),
        add("a status", ":status", b"200", no),
        add("two authorities", ":authority", b"other.test", no),
        add("another host", "host", b"other.test", &[400, 421]),
        (
            "two hosts",
            Box::new(|f| f.extend([("host", &b"wiki.test"[..]), ("host", b"wiki.test")])),
            no,
        ),
        put("user information", ":authority", b"a@wiki.test", no),
        put("an empty authority", ":authority", b"", no),
        put("a path in the authority", ":authority", b"wiki.test/x", no),
        put(
            "a host that is not ours",
            ":authority",
            b"nowhere.test",
            &[421],
        ),
        lack("no authority and no host", ":authority", no),
        lack("no method", ":method", no),
        lack("no path", ":path", no),
        lack("no scheme", ":scheme", no),
        put("an empty path", ":path", b"", no),
        put("a path without a slash", ":path", b"page", no),
        put("an asterisk", ":path", b"*", no),
        put("an absolute path", ":path", b"http://wiki.test/page", no),
        put("a space in the path", ":path", b"/a b", no),
        put("a request in the path", ":path", b"/a HTTP/1.1\r\nX: y", no),
        put("NUL in the path", ":path", b"/a\0b", no),
        put("a long path", ":path", &path, &[414]),
        put(
            "a request in the method",
            ":method",
            b"GET / HTTP/1.1\r\nX: y",
            &[400, 405],
        ),
        put("lower case", ":method", b"get", &[405]),
        put("TRACE", ":method", b"TRACE", &[405]),
        put("CONNECT", ":method", b"CONNECT", &[400, 405]),
        (
            "CONNECT as it should be",
            Box::new(|f| {
                set(f, ":method", b"CONNECT");
                without(f, ":path");
                without(f, ":scheme");
            }),
            &[400, 405],
        ),
        (
            "a WebSocket over HTTP/2",
            Box::new(|f| {
                set(f, ":method", b"CONNECT");
                f.insert(0, (":protocol", b"websocket"));
            }),
            &[400, 405],
        ),
        add("a length without a body", "content-length", b"5", no),
        add("a signed length", "content-length", b"+0", no),
        (
            "two lengths",
            Box::new(|f| f.extend([("content-length", &b"0"[..]), ("content-length", b"1")])),
            no,
        ),
        (
            "many fields",
            Box::new(|f| f.extend(names.iter().map(|n| (n.as_str(), &b"1"[..])))),
            &[431],
        ),
        (
            "33 KiB of fields",
            Box::new(|f| f.extend([("x-a", &large[..16_000]), ("x-b", &large[..17_000])])),
            &[431],
        ),
        (
            "70 KiB of fields",
            Box::new(|f| f.extend(["x-a", "x-b", "x-c", "x-d", "x-e"].map(|n| (n, &huge[..])))),
            &[431],
        ),
        (
            "a value of the name of another",
            Box::new(|f| f.push(("remote.user\0", b"evil"))),
            no,
        ),
    ];
    let mut wrong = Vec::new();
    for (name, change, want) in cases {
        let head = request(&cookie, change);
        let mut frames = Frames::open(&world, "wiki.test").await;
        let outcome = send_head(&mut frames, &head, true).await;
        let good = match &outcome {
            Outcome::Status(status) => want.contains(status),
            Outcome::Reset(_) | Outcome::GoAway(_) | Outcome::Closed => true,
        };
        let seen = world.upstream.take();
        if !good || !seen.is_empty() {
            wrong.push(format!("{name}: {outcome:?} {seen:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    // the good one is good
    let head = request(&cookie, |f| f.push(("te", b"trailers")));
    let mut frames = Frames::open(&world, "wiki.test").await;
    assert_eq!(
        send_head(&mut frames, &head, true).await,
        Outcome::Status(200)
    );
    assert_eq!(world.upstream.take().len(), 1);
    // the library cuts a fragment off before anybody looks, so it is neither decided on nor forwarded
    let head = request(&cookie, |f| set(f, ":path", b"/a#/../admin"));
    let mut frames = Frames::open(&world, "wiki.test").await;
    send_head(&mut frames, &head, true).await;
    assert!(world.upstream.only().starts_with("GET /a HTTP/1.1\r\n"));
}

/// In frames of at most 16 KiB.
async fn send_head(frames: &mut Frames, block: &[u8], end: bool) -> Outcome {
    let pieces: Vec<&[u8]> = block.chunks(16_000).collect();
    let last = pieces.len() - 1;
    for (n, piece) in pieces.into_iter().enumerate() {
        let kind = if n == 0 { HEADERS } else { CONTINUATION };
        let mut flags = if n == last { END_HEADERS } else { 0 };
        if n == 0 && end {
            flags |= END_STREAM;
        }
        if !frames.send(kind, flags, 1, piece).await {
            return Outcome::Closed;
        }
    }
    frames.outcome(1).await
}

/// A body that is not as long as it was said to be makes no request. Its head may be on the way by then, its end is not.
#[tokio::test(flavor = "multi_thread")]
async fn a_body_of_another_length_is_no_request() {
    let world = World::start().await;
    let cookie = format!("__Host-vestibule={}", world.token);
    // no such bytes come in a head: its ids and signatures are hexadecimal and base64
    for (said, sent) in [(&b"3"[..], &b"#!~#!"[..]), (b"5", b"#!~"), (b"0", b"#!~")] {
        let head = request(&cookie, |f| {
            set(f, ":method", b"POST");
            set(f, ":path", b"/upload");
            f.push(("content-length", said));
        });
        let mut frames = Frames::open(&world, "wiki.test").await;
        frames.send(HEADERS, END_HEADERS, 1, &head).await;
        frames.send(DATA, END_STREAM, 1, sent).await;
        let outcome = frames.outcome(1).await;
        assert!(
            !matches!(outcome, Outcome::Status(200..=299)),
            "{said:?}: {outcome:?}"
        );
        let seen = world.upstream.take().join("");
        assert!(!seen.contains("#!~"), "{seen}");
    }
}

/// What is sent is waited for as long as a connection may stand still, and no application hears of it before.
#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_does_not_come_is_no_request() {
    let world = World::with(|s, _| s.limits.stall = Duration::from_secs(1)).await;
    let cookie = format!("__Host-vestibule={}", world.token);
    for (said, sent) in [(&b"5"[..], &b""[..]), (b"5", b"#!~"), (b"0", b"")] {
        let head = request(&cookie, |f| {
            set(f, ":method", b"POST");
            set(f, ":path", b"/upload");
            f.push(("content-length", said));
        });
        let mut frames = Frames::open(&world, "wiki.test").await;
        frames.send(HEADERS, END_HEADERS, 1, &head).await;
        frames.send(DATA, 0, 1, sent).await;
        let outcome = frames.outcome(1).await;
        assert!(matches!(outcome, Outcome::Status(408)), "{outcome:?}");
        assert!(world.upstream.take().is_empty());
    }
}

/// A length of nothing with an empty frame behind the head is as good as a head that ends the request.
#[tokio::test(flavor = "multi_thread")]
async fn an_empty_body_may_end_in_a_frame_of_its_own() {
    let world = World::start().await;
    let cookie = format!("__Host-vestibule={}", world.token);
    let head = request(&cookie, |f| {
        set(f, ":method", b"POST");
        set(f, ":path", b"/upload");
        f.push(("content-length", b"0"));
    });
    let mut frames = Frames::open(&world, "wiki.test").await;
    frames.send(HEADERS, END_HEADERS, 1, &head).await;
    frames.send(DATA, END_STREAM, 1, b"").await;
    let outcome = frames.outcome(1).await;
    assert!(matches!(outcome, Outcome::Status(200)), "{outcome:?}");
}

/// Frames that break the rules of RFC 9113 end the connection; others are served meanwhile.
#[tokio::test(flavor = "multi_thread")]
async fn broken_frames_end_the_connection() {
    let world = World::start().await;
    let cookie = format!("__Host-vestibule={}", world.token);
    let head = request(&cookie, |_| {});
    let whole = END_HEADERS | END_STREAM;
    let zero = [0u8; 4];
    let over = 0x7fff_ffffu32.to_be_bytes();
    let cases: Vec<(&str, Vec<Sent>)> = vec![
        ("data on stream 0", vec![(DATA, 0, 0, b"x".to_vec())]),
        (
            "data on a stream that is not there",
            vec![(DATA, 0, 5, b"x".to_vec())],
        ),
        (
            "a head on stream 0",
            vec![(HEADERS, whole, 0, head.clone())],
        ),
        (
            "a head on a stream of the server",
            vec![(HEADERS, whole, 2, head.clone())],
        ),
        (
            "a stream again",
            vec![
                (HEADERS, whole, 5, head.clone()),
                (HEADERS, whole, 3, head.clone()),
            ],
        ),
        (
            "a continuation of nothing",
            vec![(CONTINUATION, END_HEADERS, 1, head.clone())],
        ),
        (
            "a head in a head",
            vec![
                (HEADERS, 0, 1, head.clone()),
                (HEADERS, whole, 3, head.clone()),
            ],
        ),
        (
            "a ping in a head",
            vec![(HEADERS, 0, 1, head.clone()), (PING, 0, 0, vec![0; 8])],
        ),
        (
            "a promise",
            vec![(5, END_HEADERS, 1, [&[0, 0, 0, 2], head.as_slice()].concat())],
        ),
        ("a frame too large", vec![(DATA, 0, 1, vec![0; 20_000])]),
        ("a window of nothing", vec![(WINDOW, 0, 0, zero.to_vec())]),
        (
            "a window too large",
            vec![(WINDOW, 0, 0, over.to_vec()), (WINDOW, 0, 0, over.to_vec())],
        ),
        (
            "settings of an odd length",
            vec![(SETTINGS, 0, 0, vec![0; 5])],
        ),
        ("settings on a stream", vec![(SETTINGS, 0, 1, vec![])]),
        ("a ping of seven bytes", vec![(PING, 0, 0, vec![0; 7])]),
        (
            "a reset of a stream that is not there",
            vec![(RESET, 0, 7, zero.to_vec())],
        ),
        (
            "a bad index",
            vec![(HEADERS, whole, 1, vec![0xff, 0xff, 0xff, 0xff, 0x0f])],
        ),
    ];
    for (name, sent) in cases {
        let mut frames = Frames::open(&world, "wiki.test").await;
        for (kind, flags, stream, payload) in sent {
            frames.send(kind, flags, stream, &payload).await;
        }
        let mut ended = false;
        while let Some(frame) = frames.next(std::time::Duration::from_secs(5)).await {
            ended |= frame.kind == crate::support::h2::GOAWAY;
        }
        let gone = !frames.send(PING, 0, 0, &[0; 8]).await
            || frames
                .next(std::time::Duration::from_secs(5))
                .await
                .is_none();
        assert!(ended || gone, "{name}");
    }
    let mut client = connect(&world, "wiki.test").await;
    let answer = get(&mut client, "https://wiki.test/public/x", &[]).await;
    assert_eq!(answer.unwrap().status(), 200);
}

/// A client of gRPC makes its status of ours. With an empty frame behind the head it sees a broken stream now and then.
#[tokio::test(flavor = "multi_thread")]
async fn a_refused_call_ends_with_its_head() {
    let world = World::start().await;
    let mut client = crate::support::h2::connect(&world, "wiki.test").await;
    for turn in 0..20 {
        let request = http::Request::post("https://wiki.test/page")
            .header("content-type", "application/grpc")
            .body(())
            .unwrap();
        let (answer, _body) = client.send_request(request, true).unwrap();
        let answer = answer.await.unwrap();
        assert_eq!(answer.status(), 401, "{turn}");
        assert!(answer.body().is_end_stream(), "{turn}");
    }
}
