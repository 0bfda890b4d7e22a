//! Pages for what went wrong, on the portal and on application hosts. They show a reference that finds the
//! log line, and nothing of the inside.

use super::Portal;
use super::cookie;
use super::form::Malformed;
use super::pages::{self, Page, Panel};
use super::respond::Reply;
use super::steps::{Desk, Get, Outcome};
use super::visit::Visit;
use crate::authn;
use crate::domain::answer::Maintenance;
use crate::domain::host::Host;
use crate::domain::request::Path;
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use http::{StatusCode, header};
use std::sync::Arc;

/// What the gateway has to tell a browser on an application's host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    BadRequest,
    /// A form that outlived its session.
    FormExpired,
    Forbidden,
    NotFound,
    MethodNotAllowed,
    TooLarge,
    /// What was to be sent did not come in time.
    Timeout,
    /// The address is longer than is taken.
    TargetTooLong,
    /// The head is larger than is taken, cookies most likely.
    HeadTooLarge,
    /// Asked more often than the route allows.
    TooMany {
        /// Until it may be tried again.
        seconds: u64,
    },
    UnknownHost,
    Internal,
    BadGateway,
    Unavailable,
    GatewayTimeout,
    Maintenance,
}

impl ErrorKind {
    pub const fn status(self) -> StatusCode {
        match self {
            Self::BadRequest => StatusCode::BAD_REQUEST,
            Self::FormExpired => StatusCode::UNAUTHORIZED,
            Self::Forbidden => StatusCode::FORBIDDEN,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Timeout => StatusCode::REQUEST_TIMEOUT,
            Self::TargetTooLong => StatusCode::URI_TOO_LONG,
            Self::HeadTooLarge => StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            Self::TooMany { .. } => StatusCode::TOO_MANY_REQUESTS,
            Self::UnknownHost => StatusCode::MISDIRECTED_REQUEST,
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
            Self::BadGateway => StatusCode::BAD_GATEWAY,
            Self::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
            Self::GatewayTimeout => StatusCode::GATEWAY_TIMEOUT,
            Self::Maintenance => StatusCode::SERVICE_UNAVAILABLE,
        }
    }
}

/// Where an error page is to appear.
#[derive(Debug)]
pub struct ErrorContext<'a> {
    pub host: Option<Host>,
    /// The language chosen on an earlier page.
    pub language: Option<&'a str>,
    pub accept_language: Option<&'a str>,
    pub path_and_query: &'a str,
    /// The application's title, where there is a route.
    pub app: Option<&'a str>,
    /// Who is signed in, where somebody is.
    pub shown_as: Option<&'a str>,
    /// Finds the log line.
    pub reference: &'a str,
    /// What a page about maintenance says.
    pub maintenance: Option<&'a Maintenance>,
}

impl Portal {
    /// The page for a browser; the gateway adds nothing but the connection's own headers.
    pub fn error_page(
        self: &Arc<Self>,
        kind: ErrorKind,
        context: &ErrorContext<'_>,
    ) -> http::Response<Bytes> {
        let host = context
            .host
            .clone()
            .unwrap_or_else(|| self.origin.host().clone());
        let visit = Visit::for_error(self, host, context);
        let desk = Desk {
            portal: Arc::clone(self),
            visit,
        };
        desk.error(kind, context).map_or_else(
            |_| {
                let mut bare = http::Response::new(Bytes::new());
                *bare.status_mut() = kind.status();
                bare
            },
            Reply::into_bytes,
        )
    }
}

impl Desk {
    fn error(&self, kind: ErrorKind, context: &ErrorContext<'_>) -> Outcome {
        let app = context.app.unwrap_or_default();
        let panel = match context.app {
            Some(app) => Panel::Service { app },
            None => Panel::Tagline,
        };
        let when = self.portal.env.now().seconds();
        let portal = &self.portal.own;
        let status = kind.status();
        let reference = context.reference;
        match kind {
            ErrorKind::Forbidden => {
                let page = pages::Forbidden {
                    app,
                    shown_as: context.shown_as.unwrap_or_default(),
                    reference,
                    switch_url: &format!("{portal}/signout"),
                };
                self.page(status, panel, &page, None)
            }
            ErrorKind::BadGateway | ErrorKind::GatewayTimeout => {
                let page = pages::BadGateway {
                    app,
                    gateway_timeout: kind == ErrorKind::GatewayTimeout,
                    when,
                    reference,
                    retry: context.path_and_query,
                };
                self.page(status, panel, &page, None)
            }
            ErrorKind::Maintenance => {
                let about = context.maintenance;
                let until = about.and_then(|m| m.until).map(|t| t.seconds());
                let page = pages::Closed {
                    app,
                    message: about.and_then(|m| m.message.as_deref()).unwrap_or_default(),
                    // a time that has passed tells nothing
                    until: until.filter(|until| *until > when),
                    retry: context.path_and_query,
                    reference,
                };
                self.page(status, panel, &page, None)
            }
            ErrorKind::TooMany { seconds } => {
                let page = pages::TooMany {
                    app,
                    seconds,
                    retry: context.path_and_query,
                    reference,
                };
                self.page(status, panel, &page, None)
            }
            ErrorKind::NotFound => self.page(status, panel, &pages::NotFound { reference }, None),
            ErrorKind::Unavailable => {
                let page = pages::Unavailable {
                    reference: Some(reference),
                    retry: Some(context.path_and_query),
                };
                let reply = self.page(status, panel, &page, None)?;
                Ok(reply.header(header::RETRY_AFTER, "30"))
            }
            ErrorKind::Internal => self.page(status, panel, &pages::Internal { reference }, None),
            ErrorKind::FormExpired => {
                let page = pages::FormExpired {
                    sign_in_url: &self.entrance(context),
                };
                self.page(status, panel, &page, None)
            }
            ErrorKind::BadRequest
            | ErrorKind::MethodNotAllowed
            | ErrorKind::TooLarge
            | ErrorKind::Timeout
            | ErrorKind::TargetTooLong
            | ErrorKind::HeadTooLarge
            | ErrorKind::UnknownHost => {
                let page = pages::Plain {
                    status: status.as_u16(),
                    reference,
                };
                self.page(status, panel, &page, None)
            }
        }
    }

