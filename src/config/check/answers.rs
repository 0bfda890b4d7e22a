//! Routes that answer by themselves, with or without an application.

use super::Check;
use super::routes::is_token;
use crate::config::list::{List, Switch};
use crate::config::report::shortened;
use crate::config::schema;
use crate::config::source::At;
use crate::domain::answer::{
    Answers, Fixed, Maintenance, Own, PreflightAnswer, Preflights, Redirect,
};
use crate::domain::headers::fold;
use crate::domain::request::Path;
use crate::domain::rewrite::PathMap;
use http::HeaderValue;
use std::collections::BTreeSet;
use std::time::Duration;
use url::Url;

/// Headers of a fixed answer that are not the operator's to set, folded.
const OURS: &[&str] = &[
    "connection",
    "contentencoding",
    "contentlength",
    "contenttype",
    "date",
    "keepalive",
    "location",
    "setcookie",
    "stricttransportsecurity",
    "te",
    "trailer",
    "transferencoding",
    "upgrade",
];

impl Check<'_> {
    pub(super) fn answers(
        &mut self,
        at: &At<'_>,
        route: &schema::Route,
        prefix: Option<&Path>,
    ) -> Answers {
        let answers: Vec<&str> = ["upstream", "redirect", "respond"]
            .into_iter()
            .filter(|key| at.key(key).exists())
            .collect();
        match answers.as_slice() {
            [] if route.forward_auth == Some(true) => {}
            [] => self.require(at, "upstream", "http://10.0.0.5:3000"),
            [_] => {}
            [first, second, ..] => self.error(
                &at.key(second),
                format!("the route has `{first}`, too"),
                "a route has one of `upstream`, `redirect` and `respond`; give the other a route of its own",
            ),
        }
        let own = match (&route.redirect, &route.respond) {
            (Some(redirect), _) => self
                .redirect(&at.key("redirect"), redirect, prefix)
                .map(Own::Redirect),
            (None, Some(respond)) => Some(Own::Fixed(self.respond(&at.key("respond"), respond))),
            (None, None) => None,
        };
        if answers.first().is_some_and(|first| *first != "upstream") {
            for key in [
                "upstream_ca",
                "health",
                "identity",
                "timeouts",
                "rewrite",
                "cors",
                "maintenance",
            ] {
                if at.key(key).exists() {
                    self.error(
                        &at.key(key),
                        "has no effect: the route has no application",
                        "remove it, or write `upstream`",
                    );
                }
            }
        }
        let maintenance = match &route.maintenance {
            None | Some(Switch::Off) => None,
            Some(Switch::On(section)) => Some(self.maintenance(&at.key("maintenance"), section)),
        };
        let cors = route.cors.as_ref();
        Answers {
            own,
            maintenance,
            preflights: cors.map(|cors| self.preflights(at, cors, route)),
        }
    }

    fn redirect(
        &mut self,
        at: &At<'_>,
        section: &schema::Redirect,
        prefix: Option<&Path>,
    ) -> Option<Redirect> {
        self.require(at, "to", "https://new.example.com/x");
        let status = section.status.unwrap_or(302);
        if !matches!(status, 301 | 302 | 303 | 307 | 308) {
            self.error(
                &at.key("status"),
                format!("{status} is no redirect"),
                "write 301, 302, 303, 307 or 308",
            );
        }
        let keep_path = section.keep_path.unwrap_or(false);
        let keep_query = section.keep_query.unwrap_or(false);
        let to = Url::parse(&section.to.as_ref()?.0).ok()?;
        let place = at.key("to");
        if !to.username().is_empty() || to.password().is_some() {
            self.error(&place, "holds a user name or a password", "remove it");
        }
        let tail = to.query().is_some() || to.fragment().is_some();
        if (keep_path || keep_query) && tail {
            self.error(
                &place,
                "what is kept of the request cannot be added behind `?` or `#`",
                "end the address before it, or remove `keep_path` and `keep_query`",
            );
        }
        let path = Path::parse(to.path().as_bytes());
        if keep_path && path.is_none() {
            self.error(
                &place,
                "the path could be read in two ways",
                "write it without `//`, `..` and escaped slashes",
            );
        }
        let kept_path = prefix
            .zip(path)
            .filter(|_| keep_path)
            .map(|(prefix, path)| PathMap::new(prefix, &path));
        let target = to.as_str().get(to.origin().ascii_serialization().len()..);
        Some(Redirect {
            status: u16::try_from(status).unwrap_or(302),
            origin: to.origin().ascii_serialization(),
            target: target.unwrap_or("/").to_owned(),
            kept_path,
            keep_query,
        })
    }

    fn respond(&mut self, at: &At<'_>, section: &schema::Respond) -> Fixed {
        let status = section.status.unwrap_or(200);
        if !(200..=599).contains(&status) || (300..400).contains(&status) {
            self.error(
                &at.key("status"),
                format!("{status} is no status of a fixed answer"),
                "write for example 200, 404, 410 or 503; a redirect is written as `redirect`",
            );
        }
        if section.body.is_some() && section.file.is_some() {
            self.error(
                &at.key("file"),
                "`body` is there, too",
                "remove one of them",
            );
        }
        let file = section.file.as_deref();
        let body: Vec<u8> = match (file, &section.body) {
            (Some(file), _) => {
                let content = self.content(&at.key("file"), file);
                content.map(|(_, bytes)| bytes).unwrap_or_default()
            }
            (None, Some(body)) => body.clone().into_bytes(),
            (None, None) => Vec::new(),
        };
        if matches!(status, 204 | 205) && !body.is_empty() {
            self.error(
                &at.key("status"),
                format!("an answer with {status} has no content"),
                "write 200, or remove `body` and `file`",
            );
        }
        let content_type = section.content_type.clone();
        let content_type = content_type.unwrap_or_else(|| usual_type(file).to_owned());
        if !content_type.contains('/') || HeaderValue::from_str(&content_type).is_err() {
            self.error(
                &at.key("content_type"),
                format!("`{}` is no type of content", shortened(&content_type, 60)),
                "write for example text/html; charset=utf-8",
            );
        }
        let mut headers = Vec::new();
        let mut taken = BTreeSet::new();
        for (name, value) in section.headers.iter().flatten() {
            let at = at.key("headers").key(name);
            let folded = fold(name);
            if !is_token(name) || OURS.contains(&folded.as_str()) || !taken.insert(folded) {
                self.problems.error(
                    at.key_place(),
                    format!("`{}` cannot be set here", shortened(name, 60)),
                    "write another header, once, for example Cache-Control",
                );
            } else if HeaderValue::from_str(value).is_err() {
                self.error(
                    &at,
                    "cannot stand in a header",
                    "write one line of ASCII text",
                );
            }
            headers.push((name.clone(), value.clone()));
        }
        Fixed {
            status: u16::try_from(status).unwrap_or(200),
            content_type,
            body: body.into(),
            headers,
        }
    }

    fn maintenance(&mut self, at: &At<'_>, section: &schema::Maintenance) -> Maintenance {
        let empty = "remove the line, or name who may come in";
        let message = section.message.as_deref();
        let networks = section.allow_networks.as_ref();
        if networks.is_some_and(List::is_empty) {
            self.error(&at.key("allow_networks"), "the list is empty", empty);
        }
        Maintenance {
            message: message.map(|text| self.shown(&at.key("message"), text)),
            until: section.until.as_ref().map(|until| until.0),
            groups: self.group_list(
                &at.key("allow_groups"),
                section.allow_groups.as_ref(),
                empty,
            ),
            networks: networks
                .into_iter()
                .flat_map(List::iter)
                .map(|(_, n)| n.0)
                .collect(),
        }
    }

    fn preflights(
        &mut self,
        route_at: &At<'_>,
        section: &schema::Cors,
        route: &schema::Route,
    ) -> Preflights {
        let at = route_at.key("cors");
        self.require(&at, "preflight", "pass");
        self.require(&at, "origins", "[ https://app.example.com ]");
        let methods = route.access.as_ref().and_then(|a| a.methods.as_ref());
        if methods.is_some_and(|m| m.iter().all(|(_, m)| m != "OPTIONS")) {
            self.error(
                &at,
                "has no effect: `access.methods` does not allow OPTIONS",
                "add OPTIONS to the methods, or remove `cors`",
            );
        }
        let mut origins = BTreeSet::new();
        let listed = section.origins.iter().flat_map(|o| o.0.iter());
        for (number, origin) in listed {
            // exactly as browsers write it: it is compared to the letter
            let written = Url::parse(origin).ok();
            let same = written
                .filter(|u| u.scheme() == "https" && u.origin().ascii_serialization() == *origin);
            if same.is_none() {
                self.error(
                    &at.key("origins").index(number),
                    format!("`{}` is not an origin as browsers write it", shortened(origin, 60)),
                    "write https, the host in small letters and a port other than 443, for example https://app.example.com; `*` and `null` are everybody and cannot be allowed",
                );
            }
            origins.insert(origin.clone());
        }
        if section.origins.as_ref().is_some_and(|o| o.0.is_empty()) {
            self.error(
                &at.key("origins"),
                "the list is empty",
                "name an origin, or remove `cors`",
            );
        }
        if section.preflight != Some(schema::Preflight::Answer) {
            for key in ["methods", "headers", "credentials", "max_age"] {
                if at.key(key).exists() {
                    self.error(
                        &at.key(key),
                        "has no effect: the application answers",
                        "remove it, or write `preflight: answer`",
                    );
                }
            }
            return Preflights {
                origins,
                answer: None,
            };
        }
        Preflights {
            origins,
            answer: Some(self.preflight_answer(&at, section)),
        }
    }

    fn preflight_answer(&mut self, at: &At<'_>, section: &schema::Cors) -> PreflightAnswer {
        let mut tokens = |key: &str, list: Option<&List<String>>| {
            let at = at.key(key);
            let mut all = Vec::new();
            for (number, name) in list.into_iter().flat_map(List::iter) {
                if !is_token(name) || name == "*" {
                    self.error(
                        &at.index(number),
                        format!("`{}` is not a name", shortened(name, 40)),
                        "write each by its name; `*` does not work with credentials",
                    );
                }
                all.push(name.clone());
            }
            all
        };
        let headers = tokens("headers", section.headers.as_ref());
        let mut methods = tokens("methods", section.methods.as_ref());
        if methods.is_empty() {
            methods = ["GET", "HEAD", "POST"].map(str::to_owned).to_vec();
        }
        let day = Duration::from_secs(86_400);
        let max_age = section.max_age.as_ref().map(|age| age.0);
        if max_age.is_some_and(|age| age > day) {
            self.error(
                &at.key("max_age"),
                "longer than 1d",
                "browsers forget it earlier; write at most 1d",
            );
        }
        PreflightAnswer {
            methods,
            headers,
            credentials: section.credentials.unwrap_or(false),
            max_age,
        }
    }
}

fn usual_type(file: Option<&str>) -> &'static str {
    let Some(file) = file else {
        return "text/plain; charset=utf-8";
    };
    match file.rsplit_once('.').map(|(_, end)| end) {
        Some("html" | "htm") => "text/html; charset=utf-8",
        Some("txt") => "text/plain; charset=utf-8",
        Some("json") => "application/json",
        Some("xml") => "application/xml",
        Some("css") => "text/css; charset=utf-8",
        Some("svg") => "image/svg+xml",
        Some("png") => "image/png",
        Some("ico") => "image/x-icon",
        Some(_) | None => "application/octet-stream",
    }
}
