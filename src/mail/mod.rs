//! What is mailed to people, and how it gets to the mail server.
//!
//! A use case seals a [`Letter`](crate::domain::letter::Letter) into the outbox in the very transaction of what it
//! tells of. The [`postman`] claims it, [`wording`] puts it into words and [`transport`] hands it to the server. At
//! least once, and recognisable: a mail that is sent again has the same Message-ID.

pub mod postman;
pub mod transport;
pub mod wording;