    /// The application's own beginning: on the way there its host gets a session too, which signing in at
    /// the portal alone does not give it.
    fn entrance(&self, context: &ErrorContext<'_>) -> String {
        let path = context.path_and_query.split('?').next().unwrap_or_default();
        let found = Path::parse(path.as_bytes())
            .and_then(|path| self.portal.routes.find(&self.visit.conn.host, &path));
        found.map_or_else(
            || format!("{}/signin", self.portal.own),
            |(_, route)| format!("{}{}", route.origin, route.prefix.as_str()),
        )
    }

    fn plain(&self, status: StatusCode, page: &impl Page) -> Response {
        match self.page(status, Panel::Tagline, page, None) {
            Ok(reply) => reply.into_response(),
            Err(_) => status.into_response(),
        }
    }

    /// A reference to tell on the telephone, written to the log beside the cause.
    fn reference(&self) -> String {
        let random: [u8; 6] = self.portal.env.random();
        let hex: String = random.iter().map(|b| format!("{b:02x}")).collect();
        let groups: Vec<&str> = [hex.get(..4), hex.get(4..8), hex.get(8..)]
            .into_iter()
            .flatten()
            .collect();
        groups.join("-")
    }
}

pub async fn not_found(Get(desk): Get) -> Response {
    desk.plain(StatusCode::NOT_FOUND, &pages::NotFound { reference: "" })
}

pub async fn method_not_allowed(Get(desk): Get) -> Response {
    let status = StatusCode::METHOD_NOT_ALLOWED;
    let page = pages::Plain {
        status: status.as_u16(),
        reference: "",
    };
    desk.plain(status, &page)
}

/// The anti-forgery value is missing or stale, or another site sent the form: nothing has been changed.
pub fn forged(desk: &Desk) -> Response {
    desk.plain(StatusCode::FORBIDDEN, &pages::Expired)
}

/// A ticket that is used up, too old or not for this browser.
pub fn expired(desk: &Desk) -> Outcome {
    desk.page(
        StatusCode::BAD_REQUEST,
        Panel::Tagline,
        &pages::Expired,
        None,
    )
}

pub fn malformed(desk: &Desk, why: Malformed) -> Response {
    let status = match why {
        Malformed::NotAForm => StatusCode::UNSUPPORTED_MEDIA_TYPE,
        Malformed::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
    };
    let page = pages::Plain {
        status: status.as_u16(),
        reference: "",
    };
    desk.plain(status, &page)
}

/// The browser came back without the cookie that was set on the way out.
pub fn cookies_blocked(desk: &Desk) -> Outcome {
    let host = desk.visit.conn.host.to_string();
    let page = pages::CookiesBlocked { host: &host };
    desk.page(StatusCode::BAD_REQUEST, Panel::Tagline, &page, None)
}

pub fn fault(desk: &Desk, fault: &authn::Fault) -> Response {
    match fault {
        authn::Fault::Busy(_) => {
            let status = StatusCode::TOO_MANY_REQUESTS;
            let page = pages::Plain {
                status: status.as_u16(),
                reference: "",
            };
            let mut response = desk.plain(status, &page);
            let retry = http::HeaderValue::from_static("5");
            response.headers_mut().insert(header::RETRY_AFTER, retry);
            response
        }
        authn::Fault::Store(_) => {
            let reference = desk.reference();
            tracing::error!(error = %fault, reference, "the store is not available");
            let page = pages::Unavailable {
                reference: Some(&reference),
                retry: None,
            };
            let mut response = desk.plain(StatusCode::SERVICE_UNAVAILABLE, &page);
            let retry = http::HeaderValue::from_static("30");
            response.headers_mut().insert(header::RETRY_AFTER, retry);
            response
        }
        authn::Fault::Vault(crate::vault::Fault::DoesNotOpen) => {
            // a sign-in sealed with another key: over, as if it had run out
            let reply = Reply::see_other("/signin?expired").cookie(cookie::clear(cookie::SIGN_IN));
            reply.into_response()
        }
        authn::Fault::Vault(_)
        | authn::Fault::Hashing(_)
        | authn::Fault::State(_)
        | authn::Fault::Proof(_) => {
            let reference = desk.reference();
            tracing::error!(error = %fault, reference, "a page failed");
            let page = pages::Internal {
                reference: &reference,
            };
            desk.plain(StatusCode::INTERNAL_SERVER_ERROR, &page)
        }
    }
}

pub fn internal(desk: &Desk) -> Response {
    let reference = desk.reference();
    tracing::error!(reference, "a page failed");
    let page = pages::Internal {
        reference: &reference,
    };
    desk.plain(StatusCode::INTERNAL_SERVER_ERROR, &page)
}
