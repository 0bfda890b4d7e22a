use super::sample::*;
use super::throttle::{RULE, bucket};
use vestibule::domain::audit::Event;
use vestibule::domain::throttle::Kind;
use vestibule::store::{Change, Store};

pub async fn what_has_run_out_goes_and_the_rest_stays(s: &dyn Store) {
    let account = account_id(1);
    let code = one_time_code(1);
    let key = Change::AddSigningKey(signing_key(1, 9));
    let next = Change::AddSigningKey(signing_key(2, 0));
    let retire = Change::RetireOtherKeys {
        current: "key2".to_owned(),
        published_until: later(700),
    };
    let audit = Change::Audit(record(Event::SignedIn, Some(1), NOW));
    let issue = Change::IssueTicket {
        token: token(8),
        ticket: ticket(1),
    };
    done(s, [add(1), open(1, 1, 1), child(1, 2), start(7, 1)]).await;
    done(s, [issue, Change::IssueOneTimeCode { account, code }]).await;
    done(s, [key, next, retire, audit]).await;
    let rules = [(bucket(Kind::Code, 1), RULE)];
    for _ in 0..5 {
        let _ = s.count_try(&rules, NOW).await.unwrap();
    }

    // (after this many seconds, is it still there?): ticket, code, key, attempt, session
    for (at, want) in [
        (29, [true, true, true, true, true]),
        (30, [false, true, true, true, true]),
        (600, [false, false, true, true, true]),
        (700, [false, false, false, true, true]),
        (900, [false, false, false, false, true]),
        (36_000, [false, false, false, false, false]),
    ] {
        s.sweep(later(at)).await.unwrap();
        let there = [
            s.ticket(&token(8)).await.unwrap().is_some(),
            s.one_time_code(account).await.unwrap().is_some(),
            s.signing_keys(NOW).await.unwrap().len() == 2,
            s.attempt(&token(7)).await.unwrap().is_some(),
            s.session(&token(1), NOW).await.unwrap().is_some(),
        ];
        assert_eq!(there, want, "after {at} s");
    }
    assert!(s.session(&token(2), NOW).await.unwrap().is_none());
    assert_eq!(trail(s).await.len(), 1, "the trail stays");
    assert_eq!(get(s, 1).await, signed_in(1));
    assert_eq!(s.signing_keys(NOW).await.unwrap(), [signing_key(2, 0)]);

    // Notices stay for an hour after the first sweep that met them; the newest one stays, for its number.
    let last = s.last_notice().await.unwrap();
    done(s, [bind(1, 1), bind(1, 2)]).await;
    let all = async || s.notices(0).await.unwrap().1.len();
    s.sweep(later(40_000)).await.unwrap();
    assert_eq!(s.notices(last).await.unwrap().1.len(), 2);
    s.sweep(later(43_599)).await.unwrap();
    assert_eq!(all().await, 2);
    for at in [43_600, 90_000] {
        s.sweep(later(at)).await.unwrap();
        assert_eq!(all().await, 1);
        assert_eq!(s.last_notice().await.unwrap(), last + 2);
    }
    done(s, [bind(1, 3)]).await;
    let (next, told) = s.notices(last + 2).await.unwrap();
    assert_eq!((next, told.len()), (last + 3, 1));
}
