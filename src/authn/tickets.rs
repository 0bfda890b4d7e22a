//! Tickets: how a portal session opens an application host's session in the same browser.

use super::{Authn, Fault};
use crate::domain::host::Host;
use crate::domain::return_to::ReturnTo;
use crate::domain::secret::{Token, TokenHash};
use crate::domain::session::View;
use crate::store::{Change, Commit, Ticket};
use std::time::Duration;

/// A ticket lives as long as a redirect takes.
pub const TICKET_LIFETIME: Duration = Duration::from_secs(30);

/// An application host's new session: its cookie, and where to go.
#[derive(Debug)]
pub struct Admitted {
    pub token: Token,
    pub return_to: String,
}

impl Authn {
    /// A ticket for the browser that holds the pre-session cookie with this hash, for one address.
    pub async fn issue_ticket(
        &self,
        view: &View,
        to: &ReturnTo,
        binding: TokenHash,
    ) -> Result<Token, Fault> {
        let token = self.env.token();
        let ticket = Ticket {
            session: view.session.id,
            host: to.origin().host().clone(),
            return_to: to.url(),
            binding,
            expires_at: self.env.now().plus(TICKET_LIFETIME),
        };
        let change = Change::IssueTicket {
            token: token.hash(),
            ticket,
        };
        let _ = self.store.commit(&[change]).await?;
        Ok(token)
    }

    /// Redeems a ticket on `host`, once. A ticket that turns up elsewhere or in another browser is burnt:
    /// it was seen by somebody who should not have it.
    pub async fn redeem_ticket(
        &self,
        ticket: &str,
        host: &Host,
        pre_session: &str,
    ) -> Result<Option<Admitted>, Fault> {
        let (Some(ticket), Some(pre_session)) = (Token::parse(ticket), Token::parse(pre_session))
        else {
            return Ok(None);
        };
        let hash = ticket.hash();
        let Some(stored) = self.store.ticket(&hash).await? else {
            return Ok(None);
        };
        let now = self.env.now();
        let redeem = Change::RedeemTicket { token: hash };
        let fits = stored.host == *host
            && stored.binding.matches(&pre_session.hash())
            && now < stored.expires_at;
        if !fits {
            let _ = self.store.commit(&[redeem]).await?;
            return Ok(None);
        }
        let token = self.env.token();
        let open = Change::OpenChild {
            parent: stored.session,
            host: stored.host,
            token: token.hash(),
            created_at: now,
        };
        Ok(match self.store.commit(&[redeem, open]).await? {
            Commit::Done => Some(Admitted {
                token,
                return_to: stored.return_to,
            }),
            Commit::Lost(_) => None,
        })
    }
}
