//! The admin API: what a token opens, what nothing else opens, and that it is what its description says.

use super::browser::{Ask, SESSION};
use super::site::{LOGIN, Plan, Site};
use crate::support::client::Answer;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;
use tokio::process::Command;
use vestibule::domain::account::Account;
use vestibule::domain::api_token::Scope;
use vestibule::domain::audit::{Actor, Event};
use vestibule::portal::api::{BASE, DOCUMENT, ROUTES};
use vestibule::store::AuditFilter;

const ROLES: &str = "roles: { helpdesk: [support], administrator: [it], auditor: [security] }";
const YAML: &str = include_str!("../../../docs/api/openapi.yaml");

/// A site, and what its tests ask of the API.
struct Api {
    site: Site,
}

/// One request to the API, as raw as a test needs it.
struct Asked<'a> {
    method: &'a str,
    path: &'a str,
    headers: String,
    body: Option<&'a str>,
}

impl Api {
    async fn start() -> Self {
        let site = Site::with(Plan {
            more: ROLES,
            ..Plan::default()
        })
        .await;
        Self { site }
    }

    async fn token(&self, name: &str, scopes: &[Scope]) -> String {
        let scopes: BTreeSet<Scope> = scopes.iter().copied().collect();
        let life = Duration::from_secs(90 * 86_400);
        let made = self.site.office.authn.add_api_token(name, scopes, life);
        made.await.unwrap().unwrap().shown.to_string()
    }

    async fn all(&self) -> String {
        self.token("everything", &Scope::ALL).await
    }

    async fn raw(&self, asked: Asked<'_>) -> Answer {
        let Asked {
            method,
            path,
            headers,
            body,
        } = asked;
        let length = body.map_or(String::new(), |body| {
            format!("Content-Length: {}\r\n", body.len())
        });
        let port = self.site.net.address.port();
        let text = format!(
            "{method} {path} HTTP/1.1\r\nHost: {LOGIN}:{port}\r\nConnection: close\r\n{headers}{length}\r\n{}",
            body.unwrap_or_default()
        );
        let answer = self.site.net.raw(LOGIN, method, text.as_bytes()).await;
        answer.unwrap_or_else(|| panic!("no answer to {method} {path}"))
    }

    async fn ask(&self, token: &str, method: &str, path: &str, body: Option<&str>) -> Answer {
        let kind = body.map_or("", |_| "Content-Type: application/json\r\n");
        let headers = format!("Authorization: Bearer {token}\r\n{kind}");
        let path = &format!("{BASE}{path}");
        let asked = Asked {
            method,
            path,
            headers,
            body,
        };
        self.raw(asked).await
    }

    async fn get(&self, token: &str, path: &str) -> (u16, Value) {
        said(&self.ask(token, "GET", path, None).await)
    }

    async fn post(&self, token: &str, path: &str, body: &Value) -> (u16, Value) {
        said(&self.ask(token, "POST", path, Some(&body.to_string())).await)
    }

    async fn with_headers(&self, headers: &str) -> Answer {
        let path = &format!("{BASE}/accounts");
        self.raw(Asked {
            method: "GET",
            path,
            headers: headers.to_owned(),
            body: None,
        })
        .await
    }
}

fn said(answer: &Answer) -> (u16, Value) {
    let body = serde_json::from_slice(&answer.body)
        .unwrap_or_else(|e| panic!("{e} in {} {}", answer.head, answer.text()));
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
    assert_eq!(answer.header("access-control-allow-origin"), None);
    assert_eq!(answer.headers("set-cookie"), Vec::<&str>::new());
    (answer.status, body)
}

fn code_of(answer: &(u16, Value)) -> (u16, &str) {
    (answer.0, answer.1["code"].as_str().unwrap_or("-"))
}

/// A body that each route takes, so that nothing but the token decides.
fn body_for(method: &str, path: &str) -> Option<Value> {
    let case = json!({ "case": "T-1" });
    let body = match (method, path) {
        ("POST", "/accounts") => json!({ "login": "nobody-yet", "name": "N", "start": "none" }),
        ("PATCH", _) => json!({ "case": "T-1", "groups": ["staff"] }),
        ("POST", "/accounts/{id}/reset-password") => {
            json!({ "case": "T-1", "check": "callback" })
        }
        ("POST", "/accounts/{id}/one-time-code") => {
            json!({ "case": "T-1", "check": "id", "send": "show" })
        }
        ("POST", "/accounts/{id}/exempt") => {
            json!({ "case": "T-1", "until": "2000-01-01T00:00:00Z" })
        }
        ("POST", _) => case,
        _ => return None,
    };
    Some(body)
}

