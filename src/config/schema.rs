//! The YAML as types: one struct a section, a line of documentation a key.
//!
//! Unknown keys are refused everywhere. Every field is an `Option`, because a value that could not be read is
//! reported at its place and left out here; what must be there is marked `required` for the JSON Schema and
//! seen to by [`super::check`]. The reference `docs/configuration.md` is made from this file.

mod answers;
mod forward_auth;
mod limits;
pub mod logs;
mod rewrite;
mod storage;
pub mod tls;
mod traces;
mod upstreams;

pub use answers::{Cors, Maintenance, Preflight, Redirect, Respond};
pub use forward_auth::ForwardAuth;
pub use limits::{Limits, RouteLimits};
pub use rewrite::{
    Cookies, Destination, Headers, ReferrerPolicy, RequestHeaders, ResponseHeaders, Rewrite,
    SameSite, SecurityHeaders,
};
pub use storage::Storage;
pub use traces::Traces;
pub use upstreams::{Balance, Health, Protocol, Timeouts, UpstreamTls};

use super::list::{Later, List, OneOrMore, Switch};
use super::scalar::{
    Address, Colour, Date, Duration, HeaderTemplate, HostName, Network, PortalUrl, SmtpUrl,
    UpstreamUrl, UrlPath, WebUrl,
};
use schemars::JsonSchema;
use serde::Deserialize;
use std::collections::BTreeMap;

/// The configuration of a Vestibule gateway.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "Vestibule configuration")]
pub struct File {
    /// Where browsers connect.
    #[schemars(required)]
    pub listen: Option<List<Listen>>,
    /// Certificates from an ACME server, such as Let's Encrypt; absent: from files only.
    pub acme: Option<tls::Acme>,
    /// What browsers are told about HTTPS (Strict-Transport-Security); false: nothing. Default: a year, on Vestibule's own answers.
    pub hsts: Option<Switch<tls::Hsts>>,
    /// The operators' own listener: /healthz, /readyz and /metrics; absent: none.
    pub operations: Option<Operations>,
    /// What is written down of requests, and where.
    pub logs: Option<logs::Logs>,
    /// OpenTelemetry traces.
    pub traces: Option<Traces>,
    /// Load balancers in front whose X-Forwarded-For is believed; by default nobody's.
    #[schemars(extend("default" = [], "examples" = ["[ 10.0.0.0/24 ]"]))]
    pub trusted_proxies: Option<List<Network>>,
    /// Proxies of your own that ask about each request instead of sending it through Vestibule; absent: nobody may ask.
    pub forward_auth: Option<ForwardAuth>,
    /// What one client may cost.
    pub limits: Option<Limits>,
    /// The pages of Vestibule itself: sign-in, account, console.
    #[schemars(required)]
    pub portal: Option<Portal>,
    /// How the pages look and whom they name.
    pub brand: Option<Brand>,
    /// Where accounts, sessions and the audit trail are kept.
    pub storage: Option<Storage>,
    /// The key that encrypts secrets at rest.
    pub secrets: Option<Secrets>,
    /// How codes, links and notices are mailed; without it nothing is.
    pub mail: Option<Mail>,
    /// How long people stay signed in.
    pub sessions: Option<Sessions>,
    /// What is asked of everybody besides the password.
    pub two_factor: Option<TwoFactor>,
    /// What new passwords must be like.
    pub password: Option<Password>,
    /// How guessing is slowed down.
    pub throttle: Option<Throttle>,
    /// Which groups may use the console, and how.
    pub roles: Option<Roles>,
    /// Allows ready-made sessions for load tests (`vestibule session mint`); absent: none can be made.
    pub load_testing: Option<LoadTesting>,
    /// Stricter rules for the members of a group, by its name.
    pub groups: Option<BTreeMap<String, Group>>,
    /// The protected applications.
    #[schemars(required)]
    pub routes: Option<Later<Route>>,
}

