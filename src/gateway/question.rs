//! The question of a front proxy, read: which request it wants to let through.
//!
//! Three vocabularies, one parser each: `X-Original-URL` and `X-Original-Method` (nginx), `X-Forwarded-Method`,
//! `-Proto`, `-Host` and `-Uri` (Caddy, Traefik, HAProxy), and the request itself below a prefix (Envoy). A proxy sets
//! all of its own words, and so replaces a client's; the words of another vocabulary may be a client's, because proxies
//! pass on what they do not know. So one vocabulary must be complete, and whatever the others say must be the same:
//! nobody can move the decision to another address than the one that is opened (CVE-2026-40575).

use super::client;
use super::inbound::Refusal::{self, Malformed};
use super::inbound::{self, Inbound};
use crate::domain::host::Host;
use http::Method;
use http::header::{HOST, HeaderMap};
use pingora::http::RequestHeader;

/// Where questions are asked; Envoy's are asked below it.
const PATH: &[u8] = b"/.vestibule/verify";

#[derive(Debug)]
pub(super) struct Question {
    /// The request it is about.
    pub inbound: Inbound,
    /// Whether that came over https.
    pub https: bool,
    /// The proxy takes yes, 401 and 403 for an answer (nginx), and sends nothing else of it to the browser.
    pub verdict_only: bool,
}

/// Why there is none.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum NoQuestion {
    /// Another address.
    Elsewhere,
    Refused(Refusal),
}

impl From<Refusal> for NoQuestion {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

/// What one vocabulary says; `None`: nothing.
#[derive(Default)]
struct Said<'a> {
    https: Option<bool>,
    host: Option<Host>,
    method: Option<&'a [u8]>,
    target: Option<&'a [u8]>,
}

pub(super) fn read(head: &RequestHeader) -> Result<Question, NoQuestion> {
    let rest = head.raw_path().strip_prefix(PATH);
    let rest = rest.filter(|r| matches!(r.first(), None | Some(b'/' | b'?')));
    let rest = rest.ok_or(NoQuestion::Elsewhere)?;
    // Caddy hangs the query of the browser's request on the question; it is read where the rest of the request is
    let rest = match rest.first() {
        Some(b'?') => &[],
        _ => rest,
    };
    let original = original(&head.headers)?;
    let forwarded = forwarded(&head.headers)?;
    let below = below(head, rest, &forwarded)?;
    let all = [&below, &original, &forwarded];
    let asked = all.into_iter().find(|said| said.target.is_some());
    let asked = asked.ok_or(Malformed("nothing is asked about"))?;
    let incomplete = || Malformed("half a question");
    let https = asked.https.ok_or_else(incomplete)?;
    let host = asked.host.clone().ok_or_else(incomplete)?;
    let method = asked.method.ok_or_else(incomplete)?;
    let target = asked.target.ok_or_else(incomplete)?;
    for other in all {
        let agrees = other.https.is_none_or(|said| said == https)
            && other.host.as_ref().is_none_or(|said| *said == host)
            && other.method.is_none_or(|said| said == method)
            && other.target.is_none_or(|said| said == target);
        if !agrees {
            return Err(Malformed("two questions at once").into());
        }
    }
    let method = Method::from_bytes(method).map_err(|_| Refusal::Method)?;
    Ok(Question {
        verdict_only: below.target.is_none() && original.target.is_some(),
        inbound: inbound::asked((host, method), target, &head.headers)?,
        https,
    })
}

/// `X-Original-URL: https://wiki.example.com/page?a=b`, `X-Original-Method: GET`.
fn original(headers: &HeaderMap) -> Result<Said<'_>, Refusal> {
    let method = single(headers, "x-original-method")?;
    let Some(url) = single(headers, "x-original-url")? else {
        return Ok(Said {
            method,
            ..Said::default()
        });
    };
    let wrong = || Malformed("x-original-url");
    let (https, rest) = match (url.strip_prefix(b"https://"), url.strip_prefix(b"http://")) {
        (Some(rest), _) => (true, rest),
        (None, Some(rest)) => (false, rest),
        (None, None) => return Err(wrong()),
    };
    let end = rest.iter().position(|b| matches!(b, b'/' | b'?' | b'#'));
    let (authority, target) = end
        .and_then(|at| rest.split_at_checked(at))
        .ok_or_else(wrong)?;
    Ok(Said {
        https: Some(https),
        host: Some(host(authority)?),
        method,
        target: Some(target),
    })
}