fn filled(path: &str, account: &Account) -> String {
    path.replace("{id}", &account.id.to_string())
}

#[tokio::test]
async fn each_route_asks_for_its_scope_and_no_other() {
    let api = Api::start().await;
    let aino = api.site.find("aino").await;
    let mut refused = 0;
    for scope in Scope::ALL {
        let token = api.token(scope.code(), &[scope]).await;
        for route in ROUTES {
            let body = body_for(route.method, route.path).map(|body| body.to_string());
            let path = filled(route.path, &aino);
            let answer = api.ask(&token, route.method, &path, body.as_deref()).await;
            let answer = said(&answer);
            let line = format!("{} {} with {}", route.method, route.path, scope.code());
            if route.scope().is_none_or(|needed| needed == scope) {
                assert_ne!(answer.0, 403, "{line}: {}", answer.1);
                assert_ne!(answer.0, 401, "{line}: {}", answer.1);
                assert!(answer.0 < 500, "{line}: {}", answer.1);
            } else {
                assert_eq!(code_of(&answer), (403, "scope_missing"), "{line}");
                refused += 1;
            }
        }
    }
    assert_eq!(refused, (ROUTES.len() - 1) * (Scope::ALL.len() - 1));
    let filter = AuditFilter {
        events: vec![Event::DeskRefused],
        limit: 1000,
        ..AuditFilter::default()
    };
    let written = api.site.office.store.audit(&filter).await.unwrap();
    assert_eq!(written.len(), refused);
    let is_token = |actor: &Actor| matches!(actor, Actor::Token(_));
    assert!(written.iter().all(|l| is_token(&l.record.actor)));
}

#[tokio::test]
async fn nothing_but_a_whole_living_token_in_its_header_opens_anything() {
    let api = Api::start().await;
    let good = api.all().await;
    let revoked = api.token("revoked", &Scope::ALL).await;
    let gone = api.site.office.authn.revoke_api_token("revoked").await;
    assert!(gone.unwrap().is_some());
    let phone = api.site.account_with_app("boss", &["it"]).await;
    let mut browser = api.site.browser();
    browser.both("boss", &phone, api.site.now()).await;
    let session = browser.cookie(LOGIN, SESSION).unwrap().to_owned();
    let scheme = |token: &str| format!("Authorization: Bearer {token}\r\n");
    let (first, last) = good.split_at(good.len() - 1);
    let other = if last == "A" { "B" } else { "A" };
    let bad = [
        String::new(),
        scheme(&revoked),
        scheme(first),
        scheme(&format!("{good}A")),
        scheme(&format!("{}{other}{last}", &first[..first.len() - 1])),
        scheme(good.strip_prefix("vst_").unwrap()),
        scheme(&good.to_uppercase()),
        scheme(&session),
        scheme(&format!("vst_{session}")),
        scheme(""),
        format!("{}{}", scheme(&good), scheme(&good)),
        format!("Authorization: bearer {good}\r\n"),
        format!("Authorization: Basic {good}\r\n"),
        format!("Authorization: {good}\r\n"),
        format!("Proxy-Authorization: Bearer {good}\r\n"),
        format!("X-Api-Key: {good}\r\n"),
        format!("Cookie: {SESSION}={session}\r\n"),
        format!("Cookie: token={good}; Authorization=Bearer {good}\r\n"),
    ];
    let mut bodies = BTreeSet::new();
    for headers in &bad {
        // one network: what counts there must not decide here
        api.site.clock.advance(3_600);
        let answer = api.with_headers(headers).await;
        let challenge = answer.header("www-authenticate").map(str::to_owned);
        let answer = said(&answer);
        assert_eq!(code_of(&answer), (401, "unauthenticated"), "{headers:?}");
        assert_eq!(challenge.as_deref(), Some("Bearer realm=\"vestibule\""));
        bodies.insert(answer.1.to_string());
    }
    assert_eq!(bodies.len(), 1, "one answer, whatever is wrong");
    let answer = api
        .get(&good, &format!("/accounts?access_token={good}"))
        .await;
    assert_eq!(answer.0, 400);
    assert!(!answer.1.to_string().contains(&good), "echoed");
    let fine = said(&api.with_headers(&scheme(&good)).await);
    assert_eq!(fine.0, 200, "{}", fine.1);
    api.site.clock.advance(90 * 86_400);
    let late = said(&api.with_headers(&scheme(&good)).await);
    assert_eq!(code_of(&late), (401, "unauthenticated"));
}

