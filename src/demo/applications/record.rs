//! The request as it came over the wire.
//!
//! An HTTP library lower-cases names and brings lines of one name together; a page that shows what a proxy
//! sends must not. So the bytes are looked at on their way in: the head of each request is kept until the
//! handler takes it. A body with a length is passed over by its length; after any other body nothing more can be
//! told apart, so that connection must end with the response ([`Head::is_last`]).

use parking_lot::Mutex;
use serde::Serialize;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// A request's head: names in their case, lines in their order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct Head {
    pub(super) method: String,
    pub(super) target: String,
    pub(super) version: String,
    pub(super) headers: Vec<(String, String)>,
    /// The connection cannot be read further after this request.
    #[serde(skip)]
    pub(super) is_last: bool,
}

impl Head {
    /// The first header of this name, in any case.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        let found = |(n, _): &&(String, String)| n.eq_ignore_ascii_case(name);
        self.headers.iter().find(found).map(|(_, v)| v.as_str())
    }
}

/// What came in and belongs to no request taken yet.
#[derive(Debug, Default)]
pub(super) struct Recording {
    pending: Vec<u8>,
    /// Bytes of a body that are still to come.
    skip: u64,
    /// The rest of the connection is of no interest.
    over: bool,
}

impl Recording {
    fn saw(&mut self, bytes: &[u8]) {
        if self.over {
            return;
        }
        let skipped = self.skip.min(bytes.len() as u64);
        self.skip -= skipped;
        let rest = usize::try_from(skipped).unwrap_or(usize::MAX);
        self.pending
            .extend_from_slice(bytes.get(rest..).unwrap_or_default());
    }

    /// The head of the request that the library has just parsed, out of the same bytes.
    pub(super) fn take(&mut self) -> Option<Head> {
        let (length, lines) = split_head(&self.pending)?;
        let mut head = parse(&lines)?;
        self.pending.drain(..length);
        let has = |name: &str| head.header(name).is_some();
        if has("transfer-encoding") || has("upgrade") || head.method == "CONNECT" {
            head.is_last = true;
            self.over = true;
            self.pending = Vec::new();
            return Some(head);
        }
        let body = head.header("content-length").and_then(|n| n.parse().ok());
        let body: u64 = body.unwrap_or(0);
        let here = body.min(self.pending.len() as u64);
        self.pending
            .drain(..usize::try_from(here).unwrap_or_default());
        self.skip = body - here;
        Some(head)
    }
}

/// The head's length in bytes and its lines, without line ends. Empty lines before it are passed over (RFC
/// 9112 2.2).
fn split_head(bytes: &[u8]) -> Option<(usize, Vec<String>)> {
    let mut lines = Vec::new();
    let mut length = 0;
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        length += line.len();
        let text = line.strip_suffix(b"\n")?;
        let text = text.strip_suffix(b"\r").unwrap_or(text);
        if !text.is_empty() {
            lines.push(String::from_utf8_lossy(text).into_owned());
        } else if !lines.is_empty() {
            return Some((length, lines));
        }
    }
    None
}

fn parse(lines: &[String]) -> Option<Head> {
    let (first, rest) = lines.split_first()?;
    let mut words = first.split(' ').map(str::to_owned);
    let header = |line: &String| {
        let (name, value) = line.split_once(':')?;
        let value = value.trim_matches([' ', '\t']);
        Some((name.to_owned(), value.to_owned()))
    };
    Some(Head {
        method: words.next()?,
        target: words.next()?,
        version: words.next()?,
        headers: rest.iter().map(header).collect::<Option<_>>()?,
        is_last: false,
    })
}

/// A connection whose incoming bytes are recorded.
pub(super) struct Recorded<S> {
    stream: S,
    recording: Arc<Mutex<Recording>>,
}

impl<S> Recorded<S> {
    pub(super) fn new(stream: S) -> (Self, Arc<Mutex<Recording>>) {
        let recording = Arc::new(Mutex::new(Recording::default()));
        let recorded = Self {
            stream,
            recording: Arc::clone(&recording),
        };
        (recorded, recording)
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Recorded<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let polled = Pin::new(&mut self.stream).poll_read(cx, buffer);
        let new = buffer.filled().get(before..).unwrap_or_default();
        if !new.is_empty() {
            self.recording.lock().saw(new);
        }
        polled
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Recorded<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heads(pieces: &[&str]) -> Vec<String> {
        let mut recording = Recording::default();
        let mut out = Vec::new();
        for piece in pieces {
            recording.saw(piece.as_bytes());
            while let Some(head) = recording.take() {
                out.push(format!(
                    "{} {} {:?}",
                    head.method, head.target, head.headers
                ));
            }
        }
        out
    }

    #[test]
    fn names_keep_their_case_and_lines_their_order() {
        let got = heads(&["GET /x?y HTTP/1.1\r\nHOST: a\r\nX-b:1\r\nx-B:  2 \r\nhost2:\r\n\r\n"]);
        let want = r#"GET /x?y [("HOST", "a"), ("X-b", "1"), ("x-B", "2"), ("host2", "")]"#;
        assert_eq!(got, [want]);
    }

    #[test]
    fn requests_on_one_connection_are_told_apart() {
        let got = heads(&[
            "POST /a HTTP/1.1\r\nContent-Le",
            "ngth: 5\r\n\r\nGE",
            "T\r\nGET /b HTTP/1.1\r\nA: b\r\n\r\nGET /c HTTP/1.1\r\n",
            "C: d\r\n\r\n",
        ]);
        let want = [
            r#"POST /a [("Content-Length", "5")]"#,
            r#"GET /b [("A", "b")]"#,
            r#"GET /c [("C", "d")]"#,
        ];
        assert_eq!(got, want);
    }

    #[test]
    fn nothing_is_told_after_a_body_without_length() {
        let mut recording = Recording::default();
        recording.saw(b"POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\nGET /evil");
        assert!(recording.take().unwrap().is_last);
        recording.saw(b" HTTP/1.1\r\n\r\n");
        assert_eq!(recording.take(), None);
        assert!(recording.pending.is_empty());
    }
}
