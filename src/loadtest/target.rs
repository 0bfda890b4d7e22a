//! Where requests go: URLs with weights, and the addresses behind their names.
//!
//! Invariant: [`Origin`] is made by [`resolve`] only, and connections are opened to its addresses only. Without the
//! word of the operator every one of them is loopback: not the first, not most, and not what a name said a moment
//! ago, for nothing is resolved twice.

use super::Wrong;
use http::HeaderValue;
use http::uri::PathAndQuery;
use rustls::pki_types::ServerName;
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};
use url::{Host, Url};

/// A URL and how often it is asked for, compared with the others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Weighted {
    pub url: Url,
    pub weight: u32,
}

/// Heaviest a URL may be.
pub const MOST_WEIGHT: u32 = 1000;

impl Weighted {
    /// `URL` or `URL=WEIGHT`. In a query the last parameter keeps its value: `?page=2` has no weight, `?page=2=3` has 3.
    pub fn parse(text: &str) -> Result<Self, Wrong> {
        let (address, weight) = split_weight(text);
        let wrong = |why: &str| Wrong::new(format!("`{text}`: {why}"));
        let weight = match weight {
            None => 1,
            Some(digits) => digits
                .parse()
                .ok()
                .filter(|weight| (1..=MOST_WEIGHT).contains(weight))
                .ok_or_else(|| wrong("a weight is a whole number from 1 to 1000"))?,
        };
        let url = Url::parse(address)
            .map_err(|e| wrong(&format!("not a URL ({e}); write http://HOST:PORT/PATH")))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(wrong("write a URL that begins with http:// or https://"));
        }
        if url.host().is_none() {
            return Err(wrong("the URL has no host"));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(wrong(
                "a name and password do not belong in a URL; write --header 'Authorization: ...'",
            ));
        }
        Ok(Self { url, weight })
    }

    pub fn path_and_query(&self) -> Result<PathAndQuery, Wrong> {
        let text = match self.url.query() {
            Some(query) => format!("{}?{query}", self.url.path()),
            None => self.url.path().to_owned(),
        };
        text.parse()
            .map_err(|e| Wrong::new(format!("`{}` cannot be asked for: {e}", self.url)))
    }
}

fn split_weight(text: &str) -> (&str, Option<&str>) {
    let Some((before, after)) = text.rsplit_once('=') else {
        return (text, None);
    };
    let is_number = !after.is_empty() && after.bytes().all(|b| b.is_ascii_digit());
    let in_value = match before.rsplit_once(['?', '&']) {
        Some((_, parameter)) => !parameter.contains('='),
        None => false,
    };
    if is_number && !in_value {
        (before, Some(after))
    } else {
        (text, None)
    }
}

/// The order in which targets are asked for: each as often as its weight says, spread evenly.
pub fn schedule(weights: &[u32]) -> Vec<usize> {
    let total: i64 = weights.iter().map(|w| i64::from(*w)).sum();
    let mut credit = vec![0i64; weights.len()];
    let mut order = Vec::new();
    for _ in 0..total {
        for (have, weight) in credit.iter_mut().zip(weights) {
            *have += i64::from(*weight);
        }
        let best = credit
            .iter()
            .enumerate()
            .max_by_key(|(at, have)| (**have, std::cmp::Reverse(*at)));
        let Some((best, _)) = best else { break };
        if let Some(have) = credit.get_mut(best) {
            *have -= total;
        }
        order.push(best);
    }
    order
}

/// Whether only this machine can be meant. An IPv4 address in IPv6 clothes is what it is underneath.
pub fn is_loopback(address: IpAddr) -> bool {
    address.to_canonical().is_loopback()
}

/// Which machines may be driven.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    Loopback,
    /// The operator has said that the hosts are theirs.
    OwnHosts,
}

/// `HOST:PORT=ADDRESS`: a name that is not asked of anybody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Override {
    pub host: String,
    pub port: u16,
    pub address: IpAddr,
}