#[tokio::test]
async fn wrong_tokens_of_a_network_are_paused_and_right_ones_are_not() {
    let api = Api::start().await;
    let good = api.all().await;
    let mut statuses = BTreeSet::new();
    for _ in 0..600 {
        let answer = api.with_headers("Authorization: Bearer vst_x\r\n").await;
        statuses.insert(answer.status);
        if answer.status == 429 {
            let pause: u64 = answer.header("retry-after").unwrap().parse().unwrap();
            assert!(pause > 0);
            break;
        }
    }
    assert_eq!(statuses, BTreeSet::from([401, 429]));
    assert_eq!(api.get(&good, "/accounts").await.0, 200);
    // nor the people beside the program that goes on with its old token
    let mut b = api.site.browser();
    assert_eq!(b.password("aino").await.status, 303);
}

#[tokio::test]
async fn a_token_has_its_pace_and_its_last_use_is_written_once_a_minute() {
    let api = Api::start().await;
    let good = api.all().await;
    let used = || async {
        let tokens = api.site.office.authn.api_tokens().await.unwrap();
        tokens[0].last_used_at.map(|at| at.seconds())
    };
    assert_eq!(used().await, None);
    assert_eq!(api.get(&good, "/approvals").await.0, 200);
    let first = used().await;
    assert_eq!(first, Some(api.site.now()));
    api.site.clock.advance(59);
    assert_eq!(api.get(&good, "/approvals").await.0, 200);
    assert_eq!(used().await, first);
    api.site.clock.advance(1);
    assert_eq!(api.get(&good, "/approvals").await.0, 200);
    assert_eq!(used().await, Some(api.site.now()));

    api.site.clock.advance(3600);
    let mut refused = 0;
    for _ in 0..610 {
        let answer = api.ask(&good, "GET", "/approvals", None).await;
        if answer.status == 429 {
            let pause: u64 = answer.header("retry-after").unwrap().parse().unwrap();
            assert!((1..=60).contains(&pause), "{pause}");
            assert_eq!(code_of(&said(&answer)), (429, "rate_limited"));
            refused += 1;
        }
    }
    assert_eq!(refused, 10);
    let other = api.token("other", &[Scope::AccountsRead]).await;
    assert_eq!(api.get(&other, "/approvals").await.0, 200);
    api.site.clock.advance(60);
    assert_eq!(api.get(&good, "/approvals").await.0, 200);
}

#[tokio::test]
async fn accounts_with_rights_are_out_of_reach_and_nobody_is_given_any() {
    let api = Api::start().await;
    let token = api.all().await;
    for (login, group) in [
        ("agent", "support"),
        ("boss", "it"),
        ("auditor", "security"),
    ] {
        let account = api.site.account(login, &[group, "staff"]).await;
        let changing = ROUTES.iter().filter(|route| {
            route.path.contains("{id}") && route.act.is_some_and(|act| act.changes_somebody())
        });
        let mut asked = 0;
        for route in changing {
            let mut path = filled(route.path, &account);
            if route.method == "DELETE" {
                path.push_str("?case=T-1");
            }
            let body = body_for(route.method, route.path).map(|body| body.to_string());
            let answer = api.ask(&token, route.method, &path, body.as_deref()).await;
            let answer = said(&answer);
            let line = format!("{} {path}", route.method);
            assert_eq!(code_of(&answer), (403, "account_privileged"), "{line}");
            asked += 1;
        }
        assert_eq!(asked, 8);
        assert_eq!(api.site.find(login).await, account, "{login} was touched");
    }
    let aino = api.site.find("aino").await;
    // a blank around it is what an application may trim away
    for group in [" it", "it\u{a0}"] {
        let amendment = json!({ "case": "T-1", "groups": ["staff", group] }).to_string();
        let path = filled("/accounts/{id}", &aino);
        let answer = said(&api.ask(&token, "PATCH", &path, Some(&amendment)).await);
        assert_eq!(answer.0, 400, "{group:?}");
        let new = json!({ "login": "mole", "name": "M", "groups": [group], "start": "none" });
        assert_eq!(api.post(&token, "/accounts", &new).await.0, 422);
        let line = format!("{{\"login\":\"mole\",\"groups\":[\"{group}\"]}}");
        let answer = import(&api, &token, "application/x-ndjson", &line).await;
        assert_eq!(answer.1["refused"], 1, "{}", answer.1);
    }
    for group in ["support", "it", "security"] {
        let amendment = json!({ "case": "T-1", "groups": ["staff", group] }).to_string();
        let path = filled("/accounts/{id}", &aino);
        let answer = said(&api.ask(&token, "PATCH", &path, Some(&amendment)).await);
        assert_eq!(code_of(&answer), (403, "account_privileged"), "{group}");
        let new = json!({ "login": "mole", "name": "M", "groups": [group], "start": "none" });
        let answer = api.post(&token, "/accounts", &new).await;
        assert_eq!(code_of(&answer), (403, "account_privileged"), "{group}");
        let line = format!("{{\"login\":\"mole\",\"groups\":[\"{group}\"]}}");
        let answer = import(&api, &token, "application/x-ndjson", &line).await;
        assert_eq!(answer.1["refused"], 1, "{}", answer.1);
    }
    assert_eq!(api.site.find("aino").await.groups, aino.groups);
    let mole = api.site.office.authn.find_account("mole").await;
    assert_eq!(mole.unwrap(), None);
}

