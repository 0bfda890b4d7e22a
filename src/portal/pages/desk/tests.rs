//! Every page of the console, in every language, in every state, with hostile data.

use super::*;
use crate::domain::desk::IdentityCheck;
use crate::i18n::{Language, Texts};
use crate::portal::assets::Assets;
use crate::portal::brand::{Brand, Support};
use crate::portal::pages::{Page, Panel};

const HOSTILE: &str = "<script>alert(\"x\")</script>'&{$x}";
const NOW: i64 = 1_795_703_280; // 2026-11-26 14:28
const DAY: i64 = 86_400;

fn brand() -> Brand {
    Brand {
        name: "Northgate".into(),
        logo: None,
        accent: None,
        support: Support {
            email: Some("help@northgate.example".into()),
            phone: None,
            chat: None,
        },
        languages: Language::ALL.to_vec(),
        apps: Vec::new(),
    }
}

fn desk(section: Section) -> Desk<'static> {
    Desk {
        shown_as: "jonas.berg@example.com",
        role: Role::Administrator,
        section,
        users: true,
        approvals: Some(2),
        adoption: true,
        trail: true,
        accounts: true,
    }
}

const COUNTS: Counts = Counts {
    on: 1073,
    grace: 118,
    due: 41,
    exempt: 16,
};

/// A page under the name of its state.
type Seen<'a> = (&'static str, Box<dyn Page + 'a>);

/// What the pages point to.
struct Data<'a> {
    rows: Vec<UserRow<'a>>,
    entries: Vec<Entry<'a>>,
    groups: Vec<String>,
    requests: Vec<Request<'a>>,
    shares: Vec<GroupShare<'a>>,
    points: Vec<Point>,
    lines: Vec<ImportLine<'a>>,
    events: Vec<(&'a str, String)>,
    offers: Vec<Offer>,
    off: Vec<Offer>,
}

fn row<'a>(name: &'a str, email: &'a str, state: State, disabled: bool) -> UserRow<'a> {
    UserRow {
        id: "01JD3K",
        name,
        email: Some(email),
        login: "avirtanen",
        state,
        last_sign_in: (!disabled).then_some(NOW),
        disabled,
    }
}

fn entry<'a>(hours: i64, event: &str, code: &'a str, text: &'a str, detail: &'a str) -> Entry<'a> {
    Entry {
        at: NOW - hours * 3600,
        event: event.into(),
        code,
        actor: "jonas.berg@example.com".into(),
        account: Some(("01JD3K", text)),
        from: format!(
            "Firefox on Windows, 192.0.2.41 {}",
            if text == HOSTILE { HOSTILE } else { "" }
        ),
        detail,
    }
}

