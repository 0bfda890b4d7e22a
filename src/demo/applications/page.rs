//! The pages, in the taste of the time the applications are from; everything received is escaped.

use super::{Application, Received, download_sha256};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use std::fmt::{self, Write as _};

/// Text that stays text in HTML, in elements and in quoted attributes.
pub(in crate::demo) struct Escaped<'a>(pub(in crate::demo) &'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for character in self.0.chars() {
            match character {
                '&' => f.write_str("&amp;")?,
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '"' => f.write_str("&quot;")?,
                '\'' => f.write_str("&#39;")?,
                // a control character would be swallowed or change how the rest is shown
                c if c.is_control() && c != '\n' && c != '\t' => {
                    write!(f, "{}", c.escape_default())?
                }
                c => f.write_char(c)?,
            }
        }
        Ok(())
    }
}

pub(super) fn received(application: Application, received: &Received<'_>) -> String {
    let head = received.head;
    let mut body = String::new();
    let who = match head.header("remote-user") {
        Some(user) => {
            let name = head.header("remote-name").unwrap_or(user);
            format!("Welcome back, <b>{}</b>.", Escaped(name))
        }
        None => "Nobody is signed in.".to_owned(),
    };
    // writing to a String does not fail
    let _ = write!(
        body,
        "<p class=who>{who} This application has no sign-in of its own: it believes what it is sent.</p>\
         <h2>The request</h2><pre class=line>{} {} {}</pre>",
        Escaped(&head.method),
        Escaped(&head.target),
        Escaped(&head.version)
    );
    table(&mut body, "Headers, as received", &head.headers);
    if let Some(claims) = head.header("x-vestibule-assertion").and_then(claims) {
        let _ = write!(
            body,
            "<h2>What the assertion says</h2><pre>{}</pre><p>Read here without checking it. An application \
             that relies on it checks signature, issuer, audience and time.</p>",
            Escaped(&claims)
        );
    }
    if received.body_bytes > 0 {
        let cut = if received.body_bytes > received.body.len() {
            ", the beginning"
        } else {
            ""
        };
        let _ = write!(
            body,
            "<h2>Body, {} bytes{cut}</h2><pre>{}</pre>",
            received.body_bytes,
            Escaped(&received.body)
        );
    }
    if !received.trailers.is_empty() {
        table(&mut body, "Trailers", &received.trailers);
    }
    frame(application, &body)
}

fn table(out: &mut String, title: &str, rows: &[(String, String)]) {
    let _ = write!(
        out,
        "<table><caption>{title}</caption><thead><tr><th scope=col>#</th><th scope=col>Name</th>\
         <th scope=col>Value</th></tr></thead><tbody>"
    );
    for (number, (name, value)) in rows.iter().enumerate() {
        let _ = write!(
            out,
            "<tr><td>{}</td><th scope=row>{}</th><td>{}</td></tr>",
            number + 1,
            Escaped(name),
            Escaped(value)
        );
    }
    out.push_str("</tbody></table>");
}

/// The payload of a JWT, readable, unchecked.
fn claims(token: &str) -> Option<String> {
    let payload = token.split('.').nth(1)?;
    let json = URL_SAFE_NO_PAD.decode(payload).ok()?;
    let json: serde_json::Value = serde_json::from_slice(&json).ok()?;
    serde_json::to_string_pretty(&json).ok()
}

pub(super) fn form(application: Application) -> String {
    frame(
        application,
        "<h2>A form</h2><p>What you send is shown on the next page.</p>\
         <form method=post action=/form>\
         <p><label for=subject>Subject</label><br><input id=subject name=subject size=40></p>\
         <p><label for=text>Text</label><br><textarea id=text name=text rows=6 cols=60></textarea></p>\
         <p><button>Send</button></p></form>",
    )
}

pub(super) fn socket(application: Application) -> String {
    frame(
        application,
        "<h2>A WebSocket</h2><p id=state role=status>This page needs JavaScript.</p>\
         <form id=talk><p><label for=say>Say something</label><br>\
         <input id=say size=40 autocomplete=off> <button>Send</button></p></form>\
         <pre id=heard aria-live=polite></pre><script src=/socket.js></script>",
    )
}

pub(super) const SOCKET_SCRIPT: &str = r#"'use strict';
const at = (id) => document.getElementById(id);
const url = location.origin.replace(/^http/, 'ws') + '/ws';
const socket = new WebSocket(url);
at('state').textContent = 'Connecting to ' + url;
socket.onopen = () => { at('state').textContent = 'Connected to ' + url; };
socket.onclose = (event) => { at('state').textContent = 'Closed (' + event.code + ')'; };
socket.onmessage = (event) => { at('heard').textContent += event.data + '\n'; };
at('talk').onsubmit = (event) => {
  event.preventDefault();
  socket.send(at('say').value);
  at('say').value = '';
};
"#;

