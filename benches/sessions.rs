//! Live sessions in the gateway's memory: `cargo bench --bench sessions -- STORE COUNT [ROUNDS]`. `benches/figures` makes
//! the store with `benches/fill` and compares the counts.
//!
//! Finds each of COUNT sessions once, so that all are cached, then says how many bytes each takes, and what
//! a look-up costs when any of them may come next. The clock stands still: in the running gateway a session that nobody
//! uses for a minute leaves the cache.

use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};
use vestibule::authn::sessions::Sessions;
use vestibule::domain::host::Host;
use vestibule::domain::secret::Token;
use vestibule::domain::session::Rules;
use vestibule::env::{Entropy, Env, ManualClock};
use vestibule::store::sqlite::SqliteStore;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Nothing here is random.
struct Zero;

impl Entropy for Zero {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(0);
    }
}

/// Resident memory of this process, in bytes.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|l| l.starts_with("RssAnon:")).unwrap();
    let kilobytes: u64 = line.split_whitespace().nth(1).unwrap().parse().unwrap();
    kilobytes * 1024
}

/// As `benches/fill` has it.
fn cookie(number: usize) -> String {
    use sha2::Digest as _;
    let bytes = sha2::Sha256::digest(format!("bench {number}"));
    Token::from_random(bytes.into()).reveal()
}

#[expect(
    clippy::disallowed_methods,
    reason = "a bench measures by the machine's clock"
)]
fn main() {
    let given: Vec<String> = std::env::args()
        .skip(1)
        .filter(|a| a != "--bench")
        .collect();
    let [store, count, rest @ ..] = &given[..] else {
        println!("sessions STORE COUNT [ROUNDS]: see benches/figures, which runs it");
        return;
    };
    let count: usize = count.parse().unwrap();
    let rounds: usize = rest.first().map_or(1_000_000, |r| r.parse().unwrap());
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let store = SqliteStore::open(std::path::Path::new(store)).await.unwrap();
        let now = std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .unwrap();
        let clock = ManualClock::at(i64::try_from(now.as_secs()).unwrap());
        let env = Env::new(Arc::new(clock), Arc::new(Zero));
        let rules = Rules {
            idle: Duration::from_secs(3600),
            lifetime: Duration::from_secs(36_000),
        };
        let sessions = Arc::new(Sessions::new(Arc::new(store), env, rules));
        let host = Host::parse("app.bench.test");
        let find_all = async |numbers: std::ops::Range<usize>| {
            let mut tasks = tokio::task::JoinSet::new();
            const AT_ONCE: usize = 4;
            for part in 0..AT_ONCE {
                let (sessions, host) = (Arc::clone(&sessions), host.clone());
                let numbers = numbers.clone().skip(part).step_by(AT_ONCE);
                tasks.spawn(async move {
                    let mut found = 0;
                    for number in numbers {
                        let view = sessions.find(&cookie(number), host.as_ref()).await.unwrap();
                        found += usize::from(view.is_some());
                    }
                    found
                });
            }
            tasks.join_all().await.into_iter().sum::<usize>()
        };
        // the store's own memory is there before: the page cache of each of its connections
        let first = 20_000.min(count / 2);
        find_all(0..first).await;
        let warm = resident();
        let began = Instant::now();
        let found = find_all(first..count).await;
        let filled = began.elapsed();
        let bytes = resident().saturating_sub(warm) / found.max(1) as u64;
        // any of them may come next
        let mut number = 1usize;
        let cookies: Vec<String> = (0..rounds.min(100_000))
            .map(|_| {
                number = number.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                cookie((number >> 20) % count)
            })
            .collect();
        let began = Instant::now();
        let mut hits = 0;
        for turn in 0..rounds {
            let cookie = &cookies[turn % cookies.len()];
            let view = sessions.find(black_box(cookie), host.as_ref()).await.unwrap();
            if let Some(view) = view {
                sessions.seen(&view);
                hits += 1;
            }
        }
        let each = began.elapsed().as_nanos() / rounds.max(1) as u128;
        assert_eq!(hits, rounds);
        println!(
            "{{\"count\": {count}, \"cached\": {found}, \"bytes_each\": {bytes}, \"load_us\": {:.1}, \"look_up_ns\": {each}}}",
            filled.as_secs_f64() * 1e6 / found.max(1) as f64
        );
    });
}