/// One address that is listened on.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Listen {
    /// IP address and port.
    #[schemars(required, extend("examples" = ["0.0.0.0:443"]))]
    pub address: Option<Address>,
    /// Serves HTTPS here.
    pub tls: Option<tls::Tls>,
    /// Answers plain HTTP by sending browsers to https, and serves nothing else here.
    #[schemars(extend("default" = false))]
    pub redirect_to_https: Option<bool>,
    /// Serves plain HTTP to the `trusted_proxies` that end the TLS in front, and to nobody else; they say in X-Forwarded-Proto whether the browser came over https.
    #[schemars(extend("default" = false))]
    pub behind_proxy: Option<bool>,
    /// Answers the questions of the proxies in `forward_auth`, in plain HTTP at /.vestibule/verify, and serves nothing else here.
    #[schemars(extend("default" = false))]
    pub forward_auth: Option<bool>,
}

/// A certificate with its key.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Certificate {
    /// PEM file: the certificate, then the intermediate ones.
    #[schemars(required, extend("examples" = ["../certs/wiki.pem"]))]
    pub certificate: Option<String>,
    /// PEM file of its private key.
    #[schemars(required, extend("examples" = ["../certs/wiki.key"]))]
    pub key: Option<String>,
}

/// The operators' listener.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Operations {
    /// IP address and port, plain HTTP, on this machine only (127.0.0.1 or ::1).
    #[schemars(required, extend("examples" = ["127.0.0.1:9090"]))]
    pub address: Option<Address>,
}

/// The portal.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Portal {
    /// Its address: https, a host of its own, no path. A port written here is the port of all routes.
    #[schemars(required, extend("examples" = ["https://login.example.com"]))]
    pub url: Option<PortalUrl>,
}

/// The look of the pages.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Brand {
    /// The organisation's name.
    #[schemars(extend("default" = "Vestibule"))]
    pub name: Option<String>,
    /// Image file, SVG or PNG.
    pub logo: Option<String>,
    /// Colour of buttons and links, as # and six hexadecimal digits, in quotes.
    pub accent: Option<Colour>,
    /// Who helps people that cannot get in.
    pub support: Option<Support>,
    /// Languages of the pages, the first where the browser asks for none of them: en, fi, sv, nb, da, de.
    #[schemars(extend("default" = ["en", "fi", "sv", "nb", "da", "de"]))]
    pub languages: Option<List<Language>>,
    /// Folder of texts in your own words: `en.ftl`, `fi.ftl` and so on, each with the texts that differ (docs/operations.md).
    #[schemars(extend("examples" = ["texts"]))]
    pub texts: Option<String>,
}

/// A language of the pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub enum Language {
    En,
    Fi,
    Sv,
    Nb,
    Da,
    De,
}

impl Language {
    pub const ALL: [Self; 6] = [Self::En, Self::Fi, Self::Sv, Self::Nb, Self::Da, Self::De];

    /// BCP 47 tag.
    pub const fn tag(self) -> &'static str {
        match self {
            Self::En => "en",
            Self::Fi => "fi",
            Self::Sv => "sv",
            Self::Nb => "nb",
            Self::Da => "da",
            Self::De => "de",
        }
    }
}

/// The helpdesk as pages show it.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Support {
    /// E-mail address.
    pub email: Option<String>,
    /// Telephone number, shown as written.
    pub phone: Option<String>,
    /// Address of a chat, https.
    pub chat: Option<WebUrl>,
}

/// Keys of the gateway itself.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Secrets {
    /// File of the key that encrypts authenticator secrets and signing keys, made at the first start. Back it up apart from the store.
    #[schemars(extend("default" = "data/secret.key"))]
    pub key_file: Option<String>,
}

/// Outgoing mail.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Mail {
    /// The mail server, with a user and without a password: smtps:// (TLS, port 465) or smtp:// (STARTTLS, port 587; on this machine it is used where offered).
    #[schemars(required, extend("examples" = ["smtps://vestibule@mail.example.com"]))]
    pub smtp: Option<SmtpUrl>,
    /// The sender; a name before the address in angle brackets stands in place of `brand.name`.
    #[schemars(required, extend("examples" = ["noreply@example.com"]))]
    pub from: Option<String>,
    /// File that holds the password of the mail server's user.
    #[schemars(extend("examples" = ["/run/secrets/mail"]))]
    pub password_file: Option<String>,
    /// PEM file of the authorities whose certificates the mail server may have, in place of the system's.
    #[schemars(extend("examples" = ["/etc/vestibule/mail-ca.pem"]))]
    pub ca: Option<String>,
}

