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

/// The second path: on this host, of this route, and open to this very request. An application does there what
/// it is asked, whoever is kept away from it by another route. `None` for other methods than COPY and MOVE.
pub(super) fn destination_of(
    exchange: &Exchange,
    head: &RequestHeader,
    inbound: &Inbound,
    index: RouteIndex,
    now: Timestamp,
) -> Result<Option<Path>, OffCourse> {
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
    let routes = &live.snapshot.routes;
    let whole = |path| !routes.others_below(&inbound.host, path, index);
    if !whole(&inbound.path) || !whole(&path) {
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
