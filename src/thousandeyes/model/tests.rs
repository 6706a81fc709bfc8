//! The shapes of the vendor's examples with other names and numbers, whole and with everything missing.

use proptest::prelude::*;

use super::quotas::MOST_UNREADABLE;
use super::*;
use crate::testing::fuzz::fuzzed;

/// What may stand where a number or an id is expected.
pub(super) fn any_value() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "0",
        "7",
        "-1",
        "12.0",
        "1e3",
        "null",
        "\"\"",
        "\"5\"",
        "\"\\u0035\"",
        "true",
        "[]",
        "{}",
        "9223372036854775808",
    ])
}

pub(super) fn text(json: impl AsRef<[u8]>) -> AnswerText {
    AnswerText::new(json.as_ref().to_vec(), 0)
}

fn quotas(json: impl AsRef<[u8]>) -> Result<Page<OrganizationQuotas>, Unexpected> {
    super::quotas(text(json), &mut SoFar::default())
}

fn account_groups(json: impl AsRef<[u8]>) -> Result<(Page<AccountGroup>, LeftOut), Unexpected> {
    super::account_groups(text(json))
}

fn usage(json: impl AsRef<[u8]>) -> Result<OrganizationUsage, Unexpected> {
    super::usage(text(json))
}

fn parse_quotas(json: &str) -> Vec<OrganizationQuotas> {
    quotas(json).unwrap().0
}

fn parse_usage(json: &str) -> OrganizationUsage {
    usage(json).unwrap()
}

#[test]
fn quotas_come_as_organizations_with_their_account_groups() {
    let seen = parse_quotas(
        r#"{"quotas":[{"organizationQuota":{"orgId":"71","value":30500},
            "accountGroupQuotas":[{"aid":"801","value":9000},{"aid":802,"value":7000.0}],"extra":[1]}],
            "_links":{"self":{"href":"https://api.example.com/v7/quotas"}}}"#,
    );
    let groups = vec![(Aid::from("801"), 9000), (Aid::from("802"), 7000)];
    assert_eq!(
        seen,
        [OrganizationQuotas {
            org_id: Some("71".into()),
            value: Some(30_500),
            account_groups: groups,
            unreadable: Vec::new()
        }]
    );
}

#[test]
fn quota_entries_with_nothing_in_them_are_left_out() {
    let seen = parse_quotas(
        r#"{"quotas":[{},{"organizationQuota":null,"accountGroupQuotas":null},{"organizationQuota":{"orgId":"71"}},
            {"organizationQuota":{"value":5}},{"accountGroupQuotas":[{"aid":"802","value":0}]}]}"#,
    );
    assert_eq!(
        seen,
        [
            OrganizationQuotas { value: Some(5), ..OrganizationQuotas::default() },
            OrganizationQuotas { account_groups: vec![("802".into(), 0)], ..OrganizationQuotas::default() },
        ]
    );
}

/// What cannot be read of an answer with one organization and these account groups.
fn unreadable_groups(groups: &str) -> Vec<(UnreadableTarget, String)> {
    let json = format!(
        r#"{{"quotas":[{{"organizationQuota":{{"orgId":"1","value":9}},"accountGroupQuotas":[{groups},{{"aid":"7","value":7}}]}}]}}"#
    );
    let seen = parse_quotas(&json);
    assert_eq!(seen[0].account_groups, [(Aid::from("7"), 7)], "the others stay: {groups}");
    seen[0].unreadable.iter().map(|odd| (odd.whose.clone(), odd.why.clone())).collect()
}

