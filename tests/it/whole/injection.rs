//! Text that wants to be a header, a page, or a log line.

use super::browser::field;
use super::site::{LOGIN, PASSWORD, Site, WIKI};
use vestibule::authn::accounts::NewAccount;
use vestibule::domain::account::PasswordHash;

const NASTY: &[&str] = &[
    "a\r\nX-Evil: 1",
    "a\nSet-Cookie: evil=1",
    "a\0b",
    "<script>alert(1)</script>",
    "\"><img src=x onerror=alert(1)>",
    "'-alert(1)-'",
    "{{7*7}}",
    "${jndi:ldap://evil}",
    "%0d%0aX-Evil: 1",
    "\u{202e}evil",
    "\u{2028}x",
    "\u{1b}[31mred",
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_name_typed_in_is_text_and_nothing_else() {
    let site = Site::start().await;
    for name in NASTY {
        let mut b = site.browser();
        let answer = b.password_is(name, "wrong").await;
        assert_eq!(answer.status, 422, "{name:?}");
        let (head, text) = (&answer.head, answer.text());
        assert!(!head.to_lowercase().contains("evil"), "{name:?}: {head}");
        assert!(
            !text.contains("<script>alert") && !text.contains("<img src=x"),
            "{name:?}"
        );
    }
    for lang in NASTY {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        query
            .append_pair("lang", lang)
            .append_pair("to", lang)
            .append_pair(lang, lang);
        let query = query.finish();
        let mut b = site.browser();
        for path in ["/signin", "/nothing-here", "/signed-out"] {
            let answer = b.page(&format!("{path}?{query}")).await;
            assert!(answer.status < 500, "{path} {lang:?}");
            assert!(
                !answer.head.to_lowercase().contains("x-evil"),
                "{}",
                answer.head
            );
            let text = answer.text();
            assert!(
                !text.contains("<script>alert") && !text.contains("<img src=x"),
                "{path} {lang:?}"
            );
        }
    }
    // whatever is shown, script from anywhere but our own files does not run
    let page = site.browser().page("/signin").await;
    let policy = page.header("content-security-policy").unwrap();
    assert!(
        policy.contains("script-src 'self'") && !policy.contains("unsafe"),
        "{policy}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn names_of_people_and_groups_stay_within_their_header() {
    let site = Site::start().await;
    for (n, nasty) in NASTY.iter().enumerate() {
        let login = format!("person{n}");
        let new = NewAccount {
            login: login.clone(),
            name: (*nasty).to_owned(),
            password: Some(PasswordHash::from_encoded(super::site::CHEAP.to_owned())),
            ..NewAccount::default()
        };
        site.office.authn.add_account(new).await.unwrap().unwrap();
        // a group with a comma, a control character or a blank at its ends is refused where it is made
        let groups = [(*nasty).to_owned()].into();
        let id = site.find(&login).await.id;
        let made = site.office.authn.set_groups(id, groups).await.unwrap();
        assert_eq!(
            made.is_err(),
            nasty.chars().any(|c| c == ',' || c.is_control()) || nasty.trim() != *nasty,
            "{nasty:?}"
        );
        let mut b = site.browser();
        b.agent = format!("agent {}", nasty.replace(char::is_control, " "));
        let page = b.open(&site.url(WIKI, "/")).await;
        let fields = [("username", login.as_str()), ("password", PASSWORD)];
        let answer = b.submit(&page, "/signin", &fields).await;
        let answer = b.follow(answer).await;
        // served, or refused: never passed on as another header
        let seen = site.wiki.take();
        assert_eq!(
            seen.len(),
            usize::from(answer.status == 200),
            "{nasty:?}: {}",
            answer.head
        );
        for head in seen {
            let names: Vec<String> = head
                .split(['\r', '\n'])
                .filter_map(|l| l.split_once(':'))
                .map(|(n, _)| n.to_ascii_lowercase())
                .collect();
            assert!(
                !names
                    .iter()
                    .any(|n| n.contains("evil") || n == "set-cookie"),
                "{nasty:?}: {head}"
            );
            assert!(!head.contains('\0'));
            assert_eq!(names.iter().filter(|n| *n == "remote-user").count(), 1);
        }
        // the pages that call the person by name
        let page = b.page("/").await;
        let text = page.text();
        assert!(
            !text.contains("<script>alert") && !text.contains("<img src=x"),
            "{nasty:?}"
        );
        let _ = (field(&text, "csrf"), LOGIN);
    }
}
