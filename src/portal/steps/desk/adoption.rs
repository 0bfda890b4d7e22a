//! How far two-factor authentication has come, as a page and as a file.

use super::super::{Desk, Get, Outcome};
use super::Console;
use crate::domain::account::Account;
use crate::domain::adoption::{Figures, Standing};
use crate::domain::desk::Act;
use crate::domain::timestamp::{DAY, Timestamp};
use crate::portal::pages::desk as view;
use crate::portal::respond::Reply;
use axum::response::Response;
use http::StatusCode;

/// Rows of a list of people in a file.
const MOST_PEOPLE: usize = 10_000;

/// GET `/desk/adoption`
pub async fn show(Get(desk): Get) -> Response {
    let outcome = page(&desk).await;
    desk.finish(outcome)
}

async fn page(desk: &Desk) -> Outcome {
    let console = desk.console().await?;
    let authn = &desk.portal.authn;
    let place = desk.visit.place();
    let may = authn.desk_authorise(&console.agent, Act::ReadAdoption, None, &place);
    if let Err(denied) = may.await? {
        return console.denied(denied, None).await;
    }
    let today = authn.adoption().await?;
    let curve = authn.adoption_curve().await?;
    let points: Vec<view::Point> = curve
        .iter()
        .filter(|week| week.figures.total() > 0)
        .map(|week| view::Point {
            at: week.monday.saturating_mul(DAY),
            percent: percent(week.figures),
        })
        .collect();
    let groups: Vec<view::GroupShare<'_>> = today
        .tally
        .groups
        .iter()
        .map(|(name, figures)| view::GroupShare {
            name,
            counts: counts(*figures),
        })
        .collect();
    let page = view::Adoption {
        desk: console.frame(view::Section::Adoption).await?,
        counts: counts(today.tally.all),
        points: &points,
        deadline: authn.rules().two_factor.deadline.map(|at| at.seconds()),
        groups: &groups,
        people: true,
    };
    console.page(StatusCode::OK, &page)
}

const fn counts(figures: Figures) -> view::Counts {
    view::Counts {
        on: figures.on,
        grace: figures.reminding,
        due: figures.overdue,
        exempt: figures.exempt,
    }
}

#[expect(clippy::cast_precision_loss, reason = "a share of people, to be drawn")]
fn percent(figures: Figures) -> f64 {
    figures.on as f64 * 100.0 / figures.total().max(1) as f64
}

/// GET `/desk/adoption.csv`: the figures; with `?state=due` (or another) the people who stand there.
pub async fn download(Get(desk): Get) -> Response {
    let outcome = file(&desk).await;
    desk.finish(outcome)
}

async fn file(desk: &Desk) -> Outcome {
    let console = desk.console().await?;
    let place = desk.visit.place();
    let asked = desk.visit.query("state").and_then(Standing::parse);
    let authn = &desk.portal.authn;
    let agent = &console.agent;
    let (name, rows) = match asked {
        None => {
            let may = authn.desk_authorise(agent, Act::ReadAdoption, None, &place);
            if let Err(denied) = may.await? {
                return console.denied(denied, None).await;
            }
            ("adoption.csv".to_owned(), figures(&console).await?)
        }
        Some(standing) => {
            let found = authn.desk_standing(agent, standing, MOST_PEOPLE, &place);
            match found.await? {
                Ok(found) => (format!("accounts-{}.csv", standing.code()), people(&found)),
                Err(denied) => return console.denied(denied, None).await,
            }
        }
    };
    let text: String = rows.iter().map(|row| line(row)).collect();
    Ok(Reply::file(
        &name,
        "text/csv; charset=utf-8; header=present",
        text,
    ))
}

type Rows = Vec<Vec<String>>;

async fn figures(console: &Console<'_>) -> Result<Rows, super::Stop> {
    let today = console.desk.portal.authn.adoption().await?;
    let row = |group: &str, of: &Figures| {
        let numbers = [of.total(), of.on, of.reminding, of.overdue, of.exempt];
        std::iter::once(group.to_owned())
            .chain(numbers.map(|n| n.to_string()))
            .collect()
    };
    let head = ["group", "users", "on", "grace", "due", "exempt"];
    let mut rows: Rows = vec![head.map(str::to_owned).to_vec(), row("", &today.tally.all)];
    rows.extend(today.tally.groups.iter().map(|(group, of)| row(group, of)));
    Ok(rows)
}

fn people(found: &[(Account, Option<Timestamp>)]) -> Rows {
    let head = ["login", "email", "name", "groups", "deadline"];
    let mut rows: Rows = vec![head.map(str::to_owned).to_vec()];
    for (account, deadline) in found {
        let groups: Vec<&str> = account.groups.iter().map(String::as_str).collect();
        rows.push(vec![
            account.login.clone(),
            account.email.clone().unwrap_or_default(),
            account.name.clone(),
            groups.join(";"),
            deadline.map(day).unwrap_or_default(),
        ]);
    }
    rows
}

fn day(at: Timestamp) -> String {
    time::OffsetDateTime::from_unix_timestamp(at.seconds())
        .map(|at| at.date().to_string())
        .unwrap_or_default()
}

/// A line of CSV (RFC 4180), every cell quoted. What a spreadsheet would take for a formula begins with an apostrophe.
fn line(cells: &[String]) -> String {
    let cells: Vec<String> = cells.iter().map(|cell| quoted(cell)).collect();
    format!("{}\r\n", cells.join(","))
}

fn quoted(cell: &str) -> String {
    let begins = cell.trim_start().chars().next();
    let formula = begins.is_some_and(|c| {
        matches!(
            c,
            '=' | '+' | '-' | '@' | '\u{ff1d}' | '\u{ff0b}' | '\u{ff0d}' | '\u{ff20}'
        )
    }) || cell.starts_with(['\t', '\r', '\n']);
    let guard = if formula { "'" } else { "" };
    format!("\"{guard}{}\"", cell.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_cell_is_a_formula_and_none_breaks_out() {
        for (cell, want) in [
            ("staff", "\"staff\""),
            ("=1+1", "\"'=1+1\""),
            ("+47", "\"'+47\""),
            ("-a", "\"'-a\""),
            ("@sum", "\"'@sum\""),
            (" =1", "\"' =1\""),
            ("\t=1", "\"'\t=1\""),
            ("\u{ff1d}1", "\"'\u{ff1d}1\""),
            ("a\",\"=1", "\"a\"\",\"\"=1\""),
            ("a\r\n=1", "\"a\r\n=1\""),
            ("", "\"\""),
        ] {
            assert_eq!(quoted(cell), want, "{cell:?}");
        }
    }
}
