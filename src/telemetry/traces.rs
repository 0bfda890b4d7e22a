//! Traces by OTLP over HTTP: one span for a request, one below it for asking the upstream.
//!
//! Spans are made when a request is over, from what its log line is made of; before that nothing is kept. They wait in
//! a bounded queue for a thread of their own. A collector that is slow or away costs spans, never a request.

use crate::domain::logged::{Logged, UpstreamAddress};
use async_trait::async_trait;
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use opentelemetry::trace::{
    SpanContext, SpanId, SpanKind, Status, TraceFlags, TraceId, TraceState,
};
use opentelemetry::{InstrumentationScope, KeyValue};
use opentelemetry_http::{HttpClient, HttpError, Request, Response};
use opentelemetry_otlp::{SpanExporter, WithExportConfig as _, WithHttpConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{
    BatchSpanProcessor, SpanData, SpanEvents, SpanLinks, SpanProcessor as _,
};
use prometheus_client::metrics::counter::Counter;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};
use zeroize::Zeroizing;

/// Longest a collector may take to accept a batch.
const PATIENCE: Duration = Duration::from_secs(10);
/// A collector answers with a line or two.
const MOST_ANSWER: usize = 64 * 1024;

/// Where spans go.
#[derive(Clone, PartialEq, Eq)]
pub struct Collector {
    /// With the path, `/v1/traces` by convention.
    pub endpoint: String,
    pub service_name: String,
    /// Names and values of headers for each request to the collector: its credentials.
    pub headers: Vec<(String, Zeroizing<String>)>,
}

impl std::fmt::Debug for Collector {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Collector")
            .field("endpoint", &self.endpoint)
            .finish_non_exhaustive()
    }
}

/// Spans cannot be sent at all.
#[derive(Debug, thiserror::Error)]
#[error("traces cannot be sent to {endpoint}: {why}")]
pub struct TraceFault {
    endpoint: String,
    why: String,
}

/// The way to a collector.
#[derive(Debug)]
pub struct Traces {
    processor: BatchSpanProcessor,
    scope: InstrumentationScope,
}

impl Traces {
    /// Inside the tokio runtime that is to send. `failed` counts batches that did not arrive.
    pub fn start(
        collector: &Collector,
        version: &str,
        failed: Counter,
    ) -> Result<Self, TraceFault> {
        let fault = |why: &dyn std::fmt::Display| TraceFault {
            endpoint: collector.endpoint.clone(),
            why: why.to_string(),
        };
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let connector = hyper_rustls::HttpsConnectorBuilder::new()
            .with_provider_and_native_roots(provider)
            .map_err(|e| fault(&e))?
            .https_or_http()
            .enable_http1()
            .build();
        let sender = Sender {
            runtime: tokio::runtime::Handle::current(),
            client: Client::builder(TokioExecutor::new()).build(connector),
            endpoint: collector.endpoint.as_str().into(),
            failed,
            troubled: AtomicBool::new(false),
        };
        let headers: HashMap<String, String> = collector
            .headers
            .iter()
            .map(|(name, value)| (name.clone(), value.as_str().to_owned()))
            .collect();
        let exporter = SpanExporter::builder()
            .with_http()
            .with_http_client(sender)
            .with_endpoint(&collector.endpoint)
            .with_timeout(PATIENCE)
            .with_headers(headers)
            .build()
            .map_err(|e| fault(&e))?;
        let mut processor = BatchSpanProcessor::builder(exporter).build();
        let resource = Resource::builder()
            .with_service_name(collector.service_name.clone())
            .with_attribute(KeyValue::new("service.version", version.to_owned()))
            .build();
        processor.set_resource(&resource);
        Ok(Self {
            processor,
            scope: InstrumentationScope::builder("vestibule")
                .with_version(version.to_owned())
                .build(),
        })
    }

    /// Takes down a request that belongs to a recorded trace.
    pub fn record(&self, request: &Logged<'_>) {
        if !request.trace.sampled {
            return;
        }
        let began = request.time.checked_sub(request.duration);
        let began = began.unwrap_or(request.time);
        if let Some(address) = request.upstream {
            self.processor
                .on_end(self.upstream(request, address, began));
        }
        self.processor.on_end(self.server(request, began));
    }

