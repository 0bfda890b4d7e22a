//! Traces: the collector's address and its credentials.

use super::Check;
use crate::config::schema;
use crate::config::settings::TraceSettings;
use crate::config::source::At;
use http::{HeaderName, HeaderValue};
use zeroize::Zeroizing;

/// The convention of OTLP over HTTP.
const PATH: &str = "/v1/traces";

impl Check<'_> {
    pub(super) fn traces(&mut self, section: Option<&schema::Traces>) -> TraceSettings {
        let Some(section) = section else {
            return TraceSettings::default();
        };
        let at = self.at(&["traces"]);
        let headers = match &section.headers_file {
            Some(file) => self.trace_headers(&at.key("headers_file"), file),
            None => Vec::new(),
        };
        if section.otlp.is_none() {
            for key in ["service_name", "headers_file"] {
                let at = at.key(key);
                if at.exists() {
                    let help = "write `otlp: http://127.0.0.1:4318` beside it, or remove this line";
                    self.error(&at, "this is for a collector, and there is none", help);
                }
            }
        }
        let name = section.service_name.as_deref();
        let service_name = match name {
            Some(name) => self.shown(&at.key("service_name"), name),
            None => "vestibule".to_owned(),
        };
        TraceSettings {
            endpoint: section.otlp.as_ref().map(|url| endpoint(&url.0)),
            sampling: section.sample.as_ref().map(|s| s.0).unwrap_or_default(),
            service_name,
            headers,
        }
    }

    fn trace_headers(&mut self, at: &At<'_>, file: &str) -> Vec<(String, Zeroizing<String>)> {
        let Some((path, bytes)) = self.content(at, file) else {
            return Vec::new();
        };
        self.private_to_owner(at, &path);
        let text = Zeroizing::new(String::from_utf8(bytes).unwrap_or_default());
        let lines = text.lines().enumerate();
        let lines = lines.filter(|(_, line)| !line.trim().is_empty());
        let read: Vec<_> = lines.map(|(n, line)| (n + 1, header(line))).collect();
        if read.is_empty() {
            let help = "write one in each line, for example `Authorization: Bearer ...`";
            self.error(at, format!("{} holds no header", path.display()), help);
        }
        if let Some((line, _)) = read.iter().find(|(_, header)| header.is_none()) {
            self.error(
                at,
                format!("line {line} of {} is not a header", path.display()),
                "write `Name: value`",
            );
        }
        read.into_iter().filter_map(|(_, header)| header).collect()
    }
}

fn header(line: &str) -> Option<(String, Zeroizing<String>)> {
    let (name, value) = line.split_once(':')?;
    let (name, value) = (name.trim(), value.trim());
    HeaderName::from_bytes(name.as_bytes()).ok()?;
    HeaderValue::from_str(value).ok()?;
    Some((name.to_owned(), Zeroizing::new(value.to_owned())))
}

fn endpoint(url: &str) -> String {
    let (scheme, rest) = url.split_once("://").unwrap_or(("http", url));
    match rest.split_once('/') {
        None | Some((_, "")) => format!("{scheme}://{}{PATH}", rest.trim_end_matches('/')),
        Some(_) => url.to_owned(),
    }
}
