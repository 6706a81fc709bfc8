//! What the types of the configuration alone cannot say: ranges, and what belongs together.

use std::net::IpAddr;
use std::time::Duration;

use lettre::message::Mailbox;
use reqwest::Url;

use super::Config;
use super::loopback::is_loopback;
use super::ranges::range;
use crate::config::smtp::Tls;
use crate::text::clean::visible;

/// Longer than any billing cycle.
const LEAST_KEPT: Duration = Duration::from_secs(35 * 24 * 3600);
const MOST_KEPT: Duration = Duration::from_secs(100 * 366 * 24 * 3600);

/// Nobody waits longer for an answer, or for a file to settle. Without an end the sum with a time overflows.
const LONGEST_WAIT: Duration = Duration::from_secs(24 * 3600);

/// The sentence of a key whose number is outside its range.
fn in_range(key: &str) -> String {
    range(key).unwrap_or_default().to_owned()
}

impl Config {
    /// What the types alone cannot say: each problem as the key and a sentence.
    pub(super) fn problems(&self) -> Vec<(String, String)> {
        let mut found = Vec::new();
        let mut check = |bad: bool, key: &'static str, fix: String| {
            if bad {
                found.push((key.to_owned(), fix));
            }
        };
        let loopback = self.api.base_url.host_str().is_some_and(is_loopback);
        check(
            self.api.base_url.scheme() != "https" && !loopback,
            "api.base_url",
            format!(
                "{} is not https: the token would be sent unencrypted. Only a loopback address may use http",
                self.api.base_url
            ),
        );
        for (bad, key) in [
            (!(1..=100_000).contains(&self.api.requests_per_minute), "api.requests_per_minute"),
            (self.api.reserve_percent > 90, "api.reserve_percent"),
            (self.inbox.max_rows == 0, "inbox.max_rows"),
        ] {
            check(bad, key, in_range(key));
        }
        check(self.api.timeout.is_zero(), "api.timeout", "must be above 0, such as 30s".into());
        for (key, wait) in [
            ("api.timeout", self.api.timeout),
            ("smtp.timeout", self.smtp.timeout),
            ("inbox.settle", self.inbox.settle),
        ] {
            check(wait > LONGEST_WAIT, key, "must be at most 1d".into());
        }
        check(self.usage.counts.is_empty(), "usage.counts", "must name `cloud`, `enterprise` or both".into());
        check(
            self.usage.units_per_quota_unit.is_some_and(|divisor| !(divisor.is_finite() && divisor > 0.0)),
            "usage.units_per_quota_unit",
            "must be a number above 0".into(),
        );
        check(self.data.dir.as_os_str().is_empty(), "data.dir", "must name a folder".into());
        let keep = self.data.keep;
        check(
            keep.hourly == 0 && keep.daily == 0 && keep.monthly == 0,
            "data.keep",
            "would keep no snapshot at all".into(),
        );
        for (key, keep) in [("data.keep_mail", self.data.keep_mail), ("data.keep_runs", self.data.keep_runs)]
        {
            check(
                !(LEAST_KEPT..=MOST_KEPT).contains(&keep),
                key,
                "must be between 35d and 100y: quotakeeper needs it for a whole billing cycle, to recognize repeated mails and files".into(),
            );
        }
        self.mail_problems(&mut check);
        if self.mail.transport.needs_server() {
            found.extend(self.smtp.oauth2_problems());
        }
        found.extend(self.folder_problems());
        found.extend(self.guard.problems());
        found.extend(self.alerts.problems());
        found.extend(self.metrics.problems());
        found
    }

    fn mail_problems(&self, check: &mut impl FnMut(bool, &'static str, String)) {
        let to = &self.mail.to;
        let lists = [
            ("mail.from", self.mail.from.as_slice()),
            ("mail.reply_to", self.mail.reply_to.as_slice()),
            ("mail.to.changes", &to.changes),
            ("mail.to.usage", &to.usage),
            ("mail.to.alerts", &to.alerts),
            ("mail.to.failures", &to.failures),
        ];
        for (key, addresses) in lists {
            for address in addresses {
                if let Err(problem) = mailbox(address) {
                    check(true, key, problem);
                }
            }
        }
        if self.mail.transport.is_off() {
            return;
        }
        check(self.mail.from.is_none(), "mail.from", "is needed to send mail".into());
        // Whoever keeps the files may look at what is there; `check` mentions it.
        check(
            self.mail.names_nobody() && !self.mail.transport.keeps_files(),
            "mail.to",
            "names nobody, so that no mail would be sent: set mail.to = \"noc@example.com\", a list, or a list for each kind of mail".into(),
        );
        if self.mail.transport.needs_server() {
            check(self.smtp.timeout.is_zero(), "smtp.timeout", "must be above 0, such as 60s".into());
            check(self.smtp.host.is_none(), "smtp.host", "is needed with mail.transport = \"smtp\"".into());
            if let Some(problem) = self.smtp.host.as_deref().and_then(host_problem) {
                check(true, "smtp.host", problem);
            }
            check(self.smtp.port == Some(0), "smtp.port", in_range("smtp.port"));
            check(
                self.smtp.hello_name.as_deref().is_some_and(|name| !is_hello_name(name)),
                "smtp.hello_name",
                "must be a full host name such as quotakeeper.example.com, or an address in brackets such as [192.0.2.1]".into(),
            );
            check(
                self.smtp.username.is_some() && self.smtp.password.is_none() && self.smtp.oauth2.is_none(),
                "smtp.username",
                "needs a password: set smtp.password_file, or smtp.oauth2".into(),
            );
            check(
                self.smtp.password_file.is_some()
                    && self.smtp.username.is_none()
                    && self.smtp.oauth2.is_none(),
                "smtp.password_file",
                "needs smtp.username".into(),
            );
            check(
                self.smtp.username.is_some()
                    && self.smtp.tls == Tls::Off
                    && !self.smtp.host.as_deref().is_some_and(is_loopback),
                "smtp.tls",
                format!(
                    "off would send the {} unencrypted: use \"starttls\" or \"required\"",
                    if self.smtp.oauth2.is_some() { "access token" } else { "password" }
                ),
            );
        }
    }
}

