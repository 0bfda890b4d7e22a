//! Properties of the sign-in: no order of events opens a session that claims more than was proven.

use proptest::prelude::*;
use std::sync::Arc;
use std::time::Duration;
use uuid::Uuid;
use vestibule::domain::account::{Account, Attributes, PasswordHash, Status};
use vestibule::domain::assurance::{Assurance, Factors, SecondFactor};
use vestibule::domain::authenticator::{EmergencyCode, OneTimeCode, TotpBinding};
use vestibule::domain::binding::{App, EnrolmentProof};
use vestibule::domain::confirmation::{self, Purpose};
use vestibule::domain::device::{Device, TrustProof};
use vestibule::domain::id::{AccountId, AuthenticatorId, DeviceId, SessionId};
use vestibule::domain::login::{self, Grant, Next, Standing, State};
use vestibule::domain::reminder::{self, Record};
use vestibule::domain::secret::{Password, TotpSecret};
use vestibule::domain::session::Session;
use vestibule::domain::timestamp::Timestamp;
use vestibule::domain::verifier::{self, recovery_code, totp};

const NOW: Timestamp = Timestamp::from_seconds(1_111_111_111);
/// The code of `SECRET` at `NOW` (RFC 6238 appendix B).
const CODE: &str = "050471";
const SECRET: &[u8] = b"12345678901234567890";
const EMERGENCY: &str = "H7KQ2M9PXT4DABCD";
const ONE_TIME: &str = "7KQM4XTD";

fn id(n: u128) -> AuthenticatorId {
    AuthenticatorId::from_uuid(Uuid::from_u128(n))
}

fn account(with_app: bool) -> Account {
    Account {
        id: AccountId::from_uuid(Uuid::from_u128(1)),
        login: "aino".into(),
        email: None,
        name: "Aino".into(),
        groups: Arc::default(),
        attributes: Attributes::default(),
        language: None,
        status: Status::Active,
        created_at: NOW,
        // "password", cheap
        password: Some(PasswordHash::from_encoded("$argon2id$v=19$m=64,t=1,p=1$c29tZXNhbHQxMjM0$XGwudrQyZpM5r6bE+JPXm0bWMi+cf+YpxNyyObVISL8".into())),
        totp: with_app.then(|| TotpBinding {
            id: id(2),
            sealed_secret: Vec::new(),
            bound_at: NOW,
            last_step: 0,
            codes_unconfirmed: false,
        }),
        reminder: Record::default(),
        history: vestibule::domain::account::History::default(),
    }
}

#[derive(Clone, Copy, Debug)]
enum Event {
    RightCode,
    WrongCode,
    RightEmergency,
    WrongEmergency,
    RightOneTime,
    WrongOneTime,
    Temporarily,
    Permanently,
    Later,
    Enrol,
    Authorise,
    ChooseApp,
    ShowKey,
    ConfirmRight,
    ConfirmWrong,
    CodesStored,
    ChoosePassword,
    MailCode,
    MailedRight,
    MailedWrong,
    NoMail,
}

fn event() -> impl Strategy<Value = Event> {
    use Event::*;
    prop::sample::select(vec![
        RightCode,
        WrongCode,
        RightEmergency,
        WrongEmergency,
        RightOneTime,
        WrongOneTime,
        Temporarily,
        Permanently,
        Later,
        Enrol,
        Authorise,
        ChooseApp,
        ShowKey,
        ConfirmRight,
        ConfirmWrong,
        CodesStored,
        ChoosePassword,
        MailCode,
        MailedRight,
        MailedWrong,
        NoMail,
    ])
}

/// What the person has really shown.
#[derive(Default)]
struct Shown {
    second: bool,
    authorised: bool,
    new_password: bool,
    mailed: bool,
}

struct Run {
    account: Account,
    asked: EnrolmentProof,
    trusted: Option<TrustProof>,
    status: reminder::Status,
    shown: Shown,
}

