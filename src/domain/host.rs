//! Host names and origins, canonical from the first parse on.

use std::fmt;
use std::sync::Arc;

/// A host name or IP literal without port: lower case, no trailing dot. One word in size, as each session in memory has one.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Host(Arc<Box<str>>);

impl Host {
    /// Parses a `Host` header or URI authority without user information. Returns the canonical host and
    /// the port as written. `None` for anything two parsers could read differently.
    pub fn parse_authority(text: &str) -> Option<(Self, Option<u16>)> {
        let (name, port) = split_port(text)?;
        let port = match port {
            None => None,
            Some(digits) if !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()) => {
                Some(digits.parse().ok()?)
            }
            Some(_) => return None,
        };
        Some((Self::parse(name)?, port))
    }

    /// Parses a host without a port.
    pub fn parse(name: &str) -> Option<Self> {
        if let Some(inner) = name.strip_prefix('[').and_then(|n| n.strip_suffix(']')) {
            let ip: std::net::Ipv6Addr = inner.parse().ok()?;
            return Some(Self::canonical(format!("[{ip}]")));
        }
        let name = name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase();
        let label_ok = |label: &str| {
            !label.is_empty()
                && label.len() <= 63
                && label
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
        };
        let ok = !name.is_empty() && name.len() <= 253 && name.split('.').all(label_ok);
        ok.then(|| Self::canonical(name))
    }

    fn canonical(name: String) -> Self {
        Self(Arc::new(name.into_boxed_str()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn split_port(text: &str) -> Option<(&str, Option<&str>)> {
    if text.starts_with('[') {
        let end = text.find(']')? + 1;
        let (name, rest) = text.split_at_checked(end)?;
        return match rest.strip_prefix(':') {
            None if rest.is_empty() => Some((name, None)),
            None => None,
            Some(port) => Some((name, Some(port))),
        };
    }
    Some(match text.split_once(':') {
        Some((name, port)) => (name, Some(port)),
        None => (text, None),
    })
}

/// Scheme, host and port of a place a browser goes to, e.g. `https://wiki.example.com:8443`.
/// The scheme is always `https`: `__Host-` cookies exist only there.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Origin {
    host: Host,
    port: u16,
}

impl Origin {
    pub const fn new(host: Host, port: u16) -> Self {
        Self { host, port }
    }
    pub const fn host(&self) -> &Host {
        &self.host
    }
    pub const fn port(&self) -> u16 {
        self.port
    }
    /// The canonical `Host` of requests to it: the port only where it is not that of the scheme.
    pub fn authority(&self) -> String {
        match self.port {
            443 => self.host.to_string(),
            port => format!("{}:{port}", self.host),
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "https://{}", self.authority())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn authorities() {
        let check = |text: &str, want: Option<(&str, Option<u16>)>| {
            let got = Host::parse_authority(text);
            assert_eq!(
                got.as_ref().map(|(h, p)| (h.as_str(), *p)),
                want,
                "{text:?}"
            );
        };
        check("App.TEST.:80", Some(("app.test", Some(80))));
        check("wiki.localhost", Some(("wiki.localhost", None)));
        check("[::1]:8443", Some(("[::1]", Some(8443))));
        for bad in [
            "", "a b", "a/b", "a, b", "a:1:2", "a\"<b", "a:", "a:x", "[::1", "[zz]", "a..b",
            "-:80000", "u@h", "..", ":80", "a:+1",
        ] {
            check(bad, None);
        }
    }
}
