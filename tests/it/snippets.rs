//! The guide `docs/verify-assertions.md` keeps its word: its Python and Node.js snippets, taken from the page,
//! accept what the signer makes and refuse what an attacker without the key can make (threat T23).
//!
//! Python needs PyJWT in `target/test-tools/venv`; Node.js needs nothing but itself. Where one is missing the
//! tests fail and say what to install, unless `VESTIBULE_TEST_SKIP_SNIPPETS` is set.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::process::Command;
use uuid::Uuid;
use vestibule::domain::account::{Account, Status};
use vestibule::domain::assertion::TYPE;
use vestibule::domain::assurance::{Factors, SecondFactor};
use vestibule::domain::id::{AccountId, SessionId};
use vestibule::domain::route::AssertionSpec;
use vestibule::domain::session::{Session, View};
use vestibule::domain::subject::Subject;
use vestibule::domain::timestamp::Timestamp;
use vestibule::env::{Clock, Env, ManualClock};
use vestibule::signer::{Signer, rotate};
use vestibule::store::sqlite::SqliteStore;
use vestibule::vault::Vault;

const GUIDE: &str = include_str!("../../docs/verify-assertions.md");
const ISSUER: &str = "https://login.example.com";
const WIKI: &str = "https://wiki.example.com";

/// Reads lines `TOKEN`, answers each with the claims as JSON or with `refused: ...`.
const PYTHON_LOOP: &str = r#"
import json, sys
for line in sys.stdin:
    try:
        print(json.dumps(person({"X-Vestibule-Assertion": line.strip()})), flush=True)
    except jwt.PyJWTError as e:
        print("refused: " + repr(e), flush=True)
"#;

const NODE_LOOP: &str = r#"
import { createInterface } from 'node:readline';
for await (const line of createInterface({ input: process.stdin })) {
  try {
    console.log(JSON.stringify(await person({ 'x-vestibule-assertion': line.trim() })));
  } catch (e) {
    console.log('refused: ' + e.message);
  }
}
"#;

#[tokio::test]
async fn the_python_snippet_believes_the_signer_and_nobody_else() {
    let python = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/test-tools/venv/bin/python");
    if skipped() {
        return;
    }
    let install = "python3 -m venv target/test-tools/venv && \
                   target/test-tools/venv/bin/pip install 'PyJWT[crypto]'";
    require(&python, &["-c", "import jwt, cryptography"], install).await;
    let script = format!("{}\n{PYTHON_LOOP}", snippet("python"));
    check(&python, "py", &script).await;
}

#[tokio::test]
async fn the_node_snippet_believes_the_signer_and_nobody_else() {
    if skipped() {
        return;
    }
    let node = PathBuf::from("node");
    let version = "process.exit(+process.versions.node.split('.')[0] >= 20 ? 0 : 1)";
    require(&node, &["-e", version], "Node.js 20 or newer, as `node`").await;
    let script = format!("{}\n{NODE_LOOP}", snippet("javascript"));
    check(&node, "mjs", &script).await;
}

#[expect(clippy::disallowed_methods, reason = "a switch of the tests")]
fn skipped() -> bool {
    std::env::var("VESTIBULE_TEST_SKIP_SNIPPETS").is_ok()
}

async fn require(program: &Path, arguments: &[&str], install: &str) {
    let ran = Command::new(program)
        .args(arguments)
        .stdout(Stdio::null())
        .status()
        .await;
    assert!(
        ran.is_ok_and(|status| status.success()),
        "{} is missing or too old; install: {install} (or run `./test`, which does it; \
         VESTIBULE_TEST_SKIP_SNIPPETS=1 leaves these tests out)",
        program.display()
    );
}

/// The first block of this language in the guide.
fn snippet(language: &str) -> &'static str {
    let (_, rest) = GUIDE.split_once(&format!("```{language}\n")).unwrap();
    rest.split_once("\n```").unwrap().0
}

