//! Secrets in each shape in which they come back.

use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use proptest::prelude::*;

use super::*;

#[test]
fn a_secret_is_found_in_every_shape_in_which_servers_repeat_it() {
    let secret = "tk-7Qx?~9_ZéKw>";
    register(secret);
    let percent = secret.bytes().fold(String::new(), |text, byte| text + &format!("%{byte:02x}"));
    let some = secret.replace('?', "%3F").replace('é', "%C3%A9");
    let of_each = |shape: &dyn Fn(char) -> String| secret.chars().map(shape).collect::<String>();
    let hexadecimal = percent.replace('%', "");
    let half = secret.len() / 2 - 1;
    let split = |with: &str| format!("{}{with}{}", &secret[..half], &secret[half..]);
    let base64 = BASE64_STANDARD.encode(secret);
    for text in [
        secret.to_owned(),
        secret.to_uppercase().replace('É', "é"),
        percent.clone(),
        percent.to_uppercase(),
        some,
        format!("{secret:?}"),
        BASE64_URL_SAFE_NO_PAD.encode(secret),
        hexadecimal.to_uppercase(),
        hexadecimal,
        of_each(&|c| format!("\\u{:04x}", u32::from(c))),
        of_each(&|c| format!("\\u{:04X}", u32::from(c))),
        of_each(&|c| format!("&#{};", u32::from(c))),
        of_each(&|c| format!("&#x{:X};", u32::from(c))),
        secret.replace('>', "&gt;"),
        split("\n"),
        split("\r\n "),
        split("\\n"),
        split("%0A"),
        format!("{}\r\n{}", &base64[..8], &base64[8..]),
    ] {
        let said = redact(&text).into_owned();
        assert!(said.contains(REDACTED) && said.len() <= REDACTED.len() + 3, "{text}: {said}");
    }
    register("a/slash+tk");
    assert_eq!(redact(r#"{"title":"no a\/slash+tk here"}"#), format!(r#"{{"title":"no {REDACTED} here"}}"#));
    // AUTH PLAIN and Basic put the user in front.
    for user in ["", "a", "ab", "abc"] {
        let login = BASE64_STANDARD.encode(format!("{user}:{secret}@"));
        assert_eq!(redact(&format!("535 <{login}> no")), format!("535 <{REDACTED}> no"));
    }
    assert_eq!(redact("refused: tk-7Qx?…"), format!("refused: {REDACTED}…"));
    assert_eq!(redact("the body ends with tk-7Qx?~9"), format!("the body ends with {REDACTED}"));
    assert_eq!(redact("tk-7 and 7Qx?~ are no secrets"), "tk-7 and 7Qx?~ are no secrets");
}

#[test]
fn no_url_shows_its_user_and_password() {
    for (text, shown) in [
        (
            "such as http://user:password@proxy.example:3128",
            "such as http://user:password@proxy.example:3128",
        ),
        ("PUT http://bob:pw@push.example/x refused", "PUT http://[redacted]@push.example/x refused"),
        (
            "`https://u:p/w@h/` and https://api.example/v7",
            "`https://[redacted]@h/` and https://api.example/v7",
        ),
        ("mail ops@example.com, see https://example.com", "mail ops@example.com, see https://example.com"),
    ] {
        assert_eq!(redact(text), shown);
        assert_eq!(redact(shown), shown);
    }
}

#[test]
fn secrets_that_pass_crowd_out_no_other() {
    register("read-once-at-the-start");
    for number in 0..2 * REMEMBERED {
        register_passing(&format!("passing-secret-{number:04}"));
    }
    assert_eq!(redact("read-once-at-the-start"), REDACTED);
    let last = format!("passing-secret-{:04}", 2 * REMEMBERED - 1);
    assert_eq!(redact(&last), REDACTED);
    assert_eq!(redact("passing-secret-0000"), "passing-secret-0000");
}

#[test]
fn a_secret_is_found_behind_its_own_beginning_and_twice_in_a_row() {
    register("zzq-zzq-7");
    for (text, shown) in [
        ("zzq-zzq-zzq-7", format!("zzq-{REDACTED}")),
        ("ZZzq-zzQ-7", format!("Z{REDACTED}")),
        ("zzq-zzq-7zzq-zzq-7z", format!("{REDACTED}{REDACTED}z")),
        ("zzq-zzq-", REDACTED.to_owned()), // cut off
    ] {
        assert_eq!(redact(text), shown, "{text}");
    }
}

#[test]
fn short_secrets_are_words() {
    register("abcde");
    assert_eq!(redact("abcde"), "abcde");
}

proptest! {
    #[test]
    fn what_is_around_a_secret_stays(before in "[a-z %é]{0,9}", after in "[ .a-z%é][a-z %é]{0,9}") {
        register("S3CRET-OF-A-PROPERTY");
        let text = format!("{before}S3CRET-OF-A-PROPERTY{after}");
        prop_assert_eq!(redact(&text), format!("{before}{REDACTED}{after}"));
    }
}
