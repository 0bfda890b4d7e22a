//! Sessions to drive with: cookies by host, as `vestibule session mint` writes them or as a sign-in has left them.
//!
//! A file has one session in each line: `HOST COOKIE`, more hosts behind tabs, or a JSON object `{"HOST": "COOKIE"}`.
//! What `session mint --json` prints, an object with `sessions`, is read as well.

use super::Wrong;
use super::plan::ceilings;
use http::HeaderValue;
use std::collections::BTreeMap;
use std::path::Path;

/// Cookies of one session: what to send to which host (`host` or `host:port`, as in a URL).
pub type Cookies = BTreeMap<String, HeaderValue>;

/// Sessions, shared out among the users.
#[derive(Clone, Default)]
pub struct Sessions(Vec<Cookies>);

impl std::fmt::Debug for Sessions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Sessions({})", self.0.len())
    }
}

impl Sessions {
    pub const fn new(sessions: Vec<Cookies>) -> Self {
        Self(sessions)
    }

    pub const fn len(&self) -> usize {
        self.0.len()
    }

    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// A file that only its owner can read: what stands in it signs people in.
    pub fn read(file: &Path) -> Result<Self, Wrong> {
        Self::parse(&read_private(file)?)
            .map_err(|e| Wrong::new(format!("{}: {e}", file.display())))
    }

    pub fn parse(text: &str) -> Result<Self, Wrong> {
        let sessions = match serde_json::from_str::<serde_json::Value>(text) {
            Ok(whole) => whole
                .get("sessions")
                .and_then(serde_json::Value::as_array)
                .map(Vec::as_slice)
                .unwrap_or(std::slice::from_ref(&whole))
                .iter()
                .enumerate()
                .map(|(at, one)| object(one.get("cookies").unwrap_or(one), at + 1))
                .collect::<Result<Vec<_>, _>>()?,
            Err(_) => text
                .lines()
                .enumerate()
                .filter(|(_, line)| !line.trim().is_empty() && !line.starts_with('#'))
                .map(|(at, line)| one(line, at + 1))
                .collect::<Result<Vec<_>, _>>()?,
        };
        if sessions.is_empty() {
            return Err(Wrong::new("there is no session in it"));
        }
        if sessions.len() > ceilings::SESSIONS {
            let text = format!("more than {} sessions", ceilings::SESSIONS);
            return Err(Wrong::new(text));
        }
        Ok(Self(sessions))
    }

    /// By session, the cookie for each of these hosts (`host:port` before `host`).
    pub(super) fn for_hosts(&self, hosts: &[String]) -> Vec<Vec<Option<HeaderValue>>> {
        let of = |session: &Cookies| {
            hosts
                .iter()
                .map(|host| {
                    let bare = host
                        .rsplit_once(':')
                        .map_or(host.as_str(), |(bare, _)| bare);
                    session.get(host).or_else(|| session.get(bare)).cloned()
                })
                .collect()
        };
        self.0.iter().map(of).collect()
    }
}

fn one(line: &str, number: usize) -> Result<Cookies, Wrong> {
    if line.starts_with('{') {
        let value = serde_json::from_str(line)
            .map_err(|e| Wrong::new(format!("line {number}: not JSON: {e}")))?;
        return object(&value, number);
    }
    let pairs = line
        .split('\t')
        .map(|pair| match pair.trim().split_once(' ') {
            Some((host, value)) => Ok((host.to_ascii_lowercase(), cookie(value, number)?)),
            None => Err(Wrong::new(format!(
                "line {number}: write HOST COOKIE, as `vestibule session mint` does"
            ))),
        });
    pairs.collect()
}

fn object(value: &serde_json::Value, number: usize) -> Result<Cookies, Wrong> {
    let wrong = || {
        Wrong::new(format!(
            "session {number}: write {{\"HOST\": \"NAME=VALUE\"}}, as `vestibule session mint --json` does"
        ))
    };
    let object = value
        .as_object()
        .filter(|o| !o.is_empty())
        .ok_or_else(wrong)?;
    object
        .iter()
        .map(|(host, value)| {
            let value = value.as_str().ok_or_else(wrong)?;
            Ok((host.to_ascii_lowercase(), cookie(value, number)?))
        })
        .collect()
}

