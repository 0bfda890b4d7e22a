//! What a letter says, in the person's language: plain text and its twin in HTML.
//!
//! A code is on the first line and never in the subject (lock screens show subjects). The only links are those to
//! choose a password, and they lead to the configured portal. Whatever else is named is named, not linked.

use crate::domain::audit::Place;
use crate::domain::host::Origin;
use crate::domain::letter::{DeskAct, Letter, Matter};
use crate::domain::timestamp::Timestamp;
use crate::domain::user_agent;
use crate::i18n::{self, Language, Texts, Tr};
use askama::Template;

/// Who writes, all of it from the configuration.
#[derive(Clone, Debug)]
pub struct House {
    pub portal: Origin,
    /// Offered languages; the first is the fallback.
    pub languages: Vec<Language>,
    /// `#rrggbb`.
    pub accent: Option<String>,
    pub support: Support,
}

/// How customer service is reached.
#[derive(Clone, Debug, Default)]
pub struct Support {
    pub email: Option<String>,
    pub phone: Option<String>,
    pub chat: Option<String>,
}

/// A letter in words. Lines of `text` end with `\n`.
#[derive(Clone, PartialEq, Eq)]
pub struct Worded {
    pub subject: String,
    pub text: String,
    pub html: String,
}

impl std::fmt::Debug for Worded {
    /// It may hold a code or a link.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Worded")
    }
}

/// The letter cannot be sent as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    #[error("it holds a link that does not lead to the portal")]
    ForeignLink,
    #[error("its HTML cannot be written")]
    Html,
}

enum Block {
    /// The sentence with the code.
    Code(String),
    Text(String),
    Link(String),
}

#[derive(Template)]
#[template(path = "mail/letter.html")]
struct Page<'a> {
    language: &'static str,
    subject: &'a str,
    accent: &'a str,
    blocks: &'a [Block],
    closing: &'a [String],
}

/// Where the organisation has no colour of its own.
const ACCENT: &str = "#18594f";

pub fn compose(letter: &Letter, texts: &Texts, house: &House) -> Result<Worded, Unfit> {
    let language = language(letter, house);
    let writer = Writer {
        tr: texts.in_language(language),
        language,
        house,
        letter,
    };
    let (subject, blocks) = writer.matter();
    let foreign = |block: &Block| matches!(block, Block::Link(link) if !house.leads_home(link));
    if blocks.iter().any(foreign) {
        return Err(Unfit::ForeignLink);
    }
    let subject = one_line(&subject);
    let closing = writer.closing();
    let page = Page {
        language: language.tag(),
        subject: &subject,
        accent: house.accent.as_deref().unwrap_or(ACCENT),
        blocks: &blocks,
        closing: &closing,
    };
    let html = page.render().map_err(|_| Unfit::Html)?;
    Ok(Worded {
        text: plain(&blocks, &closing),
        html,
        subject,
    })
}

fn plain(blocks: &[Block], closing: &[String]) -> String {
    let mut text = String::new();
    for block in blocks {
        let (Block::Code(words) | Block::Text(words) | Block::Link(words)) = block;
        text.push_str(words);
        text.push_str("\n\n");
    }
    for line in closing {
        text.push_str(line);
        text.push('\n');
    }
    text
}

/// The person's where it is offered, else the organisation's.
fn language(letter: &Letter, house: &House) -> Language {
    let own = letter.language.as_deref();
    i18n::negotiate(None, None, own, None, &house.languages)
}

/// Whatever somebody has typed stays on its line.
pub(super) fn one_line(text: &str) -> String {
    let blank = |c: char| {
        if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}') {
            ' '
        } else {
            c
        }
    };
    text.chars().map(blank).collect()
}

impl House {
    /// A path on the portal, in the one spelling that our own links have.
    fn leads_home(&self, link: &str) -> bool {
        let path = link.strip_prefix(&self.portal.to_string());
        path.is_some_and(|path| {
            path.starts_with('/') && path.bytes().all(|b| b.is_ascii_graphic() && b != b'\\')
        })
    }

