//! `vestibule explain`: which route a URL belongs to, which rules apply, what happens, and why.
//!
//! The answers are [`policy::decide`]'s own, asked with constructed sessions; nothing is decided here.

use super::{Outcome, print};
use crate::config::{self, Settings};
use crate::domain::account::Account;
use crate::domain::answer::Own;
use crate::domain::assurance::{Factors, SecondFactor};
use crate::domain::host::Host;
use crate::domain::id::{DeviceId, SessionId};
use crate::domain::policy::{self, Decision, Denial, TwoFactor};
use crate::domain::request::{Facts, Mode, Path};
use crate::domain::route::{Route, RouteIndex};
use crate::domain::session::{Session, View};
use crate::domain::timestamp::Timestamp;
use crate::domain::upstream;
use anyhow::Context as _;
use serde::Serialize;
use std::fmt::Write as _;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  vestibule explain --config config/vestibule.yaml --url https://wiki.example.com/page
  vestibule explain --config config/vestibule.yaml --url https://wiki.example.com/page --account aino
  vestibule explain --config config/vestibule.yaml --url https://wiki.example.com/api --method DELETE --json")]
pub(super) struct Arguments {
    /// The configuration file
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// The address, as the browser has it
    #[arg(long)]
    url: String,
    /// Says what would happen to this account, too
    #[arg(long, value_name = "NAME")]
    account: Option<String>,
    /// The method of the request
    #[arg(long, default_value = "GET")]
    method: String,
    /// Prints the result as JSON
    #[arg(long)]
    json: bool,
}

/// Finds an account by its login name or e-mail address.
pub(super) type LookUp<'a> = &'a dyn Fn(&Settings, &str) -> anyhow::Result<Option<Account>>;

pub(super) fn run(arguments: &Arguments, look_up: LookUp<'_>) -> anyhow::Result<Outcome> {
    let settings = match config::load(&arguments.config) {
        Ok(settings) => settings,
        Err(report) => {
            let file = report.file.clone();
            anyhow::bail!("{file} has mistakes\n\n{report}");
        }
    };
    let account = match &arguments.account {
        None => None,
        Some(name) => Some(
            look_up(&settings, name)?.with_context(|| format!("there is no account `{name}`"))?,
        ),
    };
    let now = crate::env::Env::system().now();
    let explained = outcome(
        &settings,
        &arguments.url,
        &arguments.method,
        account.as_ref(),
        now,
    );
    let explanation = explained.map_err(anyhow::Error::msg)?;
    let text = if arguments.json {
        format!("{:#}\n", serde_json::to_value(&explanation)?)
    } else {
        explanation.to_string()
    };
    print(&text)?;
    Ok(Outcome::Done)
}

/// What `explain` found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Explanation {
    pub url: String,
    pub method: String,
    /// What the request is for, in one sentence.
    pub place: String,
    /// The route's name; `None` where the request belongs to none.
    pub route: Option<String>,
    /// The rules in the order in which they are applied.
    pub rules: Vec<String>,
    pub outcomes: Vec<Case>,
    /// How long a new password must be, and why.
    pub new_passwords: String,
}

/// What happens to one kind of visitor.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Case {
    pub who: String,
    /// [`Decision::code`].
    pub decision: &'static str,
    pub meaning: String,
}

impl std::fmt::Display for Explanation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(f, "{} {}", self.method, self.url)?;
        writeln!(f, "  {}", self.place)?;
        if !self.rules.is_empty() {
            writeln!(f, "\nRules, in this order:")?;
        }
        for (number, rule) in self.rules.iter().enumerate() {
            writeln!(f, "  {}. {rule}", number + 1)?;
        }
        if !self.outcomes.is_empty() {
            writeln!(f, "\nWhat happens:")?;
        }
        for case in &self.outcomes {
            writeln!(
                f,
                "  {}\n    -> {}: {}",
                case.who, case.decision, case.meaning
            )?;
        }
        if self.route.is_some() {
            writeln!(f, "\nNew passwords: {}", self.new_passwords)?;
        }
        Ok(())
    }
}

/// Explains one request. The error says what is wrong with the URL or the method.
pub fn outcome(
    settings: &Settings,
    url: &str,
    method: &str,
    account: Option<&Account>,
    now: Timestamp,
) -> Result<Explanation, String> {
    if method.is_empty() || !method.bytes().all(|b| b.is_ascii_uppercase() || b == b'-') {
        return Err(format!(
            "`{method}` is not a method; write for example GET or POST"
        ));
    }
    let (host, port, raw_path) = split(url)?;
    let mut explanation = Explanation {
        url: url.to_owned(),
        method: method.to_owned(),
        place: String::new(),
        route: None,
        rules: Vec::new(),
        outcomes: Vec::new(),
        new_passwords: settings.password.minimum.to_string(),
    };
    let Some(path) = Path::parse(raw_path.as_bytes()) else {
        explanation.place =
            "The path can be read in more than one way: refused with 400 on every host.".into();
        return Ok(explanation);
    };
    if host == *settings.portal.host() {
        explanation.place = "This is the portal: its own pages, no application.".into();
        return Ok(explanation);
    }
    if path.is_host_page() {
        explanation.place =
            "Everything below /.vestibule/ is Vestibule's own; no application receives it.".into();
        return Ok(explanation);
    }
    let Some((index, route)) = settings.routes.find(&host, &path) else {
        explanation.place = match settings.routes.knows_host(&host) {
            true => "No route of this host covers this path: refused with 404.".into(),
            false => "No route has this host: refused.".into(),
        };
        return Ok(explanation);
    };
    explanation.place = place(route, &path, port);
    explanation.route = Some(route.name.clone());
    explanation.rules = rules(settings, route, account);
    let request = Request {
        settings,
        route,
        index,
        method,
        path: &path,
        now,
    };
    explanation.outcomes = request.cases(account);
    Ok(explanation)
}