impl Run {
    fn enter(&mut self, state: State, event: Event) -> Next {
        match (state, event) {
            (State::Code(s), Event::RightCode | Event::WrongCode) => {
                let right = matches!(event, Event::RightCode);
                let digits = if right { CODE } else { "000000" };
                let secret = TotpSecret::from_bytes(SECRET).unwrap();
                match totp::verify(digits, &self.account, &secret, NOW) {
                    Some(proof) => {
                        assert!(right);
                        self.shown.second = true;
                        s.complete(&proof, false).unwrap()
                    }
                    None => Next::Ask(State::Code(s)),
                }
            }
            (
                State::Code(s),
                Event::RightEmergency
                | Event::WrongEmergency
                | Event::RightOneTime
                | Event::WrongOneTime,
            ) => {
                let right = matches!(event, Event::RightEmergency | Event::RightOneTime);
                let proof = match event {
                    Event::RightEmergency => self.emergency(EMERGENCY),
                    Event::WrongEmergency => self.emergency("H7KQ2M9PXT4DABCE"),
                    Event::RightOneTime => self.one_time(ONE_TIME),
                    _ => self.one_time("7KQM4XTE"),
                };
                assert_eq!(proof.is_some(), right);
                match proof {
                    Some(proof) => {
                        self.shown.second = true;
                        Next::Ask(State::Lost(s.recover(&proof, 0, true).unwrap()))
                    }
                    None => Next::Ask(State::Code(s)),
                }
            }
            (State::NewPassword(s), Event::ChoosePassword) => {
                self.shown.new_password = true;
                s.chosen(self.standing())
            }
            (State::Lost(s), Event::Temporarily) => s.temporary().unwrap(),
            (State::Lost(s), Event::Permanently) => Next::Ask(State::Enrolment(s.permanent())),
            (State::Reminder(s), Event::Later) => s.later(),
            (State::Reminder(s), Event::Enrol) => Next::Ask(State::Enrolment(s.enrol(self.asked))),
            (State::Enrolment(s), Event::Authorise) => {
                let proof = self.one_time(ONE_TIME).unwrap();
                self.shown.authorised = true;
                Next::Ask(State::Enrolment(s.authorise(&proof).unwrap()))
            }
            (State::Enrolment(s), Event::MailCode) => {
                let until = NOW.plus(Duration::from_secs(60));
                self.shown.mailed = s.mail(NOW).is_some();
                Next::Ask(State::Enrolment(s.with_mailed(ONE_TIME.to_owned(), until)))
            }
            (State::Enrolment(s), Event::MailedRight) => {
                let authorised = s.enter_mailed(ONE_TIME, NOW);
                if authorised.is_ok() {
                    assert!(self.shown.mailed, "a code that was never mailed is right");
                    self.shown.authorised = true;
                }
                Next::Ask(State::Enrolment(authorised.unwrap_or_else(|s| *s)))
            }
            (State::Enrolment(s), Event::MailedWrong) => Next::Ask(State::Enrolment(
                *s.enter_mailed("7KQM4XTE", NOW).unwrap_err(),
            )),
            (State::Enrolment(s), Event::NoMail) => Next::Ask(State::Enrolment(s.without_mail())),
            (State::Enrolment(s), Event::ChooseApp) => {
                Next::Ask(State::Enrolment(s.choose(App::Other)))
            }
            (State::Enrolment(s), Event::ShowKey) => {
                let secret = TotpSecret::from_bytes(SECRET).unwrap();
                let s = s.with_key(secret, NOW);
                assert!(
                    s.key(NOW).is_none()
                        || s.is_replacement()
                        || self.asked == EnrolmentProof::None
                        || self.shown.authorised,
                    "a key is shown without the proof that is asked for"
                );
                Next::Ask(State::Enrolment(s))
            }
            (State::Enrolment(s), Event::ConfirmRight) => {
                let Some(key) = s.key(NOW) else {
                    return Next::Ask(State::Enrolment(s));
                };
                let proof = totp::verify_pending(CODE, key.secret(), NOW).unwrap();
                let bound = s.confirm(&proof).unwrap();
                self.shown.second = true;
                Next::MakeCodes(bound.next)
            }
            (State::Enrolment(s), Event::ConfirmWrong) => {
                Next::Ask(State::Enrolment(s.wrong_code()))
            }
            (State::Codes(s), Event::CodesStored) => Next::Open(s.stored()),
            // an event that does not fit changes nothing
            (state, _) => Next::Ask(state),
        }
    }