/// Sessions.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Sessions {
    /// Longest silence before a session ends; at most 1h where two factors are to count as AAL2 (SP 800-63B-4).
    #[schemars(extend("default" = "1h"))]
    pub idle: Option<Duration>,
    /// Longest life of a session, from sign-in; at most 24h where two factors are to count as AAL2.
    #[schemars(extend("default" = "10h"))]
    pub lifetime: Option<Duration>,
    /// Whether the sign-in page remembers the last account name on a device.
    #[schemars(extend("default" = true))]
    pub remember_account: Option<bool>,
}

/// What a policy asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub enum Policy {
    Optional,
    Recommended,
    Required,
}

/// What a first enrolment asks besides the password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub enum EnrolmentProof {
    Email,
    Helpdesk,
    None,
}

/// Two-factor authentication of everybody.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TwoFactor {
    /// optional: whoever wants; recommended: people are reminded; required: nobody goes on without it. Of several policies the strictest holds.
    #[schemars(extend("default" = "recommended"))]
    pub policy: Option<Policy>,
    /// Time from one reminder to the next. Default: 7 days, closer near a deadline.
    #[schemars(extend("examples" = ["7d"]))]
    pub remind_every: Option<Duration>,
    /// With required: how long each person may put it off, from the first sign-in on; stored, never renewed. Default: not at all.
    #[schemars(extend("examples" = ["14d"]))]
    pub grace: Option<Duration>,
    /// With required: the last day (UTC) on which anybody may put it off.
    #[schemars(extend("examples" = ["2027-01-31"]))]
    pub deadline: Option<Date>,
    /// How long a device that the person trusts is not asked for a code, 1 to 365 days. Absent: no device is trusted.
    #[schemars(extend("examples" = ["30d"]))]
    pub trusted_devices: Option<Duration>,
    /// What a first enrolment asks besides the password: email (a code mailed to the account's address; the helpdesk's where there is none), helpdesk (a one-time code) or none. Default: email where `mail` is configured, else none.
    #[schemars(extend("examples" = ["helpdesk"]))]
    pub enrolment_proof: Option<EnrolmentProof>,
    /// How many emergency codes a person stores, 1 to 16.
    #[schemars(extend("default" = 8))]
    pub emergency_codes: Option<u32>,
    /// Authenticator apps that the enrolment offers by name.
    pub apps: Option<List<App>>,
}

/// An authenticator app.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct App {
    /// Its name.
    #[schemars(required)]
    pub name: Option<String>,
    /// The organisation's own app, offered first; at most one.
    #[schemars(extend("default" = false))]
    pub own: Option<bool>,
    /// Address in the App Store.
    pub ios: Option<WebUrl>,
    /// Address in Google Play.
    pub android: Option<WebUrl>,
    /// A short address to type on a phone, shown as written.
    pub short: Option<String>,
}

/// Passwords.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Password {
    /// Shortest new password, in characters, 8 to 64. Default (SP 800-63B-4): 8 where `two_factor.policy` is `required` without `grace` and `deadline`, else 15, because a password alone opens something.
    #[schemars(extend("examples" = [15]))]
    pub minimum_length: Option<u32>,
    /// File of passwords that are refused besides the common ones, at most 64 MiB, read at start. One a line, in any case, or the SHA-1 of one in 40 hexadecimal digits, with or without `:count`. There are no comments: a password may begin with `#`.
    #[schemars(extend("examples" = ["blocklist.txt"]))]
    pub blocklist: Option<String>,
}

/// Throttling of guesses.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Throttle {
    /// Passwords for one account. Default: 10 free, then 1, pauses 30s to 1h, forgotten after 24h.
    pub password: Option<ThrottleRule>,
    /// Codes for one account, all kinds together. Default: 5 free, then 5, pauses 15m to 1h, forgotten after 24h.
    pub code: Option<ThrottleRule>,
    /// Everything from one network (IPv4 address, IPv6 /64). Default: 500 free, then 50, pauses 1m to 15m, forgotten after 10m.
    pub network: Option<ThrottleRule>,
    /// Threads that check passwords; 0: as many as the machine has cores.
    #[schemars(extend("default" = 0))]
    pub hashing_threads: Option<u32>,
    /// Password checks that may wait for a thread; more are turned away with 429.
    #[schemars(extend("default" = 64))]
    pub hashing_queue: Option<u32>,
}

