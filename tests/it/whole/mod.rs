//! Attacks on the whole: every test is one that worked somewhere, once, against a gateway of this kind.

mod browser;
mod phone;
mod site;

mod api;
mod away;
mod doors;
mod enrolment;
mod injection;
mod kill;
mod recovery;
mod reminder;
mod second_factor;
mod secrets;
mod sessions;
mod tabs;
