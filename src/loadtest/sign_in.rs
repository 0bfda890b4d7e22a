//! Signs people in through the portal's pages as a browser without script does: redirects, forms, cookies, the code of
//! the authenticator app. What is left are cookies to drive with, and how long each sign-in took.

use super::client::{Dialer, Failed, Line};
use super::html_form::{Form, forms};
use super::plan::{Plan, ceilings};
use super::report::Figures;
use super::sessions::{Cookies, Sessions, read_private};
use super::stats::latencies;
use super::target::{Origin, authority, resolve};
use super::{Stop, Wrong};
use crate::env::Env;
use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE, COOKIE, HOST, LOCATION, ORIGIN, SET_COOKIE, USER_AGENT};
use http::{HeaderMap, HeaderValue, Method, Request, StatusCode, Uri};
use http_body_util::{BodyExt as _, Limited};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Mutex, Semaphore};
use tokio::time::Instant;
use url::Url;
use zeroize::Zeroizing;

/// Sign-ins at once.
const AT_ONCE: usize = 32;
/// Largest page that is read.
const PAGE_BYTES: usize = 1024 * 1024;
/// Pages and forms from the first address to the last.
const STEPS: usize = 24;
/// Seconds a code is shown.
const CODE_SECONDS: i64 = 30;

/// Somebody who can sign in.
#[derive(Clone)]
pub struct Person {
    login: String,
    password: Zeroizing<String>,
    /// The authenticator's key; `None`: without an app.
    totp: Option<Zeroizing<Vec<u8>>>,
}

impl std::fmt::Debug for Person {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Person({})", self.login)
    }
}

#[derive(Deserialize)]
struct Row {
    login: String,
    password: String,
    #[serde(default)]
    totp: Option<String>,
}

/// How the sign-ins went.
#[derive(Clone, Debug, Serialize)]
pub struct SignIns {
    pub succeeded: u64,
    pub failed: u64,
    pub seconds: f64,
    pub per_second: f64,
    /// From the first request to the application's page.
    pub latency: Figures,
    pub first_failure: Option<String>,
}

/// Reads people from a file that is its owner's alone: CSV with the columns `login,password,totp`, or JSON Lines with
/// these keys. `totp` is the key in base 32, or an `otpauth://` address; empty without an app.
pub fn read(file: &Path) -> Result<Vec<Person>, Wrong> {
    parse(&Zeroizing::new(read_private(file)?))
        .map_err(|e| Wrong::new(format!("{}: {e}", file.display())))
}

pub fn parse(text: &str) -> Result<Vec<Person>, Wrong> {
    // what serde says may quote the line, which has a password in it
    let wrong = |at: usize| {
        Wrong::new(format!(
            "line {at}: write login,password,totp under a heading of these names, or JSON with these keys"
        ))
    };
    let mut people = Vec::new();
    if text.trim_start().starts_with('{') {
        for (at, line) in text.lines().enumerate() {
            if line.trim().is_empty() {
                continue;
            }
            let row: Row = serde_json::from_str(line).map_err(|_| wrong(at + 1))?;
            people.push(person(row, at + 1)?);
        }
    } else {
        let mut reader = csv::ReaderBuilder::new()
            .flexible(true)
            .from_reader(text.as_bytes());
        for (at, row) in reader.deserialize().enumerate() {
            people.push(person(row.map_err(|_| wrong(at + 2))?, at + 2)?);
        }
    }
    if people.is_empty() {
        return Err(Wrong::new("there is nobody in it"));
    }
    if people.len() > ceilings::SIGN_INS {
        let text = format!("more than {} people", ceilings::SIGN_INS);
        return Err(Wrong::new(text));
    }
    Ok(people)
}

fn person(row: Row, line: usize) -> Result<Person, Wrong> {
    let written = row.totp.map(Zeroizing::new);
    let totp = match written
        .as_deref()
        .map(|t| t.trim())
        .filter(|t| !t.is_empty())
    {
        None => None,
        Some(text) => Some(key(text).ok_or_else(|| {
            Wrong::new(format!(
                "line {line}: `totp` is no key in base 32 and no otpauth:// address"
            ))
        })?),
    };
    Ok(Person {
        login: row.login,
        password: Zeroizing::new(row.password),
        totp,
    })
}

