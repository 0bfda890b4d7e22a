//! The one decision: may this request go to the application, and if not, what then.
//!
//! [`decide`] alone makes a [`Permit`], and the forwarding side takes nothing else. Deny by default: each
//! way to a permit is spelled out, everything else ends before it.

use super::assurance::Assurance;
use super::reminder::{self, Status};
use super::request::{Facts, Mode};
use super::route::{Route, RouteIndex};
use super::session::{self, View};
use super::timestamp::Timestamp;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

/// What a policy asks of people. Ordered: of several, the strictest wins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TwoFactor {
    Optional,
    Recommended,
    Required,
}

impl TwoFactor {
    pub const fn code(self) -> &'static str {
        match self {
            Self::Optional => "optional",
            Self::Recommended => "recommended",
            Self::Required => "required",
        }
    }
}

/// The gateway's two-factor policy.
#[derive(Clone, Debug)]
pub struct TwoFactorRules {
    pub policy: TwoFactor,
    /// Stricter rules for the members of a group.
    pub groups: BTreeMap<String, TwoFactor>,
    /// `None`: 7 days, and closer near a deadline.
    pub remind_every: Option<Duration>,
    /// With `required`: how long each person may put it off, from the first sign-in.
    pub grace: Option<Duration>,
    /// With `required`: the last moment for everybody.
    pub deadline: Option<Timestamp>,
    /// How long a browser that the person trusts is not asked for a code; `None`: nobody is offered that.
    pub trusted_devices: Option<Duration>,
    /// Groups whose members are always asked.
    pub untrusted_groups: BTreeSet<String>,
}

impl TwoFactorRules {
    /// Just a policy, nothing else set.
    pub const fn with_policy(policy: TwoFactor) -> Self {
        Self {
            policy,
            groups: BTreeMap::new(),
            remind_every: None,
            grace: None,
            deadline: None,
            trusted_devices: None,
            untrusted_groups: BTreeSet::new(),
        }
    }

    /// The strictest of the global policy and those of the person's groups.
    pub fn for_groups(&self, groups: &BTreeSet<String>) -> TwoFactor {
        groups
            .iter()
            .filter_map(|g| self.groups.get(g).copied())
            .fold(self.policy, TwoFactor::max)
    }

    /// How long the members of these groups may trust a browser; `None`: they are always asked.
    pub fn trust_for(&self, groups: &BTreeSet<String>) -> Option<Duration> {
        self.trusted_devices
            .filter(|_| self.untrusted_groups.is_disjoint(groups))
    }
}

/// The right to forward one request. Made only by [`decide`].
#[derive(Clone, Debug)]
pub struct Permit {
    route: RouteIndex,
    person: Option<Arc<View>>,
    preflight: bool,
}

impl Permit {
    pub const fn route(&self) -> RouteIndex {
        self.route
    }
    /// Whose request it is; `None` on a public path, where nobody's identity is forwarded.
    pub const fn person(&self) -> Option<&Arc<View>> {
        self.person.as_ref()
    }
    /// A CORS preflight: nothing that a browser keeps of the person goes along.
    pub const fn is_preflight(&self) -> bool {
        self.preflight
    }
}

#[derive(Clone, Debug)]
pub enum Decision {
    Forward(Permit),
    /// Nobody is signed in (any more).
    SignIn,
    /// Signed in, but the second factor is missing or older than `max_age`.
    StepUp {
        max_age: Option<Duration>,
    },
    /// This place needs a second factor and the person has none yet.
    Enrol,
    /// Show the reminder first; it can be put off.
    Remind,
    /// The last day to put it off is over: nothing opens before enrolment.
    EnrolOverdue,
    /// The application is closed for a time.
    Maintenance,
    /// A CORS preflight that the gateway answers in the application's place.
    AnswerPreflight,
    Deny(Denial),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Denial {
    /// The person is in none of the groups that may come in.
    Group,
    /// The address is in none of the networks that may come in.
    Network,
    /// The method is not one of those allowed here.
    Method,
    /// The client has shown no certificate, or came over a listener that asks for none.
    ClientCertificate,
}

impl Decision {
    /// A stable word for logs, metrics and `explain`.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Forward(p) => match p.person {
                Some(_) => "forward",
                None if p.preflight => "preflight",
                None => "public",
            },
            Self::SignIn => "sign_in",
            Self::StepUp { .. } => "step_up",
            Self::Enrol => "enrol",
            Self::Remind => "remind",
            Self::EnrolOverdue => "enrol_overdue",
            Self::Maintenance => "maintenance",
            Self::AnswerPreflight => "preflight_answered",
            Self::Deny(Denial::Group) => "deny_group",
            Self::Deny(Denial::Network) => "deny_network",
            Self::Deny(Denial::Method) => "deny_method",
            Self::Deny(Denial::ClientCertificate) => "deny_client_certificate",
        }
    }
}