fn frame(application: Application, body: &str) -> String {
    let Application { title, motto, name } = application;
    let hash = download_sha256();
    format!(
        "<!doctype html><html lang=en><head><meta charset=utf-8>\
         <meta name=viewport content=\"width=device-width\"><title>{title}</title><style>{STYLE}</style></head>\
         <body class={name}><header><h1>{title}</h1><p>{motto}</p></header>\
         <nav aria-label=Pages><a href=/>Start</a> <a href=/form>Form</a> <a href=/socket>WebSocket</a> \
         <a href=/download>Download</a> <a href=\"/slow?ms=2000\">Slow</a> <a href=/events>Events</a> \
         <a href=/status/500>Failure</a> <a href=/headers.json>JSON</a></nav>\
         <main>{body}</main><footer>\
         <p>Download: 5 MiB, SHA-256 <code>{hash}</code></p>\
         <p>Exact on this page: the request line; each header in the order, number and spelling in which it \
         came over the wire, with the spaces around its value removed. Bytes that are not UTF-8 are shown as \
         &#xFFFD;. Of a body the first 64 KiB are shown; names of trailers are in lower case.</p>\
         <p>Best viewed with any browser.</p></footer></body></html>"
    )
}

pub(in crate::demo) const STYLE: &str = ":root{color-scheme:light dark;--paper:#fffdf5;--ink:#1a1a1a;--desk:#c9d3d3;--bar:#22505e;\
--rule:#8aa0a5;--soft:#eef2ee}.payroll{--bar:#6a3d2e}.mailbox{--bar:#4a4a68}\
@media(prefers-color-scheme:dark){:root{--paper:#1d2022;--ink:#e6e3da;--desk:#0f1213;--rule:#59676b;--soft:#282d2f}}\
body{margin:0 auto;max-width:60rem;padding:1rem;background:var(--desk);color:var(--ink);\
font:1rem/1.5 Georgia,'Times New Roman',serif}\
header{background:var(--bar);color:#fff;padding:.75rem 1.25rem;border:3px outset var(--rule)}\
h1{margin:0;font-size:1.6rem;letter-spacing:.02em}header p{margin:0;font-style:italic}\
nav{background:var(--soft);border:2px outset var(--rule);padding:.5rem 1.25rem;display:flex;flex-wrap:wrap;\
gap:.25rem 1.25rem}a{color:inherit}\
main,footer{background:var(--paper);border:2px solid var(--rule);border-top:0;padding:1rem 1.25rem}\
footer{font-size:.875rem}h2{font-size:1.15rem;margin:1.25rem 0 .5rem}.who{font-size:1.1rem}\
table{border-collapse:collapse;width:100%;margin:1rem 0}caption{text-align:left;font-weight:bold;font-size:1.15rem}\
th,td{border:1px solid var(--rule);padding:.2rem .5rem;text-align:left;vertical-align:top;overflow-wrap:anywhere}\
thead{background:var(--soft)}td:first-child{white-space:nowrap}tbody th{font-weight:normal;white-space:nowrap}\
tbody th,tbody td,pre,code{font:.875rem/1.5 ui-monospace,'Courier New',monospace}\
pre{background:var(--soft);border:2px inset var(--rule);padding:.5rem .75rem;white-space:pre-wrap;\
overflow-wrap:anywhere}code{overflow-wrap:anywhere}\
input,textarea,button{font:inherit;max-width:100%;padding:.25rem .5rem}button{padding:.25rem 1rem}\
:focus-visible{outline:3px solid #d9822b;outline-offset:2px}\
@media(max-width:40rem){table{table-layout:fixed}thead th:first-child,td:first-child{display:none}\
thead th:nth-child(2){width:38%}tbody th{white-space:normal}tbody th,tbody td{font-size:.8125rem}}";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_received_becomes_markup() {
        let shown = Escaped("<script>\"&'\u{1b}\u{0}").to_string();
        assert_eq!(shown, "&lt;script&gt;&quot;&amp;&#39;\\u{1b}\\u{0}");
    }

    #[test]
    fn an_assertion_is_laid_open_and_rubbish_is_not() {
        let payload = URL_SAFE_NO_PAD.encode(r#"{"login":"aino"}"#);
        let shown = claims(&format!("x.{payload}.y")).unwrap();
        assert!(shown.contains("\"login\": \"aino\""));
        for rubbish in ["", "a.b.c", "..", "x.e30"] {
            assert!(claims(rubbish).is_none_or(|c| c == "{}"), "{rubbish}");
        }
    }
}
