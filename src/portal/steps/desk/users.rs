//! Finding somebody, and the page about one.

use super::super::{Desk, Get, Outcome};
use super::{Console, act_of, number};
use crate::authn::desk::{self as desk_use, Denied, Looked, Match, Missing};
use crate::domain::adoption::Standing;
use crate::domain::audit::{Actor, Event};
use crate::domain::binding::EnrolmentProof;
use crate::domain::desk::{Act, Permission};
use crate::domain::id::AccountId;
use crate::domain::timestamp::{Timestamp, minutes_rounded_up};
use crate::portal::pages::desk as view;
use axum::extract::Path;
use axum::response::Response;
use http::StatusCode;
use std::time::Duration;

/// What the address says after an account was made whose first password is chosen by a link.
pub(super) const INVITED: &str = "invited";

/// For how long a page says what its agent has just done.
const JUST_NOW: Duration = Duration::from_secs(120);

/// GET `/desk/users?q=&state=`
pub async fn find(Get(desk): Get) -> Response {
    let outcome = find_page(&desk).await;
    desk.finish(outcome)
}

async fn find_page(desk: &Desk) -> Outcome {
    let console = desk.console().await?;
    let place = desk.visit.place();
    let authn = &desk.portal.authn;
    let q = desk.visit.query("q").unwrap_or_default();
    let asked = desk.visit.query("state").unwrap_or_default();
    let state = view::StateFilter::parse(asked);
    let found = if q.is_empty() && asked.is_empty() {
        let may = authn
            .desk_authorise(&console.agent, Act::Find, None, &place)
            .await?;
        may.map(|_| None)
    } else {
        let standing = Standing::parse(state.code());
        let found = authn.desk_find(&console.agent, q, standing, &place).await?;
        found.map(Some)
    };
    let frame = console.frame(view::Section::Users).await?;
    let page = |found, counts| view::FindUser {
        desk: frame,
        q,
        state,
        counts,
        found,
    };
    let found = match found {
        Ok(Some(found)) => found,
        Ok(None) => {
            let page = page(view::Found::Nothing, view::Counts::default());
            return console.page(StatusCode::OK, &page);
        }
        Err(Denied::Missing(Missing::Query)) => {
            let page = page(view::Found::Short, view::Counts::default());
            return console.page(StatusCode::UNPROCESSABLE_ENTITY, &page);
        }
        Err(denied) => return console.denied(denied, None).await,
    };
    let now = desk.portal.env.now();
    let ids: Vec<String> = found
        .matches
        .iter()
        .map(|m| m.account.id.to_string())
        .collect();
    let rows: Vec<view::UserRow<'_>> = found
        .matches
        .iter()
        .zip(&ids)
        .map(|(found, id)| row(found, id, now))
        .collect();
    let counts = view::Counts {
        on: found.figures.on,
        grace: found.figures.reminding,
        due: found.figures.overdue,
        exempt: found.figures.exempt,
    };
    let of_state = match state {
        view::StateFilter::All => counts.total(),
        view::StateFilter::On => counts.on,
        view::StateFilter::Grace => counts.grace,
        view::StateFilter::Due => counts.due,
        view::StateFilter::Exempt => counts.exempt,
    };
    let rows = view::Found::Rows {
        more: found.more || of_state > rows.len() as u64,
        rows: &rows,
    };
    console.page(StatusCode::OK, &page(rows, counts))
}

fn row<'m>(found: &'m Match, id: &'m str, now: Timestamp) -> view::UserRow<'m> {
    let account = &found.account;
    view::UserRow {
        id,
        name: &account.name,
        email: account.email.as_deref(),
        login: &account.login,
        state: state(
            found.standing,
            found.deadline,
            account.reminder.exempt_until,
            now,
        ),
        last_sign_in: account.history.last_sign_in_at.map(Timestamp::seconds),
        disabled: !account.is_active(),
    }
}

fn state(
    standing: Standing,
    deadline: Option<Timestamp>,
    exempt_until: Option<Timestamp>,
    now: Timestamp,
) -> view::State {
    match standing {
        Standing::On => view::State::On,
        Standing::Reminding => view::State::Grace {
            days_left: deadline.map(|at| now.days_until(at)),
        },
        Standing::Overdue => view::State::Due,
        Standing::Exempt => view::State::Exempt {
            until: exempt_until.map(Timestamp::seconds),
        },
    }
}

