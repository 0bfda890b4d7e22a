//! A certificate authority for this machine, and the certificate of the demo's hosts.
//!
//! The authority is limited to `localhost` and 127.0.0.0/8 (RFC 5280 4.2.1.10): whoever trusts it and loses
//! its key loses nothing else. Each PEM file begins with lines (RFC 7468 2 allows them) that say until when and
//! for which names it is good, so that a later start knows without reading ASN.1.

use super::Fault;
use super::layout::{Layout, read, remove, write_private};
use crate::domain::timestamp::{DAY, Timestamp};
use crate::env::Env;
use rcgen::{
    BasicConstraints, CertificateParams, CidrSubnet, DnType, ExtendedKeyUsagePurpose,
    GeneralSubtree, IsCa, Issuer, KeyPair, KeyUsagePurpose, NameConstraints,
};
use time::OffsetDateTime;

/// Subject alternative names of the demo's certificate.
pub const NAMES: [&str; 5] = [
    "login.localhost",
    "wiki.localhost",
    "payroll.localhost",
    "localhost",
    "127.0.0.1",
];

const CA_DAYS: i64 = 3_650;
/// What browsers take from any authority; 825 would be the most for one that a person has added.
const LEAF_DAYS: i64 = 397;
/// Less than this left: made again.
const RENEW_DAYS: i64 = 30;

/// Makes what is missing or about to run out: `ca.pem`, `ca.key`, `cert.pem`, `cert.key`.
pub fn ensure(layout: &Layout, env: &Env) -> Result<(), Fault> {
    let now = env.now();
    let authority = match authority(layout, now)? {
        Some(issuer) => issuer,
        None => {
            let issuer = make_authority(layout, env)?;
            return make_leaf(layout, env, &issuer);
        }
    };
    let good = read(&layout.certificate())?
        .is_some_and(|pem| is_good(&pem, now) && pem.contains(&names_line()));
    if good && layout.certificate_key().exists() {
        return Ok(());
    }
    make_leaf(layout, env, &authority)
}

/// The authority of an earlier start, where it is whole and good for long enough.
fn authority(layout: &Layout, now: Timestamp) -> Result<Option<Issuer<'static, KeyPair>>, Fault> {
    let (Some(pem), Some(key)) = (read(&layout.ca())?, read(&layout.ca_key())?) else {
        return Ok(None);
    };
    if !is_good(&pem, now) {
        return Ok(None);
    }
    let key = KeyPair::from_pem(&key).map_err(|e| Fault::Unreadable {
        path: layout.ca_key().display().to_string(),
        reason: e.to_string(),
    })?;
    Ok(Some(Issuer::new(authority_params(now), key)))
}

fn make_authority(layout: &Layout, env: &Env) -> Result<Issuer<'static, KeyPair>, Fault> {
    let params = authority_params(env.now());
    let key = KeyPair::generate()?;
    let certificate = params.self_signed(&key)?;
    let pem = with_head(
        "Demo certificate authority of Vestibule",
        &params,
        &certificate.pem(),
    );
    remove(&layout.ca())?;
    write_private(&layout.ca_key(), key.serialize_pem().as_bytes())?;
    write_private(&layout.ca(), pem.as_bytes())?;
    Ok(Issuer::new(params, key))
}

fn make_leaf(
    layout: &Layout,
    env: &Env,
    authority: &Issuer<'static, KeyPair>,
) -> Result<(), Fault> {
    let (params, certificate, key) = issue(&NAMES, env.now(), authority)?;
    let pem = with_head("Certificate of the demo's hosts", &params, &certificate);
    remove(&layout.certificate())?;
    write_private(&layout.certificate_key(), key.serialize_pem().as_bytes())?;
    write_private(&layout.certificate(), pem.as_bytes())
}

fn issue(
    names: &[&str],
    now: Timestamp,
    authority: &Issuer<'static, KeyPair>,
) -> Result<(CertificateParams, String, KeyPair), Fault> {
    let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
    let mut params = CertificateParams::new(names)?;
    params
        .distinguished_name
        .push(DnType::CommonName, "Vestibule demo");
    validity(&mut params, now, LEAF_DAYS);
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.use_authority_key_identifier_extension = true;
    let key = KeyPair::generate()?;
    let certificate = params.signed_by(&key, authority)?;
    Ok((params, certificate.pem(), key))
}

fn authority_params(now: Timestamp) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(
        DnType::CommonName,
        "Vestibule demo authority (this machine only)",
    );
    validity(&mut params, now, CA_DAYS);
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params.name_constraints = Some(NameConstraints {
        permitted_subtrees: vec![
            GeneralSubtree::DnsName("localhost".to_owned()),
            GeneralSubtree::IpAddress(CidrSubnet::from_v4_prefix([127, 0, 0, 0], 8)),
        ],
        excluded_subtrees: Vec::new(),
    });
    params
}

/// From yesterday on, for clocks that are a little behind.
fn validity(params: &mut CertificateParams, now: Timestamp, days: i64) {
    let at = |offset: i64| {
        let seconds = now.seconds().saturating_add(offset.saturating_mul(DAY));
        OffsetDateTime::from_unix_timestamp(seconds).unwrap_or(OffsetDateTime::UNIX_EPOCH)
    };
    params.not_before = at(-1);
    params.not_after = at(days - 1);
}

