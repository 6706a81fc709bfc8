use proptest::prelude::*;

use super::super::by_serde;
use super::*;

/// As two readers tell it.
type Told = Option<(Vec<OrganizationQuotas>, Option<String>)>;

fn told(answer: Option<(Vec<OrganizationQuotas>, PlainLinks<'_>)>) -> Told {
    answer.map(|(quotas, links)| (quotas, links.next_page()))
}

#[test]
fn a_body_as_the_api_writes_it_is_read_by_hand_with_and_without_blanks_and_in_any_order() {
    for body in [
        r#"{"quotas":[{"organizationQuota":{"orgId":"1","value":9},"accountGroupQuotas":[{"aid":"5","value":0}]}]}"#,
        "{ \"_links\": {\"next\": {\"href\": \"?b\"}},\r\n\t\"quotas\": [ { \"accountGroupQuotas\": [ ] }, {\"organizationQuota\": {}} ] }\n",
        r#"{"quotas":[],"_links":{"self":{"href":"x, \"y\""}}}"#,
        r#"{"quotas":[{"accountGroupQuotas":[{"aid":"a-1","value":5},{"aid":"1234567890123456789","value":0},
            {"aid":"5", "value":6},{"aid":"6","value":7 },{"value":8,"aid":"7"},{"aid":"123456789012345678","value":123456789012345678}]}]}"#,
    ] {
        assert!(answer(body).is_some(), "{body}");
        assert_eq!(told(answer(body)), told(by_serde(body)), "{body}");
    }
}

#[test]
fn what_is_not_beyond_doubt_is_left_to_the_plain_reader() {
    let group = |group: &str| format!(r#"{{"quotas":[{{"accountGroupQuotas":[{group}]}}]}}"#);
    for body in [
        group(r#"{"aid":"5","value":7.0}"#),
        group(r#"{"aid":"5","value":7e1}"#),
        group(r#"{"aid":"5","value":07}"#),
        group(r#"{"aid":"5","value":-7}"#),
        group(r#"{"aid":"5","value":1234567890123456789}"#),
        group(r#"{"aid":"5","value":}"#),
        group(r#"{"aid":"5","value":null}"#),
        group(r#"{"aid":5,"value":7}"#),
        group(r#"{"aid":"5\u0031","value":7}"#),
        group(r#"{"\u0061id":"5","value":7}"#),
        group(r#"{"aid":"5","aid":"5","value":7}"#),
        group(r#"{"aid":"5","value":7,}"#),
        group(r#"{"aid":"5","value":7},"#),
        group(r#"{"aid":"5"}"#),
        group(r#"{"aid":"5","value":7"#),
        r#"{"quotas":[]} {}"#.to_owned(),
        r#"{"quotas":[],"quotas":[]}"#.to_owned(),
        r#"{"quotas":[],"_links":null}"#.to_owned(),
        r#"{"_links":{}}"#.to_owned(),
        String::new(),
    ] {
        assert!(answer(&body).is_none(), "{body}");
    }
}

/// Something like a body: what belongs into one, and now and then what does not.
fn bodies() -> impl Strategy<Value = String> {
    let blank = prop::sample::select(vec!["", "", "", " ", "\n", "\t\r", "\u{a0}"]);
    let id = prop_oneof![
        8 => "[0-9]{1,7}".prop_map(|id| format!("\"{id}\"")),
        1 => prop::sample::select(vec!["\"\"", "\"é\"", "\"a\\\"b\"", "7", "null", "\"x", "\"-\""]).prop_map(str::to_owned),
    ];
    let value = prop_oneof![
        8 => (0..1_000_000_u32).prop_map(|value| value.to_string()),
        1 => prop::sample::select(vec!["-1", "1.0", "01", "null", "\"7\"", "9223372036854775807", "9223372036854775808", "1e3", ""]).prop_map(str::to_owned),
    ];
    let group =
        (id.clone(), value.clone(), blank.clone(), 0..9_u8).prop_map(
            |(id, value, blank, order)| match order {
                0 => format!("{{\"aid\":{id}}}"),
                1 => format!("{{\"value\":{value},\"value\":{value},\"aid\":{id}}}"),
                2..5 => format!("{{\"value\":{blank}{value},{blank}\"aid\":{id}}}"),
                _ => format!("{blank}{{{blank}\"aid\"{blank}:{id},\"value\":{value}{blank}}}"),
            },
        );
    let entry = (id, value, prop::collection::vec(group, 0..4), blank, 0..6_u8).prop_map(|(id, value, groups, blank, shape)| {
        let groups = groups.join(&format!("{blank},"));
        match shape {
            0 => format!("{{\"accountGroupQuotas\":[{groups}]}}"),
            1 => format!("{{\"organizationQuota\":{{\"value\":{value}}},\"more\":1}}"),
            2 => format!("{{\"organizationQuota\":null,\"accountGroupQuotas\":[{groups}]}}"),
            _ => format!("{{\"organizationQuota\":{{\"orgId\":{id},\"value\":{value}}},{blank}\"accountGroupQuotas\":[{groups}]}}"),
        }
    });
    let links = prop::sample::select(vec![
        "",
        ",\"_links\":{\"next\":{\"href\":\"?b\"}}",
        ",\"_links\":null",
        ",\"_links\":[]",
        ",\"x\":1",
        ",",
    ]);
    (prop::collection::vec(entry, 0..4), links)
        .prop_map(|(entries, links)| format!("{{\"quotas\":[{}]{links}}}", entries.join(",")))
}

proptest! {
    #[test]
    fn what_is_read_by_hand_is_what_serde_reads(body in bodies()) {
        let by_hand = told(answer(&body));
        prop_assert!(by_hand.is_none() || by_hand == told(by_serde(&body)), "{}", body);
    }

    #[test]
    fn a_body_that_is_cut_or_damaged_anywhere_reads_the_same_or_not_at_all(
        body in bodies(),
        at in any::<prop::sample::Index>(),
        other in prop::sample::select("{}[]\",:0a\\ é".chars().collect::<Vec<_>>()),
        is_cut in any::<bool>(),
    ) {
        let mut damaged: Vec<char> = body.chars().collect();
        let at = at.index(damaged.len());
        if is_cut {
            damaged.truncate(at);
        } else {
            damaged[at] = other;
        }
        let damaged = String::from_iter(damaged);
        let by_hand = told(answer(&damaged));
        prop_assert!(by_hand.is_none() || by_hand == told(by_serde(&damaged)), "{}", damaged);
    }
}
