//! The reminder: before a session opens, in the middle of one, and for a place that demands a second factor.

use super::sign_in::see;
use super::{Desk, Get, Outcome, Post, elsewhere};
use crate::authn::progress::Underway;
use crate::domain::login::State as Step;
use crate::domain::policy::TwoFactor;
use crate::domain::reminder::{self, Status};
use crate::domain::return_to::Destination;
use crate::domain::timestamp::Timestamp;
use crate::portal::Happening;
use crate::portal::form::Form;
use crate::portal::pages::{DeadlineView, Nag, NagApp, NagDeadline};
use crate::portal::respond::Reply;
use crate::portal::visit::Person;
use axum::response::Response;
use http::StatusCode;

pub async fn show(Get(desk): Get) -> Response {
    let outcome = show_page(&desk).await;
    desk.finish(outcome)
}

async fn show_page(desk: &Desk) -> Outcome {
    match desk.underway().await? {
        Some(Underway {
            at,
            state: Step::Reminder(waiting),
        }) => {
            let destination = at.frame.destination.clone();
            let status = if waiting.is_overdue() {
                Status::Overdue {
                    deadline: waiting.deadline(),
                }
            } else {
                Status::Due {
                    deadline: waiting.deadline(),
                }
            };
            let own = account_policy(desk, &at.account.groups);
            desk.portal.happened(Happening::ReminderShown);
            reminder_page(desk, status, own, destination.as_ref(), None)
        }
        _ => match desk.person().await? {
            Some(view) => in_session(desk, &view).await,
            None => see("/signin?expired"),
        },
    }
}

fn account_policy(desk: &Desk, groups: &std::collections::BTreeSet<String>) -> TwoFactor {
    desk.portal.authn.rules().two_factor.for_groups(groups)
}

/// In the middle of a session: what is due is worked out anew, whatever the address says.
async fn in_session(desk: &Desk, view: &Person) -> Outcome {
    let destination = desk.portal.open_destination(desk.visit.query("to"));
    let own = account_policy(desk, &view.subject.groups);
    let status = status_of(desk, view, destination.as_ref());
    let due = !view.subject.has_second_factor() && status != Status::Quiet;
    if !due {
        return desk.go_on_quietly(view, destination).await;
    }
    desk.portal.happened(Happening::ReminderShown);
    reminder_page(
        desk,
        status,
        own,
        destination.as_ref(),
        desk.visit.query("to"),
    )
}

fn status_of(desk: &Desk, view: &Person, destination: Option<&Destination>) -> Status {
    let rules = &desk.portal.authn.rules().two_factor;
    let own = rules.for_groups(&view.subject.groups);
    let route = desk
        .portal
        .route_of(destination)
        .map_or(TwoFactor::Optional, |(_, route)| route.two_factor);
    let now = desk.portal.env.now();
    reminder::status(own, route, rules, &view.subject.reminder(), now)
}

fn reminder_page(
    desk: &Desk,
    status: Status,
    own: TwoFactor,
    destination: Option<&Destination>,
    to: Option<&str>,
) -> Outcome {
    let now = desk.portal.env.now();
    let panel = desk.panel_to(destination);
    let reply = match status {
        Status::Overdue { deadline } => {
            let page = NagDeadline {
                at: deadline.map(Timestamp::seconds),
                to,
            };
            desk.page(StatusCode::OK, panel, &page, None)?
        }
        Status::Due { deadline } => {
            let rules = &desk.portal.authn.rules().two_factor;
            let page = Nag {
                policy_required: own == TwoFactor::Required,
                deadline: deadline.map(|at| DeadlineView {
                    days_left: now.days_until(at),
                    at: at.seconds(),
                }),
                next_reminder_at: reminder::next_reminder(rules, deadline, now).seconds(),
                to,
            };
            desk.page(StatusCode::OK, panel, &page, None)?
        }
        Status::Quiet => Reply::see_other("/"),
    };
    Ok(reply.form_target(desk.target(destination)))
}

/// A place that demands a second factor, for somebody who has none yet.
pub async fn show_app(Get(desk): Get) -> Response {
    let outcome = app_page(&desk).await;
    desk.finish(outcome)
}

async fn app_page(desk: &Desk) -> Outcome {
    let Some(view) = desk.person().await? else {
        return see("/signin?expired");
    };
    let destination = desk.portal.open_destination(desk.visit.query("to"));
    let Some((_, route)) = desk.portal.route_of(destination.as_ref()) else {
        return see("/");
    };
    if view.subject.has_second_factor() {
        return desk.go_on(&view, destination).await;
    }
    let page = NagApp {
        app: &route.title,
        to: desk.visit.query("to"),
    };
    let reply = desk.page(
        StatusCode::OK,
        desk.panel_to(destination.as_ref()),
        &page,
        None,
    )?;
    Ok(reply.form_target(desk.target(destination.as_ref())))
}

pub async fn submit(Post(desk, form): Post) -> Response {
    let outcome = match form {
        Ok(form) => submitted(&desk, &form).await,
        Err(stop) => Err(stop),
    };
    desk.finish(outcome)
}

async fn submitted(desk: &Desk, form: &Form) -> Outcome {
    let later = form.field("do") == "later";
    let place = desk.visit.place();
    let authn = &desk.portal.authn;
    match desk.underway().await? {
        Some(Underway {
            at,
            state: Step::Reminder(waiting),
        }) => {
            let progress = if later {
                desk.portal.happened(Happening::ReminderPostponed);
                authn.postpone(at, waiting, &place).await?
            } else {
                authn.enrol_from_reminder(at, waiting, &place).await?
            };
            desk.note(&progress);
            desk.after(progress).await
        }
        Some(Underway { state, .. }) if desk.person().await?.is_none() => elsewhere(&state),
        _ => match desk.person().await? {
            Some(view) => session_submitted(desk, form, &view, later).await,
            None => see("/signin?expired"),
        },
    }
}

async fn session_submitted(desk: &Desk, form: &Form, view: &Person, later: bool) -> Outcome {
    let destination = desk.portal.open_destination(Some(form.field("to")));
    if view.subject.has_second_factor() {
        return desk.go_on(view, destination).await;
    }
    let authn = &desk.portal.authn;
    let place = desk.visit.place();
    if later {
        if !authn.postpone_in_session(view, &place).await? {
            return see("/remind");
        }
        desk.portal.happened(Happening::ReminderPostponed);
        return desk.go_on_quietly(view, destination).await;
    }
    let place = desk.visit.place();
    let progress = authn
        .enrol_in_session(view, destination, desk.attempt_cookie(), &place)
        .await?;
    desk.after(progress).await
}

impl Desk {
    /// On to the destination without asking what else is due there: the application's host will.
    pub(super) async fn go_on_quietly(
        &self,
        view: &Person,
        destination: Option<Destination>,
    ) -> Outcome {
        match destination {
            Some(Destination::Application(asked)) => match self.portal.return_to(&asked) {
                Some(to) => self.leave(view, &asked, &to).await,
                None => Ok(Reply::see_other("/")),
            },
            Some(Destination::Own(page)) => Ok(Reply::see_other(page.path())),
            None => Ok(Reply::see_other("/")),
        }
    }
}