async fn check(program: &Path, extension: &str, script: &str) {
    let world = World::new().await;
    let jwks = Jwks::serve().await;
    jwks.set(&world.jwks());
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join(format!("snippet.{extension}"));
    // the keys come from here; what the token must say stays as it is on the page
    let address = format!("\"{}\" + ", jwks.url);
    let quoted = script.replacen("ISSUER + ", &address, 1);
    assert!(quoted.contains(&jwks.url), "the snippet asks for the keys");
    std::fs::write(&file, quoted).unwrap();
    let mut application = Application::start(program, &file);

    let good = world.token(WIKI, 0);
    let claims: Value = serde_json::from_str(&application.ask(&good).await).unwrap();
    let got = (&claims["login"], &claims["aud"], &claims["acr"]);
    assert_eq!(got, (&json!("aino"), &json!(WIKI), &json!("aal2")));
    for (what, token) in world.forgeries(&good).await {
        let answer = application.ask(&token).await;
        assert!(answer.starts_with("refused: "), "{what}: {answer}");
    }
    // the trusted key itself is believed: each of those was refused for the one thing that is wrong with it
    let honest: Value = serde_json::from_slice(&decode(good.split('.').nth(1).unwrap())).unwrap();
    let header = json!({"alg": "ES256", "typ": TYPE, "kid": world.trusted.jwk()["kid"]});
    let answer = application.ask(&world.trusted.sign(&header, &honest)).await;
    assert!(answer.contains("\"login\""), "{answer}");
    // after all that it still believes the right one
    assert!(application.ask(&good).await.contains("\"login\""));

    // an application that starts after a rotation takes old and new
    rotate(&*world.store, &world.vault, &world.env)
        .await
        .unwrap();
    world.signer.reload().await.unwrap();
    jwks.set(&world.jwks());
    let mut application = Application::start(program, &file);
    for token in [&good, &world.token(WIKI, 0)] {
        assert!(application.ask(token).await.contains("\"login\""));
    }
}

/// A program of the guide, asked line by line.
struct Application {
    child: tokio::process::Child,
    input: tokio::process::ChildStdin,
    output: tokio::io::Lines<tokio::io::BufReader<tokio::process::ChildStdout>>,
}

impl Application {
    fn start(program: &Path, file: &Path) -> Self {
        use tokio::io::AsyncBufReadExt as _;
        let mut child = Command::new(program)
            .arg(file)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        Self {
            input: child.stdin.take().unwrap(),
            output: tokio::io::BufReader::new(child.stdout.take().unwrap()).lines(),
            child,
        }
    }

    async fn ask(&mut self, token: &str) -> String {
        let line = format!("{token}\n");
        self.input.write_all(line.as_bytes()).await.unwrap();
        let answer = tokio::time::timeout(Duration::from_secs(30), self.output.next_line()).await;
        let answer = answer.expect("no answer within 30 s").unwrap();
        match answer {
            Some(answer) => answer,
            None => panic!("the program ended: {:?}", self.child.wait().await),
        }
    }
}

/// `/.well-known/jwks.json` on loopback, and nothing else.
struct Jwks {
    url: String,
    body: Arc<parking_lot::Mutex<String>>,
    task: tokio::task::JoinHandle<()>,
}

impl Jwks {
    async fn serve() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let body = Arc::new(parking_lot::Mutex::new(String::new()));
        let shared = Arc::clone(&body);
        let task = tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut request = vec![0; 4096];
                let length = stream.read(&mut request).await.unwrap_or(0);
                let head = String::from_utf8_lossy(&request[..length]).into_owned();
                let (status, body) = match head.starts_with("GET /.well-known/jwks.json ") {
                    true => ("200 OK", shared.lock().clone()),
                    false => ("404 Not Found", String::new()),
                };
                let answer = format!(
                    "HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\
                     Connection: close\r\n\r\n{body}",
                    body.len()
                );
                let _ = stream.write_all(answer.as_bytes()).await;
                let _ = stream.shutdown().await;
            }
        });
        Self { url, body, task }
    }

    fn set(&self, jwks: &str) {
        jwks.clone_into(&mut self.body.lock());
    }
}

impl Drop for Jwks {
    fn drop(&mut self) {
        self.task.abort();
    }
}

struct SystemBytes(Env);

impl vestibule::env::Entropy for SystemBytes {
    fn fill(&self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(32) {
            let fresh: [u8; 32] = self.0.random();
            chunk.copy_from_slice(&fresh[..chunk.len()]);
        }
    }
}

