//! What each answer means, and the words for it.

use super::*;

const TOKEN: &str = "s3cr3t-token";

fn call(method: &'static str, path: &str) -> Call {
    Call { method, path: path.to_owned() }
}

fn body_of(text: &str) -> Body {
    let mut body = Body::default();
    body.bytes.extend_from_slice(text.as_bytes());
    body
}

fn read(path: &str, status: u16, body: &str) -> Result<Vec<u8>, Error> {
    crate::text::redact::register(TOKEN);
    let outcome = Outcome { body: body_of(body), ..Outcome::answer(status) };
    outcome.conclude(call("GET", path), true, "the file /run/te_token").map(|body| body.bytes)
}

fn write(path: &str, status: u16, body: &str) -> Result<Vec<u8>, Error> {
    let outcome = Outcome { body: body_of(body), ..Outcome::answer(status) };
    outcome.conclude(call("POST", path), false, "the environment variable TE_TOKEN").map(|body| body.bytes)
}

#[test]
fn any_2xx_is_a_successful_write_unless_a_page_comes_with_it() {
    for (status, body) in [(200, "{}"), (201, ""), (204, ""), (202, "?")] {
        assert_eq!(write("/quotas/assign", status, body), Ok(Vec::new()), "{status}");
    }
}

#[test]
fn only_a_4xx_makes_the_outcome_of_a_write_certain() {
    for status in [301, 304, 408, 500, 502, 503, 504, 599] {
        assert!(write("/quotas/assign", status, "").unwrap_err().outcome_unknown(), "{status}");
    }
    for status in [400, 401, 403, 404, 409, 413, 422] {
        assert!(!write("/quotas/assign", status, "").unwrap_err().outcome_unknown(), "{status}");
    }
}

#[test]
fn a_batch_is_worth_halving_only_where_the_api_itself_refused_it() {
    for status in [400, 403, 404, 405, 409, 413, 422] {
        assert!(write("/quotas/assign", status, "{}").unwrap_err().is_refusal(), "{status}");
        // A proxy that says a batch is too large lets smaller ones through.
        let from_a_proxy = write("/quotas/assign", status, "<html>").unwrap_err();
        assert_eq!(from_a_proxy.is_refusal(), status == 413, "{status} from a proxy");
    }
    for status in [401, 408, 500, 302] {
        assert!(!write("/quotas/assign", status, "{}").unwrap_err().is_refusal(), "{status}");
    }
}

#[test]
fn each_error_knows_its_status() {
    for status in [400, 401, 403, 404, 413, 422, 500, 503] {
        assert_eq!(read("/quotas", status, "").unwrap_err().status(), Some(status));
    }
}

#[test]
fn json_without_its_end_is_no_answer() {
    let cut = Outcome { body: body_of("{\"quotas\":[{"), ..Outcome::answer(200) }.noticing_a_cut_object();
    assert_eq!(cut.event, Event::NoAnswer);
    let whole =
        Outcome { body: body_of("{\"quotas\":[]}\n"), ..Outcome::answer(200) }.noticing_a_cut_object();
    assert_eq!(whole.event, Event::Status(200));
    let error = Outcome { body: body_of("{\"title\":"), ..Outcome::answer(400) }.noticing_a_cut_object();
    assert_eq!(error.event, Event::Status(400), "an error's status stands without its words");
}

#[test]
fn a_part_of_an_answer_is_no_answer_although_it_is_whole_json() {
    let part = Outcome { body: body_of("{\"quotas\":[]}"), ..Outcome::answer(206) }.noticing_a_cut_object();
    assert_eq!((part.event, part.reason.contains("206")), (Event::NoAnswer, true));
    assert_eq!(write("/quotas/assign", 206, "{}"), Ok(Vec::new()), "what was written is read back");
}

#[test]
fn a_page_in_answer_to_a_write_leaves_its_outcome_unknown() {
    let login = "\n<!DOCTYPE html><title>Please sign in</title>";
    let error = write("/quotas/assign", 200, login).unwrap_err();
    assert!(matches!(error, Error::Unknown { status: Some(200), .. }), "{error:?}");
    assert!(error.to_string().contains("HTML page"), "{error}");
    let empty = Outcome { is_html: true, ..Outcome::answer(204) };
    assert!(empty.conclude(call("POST", "/quotas/unassign"), false, "").is_ok(), "nothing came instead");
}

#[test]
fn the_fields_that_the_server_named_are_kept() {
    let body = r#"{"title":"Bad request","status":400,"errors":[
        {"code":"Q-7","field":"organizations[0].value","message":"must not be negative"},
        {"code":"Q-8","field":"organizations[3].orgId"},{}]}"#;
    let error = write("/quotas/assign", 400, body).unwrap_err();
    let fields: Vec<String> = error.fields().iter().map(ToString::to_string).collect();
    assert_eq!(fields, ["organizations[0].value: must not be negative", "organizations[3].orgId: Q-8"]);
}

#[test]
fn the_token_never_shows_even_if_the_server_echoes_it() {
    let echo = format!(
        r#"{{"title":"no {TOKEN}","detail":"{TOKEN}{TOKEN}","errors":[{{"field":"{TOKEN}","message":"Bearer {TOKEN}"}}],
            "error":"{TOKEN}","error_description":"{TOKEN}"}}"#
    );
    for body in [echo.clone(), format!("plain {TOKEN}"), format!("{{ broken {TOKEN}")] {
        for status in [400, 401, 403, 404, 500] {
            for error in [read("/quotas", status, &body), write("/quotas/assign", status, &body)] {
                let error = error.unwrap_err();
                assert!(!format!("{error} {error:?}").contains(TOKEN), "{error:?}");
            }
        }
    }
}

