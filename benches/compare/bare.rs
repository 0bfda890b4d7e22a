//! A bare pingora proxy, to compare with: `bare-pingora ADDRESS UPSTREAM WORKERS [CERTIFICATE KEY]`.
//!
//! It decides nothing and adds nothing. What it costs is what pingora costs.

use async_trait::async_trait;
use pingora::listeners::tls::TlsSettings;
use pingora::prelude::*;
use pingora::server::configuration::ServerConf;

struct Bare(Box<HttpPeer>);

#[async_trait]
impl ProxyHttp for Bare {
    type CTX = ();
    fn new_ctx(&self) {}
    async fn upstream_peer(&self, _: &mut Session, (): &mut ()) -> Result<Box<HttpPeer>> {
        Ok(self.0.clone())
    }
}

pub fn main() -> std::result::Result<(), Box<dyn std::error::Error>> {
    let given: Vec<String> = std::env::args().skip(1).collect();
    let [address, upstream, workers, files @ ..] = &given[..] else {
        return Err("bare-pingora ADDRESS UPSTREAM WORKERS [CERTIFICATE KEY]".into());
    };
    let conf = ServerConf {
        threads: workers.parse()?,
        upstream_keepalive_pool_size: 1024,
        ..ServerConf::default()
    };
    let mut server = Server::new_with_opt_and_conf(None, conf);
    let peer = HttpPeer::new(upstream.as_str(), false, String::new());
    let mut proxy = http_proxy_service(&server.configuration, Bare(Box::new(peer)));
    match files {
        [certificate, key] => {
            let mut tls = TlsSettings::intermediate(certificate, key)?;
            tls.enable_h2();
            proxy.add_tls_with_settings(address, None, tls);
        }
        _ => proxy.add_tcp(address),
    }
    server.add_service(proxy);
    server.run_forever()
}
