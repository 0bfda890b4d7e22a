//! The head of a request on its way to an upstream: what the client sent, as it spelled it, then without some lines and
//! with others.
//!
//! A list, not a map: it is written once and looked at a few times, and most of it is the client's and not copied.
//! Names are compared without regard to case (RFC 9110 5.1).

use super::inbound::connection_tokens;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method};
use pingora::http::RequestHeader;
use pingora::{Error, ErrorType, Result};
use std::borrow::Cow;

/// Fields of the client's connection, which end here (RFC 9110 7.6.1).
const HOP_BY_HOP: [&str; 10] = [
    "Connection",
    "Keep-Alive",
    "Proxy-Connection",
    "Proxy-Authenticate",
    "Proxy-Authorization",
    "TE",
    "Trailer",
    "Transfer-Encoding",
    "Upgrade",
    "HTTP2-Settings",
];

/// Room for what is set beside what the client sent.
const OURS: usize = 16;

pub(super) struct Outgoing<'a> {
    method: &'a Method,
    target: Cow<'a, [u8]>,
    lines: Vec<Line<'a>>,
}

struct Line<'a> {
    name: &'a [u8],
    value: Cow<'a, HeaderValue>,
}

impl Line<'_> {
    fn is(&self, name: &[u8]) -> bool {
        // most names differ in length
        self.name.len() == name.len() && self.name.eq_ignore_ascii_case(name)
    }
}