#[test]
fn the_servers_message_is_one_short_line() {
    let long = "x".repeat(5000);
    for body in [format!(r#"{{"detail":"{long}"}}"#), long.clone()] {
        assert!(read("/quotas", 400, &body).unwrap_err().to_string().chars().count() < 500);
    }
    let sly = "{\"detail\":\"a\\u001b[31m\\nb\\u202e c\\u0000\"}";
    assert!(read("/quotas", 400, sly).unwrap_err().to_string().contains("(400: a [31m b c)"));
}

/// Read these as a person who meets them at night.
#[test]
fn errors_say_what_happened_and_what_to_do() {
    let problem = r#"{"type":"about:blank","title":"Validation failed","status":400,"detail":"Two fields are wrong.",
        "errors":[{"code":"Q-7","field":"organizations[0].accountGroups[3].value","message":"must not be negative."},
        {"code":"Q-9","field":"organizations[1].orgId","message":"is unknown"}]}"#;
    let without_answer = |event, reason: &str, method, path| {
        let is_read = method == "GET";
        Outcome::without_answer(event, reason.into()).conclude(call(method, path), is_read, "").unwrap_err()
    };
    let too_large = Outcome { reason: "the answer is larger than 999 bytes".into(), ..Outcome::answer(200) };
    let texts: Vec<String> = [
        read("/quotas", 401, r#"{"error":"invalid_token","error_description":"The token has expired"}"#)
            .unwrap_err(),
        write("/quotas/assign", 401, "").unwrap_err(),
        write("/quotas/assign", 403, r#"{"title":"Forbidden","status":403}"#).unwrap_err(),
        read("/usage", 403, r#"{"title":"Forbidden","detail":"Missing permission."}"#).unwrap_err(),
        read("/account-groups", 403, "").unwrap_err(),
        read("/quotas", 403, "<!doctype html><title>Blocked</title>").unwrap_err(),
        write("/quotas/account-groups/assign", 400, problem).unwrap_err(),
        write("/quotas/assign", 400, "").unwrap_err(),
        read("/usage", 404, r#"{"title":"URI Resource Not Found","status":404}"#).unwrap_err(),
        write("/quotas/assign", 413, "").unwrap_err(),
        write("/quotas/assign", 503, r#"{"title":"Internal server error","status":503}"#).unwrap_err(),
        read("/usage", 500, "upstream connect error").unwrap_err(),
        read("/quotas", 302, "").unwrap_err(),
        write("/quotas/assign", 307, "").unwrap_err(),
        read("/quotas", 200, " <html><body>Sign in</body></html>").unwrap_err(),
        too_large.conclude(call("GET", "/usage"), true, "").unwrap_err(),
        without_answer(Event::NoAnswer, "no complete answer within 30 s (api.timeout)", "GET", "/usage"),
        without_answer(Event::NoAnswer, "no complete answer: connection reset", "POST", "/quotas/assign"),
        without_answer(
            Event::NotConnected,
            "cannot connect to api.example.com: refused.",
            "POST",
            "/quotas/assign",
        ),
        Error::RateLimited {
            call: call("GET", "/usage"),
            status: 429,
            within: std::time::Duration::from_secs(600),
        },
    ]
    .iter()
    .map(ToString::to_string)
    .collect();
    insta::assert_snapshot!(texts.join("\n"));
}

#[test]
fn an_answer_that_is_cut_after_an_object_is_no_answer_where_the_connection_ends_it() {
    let event = |body: &str, is_undelimited| {
        let outcome = Outcome { body: body_of(body), is_undelimited, ..Outcome::answer(200) };
        outcome.noticing_a_cut_object().event
    };
    let cut = r#"{"quotas":[{"organizationQuota":{"orgId":"1"}}"#;
    assert_eq!(event(cut, true), Event::NoAnswer);
    assert_eq!(event(cut, false), Event::Status(200), "with a length, it is what the server wanted to say");
    assert_eq!(event(&format!("{cut}]}}\n"), true), Event::Status(200));
    assert_eq!(event(r#"{"a":1}}"#, true), Event::Status(200), "odd, and not cut");
}

#[test]
fn a_write_without_a_clear_answer_says_how_long_the_server_asks_for() {
    let failed = |seconds| {
        let limits = Limits { retry_after: Some(Duration::from_secs(seconds)), ..Limits::default() };
        Outcome { limits, ..Outcome::answer(503) }
            .conclude(call("POST", "/quotas/assign"), false, "")
            .unwrap_err()
    };
    assert_eq!(failed(20).without_answer(), Some(("the server failed (503)", Duration::from_secs(20))));
    assert_eq!(failed(3600).without_answer(), Some(("the server failed (503)", Duration::from_secs(65))));
}

#[test]
fn a_server_that_asks_for_too_long_a_wait_is_not_asked_again() {
    let limits = Limits { retry_after: Some(Duration::from_secs(3600)), ..Limits::default() };
    let outcome = Outcome { limits, ..Outcome::answer(503) };
    let error = outcome.conclude(call("GET", "/quotas"), true, "").unwrap_err().to_string();
    assert_eq!(
        error,
        "GET /quotas: the server failed (503) and asks for no request within 3600 seconds: try later."
    );
    let error = read("/quotas", 503, "").unwrap_err().to_string();
    assert_eq!(error, "GET /quotas: the server failed (503). Trying again did not help: try later.");
}
