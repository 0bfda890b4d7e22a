//! The listening sockets: bound by us (port 0 works, errors name the address), with caps and deadlines that
//! pingora's own service does not have, and a drain that ends as soon as nothing is in flight.

use super::connection::Connection;
use super::tls::Certificates;
use crate::domain::limits::Limits;
use crate::domain::network::network_of;
use parking_lot::Mutex;
use pingora::apps::ServerApp;
use pingora::listeners::tls::Acceptor;
use pingora::protocols::l4::socket::SocketAddr as PingoraAddress;
use pingora::protocols::l4::stream::Stream as L4;
use pingora::protocols::{GetSocketDigest as _, SocketDigest, Stream};
use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::os::fd::AsRawFd as _;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinHandle;

/// Longest wait for requests in flight when stopping.
const DRAIN: Duration = Duration::from_secs(30);

/// Where to listen.
#[derive(Clone, Debug)]
pub struct Listener {
    pub address: SocketAddr,
    /// `None`: plain HTTP.
    pub tls: Option<Arc<Certificates>>,
    /// Plain HTTP only: answer with a redirect to the same address over HTTPS.
    pub redirect_to_https: bool,
}

/// The sockets cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum ListenFault {
    #[error("cannot listen on {address}: {source}")]
    Bind {
        address: SocketAddr,
        source: std::io::Error,
    },
    #[error("cannot set up TLS for {address}: {reason}")]
    Tls { address: SocketAddr, reason: String },
}

/// Whether many clients share this address: a proxy in front of us.
type IsProxy = Arc<dyn Fn(IpAddr) -> bool + Send + Sync>;

/// The gateway at work, until [`Running::shutdown`]. Dropped, it ends at once and cuts every connection.
#[derive(Debug)]
pub struct Running {
    /// What was bound, in the order of the listeners.
    pub addresses: Vec<SocketAddr>,
    stop: watch::Sender<bool>,
    cut: watch::Sender<bool>,
    accepting: Vec<JoinHandle<()>>,
    slots: Slots,
}

impl Running {
    /// Accepts nothing more, lets requests in flight finish (at most 30 s), then cuts what is left.
    pub async fn shutdown(self) {
        // nobody listens any more: then there is nothing to stop
        let _ = self.stop.send(true);
        for task in self.accepting {
            let _ = task.await;
        }
        let idle = self.slots.total.acquire_many(self.slots.most);
        if tokio::time::timeout(DRAIN, idle).await.is_err() {
            let _ = self.cut.send(true);
        }
    }
}

/// Binds and serves, inside the caller's runtime.
pub(super) fn serve<A>(
    listeners: Vec<Listener>,
    app: &Arc<A>,
    is_proxy: IsProxy,
    limits: Limits,
) -> Result<Running, ListenFault>
where
    A: ServerApp + Send + Sync + 'static,
{
    let (stop, _) = watch::channel(false);
    let (cut, _) = watch::channel(false);
    let slots = Slots::new(limits.connections);
    let mut bound = Vec::new();
    for listener in listeners {
        bound.push(bind(listener)?);
    }
    let addresses = bound.iter().map(|(_, _, address)| *address).collect();
    let accepting = bound
        .into_iter()
        .map(|(socket, listener, address)| {
            let accept = Accept {
                app: Arc::clone(app),
                acceptor: acceptor(&listener, address)?.map(Arc::new),
                redirect_to_https: listener.redirect_to_https,
                slots: slots.clone(),
                is_proxy: Arc::clone(&is_proxy),
                limits,
                stop: stop.subscribe(),
                cut: cut.subscribe(),
            };
            Ok(tokio::spawn(accept.run(socket)))
        })
        .collect::<Result<_, ListenFault>>()?;
    Ok(Running {
        addresses,
        stop,
        cut,
        accepting,
        slots,
    })
}

fn bind(listener: Listener) -> Result<(TcpListener, Listener, SocketAddr), ListenFault> {
    let address = listener.address;
    let fault = |source| ListenFault::Bind { address, source };
    let socket = std::net::TcpListener::bind(address).map_err(fault)?;
    socket.set_nonblocking(true).map_err(fault)?;
    let bound = socket.local_addr().map_err(fault)?;
    let socket = TcpListener::from_std(socket).map_err(fault)?;
    Ok((socket, listener, bound))
}

fn acceptor(listener: &Listener, address: SocketAddr) -> Result<Option<Acceptor>, ListenFault> {
    let build = |c: &Arc<Certificates>| c.acceptor();
    let acceptor = listener.tls.as_ref().map(build).transpose();
    acceptor.map_err(|e| ListenFault::Tls {
        address,
        reason: e.to_string(),
    })
}

struct Accept<A> {
    app: Arc<A>,
    acceptor: Option<Arc<Acceptor>>,
    redirect_to_https: bool,
    slots: Slots,
    is_proxy: IsProxy,
    limits: Limits,
    stop: watch::Receiver<bool>,
    cut: watch::Receiver<bool>,
}

