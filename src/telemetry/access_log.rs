//! Where requests are written down: a file or a standard stream, by a thread of its own.
//!
//! A request hands its line over and goes on: a disk that is slow or full costs lines, never an answer. What is
//! lost is counted, and the program's log says so.

use super::line::LineFormat;
use prometheus_client::metrics::counter::Counter;
use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::time::Duration;
use tokio::time::Instant;

/// Lines that may wait for the disk.
const QUEUE: usize = 8192;
/// Written at once, at most.
const BATCH: usize = 64 * 1024;
/// How often a file is looked for that was moved away, and lost lines are told.
const LOOK: Duration = Duration::from_secs(1);
const TELL: Duration = Duration::from_secs(10);

/// Where the lines go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    Stdout,
    Stderr,
    File(PathBuf),
}

enum Order {
    Line(Vec<u8>),
    /// Answered when everything before is written.
    Flush(SyncSender<()>),
    Reopen,
}

/// The access log. The thread ends when the last handle is gone and all is written.
#[derive(Debug)]
pub struct AccessLog {
    format: LineFormat,
    orders: SyncSender<Order>,
    lost: Counter,
}

impl AccessLog {
    /// Fails where the file cannot be opened. `lost` counts lines that are not written.
    pub fn open(format: LineFormat, target: Target, lost: Counter) -> io::Result<Self> {
        let output = match target {
            Target::Stdout => Output::Stream(Box::new(io::stdout())),
            Target::Stderr => Output::Stream(Box::new(io::stderr())),
            Target::File(path) => Output::File(Appended::open(path)?),
        };
        Self::over(format, output, lost, QUEUE)
    }

    fn over(format: LineFormat, output: Output, lost: Counter, queue: usize) -> io::Result<Self> {
        let (orders, taken) = sync_channel(queue);
        let mut writer = Writer {
            output,
            lost: lost.clone(),
            told: 0,
            torn: false,
            looked_at: Instant::now(),
            told_at: None,
        };
        std::thread::Builder::new()
            .name("access-log".to_owned())
            .spawn(move || writer.work(&taken))?;
        Ok(Self {
            format,
            orders,
            lost,
        })
    }

    pub const fn format(&self) -> LineFormat {
        self.format
    }

    /// Never waits: where the queue is full the line is lost and counted.
    pub fn write(&self, line: Vec<u8>) {
        if self.orders.try_send(Order::Line(line)).is_err() {
            self.lost.inc();
        }
    }

    /// Opens the file anew, also where it is still in its place. The thread does so by itself within a second
    /// after the file was moved or removed.
    pub fn reopen(&self) {
        // a full queue means that the thread looks for the file soon anyway
        let _ = self.orders.try_send(Order::Reopen);
    }

