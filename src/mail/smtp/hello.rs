//! How this machine greets a mail server: by a name of two parts or more, or by its address (RFC 5321, section 4.1.4).
//!
//! Many servers refuse a bare name, such as a container has.

use std::net::IpAddr;

use super::Wire;

/// What follows `EHLO`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::mail) struct HelloName {
    name: Option<String>,
}

impl HelloName {
    /// `smtp.hello_name`, else this machine's full name if it has one.
    pub(in crate::mail) fn new(configured: Option<&str>) -> Self {
        let name = configured.map(str::to_owned).or_else(|| {
            let hosts = std::fs::read_to_string("/etc/hosts").unwrap_or_default();
            full_name(&crate::files::lock::hostname(), &hosts)
        });
        Self { name }
    }

    /// The name, else the address that this side of the connection has.
    pub(in crate::mail) fn text(&self, wire: &Wire) -> String {
        match (&self.name, wire.local_address()) {
            (Some(name), _) => name.clone(),
            (None, Ok(address)) => literal(address.ip()),
            (None, Err(_)) => literal(IpAddr::from([127, 0, 0, 1])),
        }
    }
}

/// `[192.0.2.1]`, `[IPv6:2001:db8::1]`.
fn literal(address: IpAddr) -> String {
    match address.to_canonical() {
        IpAddr::V4(address) => format!("[{address}]"),
        IpAddr::V6(address) => format!("[IPv6:{address}]"),
    }
}

/// The host's name where it is a full one, else the full name that `/etc/hosts` gives it.
fn full_name(host: &str, hosts: &str) -> Option<String> {
    if is_full(host) {
        return Some(host.to_owned());
    }
    let names = hosts.lines().filter_map(|line| {
        let names: Vec<&str> = line.split('#').next()?.split_whitespace().skip(1).collect();
        names.iter().any(|name| name.eq_ignore_ascii_case(host)).then_some(names)
    });
    names.flatten().find(|name| is_full(name)).map(str::to_owned)
}

/// Labels of letters, digits and hyphens, two at least, and not what every machine calls itself.
fn is_full(name: &str) -> bool {
    let label = |label: &str| {
        let plain = label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        plain && (1..=63).contains(&label.len()) && !label.starts_with('-') && !label.ends_with('-')
    };
    let is_number = |label: &str| label.bytes().all(|byte| byte.is_ascii_digit());
    name.len() <= 253
        && name.contains('.')
        && name.split('.').all(label)
        && !name.rsplit('.').next().is_some_and(is_number)
        && !name.to_ascii_lowercase().starts_with("localhost.")
}

#[cfg(test)]
mod tests;
