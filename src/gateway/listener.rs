//! The listening sockets: bound by us (port 0 works, errors name the address), with caps and deadlines that
//! pingora's own service does not have, and a drain that ends as soon as nothing is in flight.

use super::connection::Connection;
use super::crowd::{Crowd, Member};
use super::role::Role;
use super::tls::Certificates;
use super::watch::Watched;
use crate::domain::limits::Limits;
use arc_swap::ArcSwap;
use pingora::apps::ServerApp as _;
use pingora::protocols::l4::socket::SocketAddr as PingoraAddress;
use pingora::protocols::l4::stream::Stream as L4;
use pingora::protocols::{GetSocketDigest as _, SocketDigest, Stream};
use std::net::{IpAddr, SocketAddr};
use std::os::fd::{AsFd as _, AsRawFd as _, BorrowedFd};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinHandle;

/// How long a connection may still bring another request when stopping.
const LINGER: Duration = Duration::from_secs(2);

/// Where to listen.
#[derive(Clone, Debug)]
pub struct Listener {
    pub address: SocketAddr,
    /// `None`: plain HTTP.
    pub tls: Option<Arc<Certificates>>,
    /// Who connects here.
    pub role: Role,
}

/// The sockets cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum ListenFault {
    #[error("cannot listen on {address}: {source}")]
    Bind {
        address: SocketAddr,
        source: std::io::Error,
    },
}

/// What a client at this address is granted now: how many connections, and the limits of each. Many share that of a
/// proxy in front of us.
type Terms = Arc<dyn Fn(IpAddr) -> (u32, Limits) + Send + Sync>;

/// Sockets that listen already: the service manager's, or those of the process that this one takes over from.
#[derive(Debug, Default)]
pub struct Inherited(Vec<std::net::TcpListener>);

impl Inherited {
    pub const fn new(sockets: Vec<std::net::TcpListener>) -> Self {
        Self(sockets)
    }

    /// The socket for this address, if there is one.
    pub fn take(&mut self, address: SocketAddr) -> Option<std::net::TcpListener> {
        let is_it = |s: &std::net::TcpListener| s.local_addr().is_ok_and(|a| a == address);
        let position = self.0.iter().position(is_it)?;
        Some(self.0.swap_remove(position))
    }

    /// The addresses that nobody has asked for.
    pub fn left(&self) -> Vec<SocketAddr> {
        self.0.iter().filter_map(|s| s.local_addr().ok()).collect()
    }
}

/// The gateway at work, until [`Running::shutdown`]. Dropped, it ends at once and cuts every connection.
#[derive(Debug)]
pub struct Running {
    open: Vec<Open>,
    shared: Shared,
    cut: watch::Sender<bool>,
}

/// A socket that connections are accepted from.
#[derive(Debug)]
struct Open {
    /// As configured; its port may be 0.
    wished: SocketAddr,
    bound: SocketAddr,
    socket: Arc<TcpListener>,
    service: Arc<ArcSwap<Service>>,
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

/// What connections of a listener get; replaced as a whole.
#[derive(Debug)]
struct Service {
    tls: Option<Arc<Certificates>>,
    role: Role,
}

/// What all listeners have in common.
#[derive(Clone)]
struct Shared {
    app: Arc<Watched>,
    slots: Slots,
    terms: Terms,
    cut: watch::Receiver<bool>,
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Shared")
    }
}

/// Listeners that are ready to take the place of those at work: sockets are bound, TLS is set up.
#[derive(Debug)]
pub struct Prepared(Vec<Ready>);

#[derive(Debug)]
struct Ready {
    wished: SocketAddr,
    service: Service,
    /// `None`: the socket at work stays.
    socket: Option<(TcpListener, SocketAddr)>,
}

/// Which addresses are served anew and which no longer.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Replaced {
    pub added: Vec<SocketAddr>,
    pub removed: Vec<SocketAddr>,
}