    /// Sends what waits, for at most `longest`. Blocks: not for the runtime's own threads.
    pub fn finish(&self, longest: Duration) -> bool {
        self.processor.shutdown_with_timeout(longest).is_ok()
    }

    fn server(&self, r: &Logged<'_>, began: SystemTime) -> SpanData {
        let (method, given) = method(r.method);
        let mut attributes = vec![
            KeyValue::new("http.request.method", method),
            KeyValue::new("url.path", r.path.to_owned()),
            KeyValue::new("server.address", r.host.to_owned()),
            KeyValue::new("client.address", r.client.to_string()),
            KeyValue::new("network.protocol.version", version(r.protocol)),
            KeyValue::new("vestibule.outcome", r.outcome),
            KeyValue::new("vestibule.request_id", r.id.to_owned()),
        ];
        if let Some(given) = given {
            let given = given.to_owned();
            attributes.push(KeyValue::new("http.request.method_original", given));
        }
        if !r.route.is_empty() {
            attributes.push(KeyValue::new("vestibule.route", r.route.to_owned()));
        }
        let name = match r.route {
            "" => in_name(method).to_owned(),
            route => format!("{} {route}", in_name(method)),
        };
        let parent = r.trace.parent.map_or(SpanId::INVALID, SpanId::from_bytes);
        let mut span = self.span(r, r.trace.span, SpanKind::Server, name, attributes);
        span.parent_span_id = parent;
        span.parent_span_is_remote = r.trace.parent.is_some();
        (span.start_time, span.end_time) = (began, r.time);
        // a refusal is the client's affair (semantic conventions for HTTP spans)
        conclude(&mut span, r, r.status >= 500);
        span
    }

    fn upstream(
        &self,
        r: &Logged<'_>,
        address: UpstreamAddress<'_>,
        began: SystemTime,
    ) -> SpanData {
        let (method, _) = method(r.method);
        let mut attributes = vec![KeyValue::new("http.request.method", method)];
        match address {
            UpstreamAddress::Tcp(address) => {
                attributes.push(KeyValue::new("server.address", address.ip().to_string()));
                attributes.push(KeyValue::new("server.port", i64::from(address.port())));
            }
            UpstreamAddress::Unix(path) => {
                attributes.push(KeyValue::new("server.address", path.display().to_string()));
            }
        }
        let name = in_name(method).to_owned();
        let mut span = self.span(r, r.trace.upstream_span, SpanKind::Client, name, attributes);
        span.parent_span_id = SpanId::from_bytes(r.trace.span);
        span.start_time = began.checked_add(r.upstream_after).unwrap_or(began);
        let took = r
            .upstream_time
            .and_then(|took| span.start_time.checked_add(took));
        span.end_time = took.unwrap_or(r.time);
        conclude(&mut span, r, r.upstream_time.is_none() || r.status >= 400);
        span
    }

    fn span(
        &self,
        r: &Logged<'_>,
        id: [u8; 8],
        kind: SpanKind,
        name: String,
        attributes: Vec<KeyValue>,
    ) -> SpanData {
        SpanData {
            span_context: SpanContext::new(
                TraceId::from_bytes(r.trace.id),
                SpanId::from_bytes(id),
                TraceFlags::SAMPLED,
                false,
                TraceState::NONE,
            ),
            parent_span_id: SpanId::INVALID,
            parent_span_is_remote: false,
            span_kind: kind,
            name: name.into(),
            start_time: r.time,
            end_time: r.time,
            attributes,
            dropped_attributes_count: 0,
            events: SpanEvents::default(),
            links: SpanLinks::default(),
            status: Status::Unset,
            instrumentation_scope: self.scope.clone(),
        }
    }
}

