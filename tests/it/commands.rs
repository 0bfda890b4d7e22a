//! The command line, as an operator types it: what it prints, what it changes, how it ends.

use serde_json::Value;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use vestibule::demo::{Layout, Ports, certificates, write_config};
use vestibule::env::Env;

struct Machine {
    dir: tempfile::TempDir,
}

struct Said {
    code: i32,
    out: String,
    err: String,
}

impl Machine {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let layout = Layout::open(dir.path()).unwrap();
        certificates::ensure(&layout, &Env::system()).unwrap();
        let ports = Ports {
            gateway: 8443,
            wiki: 9001,
            payroll: 9002,
            operations: 9003,
            smtp: 9004,
            mailbox: 9005,
        };
        std::fs::write(layout.config(), write_config(&layout, &ports)).unwrap();
        Self { dir }
    }

    fn path(&self) -> &Path {
        self.dir.path()
    }

    fn run(&self, arguments: &[&str]) -> Said {
        self.run_with(arguments, "")
    }

    fn run_with(&self, arguments: &[&str], input: &str) -> Said {
        let mut child = Command::new(env!("CARGO_BIN_EXE_vestibule"))
            .args(arguments)
            .args([
                "--config",
                self.path().join("vestibule.yaml").to_str().unwrap(),
            ])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdin = child.stdin.take().unwrap();
        // a command that takes no input may be gone already
        let _ = stdin.write_all(input.as_bytes());
        drop(stdin);
        let output = child.wait_with_output().unwrap();
        Said {
            code: output.status.code().unwrap(),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }

    #[track_caller]
    fn json(&self, arguments: &[&str]) -> Value {
        let said = self.run(&[arguments, &["--json"]].concat());
        assert_eq!(said.code, 0, "{arguments:?}: {}", said.err);
        serde_json::from_str(&said.out).unwrap()
    }

    #[track_caller]
    fn refused(&self, arguments: &[&str], input: &str, because: &str) {
        let said = self.run_with(arguments, input);
        assert_eq!(said.code, 1, "{arguments:?}: {}", said.out);
        assert!(said.err.contains(because), "{arguments:?}: {}", said.err);
    }
}

const PASSWORD: &str = "a few unrelated words\n";

#[test]
fn an_account_from_beginning_to_end() {
    let m = Machine::new();
    let add = [
        "account",
        "add",
        "aino",
        "--email",
        "aino@example.com",
        "--name",
        "Aino Virtanen",
        "--group",
        "staff",
        "--groups",
        "finance,it",
    ];
    let said = m.run_with(&[&add[..], &["--json"]].concat(), PASSWORD);
    assert_eq!(said.code, 0, "{}", said.err);
    let aino: Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!(
        aino["groups"],
        serde_json::json!(["finance", "it", "staff"])
    );
    assert_eq!(aino["two_factor"], false);

    m.refused(&["account", "add", "AINO"], PASSWORD, "taken");
    m.refused(
        &["account", "add", "x", "--email", "Aino@Example.com"],
        PASSWORD,
        "taken",
    );
    m.refused(
        &["account", "add", "y", "--email", "nobody"],
        PASSWORD,
        "name@domain",
    );
    m.refused(
        &["account", "add", "z"],
        "short\n",
        "at least 15 characters",
    );
    m.refused(&["account", "add", "z"], "\n", "1 to 256 characters");
    m.refused(
        &["account", "add", "z", "--group", "a,b\nc"],
        PASSWORD,
        "group name",
    );
    m.refused(
        &["account", "show", "nobody"],
        "",
        "`vestibule account list` shows all",
    );

    assert_eq!(m.run(&["account", "disable", "aino@example.com"]).code, 0);
    assert_eq!(m.json(&["account", "show", "aino"])["disabled"], true);
    m.refused(&["helpdesk-code", "aino"], "", "may not sign in");
    assert_eq!(m.run(&["account", "enable", "aino"]).code, 0);
    assert_eq!(m.run(&["account", "set-groups", "aino", "staff"]).code, 0);
    assert_eq!(
        m.json(&["account", "show", "aino"])["groups"],
        serde_json::json!(["staff"])
    );
    assert_eq!(
        m.run_with(&["account", "set-password", "aino"], PASSWORD)
            .code,
        0
    );
    assert_eq!(m.run(&["account", "reset-2fa", "aino"]).code, 0);
    assert_eq!(m.json(&["account", "list"]).as_array().unwrap().len(), 1);
}

