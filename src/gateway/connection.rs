//! One client connection, as pingora reads and writes it.
//!
//! Pingora times each read, not the whole head: a client that sends a byte a minute would stay for ever.
//! Here a request head has a deadline. The connection also knows whether a head has been read: what is written
//! before that is pingora's answer to bytes that are no request, and its banner is taken off.

use super::role::Role;
use crate::domain::limits::{Limits, Pace};
use async_trait::async_trait;
use parking_lot::Mutex;
use pingora::protocols::raw_connect::ProxyDigest;
use pingora::protocols::tls::{SslDigest, TlsRef};
use pingora::protocols::{
    ALPN, GetProxyDigest, GetSocketDigest, GetTimingDigest, Peek, Shutdown, SocketDigest, Ssl,
    Stream, TimingDigest, UniqueID, UniqueIDType,
};
use pingora::proxy::Session;
use std::future::Future as _;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _, BufWriter, ReadBuf};
use tokio::sync::watch;
use tokio::time::{Instant, Sleep};

/// The client preface of HTTP/2 and the head of its first frame (RFC 9113 3.4).
const H2_OPENING: usize = 24 + 9;

/// The answer to what cannot be parsed.
const NOT_A_REQUEST: &[u8] =
    b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\nCache-Control: no-store\r\n\
      X-Content-Type-Options: nosniff\r\nReferrer-Policy: same-origin\r\nX-Frame-Options: DENY\r\n\
      Content-Security-Policy: default-src 'none'; frame-ancestors 'none'\r\n\r\n";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Nothing of the next head has come.
    Idle,
    /// A head is being read.
    Head,
    /// A head has been read.
    Body,
    /// HTTP/2: so many bytes of the opening have been read.
    Opening(usize),
}

/// Shared between the connection and the phases of a request.
#[derive(Debug)]
pub(super) struct Progress {
    phase: Mutex<Phase>,
    role: Role,
    stop: watch::Receiver<bool>,
    unreadable: AtomicBool,
}

impl Progress {
    /// That of an HTTP/1 session's connection.
    pub(super) fn of(session: &Session) -> Option<Arc<Self>> {
        let stream = session.as_http1()?.stream().as_any();
        let connection = stream.downcast_ref::<Connection>()?;
        Some(Arc::clone(&connection.progress))
    }
    pub(super) fn head_is_read(&self) {
        *self.phase.lock() = Phase::Body;
    }
    /// The next byte begins a new head.
    pub(super) fn request_is_over(&self) {
        *self.phase.lock() = Phase::Idle;
    }
    pub(super) const fn role(&self) -> Role {
        self.role
    }
    /// What came was no request, and was answered with 400.
    pub(super) fn was_unreadable(&self) -> bool {
        self.unreadable.load(Ordering::Relaxed)
    }
    /// The listener accepts no more connections; this one is to end after its request.
    pub(super) fn is_stopping(&self) -> bool {
        *self.stop.borrow()
    }
}

/// A stream with a deadline for heads. `slot` gives back what the connection counted for when it is gone.
pub(super) struct Connection {
    io: BufWriter<Stream>,
    progress: Arc<Progress>,
    head_limit: Duration,
    /// How slowly answers are taken.
    reading: Option<Pace>,
    waiting: Option<Waiting>,
    timer: Option<Pin<Box<Sleep>>>,
    refused: bool,
}

impl std::fmt::Debug for Connection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Connection")
            .field("progress", &self.progress)
            .finish_non_exhaustive()
    }
}

impl Connection {
    pub(super) fn new(
        stream: Stream,
        limits: &Limits,
        role: Role,
        stop: watch::Receiver<bool>,
    ) -> Self {
        let phase = match stream.selected_alpn_proto() {
            Some(ALPN::H2) => Phase::Opening(0),
            _ => Phase::Head,
        };
        Self {
            // head and body of an answer leave in one packet
            io: BufWriter::with_capacity(4096, stream),
            progress: Arc::new(Progress {
                phase: Mutex::new(phase),
                role,
                stop,
                unreadable: AtomicBool::new(false),
            }),
            head_limit: limits.header,
            reading: Pace::new(limits.read_rate, limits.stall),
            waiting: None,
            timer: None,
            refused: false,
        }
    }

    pub(super) fn progress(&self) -> Arc<Progress> {
        Arc::clone(&self.progress)
    }

    fn poll_deadline(&mut self, cx: &mut Context<'_>) -> io::Result<()> {
        let limit = self.head_limit;
        let timer = self
            .timer
            .get_or_insert_with(|| Box::pin(tokio::time::sleep(limit)));
        match timer.as_mut().poll(cx) {
            Poll::Ready(()) => Err(io::ErrorKind::TimedOut.into()),
            Poll::Pending => Ok(()),
        }
    }

