//! The kinds of single values the configuration knows: spans of time, sizes, addresses, URLs.
//!
//! Each parses its text once, through a `Visitor`, so that a mistake is reported at its very place; the
//! second line of an error is what to write instead.

mod socket;

use super::report::{shortened, without_password};
use crate::domain::host::{Host, Origin};
use crate::domain::request::Path;
use crate::domain::route::{Template, Upstream};
use crate::domain::timestamp::Timestamp;
use ipnet::IpNet;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Deserialize, Deserializer, Visitor};
use std::borrow::Cow;
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use time::macros::format_description;
use url::Url;

/// A type of the schema that is one text in the file.
macro_rules! scalar {
    ($(#[$doc:meta])* $name:ident($inner:ty), $what:literal, $pattern:expr, $parse:expr) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq)]
        pub struct $name(pub $inner);

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
                struct Text;
                impl Visitor<'_> for Text {
                    type Value = $name;
                    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                        f.write_str($what)
                    }
                    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<$name, E> {
                        let parse: fn(&str) -> Result<$inner, String> = $parse;
                        parse(text).map($name).map_err(E::custom)
                    }
                }
                d.deserialize_str(Text)
            }
        }

        impl JsonSchema for $name {
            fn inline_schema() -> bool {
                true
            }
            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }
            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                let pattern: Option<&str> = $pattern;
                match pattern {
                    Some(p) => json_schema!({ "type": "string", "pattern": p, "x-kind": $what }),
                    None => json_schema!({ "type": "string", "x-kind": $what }),
                }
            }
        }
    };
}

mod traces;

pub use traces::{CollectorUrl, Share};

fn quoted(text: &str) -> String {
    format!("`{}`", shortened(&without_password(text), 80))
}

scalar! {
    /// A span of time in whole seconds.
    Duration(std::time::Duration), "span of time", Some("^[0-9]+[smhdw]$"), duration
}

/// Also what commands take as a span.
pub fn duration(text: &str) -> Result<std::time::Duration, String> {
    let wrong = || {
        format!(
            "{} is not a span of time\nwrite a whole number and one unit (s, m, h, d, w), for example 30s, 15m, 1h, 14d",
            quoted(text)
        )
    };
    let unit = text.chars().last().ok_or_else(wrong)?;
    let digits = text.strip_suffix(unit).unwrap_or_default();
    let seconds = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3_600,
        'd' => 86_400,
        'w' => 604_800,
        _ => return Err(wrong()),
    };
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return Err(wrong());
    }
    let total = digits
        .parse::<u64>()
        .ok()
        .and_then(|n| n.checked_mul(seconds));
    match total {
        Some(total) if total <= 100 * 365 * 86_400 => Ok(std::time::Duration::from_secs(total)),
        _ => Err(format!(
            "{} is longer than 100 years\nleave the key out where nothing shall end",
            quoted(text)
        )),
    }
}

scalar! {
    /// A number of bytes.
    ByteSize(u64), "size in bytes", Some("^[0-9]+(B|KiB|MiB|GiB|TiB)?$"), byte_size
}

fn byte_size(text: &str) -> Result<u64, String> {
    let wrong = || {
        format!(
            "{} is not a size\nwrite bytes, or a whole number with KiB, MiB or GiB, for example 100MiB",
            quoted(text)
        )
    };
    let end = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    let (digits, unit) = text.split_at_checked(end).ok_or_else(wrong)?;
    let factor: u64 = match unit {
        "" | "B" => 1,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        "TiB" => 1 << 40,
        _ => return Err(wrong()),
    };
    digits
        .parse::<u64>()
        .ok()
        .and_then(|n| n.checked_mul(factor))
        .ok_or_else(wrong)
}

scalar! {
    /// A calendar day; holds through its last second, UTC.
    Date(Timestamp), "date", Some("^[0-9]{4}-[0-9]{2}-[0-9]{2}$"), date
}

