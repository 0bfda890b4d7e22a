//! What an upstream can rely on (threat T23), seen by a library that somebody else has written.

use super::*;
use crate::domain::account::Account;
use crate::domain::account::Status;
use crate::domain::assertion::TYPE;
use crate::domain::assurance::SecondFactor;
use crate::domain::audit::{Actor, Event};
use crate::domain::id::AccountId;
use crate::domain::session::Session;
use crate::domain::subject::Subject;
use crate::env::{Entropy, ManualClock};
use crate::store::sqlite::SqliteStore;
use crate::store::{AuditFilter, Change, Commit, Store as _, StoredKey};
use jsonwebtoken::jwk::{JwkSet, ThumbprintHash};
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use uuid::Uuid;

const ISSUER: &str = "https://login.example.com";
const WIKI: &str = "https://wiki.example.com";
/// 2026-01-01.
const START: i64 = 1_767_225_600;

struct SomeBytes(std::sync::atomic::AtomicU8);

impl Entropy for SomeBytes {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(self.0.fetch_add(1, std::sync::atomic::Ordering::SeqCst));
    }
}

struct World {
    clock: Arc<ManualClock>,
    store: Arc<SqliteStore>,
    vault: Arc<Vault>,
    env: Env,
    dir: tempfile::TempDir,
}

impl World {
    async fn new() -> Self {
        jwt_ring::install();
        let clock = Arc::new(ManualClock::at(START));
        let env = Env::new(clock.clone(), Arc::new(SomeBytes(0.into())));
        let dir = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(&dir.path().join("store.db")).await;
        Self {
            clock,
            store: Arc::new(store.unwrap()),
            vault: Arc::new(Vault::from_key(&[7; 32], &env)),
            env,
            dir,
        }
    }

    /// Another, whose store holds these rows and nothing else.
    async fn with_keys(keys: &[&StoredKey]) -> Self {
        let world = Self::new().await;
        for &key in keys {
            let added = world
                .store
                .commit(&[Change::AddSigningKey(key.clone())])
                .await;
            assert_eq!(added.unwrap(), Commit::Done);
        }
        world
    }

    async fn signer(&self) -> Signer {
        self.load().await.unwrap()
    }

    async fn load(&self) -> Result<Signer, Fault> {
        let store: SharedStore = self.store.clone();
        Signer::load(store, self.vault.clone(), self.env.clone(), ISSUER.into()).await
    }

    async fn keys(&self) -> Vec<StoredKey> {
        self.store.signing_keys(self.env.now()).await.unwrap()
    }
}

fn view() -> View {
    let at = Timestamp::from_seconds(START - 60);
    View {
        session: Session {
            id: SessionId::from_uuid(Uuid::from_u128(2)),
            factors: Factors::with(SecondFactor::Totp),
            auth_time: at,
            password_at: at,
            second_factor_at: Some(at),
            expires_at: at.plus(Duration::from_secs(36_000)),
            last_seen_at: at,
            trusted_device: None,
        },
        subject: Arc::new(Subject::of(&person())),
        host: None,
    }
}

fn person() -> Account {
    let at = Timestamp::from_seconds(START - 60);
    Account {
        id: AccountId::from_uuid(Uuid::from_u128(1)),
        login: "aino".into(),
        email: Some("aino@example.com".into()),
        name: "Aino Virtanen, \"ä\"".into(),
        groups: BTreeSet::from(["staff".to_owned(), "finance".to_owned()]).into(),
        attributes: Default::default(),
        language: None,
        status: Status::Active,
        created_at: at,
        password: None,
        totp: None,
        reminder: Default::default(),
        history: crate::domain::account::History::default(),
    }
}

fn spec(audience: &str) -> AssertionSpec {
    AssertionSpec {
        header: "X-Vestibule-Assertion".into(),
        audience: audience.into(),
        lifetime: Duration::from_secs(300),
    }
}

type Edit = fn(&mut View);

fn edit(view: &mut View, change: fn(&mut Account)) {
    let mut person = person();
    change(&mut person);
    view.subject = Arc::new(Subject::of(&person));
}

fn text(value: &HeaderValue) -> String {
    value.to_str().unwrap().to_owned()
}

