//! The first step of the line: a request two parsers could read differently goes no further.
//!
//! Pingora refuses much by itself; what it lets pass and we do not is refused here (RFC 9112 sections 3.2,
//! 6.1, 6.3; RFC 9110 section 5.3). The canonical path that decisions are made on is written back into the
//! request, so that it is also what the application receives.

use super::forward::{fold, folds_to};
use crate::domain::host::Host;
use crate::domain::request::{Mode, Path};
use http::header::{
    ACCEPT, ACCESS_CONTROL_REQUEST_METHOD, CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, HOST,
    HeaderName, ORIGIN, SEC_WEBSOCKET_KEY, TRANSFER_ENCODING, UPGRADE,
};
use http::{HeaderMap, Method, Version};
use pingora::http::RequestHeader;

const SEC_FETCH_MODE: HeaderName = HeaderName::from_static("sec-fetch-mode");
const SEC_FETCH_DEST: HeaderName = HeaderName::from_static("sec-fetch-dest");

/// What a head may hold, in bytes.
#[derive(Clone, Copy)]
struct Limits {
    target: usize,
    headers: usize,
}

const APPLICATION: Limits = Limits {
    target: 8 * 1024,
    headers: 32 * 1024,
};
/// An application's longest address, sealed for the way through a sign-in, has to fit into one of the portal's,
/// and browsers name that one as the referrer.
const PORTAL: Limits = Limits {
    target: 16 * 1024,
    headers: 40 * 1024,
};
/// Most header fields.
const HEADER_FIELDS: usize = 100;
/// Most fields a `Connection` header may nominate.
const NOMINATIONS: usize = 10;

/// A request as the rest of the line sees it. Nothing else may look at the raw target.
#[derive(Clone, Debug)]
pub(super) struct Inbound {
    pub method: Method,
    pub host: Host,
    pub path: Path,
    pub query: Option<String>,
    pub mode: Mode,
    /// A well-formed WebSocket handshake (RFC 6455 4.1).
    pub websocket: bool,
    /// The declared length of the body.
    pub content_length: Option<u64>,
    /// The origin that a CORS preflight names (Fetch 3.2.2).
    pub preflight_from: Option<String>,
}

impl Inbound {
    pub(super) fn path_and_query(&self) -> String {
        match &self.query {
            Some(query) => format!("{}?{query}", self.path.as_str()),
            None => self.path.as_str().to_owned(),
        }
    }
}

/// Why a request was not admitted. The connection is closed after the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    Malformed(&'static str),
    TargetTooLong,
    HeadTooLarge,
    /// TRACE, CONNECT, and what is not a method.
    Method,
}

use Refusal::Malformed;

/// Checks the head, and rewrites its target to the canonical one.
pub(super) fn admit(head: &mut RequestHeader, portal: &Host) -> Result<Inbound, Refusal> {
    sizes(head, PORTAL)?;
    method(&head.method)?;
    framing(head)?;
    names(&head.headers)?;
    nominations(&head.headers)?;
    let (target, authority) = target(head)?;
    let host = host(head, authority)?;
    let (path, query) = split(target)?;
    // ours on every host: who is told that it was too much, cookies most likely, needs the page's style with them
    if host != *portal && !path.is_host_page() {
        sizes(head, APPLICATION)?;
    }
    let inbound = Inbound {
        method: head.method.clone(),
        mode: mode(&head.method, &head.headers),
        websocket: is_websocket(head),
        content_length: content_length(&head.headers),
        preflight_from: preflight_from(&head.method, &head.headers),
        host,
        path,
        query,
    };
    write_back(head, &inbound)?;
    Ok(inbound)
}

/// One `Origin`, one method that is asked for, no body: anything else is an ordinary OPTIONS.
fn preflight_from(method: &Method, headers: &HeaderMap) -> Option<String> {
    if *method != Method::OPTIONS {
        return None;
    }
    let single = |name: HeaderName| {
        let mut all = headers.get_all(name).iter();
        all.next().filter(|_| all.next().is_none())
    };
    let body = headers.contains_key(TRANSFER_ENCODING)
        || headers.contains_key(UPGRADE)
        || content_length(headers).is_some_and(|length| length > 0);
    let asked = single(ACCESS_CONTROL_REQUEST_METHOD)?.to_str().ok()?;
    let origin = single(ORIGIN)?.to_str().ok()?;
    (!body && !asked.is_empty()).then(|| origin.to_owned())
}