fn data<'a>(text: &'a str, email: &'a str) -> Data<'a> {
    let request = |own| Request {
        id: "7",
        act: if own { Act::SignOut } else { Act::Reset },
        asked_by: email,
        asked_at: NOW,
        account_id: "01JD3K",
        account_name: text,
        case: if text == HOSTILE { HOSTILE } else { "CS-20418" },
        check: (!own).then_some(IdentityCheck::Callback),
        until: own.then_some(NOW),
        groups: (!own).then(|| text.to_owned()),
        minutes_left: 28,
        own,
    };
    let share = |name, on, grace, due, exempt| GroupShare {
        name,
        counts: Counts {
            on,
            grace,
            due,
            exempt,
        },
    };
    let line = |number, who, state, reason: &str| ImportLine {
        number,
        who,
        state,
        reason: reason.into(),
    };
    let curve = [
        31.0, 34.0, 38.0, 41.0, 47.0, 52.0, 55.0, 61.0, 66.0, 71.0, 77.0, 82.0, 86.0,
    ];
    Data {
        rows: vec![
            row(text, email, State::On, false),
            row(
                "Eino Virtanen",
                "eino.virtanen@example.com",
                State::Grace {
                    days_left: Some(18),
                },
                false,
            ),
            row(
                "Maja Virtanen",
                "maja.virtanen@example.com",
                State::Due,
                true,
            ),
            row(
                "Veera Virtanen",
                "veera.virtanen@example.com",
                State::Exempt {
                    until: Some(NOW + 30 * DAY),
                },
                false,
            ),
        ],
        entries: vec![
            entry(0, "Code refused", "code.refused", text, ""),
            entry(1, "Password accepted", "password.accepted", text, ""),
            entry(
                6,
                "Signed in",
                "session.opened",
                text,
                "Payroll, code from the app",
            ),
            entry(
                900,
                "One-time code issued",
                "one_time_code.issued",
                text,
                if text == HOSTILE {
                    HOSTILE
                } else {
                    "case CS-20418, called back, shown"
                },
            ),
        ],
        groups: vec!["kaarna".into(), "payroll".into(), text.into()],
        requests: vec![request(false), request(true)],
        shares: vec![
            share("fjordlight", 371, 29, 9, 3),
            share("kaarna", 287, 21, 8, 2),
            share(text, 0, 0, 0, 0),
            share("steinweg", 66, 18, 8, 6),
        ],
        points: curve
            .iter()
            .zip(0i64..)
            .map(|(percent, n)| Point {
                at: NOW - (12 - n) * 7 * DAY,
                percent: *percent,
            })
            .collect(),
        lines: vec![
            line(2, "maija.meikalainen", LineState::New, ""),
            line(3, email, LineState::Exists, ""),
            line(
                4,
                "",
                LineState::Problem,
                if text == HOSTILE { HOSTILE } else { "no login" },
            ),
        ],
        events: vec![
            ("code.refused", "Code refused".into()),
            ("session.opened", text.into()),
        ],
        offers: Act::ALL
            .iter()
            .filter(|act| !matches!(act, Act::Enable | Act::Keep))
            .map(|act| Offer {
                act: *act,
                off: None,
            })
            .collect(),
        off: [
            (Act::IssueCode, None),
            (Act::SignOut, Some(Off::NoSessions)),
            (Act::Untrust, Some(Off::NoTrustedDevices)),
            (Act::Reset, Some(Off::Waiting)),
            (Act::Unlock, Some(Off::NotPaused)),
            (Act::PasswordReset, Some(Off::NoEmail)),
            (Act::Enable, None),
            (Act::Keep, None),
        ]
        .into_iter()
        .map(|(act, off)| Offer { act, off })
        .collect(),
    }
}

fn finding<'a>(data: &'a Data<'a>, text: &'a str, pages: &mut Vec<Seen<'a>>) {
    let find = |q, state, found| FindUser {
        desk: desk(Section::Users),
        q,
        state,
        counts: COUNTS,
        found,
    };
    let rows = |rows, more| Found::Rows { rows, more };
    pages.push(("find", Box::new(find("", StateFilter::All, Found::Nothing))));
    pages.push((
        "find-short",
        Box::new(find("vi", StateFilter::All, Found::Short)),
    ));
    pages.push((
        "find-none",
        Box::new(find(text, StateFilter::Due, rows(&[], false))),
    ));
    pages.push((
        "find-nobody",
        Box::new(find("", StateFilter::Due, rows(&[], false))),
    ));
    pages.push((
        "find-rows",
        Box::new(find("virtanen", StateFilter::All, rows(&data.rows, false))),
    ));
    pages.push((
        "find-more",
        Box::new(find("", StateFilter::On, rows(&data.rows, true))),
    ));
}

fn person<'a>(data: &'a Data<'a>, name: &'a str, email: &'a str) -> User<'a> {
    User {
        desk: desk(Section::Users),
        id: "01JD3K",
        name,
        email: Some(email),
        login: "avirtanen",
        state: State::On,
        facts: Facts {
            authenticator: Some("Northgate Authenticator"),
            enabled_at: Some(NOW - 84 * DAY),
            last_code_at: Some(NOW),
            emergency_codes: Some((7, 8)),
            trusted_devices: 2,
            sessions: 3,
            last_sign_in: Some(NOW),
            password_changed_at: Some(NOW - 250 * DAY),
            one_time_code_until: None,
            codes_paused_until: None,
            exempt_until: None,
            disabled: false,
            deletion_at: None,
            groups: &data.groups,
        },
        contact_changed_at: None,
        trail: &data.entries,
        trail_link: true,
        barred: None,
        two_agents: false,
        offers: &data.offers,
        done: None,
    }
}

