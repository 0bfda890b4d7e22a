//! Attacks on the whole: every test is one that worked somewhere, once, against a gateway of this kind.

pub(crate) mod browser;
mod change;
mod desk;
pub(crate) mod phone;
mod post;
pub(crate) mod site;

mod access_log;
mod account;
mod account_forms;
mod admin;
mod api;
mod apps;
mod away;
mod crowd;
mod database;
mod devices;
mod doors;
mod enrolment;
mod everywhere;
mod forward_auth;
mod injection;
mod lanes;
mod load;
mod mail_storm;
mod proof;
mod recovery;
mod reminder;
mod reset;
mod second_factor;
mod secrets;
mod sessions;
mod tabs;
mod traces;
mod two_nodes;
mod upgrade;
