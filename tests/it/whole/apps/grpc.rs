//! gRPC as grpcio speaks it, on both sides: streams, trailers, deadlines.

use super::{Application, Behind, tools, write};
use crate::whole::browser::{Browser, SESSION};
use crate::whole::site::WIKI;
use std::collections::BTreeMap;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt as _, BufReader};

/// Bytes in, bytes out: what a message holds is nobody's business here. The health service is the project's own.
const SERVICE: &str = r#"
import sys, time
from concurrent import futures
import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc

given_up = 0

def who(context):
    said = [value for name, value in context.invocation_metadata() if name == "remote-user"]
    return ",".join(said)

def say(request, context):
    context.send_initial_metadata([("x-service", "desk")])
    context.set_trailing_metadata([("x-cost", "1"), ("x-raw-bin", b"\x00\xff")])
    return f"{who(context)}: {request.decode()}".encode()

def size(request, context):
    return str(len(request)).encode() + b" " + request

def count(request, context):
    for n in range(int(request)):
        yield str(n).encode()

def add(requests, context):
    return str(sum(int(one) for one in requests)).encode()

def talk(requests, context):
    for request in requests:
        yield f"{who(context)}: {request.decode()}".encode()

def fail(request, context):
    context.set_trailing_metadata([("x-hint", "look elsewhere")])
    context.abort(grpc.StatusCode.NOT_FOUND, "no ticket called \u00e5")

def fail_late(request, context):
    yield b"first"
    context.abort(grpc.StatusCode.DATA_LOSS, "then nothing")

def slow(request, context):
    global given_up
    gone = []
    context.add_callback(lambda: gone.append(1))
    for _ in range(300):
        if gone:
            given_up += 1
            break
        time.sleep(0.1)
    return f"{context.time_remaining()}".encode()

def remaining(request, context):
    return str(context.time_remaining()).encode()

def given(request, context):
    return str(given_up).encode()

unary, server, client, both = (grpc.unary_unary_rpc_method_handler, grpc.unary_stream_rpc_method_handler,
                               grpc.stream_unary_rpc_method_handler, grpc.stream_stream_rpc_method_handler)
handlers = grpc.method_handlers_generic_handler("test.Desk", {
    "Say": unary(say), "Size": unary(size), "Count": server(count), "Add": client(add), "Talk": both(talk),
    "Fail": unary(fail), "FailLate": server(fail_late), "Slow": unary(slow), "Remaining": unary(remaining),
    "GivenUp": unary(given)})
desk = grpc.server(futures.ThreadPoolExecutor(max_workers=16))
desk.add_generic_rpc_handlers((handlers,))
health_pb2_grpc.add_HealthServicer_to_server(health.HealthServicer(), desk)
desk.add_insecure_port(f"127.0.0.1:{sys.argv[1]}")
desk.start()
desk.wait_for_termination()
"#;

/// A program of somebody who is signed in; each line it prints is one finding.
const CLIENT: &str = r#"
import sys, time
import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

port, host, cookie, outside = sys.argv[1:]
trust = grpc.ssl_channel_credentials(open("ca.pem", "rb").read())
channel = grpc.secure_channel(f"127.0.0.1:{port}", trust, options=[
    ("grpc.ssl_target_name_override", host), ("grpc.default_authority", f"{host}:{port}")])
session = [("cookie", cookie), ("remote-user", "root")]
call = {"metadata": session, "timeout": 20}
desk = "/test.Desk/"

def found(name, *what):
    print(name, *what, sep="|", flush=True)

def refused(name, ask):
    try:
        found(name, "no refusal", ask())
    except grpc.RpcError as e:
        hint = [value for key, value in e.trailing_metadata() or () if key == "x-hint"]
        found(name, e.code().name, e.details(), *hint)

if outside == "outside":
    refused("unary", lambda: channel.unary_unary(desk + "Say")(b"hello", **call))
    refused("server stream", lambda: list(channel.unary_stream(desk + "Count")(b"3", **call)))
    refused("both", lambda: list(channel.stream_stream(desk + "Talk")(iter([b"a", b"b"]), **call)))
    refused("health", lambda: health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(), **call))
    sys.exit()

answer, done = channel.unary_unary(desk + "Say").with_call(b"hello", **call)
ends = {**dict(done.initial_metadata()), **dict(done.trailing_metadata())}
found("unary", answer.decode(), ends["x-service"], ends["x-cost"], ends["x-raw-bin"].hex(), done.code().name)
big = b"x" * 3_000_000
found("large", channel.unary_unary(desk + "Size")(big, **call) == b"3000000 " + big)
found("server stream", len(list(channel.unary_stream(desk + "Count")(b"1000", **call))))
found("client stream", channel.stream_unary(desk + "Add")((b"%d" % n for n in range(1000)), **call).decode())

# one is answered before the next is sent
import queue
say = queue.Queue()
talk = channel.stream_stream(desk + "Talk")(iter(say.get, None), **call)
for word in ("one", "two", "three"):
    say.put(word.encode())
    found("both", next(talk).decode())
say.put(None)
found("both end", list(talk), talk.code().name)

refused("error", lambda: channel.unary_unary(desk + "Fail")(b"", **call))
late = channel.unary_stream(desk + "FailLate")(b"", **call)
found("late", next(late).decode())
refused("late error", lambda: next(late))
refused("unknown", lambda: channel.unary_unary(desk + "Nothing")(b"", **call))