fn date(text: &str) -> Result<Timestamp, String> {
    let wrong = |_| {
        format!(
            "{} is not a date\nwrite year-month-day, for example 2027-01-31",
            quoted(text)
        )
    };
    let day =
        time::Date::parse(text, format_description!("[year]-[month]-[day]")).map_err(wrong)?;
    let start = Timestamp::from_seconds(day.midnight().assume_utc().unix_timestamp());
    Ok(start.end_of_day())
}

scalar! {
    /// A minute, UTC.
    Moment(Timestamp), "date and time", Some("^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}Z$"), moment
}

fn moment(text: &str) -> Result<Timestamp, String> {
    let wrong = |_| {
        format!(
            "{} is not a date with a time\nwrite both in UTC, for example 2027-01-31T06:00Z",
            quoted(text)
        )
    };
    let form = format_description!("[year]-[month]-[day]T[hour]:[minute]Z");
    let moment = time::PrimitiveDateTime::parse(text, form).map_err(wrong)?;
    Ok(Timestamp::from_seconds(
        moment.assume_utc().unix_timestamp(),
    ))
}

scalar! {
    /// A network in CIDR notation, or one address.
    Network(IpNet), "network", None, network
}

fn network(text: &str) -> Result<IpNet, String> {
    let net = match text.parse::<IpAddr>() {
        Ok(address) => IpNet::from(address),
        Err(_) => text.parse::<IpNet>().map_err(|_| {
            format!("{} is not a network\nwrite an address or a network in CIDR notation, for example 10.0.0.7 or 10.0.0.0/8 or fd00::/8", quoted(text))
        })?,
    };
    if let IpAddr::V6(v6) = net.addr()
        && let Some(v4) = v6.to_ipv4_mapped()
    {
        return Err(format!(
            "{} is an IPv4 address written as IPv6\nwrite {v4}, or an IPv4 network",
            quoted(text)
        ));
    }
    let trunk = net.trunc();
    if trunk != net {
        return Err(format!(
            "{} has bits set beyond its prefix\ndid you mean {trunk}, or the one address {}?",
            quoted(text),
            net.addr()
        ));
    }
    Ok(net)
}

scalar! {
    /// Where to listen: address and port.
    Address(SocketAddr), "address and port", None, address
}

fn address(text: &str) -> Result<SocketAddr, String> {
    text.parse::<SocketAddr>().map_err(|_| {
        let help = match text.rsplit_once(':') {
            Some(("" | "*", port)) => {
                format!("for all addresses write 0.0.0.0:{port} (IPv4) or \"[::]:{port}\" (both)")
            }
            Some(("localhost", port)) => format!("write 127.0.0.1:{port}"),
            None if text.bytes().all(|b| b.is_ascii_digit()) => {
                format!("write the address too: 0.0.0.0:{}", shortened(text, 8))
            }
            _ => {
                "write an IP address and a port, for example 0.0.0.0:443 or \"[::]:443\"".to_owned()
            }
        };
        format!("{} is not an address with a port\n{help}", quoted(text))
    })
}

scalar! {
    /// The portal's own place: `https`, no path.
    PortalUrl(Origin), "https URL without a path", Some("^https://"), portal_url
}

fn portal_url(text: &str) -> Result<Origin, String> {
    let wrong = |why: &str, help: &str| format!("{} {why}\n{help}", quoted(text));
    let url = parsed_url(text, "https://login.example.com")?;
    if url.scheme() != "https" {
        return Err(wrong(
            "is not https",
            "the session cookies exist only on https: write https://login.example.com",
        ));
    }
    if url.path() != "/" || url.query().is_some() || url.fragment().is_some() || has_user(&url) {
        return Err(wrong(
            "has more than a host and a port",
            "the portal needs a host of its own: write https://login.example.com",
        ));
    }
    let host = url.host_str().and_then(Host::parse);
    host.zip(url.port_or_known_default())
        .map(|(host, port)| Origin::new(host, port))
        .ok_or_else(|| wrong("has no usable host name", "write https://login.example.com"))
}

