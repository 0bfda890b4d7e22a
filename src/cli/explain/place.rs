//! What an address belongs to.

use crate::domain::answer::Own;
use crate::domain::host::Host;
use crate::domain::request::Path;
use crate::domain::route::Route;
use crate::domain::upstream;
use std::fmt::Write as _;

/// Host, port and the path as written: nothing may tidy it up before the gateway's own rules see it.
pub(super) fn split(url: &str) -> Result<(Host, Option<u16>, &str), String> {
    let wrong = || format!("`{url}` is not a URL; write for example https://wiki.example.com/page");
    let rest = url
        .strip_prefix("https://")
        .or_else(|| url.strip_prefix("http://"))
        .ok_or_else(wrong)?;
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, target) = rest.split_at_checked(end).ok_or_else(wrong)?;
    let (host, port) = Host::parse_authority(authority).ok_or_else(wrong)?;
    let path = target.split(['?', '#']).next().unwrap_or("");
    Ok((host, port, if path.is_empty() { "/" } else { path }))
}

pub(super) fn place(route: &Route, path: &Path, port: Option<u16>) -> String {
    let upstreams = upstream::in_words(&route.upstreams, &route.delivery);
    let to = match &route.answers.own {
        None if route.upstreams.is_empty() => {
            "passed on by the proxy in front, which asks".to_owned()
        }
        None if route.forward_auth => format!("to {upstreams}, or by a proxy that asks"),
        None => format!("to {upstreams}"),
        Some(Own::Redirect(r)) => format!("redirected ({}) to {}{}", r.status, r.origin, r.target),
        Some(Own::Fixed(fixed)) => format!("answered here with {}", fixed.status),
    };
    let mut text = format!(
        "Route `{}` ({}{}), {to}.",
        route.name,
        route.origin,
        route.prefix.as_str(),
    );
    if let Some(map) = route.rewrite.as_ref().and_then(|r| r.path.as_ref()) {
        let own = map.inward(path);
        let own = own
            .as_ref()
            .map_or("nothing: it could be read in two ways", |p| p.as_str());
        let _ = write!(text, " The application is asked for {own}.");
    }
    if port.unwrap_or(443) != route.origin.port() {
        let _ = write!(text, " Browsers reach it at port {}.", route.origin.port());
    }
    text
}