remaining = float(channel.unary_unary(desk + "Remaining")(b"", metadata=session, timeout=30))
# as it is written on the wire it may be a little more
found("remaining", 10 < remaining < 31)
refused("deadline", lambda: channel.unary_unary(desk + "Slow")(b"", metadata=session, timeout=1))
for _ in range(100):
    given_up = channel.unary_unary(desk + "GivenUp")(b"", **call)
    if given_up == b"1":
        break
    time.sleep(0.1)
found("given up", given_up.decode())

health = health_pb2_grpc.HealthStub(channel)
status = health_pb2.HealthCheckResponse.ServingStatus
found("health", status.Name(health.Check(health_pb2.HealthCheckRequest(), **call).status))
watch = health.Watch(health_pb2.HealthCheckRequest(), metadata=session)
found("watch", status.Name(next(watch).status))
refused("revoked", lambda: next(watch))
refused("afterwards", lambda: channel.unary_unary(desk + "Say")(b"hello", **call))
"#;

/// Runs it to its end, with the session of this browser; `at` is told of each line.
async fn client(
    behind: &Behind,
    browser: Option<&Browser>,
    expected: &str,
    at: impl AsyncFn(&str),
) -> BTreeMap<String, Vec<String>> {
    let dir = tempfile::tempdir().unwrap();
    let script = write(dir.path(), "client.py", CLIENT);
    write(dir.path(), "ca.pem", &behind.ca);
    let token = browser.map_or("none", |b| b.cookie(WIKI, SESSION).unwrap());
    let port = behind.net.address.port().to_string();
    let mut child = tokio::process::Command::new(tools("apps/bin/python"))
        .arg(script)
        .args([&port, WIKI, &format!("{SESSION}={token}"), expected])
        .current_dir(dir.path())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .expect("tools/prepare test installs grpcio");
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut all: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let run = async {
        while let Some(line) = lines.next_line().await.unwrap() {
            at(&line).await;
            let (name, what) = line.split_once('|').unwrap();
            all.entry(name.to_owned())
                .or_default()
                .push(what.to_owned());
        }
        assert!(child.wait().await.unwrap().success());
    };
    let limit = Duration::from_secs(60);
    tokio::time::timeout(limit, run).await.expect("too slow");
    all
}

/// Every kind of call gets this status.
async fn refused(behind: &Behind, browser: Option<&Browser>, status: &str) {
    let found = client(behind, browser, "outside", async |_| {}).await;
    for call in ["unary", "server stream", "both", "health"] {
        let [what] = &found[call][..] else {
            panic!("{found:?}")
        };
        assert_eq!(what.split('|').next(), Some(status), "{call}: {what}");
    }
}

async fn service(dir: &Path) -> Application {
    let service = write(dir, "service.py", SERVICE);
    Application::start(dir, |port| {
        vec![service.display().to_string(), port.to_string()]
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn grpc_says_unauthenticated_to_whom_nobody_knows() {
    let dir = tempfile::tempdir().unwrap();
    let service = service(dir.path()).await;
    let behind = Behind::start("gRPC services", service.address).await;
    refused(&behind, None, "UNAUTHENTICATED").await;
    let (_, mut other) = behind.person("mikael", "Mikael Holm", &["finance"]).await;
    let _ = other.open(&behind.url("/")).await;
    refused(&behind, Some(&other), "PERMISSION_DENIED").await;
    let (_, mut asa) = behind.person("åsa", "Åsa Öberg", &["operators"]).await;
    let _ = asa.open(&behind.url("/")).await;
    drop(service);
    refused(&behind, Some(&asa), "UNAVAILABLE").await;
    behind.running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn grpc_streams_trailers_and_deadlines_come_through() {
    let dir = tempfile::tempdir().unwrap();
    let service = service(dir.path()).await;
    let behind = Behind::start("gRPC services", service.address).await;
    let (account, mut browser) = behind.person("åsa", "Åsa Öberg", &["operators"]).await;
    // a browser fetches the cookie of the service's own host
    let _ = browser.open(&behind.url("/")).await;
    let found = client(&behind, Some(&browser), "inside", async |line| {
        if line.starts_with("watch|") {
            let authn = &behind.office.authn;
            authn.revoke_sessions(account.id).await.unwrap();
        }
    })
    .await;
    let both = ["åsa: one", "åsa: two", "åsa: three"];
    assert_eq!(found["both"], both, "{found:#?}");
    for (call, what) in [
        ("unary", "åsa: hello|desk|1|00ff|OK"),
        ("large", "True"),
        ("server stream", "1000"),
        ("client stream", "499500"),
        ("both end", "[]|OK"),
        ("error", "NOT_FOUND|no ticket called å|look elsewhere"),
        ("late", "first"),
        ("late error", "DATA_LOSS|then nothing"),
        ("unknown", "UNIMPLEMENTED|Method not found!"),
        ("remaining", "True"),
        ("deadline", "DEADLINE_EXCEEDED|Deadline Exceeded"),
        ("given up", "1"),
        ("health", "SERVING"),
        ("watch", "SERVING"),
    ] {
        assert_eq!(found[call], [what], "{call}: {found:#?}");
    }
    for (call, status) in [
        ("revoked", "CANCELLED|"),
        ("afterwards", "UNAUTHENTICATED|"),
    ] {
        assert!(found[call][0].starts_with(status), "{call}: {found:#?}");
    }
    behind.running.stop().await;
}