#[test]
fn what_people_guess_first_is_no_password() {
    let m = Machine::new();
    let list = m.path().join("blocklist.txt");
    // the second line: SHA-1 of `an entirely new password`
    let lines = "Quarterly Report\n687F39272ECDE723B82C77054D797FA94DE0F9B9:7\n";
    std::fs::write(&list, lines).unwrap();
    let config = m.path().join("vestibule.yaml");
    let text = std::fs::read_to_string(&config).unwrap();
    let with_list = text.replace(
        "password: { minimum_length: 15 }",
        "password: { blocklist: blocklist.txt }",
    );
    assert_ne!(text, with_list);
    std::fs::write(&config, with_list).unwrap();

    let add = ["account", "add", "aino", "--name", "Aino Virtanen"];
    for (password, because) in [
        (
            "fourteen chars",
            "at least 15 characters, because a password alone",
        ),
        ("passwordpassword\n", "most common"),
        ("qwertyuiopasdfgh\n", "guessed soon"),
        ("quarterly report 2026\n", "password.blocklist"),
        ("an entirely new password\n", "password.blocklist"),
        ("Virtanen-Virtanen-1\n", "the person's name"),
        ("northgate-northgate", "the organisation's name"),
        ("wiki payroll wiki", "the name of an application"),
    ] {
        m.refused(&add, password, because);
    }
    assert_eq!(m.json(&["account", "list"]), serde_json::json!([]));
    assert_eq!(m.run_with(&add, PASSWORD).code, 0);
    let set = ["account", "set-password", "aino"];
    m.refused(&set, "aino aino aino 1\n", "the login name");

    std::fs::remove_file(&list).unwrap();
    let said = m.run(&["check"]);
    assert_eq!(said.code, 1);
    assert!(
        said.out.contains("blocklist.txt cannot be read"),
        "{}",
        said.out
    );
}

#[test]
fn a_one_time_code_is_printed_alone_and_once() {
    let m = Machine::new();
    assert_eq!(m.run_with(&["account", "add", "aino"], PASSWORD).code, 0);
    let said = m.run(&["helpdesk-code", "aino"]);
    assert_eq!(said.code, 0);
    let code = said.out.strip_suffix('\n').unwrap();
    assert_eq!((code.len(), code.as_bytes()[4]), (9, b'-'), "{code}");
    let again = m.json(&["helpdesk-code", "aino"]);
    assert_ne!(again["code"], code);
    // neither is in any file
    for entry in std::fs::read_dir(m.path().join("data")).unwrap() {
        let bytes = std::fs::read(entry.unwrap().path()).unwrap();
        let bare = code.replace('-', "");
        for text in [code, bare.as_str()] {
            assert!(!bytes.windows(text.len()).any(|w| w == text.as_bytes()));
        }
    }
    m.refused(&["helpdesk-code", "nobody"], "", "no account");
}

#[test]
fn imports_say_which_line_and_why() {
    let m = Machine::new();
    let csv = m.path().join("people.csv");
    let hash = "$6$rounds=1000$saltstring$Zu2Vknok2/f53APfN687ADnzeNBLcsEgTwvcBHMD2./07rZQAt8vsuKVufD15dyZh.LOLB/uZKf6I3GyON4bp/";
    let rows = format!(
        "login,email,groups,password_hash\naino,aino@example.com,staff;it,{hash}\nveikko,broken,,\nliisa,,,$1$old$md5\n"
    );
    std::fs::write(&csv, rows).unwrap();
    let file = csv.to_str().unwrap();
    let said = m.run(&["account", "import", file, "--dry-run"]);
    assert_eq!(said.code, 1);
    assert_eq!(m.json(&["account", "list"]), serde_json::json!([]));
    let said = m.run(&["account", "import", file]);
    assert_eq!(said.code, 1);
    assert!(said.out.contains("1 accounts added"), "{}", said.out);
    assert!(
        said.err
            .contains("line 3: `broken` is not an e-mail address"),
        "{}",
        said.err
    );
    assert!(
        said.err.contains("line 4: the password hash"),
        "{}",
        said.err
    );

    // what is exported can be imported elsewhere
    let exported = m.run(&["account", "export", "--with-hashes"]).out;
    assert!(exported.contains(hash));
    assert!(!m.run(&["account", "export"]).out.contains("$6$"));
    let other = Machine::new();
    let said = other.run_with(&["account", "import", "-"], &exported);
    assert_eq!(said.code, 0, "{}", said.err);
    assert_eq!(
        other.json(&["account", "show", "aino"])["groups"],
        serde_json::json!(["it", "staff"])
    );
}