/// What an application does; the time is the library's own, so expiry is looked at elsewhere.
fn verify(token: &str, jwks: &str, audience: &str) -> Result<Value, String> {
    let header = decode_header(token).map_err(|e| e.to_string())?;
    if header.typ.as_deref() != Some(TYPE) {
        return Err("typ".into());
    }
    let set: JwkSet = serde_json::from_str(jwks).unwrap();
    let jwk = set
        .find(header.kid.as_deref().unwrap_or_default())
        .ok_or("unknown kid")?;
    let mut rules = Validation::new(Algorithm::ES256);
    rules.set_audience(&[audience]);
    rules.set_issuer(&[ISSUER]);
    rules.validate_exp = false;
    let key = DecodingKey::from_jwk(jwk).unwrap();
    let token = decode::<Value>(token, &key, &rules).map_err(|e| e.to_string())?;
    Ok(token.claims)
}

#[tokio::test]
async fn an_assertion_says_who_is_there_and_verifies_with_the_published_key() {
    let signer = World::new().await.signer().await;
    let value = signer.assertion(&view(), &spec(WIKI)).unwrap();
    assert!(value.is_sensitive());
    let mut claims = verify(&text(&value), &signer.jwks(), WIKI).unwrap();
    assert!(
        claims["jti"]
            .take()
            .as_str()
            .is_some_and(|id| id.len() == 32)
    );
    let expected = json!({
        "iss": ISSUER, "aud": WIKI, "sub": "00000000-0000-0000-0000-000000000001",
        "login": "aino", "email": "aino@example.com", "name": "Aino Virtanen, \"ä\"",
        "groups": ["finance", "staff"], "acr": "aal2", "amr": ["pwd", "otp", "mfa"],
        "auth_time": START - 60, "sid": "00000000-0000-0000-0000-000000000002",
        "iat": START, "nbf": START, "exp": START + 300, "jti": null,
    });
    assert_eq!(claims, expected);
}

#[tokio::test]
async fn the_published_set_has_public_members_only_and_thumbprints_as_ids() {
    let signer = World::new().await.signer().await;
    let jwks: Value = serde_json::from_str(&signer.jwks()).unwrap();
    let key = jwks["keys"][0].as_object().unwrap();
    let members: Vec<_> = key.keys().map(String::as_str).collect();
    assert_eq!(members, ["alg", "crv", "kid", "kty", "use", "x", "y"]);
    assert_eq!(
        (&key["alg"], &key["crv"], &key["kty"], &key["use"]),
        (
            &json!("ES256"),
            &json!("P-256"),
            &json!("EC"),
            &json!("sig")
        )
    );
    let jwk: jsonwebtoken::jwk::Jwk = serde_json::from_value(jwks["keys"][0].clone()).unwrap();
    let thumbprint = jwk.thumbprint(ThumbprintHash::SHA256).unwrap();
    assert_eq!(key["kid"], json!(thumbprint));
    assert_eq!(thumbprint, signer.current_key().as_str());
}

/// Each line is an attacker's try on an application that verifies as the guide says.
#[tokio::test]
async fn forged_and_misdirected_assertions_are_refused() {
    let signer = World::new().await.signer().await;
    let token = text(&signer.assertion(&view(), &spec(WIKI)).unwrap());
    let [header, payload, signature]: [&str; 3] =
        token.split('.').collect::<Vec<_>>().try_into().unwrap();
    let encode = |value: Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let mut admin: Value =
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap();
    admin["login"] = json!("admin");
    let admin = encode(admin);
    let kid = signer.current_key();
    let kid = kid.as_str();
    let check = |what: &str, token: String, audience: &str| {
        assert!(verify(&token, &signer.jwks(), audience).is_err(), "{what}");
    };

    check(
        "token of one application at another",
        token.clone(),
        "https://payroll.example.com",
    );
    check(
        "changed payload",
        format!("{header}.{admin}.{signature}"),
        WIKI,
    );
    check("no signature", format!("{header}.{payload}."), WIKI);
    let mut other = URL_SAFE_NO_PAD.decode(signature).unwrap();
    other[5] ^= 1;
    check(
        "changed signature",
        format!("{header}.{payload}.{}", URL_SAFE_NO_PAD.encode(other)),
        WIKI,
    );
    check(
        "a signature of zeros",
        format!("{header}.{admin}.{}", URL_SAFE_NO_PAD.encode([0; 64])),
        WIKI,
    );
    for none in ["none", "None", "NONE", ""] {
        let header = encode(json!({"alg": none, "kid": kid, "typ": TYPE}));
        check("alg none", format!("{header}.{admin}."), WIKI);
    }

    // the public key as HMAC secret, in each form an attacker can have it
    let jwks: Value = serde_json::from_str(&signer.jwks()).unwrap();
    let part = |name: &str| {
        URL_SAFE_NO_PAD
            .decode(jwks["keys"][0][name].as_str().unwrap())
            .unwrap()
    };
    let point = [&[4u8][..], &part("x"), &part("y")].concat();
    for secret in [
        point,
        jwks["keys"][0].to_string().into_bytes(),
        signer.jwks().as_bytes().to_vec(),
    ] {
        let header = encode(json!({"alg": "HS256", "kid": kid, "typ": TYPE}));
        let message = format!("{header}.{admin}");
        let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, &secret);
        let tag = URL_SAFE_NO_PAD.encode(ring::hmac::sign(&key, message.as_bytes()));
        check(
            "HS256 with the public key",
            format!("{message}.{tag}"),
            WIKI,
        );
    }

    // a key of the attacker's own, in the header and by somebody else's Vestibule
    let stranger = World::new().await;
    let stranger = stranger.signer().await;
    let foreign = text(&stranger.assertion(&view(), &spec(WIKI)).unwrap());
    check("another Vestibule's token", foreign.clone(), WIKI);
    let mine: Value = serde_json::from_str(&stranger.jwks()).unwrap();
    let header = encode(json!({"alg": "ES256", "kid": kid, "typ": TYPE, "jwk": mine["keys"][0]}));
    let rest = foreign.split_once('.').unwrap().1;
    check("jwk in the header", format!("{header}.{rest}"), WIKI);
}