/// Checks the head of a proxy's question; what it asks about is read by [`super::question`].
pub(super) fn admit_question(head: &RequestHeader) -> Result<(), Refusal> {
    sizes(head, PORTAL)?;
    method(&head.method)?;
    framing(head)?;
    nominations(&head.headers)
}

/// The request that a question is about, whose head the question has but for its first line and host.
pub(super) fn asked(
    (host, method): (Host, Method),
    target: &[u8],
    headers: &HeaderMap,
) -> Result<Inbound, Refusal> {
    if target.len() > APPLICATION.target {
        return Err(Refusal::TargetTooLong);
    }
    self::method(&method)?;
    let (path, query) = split(target)?;
    Ok(Inbound {
        mode: mode(&method, headers),
        // proxies keep `Upgrade` to themselves; this one is the browser's, and no page can leave it out
        websocket: headers.contains_key(SEC_WEBSOCKET_KEY) || headers.contains_key(UPGRADE),
        content_length: None,
        preflight_from: preflight_from(&method, headers),
        method,
        host,
        path,
        query,
    })
}

fn sizes(head: &RequestHeader, limits: Limits) -> Result<(), Refusal> {
    if head.raw_path().len() > limits.target {
        return Err(Refusal::TargetTooLong);
    }
    let field = |(n, v): (&HeaderName, &http::HeaderValue)| n.as_str().len() + v.len() + 4;
    let bytes: usize = head.headers.iter().map(field).sum();
    if head.headers.len() > HEADER_FIELDS || bytes > limits.headers {
        return Err(Refusal::HeadTooLarge);
    }
    Ok(())
}

fn method(method: &Method) -> Result<(), Refusal> {
    let name = method.as_str();
    let plain = name.bytes().all(|b| b.is_ascii_uppercase() || b == b'-');
    let refused = matches!(name, "TRACE" | "TRACK" | "CONNECT" | "PRI");
    (plain && !refused).then_some(()).ok_or(Refusal::Method)
}

/// One coding, one length, and not both. `_` and `.` twins of the two fields are somebody else's framing.
fn framing(head: &RequestHeader) -> Result<(), Refusal> {
    let headers = &head.headers;
    let codings = headers.get_all(TRANSFER_ENCODING);
    let lengths = headers.get_all(CONTENT_LENGTH);
    let (coded, measured) = (codings.iter().count(), lengths.iter().count());
    if coded > 1 || measured > 1 || (coded > 0 && measured > 0) {
        return Err(Malformed("more than one framing"));
    }
    let chunked = |v: &http::HeaderValue| v.as_bytes().eq_ignore_ascii_case(b"chunked");
    if !codings.iter().all(chunked) || (coded > 0 && head.version == Version::HTTP_10) {
        return Err(Malformed("transfer coding"));
    }
    if measured > 0 && content_length(headers).is_none() {
        return Err(Malformed("content length"));
    }
    let twin = headers.keys().any(|name| {
        let text = name.as_str();
        // most names are none, and that shows at their length
        text.len() > 12
            && ((folds_to(text, "contentlength") && name != CONTENT_LENGTH)
                || (folds_to(text, "transferencoding") && name != TRANSFER_ENCODING))
    });
    (!twin).then_some(()).ok_or(Malformed("framing twin"))
}

/// CGI and its heirs read `X_User` and `X-User` as one name, so whoever checks the one is spoken to by the other. Nginx
/// and Apache drop such fields, which no browser sends; here their sender is told.
fn names(headers: &HeaderMap) -> Result<(), Refusal> {
    let two_faced = headers.keys().any(|name| name.as_str().contains('_'));
    (!two_faced)
        .then_some(())
        .ok_or(Malformed("a header name with an underscore"))
}

