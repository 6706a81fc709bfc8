//! One finished message: headers, text, HTML and attachments, as bytes that do not change until they are delivered.

use std::collections::HashSet;
use std::fmt::Write as _;

use anyhow::Context;
use chrono::{DateTime, Utc};
use lettre::Message;
use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use lettre::message::{Attachment as MimeAttachment, Mailbox, MessageBuilder, MultiPart, SinglePart};
use sha2::{Digest, Sha256};

use super::picture::Painter;
use super::render::Templates;
use crate::config::{self, Mail};
use crate::files::csv_cell::with_bom;
use crate::report::{Picture, Report, words};

/// A file that goes with a message.
#[derive(Clone)]
pub(crate) struct Attachment {
    pub name: String,
    /// `text/csv; charset=utf-8`.
    pub content_type: &'static str,
    pub bytes: Vec<u8>,
}

impl Attachment {
    pub(crate) fn csv(name: &str, bytes: Vec<u8>) -> Self {
        Self { name: file_name(name), content_type: "text/csv; charset=utf-8", bytes: with_bom(bytes) }
    }
}

/// A message, ready for the outbox. No `Debug`: an address is nobody's business in a log.
pub(crate) struct Email {
    /// With its angle brackets.
    pub message_id: String,
    /// What the messages that belong together have in common.
    pub thread: Option<String>,
    /// The address of the envelope.
    pub from: String,
    /// The addresses of the envelope.
    pub recipients: Vec<String>,
    /// What is sent: headers, text, HTML and attachments.
    pub bytes: Vec<u8>,
}

/// The addresses of an envelope. `listed` is where the configuration has them.
pub(super) fn envelope(recipients: &[String], listed: &str) -> anyhow::Result<Vec<String>> {
    let to = mailboxes(recipients, listed)?;
    let mut addresses: Vec<String> = to.iter().map(|mailbox| mailbox.email.to_string()).collect();
    addresses.sort();
    Ok(addresses)
}

/// Makes messages of reports, by the configuration's `[mail]`.
pub(crate) struct Composer<'a> {
    pub mail: &'a Mail,
    pub templates: &'a Templates,
    /// Its identity, whichever machine it runs on.
    pub installation: &'a str,
}

impl Composer<'_> {
    /// None when nobody is to get it. `earlier` are the `Message-ID`s of the mails of its thread that these people have, in
    /// their order.
    pub(crate) fn compose(
        &self,
        report: &Report,
        recipients: &[String],
        attachments: Vec<Attachment>,
        earlier: &[String],
        now: DateTime<Utc>,
    ) -> anyhow::Result<Option<Email>> {
        let to = mailboxes(recipients, report.recipients_key())?;
        if to.is_empty() {
            return Ok(None);
        }
        let (hash, host) = (hash(report, &to), &host_name(self.installation));
        let message_id = format!("<{}.{hash}@{host}>", report.kind());
        let names: Vec<String> = attachments.iter().map(|attachment| attachment.name.clone()).collect();
        let subject = format!("{}{}", self.mail.subject_prefix, self.templates.subject(report)?);
        let text = self.templates.text(report, &names)?;
        let html = self.templates.html(report, &names)?;
        // A user's template may show none of them, or some.
        let shown = |picture: &&Picture| html.contains(&format!("cid:{}", picture.cid));
        let pictures = match paint(report.pictures().into_iter().filter(shown)) {
            Ok(pictures) => pictures,
            Err(error) => {
                // No report is lost for a picture: the words say the same.
                tracing::warn!(error = format!("{error:#}"), "the pictures are left out of the mail");
                return self.compose(
                    &report.clone().without_pictures(),
                    recipients,
                    attachments,
                    earlier,
                    now,
                );
            }
        };

        let from = self.mail.from.as_ref().context("mail.from is needed to send mail")?;
        let from = mailbox(from, "mail.from")?;
        let sender = from.email.to_string();
        let message = Message::builder()
            .message_id(Some(message_id.clone()))
            .date(now.into())
            .from(from)
            // A name that looks like an encoded word would be decoded into whatever it hides, by every mail program.
            .subject(words::clean(&subject, 250).replace("=?", "= ?"));
        let message = with_kind_headers(message, report, host, earlier);
        let message = self
            .answered_to(to.into_iter().fold(message, MessageBuilder::to), report)?
            .multipart(body(&hash, text, html, pictures, attachments)?)
            .context("the message cannot be built")?;
        Ok(Some(Email {
            message_id,
            thread: report.thread().map(str::to_owned),
            from: sender,
            recipients: envelope(recipients, report.recipients_key())?,
            bytes: message.formatted(),
        }))
    }

    /// Where answers go, and requests to be taken off the list.
    fn answered_to(&self, message: MessageBuilder, report: &Report) -> anyhow::Result<MessageBuilder> {
        let Some(reply_to) = &self.mail.reply_to else { return Ok(message) };
        let reply_to = mailbox(reply_to, "mail.reply_to")?;
        // RFC 2369, section 3.2: whoever reads that address takes people off a list; no program does it here.
        let ask = format!("<mailto:{}?subject=unsubscribe%20{}>", reply_to.email, report.kind());
        Ok(message.reply_to(reply_to).raw_header(header("List-Unsubscribe", ask)))
    }
}