async fn import(api: &Api, token: &str, kind: &str, text: &str) -> (u16, Value) {
    let path = &format!("{BASE}/accounts/import?preview=false");
    let headers = format!("Authorization: Bearer {token}\r\nContent-Type: {kind}\r\n");
    let answer = api.raw(Asked {
        method: "POST",
        path,
        headers,
        body: Some(text),
    });
    said(&answer.await)
}

#[tokio::test]
async fn an_account_is_made_helped_changed_and_deleted() {
    let api = Api::start().await;
    let token = api.all().await;
    let new = json!({
        "login": "veikko", "name": "Veikko Ranta", "email": "veikko@northgate.example",
        "groups": ["staff"], "language": "fi", "start": "none",
    });
    let created = api
        .ask(&token, "POST", "/accounts", Some(&new.to_string()))
        .await;
    let location = created.header("location").map(str::to_owned);
    let created = said(&created);
    assert_eq!(created.0, 201, "{}", created.1);
    let id = created.1["id"].as_str().unwrap().to_owned();
    assert_eq!(location, Some(format!("{BASE}/accounts/{id}")));
    let again = api.post(&token, "/accounts", &new).await;
    assert_eq!(code_of(&again), (422, "account_unfit"));

    let account = format!("/accounts/{id}");
    let amendment = json!({ "case": "HR-1", "groups": ["staff", "sales"] }).to_string();
    assert_eq!(
        api.ask(&token, "PATCH", &account, Some(&amendment))
            .await
            .status,
        200
    );
    let found = api.get(&token, &account).await.1;
    assert_eq!(found["groups"], json!(["sales", "staff"]));
    assert_eq!(found["two_factor"]["standing"], "grace");
    assert_eq!(found["language"], "fi");

    let mut browser = api.site.browser();
    api.site.account("kaisa", &["staff"]).await;
    browser.password("kaisa").await;
    assert!(browser.is_signed_in().await);
    let kaisa = api.site.find("kaisa").await;
    let case = json!({ "case": "IT-1" });
    let out = api
        .post(&token, &filled("/accounts/{id}/sign-out", &kaisa), &case)
        .await;
    assert_eq!((out.0, &out.1["count"]), (200, &json!(1)));
    assert!(!browser.is_signed_in().await);

    let disabled = json!({ "case": "HR-2", "status": "disabled" }).to_string();
    assert_eq!(
        api.ask(&token, "PATCH", &account, Some(&disabled))
            .await
            .status,
        200
    );
    let twice = said(&api.ask(&token, "PATCH", &account, Some(&disabled)).await);
    assert_eq!(code_of(&twice), (409, "nothing_to_do"));
    let deleted = said(
        &api.ask(&token, "DELETE", &format!("{account}?case=HR-3"), None)
            .await,
    );
    assert_eq!(deleted.0, 200);
    let found = api.get(&token, &account).await.1;
    assert_eq!(found["delete_at"], deleted.1["delete_at"]);
    assert_eq!(found["status"], "disabled");

    let id = api.site.office.authn.api_tokens().await.unwrap()[0].id;
    let trail = api.get(&token, "/audit?account=veikko&limit=200").await.1;
    let lines: Vec<(&str, &str)> = trail["records"]
        .as_array()
        .unwrap()
        .iter()
        .map(|r| (r["event"].as_str().unwrap(), r["actor"].as_str().unwrap()))
        .collect();
    let actor = format!("token:{id}");
    for event in [
        "account.deletion_planned",
        "account.disabled",
        "account.groups_changed",
        "account.created",
        "desk.looked",
    ] {
        assert!(
            lines.contains(&(event, actor.as_str())),
            "{event} in {lines:?}"
        );
    }
    let of_token = api.get(&token, "/audit?actor=everything").await.1;
    assert_eq!(of_token["records"][0]["actor_name"], "everything");
}

