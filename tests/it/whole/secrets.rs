//! The whole story with everything logged at debug level: nothing that opens a door is in any line.

use super::browser::{Browser, field};
use super::site::{LOGIN, PAYROLL, Site, WIKI};
use crate::support::log::lines;
use std::collections::BTreeSet;
use vestibule::authn::accounts::NewAccount;
use vestibule::domain::secret::Password;

const RIGHT: &str = "seven green bottles hanging";
const WRONG: &str = "six brown bottles standing";

fn collect(b: &Browser, secrets: &mut BTreeSet<String>) {
    let values = b.jar.values().flat_map(|jar| jar.values());
    secrets.extend(values.filter(|v| v.len() > 8).cloned());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_secret_is_in_the_log() {
    let lines = lines();
    let site = Site::start().await;
    let password = site
        .office
        .authn
        .hash_password(Password::new(RIGHT).unwrap())
        .await
        .unwrap();
    let new = NewAccount {
        login: "ester".into(),
        groups: ["finance".to_owned()].into(),
        password: Some(password.clone()),
        ..NewAccount::default()
    };
    site.office.authn.add_account(new).await.unwrap().unwrap();
    let mut secrets: BTreeSet<String> = [RIGHT, WRONG, "seven+green+bottles", "seven%20green"]
        .iter()
        .map(|s| (*s).to_owned())
        .collect();
    secrets.insert(password.encoded().rsplit('$').next().unwrap().to_owned());
    let mut six = BTreeSet::new();

    let mut b = site.browser();
    let page = b
        .open(&site.url(WIKI, "/report?token=sesame-in-the-address"))
        .await;
    secrets.insert("sesame-in-the-address".into());
    secrets.extend([
        field(&page.text(), "to").unwrap(),
        field(&page.text(), "csrf").unwrap(),
    ]);
    collect(&b, &mut secrets);
    let page = b
        .submit(
            &page,
            "/signin",
            &[("username", "ester"), ("password", WRONG)],
        )
        .await;
    let answer = b
        .submit(
            &page,
            "/signin",
            &[("username", "ester"), ("password", RIGHT)],
        )
        .await;
    collect(&b, &mut secrets);
    assert_eq!(answer.header("location"), Some("/remind"));
    let _ = b.step("/remind", "/remind", &[("do", "enrol")]).await;
    let (phone, codes) = b.bind(site.now()).await;
    six.insert(phone.code(site.now()));
    secrets.extend(codes.iter().cloned());
    secrets.extend(codes.iter().map(|c| c.replace('-', "")));
    let answer = b.finish().await;
    let ticket = answer.header("location").unwrap().to_owned();
    secrets.insert(ticket.split("ticket=").nth(1).unwrap().to_owned());
    assert_eq!(b.follow(answer).await.status, 200);
    assert_eq!(b.open(&site.url(PAYROLL, "/")).await.status, 200);
    collect(&b, &mut secrets);
    let seen = site.payroll.take().concat();
    let assertion = seen
        .lines()
        .find_map(|l| l.strip_prefix("X-Vestibule-Assertion: "))
        .unwrap();
    secrets.insert(assertion.trim().to_owned());
    // and again with a code, a wrong one, and both kinds of recovery code
    site.clock.advance(60);
    let mut c = site.browser();
    let _ = c.password_is("ester", RIGHT).await;
    let wrong = phone.wrong(site.now());
    assert_eq!(c.code(&wrong).await.status, 422);
    six.extend([wrong, phone.code(site.now())]);
    assert_eq!(c.code(&phone.code(site.now())).await.status, 303);
    collect(&c, &mut secrets);
    let helpdesk = site.helpdesk_code("ester").await;
    secrets.extend([helpdesk.clone(), helpdesk.replace('-', "")]);
    for (path, name, code) in [
        ("/signin/one-time-code", "otc", &helpdesk),
        ("/signin/emergency-code", "emergency", &codes[0]),
    ] {
        let mut d = site.browser();
        let _ = d.password_is("ester", RIGHT).await;
        let answer = d.step(path, path, &[(name, code)]).await;
        assert_eq!(answer.header("location"), Some("/signin/lost"));
        let _ = d
            .step("/signin/lost", "/signin/lost", &[("lost", "temporary")])
            .await;
        collect(&d, &mut secrets);
    }
    // a wrong door, a broken ticket, a way out
    let _ = b.get(&format!("{ticket}x")).await;
    let _ = b.page("/nothing?password=seven+green+bottles").await;
    let page = b.page("/signout").await;
    let _ = b.submit(&page, "/signout", &[]).await;
    let _ = b.get(&site.url(LOGIN, "/")).await;
    site.settle().await;

    assert!(secrets.len() > 20, "{}", secrets.len());
    let log = lines.text();
    let ours = log
        .lines()
        .filter(|l| l.contains("\"target\":\"vestibule"))
        .count();
    assert!(ours > 20, "{ours} lines of ours");
    for line in log.lines() {
        for secret in &secrets {
            assert!(!line.contains(secret.as_str()), "{secret} is in {line}");
        }
        // six digits on their own, no part of a number or a time
        for code in six
            .iter()
            .filter(|c| line.contains(c.as_str()) && line.contains("vestibule"))
        {
            let alone = line.match_indices(code.as_str()).any(|(at, _)| {
                let before = line[..at].chars().next_back();
                let after = line[at + 6..].chars().next();
                let part = |c: Option<char>| {
                    c.is_some_and(|c| c.is_alphanumeric() || c == '.' || c == '-')
                };
                !part(before) && !part(after)
            });
            assert!(!alone, "{code} is in {line}");
        }
    }
}
