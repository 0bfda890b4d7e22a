//! The program's own log: what is said, and in which form.

use tracing::Subscriber;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::ParseError;
use tracing_subscriber::fmt::MakeWriter;

/// How log lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// One JSON object a line.
    Json,
    /// For people at a terminal.
    Plain,
}

/// Logging cannot start.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    #[error(
        "`{text}` does not say what to log: {source}; write for example `info` or `warn,vestibule=debug`"
    )]
    Filter { text: String, source: ParseError },
    #[error(
        "`{0}` would write cookies and assertions of requests into the log; the proxy library may log from `info` up"
    )]
    Revealing(String),
    #[error("logging was started already")]
    AlreadyStarted,
}

/// What is said when nobody asks otherwise: the proxy library only when something is wrong.
const DEFAULT_FILTER: &str = "info,pingora=warn,sqlx=warn,hyper=warn,h2=warn,rustls=error";

/// Logs go to stderr. `filter` is the text of `--log`: directives of tracing's `EnvFilter`, laid over `info`
/// (`pingora=info` shows the proxy library's own lines, too; below that it would show what clients send).
pub fn init_logging(format: Format, filter: &str) -> Result<(), Fault> {
    let filter = self::filter(filter)?;
    tracing_subscriber::util::SubscriberInitExt::try_init(subscriber(
        format,
        filter,
        std::io::stderr,
    ))
    .map_err(|_| Fault::AlreadyStarted)
}

fn subscriber<W>(format: Format, filter: EnvFilter, writer: W) -> Box<dyn Subscriber + Send + Sync>
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let lines = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(writer);
    match format {
        Format::Json => Box::new(
            lines
                .json()
                .flatten_event(true)
                .with_current_span(false)
                .with_span_list(false)
                .finish(),
        ),
        Format::Plain => Box::new(lines.with_target(false).finish()),
    }
}

fn filter(text: &str) -> Result<EnvFilter, Fault> {
    let reveals = |directive: &&str| {
        let lower = directive.trim().to_ascii_lowercase();
        let level = lower.rsplit('=').next().unwrap_or_default();
        lower.starts_with("pingora") && !matches!(level, "info" | "warn" | "error" | "off")
    };
    if let Some(directive) = text.split(',').find(reveals) {
        return Err(Fault::Revealing(directive.trim().to_owned()));
    }
    let parsed = if text.trim().is_empty() {
        EnvFilter::try_new(DEFAULT_FILTER)
    } else {
        EnvFilter::try_new(format!("{DEFAULT_FILTER},{text}"))
    };
    parsed.map_err(|source| Fault::Filter {
        text: text.to_owned(),
        source,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use parking_lot::Mutex;
    use std::io::Write;
    use std::sync::Arc;

    #[derive(Clone, Default)]
    struct Memory(Arc<Mutex<Vec<u8>>>);

    impl Write for Memory {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().write(bytes)
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    fn logged(format: Format, filter_text: &str, log: impl FnOnce()) -> String {
        let memory = Memory::default();
        let writer = memory.clone();
        let lines = subscriber(format, filter(filter_text).unwrap(), move || writer.clone());
        tracing::subscriber::with_default(lines, log);
        let bytes = memory.0.lock().clone();
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn json_lines_have_dotted_fields() {
        let text = logged(Format::Json, "", || {
            tracing::info!(route.name = "wiki", "a request was refused");
        });
        let json: serde_json::Value = serde_json::from_str(text.trim()).unwrap();
        assert_eq!(json["message"], "a request was refused");
        assert_eq!(json["route.name"], "wiki");
        assert_eq!(json["level"], "INFO");
    }

    #[test]
    fn the_proxy_library_speaks_only_when_asked() {
        let proxy = || tracing::info!(target: "pingora_core::server", "bootstrap");
        let debug = || tracing::debug!("detail");
        assert_eq!(logged(Format::Plain, "", proxy), "");
        assert!(logged(Format::Plain, "pingora=info", proxy).contains("bootstrap"));
        assert_eq!(logged(Format::Plain, "", debug), "");
        assert!(logged(Format::Plain, "debug", debug).contains("detail"));
        assert!(matches!(
            filter("vestibule=loud"),
            Err(Fault::Filter { .. })
        ));
    }

    #[test]
    fn the_proxy_library_may_not_show_what_clients_send() {
        for text in [
            "pingora=debug",
            "info,pingora_proxy=trace",
            "PINGORA=DEBUG",
            "pingora",
        ] {
            assert!(matches!(filter(text), Err(Fault::Revealing(_))), "{text}");
        }
        for text in ["debug", "trace,pingora=info", "vestibule=trace", ""] {
            assert!(filter(text).is_ok(), "{text}");
        }
    }
}
