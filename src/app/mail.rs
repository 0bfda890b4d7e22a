//! The postman, made from the configuration.

use super::{Office, brand};
use crate::config::{MailSecurity, MailSettings};
use crate::i18n::Texts;
use crate::mail::postman::{self, Happening, Postman};
use crate::mail::transport::{self, Login, Security, Transport};
use crate::mail::wording::{House, Support};
use crate::telemetry::{Mail, Metrics};
use std::sync::Arc;

/// Ready to start; `None` where no mail server is configured.
pub(super) fn postman(office: &Office, metrics: &Arc<Metrics>) -> anyhow::Result<Option<Postman>> {
    let Some(settings) = &office.settings.mail else {
        return Ok(None);
    };
    let metrics = Arc::clone(metrics);
    let observer = move |what| match what {
        Happening::Sent => metrics.mail(Mail::Sent),
        Happening::Deferred => metrics.mail(Mail::Deferred),
        Happening::Failed => metrics.mail(Mail::Failed),
    };
    let postman = Postman::new(postman::Parts {
        store: Arc::clone(&office.store),
        vault: Arc::clone(&office.vault),
        env: office.env.clone(),
        texts: Texts::load(&office.settings.brand.texts)?,
        house: house(office)?,
        transport: Transport::new(server(office, settings))?,
        observer: Box::new(observer),
    });
    Ok(Some(postman))
}

fn house(office: &Office) -> anyhow::Result<House> {
    let brand = brand(&office.settings)?;
    Ok(House {
        portal: office.settings.portal.clone(),
        languages: brand.languages,
        accent: brand.accent,
        support: Support {
            email: brand.support.email,
            phone: brand.support.phone,
            chat: brand.support.chat,
        },
    })
}

fn server(office: &Office, mail: &MailSettings) -> transport::Settings {
    let name = mail.from.name.as_ref();
    transport::Settings {
        host: mail.host.clone(),
        port: mail.port,
        security: match mail.security {
            MailSecurity::ImplicitTls => Security::ImplicitTls,
            MailSecurity::StartTls => Security::StartTls,
            MailSecurity::StartTlsIfOffered => Security::StartTlsIfOffered,
        },
        login: mail.credentials.as_ref().map(|credentials| Login {
            user: credentials.user.clone(),
            password: credentials.password.clone(),
        }),
        from_name: name.unwrap_or(&office.settings.brand.name).clone(),
        from_address: mail.from.address.clone(),
        ca: mail.ca.clone(),
        our_host: office.settings.portal.host().to_string(),
    }
}
