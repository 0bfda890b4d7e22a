//! A browser that is told by every answer where it stands: done, refused, or in the dark.

use crate::support::client::{Answer, Wire, tls};
use crate::whole::browser::{Ask, Browser, SESSION, field};
use crate::whole::site::{LOGIN, Net, PASSWORD, WIKI};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// What the clients of a storm did.
#[derive(Default)]
pub(super) struct Counts {
    pub(super) requests: AtomicU64,
    pub(super) unanswered: AtomicU64,
    /// Forms that were sent and may have been done or not.
    pub(super) in_the_dark: AtomicU64,
    pub(super) replays: AtomicU64,
}

#[derive(Clone)]
pub(super) struct Walker {
    pub(super) browser: Browser,
    counts: Arc<Counts>,
}

/// What became of a form.
#[derive(Debug)]
pub(super) enum Sent {
    /// Its page never came.
    Not,
    /// It was sent, and nobody knows whether it was done: no answer, or one that says it could not be told.
    InTheDark,
    Answered(Answer),
}

const PATIENCE: Duration = Duration::from_secs(8);

impl Walker {
    pub(super) fn new(browser: Browser, counts: Arc<Counts>) -> Self {
        Self { browser, counts }
    }

    /// The same browser, straight to one node.
    pub(super) fn at(&self, node: &Net) -> Self {
        let mut there = self.clone();
        there.browser.net = node.clone();
        there
    }

    /// The answer, where there is one that says anything.
    pub(super) async fn ask(&mut self, ask: Ask) -> Option<Answer> {
        self.counts.requests.fetch_add(1, Ordering::Relaxed);
        let answer = tokio::time::timeout(PATIENCE, self.browser.try_send(&ask)).await;
        self.browser.at = ask.url;
        let answer = answer.ok().flatten().filter(|answer| answer.status < 500);
        if answer.is_none() {
            self.counts.unanswered.fetch_add(1, Ordering::Relaxed);
        }
        answer
    }

    pub(super) async fn get(&mut self, host: &str, path: &str) -> Option<Answer> {
        let ask = self.browser.visit(&self.browser.net.url(host, path));
        self.ask(ask).await
    }

    /// A page of the portal, asked for again a few times, as people do.
    pub(super) async fn page(&mut self, path: &str) -> Option<Answer> {
        for _ in 0..3 {
            if let Some(answer) = self.followed(path).await {
                return Some(answer);
            }
            tokio::time::sleep(Duration::from_millis(400)).await;
        }
        None
    }

    async fn followed(&mut self, path: &str) -> Option<Answer> {
        let ask = self.browser.visit(&self.browser.net.url(LOGIN, path));
        let mut answer = self.ask(ask).await?;
        for _ in 0..5 {
            let Some(to) = answer.header("location") else {
                return Some(answer);
            };
            let at = url::Url::parse(&self.browser.at).unwrap();
            let to = at.join(to).unwrap().to_string();
            let ask = self.browser.visit(&to);
            answer = self.ask(ask).await?;
        }
        Some(answer)
    }

    /// Sends a form with the anti-forgery value of the page at `shown`.
    pub(super) async fn form(&mut self, shown: &str, path: &str, fields: &[(&str, &str)]) -> Sent {
        let Some(page) = self.page(shown).await else {
            return Sent::Not;
        };
        let html = page.text();
        let Some(csrf) = field(&html, "csrf") else {
            return Sent::Not;
        };
        let to = field(&html, "to");
        let mut all = vec![("csrf", csrf.as_str())];
        all.extend(to.iter().map(|to| ("to", to.as_str())));
        all.extend(fields);
        let ask = self.browser.form(path, &all);
        match self.ask(ask).await {
            Some(answer) => Sent::Answered(answer),
            None => {
                self.counts.in_the_dark.fetch_add(1, Ordering::Relaxed);
                Sent::InTheDark
            }
        }
    }

    /// The first door, tried until it says something.
    pub(super) async fn password(&mut self, login: &str) -> Option<Answer> {
        let fields = [("username", login), ("password", PASSWORD)];
        for _ in 0..4 {
            match self.form("/signin", "/signin", &fields).await {
                Sent::Answered(answer) => return Some(answer),
                Sent::Not | Sent::InTheDark => {}
            }
        }
        None
    }

    /// Past the first door, to where a code is asked for.
    pub(super) async fn at_second_door(&mut self, login: &str) -> Option<()> {
        let answer = self.password(login).await?;
        (answer.header("location") == Some("/signin/code")).then_some(())
    }

    /// An open WebSocket to the wiki.
    pub(super) async fn socket(&self) -> Wire {
        const UPGRADE: &str = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
        let net = &self.browser.net;
        let stream = tls(net.address, WIKI, &net.roots, &[b"http/1.1"]).await;
        let mut wire = Wire::over(Box::new(stream.unwrap()));
        let (port, cookie) = (
            net.address.port(),
            self.browser.cookie(WIKI, SESSION).unwrap(),
        );
        wire.send(format!(
            "GET /ws HTTP/1.1\r\nHost: {WIKI}:{port}\r\nCookie: {SESSION}={cookie}\r\n{UPGRADE}\r\n"
        ))
        .await;
        let head = wire.head().await;
        assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
        wire
    }

    pub(super) fn replay(&self) {
        self.counts.replays.fetch_add(1, Ordering::Relaxed);
    }
}

impl Sent {
    pub(super) fn leads_to(&self, place: &str) -> bool {
        self.location().is_some_and(|location| location == place)
    }

    pub(super) fn location(&self) -> Option<&str> {
        match self {
            Self::Answered(answer) => answer.header("location"),
            Self::Not | Self::InTheDark => None,
        }
    }
}