/// `X-Forwarded-Method: GET`, `X-Forwarded-Proto: https`, `X-Forwarded-Host: wiki.example.com`,
/// `X-Forwarded-Uri: /page?a=b`.
fn forwarded(headers: &HeaderMap) -> Result<Said<'_>, Refusal> {
    let https = match single(headers, "x-forwarded-proto")? {
        Some(_) => Some(client::scheme(headers).ok_or(Malformed("x-forwarded-proto"))?),
        None => None,
    };
    let host = single(headers, "x-forwarded-host")?.map(host).transpose()?;
    Ok(Said {
        https,
        host,
        method: single(headers, "x-forwarded-method")?,
        target: single(headers, "x-forwarded-uri")?,
    })
}

/// The request as it came, below the prefix: `POST /.vestibule/verify/page?a=b`, `Host: wiki.example.com`; the scheme
/// stands in `X-Forwarded-Proto`.
fn below<'a>(
    head: &'a RequestHeader,
    rest: &'a [u8],
    forwarded: &Said<'_>,
) -> Result<Said<'a>, Refusal> {
    if rest.is_empty() {
        return Ok(Said::default());
    }
    let authority = single(&head.headers, HOST)?.ok_or(Malformed("no host"))?;
    Ok(Said {
        https: forwarded.https,
        host: Some(host(authority)?),
        method: Some(head.method.as_str().as_bytes()),
        target: Some(rest),
    })
}

fn host(authority: &[u8]) -> Result<Host, Refusal> {
    let text = std::str::from_utf8(authority).ok();
    let parsed = text.and_then(Host::parse_authority);
    parsed.map(|(host, _)| host).ok_or(Malformed("host"))
}