fn cookie(text: &str, number: usize) -> Result<HeaderValue, Wrong> {
    let wrong = |_| Wrong::new(format!("line {number}: what cannot be sent as a cookie"));
    let mut value = HeaderValue::from_str(text.trim()).map_err(wrong)?;
    value.set_sensitive(true);
    Ok(value)
}

/// Reads a file with secrets: it must be its owner's alone, and not endless.
pub fn read_private(file: &Path) -> Result<String, Wrong> {
    use std::io::Read as _;
    use std::os::unix::fs::PermissionsExt as _;
    let cannot = |e: std::io::Error| Wrong::new(format!("{} cannot be read: {e}", file.display()));
    let opened = std::fs::File::open(file).map_err(cannot)?;
    let metadata = opened.metadata().map_err(cannot)?;
    if metadata.permissions().mode() & 0o077 != 0 {
        return Err(Wrong::new(format!(
            "{} can be read by others, and what is in it signs people in; run: chmod 600 {}",
            file.display(),
            file.display()
        )));
    }
    if metadata.len() > ceilings::FILE_BYTES {
        return Err(Wrong::new(format!("{} is too large", file.display())));
    }
    let mut text = String::new();
    opened
        .take(ceilings::FILE_BYTES)
        .read_to_string(&mut text)
        .map_err(cannot)?;
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_and_json() {
        let check = |text: &str, want: &[(&str, Option<&str>)]| {
            let sessions = Sessions::parse(text).unwrap();
            let hosts: Vec<String> = want.iter().map(|(host, _)| (*host).to_owned()).collect();
            let found = sessions.for_hosts(&hosts);
            for ((host, want), found) in want.iter().zip(&found[0]) {
                assert_eq!(
                    found.as_ref().map(|v| v.to_str().unwrap()),
                    *want,
                    "{host} {text}"
                );
            }
        };
        let plain = "# minted\nwiki.test __Host-vestibule=a\tlogin.test __Host-vestibule=b\n";
        let want = [
            ("wiki.test", Some("__Host-vestibule=a")),
            ("wiki.test:8443", Some("__Host-vestibule=a")),
            ("login.test", Some("__Host-vestibule=b")),
            ("other.test", None),
        ];
        check(plain, &want);
        check(
            r#"{"Wiki.test": "__Host-vestibule=a", "login.test": "__Host-vestibule=b"}"#,
            &want,
        );
        check(
            r#"{"sessions": [{"account": "x", "cookies": {"wiki.test": "a=b; c=d"}}]}"#,
            &[("wiki.test", Some("a=b; c=d")), ("login.test", None)],
        );
        // a port of its own comes first
        check(
            "h:81 a=1\th a=2",
            &[("h:81", Some("a=1")), ("h:82", Some("a=2"))],
        );
        assert_eq!(Sessions::parse("h a=1\nh a=2\n\nh a=3").unwrap().len(), 3);
        for bad in [
            "",
            "\n\n",
            "# nobody\n",
            "h",
            "{}",
            r#"{"h": 1}"#,
            "h a=\u{1}",
            r#"{"sessions": []}"#,
        ] {
            assert!(Sessions::parse(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_file_that_others_can_read_is_refused() {
        use std::os::unix::fs::PermissionsExt as _;
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("cookies");
        std::fs::write(&file, "h a=1\n").unwrap();
        for (mode, fine) in [(0o600, true), (0o400, true), (0o640, false), (0o604, false)] {
            std::fs::set_permissions(&file, std::fs::Permissions::from_mode(mode)).unwrap();
            assert_eq!(Sessions::read(&file).is_ok(), fine, "{mode:o}");
        }
        assert!(Sessions::read(&dir.path().join("none")).is_err());
    }
}
