//! The pages, one file a group of screens. Shared here: reading a request, checking a form, and showing
//! whatever page is due next.

pub mod account;
pub mod desk;
pub mod enrol;
pub mod launcher;
pub mod new_password;
pub mod password;
pub mod proof;
pub mod recovery;
pub mod remind;
pub mod second_factor;
pub mod sign_in;
pub mod sign_out;

use super::cookie::{self, Jar};
use super::errors;
use super::form::{Form, MAX_BYTES, MAX_IMPORT_BYTES, Malformed};
use super::pages::{Frame, Page, Panel};
use super::respond::Reply;
use super::visit::{Person, Visit};
use super::{HOST_ASSETS, Happening, PORTAL_ASSETS, Portal};
use crate::authn::devices::DeviceCookie;
use crate::authn::progress::{Position, Progress, Underway};
use crate::authn::{self};
use crate::domain::desk::Role;
use crate::domain::id::SessionId;
use crate::domain::login::{self, Began, State};
use crate::domain::own_page::OwnPage;
use crate::domain::policy::Decision;
use crate::domain::return_to::{Asked, Destination};
use crate::domain::secret::{Token, TokenHash};
use axum::extract::{FromRequest, Request};
use axum::response::{IntoResponse as _, Response};
use http::StatusCode;
use http::request::Parts;
use std::sync::Arc;

/// A handler's end: a page, or a page that says why not.
pub type Outcome = Result<Reply, Stop>;

/// Why a handler cannot go on.
#[derive(Debug)]
pub enum Stop {
    /// Something is broken on our side.
    Fault(authn::Fault),
    /// A page could not be rendered.
    Render(askama::Error),
    /// The form came from elsewhere, or its page is stale.
    Forged,
    /// Not a form, or too large.
    Malformed(Malformed),
    /// Go there instead.
    Elsewhere(String),
}

impl From<authn::Fault> for Stop {
    fn from(fault: authn::Fault) -> Self {
        Self::Fault(fault)
    }
}

impl From<crate::store::Fault> for Stop {
    fn from(fault: crate::store::Fault) -> Self {
        Self::Fault(fault.into())
    }
}

impl From<askama::Error> for Stop {
    fn from(error: askama::Error) -> Self {
        Self::Render(error)
    }
}

/// A handler's tools for one request.
pub struct Desk {
    pub portal: Arc<Portal>,
    pub visit: Visit,
}

/// A request for a page.
pub struct Get(pub Desk);

/// A form sent from one of our pages: same origin, and its anti-forgery value belongs to a cookie that came
/// with it; else the stop to end with.
pub struct Post(pub Desk, pub Result<Form, Stop>);

/// A form from our own origin, its anti-forgery value not looked at yet.
pub struct Unchecked(pub Desk, pub Result<Form, Stop>);

/// The request, in the language of whoever is signed in. Where that cannot be told, it is any visitor's: the handler
/// meets the same fault and says so.
async fn visit(parts: Parts, portal: &Portal) -> Option<Visit> {
    let mut visit = Visit::of(parts, portal)?;
    let host = Some(&visit.conn.host).filter(|host| *host != portal.origin.host());
    let cookie = visit.cookie(cookie::SESSION);
    let found = match cookie {
        Some(cookie) => portal.authn.sessions().find(cookie, host).await,
        None => Ok(None),
    };
    if let Ok(Some(person)) = found {
        visit.speak_to(&person, portal);
    }
    Some(visit)
}

impl FromRequest<Arc<Portal>> for Get {
    /// The request did not come through the gateway.
    type Rejection = StatusCode;

    async fn from_request(request: Request, portal: &Arc<Portal>) -> Result<Self, StatusCode> {
        let (parts, _) = request.into_parts();
        let visit = visit(parts, portal)
            .await
            .ok_or(StatusCode::INTERNAL_SERVER_ERROR)?;
        Ok(Self(Desk {
            portal: Arc::clone(portal),
            visit,
        }))
    }
}

impl FromRequest<Arc<Portal>> for Unchecked {
    type Rejection = StatusCode;

    async fn from_request(request: Request, portal: &Arc<Portal>) -> Result<Self, StatusCode> {
        let (parts, body) = request.into_parts();
        let visit = visit(parts, portal)
            .await
            .ok_or(StatusCode::INTERNAL_SERVER_ERROR)?;
        let desk = Desk {
            portal: Arc::clone(portal),
            visit,
        };
        if desk.visit.is_foreign(&desk.own_origin()) {
            return Ok(Self(desk, Err(Stop::Forged)));
        }
        let most = desk.most_form_bytes().await;
        let form = Form::read(&desk.visit.headers, body, most).await;
        Ok(Self(desk, form.map_err(Stop::Malformed)))
    }
}

impl FromRequest<Arc<Portal>> for Post {
    type Rejection = StatusCode;