#[tokio::test]
async fn answers_hold_no_secret() {
    let api = Api::start().await;
    let token = api.all().await;
    let phone = api.site.account_with_app("kaisa", &["staff"]).await;
    let mut browser = api.site.browser();
    browser.both("kaisa", &phone, api.site.now()).await;
    let session = browser.cookie(LOGIN, SESSION).unwrap().to_owned();
    let kaisa = api.site.find("kaisa").await;
    let code = json!({ "case": "IT-1", "check": "callback", "send": "show" });
    let path = filled("/accounts/{id}/one-time-code", &kaisa);
    let issued = api.post(&token, &path, &code).await;
    let issued = issued.1["code"].as_str().unwrap().to_owned();
    let mut all = String::new();
    let reading = ROUTES
        .iter()
        .filter(|r| r.method == "GET" && r.act.is_some());
    for route in reading {
        let answer = api.get(&token, &filled(route.path, &kaisa)).await;
        assert_eq!(answer.0, 200);
        all.push_str(&answer.1.to_string());
    }
    assert!(all.contains(&kaisa.id.to_string()));
    let hash = kaisa.password.as_ref().unwrap().encoded();
    for secret in [hash, "$argon2", &issued, &session, &token] {
        assert!(!all.contains(secret), "{secret} is in an answer");
    }
    let shown = api.get(&token, &filled("/accounts/{id}", &kaisa)).await.1;
    assert!(!shown.to_string().contains("password"));
}

#[tokio::test]
async fn fifty_codes_at_once_leave_one_open() {
    let api = Api::start().await;
    let token = api.all().await;
    api.site.account_with_app("kaisa", &["staff"]).await;
    let kaisa = api.site.find("kaisa").await;
    let path = filled("/accounts/{id}/one-time-code", &kaisa);
    let body = json!({ "case": "IT-1", "check": "callback", "send": "show" });
    let asked = (0..50).map(|_| api.post(&token, &path, &body));
    let answers = futures_util::future::join_all(asked).await;
    let codes: Vec<&str> = answers
        .iter()
        .filter(|(status, _)| *status == 200)
        .map(|(_, body)| body["code"].as_str().unwrap())
        .collect();
    assert!((1..=5).contains(&codes.len()), "{} codes", codes.len());
    for answer in answers.iter().filter(|(status, _)| *status != 200) {
        assert_eq!(code_of(answer), (429, "too_many_codes"));
    }
    let mut right = 0;
    for code in codes {
        let mut browser = api.site.browser();
        browser.password("kaisa").await;
        let page = browser.page("/signin/one-time-code").await;
        let answer = browser
            .submit(&page, "/signin/one-time-code", &[("otc", code)])
            .await;
        right += usize::from(answer.header("location") == Some("/signin/lost"));
    }
    assert_eq!(right, 1);
}

#[tokio::test]
async fn pages_of_other_sites_and_of_our_own_get_nothing() {
    let api = Api::start().await;
    let token = api.all().await;
    let header = format!("Authorization: Bearer {token}\r\n");
    for foreign in [
        "Origin: https://evil.example\r\n",
        "Origin: null\r\n",
        "Sec-Fetch-Site: cross-site\r\n",
        "Sec-Fetch-Site: same-site\r\n",
    ] {
        let answer = said(&api.with_headers(&format!("{header}{foreign}")).await);
        assert_eq!(code_of(&answer), (403, "foreign_origin"), "{foreign}");
    }
    let phone = api.site.account_with_app("boss", &["it"]).await;
    let mut browser = api.site.browser();
    browser.both("boss", &phone, api.site.now()).await;
    let own = api.site.url(LOGIN, "");
    let answer = browser
        .send(Ask {
            method: "POST",
            url: api.site.url(LOGIN, "/api/v1/accounts"),
            body: Some(json!({ "login": "m", "name": "M", "start": "none" }).to_string()),
            kind: "application/json",
            origin: Some(own),
            site: "same-origin",
            mode: "cors",
            ..Ask::default()
        })
        .await;
    assert_eq!(code_of(&said(&answer)), (401, "unauthenticated"));
    let preflight = api.raw(Asked {
        method: "OPTIONS",
        path: "/api/v1/accounts",
        headers: "Origin: https://evil.example\r\nAccess-Control-Request-Method: POST\r\n".into(),
        body: None,
    });
    let preflight = preflight.await;
    assert_eq!(preflight.status, 403);
    assert_eq!(preflight.header("access-control-allow-origin"), None);
}