const EXPIRES: &str = "Good until (Unix time): ";

fn with_head(title: &str, params: &CertificateParams, pem: &str) -> String {
    let until = params.not_after;
    format!(
        "{title}\n{EXPIRES}{} ({})\n{}\n{pem}",
        until.unix_timestamp(),
        until.date(),
        names_line()
    )
}

fn names_line() -> String {
    format!("For: {}", NAMES.join(", "))
}

fn is_good(pem: &str, now: Timestamp) -> bool {
    let line = pem.lines().find_map(|line| line.strip_prefix(EXPIRES));
    let until = line.and_then(|rest| rest.split(' ').next()?.parse::<i64>().ok());
    until.is_some_and(|until| until.saturating_sub(now.seconds()) >= RENEW_DAYS * DAY)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::env::{Entropy, ManualClock};
    use rustls::client::WebPkiServerVerifier;
    use rustls::client::danger::ServerCertVerifier as _;
    use rustls::pki_types::pem::PemObject as _;
    use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
    use std::os::unix::fs::PermissionsExt as _;
    use std::sync::Arc;
    use std::time::Duration;

    struct NoEntropy;

    impl Entropy for NoEntropy {
        fn fill(&self, _: &mut [u8]) {}
    }

    /// 2026-01-01.
    const START: i64 = 1_767_225_600;

    struct World {
        clock: Arc<ManualClock>,
        env: Env,
        layout: Layout,
        _dir: tempfile::TempDir,
    }

    impl World {
        fn new() -> Self {
            let clock = Arc::new(ManualClock::at(START));
            let dir = tempfile::tempdir().unwrap();
            Self {
                env: Env::new(clock.clone(), Arc::new(NoEntropy)),
                layout: Layout::open(dir.path()).unwrap(),
                clock,
                _dir: dir,
            }
        }

        fn files(&self) -> [Vec<u8>; 2] {
            [self.layout.ca(), self.layout.certificate()].map(|p| std::fs::read(p).unwrap())
        }

        /// Whether a client that trusts only `ca.pem` takes this certificate for this name.
        fn trusts(&self, pem: &[u8], name: &str) -> bool {
            let mut roots = rustls::RootCertStore::empty();
            let ca = std::fs::read(self.layout.ca()).unwrap();
            roots
                .add(CertificateDer::from_pem_slice(&ca).unwrap())
                .unwrap();
            let provider = Arc::new(rustls::crypto::ring::default_provider());
            let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider)
                .build()
                .unwrap();
            let leaf = CertificateDer::from_pem_slice(pem).unwrap();
            let name = ServerName::try_from(name).unwrap();
            let now = Duration::from_secs(self.env.now().seconds().unsigned_abs());
            let now = UnixTime::since_unix_epoch(now);
            verifier
                .verify_server_cert(&leaf, &[], &name, &[], now)
                .is_ok()
        }
    }

    #[test]
    fn clients_that_trust_the_authority_take_all_names_and_no_other() {
        let world = World::new();
        ensure(&world.layout, &world.env).unwrap();
        let [_, leaf] = world.files();
        for name in NAMES {
            assert!(world.trusts(&leaf, name), "{name}");
        }
        for name in ["evil.localhost", "example.com", "127.0.0.2"] {
            assert!(!world.trusts(&leaf, name), "{name}");
        }
        let key = std::fs::read(world.layout.certificate_key()).unwrap();
        assert!(PrivateKeyDer::from_pem_slice(&key).is_ok());
        for private in [world.layout.ca_key(), world.layout.certificate_key()] {
            let mode = std::fs::metadata(private).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
    }

    #[test]
    fn a_stolen_authority_cannot_speak_for_the_internet() {
        let world = World::new();
        ensure(&world.layout, &world.env).unwrap();
        let now = world.env.now();
        let authority = authority(&world.layout, now).unwrap().unwrap();
        for (name, trusted) in [
            ("www.example.com", false),
            ("10.0.0.1", false),
            ("notlocalhost", false),
            ("other.localhost", true),
        ] {
            let (_, pem, _) = issue(&[name], now, &authority).unwrap();
            assert_eq!(world.trusts(pem.as_bytes(), name), trusted, "{name}");
        }
    }

    #[test]
    fn certificates_are_kept_until_they_are_about_to_run_out() {
        let world = World::new();
        let start = || {
            ensure(&world.layout, &world.env).unwrap();
            world.files()
        };
        let first = start();
        assert_eq!(start(), first);
        world.clock.advance((LEAF_DAYS - 1 - RENEW_DAYS) * DAY);
        assert_eq!(start(), first);
        world.clock.advance(1);
        let second = start();
        assert_eq!(
            second[0], first[0],
            "the authority that browsers trust stays"
        );
        assert_ne!(second[1], first[1]);
        assert!(world.trusts(&second[1], "wiki.localhost"));

        std::fs::remove_file(world.layout.ca_key()).unwrap();
        let third = start();
        assert_ne!(third[0], second[0]);
        assert!(world.trusts(&third[1], "wiki.localhost"));
        world.clock.advance(CA_DAYS * DAY);
        let fourth = start();
        assert_ne!(fourth[0], third[0]);
        assert!(world.trusts(&fourth[1], "wiki.localhost"));
    }
}