    async fn from_request(request: Request, portal: &Arc<Portal>) -> Result<Self, StatusCode> {
        let Unchecked(desk, form) = Unchecked::from_request(request, portal).await?;
        let form = match form {
            Ok(form) if !desk.is_genuine(&form) => Err(desk.not_genuine(&form).await),
            other => other,
        };
        Ok(Self(desk, form))
    }
}

impl Desk {
    /// The origin this request was sent to.
    fn own_origin(&self) -> String {
        let port = self.portal.origin.port();
        crate::domain::host::Origin::new(self.visit.conn.host.clone(), port).to_string()
    }

    /// How large a form this person may send here: an import is large, and only somebody who may import is let send one.
    async fn most_form_bytes(&self) -> usize {
        if self.visit.here != desk::import::PATH {
            return MAX_BYTES;
        }
        let roles = &self.portal.authn.rules().roles;
        match self.person().await {
            Ok(Some(view))
                if roles
                    .of(&view.subject.groups)
                    .contains(&Role::Administrator) =>
            {
                MAX_IMPORT_BYTES
            }
            Ok(_) | Err(_) => MAX_BYTES,
        }
    }

    /// Whether the form's `csrf` belongs to one of the cookies that came with it.
    pub fn is_genuine(&self, form: &Form) -> bool {
        let submitted = form.field("csrf");
        [cookie::SIGN_IN, cookie::SESSION]
            .iter()
            .filter_map(|name| self.visit.cookie(name))
            .any(|token| self.portal.vault.csrf_matches(token, submitted))
    }

    /// Why a form is not taken. A step's form that our own page sent, but an earlier one than this browser's
    /// sign-in under way, leads to the page that is due: nothing is done, and nothing is lost. Else it is forged.
    async fn not_genuine(&self, form: &Form) -> Stop {
        let steps = ["/signin/", "/remind", "/enrol", "/account/confirm"];
        let is_step = steps.iter().any(|step| self.visit.here.starts_with(step))
            || own_form(&self.visit.here).is_some();
        let has_form_of_ours =
            form.field("csrf").len() == self.portal.vault.csrf(cookie::SIGN_IN).len();
        if !(is_step && has_form_of_ours && self.visit.is_from(&self.own_origin())) {
            return Stop::Forged;
        }
        // the session's own forms: its token has changed meanwhile, in another tab
        if let Some(page) = own_form(&self.visit.here) {
            return match self.person().await {
                Ok(Some(_)) => Stop::Elsewhere(page.path().to_owned()),
                Ok(None) => Stop::Forged,
                Err(stop) => stop,
            };
        }
        match self.underway().await {
            Ok(Some(underway)) => Stop::Elsewhere(path_of(&underway.state).to_owned()),
            Ok(None) => Stop::Forged,
            Err(stop) => stop,
        }
    }

    /// Who is signed in at the portal.
    pub async fn person(&self) -> Result<Option<Person>, Stop> {
        let Some(cookie) = self.visit.cookie(cookie::SESSION) else {
            return Ok(None);
        };
        let found = self.portal.authn.sessions().find(cookie, None).await?;
        if let Some(view) = &found {
            self.portal.authn.sessions().seen(view);
        }
        Ok(found)
    }

    pub fn attempt_cookie(&self) -> Option<TokenHash> {
        let cookie = self.visit.cookie(cookie::SIGN_IN)?;
        Token::parse(cookie).map(|t| t.hash())
    }

    /// The cookies by which accounts know this browser.
    pub fn device_cookies(&self) -> Vec<DeviceCookie> {
        let found = Jar::of(&self.visit.headers).devices().into_iter();
        found
            .filter_map(|(tag, value)| {
                Some(DeviceCookie {
                    tag: tag.to_owned(),
                    token: Token::parse(value)?.hash(),
                })
            })
            .collect()
    }

    /// The sign-in under way in this browser.
    pub async fn underway(&self) -> Result<Option<Underway>, Stop> {
        let Some(cookie) = self.visit.cookie(cookie::SIGN_IN) else {
            return Ok(None);
        };
        let session: Option<SessionId> = self.person().await?.map(|view| view.session.id);
        Ok(self.portal.authn.underway(cookie, session).await?)
    }

    /// The sign-in under way, or the way back: to the services for somebody signed in, else to the start.
    pub async fn must_be_underway(&self) -> Result<Underway, Stop> {
        match self.underway().await? {
            Some(underway) => Ok(underway),
            None if self.person().await?.is_some() => Err(Stop::Elsewhere("/".to_owned())),
            None => Err(Stop::Elsewhere("/signin?expired".to_owned())),
        }
    }

