//! Names and their addresses: asked for when first needed, then asked again in the background.
//!
//! A good answer outlives a name service that fails. Whoever comes while a name is asked for the first time
//! waits for the one question that is under way.

use super::roster::bare;
use arc_swap::ArcSwapOption;
use parking_lot::Mutex;
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;
use tokio::time::Instant;

/// How long an answer is used before it is asked for again in the background.
const TTL: Duration = Duration::from_secs(30);
/// An answer that nobody has used for this long is asked for again before it is used.
const STALE: Duration = Duration::from_secs(300);
/// How long a failure stands before another try.
const FAILURE_TTL: Duration = Duration::from_secs(1);
/// How long one look-up may take.
const TIMEOUT: Duration = Duration::from_secs(5);

/// The names in use, each once.
#[derive(Debug, Default)]
pub(super) struct Names(Mutex<HashMap<String, Weak<Name>>>);

impl Names {
    pub(super) fn of(&self, host: &str) -> Arc<Name> {
        let mut names = self.0.lock();
        if let Some(name) = names.get(host).and_then(Weak::upgrade) {
            return name;
        }
        let name = Arc::new(Name {
            host: host.to_owned(),
            answer: ArcSwapOption::empty(),
            asking: AtomicBool::new(false),
            question: tokio::sync::Mutex::new(()),
        });
        names.insert(host.to_owned(), Arc::downgrade(&name));
        name
    }

    pub(super) fn forget_unused(&self) {
        self.0.lock().retain(|_, name| name.strong_count() > 0);
    }
}

/// One name.
#[derive(Debug)]
pub(super) struct Name {
    host: String,
    answer: ArcSwapOption<Answer>,
    /// A question is under way in the background.
    asking: AtomicBool,
    /// Held by who asks in the foreground.
    question: tokio::sync::Mutex<()>,
}

#[derive(Debug)]
struct Answer {
    /// Sorted; the same allocation for as long as they stay the same.
    addresses: Arc<[IpAddr]>,
    asked_at: Instant,
    failed: bool,
}

impl Name {
    pub(super) fn host(&self) -> &str {
        &self.host
    }

    /// What can be used without waiting; starts a question in the background where the answer is old.
    pub(super) fn known(self: &Arc<Self>) -> Option<Arc<[IpAddr]>> {
        let answer = self.answer.load();
        let answer = answer.as_ref()?;
        let age = answer.asked_at.elapsed();
        let good_for = if answer.failed { FAILURE_TTL } else { TTL };
        if age >= STALE {
            return None;
        }
        if age >= good_for && !self.asking.swap(true, Ordering::AcqRel) {
            let name = Arc::clone(self);
            tokio::spawn(async move {
                name.ask().await;
                name.asking.store(false, Ordering::Release);
            });
        }
        Some(Arc::clone(&answer.addresses))
    }

    /// Waits for an answer where there is none, or only an old one. Empty: the name cannot be resolved.
    pub(super) async fn resolve(self: &Arc<Self>) -> Arc<[IpAddr]> {
        let settled = |answer: &Answer| {
            let good_for = if answer.failed { FAILURE_TTL } else { STALE };
            answer.asked_at.elapsed() < good_for
        };
        let _question = self.question.lock().await;
        if let Some(answer) = self.answer.load().as_ref().filter(|a| settled(a)) {
            return Arc::clone(&answer.addresses);
        }
        self.ask().await
    }

    async fn ask(&self) -> Arc<[IpAddr]> {
        let lookup = tokio::net::lookup_host((self.host.as_str(), 0));
        let mut found: Vec<IpAddr> = match tokio::time::timeout(TIMEOUT, lookup).await {
            Ok(Ok(found)) => found.map(|a| a.ip()).collect(),
            Ok(Err(_)) | Err(_) => Vec::new(),
        };
        found.sort_unstable();
        found.dedup();
        self.learn(found)
    }

    /// An empty answer does not undo a good one; the same addresses in another order are the same answer.
    pub(super) fn learn(&self, found: Vec<IpAddr>) -> Arc<[IpAddr]> {
        let failed = found.is_empty();
        let known = self.answer.load();
        let addresses = match known.as_ref() {
            Some(known) if failed || *known.addresses == *found => Arc::clone(&known.addresses),
            Some(known) => {
                tracing::info!(host = %self.host, from = ?known.addresses, to = ?found, "an upstream's name has other addresses");
                found.into()
            }
            None => found.into(),
        };
        let said_before = known.as_ref().is_some_and(|k| k.failed);
        if failed && !said_before {
            let kept = addresses.len();
            tracing::warn!(host = %self.host, kept, "an upstream's name cannot be resolved; addresses known before are used");
        }
        self.answer.store(Some(Arc::new(Answer {
            addresses: Arc::clone(&addresses),
            asked_at: Instant::now(),
            failed,
        })));
        addresses
    }
}

/// The address itself, where the configuration has one in place of a name.
pub(super) fn literal(host: &str) -> Option<IpAddr> {
    bare(host).parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addresses(texts: &[&str]) -> Vec<IpAddr> {
        texts.iter().map(|t| t.parse().unwrap()).collect()
    }

    #[test]
    fn a_failing_name_service_does_not_undo_a_good_answer() {
        let names = Names::default();
        let name = names.of("app.test");
        assert!(name.known().is_none());
        let first = name.learn(addresses(&["10.0.0.1", "fd00::1"]));
        assert_eq!(first.len(), 2);
        let second = name.learn(Vec::new());
        assert!(Arc::ptr_eq(&first, &second));
        let third = name.learn(addresses(&["10.0.0.1", "fd00::1"]));
        assert!(
            Arc::ptr_eq(&first, &third),
            "unchanged addresses are one answer"
        );
        let fourth = name.learn(addresses(&["10.0.0.2"]));
        assert_eq!(*fourth, *addresses(&["10.0.0.2"]));
    }

    #[test]
    fn a_name_is_kept_once_and_for_as_long_as_it_is_used() {
        let names = Names::default();
        let one = names.of("app.test");
        assert!(Arc::ptr_eq(&one, &names.of("app.test")));
        drop(one);
        names.forget_unused();
        assert!(names.0.lock().is_empty());
    }

    #[tokio::test]
    async fn a_name_that_nobody_has_is_asked_for_once_a_second_at_most() {
        let name = Names::default().of("no-such-name.invalid");
        let all = (0..50).map(|_| name.resolve());
        let answers = futures_util::future::join_all(all).await;
        assert!(answers.iter().all(|a| a.is_empty()));
        assert!(answers.iter().all(|a| Arc::ptr_eq(a, &answers[0])));
    }
}