#[tokio::test]
async fn pages_of_a_list_follow_one_another_and_cannot_be_forged() {
    let api = Api::start().await;
    let token = api.all().await;
    for n in 0..7 {
        api.site.account(&format!("p{n}"), &["staff"]).await;
    }
    let mut seen = Vec::new();
    let mut path = "/accounts?limit=3".to_owned();
    let mut next = Value::Null;
    for _ in 0..5 {
        let (status, page) = api.get(&token, &path).await;
        assert_eq!(status, 200, "{page}");
        for account in page["accounts"].as_array().unwrap() {
            seen.push(account["login"].as_str().unwrap().to_owned());
        }
        next = page["next"].clone();
        let Some(after) = next.as_str() else { break };
        path = format!("/accounts?limit=3&after={after}");
    }
    assert_eq!(next, Value::Null);
    assert_eq!(seen, ["aino", "p0", "p1", "p2", "p3", "p4", "p5", "p6"]);

    let (_, page) = api.get(&token, "/accounts?limit=1").await;
    let ours = page["next"].as_str().unwrap().to_owned();
    let other = api.token("other", &Scope::ALL).await;
    let (_, tag) = ours.split_once('.').unwrap();
    for (token, after) in [
        (&other, ours.clone()),
        (&token, format!("cDM.{tag}")),
        (&token, "cDM".to_owned()),
        (&token, "cDM.".to_owned()),
        (&token, String::new()),
        (&token, "' OR 1=1 --".replace(' ', "+")),
        (&token, "%FF%00".to_owned()),
    ] {
        let answer = api.get(token, &format!("/accounts?after={after}")).await;
        assert_eq!(code_of(&answer), (400, "invalid_request"), "{after}");
        let answer = api.get(token, &format!("/audit?before={after}")).await;
        assert_eq!(code_of(&answer), (400, "invalid_request"), "{after}");
    }
    let crossed = api.get(&token, &format!("/audit?before={ours}")).await;
    assert_eq!(crossed.0, 400, "a list's page is no trail's");
    let (_, trail) = api.get(&token, "/audit?limit=2").await;
    let before = trail["next"].as_str().unwrap();
    let (status, older) = api
        .get(&token, &format!("/audit?limit=2&before={before}"))
        .await;
    assert_eq!(status, 200);
    let number = |page: &Value, n: usize| page["records"][n]["number"].as_i64().unwrap();
    assert!(number(&older, 0) < number(&trail, 1));
}

