//! How a report leaves: laid out by templates, kept in the outbox until every recipient's server has taken it.

mod compose;
pub(crate) mod installation;
mod mailer;
mod oauth2;
mod outbox;
mod picture;
mod record;
mod render;
mod retry;
pub(crate) mod routes;
mod smtp;
mod transport;

#[cfg(test)]
mod fixtures;

pub(crate) use self::mailer::Mailer;
pub(crate) use self::outbox::{DeliveryScope, UnsentMail};
#[cfg(test)]
pub(crate) use self::render::Templates;
pub(crate) use self::render::check_templates;
pub(crate) use self::retry::GIVE_UP;
