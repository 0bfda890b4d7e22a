//! One request as one line of the access log, whatever a client sent.
//!
//! Two formats: JSON for machines, Apache's combined format for the tools that know it. In both, a line holds no
//! byte that a client could end it with, reorder it with or move a terminal's cursor with.

use crate::domain::logged::Logged;
use std::fmt::Write as _;
use std::time::SystemTime;

/// Most characters of a value that only the client decides on.
const LONGEST: usize = 512;

/// How a line looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LineFormat {
    Json,
    Combined,
}

/// The line with its end.
pub fn line(format: LineFormat, request: &Logged<'_>) -> Vec<u8> {
    let mut line = String::with_capacity(640);
    match format {
        LineFormat::Json => json(&mut line, request),
        LineFormat::Combined => combined(&mut line, request),
    }
    line.push('\n');
    line.into_bytes()
}

fn json(out: &mut String, r: &Logged<'_>) {
    out.push_str("{\"time\":\"");
    date_and_time(out, r.time);
    out.push('"');
    text(out, "request_id", r.id);
    field(out, "trace_id");
    quoted_display(out, r.trace);
    field(out, "client");
    quoted_display(out, r.client);
    text(out, "protocol", r.protocol);
    if let Some(tls) = r.tls {
        text(out, "tls", tls);
    }
    text(out, "method", r.method);
    text(out, "host", r.host);
    text(out, "path", r.path);
    text(out, "route", r.route);
    text(out, "outcome", r.outcome);
    number(out, "status", u64::from(r.status));
    field(out, "duration_ms");
    milliseconds(out, r.duration);
    number(out, "bytes_in", r.bytes_in);
    number(out, "bytes_out", r.bytes_out);
    if let Some(account) = r.account {
        text(out, "login", account.login);
        field(out, "account_id");
        quoted_display(out, account.id);
    }
    if let Some(address) = r.upstream {
        text(out, "upstream", &address.to_string());
    }
    if let Some(time) = r.upstream_time {
        field(out, "upstream_ms");
        milliseconds(out, time);
    }
    if let Some(referrer) = r.referrer {
        text(out, "referrer", without_query(&lossy(referrer)));
    }
    if let Some(agent) = r.user_agent {
        text(out, "user_agent", &lossy(agent));
    }
    if let Some(fault) = r.fault {
        text(out, "fault", fault);
    }
    out.push('}');
}

/// `%h %l %u %t "%r" %>s %b "%{Referer}i" "%{User-agent}i"`. The path is the canonical one, without its query.
fn combined(out: &mut String, r: &Logged<'_>) {
    push(out, r.client);
    out.push_str(" - ");
    match r.account {
        // a blank would begin the next field
        Some(account) => apache(out, account.login.as_bytes(), true),
        None => out.push('-'),
    }
    out.push_str(" [");
    day_and_time(out, r.time);
    out.push_str("] \"");
    apache(out, r.method.as_bytes(), true);
    out.push(' ');
    match r.path {
        "" => out.push('-'),
        path => apache(out, path.as_bytes(), true),
    }
    out.push(' ');
    out.push_str(r.protocol);
    out.push_str("\" ");
    push(out, r.status);
    out.push(' ');
    match r.bytes_out {
        0 => out.push('-'),
        bytes => push(out, bytes),
    }
    out.push_str(" \"");
    header(out, r.referrer.map(before_query));
    out.push_str("\" \"");
    header(out, r.user_agent);
    out.push('"');
}

fn header(out: &mut String, value: Option<&[u8]>) {
    match value {
        None | Some([]) => out.push('-'),
        Some(value) => apache(out, value.get(..LONGEST).unwrap_or(value), false),
    }
}

/// As Apache's `ap_escape_logitem`: quotes and backslashes with a backslash, all but printable ASCII as `\xhh`.
fn apache(out: &mut String, value: &[u8], blanks: bool) {
    for byte in value {
        match byte {
            b'"' | b'\\' => {
                out.push('\\');
                out.push(char::from(*byte));
            }
            b' ' if blanks => out.push_str("\\x20"),
            b' '..=b'~' => out.push(char::from(*byte)),
            _ => {
                // writing to a string cannot fail
                let _ = write!(out, "\\x{byte:02x}");
            }
        }
    }
}

/// RFC 3339: `2000-10-10T13:55:36.123Z`
fn date_and_time(out: &mut String, at: SystemTime) {
    let at = time::OffsetDateTime::from(at);
    let (year, month, day) = (at.year(), u8::from(at.month()), at.day());
    let (hour, minute, second, millisecond) = at.to_hms_milli();
    let _ = write!(
        out,
        "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{millisecond:03}Z"
    );
}

/// `10/Oct/2000:13:55:36 +0000`
fn day_and_time(out: &mut String, at: SystemTime) {
    const MONTHS: [&str; 12] = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ];
    let at = time::OffsetDateTime::from(at);
    let month = MONTHS.get(usize::from(u8::from(at.month())).saturating_sub(1));
    let (day, month, year) = (at.day(), month.unwrap_or(&"Jan"), at.year());
    let (hour, minute, second) = at.to_hms();
    let _ = write!(
        out,
        "{day:02}/{month}/{year:04}:{hour:02}:{minute:02}:{second:02} +0000"
    );
}

fn push(out: &mut String, value: impl std::fmt::Display) {
    let _ = write!(out, "{value}");
}

