//! What happens to whom: [`policy::decide`]'s own answers, asked with constructed sessions. Nothing is decided here.

use super::AssuranceLevel;
use super::answer::Case;
use super::headers;
use super::words::in_words;
use crate::config::Settings;
use crate::domain::account::Account;
use crate::domain::assurance::{Assurance, Factors, SecondFactor};
use crate::domain::id::{DeviceId, SessionId};
use crate::domain::policy::{self, Decision, Denial};
use crate::domain::request::{Facts, Mode, Path};
use crate::domain::route::{Route, RouteIndex};
use crate::domain::session::{Session, View};
use crate::domain::subject::Subject;
use crate::domain::timestamp::Timestamp;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

/// One request, to be decided for several visitors.
#[derive(Clone, Copy)]
pub(super) struct Request<'a> {
    pub(super) settings: &'a Settings,
    pub(super) route: &'a Route,
    pub(super) index: RouteIndex,
    pub(super) method: &'a str,
    pub(super) path: &'a Path,
    /// Whose request it is, where that was asked.
    pub(super) client: Option<IpAddr>,
    /// Whether a certificate is shown; `None`: both ways.
    pub(super) certificate: Option<bool>,
    pub(super) now: Timestamp,
}

impl Request<'_> {
    pub(super) fn cases(
        &self,
        account: Option<&Account>,
        assurance: Option<AssuranceLevel>,
    ) -> Vec<Case> {
        let inside = self
            .client
            .or_else(|| self.address(true))
            .unwrap_or(IpAddr::V4(Ipv4Addr::LOCALHOST));
        let mut cases = Vec::new();
        let outside = self.address(false).filter(|_| {
            self.client.is_none() && !self.route.access.networks.is_empty() && assurance.is_none()
        });
        if let Some(outside) = outside {
            cases.push(self.case("Anybody from elsewhere".into(), outside, None));
        }
        if self.certificate.is_none() && self.route.access.client_certificate {
            let without = Self {
                certificate: Some(false),
                ..*self
            };
            let who = "Anybody without a client certificate".to_owned();
            cases.push(without.case(who, inside, None));
        }
        if assurance.is_none() {
            cases.push(self.case("Nobody signed in".into(), inside, None));
        }
        for (who, view) in account.map_or_else(Vec::new, |a| self.sessions(a, assurance)) {
            cases.push(self.case(who, inside, Some(view)));
        }
        cases
    }

    /// The sessions that a person may have, weakest first.
    fn sessions(
        &self,
        account: &Account,
        assurance: Option<AssuranceLevel>,
    ) -> Vec<(String, Arc<View>)> {
        let name = &account.login;
        if !account.is_active() {
            let who = format!("{name}, whose account is disabled");
            return vec![(who, self.view(account, None))];
        }
        let asked = |level| assurance.is_none_or(|a| a.of() == level);
        let mut all = Vec::new();
        if asked(Assurance::Aal1) {
            let who = format!("{name}, signed in with the password only");
            all.push((who, self.view(account, None)));
            if account.has_second_factor() && self.settings.two_factor.trusted_devices.is_some() {
                let mut view = self.view(account, None);
                let trusting = Arc::make_mut(&mut view);
                trusting.session.trusted_device =
                    Some(Box::new(DeviceId::from_uuid(uuid::Uuid::nil())));
                let who = format!("{name}, signed in with the password on a trusted device");
                all.push((who, view));
            }
        }
        if asked(Assurance::Aal2) {
            let enrolled = match account.has_second_factor() {
                true => "",
                false => " (once there is one)",
            };
            let who = format!("{name}, the second factor just proven{enrolled}");
            all.push((who, self.view(account, Some(self.now))));
            if let Some(max_age) = self.route.max_age {
                let who = format!("{name}, the second factor proven {} ago", in_words(max_age));
                let view = self.view(account, Some(self.now.minus(max_age)));
                all.push((who, view));
            }
        }
        all
    }

    /// An address that the route's networks let in, or one that they do not.
    fn address(&self, inside: bool) -> Option<IpAddr> {
        let networks = &self.route.access.networks;
        let candidates = [
            IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1)),
            IpAddr::V4(Ipv4Addr::new(203, 0, 113, 1)),
            IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1)),
        ];
        match inside {
            true => networks.first().map(ipnet::IpNet::addr),
            false => candidates
                .into_iter()
                .find(|a| !networks.iter().any(|n| n.contains(a))),
        }
    }

    /// A session of this route's host; signed in long enough ago for the second factor's age.
    fn view(&self, account: &Account, second_factor_at: Option<Timestamp>) -> Arc<View> {
        let signed_in = second_factor_at.unwrap_or(self.now);
        let factors = match second_factor_at {
            Some(_) => Factors::with(SecondFactor::Totp),
            None => Factors::PASSWORD,
        };
        Arc::new(View {
            session: Session {
                id: SessionId::from_uuid(uuid::Uuid::nil()),
                factors,
                auth_time: signed_in,
                password_at: signed_in,
                second_factor_at,
                expires_at: self.now.plus(self.settings.sessions.lifetime),
                last_seen_at: self.now,
                trusted_device: None,
            },
            subject: Arc::new(Subject::of(account)),
            host: Some(self.route.origin.host().clone()),
        })
    }

    fn case(&self, who: String, client: IpAddr, session: Option<Arc<View>>) -> Case {
        let mode = match self.method {
            "GET" | "HEAD" => Mode::Navigation,
            "POST" => Mode::FormPost,
            _ => Mode::Programmatic,
        };
        let request = Facts {
            method: self.method,
            path: self.path,
            client,
            mode,
            preflight_from: None,
            client_certificate: self.certificate.unwrap_or(true),
        };
        let rules = policy::Rules {
            two_factor: &self.settings.two_factor,
            sessions: &self.settings.sessions,
        };
        let decision = policy::decide(
            (self.index, self.route),
            &request,
            session.as_ref(),
            rules,
            self.now,
        );
        let meaning = meaning(&decision, self.route.answers.own.is_some());
        let (meaning, headers) = match headers::of(self.route, &decision) {
            Ok(headers) => (meaning, headers),
            Err(why) => (format!("every request fails, with 500: {why}"), Vec::new()),
        };
        Case {
            who,
            decision: decision.code(),
            meaning,
            headers,
        }
    }
}

