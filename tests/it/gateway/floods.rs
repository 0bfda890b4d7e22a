//! Many slow clients, floods of HTTP/2 frames, and bodies of any size: memory stays where it is, and others are served.
//!
//! Memory is that of a process, so each of these tests runs in one of its own: the ignored test of the same name.

use crate::support::h2::{
    CONTINUATION, DATA, END_HEADERS, END_STREAM, Frames, HEADERS, PING, RESET, SETTINGS, WINDOW,
    block, frame,
};
use crate::support::world::World;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::{Instant, timeout};

const SECOND: Duration = Duration::from_secs(1);

/// Runs an ignored test of this file in a process of its own.
fn alone(name: &str, settings: &[(&str, &str)]) {
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--ignored", "--exact", "--nocapture", name])
        .envs(settings.iter().copied())
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&output.stdout);
    let faults = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{told}\n{faults}");
    assert!(told.contains("1 passed"), "{name} is no test:\n{told}");
}

fn setting(name: &str, default: usize) -> usize {
    #[expect(
        clippy::disallowed_methods,
        reason = "how long a test takes is no setting"
    )]
    let given = std::env::var(name);
    given.map_or(default, |text| text.parse().unwrap())
}

/// What this process holds in memory now, or has held at most, in MiB.
fn memory(line: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|l| l.starts_with(line)).unwrap();
    let kibibytes: u64 = line.split_whitespace().nth(1).unwrap().parse().unwrap();
    kibibytes / 1024
}

/// A client that asks every now and then, on connections of its own, and notes the longest wait.
struct Probe {
    longest: Arc<AtomicU64>,
    answers: Arc<AtomicU64>,
    task: tokio::task::JoinHandle<()>,
}

