//! Upstreams that are sockets of this machine.

use crate::config::report::shortened;
use crate::domain::upstream::Upstream;
use std::path::PathBuf;

/// A socket's address holds no more, with the zero at its end.
const LONGEST_SOCKET_PATH: usize = 107;

/// `unix:` is taken off already. The error has a second line: what to write instead.
pub(super) fn socket(path: &str) -> Result<Upstream, String> {
    let wrong = |why: &str| {
        let shown = shortened(path, 120);
        Err(format!(
            "`unix:{shown}` {why}\nwrite for example unix:/run/wiki/http.sock"
        ))
    };
    if !path.starts_with('/') || path.starts_with("//") {
        return wrong("is not the full path of a socket");
    }
    if path.len() > LONGEST_SOCKET_PATH {
        return wrong("is longer than the 107 bytes that the path of a socket may have");
    }
    if path.chars().any(char::is_control) || path.ends_with('/') {
        return wrong("cannot be the path of a socket");
    }
    Ok(Upstream::Unix(PathBuf::from(path)))
}
