//! Pages for what went wrong.

use super::{Frame, Page};

/// 403
pub struct Forbidden<'a> {
    pub app: &'a str,
    pub shown_as: &'a str,
    pub reference: &'a str,
    pub switch_url: &'a str,
}
template!(Forbidden<'_>, "forbidden.html");

/// 502 and 504
pub struct BadGateway<'a> {
    pub app: &'a str,
    pub gateway_timeout: bool,
    pub when: i64,
    pub reference: &'a str,
    pub retry: &'a str,
}
template!(BadGateway<'_>, "bad_gateway.html");

/// 503 while an application is closed.
pub struct Closed<'a> {
    pub app: &'a str,
    /// The operators' own words; may be empty.
    pub message: &'a str,
    pub until: Option<i64>,
    pub retry: &'a str,
    pub reference: &'a str,
}
template!(Closed<'_>, "closed.html");

impl Closed<'_> {
    fn opens(&self, f: &Frame<'_>) -> Option<String> {
        let until = f.date_time(self.until?);
        Some(f.s("closed-until", "time", &until))
    }
}

/// 429 of an application.
pub struct TooMany<'a> {
    pub app: &'a str,
    /// Until it may be tried again.
    pub seconds: u64,
    pub retry: &'a str,
    pub reference: &'a str,
}
template!(TooMany<'_>, "too_many.html");

impl TooMany<'_> {
    /// Nobody counts seconds beyond two minutes.
    fn wait(&self, f: &Frame<'_>) -> String {
        match self.seconds {
            ..=120 => f.n("error-429-seconds", "seconds", self.seconds),
            more => f.n("error-429-minutes", "minutes", more.div_ceil(60)),
        }
    }
}

/// 401 for a form that outlived its session.
pub struct FormExpired<'a> {
    pub sign_in_url: &'a str,
}
template!(FormExpired<'_>, "form_expired.html");

/// A heading, a sentence, and the way to one's services.
struct Message<'a> {
    title: &'a str,
    body: &'a str,
    host: Option<&'a str>,
    reference: &'a str,
    /// Where the same may be tried again.
    retry: Option<&'a str>,
}
template!(Message<'_>, "message.html");

impl Message<'_> {
    fn text(&self, f: &Frame<'_>) -> String {
        match self.host {
            Some(host) => f.s(self.body, "host", host),
            None => f.t(self.body),
        }
    }
}

fn message(
    frame: &Frame<'_>,
    (title, body): (&str, &str),
    reference: &str,
) -> Result<String, askama::Error> {
    let message = Message {
        title,
        body,
        host: None,
        reference,
        retry: None,
    };
    message.render(frame)
}

/// 404
pub struct NotFound<'a> {
    /// Empty where there is no log line to find.
    pub reference: &'a str,
}

impl Page for NotFound<'_> {
    fn render(&self, frame: &Frame<'_>) -> Result<String, askama::Error> {
        message(frame, ("error-404-title", "error-404-body"), self.reference)
    }
}

/// A page, form or ticket that has run out.
pub struct Expired;

impl Page for Expired {
    fn render(&self, frame: &Frame<'_>) -> Result<String, askama::Error> {
        message(frame, ("error-expired-title", "error-expired-body"), "")
    }
}

/// 503
pub struct Unavailable<'a> {
    /// Where there is a log line to find.
    pub reference: Option<&'a str>,
    /// Where the same may be tried again.
    pub retry: Option<&'a str>,
}

impl Page for Unavailable<'_> {
    fn render(&self, frame: &Frame<'_>) -> Result<String, askama::Error> {
        let message = Message {
            title: "error-503-title",
            body: "error-503-body",
            host: None,
            reference: self.reference.unwrap_or_default(),
            retry: self.retry,
        };
        message.render(frame)
    }
}

/// The cookie that was set did not come back.
pub struct CookiesBlocked<'a> {
    pub host: &'a str,
}

impl Page for CookiesBlocked<'_> {
    fn render(&self, frame: &Frame<'_>) -> Result<String, askama::Error> {
        let message = Message {
            title: "error-cookies-title",
            body: "error-cookies-body",
            host: Some(self.host),
            reference: "",
            retry: None,
        };
        message.render(frame)
    }
}

/// 500
pub struct Internal<'a> {
    pub reference: &'a str,
}

impl Page for Internal<'_> {
    fn render(&self, frame: &Frame<'_>) -> Result<String, askama::Error> {
        let message = Message {
            title: "error-500-title",
            body: "error-500-body",
            host: None,
            reference: self.reference,
            retry: None,
        };
        message.render(frame)
    }
}

/// The other refusals, by status: 400, 405, 408, 413, 414, 415, 421, 431, and 429 at the sign-in.
pub struct Plain<'a> {
    pub status: u16,
    /// Empty where there is no log line to find.
    pub reference: &'a str,
}

impl Page for Plain<'_> {
    fn render(&self, frame: &Frame<'_>) -> Result<String, askama::Error> {
        let status = match self.status {
            known @ (405 | 408 | 413 | 414 | 415 | 421 | 429 | 431) => known,
            _ => 400,
        };
        let text = |part: &str| format!("error-plain-{status}-{part}");
        message(frame, (&text("title"), &text("body")), self.reference)
    }
}
