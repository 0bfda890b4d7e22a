//! What an application is shown besides names: a shared password (RFC 7617), or a signature over each request
//! (RFC 9421).

use super::route::Template;
use std::sync::Arc;
use zeroize::Zeroizing;

/// Bytes that both sides know. Debug output is its name.
#[derive(Clone, PartialEq, Eq)]
pub struct SharedSecret(Arc<Zeroizing<Vec<u8>>>);

impl SharedSecret {
    pub fn new(bytes: Vec<u8>) -> Self {
        Self(Arc::new(Zeroizing::new(bytes)))
    }

    pub fn reveal(&self) -> &[u8] {
        &self.0
    }
}

impl std::fmt::Debug for SharedSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SharedSecret")
    }
}

/// HTTP Basic towards an application: a name made for the person, and the application's own password.
#[derive(Clone, Debug)]
pub struct BasicAuth {
    pub username: Template,
    pub password: SharedSecret,
}

/// HMAC-SHA256 over each request.
#[derive(Clone, Debug)]
pub struct MessageSignature {
    /// `None`: to be derived from the gateway's own key, a different one for each route.
    pub key: Option<SharedSecret>,
}