fn conclude(span: &mut SpanData, r: &Logged<'_>, failed: bool) {
    if r.status != 0 {
        let status = i64::from(r.status);
        span.attributes
            .push(KeyValue::new("http.response.status_code", status));
    }
    if failed || r.fault.is_some() {
        let what = r.fault.map(str::to_owned);
        let what = what.unwrap_or_else(|| r.status.to_string());
        span.attributes.push(KeyValue::new("error.type", what));
        span.status = Status::error("");
    }
}

/// The method as spans are grouped by it, and as it was given where that is another: clients may invent as many as they
/// like (semantic conventions for HTTP spans).
fn method(given: &str) -> (&'static str, Option<&str>) {
    const KNOWN: [&str; 20] = [
        "GET",
        "HEAD",
        "POST",
        "PUT",
        "DELETE",
        "CONNECT",
        "OPTIONS",
        "TRACE",
        "PATCH",
        "QUERY",
        "COPY",
        "LOCK",
        "MKCALENDAR",
        "MKCOL",
        "MOVE",
        "PROPFIND",
        "PROPPATCH",
        "REPORT",
        "SEARCH",
        "UNLOCK",
    ];
    match KNOWN.into_iter().find(|known| *known == given) {
        Some(known) => (known, None),
        None => (OTHER, (!given.is_empty()).then_some(given)),
    }
}

const OTHER: &str = "_OTHER";

fn in_name(method: &'static str) -> &'static str {
    if method == OTHER { "HTTP" } else { method }
}

fn version(protocol: &'static str) -> &'static str {
    match protocol {
        "HTTP/2.0" => "2",
        "HTTP/1.0" => "1.0",
        _ => "1.1",
    }
}

/// Sends on the program's own runtime: the exporter's thread has none, and hyper needs one.
struct Sender {
    runtime: tokio::runtime::Handle,
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
    endpoint: Arc<str>,
    failed: Counter,
    troubled: AtomicBool,
}

impl std::fmt::Debug for Sender {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Sender")
    }
}

impl Sender {
    /// Said once when it begins and once when it is over, however many batches there are in between.
    fn note(&self, trouble: Option<&str>) {
        match trouble {
            Some(why) => {
                self.failed.inc();
                if !self.troubled.swap(true, Ordering::Relaxed) {
                    tracing::warn!(endpoint = %self.endpoint, why, "traces are not accepted by their collector and are lost");
                }
            }
            None if self.troubled.swap(false, Ordering::Relaxed) => {
                tracing::info!(endpoint = %self.endpoint, "traces are accepted by their collector again");
            }
            None => {}
        }
    }
}

#[async_trait]
impl HttpClient for Sender {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let client = self.client.clone();
        let exchange = async move {
            let response = client.request(request.map(Full::new)).await?;
            let (head, body) = response.into_parts();
            let body = Limited::new(body, MOST_ANSWER).collect().await?;
            Ok::<_, HttpError>(Response::from_parts(head, body.to_bytes()))
        };
        let sent = async { tokio::time::timeout(PATIENCE, exchange).await };
        let answer = match self.runtime.spawn(sent).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(late)) => Err(late.into()),
            Err(lost) => Err(lost.into()),
        };
        match &answer {
            Ok(response) if response.status().is_success() => self.note(None),
            Ok(response) => self.note(Some(response.status().as_str())),
            Err(fault) => self.note(Some(&chain(&**fault))),
        }
        answer
    }
}

fn chain(fault: &(dyn std::error::Error + 'static)) -> String {
    let mut text = fault.to_string();
    let mut source = fault.source();
    while let Some(fault) = source {
        text = format!("{text}: {fault}");
        source = fault.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn invented_methods_are_one() {
        for (given, known, name, original) in [
            ("GET", "GET", "GET", None),
            ("PROPFIND", "PROPFIND", "PROPFIND", None),
            ("get", OTHER, "HTTP", Some("get")),
            ("X1", OTHER, "HTTP", Some("X1")),
            ("", OTHER, "HTTP", None),
        ] {
            assert_eq!(method(given), (known, original), "{given}");
            assert_eq!(in_name(method(given).0), name, "{given}");
        }
    }
}
