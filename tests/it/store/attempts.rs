use super::sample::*;
use vestibule::store::{Change, Store};

pub fn advance(t: u8, from_version: i64, sealed: &[u8]) -> Change {
    Change::MoveAttempt {
        token: token(t),
        from_version,
        sealed: sealed.to_vec(),
    }
}

pub async fn they_move_by_version(s: &dyn Store) {
    done(s, [add(1), start(1, 1)]).await;
    lost(s, 0, [start(1, 1)]).await;
    assert_eq!(s.attempt(&token(1)).await.unwrap(), Some(attempt(1)));
    lost(s, 0, [advance(1, 1, b"x")]).await;
    done(s, [advance(1, 0, b"two")]).await;
    lost(s, 0, [advance(1, 0, b"x")]).await;
    done(s, [advance(1, 1, b"three")]).await;
    let mut want = attempt(1);
    want.version = 2;
    want.sealed = b"three".to_vec();
    assert_eq!(s.attempt(&token(1)).await.unwrap(), Some(want));
    lost(s, 0, [advance(2, 0, b"x")]).await;
}

pub async fn they_end_by_version_or_by_force(s: &dyn Store) {
    let end = |t, from_version| Change::EndAttempt {
        token: token(t),
        from_version,
    };
    let discard = |t| Change::DropAttempt { token: token(t) };
    done(s, [add(1), start(1, 1), start(2, 1)]).await;
    done(s, [advance(1, 0, b"x")]).await;
    lost(s, 0, [end(1, 0)]).await;
    done(s, [end(1, 1)]).await;
    lost(s, 0, [end(1, 1)]).await;
    assert_eq!(s.attempt(&token(1)).await.unwrap(), None);
    done(s, [advance(2, 0, b"x"), discard(2), discard(2)]).await;
    assert_eq!(s.attempt(&token(2)).await.unwrap(), None);
}

pub async fn those_of_an_account_end_but_one(s: &dyn Store) {
    done(s, [add(1), add(2)]).await;
    done(s, [start(1, 1), start(2, 1), start(3, 1), start(4, 2)]).await;
    let left = async || {
        let mut left = Vec::new();
        for t in 1..=4 {
            if s.attempt(&token(t)).await.unwrap().is_some() {
                left.push(t);
            }
        }
        left
    };
    let drop_all = |except: Option<u8>| Change::DropAttemptsOf {
        account: account_id(1),
        except: except.map(token),
    };
    done(s, [drop_all(Some(2))]).await;
    assert_eq!(left().await, [2, 4]);
    done(s, [drop_all(None), drop_all(None)]).await;
    assert_eq!(left().await, [4]);
}