pub(super) fn content_length(headers: &HeaderMap) -> Option<u64> {
    let text = headers.get(CONTENT_LENGTH)?.to_str().ok()?;
    let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    digits.then(|| text.parse().ok()).flatten()
}

/// `Connection` may name hop-by-hop fields, not what we add or need (RFC 9110 7.6.1).
fn nominations(headers: &HeaderMap) -> Result<(), Refusal> {
    let mut count = 0;
    for token in connection_tokens(headers) {
        count += 1;
        let name = token.and_then(|t| HeaderName::from_bytes(t).ok());
        let name = name.ok_or(Malformed("connection token"))?;
        let folded = fold(name.as_str());
        let needed = matches!(
            folded.as_str(),
            "host" | "contentlength" | "cookie" | "forwarded" | "xrealip"
        ) || folded.starts_with("xforwarded");
        if needed || count > NOMINATIONS {
            return Err(Malformed("connection nominates what it must not"));
        }
    }
    Ok(())
}

/// The tokens of all `Connection` lines; `None` for what is not a token.
pub(super) fn connection_tokens(headers: &HeaderMap) -> impl Iterator<Item = Option<&[u8]>> {
    headers
        .get_all(CONNECTION)
        .iter()
        .flat_map(|line| line.as_bytes().split(|b| *b == b','))
        .map(<[u8]>::trim_ascii)
        .filter(|token| !token.is_empty())
        .map(|token| {
            let tchar = |b: &u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(b);
            token.iter().all(tchar).then_some(token)
        })
}

/// The path and query as sent, and the authority of an absolute target. Only origin-form and absolute-form
/// are taken: pingora shows `/` for the others while their bytes would go out unchanged.
fn target(head: &RequestHeader) -> Result<(&[u8], Option<&[u8]>), Refusal> {
    let raw = head.raw_path();
    if raw.first() == Some(&b'/') {
        return Ok((raw, None));
    }
    let rest = [&b"http://"[..], b"https://"]
        .iter()
        .find_map(|scheme| raw.strip_prefix(*scheme))
        .filter(|_| head.version != Version::HTTP_2)
        .ok_or(Malformed("target form"))?;
    let end = rest.iter().position(|b| matches!(b, b'/' | b'?' | b'#'));
    let (authority, path) = rest
        .split_at_checked(end.unwrap_or(rest.len()))
        .unwrap_or((rest, b""));
    let path = match path.first() {
        None => &b"/"[..],
        Some(b'/') => path,
        Some(_) => return Err(Malformed("target form")),
    };
    Ok((path, Some(authority)))
}

fn split(target: &[u8]) -> Result<(Path, Option<String>), Refusal> {
    let end = target.iter().position(|b| *b == b'?');
    let (path, query) = match end.and_then(|at| target.split_at_checked(at)) {
        Some((path, query)) => (path, query.get(1..)),
        None => (target, None),
    };
    let path = Path::parse(path).ok_or(Malformed("path"))?;
    let Some(query) = query else {
        return Ok((path, None));
    };
    if query.iter().any(|b| matches!(b, 0..=0x20 | 0x7f | b'#')) {
        return Err(Malformed("query"));
    }
    Ok((path, Some(escaped(query))))
}

/// The query as it came, but for the bytes that may not stand in one (RFC 3986 3.4).
fn escaped(query: &[u8]) -> String {
    use std::fmt::Write as _;
    query
        .iter()
        .fold(String::with_capacity(query.len()), |mut out, byte| {
            match byte {
                0x80.. => {
                    let _ = write!(out, "%{byte:02X}");
                }
                _ => out.push(char::from(*byte)),
            }
            out
        })
}

