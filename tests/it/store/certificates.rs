//! Certificates of an ACME server, and who may order one.

use super::sample::*;
use std::time::Duration;
use vestibule::domain::timestamp::Timestamp;
use vestibule::store::{Change, OrderClaim, OrderState, Store, StoredCertificate};

const HERE: &str = "https://acme.test/directory";

fn certificate(name: &str, from: Timestamp) -> StoredCertificate {
    StoredCertificate {
        directory: HERE.to_owned(),
        host: host(name),
        chain: format!("the chain of {name}"),
        sealed_key: vec![0, 1, 255],
        not_before: from,
        not_after: from.plus(Duration::from_secs(1000)),
    }
}

fn keep(certificate: StoredCertificate, next_try_at: Timestamp) -> Change {
    Change::KeepCertificate {
        certificate: Box::new(certificate),
        next_try_at,
    }
}

pub(super) fn claim(name: &str, replaces: Option<Timestamp>, now: Timestamp) -> OrderClaim {
    OrderClaim {
        directory: HERE.to_owned(),
        host: host(name),
        replaces,
        now,
        lease_until: now.plus(Duration::from_secs(60)),
    }
}

const fn failed(failures: u32, server_failures: u32) -> Option<OrderState> {
    Some(OrderState {
        failures,
        server_failures,
    })
}

pub async fn certificates_are_one_a_host_and_server(s: &dyn Store) {
    assert_eq!(s.certificates(HERE).await.unwrap(), []);
    let (a, b) = (certificate("a.test", NOW), certificate("b.test", NOW));
    done(s, [keep(b.clone(), NOW), keep(a.clone(), NOW)]).await;
    assert_eq!(s.certificates(HERE).await.unwrap(), [a, b.clone()]);
    let newer = certificate("a.test", later(500));
    done(s, [keep(newer.clone(), NOW)]).await;
    assert_eq!(s.certificates(HERE).await.unwrap(), [newer.clone(), b]);
    assert_eq!(s.certificates("https://other.test/").await.unwrap(), []);
    // thirty days after its end nobody asks for it any more
    s.sweep(later(1000 + 2_592_000)).await.unwrap();
    assert_eq!(s.certificates(HERE).await.unwrap(), [newer]);
}

pub async fn an_account_is_made_once_and_forgotten(s: &dyn Store) {
    let add = |sealed: u8| Change::AddAcmeAccount {
        directory: HERE.to_owned(),
        sealed: vec![sealed],
    };
    assert_eq!(s.acme_account(HERE).await.unwrap(), None);
    let _ = s.claim_order(&claim("a.test", None, NOW)).await.unwrap();
    assert_eq!(s.acme_account(HERE).await.unwrap(), None);
    done(s, [add(1)]).await;
    lost(s, 0, [add(2)]).await;
    assert_eq!(s.acme_account(HERE).await.unwrap(), Some(vec![1]));
    assert_eq!(s.acme_account("https://other.test/").await.unwrap(), None);
    let directory = HERE.to_owned();
    done(s, [Change::ForgetAcmeAccount { directory }, add(3)]).await;
    assert_eq!(s.acme_account(HERE).await.unwrap(), Some(vec![3]));
}

pub async fn an_order_waits_for_its_lease_and_its_failures(s: &dyn Store) {
    let ask = async |name: &str, at: u64| {
        let claim = claim(name, None, later(at));
        s.claim_order(&claim).await.unwrap()
    };
    assert_eq!(ask("a.test", 0).await, failed(0, 0));
    assert_eq!(ask("a.test", 59).await, None, "the lease runs");
    assert_eq!(ask("b.test", 0).await, failed(0, 0), "another host");
    assert_eq!(ask("a.test", 60).await, failed(0, 0), "whoever had it died");
    let defer = |at| Change::DeferOrder {
        directory: HERE.to_owned(),
        host: host("a.test"),
        next_try_at: later(at),
    };
    done(s, [defer(300)]).await;
    assert_eq!(ask("a.test", 299).await, None);
    assert_eq!(ask("a.test", 300).await, failed(1, 0));
    done(s, [defer(400)]).await;
    // the server's own failure holds everybody
    let everybody = Change::DeferOrders {
        directory: HERE.to_owned(),
        next_try_at: later(1000),
    };
    done(s, [everybody]).await;
    for name in ["a.test", "b.test", "c.test"] {
        assert_eq!(ask(name, 999).await, None, "{name}");
    }
    assert_eq!(ask("c.test", 1000).await, failed(0, 1));
    assert_eq!(ask("a.test", 1000).await, failed(2, 1));
    // success forgets them
    let new = certificate("a.test", later(1000));
    let end = new.not_after;
    done(s, [keep(new, later(1500))]).await;
    let renew = async |replaces, at| {
        let claim = claim("a.test", replaces, later(at));
        s.claim_order(&claim).await.unwrap()
    };
    assert_eq!(renew(Some(end), 1499).await, None, "too soon");
    assert_eq!(renew(None, 1500).await, None, "it was replaced meanwhile");
    assert_eq!(renew(Some(end), 1500).await, failed(0, 0));
}