#[tokio::test]
async fn requests_are_read_strictly() {
    let api = Api::start().await;
    let token = api.all().await;
    let aino = api.site.find("aino").await;
    for query in [
        "limit=0",
        "limit=201",
        "limit=-1",
        "limit=+5",
        "limit=1e1",
        "limit=",
        "limit=5&limit=6",
        "page_size=0",
        "q=ab",
        "q=%00%00%00",
        "q=%FF%FE%FD",
        "standing=off",
        "standing=ON",
        "Q=aino",
    ] {
        let answer = api.get(&token, &format!("/accounts?{query}")).await;
        assert_eq!(code_of(&answer), (400, "invalid_request"), "{query}");
    }
    for query in [
        "event=x",
        "from=yesterday",
        "to=1",
        "since=2026-01-01T00:00:00Z",
    ] {
        let answer = api.get(&token, &format!("/audit?{query}")).await;
        assert_eq!(code_of(&answer), (400, "invalid_request"), "{query}");
    }
    let deep = format!("{{\"case\":{}{}}}", "[".repeat(20_000), "]".repeat(20_000));
    let big = format!("{{\"case\":\"{}\"}}", "x".repeat(70_000));
    let long = json!({ "case": "x".repeat(65) }).to_string();
    let unlock = filled("/accounts/{id}/unlock", &aino);
    for (body, status) in [
        ("", 400),
        ("null", 400),
        ("[]", 400),
        ("{}", 400),
        ("{\"case\":\"\"}", 400),
        ("{\"case\":\" \"}", 400),
        ("{\"case\":\"a\\u0000b\"}", 400),
        ("{\"case\":1}", 400),
        ("{\"case\":\"a\",\"case\":\"b\"}", 400),
        ("{\"case\":\"a\",\"more\":1}", 400),
        ("{\"case\":\"a\"} {}", 400),
        (&long, 400),
        (&deep, 400),
        (&big, 413),
        ("{\"case\":\"a\"}", 200),
    ] {
        let answer = said(&api.ask(&token, "POST", &unlock, Some(body)).await);
        let shown: String = body.chars().take(40).collect();
        assert_eq!(answer.0, status, "{shown}: {}", answer.1);
    }
    for kind in [
        "text/plain",
        "application/x-www-form-urlencoded",
        "application/jsonp",
        "",
    ] {
        let path = &format!("{BASE}{unlock}");
        let headers = format!("Authorization: Bearer {token}\r\nContent-Type: {kind}\r\n");
        let answer = api.raw(Asked {
            method: "POST",
            path,
            headers,
            body: Some("{\"case\":\"a\"}"),
        });
        let answer = said(&answer.await);
        assert_eq!(code_of(&answer), (415, "unsupported_media_type"), "{kind}");
    }
    for (login, name) in [
        ("", "N"),
        (" ", "N"),
        ("a\nb", "N"),
        ("mole", ""),
        ("mole", "N\u{0}"),
        ("mole", "N\r\nSet-Cookie: a=b"),
    ] {
        let new = json!({ "login": login, "name": name, "start": "none" });
        let answer = api.post(&token, "/accounts", &new).await;
        assert_eq!(
            code_of(&answer),
            (422, "account_unfit"),
            "{login:?} {name:?}"
        );
    }
    let wild =
        json!({ "login": "<b>'; DROP TABLE accounts;--", "name": "\"><script>", "start": "none" });
    assert_eq!(api.post(&token, "/accounts", &wild).await.0, 201);
    let found = api.get(&token, "/accounts?q=DROP+TABLE").await.1;
    assert_eq!(found["accounts"][0]["login"], wild["login"]);
    for id in [
        "x",
        "../accounts",
        "00000000-0000-0000-0000-000000000000",
        "%2e%2e",
    ] {
        let answer = api
            .ask(&token, "GET", &format!("/accounts/{id}"), None)
            .await;
        assert!(
            [400, 404].contains(&answer.status),
            "{id}: {}",
            answer.status
        );
    }
}

#[tokio::test]
async fn other_methods_are_told_which_there_are() {
    let api = Api::start().await;
    let token = api.all().await;
    for (method, path, allow) in [
        ("PUT", "/accounts", "GET, POST, HEAD"),
        ("DELETE", "/accounts", "GET, POST, HEAD"),
        ("GET", "/accounts/import", "POST"),
        ("POST", "/audit", "GET, HEAD"),
        ("PUT", "/accounts/x", "GET, PATCH, DELETE, HEAD"),
        ("GET", "/accounts/x/unlock", "POST"),
        ("OPTIONS", "/accounts", "GET, POST, HEAD"),
    ] {
        let answer = api.ask(&token, method, path, None).await;
        assert_eq!(answer.header("allow"), Some(allow), "{method} {path}");
        assert_eq!(code_of(&said(&answer)), (405, "method_not_allowed"));
    }
    let head = api.ask(&token, "HEAD", "/accounts", None).await;
    assert_eq!((head.status, head.body.len()), (200, 0));
    let unknown = api.ask("vst_x", "HEAD", "/accounts", None).await;
    assert_eq!(unknown.status, 401);
    for path in [
        "/nothing",
        "/accounts/",
        "/accounts/x/y/z",
        "/accounts/x/reset-authenticator",
    ] {
        assert_eq!(
            code_of(&api.get(&token, path).await),
            (404, "not_found"),
            "{path}"
        );
    }
}