/// A key in base 32 (RFC 4648 6), as apps show it, or out of an `otpauth://` address.
fn key(text: &str) -> Option<Zeroizing<Vec<u8>>> {
    let from_address = text
        .strip_prefix("otpauth://")
        .and_then(|rest| rest.split_once("secret="));
    let text = match from_address {
        Some((_, rest)) => rest.split('&').next()?,
        None => text,
    };
    let (mut held, mut bits) = (0u32, 0u32);
    let mut out = Zeroizing::new(Vec::new());
    for c in text.chars().filter(|c| !matches!(c, ' ' | '-' | '=')) {
        let value = match c.to_ascii_uppercase() {
            c @ 'A'..='Z' => u32::from(c) - u32::from('A'),
            c @ '2'..='7' => u32::from(c) - u32::from('2') + 26,
            _ => return None,
        };
        held = held << 5 | value;
        bits += 5;
        if bits >= 8 {
            bits -= 8;
            out.push(u8::try_from(held >> bits & 0xff).ok()?);
        }
        held &= (1 << bits) - 1;
    }
    (out.len() >= 10).then_some(out)
}

/// The six digits of a moment (RFC 6238 with SHA-1 and 30 seconds).
fn code(key: &[u8], seconds: i64) -> Option<String> {
    use ring::hmac;
    let step = u64::try_from(seconds / CODE_SECONDS).ok()?;
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, key);
    let mac = hmac::sign(&key, &step.to_be_bytes());
    let mac = mac.as_ref();
    let at = usize::from(mac.last()? & 15);
    let word: [u8; 4] = mac.get(at..at + 4)?.try_into().ok()?;
    let number = u32::from_be_bytes(word) & 0x7fff_ffff;
    Some(format!("{:06}", number % 1_000_000))
}

/// What all browsers share.
struct World {
    dialer: Dialer,
    overrides: Vec<super::target::Override>,
    reach: super::target::Reach,
    timeout: Duration,
    env: Env,
    /// Found and checked once.
    origins: Mutex<HashMap<(bool, String), Arc<Origin>>>,
    /// One address for each host that is to be driven.
    addresses: Vec<Url>,
}

/// Signs everybody in, each once, `rate` a second where one is given. Fails where nobody could.
pub async fn sign_in(
    people: Vec<Person>,
    plan: &Plan,
    rate: Option<f64>,
    env: &Env,
    stop: &Stop,
) -> Result<(Sessions, SignIns), Wrong> {
    let mut addresses: Vec<Url> = Vec::new();
    for target in plan
        .side
        .targets
        .iter()
        .chain(plan.compare.iter().flat_map(|s| &s.targets))
    {
        let known = |url: &Url| {
            authority(url) == authority(&target.url) && url.scheme() == target.url.scheme()
        };
        if !addresses.iter().any(known) {
            addresses.push(target.url.clone());
        }
    }
    let world = Arc::new(World {
        dialer: Dialer::new(
            super::client::Protocol::Http1,
            plan.ca.as_deref(),
            plan.timeout,
        )?,
        overrides: plan.overrides.clone(),
        reach: plan.reach,
        timeout: plan.timeout,
        env: env.clone(),
        origins: Mutex::default(),
        addresses,
    });
    let Some(first) = world.addresses.first().cloned() else {
        return Err(Wrong::new("there is no address to sign in for"));
    };
    // what may not be driven is refused before anybody's password is sent anywhere
    for url in &world.addresses {
        world.origin(url).await?;
    }
    let began = Instant::now();
    let places = Arc::new(Semaphore::new(AT_ONCE));
    let mut under_way = tokio::task::JoinSet::new();
    for (number, person) in people.into_iter().enumerate() {
        if let Some(rate) = rate {
            let due = Duration::try_from_secs_f64(number as f64 / rate).unwrap_or(Duration::MAX);
            tokio::select! {
                () = tokio::time::sleep_until(began + due) => {}
                () = stop.stopped() => {}
            }
        }
        let place = Arc::clone(&places).acquire_owned().await;
        if stop.is_stopped() {
            break;
        }
        let (world, first) = (Arc::clone(&world), first.clone());
        under_way.spawn(async move {
            let began = Instant::now();
            let result = Browser::new(&world, first).sign_in(&person).await;
            drop(place);
            (person.login, began.elapsed(), result)
        });
    }
    let (mut sessions, mut latency, mut failed, mut first) = (Vec::new(), latencies(3), 0, None);
    while let Some(done) = under_way.join_next().await {
        let Ok((login, span, result)) = done else {
            failed += 1;
            continue;
        };
        match result {
            Ok(cookies) => {
                let _ = latency.record(u64::try_from(span.as_nanos()).unwrap_or(u64::MAX));
                sessions.push(cookies);
            }
            Err(why) => {
                failed += 1;
                first.get_or_insert(format!("{login}: {why}"));
            }
        }
    }
    let seconds = began.elapsed().as_secs_f64();
    if sessions.is_empty() {
        return Err(Wrong::new(format!(
            "nobody could sign in; {}",
            first.unwrap_or_else(|| "ended by hand".to_owned())
        )));
    }
    let succeeded = sessions.len() as u64;
    let sign_ins = SignIns {
        succeeded,
        failed,
        seconds,
        per_second: succeeded as f64 / seconds.max(f64::MIN_POSITIVE),
        latency: Figures::of(&latency),
        first_failure: first,
    };
    Ok((Sessions::new(sessions), sign_ins))
}