    /// Waits until what was handed over is written, at most so long. Blocks its thread.
    pub fn flush(&self, longest: Duration) -> bool {
        let (done, wait) = sync_channel(1);
        let until = Instant::now() + longest;
        let mut order = Order::Flush(done);
        while let Err(refused) = self.orders.try_send(order) {
            match refused {
                TrySendError::Full(back) if Instant::now() < until => order = back,
                TrySendError::Full(_) | TrySendError::Disconnected(_) => return false,
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        wait.recv_timeout(longest).is_ok()
    }
}

enum Output {
    Stream(Box<dyn Write + Send>),
    File(Appended),
}

/// A file that is only appended to.
struct Appended {
    path: PathBuf,
    file: File,
    is: (u64, u64),
}

impl Appended {
    fn open(path: PathBuf) -> io::Result<Self> {
        let regular = |is: &Metadata| is.is_file();
        // opening a pipe would wait for its reader
        if std::fs::metadata(&path).is_ok_and(|is| !regular(&is)) {
            return Err(io::Error::other("it is not a file"));
        }
        let mut options = OpenOptions::new();
        let file = options.append(true).create(true).mode(0o640).open(&path)?;
        let is = identity(&file.metadata()?);
        Ok(Self { path, file, is })
    }

    fn was_moved(&self) -> bool {
        std::fs::metadata(&self.path).map_or(true, |now| identity(&now) != self.is)
    }
}

fn identity(is: &Metadata) -> (u64, u64) {
    (is.dev(), is.ino())
}

struct Writer {
    output: Output,
    lost: Counter,
    /// How many lost lines the program's log knows of.
    told: u64,
    /// The last write ended inside a line.
    torn: bool,
    looked_at: Instant,
    told_at: Option<Instant>,
}

impl Writer {
    fn work(&mut self, orders: &Receiver<Order>) {
        let mut batch = Batch::default();
        loop {
            let order = match orders.recv_timeout(LOOK) {
                Ok(order) => Some(order),
                Err(RecvTimeoutError::Timeout) => None,
                Err(RecvTimeoutError::Disconnected) => break,
            };
            self.look();
            let mut next = order;
            while let Some(order) = next {
                match order {
                    Order::Line(line) => batch.push(&line),
                    Order::Flush(done) => {
                        self.write(&mut batch);
                        // who asked may have stopped waiting
                        let _ = done.try_send(());
                    }
                    Order::Reopen => {
                        self.write(&mut batch);
                        self.reopen();
                    }
                }
                if batch.bytes.len() >= BATCH {
                    self.write(&mut batch);
                    self.look();
                }
                next = orders.try_recv().ok();
            }
            self.write(&mut batch);
        }
    }

    fn write(&mut self, batch: &mut Batch) {
        if batch.lines == 0 {
            return;
        }
        let out: &mut dyn Write = match &mut self.output {
            Output::Stream(stream) => stream,
            Output::File(appended) => &mut appended.file,
        };
        let begun = match self.torn {
            true => out.write_all(b"\n"),
            false => Ok(()),
        };
        let written = begun.and_then(|()| {
            self.torn = false;
            out.write_all(&batch.bytes).and_then(|()| out.flush())
        });
        if let Err(fault) = written {
            // how much of it arrived is not known
            self.torn = true;
            self.lost.inc_by(batch.lines);
            self.tell(Some(&fault));
        }
        batch.bytes.clear();
        batch.lines = 0;
    }

    /// Once a second: is the file still in its place, and has anything been lost?
    fn look(&mut self) {
        if self.looked_at.elapsed() < LOOK {
            return;
        }
        self.looked_at = Instant::now();
        if matches!(&self.output, Output::File(file) if file.was_moved()) {
            self.reopen();
        }
        self.tell(None);
    }

    /// Where the path cannot be opened, lines go on into the file that is open.
    fn reopen(&mut self) {
        let Output::File(current) = &mut self.output else {
            return;
        };
        let path: &Path = &current.path;
        match Appended::open(path.to_owned()) {
            Ok(opened) => {
                *current = opened;
                self.torn = false;
            }
            Err(fault) => {
                tracing::error!(path = %path.display(), error = %fault, "the access log cannot be opened anew; lines go on into the file that was moved");
            }
        }
    }

    fn tell(&mut self, fault: Option<&io::Error>) {
        let lost = self.lost.get();
        let recently = self.told_at.is_some_and(|at| at.elapsed() < TELL);
        if lost <= self.told || recently {
            return;
        }
        let (lines, fault) = (lost - self.told, fault.map(ToString::to_string));
        tracing::error!(lines, error = fault, "lines of the access log are lost");
        self.told = lost;
        self.told_at = Some(Instant::now());
    }
}

#[derive(Default)]
struct Batch {
    bytes: Vec<u8>,
    lines: u64,
}

impl Batch {
    fn push(&mut self, line: &[u8]) {
        self.bytes.extend_from_slice(line);
        self.lines += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    const LONG: Duration = Duration::from_secs(20);

    fn open(path: &Path) -> AccessLog {
        let target = Target::File(path.to_owned());
        AccessLog::open(LineFormat::Json, target, Counter::default()).unwrap()
    }

    fn read(path: &Path) -> String {
        std::fs::read_to_string(path).unwrap_or_default()
    }

    #[test]
    fn a_file_that_is_moved_away_is_made_anew() {
        let dir = tempfile::tempdir().unwrap();
        let (path, moved) = (dir.path().join("access.log"), dir.path().join("access.1"));
        let log = open(&path);
        log.write(b"one\n".to_vec());
        assert!(log.flush(LONG));
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o137, 0, "others may read it, or it can be executed");
        std::fs::rename(&path, &moved).unwrap();
        let started = Instant::now();
        while !path.exists() && started.elapsed() < LONG {
            std::thread::sleep(Duration::from_millis(20));
        }
        log.write(b"two\n".to_vec());
        assert!(log.flush(LONG));
        assert_eq!(
            (read(&moved), read(&path)),
            ("one\n".into(), "two\n".into())
        );
        // and at once where it is asked for
        std::fs::remove_file(&path).unwrap();
        log.reopen();
        log.write(b"three\n".to_vec());
        assert!(log.flush(LONG));
        assert_eq!(read(&path), "three\n");
    }

    /// A disk on which nothing moves until the other end is dropped.
    struct Stuck(Receiver<()>);

    impl Write for Stuck {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let _ = self.0.recv();
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_disk_that_hangs_costs_lines_and_holds_nobody_up() {
        let (release, held) = sync_channel(0);
        let lost = Counter::default();
        let output = Output::Stream(Box::new(Stuck(held)));
        let log = AccessLog::over(LineFormat::Json, output, lost.clone(), 4).unwrap();
        // the batch under way may have taken some, the queue takes four
        for _ in 0..100_000 {
            log.write(b"line\n".to_vec());
        }
        assert!(lost.get() > 0);
        assert!(lost.get() < 100_000);
        drop(release);
        assert!(log.flush(LONG));
    }

    #[test]
    fn a_full_disk_is_counted() {
        let lost = Counter::default();
        let full = OpenOptions::new().write(true).open("/dev/full").unwrap();
        let output = Output::Stream(Box::new(full));
        let log = AccessLog::over(LineFormat::Json, output, lost.clone(), 16).unwrap();
        log.write(b"line\n".to_vec());
        assert!(log.flush(LONG));
        assert_eq!(lost.get(), 1);
    }

    #[test]
    fn only_files_are_opened() {
        let dir = tempfile::tempdir().unwrap();
        let target = Target::File(dir.path().to_owned());
        assert!(AccessLog::open(LineFormat::Json, target, Counter::default()).is_err());
    }
}
