//! Where a permitted request goes within its application: the path that is mapped, and the second path that
//! WebDAV's COPY and MOVE carry in a header, which is decided on like the first (RFC 4918 9.8, 9.9, 10.3).

use super::exchange::Exchange;
use super::inbound::Inbound;
use super::rewriting::Course;
use crate::domain::policy::{self, Decision};
use crate::domain::request::{Facts, Mode, Path};
use crate::domain::rewrite::{Astray, destination};
use crate::domain::route::{Route, RouteIndex};
use crate::domain::timestamp::Timestamp;
use http::header::HeaderName;
use pingora::http::RequestHeader;

const DEPTH: HeaderName = HeaderName::from_static("depth");
const DESTINATION: HeaderName = HeaderName::from_static("destination");

/// Why the request goes nowhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum OffCourse {
    /// A path that could be read in two ways.
    Ambiguous,
    /// A `Destination` that the same request could not have been for.
    Forbidden,
    /// To the prefix itself, with a slash: relative links of the page there would lead beside it.
    Slash(String),
}

/// Found before anything is forwarded. A request that is neither mapped nor a COPY or MOVE costs nothing.
pub(super) fn of(
    exchange: &Exchange,
    head: &RequestHeader,
    inbound: &Inbound,
    (index, route): (RouteIndex, &Route),
    now: Timestamp,
) -> Result<Course, OffCourse> {
    let map = route.rewrite.as_ref().and_then(|r| r.path.as_ref());
    let path = match map {
        None => None,
        Some(map) if inbound.mode == Mode::Navigation && map.lacks_slash(&inbound.path) => {
            return Err(OffCourse::Slash(with_slash(route, inbound)));
        }
        Some(map) => Some(map.inward(&inbound.path).ok_or(OffCourse::Ambiguous)?),
    };
    let destination = destination_of(exchange, head, inbound, index, now)?;
    // it is mapped when the head is written; here it is made sure that it can be
    if let (Some(map), Some(public)) = (map, &destination) {
        map.inward(public).ok_or(OffCourse::Ambiguous)?;
    }
    Ok(Course { path, destination })
}

fn with_slash(route: &Route, inbound: &Inbound) -> String {
    let query = inbound.query.as_deref();
    let query = query.map(|q| format!("?{q}")).unwrap_or_default();
    format!("{}{}/{query}", route.origin, inbound.path.as_str())
}

/// Whether what is asked for a place is done to all that is below it, other routes' places too (RFC 4918 9.1, 9.6,
/// 9.8 to 9.10; RFC 3253 3.6).
fn reaches_below(method: &str, head: &RequestHeader) -> bool {
    match method {
        // what searches and reports look through, and single pages far below, are named in their bodies (RFC 5323,
        // RFC 4791 7.9, RFC 6578 3.3)
        "DELETE" | "COPY" | "MOVE" | "REPORT" | "SEARCH" => true,
        "PROPFIND" | "LOCK" => {
            let mut depth = head.headers.get_all(DEPTH).iter();
            let (first, more) = (depth.next(), depth.next());
            // one level shows names, as a link would
            match first.map(|d| d.as_bytes().trim_ascii()) {
                Some(b"0" | b"1") => more.is_some(),
                None | Some(_) => true,
            }
        }
        _ => false,
    }
}

/// The second path: on this host, of this route, and open to this very request. An application does there what
/// it is asked, whoever is kept away from it by another route. `None` for other methods than COPY and MOVE; what
/// reaches below another route's place is refused whatever the method.
pub(super) fn destination_of(
    exchange: &Exchange,
    head: &RequestHeader,
    inbound: &Inbound,
    index: RouteIndex,
    now: Timestamp,
) -> Result<Option<Path>, OffCourse> {
    let routes = &exchange.live.snapshot.routes;
    let whole = |path| !routes.others_below(&inbound.host, path, index);
    if reaches_below(inbound.method.as_str(), head) && !whole(&inbound.path) {
        return Err(OffCourse::Forbidden);
    }
    if !matches!(inbound.method.as_str(), "COPY" | "MOVE") {
        return Ok(None);
    }
    let mut given = head.headers.get_all(DESTINATION).iter();
    let value = match (given.next(), given.next()) {
        (None, _) => return Ok(None),
        (Some(value), None) => value,
        (Some(_), Some(_)) => return Err(OffCourse::Ambiguous),
    };
    let path = destination(value.as_bytes(), &inbound.host).map_err(|astray| match astray {
        Astray::Malformed => OffCourse::Ambiguous,
        Astray::Elsewhere => OffCourse::Forbidden,
    })?;
    let live = &exchange.live;
    let found = live.snapshot.routes.find(&inbound.host, &path);
    let found = found.filter(|(place, _)| *place == index && !path.is_host_page());
    let found = found.ok_or(OffCourse::Forbidden)?;
    // a folder goes with all that is below it
    if !whole(&path) {
        return Err(OffCourse::Forbidden);
    }
    let facts = Facts {
        path: &path,
        ..exchange.facts(inbound)
    };
    let decision = policy::decide(found, &facts, exchange.person.as_ref(), live.rules(), now);
    match decision {
        Decision::Forward(_) => Ok(Some(path)),
        _ => Err(OffCourse::Forbidden),
    }
}
