//! Numbers and texts as servers may write them, and the field names against the vendor's description.

use super::*;

fn number(json: &str) -> Option<Units> {
    serde_json::from_str::<Number>(json).ok().map(|number| number.0)
}

fn text(json: &str) -> Option<String> {
    serde_json::from_str::<Text<'_>>(json).ok().map(|text| text.0.into_owned())
}

#[test]
fn a_number_is_taken_if_it_is_exact() {
    assert_eq!(number("12"), Some(12));
    assert_eq!(number("12.0"), Some(12));
    assert_eq!(number("1.5e3"), Some(1500));
    assert_eq!(number("\"12\""), Some(12));
    assert_eq!(number("-1"), Some(-1));
    assert_eq!(number("9223372036854775807"), Some(Units::MAX));
}

#[test]
fn a_number_that_is_not_whole_or_too_large_is_an_error() {
    for json in
        ["12.5", "9223372036854775808", "1e300", "9007199254740993.0", "\"12,000\"", "\"\"", "true", "[]"]
    {
        assert_eq!(number(json), None, "{json}");
    }
}

#[test]
fn an_id_may_come_as_a_number() {
    assert_eq!(text("\"204117\"").as_deref(), Some("204117"));
    assert_eq!(text("204117").as_deref(), Some("204117"));
    assert_eq!(text("204117.0").as_deref(), Some("204117"));
    assert_eq!(text("204117.5"), None);
}

#[test]
fn a_plain_text_is_borrowed_and_one_with_escapes_is_not() {
    let plain: Text<'_> = serde_json::from_str("\"Trading Floor\"").unwrap();
    assert!(matches!(plain.0, Cow::Borrowed("Trading Floor")));
    let escaped: Text<'_> = serde_json::from_str(r#""Payments \u2013 Core""#).unwrap();
    assert_eq!(escaped.0, "Payments – Core");
}

#[test]
fn optional_texts_are_borrowed_too() {
    let group: AccountGroup<'_> = serde_json::from_str(r#"{"accountGroupName":"EMEA Branches"}"#).unwrap();
    assert!(matches!(group.account_group_name, Some(Text(Cow::Borrowed("EMEA Branches")))));
}

#[test]
fn null_arrays_and_null_entries_are_empty() {
    assert!(serde_json::from_str::<Quotas<'_>>(r#"{"quotas":null}"#).unwrap().quotas.is_empty());
    assert!(serde_json::from_str::<Quotas<'_>>(r#"{"quotas":[null]}"#).unwrap().quotas.is_empty());
    assert!(serde_json::from_str::<Quotas<'_>>("{}").unwrap().quotas.is_empty());
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
    // What this file reads and writes, as the derives spell it.
    let mut names = vec!["_links", "org_id", "error_description"];
    let source = include_str!("../wire.rs");
    names.extend(source.lines().filter_map(|line| {
        let (name, _) = line.strip_prefix("    pub ")?.split_once(": ")?;
        Some(name)
    }));
    assert!(names.len() > 40, "the fields of wire.rs were not found");
    for name in names {
        let wire_name = match name {
            "links" => "_links".to_owned(),
            "error_description" | "_links" => name.to_owned(),
            name => camel_case(name),
        };
        let known = description.lines().any(|line| line.trim() == format!("{wire_name}:"));
        assert!(known, "the description has no field {wire_name}");
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
