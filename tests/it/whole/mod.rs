//! Attacks on the whole: every test is one that worked somewhere, once, against a gateway of this kind.

mod browser;
mod phone;
mod site;

mod second_factor;
