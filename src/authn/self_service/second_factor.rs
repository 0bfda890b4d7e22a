//! Switching 2FA off, where nobody requires it.

use super::Changed;
use crate::authn::progress::Effects;
use crate::authn::{Authn, Fault};
use crate::domain::assurance::Factors;
use crate::domain::audit::{Event, Place};
use crate::domain::confirmation::Purpose;
use crate::domain::letter::Matter;
use crate::domain::policy::TwoFactor;
use crate::domain::secret::Token;
use crate::domain::session::{Session, View};
use crate::store::Change;
use std::collections::BTreeSet;

/// Whether somebody may do without 2FA.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Disabling {
    Allowed,
    /// The policy, for everybody or for one of the person's groups. A time of grace or an exemption does not
    /// matter: both are for those who have no app yet.
    Required,
    /// Whoever has a role in the console has 2FA.
    RequiredForRole,
}

impl Authn {
    /// For somebody in these groups.
    pub fn disabling(&self, groups: &BTreeSet<String>) -> Disabling {
        let rules = &self.rules.two_factor;
        if self.rules.roles.highest(groups).is_some() {
            Disabling::RequiredForRole
        } else if rules.for_groups(groups) == TwoFactor::Required {
            Disabling::Required
        } else {
            Disabling::Allowed
        }
    }

    /// Removes the app, its codes and all devices. `None` as what was done: it is not allowed, or 2FA is off.
    pub async fn disable_second_factor(
        &self,
        view: &View,
        place: &Place,
    ) -> Result<Changed<Option<Token>>, Fault> {
        let Some(asking) = self.asking(view, Purpose::Disable).await? else {
            return Ok(Changed::Unconfirmed);
        };
        let account = &asking.account;
        if !account.has_second_factor() || self.disabling(&account.groups) != Disabling::Allowed {
            return Ok(Changed::Done(None));
        }
        // the session stands for what the account has from now on
        let after = Session {
            factors: Factors::PASSWORD,
            second_factor_at: None,
            ..asking.session.clone()
        };
        let mut effects = Effects::default();
        let token = self.secured(&asking, after, &mut effects);
        effects
            .change(Change::RemoveSecondFactor {
                account: account.id,
            })
            .change(self.record(Event::AuthenticatorRemoved, account.id, place, ""));
        let letter = self.letter(account, Matter::Disabled, Some(place))?;
        effects.changes.extend(letter);
        self.finish(view, effects, Some(token)).await
    }
}