/// The rules a decision is made under.
#[derive(Clone, Copy, Debug)]
pub struct Rules<'a> {
    pub two_factor: &'a TwoFactorRules,
    pub sessions: &'a session::Rules,
}

/// Decides one request to `route`, found under `index`.
pub fn decide(
    (index, route): (RouteIndex, &Route),
    request: &Facts<'_>,
    session: Option<&Arc<View>>,
    rules: Rules<'_>,
    now: Timestamp,
) -> Decision {
    if let Some(denial) = place_denies(route, request) {
        return Decision::Deny(denial);
    }
    let live = session.filter(|s| belongs(s, route) && s.is_live(rules.sessions, now));
    if let Some(closed) = closed(route, request, live) {
        return closed;
    }
    if let Some(preflight) = preflight(index, route, request) {
        return preflight;
    }
    if route.public.iter().any(|p| p.matches(request.path)) {
        return Decision::Forward(Permit {
            route: index,
            person: None,
            preflight: false,
        });
    }
    let Some(view) = live else {
        return Decision::SignIn;
    };
    let groups = &route.access.groups;
    if !groups.is_empty() && groups.is_disjoint(&view.subject.groups) {
        return Decision::Deny(Denial::Group);
    }
    if let Some(unmet) = second_factor_unmet(route, request, view, rules.two_factor, now) {
        return unmet;
    }
    Decision::Forward(Permit {
        route: index,
        person: Some(Arc::clone(view)),
        preflight: false,
    })
}

/// Maintenance closes public paths, too. Operators are known by their address or their groups; a browser is sent
/// to sign in only where groups could let it in.
fn closed(route: &Route, request: &Facts<'_>, live: Option<&Arc<View>>) -> Option<Decision> {
    let maintenance = route.answers.maintenance.as_ref()?;
    let groups = &maintenance.groups;
    let member = live.is_some_and(|v| !groups.is_disjoint(&v.subject.groups));
    if member || maintenance.lets_in(request.client) {
        return None;
    }
    let may_be_operator = live.is_none() && !groups.is_empty();
    Some(match request.mode {
        Mode::Navigation if may_be_operator => Decision::SignIn,
        Mode::Navigation | Mode::FormPost | Mode::Programmatic => Decision::Maintenance,
    })
}

/// Browsers send preflights without cookies, so no session can be asked for. The request itself needs one.
fn preflight(index: RouteIndex, route: &Route, request: &Facts<'_>) -> Option<Decision> {
    let rules = route.answers.preflights.as_ref()?;
    if request.method != "OPTIONS" || !rules.origins.contains(request.preflight_from?) {
        return None;
    }
    Some(match rules.answer {
        Some(_) => Decision::AnswerPreflight,
        None => Decision::Forward(Permit {
            route: index,
            person: None,
            preflight: true,
        }),
    })
}

/// A child session opens its own host only; the portal's session opens no application by itself, but
/// the portal asks with it whether a ticket may be given.
fn belongs(view: &View, route: &Route) -> bool {
    view.host
        .as_ref()
        .is_none_or(|host| host == route.origin.host())
}

fn place_denies(route: &Route, request: &Facts<'_>) -> Option<Denial> {
    let access = &route.access;
    if !access.networks.is_empty() {
        let client = request.client.to_canonical();
        if !access.networks.iter().any(|n| n.contains(&client)) {
            return Some(Denial::Network);
        }
    }
    if access.client_certificate && !request.client_certificate {
        return Some(Denial::ClientCertificate);
    }
    let method_ok = access.methods.is_empty() || access.methods.contains(request.method);
    (!method_ok).then_some(Denial::Method)
}