#[test]
fn sessions_and_keys() {
    let m = Machine::new();
    m.refused(&["session", "list"], "", "there is no store");
    assert_eq!(m.run_with(&["account", "add", "aino"], PASSWORD).code, 0);
    assert_eq!(m.json(&["session", "list"]), serde_json::json!([]));
    m.refused(&["session", "revoke"], "", "say which");
    m.refused(
        &["session", "revoke", "01a2044b-d3c0-7210-8697-933a9599881b"],
        "",
        "no live session",
    );
    m.refused(&["session", "revoke", "nobody"], "", "no account");
    let first = m.json(&["keys", "rotate"])["key"].clone();
    let second = m.json(&["keys", "rotate"])["key"].clone();
    let keys = m.json(&["keys", "list"]);
    let find = |id: &Value| {
        keys.as_array()
            .unwrap()
            .iter()
            .find(|k| k["key"] == *id)
            .unwrap()
            .clone()
    };
    assert_eq!(find(&second)["published_until"], Value::Null);
    assert!(find(&first)["published_until"].is_i64());
}

#[test]
fn a_lost_key_file_is_not_replaced_in_silence() {
    use std::os::unix::fs::PermissionsExt as _;
    let m = Machine::new();
    assert_eq!(m.run_with(&["account", "add", "aino"], PASSWORD).code, 0);
    let mode = |name: &str| {
        std::fs::metadata(m.path().join(name))
            .unwrap()
            .permissions()
            .mode()
            & 0o777
    };
    assert_eq!(
        (
            mode("data"),
            mode("data/secret.key"),
            mode("data/vestibule.db")
        ),
        (0o700, 0o600, 0o600)
    );
    std::fs::remove_file(m.path().join("data/secret.key")).unwrap();
    m.refused(&["serve"], "", "put the key file back from a backup");
    m.refused(&["account", "list"], "", "secret.key cannot be read");
    assert!(!m.path().join("data/secret.key").exists());
}

/// `vestibule ... | head`: a pipe that nobody reads any more.
#[test]
fn a_reader_that_has_gone_is_no_fault() {
    let m = Machine::new();
    let said = m.run_with(&["account", "add", "aino"], PASSWORD);
    assert_eq!(said.code, 0, "{}", said.err);
    let gone = || {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        writer
    };
    for arguments in [
        &["account", "show", "aino"][..],
        &["account", "show", "aino", "--json"],
        &["account", "list"],
        &["account", "export"],
        &["session", "list"],
        &["keys", "list"],
        &["token", "list"],
        &["helpdesk-code", "aino"],
        &["account", "disable", "aino"],
    ] {
        let start = |out: Stdio, err: Stdio| {
            let mut command = Command::new(env!("CARGO_BIN_EXE_vestibule"));
            let config = m.path().join("vestibule.yaml");
            command.args(arguments).arg("--config").arg(config);
            command.stdin(Stdio::null()).stdout(out).stderr(err);
            command.spawn().unwrap().wait_with_output().unwrap()
        };
        let said = start(gone().into(), Stdio::piped());
        let err = String::from_utf8(said.stderr).unwrap();
        assert_eq!(said.status.code(), Some(0), "{arguments:?}: {err}");
        assert!(!err.contains("panicked"), "{arguments:?}: {err}");
        let said = start(gone().into(), gone().into());
        assert_eq!(said.status.code(), Some(0), "{arguments:?}");
    }
}

#[test]
fn wrong_usage_is_2_and_a_broken_configuration_1() {
    let m = Machine::new();
    assert_eq!(m.run(&["account", "fly"]).code, 2);
    assert_eq!(m.run(&["nothing"]).code, 2);
    std::fs::write(m.path().join("vestibule.yaml"), "listen: 3\n").unwrap();
    for arguments in [
        &["check"][..],
        &["serve"],
        &["account", "list"],
        &["explain", "--url", "https://x/"],
    ] {
        let said = m.run(arguments);
        assert_eq!(said.code, 1, "{arguments:?}");
        let all = said.out + &said.err;
        assert!(all.contains("vestibule.yaml:1:9"), "{arguments:?}: {all}");
    }
}

