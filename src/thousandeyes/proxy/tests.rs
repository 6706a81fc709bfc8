//! Proxies from the environment.

use super::*;

fn found(variables: &[(&str, &str)]) -> Result<Option<String>, String> {
    let variable =
        |name: &str| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
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
        assert!(said.contains("HTTPS_PROXY") && !said.contains("pa#") && !said.contains("pa ss"), "{said}");
    }
}

#[test]
fn the_advice_is_to_write_a_login_only_where_none_is_written() {
    let advice =
        |url: &str| ConfiguredProxy { url: url.parse().unwrap(), from: "HTTPS_PROXY" }.advice("te.example");
    assert!(
        advice("http://p:1").ends_with("if it needs a login, write user:password@ before its name there")
    );
    let refused = advice("http://user:secret@p:1");
    assert!(refused.ends_with("and accept the user and the password before its name there"), "{refused}");
    assert!(!refused.contains("secret"), "{refused}");
}