/// Host, port and the path as written: nothing may tidy it up before the gateway's own rules see it.
fn split(url: &str) -> Result<(Host, Option<u16>, &str), String> {
    let wrong = || format!("`{url}` is not a URL; write for example https://wiki.example.com/page");
    let rest = url
        .strip_prefix("https://")
        .or_else(|| url.strip_prefix("http://"))
        .ok_or_else(wrong)?;
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, target) = rest.split_at_checked(end).ok_or_else(wrong)?;
    let (host, port) = Host::parse_authority(authority).ok_or_else(wrong)?;
    let path = target.split(['?', '#']).next().unwrap_or("");
    Ok((host, port, if path.is_empty() { "/" } else { path }))
}

fn place(route: &Route, path: &Path, port: Option<u16>) -> String {
    let upstreams = upstream::in_words(&route.upstreams, &route.delivery);
    let to = match &route.answers.own {
        None if route.upstreams.is_empty() => {
            "passed on by the proxy in front, which asks".to_owned()
        }
        None if route.forward_auth => format!("to {upstreams}, or by a proxy that asks"),
        None => format!("to {upstreams}"),
        Some(Own::Redirect(r)) => format!("redirected ({}) to {}{}", r.status, r.origin, r.target),
        Some(Own::Fixed(fixed)) => format!("answered here with {}", fixed.status),
    };
    let mut text = format!(
        "Route `{}` ({}{}), {to}.",
        route.name,
        route.origin,
        route.prefix.as_str(),
    );
    if let Some(map) = route.rewrite.as_ref().and_then(|r| r.path.as_ref()) {
        let own = map.inward(path);
        let own = own
            .as_ref()
            .map_or("nothing: it could be read in two ways", |p| p.as_str());
        let _ = write!(text, " The application is asked for {own}.");
    }
    if port.unwrap_or(443) != route.origin.port() {
        let _ = write!(text, " Browsers reach it at port {}.", route.origin.port());
    }
    text
}

fn rules(settings: &Settings, route: &Route, account: Option<&Account>) -> Vec<String> {
    let access = &route.access;
    let mut rules = Vec::new();
    if !access.networks.is_empty() {
        let networks: Vec<String> = access.networks.iter().map(ToString::to_string).collect();
        rules.push(format!(
            "access.networks: only from {}",
            networks.join(", ")
        ));
    }
    if !access.methods.is_empty() {
        rules.push(format!("access.methods: only {}", joined(&access.methods)));
    }
    rules.extend(answers(route));
    if !route.public.is_empty() {
        let paths: Vec<&str> = route.public.iter().map(|p| p.as_str()).collect();
        rules.push(format!("public: {} without sign-in", paths.join(", ")));
    }
    rules.push(format!(
        "signed in: for at most {}, silent for at most {}",
        in_words(settings.sessions.lifetime),
        in_words(settings.sessions.idle)
    ));
    if !access.groups.is_empty() {
        rules.push(format!(
            "access.groups: only members of {}",
            joined(&access.groups)
        ));
    }
    rules.extend(two_factor_rules(settings, route, account));
    rules
}

fn answers(route: &Route) -> Vec<String> {
    let mut rules = Vec::new();
    if let Some(maintenance) = &route.answers.maintenance {
        let networks: Vec<String> = maintenance
            .networks
            .iter()
            .map(ToString::to_string)
            .collect();
        let mut open = Vec::new();
        if !networks.is_empty() {
            open.push(format!("from {}", networks.join(", ")));
        }
        if !maintenance.groups.is_empty() {
            open.push(format!("for members of {}", joined(&maintenance.groups)));
        }
        let open = if open.is_empty() {
            "for nobody".into()
        } else {
            open.join(" and ")
        };
        rules.push(format!("maintenance: closed, open {open} only"));
    }
    if let Some(preflights) = &route.answers.preflights {
        let by = if preflights.answer.is_some() {
            "answered here"
        } else {
            "passed on without a session"
        };
        rules.push(format!(
            "cors: preflights from {} are {by}",
            joined(&preflights.origins)
        ));
    }
    rules
}

