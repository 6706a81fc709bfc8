//! Which proxy a request goes through, as the environment says it. Pure.
//!
//! A variable that cannot be understood is an error: going past the proxy then would be a connection that nobody allowed.

use reqwest::Url;

use crate::config::proxy_url;

/// A proxy, and where it is configured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Through {
    pub url: Url,
    pub from: &'static str,
}

impl Through {
    /// Without its user and password.
    pub(super) fn name(&self) -> String {
        let host = self.url.host_str().unwrap_or_default();
        let port = self.url.port_or_known_default().map_or_else(String::new, |port| format!(":{port}"));
        format!("{host}{port} ({})", self.from)
    }
}

/// What the environment says for a URL; none where it says nothing, or names the host in `NO_PROXY`.
pub(super) fn from_environment(
    url: &Url,
    variable: impl Fn(&str) -> Option<String>,
) -> Result<Option<Through>, String> {
    let names: [&'static str; 4] = match url.scheme() {
        "https" => ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"],
        _ => ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"],
    };
    let set = |name: &str| variable(name).filter(|value| !value.trim().is_empty());
    let excepted = set("NO_PROXY").or_else(|| set("no_proxy")).unwrap_or_default();
    let host = url.host_str().unwrap_or_default();
    if excepted.split(',').any(|entry| covers(entry.trim(), host)) {
        return Ok(None);
    }
    let Some((from, value)) = names.iter().find_map(|name| Some((*name, set(name)?))) else {
        return Ok(None);
    };
    let value = value.trim();
    let with_scheme = if value.contains("://") { value.to_owned() } else { format!("http://{value}") };
    let url = proxy_url(&with_scheme).map_err(|problem| format!("the variable {from} {problem}"))?;
    Ok(Some(Through { url, from }))
}

/// A name covers itself and all below it. Networks of addresses are left to the HTTP client, which knows them too.
fn covers(entry: &str, host: &str) -> bool {
    let name = entry.trim_start_matches("*.").trim_start_matches('.');
    entry == "*"
        || (!name.is_empty()
            && (host.eq_ignore_ascii_case(name)
                || host.to_ascii_lowercase().ends_with(&format!(".{}", name.to_ascii_lowercase()))))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(variables: &[(&str, &str)]) -> Result<Option<String>, String> {
        let variable = |name: &str| {
            variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
        };
        let url = "https://api.thousandeyes.com/v7/".parse().unwrap();
        from_environment(&url, variable).map(|through| through.map(|through| through.name()))
    }

    #[test]
    fn the_variables_are_taken_in_the_usual_order_and_an_empty_one_is_none() {
        assert_eq!(found(&[]), Ok(None));
        assert_eq!(found(&[("HTTPS_PROXY", " "), ("HTTP_PROXY", "http://p:1")]), Ok(None));
        assert_eq!(found(&[("ALL_PROXY", "p.example:3128")]), Ok(Some("p.example:3128 (ALL_PROXY)".into())));
        assert_eq!(
            found(&[("HTTPS_PROXY", "http://user:p%40ss@p:80"), ("ALL_PROXY", "http://q:1")]),
            Ok(Some("p:80 (HTTPS_PROXY)".into()))
        );
    }

    #[test]
    fn a_host_of_no_proxy_is_reached_directly() {
        let through =
            |excepted| found(&[("HTTPS_PROXY", "http://p:1"), ("NO_PROXY", excepted)]).unwrap().is_some();
        for excepted in ["*", "thousandeyes.com", ".thousandeyes.com", "a, API.thousandeyes.com"] {
            assert!(!through(excepted), "{excepted}");
        }
        for excepted in ["eyes.com", "", ",", "x.api.thousandeyes.com"] {
            assert!(through(excepted), "{excepted}");
        }
    }

    #[test]
    fn a_malformed_variable_is_an_error_that_shows_no_password() {
        for value in [
            "http://dom\\user:pa#ss@127.0.0.1:1",
            "socks5://p:1",
            "http://",
            "http://p:99999",
            "ftp://user:pa#ss@p:1",
            "http://p:1/path",
            "http://user:pa ss@ p",
        ] {
            let said = found(&[("HTTPS_PROXY", value)]).unwrap_err();
            assert!(
                said.contains("HTTPS_PROXY") && !said.contains("pa#") && !said.contains("pa ss"),
                "{said}"
            );
        }
    }
}
