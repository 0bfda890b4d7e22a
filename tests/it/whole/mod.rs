//! Attacks on the whole: every test is one that worked somewhere, once, against a gateway of this kind.

mod browser;
mod change;
mod desk;
mod phone;
mod post;
mod site;

mod access_log;
mod account;
mod account_forms;
mod admin;
mod api;
mod apps;
mod away;
mod backup;
mod crowd;
mod devices;
mod doors;
mod enrolment;
mod forward_auth;
mod injection;
mod kill;
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