/// `Doe, Jane <jane@example.com>`, as address books have it, without the quotes that the comma would need.
fn parse_unquoted(text: &str) -> Result<Mailbox, ()> {
    let (name, address) = text.trim().strip_suffix('>').and_then(|text| text.rsplit_once('<')).ok_or(())?;
    let (name, address) = (name.trim(), address.parse().map_err(|_| ())?);
    if name.is_empty() || name.contains(['<', '>', '"', '@', ';']) || name.chars().any(char::is_control) {
        return Err(());
    }
    Ok(Mailbox::new(Some(name.to_owned()), address))
}

/// People paste the server as other programs want it.
fn host_problem(host: &str) -> Option<String> {
    let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    if bare.parse::<IpAddr>().is_ok() {
        return None;
    }
    if host.contains("://") {
        let url = Url::parse(host).ok();
        let name = url.as_ref().and_then(Url::host_str).unwrap_or("smtp.example.com");
        return Some(format!("is a host name alone, not a URL: write \"{name}\", and the port as smtp.port"));
    }
    if let Some((name, port)) = host.rsplit_once(':').filter(|(_, port)| port.parse::<u16>().is_ok()) {
        return Some(format!("holds a port: write smtp.host = \"{name}\" and smtp.port = {port}"));
    }
    let is_plain = |c: char| !c.is_whitespace() && !c.is_control() && !"/:@<>[],;".contains(c);
    (host.is_empty() || !host.chars().all(is_plain))
        .then(|| "must be the name or the address of the mail server, such as smtp.example.com".to_owned())
}

/// RFC 5321, section 4.1.3: a name, or an address in brackets.
fn is_hello_name(name: &str) -> bool {
    let literal = name.strip_prefix('[').and_then(|name| name.strip_suffix(']'));
    if let Some(literal) = literal {
        return literal.strip_prefix("IPv6:").unwrap_or(literal).parse::<IpAddr>().is_ok();
    }
    let label = |label: &str| {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        (1..=63).contains(&label.len()) && label.bytes().all(plain)
    };
    name.len() <= 253 && name.split('.').all(label)
}

/// An address that mail can be sent to, with or without a name before it, or what is wrong with it.
pub(crate) fn mailbox(text: &str) -> Result<Mailbox, String> {
    let shown = visible(text);
    let mailbox: Mailbox = text.trim().parse().or_else(|_| parse_unquoted(text)).map_err(|()| {
        if text.matches('@').count() > 1 && !text.contains(char::is_control) {
            format!("`{shown}` contains several addresses: write each as a separate entry")
        } else {
            format!("`{shown}` is not an address such as `Ann <ann@example.com>`")
        }
    })?;
    let address: &str = mailbox.email.as_ref();
    if address.is_ascii() {
        Ok(mailbox)
    } else {
        // It would need SMTPUTF8, which few servers have, for everybody else whom the message names, too.
        Err(format!("`{shown}` has an address with non-ASCII characters: write its domain in the xn-- form"))
    }
}
