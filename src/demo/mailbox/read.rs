//! A kept mail, for reading: its head and its plain text. As much of MIME (RFC 2045, 2047) as our own mails use.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Mail {
    pub(super) from: String,
    pub(super) to: String,
    pub(super) date: String,
    pub(super) subject: String,
    pub(super) text: String,
}

pub(super) fn mail(bytes: &[u8]) -> Mail {
    let whole = String::from_utf8_lossy(bytes).replace("\r\n", "\n");
    let (head, body) = whole.split_once("\n\n").unwrap_or((&whole, ""));
    let head = head.replace("\n ", " ").replace("\n\t", " ");
    let part = plain_part(&head, body);
    Mail {
        from: words(header(&head, "From")),
        to: words(header(&head, "To")),
        date: header(&head, "Date").to_owned(),
        subject: words(header(&head, "Subject")),
        text: part,
    }
}

fn header<'a>(head: &'a str, name: &str) -> &'a str {
    let value = |line: &'a str| {
        let (found, value) = line.split_once(':')?;
        found.eq_ignore_ascii_case(name).then(|| value.trim())
    };
    head.lines().find_map(value).unwrap_or_default()
}

fn plain_part(head: &str, body: &str) -> String {
    let boundary = header(head, "Content-Type")
        .split_once("boundary=\"")
        .and_then(|(_, rest)| rest.split('"').next());
    let Some(boundary) = boundary else {
        return decoded(header(head, "Content-Transfer-Encoding"), body);
    };
    let separator = format!("--{boundary}");
    for part in body.split(separator.as_str()).skip(1) {
        let (head, body) = part.trim_start().split_once("\n\n").unwrap_or((part, ""));
        if header(head, "Content-Type").starts_with("text/plain") {
            return decoded(header(head, "Content-Transfer-Encoding"), body);
        }
    }
    String::new()
}

fn decoded(encoding: &str, body: &str) -> String {
    if encoding.eq_ignore_ascii_case("quoted-printable") {
        let bytes = quoted(&body.replace("=\n", ""), false);
        String::from_utf8_lossy(&bytes).replace("\r\n", "\n")
    } else {
        body.to_owned()
    }
}

/// RFC 2045 6.7; in encoded words (RFC 2047 4.2) an underscore is a blank.
fn quoted(text: &str, in_word: bool) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [byte, after @ ..] = rest {
        rest = after;
        let escaped = || {
            let digits = std::str::from_utf8(after.get(..2)?).ok()?;
            u8::from_str_radix(digits, 16).ok()
        };
        match (byte, escaped()) {
            (b'=', Some(decoded)) => {
                out.push(decoded);
                rest = after.get(2..).unwrap_or_default();
            }
            (b'_', _) if in_word => out.push(b' '),
            (byte, _) => out.push(*byte),
        }
    }
    out
}

/// A header's value with its encoded words read; blanks between two of them do not count.
fn words(value: &str) -> String {
    let mut out = String::new();
    let mut after_word = false;
    for piece in value.split_inclusive(' ') {
        let bare = piece.trim();
        match word(bare) {
            Some(text) => {
                if after_word {
                    out.truncate(out.trim_end().len());
                }
                out.push_str(&text);
                out.push_str(piece.get(bare.len()..).unwrap_or_default());
                after_word = true;
            }
            None => {
                out.push_str(piece);
                after_word = false;
            }
        }
    }
    out.trim().to_owned()
}

fn word(text: &str) -> Option<String> {
    let inner = text.strip_prefix("=?")?.strip_suffix("?=")?;
    let mut fields = inner.splitn(3, '?');
    let charset = fields.next()?;
    let (encoding, text) = (fields.next()?, fields.next()?);
    let bytes = match encoding {
        "b" | "B" => STANDARD.decode(text).ok()?,
        "q" | "Q" => quoted(text, true),
        _ => return None,
    };
    charset
        .eq_ignore_ascii_case("utf-8")
        .then(|| String::from_utf8_lossy(&bytes).into_owned())
}