fn people<'a>(data: &'a Data<'a>, text: &'a str, email: &'a str, pages: &mut Vec<Seen<'a>>) {
    pages.push(("user", Box::new(person(data, text, email))));
    let mut bare = person(data, text, email);
    bare.email = None;
    bare.state = State::Due;
    bare.trail = &[];
    bare.offers = &data.off;
    bare.two_agents = true;
    bare.contact_changed_at = Some(NOW - 2 * DAY);
    bare.facts = Facts {
        authenticator: None,
        enabled_at: None,
        last_code_at: None,
        emergency_codes: None,
        trusted_devices: 0,
        sessions: 0,
        last_sign_in: None,
        password_changed_at: None,
        one_time_code_until: Some(NOW),
        codes_paused_until: Some(NOW),
        exempt_until: Some(NOW),
        disabled: true,
        deletion_at: Some(NOW + 30 * DAY),
        groups: &[],
    };
    pages.push(("user-bare", Box::new(bare)));
    for (name, barred) in [
        ("user-self", Some(Barred::OwnAccount)),
        ("user-higher", Some(Barred::HigherRole)),
        ("user-look", None),
    ] {
        let mut user = person(data, text, email);
        user.barred = barred;
        user.offers = &[];
        user.state = State::Grace { days_left: None };
        pages.push((name, Box::new(user)));
    }
    let until = NOW + DAY;
    for done in [
        Done::SignedOut { sessions: 3 },
        Done::Untrusted { devices: 1 },
        Done::ResetWaits { minutes: 30 },
        Done::Waits { minutes: 30 },
        Done::Reset,
        Done::Sent { email, until },
        Done::Exempted { until },
        Done::Unlocked,
        Done::Disabled,
        Done::Enabled,
        Done::Groups,
        Done::DeletionPlanned { at: until },
        Done::Kept,
        Done::PasswordReset { email },
        Done::Created,
        Done::Invited { email },
    ] {
        let mut user = person(data, text, email);
        user.done = Some(done);
        user.state = State::Exempt { until: None };
        pages.push(("user-done", Box::new(user)));
    }
}

fn acts<'a>(text: &'a str, email: &'a str, pages: &mut Vec<Seen<'a>>) {
    let both = &[ActError::Case, ActError::Check][..];
    let day = &[ActError::Until { most_days: 90 }, ActError::Case];
    for act in Act::ALL {
        let errors = match act {
            Act::Exempt => vec![&[][..], &day[..], &[ActError::UntilEmpty]],
            Act::Groups => vec![&[], &[ActError::Groups][..]],
            Act::Unlock => vec![&[], &[ActError::Case][..]],
            _ => vec![&[], both],
        };
        for errors in errors {
            pages.push((
                match act {
                    Act::Exempt => "act-exempt",
                    Act::Groups => "act-groups",
                    _ => "act",
                },
                Box::new(ActPage {
                    desk: desk(Section::Users),
                    act,
                    id: "01JD3K",
                    name: text,
                    shown_as: email,
                    case: if text == HOSTILE { HOSTILE } else { "" },
                    asks_check: act != Act::Unlock,
                    check: (act == Act::Reset).then_some(IdentityCheck::Manager),
                    until: "2026-12-31",
                    groups: "kaarna, payroll",
                    grace_days: 30,
                    second_agent: act == Act::Reset,
                    errors,
                }),
            ));
        }
    }
    for (name, mail_off, errors) in [
        ("issue", None, &[][..]),
        (
            "issue-errors",
            None,
            &[IssueError::Check, IssueError::Send, IssueError::Case],
        ),
        ("issue-changed", Some(MailOff::ContactChanged), &[]),
        (
            "issue-no-mail",
            Some(MailOff::NotConfigured),
            &[IssueError::Send],
        ),
        ("issue-no-address", Some(MailOff::NoEmail), &[]),
    ] {
        pages.push((
            name,
            Box::new(IssueCode {
                desk: desk(Section::Users),
                id: "01JD3K",
                name: text,
                shown_as: email,
                email: (mail_off != Some(MailOff::NoEmail)).then_some(email),
                mail_off,
                replaces: mail_off.is_some(),
                after: 7,
                second_agent: mail_off == Some(MailOff::NoEmail),
                check: None,
                send: None,
                case: if text == HOSTILE { HOSTILE } else { "" },
                errors,
            }),
        ));
    }
    pages.push((
        "code-shown",
        Box::new(CodeShown {
            desk: desk(Section::Users),
            id: "01JD3K",
            name: text,
            code: "7KQM-4XTD",
            until: NOW + 600,
            minutes: 10,
        }),
    ));
}

