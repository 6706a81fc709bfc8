//! Numbers and texts as servers may write them, and the field names against the vendor's description.

use super::*;

fn object(json: &str) -> Object<'_> {
    Object::of_answer(json).unwrap()
}

fn number(json: &str) -> Option<Units> {
    object(&format!(r#"{{"n":{json}}}"#)).units("n").ok().flatten()
}

fn field_text(json: &str) -> Option<String> {
    object(&format!(r#"{{"t":{json}}}"#)).text("t").ok().flatten().map(Cow::into_owned)
}

#[test]
fn a_number_is_taken_if_it_is_exact() {
    for (json, units) in [
        ("12", 12),
        ("12.0", 12),
        ("1.5e3", 1500),
        ("3e3", 3000),
        ("1200e-2", 12),
        ("0.0", 0),
        ("0e999", 0),
        ("\"12\"", 12),
        ("-1", -1),
        ("9223372036854775807", Units::MAX),
        ("9007199254740993.0", 9_007_199_254_740_993),
    ] {
        assert_eq!(number(json), Some(units), "{json}");
    }
}

#[test]
fn a_number_that_is_not_whole_or_too_large_is_odd_and_nothing_is_rounded() {
    for json in [
        "12.5",
        "3000.0000000000000001",
        "9223372036854775808",
        "1e300",
        "1e99999999999999999999",
        "15e-1",
        "\"12,000\"",
        "\"\"",
        "\"1e3\"",
        "true",
        "[]",
        "{}",
    ] {
        assert!(object(&format!(r#"{{"n":{json}}}"#)).units("n").is_err(), "{json}");
    }
}

#[test]
fn an_id_may_come_as_a_number_and_an_empty_one_is_none() {
    assert_eq!(field_text("\"204117\"").as_deref(), Some("204117"));
    assert_eq!(field_text("204117").as_deref(), Some("204117"));
    assert_eq!(field_text("204117.0").as_deref(), Some("204117"));
    assert_eq!(field_text("\"\""), None);
    for odd in ["204117.5", "true", "{}", "[1]"] {
        assert!(object(&format!(r#"{{"t":{odd}}}"#)).text("t").is_err(), "{odd}");
    }
}

#[test]
fn a_plain_text_is_borrowed_and_one_with_escapes_is_not() {
    let json = r#"{"a":"Trading Floor","b":"Payments \u2013 Core"}"#;
    let object = object(json);
    assert!(matches!(object.text("a"), Ok(Some(Cow::Borrowed("Trading Floor")))));
    assert_eq!(object.text("b").unwrap().unwrap(), "Payments – Core");
}

#[test]
fn a_key_that_comes_twice_is_odd_unless_both_say_the_same() {
    let object = object(r#"{"value":3000,"value":4000,"aid":"1","aid":"1"}"#);
    assert_eq!(object.units("value").unwrap_err().0, "`value` comes twice, as 3000 and as 4000");
    assert_eq!(object.text("aid").unwrap().unwrap(), "1");
}

/// The description is not part of the repository: the test says so where it is not there.
#[test]
fn every_field_name_is_one_of_the_vendors_description() {
    const DESCRIPTION: &str =
        concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/api/thousandeyes-v7-quotas.openapi.yaml");
    let Ok(description) = fs_err::read_to_string(DESCRIPTION) else {
        println!("skipped: the API description is not beside this repository");
        return;
    };
    // What is written here, as the derives spell it, and what is read there.
    let mut names: Vec<String> = ["_links", "org_id", "account_groups", "organizations", "error_description"]
        .map(|name| {
            if name.starts_with('_') || name.starts_with("error") {
                name.to_owned()
            } else {
                camel_case(name)
            }
        })
        .into();
    let source = concat!(
        include_str!("../model.rs"),
        include_str!("../model/account_groups.rs"),
        include_str!("../model/usage.rs")
    );
    for call in [
        ".units(\"",
        ".text(\"",
        ".id(\"",
        ".object(\"",
        ".each(\"",
        "(row, \"",
        "(&period, \"",
        "(&details, \"",
    ] {
        names.extend(source.split(call).skip(1).filter_map(|rest| rest.split('"').next()).map(str::to_owned));
    }
    assert!(names.len() > 40, "the fields were not found: {names:?}");
    for name in names {
        let known = description.lines().any(|line| line.trim() == format!("{name}:"));
        assert!(known, "the description has no field {name}");
    }
}

fn camel_case(name: &str) -> String {
    let mut words = name.split('_');
    let mut camel = words.next().unwrap_or_default().to_owned();
    for word in words {
        camel.push_str(&word[..1].to_ascii_uppercase());
        camel.push_str(&word[1..]);
    }
    camel
}