impl World {
    async fn origin(&self, url: &Url) -> Result<Arc<Origin>, Wrong> {
        let place = (url.scheme() == "https", authority(url));
        let mut known = self.origins.lock().await;
        if let Some(origin) = known.get(&place) {
            return Ok(Arc::clone(origin));
        }
        if !matches!(url.scheme(), "http" | "https") {
            return Err(Wrong::new(format!("sent to {}", url.scheme())));
        }
        let origin = Arc::new(resolve(url, &self.overrides, self.reach).await?);
        known.insert(place, Arc::clone(&origin));
        Ok(origin)
    }
}

/// A page, read.
struct Page {
    status: StatusCode,
    headers: HeaderMap,
    html: String,
}

struct Browser<'w> {
    world: &'w World,
    /// By host, as browsers keep them: ports do not matter.
    jar: BTreeMap<String, BTreeMap<String, String>>,
    lines: HashMap<(bool, String), Line>,
    at: Url,
}

/// What was last sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sent {
    Nothing,
    Password,
    Code,
    Later,
}

impl<'w> Browser<'w> {
    fn new(world: &'w World, first: Url) -> Self {
        Self {
            world,
            jar: BTreeMap::new(),
            lines: HashMap::new(),
            at: first,
        }
    }

    async fn sign_in(mut self, person: &Person) -> Result<Cookies, Wrong> {
        for url in &self.world.addresses {
            self.reach(url.clone(), person).await?;
        }
        let mut cookies = Cookies::new();
        for url in &self.world.addresses {
            let header = self.cookies(url).ok_or_else(|| {
                Wrong::new(format!(
                    "{} has set no cookie; nobody had to sign in there",
                    authority(url)
                ))
            })?;
            cookies.insert(authority(url), header);
        }
        Ok(cookies)
    }

    /// Opens an address and does what the pages ask for until it is reached.
    async fn reach(&mut self, url: Url, person: &Person) -> Result<(), Wrong> {
        let mut page = self.get(url.clone()).await?;
        let (mut last, mut tried_again) = (Sent::Nothing, false);
        for _ in 0..STEPS {
            if page.status.is_redirection() {
                let to = page.headers.get(LOCATION).and_then(|to| to.to_str().ok());
                let to = to.and_then(|to| self.at.join(to).ok());
                let to = to.ok_or_else(|| Wrong::new("a redirect without an address"))?;
                page = self.get(to).await?;
                continue;
            }
            if page.status == StatusCode::TOO_MANY_REQUESTS {
                return Err(Wrong::new(
                    "sign-in is paused after wrong tries, or too many at once",
                ));
            }
            if page.status.is_server_error() && self.at.host() != url.host() {
                return Err(Wrong::new(format!(
                    "{} answered {}",
                    self.at.path(),
                    page.status
                )));
            }
            let found = forms(&page.html);
            let with =
                |test: &dyn Fn(&Form) -> bool| found.iter().find(|f| f.post && test(f)).cloned();
            if let Some(form) = with(&|f| f.has("username") && f.has("password")) {
                if last == Sent::Password {
                    return Err(Wrong::new("name or password are not correct"));
                }
                let values = [
                    ("username", person.login.as_str()),
                    ("password", &person.password),
                ];
                page = self.submit(&form, &values).await?;
                last = Sent::Password;
            } else if let Some(form) = with(&|f| f.has("code")) {
                let Some(key) = &person.totp else {
                    return Err(Wrong::new("a code is asked for, and no `totp` is given"));
                };
                if last == Sent::Code {
                    if tried_again {
                        return Err(Wrong::new("the code is not correct; see the clocks"));
                    }
                    // each code works once: this one may have been used a moment ago
                    tried_again = true;
                    self.next_code().await;
                }
                let digits = code(key, self.world.env.now().seconds()).unwrap_or_default();
                page = self.submit(&form, &[("code", &digits)]).await?;
                last = Sent::Code;
            } else if let Some(form) = with(&|f| f.has_button("do", "later")) {
                page = self.submit(&form, &[("do", "later")]).await?;
                last = Sent::Later;
            } else if same_place(&self.at, &url) {
                return Ok(());
            } else {
                return Err(Wrong::new(format!(
                    "stuck at {} ({}{}): the account has to do something there first",
                    self.at.path(),
                    page.status,
                    title(&page.html)
                )));
            }
        }
        Err(Wrong::new(format!("no end in sight at {}", self.at.path())))
    }

