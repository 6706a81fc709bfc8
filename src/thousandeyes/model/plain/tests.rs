//! Answers read in one go, and field by field.

use proptest::prelude::*;

use super::*;
use crate::thousandeyes::model;
use crate::thousandeyes::model::tests::any_value;

fn objects(names: &[&str], entries: &[Vec<(prop::sample::Index, &'static str)>]) -> Vec<String> {
    let object = |fields: &Vec<(prop::sample::Index, &str)>| {
        let field = |(name, value): &(prop::sample::Index, &str)| format!("\"{}\":{value}", name.get(names));
        format!("{{{}}}", fields.iter().map(field).collect::<Vec<_>>().join(","))
    };
    entries.iter().map(object).collect()
}

#[test]
fn an_ordinary_answer_is_plain_and_one_with_a_test_of_nobody_is_not() {
    let answer = |aid: &str| {
        format!(
            r#"{{"usage":{{"quota":{{"monthStart":"2026-11-05T00:00:00Z","cloudUnitsIncluded":9}},"cloudUnitsUsed":7,
                "tests":[{{{aid}"testName":"t","cloudUnitsUsed":7}}],"enterpriseAgentUnits":[]}},"_links":{{}}}}"#
        )
    };
    let plain = usage(&answer(r#""aid":"1","#)).unwrap();
    assert_eq!(plain.tests.map(|tests| tests.len()), Some(1));
    assert_eq!(plain.agents, Some(Vec::new()));
    for odd in [answer(""), answer(r#""aid":"","#), r#"{"usage":{}}"#.to_owned()] {
        assert_eq!(usage(&odd), None, "{odd}");
    }
}

proptest! {
    #[test]
    fn what_is_plain_reads_the_same_field_by_field(
        entries in prop::collection::vec(prop::collection::vec((any::<prop::sample::Index>(), any_value()), 0..5), 0..3),
    ) {
        let names = ["aid", "accountGroupName", "orgId", "organizationName", "other"];
        let groups = objects(&names, &entries);
        let answer = format!(r#"{{"accountGroups":[{}],"_links":null}}"#, groups.join(","));
        if let Some(plain) = account_groups(&answer) {
            prop_assert_eq!(model::account_groups::account_groups_carefully(&answer), Ok((plain, model::LeftOut::default())));
        }
    }

    #[test]
    fn usage_that_is_plain_reads_the_same_field_by_field(
        entries in prop::collection::vec(prop::collection::vec((any::<prop::sample::Index>(), any_value()), 0..5), 0..3),
        own in prop::collection::vec((any::<prop::sample::Index>(), any_value()), 0..5),
        cycle in prop::collection::vec((any::<prop::sample::Index>(), any_value()), 0..3),
        lists in prop::sample::select(vec!["tests", "enterpriseAgentUnits", "both", "none"]),
    ) {
        let units = ["cloudUnitsUsed", "cloudUnitsProjected", "enterpriseUnitsUsed", "enterpriseUnitsProjected"];
        let entry = [&["aid", "aid", "testName", "testType", "agentName", "agentId", "other"][..], &units].concat();
        let total = [&["connectedDevicesUnitsUsed", "cloudUnitsNextBillingPeriod", "other"][..], &units].concat();
        let time = "\"2026-11-05T00:00:00.5Z\"";
        let list = objects(&entry, &entries).join(",");
        let mut fields = vec![objects(&total, &[own])[0].trim_matches(['{', '}']).to_owned()];
        fields.push(format!(r#""quota":{}"#, objects(&["cloudUnitsIncluded", "monthEnd"], &[cycle])[0].replace("\"5\"", time)));
        let named = ["tests", "enterpriseAgentUnits"].into_iter().filter(|name| lists == "both" || lists == *name);
        fields.extend(named.map(|name| format!(r#""{name}":[{list}]"#)));
        let fields: Vec<String> = fields.into_iter().filter(|field| !field.is_empty()).collect();
        let answer = format!(r#"{{"usage":{{{}}},"_links":null}}"#, fields.join(","));
        if let Some(plain) = usage(&answer) {
            prop_assert_eq!(model::usage::usage_carefully(&answer), Ok(plain));
        }
    }
}