/// One throttle.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ThrottleRule {
    /// Wrong tries before the first pause.
    pub free: Option<u32>,
    /// Wrong tries between one pause and the next.
    pub then: Option<u32>,
    /// Length of the first pause; each further one is twice as long.
    pub first_pause: Option<Duration>,
    /// Pauses grow no longer than this.
    pub longest_pause: Option<Duration>,
    /// Without a try for this long, counting starts afresh.
    pub forget_after: Option<Duration>,
}

/// Groups with rights in the console.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Roles {
    /// Groups that may find people, issue one-time codes and sign people out.
    #[schemars(extend("examples" = ["[ support ]"]))]
    pub helpdesk: Option<List<String>>,
    /// Groups that may do everything.
    #[schemars(extend("examples" = ["[ it-admins ]"]))]
    pub administrator: Option<List<String>>,
    /// Groups that may read the trail.
    #[schemars(extend("examples" = ["[ security ]"]))]
    pub auditor: Option<List<String>>,
}

/// Load tests.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LoadTesting {
    /// Sessions are made only for accounts whose login begins with this and who have no role; at least 3 characters.
    #[schemars(required, extend("examples" = ["load-"]))]
    pub account_prefix: Option<String>,
}

/// Rules for a group.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Group {
    /// Two-factor authentication of its members.
    pub two_factor: Option<GroupTwoFactor>,
}

/// Two-factor authentication of a group.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GroupTwoFactor {
    /// optional, recommended or required; never less than the policy of everybody.
    pub policy: Option<Policy>,
    /// false: its members are asked for a code on devices that they trust, too.
    #[schemars(extend("default" = true))]
    pub trusted_devices: Option<bool>,
}

/// One protected application, or a part of one.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Route {
    /// Short and unique, in logs and metrics: letters, digits, `-`, `_`, `.`.
    #[schemars(required)]
    pub name: Option<String>,
    /// What pages call it. Default: the name with a capital first letter.
    pub title: Option<String>,
    /// Its host name, without a port.
    #[schemars(required)]
    pub host: Option<HostName>,
    /// The part of the host it is for; of several routes the one with the longest path holds.
    #[schemars(extend("default" = "/"))]
    pub path: Option<UrlPath>,
    /// The application: one URL or a list, scheme, host and port, or unix:/PATH of a socket; each address of a name is used. A route has this, `redirect` or `respond`; with `forward_auth: true` none is needed.
    #[schemars(extend("examples" = ["http://10.0.0.5:3000"]))]
    pub upstream: Option<OneOrMore<UpstreamUrl>>,
    /// A proxy in front may ask whether a request to this place is to be let through.
    #[schemars(extend("default" = false))]
    pub forward_auth: Option<bool>,
    /// Another address that requests are sent to, in place of an application.
    pub redirect: Option<Redirect>,
    /// A fixed answer, in place of an application.
    pub respond: Option<Respond>,
    /// Closes the application: true, or what is said and who comes in nevertheless.
    #[schemars(extend("default" = false))]
    pub maintenance: Option<Switch<Maintenance>>,
    /// Lets CORS preflights of other origins through without a session, or answers them.
    pub cors: Option<Cors>,
    /// Which upstream gets a request: in turn, the one with the fewest under way, or each session its own (public requests by address).
    #[schemars(extend("default" = "round_robin"))]
    pub balance: Option<Balance>,
    /// What is spoken with upstreams: h1, h2 (on http:// without asking), or auto: h2 where https offers it.
    #[schemars(extend("default" = "h1"))]
    pub protocol: Option<Protocol>,
    /// The same as `upstream_tls.ca`, which says it better.
    #[schemars(extend("examples" = ["../certs/internal-ca.pem"]))]
    pub upstream_ca: Option<String>,
    /// TLS towards https upstreams; absent: verified by the system's authorities.
    pub upstream_tls: Option<UpstreamTls>,
    /// How an upstream is found to be alive; absent: by the requests it is given.
    pub health: Option<Health>,
    /// Who may come in; absent: everybody who is signed in.
    pub access: Option<Access>,
    /// Full paths served without sign-in; one that ends in `/` holds for everything below it.
    #[schemars(extend("default" = []))]
    pub public: Option<List<UrlPath>>,
    /// Two-factor authentication for this place.
    pub two_factor: Option<RouteTwoFactor>,
    /// What the application is told about the person.
    pub identity: Option<Identity>,
    /// How long the application may take.
    pub timeouts: Option<Timeouts>,
    /// How much may be asked of it.
    pub limits: Option<RouteLimits>,
    /// The application's own sign-out addresses: a request to one of them ends the session here too.
    #[schemars(extend("default" = []))]
    pub logout_paths: Option<List<UrlPath>>,
    /// For an application that believes it lives elsewhere; `{}`: only its answers are rewritten.
    pub rewrite: Option<Rewrite>,
    /// Headers put into requests and answers, and taken out of them.
    pub headers: Option<Headers>,
    /// Security headers where the application sets none of its own: true, or which.
    #[schemars(extend("default" = false))]
    pub security_headers: Option<Switch<SecurityHeaders>>,
}