fn second_factor_unmet(
    route: &Route,
    request: &Facts<'_>,
    view: &View,
    rules: &TwoFactorRules,
    now: Timestamp,
) -> Option<Decision> {
    let account_policy = rules.for_groups(&view.subject.groups);
    match view.session.assurance() {
        Assurance::Aal2 => {
            let max_age = route.max_age?;
            // a second factor of unknown age is too old
            let proven = view.session.second_factor_at;
            let fresh = proven.is_some_and(|at| now.since(at) < max_age);
            (!fresh).then_some(Decision::StepUp {
                max_age: Some(max_age),
            })
        }
        Assurance::Aal1 if view.subject.has_second_factor() => {
            // Whoever has an app is asked for its code, whatever the policy: nothing but trust stands in for it, and
            // only where it may. A session whose trust is gone is asked, too.
            let trusted = view.session.trusted_device.is_some()
                && route.trusted_devices
                && rules.trust_for(&view.subject.groups).is_some();
            // a second factor of some age is asked of everybody: trust has none
            let asked = !trusted || route.max_age.is_some();
            asked.then_some(Decision::StepUp {
                max_age: route.max_age,
            })
        }
        Assurance::Aal1 => {
            let record = &view.subject.reminder();
            let status = reminder::status(account_policy, route.two_factor, rules, record, now);
            match status {
                Status::Overdue { .. } => Some(Decision::EnrolOverdue),
                _ if route.two_factor == TwoFactor::Required || route.max_age.is_some() => {
                    Some(Decision::Enrol)
                }
                Status::Due { .. } if request.mode == Mode::Navigation => Some(Decision::Remind),
                Status::Due { .. } | Status::Quiet => None,
            }
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::domain::account::{Account, Attributes, Status as AccountStatus};
    use crate::domain::assurance::{Factors, SecondFactor};
    use crate::domain::authenticator::TotpBinding;
    use crate::domain::host::Host;
    use crate::domain::id::{AccountId, AuthenticatorId, DeviceId, SessionId};
    use crate::domain::request::Path;
    use crate::domain::route::Table;
    use crate::domain::route::tests::route as bare_route;
    use crate::domain::session::Session;
    use crate::domain::subject::Subject;
    use uuid::Uuid;

    pub(crate) const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);

    fn ago(seconds: u64) -> Timestamp {
        NOW.minus(Duration::from_secs(seconds))
    }

    pub(crate) fn account() -> Account {
        Account {
            id: AccountId::from_uuid(Uuid::from_u128(1)),
            login: "aino".into(),
            email: Some("aino@example.com".into()),
            name: "Aino Virtanen".into(),
            groups: BTreeSet::from(["staff".to_owned()]).into(),
            attributes: Attributes::default(),
            language: None,
            status: AccountStatus::Active,
            created_at: NOW,
            password: None,
            totp: None,
            reminder: reminder::Record::default(),
            history: crate::domain::account::History::default(),
        }
    }

    struct Case {
        route: Route,
        method: &'static str,
        path: &'static str,
        mode: Mode,
        client: &'static str,
        certificate: bool,
        account: Account,
        view: Option<View>,
        rules: TwoFactorRules,
        preflight_from: Option<&'static str>,
    }

    fn case() -> Case {
        let session = Session {
            id: SessionId::from_uuid(Uuid::from_u128(2)),
            factors: Factors::PASSWORD,
            auth_time: NOW,
            password_at: NOW,
            second_factor_at: None,
            expires_at: NOW.plus(Duration::from_secs(36_000)),
            last_seen_at: NOW,
            trusted_device: None,
        };
        Case {
            route: bare_route("wiki.test", "/"),
            method: "GET",
            path: "/page",
            mode: Mode::Navigation,
            client: "10.0.0.9",
            certificate: false,
            account: account(),
            view: Some(View {
                session,
                subject: Arc::new(Subject::of(&account())),
                host: Host::parse("wiki.test"),
            }),
            rules: TwoFactorRules::with_policy(TwoFactor::Optional),
            preflight_from: None,
        }
    }

    impl Case {
        fn preflight(mut self, origin: &'static str) -> Self {
            self.preflight_from = Some(origin);
            self.method = "OPTIONS";
            self.mode = Mode::Programmatic;
            self
        }
        fn route(mut self, f: impl FnOnce(&mut Route)) -> Self {
            f(&mut self.route);
            self
        }
        fn account(mut self, f: impl FnOnce(&mut Account)) -> Self {
            f(&mut self.account);
            let view = self.view.as_mut().unwrap();
            view.subject = Arc::new(Subject::of(&self.account));
            self
        }
        fn session(mut self, f: impl FnOnce(&mut Session)) -> Self {
            f(&mut self.view.as_mut().unwrap().session);
            self
        }
        fn host(mut self, host: Option<&str>) -> Self {
            self.view.as_mut().unwrap().host = host.and_then(Host::parse);
            self
        }
        fn nobody(mut self) -> Self {
            self.view = None;
            self
        }
        fn rules(mut self, f: impl FnOnce(&mut TwoFactorRules)) -> Self {
            f(&mut self.rules);
            self
        }
        fn mode(mut self, mode: Mode) -> Self {
            self.mode = mode;
            self
        }
        fn path(mut self, path: &'static str) -> Self {
            self.path = path;
            self
        }
        fn aal2(self, age: u64) -> Self {
            self.account(|a| a.totp = Some(totp())).session(|s| {
                s.factors = Factors::with(SecondFactor::Totp);
                s.second_factor_at = Some(ago(age));
            })
        }
        #[track_caller]
        fn check(self, want: &str) {
            let table = Table::new(vec![self.route]).unwrap();
            let path = Path::parse(self.path.as_bytes()).unwrap();
            let found = table
                .find(&Host::parse("wiki.test").unwrap(), &path)
                .unwrap();
            let facts = Facts {
                method: self.method,
                path: &path,
                client: self.client.parse().unwrap(),
                mode: self.mode,
                preflight_from: self.preflight_from,
                client_certificate: self.certificate,
            };
            let sessions = session::Rules {
                idle: Duration::from_secs(3600),
                lifetime: Duration::from_secs(36_000),
            };
            let rules = Rules {
                two_factor: &self.rules,
                sessions: &sessions,
            };
            let view = self.view.map(Arc::new);
            let got = decide(found, &facts, view.as_ref(), rules, NOW);
            assert_eq!(got.code(), want);
        }
    }

    pub(crate) fn totp() -> TotpBinding {
        TotpBinding {
            id: AuthenticatorId::from_uuid(Uuid::from_u128(3)),
            sealed_secret: Vec::new(),
            bound_at: NOW,
            last_step: 0,
            codes_unconfirmed: false,
        }
    }

    #[test]
    fn preflights_need_no_session_where_configured() {
        use crate::domain::answer::{PreflightAnswer, Preflights};
        let open = |answer: Option<PreflightAnswer>| {
            case().nobody().route(|r| {
                r.answers.preflights = Some(Preflights {
                    origins: BTreeSet::from(["https://app.test".to_owned()]),
                    answer,
                });
            })
        };
        let passing = || open(None);
        passing().preflight("https://app.test").check("preflight");
        for foreign in [
            "https://evil.test",
            "null",
            "*",
            "",
            "https://app.test/",
            "https://APP.test",
            "https://app.test.evil.test",
            "http://app.test",
        ] {
            passing().preflight(foreign).check("sign_in");
        }
        let mut not_options = passing().preflight("https://app.test");
        not_options.method = "GET";
        not_options.check("sign_in");
        passing().check("sign_in");
        case()
            .nobody()
            .preflight("https://app.test")
            .check("sign_in");
        passing()
            .preflight("https://app.test")
            .route(|r| r.access.networks = vec!["192.0.2.0/24".parse().unwrap()])
            .check("deny_network");
        let answer = PreflightAnswer {
            methods: Vec::new(),
            headers: Vec::new(),
            credentials: false,
            max_age: None,
        };
        open(Some(answer))
            .preflight("https://app.test")
            .check("preflight_answered");
    }

    #[test]
    fn maintenance_closes_to_all_but_operators() {
        use crate::domain::answer::Maintenance;
        let closed = |groups: &[&str], networks: &[&str]| {
            let maintenance = Maintenance {
                groups: groups.iter().map(|g| (*g).to_owned()).collect(),
                networks: networks.iter().map(|n| n.parse().unwrap()).collect(),
                ..Maintenance::default()
            };
            case().route(|r| {
                r.public = vec![crate::domain::route::PublicPath::new(
                    Path::parse(b"/public/").unwrap(),
                )];
                r.answers.maintenance = Some(maintenance);
            })
        };
        closed(&[], &[]).check("maintenance");
        closed(&[], &[]).nobody().check("maintenance");
        closed(&[], &[]).path("/public/x").check("maintenance");
        closed(&["ops"], &[]).check("maintenance");
        closed(&["ops"], &[]).nobody().check("sign_in");
        closed(&["ops"], &[])
            .nobody()
            .mode(Mode::Programmatic)
            .check("maintenance");
        closed(&["staff"], &[]).check("forward");
        closed(&["staff"], &[])
            .host(Some("other.test"))
            .check("sign_in");
        closed(&[], &["10.0.0.0/8"]).check("forward");
        // let in is not signed in
        closed(&[], &["10.0.0.0/8"]).nobody().check("sign_in");
        closed(&[], &["192.0.2.0/24"]).check("maintenance");
        closed(&["staff"], &[])
            .route(|r| r.access.groups = BTreeSet::from(["admins".to_owned()]))
            .check("deny_group");
    }

    #[test]
    fn a_trusted_device_stands_in_for_the_question_only_where_it_may() {
        let trusted = || {
            case()
                .account(|a| a.totp = Some(totp()))
                .session(|s| {
                    s.trusted_device = Some(Box::new(DeviceId::from_uuid(Uuid::from_u128(7))))
                })
                .route(|r| r.two_factor = TwoFactor::Required)
                .rules(|r| r.trusted_devices = Some(Duration::from_secs(30 * 86_400)))
        };
        trusted().check("forward");
        trusted()
            .session(|s| s.trusted_device = None)
            .check("step_up");
        trusted()
            .rules(|r| r.trusted_devices = None)
            .check("step_up");
        trusted()
            .rules(|r| r.untrusted_groups = BTreeSet::from(["staff".to_owned()]))
            .check("step_up");
        trusted()
            .rules(|r| r.untrusted_groups = BTreeSet::from(["finance".to_owned()]))
            .check("forward");
        trusted()
            .route(|r| r.trusted_devices = false)
            .check("step_up");
        trusted()
            .route(|r| r.max_age = Some(Duration::from_secs(900)))
            .check("step_up");
        trusted()
            .rules(|r| r.policy = TwoFactor::Required)
            .check("forward");
        // a policy that requires nothing of people makes trust no better than it is
        for policy in [TwoFactor::Optional, TwoFactor::Recommended] {
            let lenient = || trusted().route(|r| r.two_factor = policy);
            lenient().check("forward");
            lenient()
                .route(|r| r.trusted_devices = false)
                .check("step_up");
            lenient()
                .rules(|r| r.untrusted_groups = BTreeSet::from(["staff".to_owned()]))
                .check("step_up");
            lenient()
                .session(|s| s.trusted_device = None)
                .check("step_up");
        }
        // without an app there is nothing that trust could stand in for
        trusted().account(|a| a.totp = None).check("enrol");
        trusted()
            .account(|a| a.totp = None)
            .rules(|r| r.policy = TwoFactor::Required)
            .check("enrol_overdue");
    }

    #[test]
    fn who_is_signed_in() {
        case().check("forward");
        case().nobody().check("sign_in");
        case().session(|s| s.expires_at = NOW).check("sign_in");
        case()
            .session(|s| s.last_seen_at = ago(3600))
            .check("sign_in");
        case()
            .session(|s| s.last_seen_at = ago(3599))
            .check("forward");
        case()
            .account(|a| a.status = AccountStatus::Disabled)
            .check("sign_in");
        case().host(Some("payroll.test")).check("sign_in");
        case().host(None).check("forward");
    }

    #[test]
    fn what_the_place_allows() {
        let groups = |names: &[&str]| {
            names
                .iter()
                .map(|s| (*s).to_owned())
                .collect::<BTreeSet<_>>()
        };
        case()
            .route(|r| r.access.groups = groups(&["staff", "x"]))
            .check("forward");
        case()
            .route(|r| r.access.groups = groups(&["x"]))
            .check("deny_group");
        case()
            .nobody()
            .route(|r| r.access.groups = groups(&["x"]))
            .check("sign_in");
        case()
            .route(|r| r.access.networks = vec!["10.0.0.0/8".parse().unwrap()])
            .check("forward");
        case()
            .route(|r| r.access.networks = vec!["10.1.0.0/16".parse().unwrap()])
            .check("deny_network");
        case()
            .route(|r| r.access.methods = groups(&["GET"]))
            .check("forward");
        case()
            .route(|r| r.access.methods = groups(&["POST"]))
            .check("deny_method");
        let public =
            |p: &str| super::super::route::PublicPath::new(Path::parse(p.as_bytes()).unwrap());
        case()
            .nobody()
            .route(|r| r.public = vec![public("/page")])
            .check("public");
        case()
            .nobody()
            .route(|r| r.public = vec![public("/pag")])
            .check("sign_in");
        case()
            .nobody()
            .path("/page/x")
            .route(|r| r.public = vec![public("/page")])
            .check("sign_in");
        // a certificate is demanded before anything is asked, on public paths too
        let demands = |r: &mut Route| r.access.client_certificate = true;
        case().route(demands).check("deny_client_certificate");
        case()
            .route(|r| {
                demands(r);
                r.public = vec![public("/page")];
            })
            .check("deny_client_certificate");
        let mut shown = case().route(demands);
        shown.certificate = true;
        shown.check("forward");
        // a network rule holds on public paths too
        case()
            .nobody()
            .route(|r| {
                r.public = vec![public("/page")];
                r.access.networks = vec!["10.1.0.0/16".parse().unwrap()];
            })
            .check("deny_network");
    }

    #[test]
    fn the_second_factor() {
        let required = |r: &mut Route| r.two_factor = TwoFactor::Required;
        let max_age = |r: &mut Route| r.max_age = Some(Duration::from_secs(900));
        case().route(required).check("enrol");
        case()
            .route(required)
            .mode(Mode::Programmatic)
            .check("enrol");
        case()
            .route(required)
            .account(|a| a.totp = Some(totp()))
            .check("step_up");
        case().aal2(0).route(required).check("forward");
        case().aal2(899).route(max_age).check("forward");
        case().aal2(900).route(max_age).check("step_up");
        case().route(max_age).check("enrol");
        // a policy of the account's: put off while there is grace, forced after it
        let global = |r: &mut TwoFactorRules| r.policy = TwoFactor::Required;
        case().rules(global).check("enrol_overdue");
        case()
            .rules(global)
            .mode(Mode::Programmatic)
            .check("enrol_overdue");
        case()
            .rules(|r| {
                global(r);
                r.grace = Some(Duration::from_secs(60));
            })
            .check("remind");
        case()
            .rules(|r| {
                global(r);
                r.grace = Some(Duration::from_secs(60));
            })
            .mode(Mode::Programmatic)
            .check("forward");
        case().aal2(0).rules(global).check("forward");
        case()
            .rules(|r| {
                r.groups.insert("staff".into(), TwoFactor::Required);
            })
            .check("enrol_overdue");
        case()
            .rules(|r| {
                r.groups.insert("other".into(), TwoFactor::Required);
            })
            .check("forward");
    }

    #[test]
    fn the_reminder_meets_navigations_only() {
        let recommended = |r: &mut TwoFactorRules| r.policy = TwoFactor::Recommended;
        case().rules(recommended).check("remind");
        case()
            .rules(recommended)
            .mode(Mode::FormPost)
            .check("forward");
        case()
            .rules(recommended)
            .mode(Mode::Programmatic)
            .check("forward");
        case().aal2(0).rules(recommended).check("forward");
        case()
            .route(|r| r.two_factor = TwoFactor::Recommended)
            .check("remind");
        let snoozed = |until| move |a: &mut Account| a.reminder.snoozed_until = Some(until);
        case()
            .rules(recommended)
            .account(snoozed(NOW.plus(Duration::from_secs(1))))
            .check("forward");
        case()
            .rules(recommended)
            .account(snoozed(NOW))
            .check("remind");
    }
}