    /// Renders a page in the frame.
    pub fn page(
        &self,
        status: StatusCode,
        panel: Panel<'_>,
        page: &impl Page,
        csrf_token: Option<&str>,
    ) -> Outcome {
        let csrf = csrf_token
            .or_else(|| self.visit.cookie(cookie::SIGN_IN))
            .or_else(|| self.visit.cookie(cookie::SESSION))
            .map(|token| self.portal.vault.csrf(token))
            .unwrap_or_default();
        let frame = self.portal.frame(&self.visit, panel, &csrf);
        let html = page.render(&frame)?;
        let chosen = self.visit.chosen_language.then_some(self.visit.language);
        Ok(Reply::page(status, html).remember_language(chosen))
    }

    /// The panel of a sign-in that leads somewhere.
    pub fn panel_to<'a>(&'a self, destination: Option<&Destination>) -> Panel<'a> {
        match self.portal.route_of(destination) {
            Some((_, route)) => Panel::SigningInTo { app: &route.title },
            None => Panel::Tagline,
        }
    }

    /// A page of a sign-in under way; a form on it may end at the destination's origin.
    pub fn step_page(&self, at: &Position, status: StatusCode, page: &impl Page) -> Outcome {
        let destination = at.frame.destination.as_ref();
        let reply = self.page(status, self.panel_to(destination), page, None)?;
        Ok(reply.form_target(self.target(destination)))
    }

    pub fn target(&self, destination: Option<&Destination>) -> Option<String> {
        match destination? {
            Destination::Application(asked) => {
                let to = self.portal.return_to(asked)?;
                Some(to.origin().to_string())
            }
            Destination::Own(_) => None,
        }
    }

    /// Shows what a step led to.
    pub async fn after(&self, progress: Progress) -> Outcome {
        match progress {
            Progress::Ask(Some(token)) => {
                let cookie = token.reveal();
                let session = self.person().await?.map(|v| v.session.id);
                let underway = self.portal.authn.underway(&cookie, session).await?;
                let path = underway.map_or("/signin", |u| path_of(&u.state));
                Ok(Reply::see_other(path).cookie(cookie::set(cookie::SIGN_IN, cookie, None)))
            }
            Progress::Ask(None) | Progress::Overtaken => {
                let underway = self.must_be_underway().await?;
                Ok(Reply::see_other(path_of(&underway.state)))
            }
            Progress::SignedIn {
                token,
                destination,
                device,
                ..
            } => {
                let cookie = token.reveal();
                let view = self.portal.authn.sessions().find(&cookie, None).await?;
                let reply = match view {
                    Some(view) => self.go_on(&view, destination).await?,
                    None => Reply::see_other("/signin"),
                };
                let keeps_attempt = reply.sets_cookie(cookie::SIGN_IN);
                let reply = reply.cookie(cookie::set(cookie::SESSION, cookie, None));
                let reply = match device {
                    Some(device) => reply.cookie(cookie::set(
                        format!("{}{}", cookie::DEVICE, device.tag),
                        device.token.reveal(),
                        Some(cookie::DEVICE_AGE),
                    )),
                    None => reply,
                };
                Ok(if keeps_attempt {
                    reply
                } else {
                    reply.cookie(cookie::clear(cookie::SIGN_IN))
                })
            }
        }
    }

    /// On to where a signed-in person was going, unless something is due first.
    pub async fn go_on(&self, view: &Person, destination: Option<Destination>) -> Outcome {
        let asked = match destination {
            Some(Destination::Application(asked)) => asked,
            Some(Destination::Own(page)) => return Ok(Reply::see_other(page.path())),
            None => return Ok(Reply::see_other("/")),
        };
        let Some(to) = self.portal.return_to(&asked) else {
            return Ok(Reply::see_other("/"));
        };
        let destination = Destination::Application(asked.clone());
        let foreseen = self.portal.foresee(view, &to, self.visit.conn.client);
        match foreseen {
            Some(Decision::StepUp { .. }) => {
                if let Some(underway) = self.step_up_under_way(view).await? {
                    // overtaken or not: the same question stands, and the form of another tab still fits it
                    let (Progress::Ask(_) | Progress::Overtaken | Progress::SignedIn { .. }) =
                        self.portal.authn.lead_to(underway, destination).await?;
                    return Ok(Reply::see_other("/signin/code"));
                }
                let replaces = self.attempt_cookie();
                let begun = self
                    .portal
                    .authn
                    .begin_step_up(view, Some(destination), replaces)
                    .await?;
                match begun {
                    Progress::Ask(Some(token)) => Ok(Reply::see_other("/signin/code")
                        .cookie(cookie::set(cookie::SIGN_IN, token.reveal(), None))),
                    _ => Ok(Reply::see_other("/")),
                }
            }
            Some(Decision::Enrol) => {
                let to = self.portal.reseal(&destination);
                Ok(Reply::see_other(format!("/remind/app?to={to}")))
            }
            Some(Decision::Remind | Decision::EnrolOverdue) => {
                let to = self.portal.reseal(&destination);
                Ok(Reply::see_other(format!("/remind?to={to}")))
            }
            Some(
                Decision::Forward(_)
                | Decision::Deny(_)
                | Decision::SignIn
                | Decision::Maintenance
                | Decision::AnswerPreflight,
            )
            | None => self.leave(view, &asked, &to).await,
        }
    }

    /// The step-up of this very session that another tab began and that leaves time enough for a code.
    async fn step_up_under_way(&self, view: &Person) -> Result<Option<Underway>, Stop> {
        let Some(cookie) = self.visit.cookie(cookie::SIGN_IN) else {
            return Ok(None);
        };
        let session = view.session.id;
        let found = self.portal.authn.underway(cookie, Some(session)).await?;
        let now = self.portal.env.now();
        Ok(found.filter(|Underway { at, state }| {
            at.frame.began == Began::Session(session)
                && matches!(state, State::Code(_))
                && now.since(at.frame.started_at) < login::LIFETIME / 2
        }))
    }

    /// Off to the application: with a ticket where the browser still waits for one, else to the address
    /// itself, which will ask for a fresh one.
    pub async fn leave(
        &self,
        view: &Person,
        asked: &Asked,
        to: &crate::domain::return_to::ReturnTo,
    ) -> Outcome {
        if !asked.is_fresh(self.portal.env.now()) {
            return Ok(Reply::see_other(to.url()));
        }
        let ticket = self
            .portal
            .authn
            .issue_ticket(view, to, asked.binding)
            .await?;
        let location = format!(
            "{}/.vestibule/callback?ticket={}{}",
            to.origin(),
            ticket.reveal(),
            if asked.again { "&again" } else { "" }
        );
        Ok(Reply::found(location))
    }

    /// Ends a request: a page, or the page for what went wrong.
    pub fn finish(&self, outcome: Outcome) -> Response {
        match outcome {
            Ok(reply) => reply.into_response(),
            Err(Stop::Elsewhere(path)) => Reply::see_other(path).into_response(),
            Err(Stop::Forged) => errors::forged(self),
            Err(Stop::Malformed(why)) => errors::malformed(self, why),
            Err(Stop::Fault(fault)) => {
                // a fault of the store is counted where it happens
                if !matches!(fault, authn::Fault::Store(_)) {
                    self.portal.happened(Happening::Fault);
                }
                errors::fault(self, &fault)
            }
            Err(Stop::Render(error)) => {
                tracing::error!(error = %error, "a page could not be rendered");
                errors::internal(self)
            }
        }
    }
}

