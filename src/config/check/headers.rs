//! Headers that are put into requests and answers, and taken out of them.

use super::Check;
use super::routes::is_token;
use crate::config::list::{List, Switch};
use crate::config::report::shortened;
use crate::config::schema;
use crate::config::source::At;
use crate::domain::headers::{
    Frames, HeaderRules, RequestHeaders, ResponseHeaders, SecurityHeaders, fold,
};
use crate::domain::route::IdentitySpec;
use std::collections::{BTreeMap, BTreeSet};

/// Of requests, folded: framing, the connection, and what only the gateway says. Everything that begins like the
/// last ones as well.
const REQUEST: &[&str] = &[
    "acceptencoding",
    "connection",
    "cookie",
    "date",
    "destination",
    "expect",
    "forwarded",
    "host",
    "keepalive",
    "origin",
    "proxy",
    "te",
    "trailer",
    "transferencoding",
    "trueclientip",
    "upgrade",
    "via",
    "xclientip",
    "xhttpmethod",
    "xhttpmethodoverride",
    "xmethodoverride",
    "xoriginaluri",
    "xoriginalurl",
    "xrealip",
    "xrequestid",
    "xrewriteurl",
];
const REQUEST_PREFIXES: &[&str] = &[
    "content",
    "http2",
    "proxy",
    "remote",
    "secwebsocket",
    "xforwarded",
    "xvestibule",
];

/// Of answers, folded.
const RESPONSE: &[&str] = &[
    "connection",
    "contentencoding",
    "contentlength",
    "contentrange",
    "date",
    "keepalive",
    "te",
    "trailer",
    "transferencoding",
    "upgrade",
];
const RESPONSE_PREFIXES: &[&str] = &["http2", "proxy", "secwebsocket"];

/// Longest value.
const LONGEST: usize = 4096;

/// Which names are refused, and those that were used already.
struct Names<'a> {
    refused: &'a dyn Fn(&str) -> bool,
    example: &'static str,
    taken: BTreeSet<String>,
}