impl Probe {
    fn start(address: SocketAddr) -> Self {
        let longest = Arc::new(AtomicU64::new(0));
        let answers = Arc::new(AtomicU64::new(0));
        let (most, count) = (Arc::clone(&longest), Arc::clone(&answers));
        let task = tokio::spawn(async move {
            loop {
                let began = Instant::now();
                let answered = timeout(SECOND * 10, ask(address)).await;
                let took = u64::try_from(began.elapsed().as_millis()).unwrap();
                most.fetch_max(took, Ordering::SeqCst);
                count.fetch_add(u64::from(answered == Ok(true)), Ordering::SeqCst);
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        });
        Self {
            longest,
            answers,
            task,
        }
    }

    /// Every question since the start, or the call before, was answered: on a quiet machine within a second, which the
    /// printed line shows, and within some on one that is busy with other tests.
    async fn was_served(&self, during: &str) {
        for _ in 0..100 {
            if self.answers.load(Ordering::SeqCst) > 0 {
                break;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        let longest = self.longest.swap(0, Ordering::SeqCst);
        let answers = self.answers.swap(0, Ordering::SeqCst);
        println!("{during}: {answers} answers to the probe, the longest took {longest} ms");
        assert!(
            answers > 0 && longest < 10_000,
            "{during}: {answers} answers, {longest} ms"
        );
        assert!(!self.task.is_finished());
    }
}

async fn ask(address: SocketAddr) -> bool {
    let Ok(mut io) = TcpStream::connect(address).await else {
        return false;
    };
    let request = b"GET /public/x HTTP/1.1\r\nHost: wiki.test\r\nConnection: close\r\n\r\n";
    let mut answer = Vec::new();
    io.write_all(request).await.is_ok()
        && io.read_to_end(&mut answer).await.is_ok()
        && answer.starts_with(b"HTTP/1.1 200 ")
}

#[test]
fn http_2_floods_cost_neither_memory_nor_others_their_answers() {
    alone("gateway::floods::of_frames", &[]);
}

fn head(world: &World, method: &str, path: &str, more: &[(&str, &[u8])]) -> Vec<u8> {
    let cookie = format!("__Host-vestibule={}", world.token);
    let mut fields: Vec<(&str, &[u8])> = vec![
        (":method", method.as_bytes()),
        (":scheme", b"https"),
        (":authority", b"wiki.test"),
        (":path", path.as_bytes()),
        ("cookie", cookie.as_bytes()),
    ];
    fields.extend(more);
    block(&fields)
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "run by http_2_floods_cost_neither_memory_nor_others_their_answers, in a process of its own"]
async fn of_frames() {
    let world = World::with(|s, _| s.limits.stall = SECOND * 3).await;
    let get = head(&world, "GET", "/public/x", &[]);
    let post = head(&world, "POST", "/public/x", &[]);
    let whole = END_HEADERS | END_STREAM;
    let zero = [0u8; 4];
    let probe = Probe::start(world.http);
    // an entry of the dynamic table, then a byte for each repetition of it
    let entry = vec![b'x'; 3900];
    let mut bomb = head(&world, "GET", "/public/x", &[]);
    bomb.push(0x40);
    bomb.extend(&block(&[("bomb", &entry)])[1..]);
    let repeated = vec![0xbe; 15_000];
    type Make<'a> = Box<dyn Fn(u32) -> Vec<u8> + 'a>;
    let floods: Vec<(&str, u32, Vec<u8>, Make<'_>)> = vec![
        (
            "rapid reset",
            20_000,
            vec![],
            Box::new(|n| {
                let mut both = frame(HEADERS, whole, 2 * n + 1, &get);
                both.extend(frame(RESET, 0, 2 * n + 1, &8u32.to_be_bytes()));
                both
            }),
        ),
        (
            "resets that we are made to send",
            20_000,
            vec![],
            Box::new(|n| {
                let mut both = frame(HEADERS, whole, 2 * n + 1, &get);
                both.extend(frame(WINDOW, 0, 2 * n + 1, &zero));
                both
            }),
        ),
        (
            "continuations",
            20_000,
            frame(HEADERS, 0, 1, &get),
            Box::new(|n| {
                let name = format!("x-{n}");
                frame(CONTINUATION, 0, 1, &block(&[(&name, b"y")]))
            }),
        ),
        (
            "empty continuations",
            50_000,
            frame(HEADERS, 0, 1, &get),
            Box::new(|_| frame(CONTINUATION, 0, 1, b"")),
        ),
        (
            "a bomb of compressed fields",
            100,
            frame(HEADERS, whole, 1, &bomb),
            Box::new(|n| {
                let mut fields = get.clone();
                fields.extend(&repeated);
                frame(HEADERS, whole, 2 * n + 3, &fields)
            }),
        ),
        (
            "empty data",
            100_000,
            frame(HEADERS, END_HEADERS, 1, &post),
            Box::new(|_| frame(DATA, 0, 1, b"")),
        ),
        (
            "padding",
            20_000,
            frame(HEADERS, END_HEADERS, 1, &post),
            Box::new(|_| frame(DATA, 8, 1, &[10, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0])),
        ),
        (
            "settings",
            100_000,
            vec![],
            Box::new(|_| frame(SETTINGS, 0, 0, &[0, 4, 0, 0, 0xff, 0xff])),
        ),
        (
            "pings",
            100_000,
            vec![],
            Box::new(|_| frame(PING, 0, 0, &[0; 8])),
        ),
        (
            "priorities",
            100_000,
            vec![],
            Box::new(|n| frame(2, 0, 2 * n + 1, &[0, 0, 0, 0, 16])),
        ),
        (
            "frames of no known kind",
            100_000,
            vec![],
            Box::new(|_| frame(0xee, 0, 0, b"x")),
        ),
    ];
    ask(world.http).await;
    let before = memory("VmRSS");
    for (name, count, first, make) in floods {
        let mut flood = Frames::open(&world, "wiki.test").await;
        let mut alive = first.is_empty() || flood.raw(&first).await;
        let began = Instant::now();
        let mut sent = 0;
        // nothing of what comes back is read; a write that hangs is the other side's patience
        while alive && sent < count && began.elapsed() < SECOND * 4 {
            let batch: Vec<u8> = (sent..sent + 50).flat_map(&make).collect();
            alive = timeout(SECOND, flood.raw(&batch)).await.unwrap_or(false);
            sent += 50;
        }
        let now = memory("VmRSS");
        println!(
            "{name}: {sent} sent, {} MiB more",
            now.saturating_sub(before)
        );
        tokio::time::sleep(SECOND / 2).await;
        probe.was_served(name).await;
        assert!(now < before + 64, "{name}: from {before} to {now} MiB");
    }
    // twenty connections, a hundred streams each, none of which is ever read
    let large = head(&world, "GET", "/bytes?100000000", &[]);
    let others = {
        let outcomes = world.counts.outcomes.lock();
        outcomes.iter().filter(|o| **o != ("public", 200)).count()
    };
    let mut held = Vec::new();
    for _ in 0..20 {
        let mut frames = Frames::open(&world, "wiki.test").await;
        let mut batch = frame(SETTINGS, 0, 0, &[0, 4, 0, 0, 0, 0]);
        for n in 0..100 {
            batch.extend(frame(HEADERS, whole, 2 * n + 1, &large));
        }
        frames.raw(&batch).await;
        held.push(frames);
    }
    tokio::time::sleep(SECOND * 2).await;
    let now = memory("VmRSS");
    println!(
        "2000 streams that are not read: {} MiB more",
        now.saturating_sub(before)
    );
    // half a MiB each; applications' sockets and their buffers are in this process, too
    assert!(now < before + 1500, "from {before} to {now} MiB");
    let over = || {
        let outcomes = world.counts.outcomes.lock();
        outcomes.iter().filter(|o| **o != ("public", 200)).count()
    };
    let began = Instant::now();
    while over() < others + 2000 && began.elapsed() < SECOND * 40 {
        tokio::time::sleep(SECOND / 5).await;
    }
    let given_up = over() - others;
    assert!(given_up >= 2000, "{given_up} of 2000 are given up");
}

#[test]
fn five_hundred_slow_connections_leave_a_probe_its_answer() {
    let few = [
        ("VESTIBULE_SLOW", "500"),
        ("VESTIBULE_SLOW_PER_ADDRESS", "110"),
    ];
    alone("gateway::floods::of_slow_connections", &few);
}

/// Four thousand by themselves:
/// `cargo test --test it -- --ignored --exact --nocapture gateway::floods::of_slow_connections`.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "run by five_hundred_slow_connections_leave_a_probe_its_answer, in a process of its own"]
async fn of_slow_connections() {
    let many = setting("VESTIBULE_SLOW", 4000);
    let most = setting("VESTIBULE_SLOW_PER_ADDRESS", 1024);
    let world = World::with(|s, _| {
        s.limits.connections_per_address = u32::try_from(most).unwrap();
        s.limits.header = SECOND * 60;
    })
    .await;
    let before = memory("VmRSS");
    // five addresses, each with as many connections as it is granted, and more
    let per_address = many / 5;
    let more = most.saturating_sub(per_address) + 20;
    let probe = Probe::start(world.http);
    let stop = Arc::new(AtomicBool::new(false));
    let mut slow = Vec::new();
    let mut refused = 0;
    for address in 2..7u8 {
        for n in 0..per_address + if address == 2 { more } else { 0 } {
            let socket = TcpSocket::new_v4().unwrap();
            let from = IpAddr::V4(Ipv4Addr::new(127, 0, 0, address));
            socket.bind((from, 0).into()).unwrap();
            let door = if n % 4 == 3 { world.https } else { world.http };
            let mut io = socket.connect(door).await.unwrap();
            if n >= most {
                let mut byte = [0];
                let closed = timeout(SECOND * 5, io.read(&mut byte)).await;
                refused += usize::from(matches!(closed, Ok(Ok(0) | Err(_))));
                continue;
            }
            let first: &[u8] = match n % 4 {
                // heads that drip
                0 => b"GET /public/x HTTP/1.1\r\n",
                // bodies that drip
                1 => {
                    b"POST /public/x HTTP/1.1\r\nHost: wiki.test\r\nContent-Length: 100000\r\n\r\n"
                }
                // connections that are kept, and begin another head
                2 => b"GET /public/x HTTP/1.1\r\nHost: wiki.test\r\n\r\n",
                // hellos that drip
                _ => b"\x16\x03\x01\x02\x00",
            };
            io.write_all(first).await.unwrap();
            slow.push(io);
        }
    }
    assert_eq!(refused, 20, "beyond the cap of an address");
    let connected = slow.len();
    assert!(connected >= many, "{connected}");
    let stopping = Arc::clone(&stop);
    let dripping = tokio::spawn(async move {
        while !stopping.load(Ordering::SeqCst) {
            for io in &mut slow {
                // some are closed by now: hellos have ten seconds
                let _ = io.try_write(b"x");
            }
            tokio::time::sleep(SECOND).await;
        }
        slow.len()
    });
    probe.was_served("while they come").await;
    tokio::time::sleep(SECOND * 5).await;
    probe.was_served("while they drip").await;
    let now = memory("VmRSS");
    println!(
        "{connected} slow connections: {} MiB more",
        now.saturating_sub(before)
    );
    assert!(
        now < before + 100 + connected as u64 / 8,
        "from {before} to {now} MiB"
    );
    stop.store(true, Ordering::SeqCst);
    assert_eq!(dripping.await.unwrap(), connected);
}

#[test]
fn bodies_of_any_size_pass_in_bounded_memory() {
    alone(
        "gateway::floods::of_bytes",
        &[("VESTIBULE_MEBIBYTES", "256")],
    );
}

/// Four GiB each way by itself:
/// `cargo test --test it -- --ignored --exact --nocapture gateway::floods::of_bytes`.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "run by bodies_of_any_size_pass_in_bounded_memory, in a process of its own"]
async fn of_bytes() {
    let many = setting("VESTIBULE_MEBIBYTES", 4096) * 1024 * 1024;
    let world = World::start().await;
    let cookie = format!("Cookie: __Host-vestibule={}\r\n", world.token);
    ask(world.http).await;
    let before = memory("VmRSS");
    let mut wire = world.plain().await;
    wire.send(format!(
        "GET /bytes?{many} HTTP/1.1\r\nHost: wiki.test\r\n{cookie}Connection: close\r\n\r\n"
    ))
    .await;
    wire.head().await;
    let (read, ended) = wire.drained(SECOND * 600).await;
    assert_eq!((read, ended), (many, true));
    let mut wire = world.plain().await;
    wire.send(format!(
        "POST /upload HTTP/1.1\r\nHost: wiki.test\r\n{cookie}Content-Length: {many}\r\n\r\n"
    ))
    .await;
    let piece = vec![b'x'; 1024 * 1024];
    for _ in 0..many / piece.len() {
        wire.send(&piece).await;
    }
    assert_eq!(
        wire.answer().await.unwrap().text(),
        format!("received {many}")
    );
    let most = memory("VmHWM");
    println!(
        "{many} bytes each way: at most {} MiB more",
        most.saturating_sub(before)
    );
    assert!(most < before + 48, "from {before} to {most} MiB");
}