    fn emergency(&self, typed: &str) -> Option<verifier::RecoveryProof> {
        let (selector, hash) = recovery_code::hash(EMERGENCY, &[1; 16]).unwrap();
        let codes = [EmergencyCode {
            id: id(3),
            selector,
            hash,
        }];
        recovery_code::verify_emergency(typed, self.account.id, &codes, NOW)
    }

    fn one_time(&self, typed: &str) -> Option<verifier::RecoveryProof> {
        let (_, hash) = recovery_code::hash(ONE_TIME, &[1; 16]).unwrap();
        let open = OneTimeCode {
            id: id(4),
            hash,
            issued_at: NOW,
            expires_at: NOW.plus(Duration::from_secs(600)),
            wrong: 0,
        };
        recovery_code::verify_one_time(typed, self.account.id, Some(&open), NOW)
    }

    fn standing(&self) -> Standing {
        Standing {
            has_second_factor: self.account.has_second_factor(),
            reminder: self.status,
            trusted: self.trusted,
        }
    }

    fn run_to_end(&mut self, events: &[Event]) -> Option<Grant> {
        let password = Password::new("password").unwrap();
        let decoy = PasswordHash::from_encoded(String::new());
        let proof =
            verifier::password::verify(&password, Some(&self.account), &decoy, NOW).unwrap();
        let mut next = login::after_password(&proof, self.standing());
        for event in events {
            next = match next {
                Next::Ask(state) => {
                    // what is stored between two requests is what was there
                    let stored = serde_json::to_vec(&state).unwrap();
                    self.enter(serde_json::from_slice(&stored).unwrap(), *event)
                }
                Next::MakeCodes(needs) => Next::Ask(needs.show(vec!["AAAA".into()])),
                Next::Open(grant) => return Some(grant),
            };
        }
        match next {
            Next::Open(grant) => Some(grant),
            _ => None,
        }
    }
}

const DAY: Duration = Duration::from_secs(86_400);

/// A device cookie that the browser came with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Trust {
    Good,
    Nothing,
    RunOut,
    SomebodyElses,
    OfAnEarlierApp,
}

fn trust() -> impl Strategy<Value = Trust> {
    use Trust::*;
    prop::sample::select(vec![Good, Nothing, RunOut, SomebodyElses, OfAnEarlierApp])
}

impl Trust {
    fn vouch(self, account: &Account) -> Option<TrustProof> {
        let mut device = Device {
            id: DeviceId::from_uuid(Uuid::from_u128(5)),
            account: account.id,
            known_since: NOW,
            last_used_at: NOW,
            trusted_until: Some(NOW.plus(DAY)),
            address: None,
            user_agent: None,
        };
        match self {
            Self::Good => {}
            Self::Nothing => device.trusted_until = None,
            Self::RunOut => device.trusted_until = Some(NOW),
            Self::SomebodyElses => device.account = AccountId::from_uuid(Uuid::from_u128(6)),
            Self::OfAnEarlierApp => device.known_since = NOW.minus(DAY),
        }
        device.vouch_for(account, NOW)
    }
}

#[test]
fn trust_is_worth_nothing_with_another_accounts_password() {
    let other = Account {
        id: AccountId::from_uuid(Uuid::from_u128(6)),
        ..account(true)
    };
    let mut run = Run {
        account: account(true),
        asked: EnrolmentProof::None,
        trusted: Trust::SomebodyElses.vouch(&other),
        status: reminder::Status::Quiet,
        shown: Shown::default(),
    };
    assert!(run.trusted.is_some());
    assert!(run.run_to_end(&[]).is_none(), "no code was asked");
}