scalar! {
    /// Where a route's requests go.
    UpstreamUrl(Upstream), "http or https URL without a path, or unix:/PATH", Some("^(https?://|unix:/)"), upstream_url
}

fn upstream_url(text: &str) -> Result<Upstream, String> {
    if let Some(path) = text.strip_prefix("unix:") {
        return socket::socket(path);
    }
    let wrong = |why: &str, help: &str| format!("{} {why}\n{help}", quoted(text));
    let url = parsed_url(text, "http://10.0.0.5:3000")?;
    let tls = match url.scheme() {
        "http" => false,
        "https" => true,
        _ => {
            return Err(wrong(
                "is neither http nor https",
                "write for example http://10.0.0.5:3000",
            ));
        }
    };
    if has_user(&url) {
        return Err(wrong(
            "holds a user name or a password",
            "secrets never stand in this file; remove what is before the `@`",
        ));
    }
    if url.path() != "/" || url.query().is_some() || url.fragment().is_some() {
        return Err(wrong(
            "has more than a host and a port",
            "paths are passed on unchanged; write scheme, host and port only, for example http://10.0.0.5:3000",
        ));
    }
    match (url.host_str(), url.port_or_known_default()) {
        (Some(host), Some(port)) if port != 0 => Ok(Upstream::Inet {
            tls,
            host: host.to_owned(),
            port,
        }),
        _ => Err(wrong(
            "has no usable host and port",
            "write for example http://10.0.0.5:3000",
        )),
    }
}

scalar! {
    /// An https address for people to follow.
    WebUrl(String), "https URL", Some("^https://"), web_url
}

fn web_url(text: &str) -> Result<String, String> {
    let url = parsed_url(text, "https://example.com/help")?;
    match url.scheme() {
        "https" => Ok(url.into()),
        _ => Err(format!("{} is not https\nwrite https://...", quoted(text))),
    }
}

scalar! {
    /// A mail server.
    SmtpUrl(Url), "smtps or smtp URL", Some("^smtps?://"), smtp_url
}

fn smtp_url(text: &str) -> Result<Url, String> {
    let url = parsed_url(text, "smtps://user@mail.example.com")?;
    match url.scheme() {
        "smtps" | "smtp" => Ok(url),
        _ => Err(format!(
            "{} is not a mail server\nwrite smtps://user@mail.example.com",
            quoted(text)
        )),
    }
}

fn parsed_url(text: &str, example: &str) -> Result<Url, String> {
    let wrong = |e: url::ParseError| {
        format!(
            "{} is not a URL: {e}\nwrite for example {example}",
            quoted(text)
        )
    };
    let strange = |c: char| c.is_control() || c.is_whitespace() || c == '\\';
    if text.chars().any(strange) {
        return Err(format!(
            "{} holds blanks, backslashes or control characters\nwrite for example {example}",
            quoted(text)
        ));
    }
    Url::parse(text).map_err(wrong)
}

fn has_user(url: &Url) -> bool {
    !url.username().is_empty() || url.password().is_some()
}

scalar! {
    /// A route's host name.
    HostName(Host), "host name", None, host_name
}

fn host_name(text: &str) -> Result<Host, String> {
    let help = match Host::parse_authority(text) {
        Some((host, Some(_))) => format!("the port is that of portal.url; write {host}"),
        _ if text.contains("://") => {
            "write the host name alone, without https:// and path".to_owned()
        }
        _ if text.contains('*') => {
            "one name a route: there are no patterns; write wiki.example.com".to_owned()
        }
        _ => "write a name like wiki.example.com".to_owned(),
    };
    Host::parse(text).ok_or_else(|| format!("{} is not a host name\n{help}", quoted(text)))
}

scalar! {
    /// A path in its one canonical spelling.
    UrlPath(Path), "path", Some("^/"), url_path
}