#[tokio::test]
async fn an_import_is_shown_and_then_done() {
    let api = Api::start().await;
    let token = api.token("hr", &[Scope::AccountsWrite]).await;
    let csv =
        "login,email,name,groups\nveikko,veikko@northgate.example,Veikko,staff\naino,,A,\n,,,\n";
    let path = &format!("{BASE}/accounts/import");
    let headers = format!("Authorization: Bearer {token}\r\nContent-Type: text/csv\r\n");
    let shown = api.raw(Asked {
        method: "POST",
        path,
        headers,
        body: Some(csv),
    });
    let shown = said(&shown.await);
    let counts =
        |body: &Value| [&body["new"], &body["exists"], &body["refused"]].map(|n| n.as_u64());
    assert_eq!(counts(&shown.1), [Some(1), Some(1), Some(1)], "{}", shown.1);
    let found = api.site.office.authn.find_account("veikko").await;
    assert_eq!(found.unwrap(), None, "a preview makes nothing");
    let done = import(&api, &token, "text/csv", csv).await;
    assert_eq!(counts(&done.1), [Some(1), Some(1), Some(1)], "{}", done.1);
    assert_eq!(api.site.find("veikko").await.name, "Veikko");
    let hash = "{\"login\":\"h\",\"password_hash\":\"$2b$12$abcdefghijklmnopqrstuuO8WyB1WBzSR0dTkbjXZ1nm7W0o4sWkC\"}";
    let answer = import(&api, &token, "application/x-ndjson", hash).await;
    assert_eq!(answer.1["refused"], 1, "{}", answer.1);
    let big = "x".repeat(1024 * 1024 + 1);
    let answer = import(&api, &token, "text/csv", &big).await;
    assert_eq!(code_of(&answer), (413, "too_large"));
    let many = format!(
        "login\n{}",
        (0..2001).map(|n| format!("u{n}\n")).collect::<String>()
    );
    let answer = import(&api, &token, "text/csv", &many).await;
    assert_eq!(code_of(&answer), (413, "too_large"));
}

// --- the description

fn described() -> Value {
    let mut yaml: serde_yaml::Value = serde_yaml::from_str(YAML).unwrap();
    yaml.apply_merge().unwrap();
    serde_json::to_value(yaml).unwrap()
}

#[test]
fn the_description_names_every_route_and_no_other() {
    let methods = ["get", "post", "put", "patch", "delete", "head", "options"];
    let document = described();
    let mut of_document = BTreeSet::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for method in methods {
            let Some(operation) = item.get(method) else {
                continue;
            };
            let scope = operation["x-scope"].as_str().unwrap_or("-").to_owned();
            of_document.insert((method.to_uppercase(), path.clone(), scope));
        }
    }
    let of_server: BTreeSet<_> = ROUTES
        .iter()
        .map(|route| {
            let scope = route.scope().map_or("-", Scope::code);
            (
                route.method.to_owned(),
                route.path.to_owned(),
                scope.to_owned(),
            )
        })
        .collect();
    assert_eq!(of_document, of_server);
}

#[test]
fn what_is_served_is_what_is_written() {
    let served: Value = serde_json::from_str(DOCUMENT).unwrap();
    assert!(
        served == described(),
        "docs/api/openapi.json is stale; run tools/openapi"
    );
}

#[tokio::test]
async fn what_the_description_promises_is_kept() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let python = root.join("target/test-tools/venv/bin/python");
    if skipped() {
        eprintln!("skipped: VESTIBULE_TEST_SKIP_SNIPPETS is set");
        return;
    }
    let api = Api::start().await;
    let token = api.all().await;
    let account = api.site.find("aino").await.id.to_string();
    let folder = tempfile::tempdir().unwrap();
    let ca = folder.path().join("ca.pem");
    std::fs::write(&ca, api.site.ca_pem()).unwrap();
    let child = Command::new(&python)
        .arg(root.join("tests/it/support/conform.py"))
        .args([LOGIN, &api.site.net.address.port().to_string()])
        .arg(&ca)
        .arg(&token)
        .arg(root.join("docs/api/openapi.json"))
        .arg(&account)
        .current_dir(folder.path())
        .kill_on_drop(true)
        .output();
    tokio::pin!(child);
    // an hour in a moment: pauses end, and what is asked is answered
    let mut tick = tokio::time::interval(Duration::from_millis(100));
    let output = loop {
        tokio::select! {
            output = &mut child => break output,
            _ = tick.tick() => api.site.clock.advance(3600),
        }
    };
    let output = output.expect("schemathesis is missing; run `tools/prepare test`");
    let said = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}\n{errors}");
    assert!(said.contains("passed"), "{said}\n{errors}");
}

#[expect(clippy::disallowed_methods, reason = "a switch of the tests")]
fn skipped() -> bool {
    std::env::var("VESTIBULE_TEST_SKIP_SNIPPETS").is_ok()
}
