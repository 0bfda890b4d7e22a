//! The cable between a node and its database: whole, cut, stalled, or with its connections forgotten on the way.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    Whole,
    /// Connections are reset, and new ones are, too.
    Cut,
    /// Nothing passes; what waits goes on when it is whole again.
    Stalled,
    /// Nothing passes, and connections of this time never live again, though neither side is told: a firewall
    /// that has lost its table, a host that was moved.
    Lost,
}

pub(super) struct Cable {
    pub(super) port: u16,
    state: watch::Sender<State>,
}

impl Cable {
    pub(super) async fn to(server: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (state, seen) = watch::channel(State::Whole);
        tokio::spawn(async move {
            while let Ok((node, _)) = listener.accept().await {
                tokio::spawn(connection(node, server, seen.clone()));
            }
        });
        Self { port, state }
    }

    pub(super) fn set(&self, state: State) {
        let _ = self.state.send(state);
    }
}

async fn connection(mut node: TcpStream, server: u16, mut state: watch::Receiver<State>) {
    let _ = node.set_nodelay(true);
    if !passes(&mut node, None, &mut state).await {
        return;
    }
    let Ok(mut server) = TcpStream::connect(("127.0.0.1", server)).await else {
        let _ = node.set_zero_linger();
        return;
    };
    let _ = server.set_nodelay(true);
    let (mut up, mut down) = ([0; 16_384], [0; 16_384]);
    loop {
        if !passes(&mut node, Some(&mut server), &mut state).await {
            return;
        }
        let alive = tokio::select! {
            changed = state.changed() => changed.is_ok(),
            read = node.read(&mut up) => pass(read, &up, &mut server).await,
            read = server.read(&mut down) => pass(read, &down, &mut node).await,
        };
        if !alive {
            return;
        }
    }
}

async fn pass(read: std::io::Result<usize>, bytes: &[u8], to: &mut TcpStream) -> bool {
    matches!(read, Ok(n) if n > 0 && to.write_all(&bytes[..n]).await.is_ok())
}

/// Whether bytes may pass (again); otherwise the connection has had its end.
async fn passes(
    node: &mut TcpStream,
    server: Option<&mut TcpStream>,
    state: &mut watch::Receiver<State>,
) -> bool {
    loop {
        let now = *state.borrow_and_update();
        match now {
            State::Whole => return true,
            State::Cut => {
                let _ = node.set_zero_linger();
                if let Some(server) = server {
                    let _ = server.set_zero_linger();
                }
                return false;
            }
            State::Stalled => {
                if state.changed().await.is_err() {
                    return false;
                }
            }
            State::Lost => {
                // the node finds out by itself, the server by its own limits
                tokio::join!(swallow(Some(node)), swallow(server));
                return false;
            }
        }
    }
}

async fn swallow(side: Option<&mut TcpStream>) {
    let Some(side) = side else { return };
    let mut sink = [0; 4096];
    while matches!(side.read(&mut sink).await, Ok(n) if n > 0) {}
}