impl Override {
    pub fn parse(text: &str) -> Result<Self, Wrong> {
        let wrong = || {
            Wrong::new(format!(
                "`{text}` is not HOST:PORT=ADDRESS; write for example wiki.example.com:443=127.0.0.1"
            ))
        };
        let (place, address) = text.split_once('=').ok_or_else(wrong)?;
        let (host, port) = place.rsplit_once(':').ok_or_else(wrong)?;
        let bare = address.trim_start_matches('[').trim_end_matches(']');
        if host.is_empty() {
            return Err(wrong());
        }
        Ok(Self {
            host: host.to_ascii_lowercase(),
            port: port.parse().map_err(|_| wrong())?,
            address: bare.parse().map_err(|_| wrong())?,
        })
    }
}

/// Scheme, host and port, with addresses that were checked.
#[derive(Debug)]
pub struct Origin {
    pub tls: bool,
    /// As in a `Host` header: with the port where it is not the scheme's own.
    pub authority: HeaderValue,
    pub server_name: ServerName<'static>,
    addresses: Vec<SocketAddr>,
    /// The address that answered last: asked first.
    preferred: AtomicUsize,
}

impl Origin {
    /// Addresses to try, the one that worked last first.
    pub fn addresses(&self) -> impl Iterator<Item = (usize, SocketAddr)> {
        let first = self.preferred.load(Ordering::Relaxed);
        let all = self.addresses.iter().copied().enumerate();
        let (one, others): (Vec<_>, Vec<_>) = all.partition(|(at, _)| *at == first);
        one.into_iter().chain(others)
    }

    pub fn prefer(&self, at: usize) {
        if self.preferred.load(Ordering::Relaxed) != at {
            self.preferred.store(at, Ordering::Relaxed);
        }
    }
}

/// The authority of a URL: what names its origin within a scheme.
pub fn authority(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    match url.port() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    }
}

/// Finds the addresses behind a URL, and refuses those that may not be driven.
pub async fn resolve(url: &Url, overrides: &[Override], reach: Reach) -> Result<Origin, Wrong> {
    let missing = || Wrong::new(format!("`{url}` has no host"));
    let host = url.host().ok_or_else(missing)?;
    let port = url.port_or_known_default().ok_or_else(missing)?;
    let name = host.to_string().to_ascii_lowercase();
    let told = overrides
        .iter()
        .find(|o| o.host == name && o.port == port)
        .map(|o| o.address);
    let addresses: Vec<SocketAddr> = match (told, &host) {
        (Some(address), _) => vec![SocketAddr::new(address, port)],
        (None, Host::Ipv4(address)) => vec![SocketAddr::new((*address).into(), port)],
        (None, Host::Ipv6(address)) => vec![SocketAddr::new((*address).into(), port)],
        (None, Host::Domain(domain)) => tokio::net::lookup_host((*domain, port))
            .await
            .map_err(|e| {
                Wrong::new(format!(
                    "{domain} is unknown here ({e}); `--resolve {domain}:{port}=127.0.0.1` says where it is"
                ))
            })?
            .collect(),
    };
    allowed(&name, &addresses, reach)?;
    let server_name = match &host {
        Host::Domain(domain) => ServerName::try_from((*domain).to_owned())
            .map_err(|_| Wrong::new(format!("`{domain}` is not the name of a host")))?,
        Host::Ipv4(address) => ServerName::from(IpAddr::from(*address)),
        Host::Ipv6(address) => ServerName::from(IpAddr::from(*address)),
    };
    Ok(Origin {
        tls: url.scheme() == "https",
        authority: HeaderValue::from_str(&authority(url)).map_err(|_| missing())?,
        server_name,
        addresses,
        preferred: AtomicUsize::new(0),
    })
}

