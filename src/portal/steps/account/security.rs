//! "Password & 2FA".

use super::super::{Desk, Get, Outcome, Stop};
use super::activity::entries;
use super::devices::trusting;
use crate::authn::self_service::second_factor::Disabling as Allowance;
use crate::domain::account::Account;
use crate::domain::authenticator::TotpBinding;
use crate::domain::own_page::OwnPage;
use crate::domain::policy::TwoFactor;
use crate::domain::reminder::{self, Status};
use crate::domain::timestamp::Timestamp;
use crate::domain::verifier::totp;
use crate::portal::pages::{DeadlineView, Demand, Disabling, Security, TwoFactorView};
use axum::response::Response;
use http::StatusCode;

/// Of the latest activity.
const A_FEW: u32 = 5;

pub async fn show(Get(desk): Get) -> Response {
    let outcome = show_page(&desk).await;
    desk.finish(outcome)
}

async fn show_page(desk: &Desk) -> Outcome {
    let view = desk.owner(OwnPage::Security).await?;
    let authn = &desk.portal.authn;
    let found = authn.store().account(view.subject.id).await?;
    let Some(account) = found else {
        // it is gone, and its sessions with it
        return Err(Stop::Elsewhere(desk.portal.own_door(OwnPage::Security)));
    };
    let two_factor = match &account.totp {
        Some(app) => on(desk, &account, app).await?,
        None => TwoFactorView::Off(demand(desk, &account)),
    };
    let trusted = authn.trusted_devices(&view).await?.len();
    let sessions = authn.own_sessions(&view).await?.len();
    let (recent, _) = entries(desk, &view, None, A_FEW).await?;
    let changed = account.history.password_changed_at;
    let page = Security {
        nav: desk.nav(&view),
        done: desk.done(),
        password_changed_at: changed.map(Timestamp::seconds),
        two_factor,
        trusting: trusting(desk, &view),
        trusted_devices: count(trusted),
        sessions: count(sessions),
        recent: &recent,
    };
    desk.own_page(StatusCode::OK, &page)
}

fn count(n: usize) -> u64 {
    u64::try_from(n).unwrap_or(u64::MAX)
}

async fn on(desk: &Desk, account: &Account, app: &TotpBinding) -> Result<TwoFactorView, Stop> {
    let authn = &desk.portal.authn;
    let left = authn.store().emergency_codes(account.id).await?.len();
    Ok(TwoFactorView::On {
        since: app.bound_at.seconds(),
        last_code_at: totp::moment_of(app.last_step).map(Timestamp::seconds),
        codes_left: count(left),
        codes_total: count(authn.rules().emergency_codes.max(left)),
        disabling: match authn.disabling(&account.groups) {
            Allowance::Allowed => Disabling::Allowed,
            Allowance::Required => Disabling::Required,
            Allowance::RequiredForRole => Disabling::RequiredForRole,
        },
    })
}

/// What the policy says to somebody without 2FA.
fn demand(desk: &Desk, account: &Account) -> Demand {
    let rules = &desk.portal.authn.rules().two_factor;
    let now = desk.portal.env.now();
    let own = rules.for_groups(&account.groups);
    if own != TwoFactor::Required {
        return Demand::Optional;
    }
    if account.reminder.is_exempt(now) {
        return Demand::Exempt {
            until: account.reminder.exempt_until.map(Timestamp::seconds),
        };
    }
    let anew = reminder::Record {
        snoozed_until: None,
        ..account.reminder
    };
    let deadline = match reminder::status(own, own, rules, &anew, now) {
        Status::Due { deadline } => deadline,
        Status::Overdue { .. } | Status::Quiet => None,
    };
    Demand::Required {
        deadline: deadline.map(|at| DeadlineView {
            days_left: now.days_until(at),
            at: at.seconds(),
        }),
    }
}
