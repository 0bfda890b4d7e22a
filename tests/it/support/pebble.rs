//! A real ACME server on loopback (Debian's `pebble`, the test server of Let's Encrypt), for which every name leads to
//! 127.0.0.1.

use super::client::{Wire, tls};
use super::port::free;
use super::world::Ca;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

pub(crate) struct Pebble {
    child: Child,
    log: PathBuf,
    management: SocketAddr,
    /// Whom its own HTTPS is to be trusted by.
    ca: Ca,
    pub(crate) directory: String,
    pub(crate) ca_file: PathBuf,
}

/// Where it validates, and what it asks of accounts.
pub(crate) struct Wish {
    pub(crate) http: u16,
    pub(crate) tls: u16,
    /// Identifier and base64url key of an external account.
    pub(crate) external: Option<(&'static str, &'static str)>,
}

impl Pebble {
    pub(crate) async fn start(folder: &Path, wish: &Wish) -> Self {
        let ca = Ca::new("the ACME server's own");
        let (certificate, key) = ca.issue(&["localhost"]);
        let at = |name: &str| folder.join(name);
        std::fs::write(at("pebble.pem"), certificate.pem()).unwrap();
        std::fs::write(at("pebble.key"), key.serialize_pem()).unwrap();
        std::fs::write(at("pebble-ca.pem"), ca.pem()).unwrap();
        let (api, management) = (free(), free());
        let keys = match wish.external {
            Some((id, key)) => serde_json::json!({ id: key }),
            None => serde_json::json!({}),
        };
        let config = serde_json::json!({ "pebble": {
            "listenAddress": format!("127.0.0.1:{api}"),
            "managementListenAddress": format!("127.0.0.1:{management}"),
            "certificate": at("pebble.pem"),
            "privateKey": at("pebble.key"),
            "httpPort": wish.http,
            "tlsPort": wish.tls,
            "externalAccountBindingRequired": wish.external.is_some(),
            "externalAccountMACKeys": keys,
        }});
        std::fs::write(at("pebble.json"), config.to_string()).unwrap();
        let log = at("pebble.log");
        let output = std::fs::File::create(&log).unwrap();
        let child = Command::new("pebble")
            .arg("-config")
            .arg(at("pebble.json"))
            .args(["-dnsserver", &names().to_string()])
            .env("PEBBLE_VA_NOSLEEP", "1")
            // The client tries three times with a new nonce: at a refused share of 10 % one order of a hundred fails.
            .env("PEBBLE_WFE_NONCEREJECT", "0")
            .env("PEBBLE_AUTHZREUSE", "0")
            .stderr(Stdio::from(output.try_clone().unwrap()))
            .stdout(Stdio::from(output))
            .spawn()
            .unwrap_or_else(|e| panic!("pebble: {e}; tools/prepare test installs it"));
        let this = Self {
            child,
            log,
            management: ([127, 0, 0, 1], management).into(),
            ca,
            directory: format!("https://localhost:{api}/dir"),
            ca_file: at("pebble-ca.pem"),
        };
        for _ in 0..100 {
            let listens = |port| std::net::TcpStream::connect(("127.0.0.1", port)).is_ok();
            if listens(api) && listens(management) {
                return this;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("pebble does not start: {}", this.log());
    }

    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap()
    }

    /// How many orders were placed.
    pub(crate) fn orders(&self) -> usize {
        self.log().matches("Added order").count()
    }

    /// Whom its certificates are to be trusted by.
    pub(crate) async fn roots(&self) -> rustls::RootCertStore {
        let stream = tls(self.management, "localhost", &self.ca.roots(), &[]).await;
        let mut wire = Wire::over(Box::new(stream.unwrap()));
        wire.send("GET /roots/0 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            .await;
        let answer = wire.answer().await.unwrap();
        let mut roots = rustls::RootCertStore::empty();
        let root = CertificateDer::from_pem_slice(&answer.body).unwrap();
        roots.add(root).unwrap();
        roots
    }
}

impl Drop for Pebble {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A server of names (RFC 1035) that answers 127.0.0.1 to every question for an address and nothing to others; gone
/// with the test's process.
fn names() -> SocketAddr {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = socket.local_addr().unwrap();
    std::thread::spawn(move || {
        let mut packet = [0; 1500];
        while let Ok((length, from)) = socket.recv_from(&mut packet) {
            if let Some(answer) = answer(&packet[..length]) {
                let _ = socket.send_to(&answer, from);
            }
        }
    });
    address
}

fn answer(question: &[u8]) -> Option<Vec<u8>> {
    // the name ends with an empty label; type and class follow
    let name = question.get(12..)?.iter().position(|b| *b == 0)?;
    let end = 12 + name + 5;
    let kind = question.get(end - 4..end - 2)?;
    let is_address = kind == [0, 1];
    let mut out = question.get(..2)?.to_vec();
    // an answer, recursion as asked for and available; one question, this many answers
    out.extend([0x81, 0x80, 0, 1, 0, u8::from(is_address), 0, 0, 0, 0]);
    out.extend(question.get(12..end)?);
    if is_address {
        // the name as above, an address, an hour, four bytes
        out.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 14, 16, 0, 4]);
        out.extend(Ipv4Addr::LOCALHOST.octets());
    }
    Some(out)
}
