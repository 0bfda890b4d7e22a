//! Where a page ended, for a program to hand back. Tagged, so that only what we gave out is taken.

use super::Call;
use super::problem::Problem;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// Which listing it belongs to.
#[derive(Clone, Copy)]
pub(super) enum List {
    Accounts,
    Trail,
}

impl Call {
    pub(super) fn next(&self, list: List, position: &str) -> String {
        let tag = self.portal.vault.csrf(&self.tagged(list, position));
        format!("{}.{tag}", URL_SAFE_NO_PAD.encode(position))
    }

    /// The position that a parameter of the address stands for.
    pub(super) fn position(&self, list: List, name: &str) -> Result<Option<String>, Problem> {
        let expected = "write the `next` of an earlier answer to this token as it is";
        self.query.read(name, expected, |text| {
            let (position, tag) = text.split_once('.')?;
            let position = URL_SAFE_NO_PAD.decode(position).ok()?;
            let position = String::from_utf8(position).ok()?;
            let tagged = self.tagged(list, &position);
            let is_ours = self.portal.vault.csrf_matches(&tagged, tag);
            is_ours.then_some(position)
        })
    }

    /// What is tagged. A cookie's token has no colon: no tag of a form is one of these, nor the other way round.
    fn tagged(&self, list: List, position: &str) -> String {
        let list = match list {
            List::Accounts => "accounts",
            List::Trail => "audit",
        };
        format!("next:{list}:{}:{position}", self.agent.actor().code())
    }
}
