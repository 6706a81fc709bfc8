//! What answers of token servers mean.

use secrecy::ExposeSecret;

use super::*;

fn answered(status: u16, body: &str) -> Result<Issued, TokenRefusal> {
    let words = Wording {
        server: "login.example.com".into(),
        timeout: Duration::from_secs(60),
        secret: "the file /etc/quotakeeper/smtp_client_secret".into(),
    };
    read(&Answer { status, wait: Some(Duration::from_secs(7)), body: Some(body.as_bytes().to_vec()) }, &words)
}

#[test]
fn a_token_is_used_until_five_minutes_before_its_end_or_for_half_of_a_short_life() {
    for (expires_in, use_for) in [
        ("3600", 3300),
        ("\"3599\"", 3299),
        ("600", 300),
        ("60", 30),
        ("1", 0),
        ("0", 0),
        ("-5", 0),
        ("3599.9", 3299),
        ("31536000", 24 * 3600),
        ("18446744073709551615", 24 * 3600),
        ("1e99", 300),
        ("null", 300),
        ("{}", 300),
        ("\"soon\"", 300),
    ] {
        let body = format!(
            r#"{{"token_type":"Bearer","access_token":"tok.en-1","expires_in":{expires_in},"x":[]}}"#
        );
        let issued = answered(200, &body).unwrap();
        assert_eq!(issued.token.expose_secret(), "tok.en-1");
        assert_eq!(issued.use_for.as_secs(), use_for, "{expires_in}");
    }
    let unknown = answered(200, r#"{"access_token":"tok.en-2"}"#).unwrap();
    assert_eq!(unknown.use_for, UNKNOWN_USE);
}

#[test]
fn a_token_that_would_break_a_line_of_smtp_is_none() {
    for token in ["", "a b", "a\\r\\nQUIT", "a\\u0001auth=", "ä"] {
        let body = format!(r#"{{"token_type":"bearer","access_token":"{token}"}}"#);
        let refused = answered(200, &body).unwrap_err();
        assert!(refused.sentence.contains("no token has"), "{token}: {}", refused.sentence);
    }
    let refused = answered(200, r#"{"token_type":"mac","access_token":"x"}"#).unwrap_err();
    assert!(refused.sentence.contains("`mac`"), "{}", refused.sentence);
}

#[test]
fn each_refusal_says_whose_fault_it_is() {
    let mut sentences = String::new();
    for (status, body) in [
        (
            401,
            r#"{"error":"invalid_client","error_description":"AADSTS7000222: The client secret keys are expired.\r\nTrace ID: 1"}"#,
        ),
        (400, r#"{"error":"unauthorized_client","error_description":"AADSTS700016: no such application"}"#),
        (400, r#"{"error":"invalid_scope"}"#),
        (400, r#"{"error":"invalid_request","error_description":"AADSTS90002: Tenant 'TENANT' not found."}"#),
        (400, r#"{"error":"unsupported_grant_type","error_description":["x"]}"#),
        (400, r#"{"error":{"code":400}}"#),
        (429, r#"{"error":"slow_down"}"#),
        (503, "<html><body>Service Unavailable</body></html>"),
        (500, r#"{"error":"server_error"}"#),
        (400, r#"{"error":"temporarily_unavailable"}"#),
        (302, ""),
        (404, "<!DOCTYPE html><title>Not Found</title>"),
        (200, "\n<html>sign in</html>"),
        (200, r#"{"id_token":"x"}"#),
        (204, ""),
    ] {
        let refused = answered(status, body).unwrap_err();
        assert_eq!(refused.wait.is_some(), [429, 503].contains(&status), "{status}");
        sentences += &format!("{}\n", refused.sentence);
    }
    insta::assert_snapshot!(sentences);
}

#[test]
fn the_words_of_a_server_are_cut_and_show_no_secret() {
    redact::register("The-Client-Secret-77af");
    let long = "x".repeat(5000);
    let body = format!(
        r#"{{"error":"invalid_client","error_description":"\u001b[31m ann@example.com The-Client-Secret-77af %54he-Client-Secret-77af {long}"}}"#
    );
    let sentence = answered(401, &body).unwrap_err().sentence;
    assert!(
        sentence.contains("(address)")
            && !sentence.contains("Client-Secret-77af")
            && !sentence.contains('\u{1b}'),
        "{sentence}"
    );
    assert!(sentence.chars().count() <= 600 && sentence.ends_with("smtp_client_secret"), "{sentence}");
}