    /// Waits until the app shows another code.
    async fn next_code(&self) {
        let now = self.world.env.now().seconds();
        let wait = u64::try_from(CODE_SECONDS - now.rem_euclid(CODE_SECONDS)).unwrap_or(1);
        tokio::time::sleep(Duration::from_secs(wait)).await;
    }

    async fn get(&mut self, url: Url) -> Result<Page, Wrong> {
        self.ask(Method::GET, url, None).await
    }

    async fn submit(&mut self, form: &Form, values: &[(&str, &str)]) -> Result<Page, Wrong> {
        let to = self
            .at
            .join(&form.action)
            .map_err(|e| Wrong::new(format!("a form leads nowhere: {e}")))?;
        // a page of somebody else does not get what is typed into ours
        if !same_place(&to, &self.at) {
            return Err(Wrong::new(format!("a form leads to another host: {to}")));
        }
        self.ask(Method::POST, to, Some(form.filled(values))).await
    }

    async fn ask(&mut self, method: Method, url: Url, form: Option<String>) -> Result<Page, Wrong> {
        let longest = self.world.timeout;
        let asking = self.exchange(method, &url, form);
        let page = tokio::time::timeout(longest, asking)
            .await
            .map_err(|_| Wrong::new(format!("{} does not answer", url.path())))??;
        let host = url.host_str().unwrap_or_default().to_owned();
        keep(self.jar.entry(host).or_default(), &page.headers);
        self.at = url;
        Ok(page)
    }

    async fn exchange(
        &mut self,
        method: Method,
        url: &Url,
        form: Option<String>,
    ) -> Result<Page, Wrong> {
        let origin = self.world.origin(url).await?;
        let mut headers = HeaderMap::new();
        headers.insert(HOST, origin.authority.clone());
        headers.insert(
            USER_AGENT,
            HeaderValue::from_static(super::plan::USER_AGENT),
        );
        headers.insert(ACCEPT, HeaderValue::from_static("text/html,*/*;q=0.8"));
        headers.insert("sec-fetch-mode", HeaderValue::from_static("navigate"));
        headers.insert("sec-fetch-dest", HeaderValue::from_static("document"));
        let site = if form.is_some() {
            "same-origin"
        } else {
            "none"
        };
        headers.insert("sec-fetch-site", HeaderValue::from_static(site));
        if form.is_some() {
            let kind = "application/x-www-form-urlencoded";
            headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
            let own = self.at.origin().ascii_serialization();
            if let Ok(own) = HeaderValue::from_str(&own) {
                headers.insert(ORIGIN, own);
            }
        }
        if let Some(cookies) = self.cookies(url) {
            headers.insert(COOKIE, cookies);
        }
        let path = match url.query() {
            Some(query) => format!("{}?{query}", url.path()),
            None => url.path().to_owned(),
        };
        let uri: Uri = path
            .parse()
            .map_err(|e| Wrong::new(format!("`{url}` cannot be asked for: {e}")))?;
        let mut request = Request::new(super::client::Body::new(Bytes::from(
            form.unwrap_or_default(),
        )));
        *request.method_mut() = method;
        *request.uri_mut() = uri;
        *request.headers_mut() = headers;
        let failed = |f: Failed| Wrong::new(format!("{}: {}", url.path(), f.why));

        let place = (url.scheme() == "https", authority(url));
        let mut line = match self.lines.remove(&place).filter(|line| !line.is_closed()) {
            Some(line) => line,
            None => self.world.dialer.dial(&origin).await.map_err(failed)?,
        };
        let answer = line.send(request).await.map_err(failed)?;
        let (parts, body) = answer.into_parts();
        let body = Limited::new(body, PAGE_BYTES)
            .collect()
            .await
            .map_err(|e| Wrong::new(format!("{}: {e}", url.path())))?;
        self.lines.insert(place, line);
        Ok(Page {
            status: parts.status,
            headers: parts.headers,
            html: String::from_utf8_lossy(&body.to_bytes()).into_owned(),
        })
    }

