//! Ports for what has to be told its port before it listens.

use std::net::TcpListener;
use std::sync::atomic::{AtomicU16, Ordering};

/// A port that nobody has, below those that the system gives to connections and to sockets that do not care: between
/// this answer and its use nobody gets it by chance. Each is given once in a process.
pub(crate) fn free() -> u16 {
    const FIRST: u16 = 11_000;
    const COUNT: u16 = 20_000;
    static NEXT: AtomicU16 = AtomicU16::new(0);
    // several processes of tests run at once, each from a place of its own
    let begin = (std::process::id() % 997) as u16 * 20;
    for _ in 0..COUNT {
        let step = NEXT.fetch_add(1, Ordering::Relaxed);
        let port = FIRST + begin.wrapping_add(step) % COUNT;
        let addresses = ["127.0.0.1", "[::1]"].map(|ip| TcpListener::bind(format!("{ip}:{port}")));
        let [four, six] = addresses;
        let taken = |e: &std::io::Error| e.kind() == std::io::ErrorKind::AddrInUse;
        if four.is_ok() && !six.as_ref().is_err_and(taken) {
            return port;
        }
    }
    panic!("no port is free");
}
