//! The console under `/desk`: every handler asks one use case of `authn::desk`, which judges, does and writes down.

pub mod accounts;
pub mod act;
pub mod adoption;
pub mod approvals;
pub mod import;
pub mod trail;
pub mod users;

use super::{Desk, Get, Outcome, Stop};
use crate::authn::desk::{Agent, Denied};
use crate::domain::audit::{Actor, Logged};
use crate::domain::desk::{Act, Role};
use crate::domain::id::AccountId;
use crate::domain::own_page::OwnPage;
use crate::domain::return_to::Destination;
use crate::domain::user_agent;
use crate::portal::pages::{self, Page, Panel, desk as view, trail_text_id};
use crate::portal::respond::Reply;
use crate::portal::visit::Person;
use crate::portal::{cookie, errors};
use axum::response::Response;
use http::StatusCode;
use std::collections::{BTreeMap, BTreeSet};

/// `/desk`
pub async fn show(Get(_): Get) -> Reply {
    Reply::see_other(OwnPage::Desk.path())
}

/// Somebody in the console.
pub(super) struct Console<'a> {
    pub desk: &'a Desk,
    pub person: Person,
    pub agent: Agent,
}

impl Desk {
    /// Who is at the console; somebody who is not signed in comes back to it afterwards.
    pub(super) async fn console(&self) -> Result<Console<'_>, Stop> {
        let Some(person) = self.person().await? else {
            return Err(Stop::Elsewhere(self.portal.own_door(OwnPage::Desk)));
        };
        Ok(Console {
            desk: self,
            agent: Agent::Person {
                view: person.clone(),
            },
            person,
        })
    }
}

