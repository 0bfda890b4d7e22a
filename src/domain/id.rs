//! Identifiers. Opaque, never reused, safe to log.

use serde::{Deserialize, Serialize};
use std::fmt;
use uuid::Uuid;

macro_rules! uuid_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        pub struct $name(Uuid);

        impl $name {
            pub const fn from_uuid(id: Uuid) -> Self {
                Self(id)
            }
            pub const fn uuid(self) -> Uuid {
                self.0
            }
            /// `None` for anything that is not the text of a UUID.
            pub fn parse(text: &str) -> Option<Self> {
                Uuid::try_parse(text).ok().map(Self)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

uuid_id!(
    /// A subscriber account (SP 800-63-4); the `sub` of the assertion. Never changes.
    AccountId
);
uuid_id!(
    /// A session, portal or application; the `sid` of the assertion is the portal session's.
    SessionId
);
uuid_id!(
    /// One bound authenticator, one emergency code or one issued one-time code.
    AuthenticatorId
);
uuid_id!(
    /// A browser of one account.
    DeviceId
);
uuid_id!(
    /// A mail that waits to be sent.
    MailId
);
uuid_id!(
    /// An act in the console that waits for a second agent.
    ApprovalId
);
uuid_id!(
    /// A token of the admin API.
    ApiTokenId
);
uuid_id!(
    /// One sign-in (or re-authentication) from its first proof to its end.
    AttemptId
);
