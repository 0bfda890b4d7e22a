//! Two hundred people at once, on two protocols, two hosts and two applications: nobody is shown another's page.

use super::browser::SESSION;
use super::site::{PAYROLL, Plan, Site, WIKI};
use crate::support::client::{Wire, tls};
use crate::support::h2;
use std::sync::Arc;

/// Names that become one another when they are joined without care: to each other, to a group, to a host.
fn login(n: usize) -> String {
    match n % 4 {
        0 => format!("a{}", n / 4),
        1 => format!("aa{}", n / 4),
        2 => format!("1a{}", n / 4),
        _ => format!("a{}.staff", n / 4),
    }
}

struct Person {
    login: String,
    group: String,
    wiki: String,
    payroll: String,
}

impl Person {
    fn cookie(&self, host: &str) -> String {
        let token = if host == WIKI {
            &self.wiki
        } else {
            &self.payroll
        };
        format!("{SESSION}={token}")
    }
    /// What the application of this host must have been told about this request.
    fn told(&self, ask: &str) -> String {
        format!(
            "{}|{}@northgate.example|{}|{ask}",
            self.login, self.login, self.group
        )
    }
}

const PLACES: [(&str, &str); 3] = [
    (WIKI, "/whoami"),
    (WIKI, "/notes/whoami"),
    (PAYROLL, "/open/whoami"),
];

#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_people_at_once_see_their_own_pages_only() {
    const PEOPLE: usize = 200;
    const ROUNDS: usize = 3;
    let site = Site::with(Plan {
        routes: "
  - { name: notes, host: wiki.test, path: /notes, upstream: \"http://PAYROLL\" }
  - { name: open, host: payroll.example, path: /open, upstream: [ \"http://PAYROLL\", \"http://WIKI\" ] }
",
        ..Plan::default()
    })
    .await;
    let site = Arc::new(site);
    let mut signing_in = Vec::new();
    for start in 0..8 {
        let site = Arc::clone(&site);
        signing_in.push(tokio::spawn(async move {
            let mut people = Vec::new();
            for n in (start..PEOPLE).step_by(8) {
                people.push(sign_in(&site, n).await);
            }
            people
        }));
    }
    let mut people = Vec::new();
    for task in signing_in {
        people.extend(task.await.unwrap());
    }
    assert_eq!(people.len(), PEOPLE);
    let people = Arc::new(people);
    site.wiki.take();
    site.payroll.take();

    // one HTTP/2 connection for each host that carries everybody, as a load balancer's would
    let mut shared = std::collections::BTreeMap::new();
    for host in [WIKI, PAYROLL] {
        let connection = h2::to(site.net.address, host, &site.net.roots).await;
        shared.insert(host, connection);
    }
    let mut asking = Vec::new();
    for n in 0..PEOPLE {
        let (people, net, shared) = (Arc::clone(&people), site.net.clone(), shared.clone());
        asking.push(tokio::spawn(async move {
            let person = &people[n];
            for round in 0..ROUNDS {
                let (host, path) = PLACES[(n + round) % PLACES.len()];
                let ask = format!("{n}-{round}");
                let told = if (n + round) % 2 == 0 {
                    let mut client = shared[host].clone().ready().await.unwrap();
                    let url = net.url(host, path);
                    let cookie = person.cookie(host);
                    let headers = [("cookie", cookie.as_str()), ("x-ask", ask.as_str())];
                    let answer = h2::get(&mut client, &url, &headers).await.unwrap();
                    assert_eq!(answer.status(), 200, "{}", person.login);
                    String::from_utf8(h2::body(answer).await.unwrap()).unwrap()
                } else {
                    let stream = tls(net.address, host, &net.roots, &[b"http/1.1"]).await;
                    let mut wire = Wire::over(Box::new(stream.unwrap()));
                    wire.send(format!(
                        "GET {path} HTTP/1.1\r\nHost: {host}:{}\r\nCookie: {}\r\nX-Ask: {ask}\r\n\r\n",
                        net.address.port(),
                        person.cookie(host)
                    ))
                    .await;
                    wire.answer().await.unwrap().text()
                };
                assert_eq!(told, person.told(&ask), "{host}{path}");
            }
        }));
    }
    for task in asking {
        task.await.unwrap();
    }
    let arrived = site.wiki.take().len() + site.payroll.take().len();
    assert_eq!(arrived, PEOPLE * ROUNDS);
    // a cookie of one host is nothing on another, whoever's it is
    let (one, other) = (&people[0], &people[1]);
    for (host, token) in [(PAYROLL, &one.wiki), (WIKI, &other.payroll)] {
        let mut client = shared[host].clone().ready().await.unwrap();
        let cookie = format!("{SESSION}={token}");
        let url = site.net.url(host, "/open/whoami");
        let answer = h2::get(&mut client, &url, &[("cookie", &cookie)])
            .await
            .unwrap();
        assert_eq!(answer.status(), 401, "{host}");
    }
}

async fn sign_in(site: &Site, n: usize) -> Person {
    let login = login(n);
    let group = format!("g{}", n % 7);
    site.account(&login, &[&group]).await;
    let mut browser = site.browser();
    browser.password(&login).await;
    browser.open(&site.url(WIKI, "/whoami")).await;
    browser.open(&site.url(PAYROLL, "/open/whoami")).await;
    let cookie = |host| browser.cookie(host, SESSION).unwrap_or_default().to_owned();
    let person = Person {
        wiki: cookie(WIKI),
        payroll: cookie(PAYROLL),
        login,
        group,
    };
    assert!(
        !person.wiki.is_empty() && !person.payroll.is_empty(),
        "{} is not signed in",
        person.login
    );
    person
}
