//! A gateway in this process, a client that sends bytes exactly, and upstreams that keep what they received.
#![allow(dead_code, clippy::disallowed_methods)]

pub(crate) mod app;
pub(crate) mod client;
pub(crate) mod cluster;
pub(crate) mod h2;
pub(crate) mod log;
pub(crate) mod pebble;
pub(crate) mod port;
pub(crate) mod postgres;
pub(crate) mod road;
pub(crate) mod smtp;
pub(crate) mod sqlite;
pub(crate) mod upstream;
pub(crate) mod world;
