//! Nodes as processes: started, killed without a warning, stopped and let go on.

use super::database::signal;
use crate::whole::browser::Browser;
use crate::whole::site::{LOGIN, Net};
use rustix::process::Signal;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;
use tokio::process::{Child, Command};
use vestibule::env::variable;

pub(crate) struct Node {
    config: PathBuf,
    /// Straight to it, past the balancer.
    pub(crate) net: Net,
    child: Option<Child>,
}

impl Node {
    pub(crate) fn new(config: &Path, net: Net) -> Self {
        Self {
            config: config.to_owned(),
            net,
            child: None,
        }
    }

    /// Starts it.
    pub(crate) fn begin(&mut self) {
        let log = std::fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(self.log())
            .unwrap();
        let built = || env!("CARGO_BIN_EXE_vestibule").to_owned();
        let child = Command::new(variable("STORM_PROGRAM").unwrap_or_else(built))
            .args(["serve", "--log", "warn", "--config"])
            .arg(&self.config)
            .stdout(Stdio::from(log.try_clone().unwrap()))
            .stderr(Stdio::from(log))
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        self.child = Some(child);
    }

    /// Starts it and waits until it answers.
    pub(crate) async fn start(&mut self) {
        self.begin();
        for _ in 0..1200 {
            let mut b = Browser::new(self.net.clone());
            let ask = b.visit(&self.net.url(LOGIN, "/signed-out"));
            let answer = tokio::time::timeout(Duration::from_secs(5), b.try_send(&ask)).await;
            if let Ok(Some(answer)) = answer {
                assert_eq!(answer.status, 200);
                return;
            }
            if let Some(status) = self.child.as_mut().unwrap().try_wait().unwrap() {
                panic!("it does not start again: {status}\n{}", self.last_words());
            }
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
        panic!("it does not answer");
    }

    pub(crate) async fn kill(&mut self) {
        let mut child = self.child.take().unwrap();
        child.start_kill().unwrap();
        child.wait().await.unwrap();
    }

    pub(super) fn stop(&self) {
        signal(self.id(), Signal::STOP);
    }

    pub(super) fn go_on(&self) {
        signal(self.id(), Signal::CONT);
    }

    fn id(&self) -> u32 {
        self.child.as_ref().and_then(Child::id).unwrap()
    }

    fn log(&self) -> PathBuf {
        self.config.with_extension("log")
    }

    /// The end of its log.
    pub(super) fn last_words(&self) -> String {
        let text = std::fs::read_to_string(self.log()).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(15)..].join("\n")
    }
}
