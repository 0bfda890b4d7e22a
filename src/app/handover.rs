//! One process hands its listening sockets to the next, so that a new binary is taken into service without a
//! moment in which nobody listens.
//!
//! The old process starts the new one with the same arguments and passes it the sockets (`SCM_RIGHTS`) over a
//! Unix socket that only that child may speak on. Both accept from the same queues until the new one says that
//! it is ready; then the old one accepts nothing more and finishes what it has begun. Whatever goes wrong before,
//! the old process goes on as if nobody had asked.

use crate::env::Env;
use crate::gateway::Inherited;
use anyhow::{Context as _, bail, ensure};
use listenfd::ListenFd;
use rustix::cmsg_space;
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, recvmsg, sendmsg, sockopt,
};
use std::io::{IoSlice, IoSliceMut, Read as _, Write as _};
use std::mem::MaybeUninit;
use std::net::TcpListener;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::net::{SocketAddr, UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use tokio::time::Instant;

/// The name (in the abstract namespace) of the socket on which the old process waits.
const VARIABLE: &str = "VESTIBULE_HANDOVER";
/// Most sockets that can be passed on: what one message carries (`SCM_MAX_FD`).
const MOST_SOCKETS: usize = 253;
/// How long the new process may take to be ready: it may have a store to bring up to date.
const PATIENCE: Duration = Duration::from_secs(120);
const READY: &[u8] = b"ready";

/// What this process was given to start with.
pub struct Start {
    /// Sockets that listen already.
    pub inherited: Inherited,
    /// Whom to tell that this process serves.
    pub predecessor: Option<Predecessor>,
}

/// The process that this one takes over from.
#[derive(Debug)]
pub struct Predecessor(UnixStream);

impl Predecessor {
    /// This process serves; the other may go.
    pub fn ready(mut self) -> std::io::Result<()> {
        self.0.write_all(READY)
    }
}

impl Start {
    /// The sockets of the process before, or else those of the service manager (`LISTEN_FDS`).
    pub fn of_process() -> anyhow::Result<Self> {
        match crate::env::variable(VARIABLE) {
            Some(name) => {
                let (sockets, stream) = receive(&name)
                    .context("the sockets of the process before cannot be taken over")?;
                Ok(Self {
                    inherited: Inherited::new(sockets),
                    predecessor: Some(Predecessor(stream)),
                })
            }
            None => Ok(Self {
                inherited: Inherited::new(activated()?),
                predecessor: None,
            }),
        }
    }
}

/// systemd's socket activation, sd_listen_fds(3).
fn activated() -> anyhow::Result<Vec<TcpListener>> {
    let mut given = ListenFd::from_env();
    let mut sockets = Vec::new();
    for number in 0..given.len() {
        let socket = given.take_tcp_listener(number);
        let socket = socket.context("the service manager handed over what is no TCP socket (sockets need ListenStream=, and Accept=no)")?;
        sockets.extend(socket);
    }
    Ok(sockets)
}

fn receive(name: &str) -> anyhow::Result<(Vec<TcpListener>, UnixStream)> {
    let address = SocketAddr::from_abstract_name(name)?;
    let stream = UnixStream::connect_addr(&address)?;
    // anybody may wait under a name: the sockets we serve from come from whoever started us
    ensure!(
        speaks_for(&stream, std::os::unix::process::parent_id())?,
        "the process at {name} is not the one that started this process"
    );
    let mut space = [MaybeUninit::uninit(); cmsg_space!(ScmRights(MOST_SOCKETS))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let mut count = [0; 1];
    let mut parts = [IoSliceMut::new(&mut count)];
    recvmsg(&stream, &mut parts, &mut control, RecvFlags::CMSG_CLOEXEC)?;
    let sockets: Vec<OwnedFd> = control
        .drain()
        .filter_map(|message| match message {
            RecvAncillaryMessage::ScmRights(fds) => Some(fds),
            _ => None,
        })
        .flatten()
        .collect();
    let [count] = count;
    ensure!(
        sockets.len() == usize::from(count),
        "{count} sockets were announced and {} came",
        sockets.len()
    );
    let sockets = sockets.into_iter().map(TcpListener::from).collect();
    Ok((sockets, stream))
}

/// A new process that is ready to take over.
#[derive(Debug)]
pub struct Successor {
    pub process: u32,
}

/// Starts `program` with this process's arguments and waits until it is ready. On an error there is no new
/// process, and nothing has changed. Blocks.
pub fn hand_over(
    program: &Path,
    sockets: &[BorrowedFd<'_>],
    env: &Env,
) -> anyhow::Result<Successor> {
    let id = u64::from_be_bytes(env.random());
    let name = format!("vestibule-{}-{id:016x}", std::process::id());
    let meeting = UnixListener::bind_addr(&SocketAddr::from_abstract_name(&name)?)?;
    meeting.set_nonblocking(true)?;
    let mut child = Command::new(program)
        .args(std::env::args_os().skip(1))
        .env(VARIABLE, &name)
        .env_remove("LISTEN_FDS")
        .env_remove("LISTEN_PID")
        .env_remove("LISTEN_FDNAMES")
        .stdin(Stdio::null())
        .spawn()
        .with_context(|| format!("{} cannot be started", program.display()))?;
    let met = meet(&meeting, &mut child, sockets);
    if met.is_err() {
        // it may have ended by itself
        let _ = child.kill();
        let _ = child.wait();
    }
    met.map(|()| Successor {
        process: child.id(),
    })
}

fn meet(
    meeting: &UnixListener,
    child: &mut Child,
    sockets: &[BorrowedFd<'_>],
) -> anyhow::Result<()> {
    let until = Instant::now() + PATIENCE;
    let mut stream = loop {
        match meeting.accept() {
            Ok((stream, _)) if speaks_for(&stream, child.id())? => break stream,
            Ok(_) => tracing::warn!("somebody else than the new process asked for the sockets"),
            Err(e) if e.kind() == std::io::ErrorKind::WouldBlock => wait(child, until)?,
            Err(e) => return Err(e.into()),
        }
    };
    let count = u8::try_from(sockets.len())
        .ok()
        .filter(|n| usize::from(*n) <= MOST_SOCKETS)
        .context("there are more sockets than can be handed over")?;
    let mut space = [MaybeUninit::uninit(); cmsg_space!(ScmRights(MOST_SOCKETS))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    ensure!(
        control.push(SendAncillaryMessage::ScmRights(sockets)),
        "the sockets do not fit into a message"
    );
    sendmsg(
        &stream,
        &[IoSlice::new(&[count])],
        &mut control,
        SendFlags::NOSIGNAL,
    )?;
    stream.set_nonblocking(true)?;
    let mut heard = Vec::new();
    while heard.len() < READY.len() {
        let mut buffer = [0; 16];
        match stream.read(&mut buffer) {
            Ok(0) => {
                wait(child, until)?;
                bail!("the new process gave up");
            }
            Ok(n) => heard.extend_from_slice(buffer.get(..n).unwrap_or_default()),
            Err(e) if e.kind() == std::io::ErrorKind::WouldBlock => wait(child, until)?,
            Err(e) => return Err(e.into()),
        }
    }
    Ok(())
}

/// Whether the other end is this process; the kernel says which it is (SO_PEERCRED).
fn speaks_for(stream: &UnixStream, process: u32) -> anyhow::Result<bool> {
    let peer = sockopt::socket_peercred(stream)?;
    Ok(u32::try_from(peer.pid.as_raw_nonzero().get()) == Ok(process))
}

/// A moment, in which the child may turn out to have ended.
fn wait(child: &mut Child, until: Instant) -> anyhow::Result<()> {
    if let Some(status) = child.try_wait()? {
        bail!("the new process ended before it was ready ({status}); what it said is in the log");
    }
    ensure!(
        Instant::now() < until,
        "the new process was not ready within {} s",
        PATIENCE.as_secs()
    );
    std::thread::sleep(Duration::from_millis(20));
    Ok(())
}

/// The file of this program as it was named at the start, links not resolved: after an upgrade the new binary
/// lies there.
pub fn program() -> anyhow::Result<PathBuf> {
    let named = std::env::args_os().next().map(PathBuf::from);
    let named = named.filter(|path| path.components().count() > 1 && path.exists());
    match named {
        Some(path) => std::path::absolute(path).context("the working directory is not known"),
        // found by way of PATH
        None => std::env::current_exe().context("the path of this program is not known"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Somebody who has learnt the name, or has made the process believe in it, is still not the process before.
    #[test]
    fn sockets_are_taken_from_the_parent_only() {
        let name = format!("vestibule-test-{}", std::process::id());
        let address = SocketAddr::from_abstract_name(&name).unwrap();
        let stranger = UnixListener::bind_addr(&address).unwrap();
        let why = receive(&name).unwrap_err().to_string();
        assert!(why.contains("is not the one that started"), "{why}");
        let (mut stream, _) = stranger.accept().unwrap();
        let mut heard = Vec::new();
        stream.read_to_end(&mut heard).unwrap();
        assert!(heard.is_empty(), "nothing was said to it");
        assert!(speaks_for(&stream, std::process::id()).unwrap());
    }
}