fn allowed(name: &str, addresses: &[SocketAddr], reach: Reach) -> Result<(), Wrong> {
    if addresses.is_empty() {
        return Err(Wrong::new(format!("{name} has no address")));
    }
    let outside = addresses.iter().find(|a| !is_loopback(a.ip()));
    match (reach, outside) {
        (Reach::OwnHosts, _) | (Reach::Loopback, None) => Ok(()),
        (Reach::Loopback, Some(address)) => Err(Wrong::new(format!(
            "{name} is {}, not this machine: load that nobody expects is an attack. Where the host is yours, say so \
             with --i-own-this-host",
            address.ip()
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_and_weights() {
        let check = |text: &str, url: &str, weight: u32| {
            let found = Weighted::parse(text).unwrap();
            assert_eq!((found.url.as_str(), found.weight), (url, weight), "{text}");
        };
        check("http://127.0.0.1:80", "http://127.0.0.1/", 1);
        check("http://h/a=3", "http://h/a", 3);
        check("http://h:81=3", "http://h:81/", 3);
        check("http://h/?page=2", "http://h/?page=2", 1);
        check("http://h/?page=2=3", "http://h/?page=2", 3);
        check("http://h/?a=b&page=2", "http://h/?a=b&page=2", 1);
        check("http://h/?a=b=7", "http://h/?a=b", 7);
        check("http://h/?a=b", "http://h/?a=b", 1);
        check("http://h/a=b", "http://h/a=b", 1);
        for bad in [
            "h/",
            "ftp://h/",
            "http://",
            "http://h/a=0",
            "http://h/a=1001",
            "http://a:b@h/",
            "file:///etc/passwd",
            "http://h/=99999999999",
        ] {
            assert!(Weighted::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn each_as_often_as_it_weighs() {
        let order = schedule(&[5, 1, 1]);
        assert_eq!(order, [0, 0, 1, 0, 2, 0, 0]);
        assert_eq!(schedule(&[1]), [0]);
        assert_eq!(schedule(&[]), Vec::<usize>::new());
    }

    #[tokio::test]
    async fn only_this_machine_unless_somebody_says_so() {
        let check = async |url: &str, overrides: &[&str], fine: bool| {
            let overrides: Vec<_> = overrides
                .iter()
                .map(|o| Override::parse(o).unwrap())
                .collect();
            let url = Url::parse(url).unwrap();
            let found = resolve(&url, &overrides, Reach::Loopback).await;
            assert_eq!(found.is_ok(), fine, "{url} {overrides:?} {found:?}");
            let found = resolve(&url, &overrides, Reach::OwnHosts).await;
            assert!(found.is_ok(), "{url} {overrides:?} {found:?}");
        };
        for near in [
            "http://127.0.0.1/",
            "http://127.200.3.4:81/",
            "http://[::1]:81/",
            "http://localhost/",
            "http://[::ffff:127.0.0.1]/",
            "http://2130706433/",
            "http://0x7f.1/",
            "http://017700000001/",
        ] {
            check(near, &[], true).await;
        }
        for far in [
            "http://192.0.2.1/",
            "http://10.0.0.1/",
            "http://0.0.0.0/",
            "http://[::]/",
            "http://[2001:db8::1]/",
            "http://[::ffff:192.0.2.1]/",
            "http://[::127.0.0.1]/",
            "http://[64:ff9b::7f00:1]/",
            "http://169.254.169.254/",
            "http://[fe80::1]/",
            "http://128.0.0.1/",
        ] {
            check(far, &[], false).await;
        }
        let url = "https://wiki.example.com/";
        check(url, &["wiki.example.com:443=127.0.0.1"], true).await;
        check(url, &["Wiki.Example.com:443=[::1]"], true).await;
        check(url, &["wiki.example.com:443=192.0.2.1"], false).await;
        // another port, so nobody has said anything of this one, and the name is nobody's
        let far = Override::parse("wiki.invalid:8443=127.0.0.1").unwrap();
        let url = Url::parse("https://wiki.invalid/").unwrap();
        assert!(resolve(&url, &[far], Reach::OwnHosts).await.is_err());
        // an address is not loopback because somebody calls it so
        let liar = Override::parse("localhost:80=192.0.2.1").unwrap();
        let url = Url::parse("http://localhost/").unwrap();
        assert!(resolve(&url, &[liar], Reach::Loopback).await.is_err());
        for bad in [
            "a=127.0.0.1",
            "a:80",
            "a:80=b",
            ":80=127.0.0.1",
            "a:x=127.0.0.1",
            "",
        ] {
            assert!(Override::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn one_address_elsewhere_is_enough_to_refuse() {
        let addresses: Vec<SocketAddr> = ["127.0.0.1:80", "192.0.2.1:80", "[::1]:80"]
            .iter()
            .map(|a| a.parse().unwrap())
            .collect();
        let refused = allowed("mixed", &addresses, Reach::Loopback).unwrap_err();
        assert!(refused.to_string().contains("192.0.2.1"), "{refused}");
        assert!(allowed("mixed", &addresses, Reach::OwnHosts).is_ok());
        assert!(allowed("nobody", &[], Reach::OwnHosts).is_err());
    }
}