impl Running {
    /// Binds and serves, inside the caller's runtime.
    pub(super) fn start(
        listeners: Vec<Listener>,
        inherited: &mut Inherited,
        app: Arc<Watched>,
        terms: Terms,
        most: u32,
    ) -> Result<Self, ListenFault> {
        let (cut, cut_receiver) = watch::channel(false);
        let mut running = Self {
            open: Vec::new(),
            shared: Shared {
                app,
                slots: Slots::new(most),
                terms,
                cut: cut_receiver,
            },
            cut,
        };
        let prepared = running.prepare(listeners, inherited)?;
        running.install(prepared);
        Ok(running)
    }

    /// What is bound, in the order of the listeners.
    pub fn addresses(&self) -> Vec<SocketAddr> {
        self.open.iter().map(|o| o.bound).collect()
    }

    /// The listening sockets, for a process that takes over.
    pub fn sockets(&self) -> Vec<BorrowedFd<'_>> {
        self.open.iter().map(|o| o.socket.as_fd()).collect()
    }

    /// Everything that can fail about serving these listeners in place of those at work. An address that stays
    /// keeps its socket, so that no connection is turned away.
    pub fn prepare(
        &self,
        listeners: Vec<Listener>,
        inherited: &mut Inherited,
    ) -> Result<Prepared, ListenFault> {
        let mut staying: Vec<SocketAddr> = self.open.iter().map(|o| o.wished).collect();
        let ready = |listener: Listener| {
            let address = listener.address;
            let stays = staying.iter().position(|a| *a == address);
            let socket = match stays {
                Some(position) => {
                    staying.swap_remove(position);
                    None
                }
                None => Some(bind(address, inherited)?),
            };
            Ok(Ready {
                wished: address,
                service: Service::new(listener),
                socket,
            })
        };
        let ready = listeners.into_iter().map(ready);
        ready.collect::<Result<_, _>>().map(Prepared)
    }

    /// Puts prepared listeners in force. Those that are no longer wanted accept nothing more; their
    /// connections end after the request they are at.
    pub fn install(&mut self, prepared: Prepared) -> Replaced {
        let mut before = std::mem::take(&mut self.open);
        let mut replaced = Replaced::default();
        for ready in prepared.0 {
            let stays = before.iter().position(|o| o.wished == ready.wished);
            match (ready.socket, stays) {
                (None, Some(position)) => {
                    let open = before.remove(position);
                    let next = Arc::new(ready.service);
                    let last = open.service.swap(Arc::clone(&next));
                    last.give_way(next.tls.as_deref());
                    self.open.push(open);
                }
                (Some((socket, bound)), _) => {
                    replaced.added.push(bound);
                    let open = self.accept(ready.wished, bound, socket, ready.service);
                    self.open.push(open);
                }
                // prepared for another set of listeners: nothing is served that is not bound
                (None, None) => {}
            }
        }
        for open in before {
            replaced.removed.push(open.bound);
            open.service.load().give_way(None);
            // nobody listens any more: then there is nothing to stop
            let _ = open.stop.send(true);
        }
        replaced
    }

    fn accept(
        &self,
        wished: SocketAddr,
        bound: SocketAddr,
        socket: TcpListener,
        service: Service,
    ) -> Open {
        let (stop, stopped) = watch::channel(false);
        let socket = Arc::new(socket);
        let service = Arc::new(ArcSwap::from_pointee(service));
        let accept = Accept {
            socket: Arc::clone(&socket),
            service: Arc::clone(&service),
            shared: self.shared.clone(),
            stop: stopped,
        };
        Open {
            wished,
            bound,
            socket,
            service,
            stop,
            task: tokio::spawn(accept.run()),
        }
    }

    /// Accepts nothing more, lets requests in flight finish (for so long), then cuts what is left. A
    /// connection that waits for its next request is told to close with the answer to it, or after a moment:
    /// closed at once, it could lose a request that is under way.
    pub async fn shutdown(self, longest: Duration) {
        for open in &self.open {
            // nobody listens any more: then there is nothing to stop
            let _ = open.stop.send(true);
        }
        for open in self.open {
            let _ = open.task.await;
        }
        let slots = &self.shared.slots;
        let idle = || slots.total.acquire_many(slots.most);
        if tokio::time::timeout(LINGER.min(longest), idle())
            .await
            .is_ok()
        {
            return;
        }
        self.shared.app.cleanup().await;
        if tokio::time::timeout(longest, idle()).await.is_err() {
            let _ = self.cut.send(true);
        }
    }
}

