//! HTTP/2 as a client library speaks it, and as bytes.

use super::client::tls;
use super::world::World;
use bytes::Bytes;
use http::{Request, Response};
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

pub(crate) type Sender = h2::client::SendRequest<Bytes>;

/// A connection with windows as browsers have them.
pub(crate) async fn connect(world: &World, sni: &str) -> Sender {
    to(world.https, sni, &world.ca.roots()).await
}

pub(crate) async fn to(
    address: std::net::SocketAddr,
    sni: &str,
    roots: &rustls::RootCertStore,
) -> Sender {
    let stream = tls(address, sni, roots, &[b"h2"]).await;
    let (client, connection) = h2::client::Builder::new()
        .initial_window_size(1 << 20)
        .initial_connection_window_size(4 << 20)
        .handshake(stream.unwrap())
        .await
        .unwrap();
    tokio::spawn(async move {
        // its end shows at the requests
        let _ = connection.await;
    });
    client.ready().await.unwrap()
}

/// A request without a body.
pub(crate) async fn get(
    client: &mut Sender,
    uri: &str,
    headers: &[(&str, &str)],
) -> Result<Response<h2::RecvStream>, h2::Error> {
    let mut request = Request::get(uri);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let (answer, _) = client.send_request(request.body(()).unwrap(), true)?;
    answer.await
}

/// The whole body.
pub(crate) async fn body(answer: Response<h2::RecvStream>) -> Result<Vec<u8>, h2::Error> {
    let mut body = answer.into_body();
    let mut all = Vec::new();
    while let Some(data) = body.data().await {
        let data = data?;
        body.flow_control().release_capacity(data.len())?;
        all.extend(data);
    }
    Ok(all)
}

/// A connection to which frames are written as they are.
pub(crate) struct Frames {
    io: tokio_rustls::client::TlsStream<TcpStream>,
    buffer: Vec<u8>,
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Frame {
    pub(crate) kind: u8,
    pub(crate) flags: u8,
    pub(crate) stream: u32,
    pub(crate) payload: Vec<u8>,
}

pub(crate) const DATA: u8 = 0;
pub(crate) const HEADERS: u8 = 1;
pub(crate) const RESET: u8 = 3;
pub(crate) const SETTINGS: u8 = 4;
pub(crate) const PING: u8 = 6;
pub(crate) const GOAWAY: u8 = 7;
pub(crate) const WINDOW: u8 = 8;
pub(crate) const CONTINUATION: u8 = 9;
pub(crate) const END_STREAM: u8 = 1;
pub(crate) const END_HEADERS: u8 = 4;

impl Frames {
    pub(crate) async fn open(world: &World, sni: &str) -> Self {
        let stream = tls(world.https, sni, &world.ca.roots(), &[b"h2"]).await;
        let mut this = Self {
            io: stream.unwrap(),
            buffer: Vec::new(),
        };
        let preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
        this.io.write_all(preface).await.unwrap();
        this.send(SETTINGS, 0, 0, &[]).await;
        this
    }

    /// `false`: the other side has closed.
    pub(crate) async fn send(&mut self, kind: u8, flags: u8, stream: u32, payload: &[u8]) -> bool {
        let bytes = frame(kind, flags, stream, payload);
        self.raw(&bytes).await
    }

    pub(crate) async fn raw(&mut self, bytes: &[u8]) -> bool {
        let write = async {
            self.io.write_all(bytes).await?;
            self.io.flush().await
        };
        matches!(timeout(Duration::from_secs(10), write).await, Ok(Ok(())))
    }

