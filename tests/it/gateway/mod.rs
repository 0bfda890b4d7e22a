//! The gateway from outside: bytes in, bytes out.
mod line;
