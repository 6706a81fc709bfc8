//! Quotas read in one go, and field by field.

use proptest::prelude::*;

use super::*;
use crate::thousandeyes::model::tests::{any_value, text};

fn entry(json: &str) -> Box<RawValue> {
    RawValue::from_string(json.to_owned()).unwrap()
}

#[test]
fn an_ordinary_entry_is_plain() {
    let ordinary =
        r#"{"organizationQuota":{"orgId":"1","value":9},"accountGroupQuotas":[{"aid":"5","value":7}]}"#;
    assert!(plain_entry(&entry(ordinary)).is_some());
    for odd in [
        r#"{"organizationQuota":{"orgId":"1","value":-1}}"#,
        r#"{"accountGroupQuotas":[{"aid":"","value":1}]}"#,
    ] {
        assert!(plain_entry(&entry(odd)).is_none(), "{odd}");
    }
}

#[test]
fn a_body_is_read_in_one_go_unless_anything_in_it_is_odd() {
    let entry =
        r#"{"organizationQuota":{"orgId":"1","value":9},"accountGroupQuotas":[{"aid":"5","value":7}]}"#;
    let read = |links: &str| read_plainly(&format!(r#"{{"quotas":[{entry}],"_links":{links}}}"#)).unwrap();
    let (quotas, next) = read(r#"{"self":{"href":"x"}}"#);
    assert_eq!((quotas.len(), next), (1, None));
    assert_eq!(read(r#"{"next":{"href":"?page=2"}}"#).1.as_deref(), Some("?page=2"));
    for odd in [
        format!(r#"{{"quotas":[{entry}],"error":"x"}}"#),
        format!(r#"{{"quotas":[{entry}],"quotas":[]}}"#),
        r#"{"quotas":null}"#.to_owned(),
        "{}".to_owned(),
        format!(r#"{{"quotas":[{entry},7]}}"#),
    ] {
        assert!(read_plainly(&odd).is_none(), "{odd}");
    }
}

proptest! {
    #[test]
    fn what_is_plain_reads_the_same_field_by_field(
        fields in prop::collection::vec((prop::sample::select(vec!["orgId", "value", "aid", "other"]), any_value()), 0..4),
        groups in prop::collection::vec(prop::collection::vec((prop::sample::select(vec!["aid", "value", "other"]), any_value()), 0..4), 0..3),
        shape in 0..4_u8,
        next in prop::sample::select(vec!["null", "7", "{}", r#"{"href":null}"#, r#"{"href":""}"#, r#"{"href":"?b"}"#]),
    ) {
        let object = |fields: &[(&str, &str)]| {
            let fields: Vec<String> = fields.iter().map(|(name, value)| format!("\"{name}\":{value}")).collect();
            format!("{{{}}}", fields.join(","))
        };
        let groups: Vec<String> = groups.iter().map(|group| object(group)).collect();
        let (own, groups) = (object(&fields), groups.join(","));
        let json = match shape {
            0 => format!(r#"{{"organizationQuota":{own}}}"#),
            1 => format!(r#"{{"organizationQuota":null,"accountGroupQuotas":[{groups}]}}"#),
            2 => format!(r#"{{"organizationQuota":{own},"accountGroupQuotas":null}}"#),
            _ => format!(r#"{{"organizationQuota":{own},"accountGroupQuotas":[{groups}]}}"#),
        };
        let answer = format!(r#"{{"quotas":[{json},{json}],"_links":{{"self":null,"next":{next}}}}}"#);
        if let Some(plain) = read_plainly(&answer) {
            prop_assert_eq!(Ok(plain), read_carefully(&answer, &mut 0));
        }
        let entry = entry(&json);
        if let Some(plain) = plain_entry(&entry) {
            prop_assert_eq!(plain, careful_entry(&entry).unwrap());
        }
    }
}

#[test]
fn of_many_quotas_that_cannot_be_read_one_stands_for_those_of_an_organization_over_all_pages() {
    let page = |from: usize| {
        let entry = |org_id: usize| {
            let groups: Vec<String> =
                (0..900).map(|aid| format!(r#"{{"aid":"{aid}","value":-1}}"#)).collect();
            format!(
                r#"{{"organizationQuota":{{"orgId":"{org_id}","value":1}},"accountGroupQuotas":[{}]}}"#,
                groups.join(",")
            )
        };
        let entries: Vec<String> = (from..from + 10).map(entry).collect();
        format!(r#"{{"quotas":[{}]}}"#, entries.join(","))
    };
    let mut so_far = SoFar::default();
    let counts = |so_far: &mut SoFar, from| {
        let seen = quotas(text(page(from)), so_far).unwrap().0;
        seen.iter().map(|seen| seen.unreadable.len()).collect::<Vec<_>>()
    };
    assert_eq!(counts(&mut so_far, 0), [900; 10]);
    assert_eq!(counts(&mut so_far, 10), [[900].as_slice(), &[1; 9]].concat());
    let last = quotas(text(page(20)), &mut so_far).unwrap().0.pop().unwrap();
    assert_eq!(last.unreadable[0].whose, UnreadableTarget::SomeAccountGroup);
}

#[test]
fn over_a_hundred_thousand_organizations_are_no_answer_on_however_many_pages() {
    let page = |count: usize, entry: &str| format!(r#"{{"quotas":[{}]}}"#, vec![entry; count].join(","));
    let named = r#"{"organizationQuota":{"orgId":"1","value":1}}"#;
    let nameless = r#"{"accountGroupQuotas":[{"aid":"1","value":1}]}"#;
    for entry in [named, nameless] {
        let mut so_far = SoFar::default();
        assert!(quotas(text(page(100_000, entry)), &mut so_far).is_ok());
        let odd = quotas(text(page(1, entry)), &mut so_far).unwrap_err();
        assert!(odd.0.contains("over 100000 organizations"), "{odd}");
    }
}