/// What tells other programs what kind of mail it is, and which mails it belongs to.
fn with_kind_headers(
    message: MessageBuilder,
    report: &Report,
    host: &str,
    earlier: &[String],
) -> MessageBuilder {
    let message = message
        // RFC 3834, section 5: made by no person, and no answer to anything.
        .raw_header(header("Auto-Submitted", "auto-generated".to_owned()))
        // Exchange answers by this one ([MS-OXCMAIL] 2.1.3.2.20). Not `All`: a report of failed delivery is wanted.
        .raw_header(header("X-Auto-Response-Suppress", "OOF, AutoReply".to_owned()))
        // RFC 2919: a label and the name of who issues it, for people's filters.
        .raw_header(header("List-Id", format!("<{}.{host}>", report.kind())));
    match earlier.last() {
        // RFC 5322, section 3.6.4.
        Some(last) => message.in_reply_to(last.clone()).references(earlier.join(" ")),
        None => message,
    }
}

/// Both texts, with the pictures that the HTML shows, and what is attached. Boundaries come from the content, not from chance: the same
/// report is the same bytes.
fn body(
    hash: &str,
    text: String,
    html: String,
    pictures: Vec<SinglePart>,
    attachments: Vec<Attachment>,
) -> anyhow::Result<MultiPart> {
    let both = MultiPart::alternative().boundary(format!("=_{hash}_a")).build();
    let both = both.singlepart(SinglePart::plain(text));
    let both = if pictures.is_empty() {
        both.singlepart(SinglePart::html(html))
    } else {
        let related = MultiPart::related().boundary(format!("=_{hash}_r")).build();
        let related = related.singlepart(SinglePart::html(html));
        both.multipart(pictures.into_iter().fold(related, MultiPart::singlepart))
    };
    if attachments.is_empty() {
        return Ok(both);
    }
    let mixed = MultiPart::mixed().boundary(format!("=_{hash}_m")).build().multipart(both);
    attachments.into_iter().try_fold(mixed, |mixed, attachment| Ok(mixed.singlepart(part(attachment)?)))
}

/// A name that can be saved anywhere, whatever it was made of: no folder, no reserved character, and a CSV whatever it claims.
fn file_name(name: &str) -> String {
    let plain = |c: char| if "/\\:*?\"<>|;%".contains(c) { '_' } else { c };
    let name: String = words::clean(name, usize::MAX).chars().map(plain).collect();
    let stem = words::clean(name.strip_suffix(".csv").unwrap_or(&name).trim_start_matches('.'), 76);
    format!("{}.csv", if stem.is_empty() { "attachment" } else { &stem })
}

fn part(attachment: Attachment) -> anyhow::Result<SinglePart> {
    let content_type =
        ContentType::parse(attachment.content_type).context("an attachment has an unexpected type")?;
    Ok(MimeAttachment::new(attachment.name).body(attachment.bytes, content_type))
}

/// The parts that the HTML shows by their `Content-ID`.
fn paint<'a>(pictures: impl Iterator<Item = &'a Picture>) -> anyhow::Result<Vec<SinglePart>> {
    let painter = Painter::new();
    let part = |picture: &Picture| {
        let png = painter.png(&picture.svg)?;
        let name = picture.cid.replace("@quotakeeper", ".png");
        let content_type = ContentType::parse("image/png").context("a picture has an unexpected type")?;
        Ok(MimeAttachment::new_inline_with_name(picture.cid.clone(), name).body(png, content_type))
    };
    pictures.map(part).collect()
}

fn header(name: &'static str, value: String) -> HeaderValue {
    HeaderValue::new(HeaderName::new_from_ascii_str(name), value)
}

/// Each address once, however it is written: a second entry would be a second mail.
fn mailboxes(addresses: &[String], key: &str) -> anyhow::Result<Vec<Mailbox>> {
    let mut seen = HashSet::new();
    let mut mailboxes = Vec::new();
    for address in addresses {
        let mailbox = mailbox(address, key)?;
        if seen.insert(mailbox.email.to_string().to_lowercase()) {
            mailboxes.push(mailbox);
        }
    }
    Ok(mailboxes)
}

/// The configuration has looked at them already; the error names the key and not the address.
pub(super) fn mailbox(address: &str, key: &str) -> anyhow::Result<Mailbox> {
    config::mailbox(address)
        .map_err(|_| anyhow::anyhow!("{key} holds an address that mail cannot be sent to"))
}

/// What is reported, and to whom: the same report to the same people is the same message.
fn hash(report: &Report, to: &[Mailbox]) -> String {
    let mut addresses: Vec<String> =
        to.iter().map(|mailbox| mailbox.email.to_string().to_lowercase()).collect();
    addresses.sort();
    short_hash(&format!("{}\n{}\n{}", report.kind(), report.identity(), addresses.join("\n")))
}

/// 16 hex digits, for names that people may have to tell apart.
pub(super) fn short_hash(text: &str) -> String {
    let digest = Sha256::digest(text);
    digest.iter().take(8).fold(String::new(), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

/// The right side of a `Message-ID`, from whatever an installation calls itself.
fn host_name(instance: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' };
    let name: String = instance.chars().map(|c| if c == '.' { '.' } else { plain(c) }).take(60).collect();
    let labels: Vec<&str> =
        name.split('.').map(|label| label.trim_matches('-')).filter(|label| !label.is_empty()).collect();
    if labels.is_empty() {
        "quotakeeper.localhost".to_owned()
    } else {
        format!("quotakeeper.{}", labels.join("."))
    }
}

#[cfg(test)]
mod tests;