fn lists<'a>(data: &'a Data<'a>, text: &'a str, pages: &mut Vec<Seen<'a>>) {
    let approvals = |requests, decided| Approvals {
        desk: desk(Section::Approvals),
        requests,
        decided,
    };
    pages.push(("approvals", Box::new(approvals(&data.requests, None))));
    for decided in [Decided::Approved, Decided::Declined, Decided::Gone] {
        pages.push(("approvals-empty", Box::new(approvals(&[], Some(decided)))));
    }
    let adoption = |points, deadline, groups, people| Adoption {
        desk: desk(Section::Adoption),
        counts: COUNTS,
        points,
        deadline,
        groups,
        people,
    };
    let groups = &data.shares[..];
    let deadline = Some(NOW + 18 * DAY);
    pages.push((
        "adoption",
        Box::new(adoption(&data.points, deadline, groups, true)),
    ));
    pages.push((
        "adoption-two",
        Box::new(adoption(&data.points[..2], None, groups, true)),
    ));
    pages.push((
        "adoption-one",
        Box::new(adoption(&data.points[..1], deadline, &[], false)),
    ));
    pages.push((
        "adoption-none",
        Box::new(adoption(&[], deadline, &[], false)),
    ));
    let filter = TrailFilter {
        account: text,
        event: "session.opened",
        actor: text,
        from: "2026-11-01",
        to: text,
    };
    let trail = |filter, entries, older, bad_dates| Trail {
        desk: desk(Section::Trail),
        filter,
        events: &data.events,
        entries,
        older,
        paged: bad_dates,
        bad_dates,
        people: !bad_dates,
    };
    pages.push((
        "trail",
        Box::new(trail(
            TrailFilter::default(),
            &data.entries,
            Some("1234"),
            false,
        )),
    ));
    pages.push((
        "trail-bad",
        Box::new(trail(filter, &data.entries, None, true)),
    ));
    pages.push(("trail-empty", Box::new(trail(filter, &[], None, false))));
}

fn administration<'a>(
    data: &'a Data<'a>,
    text: &'a str,
    email: &'a str,
    pages: &mut Vec<Seen<'a>>,
) {
    let new = |mail, errors| NewAccount {
        desk: desk(Section::NewAccount),
        name: text,
        login: "avirtanen",
        email,
        groups: "kaarna",
        language: Some(Language::Finnish),
        start: Start::Invite,
        mail,
        errors,
    };
    pages.push(("new", Box::new(new(true, &[]))));
    pages.push((
        "new-errors",
        Box::new(new(
            true,
            &[
                AccountError::NameEmpty,
                AccountError::LoginTaken,
                AccountError::EmailBad,
                AccountError::Groups,
                AccountError::Start,
            ],
        )),
    ));
    pages.push((
        "new-no-mail",
        Box::new(new(
            false,
            &[AccountError::LoginBad, AccountError::EmailTaken],
        )),
    ));
    pages.push((
        "new-empty",
        Box::new(new(
            true,
            &[AccountError::LoginEmpty, AccountError::EmailEmpty],
        )),
    ));
    for until in [Some(NOW), None] {
        pages.push((
            "secret",
            Box::new(InitialSecret {
                desk: desk(Section::NewAccount),
                id: "01JD3K",
                name: text,
                login: "avirtanen",
                secret: "K7QM-4XTD-99PA-ZZ2C",
                until,
            }),
        ));
    }
    let import = |step| Import {
        desk: desk(Section::Import),
        step,
    };
    let counts = ImportCounts {
        new: 1,
        exists: 1,
        problems: 1,
    };
    let paste = |error| ImportStep::Paste { data: text, error };
    pages.push(("import", Box::new(import(paste(None)))));
    pages.push((
        "import-error",
        Box::new(import(paste(Some(text.to_owned())))),
    ));
    let (data, lines) = (text, &data.lines[..]);
    pages.push((
        "import-preview",
        Box::new(import(ImportStep::Preview {
            data,
            seal: "1.x",
            counts,
            lines,
        })),
    ));
    pages.push((
        "import-result",
        Box::new(import(ImportStep::Result { counts, lines })),
    ));
    pages.push((
        "forbidden",
        Box::new(DeskForbidden {
            desk: Desk {
                users: false,
                approvals: None,
                adoption: false,
                trail: false,
                accounts: false,
                role: Role::Auditor,
                ..desk(Section::Elsewhere)
            },
        }),
    ));
}