#[test]
fn a_quota_that_cannot_be_read_is_named_and_never_none() {
    let of_five = |why: &str| vec![(UnreadableTarget::AccountGroup("5".into()), why.to_owned())];
    for (value, shown) in [
        ("1000.4", "1000.4"),
        ("\"\"", "\"\""),
        ("\"unlimited\"", "\"unlimited\""),
        ("true", "true"),
        ("9223372036854775808", "9223372036854775808"),
        ("{\"a\":1}", "an object"),
    ] {
        let seen = unreadable_groups(&format!(r#"{{"aid":"5","value":{value}}}"#));
        assert_eq!(seen, of_five(&format!("`value` is {shown}, not a whole number below 2^63")));
    }
    assert_eq!(
        unreadable_groups(r#"{"aid":"5","value":-1}"#),
        of_five("`value` is -1, and no quota is below 0")
    );
    assert_eq!(unreadable_groups(r#"{"aid":"5","value":null}"#), of_five("`value` is missing"));
    assert_eq!(
        unreadable_groups(r#"{"aid":"5","value":1,"value":2}"#),
        of_five("`value` comes twice, as 1 and as 2")
    );
    for nameless in
        [r#"{"value":3}"#, r#"{"aid":"","value":3}"#, r#"{"aid":true,"value":3}"#, "null", "[]", "7"]
    {
        let seen = unreadable_groups(nameless);
        assert!(matches!(&seen[..], [(UnreadableTarget::SomeAccountGroup, _)]), "{nameless}: {seen:?}");
    }
    let whole = parse_quotas(
        r#"{"quotas":[true,{"organizationQuota":{"orgId":"1","value":1.5}},{"organizationQuota":"x"}]}"#,
    );
    let targets: Vec<_> = whole.iter().map(|entry| entry.unreadable[0].whose.clone()).collect();
    assert_eq!(
        targets,
        [UnreadableTarget::Anybody, UnreadableTarget::Organization, UnreadableTarget::Anybody]
    );
}

#[test]
fn an_answer_without_its_main_field_is_unusable() {
    for json in [
        "{}",
        r#"{"error":"later"}"#,
        r#"{"quotas":null}"#,
        r#"{"quotas":{}}"#,
        r#"{"quotas":true}"#,
        "null",
        "[]",
        "7",
    ] {
        assert!(quotas(json).is_err(), "{json}");
    }
    for json in ["{}", r#"{"accountGroups":null}"#, r#"{"accountGroups":"none"}"#] {
        assert!(account_groups(json).is_err(), "{json}");
    }
    for json in ["{}", r#"{"usage":null}"#, r#"{"usage":{}}"#, r#"{"usage":[]}"#, r#"{"usage":1,"usage":2}"#]
    {
        assert!(usage(json).is_err(), "{json}");
    }
    assert_eq!(parse_quotas(r#"{"quotas":[]}"#), []);
}

#[test]
fn an_answer_says_where_its_next_page_is() {
    let next = |links: &str| {
        let of_quotas = quotas(format!(r#"{{"quotas":[],"_links":{links}}}"#)).map(|(_, next)| next);
        let groups = account_groups(format!(r#"{{"accountGroups":[],"_links":{links}}}"#));
        assert_eq!(of_quotas, groups.map(|((_, next), _)| next), "{links}");
        of_quotas
    };
    assert_eq!(
        next(r#"{"self":{"href":"/v7/quotas"},"next":{"href":"?page=2"}}"#),
        Ok(Some("?page=2".into()))
    );
    for none in ["null", "{}", r#"{"next":null}"#, r#"{"next":{}}"#, r#"{"next":{"href":""}}"#] {
        assert_eq!(next(none), Ok(None), "{none}");
    }
    for odd in ["true", r#"{"next":"?page=2"}"#, r#"{"next":{"href":{}}}"#] {
        assert!(next(odd).is_err(), "{odd}");
    }
}

#[test]
fn account_groups_need_an_id_and_nothing_else() {
    let json = r#"{"accountGroups":[{"aid":"801","accountGroupName":"Voice","orgId":"71","organizationName":"Acme Bank",
        "isDefaultAccountGroup":true},{"aid":"802"},{"accountGroupName":"nobody"}]}"#;
    let ((groups, _), left_out) = account_groups(json).unwrap();
    let whole = AccountGroup {
        aid: "801".into(),
        name: "Voice".into(),
        org_id: Some("71".into()),
        org_name: "Acme Bank".into(),
    };
    let bare = AccountGroup { aid: "802".into(), name: String::new(), org_id: None, org_name: String::new() };
    assert_eq!(groups, [whole, bare]);
    let first = Some("`aid` is missing in an entry of `accountGroups`".to_owned());
    assert_eq!(left_out, LeftOut { first, count: 1 });
}

#[test]
fn a_name_that_is_not_text_is_left_out_and_its_account_group_stays() {
    let json = r#"{"accountGroups":[{"aid":"801","accountGroupName":true,"orgId":"71"},{"aid":{}},7]}"#;
    let ((seen, _), left_out) = account_groups(json).unwrap();
    assert_eq!(
        seen.iter().map(|group| (group.aid.as_str(), group.name.as_str())).collect::<Vec<_>>(),
        [("801", "")]
    );
    let first = Some("`accountGroupName` is true, not a text in account group 801".to_owned());
    assert_eq!(left_out, LeftOut { first, count: 3 });
    for (json, why) in [
        (
            r#"{"accountGroups":[{"aid":{}}]}"#,
            "`aid` is an object, not a text in an entry of `accountGroups`",
        ),
        (r#"{"accountGroups":[7]}"#, "an entry of `accountGroups` is 7, not an object"),
    ] {
        assert_eq!(account_groups(json).unwrap().1, LeftOut { first: Some(why.to_owned()), count: 1 });
    }
}

#[test]
fn an_unreadable_part_is_not_many_times_as_large_as_the_answer() {
    let many = |entry: &str| vec![entry; 20_000].join(",");
    for entry in ["7", r#"{"organizationQuota":7}"#, r#"{"accountGroupQuotas":[7]}"#] {
        assert_eq!(parse_quotas(&format!(r#"{{"quotas":[{}]}}"#, many(entry))).len(), 2, "{entry}");
    }
    for (entry, kept) in [("7", 1), (r#"{"aid":"5"}"#, MOST_UNREADABLE + 1)] {
        let groups = many(entry);
        let json = format!(
            r#"{{"quotas":[{{"organizationQuota":{{"orgId":"1","value":1}},"accountGroupQuotas":[{groups}]}}]}}"#
        );
        let seen = parse_quotas(&json);
        assert_eq!(seen[0].unreadable.len(), kept, "{entry}");
        assert_eq!(seen[0].unreadable.last().unwrap().whose, UnreadableTarget::SomeAccountGroup, "{entry}");
    }
    assert_eq!(account_groups(format!(r#"{{"accountGroups":[{}]}}"#, many("7"))).unwrap().1.count, 20_000);
    let fields = many("\"\":0");
    assert!(quotas(format!(r#"{{{fields},"quotas":[]}}"#)).unwrap_err().0.contains("over 1000 fields"));
    let odd = parse_quotas(&format!(r#"{{"quotas":[{{{fields}}}]}}"#));
    assert_eq!(odd[0].unreadable[0].why, "an entry of `quotas` has over 1000 fields");
    let rows = usage(format!(r#"{{"usage":{{"cloudUnitsUsed":1,"tests":[{}]}}}}"#, many("{}"))).unwrap();
    assert!(rows.tests.is_empty());
}

const USAGE: &str = r#"{"usage":{
    "quota":{"monthStart":"2031-03-04T07:00:00Z","monthEnd":"2031-04-04T07:00:00.25Z","cloudUnitsIncluded":900000},
    "cloudUnitsUsed":450,"cloudUnitsProjected":980,"cloudUnitsNextBillingPeriod":1600,
    "enterpriseUnitsUsed":90,"enterpriseUnitsProjected":110,"enterpriseUnitsNextBillingPeriod":0,
    "connectedDevicesUnitsUsed":4,"connectedDevicesUnitsProjected":8,
    "tests":[
        {"aid":"801","testId":"11","testName":"https://shop.example.com","testType":"Web - HTTP Server","cloudUnitsUsed":400,"cloudUnitsProjected":900},
        {"aid":"801","testId":"12","testName":"new","cloudUnitsUsed":50},
        {"aid":"802","testId":"13","cloudUnitsProjected":30},
        {"testName":"of nobody","cloudUnitsUsed":0}],
    "enterpriseAgentUnits":[
        {"aid":"801","agentId":"5","agentName":"vm-5","enterpriseUnitsUsed":60,"enterpriseUnitsProjected":70},
        {"aid":"803","enterpriseUnitsUsed":30}]}}"#;

#[test]
fn usage_is_summed_by_account_group() {
    let seen = parse_usage(USAGE);
    let group = |aid| seen.account_group(&Aid::from(aid));
    let units = |cloud: [Units; 2], enterprise: [Units; 2]| Usage {
        cloud_used: Some(cloud[0]),
        cloud_projected: Some(cloud[1]),
        enterprise_used: Some(enterprise[0]),
        enterprise_projected: Some(enterprise[1]),
        ..Usage::default()
    };
    assert_eq!(group("801"), units([450, 950], [60, 70]));
    assert_eq!(group("802"), units([0, 30], [0, 0]));
    assert_eq!(group("803"), units([0, 0], [30, 30]));
    assert_eq!(group("999"), units([0, 0], [0, 0]), "a group that nothing names used nothing");
}

#[test]
fn a_missing_projection_counts_as_what_was_used() {
    let seen = parse_usage(USAGE);
    assert_eq!((seen.tests[1].used, seen.tests[1].projected), (Some(50), None));
    assert_eq!(seen.account_group(&Aid::from("801")).cloud_projected, Some(900 + 50));
}

#[test]
fn the_organizations_own_figures_are_taken_as_they_are() {
    let seen = parse_usage(USAGE);
    assert_eq!(seen.period_start.unwrap().to_rfc3339(), "2031-03-04T07:00:00+00:00");
    assert_eq!(seen.period_end.unwrap().to_rfc3339(), "2031-04-04T07:00:00+00:00");
    assert_eq!((seen.plan_units, seen.cloud_next_period), (Some(900_000), Some(1600)));
    assert_eq!(seen.enterprise_next_period, Some(0));
    let total = Usage {
        cloud_used: Some(450),
        cloud_projected: Some(980),
        enterprise_used: Some(90),
        enterprise_projected: Some(110),
        device_used: Some(4),
        device_projected: Some(8),
    };
    assert_eq!(seen.total, total);
    assert_eq!(seen.tests.len(), 4);
    let agents: Vec<_> =
        seen.agents.iter().map(|agent| (agent.agent_name.as_str(), agent.used, agent.projected)).collect();
    assert_eq!(agents, [("vm-5", Some(60), Some(70)), ("", Some(30), None)]);
}

#[test]
fn usage_without_any_field_is_unknown_and_so_is_that_of_the_groups() {
    for json in [r#"{"usage":{"other":1}}"#, r#"{"usage":{"quota":{"monthStart":"soon"}}}"#] {
        let seen = parse_usage(json);
        assert_eq!(
            (seen.total, seen.period_start, seen.plan_units),
            (Usage::default(), None, None),
            "{json}"
        );
        assert_eq!(seen.account_group(&Aid::from("801")), Usage::default(), "{json}");
    }
}

#[test]
fn a_breakdown_that_is_missing_although_units_were_used_leaves_the_groups_unknown() {
    let seen = parse_usage(r#"{"usage":{"cloudUnitsUsed":700,"enterpriseUnitsUsed":0,"tests":null}}"#);
    let group = seen.account_group(&Aid::from("801"));
    assert_eq!((group.cloud_used, group.cloud_projected), (None, None));
    assert_eq!((group.enterprise_used, group.enterprise_projected), (Some(0), Some(0)));
}

/// The cloud units that groups 801, 802 and 999 used by an answer with these tests and a total of 900.
fn cloud_used(tests: &str) -> [Option<Units>; 3] {
    let total = r#""cloudUnitsUsed":900,"cloudUnitsProjected":900"#;
    let seen =
        parse_usage(&format!(r#"{{"usage":{{{total},"tests":[{tests}],"enterpriseAgentUnits":[]}}}}"#));
    assert_eq!(seen.total.cloud_used, Some(900), "the total stands: {tests}");
    ["801", "802", "999"].map(|aid| {
        let group = seen.account_group(&Aid::from(aid));
        assert_eq!(group.enterprise_used, Some(0), "{tests}");
        assert_eq!(group.cloud_used.is_some(), group.cloud_projected.is_some(), "{tests}");
        group.cloud_used
    })
}

const OF_802: &str = r#"{"aid":"802","cloudUnitsUsed":400},"#;

#[test]
fn units_of_nobody_may_be_those_of_any_group() {
    for nobodys in [
        r#"{"cloudUnitsUsed":500}"#,
        r#"{"aid":null,"cloudUnitsUsed":500}"#,
        r#"{"aid":"","cloudUnitsProjected":500}"#,
        r#"{"testName":"without a figure"}"#,
    ] {
        assert_eq!(cloud_used(&format!("{OF_802}{nobodys}")), [None; 3], "{nobodys}");
    }
    let of_801 = r#"{"aid":"801","cloudUnitsUsed":500},{"cloudUnitsUsed":0}"#;
    assert_eq!(cloud_used(&format!("{OF_802}{of_801}")), [Some(500), Some(400), Some(0)]);
}

#[test]
fn a_group_of_which_an_entry_has_no_figure_is_unknown() {
    for bare in [r#"{"aid":"801"}"#, r#"{"aid":"801","cloudUnitsUsed":null,"cloudUnitsProjected":null}"#] {
        let tests = format!(r#"{OF_802}{{"aid":"801","cloudUnitsUsed":500}},{bare}"#);
        assert_eq!(cloud_used(&tests), [None, Some(400), Some(0)], "{bare}");
    }
}

#[test]
fn a_group_that_is_not_named_used_nothing_unless_the_breakdown_falls_short_of_the_total() {
    let with = |units: Units| cloud_used(&format!(r#"{OF_802}{{"aid":"801","cloudUnitsUsed":{units}}}"#));
    assert_eq!(with(500), [Some(500), Some(400), Some(0)]);
    assert_eq!(with(410), [Some(410), Some(400), Some(0)], "a tenth may be instant tests, or deleted ones");
    assert_eq!(with(409), [Some(409), Some(400), None]);
    let projected = r#"{"aid":"801","cloudUnitsUsed":500,"cloudUnitsProjected":100}"#;
    let complete = OF_802.replace('}', ",\"cloudUnitsProjected\":400}");
    assert_eq!(cloud_used(&format!("{complete}{projected}")), [Some(500), Some(400), None]);
    assert_eq!(cloud_used(""), [None; 3]);
    assert_eq!(cloud_used(r#"{"aid":"801","cloudUnitsUsed":0}"#), [None; 3]);
}

#[test]
fn an_empty_breakdown_and_a_total_of_nothing_mean_that_nobody_used_anything() {
    let seen = parse_usage(r#"{"usage":{"cloudUnitsUsed":0,"tests":[]}}"#);
    let group = seen.account_group(&Aid::from("801"));
    assert_eq!((group.cloud_used, group.enterprise_used), (Some(0), Some(0)));
}

#[test]
fn negative_units_make_the_usage_of_the_organization_unknown() {
    for negative in [
        USAGE.replace("\"cloudUnitsUsed\":450", "\"cloudUnitsUsed\":-450"),
        USAGE.replace("\"cloudUnitsUsed\":50}", "\"cloudUnitsUsed\":-50}"),
        USAGE.replace("\"enterpriseUnitsUsed\":30", "\"enterpriseUnitsUsed\":-30"),
    ] {
        assert_eq!(usage(&negative).map(|_| ()), Err(Unexpected("the units used are negative".to_owned())));
    }
}

#[test]
fn sums_stop_at_the_largest_number() {
    let seen = parse_usage(
        r#"{"usage":{"tests":[{"aid":"1","cloudUnitsUsed":9223372036854775807},{"aid":"1","cloudUnitsUsed":5}]}}"#,
    );
    assert_eq!(seen.account_group(&Aid::from("1")).cloud_used, Some(Units::MAX));
}

#[test]
fn one_odd_number_makes_the_usage_of_its_organization_unknown_and_an_odd_name_does_not() {
    let odd = |from: &str, to: &str| usage(USAGE.replace(from, to)).map(|_| ()).map_err(|odd| odd.0);
    assert_eq!(
        odd("\"cloudUnitsUsed\":50", "\"cloudUnitsUsed\":50.4"),
        Err("`cloudUnitsUsed` is 50.4, not a whole number below 2^63 in an entry of `tests`".to_owned())
    );
    for (from, to) in [
        ("\"cloudUnitsUsed\":450", "\"cloudUnitsUsed\":\"\""),
        ("900000", "{}"),
        ("\"aid\":\"803\"", "\"aid\":false"),
        ("\"enterpriseUnitsUsed\":30", "\"enterpriseUnitsUsed\":1,\"enterpriseUnitsUsed\":2"),
    ] {
        assert!(odd(from, to).is_err(), "{to}");
    }
    assert_eq!(odd("\"testName\":\"new\"", "\"testName\":{\"a\":true}"), Ok(()));
}

proptest! {
    /// Whatever stands in one place of an answer, the entries beside it are read as they are.
    #[test]
    fn one_mutation_never_hides_another_entry(
        bad in 0..6_usize,
        value in prop_oneof![
            Just("null"), Just("true"), Just("1000.4"), Just("\"\""), Just("{}"), Just("[[1]]"), Just("1e999"), Just("-0.5"),
            Just("\"\\ud800\""), Just("NaN"), Just("5,\"value\":6"), Just("\"\u{7}\""), Just("{\"value\":{\"value\":1}}"),
        ],
        field in prop_oneof![Just("value"), Just("aid"), Just("whole")],
    ) {
        let group = |index: usize| match (index == bad, field) {
            (true, "whole") => value.replace(",\"value\":6", ""),
            (true, "aid") => format!(r#"{{"aid":{},"value":{index}}}"#, value.replace("value", "aid")),
            (true, _) => format!(r#"{{"aid":"{index}","value":{value}}}"#),
            (false, _) => format!(r#"{{"aid":"{index}","value":{index}}}"#),
        };
        let groups: Vec<String> = (0..6).map(group).collect();
        let json = format!(
            r#"{{"quotas":[{{"organizationQuota":{{"orgId":"1","value":9}},"accountGroupQuotas":[{}]}},{{"organizationQuota":{{"orgId":"2","value":4}}}}]}}"#,
            groups.join(",")
        );
        let seen = parse_quotas(&json);
        prop_assert_eq!(seen.iter().map(|entry| entry.value).collect::<Vec<_>>(), [Some(9), Some(4)]);
        for index in (0..6).filter(|index| *index != bad) {
            let aid = Aid::from(index.to_string().as_str());
            let own: Vec<_> = seen[0].account_groups.iter().filter(|(seen, _)| *seen == aid).collect();
            prop_assert_eq!(own, [&(aid, i64::try_from(index).unwrap())]);
        }
        let known = seen[0].account_groups.len() + seen[0].unreadable.len();
        prop_assert_eq!(known, 6, "nothing disappears: {:?}", seen);
    }

    #[test]
    fn no_bytes_make_the_readers_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300), cut in 0..2000_usize) {
        let _ = (quotas(&bytes), account_groups(&bytes), usage(&bytes));
        let _ = usage(&USAGE[..cut.min(USAGE.len())]);
    }
}

#[test]
fn fuzzed_answers_are_read_or_refused() {
    let quotas_body = r#"{"quotas":[{"organizationQuota":{"orgId":"10","value":9},"accountGroupQuotas":[{"aid":"5","value":7}]}],"_links":{}}"#;
    let groups = r#"{"accountGroups":[{"aid":"5","accountGroupName":"Lab","orgId":"10","organizationName":"Acme","isCurrentAccountGroup":true}]}"#;
    fuzzed("answers", &[quotas_body.as_bytes(), groups.as_bytes(), USAGE.as_bytes()], |body| {
        let _ = (
            quotas(body),
            account_groups(body),
            usage(body),
            page(text(body), test_units),
            page(text(body), agent_units),
        );
    });
}
