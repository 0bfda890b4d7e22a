//! "Trusted devices".

use super::super::{Desk, Get, Outcome, Post};
use super::back;
use crate::domain::confirmation::Purpose;
use crate::domain::device::Device as Known;
use crate::domain::id::DeviceId;
use crate::domain::own_page::OwnPage;
use crate::domain::session::View;
use crate::portal::form::Form;
use crate::portal::pages::{Device, DeviceRow, Devices, Done, Trusting};
use crate::portal::respond::Reply;
use axum::response::Response;
use http::StatusCode;

pub async fn show(Get(desk): Get) -> Response {
    let outcome = show_page(&desk).await;
    desk.finish(outcome)
}

async fn show_page(desk: &Desk) -> Outcome {
    let view = desk.owner(OwnPage::Devices).await?;
    let trusted = desk.portal.authn.trusted_devices(&view).await?;
    // the session that trusted a browser did not begin with that trust: the cookie tells which one this is
    let cookies = desk.device_cookies();
    let here = desk.portal.authn.known_device(view.subject.id, &cookies);
    let here = here.await?.map(|device| device.id);
    let rows: Vec<DeviceRow> = trusted.iter().filter_map(|d| row(d, here)).collect();
    let page = Devices {
        nav: desk.nav(&view),
        done: desk.done(),
        trusting: trusting(desk, &view),
        rows: &rows,
    };
    desk.own_page(StatusCode::OK, &page)
}

/// Whether devices are trusted here, for this person.
pub(super) fn trusting(desk: &Desk, view: &View) -> Trusting {
    let rules = &desk.portal.authn.rules().two_factor;
    if rules.trust_for(&view.subject.groups).is_none() {
        Trusting::SwitchedOff
    } else if view.subject.has_second_factor() {
        Trusting::Offered
    } else {
        Trusting::NoTwoFactor
    }
}

fn row(device: &Known, here: Option<DeviceId>) -> Option<DeviceRow> {
    let address = device.address.as_deref().and_then(|a| a.parse().ok());
    Some(DeviceRow {
        id: device.id.to_string(),
        device: Device::new(device.user_agent.as_deref(), address),
        until: device.trusted_until?.seconds(),
        last_used_at: Some(device.last_used_at.seconds()),
        current: here == Some(device.id),
    })
}

pub async fn submit(Post(desk, form): Post) -> Response {
    let outcome = match form {
        Ok(form) => submitted(&desk, &form).await,
        Err(stop) => Err(stop),
    };
    desk.finish(outcome)
}

async fn submitted(desk: &Desk, form: &Form) -> Outcome {
    let view = desk.owner(OwnPage::Devices).await?;
    let place = desk.visit.place();
    let authn = &desk.portal.authn;
    if form.field("do") == "all" {
        let changed = authn.remove_own_devices(&view, &place).await?;
        return desk.changed(changed, Purpose::Devices, |()| {
            Ok(back(OwnPage::Devices, Done::DevicesRemoved))
        });
    }
    let Some(id) = DeviceId::parse(form.field("device")) else {
        return Ok(Reply::see_other(OwnPage::Devices.path()));
    };
    let changed = authn.remove_own_device(&view, id, &place).await?;
    desk.changed(changed, Purpose::Devices, |removed| {
        Ok(if removed {
            back(OwnPage::Devices, Done::DeviceRemoved)
        } else {
            Reply::see_other(OwnPage::Devices.path())
        })
    })
}