fn bind(
    address: SocketAddr,
    inherited: &mut Inherited,
) -> Result<(TcpListener, SocketAddr), ListenFault> {
    let fault = |source| ListenFault::Bind { address, source };
    let socket = match inherited.take(address) {
        Some(socket) => socket,
        None => std::net::TcpListener::bind(address).map_err(fault)?,
    };
    socket.set_nonblocking(true).map_err(fault)?;
    let bound = socket.local_addr().map_err(fault)?;
    let socket = TcpListener::from_std(socket).map_err(fault)?;
    Ok((socket, bound))
}

impl Service {
    /// Connections keep what they were accepted under, but for what no longer holds.
    fn give_way(&self, next: Option<&Certificates>) {
        if let Some(tls) = &self.tls {
            tls.give_way(next);
        }
    }

    fn new(listener: Listener) -> Self {
        Self {
            tls: listener.tls,
            role: listener.role,
        }
    }
}

struct Accept {
    socket: Arc<TcpListener>,
    service: Arc<ArcSwap<Service>>,
    shared: Shared,
    stop: watch::Receiver<bool>,
}

impl Accept {
    async fn run(mut self) {
        loop {
            let accepted = tokio::select! {
                accepted = self.socket.accept() => accepted,
                _ = self.stop.changed() => break,
            };
            let Ok((tcp, peer)) = accepted else {
                // out of file descriptors, most likely: give connections time to end
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            };
            let (most, limits) = (self.shared.terms)(peer.ip());
            if let Some(slot) = self.shared.slots.take(peer.ip(), most) {
                self.spawn(tcp, peer, slot, limits);
            }
        }
    }

    fn spawn(&self, tcp: TcpStream, peer: SocketAddr, slot: Slot, limits: Limits) {
        let app = Arc::clone(&self.shared.app);
        let service = self.service.load_full();
        let (stop, mut cut) = (self.stop.clone(), self.shared.cut.clone());
        tokio::spawn(async move {
            let _slot = slot;
            let serve = async {
                if let Some(stream) =
                    open(tcp, peer, service.tls.as_deref(), limits.handshake).await
                {
                    let connection = Connection::new(stream, &limits, service.role, stop.clone());
                    let progress = connection.progress();
                    app.process_new(Box::new(connection), &stop).await;
                    if progress.was_unreadable() {
                        app.gateway.tell_of_no_request(peer.ip());
                    }
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
    tls: Option<&Certificates>,
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
    let Some(tls) = tls else {
        return Some(Box::new(stream));
    };
    let handshake = tokio::time::timeout(longest, tls.handshake(stream));
    handshake.await.ok().flatten()
}

#[derive(Clone, Debug)]
struct Slots {
    most: u32,
    total: Arc<Semaphore>,
    by_network: Crowd,
}

impl Slots {
    fn new(most: u32) -> Self {
        Self {
            most,
            total: Arc::new(Semaphore::new(most as usize)),
            by_network: Crowd::default(),
        }
    }

    /// `None`: too many connections already; this one is closed.
    fn take(&self, address: IpAddr, most: u32) -> Option<Slot> {
        let total = Arc::clone(&self.total).try_acquire_owned().ok()?;
        Some(Slot {
            _member: self.by_network.join(address, most)?,
            _total: total,
        })
    }
}

/// One connection's place; free again when dropped.
#[derive(Debug)]
struct Slot {
    _total: OwnedSemaphorePermit,
    _member: Member,
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
        assert!(slots.by_network.is_empty());
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
        assert!(slots.by_network.is_empty());
    }
}