    /// The next frame; `None` when the connection is closed, or nothing came for so long.
    pub(crate) async fn next(&mut self, patience: Duration) -> Option<Frame> {
        let read = async {
            loop {
                if let [a, b, c, kind, flags, s @ ..] = self.buffer.as_slice()
                    && s.len() >= 4
                {
                    let length = u32::from_be_bytes([0, *a, *b, *c]) as usize;
                    if s.len() >= 4 + length {
                        let stream = u32::from_be_bytes([s[0], s[1], s[2], s[3]]) & (u32::MAX >> 1);
                        let frame = Frame {
                            kind: *kind,
                            flags: *flags,
                            stream,
                            payload: s[4..4 + length].to_vec(),
                        };
                        self.buffer.drain(..9 + length);
                        return Some(frame);
                    }
                }
                match self.io.read_buf(&mut self.buffer).await {
                    Ok(n) if n > 0 => {}
                    _ => return None,
                }
            }
        };
        timeout(patience, read).await.ok().flatten()
    }

    /// The end of a stream: the status of its answer, or why it or the connection was ended.
    pub(crate) async fn outcome(&mut self, stream: u32) -> Outcome {
        while let Some(frame) = self.next(Duration::from_secs(10)).await {
            match frame.kind {
                HEADERS if frame.stream == stream => {
                    return Outcome::Status(status(&frame.payload));
                }
                RESET if frame.stream == stream => return Outcome::Reset(code(&frame.payload)),
                GOAWAY => return Outcome::GoAway(code(&frame.payload[4..])),
                _ => {}
            }
        }
        Outcome::Closed
    }
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Status(u16),
    Reset(u32),
    GoAway(u32),
    Closed,
}

fn code(payload: &[u8]) -> u32 {
    u32::from_be_bytes([payload[0], payload[1], payload[2], payload[3]])
}

/// Of a head that begins with its status, as every answer does: indexed, or a literal with the name of the table.
fn status(block: &[u8]) -> u16 {
    match block.first().copied().unwrap_or_default() {
        0x88 => 200,
        0x89 => 204,
        0x8a => 206,
        0x8b => 304,
        0x8c => 400,
        0x8d => 404,
        0x8e => 500,
        _ => {
            let text = block.get(2..).unwrap_or_default();
            huffman_digits(block.get(1).copied().unwrap_or_default(), text)
        }
    }
}

/// Three digits: plain, or in the code of RFC 7541 appendix B, where a digit has five or six bits.
fn huffman_digits(length: u8, text: &[u8]) -> u16 {
    let size = usize::from(length & 0x7f);
    if length & 0x80 == 0 {
        let text = text.get(..size).unwrap_or_default();
        return std::str::from_utf8(text).unwrap().parse().unwrap();
    }
    let bits: String = text[..size].iter().map(|b| format!("{b:08b}")).collect();
    let mut bits = bits.as_str();
    let mut value = 0;
    for _ in 0..3 {
        let short = u16::from_str_radix(&bits[..5], 2).unwrap();
        let (digit, used) = if short <= 2 {
            (short, 5)
        } else {
            (u16::from_str_radix(&bits[..6], 2).unwrap() - 0x19 + 3, 6)
        };
        value = value * 10 + digit;
        bits = &bits[used..];
    }
    value
}

pub(crate) fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    let mut bytes = vec![length[1], length[2], length[3], kind, flags];
    bytes.extend(stream.to_be_bytes());
    bytes.extend(payload);
    bytes
}

/// A header block of literals, without indexing and without compression: what is written is what is sent.
pub(crate) fn block(fields: &[(&str, &[u8])]) -> Vec<u8> {
    let mut block = Vec::new();
    for (name, value) in fields {
        block.push(0);
        length(&mut block, name.len());
        block.extend(name.as_bytes());
        length(&mut block, value.len());
        block.extend(*value);
    }
    block
}

/// An integer with a prefix of seven bits (RFC 7541 5.1).
fn length(block: &mut Vec<u8>, n: usize) {
    if n < 127 {
        block.push(u8::try_from(n).unwrap());
        return;
    }
    block.push(127);
    let mut rest = n - 127;
    while rest >= 128 {
        block.push(u8::try_from(rest % 128).unwrap() | 0x80);
        rest /= 128;
    }
    block.push(u8::try_from(rest).unwrap());
}
