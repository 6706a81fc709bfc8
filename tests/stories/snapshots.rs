//! Snapshots hold what the API holds, row by row, or are not written at all.

use std::collections::BTreeMap;

use crate::standin::{Organization, Shape, StandIn, World};
use crate::testbed::{Bench, table};

type Row = BTreeMap<String, String>;

/// What a snapshot should say of this world, worked out here from the state and not from the answers.
fn expected(world: &World, names: bool, usage: bool) -> Vec<Row> {
    let mut rows = Vec::new();
    let mut organizations: Vec<_> = world.organizations.iter().collect();
    organizations.sort_by_key(|(org_id, _)| org_id.parse::<u64>().unwrap());
    for (org_id, own) in organizations {
        rows.push(organization_row(org_id, own, names, usage));
        let mut groups: Vec<_> = own.groups.iter().collect();
        groups.sort_by_key(|(aid, _)| aid.parse::<u64>().unwrap());
        for (aid, group) in groups {
            let mut row = shared(org_id, own, names, usage);
            let mut say = |column: &str, value: String| row.insert(column.to_owned(), value);
            say("level", "account_group".to_owned());
            say("aid", aid.clone());
            say("account_group_name", group.name.clone());
            say("quota", text(group.quota));
            if usage {
                for (kind, spent) in [("cloud", &group.tests), ("enterprise", &group.agents)] {
                    let used: i64 = spent.iter().map(|each| each.0).sum();
                    let projected: i64 = spent.iter().map(|each| each.1.unwrap_or(each.0)).sum();
                    say(&format!("{kind}_units_used"), used.to_string());
                    say(&format!("{kind}_units_projected"), projected.to_string());
                }
            }
            rows.push(row);
        }
    }
    rows
}

fn organization_row(org_id: &str, own: &Organization, names: bool, usage: bool) -> Row {
    let mut row = shared(org_id, own, names, usage);
    let mut say = |column: &str, value: String| row.insert(column.to_owned(), value);
    say("level", "organization".to_owned());
    say("quota", text(own.quota));
    if usage {
        for (kind, spent) in [("cloud", own.cloud), ("enterprise", own.enterprise), ("device", own.devices)] {
            say(&format!("{kind}_units_used"), spent.0.to_string());
            say(&format!("{kind}_units_projected"), text(spent.1));
        }
        say("plan_units", own.plan.to_string());
        say("cloud_units_next_period", text(own.next.0));
        say("enterprise_units_next_period", text(own.next.1));
    }
    row
}

/// Every column, empty, but for what all rows of an organization share.
fn shared(org_id: &str, own: &Organization, names: bool, usage: bool) -> Row {
    let columns = "level,org_id,org_name,aid,account_group_name,quota,cloud_units_used,cloud_units_projected,\
                   enterprise_units_used,enterprise_units_projected,device_units_used,device_units_projected,\
                   period_start,period_end,plan_units,cloud_units_next_period,enterprise_units_next_period";
    let mut row: Row = columns.split(',').map(|column| (column.to_owned(), String::new())).collect();
    row.insert("org_id".to_owned(), org_id.to_owned());
    if names {
        row.insert("org_name".to_owned(), own.name.clone());
    }
    if usage {
        let [start, end] = World::cycle();
        row.insert("period_start".to_owned(), start);
        row.insert("period_end".to_owned(), end);
    }
    row
}

fn text(number: Option<i64>) -> String {
    number.map_or_else(String::new, |number| number.to_string())
}

/// The rows of the newest snapshot, without the column that says when.
fn newest(bench: &Bench) -> Vec<Row> {
    let mut rows = table(&fs_err::read(bench.csv_files("history").pop().unwrap()).unwrap());
    for row in &mut rows {
        assert!(row.remove("taken_at").unwrap().ends_with('Z'));
    }
    rows
}

#[track_caller]
fn a_snapshot_equals(standin: &StandIn, rows: &[Row], names: bool, usage: bool) {
    let expected = standin.world(|world| expected(world, names, usage));
    for (row, expected) in rows.iter().zip(&expected) {
        assert_eq!(row, expected);
    }
    assert_eq!(rows.len(), expected.len());
}