#[test]
fn a_password_that_has_run_out_is_wrong() {
    let mut account = account(false);
    let password = Password::new("password").unwrap();
    let decoy = PasswordHash::from_encoded(String::new());
    let check = |account: &Account| {
        verifier::password::verify(&password, Some(account), &decoy, NOW).map(|p| p.is_initial())
    };
    assert_eq!(check(&account), Some(false));
    account.history.initial_password_until = Some(NOW.plus(Duration::from_secs(1)));
    assert_eq!(check(&account), Some(true));
    account.history.initial_password_until = Some(NOW);
    assert_eq!(check(&account), None);
}

fn status() -> impl Strategy<Value = reminder::Status> {
    prop::sample::select(vec![
        reminder::Status::Quiet,
        reminder::Status::Due { deadline: None },
        reminder::Status::Overdue { deadline: None },
    ])
}

fn asked() -> impl Strategy<Value = EnrolmentProof> {
    prop::sample::select(vec![
        EnrolmentProof::Email,
        EnrolmentProof::Helpdesk,
        EnrolmentProof::None,
    ])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn aal2_only_after_two_factors(
        with_app: bool,
        asked in asked(),
        initial: bool,
        trust in trust(),
        status in status(),
        events in prop::collection::vec(event(), 0..14),
    ) {
        let mut account = account(with_app);
        account.history.initial_password_until = initial.then(|| NOW.plus(DAY));
        let trusted = trust.vouch(&account);
        let mut run = Run { account, asked, trusted, status, shown: Shown::default() };
        if let Some(grant) = run.run_to_end(&events) {
            let reached = grant.factors().assurance();
            // trust adds no factor, and opens only where it is good, and nothing but the password was given
            let rests_on_trust = grant.trusted_device().is_some();
            prop_assert!(!rests_on_trust || trust == Trust::Good);
            prop_assert!(!rests_on_trust || reached == Assurance::Aal1);
            prop_assert!(!rests_on_trust || (with_app && !initial));
            // nobody gets in with a password that somebody else gave
            prop_assert!(!initial || run.shown.new_password);
            prop_assert_eq!(reached == Assurance::Aal2, run.shown.second);
            // whoever has a second factor never gets in with the password alone
            prop_assert!(!with_app || rests_on_trust || reached == Assurance::Aal2);
            // past the deadline nobody does
            let overdue = matches!(status, reminder::Status::Overdue { .. });
            prop_assert!(!overdue || rests_on_trust || reached == Assurance::Aal2);
        }
    }
}

#[test]
fn the_ways_that_lead_to_a_session() {
    use Event::*;
    let check = |with_app: bool,
                 status: reminder::Status,
                 events: &[Event],
                 want: Option<(Assurance, bool)>| {
        let mut run = Run {
            account: account(with_app),
            asked: EnrolmentProof::None,
            trusted: None,
            status,
            shown: Shown::default(),
        };
        let got = run
            .run_to_end(events)
            .map(|g| (g.factors().assurance(), g.is_short()));
        assert_eq!(got, want, "{with_app} {status:?} {events:?}");
    };
    let quiet = reminder::Status::Quiet;
    let due = reminder::Status::Due { deadline: None };
    let overdue = reminder::Status::Overdue { deadline: None };
    let full = Some((Assurance::Aal2, false));
    check(false, quiet, &[], Some((Assurance::Aal1, false)));
    check(false, due, &[Later], Some((Assurance::Aal1, false)));
    check(false, overdue, &[Later, Later], None);
    check(
        false,
        overdue,
        &[
            Enrol,
            ChooseApp,
            ShowKey,
            ConfirmRight,
            CodesStored,
            CodesStored,
        ],
        full,
    );
    check(true, quiet, &[WrongCode, RightCode], full);
    check(
        true,
        quiet,
        &[RightOneTime, Temporarily],
        Some((Assurance::Aal2, true)),
    );
    // the last emergency code: new ones first
    check(true, quiet, &[RightEmergency, Temporarily], None);
    check(
        true,
        quiet,
        &[RightEmergency, Temporarily, CodesStored, CodesStored],
        Some((Assurance::Aal2, true)),
    );
    check(
        true,
        quiet,
        &[
            RightEmergency,
            Permanently,
            ChooseApp,
            ShowKey,
            ConfirmRight,
            CodesStored,
            CodesStored,
        ],
        full,
    );
    check(true, quiet, &[RightEmergency, Permanently], None);
}

