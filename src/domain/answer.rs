//! What a route answers by itself, with or without an application behind it.

use super::request::Path;
use super::rewrite::PathMap;
use super::timestamp::Timestamp;
use ipnet::IpNet;
use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

/// All of it; empty by default.
#[derive(Clone, Debug, Default)]
pub struct Answers {
    /// In place of an application.
    pub own: Option<Own>,
    /// The application is closed to people.
    pub maintenance: Option<Maintenance>,
    /// Questions of browsers before a request from another origin.
    pub preflights: Option<Preflights>,
}

/// The whole answer of a route that has no application.
#[derive(Clone, Debug)]
pub enum Own {
    Redirect(Redirect),
    Fixed(Fixed),
}

/// To another address. Where it leads is configured; of the request only the canonical path below the route's
/// own and the query can follow, so that it never leads to a host that the request names.
#[derive(Clone, Debug)]
pub struct Redirect {
    pub status: u16,
    /// Scheme, host and port, without a slash at the end.
    pub origin: String,
    /// Path, query and fragment as configured, beginning with a slash.
    pub target: String,
    /// In place of the configured path: the route's path becomes the configured one, the rest is kept.
    pub kept_path: Option<PathMap>,
    pub keep_query: bool,
}

impl Redirect {
    /// The address; `None` where the path would be ambiguous behind the other prefix.
    pub fn location(&self, path: &Path, query: Option<&str>) -> Option<String> {
        let mut location = self.origin.clone();
        match &self.kept_path {
            Some(map) => location.push_str(map.inward(path)?.as_str()),
            None => location.push_str(&self.target),
        }
        if let Some(query) = query.filter(|q| self.keep_query && !q.is_empty()) {
            location.push('?');
            location.push_str(query);
        }
        Some(location)
    }
}

/// Always the same.
#[derive(Clone, Debug)]
pub struct Fixed {
    pub status: u16,
    pub content_type: String,
    pub body: Arc<[u8]>,
    pub headers: Vec<(String, String)>,
}

/// Closed for a time.
#[derive(Clone, Debug, Default)]
pub struct Maintenance {
    /// The operators' own words.
    pub message: Option<String>,
    pub until: Option<Timestamp>,
    /// Who may come in nevertheless: from one of the networks, or in one of the groups.
    pub networks: Vec<IpNet>,
    pub groups: BTreeSet<String>,
}

impl Maintenance {
    pub fn lets_in(&self, client: IpAddr) -> bool {
        let client = client.to_canonical();
        self.networks.iter().any(|n| n.contains(&client))
    }

    /// When it is worth asking again.
    pub fn retry_after(&self, now: Timestamp) -> Duration {
        let left = self.until.map(|until| until.since(now));
        let left = left.filter(|left| !left.is_zero());
        left.unwrap_or(Duration::from_secs(300))
    }
}

/// CORS preflights from these origins need no session (Fetch 3.2.2).
#[derive(Clone, Debug)]
pub struct Preflights {
    /// As browsers write them, to the letter.
    pub origins: BTreeSet<String>,
    /// `None`: the application answers them.
    pub answer: Option<PreflightAnswer>,
}

/// What we say to them.
#[derive(Clone, Debug)]
pub struct PreflightAnswer {
    pub methods: Vec<String>,
    pub headers: Vec<String>,
    pub credentials: bool,
    pub max_age: Option<Duration>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> Path {
        Path::parse(text.as_bytes()).unwrap()
    }

    #[test]
    fn a_redirect_leads_to_the_configured_host_only() {
        let kept = Redirect {
            status: 308,
            origin: "https://new.example.com".into(),
            target: "/x".into(),
            kept_path: Some(PathMap::new(&path("/old"), &path("/x"))),
            keep_query: true,
        };
        let check = |asked: &str, query: Option<&str>, want: &str| {
            let got = kept.location(&path(asked), query).unwrap();
            assert_eq!(got, format!("https://new.example.com{want}"));
        };
        check("/old", None, "/x");
        check("/OLD/a", None, "/x/a");
        check(
            "/old/@evil.test/a",
            Some("q=//evil.test"),
            "/x/@evil.test/a?q=//evil.test",
        );
        check("/old/.evil.test", Some(""), "/x/.evil.test");
        let root = Redirect {
            target: "/".into(),
            kept_path: Some(PathMap::new(&path("/"), &path("/"))),
            ..kept.clone()
        };
        assert_eq!(
            root.location(&path("/.evil.test"), None).as_deref(),
            Some("https://new.example.com/.evil.test")
        );
        let fixed = Redirect {
            kept_path: None,
            keep_query: false,
            target: "/x?y=1#z".into(),
            ..kept
        };
        assert_eq!(
            fixed
                .location(&path("/old/secret"), Some("token=1"))
                .as_deref(),
            Some("https://new.example.com/x?y=1#z")
        );
    }

    #[test]
    fn when_to_ask_again() {
        let at = Timestamp::from_seconds;
        let until = Maintenance {
            until: Some(at(1000)),
            ..Maintenance::default()
        };
        assert_eq!(until.retry_after(at(400)).as_secs(), 600);
        assert_eq!(until.retry_after(at(1000)).as_secs(), 300);
        assert_eq!(Maintenance::default().retry_after(at(0)).as_secs(), 300);
    }
}