impl Check<'_> {
    pub(super) fn header_rules(
        &mut self,
        at: &At<'_>,
        route: &schema::Route,
        identity: &IdentitySpec,
    ) -> HeaderRules {
        let headers = at.key("headers");
        let section = route.headers.as_ref();
        let request = section.and_then(|h| h.request.as_ref());
        let response = section.and_then(|h| h.response.as_ref());
        HeaderRules {
            request: self.request_headers(&headers.key("request"), request, identity),
            response: self.response_headers(&headers.key("response"), response),
            security: match &route.security_headers {
                None | Some(Switch::Off) => None,
                Some(Switch::On(section)) => {
                    Some(self.security_headers(&at.key("security_headers"), section))
                }
            },
        }
    }

    fn request_headers(
        &mut self,
        at: &At<'_>,
        section: Option<&schema::RequestHeaders>,
        identity: &IdentitySpec,
    ) -> RequestHeaders {
        let Some(section) = section else {
            return RequestHeaders::default();
        };
        let told = identity.headers.iter().map(|(name, _)| fold(name));
        let told = told.chain(identity.assertion.iter().map(|a| fold(&a.header)));
        let basic = identity.basic_auth.iter().map(|_| fold("Authorization"));
        let signed = identity.message_signature.iter();
        let signed = signed.flat_map(|_| ["signature", "signatureinput"].map(str::to_owned));
        let told: BTreeSet<String> = told.chain(basic).chain(signed).collect();
        let refused = |folded: &str| {
            REQUEST.contains(&folded)
                || REQUEST_PREFIXES.iter().any(|p| folded.starts_with(p))
                || told.contains(folded)
        };
        let mut names = Names {
            refused: &refused,
            example: "X-Script-Name; what the application is told about the person is `identity`",
            taken: BTreeSet::new(),
        };
        let mut set = Vec::new();
        for (name, value) in section.set.iter().flatten() {
            let at = at.key("set").key(name);
            self.name_of_header(&at, name, &mut names);
            if fold(name) == "authorization" {
                self.problems.error(
                    at.key_place(),
                    "credentials are no plain header",
                    "write it under `identity.headers`, which also keeps clients from sending it",
                );
            }
            set.push((name.clone(), value.0.clone()));
        }
        let remove = self.removed(&at.key("remove"), section.remove.as_ref(), &mut names);
        RequestHeaders { set, remove }
    }

    fn response_headers(
        &mut self,
        at: &At<'_>,
        section: Option<&schema::ResponseHeaders>,
    ) -> ResponseHeaders {
        let Some(section) = section else {
            return ResponseHeaders::default();
        };
        let refused = |folded: &str| {
            RESPONSE.contains(&folded) || RESPONSE_PREFIXES.iter().any(|p| folded.starts_with(p))
        };
        let example = "Permissions-Policy";
        let mut names = Names {
            refused: &refused,
            example,
            taken: BTreeSet::new(),
        };
        let set = self.response_values(&at.key("set"), section.set.as_ref(), &mut names);
        let remove = self.removed(&at.key("remove"), section.remove.as_ref(), &mut names);
        // beside the application's own: taking those out and adding another is a way to write `set`
        let mut names = Names {
            refused: &refused,
            example,
            taken: BTreeSet::new(),
        };
        let add = self.response_values(&at.key("add"), section.add.as_ref(), &mut names);
        ResponseHeaders { remove, set, add }
    }

    fn response_values(
        &mut self,
        at: &At<'_>,
        values: Option<&BTreeMap<String, String>>,
        names: &mut Names<'_>,
    ) -> Vec<(String, String)> {
        let mut checked = Vec::new();
        for (name, value) in values.into_iter().flatten() {
            let at = at.key(name);
            self.name_of_header(&at, name, names);
            if fold(name) == "setcookie" {
                self.problems.error(
                    at.key_place(),
                    "a cookie of everybody would be everybody's session",
                    "cookies are set by applications; `rewrite.cookies` says how",
                );
            }
            let text = value.trim();
            if text.is_empty() || text.len() > LONGEST || text.chars().any(char::is_control) {
                self.error(
                    &at,
                    format!("must be one line of 1 to {LONGEST} bytes"),
                    "shorten it, or write its name under `remove`",
                );
            }
            checked.push((name.clone(), text.to_owned()));
        }
        checked
    }

    fn removed(
        &mut self,
        at: &At<'_>,
        list: Option<&List<String>>,
        names: &mut Names<'_>,
    ) -> Vec<String> {
        let mut removed = Vec::new();
        for (number, name) in list.into_iter().flat_map(List::iter) {
            self.name_of_header(&at.index(number), name, names);
            removed.push(name.clone());
        }
        removed
    }

    fn name_of_header(&mut self, at: &At<'_>, name: &str, names: &mut Names<'_>) {
        let shown = shortened(name, 60);
        let folded = fold(name);
        let (message, help) = if !is_token(name) || folded.is_empty() {
            (
                format!("`{shown}` is not the name of a header"),
                "write letters, digits and `-`, for example X-Employee".to_owned(),
            )
        } else if (names.refused)(&folded) {
            (
                format!("`{shown}` belongs to the connection or to Vestibule"),
                format!(
                    "only others may be named here, for example {}",
                    names.example
                ),
            )
        } else if !names.taken.insert(folded) {
            (
                format!("`{shown}` is named twice"),
                "upper and lower case, `-`, `_` and `.` are the same to many applications; keep one of the lines".to_owned(),
            )
        } else {
            return;
        };
        self.problems.error(at.key_place(), message, help);
    }

    fn security_headers(
        &mut self,
        at: &At<'_>,
        section: &schema::SecurityHeaders,
    ) -> SecurityHeaders {
        let referrer = section.referrer_policy;
        let referrer = referrer.unwrap_or(schema::ReferrerPolicy::StrictOriginWhenCrossOrigin);
        SecurityHeaders {
            nosniff: section.content_type_options.unwrap_or(true),
            frames: self.frames(&at.key("frame_ancestors"), section),
            referrer: Some(referrer.value().to_owned()),
        }
    }

    fn frames(&mut self, at: &At<'_>, section: &schema::SecurityHeaders) -> Option<Frames> {
        let Some(written) = &section.frame_ancestors else {
            return Some(Frames::Own);
        };
        let words: Vec<(usize, &str)> = written.0.iter().map(|(n, w)| (n, w.as_str())).collect();
        match words.as_slice() {
            [(_, "self")] => return Some(Frames::Own),
            [(_, "none")] => return Some(Frames::Nobody),
            [(_, "any")] => return None,
            _ => {}
        }
        if words.is_empty() && written.0.is_empty() {
            self.error(
                at,
                "the list is empty",
                "write self, none, any, or a list of https origins",
            );
        }
        let mut origins = Vec::new();
        for (number, word) in words {
            let url = url::Url::parse(word).ok();
            let origin = url.map(|u| u.origin().ascii_serialization());
            let place = if at.len() == 0 {
                at.clone()
            } else {
                at.index(number)
            };
            match origin.filter(|o| o.starts_with("https://") && o == word.trim_end_matches('/')) {
                Some(origin) => origins.push(origin),
                None if word == "self" => {
                    self.error(
                        &place,
                        "the application's own pages may always frame it where others may",
                        "leave `self` out of the list",
                    );
                }
                None => self.error(
                    &place,
                    format!("`{}` is not an https origin", shortened(word, 80)),
                    "write self, none, any, or for example [ https://portal.example.com ]",
                ),
            }
        }
        Some(Frames::Listed(origins))
    }
}
