//! `vestibule helpdesk-code ACCOUNT`: a one-time code for somebody who lost the phone, printed once.

use super::account::find;
use super::output::{self, Format};
use crate::app::Office;
use anyhow::Context as _;

pub(super) async fn run(name: &str, office: &Office, format: Format) -> anyhow::Result<()> {
    let account = find(office, name).await?;
    let issued = office
        .authn
        .issue_one_time_code(&account)
        .await?
        .with_context(|| {
            format!(
                "{} may not sign in; run `vestibule account enable` first",
                account.shown_as()
            )
        })?;
    if format == Format::Json {
        return output::json(&serde_json::json!({
            "code": issued.code,
            "account": account.login,
            "expires_at": issued.expires_at.seconds(),
        }));
    }
    output::say!("{}", issued.code);
    output::remark!(
        "One sign-in of {}, within 10 minutes; an earlier code no longer works. The person still needs the password.",
        account.shown_as()
    );
    Ok(())
}
