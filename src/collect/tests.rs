//! Answers joined into rows, and the live quotas of targets, with entries that are odd, doubled or of nobody.

use std::collections::{BTreeMap, BTreeSet};

use super::*;
use crate::config::Secret;
use crate::domain::quota::{SnapshotRow, Target, WithQuota};
use crate::thousandeyes::{Settings, Unreadable, UnreadableTarget};

fn quotas(org_id: Option<&str>, value: Option<i64>, groups: &[(&str, i64)]) -> OrganizationQuotas {
    OrganizationQuotas {
        org_id: org_id.map(OrgId::from),
        value,
        account_groups: groups.iter().map(|(aid, value)| (Aid::from(*aid), *value)).collect(),
        unreadable: Vec::new(),
    }
}

fn group(aid: &str, name: &str, org_id: Option<&str>, org_name: &str) -> AccountGroup {
    AccountGroup {
        aid: aid.into(),
        name: name.into(),
        org_id: org_id.map(OrgId::from),
        org_name: org_name.into(),
    }
}

fn join(
    quotas: &[OrganizationQuotas],
    groups: &[AccountGroup],
    usage: &BTreeMap<OrgId, OrganizationUsage>,
) -> Snapshot {
    let mut reading = Reading::from_answers(quotas.to_vec(), groups.to_vec(), DateTime::UNIX_EPOCH);
    for (org_id, usage) in usage {
        reading.take_usage(org_id, usage, AnswerSubject::Requested, &UsageRule::default());
    }
    reading.snapshot
}

fn odd(whose: UnreadableTarget) -> Unreadable {
    Unreadable { whose, why: "odd".into() }
}

fn lines(snapshot: &Snapshot) -> Vec<String> {
    let aid = |row: &SnapshotRow| row.target.aid.as_ref().map_or("-".to_owned(), ToString::to_string);
    let line = |row: SnapshotRow<'_>| {
        format!(
            "{} {} {} {} {:?}",
            row.target.org_id,
            aid(&row),
            row.org_name,
            row.account_group_name,
            row.quota
        )
    };
    snapshot.rows().map(line).collect()
}

#[test]
fn every_target_that_any_answer_shows_has_one_row_with_its_names() {
    let seen = join(
        &[quotas(Some("1"), Some(9), &[("5", 7)]), quotas(Some("2"), None, &[("8", 3)])],
        &[
            group("5", "EMEA", Some("1"), "Acme"),
            group("6", "Lab", Some("1"), "Acme"),
            group("8", "", None, ""),
        ],
        &BTreeMap::new(),
    );
    assert_eq!(
        lines(&seen),
        ["1 - Acme  Some(9)", "1 5 Acme EMEA Some(7)", "1 6 Acme Lab None", "2 -   None", "2 8   Some(3)"]
    );
}

#[test]
fn an_organization_in_two_entries_keeps_its_own_quota() {
    let entries = [quotas(Some("1"), Some(9), &[]), quotas(None, None, &[("5", 7)])];
    let groups = [group("5", "EMEA", Some("1"), "Acme")];
    let seen = join(&entries, &groups, &BTreeMap::new());
    assert_eq!(lines(&seen), ["1 - Acme  Some(9)", "1 5 Acme EMEA Some(7)"]);
}

#[test]
fn usage_is_set_only_for_the_organization_it_was_read_for() {
    let usage = OrganizationUsage { plan_units: Some(100), ..OrganizationUsage::default() };
    let seen = join(
        &[quotas(Some("1"), Some(9), &[("5", 7)]), quotas(Some("2"), Some(1), &[])],
        &[],
        &BTreeMap::from([("1".into(), usage)]),
    );
    let plans: Vec<_> = seen.rows().map(|row| row.plan_units).collect();
    assert_eq!(plans, [Some(100), None, None]);
    assert_eq!(seen.owned_rows()[2].usage.cloud_used, None, "where usage was not read it is unknown");
}