#[tokio::test]
async fn a_token_is_sent_again_until_half_of_its_life_is_gone() {
    let world = World::new().await;
    let metrics = Arc::new(Metrics::new("1", 0));
    let signer = world.signer().await.counting(metrics.clone());
    let ask = || text(&signer.assertion(&view(), &spec(WIKI)).unwrap());
    let first = ask();
    world.clock.advance(149);
    assert_eq!(ask(), first);
    world.clock.advance(1);
    let second = ask();
    assert_ne!(second, first);
    let claims = verify(&second, &signer.jwks(), WIKI).unwrap();
    assert_eq!(claims["exp"], json!(START + 450));
    world.clock.advance(-10_000);
    assert_ne!(ask(), second, "the clock was set back");
    let text = metrics.encode().unwrap();
    assert!(
        text.contains("vestibule_assertions_signed_total 3"),
        "{text}"
    );
}

#[tokio::test]
async fn any_difference_in_what_it_says_makes_a_new_one() {
    let world = World::new().await;
    let signer = world.signer().await;
    let ask = |view: &View, spec: &AssertionSpec| {
        let token = text(&signer.assertion(view, spec).unwrap());
        verify(&token, &signer.jwks(), &spec.audience).unwrap()
    };
    let first = ask(&view(), &spec(WIKI));
    let again = ask(&view(), &spec(WIKI));
    assert_eq!(
        first["jti"], again["jti"],
        "an equal account read again from the store"
    );

    let changes: [(&str, Edit); 7] = [
        ("groups", |v| {
            edit(v, |a| {
                Arc::make_mut(&mut a.groups).insert("admins".into());
            })
        }),
        ("login", |v| edit(v, |a| a.login = "aino2".into())),
        ("email", |v| edit(v, |a| a.email = None)),
        ("name", |v| edit(v, |a| a.name = "A".into())),
        ("acr", |v| v.session.factors = Factors::PASSWORD),
        ("auth_time", |v| {
            v.session.auth_time = v.session.auth_time.plus(Duration::from_secs(9))
        }),
        ("sid", |v| {
            v.session.id = SessionId::from_uuid(Uuid::from_u128(3))
        }),
    ];
    for (claim, change) in changes {
        let mut other = view();
        change(&mut other);
        let claims = ask(&other, &spec(WIKI));
        assert_ne!(claims[claim], first[claim], "{claim}");
        assert_ne!(claims["jti"], first["jti"], "{claim}");
    }
    let payroll = ask(&view(), &spec("https://payroll.example.com"));
    assert_eq!(payroll["aud"], json!("https://payroll.example.com"));
    let mut shorter = spec(WIKI);
    shorter.lifetime = Duration::from_secs(60);
    assert_eq!(ask(&view(), &shorter)["exp"], json!(START + 60));
}

