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
    pub(in crate::mail) fn of(configured: Option<&str>) -> Self {
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
mod tests {
    use super::*;

    #[test]
    fn a_short_name_becomes_the_full_one_that_the_machine_knows() {
        let hosts = "127.0.0.1 localhost localhost.localdomain\n# 10.0.0.1 no.example.com nms\n10.0.0.2\tnms.example.com NMS # ours\n";
        assert_eq!(full_name("nms.example.org", hosts).as_deref(), Some("nms.example.org"));
        assert_eq!(full_name("nms", hosts).as_deref(), Some("nms.example.com"));
        assert_eq!(full_name("pod-abc", hosts), None);
        assert_eq!(full_name("localhost", hosts), None);
    }

    #[test]
    fn what_no_server_would_take_for_a_full_name() {
        for name in [
            "nms",
            "my_host.example.com",
            "192.0.2.1",
            "a..b",
            ".a.b",
            "a.b.",
            "-a.example",
            "",
            "localhost.localdomain",
        ] {
            assert!(!is_full(name), "{name}");
        }
        assert!(is_full("nms-1.xn--mnchen-3ya.example"));
    }

    #[test]
    fn without_a_name_it_is_the_address() {
        assert_eq!(literal("192.0.2.1".parse().unwrap()), "[192.0.2.1]");
        assert_eq!(literal("2001:db8::1".parse().unwrap()), "[IPv6:2001:db8::1]");
        assert_eq!(literal("::ffff:192.0.2.1".parse().unwrap()), "[192.0.2.1]");
    }
}
