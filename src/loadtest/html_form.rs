//! Forms of a page, read as far as a browser without script needs them to fill them in.

/// A form and its fields.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Form {
    pub(super) action: String,
    pub(super) post: bool,
    /// Name, type and value of inputs, in their order.
    pub(super) fields: Vec<(String, String, String)>,
    /// Name and value of buttons that send the form.
    pub(super) buttons: Vec<(String, String)>,
}

impl Form {
    pub(super) fn has(&self, name: &str) -> bool {
        self.fields.iter().any(|(field, _, _)| field == name)
    }

    pub(super) fn has_button(&self, name: &str, value: &str) -> bool {
        self.buttons.iter().any(|(n, v)| n == name && v == value)
    }

    /// What is sent: hidden fields as they are, these on top.
    pub(super) fn filled(&self, values: &[(&str, &str)]) -> String {
        let hidden = self.fields.iter().filter(|(_, kind, _)| kind == "hidden");
        let mut body = url::form_urlencoded::Serializer::new(String::new());
        body.extend_pairs(hidden.map(|(name, _, value)| (name, value)));
        body.extend_pairs(values);
        body.finish()
    }
}

/// All forms of a page.
pub(super) fn forms(html: &str) -> Vec<Form> {
    let mut found: Vec<Form> = Vec::new();
    let mut inside = false;
    let mut rest = html;
    while let Some((_, after)) = rest.split_once('<') {
        let (tag, more) = split_tag(after);
        rest = more;
        let (name, attributes) = tag.split_at(
            tag.find(|c: char| c.is_ascii_whitespace())
                .unwrap_or(tag.len()),
        );
        let attribute = |wanted: &str| attribute(attributes, wanted);
        match name.to_ascii_lowercase().as_str() {
            "form" => {
                inside = true;
                found.push(Form {
                    action: attribute("action").unwrap_or_default(),
                    post: attribute("method").is_some_and(|m| m.eq_ignore_ascii_case("post")),
                    ..Form::default()
                });
            }
            "/form" => inside = false,
            "input" if inside => {
                if let (Some(form), Some(name)) = (found.last_mut(), attribute("name")) {
                    let kind = attribute("type").unwrap_or_default().to_ascii_lowercase();
                    form.fields
                        .push((name, kind, attribute("value").unwrap_or_default()));
                }
            }
            "button" if inside => {
                if let (Some(form), Some(name)) = (found.last_mut(), attribute("name")) {
                    form.buttons
                        .push((name, attribute("value").unwrap_or_default()));
                }
            }
            _ => {}
        }
    }
    found
}

/// The tag up to its `>`, those in quotes left out, and what follows it.
fn split_tag(text: &str) -> (&str, &str) {
    let mut quote = None;
    for (at, c) in text.char_indices() {
        match (quote, c) {
            (None, '>') => return text.split_at(at),
            (None, '"' | '\'') => quote = Some(c),
            (Some(open), c) if open == c => quote = None,
            _ => {}
        }
    }
    (text, "")
}

fn attribute(attributes: &str, wanted: &str) -> Option<String> {
    let mut rest = attributes;
    loop {
        rest = rest.trim_start_matches(|c: char| c.is_ascii_whitespace() || c == '/');
        if rest.is_empty() {
            return None;
        }
        let end = rest
            .find(|c: char| c == '=' || c.is_ascii_whitespace())
            .unwrap_or(rest.len());
        // a stray `=` at the beginning is nobody's name
        let (name, after) = rest.split_at(end.max(rest.chars().next().map_or(1, char::len_utf8)));
        let after = after.trim_start();
        let (value, after) = match after.strip_prefix('=') {
            None => ("", after),
            Some(after) => value(after.trim_start()),
        };
        if name.eq_ignore_ascii_case(wanted) {
            return Some(unescaped(value));
        }
        rest = after;
    }
}

fn value(text: &str) -> (&str, &str) {
    for quote in ['"', '\''] {
        if let Some(inner) = text.strip_prefix(quote) {
            return inner.split_once(quote).unwrap_or((inner, ""));
        }
    }
    let end = text
        .find(|c: char| c.is_ascii_whitespace())
        .unwrap_or(text.len());
    text.split_at(end)
}

fn unescaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('&') {
        out.push_str(before);
        let named = after.split_once(';').and_then(|(name, more)| {
            let c = match name {
                "amp" => '&',
                "lt" => '<',
                "gt" => '>',
                "quot" => '"',
                "apos" => '\'',
                number => {
                    let digits = number.strip_prefix('#')?;
                    let code = match digits.strip_prefix(['x', 'X']) {
                        Some(hex) => u32::from_str_radix(hex, 16).ok()?,
                        None => digits.parse().ok()?,
                    };
                    char::from_u32(code)?
                }
            };
            Some((c, more))
        });
        match named {
            Some((c, more)) => {
                out.push(c);
                rest = more;
            }
            None => {
                out.push('&');
                rest = after;
            }
        }
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_with_forms() {
        let page = r#"<!doctype html><form method="get" action="/find"><input name=q></form>
            <p title="a > b"><form class="flow" method="post" action="/signin?a=1&amp;b=2" novalidate>
            <input type="hidden" name="csrf" value="a&#38;b&quot;&#x27;"><input type='hidden' name='to' value='x=y'>
            <input class="input" id="username" name="username" type="email" required value="old">
            <input type="checkbox" name="trust" value="1"><button class="btn" name="do" value="later">No</button>
            </form><input name="outside"><button name="stray">"#;
        let forms = forms(page);
        assert_eq!(forms.len(), 2);
        let form = &forms[1];
        assert_eq!((form.action.as_str(), form.post), ("/signin?a=1&b=2", true));
        assert!(form.has("username") && form.has("trust") && !form.has("outside"));
        assert!(form.has_button("do", "later") && !form.has_button("stray", ""));
        assert_eq!(
            form.filled(&[("username", "a b"), ("do", "later")]),
            "csrf=a%26b%22%27&to=x%3Dy&username=a+b&do=later"
        );
        assert!(!forms[0].post);
    }

    #[test]
    fn nothing_that_a_page_holds_breaks_the_reader() {
        for page in [
            "",
            "<",
            "<form",
            "<form action=",
            "<form a='",
            "<input name",
            "<form><input = ==>&",
            "<é><form é=é>",
        ] {
            let _ = forms(page);
        }
        assert_eq!(
            unescaped("&; &x; &#xffffffff; a&b &amp;lt;"),
            "&; &x; &#xffffffff; a&b &lt;"
        );
    }
}
