//! DokuWiki: forms, sessions and files of PHP, under php-fpm and an nginx of its own.

use super::super::browser::field;
use super::{Application, Behind, blocks, tools, write};
use crate::support::client::Answer;
use crate::whole::browser::{Ask, Browser};
use crate::whole::site::free_port;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The web server and the interpreter.
struct DokuWiki {
    nginx: Application,
    _php: Application,
    data: PathBuf,
}

fn copy(from: &str, to: &Path) {
    let from = tools("dokuwiki").join(from);
    let done = Command::new("cp").arg("-rT").arg(&from).arg(to).status();
    let done = done.unwrap().success();
    assert!(done, "{}: tools/prepare test unpacks it", from.display());
}

/// As Debian has it, but all in one folder, with the settings of the recipe.
fn install(wiki: &Path) {
    copy("usr/share/dokuwiki", wiki);
    for link in [".htaccess", "lib/plugins", "lib/tpl"] {
        std::fs::remove_file(wiki.join(link)).unwrap();
    }
    copy("var/lib/dokuwiki/lib", &wiki.join("lib"));
    copy("var/lib/dokuwiki/data", &wiki.join("data"));
    let conf = wiki.join("conf");
    copy("etc/dokuwiki", &conf);
    for link in ["acl.auth.php", "users.auth.php"] {
        std::fs::remove_file(conf.join(link)).unwrap();
    }
    // Debian's lead to /etc, and to libraries of the machine
    write(wiki, "inc/preload.php", "");
    for file in ["vendor/composer/autoload_static.php", "inc/parserutils.php"] {
        let text = std::fs::read_to_string(wiki.join(file)).unwrap();
        let ours = format!("'{}/usr/share/php", tools("dokuwiki").display());
        write(wiki, file, &text.replace("'/usr/share/php", &ours));
    }
    let who = "<?php echo $_SERVER['REMOTE_USER'] ?? '', '|', $_SERVER['HTTP_REMOTE_USER'] ?? '';";
    write(wiki, "who.php", who);
    write(&conf, "mime.local.conf", "csv text/csv\n");
    write(&conf, "acl.auth.php", "* @ALL 0\n* @user 8\n");
    let [plugin, local] = blocks("DokuWiki, and PHP behind nginx", "php")[..] else {
        panic!("the recipe has a plugin and its settings");
    };
    let folder = wiki.join("lib/plugins/authvestibule");
    std::fs::create_dir(&folder).unwrap();
    write(&folder, "auth.php", plugin);
    let data = wiki.join("data");
    let place = format!("\n$conf['savedir'] = '{}';\n", data.display());
    write(&conf, "local.php", &(local.to_owned() + &place));
}

fn php_fpm(dir: &Path, port: u16) -> Command {
    let here = dir.display();
    // whoever is root has to say as whom the scripts run
    let user = match rustix::process::geteuid().is_root() {
        true => "user = root\ngroup = root\n",
        false => "",
    };
    let config = write(
        dir,
        "php-fpm.conf",
        &format!(
            "[global]\nerror_log = /dev/stderr\ndaemonize = no\n[wiki]\n{user}listen = 127.0.0.1:{port}\n\
             pm = static\npm.max_children = 2\nphp_admin_value[session.save_path] = {here}\n\
             php_admin_value[upload_tmp_dir] = {here}\nphp_admin_value[sys_temp_dir] = {here}\n\
             php_admin_value[error_log] = {here}/php.log\n"
        ),
    );
    let sbin = std::fs::read_dir("/usr/sbin").unwrap();
    let names = sbin.map(|entry| entry.unwrap().path());
    let name = |path: &PathBuf| {
        path.file_name()
            .unwrap()
            .to_string_lossy()
            .starts_with("php-fpm")
    };
    let program = names.filter(name).max();
    let mut php = Command::new(program.expect("tools/prepare test installs php-fpm"));
    php.arg("--allow-to-run-as-root")
        .arg("--fpm-config")
        .arg(config);
    php
}