fn meaning(decision: &Decision, answers_itself: bool) -> String {
    match decision {
        Decision::Forward(_) if answers_itself => "the answer of the route itself".into(),
        Decision::Forward(permit) if permit.person().is_some() => {
            "the application receives the request, with the person's identity".into()
        }
        Decision::Forward(_) => "a public path: the application receives the request, without an identity".into(),
        Decision::Maintenance => "the page that the service is closed for maintenance; programs get 503".into(),
        Decision::AnswerPreflight => "the gateway answers the CORS preflight".into(),
        Decision::SignIn => "the sign-in page; programs get 401".into(),
        Decision::StepUp { max_age: Some(age) } => {
            format!("asked for the second factor, which must not be older than {}; programs get 401", in_words(*age))
        }
        Decision::StepUp { max_age: None } => "asked for the second factor; programs get 401".into(),
        Decision::Enrol => "this place needs a second factor: the person must enable one first".into(),
        Decision::Remind => "the reminder to enable a second factor is shown first; it can be put off".into(),
        Decision::EnrolOverdue => "the time to put it off is over: the person must enable a second factor first, for any place".into(),
        Decision::Deny(Denial::Group) => "refused: the person is in none of the groups".into(),
        Decision::Deny(Denial::Network) => "refused: the address is in none of the networks".into(),
        Decision::Deny(Denial::Method) => "refused: the method is not allowed here".into(),
        Decision::Deny(Denial::ClientCertificate) => "refused: no client certificate was shown".into(),
    }
}