    fn help(&self) -> Option<String> {
        let Support { email, phone, chat } = &self.support;
        let ways: Vec<&str> = [email, phone, chat]
            .into_iter()
            .flatten()
            .map(String::as_str)
            .collect();
        (!ways.is_empty()).then(|| one_line(&ways.join(", ")))
    }
}

struct Writer<'a> {
    tr: Tr<'a>,
    language: Language,
    house: &'a House,
    letter: &'a Letter,
}

impl Writer<'_> {
    /// The subject, and everything above the closing lines.
    fn matter(&self) -> (String, Vec<Block>) {
        let plain = |id: &str| (self.subject(id), vec![self.body(id, &[])]);
        match &self.letter.matter {
            Matter::Enabled => plain("mail-enabled"),
            Matter::Replaced => plain("mail-replaced"),
            Matter::Disabled => plain("mail-disabled"),
            Matter::EmergencyCodeUsed { left, total } => {
                let (left, total) = (left.to_string(), total.to_string());
                let id = "mail-emergency-used";
                let body = self.body(id, &[("left", &left), ("total", &total)]);
                (self.subject(id), vec![body])
            }
            Matter::EmergencyCodesCreated => plain("mail-codes-new"),
            Matter::OneTimeCode { code, until, case } => self.one_time_code(code, *until, case),
            Matter::OneTimeCodeShown { case } => {
                let body = match case {
                    Some(case) => self.body("mail-otc-shown", &[("case", &one_line(case))]),
                    None => self.body("mail-otc-shown-plain", &[]),
                };
                (self.subject("mail-otc-shown"), vec![body])
            }
            Matter::OneTimeCodeUsed => plain("mail-otc-used"),
            Matter::EnrolmentCode { code, until } => {
                let id = "mail-enrolment";
                let blocks = vec![self.code(id, code), self.until(id, *until)];
                (self.subject(id), blocks)
            }
            Matter::CodesPaused { wrong, until } => {
                let id = "mail-locked";
                let (wrong, until) = (wrong.to_string(), self.moment(*until));
                let body = self.body(id, &[("wrong", &wrong), ("until", &until)]);
                (self.subject(id), vec![body])
            }
            Matter::PasswordDisabled => plain("mail-password-disabled"),
            Matter::AppDisabled => plain("mail-app-disabled"),
            Matter::DeviceTrusted { until } => {
                let id = "mail-device-trusted";
                let body = self.body(id, &[("until", &self.date(*until))]);
                (self.subject(id), vec![body])
            }
            Matter::NewPlace => plain("mail-new-place"),
            Matter::PasswordChanged => plain("mail-password"),
            Matter::Reset { link, minutes } => {
                let id = "mail-reset";
                let body = self.body(id, &[("minutes", &minutes.to_string())]);
                let ignore = Block::Text(self.tr.text("mail-reset-ignore"));
                (
                    self.subject(id),
                    vec![body, Block::Link(link.clone()), ignore],
                )
            }
            Matter::Invitation { link, until } => {
                let id = "mail-invitation";
                let blocks = vec![self.until(id, *until), Block::Link(link.clone())];
                (self.subject(id), blocks)
            }
            Matter::DeskAction { act, case } => self.desk_action(*act, case.as_deref()),
            Matter::Remind { last_day } => {
                let date = self.date(*last_day);
                let subject = self.tr.with("mail-remind-subject", "date", &date);
                let body = self.body("mail-remind", &[("date", &date)]);
                (subject, vec![body])
            }
            Matter::DeadlinePassed => plain("mail-deadline"),
        }
    }

    fn one_time_code(
        &self,
        code: &str,
        until: Timestamp,
        case: &Option<String>,
    ) -> (String, Vec<Block>) {
        let id = "mail-otc";
        let asked = match case {
            Some(case) => self.tr.with("mail-otc-asked-case", "case", &one_line(case)),
            None => self.tr.text("mail-otc-asked"),
        };
        let keep = self.tr.text("mail-otc-keep");
        let blocks = vec![
            self.code(id, code),
            self.until(id, until),
            Block::Text(format!("{asked} {keep}")),
        ];
        (self.subject(id), blocks)
    }

    fn desk_action(&self, act: DeskAct, case: Option<&str>) -> (String, Vec<Block>) {
        let id = match act {
            DeskAct::SignedOutEverywhere => "mail-desk-signed-out",
            DeskAct::TrustedDevicesRemoved => "mail-desk-devices-removed",
            DeskAct::AuthenticatorReset => "mail-desk-authenticator-reset",
            DeskAct::Exempted => "mail-desk-exempted",
            DeskAct::Unlocked => "mail-desk-unlocked",
            DeskAct::Disabled => "mail-desk-disabled",
            DeskAct::Enabled => "mail-desk-enabled",
            DeskAct::GroupsChanged => "mail-desk-groups",
            DeskAct::PasswordReset => "mail-desk-password-reset",
            DeskAct::DeletionPlanned => "mail-desk-deletion",
        };
        let mut blocks = vec![Block::Text(self.tr.with(id, "when", &self.when()))];
        if let Some(case) = case {
            let case = self.tr.with("mail-case", "case", &one_line(case));
            blocks.push(Block::Text(case));
        }
        (self.subject("mail-desk"), blocks)
    }

    fn subject(&self, id: &str) -> String {
        self.tr.text(&format!("{id}-subject"))
    }

    /// The first paragraph. When, where and on which host are there for every text that wants them.
    fn body(&self, id: &str, values: &[(&str, &str)]) -> Block {
        let (when, host) = (self.when(), self.house.portal.authority());
        let mut all = vec![("when", when.as_str()), ("host", host.as_str())];
        all.extend_from_slice(values);
        Block::Text(self.tr.with_all(&format!("{id}-body"), &all))
    }

    fn until(&self, id: &str, until: Timestamp) -> Block {
        self.body(id, &[("until", &self.moment(until))])
    }

    fn code(&self, id: &str, code: &str) -> Block {
        let code = one_line(code);
        Block::Code(self.tr.with(&format!("{id}-code"), "code", &code))
    }

    fn closing(&self) -> Vec<String> {
        let host = self.house.portal.authority();
        let mut first = self.tr.with("mail-closing-not-you", "host", &host);
        if let Some(help) = self.house.help() {
            first.push(' ');
            first.push_str(&self.tr.with("mail-closing-contact", "help", &help));
        }
        vec![first, self.tr.text("mail-closing-never")]
    }

    fn date(&self, at: Timestamp) -> String {
        i18n::plain_date(at.seconds(), self.language)
    }

    fn moment(&self, at: Timestamp) -> String {
        i18n::date_time(at.seconds(), self.language)
    }

    /// "14 December 2026, 14:32 UTC (Firefox on Linux, IP address 192.0.2.1)".
    fn when(&self) -> String {
        let at = self.moment(self.letter.at);
        match &self.letter.place {
            Some(place) => format!("{at} ({})", self.place(place)),
            None => at,
        }
    }

    fn place(&self, place: &Place) -> String {
        let described = user_agent::describe(place.user_agent.as_deref().unwrap_or_default());
        let device = match (described.browser, described.system) {
            (Some(browser), Some(system)) => {
                let values = [("browser", browser), ("system", system)];
                self.tr.with_all("mail-device", &values)
            }
            (Some(known), None) | (None, Some(known)) => known.to_owned(),
            (None, None) => self.tr.text("mail-device-unknown"),
        };
        let address = match place.address {
            Some(address) => {
                let address = address.to_canonical().to_string();
                self.tr.with("mail-address", "address", &address)
            }
            None => self.tr.text("mail-address-unknown"),
        };
        format!("{device}, {address}")
    }
}

#[cfg(test)]
mod tests;