fn pages<'a>(data: &'a Data<'a>, text: &'a str, email: &'a str) -> Vec<Seen<'a>> {
    let mut pages = Vec::new();
    finding(data, text, &mut pages);
    people(data, text, email, &mut pages);
    acts(text, email, &mut pages);
    lists(data, text, &mut pages);
    administration(data, text, email, &mut pages);
    pages
}

fn each(
    text: &str,
    email: &str,
    languages: &[Language],
    mut see: impl FnMut(&str, Language, String),
) {
    let texts = Texts::load(&[]).unwrap();
    let brand = brand();
    let assets = Assets::new(&brand).unwrap();
    let data = data(text, email);
    for language in languages {
        for (name, page) in pages(&data, text, email) {
            let frame = Frame {
                brand: &brand,
                assets: &assets,
                assets_base: "/assets/",
                tr: texts.in_language(*language),
                language: *language,
                csrf: "token",
                panel: Panel::Tagline,
                here: "/desk/users?q=abc",
                home: "https://login.example.com",
            };
            see(name, *language, page.render(&frame).unwrap());
        }
    }
}

/// The values of an attribute, in order.
fn values<'a>(html: &'a str, attribute: &str) -> Vec<&'a str> {
    let start = format!(" {attribute}=\"");
    html.split(&start)
        .skip(1)
        .filter_map(|rest| rest.split('"').next())
        .collect()
}

fn check(name: &str, language: Language, html: &str) {
    let tag = language.tag();
    let fail = |what: &str| panic!("{name} in {tag}: {what}");
    let holds = |ok: bool, what: &str| {
        if !ok {
            fail(what)
        }
    };
    holds(
        !html.contains("<script>") && !html.contains("\"x\""),
        "not escaped",
    );
    holds(html.contains(&format!("<html lang=\"{tag}\"")), "language");
    holds(html.matches("<h1").count() == 1, "one h1");
    holds(
        html.matches("<title>").count() == 1,
        "one title of the page",
    );
    let title = html.split("<title>").nth(1).unwrap();
    holds(!title.starts_with(" –"), "the title is empty");
    holds(
        !html.contains("style=") && !html.contains("onclick"),
        "inline",
    );
    holds(html.contains("/assets/desk."), "the console's style");
    let posts = html.matches("method=\"post\"").count();
    holds(html.matches("name=\"csrf\"").count() == posts, "csrf");
    let ids = values(html, "id");
    for (at, id) in ids.iter().enumerate() {
        holds(!ids[..at].contains(id), &format!("the id {id} twice"));
    }
    let named = ["for", "aria-describedby", "aria-labelledby", "data-copy"]
        .iter()
        .flat_map(|attribute| values(html, attribute))
        .flat_map(str::split_whitespace);
    let linked = values(html, "href")
        .into_iter()
        .filter_map(|href| href.strip_prefix('#'));
    for id in named.chain(linked) {
        holds(ids.contains(&id), &format!("no element with the id {id}"));
    }
    let fields = html
        .split("<input ")
        .chain(html.split("<select "))
        .chain(html.split("<textarea "))
        .filter(|field| field.starts_with("class=\"input") || field.starts_with("type=\"radio\""));
    for field in fields {
        let field = field.split('>').next().unwrap();
        let id = values(field, "id");
        holds(
            id.first()
                .is_some_and(|id| html.contains(&format!("<label for=\"{id}\""))),
            &format!("a field without a label: {field}"),
        );
    }
}