    fn count(&mut self, phase: Phase, read: usize) {
        match phase {
            Phase::Idle if read > 0 => {
                *self.progress.phase.lock() = Phase::Head;
                let at = Instant::now() + self.head_limit;
                match self.timer.as_mut() {
                    Some(timer) => timer.as_mut().reset(at),
                    None => self.timer = Some(Box::pin(tokio::time::sleep_until(at))),
                }
            }
            Phase::Opening(seen) => {
                let seen = seen.saturating_add(read);
                let done = seen >= H2_OPENING;
                *self.progress.phase.lock() = if done {
                    Phase::Body
                } else {
                    Phase::Opening(seen)
                };
            }
            Phase::Idle | Phase::Head | Phase::Body => {}
        }
    }
}

/// Since when the client has not taken what is to be written, and when that is too long.
struct Waiting {
    since: Instant,
    timer: Pin<Box<Sleep>>,
}

impl Connection {
    /// The pace at which the client reads, counted only while it is waited for: an answer of which nothing is there to
    /// be sent may take its time.
    fn poll_pace(
        &mut self,
        written: Poll<io::Result<usize>>,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<usize>> {
        let Some(pace) = self.reading.as_mut() else {
            return written;
        };
        match written {
            Poll::Ready(Ok(bytes)) => {
                if let Some(waiting) = self.waiting.take() {
                    // too slow shows at the timer, or at the next wait
                    let _ = pace.waited(waiting.since.elapsed());
                }
                pace.moved(bytes);
                Poll::Ready(Ok(bytes))
            }
            Poll::Ready(Err(e)) => Poll::Ready(Err(e)),
            Poll::Pending => {
                let left = pace.left();
                let waiting = self.waiting.get_or_insert_with(|| Waiting {
                    since: Instant::now(),
                    timer: Box::pin(tokio::time::sleep(left)),
                });
                ready!(waiting.timer.as_mut().poll(cx));
                Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
            }
        }
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let phase = *self.progress.phase.lock();
        if matches!(phase, Phase::Head | Phase::Opening(_)) {
            self.poll_deadline(cx)?;
        }
        let before = buf.filled().len();
        ready!(Pin::new(&mut self.io).poll_read(cx, buf))?;
        let read = buf.filled().len().saturating_sub(before);
        self.count(phase, read);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        if *self.progress.phase.lock() != Phase::Head {
            let written = Pin::new(&mut self.io).poll_write(cx, buf);
            return self.poll_pace(written, cx);
        }
        if !self.refused {
            // shorter than the empty write buffer, so it goes in whole
            ready!(Pin::new(&mut self.io).poll_write(cx, NOT_A_REQUEST))?;
            self.refused = true;
            self.progress.unreadable.store(true, Ordering::Relaxed);
        }
        Poll::Ready(Ok(buf.len()))
    }
    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.io).poll_flush(cx);
        self.poll_pace(flushed.map_ok(|()| 0), cx).map_ok(|_| ())
    }
    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}

#[async_trait]
impl Shutdown for Connection {
    async fn shutdown(&mut self) {
        // the peer may be gone already
        let _ = self.io.flush().await;
        Shutdown::shutdown(&mut **self.io.get_mut()).await;
    }
}

impl UniqueID for Connection {
    fn id(&self) -> UniqueIDType {
        self.io.get_ref().id()
    }
}

impl Ssl for Connection {
    fn get_ssl(&self) -> Option<&TlsRef> {
        self.io.get_ref().get_ssl()
    }
    fn get_ssl_digest(&self) -> Option<Arc<SslDigest>> {
        self.io.get_ref().get_ssl_digest()
    }
    fn selected_alpn_proto(&self) -> Option<ALPN> {
        self.io.get_ref().selected_alpn_proto()
    }
}

impl GetTimingDigest for Connection {
    fn get_timing_digest(&self) -> Vec<Option<TimingDigest>> {
        self.io.get_ref().get_timing_digest()
    }
}

impl GetProxyDigest for Connection {
    fn get_proxy_digest(&self) -> Option<Arc<ProxyDigest>> {
        self.io.get_ref().get_proxy_digest()
    }
}

impl GetSocketDigest for Connection {
    fn get_socket_digest(&self) -> Option<Arc<SocketDigest>> {
        self.io.get_ref().get_socket_digest()
    }
}

#[async_trait]
impl Peek for Connection {
    async fn try_peek(&mut self, buf: &mut [u8]) -> io::Result<bool> {
        self.io.get_mut().try_peek(buf).await
    }
}