#[tokio::test]
async fn rotation_overlaps_by_a_day() {
    let world = World::new().await;
    let signer = world.signer().await;
    let old = text(&signer.assertion(&view(), &spec(WIKI)).unwrap());
    let old_key = signer.current_key();

    world.clock.advance(10);
    let id = rotate(&*world.store, &world.vault, &world.env)
        .await
        .unwrap();
    signer.reload().await.unwrap();
    assert_eq!(signer.current_key(), id);
    let new = text(&signer.assertion(&view(), &spec(WIKI)).unwrap());
    assert_eq!(
        decode_header(&new).unwrap().kid.as_deref(),
        Some(id.as_str())
    );
    for token in [&old, &new] {
        verify(token, &signer.jwks(), WIKI).unwrap();
    }
    let listed = list(&*world.store, &world.env).await.unwrap();
    let until = Timestamp::from_seconds(START + 10).plus(PUBLISHED_AFTER_RETIREMENT);
    let shown: Vec<_> = listed.iter().map(|k| (&k.id, k.retired_until)).collect();
    assert_eq!(shown, [(&id, None), (&old_key, Some(until))]);
    let everything = AuditFilter {
        limit: 10,
        ..AuditFilter::default()
    };
    let trail = world.store.audit(&everything).await.unwrap();
    assert_eq!(
        (trail[0].record.event, &trail[0].record.actor),
        (Event::KeyRotated, &Actor::Operator)
    );

    // even a node that hears of nothing stops publishing the old key in time
    world.clock.advance(86_399);
    assert!(signer.jwks().contains(old_key.as_str()));
    world.clock.advance(1);
    assert!(!signer.jwks().contains(old_key.as_str()));
    assert!(verify(&old, &signer.jwks(), WIKI).is_err());
    assert!(signer.jwks().contains(id.as_str()));
}

#[tokio::test]
async fn a_restart_keeps_the_key_and_two_first_starts_agree() {
    let world = World::new().await;
    let first = world.signer().await;
    let second = world.signer().await;
    assert_eq!(first.current_key(), second.current_key());

    // a race: both have seen an empty store, in the same second
    let (left, right) = (World::new().await, World::new().await);
    left.signer().await;
    right.signer().await;
    let (left, right) = (left.keys().await, right.keys().await);
    let one = World::with_keys(&[&left[0], &right[0]])
        .await
        .signer()
        .await;
    let two = World::with_keys(&[&right[0], &left[0]])
        .await
        .signer()
        .await;
    assert_eq!(one.current_key(), two.current_key());
    assert_eq!(one.jwks(), two.jwks());
    for key in [&left[0], &right[0]] {
        assert!(two.jwks().contains(&key.id));
    }
    let token = text(&one.assertion(&view(), &spec(WIKI)).unwrap());
    verify(&token, &two.jwks(), WIKI).unwrap();
}

#[tokio::test]
async fn a_row_slipped_into_the_store_is_neither_used_nor_published() {
    let world = World::new().await;
    let good = world.signer().await.current_key();
    let ours = world.keys().await.remove(0);
    let mut slipped = {
        let other = World::new().await;
        let thief = Vault::from_key(&[9; 32], &other.env);
        rotate(&*other.store, &thief, &other.env).await.unwrap();
        other.keys().await.remove(0)
    };
    slipped.created_at = Timestamp::from_seconds(START + 1_000);
    let signer = World::with_keys(&[&slipped, &ours]).await.signer().await;
    assert_eq!(signer.current_key(), good);
    assert!(!signer.jwks().contains(&slipped.id));

    // a sealed key of ours under another public key
    let mut grafted = ours.clone();
    grafted.public.clone_from(&slipped.public);
    let grafted = World::with_keys(&[&grafted]).await;
    assert!(matches!(grafted.load().await, Err(Fault::Foreign(_))));
    let wrong_key_file = World::with_keys(&[&slipped]).await;
    let loaded = wrong_key_file.load().await;
    assert!(matches!(loaded, Err(Fault::Sealed { .. })));
    let kept = wrong_key_file.keys().await.len();
    assert_eq!(kept, 1, "no new key hides the wrong key file");
}

#[tokio::test]
async fn a_failing_store_leaves_the_keys_as_they_were() {
    let world = World::new().await;
    let signer = world.signer().await;
    std::fs::remove_file(world.dir.path().join("store.db")).unwrap();
    assert!(matches!(signer.reload().await, Err(Fault::Store(_))));
    let token = text(&signer.assertion(&view(), &spec(WIKI)).unwrap());
    verify(&token, &signer.jwks(), WIKI).unwrap();
    assert!(world.load().await.is_err());
}