#[test]
fn every_page_in_every_language_is_sound() {
    let mut seen = 0;
    each(
        "Aino Virtanen",
        "aino.virtanen@example.com",
        &Language::ALL,
        |name, language, html| {
            seen += 1;
            check(name, language, &html);
        },
    );
    assert!(seen > 6 * 70, "{seen}");
}

#[test]
fn hostile_names_and_details_are_text() {
    each(
        HOSTILE,
        HOSTILE,
        &[Language::English, Language::Finnish],
        |name, language, html| {
            check(name, language, &html);
            if [
                "user",
                "act",
                "issue",
                "code-shown",
                "trail",
                "approvals",
                "find-rows",
            ]
            .contains(&name)
            {
                assert!(html.contains("&#60;script&#62;"), "{name}: not there");
            }
        },
    );
}

#[test]
fn the_menu_offers_what_the_role_allows() {
    each(
        "Aino",
        "aino@example.com",
        &[Language::English],
        |name, _, html| {
            let offered = html.contains("href=\"/desk/accounts/new\"");
            assert_eq!(offered, name != "forbidden", "{name}");
            assert_eq!(
                html.contains("Approvals (2)"),
                name != "forbidden",
                "{name}"
            );
        },
    );
}

#[test]
fn what_is_not_allowed_has_no_button() {
    each(
        "Aino",
        "aino@example.com",
        &[Language::English],
        |name, _, html| {
            let links = html.matches("href=\"/desk/users/01JD3K/").count();
            match name {
                "user" => assert_eq!(links, 10),
                "user-bare" => assert_eq!(links, 3),
                "user-self" => {
                    assert_eq!(links, 0);
                    assert!(html.contains("your own account"));
                }
                "user-higher" | "user-look" => assert_eq!(links, 0, "{name}"),
                "approvals" => assert_eq!(html.matches("value=\"approve\"").count(), 1),
                "issue-changed" => assert!(html.contains("value=\"email\" disabled")),
                _ => {}
            }
        },
    );
}

#[test]
fn links_keep_what_was_asked_for() {
    let filter = TrailFilter {
        account: "a&b",
        from: "2026-11-01",
        ..TrailFilter::default()
    };
    let trail = Trail {
        desk: desk(Section::Trail),
        filter,
        events: &[],
        entries: &[],
        older: Some("17"),
        paged: false,
        bad_dates: false,
        people: true,
    };
    assert_eq!(
        trail.export(),
        "/desk/audit.jsonl?account=a%26b&from=2026-11-01"
    );
    assert_eq!(
        trail.older_link().as_deref(),
        Some("/desk/audit?account=a%26b&from=2026-11-01&before=17")
    );
}

#[test]
fn the_words_of_addresses_come_back() {
    for act in Act::ALL {
        assert_eq!(Act::parse(act.code()), Some(act));
    }
    for check in IdentityCheck::ALL {
        assert_eq!(IdentityCheck::parse(check.code()), Some(check));
    }
    for state in StateFilter::ALL {
        assert_eq!(StateFilter::parse(state.code()), state);
    }
    assert_eq!(Act::parse("nothing"), None);
}

#[test]
fn shares_and_times() {
    assert_eq!(Share::of(COUNTS).0, 85);
    assert_eq!(Share::of(Counts::default()).0, 0);
    assert_eq!(COUNTS.total(), 1248);
    assert_eq!(NOW.stamp(), "2026-11-26 14:28");
    assert_eq!(NOW.machine_time(), "2026-11-26T14:28Z");
}