fn url_path(text: &str) -> Result<Path, String> {
    let wrong = |help: String| {
        format!(
            "{} is not a path in its plain spelling\n{help}",
            quoted(text)
        )
    };
    if text.contains(['*', '?', '#']) {
        return Err(wrong("there are no patterns and no queries: a path that ends in `/` holds for everything below it, any other for itself alone".into()));
    }
    if !text.starts_with('/') {
        return Err(wrong(format!(
            "begin with a slash: /{}",
            shortened(text, 60)
        )));
    }
    match Path::parse(text.as_bytes()) {
        Some(path) if path.as_str() == text => Ok(path),
        Some(path) => Err(wrong(format!("write {}", shortened(path.as_str(), 80)))),
        None => Err(wrong(
            "no `//`, no `.` or `..` between slashes, no blanks, no escaped slashes".into(),
        )),
    }
}

scalar! {
    /// A header's value with facts of the account in braces.
    HeaderTemplate(Template), "text with {account...} in it", None, header_template
}

fn header_template(text: &str) -> Result<Template, String> {
    if text.chars().any(char::is_control) {
        return Err(format!(
            "{} holds control characters\nwrite one line of text",
            quoted(text)
        ));
    }
    Template::parse(text).map_err(|e| match e.split_once("; ") {
        Some((message, help)) => format!("{}\n{help}", shortened(message, 200)),
        None => format!(
            "{}\nwrite for example {{account.login}}",
            shortened(&e, 200)
        ),
    })
}

scalar! {
    /// The `Host` an application receives: host and port, or `None` for the upstream's own.
    InnerHost(Option<(Host, Option<u16>)>), "host, with or without a port, or upstream", None, inner_host
}

fn inner_host(text: &str) -> Result<Option<(Host, Option<u16>)>, String> {
    if text == "upstream" {
        return Ok(None);
    }
    Host::parse_authority(text).map(Some).ok_or_else(|| {
        let help = "write what the application is to find in Host, for example intranet.local or intranet.local:8080; or `upstream` for host and port of the upstream";
        format!("{} is not a host\n{help}", quoted(text))
    })
}

scalar! {
    /// An address by which an application calls itself.
    OwnAddress((Host, u16)), "http or https URL without a path", Some("^https?://"), own_address
}

fn own_address(text: &str) -> Result<(Host, u16), String> {
    let url = parsed_url(text, "http://intranet.local:8080")?;
    let plain = url.path() == "/" && url.query().is_none() && url.fragment().is_none();
    let host = url.host_str().and_then(Host::parse);
    let place = host.zip(url.port_or_known_default());
    match place.filter(|_| plain && !has_user(&url) && matches!(url.scheme(), "http" | "https")) {
        Some(place) => Ok(place),
        None => Err(format!(
            "{} is not scheme, host and port alone\nwrite for example http://intranet.local:8080; paths are mapped by `path`",
            quoted(text)
        )),
    }
}

scalar! {
    /// Requests in a span of time.
    Rate((u32, std::time::Duration)), "rate", Some("^[0-9]+/[smh]$"), rate
}

fn rate(text: &str) -> Result<(u32, std::time::Duration), String> {
    let wrong = || {
        format!(
            "{} is not a rate\nwrite a number for each second, minute or hour, for example 50/s",
            quoted(text)
        )
    };
    let (count, unit) = text.split_once('/').ok_or_else(wrong)?;
    let span = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3_600,
        _ => return Err(wrong()),
    };
    match count.parse::<u32>() {
        Ok(count) if count > 0 => Ok((count, std::time::Duration::from_secs(span))),
        _ => Err(wrong()),
    }
}

scalar! {
    /// A colour as pages take it.
    Colour(String), "colour", Some("^#([0-9a-fA-F]{3}|[0-9a-fA-F]{6})$"), colour
}