impl Portal {
    pub(super) fn frame<'a>(
        &'a self,
        visit: &'a Visit,
        panel: Panel<'a>,
        csrf: &'a str,
    ) -> Frame<'a> {
        let on_portal = visit.conn.host == *self.origin.host();
        Frame {
            brand: &self.brand,
            assets: &self.assets,
            assets_base: if on_portal {
                PORTAL_ASSETS
            } else {
                HOST_ASSETS
            },
            tr: self.texts.in_language(visit.language),
            language: visit.language,
            csrf,
            panel,
            here: &visit.here,
            home: &self.own,
        }
    }
}

/// The page with the form that is sent there.
fn own_form(path: &str) -> Option<OwnPage> {
    match path {
        "/account/2fa" => Some(OwnPage::Security),
        "/account/password" => Some(OwnPage::Password),
        "/account/2fa/disable" => Some(OwnPage::Disable),
        "/account/sessions" => Some(OwnPage::Sessions),
        "/account/devices" => Some(OwnPage::Devices),
        _ => None,
    }
}

/// The page of a state.
pub fn path_of(state: &State) -> &'static str {
    match state {
        State::NewPassword(_) => "/signin/new-password",
        State::Code(_) => "/signin/code",
        State::Lost(_) => "/signin/lost",
        State::Reminder(_) => "/remind",
        State::Confirmation(_) => "/account/confirm",
        State::Enrolment(enrolment) if enrolment.begins_with_the_choice() => "/enrol/app",
        State::Enrolment(_) => "/enrol",
        State::Codes(_) => "/enrol/codes",
    }
}

/// The step does not fit the sign-in's state: on to the one that does.
pub fn elsewhere<T>(state: &State) -> Result<T, Stop> {
    Err(Stop::Elsewhere(path_of(state).to_owned()))
}

/// Whether a sign-in began in a live session.
pub const fn in_session(at: &Position) -> bool {
    matches!(at.frame.began, Began::Session(_))
}

impl Desk {
    /// Tells the metrics when a step ended in a session.
    pub fn note(&self, progress: &Progress) {
        if matches!(progress, Progress::SignedIn { .. }) {
            self.portal.happened(Happening::SignedIn);
        }
    }
}