/// A signer with a store of its own, on a clock that begins at the real time: the programs have no other.
struct World {
    clock: Arc<ManualClock>,
    env: Env,
    store: Arc<SqliteStore>,
    vault: Arc<Vault>,
    signer: Signer,
    /// Published beside the signer's keys, to sign what the signer never would.
    trusted: OwnKey,
    _dir: tempfile::TempDir,
}

impl World {
    async fn new() -> Self {
        let system = Env::system();
        let clock = Arc::new(ManualClock::at(system.now().seconds()));
        let env = Env::new(clock.clone(), Arc::new(SystemBytes(system)));
        let dir = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(&dir.path().join("store.db")).await;
        let store = Arc::new(store.unwrap());
        let vault = Arc::new(Vault::from_key(&env.random::<32>(), &env));
        let signer = Signer::load(store.clone(), vault.clone(), env.clone(), ISSUER.into()).await;
        Self {
            clock,
            env,
            store,
            vault,
            signer: signer.unwrap(),
            trusted: OwnKey::new(),
            _dir: dir,
        }
    }

    /// The signer's published keys and the trusted one.
    fn jwks(&self) -> String {
        let mut jwks: Value = serde_json::from_str(&self.signer.jwks()).unwrap();
        jwks["keys"]
            .as_array_mut()
            .unwrap()
            .push(self.trusted.jwk());
        jwks.to_string()
    }

    /// An assertion for this audience, made so many seconds ago.
    fn token(&self, audience: &str, age: i64) -> String {
        self.clock.advance(-age);
        let spec = AssertionSpec {
            header: "X-Vestibule-Assertion".into(),
            audience: audience.into(),
            lifetime: Duration::from_secs(300),
        };
        let token = self.signer.assertion(&view(self.clock.now()), &spec);
        self.clock.advance(age);
        token.unwrap().to_str().unwrap().to_owned()
    }

    /// What somebody without the key can make, who has seen good tokens and the published keys.
    async fn forgeries(&self, good: &str) -> Vec<(&'static str, String)> {
        let [header, payload, signature]: [&str; 3] =
            good.split('.').collect::<Vec<_>>().try_into().unwrap();
        let jwks: Value = serde_json::from_str(&self.signer.jwks()).unwrap();
        let jwk = &jwks["keys"][0];
        let kid = &jwk["kid"];
        let mut admin: Value = serde_json::from_slice(&decode(payload)).unwrap();
        admin["login"] = json!("admin");
        let claims = |name: &str, value: Value| {
            let mut claims = admin.clone();
            match value {
                Value::Null => drop(claims.as_object_mut().unwrap().remove(name)),
                value => claims[name] = value,
            }
            claims
        };
        let stranger = Self::new().await;
        let own = OwnKey::new();
        let mut out = vec![
            ("nothing", String::new()),
            ("rubbish", "a.b.c".to_owned()),
            ("no signature", format!("{header}.{payload}.")),
            (
                "changed claims",
                format!("{header}.{}.{signature}", encode(&admin)),
            ),
            (
                "a signature of zeros",
                format!("{header}.{payload}.{}", URL_SAFE_NO_PAD.encode([0; 64])),
            ),
            (
                "a token for another application",
                self.token("https://payroll.example.com", 0),
            ),
            ("an old token", self.token(WIKI, 3_600)),
            ("a token that is not good yet", self.token(WIKI, -3_600)),
            ("a token of another gateway", stranger.token(WIKI, 0)),
            (
                "its key in the header",
                own.sign(
                    &json!({"alg": "ES256", "typ": TYPE, "kid": kid, "jwk": own.jwk()}),
                    &admin,
                ),
            ),
            (
                "its key's address in the header",
                own.sign(
                    &json!({"alg": "ES256", "typ": TYPE, "kid": "x", "jku": "http://127.0.0.1:9/"}),
                    &admin,
                ),
            ),
        ];
        for none in ["none", "None", "nOnE", ""] {
            let header = encode(&json!({"alg": none, "typ": TYPE, "kid": kid}));
            out.push(("alg none", format!("{header}.{}.", encode(&admin))));
        }
        let point = [
            &[4u8][..],
            &decode(jwk["x"].as_str().unwrap()),
            &decode(jwk["y"].as_str().unwrap()),
        ]
        .concat();
        for secret in [point.clone(), pem(&point), jwk.to_string().into_bytes()] {
            let header = encode(&json!({"alg": "HS256", "typ": TYPE, "kid": kid}));
            let message = format!("{header}.{}", encode(&admin));
            let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, &secret);
            let tag = URL_SAFE_NO_PAD.encode(ring::hmac::sign(&key, message.as_bytes()));
            out.push(("HS256 with the public key", format!("{message}.{tag}")));
        }
        // and what the right key would never sign: made by a key that the application does trust
        let trusted = &self.trusted;
        let header = |typ: &str| json!({"alg": "ES256", "typ": typ, "kid": trusted.jwk()["kid"]});
        for (what, header, claims) in [
            ("another type", header("at+jwt"), admin.clone()),
            (
                "another issuer",
                header(TYPE),
                claims("iss", json!("https://login.example.org")),
            ),
            ("no issuer", header(TYPE), claims("iss", Value::Null)),
            ("no audience", header(TYPE), claims("aud", Value::Null)),
            ("no end", header(TYPE), claims("exp", Value::Null)),
            ("no beginning", header(TYPE), claims("nbf", Value::Null)),
            ("nobody", header(TYPE), claims("sub", Value::Null)),
            (
                "an end that is no number",
                header(TYPE),
                claims("exp", json!("never")),
            ),
        ] {
            out.push((what, trusted.sign(&header, &claims)));
        }
        out
    }
}

