//! Spans, as a collector receives them.

use super::site::{Plan, Site, WIKI};
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::trace::v1::Span;
use parking_lot::Mutex;
use prost::Message as _;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// The path, the key that came along, and the spans.
type Taken = (String, Option<String>, ExportTraceServiceRequest);

/// Takes what an OTLP exporter sends over HTTP.
#[derive(Clone, Default)]
struct Collector {
    taken: Arc<Mutex<Vec<Taken>>>,
    refuses: Arc<AtomicBool>,
    asked: Arc<AtomicBool>,
}

impl Collector {
    async fn start() -> (Self, SocketAddr) {
        let collector = Self::default();
        let socket = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = socket.local_addr().unwrap();
        let shared = collector.clone();
        tokio::spawn(async move {
            while let Ok((tcp, _)) = socket.accept().await {
                let shared = shared.clone();
                tokio::spawn(async move {
                    let io = hyper_util::rt::TokioIo::new(tcp);
                    let answer = service_fn(|request| shared.take(request));
                    let http = hyper::server::conn::http1::Builder::new();
                    let _ = http.serve_connection(io, answer).await;
                });
            }
        });
        (collector, address)
    }

    async fn take(
        &self,
        request: http::Request<Incoming>,
    ) -> Result<http::Response<Full<Bytes>>, Infallible> {
        let path = request.uri().path().to_owned();
        let key = request.headers().get("x-key");
        let key = key.map(|v| v.to_str().unwrap().to_owned());
        let body = request.into_body().collect().await.unwrap().to_bytes();
        self.asked.store(true, Ordering::SeqCst);
        if self.refuses.load(Ordering::SeqCst) {
            let mut no = http::Response::new(Full::default());
            *no.status_mut() = http::StatusCode::FORBIDDEN;
            return Ok(no);
        }
        let message = ExportTraceServiceRequest::decode(body).unwrap();
        self.taken.lock().push((path, key, message));
        Ok(http::Response::new(Full::default()))
    }

    fn spans(&self) -> Vec<Span> {
        let taken = self.taken.lock();
        let all = taken.iter().flat_map(|(_, _, m)| &m.resource_spans);
        let all = all.flat_map(|r| &r.scope_spans).flat_map(|s| &s.spans);
        all.cloned().collect()
    }
}

fn attribute(span: &Span, key: &str) -> Option<String> {
    let found = span.attributes.iter().find(|a| a.key == key)?;
    match found.value.as_ref()?.value.as_ref()? {
        Value::StringValue(text) => Some(text.clone()),
        Value::IntValue(number) => Some(number.to_string()),
        other => panic!("{other:?}"),
    }
}

async fn site(address: SocketAddr, folder: &tempfile::TempDir) -> Site {
    use std::os::unix::fs::PermissionsExt as _;
    let headers = folder.path().join("headers");
    std::fs::write(&headers, "X-Key: open sesame\n").unwrap();
    std::fs::set_permissions(&headers, std::fs::Permissions::from_mode(0o600)).unwrap();
    let more = format!(
        "traces: {{ otlp: \"http://{address}\", service_name: front, headers_file: {} }}",
        headers.display()
    );
    Site::with(Plan {
        more: more.leak(),
        ..Plan::default()
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_is_two_spans_of_its_callers_trace() {
    let folder = tempfile::tempdir().unwrap();
    let (collector, address) = Collector::start().await;
    let site = site(address, &folder).await;
    let mut browser = site.browser();
    let _ = browser.password("aino").await;
    let answer = browser.open(&site.url(WIKI, "/deep?q=secret-q")).await;
    assert_eq!(answer.status, 200);
    let traced = format!(
        "GET /asked?q=secret-q HTTP/1.1\r\nHost: {WIKI}:{}\r\nTraceparent: 00-{}-00f067aa0ba902b7-00\r\n\r\n",
        site.net.address.port(),
        "4bf92f3577b34da6a3ce929d0e0e4736"
    );
    let refused = site.net.raw(WIKI, "GET", traced.as_bytes()).await.unwrap();
    assert_eq!(refused.status, 401);
    let wiki = site.wiki.take();
    // what waits is sent at the end
    site.running.stop().await;
    let spans = collector.spans();
    let of = |path: &str| {
        let span = spans
            .iter()
            .filter(|s| attribute(s, "url.path").as_deref() == Some(path))
            .find(|s| {
                attribute(s, "vestibule.outcome").as_deref() != Some("sign_in") || path == "/asked"
            });
        span.unwrap_or_else(|| panic!("{path}: {spans:#?}"))
    };
    let server = of("/deep");
    assert_eq!(server.name, "GET wiki");
    assert_eq!(server.kind, 2);
    assert!(server.parent_span_id.is_empty(), "{server:?}");
    assert_eq!(
        attribute(server, "http.response.status_code").unwrap(),
        "200"
    );
    assert_eq!(attribute(server, "vestibule.route").unwrap(), "wiki");
    assert_eq!(attribute(server, "client.address").unwrap(), "127.0.0.1");
    let client = spans.iter().find(|s| s.parent_span_id == server.span_id);
    let client = client.unwrap_or_else(|| panic!("{spans:#?}"));
    assert_eq!((client.kind, &client.trace_id), (3, &server.trace_id));
    assert!(client.start_time_unix_nano >= server.start_time_unix_nano);
    assert!(client.end_time_unix_nano <= server.end_time_unix_nano);
    // the application was told of the very span
    let hex = |bytes: &[u8]| bytes.iter().map(|b| format!("{b:02x}")).collect::<String>();
    let told = format!("00-{}-{}-01", hex(&server.trace_id), hex(&client.span_id));
    assert!(
        wiki.iter().any(|seen| seen.contains(&told)),
        "{told} {wiki:?}"
    );
    let asked = of("/asked");
    assert_eq!(hex(&asked.trace_id), "4bf92f3577b34da6a3ce929d0e0e4736");
    assert_eq!(hex(&asked.parent_span_id), "00f067aa0ba902b7");
    assert_eq!(attribute(asked, "vestibule.outcome").unwrap(), "sign_in");
    assert_eq!(
        asked.status.as_ref().map_or(0, |s| s.code),
        0,
        "401 is no error of ours"
    );
    assert!(!format!("{spans:?}").contains("secret-q"));
    let taken = collector.taken.lock();
    for (path, key, message) in &*taken {
        assert_eq!(
            (path.as_str(), key.as_deref()),
            ("/v1/traces", Some("open sesame"))
        );
        let resource = message.resource_spans[0].resource.as_ref().unwrap();
        let name = resource.attributes.iter().find(|a| a.key == "service.name");
        assert!(format!("{name:?}").contains("front"));
    }
}

/// Spans are lost and counted; requests are neither lost nor late.
#[tokio::test(flavor = "multi_thread")]
async fn a_collector_that_refuses_or_is_away_costs_spans_only() {
    let folder = tempfile::tempdir().unwrap();
    let (collector, address) = Collector::start().await;
    collector.refuses.store(true, Ordering::SeqCst);
    let site = site(address, &folder).await;
    for _ in 0..50 {
        let head = format!(
            "GET /page HTTP/1.1\r\nHost: {WIKI}:{}\r\n\r\n",
            site.net.address.port()
        );
        let answer = site.net.raw(WIKI, "GET", head.as_bytes()).await.unwrap();
        assert_eq!(answer.status, 401);
    }
    let stopped = tokio::time::timeout(Duration::from_secs(20), site.running.stop());
    stopped.await.expect("it stops all the same");
    assert!(collector.asked.load(Ordering::SeqCst));
    assert!(collector.spans().is_empty());
}
