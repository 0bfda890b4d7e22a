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

/// What a ticket is good for.
#[derive(Debug)]
pub enum Redeemed {
    /// An application host's new session: its cookie, and where to go.
    Admitted { token: Token, return_to: String },
    /// It was meant for this host but not for what this browser shows of itself: nothing is opened, and the
    /// browser has to ask for a ticket of its own.
    AskAnew { return_to: String },
    /// Unknown, used, too old, or of another host.
    Nothing,
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
        pre_session: Option<&str>,
    ) -> Result<Redeemed, Fault> {
        let Some(ticket) = Token::parse(ticket) else {
            return Ok(Redeemed::Nothing);
        };
        let hash = ticket.hash();
        let Some(stored) = self.store.ticket(&hash).await? else {
            return Ok(Redeemed::Nothing);
        };
        let now = self.env.now();
        let redeem = Change::RedeemTicket { token: hash };
        let is_live_here = stored.host == *host && now < stored.expires_at;
        let is_bound = pre_session
            .and_then(Token::parse)
            .is_some_and(|token| stored.binding.matches(&token.hash()));
        if !is_live_here || !is_bound {
            let burnt = self.store.commit(&[redeem]).await?;
            return Ok(match burnt {
                Commit::Done if is_live_here => Redeemed::AskAnew {
                    return_to: stored.return_to,
                },
                Commit::Done | Commit::Lost(_) => Redeemed::Nothing,
            });
        }
        let token = self.env.token();
        let open = Change::OpenChild {
            parent: stored.session,
            host: stored.host,
            token: token.hash(),
            created_at: now,
        };
        Ok(match self.store.commit(&[redeem, open]).await? {
            Commit::Done => Redeemed::Admitted {
                token,
                return_to: stored.return_to,
            },
            Commit::Lost(_) => Redeemed::Nothing,
        })
    }
}