fn colour(text: &str) -> Result<String, String> {
    let digits = text.strip_prefix('#').unwrap_or_default();
    let ok = matches!(digits.len(), 3 | 6) && digits.bytes().all(|b| b.is_ascii_hexdigit());
    ok.then(|| text.to_owned()).ok_or_else(|| {
        format!(
            "{} is not a colour\nwrite it in quotes: \"#18594f\"",
            quoted(text)
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check<T: fmt::Debug>(parse: fn(&str) -> Result<T, String>, text: &str, want: &str) {
        let got = match parse(text) {
            Ok(value) => format!("{value:?}"),
            Err(e) => e.replace('\n', " | "),
        };
        assert!(got.contains(want), "{text}: {got}");
    }

    #[test]
    fn spans_of_time() {
        check(duration, "15m", "900s");
        check(duration, "2w", "1209600s");
        check(duration, "0s", "0ns");
        for bad in [
            "",
            "15",
            "m",
            "1.5h",
            "-1h",
            "1h30m",
            "15 m",
            "15M",
            "é",
            "99999999999999999999d",
        ] {
            assert!(duration(bad).is_err(), "{bad}");
        }
        check(duration, "9999w", "100 years");
    }

    #[test]
    fn sizes_dates_rates() {
        check(byte_size, "100MiB", "104857600");
        check(byte_size, "32KiB", "32768");
        check(byte_size, "7", "7");
        for bad in ["", "MiB", "1MB", "1 MiB", "99999999999TiB", "-1"] {
            assert!(byte_size(bad).is_err(), "{bad}");
        }
        check(date, "1970-01-01", "86399");
        check(date, "2027-02-30", "not a date");
        check(date, "31.1.2027", "not a date");
        check(rate, "50/s", "(50, 1s)");
        check(rate, "0/s", "not a rate");
        check(colour, "#18594f", "#18594f");
        check(colour, "#1;x", "not a colour");
    }

    #[test]
    fn networks_and_addresses() {
        check(network, "10.0.0.7", "10.0.0.7/32");
        check(network, "fd00::1", "fd00::1/128");
        check(network, "10.0.0.7/8", "did you mean 10.0.0.0/8");
        check(network, "10.0.0", "not a network");
        check(network, "::ffff:0.0.0.0/96", "written as IPv6");
        check(address, "0.0.0.0:443", "0.0.0.0:443");
        check(address, ":443", "0.0.0.0:443");
        check(address, "localhost:80", "127.0.0.1:80");
        check(address, "443", "0.0.0.0:443");
    }

    #[test]
    fn urls() {
        check(portal_url, "https://Login.example.com:8443/", "port: 8443");
        check(portal_url, "http://login.example.com", "not https");
        check(portal_url, "https://example.com/login", "more than a host");
        check(upstream_url, "http://[::1]:3000", "[::1]");
        check(
            upstream_url,
            "unix:/run/app.sock",
            "Unix(\"/run/app.sock\")",
        );
        check(upstream_url, "unix:run/app.sock", "not the full path");
        check(upstream_url, "unix://run/app.sock", "not the full path");
        check(upstream_url, "unix:/run/", "cannot be");
        check(
            upstream_url,
            &format!("unix:/{}", "a".repeat(107)),
            "107 bytes",
        );
        check(upstream_url, "https://app.internal", "port: 443");
        check(upstream_url, "http://u:p@app", "user name");
        check(upstream_url, "http://app/x", "more than a host");
        check(upstream_url, "app:3000", "neither http");
        check(upstream_url, "10.0.0.5:3000", "not a URL");
        check(host_name, "WIKI.example.com.", "wiki.example.com");
        check(host_name, "wiki.example.com:443", "write wiki.example.com");
        check(host_name, "*.example.com", "no patterns");
        check(url_path, "/static/", "/static/");
        check(url_path, "/a%2Db", "write /a-b");
        check(url_path, "/a/../b", "no `//`");
        check(url_path, "/api/*", "no patterns");
        check(url_path, "static", "/static");
        check(header_template, "{account.password}", "write one of");
    }
}
