//! How a report leaves: laid out by templates, kept in the outbox until every recipient's server has taken it.

mod compose;
mod conversation;
pub(crate) mod installation;
mod layout;
mod login;
mod mailer;
mod outbox;
mod picture;
mod record;
mod render;
mod smtp;
mod transport;
mod trouble;

#[cfg(test)]
mod fixtures;

pub(crate) use self::mailer::Mailer;
pub(crate) use self::outbox::Unsent;
pub(crate) use self::render::check_templates;