#[tokio::test]
async fn a_quota_whose_organization_the_api_leaves_out_is_not_taken_for_none() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let server = httpmock::MockServer::start_async().await;
    let quotas =
        r#"{"quotas":[{"organizationQuota":{"value":9},"accountGroupQuotas":[{"aid":"5","value":7}]}]}"#;
    let groups = r#"{"accountGroups":[{"aid":"5","orgId":"1"},{"aid":"6","orgId":"2"}]}"#;
    for (path, body) in [("/v7/quotas", quotas), ("/v7/account-groups", groups)] {
        server.mock(|when, then| {
            when.path(path);
            then.status(200).body(body);
        });
    }
    let url = server.url("/v7/").parse().unwrap();
    let client = Client::new(Settings::new(url, Secret::Value("token".into()))).unwrap();
    let mut live = LiveQuotas::new(WithQuota::new(), WithQuota::new());
    live.refresh(&client, &|_| false).await.unwrap();
    assert_eq!(live.quota(&Target::account_group("1", "5")), Ok(Some(7)));
    assert_eq!(live.quota(&Target::organization("1")), Ok(Some(9)));
}

#[tokio::test]
async fn the_last_quota_of_an_organization_is_gone_only_where_its_account_groups_can_be_seen() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let there = r#"{"accountGroups":[{"aid":"5","orgId":"1"}]}"#;
    for (status, body, is_gone) in
        [(200, there, true), (200, r#"{"accountGroups":[]}"#, false), (403, "{}", false)]
    {
        let server = httpmock::MockServer::start_async().await;
        for (path, status, body) in
            [("/v7/quotas", 200, r#"{"quotas":[]}"#), ("/v7/account-groups", status, body)]
        {
            server.mock(|when, then| {
                when.path(path);
                then.status(status).body(body);
            });
        }
        let url = server.url("/v7/").parse().unwrap();
        let client = Client::new(Settings::new(url, Secret::Value("token".into()))).unwrap();
        let planned = WithQuota::from([("1".into(), BTreeSet::from([Some("5".into())]))]);
        let mut live = LiveQuotas::new(WithQuota::new(), planned);
        live.refresh(&client, &|_| true).await.unwrap();
        assert_eq!(live.quota(&Target::account_group("1", "5")).is_ok(), is_gone, "{status} {body}");
        live.refresh(&client, &|_| false).await.unwrap();
        assert_eq!(live.quota(&Target::account_group("1", "5")).is_ok(), is_gone, "once known, it stays so");
    }
}

/// Whose quota in this snapshot is unknown.
fn unknown(snapshot: &Snapshot) -> Vec<String> {
    snapshot.all_unreadable().iter().map(|(target, why)| format!("{target}: {why}")).collect()
}

#[test]
fn a_quota_that_cannot_be_read_is_unknown_and_its_row_goes_into_no_file() {
    let entry = OrganizationQuotas {
        unreadable: vec![odd(UnreadableTarget::AccountGroup("6".into()))],
        ..quotas(Some("1"), Some(9), &[("5", 7)])
    };
    let seen = join(&[entry], &[group("8", "Lab", Some("1"), "")], &BTreeMap::new());
    assert_eq!(unknown(&seen), ["account group 6 of organization 1: odd"]);
    assert_eq!(lines(&seen.readable()), ["1 -   Some(9)", "1 5   Some(7)", "1 8  Lab None"]);
}

#[test]
fn where_nobody_knows_whose_a_quota_is_no_target_without_one_passes_for_having_none() {
    let entry = OrganizationQuotas {
        unreadable: vec![odd(UnreadableTarget::SomeAccountGroup)],
        ..quotas(Some("1"), Some(9), &[("5", 7)])
    };
    let groups = [group("6", "", Some("1"), ""), group("7", "", Some("2"), "")];
    let seen = join(&[entry.clone(), quotas(Some("2"), Some(1), &[])], &groups, &BTreeMap::new());
    assert_eq!(unknown(&seen), ["account group 6 of organization 1: odd"]);
    let nobodys =
        OrganizationQuotas { unreadable: vec![odd(UnreadableTarget::Anybody)], ..quotas(None, None, &[]) };
    let seen = join(&[nobodys, quotas(Some("2"), Some(1), &[])], &groups, &BTreeMap::new());
    assert_eq!(unknown(&seen).len(), 3, "{:?}", unknown(&seen));
}

#[test]
fn an_entry_that_names_no_organization_may_be_any_ones_own_quota_and_no_account_groups() {
    let groups = [group("6", "", Some("1"), ""), group("7", "", Some("2"), "")];
    let seen =
        join(&[quotas(None, Some(5), &[]), quotas(Some("2"), Some(1), &[])], &groups, &BTreeMap::new());
    assert_eq!(
        unknown(&seen),
        ["organization 1: an entry of the answer does not say which organization it belongs to"]
    );
}

#[test]
fn a_target_with_two_quotas_has_an_unknown_one_and_the_same_twice_is_fine() {
    let entries =
        [quotas(Some("1"), Some(9), &[("5", 7), ("6", 8), ("6", 8)]), quotas(Some("1"), None, &[("5", 70)])];
    let seen = join(&entries, &[], &BTreeMap::new());
    assert_eq!(unknown(&seen), ["account group 5 of organization 1: it comes twice, as 7 and as 70"]);
    assert_eq!(lines(&seen.readable()), ["1 -   Some(9)", "1 6   Some(8)"]);
}

#[test]
fn answers_in_any_order_make_the_same_snapshot_in_order() {
    let doubtful = OrganizationQuotas {
        unreadable: vec![odd(UnreadableTarget::AccountGroup("10".into()))],
        ..quotas(Some("1"), None, &[("12", 3)])
    };
    let entries = [
        quotas(Some("10"), Some(9), &[("30", 1)]),
        quotas(Some("1"), None, &[("10", 5), ("9", 7), ("2", 8)]),
        doubtful,
    ];
    let names = [("11", "none yet"), ("9", "first"), ("2", "second"), ("9", "again"), ("40", "of the third")];
    let names = names.map(|(aid, name)| group(aid, name, Some(if aid == "40" { "3" } else { "1" }), "One"));
    let seen = join(&entries, &names, &BTreeMap::new());
    assert_eq!(
        lines(&seen),
        [
            "1 - One  None",
            "1 2 One second Some(8)",
            "1 9 One again Some(7)",
            "1 10 One  Some(5)",
            "1 11 One none yet None",
            "1 12 One  Some(3)",
            "3 - One  None",
            "3 40 One of the third None",
            "10 -   Some(9)",
            "10 30   Some(1)",
        ]
    );
    assert_eq!(lines(&Snapshot::new(seen.taken_at, seen.rows())), lines(&seen));
}

#[test]
fn the_first_of_many_organizations_with_the_same_reason_are_named() {
    let ids: Vec<OrgId> = (1..=7).map(|id| OrgId::from(id.to_string().as_str())).collect();
    assert_eq!(first_ids(&ids[..1]), "1");
    assert_eq!(first_ids(&ids[..5]), "1, 2, 3, 4, 5");
    assert_eq!(first_ids(&ids), "1, 2, 3, 4, 5 and 2 more");
}

#[tokio::test]
async fn one_account_group_that_the_api_refuses_hides_the_usage_of_no_organization() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    for (refusal, second, is_known) in
        [(404, 200, true), (403, 200, true), (403, 403, false), (404, 404, false), (400, 200, false)]
    {
        let server = httpmock::MockServer::start_async().await;
        let body = r#"{"usage":{"cloudUnitsUsed":0,"enterpriseUnitsUsed":0,"tests":[]}}"#;
        let asked = [("3", refusal), ("4", second), ("5", 200)].map(|(aid, status)| {
            server.mock(|when, then| {
                when.path("/v7/usage").query_param("aid", aid);
                then.status(status).body(if status == 200 { body } else { "{}" });
            })
        });
        let url = server.url("/v7/").parse().unwrap();
        let client = Arc::new(Client::new(Settings::new(url, Secret::Value("token".into()))).unwrap());
        let entry = quotas(Some("1"), None, &[("3", 1), ("4", 1), ("5", 1)]);
        let mut reading = Reading::from_answers(vec![entry], Vec::new(), DateTime::UNIX_EPOCH);
        reading.add_usage(&client, &BTreeSet::from(["1".into()]), &UsageRule::default()).await.unwrap();
        let used = reading.snapshot.organizations()[0].account_groups[0].usage().cloud_used;
        assert_eq!(used.is_some(), is_known, "{refusal} {second}");
        let calls = asked.map(|mock| mock.calls());
        assert_eq!(calls, [1, usize::from(refusal != 400), 0], "{refusal} {second}");
    }
}
