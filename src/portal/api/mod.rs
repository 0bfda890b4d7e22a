//! The admin API: what the console does, for programs. [`ROUTES`] is its whole table; `docs/api/openapi.yaml` describes
//! it, and a test holds the two together.
//!
//! Invariants: a token in the `Authorization` header is the only way in; cookies are not looked at, so no page can ask in
//! a person's name. Everything is done through the console's use cases, which judge each act anew.

mod accounts;
mod acts;
mod cursor;
mod import;
mod problem;
mod reading;
mod request;
mod shapes;

use super::Portal;
use super::respond::secure;
use super::visit::Visit;
use crate::authn::api_access::NotAdmitted;
use crate::authn::desk::Agent;
use crate::domain::api_token::Scope;
use crate::domain::audit::Place;
use crate::domain::desk::Act;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::Response;
use http::{HeaderValue, Method, StatusCode, header};
use problem::Problem;
use request::Query;
use serde::Serialize;
use std::sync::Arc;

/// The description of the API, as it is served.
pub const DOCUMENT: &str = include_str!("../../../docs/api/openapi.json");

/// What a route does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verb {
    Document,
    List,
    Create,
    Show,
    Amend,
    Delete,
    IssueCode,
    ResetPassword,
    Exempt,
    /// An act that needs nothing but a case.
    Plain(Act),
    Import,
    Approvals,
    Adoption,
    Trail,
}

/// A line of the table.
#[derive(Clone, Copy, Debug)]
pub struct Route {
    pub method: &'static str,
    /// Below `/api/v1`; `{id}` is an account's id.
    pub path: &'static str,
    /// What the token is asked for; `None`: no token is needed.
    pub act: Option<Act>,
    verb: Verb,
}

impl Route {
    const fn new(method: &'static str, path: &'static str, act: Act, verb: Verb) -> Self {
        Self {
            method,
            path,
            act: Some(act),
            verb,
        }
    }

    pub fn scope(&self) -> Option<Scope> {
        self.act.and_then(Act::scope)
    }
}

/// The whole table of the API.
pub const ROUTES: &[Route] = &[
    Route {
        method: "GET",
        path: "/openapi.json",
        act: None,
        verb: Verb::Document,
    },
    Route::new("GET", "/accounts", Act::Find, Verb::List),
    Route::new("POST", "/accounts", Act::Create, Verb::Create),
    Route::new("POST", "/accounts/import", Act::Import, Verb::Import),
    Route::new("GET", "/accounts/{id}", Act::Look, Verb::Show),
    Route::new("PATCH", "/accounts/{id}", Act::SetGroups, Verb::Amend),
    Route::new("DELETE", "/accounts/{id}", Act::Delete, Verb::Delete),
    Route::new(
        "POST",
        "/accounts/{id}/one-time-code",
        Act::IssueCode,
        Verb::IssueCode,
    ),
    Route::new(
        "POST",
        "/accounts/{id}/sign-out",
        Act::SignOutEverywhere,
        Verb::Plain(Act::SignOutEverywhere),
    ),
    Route::new(
        "POST",
        "/accounts/{id}/untrust",
        Act::RemoveTrustedDevices,
        Verb::Plain(Act::RemoveTrustedDevices),
    ),
    Route::new(
        "POST",
        "/accounts/{id}/unlock",
        Act::Unlock,
        Verb::Plain(Act::Unlock),
    ),
    Route::new("POST", "/accounts/{id}/exempt", Act::Exempt, Verb::Exempt),
    Route::new(
        "POST",
        "/accounts/{id}/reset-password",
        Act::StartPasswordReset,
        Verb::ResetPassword,
    ),
    Route::new("GET", "/approvals", Act::Look, Verb::Approvals),
    Route::new("GET", "/adoption", Act::ReadAdoption, Verb::Adoption),
    Route::new("GET", "/audit", Act::ReadTrail, Verb::Trail),
];

/// Where the API begins.
pub const BASE: &str = "/api/v1";

/// A request that was let in.
struct Call {
    portal: Arc<Portal>,
    agent: Agent,
    place: Place,
    query: Query,
    /// The `{id}` of the path, as it was written.
    id: String,
    headers: http::HeaderMap,
}

/// A handler's end.
type Done = Result<Reply, Problem>;

/// An answer that is no problem.
struct Reply {
    status: StatusCode,
    body: serde_json::Value,
    location: Option<String>,
}

impl Reply {
    fn ok(body: impl Serialize) -> Done {
        Ok(Self {
            status: StatusCode::OK,
            body: serde_json::to_value(body).map_err(|_| Problem::INTERNAL)?,
            location: None,
        })
    }
}

