//! Says when requests of a fixed rate are due.
//!
//! The timers of the event loops tick in milliseconds, which is longer than many answers take. So one thread of its
//! own sleeps from one arrival to the next, to the microsecond, and hands out what is due.

use super::slice::Slice;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::time::Instant;

/// Never sleeps longer, so that an early end is noticed.
const NAP: Duration = Duration::from_millis(50);

/// Begins to hand out what is due in this slice; ends with it.
pub(super) fn start(slice: Arc<Slice>) -> std::io::Result<JoinHandle<()>> {
    std::thread::Builder::new()
        .name("arrivals".to_owned())
        .spawn(move || hand_out(&slice))
}

fn hand_out(slice: &Slice) {
    let Some(arrivals) = &slice.arrivals else {
        return;
    };
    wake_exactly();
    let mut released = 0u64;
    loop {
        let now = Instant::now();
        if slice.is_over(now) {
            arrivals.close();
            return;
        }
        let due = match now.checked_duration_since(slice.begins) {
            Some(since) => arrivals.due_by(since),
            None => 0,
        };
        if let Some(more) = due.checked_sub(released).filter(|more| *more > 0) {
            arrivals.release(usize::try_from(more).unwrap_or(usize::MAX));
            released = due;
        }
        let next = slice.begins + arrivals.due_after(released);
        let wait = next.saturating_duration_since(Instant::now());
        let until_end = slice.window.to.saturating_duration_since(Instant::now());
        std::thread::sleep(wait.min(NAP).min(until_end));
    }
}

/// Linux lets a sleeping thread lie for 50 µs longer than asked unless told otherwise.
fn wake_exactly() {
    let Ok(this) = std::fs::read_link("/proc/thread-self") else {
        return;
    };
    if let Some(thread) = this.file_name() {
        let file = std::path::Path::new("/proc")
            .join(thread)
            .join("timerslack_ns");
        let _ = std::fs::write(file, "1");
    }
}
