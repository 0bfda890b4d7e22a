//! An application that does as it is told, and knows which connection a request came on.

use super::client::{Io, find};
use super::upstream::value;
use parking_lot::Mutex;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, UnixListener};
use tokio::task::JoinSet;
use vestibule::domain::route::Upstream;

#[derive(Clone, Debug)]
pub(crate) struct Hit {
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
    /// The number of its connection, from 0.
    pub(crate) connection: usize,
    /// Its number on that connection, from 0.
    pub(crate) nth: usize,
}

impl Hit {
    pub(crate) fn path(&self) -> &str {
        self.head.split(' ').nth(1).unwrap_or("")
    }
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        value(&self.head, name)
    }
}

pub(crate) enum Act {
    /// A body, as 200.
    Answer(String),
    /// A status line's end and headers, each with CRLF, without a body.
    Head(&'static str),
    /// Closes without a word.
    Die,
    /// Never answers.
    Hang,
    /// 101, then an echo.
    Echo,
}

type Behaviour = Arc<dyn Fn(&Hit) -> Act + Send + Sync>;

#[derive(Clone)]
pub(crate) struct App {
    hits: Arc<Mutex<Vec<Hit>>>,
    connections: Arc<AtomicUsize>,
    open: Arc<AtomicUsize>,
    behaviour: Arc<Mutex<Behaviour>>,
    /// The accept loop and every connection; ended together.
    tasks: Arc<Mutex<Option<tokio::task::JoinHandle<()>>>>,
    address: Option<SocketAddr>,
}

impl App {
    fn new(behaviour: impl Fn(&Hit) -> Act + Send + Sync + 'static) -> Self {
        Self {
            hits: Arc::default(),
            connections: Arc::default(),
            open: Arc::default(),
            behaviour: Arc::new(Mutex::new(Arc::new(behaviour))),
            tasks: Arc::default(),
            address: None,
        }
    }

    pub(crate) async fn start(behaviour: impl Fn(&Hit) -> Act + Send + Sync + 'static) -> Self {
        let mut app = Self::new(behaviour);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        app.address = Some(listener.local_addr().unwrap());
        app.listen(listener);
        app
    }

    /// Answers everything with its name.
    pub(crate) async fn named(name: &str) -> Self {
        let name = name.to_owned();
        Self::start(move |_| Act::Answer(name.clone())).await
    }

    pub(crate) fn on_socket(
        path: &Path,
        behaviour: impl Fn(&Hit) -> Act + Send + Sync + 'static,
    ) -> Self {
        let app = Self::new(behaviour);
        let listener = UnixListener::bind(path).unwrap();
        let this = app.clone();
        *app.tasks.lock() = Some(tokio::spawn(async move {
            let mut open = JoinSet::new();
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                open.spawn(this.clone().serve(Box::new(stream)));
            }
        }));
        app
    }

    fn listen(&self, listener: TcpListener) {
        let this = self.clone();
        *self.tasks.lock() = Some(tokio::spawn(async move {
            let mut open = JoinSet::new();
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                stream.set_nodelay(true).unwrap();
                open.spawn(this.clone().serve(Box::new(stream)));
            }
        }));
    }

    /// Closes its port and every connection.
    pub(crate) async fn stop(&self) {
        let task = self.tasks.lock().take();
        if let Some(task) = task {
            task.abort();
            let _ = task.await;
        }
    }

    /// Listens again where it did.
    pub(crate) async fn restart(&self) {
        let address = self.address.unwrap();
        self.listen(TcpListener::bind(address).await.unwrap());
    }

    pub(crate) fn behave(&self, behaviour: impl Fn(&Hit) -> Act + Send + Sync + 'static) {
        *self.behaviour.lock() = Arc::new(behaviour);
    }

    pub(crate) fn target(&self) -> Upstream {
        super::world::at(self.address.unwrap(), false)
    }

    /// What was received since the last call.
    pub(crate) fn take(&self) -> Vec<Hit> {
        std::mem::take(&mut *self.hits.lock())
    }

    /// How many are there to be taken.
    pub(crate) fn count(&self) -> usize {
        self.hits.lock().len()
    }

    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    /// How many are open now.
    pub(crate) fn open(&self) -> usize {
        self.open.load(Ordering::SeqCst)
    }

    async fn serve(self, io: Box<dyn Io>) {
        let open = Arc::clone(&self.open);
        open.fetch_add(1, Ordering::SeqCst);
        self.talk(io).await;
        open.fetch_sub(1, Ordering::SeqCst);
    }

    async fn talk(self, io: Box<dyn Io>) {
        let connection = self.connections.fetch_add(1, Ordering::SeqCst);
        let mut io = io;
        let mut buffer = Vec::new();
        for nth in 0.. {
            let Some(hit) = receive(&mut *io, &mut buffer, connection, nth).await else {
                return;
            };
            self.hits.lock().push(hit.clone());
            let behaviour = Arc::clone(&self.behaviour.lock());
            let answer = match behaviour(&hit) {
                Act::Answer(body) => {
                    format!(
                        "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}",
                        body.len()
                    )
                }
                Act::Head(head) => format!("HTTP/1.1 {head}Content-Length: 0\r\n\r\n"),
                Act::Die => return,
                Act::Hang => std::future::pending().await,
                Act::Echo => {
                    let head = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n";
                    io.write_all(head.as_bytes()).await.unwrap();
                    io.write_all(&buffer).await.unwrap();
                    io.flush().await.unwrap();
                    let (mut reader, mut writer) = tokio::io::split(io);
                    let _ = tokio::io::copy(&mut reader, &mut writer).await;
                    return;
                }
            };
            if io.write_all(answer.as_bytes()).await.is_err() {
                return;
            }
        }
    }
}

async fn receive(
    io: &mut dyn Io,
    buffer: &mut Vec<u8>,
    connection: usize,
    nth: usize,
) -> Option<Hit> {
    let end = loop {
        if let Some(end) = find(buffer, b"\r\n\r\n") {
            break end + 4;
        }
        if io.read_buf(buffer).await.ok()? == 0 {
            return None;
        }
    };
    let head: Vec<u8> = buffer.drain(..end).collect();
    let head = String::from_utf8_lossy(&head).into_owned();
    let length = value(&head, "content-length").map_or(0, |l| l.parse().unwrap());
    while buffer.len() < length {
        if io.read_buf(buffer).await.ok()? == 0 {
            return None;
        }
    }
    Some(Hit {
        head,
        body: buffer.drain(..length).collect(),
        connection,
        nth,
    })
}
