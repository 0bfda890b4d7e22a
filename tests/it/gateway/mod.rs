//! The gateway from outside: bytes in, bytes out.
mod answers;
mod cookies;
mod credentials;
mod floods;
mod framing;
mod hosts;
mod http2;
mod limits;
mod line;
mod log;
mod pages;
mod paths;
mod rewriting;
mod spoof;
mod stream;
mod upstreams;
mod websocket;
