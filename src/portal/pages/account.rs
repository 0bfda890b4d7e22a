//! Signed in, and signed out.

/// A place the person may open.
pub struct Service {
    pub name: String,
    pub url: String,
    pub host: String,
    pub needs_2fa: bool,
}

impl Service {
    fn initial(&self) -> String {
        self.name
            .chars()
            .next()
            .map(|c| c.to_uppercase().to_string())
            .unwrap_or_default()
    }
}

/// `/`
pub struct Launcher<'a> {
    pub shown_as: &'a str,
    pub services: &'a [Service],
}
template!(Launcher<'_>, "launcher.html");

impl Launcher<'_> {
    fn any_needs_2fa(&self) -> bool {
        self.services.iter().any(|service| service.needs_2fa)
    }
}

/// `/signed-out`
pub struct SignedOut;
template!(bare SignedOut, "signed_out.html");

/// Asks before signing out.
pub struct SignOut<'a> {
    pub shown_as: &'a str,
    pub action: &'a str,
    pub back: &'a str,
}
template!(SignOut<'_>, "sign_out.html");
