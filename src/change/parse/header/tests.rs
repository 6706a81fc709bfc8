//! Headers under our names, the API's, and those of people.

use super::*;

#[test]
fn a_header_is_known_by_our_name_by_the_apis_and_by_obvious_ones() {
    let known = |name: &str| field(name, &BTreeMap::new());
    for name in ["org_id", "orgId", "Org ID", " ORG-ID ", "organization id", "org"] {
        assert_eq!(known(name), Some(Field::OrgId), "{name}");
    }
    for name in ["aid", "accountGroupId", "Account Group ID", "account_group"] {
        assert_eq!(known(name), Some(Field::Aid), "{name}");
    }
    for name in ["account_group_name", "Account Group Name", "accountGroupName"] {
        assert_eq!(known(name), Some(Field::GroupName), "{name}");
    }
    for name in ["org_name", "Organization name", "organizationName"] {
        assert_eq!(known(name), Some(Field::OrgName), "{name}");
    }
    for name in ["name", "group", "value2", ""] {
        assert_eq!(known(name), None, "{name}");
    }
}

#[test]
fn each_field_stands_at_its_own_number_and_can_be_configured() {
    for (index, (field, name, aliases)) in NAMES.into_iter().enumerate() {
        assert_eq!(field as usize, index, "{name}");
        assert!(
            aliases.contains(&normalized(name).as_str()) && crate::config::FIELDS.contains(&name),
            "{name}"
        );
    }
    assert_eq!(crate::config::FIELDS.len(), NAMES.len());
}

#[test]
fn a_configured_header_is_compared_without_case() {
    let configured = BTreeMap::from([("Neues Limit".to_owned(), "value".to_owned())]);
    assert_eq!(field("NEUES LIMIT", &configured), Some(Field::Value));
}

#[test]
fn the_delimiter_is_what_makes_the_header_readable() {
    let detect = |text| detect_delimiter(text, &BTreeMap::new());
    assert_eq!(detect("aid,value"), ',');
    assert_eq!(detect("# a, b, c\n;;\naid;value;a,b,c"), ';');
    assert_eq!(detect("aid\tvalue"), '\t');
    assert_eq!(detect("aid|value"), '|');
    assert_eq!(detect("\"aid\";\"value\";\"a,b,c,d\""), ';');
    assert_eq!(detect("value"), ',');
}

#[test]
fn excels_separator_line_is_honoured_and_nothing_else_is_taken_for_one() {
    assert_eq!(separator_line("sep=;\r\na;b"), Some((';', "a;b")));
    assert_eq!(separator_line("\"SEP=|\"\na|b"), Some(('|', "a|b")));
    let long = format!("sep=;{}\naid;value", " ".repeat(100));
    for other in ["", "sep=", "sep=;;", "aid,value\n", "sépâ", &long, &"é".repeat(100)] {
        assert_eq!(separator_line(other), None, "{other}");
    }
}

#[test]
fn a_record_of_what_quotas_were_is_no_change_file_unless_it_says_what_was_seen_or_is_configured() {
    let problems = |names: &[&str], configured: &BTreeMap<String, String>| {
        let cells = names.iter().map(|name| Cow::Borrowed(*name)).collect();
        Header::read(&Row { number: 1, cells, torn: None }, configured).1
    };
    let (none, theirs) = (BTreeMap::new(), BTreeMap::from([("Quota".to_owned(), "value".to_owned())]));
    for beside in OF_RECORDS {
        let table = ["org_id", "aid", "quota", beside];
        let said = problems(&table, &none).join(" ");
        assert!(said.contains(beside) && said.contains("Rename `quota` to `expected_value`"), "{said}");
        assert_eq!(problems(&table, &theirs), Vec::<String>::new());
        assert_eq!(
            problems(&["org_id", "aid", "expected_value", beside, "value"], &none),
            Vec::<String>::new()
        );
        assert_eq!(
            problems(&["org_id", "aid", "quota", beside, "expected_value"], &none),
            Vec::<String>::new()
        );
    }
    assert_eq!(problems(&["org_id", "aid", "quota", "used"], &none), Vec::<String>::new());
}
