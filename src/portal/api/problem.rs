//! What goes wrong, as RFC 9457 says it: a stable code, and a sentence on what to do.

use crate::authn;
use crate::authn::desk::{Cannot, Denied, Missing};
use crate::domain::desk::Refusal;
use axum::response::Response;
use http::{HeaderName, HeaderValue, StatusCode, header};
use std::borrow::Cow;
use std::time::Duration;

#[derive(Debug)]
pub(super) struct Problem {
    status: StatusCode,
    /// Stable: programs go by it.
    code: &'static str,
    title: &'static str,
    detail: Cow<'static, str>,
    header: Option<(HeaderName, String)>,
}

macro_rules! problems {
    ($($name:ident = $status:ident, $code:literal, $title:literal, $detail:literal;)+) => {
        impl Problem {
            $(pub(super) const $name: Self = Self {
                status: StatusCode::$status,
                code: $code,
                title: $title,
                detail: Cow::Borrowed($detail),
                header: None,
            };)+
        }
    };
}

problems! {
    INVALID = BAD_REQUEST, "invalid_request", "The request is not understood",
        "Compare it with the description at /api/v1/openapi.json.";
    UNAUTHENTICATED = UNAUTHORIZED, "unauthenticated", "No token that works",
        "Send `Authorization: Bearer vst_...` with a token that has neither run out nor been revoked; `vestibule token add` makes one.";
    FOREIGN_ORIGIN = FORBIDDEN, "foreign_origin", "Not for pages of other sites",
        "Call the API from a program, not from a page in a browser.";
    SCOPE_MISSING = FORBIDDEN, "scope_missing", "The token's scopes do not allow it",
        "Make a token with the scope that the description names for this request.";
    ACCOUNT_PRIVILEGED = FORBIDDEN, "account_privileged", "The account has, or would be given, rights in the console",
        "Ask an administrator to do it in the console, where it takes two people.";
    NOT_FOUND = NOT_FOUND, "not_found", "There is nothing here",
        "Check the address and the account's id.";
    METHOD_NOT_ALLOWED = METHOD_NOT_ALLOWED, "method_not_allowed", "Not with this method",
        "The Allow header names the methods that there are.";
    OVERTAKEN = CONFLICT, "overtaken", "The account has changed meanwhile",
        "Nothing was done. Read the account again, and send the request anew if it still fits.";
    TOO_LARGE = PAYLOAD_TOO_LARGE, "too_large", "The body is too large",
        "Send at most 64 KiB, an import at most 1 MiB and 2,000 lines.";
    UNSUPPORTED = UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", "Not in this format",
        "Send application/json; an import is text/csv or application/x-ndjson.";
    RATE_LIMITED = TOO_MANY_REQUESTS, "rate_limited", "Too many requests",
        "Wait as long as the Retry-After header says.";
    TOO_MANY_CODES = TOO_MANY_REQUESTS, "too_many_codes", "Too many one-time codes within the hour",
        "Wait as long as the Retry-After header says.";
    UNAVAILABLE = SERVICE_UNAVAILABLE, "unavailable", "Not available just now",
        "Nothing was done. Try again in a while; `vestibule` logs what is wrong.";
    INTERNAL = INTERNAL_SERVER_ERROR, "internal", "Something is broken",
        "Nothing was done. The log of `vestibule` says what is wrong.";
    INACTIVE = CONFLICT, "account_inactive", "The account may not sign in",
        "Enable the account first.";
    NOTHING_TO_PROVE = CONFLICT, "nothing_to_prove", "No code is asked for",
        "The account has no second factor, and an enrolment asks for no proof: the person can sign in with the password.";
    NO_MAIL = CONFLICT, "no_mail", "No mail can be sent",
        "The account has no e-mail address, or the gateway no mail server: hand the code over in another way (`send: show`).";
    CONTACT_CHANGED = CONFLICT, "contact_changed", "The e-mail address is too new",
        "It changed within seven days, so no code is sent there: hand the code over in another way (`send: show`).";
    ONLY_BY_MAIL = CONFLICT, "only_by_mail", "This code is only mailed",
        "Use `send: email`.";
    NOTHING_TO_DO = CONFLICT, "nothing_to_do", "There is nothing to change",
        "The account is in this state already.";
    LAST_ADMINISTRATOR = CONFLICT, "last_administrator", "Nobody would be left to manage accounts",
        "Make somebody else an administrator first.";
    ACCOUNT_UNFIT = UNPROCESSABLE_ENTITY, "account_unfit", "No account can be made of this",
        "Change what `detail` names.";
    TOO_MANY_MATCHES = UNPROCESSABLE_ENTITY, "too_many_matches", "The search finds too much",
        "More than 1,000 accounts match: write more of the name, or list all accounts without `q`.";
}

