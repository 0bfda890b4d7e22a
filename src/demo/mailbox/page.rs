//! The mailbox as a page, in the taste of the demo's applications.

use super::read::Mail;
use crate::demo::applications::{Escaped, STYLE};
use std::fmt::Write as _;

pub(super) fn list(mails: &[(u32, Mail)]) -> String {
    if mails.is_empty() {
        return frame("<p>No mail yet.</p>");
    }
    let mut body = "<table><caption>Newest first</caption><thead><tr><th scope=col>To</th>\
                    <th scope=col>Subject</th><th scope=col>Date</th></tr></thead><tbody>"
        .to_owned();
    for (number, mail) in mails {
        // writing to a String does not fail
        let _ = write!(
            body,
            "<tr><td>{}</td><th scope=row><a href=\"/{number}\">{}</a></th><td>{}</td></tr>",
            Escaped(&mail.to),
            Escaped(&mail.subject),
            Escaped(&mail.date)
        );
    }
    body.push_str("</tbody></table>");
    frame(&body)
}

pub(super) fn one(mail: &Mail) -> String {
    let mut text = String::new();
    for line in mail.text.lines() {
        // a link stands on a line of its own
        let _ = if line.starts_with("https://") && !line.contains(' ') {
            let line = Escaped(line);
            writeln!(text, "<a href=\"{line}\">{line}</a>")
        } else {
            writeln!(text, "{}", Escaped(line))
        };
    }
    frame(&format!(
        "<h2>{}</h2><p>From: {}<br>To: {}<br>Date: {}</p><pre>{text}</pre>",
        Escaped(&mail.subject),
        Escaped(&mail.from),
        Escaped(&mail.to),
        Escaped(&mail.date)
    ))
}

pub(super) fn none() -> String {
    frame("<p>This mail is not here.</p>")
}

fn frame(body: &str) -> String {
    format!(
        "<!doctype html><html lang=en><head><meta charset=utf-8>\
         <meta name=viewport content=\"width=device-width\"><title>Mailbox of the demo</title>\
         <style>{STYLE}</style></head><body class=mailbox><header><h1>Mailbox of the demo</h1>\
         <p>Everything that is mailed to anybody ends here</p></header>\
         <nav aria-label=Pages><a href=/>All mails</a></nav><main>{body}</main>\
         <footer><p>The plain text of each mail; the whole of it is in the folder <code>mail</code>. \
         Load the page again to see new ones.</p></footer></body></html>"
    )
}
