//! `vestibule explain`: which route a URL belongs to, which rules apply, what happens to whom, what the application
//! is told, and why.
//!
//! The answers are the gateway's own: [`policy::decide`](crate::domain::policy::decide) for what happens, its own
//! reading of addresses and certificates for whose request it is, its own mapping for the headers.

mod answer;
mod client;
mod headers;
mod place;
mod rules;
mod visitors;
mod words;

pub use answer::{Case, Explanation};
pub use headers::Told;

use super::{Outcome, print};
use crate::config::{self, Settings};
use crate::domain::account::Account;
use crate::domain::assurance::Assurance;
use crate::domain::request::Path;
use crate::domain::timestamp::Timestamp;
use crate::gateway;
use anyhow::Context as _;
use std::net::IpAddr;
use std::path::PathBuf;
use visitors::Request;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  vestibule explain --config config/vestibule.yaml --url https://wiki.example.com/page
  vestibule explain --config config/vestibule.yaml --url https://wiki.example.com/page --account aino
  vestibule explain --config config/vestibule.yaml --url https://wiki.example.com/page --account aino \\
    --assurance two-factor --client 10.0.0.2 --forwarded-for 203.0.113.7
  vestibule explain --config config/vestibule.yaml --url https://wiki.example.com/api --method DELETE --json")]
pub(super) struct Arguments {
    /// The configuration file
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// The address, as the browser has it
    #[arg(long)]
    url: String,
    /// Says what would happen to this account, too, and what the application is told of it
    #[arg(long, value_name = "NAME")]
    account: Option<String>,
    /// Asks about this sign-in of the account only
    #[arg(long, value_enum, requires = "account")]
    assurance: Option<AssuranceLevel>,
    /// Where the connection comes from
    #[arg(long, value_name = "ADDRESS")]
    client: Option<IpAddr>,
    /// What X-Forwarded-For of that connection says
    #[arg(long, value_name = "ADDRESSES", requires = "client")]
    forwarded_for: Option<String>,
    /// The certificate (PEM) that the client shows
    #[arg(long, value_name = "FILE")]
    certificate: Option<PathBuf>,
    /// The method of the request
    #[arg(long, default_value = "GET")]
    method: String,
    /// Prints the result as JSON
    #[arg(long)]
    json: bool,
}

/// What was proven at the sign-in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum AssuranceLevel {
    /// The password (aal1)
    OneFactor,
    /// The password and a code (aal2)
    TwoFactor,
}

impl AssuranceLevel {
    const fn of(self) -> Assurance {
        match self {
            Self::OneFactor => Assurance::Aal1,
            Self::TwoFactor => Assurance::Aal2,
        }
    }
}

/// What is asked.
#[derive(Clone, Copy, Debug)]
pub struct Question<'a> {
    pub url: &'a str,
    pub method: &'a str,
    pub account: Option<&'a Account>,
    pub assurance: Option<AssuranceLevel>,
    /// The peer of the connection.
    pub client: Option<IpAddr>,
    pub forwarded_for: Option<&'a str>,
    /// A chain in PEM.
    pub certificate: Option<&'a [u8]>,
}

impl<'a> Question<'a> {
    /// Nothing but the request.
    pub const fn new(url: &'a str, method: &'a str) -> Self {
        Self {
            url,
            method,
            account: None,
            assurance: None,
            client: None,
            forwarded_for: None,
            certificate: None,
        }
    }
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
    let certificate = match &arguments.certificate {
        None => None,
        Some(file) => Some(
            std::fs::read(file).with_context(|| format!("{} cannot be read", file.display()))?,
        ),
    };
    let question = Question {
        account: account.as_ref(),
        assurance: arguments.assurance,
        client: arguments.client,
        forwarded_for: arguments.forwarded_for.as_deref(),
        certificate: certificate.as_deref(),
        ..Question::new(&arguments.url, &arguments.method)
    };
    let explanation = outcome(&settings, &question, now).map_err(anyhow::Error::msg)?;
    let text = if arguments.json {
        format!("{:#}\n", serde_json::to_value(&explanation)?)
    } else {
        explanation.to_string()
    };
    print(&text)?;
    Ok(Outcome::Done)
}

/// Explains one request. The error says what is wrong with the URL or the method.
pub fn outcome(
    settings: &Settings,
    question: &Question<'_>,
    now: Timestamp,
) -> Result<Explanation, String> {
    let Question {
        url,
        method,
        account,
        assurance,
        ..
    } = *question;
    if method.is_empty() || !method.bytes().all(|b| b.is_ascii_uppercase() || b == b'-') {
        return Err(format!(
            "`{method}` is not a method; write for example GET or POST"
        ));
    }
    let (host, port, raw_path) = place::split(url)?;
    let mut explanation = Explanation {
        url: url.to_owned(),
        method: method.to_owned(),
        place: String::new(),
        route: None,
        rules: Vec::new(),
        client: Vec::new(),
        outcomes: Vec::new(),
        headers: Vec::new(),
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
    explanation.place = place::place(route, &path, port);
    explanation.route = Some(route.name.clone());
    explanation.rules = rules::rules(settings, route, account);
    let client = client::of(settings, question, now);
    if account.is_none() && route.answers.own.is_none() {
        explanation.headers = gateway::told_names(route);
    }
    let request = Request {
        settings,
        route,
        index,
        method,
        path: &path,
        client: client.address,
        certificate: client.certificate,
        now,
    };
    explanation.outcomes = request.cases(account, assurance);
    explanation.client = client.said;
    Ok(explanation)
}
