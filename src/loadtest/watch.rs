//! What processes cost: CPU and memory, as Linux tells it in /proc.
//!
//! CPU is the sum over all threads of a process and of the processes it has started (`task/*/schedstat`: nanoseconds
//! that were spent on a CPU). What a thread spent that has ended between two looks is not in it; servers keep theirs.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// One look at some processes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Look {
    /// Nanoseconds on a CPU, by process and thread.
    threads: BTreeMap<(u32, u32), u64>,
    /// Resident memory of all of them, in bytes.
    pub memory: u64,
    pub processes: usize,
}

impl Look {
    /// CPU time since an earlier look.
    pub fn since(&self, earlier: &Self) -> Duration {
        let spent = self.threads.iter().map(|(thread, now)| {
            let before = earlier.threads.get(thread).copied().unwrap_or(0);
            now.saturating_sub(before)
        });
        Duration::from_nanos(spent.sum())
    }
}

/// Looks at processes, with their descendants where those are wanted.
#[derive(Clone, Debug)]
pub struct Watcher {
    proc: PathBuf,
    roots: Vec<u32>,
    descendants: bool,
}

impl Watcher {
    /// These processes and those that they have started.
    pub fn of(roots: &[u32]) -> Self {
        Self {
            proc: PathBuf::from("/proc"),
            roots: roots.to_vec(),
            descendants: true,
        }
    }

    /// This process alone.
    pub fn own() -> Self {
        Self {
            proc: PathBuf::from("/proc"),
            roots: vec![std::process::id()],
            descendants: false,
        }
    }

    /// A process that is not there, if one is not.
    pub fn missing(&self) -> Option<u32> {
        let gone = |pid: &&u32| !self.proc.join(pid.to_string()).join("stat").exists();
        self.roots.iter().find(gone).copied()
    }

    pub fn look(&self) -> Look {
        let mut look = Look::default();
        for pid in self.everybody() {
            let home = self.proc.join(pid.to_string());
            let threads = cpu_of(&home);
            if threads.is_empty() {
                continue;
            }
            look.processes += 1;
            look.memory += memory_of(&home).unwrap_or(0);
            for (thread, spent) in threads {
                look.threads.insert((pid, thread), spent);
            }
        }
        look
    }

    fn everybody(&self) -> BTreeSet<u32> {
        let mut found: BTreeSet<u32> = self.roots.iter().copied().collect();
        if !self.descendants {
            return found;
        }
        let mut children: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
        for pid in numbered(&self.proc) {
            if let Some(parent) = parent_of(&self.proc.join(pid.to_string())) {
                children.entry(parent).or_default().push(pid);
            }
        }
        let mut open: Vec<u32> = self.roots.clone();
        while let Some(pid) = open.pop() {
            for child in children.get(&pid).into_iter().flatten() {
                if found.insert(*child) {
                    open.push(*child);
                }
            }
        }
        found
    }
}

/// Folders whose name is a number.
fn numbered(dir: &Path) -> Vec<u32> {
    let Ok(entries) = fs::read_dir(dir) else {
        return Vec::new();
    };
    entries
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .collect()
}

/// The fields of a `stat` file after the name, which may hold anything: the first is the state.
fn fields(stat: &str) -> Option<Vec<&str>> {
    let (_, rest) = stat.rsplit_once(')')?;
    Some(rest.split_ascii_whitespace().collect())
}

fn parent_of(home: &Path) -> Option<u32> {
    let stat = fs::read_to_string(home.join("stat")).ok()?;
    fields(&stat)?.get(1)?.parse().ok()
}

fn cpu_of(home: &Path) -> Vec<(u32, u64)> {
    let tasks = home.join("task");
    let spent = |thread: u32| {
        let task = tasks.join(thread.to_string());
        let exact = fs::read_to_string(task.join("schedstat")).ok();
        let exact = exact.and_then(|text| text.split_ascii_whitespace().next()?.parse().ok());
        let spent = match exact {
            Some(nanoseconds) => nanoseconds,
            None => ticks(&fs::read_to_string(task.join("stat")).ok()?)?,
        };
        Some((thread, spent))
    };
    numbered(&tasks).into_iter().filter_map(spent).collect()
}

/// utime and stime, for kernels without schedstat: hundredths of a second, as every Linux counts them for programs.
fn ticks(stat: &str) -> Option<u64> {
    let fields = fields(stat)?;
    let ticks = |at: usize| fields.get(at)?.parse::<u64>().ok();
    Some((ticks(11)? + ticks(12)?) * 10_000_000)
}

fn memory_of(home: &Path) -> Option<u64> {
    let status = fs::read_to_string(home.join("status")).ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kibibytes: u64 = line.split_ascii_whitespace().next()?.parse().ok()?;
    Some(kibibytes * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Fake(tempfile::TempDir);

    impl Fake {
        fn process(&self, pid: u32, parent: u32, threads: &[(u32, Option<u64>)]) {
            let home = self.0.path().join(pid.to_string());
            for (thread, spent) in threads {
                let task = home.join("task").join(thread.to_string());
                fs::create_dir_all(&task).unwrap();
                let stat = format!("{thread} (a) b) S {parent} 1 1 0 -1 4 1 2 3 4 7 5 0 0 20 0");
                fs::write(task.join("stat"), &stat).unwrap();
                fs::write(home.join("stat"), &stat).unwrap();
                if let Some(spent) = spent {
                    fs::write(task.join("schedstat"), format!("{spent} 5 6\n")).unwrap();
                }
            }
            fs::write(
                home.join("status"),
                "Name:\tx\nVmRSS:\t    12 kB\nThreads:\t1\n",
            )
            .unwrap();
        }
        fn watcher(&self, roots: &[u32]) -> Watcher {
            Watcher {
                proc: self.0.path().to_owned(),
                ..Watcher::of(roots)
            }
        }
    }

    #[test]
    fn a_process_with_its_threads_and_descendants() {
        let fake = Fake(tempfile::tempdir().unwrap());
        fake.process(10, 1, &[(10, Some(100)), (11, Some(200))]);
        fake.process(20, 10, &[(20, Some(1000))]);
        fake.process(30, 20, &[(30, Some(5000))]);
        fake.process(40, 1, &[(40, Some(1_000_000))]);
        let watcher = fake.watcher(&[10]);
        let before = watcher.look();
        assert_eq!((before.processes, before.memory), (3, 3 * 12 * 1024));
        assert_eq!(before.since(&Look::default()), Duration::from_nanos(6300));
        fake.process(10, 1, &[(11, Some(250)), (12, Some(7))]);
        assert_eq!(watcher.look().since(&before), Duration::from_nanos(57));
        assert_eq!(
            (watcher.missing(), fake.watcher(&[10, 99]).missing()),
            (None, Some(99))
        );
    }

    #[test]
    fn without_schedstat_ticks_must_do() {
        let fake = Fake(tempfile::tempdir().unwrap());
        fake.process(10, 1, &[(10, None)]);
        let look = fake.watcher(&[10]).look();
        // utime 7, stime 5
        assert_eq!(look.since(&Look::default()), Duration::from_millis(120));
    }

    #[test]
    fn this_process_spends_something() {
        let watcher = Watcher::own();
        let before = watcher.look();
        assert_eq!((before.processes, watcher.missing()), (1, None));
        let mut sum = 0u64;
        for n in 0..30_000_000u64 {
            sum = std::hint::black_box(sum.wrapping_add(n * n));
        }
        assert!(watcher.look().since(&before) > Duration::ZERO, "{sum}");
        assert!(before.memory > 1024 * 1024);
    }
}
