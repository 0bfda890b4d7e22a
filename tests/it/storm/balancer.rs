//! A load balancer that knows nothing: the next connection goes to the next node that takes it.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::net::{TcpListener, TcpStream};

pub(super) async fn start(listener: TcpListener, nodes: Vec<SocketAddr>) {
    static TURN: AtomicUsize = AtomicUsize::new(0);
    while let Ok((mut client, _)) = listener.accept().await {
        let nodes = nodes.clone();
        tokio::spawn(async move {
            let turn = TURN.fetch_add(1, Ordering::Relaxed);
            for n in 0..nodes.len() {
                let node = nodes[(turn + n) % nodes.len()];
                if let Ok(mut node) = TcpStream::connect(node).await {
                    let _ = tokio::io::copy_bidirectional(&mut client, &mut node).await;
                    return;
                }
            }
            let _ = client.set_zero_linger();
        });
    }
}
