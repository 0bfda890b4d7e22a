//! Where a person was going: sealed on its way through the browser, opened and checked when it comes back.

use super::Portal;
use crate::domain::host::Origin;
use crate::domain::own_page::OwnPage;
use crate::domain::policy::{self, Decision};
use crate::domain::request::{Facts, Mode, Path};
use crate::domain::return_to::{Asked, Destination, ReturnTo};
use crate::domain::route::{Route, RouteIndex};
use crate::domain::secret::{Token, TokenHash};
use crate::domain::session::View;
use crate::domain::timestamp::Timestamp;
use crate::vault::Purpose;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use std::net::IpAddr;
use std::sync::Arc;

/// The way to the sign-in page for a request that may not pass.
#[derive(Clone, Debug)]
pub struct Door {
    /// The address of the portal's page.
    pub location: String,
    /// A pre-session cookie for the application's host, where the browser has none.
    pub set_cookie: Option<String>,
}

impl Portal {
    /// Sends a browser from an application to the portal, and back to `path_and_query` afterwards.
    pub fn door(&self, origin: &Origin, path_and_query: &str, pre_session: Option<&str>) -> Door {
        let (binding, set_cookie) = self.binding(pre_session);
        let to = ReturnTo::of_request(origin.clone(), path_and_query)
            .or_else(|| ReturnTo::of_request(origin.clone(), "/"));
        let sealed = to.map(|to| self.seal_destination(to.url(), binding, false));
        let location = match sealed {
            Some(sealed) => format!("{}/signin?to={sealed}", self.origin),
            None => format!("{}/signin", self.origin),
        };
        Door {
            location,
            set_cookie,
        }
    }

    /// The second and last round for a browser that came with a ticket bound to something else.
    pub(super) fn door_again(&self, return_to: String, pre_session: Option<&str>) -> Door {
        let (binding, set_cookie) = self.binding(pre_session);
        let sealed = self.seal_destination(return_to, binding, true);
        Door {
            location: format!("{}/signin?to={sealed}", self.origin),
            set_cookie,
        }
    }

    /// What a ticket will be bound to: the pre-session cookie the browser has, or a new one.
    fn binding(&self, pre_session: Option<&str>) -> (TokenHash, Option<String>) {
        match pre_session.and_then(Token::parse) {
            Some(token) => (token.hash(), None),
            None => {
                let token = self.env.token();
                let cookie = super::cookie::set(super::cookie::PRE_SESSION, token.reveal(), None);
                (token.hash(), Some(cookie))
            }
        }
    }

    fn seal_destination(&self, url: String, binding: TokenHash, again: bool) -> String {
        let asked = Asked {
            url,
            binding,
            made_at: self.env.now(),
            again,
        };
        self.reseal(&Destination::Application(asked))
    }

    /// The text form of a destination, for an address or a hidden field.
    pub(super) fn reseal(&self, destination: &Destination) -> String {
        let plain = pack(destination);
        let sealed = self
            .vault
            .seal(Purpose::Destination, self.own.as_bytes(), &plain);
        URL_SAFE_NO_PAD.encode(sealed)
    }

    /// The way to the sign-in page for somebody who opened a page of ours without a session.
    pub(super) fn own_door(&self, page: OwnPage) -> String {
        format!("/signin?to={}", self.reseal(&Destination::Own(page)))
    }

    /// A destination that we sealed and that still leads to one of our routes, or to a page of our own.
    pub(super) fn open_destination(&self, text: Option<&str>) -> Option<Destination> {
        let text = text.filter(|t| t.len() <= 4 * ReturnTo::MAX_BYTES)?;
        let sealed = URL_SAFE_NO_PAD.decode(text).ok()?;
        let plain = self
            .vault
            .open_sealed(Purpose::Destination, self.own.as_bytes(), &sealed)
            .ok()?;
        let destination = unpack(&plain)?;
        match &destination {
            Destination::Application(asked) => self.return_to(asked).map(|_| destination),
            Destination::Own(_) => Some(destination),
        }
    }

    pub(super) fn return_to(&self, asked: &Asked) -> Option<ReturnTo> {
        ReturnTo::of_sealed(&asked.url, |origin| self.is_ours(origin))
    }

    fn is_ours(&self, origin: &Origin) -> bool {
        origin.port() == self.origin.port() && self.routes.knows_host(origin.host())
    }

    /// The route a destination lies in.
    pub(super) fn route_of(
        &self,
        destination: Option<&Destination>,
    ) -> Option<(RouteIndex, &Route)> {
        let Destination::Application(asked) = destination? else {
            return None;
        };
        let to = self.return_to(asked)?;
        let path = Path::parse(to.path().as_bytes())?;
        self.routes.find(to.origin().host(), &path)
    }

    /// What the gateway will say to this person at the destination: the same decision, asked early.
    pub(super) fn foresee(
        &self,
        view: &Arc<View>,
        to: &ReturnTo,
        client: IpAddr,
    ) -> Option<Decision> {
        let path = Path::parse(to.path().as_bytes())?;
        let found = self.routes.find(to.origin().host(), &path)?;
        let facts = Facts {
            method: "GET",
            path: &path,
            client,
            mode: Mode::Navigation,
            preflight_from: None,
            // shown to the application's listener, which this page cannot see
            client_certificate: true,
        };
        let rules = self.authn.policy();
        Some(policy::decide(
            found,
            &facts,
            Some(view),
            rules,
            self.env.now(),
        ))
    }
}

/// Tells the two kinds apart.
const APPLICATION: u8 = b'a';
const OWN: u8 = b'o';

/// Stands before the address of a second round; no address begins with it.
const AGAIN: &[u8] = b"+";

/// Binding, time, address: short, because it travels in an address itself.
fn pack(destination: &Destination) -> Vec<u8> {
    match destination {
        Destination::Application(asked) => {
            let mut out = vec![APPLICATION];
            out.extend_from_slice(asked.binding.bytes());
            out.extend_from_slice(&asked.made_at.seconds().to_be_bytes());
            if asked.again {
                out.extend_from_slice(AGAIN);
            }
            out.extend_from_slice(asked.url.as_bytes());
            out
        }
        Destination::Own(page) => {
            let mut out = vec![OWN];
            out.extend_from_slice(page.path().as_bytes());
            out
        }
    }
}

fn unpack(plain: &[u8]) -> Option<Destination> {
    let (kind, rest) = plain.split_first()?;
    match *kind {
        APPLICATION => unpack_asked(rest).map(Destination::Application),
        OWN => {
            let path = std::str::from_utf8(rest).ok()?;
            OwnPage::at(path).map(Destination::Own)
        }
        _ => None,
    }
}

fn unpack_asked(plain: &[u8]) -> Option<Asked> {
    let (binding, rest) = plain.split_first_chunk::<32>()?;
    let (made_at, url) = rest.split_first_chunk::<8>()?;
    let (again, url) = match url.strip_prefix(AGAIN) {
        Some(url) => (true, url),
        None => (false, url),
    };
    Some(Asked {
        again,
        url: std::str::from_utf8(url).ok()?.to_owned(),
        binding: TokenHash::from_bytes(*binding),
        made_at: Timestamp::from_seconds(i64::from_be_bytes(*made_at)),
    })
}
