//! Values about traces.

use super::{parsed_url, quoted};
use crate::domain::trace::Sampling;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Deserialize, Deserializer, Visitor};
use std::borrow::Cow;
use std::fmt;

scalar! {
    /// A part of all traces.
    Share(Sampling), "percentage", Some("^[0-9]+(\\.[0-9]+)?%$"), share
}

fn share(text: &str) -> Result<Sampling, String> {
    let number = text.strip_suffix('%').map(str::trim_end);
    let plain = number.filter(|n| n.bytes().all(|b| b.is_ascii_digit() || b == b'.'));
    let percent: Option<f64> = plain.and_then(|n| n.parse().ok());
    percent
        .and_then(|percent| Sampling::share(percent / 100.0))
        .ok_or_else(|| {
            format!(
                "{} is not a percentage\nwrite a number from 0% to 100%, for example 5% or 0.1%",
                quoted(text)
            )
        })
}

scalar! {
    /// Where traces are sent.
    CollectorUrl(String), "http or https URL", Some("^https?://"), collector_url
}

fn collector_url(text: &str) -> Result<String, String> {
    const EXAMPLE: &str = "http://127.0.0.1:4318";
    let wrong = |why: &str| {
        format!(
            "{} is not the address of a collector: {why}\nwrite for example {EXAMPLE}",
            quoted(text)
        )
    };
    let url = parsed_url(text, EXAMPLE)?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(wrong("OTLP is spoken over http or https here"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(wrong("its credentials belong into `headers_file`"));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(wrong("it has a query"));
    }
    Ok(url.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_percentages() {
        for (text, want) in [("100%", 1.0), ("0%", 0.0), ("5%", 0.05), ("0.1 %", 0.001)] {
            assert_eq!(
                share(text).unwrap(),
                Sampling::share(want).unwrap(),
                "{text}"
            );
        }
        for text in ["", "%", "5", "0.5", "101%", "-1%", "1e2%", "nan%", "1.2.3%"] {
            assert!(share(text).unwrap_err().contains("percentage"), "{text}");
        }
    }

    #[test]
    fn collectors_have_a_plain_address() {
        for text in [
            "http://127.0.0.1:4318",
            "https://traces.example.com/otlp/v1/traces",
        ] {
            assert!(collector_url(text).is_ok(), "{text}");
        }
        for text in [
            "127.0.0.1:4318",
            "grpc://127.0.0.1:4317",
            "https://user:secret@traces.example.com",
            "https://traces.example.com/?key=1",
        ] {
            let why = collector_url(text).unwrap_err();
            assert!(why.contains("http://127.0.0.1:4318"), "{why}");
            assert!(!why.contains("secret"), "{why}");
        }
    }
}
