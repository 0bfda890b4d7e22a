//! As much of a browser as an attack needs: cookies a host, redirects, forms, and what browsers say of themselves.

use super::phone::Phone;
use super::site::{LOGIN, Net, PASSWORD};
use crate::support::client::Answer;
use std::collections::BTreeMap;
use url::Url;

#[derive(Clone)]
pub(crate) struct Browser {
    pub(crate) net: Net,
    pub(crate) jar: BTreeMap<String, BTreeMap<String, String>>,
    pub(crate) agent: String,
    /// Where it is.
    pub(crate) at: String,
}

pub(crate) const SESSION: &str = "__Host-vestibule";
pub(crate) const SIGN_IN: &str = "__Host-signin";
pub(crate) const PRE: &str = "__Host-vestibule-pre";

/// One request, with what a browser would add and what an attacker changes.
#[derive(Clone, Default)]
pub(crate) struct Ask {
    pub(crate) method: &'static str,
    pub(crate) url: String,
    pub(crate) body: Option<String>,
    pub(crate) kind: &'static str,
    pub(crate) origin: Option<String>,
    pub(crate) site: &'static str,
    pub(crate) mode: &'static str,
    pub(crate) more: String,
    pub(crate) cookie: Option<String>,
}

impl Browser {
    pub(crate) fn new(net: Net) -> Self {
        Self {
            net,
            jar: BTreeMap::new(),
            agent: "Mozilla/5.0 (Test)".into(),
            at: String::new(),
        }
    }

    pub(crate) fn cookie(&self, host: &str, name: &str) -> Option<&str> {
        self.jar.get(host)?.get(name).map(String::as_str)
    }
    pub(crate) fn plant(&mut self, host: &str, name: &str, value: &str) {
        let of_host = self.jar.entry(host.to_owned()).or_default();
        of_host.insert(name.to_owned(), value.to_owned());
    }

    pub(crate) fn visit(&self, url: &str) -> Ask {
        Ask {
            method: "GET",
            url: url.to_owned(),
            site: "none",
            mode: "navigate",
            ..Ask::default()
        }
    }
    /// A form on the portal, without its anti-forgery value.
    pub(crate) fn form(&self, path: &str, fields: &[(&str, &str)]) -> Ask {
        let mut body = url::form_urlencoded::Serializer::new(String::new());
        body.extend_pairs(fields);
        Ask {
            method: "POST",
            url: self.net.url(LOGIN, path),
            body: Some(body.finish()),
            kind: "application/x-www-form-urlencoded",
            origin: Some(self.net.url(LOGIN, "")),
            site: "same-origin",
            mode: "navigate",
            ..Ask::default()
        }
    }

    /// Sends it, keeps the cookies, follows nothing.
    pub(crate) async fn send(&mut self, ask: Ask) -> Answer {
        let answer = self.try_send(&ask).await;
        let answer = answer.unwrap_or_else(|| panic!("no answer to {} {}", ask.method, ask.url));
        self.at = ask.url;
        answer
    }

    pub(crate) async fn try_send(&mut self, ask: &Ask) -> Option<Answer> {
        use std::fmt::Write as _;
        let url = Url::parse(&ask.url).unwrap();
        let host = url.host_str().unwrap().to_owned();
        let path = &ask.url[ask.url.find(&host).unwrap() + host.len()..];
        let path = path.trim_start_matches(|c: char| c == ':' || c.is_ascii_digit());
        let path = path.split('#').next().unwrap();
        let mut head = format!(
            "{} {} HTTP/1.1\r\nHost: {host}:{}\r\nUser-Agent: {}\r\nAccept: text/html\r\n",
            ask.method,
            if path.is_empty() { "/" } else { path },
            self.net.address.port(),
            self.agent
        );
        let cookie = ask.cookie.clone().or_else(|| {
            let pairs = self.jar.get(&host).filter(|j| !j.is_empty())?;
            let pairs: Vec<String> = pairs.iter().map(|(n, v)| format!("{n}={v}")).collect();
            Some(pairs.join("; "))
        });
        if let Some(cookie) = cookie {
            let _ = write!(head, "Cookie: {cookie}\r\n");
        }
        for (name, value) in [("Sec-Fetch-Site", ask.site), ("Sec-Fetch-Mode", ask.mode)] {
            if !value.is_empty() {
                let _ = write!(head, "{name}: {value}\r\n");
            }
        }
        if let Some(origin) = &ask.origin {
            let _ = write!(head, "Origin: {origin}\r\n");
        }
        if !ask.kind.is_empty() {
            let _ = write!(head, "Content-Type: {}\r\n", ask.kind);
        }
        if let Some(body) = &ask.body {
            let _ = write!(head, "Content-Length: {}\r\n", body.len());
        }
        let text = format!(
            "{head}{}\r\n{}",
            ask.more,
            ask.body.as_deref().unwrap_or("")
        );
        let answer = self.net.raw(&host, ask.method, text.as_bytes()).await?;
        self.keep(&host, &answer);
        Some(answer)
    }

    fn keep(&mut self, host: &str, answer: &Answer) {
        for line in answer.headers("set-cookie") {
            let mut parts = line.split(';').map(str::trim);
            let (name, value) = parts.next().unwrap().split_once('=').unwrap();
            let rest: Vec<String> = parts.map(str::to_ascii_lowercase).collect();
            if name.starts_with("__Host-") {
                for must in ["secure", "path=/", "httponly", "samesite=lax"] {
                    assert!(rest.iter().any(|r| r == must), "{line}");
                }
                assert!(!rest.iter().any(|r| r.starts_with("domain")), "{line}");
            }
            let jar = self.jar.entry(host.to_owned()).or_default();
            if rest.iter().any(|r| r == "max-age=0") {
                jar.remove(name);
            } else {
                jar.insert(name.to_owned(), value.to_owned());
            }
        }
    }

