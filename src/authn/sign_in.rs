//! The first door: the password.

use super::devices::DeviceCookie;
use super::hashing::impossible_password;
use super::lanes::{Guessed, Lane};
use super::progress::{Effects, Progress};
use super::{Authn, Fault};
use crate::domain::account::{Account, NameKey, PasswordHash};
use crate::domain::audit::{Actor, Event, Place, Record};
use crate::domain::device::{Browser, Device};
use crate::domain::id::SessionId;
use crate::domain::login::{self, Attempt, Began, Next, Standing, State};
use crate::domain::policy::TwoFactor;
use crate::domain::reminder;
use crate::domain::return_to::Destination;
use crate::domain::secret::{Password, TokenHash};
use crate::domain::subject::Subject;
use crate::domain::throttle::{Admission, Bucket, Exhaustion, Rule};
use crate::domain::timestamp::Timestamp;
use crate::domain::verifier::{PasswordProof, password};
use crate::store::Change;

/// What the browser came with when it sent its password.
#[derive(Debug)]
pub struct Credentials<'a> {
    pub name: &'a str,
    pub password: &'a str,
    pub devices: &'a [DeviceCookie],
    pub place: &'a Place,
}

/// Where a sign-in is to lead, and what it replaces.
#[derive(Clone, Debug, Default)]
pub struct Context {
    pub destination: Option<Destination>,
    /// What the destination's route asks.
    pub route_policy: Option<TwoFactor>,
    /// It asks for a code on trusted devices, too.
    pub route_distrusts: bool,
    /// The sign-in and the session whose cookies the browser sent along; both end (no fixation).
    pub earlier_attempt: Option<TokenHash>,
    pub earlier_session: Option<SessionId>,
}

#[derive(Debug)]
pub enum PasswordOutcome {
    /// Wrong, unknown, disabled or without a password: one answer for all.
    Refused,
    Paused {
        until: Timestamp,
    },
    Progress(Progress),
}

/// A password checked: whose it is, and the account as loaded.
struct Checked {
    account: Account,
    proof: PasswordProof,
    upgraded: Option<PasswordHash>,
    lane: Bucket,
    network: Option<Bucket>,
}

enum Check {
    Refused,
    Paused(Timestamp),
    Right(Box<Checked>),
}

/// A password asked for again in a live session.
pub(super) enum Again {
    Refused,
    Paused(Timestamp),
    Right {
        proof: PasswordProof,
        effects: Effects,
    },
}

impl Authn {
    /// Checks a password and takes the first step of a sign-in.
    pub async fn sign_in(
        &self,
        credentials: Credentials<'_>,
        context: Context,
    ) -> Result<PasswordOutcome, Fault> {
        let first = self.try_sign_in(&credentials, context.clone()).await?;
        match first {
            // the account changed while the password was checked: what it is now decides
            PasswordOutcome::Progress(Progress::Overtaken) => {
                self.try_sign_in(&credentials, context).await
            }
            settled => Ok(settled),
        }
    }

    async fn try_sign_in(
        &self,
        credentials: &Credentials<'_>,
        context: Context,
    ) -> Result<PasswordOutcome, Fault> {
        let place = credentials.place;
        let key = NameKey::new(credentials.name);
        let account = match &key {
            Some(key) => self.store.account_by_name(key).await?,
            None => None,
        };
        let device = match &account {
            Some(account) => self.known_device(account.id, credentials.devices).await?,
            None => None,
        };
        let browser = device
            .as_ref()
            .map_or(Browser::Unknown, |device| Browser::Known(device.id));
        let lane = match (&account, &key) {
            (Some(account), _) => self.lane(account.id, Guessed::Password, browser),
            (None, Some(key)) => self.lane_of_nobody(key.as_str().as_bytes()),
            (None, None) => self.lane_of_nobody(&[]),
        };
        let checked = match self
            .check_password(account, lane, credentials.password, place)
            .await?
        {
            Check::Refused => return Ok(PasswordOutcome::Refused),
            Check::Paused(until) => return Ok(PasswordOutcome::Paused { until }),
            Check::Right(checked) => *checked,
        };
        let shown_as = credentials.name.trim();
        self.after_password(checked, (shown_as, device), context, place)
            .await
            .map(PasswordOutcome::Progress)
    }

