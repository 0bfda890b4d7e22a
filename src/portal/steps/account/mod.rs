//! The person's own pages, one file a screen. Whatever changes the account asks first who is there: see `confirm`.

pub mod activity;
pub mod confirm;
pub mod devices;
pub mod password;
pub mod security;
pub mod sessions;
pub mod two_factor;

use super::{Desk, Outcome, Stop};
use crate::authn::self_service::Changed;
use crate::domain::confirmation::Purpose;
use crate::domain::own_page::OwnPage;
use crate::domain::secret::Token;
use crate::domain::session::View;
use crate::portal::cookie;
use crate::portal::pages::{Done, Nav, Page, Panel};
use crate::portal::respond::Reply;
use crate::portal::visit::Person;
use http::StatusCode;

impl Desk {
    /// Above every page of a signed-in person; the console is for those with a role.
    pub(super) fn nav<'v>(&self, view: &'v View) -> Nav<'v> {
        let role = self
            .portal
            .authn
            .rules()
            .roles
            .highest(&view.subject.groups);
        Nav {
            shown_as: view.subject.shown_as(),
            console: role.map(|_| OwnPage::Desk.path()),
        }
    }

    /// Whose page it is; somebody who is not signed in comes back to it afterwards.
    async fn owner(&self, page: OwnPage) -> Result<Person, Stop> {
        match self.person().await? {
            Some(view) => Ok(view),
            None => Err(Stop::Elsewhere(self.portal.own_door(page))),
        }
    }

    /// A page of a signed-in person; its forms belong to the session.
    fn own_page(&self, status: StatusCode, page: &impl Page) -> Outcome {
        let session = self.visit.cookie(cookie::SESSION);
        self.page(status, Panel::Account, page, session)
    }

    /// What was just done, as the address says.
    fn done(&self) -> Option<Done> {
        self.visit.query("done").and_then(Done::parse)
    }

    /// What a change led to; what it was done for goes on in `then`.
    fn changed<T>(
        &self,
        changed: Changed<T>,
        purpose: Purpose,
        then: impl FnOnce(T) -> Outcome,
    ) -> Outcome {
        match changed {
            Changed::Done(done) => then(done),
            Changed::Unconfirmed => Err(confirm_first(purpose)),
            Changed::Overtaken => Ok(Reply::see_other(purpose.way_back().path())),
        }
    }
}

/// "Confirm that it is you", and back.
fn confirm_first(purpose: Purpose) -> Stop {
    Stop::Elsewhere(match purpose.word() {
        Some(word) => format!("/account/confirm?next={word}"),
        None => purpose.way_back().path().to_owned(),
    })
}

/// Back to "Password & 2FA" or another page, saying what was done.
fn back(page: OwnPage, done: Done) -> Reply {
    Reply::see_other(format!("{}?done={}", page.path(), done.code()))
}

/// The session goes on under another token.
fn under(token: &Token, reply: Reply) -> Reply {
    reply
        .cookie(cookie::set(cookie::SESSION, token.reveal(), None))
        .cookie(cookie::clear(cookie::SIGN_IN))
}
