//! An address that leads to a server, and to another one when somebody says so: what a virtual address, a name or a
//! balancer in front of a database does.

use std::sync::Arc;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// Where connections go that are made now. What is on its way on older ones falls into a hole, as with an address that
/// has moved to another machine: no answer, no end.
pub(crate) struct Road {
    pub(crate) port: u16,
    leads_to: watch::Sender<Option<u16>>,
}

impl Road {
    pub(crate) async fn to(port: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let road = listener.local_addr().unwrap().port();
        let (leads_to, now) = watch::channel(Some(port));
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let now = now.clone();
                tokio::spawn(travel(client, now));
            }
        });
        Self {
            port: road,
            leads_to,
        }
    }

    pub(crate) fn lead_to(&self, port: u16) {
        self.leads_to.send(Some(port)).unwrap();
    }

    /// Nowhere: connections are taken and nothing is answered.
    pub(crate) fn close(&self) {
        self.leads_to.send(None).unwrap();
    }
}

async fn travel(client: TcpStream, mut now: watch::Receiver<Option<u16>>) {
    let port = *now.borrow_and_update();
    let moved = Arc::new(now);
    if let Some(port) = port {
        let Ok(server) = TcpStream::connect(("127.0.0.1", port)).await else {
            return;
        };
        let (from, to) = client.into_split();
        let (back, forth) = server.into_split();
        tokio::join!(
            carry(from, forth, (*moved).clone()),
            carry(back, to, (*moved).clone())
        );
    } else {
        // held open until the test is over
        std::future::pending::<()>().await;
        drop(client);
    }
}

/// Until the road leads elsewhere; then never again, and the end is not told either.
async fn carry(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    mut now: watch::Receiver<Option<u16>>,
) {
    let mut bytes = vec![0; 65536];
    loop {
        tokio::select! {
            biased;
            moved = now.changed() => {
                if moved.is_ok() {
                    std::future::pending::<()>().await;
                }
                return;
            }
            read = from.read(&mut bytes) => {
                let Ok(n @ 1..) = read else {
                    let _ = to.shutdown().await;
                    return;
                };
                if to.write_all(&bytes[..n]).await.is_err() {
                    return;
                }
            }
        }
    }
}
