//! The gateway from outside: bytes in, bytes out.
mod answers;
mod cookies;
mod credentials;
mod framing;
mod hosts;
mod line;
mod log;
mod pages;
mod paths;
mod radicale;
mod rewriting;
mod spoof;
mod stream;
mod upstreams;
mod verify;
mod websocket;