impl<'a> Outgoing<'a> {
    /// As the client sent it.
    pub(super) fn of(head: &'a RequestHeader) -> Self {
        let mut lines = Vec::with_capacity(head.headers.len() + OURS);
        let line = |name: &'a [u8], value| Line {
            name,
            value: Cow::Borrowed(value),
        };
        if head.has_case() {
            let spelled = head.case_header_iter();
            lines.extend(spelled.map(|(name, value)| line(name.as_slice(), value)));
        } else {
            let plain = head.headers.iter();
            lines.extend(plain.map(|(name, value)| line(name.as_ref(), value)));
        }
        Self {
            method: &head.method,
            target: Cow::Borrowed(head.raw_path()),
            lines,
        }
    }

    /// Without a line.
    pub(super) fn blank() -> Self {
        Self {
            method: &Method::GET,
            target: Cow::Borrowed(b"/"),
            lines: Vec::new(),
        }
    }

    pub(super) fn method(&self) -> &Method {
        self.method
    }

    /// Path and query.
    pub(super) fn target(&self) -> &[u8] {
        &self.target
    }

    pub(super) fn set_target(&mut self, target: Vec<u8>) {
        self.target = Cow::Owned(target);
    }

    pub(super) fn all(&self, name: &str) -> impl Iterator<Item = &HeaderValue> {
        let lines = self
            .lines
            .iter()
            .filter(move |line| line.is(name.as_bytes()));
        lines.map(|line| &*line.value)
    }

    pub(super) fn get(&self, name: &str) -> Option<&HeaderValue> {
        self.all(name).next()
    }

    /// The only line of this name from now on.
    pub(super) fn insert(&mut self, name: &'a str, value: HeaderValue) {
        self.put(name, Cow::Owned(value));
    }

    /// [`Self::insert`] of a value that many requests share.
    pub(super) fn insert_shared(&mut self, name: &'a str, value: &'a HeaderValue) {
        self.put(name, Cow::Borrowed(value));
    }

    fn put(&mut self, name: &'a str, value: Cow<'a, HeaderValue>) {
        let line = Line {
            name: name.as_bytes(),
            value,
        };
        match self.lines.iter().position(|l| l.is(line.name)) {
            None => self.lines.push(line),
            Some(first) => {
                let mut place = 0;
                self.lines.retain(|l| {
                    let stays = place <= first || !l.is(line.name);
                    place += 1;
                    stays
                });
                if let Some(slot) = self.lines.get_mut(first) {
                    *slot = line;
                }
            }
        }
    }

    /// Removes all lines whose names are like this.
    pub(super) fn remove(&mut self, is_like: impl Fn(&[u8]) -> bool) {
        self.lines.retain(|line| !is_like(line.name));
    }

    /// What belongs to the client's connection and what that nominates (RFC 9110 7.6.1), which
    /// [`super::inbound`] has found to be harmless.
    pub(super) fn leave_connection(&mut self, headers: &HeaderMap) {
        let nominated: Vec<&[u8]> = connection_tokens(headers).flatten().collect();
        self.remove(|name| {
            let hop = HOP_BY_HOP
                .iter()
                .any(|h| h.as_bytes().eq_ignore_ascii_case(name));
            hop || nominated.iter().any(|n| n.eq_ignore_ascii_case(name))
        });
    }

    /// The bytes of an HTTP/1.1 request up to its body.
    pub(super) fn wire(&self) -> Result<Vec<u8>> {
        // a target that ends early would begin another request
        if self
            .target
            .iter()
            .any(|b| matches!(b, 0 | b'\r' | b'\n' | b' '))
        {
            return Error::e_explain(ErrorType::InternalError, "a target with a line's end in it");
        }
        let line = |l: &Line<'_>| l.name.len() + l.value.len() + 4;
        let lines: usize = self.lines.iter().map(line).sum();
        let mut out =
            Vec::with_capacity(self.method.as_str().len() + self.target.len() + lines + 14);
        out.extend_from_slice(self.method.as_str().as_bytes());
        out.push(b' ');
        out.extend_from_slice(&self.target);
        out.extend_from_slice(b" HTTP/1.1\r\n");
        for line in &self.lines {
            out.extend_from_slice(line.name);
            out.extend_from_slice(b": ");
            out.extend_from_slice(line.value.as_bytes());
            out.extend_from_slice(b"\r\n");
        }
        out.extend_from_slice(b"\r\n");
        Ok(out)
    }

    /// For pingora to send.
    pub(super) fn header(self) -> Result<RequestHeader> {
        let mut head = RequestHeader::build(self.method.clone(), b"/", Some(self.lines.len()))?;
        self.write_to(&mut head)?;
        Ok(head)
    }

    /// Target and lines of a head that pingora sends, in place of its own.
    pub(super) fn write_to(self, head: &mut RequestHeader) -> Result<()> {
        let names: Vec<_> = head.headers.keys().cloned().collect();
        for name in &names {
            head.remove_header(name);
        }
        for line in self.lines {
            head.append_header(Bytes::copy_from_slice(line.name), line.value.into_owned())?;
        }
        if head.raw_path() != &*self.target {
            head.set_raw_path(&self.target)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(lines: &[(&'static str, &'static str)]) -> RequestHeader {
        let mut head = RequestHeader::build("GET", b"/a?b", None).unwrap();
        for (name, value) in lines {
            head.append_header(*name, *value).unwrap();
        }
        head
    }

    fn text(head: &Outgoing<'_>) -> String {
        String::from_utf8(head.wire().unwrap()).unwrap()
    }

    #[test]
    fn what_is_set_takes_the_place_of_all_of_its_name() {
        let client = client(&[("HOST", "x"), ("accept", "a"), ("Two", "1"), ("tWO", "2")]);
        let mut head = Outgoing::of(&client);
        head.insert("Host", HeaderValue::from_static("app.test"));
        head.insert("two", HeaderValue::from_static("3"));
        head.insert("New", HeaderValue::from_static("4"));
        assert_eq!(
            text(&head),
            "GET /a?b HTTP/1.1\r\nHost: app.test\r\naccept: a\r\ntwo: 3\r\nNew: 4\r\n\r\n"
        );
    }

    #[test]
    fn what_belongs_to_the_connection_stays_behind() {
        let client = client(&[
            ("Host", "x"),
            ("Connection", "keep-alive, X-Mine"),
            ("x-mine", "1"),
            ("te", "trailers"),
            ("UPGRADE", "h2c"),
            ("http2-settings", "AA"),
            ("Proxy-Authorization", "Basic x"),
            ("X-Other", "2"),
        ]);
        let mut head = Outgoing::of(&client);
        head.leave_connection(&client.headers);
        assert_eq!(
            text(&head),
            "GET /a?b HTTP/1.1\r\nHost: x\r\nX-Other: 2\r\n\r\n"
        );
    }

    #[test]
    fn pingora_is_handed_the_same() {
        let client = client(&[("Host", "x"), ("X-One", "1"), ("x-one", "2"), ("Gone", "3")]);
        let mut head = Outgoing::of(&client);
        head.remove(|name| name == b"Gone");
        head.set_target(b"/c".to_vec());
        let mut to = client.clone();
        head.write_to(&mut to).unwrap();
        let mut wire = Vec::new();
        to.header_to_h1_wire(&mut wire);
        let wire = String::from_utf8(wire).unwrap();
        assert_eq!(wire, "Host: x\r\nX-One: 1\r\nx-one: 2\r\n");
        assert_eq!(to.raw_path(), b"/c");
    }

    #[test]
    fn a_target_is_one_line() {
        for target in ["/a b", "/a\r\nX: y", "/a\nb", "/\0"] {
            let mut head = Outgoing::blank();
            head.set_target(target.as_bytes().to_vec());
            assert!(head.wire().is_err(), "{target:?}");
        }
    }
}