impl<A: ServerApp + Send + Sync + 'static> Accept<A> {
    async fn run(mut self, socket: TcpListener) {
        loop {
            let accepted = tokio::select! {
                accepted = socket.accept() => accepted,
                _ = self.stop.changed() => break,
            };
            let Ok((tcp, peer)) = accepted else {
                // out of file descriptors, most likely: give connections time to end
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            };
            let most = match (self.is_proxy)(peer.ip()) {
                true => self.limits.connections,
                false => self.limits.connections_per_address,
            };
            if let Some(slot) = self.slots.take(peer.ip(), most) {
                self.spawn(tcp, peer, slot);
            }
        }
        // wakes connections that wait for their next request
        self.app.cleanup().await;
    }

    fn spawn(&self, tcp: TcpStream, peer: SocketAddr, slot: Slot) {
        let (app, acceptor) = (Arc::clone(&self.app), self.acceptor.clone());
        let (stop, mut cut) = (self.stop.clone(), self.cut.clone());
        let redirect_to_https = self.redirect_to_https;
        let limits = self.limits;
        tokio::spawn(async move {
            let _slot = slot;
            let serve = async {
                if let Some(stream) = open(tcp, peer, acceptor, limits.handshake).await {
                    let connection = Connection::new(stream, &limits, redirect_to_https);
                    app.process_new(Box::new(connection), &stop).await;
                }
            };
            tokio::select! {
                () = serve => {}
                _ = cut.changed() => {}
            }
        });
    }
}

async fn open(
    tcp: TcpStream,
    peer: SocketAddr,
    acceptor: Option<Arc<Acceptor>>,
    longest: Duration,
) -> Option<Stream> {
    // only a matter of speed
    let _ = tcp.set_nodelay(true);
    let local = tcp.local_addr().ok();
    let mut stream = L4::from(tcp);
    let digest = SocketDigest::from_raw_fd(stream.as_raw_fd());
    let _ = digest.peer_addr.set(Some(PingoraAddress::Inet(peer)));
    if let Some(local) = local {
        let _ = digest.local_addr.set(Some(PingoraAddress::Inet(local)));
    }
    stream.set_socket_digest(digest);
    let Some(acceptor) = acceptor else {
        return Some(Box::new(stream));
    };
    let handshake = tokio::time::timeout(longest, acceptor.tls_handshake(stream));
    match handshake.await {
        Ok(Ok(stream)) => Some(Box::new(stream)),
        Ok(Err(_)) | Err(_) => None,
    }
}

#[derive(Clone, Debug)]
struct Slots {
    most: u32,
    total: Arc<Semaphore>,
    by_network: Arc<Mutex<HashMap<IpAddr, u32>>>,
}

impl Slots {
    fn new(most: u32) -> Self {
        Self {
            most,
            total: Arc::new(Semaphore::new(most as usize)),
            by_network: Arc::default(),
        }
    }

    /// `None`: too many connections already; this one is closed.
    fn take(&self, address: IpAddr, most: u32) -> Option<Slot> {
        let total = Arc::clone(&self.total).try_acquire_owned().ok()?;
        let network = network_of(address);
        let mut by_network = self.by_network.lock();
        let held = by_network.get(&network).copied().unwrap_or(0);
        if held >= most {
            return None;
        }
        by_network.insert(network, held.saturating_add(1));
        Some(Slot {
            _total: total,
            by_network: Arc::clone(&self.by_network),
            network,
        })
    }
}

/// One connection's place; free again when dropped.
#[derive(Debug)]
struct Slot {
    _total: OwnedSemaphorePermit,
    by_network: Arc<Mutex<HashMap<IpAddr, u32>>>,
    network: IpAddr,
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut by_network = self.by_network.lock();
        let left = by_network.get_mut(&self.network).map(|n| {
            *n = n.saturating_sub(1);
            *n
        });
        if left == Some(0) {
            by_network.remove(&self.network);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_address_cannot_take_every_slot() {
        const PER_ADDRESS: u32 = 1024;
        let slots = Slots::new(2000);
        let one: IpAddr = "192.0.2.1".parse().unwrap();
        let held: Vec<_> = (0..PER_ADDRESS)
            .map(|_| slots.take(one, PER_ADDRESS).unwrap())
            .collect();
        assert!(slots.take(one, PER_ADDRESS).is_none());
        assert!(
            slots
                .take("192.0.2.2".parse().unwrap(), PER_ADDRESS)
                .is_some()
        );
        drop(held);
        assert!(slots.take(one, PER_ADDRESS).is_some());
        assert!(slots.by_network.lock().is_empty());
    }

    #[test]
    fn one_ipv6_network_counts_once_and_refusals_leave_nothing() {
        let slots = Slots::new(10);
        let at = |text: &str| slots.take(text.parse().unwrap(), 2);
        let one = at("2001:db8::1").unwrap();
        let two = at("2001:db8::2:2").unwrap();
        assert!(at("2001:db8::3").is_none());
        assert!(at("2001:db8:0:1::3").is_some());
        drop((one, two));
        assert!(slots.take("2001:db8::4".parse().unwrap(), 0).is_none());
        assert!(slots.by_network.lock().is_empty());
    }
}