/// A header that is there once or not at all. An empty one says nothing: some proxies take a header away like that.
fn single<K>(headers: &HeaderMap, name: K) -> Result<Option<&[u8]>, Refusal>
where
    K: http::header::AsHeaderName,
{
    let mut lines = headers.get_all(name).iter();
    match (lines.next(), lines.next()) {
        (first, None) => Ok(first.map(|v| v.as_bytes()).filter(|v| !v.is_empty())),
        (_, Some(_)) => Err(Malformed("a header of the question twice")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(line: &str, headers: &[(&'static str, &str)]) -> Result<Question, NoQuestion> {
        let (method, target) = line.split_once(' ').unwrap();
        let mut head = RequestHeader::build(method, target.as_bytes(), None).unwrap();
        for (name, value) in headers {
            head.append_header(*name, *value).unwrap();
        }
        read(&head)
    }

    const VERIFY: &str = "GET /.vestibule/verify";

    fn nginx(url: &str) -> [(&'static str, &str); 2] {
        [("X-Original-URL", url), ("X-Original-Method", "POST")]
    }

    fn caddy<'a>(host: &'a str, uri: &'a str) -> [(&'static str, &'a str); 4] {
        [
            ("X-Forwarded-Method", "POST"),
            ("X-Forwarded-Proto", "https"),
            ("X-Forwarded-Host", host),
            ("X-Forwarded-Uri", uri),
        ]
    }

    #[test]
    fn one_request_in_three_vocabularies() {
        let check = |question: Result<Question, NoQuestion>, verdict_only: bool| {
            let question = question.unwrap();
            let inbound = &question.inbound;
            assert_eq!(inbound.host.as_str(), "wiki.test");
            assert_eq!(inbound.path_and_query(), "/a-b?c=%2e");
            assert_eq!(inbound.method, "POST");
            assert!(question.https);
            assert_eq!(question.verdict_only, verdict_only);
        };
        let url = "https://WIKI.test:8443/a%2Db?c=%2e";
        check(ask(VERIFY, &nginx(url)), true);
        check(ask(VERIFY, &caddy("wiki.test", "/a%2Db?c=%2e")), false);
        let envoy = [("Host", "wiki.test:443"), ("X-Forwarded-Proto", "https")];
        let line = "POST /.vestibule/verify/a%2Db?c=%2e";
        check(ask(line, &envoy), false);
        // two that agree are one
        let mut both = nginx("https://wiki.test/a-b?c=%2e").to_vec();
        both.extend(caddy("wiki.test", "/a-b?c=%2e"));
        check(ask(VERIFY, &both), true);
        // a proxy that takes a header away by emptying it
        let mut emptied = nginx(url).to_vec();
        emptied.extend([("X-Forwarded-Uri", ""), ("X-Forwarded-Host", "")]);
        check(ask(VERIFY, &emptied), true);
        // of a WebSocket
        let mut socket = caddy("wiki.test", "/a-b?c=%2e");
        socket[1].1 = "wss";
        check(ask(VERIFY, &socket), false);
    }

    #[test]
    fn what_a_client_adds_never_moves_the_question() {
        let refused = |line: &str, headers: &[(&'static str, &str)], what: &str| {
            let answer = ask(line, headers);
            assert!(
                matches!(answer, Err(NoQuestion::Refused(_))),
                "{line} {headers:?} {what}: {answer:?}"
            );
        };
        let added = [
            ("X-Original-URL", "https://wiki.test/public/x"),
            ("X-Original-URL", "https://other.test/admin"),
            ("X-Original-URL", "http://wiki.test/admin"),
            ("X-Original-URL", "/admin"),
            ("X-Original-Method", "GET"),
            ("X-Forwarded-Uri", "/public/x"),
            ("X-Forwarded-Uri", "/admin?"),
            ("X-Forwarded-Host", "other.test"),
            ("X-Forwarded-Method", "GET"),
            ("X-Forwarded-Proto", "http"),
            ("X-Forwarded-Proto", "ftp"),
        ];
        let envoy = [("Host", "wiki.test"), ("X-Forwarded-Proto", "https")];
        for (name, value) in added {
            let what = format!("{name}: {value}");
            let mut headers = nginx("https://wiki.test/admin").to_vec();
            headers.push((name, value));
            refused(VERIFY, &headers, &what);
            let mut headers = caddy("wiki.test", "/admin").to_vec();
            headers.push((name, value));
            refused(VERIFY, &headers, &what);
            let mut headers = envoy.to_vec();
            headers.push((name, value));
            refused("POST /.vestibule/verify/admin", &headers, &what);
        }
    }

    #[test]
    fn half_a_question_is_none() {
        let nginx = nginx("https://wiki.test/admin");
        let caddy = caddy("wiki.test", "/admin");
        for whole in [&nginx[..], &caddy[..]] {
            for left_out in 0..whole.len() {
                let mut headers = whole.to_vec();
                headers.remove(left_out);
                let answer = ask(VERIFY, &headers);
                assert!(matches!(answer, Err(NoQuestion::Refused(_))), "{headers:?}");
            }
        }
        // without the scheme, without the host
        let envoy = "GET /.vestibule/verify/admin";
        for headers in [("Host", "wiki.test"), ("X-Forwarded-Proto", "https")] {
            let answer = ask(envoy, &[headers]);
            assert!(matches!(answer, Err(NoQuestion::Refused(_))), "{headers:?}");
        }
    }

    #[test]
    fn ambiguous_paths_are_refused_in_each_vocabulary() {
        for path in [
            "//admin",
            "/public/../admin",
            "/public/%2e%2e/admin",
            "/public/..%2fadmin",
            "/public/..;/admin",
            "/admin%00",
            "/%252e",
            "/a\\b",
            "/a#b",
            "?x",
            "admin",
            "*",
        ] {
            let url = format!("https://wiki.test{path}");
            let envoy = format!("GET /.vestibule/verify{path}");
            let proto = [("Host", "wiki.test"), ("X-Forwarded-Proto", "https")];
            for answer in [
                ask(VERIFY, &nginx(&url)),
                ask(VERIFY, &caddy("wiki.test", path)),
                // of a target on the wire the whole is seen, see `verify`
                ask(&envoy.replace('#', "%00"), &proto),
            ] {
                assert!(answer.is_err(), "{path}: {answer:?}");
            }
        }
    }

    #[test]
    fn other_addresses_ask_nothing() {
        for line in [
            "GET /",
            "GET /.vestibule/verifyx",
            "GET /.vestibule/callback",
            "GET /.VESTIBULE/verify",
            "GET //.vestibule/verify",
        ] {
            let answer = ask(line, &caddy("wiki.test", "/"));
            assert_eq!(answer.err(), Some(NoQuestion::Elsewhere), "{line}");
        }
        let with_query = ask("GET /.vestibule/verify?x", &caddy("wiki.test", "/?y"));
        assert_eq!(with_query.unwrap().inbound.path_and_query(), "/?y");
    }
}