#[test]
fn each_row_equals_the_state_also_where_no_quota_is_assigned() {
    let bench = Bench::new(World::small());
    bench.run(&["snapshot"]).ends_with(0);
    a_snapshot_equals(&bench.standin, &newest(&bench), true, true);
    assert_eq!(bench.standin.count("GET /usage"), 3, "one request for each organization");
}

#[test]
fn fields_that_nobody_described_are_no_hindrance() {
    let bench = Bench::new(World { shape: Shape::WithUnknownFields, ..World::small() });
    bench.run(&["snapshot"]).ends_with(0);
    a_snapshot_equals(&bench.standin, &newest(&bench), true, true);
}

#[test]
fn an_organization_that_the_quotas_do_not_name_is_known_by_its_account_groups() {
    // Fabrikam has a quota of its own, no id beside it, and no account group with a quota: nothing says whose it is.
    let mut world = World { shape: Shape::QuotasWithoutOrganization, ..World::small() };
    world.organizations.get_mut("9").unwrap().quota = None;
    let bench = Bench::new(world);
    bench.run(&["snapshot"]).ends_with(0);
    a_snapshot_equals(&bench.standin, &newest(&bench), true, true);
}

#[test]
fn a_quota_of_an_organization_that_nothing_names_is_given_to_no_other() {
    let mut world = World { shape: Shape::QuotasWithoutOrganization, ..World::small() };
    world.organizations.remove("20");
    let fabrikam = world.organizations.get_mut("9").unwrap();
    fabrikam.groups.clear();
    let bench = Bench::new(world);
    bench.run(&["snapshot"]).ends_with(0);
    let rows = newest(&bench);
    assert_eq!(rows[0]["org_id"], "10");
    assert_eq!(rows[0]["quota"], "40000", "not Fabrikam's 2000");
}

#[test]
fn without_names_and_organizations_in_the_account_groups_one_organization_is_still_whole() {
    let mut world = World { shape: Shape::GroupsWithoutOrganization, ..World::small() };
    world.organizations.retain(|org_id, _| org_id == "10");
    let bench = Bench::new(world);
    bench.run(&["snapshot"]).ends_with(0);
    a_snapshot_equals(&bench.standin, &newest(&bench), false, true);
}

#[test]
fn without_the_permission_for_usage_it_is_empty_and_not_0() {
    let bench = Bench::new(World { usage_forbidden: true, ..World::small() });
    let log = bench.run(&["snapshot"]).ends_with(0).log;
    assert!(log.contains("View organization usage") && log.contains("View Billing"), "{log}");
    a_snapshot_equals(&bench.standin, &newest(&bench), true, false);
}

#[test]
fn a_fetch_that_fails_writes_nothing() {
    for call in ["GET /quotas", "GET /account-groups", "GET /usage"] {
        let bench = Bench::new(World { broken: Some((call, 500)), ..World::small() });
        let log = bench.run(&["snapshot"]).ends_with(1).log;
        assert!(log.contains(call.trim_start_matches("GET ")), "{log}");
        assert_eq!(bench.csv_files("history"), [] as [std::path::PathBuf; 0], "{call}");
    }
}

#[test]
fn the_usage_report_says_which_snapshots_are_missing() {
    let bench = Bench::new(World::small());
    let page = bench.data().join("usage.html");
    let report = || {
        bench.run(&["report", "usage", "--out", page.to_str().unwrap()]).ends_with(0);
        fs_err::read_to_string(&page).unwrap().replace('\u{a0}', " ")
    };
    bench.run(&["snapshot"]).ends_with(0);
    assert!(!report().contains("missing"));
    bench.make_the_snapshot_old();
    bench.run(&["snapshot"]).ends_with(0);
    assert!(report().contains("snapshots are missing, from Wed 1 Jan 2020, 01:00 to "), "{}", report());
}
