//! Where a route's requests go, and how they get there.

use super::Check;
use crate::config::schema;
use crate::config::source::At;
use crate::domain::upstream::{
    Balance, ClientPair, Delivery, HealthCheck, Protocol, Timeouts, Upstream, UpstreamTls,
};
use std::net::IpAddr;
use std::time::Duration;

/// More in a row would take an hour to notice anything.
const MOST_IN_A_ROW: u32 = 100;

impl Check<'_> {
    pub(super) fn upstreams(&mut self, at: &At<'_>, route: &schema::Route) -> Vec<Upstream> {
        let mut upstreams: Vec<Upstream> = Vec::new();
        let Some(list) = &route.upstream else {
            return upstreams;
        };
        if list.0.is_empty() {
            self.error(
                at,
                "the list is empty",
                "write the application's address, for example http://10.0.0.5:3000",
            );
        }
        for (number, upstream) in list.0.iter() {
            if upstreams.contains(&upstream.0) {
                self.error(
                    &at.index(number),
                    format!("{} is named twice", upstream.0),
                    "remove one of them",
                );
            } else {
                upstreams.push(upstream.0.clone());
            }
        }
        upstreams
    }

    /// `at`: the route.
    pub(super) fn delivery(
        &mut self,
        at: &At<'_>,
        route: &schema::Route,
        upstreams: &[Upstream],
    ) -> Delivery {
        let balance = match route.balance {
            Some(schema::Balance::RoundRobin) | None => Balance::RoundRobin,
            Some(schema::Balance::LeastConnections) => Balance::LeastConnections,
            Some(schema::Balance::Sticky) => Balance::Sticky,
        };
        if route.balance.is_some() && matches!(upstreams, [only] if has_one_address(only)) {
            self.warning(
                &at.key("balance"),
                "has no effect: there is one upstream, with one address",
                "name more upstreams, or remove the line",
            );
        }
        let protocol = match route.protocol {
            Some(schema::Protocol::H1) | None => Protocol::H1,
            Some(schema::Protocol::H2) => Protocol::H2,
            Some(schema::Protocol::Auto) => Protocol::Auto,
        };
        let https = upstreams.is_empty() || upstreams.iter().any(Upstream::is_tls);
        if protocol == Protocol::Auto && !https {
            self.warning(
                &at.key("protocol"),
                "has no effect: without https nothing says whether HTTP/2 is understood",
                "write h2 if it is, or remove the line",
            );
        }
        let health = route.health.as_ref();
        Delivery {
            balance,
            protocol,
            tls: self.upstream_tls(at, route, https),
            health: health.map(|h| self.health(&at.key("health"), h)),
        }
    }

    fn upstream_tls(&mut self, at: &At<'_>, route: &schema::Route, https: bool) -> UpstreamTls {
        let no_effect = "has no effect: no upstream is https";
        let old = at.key("upstream_ca");
        if let Some(written) = &route.upstream_ca {
            if !https {
                let help = "write https:// upstreams, or remove the line";
                self.warning(&old, no_effect, help);
            }
            self.certificates(&old, written);
        }
        let mut tls = UpstreamTls {
            ca: route.upstream_ca.as_ref().map(|w| self.resolve(w)),
            ..UpstreamTls::default()
        };
        let Some(section) = &route.upstream_tls else {
            return tls;
        };
        let at = at.key("upstream_tls");
        if !https {
            let help = "write https:// upstreams, or remove the section";
            self.warning(&at, no_effect, help);
        }
        if let Some(written) = &section.ca {
            self.certificates(&at.key("ca"), written);
            if tls.ca.is_some() {
                self.error(
                    &old,
                    "written twice, as `upstream_tls.ca` too",
                    "keep `upstream_tls.ca` and remove this line",
                );
            }
            tls.ca = Some(self.resolve(written));
        }
        tls.client = self.client_pair(&at, section);
        tls.name = section.name.as_ref().map(|n| n.0.to_string());
        tls.verify = section.verify.unwrap_or(true);
        if !tls.verify {
            self.warning(
                &at.key("verify"),
                "certificates are NOT verified: anybody on the way can be the application, and reads passwords, \
                 sessions and assertions",
                "write the authority that signed the application's certificate as `ca`, and remove this line",
            );
            if tls.ca.is_some() {
                self.error(
                    &at.key("verify"),
                    "an authority is named, and then nothing is verified by it",
                    "remove this line, or the authority",
                );
            }
        }
        tls
    }

    fn client_pair(&mut self, at: &At<'_>, section: &schema::UpstreamTls) -> Option<ClientPair> {
        let (at_certificate, at_key) = (at.key("client_certificate"), at.key("client_key"));
        match (&section.client_certificate, &section.client_key) {
            (Some(certificate), Some(key)) => {
                self.pair((&at_certificate, certificate), (&at_key, key));
                Some(ClientPair {
                    certificate: self.resolve(certificate),
                    key: self.resolve(key),
                })
            }
            (Some(_), None) => {
                let help = "write `client_key` with the certificate's private key";
                self.error(&at_certificate, "its key is missing", help);
                None
            }
            (None, Some(_)) => {
                let help = "write `client_certificate` with the key's certificate";
                self.error(&at_key, "its certificate is missing", help);
                None
            }
            (None, None) => None,
        }
    }

    fn health(&mut self, at: &At<'_>, section: &schema::Health) -> HealthCheck {
        let expect = section.expect.unwrap_or(200);
        if !(200..600).contains(&expect) {
            let message = format!("{expect} is not the status of an answer");
            self.error(&at.key("expect"), message, "write for example 200 or 204");
        }
        if section.path.is_none() {
            for key in ["expect", "host"] {
                if at.key(key).exists() {
                    let help = "write `path` as well, or remove the line";
                    let message = "has no effect: without `path` nothing is asked for";
                    self.warning(&at.key(key), message, help);
                }
            }
        }
        HealthCheck {
            path: section.path.as_ref().map(|p| p.0.as_str().to_owned()),
            host: section.host.as_ref().map(|h| h.0.to_string()),
            expect,
            interval: self.span(
                &at.key("interval"),
                section.interval.as_ref(),
                Duration::from_secs(5),
            ),
            timeout: self.span(
                &at.key("timeout"),
                section.timeout.as_ref(),
                Duration::from_secs(2),
            ),
            healthy: self.in_a_row(&at.key("healthy"), section.healthy, 2),
            unhealthy: self.in_a_row(&at.key("unhealthy"), section.unhealthy, 3),
        }
    }

    fn in_a_row(&mut self, at: &At<'_>, written: Option<u32>, default: u32) -> u32 {
        let count = written.unwrap_or(default);
        if !(1..=MOST_IN_A_ROW).contains(&count) {
            let message = format!("{count} is not a number of checks");
            self.error(at, message, format!("write 1 to {MOST_IN_A_ROW}"));
        }
        count
    }

    pub(super) fn timeouts(&mut self, at: &At<'_>, section: Option<&schema::Timeouts>) -> Timeouts {
        let none = schema::Timeouts::default();
        let section = section.unwrap_or(&none);
        let default = Timeouts::default();
        let read = self.span(&at.key("read"), section.read.as_ref(), default.read);
        Timeouts {
            connect: self.span(
                &at.key("connect"),
                section.connect.as_ref(),
                default.connect,
            ),
            read,
            write: self.span(&at.key("write"), section.write.as_ref(), read),
            idle: self.span(&at.key("idle"), section.idle.as_ref(), default.idle),
        }
    }
}

/// Whether it is written as an address, or as a socket; a name may have many.
fn has_one_address(upstream: &Upstream) -> bool {
    match upstream {
        Upstream::Unix(_) => true,
        Upstream::Inet { host, .. } => {
            let bare = host.trim_start_matches('[').trim_end_matches(']');
            bare.parse::<IpAddr>().is_ok()
        }
    }
}
