//! Radicale at an address of its own, with the settings of the recipe. `gateway::radicale` has it below a path.

use super::{Application, Behind, blocks, tools, write};
use crate::support::client::Answer;
use crate::whole::browser::Browser;
use crate::whole::site::free_port;
use std::process::Command;

const EVENT: &str = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//test//EN\r\nBEGIN:VEVENT\r\nUID:one\r\n\
                     DTSTAMP:20270115T080000Z\r\nDTSTART:20270115T090000Z\r\nSUMMARY:Kvällsmöte\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n";
const PROPFIND: &str =
    "<?xml version=\"1.0\"?><propfind xmlns=\"DAV:\"><prop><getetag/></prop></propfind>";

async fn ask(
    behind: &Behind,
    browser: &mut Browser,
    method: &'static str,
    path: &str,
    more: &str,
    body: &str,
) -> Answer {
    let mut ask = browser.visit(&behind.url(path));
    ask.method = method;
    ask.mode = "cors";
    ask.site = "same-origin";
    ask.more = more.to_owned();
    ask.body = Some(body.to_owned());
    browser.send(ask).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_calendar_of_radicale_is_its_owners() {
    let dir = tempfile::tempdir().unwrap();
    let port = free_port();
    let [settings] = blocks("Radicale", "ini")[..] else {
        panic!("the recipe has its settings");
    };
    let place = format!(
        "\n[storage]\nfilesystem_folder = {}\n",
        dir.path().display()
    );
    let settings = settings.replace("5232", &port.to_string()) + &place;
    let config = write(dir.path(), "config", &settings);
    let mut python = Command::new(tools("venv/bin/python"));
    python.args(["-m", "radicale", "--config"]).arg(config);
    let radicale = Application::run(dir.path(), &mut python, port).await;
    let behind = Behind::start("Radicale", radicale.address).await;
    let (_, mut asa) = behind.person("asa", "Åsa Öberg", &[]).await;
    let (_, mut eino) = behind.person("eino", "Eino Virta", &[]).await;
    for browser in [&mut asa, &mut eino] {
        let page = browser.open(&behind.url("/")).await;
        assert_eq!(page.status, 200, "{}", page.head);
    }

    for (browser, home) in [(&mut eino, "/eino/"), (&mut asa, "/asa/")] {
        let calendar = format!("{home}home/");
        let answer = ask(&behind, browser, "MKCALENDAR", &calendar, "", "").await;
        assert_eq!(answer.status, 201, "{home} {}", answer.head);
        let event = format!("{calendar}a.ics");
        let answer = ask(
            &behind,
            browser,
            "PUT",
            &event,
            "Content-Type: text/calendar\r\n",
            EVENT,
        )
        .await;
        assert_eq!(answer.status, 201, "{}", answer.head);
        let answer = ask(
            &behind,
            browser,
            "PROPFIND",
            &calendar,
            "Depth: 1\r\n",
            PROPFIND,
        )
        .await;
        assert_eq!(answer.status, 207, "{}", answer.head);
        assert!(answer.text().contains(&event), "{}", answer.text());
        let answer = browser.get(&behind.url(&event)).await;
        assert!(
            answer.text().contains("SUMMARY:Kvällsmöte"),
            "{}",
            answer.head
        );
    }

    let forged = "X-Remote-User: eino\r\nAuthorization: Basic ZWlubzp4\r\n";
    let answer = ask(
        &behind,
        &mut asa,
        "PROPFIND",
        "/eino/home/",
        forged,
        PROPFIND,
    )
    .await;
    assert_eq!(answer.status, 403, "{}", answer.head);
    let mut nobody = Browser::new(behind.net.clone());
    let answer = ask(
        &behind,
        &mut nobody,
        "PROPFIND",
        "/eino/home/",
        forged,
        PROPFIND,
    )
    .await;
    assert_eq!(answer.status, 401, "{}", answer.head);
    behind.running.stop().await;
}