impl Problem {
    /// What is wrong with the request, and what to write instead.
    pub(super) fn invalid(detail: impl Into<String>) -> Self {
        Self::INVALID.saying(detail)
    }

    pub(super) fn saying(self, detail: impl Into<String>) -> Self {
        Self {
            detail: Cow::Owned(detail.into()),
            ..self
        }
    }

    pub(super) fn after(self, pause: Duration) -> Self {
        let seconds = pause.as_secs().max(1).to_string();
        Self {
            header: Some((header::RETRY_AFTER, seconds)),
            ..self
        }
    }

    /// With the methods there are; where something can be read, its head can be read too.
    pub(super) fn allowing(self, methods: &[&str]) -> Self {
        let mut all = methods.to_vec();
        if all.contains(&"GET") {
            all.push("HEAD");
        }
        Self {
            header: Some((header::ALLOW, all.join(", "))),
            ..self
        }
    }

    pub(super) fn into_response(self) -> Response {
        let body = serde_json::json!({
            "type": format!("urn:vestibule:problem:{}", self.code),
            "code": self.code,
            "title": self.title,
            "status": self.status.as_u16(),
            "detail": self.detail,
        });
        let kind = "application/problem+json";
        let mut response = super::json(self.status, kind, body.to_string());
        let headers = response.headers_mut();
        if let Some((name, value)) = self.header
            && let Ok(value) = HeaderValue::from_str(&value)
        {
            headers.insert(name, value);
        }
        if self.status == StatusCode::UNAUTHORIZED {
            let challenge = HeaderValue::from_static("Bearer realm=\"vestibule\"");
            headers.insert(header::WWW_AUTHENTICATE, challenge);
        }
        response
    }
}

impl From<authn::Fault> for Problem {
    fn from(fault: authn::Fault) -> Self {
        tracing::error!(error = %fault, "a request to the API could not be served");
        match fault {
            authn::Fault::Store(_) | authn::Fault::Busy(_) => {
                Self::UNAVAILABLE.after(Duration::from_secs(5))
            }
            authn::Fault::Vault(_)
            | authn::Fault::Hashing(_)
            | authn::Fault::State(_)
            | authn::Fault::Proof(_) => Self::INTERNAL,
        }
    }
}

impl From<Denied> for Problem {
    fn from(denied: Denied) -> Self {
        match denied {
            Denied::Refusal(Refusal::HigherRole | Refusal::Own) => Self::ACCOUNT_PRIVILEGED,
            Denied::Refusal(Refusal::Scope | Refusal::Role) | Denied::NotConfirmed => {
                Self::SCOPE_MISSING
            }
            Denied::Quota { until: _ } => Self::TOO_MANY_CODES,
            Denied::NotFound => Self::NOT_FOUND,
            Denied::Missing(missing) => Self::invalid(match missing {
                Missing::Case => "`case` is missing: write the case number, 1 to 64 characters.",
                Missing::Check => "`check` is missing: say how it was made sure who is asking.",
                Missing::Send => "`send` is missing: write `email` or `show`.",
                Missing::Until => "`until` must lie ahead, and no more than 90 days.",
                Missing::Groups => {
                    "`groups`: a name has 1 to 128 bytes, no comma, no control character and no blank at its ends."
                }
                Missing::Query => "`q` has 3 to 254 characters, and no control character.",
            }),
            Denied::Cannot(cannot) => match cannot {
                Cannot::Inactive => Self::INACTIVE,
                Cannot::NothingToProve => Self::NOTHING_TO_PROVE,
                Cannot::NoMail => Self::NO_MAIL,
                Cannot::ContactChanged => Self::CONTACT_CHANGED,
                Cannot::OnlyByMail => Self::ONLY_BY_MAIL,
                Cannot::Nothing => Self::NOTHING_TO_DO,
                Cannot::LastAdministrator => Self::LAST_ADMINISTRATOR,
            },
            Denied::Overtaken => Self::OVERTAKEN,
        }
    }
}