fn nginx(dir: &Path, wiki: &Path, port: u16, php: u16) -> Command {
    let here = dir.display();
    let mut server = blocks("DokuWiki, and PHP behind nginx", "nginx")[0].to_owned();
    for (from, to) in [
        ("127.0.0.1:8084", format!("127.0.0.1:{port}")),
        ("/usr/share/dokuwiki", wiki.display().to_string()),
        ("unix:/run/php/php-fpm.sock", format!("127.0.0.1:{php}")),
    ] {
        assert!(server.contains(from), "{from}: {server}");
        server = server.replace(from, &to);
    }
    // one process, which needs no user to change to
    let config = write(
        dir,
        "nginx.conf",
        &format!(
            "daemon off;\nmaster_process off;\npid {here}/nginx.pid;\nerror_log stderr;\n\
             events {{ worker_connections 256; }}\nhttp {{\ninclude /etc/nginx/mime.types;\naccess_log off;\n\
             client_body_temp_path {here}/body;\nproxy_temp_path {here}/proxy;\nfastcgi_temp_path {here}/fastcgi;\n\
             uwsgi_temp_path {here}/uwsgi;\nscgi_temp_path {here}/scgi;\n{server}\n}}\n"
        ),
    );
    let mut nginx = Command::new("nginx");
    nginx
        .arg("-p")
        .arg(dir)
        .args(["-e", "stderr", "-c"])
        .arg(config);
    nginx
}

async fn dokuwiki(dir: &Path) -> DokuWiki {
    let [wiki, php, web] = ["wiki", "php", "web"].map(|name| dir.join(name));
    for folder in [&php, &web] {
        std::fs::create_dir(folder).unwrap();
    }
    install(&wiki);
    let (behind, front) = (free_port(), free_port());
    DokuWiki {
        _php: Application::run(&php, &mut php_fpm(&php, behind), behind).await,
        nginx: Application::run(&web, &mut nginx(&web, &wiki, front, behind), front).await,
        data: wiki.join("data"),
    }
}

impl DokuWiki {
    fn page(&self, name: &str) -> Option<String> {
        std::fs::read_to_string(self.data.join(format!("pages/{name}.txt"))).ok()
    }
}

fn posted(behind: &Behind, browser: &Browser, path: &str, kind: &'static str, body: String) -> Ask {
    let mut ask = browser.visit(&behind.url(path));
    ask.method = "POST";
    ask.kind = kind;
    ask.origin = Some(behind.url(""));
    ask.site = "same-origin";
    ask.body = Some(body);
    ask
}

/// The form below a page's text.
async fn save(
    behind: &Behind,
    browser: &mut Browser,
    name: &str,
    token: &str,
    text: &str,
) -> Answer {
    let mut form = url::form_urlencoded::Serializer::new(String::new());
    form.extend_pairs([
        ("sectok", token),
        ("id", name),
        ("rev", "0"),
        ("date", ""),
        ("prefix", "."),
        ("suffix", ""),
    ]);
    form.extend_pairs([
        ("target", "section"),
        ("wikitext", text),
        ("summary", ""),
        ("do[save]", "1"),
    ]);
    let kind = "application/x-www-form-urlencoded";
    let ask = posted(
        behind,
        browser,
        &format!("/doku.php?id={name}"),
        kind,
        form.finish(),
    );
    browser.send(ask).await
}