/// Every request below `/api`.
pub(super) async fn serve(State(portal): State<Arc<Portal>>, request: Request) -> Response {
    let response = match answer(portal, request).await {
        Ok(reply) => {
            let mut response = json(reply.status, "application/json", reply.body.to_string());
            let location = reply.location.map(|to| HeaderValue::from_str(&to));
            if let Some(Ok(location)) = location {
                response.headers_mut().insert(header::LOCATION, location);
            }
            response
        }
        Err(problem) => problem.into_response(),
    };
    secured(response)
}

async fn answer(portal: Arc<Portal>, request: Request) -> Done {
    let (parts, body) = request.into_parts();
    let method = parts.method.clone();
    let query = parts.uri.query().unwrap_or_default().to_owned();
    let path = parts.uri.path().to_owned();
    let visit = Visit::of(parts, &portal).ok_or(Problem::INTERNAL)?;
    if visit.is_foreign(&portal.own) {
        return Err(Problem::FOREIGN_ORIGIN);
    }
    let (route, id) = find(&method, &path)?;
    let query = Query::parse(&query)?;
    let Some(act) = route.act else {
        query.allow(&[])?;
        let body: serde_json::Value =
            serde_json::from_str(DOCUMENT).map_err(|_| Problem::INTERNAL)?;
        return Reply::ok(body);
    };
    let place = visit.place();
    let token = request::bearer(&visit.headers);
    let agent = match portal.authn.api_agent(token, &place).await? {
        Ok(agent) => agent,
        Err(NotAdmitted::Unknown) => return Err(Problem::UNAUTHENTICATED),
        Err(NotAdmitted::Paused { until }) => {
            return Err(Problem::RATE_LIMITED.after(until.since(portal.env.now())));
        }
    };
    // before anything of the request is read: who may not learns nothing of it
    portal
        .authn
        .desk_authorise(&agent, act, None, &place)
        .await??;
    let call = Call {
        portal,
        agent,
        place,
        query,
        id,
        headers: visit.headers,
    };
    run(route.verb, &call, body).await
}

async fn run(verb: Verb, call: &Call, body: Body) -> Done {
    match verb {
        Verb::Document => Err(Problem::NOT_FOUND),
        Verb::List => accounts::list(call).await,
        Verb::Create => accounts::create(call, body).await,
        Verb::Show => accounts::show(call).await,
        Verb::Amend => accounts::amend(call, body).await,
        Verb::Delete => accounts::delete(call).await,
        Verb::IssueCode => acts::issue_code(call, body).await,
        Verb::ResetPassword => acts::reset_password(call, body).await,
        Verb::Exempt => acts::exempt(call, body).await,
        Verb::Plain(act) => acts::plain(call, act, body).await,
        Verb::Import => import::import(call, body).await,
        Verb::Approvals => reading::approvals(call).await,
        Verb::Adoption => reading::adoption(call).await,
        Verb::Trail => reading::trail(call).await,
    }
}

/// The line of the table for a request, and its `{id}`. A path that is written out comes before one with an id.
fn find(method: &Method, path: &str) -> Result<(&'static Route, String), Problem> {
    let rest = path.strip_prefix(BASE).ok_or(Problem::NOT_FOUND)?;
    let written = ROUTES.iter().filter(|route| route.path == rest);
    let mut fitting: Vec<(&Route, String)> = written.map(|route| (route, String::new())).collect();
    if fitting.is_empty() {
        fitting = ROUTES
            .iter()
            .filter_map(|route| id_of(route.path, rest).map(|id| (route, id)))
            .collect();
    }
    if fitting.is_empty() {
        return Err(Problem::NOT_FOUND);
    }
    let wanted = if method == Method::HEAD {
        "GET"
    } else {
        method.as_str()
    };
    let allowed: Vec<&str> = fitting.iter().map(|(route, _)| route.method).collect();
    let refusal = Problem::METHOD_NOT_ALLOWED.allowing(&allowed);
    let found = fitting
        .into_iter()
        .find(|(route, _)| route.method == wanted);
    found.ok_or(refusal)
}

/// What stands at `{id}`.
fn id_of(pattern: &str, path: &str) -> Option<String> {
    let (before, after) = pattern.split_once("{id}")?;
    let id = path.strip_prefix(before)?.strip_suffix(after)?;
    (!id.is_empty() && !id.contains('/')).then(|| id.to_owned())
}

fn json(status: StatusCode, kind: &'static str, body: String) -> Response {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    let kind = HeaderValue::from_static(kind);
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    response
}

fn secured(mut response: Response) -> Response {
    let policy = "default-src 'none'; frame-ancestors 'none'";
    secure(response.headers_mut(), policy);
    response
}
