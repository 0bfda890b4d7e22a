//! Where requests are written down.

use super::Check;
use crate::config::schema;
use crate::config::settings::{AccessLogFormat, AccessLogSettings, AccessLogTarget};
use schema::logs::AccessLogFormat as Written;

impl Check<'_> {
    pub(super) fn access_log(
        &mut self,
        section: Option<&schema::logs::Logs>,
    ) -> Option<AccessLogSettings> {
        let log = section?.access.as_ref()?;
        let at = self.at(&["logs", "access"]);
        let format = match log.format {
            Some(Written::Off) => {
                if log.to.is_some() {
                    self.error(
                        &at.key("to"),
                        "nothing is written with `format: off`",
                        "write `format: json`, or remove this line",
                    );
                }
                return Some(AccessLogSettings::Off);
            }
            Some(Written::Combined) => AccessLogFormat::Combined,
            Some(Written::Json) | None => AccessLogFormat::Json,
        };
        let to = match log.to.as_deref() {
            None | Some("stdout") => AccessLogTarget::Stdout,
            Some("stderr") => AccessLogTarget::Stderr,
            Some(path) => self.access_log_file(path),
        };
        Some(AccessLogSettings::On { format, to })
    }

    fn access_log_file(&mut self, written: &str) -> AccessLogTarget {
        let at = self.at(&["logs", "access", "to"]);
        let path = self.resolve(written);
        // a bare word is more likely a slip (`syslog`, `STDOUT`) than a file beside the configuration
        if !written.contains('/') {
            self.error(
                &at,
                "neither `stdout`, `stderr` nor the path of a file",
                "write for example `/var/log/vestibule/access.log`, or `./access.log` beside this file",
            );
        } else if path.exists() && !path.is_file() {
            self.error(
                &at,
                format!("{} is not a file", path.display()),
                "write the path of a file; it is made where there is none",
            );
        } else if !path.parent().is_some_and(std::path::Path::is_dir) {
            self.error(
                &at,
                format!("the folder of {} does not exist", path.display()),
                "make the folder, writable for the user that Vestibule runs as",
            );
        }
        AccessLogTarget::File(path)
    }
}