    /// The password of a live session's person once more.
    pub(super) async fn password_again(
        &self,
        account: &Account,
        typed: &str,
        place: &Place,
    ) -> Result<Again, Fault> {
        let lane = self.lane(account.id, Guessed::Password, Browser::Unknown);
        let checked = self
            .check_password(Some(account.clone()), lane, typed, place)
            .await?;
        Ok(match checked {
            Check::Refused => Again::Refused,
            Check::Paused(until) => Again::Paused(until),
            Check::Right(checked) => Again::Right {
                effects: self.password_effects(&checked, place),
                proof: checked.proof,
            },
        })
    }

    /// Counts the try, then checks, in the same time whether the account exists or not, and whether its password
    /// is still alive or not.
    async fn check_password(
        &self,
        account: Option<Account>,
        lane: Lane,
        typed: &str,
        place: &Place,
    ) -> Result<Check, Fault> {
        let now = self.env.now();
        let network = place.address.map(Bucket::network);
        let counted: Vec<(Bucket, Rule)> = std::iter::once((lane.bucket, lane.rule))
            .chain(network.map(|bucket| (bucket, self.rules.throttle.network)))
            .collect();
        let exhaustion = match self.store.count_try(&counted, now).await? {
            Admission::Paused { until } => return Ok(Check::Paused(until)),
            Admission::Admitted { exhaustion, .. } => exhaustion,
        };
        let decoy = self.decoy.clone();
        let possible = Password::new(typed);
        let counts = possible.is_some() && exhaustion != Exhaustion::Yes;
        let Some(secret) = possible.or_else(impossible_password) else {
            return Ok(Check::Refused);
        };
        let salt = self.env.random();
        let checked = self
            .hashing
            .run(move || {
                let proof = password::verify(&secret, account.as_ref(), &decoy, now);
                let proof = proof.filter(|_| counts);
                let outdated = proof.is_some()
                    && account
                        .as_ref()
                        .and_then(|a| a.password.as_ref())
                        .is_some_and(password::is_outdated);
                let upgraded = outdated.then(|| password::hash(&secret, &salt)).transpose();
                (account, upgraded.map(|u| proof.map(|p| (p, u))))
            })
            .await;
        let (account, verified) = match checked {
            Ok(checked) => checked,
            Err(busy) => {
                // nothing was looked at: the try is given back
                let given_back: Vec<Change> = counted
                    .iter()
                    .map(|(bucket, _)| Change::ForgiveOne(*bucket))
                    .collect();
                let _ = self.store.commit(&given_back).await?;
                return Err(busy.into());
            }
        };
        match (account, verified?) {
            (Some(account), Some((proof, upgraded))) => Ok(Check::Right(Box::new(Checked {
                account,
                proof,
                upgraded,
                lane: lane.bucket,
                network,
            }))),
            (account, _) => {
                let record = Record {
                    at: now,
                    event: Event::PasswordRefused,
                    account: account.as_ref().map(|a| a.id),
                    actor: Actor::Person,
                    place: place.clone(),
                    detail: String::new(),
                };
                let mut changes = vec![Change::Audit(record)];
                if let (Some(account), Exhaustion::IfWrong) = (&account, exhaustion) {
                    changes.extend(self.exhausted(account, &lane, place)?);
                }
                let _ = self.store.commit(&changes).await?;
                Ok(Check::Refused)
            }
        }
    }

    /// What a right password writes in any case.
    fn password_effects(&self, checked: &Checked, place: &Place) -> Effects {
        let mut effects = Effects::default();
        let account = checked.account.id;
        effects.change(Change::ExpectAccount {
            account,
            password: checked.account.password.clone(),
            authenticator: checked.account.totp.as_ref().map(|app| app.id),
        });
        effects.change(Change::ForgiveAll(checked.lane));
        effects
            .changes
            .extend(checked.network.map(Change::ForgiveOne));
        effects.change(self.record(Event::PasswordAccepted, account, place, ""));
        if let Some(password) = &checked.upgraded {
            effects.change(Change::RehashPassword {
                account,
                password: password.clone(),
            });
            effects.change(self.record(Event::PasswordRehashed, account, place, ""));
        }
        effects
    }

