//! Who connects to a listener.

/// What a listener is there for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Role {
    /// Browsers and programs.
    #[default]
    Browsers,
    /// The same over plain HTTP, to be sent to https.
    RedirectToHttps,
    /// Trusted proxies that pass on what came to them, and say whether it came over https.
    BehindProxy,
    /// Proxies that ask about requests which they pass on themselves.
    ForwardAuth,
}
