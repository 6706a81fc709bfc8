//! What the usage report says first, what it lists, and what it never claims.

use chrono::TimeDelta;

use super::*;
use crate::domain::quota::{Snapshot, SnapshotRow, Usage};
use crate::report::fixtures::{
    at, changed, context, group, group_of, input_of, organization, realistic, report_from, report_of, usage,
    week_before, with_page,
};
use crate::schedule::Missed;

fn headline_of(rows: Vec<SnapshotRow<'static>>) -> String {
    report_of(rows).headline
}

fn unknown(row: SnapshotRow<'static>) -> SnapshotRow<'static> {
    SnapshotRow { usage: Usage::default(), ..row }
}

#[test]
fn the_headline_counts_what_runs_out_and_names_the_first_day() {
    let report = report_from(&realistic(), &[]);
    assert_eq!(
        report.headline,
        "3 account groups and Acme Bank will run out before the cycle ends, first on 26 Nov · usage of 1 of 3 organizations is unknown"
    );
    assert_eq!(&*report.worst[0].name, "EMEA Branches");
    assert_eq!(&*report.worst[0].sureness, "by projection");
}

#[test]
fn one_that_runs_out_is_named() {
    assert_eq!(
        headline_of(vec![group("1", "Lab", Some(1000), 500, 1300)]),
        "Lab will run out before the cycle ends, on 30 Nov"
    );
    assert_eq!(headline_of(vec![group("1", "Lab", Some(1000), 1000, 1300)]), "Lab has run out");
    assert_eq!(
        headline_of(vec![
            group("1", "Lab", Some(1000), 1001, 1300),
            group("2", "Web", Some(1000), 500, 1300)
        ]),
        "Lab has run out, Web will before the cycle ends, on 30 Nov"
    );
    assert_eq!(
        headline_of(vec![
            group("1", "Lab", Some(1000), 1001, 1300),
            group("2", "Core", Some(1000), 1001, 1300),
            group("3", "Web", Some(1000), 500, 1300),
            group("4", "Voice", Some(1000), 500, 1300)
        ]),
        "2 account groups have run out, 2 more will before the cycle ends, first on 30 Nov"
    );
}

#[test]
fn the_headline_promises_only_what_is_known() {
    let fine = || group("1", "Lab", Some(1000), 10, 20);
    assert_eq!(headline_of(vec![]), "No account group is visible to the token");
    assert_eq!(headline_of(vec![group("1", "Lab", None, 10, 20)]), "No account group has a quota");
    assert_eq!(
        headline_of(vec![fine(), group("2", "Web", Some(5), 1, 2)]),
        "All 2 account groups are within their quota"
    );
    assert_eq!(headline_of(vec![unknown(fine())]), "The usage of 1 account group is unknown");
    assert_eq!(
        headline_of(vec![fine(), unknown(group("2", "Web", Some(5), 1, 2))]),
        "1 of 2 account groups is within its quota, the usage of the rest is unknown"
    );
}

#[test]
fn the_subject_is_the_headline_without_what_it_need_not_say() {
    let out = || group("1", "Web", Some(1000), 500, 1300);
    let subject_of = |rows: Vec<SnapshotRow<'static>>| report_of(rows).subject;
    assert_eq!(subject_of(vec![out()]), "Web will run out on 30 Nov");
    assert_eq!(
        subject_of(vec![out(), group("2", "Lab", Some(1000), 500, 1300)]),
        "2 account groups will run out, first on 30 Nov"
    );
}

#[test]
fn where_an_organization_has_its_whole_plan_more_is_not_advised_as_if_it_cost_nothing() {
    let own =
        SnapshotRow { plan_units: Some(1000), ..organization("10452", "Acme Bank", Some(1000), 500, 900) };
    let todo = report_of(vec![own, group("1", "Web", Some(1000), 500, 1300)]).todo;
    let advice = "raise its own quota above its contracted plan (overage may be billed), or reduce what its tests use.";
    assert!(todo.ends_with(advice), "{todo}");
}

#[test]
fn to_see_nothing_is_not_well() {
    let report = report_of(vec![]);
    assert_eq!(report.level, Level::Warning);
    assert_eq!(
        report.todo,
        "the token sees no organization: `quotakeeper check --online` says what it may do."
    );
}

#[test]
fn unknown_usage_is_never_a_zero() {
    let report = report_of(vec![
        unknown(organization("1", "Acme", Some(500), 0, 0)),
        unknown(group_of("1", "Acme", "2", "Lab", Some(5), 0, 0)),
    ]);
    assert_eq!(report.organizations[0].own.used, None);
    assert_eq!(&*report.organizations[0].own.status, "usage unknown");
    assert!(report.worst.is_empty());
    assert_eq!(report.others, ["The usage of 1 account group is unknown: Lab 2."]);
    assert!(report.todo.contains("View organization usage"), "{}", report.todo);
}

#[test]
fn the_ten_worst_are_listed_and_three_where_all_is_well_and_the_rest_is_a_sentence() {
    let rows =
        || (0..14).map(|number| group(&(100 + number).to_string(), "Region", Some(1000), 100, 200 + number));
    let well = report_of(rows().collect());
    assert_eq!(well.worst.len(), 3);
    assert_eq!(well.others, ["11 others are fine: none is projected above 21 % of its quota."]);
    assert_eq!(well.in_table, 14);
    let one_in_trouble = report_of(rows().chain([group("99", "Lab", Some(1000), 500, 1200)]).collect());
    assert_eq!(one_in_trouble.worst.len(), 10);
    assert_eq!(one_in_trouble.others, ["5 others are fine: none is projected above 20 % of its quota."]);
}

#[test]
fn what_to_do_names_each_who_runs_out_with_what_it_needs_and_counts_those_after_the_fifth() {
    let out =
        |aid: u32| group(&aid.to_string(), &format!("Lab {aid}"), Some(1000), 500, 1200 + i64::from(aid));
    let todo = |count: u32| report_of((1..=count).map(out).collect()).todo;
    assert!(todo(1).starts_with("Lab 1 needs 201 more by "), "{}", todo(1));
    assert!(todo(2).contains(", Lab 1 201 more by "), "{}", todo(2));
    assert!(todo(3).contains(".\nLab 2 needs 202 more by "), "{}", todo(3));
    assert!(todo(7).contains(".\nAnd 2 more account groups run out."), "{}", todo(7));
}

#[test]
fn what_to_do_says_of_each_organization_what_it_has_left() {
    let rows = |org: &str, quota| {
        [
            organization(org, &format!("Org {org}"), Some(quota), 10, 20),
            group_of(
                org,
                &format!("Org {org}"),
                &format!("{org}7"),
                &format!("Lab {org}"),
                Some(1000),
                500,
                1200,
            ),
        ]
    };
    let todo = |quotas: &[i64]| {
        let named = ["1", "2", "3", "4", "5"].into_iter().zip(quotas);
        report_of(named.flat_map(|(org, quota)| rows(org, *quota)).collect()).todo
    };
    for (quotas, sentence) in [
        (
            &[1200_i64, 5000][..],
            "200 units of Org 1 and 4 000 of Org 2 are not allocated to any group. The attached rebalance.csv gives each of 2 \
             account groups what it needs plus as much headroom as there is.",
        ),
        (
            &[1200, 1100],
            "200 units of Org 1 are not allocated to any group. Org 2 has only 100 units left to allocate, and no other group \
             has enough to spare: raise its own quota. The attached rebalance.csv gives 2 account groups as much as there is.",
        ),
        (
            &[1000],
            "Org 1 has nothing left to allocate, and no other group has enough to spare: raise its own quota.",
        ),
        (
            &[900],
            "Org 1 is already over-allocated by 100, and no other group has enough to spare: raise its own quota.",
        ),
    ] {
        assert!(todo(quotas).ends_with(sentence), "{}", todo(quotas));
    }
    let of_five = todo(&[1000; 5]);
    assert!(
        of_five.contains(" For 2 more organizations, see what `quotakeeper propose` finds."),
        "{of_five}"
    );
    let idle = group_of("1", "Org 1", "18", "Idle", Some(2000), 0, 0);
    let full = report_of(rows("1", 3000).into_iter().chain([idle]).collect());
    assert!(
        full.todo.ends_with(
            "Org 1 has nothing left to allocate; other groups can give 320. The attached rebalance.csv gives one account group \
             what it needs plus headroom."
        ),
        "{}",
        full.todo
    );
    let unattached = usage_report(
        &UsageInput { terms: None, ..input_of(&Snapshot::new(at("11-22T06:00"), rows("1", 1000))) },
        &context(),
    );
    assert!(
        unattached.todo.ends_with(
            "Org 1 has nothing left to allocate: `quotakeeper propose` finds what other groups do not use; else raise its own \
             quota."
        ),
        "{}",
        unattached.todo
    );
}

#[test]
fn a_report_of_which_nothing_is_known_of_an_organization_is_no_good_news() {
    let blind = |org: &str| {
        [
            organization(org, &format!("Org {org}"), Some(9000), 10, 20),
            group_of(org, &format!("Org {org}"), &format!("{org}7"), "Lab", Some(1000), 5, 12),
        ]
        .map(|row| SnapshotRow { usage: Usage::default(), ..row })
    };
    let known = [
        organization("1", "Org 1", Some(9000), 10, 20),
        group_of("1", "Org 1", "17", "Lab", Some(1000), 5, 12),
    ];
    let report = report_of([known.clone(), blind("2")].concat());
    assert_eq!(report.level, Level::Warning);
    assert!(report.todo.starts_with("The usage of Org 2 could not be read"), "{}", report.todo);
    assert_eq!(report_of(known.to_vec()).level, Level::Fine);
}

#[test]
fn several_organizations_are_never_added_up_and_a_name_among_them_has_its_own() {
    let rows = |org: &str| {
        [
            organization(org, &format!("Org {org}"), Some(9000), 10, 20),
            group_of(org, &format!("Org {org}"), "7", "Lab", Some(1000), 500, 1200),
        ]
    };
    let one = report_of(rows("1").to_vec());
    assert_eq!(one.total.as_ref().map(|total| total.used), Some(10));
    let two =
        report_of([rows("1"), rows("2").map(|row| SnapshotRow { usage: Usage::default(), ..row })].concat());
    assert!(two.total.is_none());
    assert!(two.headline.starts_with("Lab (Org 1) will run out"), "{}", two.headline);
}

#[test]
fn all_in_trouble_are_listed_up_to_a_limit_and_the_rest_is_counted() {
    let rows =
        |count| (0..count).map(|number| group(&(100 + number).to_string(), "Region", Some(1000), 500, 1200));
    assert_eq!(report_of(rows(15).collect()).worst.len(), 15);
    let many = report_of(rows(40).collect());
    assert_eq!(
        (many.worst.len(), many.others),
        (25, vec!["15 more need attention and all of them will run out.".to_owned()])
    );
}

#[test]
fn what_can_still_be_handed_out_is_said_per_organization() {
    let report = usage();
    let said: Vec<_> = report
        .organizations
        .iter()
        .map(|own| (&*own.own.name, own.unallocated, own.over_allocated))
        .collect();
    assert_eq!(
        said,
        [("Acme Bank", Some(5000), None), ("Globex", None, Some(1000)), ("Initech", Some(8000), None),]
    );
    assert_eq!(report.organizations[0].days_left, Some(13));
    assert_eq!(
        report.todo,
        "EMEA Branches (Acme Bank) needs 1 940 more by Wed 25 Nov.\nPayments – Core (Acme Bank) needs 2 100 more by Sat 28 Nov.\n\
         Contact Center Voice (Acme Bank) needs 180 more by Tue 1 Dec.\n5 000 units of Acme Bank are not allocated to any group. \
         The attached rebalance.csv gives each of 3 account groups what it needs plus as much headroom as there is. \
         The usage of Initech could not be read; the log says why. The token's user needs the permission “View organization \
         usage” there."
    );
}

#[test]
fn units_that_look_mismatched_are_the_first_thing_to_do() {
    let own = SnapshotRow { plan_units: Some(92_000_000), ..organization("1", "Acme", Some(92_000), 10, 20) };
    let report = report_of(vec![own]);
    assert!(report.todo.contains("usage.units_per_quota_unit"), "{}", report.todo);
    assert!(
        report.organizations[0].notes[0].contains("plan of 92 000 000"),
        "{:?}",
        report.organizations[0].notes
    );
}

#[test]
fn earlier_snapshots_of_another_cycle_make_no_slope() {
    let latest = realistic();
    let mut earlier = week_before(&latest);
    assert_eq!(&*report_from(&latest, &earlier).worst[0].sureness, "±1 day");
    for snapshot in &mut earlier {
        let rows = snapshot.rows().map(|row| SnapshotRow { period_start: Some(at("10-05T00:00")), ..row });
        *snapshot = Snapshot::new(snapshot.taken_at, rows);
    }
    assert_eq!(&*report_from(&latest, &earlier).worst[0].sureness, "by projection");
}

#[test]
fn old_data_is_said_and_reported_again_the_next_day() {
    let latest = realistic();
    let on = |now| {
        usage_report(
            &UsageInput { diffs: &[changed()], ..input_of(&latest) },
            &ReportContext { now, ..context() },
        )
    };
    let (today, later, tomorrow) = (on(at("11-22T07:00")), on(at("11-22T09:00")), on(at("11-23T07:00")));
    assert!(!today.data_is_old && tomorrow.data_is_old);
    assert_eq!(tomorrow.data_age, "25 hours");
    assert_eq!(today.identity, later.identity);
    assert_ne!(today.identity, tomorrow.identity);
}

#[test]
fn an_organization_without_a_row_of_its_own_is_known_by_its_groups() {
    let report = report_of(vec![group("1", "Lab", Some(1000), 10, 20)]);
    assert_eq!((&*report.organizations[0].own.name, report.organizations[0].own.quota), ("Acme Bank", None));
    assert_eq!(&*report.organizations[0].own.status, "no quota");
    assert_eq!(
        report.organizations[0].notes,
        ["Its own usage is unknown, but the usage of its account groups is known."]
    );
    assert_eq!(report.todo, "");
}

#[test]
fn snapshots_that_are_missing_are_said() {
    let gap = |slots, first, last| Missed { slots, first: at(first), last: at(last) };
    let said = |gaps: &[Missed]| missing_snapshots_sentence(gaps, &context());
    assert_eq!(said(&[]), "");
    assert_eq!(
        said(&[gap(1, "11-21T02:00", "11-21T02:00")]),
        "The snapshot of Sat 21 Nov 2026, 03:00 is missing."
    );
    assert_eq!(
        said(&[gap(3, "11-21T02:00", "11-21T04:00")]),
        "3 snapshots are missing, from Sat 21 Nov 2026, 03:00 to Sat 21 Nov 2026, 05:00."
    );
    assert_eq!(
        said(&[gap(3, "11-21T02:00", "11-21T04:00"), gap(1, "11-22T02:00", "11-22T02:00")]),
        "4 snapshots are missing in 2 gaps, from Sat 21 Nov 2026, 03:00 to Sun 22 Nov 2026, 03:00."
    );
}

#[test]
fn a_cycle_whose_start_the_api_says_a_little_differently_each_time_is_one_cycle() {
    let latest = realistic();
    let said_otherwise = |(snapshot, minutes): (Snapshot, i64)| {
        let rows = snapshot.owned_rows().into_iter().map(|row| SnapshotRow {
            period_start: row.period_start.map(|start| start - TimeDelta::minutes(minutes)),
            ..row
        });
        Snapshot::new(snapshot.taken_at, rows.collect::<Vec<_>>())
    };
    let earlier: Vec<Snapshot> = week_before(&latest).into_iter().zip(1..).map(said_otherwise).collect();
    let report = |earlier: &[Snapshot]| format!("{:?}", report_from(&latest, earlier));
    assert_eq!(report(&earlier), report(&week_before(&latest)));
    let page = |earlier: &[Snapshot]| {
        with_page(&latest, earlier, |page| {
            let rows: Vec<_> = (0..page.rows.count()).map(|place| page.rows.row(place)).collect();
            format!("{:?} {:?} {:?}", page.beside, rows, page.data)
        })
    };
    assert_eq!(page(&earlier), page(&week_before(&latest)));
}

#[test]
fn an_organization_that_the_answer_lacks_stands_in_the_headline_and_nobody_is_well() {
    let absent = crate::change::missing_quotas::AbsentOrganizations {
        count: 1,
        what: "The API's answer no longer shows the organization Globex 2".to_owned(),
        seen: at("11-22T06:00"),
    };
    let latest = Snapshot::new(at("11-22T06:00"), [group("1", "Lab", Some(1000), 100, 300)]);
    let well = usage_report(&input_of(&latest), &context());
    let report = usage_report(&UsageInput { absent: Some(&absent), ..input_of(&latest) }, &context());
    assert_eq!((well.level, report.level), (Level::Fine, Level::Warning));
    assert_eq!(report.headline, format!("{} · 1 organization missing", well.headline));
    assert!(
        report.absent.contains("Globex 2. Its account groups are not in this report."),
        "{}",
        report.absent
    );
}