    pub(crate) async fn get(&mut self, url: &str) -> Answer {
        let ask = self.visit(url);
        self.send(ask).await
    }
    /// A page of the portal, as it answers, not followed.
    pub(crate) async fn page(&mut self, path: &str) -> Answer {
        let url = self.net.url(LOGIN, path);
        self.get(&url).await
    }
    /// Opens an address like a person does, wherever it leads.
    pub(crate) async fn open(&mut self, url: &str) -> Answer {
        let answer = self.get(url).await;
        self.follow(answer).await
    }
    pub(crate) async fn follow(&mut self, mut answer: Answer) -> Answer {
        for _ in 0..12 {
            if !(300..400).contains(&answer.status) {
                return answer;
            }
            let to = answer.header("location").unwrap();
            let to = Url::parse(&self.at).unwrap().join(to).unwrap().to_string();
            answer = self.get(&to).await;
        }
        panic!("redirected round and round at {}", self.at);
    }

    /// The anti-forgery value that the pages shown to this browser now carry.
    pub(crate) async fn csrf(&mut self) -> String {
        for path in ["/signin", "/signout"] {
            let url = self.net.url(LOGIN, path);
            let answer = self.open(&url).await;
            let text = answer.text();
            if let Some(csrf) = field(&text, "csrf") {
                return csrf;
            }
        }
        panic!("no page has a form");
    }

    /// Sends the form that `page` shows, with these fields.
    pub(crate) async fn submit(
        &mut self,
        page: &Answer,
        path: &str,
        fields: &[(&str, &str)],
    ) -> Answer {
        let html = page.text();
        let csrf = field(&html, "csrf").unwrap_or_else(|| panic!("no form: {html}"));
        let to = field(&html, "to");
        let mut all: Vec<(&str, &str)> = vec![("csrf", &csrf)];
        if let Some(to) = &to {
            all.push(("to", to));
        }
        all.extend(fields);
        let ask = self.form(path, &all);
        self.send(ask).await
    }

    /// The first door, by this name and the password everybody has; not followed.
    pub(crate) async fn password(&mut self, login: &str) -> Answer {
        self.password_is(login, PASSWORD).await
    }
    pub(crate) async fn password_is(&mut self, login: &str, password: &str) -> Answer {
        let page = self.page("/signin").await;
        let page = self.follow(page).await;
        let fields = [("username", login), ("password", password)];
        self.submit(&page, "/signin", &fields).await
    }
    pub(crate) async fn code(&mut self, code: &str) -> Answer {
        let page = self.page("/signin/code").await;
        assert_eq!(page.status, 200, "{}", page.head);
        self.submit(&page, "/signin/code", &[("code", code)]).await
    }
    /// Both doors.
    pub(crate) async fn both(&mut self, login: &str, phone: &Phone, now: i64) -> Answer {
        let answer = self.password(login).await;
        assert_eq!(
            answer.header("location"),
            Some("/signin/code"),
            "{answer:?}"
        );
        self.code(&phone.code(now)).await
    }
    /// Whether the portal knows somebody here.
    pub(crate) async fn is_signed_in(&mut self) -> bool {
        let answer = self.page("/").await;
        match answer.status {
            200 => true,
            303 => {
                assert_eq!(answer.header("location"), Some("/signin"));
                false
            }
            other => panic!("{other}"),
        }
    }
}

/// The value of a form's field.
pub(crate) fn field(html: &str, name: &str) -> Option<String> {
    let (_, rest) = html.split_once(&format!("name=\"{name}\" value=\""))?;
    let value = rest.split('"').next()?;
    Some(value.replace("&amp;", "&").replace("&#38;", "&"))
}

/// The emergency codes on a page.
pub(crate) fn codes_on(html: &str) -> Vec<String> {
    html.split("<li>")
        .filter_map(|rest| rest.split("</li>").next())
        .filter(|code| code.len() == 19 && code.bytes().filter(|b| *b == b'-').count() == 3)
        .map(str::to_owned)
        .collect()
}

impl Browser {
    /// From "choose an app" to the codes, which are still to be ticked off.
    pub(crate) async fn bind(&mut self, now: i64) -> (Phone, Vec<String>) {
        let page = self.page("/enrol/app").await;
        let answer = self.submit(&page, "/enrol/app", &[("app", "own")]).await;
        assert_eq!(answer.header("location"), Some("/enrol/scan"), "{answer:?}");
        let page = self.follow(answer).await;
        let phone = Phone::scan(&page.text()).expect("a key");
        let page = self.page("/enrol/confirm").await;
        let code = phone.code(now);
        let answer = self
            .submit(&page, "/enrol/confirm", &[("code", &code)])
            .await;
        assert_eq!(
            answer.header("location"),
            Some("/enrol/codes"),
            "{answer:?}"
        );
        let page = self.follow(answer).await;
        (phone, codes_on(&page.text()))
    }
    /// The codes are stored.
    pub(crate) async fn finish(&mut self) -> Answer {
        let page = self.page("/enrol/codes").await;
        self.submit(&page, "/enrol/codes", &[("stored", "1"), ("do", "finish")])
            .await
    }
    /// Sends a sign-in's form by its path, the anti-forgery value of the page at `shown`.
    pub(crate) async fn step(
        &mut self,
        shown: &str,
        path: &str,
        fields: &[(&str, &str)],
    ) -> Answer {
        let page = self.page(shown).await;
        self.submit(&page, path, fields).await
    }
}