/// Restrictions besides being signed in; each that is written must be met.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Access {
    /// Groups of which the person must be in one.
    pub groups: Option<List<String>>,
    /// Networks or addresses the request must come from.
    pub networks: Option<List<Network>>,
    /// Methods that are allowed, in capitals.
    pub methods: Option<List<String>>,
    /// true: only for clients that have shown a certificate that their listener trusts, public paths included.
    #[schemars(extend("default" = false))]
    pub client_certificate: Option<bool>,
}

/// Two-factor authentication of a route.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RouteTwoFactor {
    /// optional, recommended or required; never less than the policy of everybody.
    #[schemars(extend("default" = "optional"))]
    pub policy: Option<Policy>,
    /// Step-up: the second factor must have been proven within this time.
    #[schemars(extend("examples" = ["15m"]))]
    pub max_age: Option<Duration>,
    /// false: a code is asked here on trusted devices, too.
    #[schemars(extend("default" = true))]
    pub trusted_devices: Option<bool>,
}

/// Header names an application may expect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(inline)]
pub enum Preset {
    RemoteUser,
    #[serde(rename = "oauth2-proxy")]
    Oauth2Proxy,
    None,
}

/// Signatures of requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(inline)]
pub enum MessageSignature {
    #[serde(rename = "hmac-sha256")]
    HmacSha256,
}

/// The person's identity for the application.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Identity {
    /// remote-user: Remote-User, -Email, -Name, -Groups; oauth2-proxy: X-Forwarded-User, -Email, -Preferred-Username, -Groups; none.
    #[schemars(extend("default" = "remote-user"))]
    pub preset: Option<Preset>,
    /// Further headers by name; values may hold {account.id}, {account.login}, {account.email}, {account.name}, {account.groups}, {account.attributes.NAME}.
    #[schemars(extend("examples" = ["X-Employee: \"{account.attributes.employee_id}\""]))]
    pub headers: Option<BTreeMap<String, HeaderTemplate>>,
    /// A signed statement (JWT, ES256) in a header; absent: none.
    pub assertion: Option<Assertion>,
    /// Signs each request (RFC 9421) with a key that the application knows: that of `message_signature_key_file`, or the one that `vestibule keys message-signature` prints.
    #[schemars(extend("examples" = ["hmac-sha256"]))]
    pub message_signature: Option<MessageSignature>,
    /// File that holds the key for `message_signature` in base64, at least 32 bytes.
    #[schemars(extend("examples" = ["/run/secrets/wiki-signature"]))]
    pub message_signature_key_file: Option<String>,
    /// Signs in at applications that know only HTTP Basic; a client's own Authorization header never reaches them.
    pub basic_auth: Option<BasicAuth>,
}

/// The signed statement.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Assertion {
    /// Header that carries it.
    #[schemars(extend("default" = "X-Vestibule-Assertion"))]
    pub header: Option<String>,
    /// Whom it is for (`aud`). Default: the route's URL without a trailing slash.
    #[schemars(extend("examples" = ["https://wiki.example.com"]))]
    pub audience: Option<String>,
    /// How long it is good; at most 5m.
    #[schemars(extend("default" = "5m"))]
    pub lifetime: Option<Duration>,
}

/// HTTP Basic towards the application.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BasicAuth {
    /// User name; may hold {account...} as in headers.
    #[schemars(required, extend("examples" = ["\"{account.login}\""]))]
    pub username: Option<HeaderTemplate>,
    /// File that holds the password, one line.
    #[schemars(required, extend("examples" = ["/run/secrets/wiki"]))]
    pub password_file: Option<String>,
}