/// A P-256 key that is not the signer's.
struct OwnKey(EcdsaKeyPair);

impl OwnKey {
    fn new() -> Self {
        let (algorithm, random) = (&ECDSA_P256_SHA256_FIXED_SIGNING, SystemRandom::new());
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(algorithm, &random).unwrap();
        Self(EcdsaKeyPair::from_pkcs8(algorithm, pkcs8.as_ref(), &random).unwrap())
    }

    fn jwk(&self) -> Value {
        let (x, y) = self.0.public_key().as_ref()[1..].split_at(32);
        let (x, y) = (URL_SAFE_NO_PAD.encode(x), URL_SAFE_NO_PAD.encode(y));
        json!({"kty": "EC", "crv": "P-256", "use": "sig", "alg": "ES256", "kid": format!("own-{x}"), "x": x, "y": y})
    }

    fn sign(&self, header: &Value, claims: &Value) -> String {
        let message = format!("{}.{}", encode(header), encode(claims));
        let signature = self.0.sign(&SystemRandom::new(), message.as_bytes());
        format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature.unwrap()))
    }
}

fn encode(value: &Value) -> String {
    URL_SAFE_NO_PAD.encode(value.to_string())
}

fn decode(text: &str) -> Vec<u8> {
    URL_SAFE_NO_PAD.decode(text).unwrap()
}

/// A P-256 point as a PEM file, as a library may hand it on.
fn pem(point: &[u8]) -> Vec<u8> {
    // SubjectPublicKeyInfo up to the point (RFC 5480)
    let head = b"0Y0\x13\x06\x07*\x86H\xce=\x02\x01\x06\x08*\x86H\xce=\x03\x01\x07\x03B\0";
    let text = base64::engine::general_purpose::STANDARD.encode([&head[..], point].concat());
    let lines: Vec<_> = text
        .as_bytes()
        .chunks(64)
        .map(|l| std::str::from_utf8(l).unwrap())
        .collect();
    let body = lines.join("\n");
    format!("-----BEGIN PUBLIC KEY-----\n{body}\n-----END PUBLIC KEY-----\n").into_bytes()
}

fn view(now: Timestamp) -> View {
    let account = AccountId::from_uuid(Uuid::from_u128(1));
    View {
        session: Session {
            id: SessionId::from_uuid(Uuid::from_u128(2)),
            factors: Factors::with(SecondFactor::Totp),
            auth_time: now,
            password_at: now,
            second_factor_at: Some(now),
            expires_at: now.plus(Duration::from_secs(36_000)),
            last_seen_at: now,
            trusted_device: None,
        },
        subject: Arc::new(Subject::of(&Account {
            id: account,
            login: "aino".into(),
            email: None,
            name: "Aino Virtanen".into(),
            groups: BTreeSet::from(["staff".to_owned()]).into(),
            attributes: Default::default(),
            language: None,
            status: Status::Active,
            created_at: now,
            password: None,
            totp: None,
            reminder: Default::default(),
            history: vestibule::domain::account::History::default(),
        })),
        host: None,
    }
}