#[test]
fn the_demo_configuration_has_no_mistakes_and_explains_itself() {
    let m = Machine::new();
    let said = m.run(&["check"]);
    assert_eq!(said.code, 0, "{}{}", said.out, said.err);
    assert!(
        !said.out.contains("warning") && !said.err.contains("warning"),
        "{}{}",
        said.out,
        said.err
    );
    let url = "https://payroll.localhost:8443/x";
    let said = m.run(&["explain", "--url", url]);
    assert_eq!(said.code, 0);
    assert!(said.out.contains("Route `payroll`"), "{}", said.out);
}

#[test]
fn a_token_of_the_api_is_printed_once_and_dies() {
    let m = Machine::new();
    let add = ["token", "add", "hr-sync", "--scope"];
    m.refused(&[&add[..], &["helpdesk"]].concat(), "", "there is no store");
    assert_eq!(m.run_with(&["account", "add", "aino"], PASSWORD).code, 0);
    let said = m.run(
        &[
            &add[..],
            &["accounts:read,adoption:read", "--expires", "30d"],
        ]
        .concat(),
    );
    assert_eq!(said.code, 0, "{}", said.err);
    let token = said.out.strip_suffix('\n').unwrap();
    let random = token.strip_prefix("vst_").unwrap();
    assert_eq!(random.len(), 43, "{token}");
    assert!(said.err.contains("not shown again"), "{}", said.err);
    m.refused(
        &[&add[..], &["helpdesk"]].concat(),
        "",
        "a token named `hr-sync` already",
    );

    let listed = m.json(&["token", "list"]);
    let one = &listed.as_array().unwrap()[0];
    assert_eq!(one["name"], "hr-sync");
    assert_eq!(
        one["scopes"],
        serde_json::json!(["accounts:read", "adoption:read"])
    );
    let life = one["expires_at"].as_i64().unwrap() - one["created_at"].as_i64().unwrap();
    assert_eq!(
        (life, &one["last_used_at"], &one["expired"]),
        (30 * 86_400, &Value::Null, &Value::Bool(false))
    );
    // only its hash is kept, and no list shows it
    for entry in std::fs::read_dir(m.path().join("data")).unwrap() {
        let bytes = std::fs::read(entry.unwrap().path()).unwrap();
        assert!(!bytes.windows(43).any(|w| w == random.as_bytes()));
    }
    assert!(!m.run(&["token", "list"]).out.contains(random));
    assert!(!listed.to_string().contains(random));

    let second = m.json(&["token", "add", "siem", "--scope", "audit:read"]);
    assert_ne!(second["token"], token);
    let id = second["id"].as_str().unwrap();
    assert_eq!(m.run(&["token", "revoke", id]).code, 0);
    assert_eq!(m.run(&["token", "revoke", "hr-sync"]).code, 0);
    m.refused(&["token", "revoke", "hr-sync"], "", "there is no token");
    assert_eq!(m.json(&["token", "list"]), serde_json::json!([]));
}