/// What the page's own script does with a file that is dropped on it.
async fn upload(behind: &Behind, browser: &mut Browser, token: &str, file: &str) -> Answer {
    let mut body = String::new();
    for (name, value) in [("sectok", token), ("ns", ""), ("mediaid", "list.csv")] {
        body +=
            &format!("--cut\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n");
    }
    body += "--cut\r\nContent-Disposition: form-data; name=\"qqfile\"; filename=\"list.csv\"\r\n";
    body += &format!("Content-Type: text/csv\r\n\r\n{file}\r\n--cut--\r\n");
    let kind = "multipart/form-data; boundary=cut";
    let ask = posted(
        behind,
        browser,
        "/lib/exe/ajax.php?call=mediaupload",
        kind,
        body,
    );
    browser.send(ask).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_of_dokuwiki_is_written_by_who_is_signed_in() {
    let dir = tempfile::tempdir().unwrap();
    let wiki = dokuwiki(dir.path()).await;
    let behind = Behind::start("DokuWiki, and PHP behind nginx", wiki.nginx.address).await;
    let (account, mut browser) = behind.person("åsa", "Åsa Öberg", &["wiki-admins"]).await;

    let start = browser.open(&behind.url("/")).await;
    let said = std::fs::read_to_string(dir.path().join("php/php.log")).unwrap_or_default();
    assert_eq!(start.status, 200, "{}\n{said}", start.head);
    assert!(
        start
            .text()
            .contains("<bdi>Åsa Öberg</bdi> (<bdi>åsa</bdi>)"),
        "{}\n{}",
        start.head,
        start.text()
    );
    let editor = browser.get(&behind.url("/doku.php?id=notes&do=edit")).await;
    let token = field(&editor.text(), "sectok").unwrap_or_else(|| panic!("{}", editor.text()));
    let answer = save(&behind, &mut browser, "notes", &token, "Täällä ollaan").await;
    assert_eq!(answer.status, 302, "{}\n{}", answer.head, answer.text());
    assert_eq!(wiki.page("notes").as_deref(), Some("Täällä ollaan"));
    let page = browser.get(&behind.url("/doku.php?id=notes")).await;
    assert!(page.text().contains("Täällä ollaan"), "{}", page.text());
    let changes = std::fs::read_to_string(wiki.data.join("meta/notes.changes")).unwrap();
    assert_eq!(changes.split('\t').nth(4), Some("åsa"), "{changes}");
    let _ = save(&behind, &mut browser, "notes", "wrong", "forged").await;
    assert_eq!(
        wiki.page("notes").as_deref(),
        Some("Täällä ollaan"),
        "DokuWiki's own check"
    );

    // as large as PHP takes it
    let file = "0123456789abcde\n".repeat(100_000);
    let answer = upload(&behind, &mut browser, &token, &file).await;
    assert!(
        answer.text().contains("\"success\":true"),
        "{}\n{}",
        answer.head,
        answer.text()
    );
    let answer = browser
        .get(&behind.url("/lib/exe/fetch.php?media=list.csv"))
        .await;
    assert!(answer.body == file.as_bytes(), "{}", answer.head);

    // CGI has one name for the first three; the last is what nginx would take for REMOTE_USER by itself
    for forged in [
        "Remote.User: root",
        "Remote-User: root",
        "REMOTE-USER: root",
        "Authorization: Basic cm9vdDpyb290",
    ] {
        let mut ask = browser.visit(&behind.url("/who.php"));
        ask.more = format!("{forged}\r\n");
        assert_eq!(
            browser.send(ask.clone()).await.text(),
            "åsa|åsa",
            "{forged}"
        );
        ask.url = behind.url("/doku.php?id=notes&u=root&p=root");
        let answer = browser.send(ask).await;
        assert!(
            answer.text().contains("(<bdi>åsa</bdi>)"),
            "{forged}: {}",
            answer.text()
        );
    }
    let answer = browser.get(&behind.url("/data/pages/notes.txt")).await;
    assert_eq!(answer.status, 403, "{}", answer.head);

    let mut nobody = Browser::new(behind.net.clone());
    stays_outside(&behind, &mut nobody, &token).await;
    // with DokuWiki's own cookie and token, and a session that has ended
    behind
        .office
        .authn
        .revoke_sessions(account.id)
        .await
        .unwrap();
    behind.until_signed_out(&mut browser).await;
    stays_outside(&behind, &mut browser, &token).await;
    assert_eq!(wiki.page("notes").as_deref(), Some("Täällä ollaan"));
    behind.running.stop().await;
}

async fn stays_outside(behind: &Behind, browser: &mut Browser, token: &str) {
    let answer = browser.get(&behind.url("/doku.php?id=notes")).await;
    assert_eq!(answer.status, 302, "{}", answer.head);
    let answer = save(behind, browser, "notes", token, "mine").await;
    assert_eq!(answer.status, 401, "{}", answer.head);
    let answer = upload(behind, browser, token, "mine").await;
    assert_eq!(answer.status, 401, "{}", answer.head);
}