fn two_factor_rules(settings: &Settings, route: &Route, account: Option<&Account>) -> Vec<String> {
    let two_factor = &settings.two_factor;
    let mut sources = vec![format!("everybody {}", two_factor.policy.code())];
    if route.two_factor != TwoFactor::Optional {
        sources.push(format!("this route {}", route.two_factor.code()));
    }
    for (group, policy) in &two_factor.groups {
        if account.is_some_and(|a| a.groups.contains(group)) {
            sources.push(format!("group {group} {}", policy.code()));
        }
    }
    if account.is_none() && !two_factor.groups.is_empty() {
        sources.push("stricter for the members of some groups".into());
    }
    let mut rules = vec![format!("two_factor.policy: {}", sources.join(", "))];
    if let Some(max_age) = route.max_age {
        rules.push(format!(
            "two_factor.max_age: the second factor not older than {}",
            in_words(max_age)
        ));
    }
    if let Some(span) = two_factor.trusted_devices {
        rules.push(format!(
            "two_factor.trusted_devices: {}",
            trust(span, two_factor, route, account)
        ));
    }
    rules
}

/// Whether a trusted device opens the route without a code, and what is in the way.
fn trust(
    span: Duration,
    rules: &policy::TwoFactorRules,
    route: &Route,
    account: Option<&Account>,
) -> String {
    let group = account.and_then(|a| {
        let mut switched_off = rules.untrusted_groups.intersection(&a.groups);
        switched_off.next()
    });
    if !route.trusted_devices {
        "switched off for this route".into()
    } else if let Some(group) = group {
        format!("switched off for group {group}")
    } else if route.max_age.is_some() {
        "count for nothing here, because of max_age".into()
    } else if account.is_none() && !rules.untrusted_groups.is_empty() {
        format!(
            "not asked for a code for {}, but for the members of some groups",
            in_words(span)
        )
    } else {
        format!("not asked for a code for {}", in_words(span))
    }
}

/// One request, to be decided for several visitors.
struct Request<'a> {
    settings: &'a Settings,
    route: &'a Route,
    index: RouteIndex,
    method: &'a str,
    path: &'a Path,
    now: Timestamp,
}

impl Request<'_> {
    fn cases(&self, account: Option<&Account>) -> Vec<Case> {
        let inside = self
            .address(true)
            .unwrap_or(IpAddr::V4(Ipv4Addr::LOCALHOST));
        let mut cases = Vec::new();
        if let Some(outside) = self
            .address(false)
            .filter(|_| !self.route.access.networks.is_empty())
        {
            cases.push(self.case("Anybody from elsewhere".into(), outside, None));
        }
        cases.push(self.case("Nobody signed in".into(), inside, None));
        let Some(account) = account else {
            return cases;
        };
        let name = &account.login;
        if !account.is_active() {
            cases.push(self.case(
                format!("{name}, whose account is disabled"),
                inside,
                Some(self.view(account, None)),
            ));
            return cases;
        }
        cases.push(self.case(
            format!("{name}, signed in with the password only"),
            inside,
            Some(self.view(account, None)),
        ));
        if account.has_second_factor() && self.settings.two_factor.trusted_devices.is_some() {
            let mut view = self.view(account, None);
            let trusting = Arc::make_mut(&mut view);
            trusting.session.trusted_device = Some(DeviceId::from_uuid(uuid::Uuid::nil()));
            let who = format!("{name}, signed in with the password on a trusted device");
            cases.push(self.case(who, inside, Some(view)));
        }
        let enrolled = if account.has_second_factor() {
            ""
        } else {
            " (once there is one)"
        };
        let who = format!("{name}, the second factor just proven{enrolled}");
        cases.push(self.case(who, inside, Some(self.view(account, Some(self.now)))));
        if let Some(max_age) = self.route.max_age {
            let who = format!("{name}, the second factor proven {} ago", in_words(max_age));
            let view = self.view(account, Some(self.now.minus(max_age)));
            cases.push(self.case(who, inside, Some(view)));
        }
        cases
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
                account: account.id,
                factors,
                auth_time: signed_in,
                password_at: signed_in,
                second_factor_at,
                expires_at: self.now.plus(self.settings.sessions.lifetime),
                last_seen_at: self.now,
                address: None,
                user_agent: None,
                trusted_device: None,
            },
            account: Arc::new(account.clone()),
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
            // whoever has none is refused, which `access` of the route says
            client_certificate: true,
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
        Case {
            who,
            decision: decision.code(),
            meaning: meaning(&decision, self.route.answers.own.is_some()),
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

fn joined(names: &std::collections::BTreeSet<String>) -> String {
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    names.join(", ")
}

/// As the configuration writes it.
fn in_words(span: Duration) -> String {
    let seconds = span.as_secs();
    let units = [(86_400, "d"), (3_600, "h"), (60, "m")];
    let whole = units
        .iter()
        .find(|(unit, _)| seconds >= *unit && seconds.is_multiple_of(*unit));
    match whole {
        Some((unit, name)) => format!("{}{name}", seconds / unit),
        None => format!("{seconds}s"),
    }
}