impl Console<'_> {
    /// A page in the console's frame.
    pub(super) fn page(&self, status: StatusCode, page: &impl Page) -> Outcome {
        let session = self.desk.visit.cookie(cookie::SESSION);
        self.desk.page(status, Panel::Tagline, page, session)
    }

    /// A text in the page's language; `value` is its `$name`.
    pub(super) fn text(&self, id: &str, value: &str) -> String {
        let texts = self.desk.portal.texts.in_language(self.desk.visit.language);
        texts.with(id, "name", value)
    }

    fn roles(&self) -> BTreeSet<Role> {
        let roles = &self.desk.portal.authn.rules().roles;
        roles.of(&self.person.subject.groups)
    }

    /// The frame: what this person's menu offers.
    pub(super) async fn frame(&self, section: view::Section) -> Result<view::Desk<'_>, Stop> {
        let roles = self.roles();
        let helps = roles.contains(&Role::Helpdesk) || roles.contains(&Role::Administrator);
        let reads = roles.contains(&Role::Auditor) || roles.contains(&Role::Administrator);
        let approvals = if helps {
            let now = self.desk.portal.env.now();
            let waiting = self.desk.portal.authn.store().approvals(now).await?;
            Some(waiting.len() as u64)
        } else {
            None
        };
        Ok(view::Desk {
            shown_as: self.person.subject.shown_as(),
            role: match roles.last() {
                Some(Role::Administrator) => view::Role::Administrator,
                Some(Role::Helpdesk) => view::Role::Helpdesk,
                Some(Role::Auditor) | None => view::Role::Auditor,
            },
            section,
            users: !roles.is_empty(),
            approvals,
            adoption: reads,
            trail: reads,
            accounts: roles.contains(&Role::Administrator),
        })
    }

    /// The end for what was denied and has no page of its own. Without any role there is no console.
    pub(super) async fn denied(&self, denied: Denied, about: Option<AccountId>) -> Outcome {
        match denied {
            Denied::Refusal(_) if self.roles().is_empty() => self.not_found(),
            Denied::Refusal(_) => {
                let desk = self.frame(view::Section::Elsewhere).await?;
                let page = view::DeskForbidden { desk };
                self.page(StatusCode::FORBIDDEN, &page)
            }
            Denied::NotConfirmed => self.confirm().await,
            Denied::NotFound => self.not_found(),
            Denied::Missing(_) | Denied::Cannot(_) | Denied::Quota { .. } | Denied::Overtaken => {
                Ok(Reply::see_other(match about {
                    Some(id) => format!("/desk/users/{id}"),
                    None => OwnPage::Desk.path().to_owned(),
                }))
            }
        }
    }

    fn not_found(&self) -> Outcome {
        self.desk.page(
            StatusCode::NOT_FOUND,
            Panel::Tagline,
            &pages::NotFound { reference: "" },
            None,
        )
    }

    /// The code from the app, anew, and back here; an agent without an app sets one up first.
    async fn confirm(&self) -> Outcome {
        if !self.person.subject.has_second_factor() {
            return Ok(Reply::see_other(OwnPage::Security.path()));
        }
        let back = Some(Destination::Own(OwnPage::Desk));
        let authn = &self.desk.portal.authn;
        let begun = authn
            .begin_step_up(&self.person, back, self.desk.attempt_cookie())
            .await?;
        self.desk.after(begun).await
    }

    /// The trail beside an account, in words.
    pub(super) async fn entries<'l>(
        &self,
        logged: &'l [Logged],
        shown_as: &str,
    ) -> Result<Vec<view::Entry<'l>>, Stop> {
        let names = self.names(logged).await?;
        let texts = self.desk.portal.texts.in_language(self.desk.visit.language);
        let entry = |logged: &'l Logged| {
            let record = &logged.record;
            let code = record.event.code();
            let place = &record.place;
            let described = place.user_agent.as_deref().map(user_agent::describe);
            let from = [
                described.and_then(|d| d.browser).map(str::to_owned),
                described.and_then(|d| d.system).map(str::to_owned),
                place.address.map(|a| a.to_string()),
            ];
            view::Entry {
                at: record.at.seconds(),
                event: trail_text_id(&record.event)
                    .map_or_else(|| code.to_owned(), |id| texts.text(id)),
                code,
                actor: match &record.actor {
                    Actor::Person => shown_as.to_owned(),
                    other => {
                        let code = other.code().into_owned();
                        names.get(&code).cloned().unwrap_or(code)
                    }
                },
                account: None,
                from: from.into_iter().flatten().collect::<Vec<_>>().join(", "),
                detail: &record.detail,
            }
        };
        Ok(logged.iter().map(entry).collect())
    }

    /// Agents and tokens by name.
    async fn names(&self, logged: &[Logged]) -> Result<BTreeMap<String, String>, Stop> {
        let store = self.desk.portal.authn.store();
        let mut names = BTreeMap::new();
        for record in logged.iter().map(|logged| &logged.record) {
            let code = record.actor.code().into_owned();
            if names.contains_key(&code) {
                continue;
            }
            let name = match &record.actor {
                Actor::Agent(id) => store.account(*id).await?.map(|a| a.shown_as().to_owned()),
                Actor::Token(id) => {
                    let tokens = store.api_tokens().await?;
                    let found = tokens.into_iter().find(|token| token.id == *id);
                    found.map(|token| token.name)
                }
                Actor::Person | Actor::Operator | Actor::System => None,
            };
            if let Some(name) = name {
                names.insert(code, name);
            }
        }
        Ok(names)
    }
}

/// An account's number in an address; anything else is an address without a page.
pub(super) async fn number(desk: Desk, text: &str) -> Result<(Desk, AccountId), Response> {
    match AccountId::parse(text) {
        Some(id) => Ok((desk, id)),
        None => Err(errors::not_found(Get(desk)).await),
    }
}

/// What a page's act is to the rules. Those without a rule here have no page yet. Taking a deletion back is enabling.
pub(super) const fn act_of(act: view::Act) -> Option<Act> {
    match act {
        view::Act::IssueCode => Some(Act::IssueCode),
        view::Act::SignOut => Some(Act::SignOutEverywhere),
        view::Act::Untrust => Some(Act::RemoveTrustedDevices),
        view::Act::Reset => Some(Act::ResetAuthenticator),
        view::Act::Exempt => Some(Act::Exempt),
        view::Act::Unlock => Some(Act::Unlock),
        view::Act::Groups => Some(Act::SetGroups),
        view::Act::Disable => Some(Act::Disable),
        view::Act::Enable | view::Act::Keep => Some(Act::Enable),
        view::Act::Delete => Some(Act::Delete),
        view::Act::PasswordReset => Some(Act::StartPasswordReset),
    }
}

/// The page's act of one that waits.
pub(super) fn page_of(act: Act) -> Option<view::Act> {
    view::Act::ALL
        .into_iter()
        .find(|page| act_of(*page) == Some(act))
}