#[test]
fn tokens_that_would_live_too_long_or_open_nothing_are_not_made() {
    let m = Machine::new();
    assert_eq!(m.run_with(&["account", "add", "aino"], PASSWORD).code, 0);
    let scope = ["--scope", "helpdesk"];
    let add = |more: &[&'static str]| [&["token", "add"][..], more, &scope].concat();
    for (more, because) in [
        (&["x", "--expires", "367d"][..], "366 days at most"),
        (&["x", "--expires", "0s"], "an hour at least"),
        (&["", "--expires", "1d"], "token's name"),
        (&["a\u{7}b"], "token's name"),
    ] {
        m.refused(&add(more), "", because);
    }
    for wrong in [
        &["token", "add", "x"][..],
        &["token", "add", "x", "--scope", "everything"],
        &[
            "token",
            "add",
            "x",
            "--scope",
            "helpdesk",
            "--expires",
            "soon",
        ],
    ] {
        assert_eq!(m.run(wrong).code, 2, "{wrong:?}");
    }
    assert_eq!(m.json(&["token", "list"]), serde_json::json!([]));
    assert_eq!(m.run(&add(&["x", "--expires", "366d"])).code, 0);
}

#[test]
fn sessions_are_minted_only_where_and_for_whom_it_is_allowed() {
    use std::os::unix::fs::PermissionsExt as _;
    let m = Machine::new();
    let out = m.path().join("sessions");
    let output = out.to_str().unwrap();
    let mint = |more: &[&'static str]| -> Vec<&'static str> {
        let base = [
            "session",
            "mint",
            "--account-prefix",
            "load-",
            "--count",
            "3",
        ];
        [&base[..], more].concat()
    };
    let add = |login: &str, more: &[&str]| {
        let said = m.run(&[&["account", "add", login, "--no-password"], more].concat());
        assert_eq!(said.code, 0, "{}", said.err);
    };
    add("load-1", &[]);
    m.refused(
        &mint(&["--ttl", "1h"]),
        "",
        "`load_testing: { account_prefix: load- }`",
    );
    let config = m.path().join("vestibule.yaml");
    let text = std::fs::read_to_string(&config).unwrap();
    assert!(text.contains("administrator: [ it-admins ]"), "{text}");
    let opened = format!("{text}\nload_testing: {{ account_prefix: load- }}\n");
    std::fs::write(&config, opened).unwrap();

    // it is in force, and said loudly
    let said = m.run(&["check"]);
    assert_eq!(said.code, 0, "{}{}", said.out, said.err);
    assert!(
        said.out.contains("without password and code"),
        "{}",
        said.out
    );

    m.refused(&mint(&["--ttl", "1000h"]), "", "sessions.lifetime");
    m.refused(
        &mint(&["--ttl", "1h", "--host", "elsewhere.test"]),
        "",
        "no route has the host",
    );
    let wider = [
        "session",
        "mint",
        "--account-prefix",
        "l",
        "--count",
        "1",
        "--ttl",
        "1h",
    ];
    m.refused(&wider, "", "must be `load-` or begin with it");
    let others = [
        "session",
        "mint",
        "--account-prefix",
        "load-x",
        "--count",
        "1",
        "--ttl",
        "1h",
    ];
    m.refused(&others, "", "`vestibule account add load-x1 --no-password`");
    let many = [
        "session",
        "mint",
        "--account-prefix",
        "load-",
        "--count",
        "100001",
        "--ttl",
        "1h",
    ];
    m.refused(&many, "", "from 1 to 100,000");
    assert_eq!(m.run(&mint(&["--ttl", "soon"])).code, 2);
    assert_eq!(m.json(&["session", "list"]), serde_json::json!([]));

    // one line a session, each host's own cookie
    let said = m.run(&mint(&["--ttl", "1h"]));
    assert_eq!(said.code, 0, "{}", said.err);
    assert_eq!(said.out.lines().count(), 3);
    for line in said.out.lines() {
        let mut cookies: Vec<&str> = line.split('\t').collect();
        assert!(cookies.len() >= 2, "{line}");
        assert!(
            cookies.iter().all(|c| c.contains(" __Host-vestibule=")),
            "{line}"
        );
        cookies.sort_unstable_by_key(|c| c.split('=').next_back());
        cookies.dedup_by_key(|c| c.split('=').next_back());
        assert_eq!(
            cookies.len(),
            line.split('\t').count(),
            "a cookie is there twice"
        );
    }
    let listed = m.json(&["session", "list", "load-1"]);
    assert_eq!(listed.as_array().unwrap().len(), 3);
    assert_eq!(listed[0]["acr"], "aal2");
    assert_eq!(listed[0]["user_agent"], "vestibule session mint");
    let plain = m.run(&["session", "list"]).out;
    assert!(plain.contains("nowhere: made for load tests"), "{plain}");

    // a file that is its owner's alone, and never one that is there already
    let to_file = [
        "session",
        "mint",
        "--account-prefix",
        "load-",
        "--count",
        "2",
        "--ttl",
        "1h",
        "--output",
        output,
    ];
    let said = m.run(&to_file);
    assert_eq!(said.code, 0, "{}", said.err);
    assert!(!said.out.contains("__Host-"), "{}", said.out);
    let mode = std::fs::metadata(&out).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    assert_eq!(std::fs::read_to_string(&out).unwrap().lines().count(), 2);
    m.refused(&to_file, "", "must not be there yet");
    assert_eq!(m.json(&["session", "list"]).as_array().unwrap().len(), 5);
    let printed = m.json(&mint(&["--ttl", "1h"]));
    assert_eq!(printed["sessions"].as_array().unwrap().len(), 3);
    assert_eq!(printed["sessions"][0]["account"], "load-1");

    assert_eq!(m.run(&["session", "revoke", "load-1"]).code, 0);
    assert_eq!(m.json(&["session", "list"]), serde_json::json!([]));

    // an administrator with a name like that: nobody gets anything, and no empty file stays behind
    add("load-boss", &["--group", "it-admins"]);
    std::fs::remove_file(&out).unwrap();
    m.refused(&to_file, "", "`load-boss` has a role in the console");
    assert!(!out.exists());
    assert_eq!(m.json(&["session", "list"]), serde_json::json!([]));
}
