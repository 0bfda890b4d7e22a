//! Attacks on the whole: every test is one that worked somewhere, once, against a gateway of this kind.

mod browser;
mod phone;
mod site;

mod doors;
mod enrolment;
mod recovery;
mod reminder;
mod second_factor;
mod sessions;