/// GET `/desk/users/{id}`
pub async fn show(Path(id): Path<String>, Get(desk): Get) -> Response {
    match number(desk, &id).await {
        Ok((desk, id)) => {
            let outcome = user(&desk, id).await;
            desk.finish(outcome)
        }
        Err(response) => response,
    }
}

async fn user(desk: &Desk, id: AccountId) -> Outcome {
    let console = desk.console().await?;
    let place = desk.visit.place();
    let looked = desk
        .portal
        .authn
        .desk_look(&console.agent, id, &place)
        .await?;
    match looked {
        Ok(looked) => user_page(&console, &looked).await,
        Err(denied) => console.denied(denied, None).await,
    }
}

async fn user_page(console: &Console<'_>, looked: &Looked) -> Outcome {
    let account = &looked.account;
    let now = console.desk.portal.env.now();
    let id = account.id.to_string();
    let seconds = |at: Option<Timestamp>| at.map(Timestamp::seconds);
    let groups: Vec<String> = account.groups.iter().cloned().collect();
    let total = console.desk.portal.authn.rules().emergency_codes as u64;
    let app = account.totp.as_ref();
    let texts = &console.desk.portal.texts;
    let app_name = texts
        .in_language(console.desk.visit.language)
        .text("desk-user-app");
    let facts = view::Facts {
        authenticator: app.map(|_| app_name.as_str()),
        enabled_at: app.map(|app| app.bound_at.seconds()),
        last_code_at: app
            .filter(|app| app.last_step > 0)
            .and_then(|app| i64::try_from(app.last_step.saturating_mul(30)).ok()),
        emergency_codes: app.map(|_| (looked.emergency_codes_left as u64, total)),
        trusted_devices: looked.trusted_devices as u64,
        sessions: looked.sessions as u64,
        last_sign_in: seconds(account.history.last_sign_in_at),
        password_changed_at: seconds(account.history.password_changed_at),
        one_time_code_until: seconds(looked.one_time_code_until),
        codes_paused_until: seconds(looked.paused_until),
        exempt_until: seconds(account.reminder.exempt_until.filter(|until| now < *until)),
        disabled: !account.is_active(),
        deletion_at: seconds(account.history.delete_at),
        groups: &groups,
    };
    let roles = &console.desk.portal.authn.rules().roles;
    let helps = console
        .roles()
        .iter()
        .any(|role| *role > crate::domain::desk::Role::Auditor);
    let offers = offers(console, looked);
    let trail = console.entries(&looked.trail, account.shown_as()).await?;
    let privileged = |(_, permission): &(Act, Permission)| *permission == Permission::SecondAgent;
    let frame = console.frame(view::Section::Users).await?;
    let page = view::User {
        desk: frame,
        id: &id,
        name: &account.name,
        email: account.email.as_deref(),
        login: &account.login,
        state: state(
            looked.standing,
            looked.deadline,
            account.reminder.exempt_until,
            now,
        ),
        facts,
        contact_changed_at: seconds(looked.contact_changed_at),
        trail: &trail,
        trail_link: frame.trail,
        barred: if looked.own && helps {
            Some(view::Barred::OwnAccount)
        } else if helps && looked.allowed.is_empty() && roles.highest(&account.groups).is_some() {
            Some(view::Barred::HigherRole)
        } else {
            None
        },
        two_agents: !looked.allowed.is_empty() && looked.allowed.iter().all(privileged),
        offers: &offers,
        done: done(console, looked),
    };
    console.page(StatusCode::OK, &page)
}