    async fn after_password(
        &self,
        checked: Checked,
        (shown_as, device): (&str, Option<Device>),
        context: Context,
        place: &Place,
    ) -> Result<Progress, Fault> {
        let mut effects = self.password_effects(&checked, place);
        if let Some(session) = context.earlier_session {
            effects.change(Change::EndSession { session });
        }
        let account = &checked.account;
        self.start_grace(&Subject::of(account), &mut effects, place);
        let standing = Standing {
            trusted: device
                .as_ref()
                .filter(|_| !context.route_distrusts && self.may_be_trusted(account))
                .and_then(|device| device.vouch_for(account, self.env.now())),
            ..self.standing(account, context.route_policy)
        };
        let browser = device
            .as_ref()
            .map_or(Browser::Unknown, |device| Browser::Known(device.id));
        let frame = self.frame(Began::SignIn, context.destination, shown_as, browser);
        let next = login::after_password(&checked.proof, standing);
        let progress = match next {
            Next::Ask(state) => {
                if matches!(state, State::Reminder(_)) {
                    effects.change(self.record(Event::ReminderShown, account.id, place, ""));
                }
                let attempt = Attempt { frame, state };
                self.start(attempt, context.earlier_attempt, effects).await
            }
            Next::Open(grant) => {
                if let Some(token) = context.earlier_attempt {
                    effects.change(Change::DropAttempt { token });
                }
                self.open(&grant, account, frame, effects, place).await
            }
            // `after_password` never asks for codes: nothing was spent and nothing bound yet
            Next::MakeCodes(_) => Ok(Progress::Overtaken),
        };
        if let Some(session) = context.earlier_session {
            self.sessions.forget(session);
        }
        progress
    }

    /// Whether this account's browsers are trusted at all, and nothing else is due before its session opens.
    fn may_be_trusted(&self, account: &Account) -> bool {
        let rules = &self.rules.two_factor;
        let codes_stored = account.totp.as_ref().is_some_and(|a| !a.codes_unconfirmed);
        codes_stored && rules.trust_for(&account.groups).is_some()
    }

    /// Where an account stands that no trusted browser speaks for. `route_policy`: what its destination asks.
    pub(super) fn standing(&self, account: &Account, route_policy: Option<TwoFactor>) -> Standing {
        Standing {
            has_second_factor: account.has_second_factor(),
            reminder: self.reminder_at_sign_in(account, route_policy),
            trusted: None,
        }
    }

    /// The reminder comes before the session opens, unless the place itself demands a second factor: then
    /// the page that says so comes instead, and other places stay open meanwhile.
    fn reminder_at_sign_in(
        &self,
        account: &Account,
        route_policy: Option<TwoFactor>,
    ) -> reminder::Status {
        let rules = &self.rules.two_factor;
        let route_policy = route_policy.unwrap_or(TwoFactor::Optional);
        let own = rules.for_groups(&account.groups);
        let status = reminder::status_at_sign_in(
            own,
            route_policy,
            rules,
            &account.reminder,
            self.env.now(),
        );
        match status {
            reminder::Status::Due { .. } if route_policy == TwoFactor::Required => {
                reminder::Status::Quiet
            }
            other => other,
        }
    }

    /// Stores the person's grace period at the first sign-in under a policy that requires two factors.
    pub(super) fn start_grace(&self, subject: &Subject, effects: &mut Effects, place: &Place) {
        if subject.has_second_factor() {
            return;
        }
        let rules = &self.rules.two_factor;
        let own = rules.for_groups(&subject.groups);
        let record = subject.reminder();
        let grace = reminder::grace_to_start(own, rules, &record, self.env.now());
        if let Some((start, end)) = grace {
            let reminder = reminder::Record {
                grace_started_at: Some(start),
                grace_ends_at: Some(end),
                ..record
            };
            effects.change(Change::SetReminder {
                account: subject.id,
                reminder,
            });
            effects.change(self.record(Event::GraceStarted, subject.id, place, ""));
        }
    }
}
