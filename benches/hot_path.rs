//! What every request pays for: `cargo bench --bench hot_path`. Compare within one run; the figures of two
//! runs differ by what else the machine was doing. A million sessions: `benches/figures sessions`.

mod pieces;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() {
    divan::main();
}

#[divan::bench(args = pieces::COUNTED.iter().chain(pieces::TIMED_ONLY))]
fn piece(bencher: divan::Bencher<'_, '_>, name: &str) {
    let piece = pieces::prepare(name).unwrap();
    bencher.bench_local(piece);
}