/// A live session whose password and second factor are so many seconds old.
fn session(password: u64, second: Option<(SecondFactor, u64)>) -> Session {
    let ago = |seconds| NOW.minus(Duration::from_secs(seconds));
    Session {
        id: SessionId::from_uuid(Uuid::from_u128(9)),
        factors: Factors {
            second: second.map(|(factor, _)| factor),
        },
        auth_time: ago(password),
        password_at: ago(password),
        second_factor_at: second.map(|(_, age)| ago(age)),
        expires_at: NOW.plus(Duration::from_secs(3600)),
        last_seen_at: NOW,
        trusted_device: None,
    }
}

fn setting() -> impl Strategy<Value = Purpose> {
    prop::sample::select(vec![
        Purpose::Replace,
        Purpose::NewCodes,
        Purpose::Password,
        Purpose::Disable,
    ])
}

fn second() -> impl Strategy<Value = Option<(SecondFactor, u64)>> {
    use SecondFactor::{EmergencyCode, OneTimeCode, Totp};
    let kind = prop::sample::select(vec![Totp, EmergencyCode, OneTimeCode]);
    prop::option::of((kind, 0u64..1300))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn no_setting_is_reached_without_both_factors_of_late(
        purpose in setting(),
        password_age in 0u64..1300,
        second in second(),
        // in each round: is the password right, is the code
        answers in prop::collection::vec((any::<bool>(), any::<bool>()), 0..4),
    ) {
        let account = account(true);
        let decoy = PasswordHash::from_encoded(String::new());
        let typed = Password::new("password").unwrap();
        let password = verifier::password::verify(&typed, Some(&account), &decoy, NOW).unwrap();
        let secret = TotpSecret::from_bytes(SECRET).unwrap();
        let code = totp::verify(CODE, &account, &secret, NOW).unwrap();
        let fresh_password = password_age < 600;
        let fresh_app = second.is_some_and(|(kind, age)| kind == SecondFactor::Totp && age < 600);
        let (mut shown_password, mut shown_app) = (fresh_password, fresh_app);
        let session = session(password_age, second);
        let mut next = confirmation::begin(account.id, &session, true, purpose, NOW);
        for (with_password, with_code) in answers {
            let Next::Ask(State::Confirmation(waiting)) = next else {
                break;
            };
            let asks = waiting.asks();
            shown_password = fresh_password || with_password;
            shown_app = fresh_app || with_code;
            prop_assert_eq!((asks.password, asks.code), (!fresh_password, !fresh_app));
            // what is kept between two requests is what was there
            let kept = serde_json::to_vec(&waiting).unwrap();
            let waiting: confirmation::AwaitConfirmation = serde_json::from_slice(&kept).unwrap();
            next = waiting
                .complete(with_password.then_some(&password), with_code.then_some(&code))
                .unwrap();
        }
        let reached = !matches!(next, Next::Ask(State::Confirmation(_)));
        prop_assert_eq!(reached, shown_password && shown_app);
        if let Next::Open(grant) = &next {
            prop_assert!(grant.is_confirmation());
            prop_assert_eq!(grant.factors().second, Some(SecondFactor::Totp));
        }
    }
}

#[test]
fn what_only_ends_something_raises_no_assurance() {
    for purpose in [Purpose::Sessions, Purpose::Devices] {
        let (account, stale) = (account(true), session(900, None));
        let Next::Ask(State::Confirmation(waiting)) =
            confirmation::begin(account.id, &stale, true, purpose, NOW)
        else {
            panic!("nothing is asked");
        };
        let typed = Password::new("password").unwrap();
        let decoy = PasswordHash::from_encoded(String::new());
        let proof = verifier::password::verify(&typed, Some(&account), &decoy, NOW).unwrap();
        let Next::Open(grant) = waiting.complete(Some(&proof), None).unwrap() else {
            panic!("no grant");
        };
        assert_eq!(grant.factors(), Factors::PASSWORD);
        assert_eq!(grant.second_factor_at(), None);
    }
}
