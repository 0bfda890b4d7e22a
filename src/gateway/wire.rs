//! What only the bytes of an HTTP/1 head show: pingora parses leniently and tidies up before anybody looks
//! (bare line feeds pass, a length beside a coding is dropped).
//!
//! One thing is tidied up even before this: a blank or a control character in the target is an escape
//! (`%20`) by now, and is decided on and forwarded as such.

use super::inbound::Refusal::{self, Malformed};

/// Refuses what RFC 9112 lets a server refuse: line ends other than CRLF (2.2), a length beside a transfer
/// coding (6.1), a repeated length (6.3), a request line of other than three parts (3).
pub(super) fn check(head: &[u8]) -> Result<(), Refusal> {
    let wrong = Malformed("line end");
    let end = memchr::memchr(b'\n', head).ok_or(wrong)?;
    let (line, mut rest) = head.split_at_checked(end + 1).ok_or(wrong)?;
    request_line(line.strip_suffix(b"\r\n").ok_or(wrong)?)?;
    let (mut lengths, mut codings) = (0, 0);
    while !rest.is_empty() {
        let end = memchr::memchr(b'\n', rest).ok_or(wrong)?;
        let (field, more) = rest.split_at_checked(end + 1).ok_or(wrong)?;
        rest = more;
        let field = field.strip_suffix(b"\r\n").ok_or(wrong)?;
        let is = |name: &[u8]| {
            let (start, after) = (field.get(..name.len()), field.get(name.len()));
            after == Some(&b':') && start.is_some_and(|s| s.eq_ignore_ascii_case(name))
        };
        match field.first() {
            Some(b'c' | b'C') if is(b"content-length") => lengths += 1,
            Some(b't' | b'T') if is(b"transfer-encoding") => codings += 1,
            _ => {}
        }
    }
    match (lengths, codings) {
        (0, 0 | 1) | (1, 0) => Ok(()),
        _ => Err(Malformed("more than one framing")),
    }
}

fn request_line(line: &[u8]) -> Result<(), Refusal> {
    let parts = line.split(|b| *b == b' ');
    // a fragment is the browser's own business (RFC 9110 7.1), and pingora would cut it off unseen
    let plain = |part: &[u8]| {
        !part.is_empty() && part.iter().all(|b| *b > 0x20 && *b != 0x7f && *b != b'#')
    };
    let three = parts.clone().count() == 3 && parts.clone().all(plain);
    three.then_some(()).ok_or(Malformed("request line"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_heads_pass() {
        let check =
            |head: &str, want: bool| assert_eq!(check(head.as_bytes()).is_ok(), want, "{head:?}");
        check("GET / HTTP/1.1\r\nHost: a\r\n\r\n", true);
        check("POST / HTTP/1.1\r\nContent-Length: 1\r\n\r\n", true);
        check(
            "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n",
            true,
        );
        check("GET /é HTTP/1.1\r\n\r\n", true);
        check("GET / HTTP/1.1\nHost: a\n\n", false);
        check("GET / HTTP/1.1\r\nHost: a\nX: y\r\n\r\n", false);
        check("GET / HTTP/1.1\r\nHost: a\r\n\n", false);
        check("GET  / HTTP/1.1\r\n\r\n", false);
        check("GET /a b HTTP/1.1\r\n\r\n", false);
        check("GET /a\tb HTTP/1.1\r\n\r\n", false);
        check("GET /\0 HTTP/1.1\r\n\r\n", false);
        check("GET /a#b HTTP/1.1\r\n\r\n", false);
        check(
            "POST / HTTP/1.1\r\nContent-Length: 1\r\ntransfer-encoding: chunked\r\n\r\n",
            false,
        );
        check(
            "POST / HTTP/1.1\r\nContent-Length: 1\r\ncontent-length: 1\r\n\r\n",
            false,
        );
        check("", false);
    }
}