fn field(out: &mut String, name: &str) {
    out.push_str(",\"");
    out.push_str(name);
    out.push_str("\":");
}

fn number(out: &mut String, name: &str, value: u64) {
    field(out, name);
    push(out, value);
}

fn milliseconds(out: &mut String, time: std::time::Duration) {
    let _ = write!(out, "{:.3}", time.as_secs_f64() * 1000.0);
}

/// For values of ours that need no escape: addresses and ids.
fn quoted_display(out: &mut String, value: impl std::fmt::Display) {
    let _ = write!(out, "\"{value}\"");
}

fn text(out: &mut String, name: &str, value: &str) {
    field(out, name);
    out.push('"');
    for c in value.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            c if misleads(c) => {
                let mut units = [0; 2];
                for unit in c.encode_utf16(&mut units) {
                    let _ = write!(out, "\\u{unit:04x}");
                }
            }
            c => out.push(c),
        }
    }
    out.push('"');
}

/// Characters that end lines, steer terminals, reorder what follows or cannot be seen.
fn misleads(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

fn lossy(value: &[u8]) -> String {
    let text = String::from_utf8_lossy(value);
    text.chars().take(LONGEST).collect()
}

/// A referrer's query may hold what the page before was given: tickets, codes, addresses.
fn before_query(value: &[u8]) -> &[u8] {
    let end = value.iter().position(|b| matches!(b, b'?' | b'#'));
    end.and_then(|end| value.get(..end)).unwrap_or(value)
}

fn without_query(value: &str) -> &str {
    value
        .split_once(['?', '#'])
        .map_or(value, |(before, _)| before)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::logged::LoggedAccount;

    fn request<'a>(login: &'a str, path: &'a str, agent: &'a [u8]) -> Logged<'a> {
        let example = Logged::example();
        Logged {
            path,
            account: example.account.map(|a| LoggedAccount { login, ..a }),
            user_agent: Some(agent),
            ..example
        }
    }

    fn logged(format: LineFormat, request: &Logged<'_>) -> String {
        String::from_utf8(line(format, request)).unwrap()
    }

    #[test]
    fn combined_is_what_apache_writes() {
        assert_eq!(
            logged(
                LineFormat::Combined,
                &request("aino", "/start", b"Mozilla/5.0 (X11)")
            ),
            "192.0.2.7 - aino [14/Nov/2023:22:13:20 +0000] \"GET /start HTTP/1.1\" 200 2326 \
             \"https://wiki.test/a\" \"Mozilla/5.0 (X11)\"\n"
        );
        let nobody = Logged {
            account: None,
            bytes_out: 0,
            referrer: None,
            user_agent: None,
            path: "",
            ..request("", "", b"")
        };
        assert_eq!(
            logged(LineFormat::Combined, &nobody),
            "192.0.2.7 - - [14/Nov/2023:22:13:20 +0000] \"GET - HTTP/1.1\" 200 - \"-\" \"-\"\n"
        );
    }

    #[test]
    fn json_has_all_fields() {
        let text = logged(LineFormat::Json, &request("aino", "/start", b"Mozilla/5.0"));
        let json: serde_json::Value = serde_json::from_str(&text).unwrap();
        let want = serde_json::json!({
            "time": "2023-11-14T22:13:20.123Z", "request_id": "00000000000000ab",
            "trace_id": "07070707070707070707070707070707", "client": "192.0.2.7",
            "protocol": "HTTP/1.1", "tls": "TLSv1.3", "method": "GET", "host": "wiki.test", "path": "/start",
            "route": "wiki", "outcome": "forward", "status": 200, "duration_ms": 12.345, "bytes_in": 0,
            "bytes_out": 2326, "login": "aino", "account_id": "00000000-0000-0000-0000-000000000001",
            "upstream": "10.0.0.5:8080", "upstream_ms": 11.0, "referrer": "https://wiki.test/a",
            "user_agent": "Mozilla/5.0",
        });
        assert_eq!(json, want);
    }

    #[test]
    fn whatever_is_sent_stays_on_its_line_and_in_its_field() {
        let hostile =
            "a\" 1\r\n{\"status\":200}\\\u{1b}[2J\u{202e}\u{2028}\u{85}\u{7f}\u{e0041}b c";
        let request = request(hostile, hostile, hostile.as_bytes());
        let text = logged(LineFormat::Json, &request);
        assert_eq!(text.lines().count(), 1);
        assert!(!text.trim_end().chars().any(misleads), "{text}");
        let json: serde_json::Value = serde_json::from_str(&text).unwrap();
        for name in ["login", "path", "user_agent"] {
            assert_eq!(json[name], hostile);
        }
        let text = logged(LineFormat::Combined, &request);
        assert!(text.trim_end().bytes().all(|b| (b' '..=b'~').contains(&b)));
        // three quoted fields: their quotes are the only ones without a backslash
        let bare = text.replace("\\\\", "").replace("\\\"", "");
        assert_eq!(bare.matches('"').count(), 6, "{text}");
        let user = bare.split(' ').nth(2).unwrap();
        assert!(user.ends_with("b\\x20c"), "{user}");
    }

    #[test]
    fn long_values_are_cut() {
        let agent = vec![b'x'; 30_000];
        for format in [LineFormat::Json, LineFormat::Combined] {
            assert!(line(format, &request("aino", "/", &agent)).len() < 1200);
        }
    }
}
