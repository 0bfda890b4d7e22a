use super::sample::*;
use std::time::Duration;
use vestibule::domain::throttle::{Admission, Bucket, Exhaustion, Kind, Rule};
use vestibule::domain::timestamp::Timestamp;
use vestibule::store::{Change, Store};

pub const RULE: Rule = Rule {
    free: 5,
    then: 2,
    first_pause: Duration::from_secs(900),
    longest_pause: Duration::from_secs(3600),
    forget_after: Duration::from_secs(86_400),
    exhausted_after: None,
};

pub fn bucket(kind: Kind, n: u8) -> Bucket {
    Bucket::new(kind, &[n])
}

/// One try; spelled `a` admitted, `l` the last before a pause, `p` paused.
async fn story(s: &dyn Store, b: &[(Bucket, Rule)], at: &[u64]) -> String {
    let mut story = String::new();
    for seconds in at {
        story.push(match s.count_try(b, later(*seconds)).await.unwrap() {
            Admission::Admitted {
                pause_if_wrong: None,
                ..
            } => 'a',
            Admission::Admitted { .. } => 'l',
            Admission::Paused { .. } => 'p',
        });
    }
    story
}

pub async fn five_then_a_pause(s: &dyn Store) {
    let b = [(bucket(Kind::Code, 1), RULE)];
    let at = [0, 0, 0, 0, 0, 0, 899, 900, 900, 900, 2699, 2700];
    assert_eq!(story(s, &b, &at).await, "aaaalppalppa");
    // The same subject in another kind is another counter.
    let other = [(bucket(Kind::Password, 1), RULE)];
    assert_eq!(story(s, &other, &[0]).await, "a");
}

pub async fn a_paused_bucket_stops_all_counting(s: &dyn Store) {
    let free = (bucket(Kind::Network, 1), RULE);
    let one = (bucket(Kind::Code, 1), RULE);
    let longer = Rule {
        first_pause: Duration::from_secs(1800),
        ..RULE
    };
    let two = (bucket(Kind::Code, 2), longer);
    assert_eq!(story(s, &[one], &[0; 5]).await, "aaaal");
    assert_eq!(story(s, &[two], &[0; 5]).await, "aaaal");
    let both = s.count_try(&[free, one, two], NOW).await.unwrap();
    assert_eq!(both, Admission::Paused { until: later(1800) });
    assert_eq!(story(s, &[free, one], &[0; 50]).await, "p".repeat(50));
    assert_eq!(
        story(s, &[free], &[0; 6]).await,
        "aaaalp",
        "nothing counted"
    );
}

pub async fn forgiving_everything(s: &dyn Store) {
    let b = bucket(Kind::Code, 1);
    let rules = [(b, RULE)];
    assert_eq!(story(s, &rules, &[0; 6]).await, "aaaalp");
    done(s, [Change::ForgiveAll(b), Change::ForgiveAll(b)]).await;
    assert_eq!(story(s, &rules, &[0; 6]).await, "aaaalp");
}

pub async fn forgiving_one_try(s: &dyn Store) {
    let b = bucket(Kind::Network, 1);
    let rules = [(b, RULE)];
    let forgive = async |times: usize| done(s, vec![Change::ForgiveOne(b); times]).await;
    forgive(1).await; // Nothing there to forgive.
    assert_eq!(story(s, &rules, &[0; 3]).await, "aaa");
    forgive(2).await;
    assert_eq!(story(s, &rules, &[0; 5]).await, "aaalp");
    // The try that brought the pause was right: the pause goes, the four before it stay.
    forgive(1).await;
    assert_eq!(story(s, &rules, &[0; 2]).await, "lp");
    // The same in the second round, where two are free.
    assert_eq!(story(s, &rules, &[900, 900, 900]).await, "alp");
    forgive(1).await;
    assert_eq!(story(s, &rules, &[900, 900]).await, "lp");
    let next = s.count_try(&rules, later(900)).await.unwrap();
    let until = later(900 + 1800);
    assert_eq!(next, Admission::Paused { until }, "the second pause again");
    // More forgiven than counted never goes below nothing; the first pause stays remembered.
    forgive(9).await;
    assert_eq!(story(s, &rules, &[900; 3]).await, "alp");
}

pub async fn the_latest_pause_is_told(s: &dyn Store) {
    let strict = |seconds| Rule {
        free: 1,
        first_pause: Duration::from_secs(seconds),
        ..RULE
    };
    let b = [
        (bucket(Kind::Code, 1), strict(100)),
        (bucket(Kind::Network, 1), strict(300)),
        (bucket(Kind::Password, 1), RULE),
    ];
    let admitted = |until: Option<Timestamp>| Admission::Admitted {
        pause_if_wrong: until,
        exhaustion: Exhaustion::No,
    };
    let got = s.count_try(&b, NOW).await.unwrap();
    assert_eq!(got, admitted(Some(later(300))));
    let none = s.count_try(&[], NOW).await.unwrap();
    assert_eq!(none, admitted(None));
}