/// Exactly one authority, however many places it is written in (RFC 9112 3.2). Its port decides nothing and goes
/// no further.
fn host(head: &RequestHeader, absolute: Option<&[u8]>) -> Result<Host, Refusal> {
    let named = head.uri.authority().map(|a| a.as_str().as_bytes());
    let hosts = head.headers.get_all(HOST);
    if hosts.iter().count() > 1 {
        return Err(Malformed("two hosts"));
    }
    if hosts.iter().next().is_none() && head.version != Version::HTTP_2 {
        return Err(Malformed("no host"));
    }
    let fields = hosts.iter().map(http::HeaderValue::as_bytes);
    let written = absolute.into_iter().chain(named).chain(fields);
    let mut parsed = written.map(|bytes| {
        let text = std::str::from_utf8(bytes).ok()?;
        Host::parse_authority(text)
    });
    let first = parsed.next().flatten().ok_or(Malformed("host"))?;
    if parsed.any(|other| other.as_ref() != Some(&first)) {
        return Err(Malformed("hosts differ"));
    }
    Ok(first.0)
}

/// The host of a request that was not admitted: for its page only, which has to find its style there.
pub(super) fn host_of(head: &RequestHeader) -> Option<Host> {
    host(head, None).ok()
}

/// The canonical target, in origin-form; on HTTP/2 the authority becomes the `Host` field.
fn write_back(head: &mut RequestHeader, inbound: &Inbound) -> Result<(), Refusal> {
    if !head.headers.contains_key(HOST) {
        let authority = head.uri.authority().map(|a| a.as_str().to_owned());
        let host = authority.ok_or(Malformed("no host"))?;
        head.insert_header(HOST, host)
            .map_err(|_| Malformed("host"))?;
    }
    if is_canonical(head.raw_path(), inbound) {
        return Ok(());
    }
    head.set_raw_path(inbound.path_and_query().as_bytes())
        .map_err(|_| Malformed("target"))
}

/// Whether the target was sent as it is decided on.
fn is_canonical(raw: &[u8], inbound: &Inbound) -> bool {
    let rest = raw.strip_prefix(inbound.path.as_str().as_bytes());
    match (rest, &inbound.query) {
        (Some([]), None) => true,
        (Some([b'?', query @ ..]), Some(canonical)) => query == canonical.as_bytes(),
        _ => false,
    }
}

/// How the client asks, by fetch metadata where it is sent, else by what it accepts. Only the form of an
/// answer hangs on it.
fn mode(method: &Method, headers: &HeaderMap) -> Mode {
    let value = |name: HeaderName| headers.get(name).map(http::HeaderValue::as_bytes);
    if headers.contains_key(UPGRADE) {
        return Mode::Programmatic;
    }
    let top_level = match value(SEC_FETCH_MODE) {
        Some(mode) => mode == b"navigate" && value(SEC_FETCH_DEST).is_none_or(|d| d == b"document"),
        None => headers
            .get(ACCEPT)
            .and_then(|v| v.to_str().ok())
            .is_some_and(accepts_pages),
    };
    match *method {
        Method::GET | Method::HEAD if top_level => Mode::Navigation,
        Method::POST if top_level && is_form(headers) => Mode::FormPost,
        _ => Mode::Programmatic,
    }
}

fn accepts_pages(accept: &str) -> bool {
    const PAGE: &[u8] = b"text/html";
    let mut windows = accept.as_bytes().windows(PAGE.len());
    windows.any(|w| w.eq_ignore_ascii_case(PAGE))
}

fn is_form(headers: &HeaderMap) -> bool {
    let Some(text) = headers.get(CONTENT_TYPE).and_then(|v| v.to_str().ok()) else {
        return false;
    };
    let kind = text.split(';').next().unwrap_or_default().trim();
    [
        "application/x-www-form-urlencoded",
        "multipart/form-data",
        "text/plain",
    ]
    .iter()
    .any(|form| kind.eq_ignore_ascii_case(form))
}

fn is_websocket(head: &RequestHeader) -> bool {
    let upgrade = head.headers.get_all(UPGRADE);
    let asked = upgrade
        .iter()
        .all(|v| v.as_bytes().eq_ignore_ascii_case(b"websocket"))
        && upgrade.iter().count() == 1;
    let named = connection_tokens(&head.headers)
        .flatten()
        .any(|t| t.eq_ignore_ascii_case(b"upgrade"));
    let bodiless = !head.headers.contains_key(TRANSFER_ENCODING)
        && content_length(&head.headers).unwrap_or(0) == 0;
    asked && named && bodiless && head.method == Method::GET && head.version == Version::HTTP_11
}