    fn cookies(&self, url: &Url) -> Option<HeaderValue> {
        let of_host = self.jar.get(url.host_str()?)?;
        let pairs: Vec<String> = of_host.iter().map(|(n, v)| format!("{n}={v}")).collect();
        let mut header = HeaderValue::from_str(&pairs.join("; ")).ok()?;
        header.set_sensitive(true);
        (!pairs.is_empty()).then_some(header)
    }
}

fn same_place(a: &Url, b: &Url) -> bool {
    a.scheme() == b.scheme() && authority(a) == authority(b)
}

fn title(html: &str) -> String {
    let title = html
        .split_once("<title>")
        .and_then(|(_, rest)| rest.split_once("</title>"));
    title.map_or_else(String::new, |(title, _)| {
        format!(", {}", title.chars().take(80).collect::<String>())
    })
}

/// Keeps what a browser would keep of a host's cookies, as far as sessions go: names and values, and ends.
fn keep(jar: &mut BTreeMap<String, String>, headers: &HeaderMap) {
    for line in headers.get_all(SET_COOKIE) {
        let Ok(line) = line.to_str() else { continue };
        let mut parts = line.split(';');
        let Some((name, value)) = parts.next().and_then(|pair| pair.split_once('=')) else {
            continue;
        };
        let ends = parts.any(|part| {
            let part = part.trim().to_ascii_lowercase();
            part == "max-age=0" || part.starts_with("max-age=-")
        });
        if ends {
            jar.remove(name.trim());
        } else {
            jar.insert(name.trim().to_owned(), value.trim().to_owned());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_in_a_file() {
        let csv = "login,password,totp\nload-1,\"a, b\",GEZD GNBV GY3T QOJQ GEZD GNBV GY3T QOJQ\nload-2,c,\nload-3,d\n";
        let people = parse(csv).unwrap();
        assert_eq!(people.len(), 3);
        assert_eq!(people[0].password.as_str(), "a, b");
        assert_eq!(
            people[0].totp.as_ref().unwrap().as_slice(),
            b"12345678901234567890"
        );
        assert!(people[1].totp.is_none() && people[2].totp.is_none());
        let json = "{\"login\": \"load-1\", \"password\": \"x\", \"totp\": \"otpauth://totp/N:a?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=N\"}\n";
        assert_eq!(
            parse(json).unwrap()[0].totp.as_ref().unwrap().as_slice(),
            b"12345678901234567890"
        );
        for bad in [
            "",
            "login,password\n",
            "login\na\n",
            "{\"login\": \"s3cret\"}",
            "login,password,totp\na,s3cret,1890\n",
        ] {
            let wrong = parse(bad).unwrap_err();
            assert!(!wrong.to_string().contains("s3cret"), "{wrong}");
        }
        assert!(!format!("{people:?}").contains("a, b"));
    }

    #[test]
    fn codes_are_those_of_the_standard() {
        // RFC 6238 appendix B, the last six digits
        let key = b"12345678901234567890";
        assert_eq!(code(key, 59).as_deref(), Some("287082"));
        assert_eq!(code(key, 1_111_111_109).as_deref(), Some("081804"));
    }

    #[test]
    fn cookies_come_and_go() {
        let mut jar = BTreeMap::new();
        let mut headers = HeaderMap::new();
        headers.append(SET_COOKIE, HeaderValue::from_static("a=1; Path=/; Secure"));
        headers.append(SET_COOKIE, HeaderValue::from_static("b=2"));
        keep(&mut jar, &headers);
        assert_eq!(jar.len(), 2);
        let mut headers = HeaderMap::new();
        headers.append(
            SET_COOKIE,
            HeaderValue::from_static("a=; Max-Age=0; Path=/"),
        );
        keep(&mut jar, &headers);
        assert_eq!(jar.keys().collect::<Vec<_>>(), ["b"]);
    }
}