/// What the page offers, and why something is not to be had now.
fn offers(console: &Console<'_>, looked: &Looked) -> Vec<view::Offer> {
    let account = &looked.account;
    let asks_proof = console.desk.portal.authn.rules().enrolment_proof != EnrolmentProof::None;
    let mails = console.desk.portal.authn.rules().mails;
    let allowed = |act: Act| looked.allowed.iter().any(|(allowed, _)| *allowed == act);
    let offer = |page: view::Act| {
        let act = act_of(page).filter(|act| allowed(*act))?;
        let fits = match act {
            Act::IssueCode => account.is_active(),
            Act::Exempt => !account.has_second_factor(),
            Act::Disable | Act::StartPasswordReset => account.is_active(),
            Act::Delete => account.history.delete_at.is_none(),
            Act::Enable => {
                let planned = account.history.delete_at.is_some();
                !account.is_active() && planned == (page == view::Act::Keep)
            }
            _ => true,
        };
        let off = match act {
            _ if looked.waiting.iter().any(|waits| waits.act == act) => Some(view::Off::Waiting),
            Act::IssueCode if !account.has_second_factor() && !asks_proof => {
                Some(view::Off::NoAuthenticator)
            }
            Act::ResetAuthenticator if !account.has_second_factor() => {
                Some(view::Off::NoAuthenticator)
            }
            Act::RemoveTrustedDevices if looked.trusted_devices == 0 => {
                Some(view::Off::NoTrustedDevices)
            }
            Act::SignOutEverywhere if looked.sessions == 0 => Some(view::Off::NoSessions),
            Act::StartPasswordReset if account.email.is_none() => Some(view::Off::NoEmail),
            Act::StartPasswordReset if !mails => Some(view::Off::MailOff),
            _ => None,
        };
        fits.then_some(view::Offer { act: page, off })
    };
    view::Act::ALL.into_iter().filter_map(offer).collect()
}

/// What was just done, if the trail says so too: an address alone makes no page say that something was done.
fn done<'l>(console: &Console<'_>, looked: &'l Looked) -> Option<view::Done<'l>> {
    let word = console.desk.visit.query("done")?;
    let n: u64 = console
        .desk
        .visit
        .query("n")
        .map_or(Some(0), |n| n.parse().ok())?;
    let now = console.desk.portal.env.now();
    let me = console.person.subject.id;
    let mine =
        |event: Event| {
            looked.trail.iter().map(|logged| &logged.record).any(|r| {
                r.event == event && r.actor == Actor::Agent(me) && now.since(r.at) < JUST_NOW
            })
        };
    if word == INVITED {
        let email = looked.account.email.as_deref()?;
        return mine(Event::AccountCreated).then_some(view::Done::Invited { email });
    }
    let page = view::Act::parse(word)?;
    let act = act_of(page)?;
    let waits = looked
        .waiting
        .iter()
        .find(|waits| waits.act == act && waits.requested_by == me);
    if let Some(waits) = waits {
        let minutes = minutes_rounded_up(waits.expires_at.since(now));
        return Some(match act {
            Act::ResetAuthenticator => view::Done::ResetWaits { minutes },
            _ => view::Done::Waits { minutes },
        });
    }
    match page {
        view::Act::SignOut if mine(Event::SessionRevoked) => {
            Some(view::Done::SignedOut { sessions: n })
        }
        view::Act::Untrust if mine(Event::DeviceRemoved) => {
            Some(view::Done::Untrusted { devices: n })
        }
        view::Act::IssueCode if mine(Event::OneTimeCodeIssued) => Some(view::Done::Sent {
            email: looked.account.email.as_deref()?,
            until: looked.one_time_code_until?.seconds(),
        }),
        view::Act::Exempt if mine(Event::Exempted) => Some(view::Done::Exempted {
            until: looked.account.reminder.exempt_until?.seconds(),
        }),
        view::Act::PasswordReset if mine(Event::ResetRequested) => {
            Some(view::Done::PasswordReset {
                email: looked.account.email.as_deref()?,
            })
        }
        view::Act::Unlock if mine(Event::Unlocked) => Some(view::Done::Unlocked),
        view::Act::Disable if mine(Event::AccountDisabled) => Some(view::Done::Disabled),
        view::Act::Enable if mine(Event::AccountEnabled) => Some(view::Done::Enabled),
        view::Act::Keep if mine(Event::AccountEnabled) => Some(view::Done::Kept),
        view::Act::Groups if mine(Event::GroupsChanged) => Some(view::Done::Groups),
        view::Act::Delete if mine(Event::AccountDeletionPlanned) => {
            Some(view::Done::DeletionPlanned {
                at: looked.account.history.delete_at?.seconds(),
            })
        }
        _ => None,
    }
}

/// Why a code cannot be mailed, as the form says it.
pub(super) const fn mail_off(cannot: desk_use::Cannot, has_address: bool) -> view::MailOff {
    match cannot {
        desk_use::Cannot::ContactChanged => view::MailOff::ContactChanged,
        _ if has_address => view::MailOff::NotConfigured,
        _ => view::MailOff::NoEmail,
    }
}
