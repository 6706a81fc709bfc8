//! What the closing report says first, what it compares, and what it never claims.

use proptest::prelude::*;

use chrono::TimeDelta;

use super::*;
use crate::domain::quota::{Snapshot, Units, Usage};
use crate::report::closing::fixtures::{
    closed_with, closings, ended, history, one_closing, report_in, report_on, table_of, walked,
};
use crate::report::fixtures::{group, group_of, organization};

fn headline_of(closed: &[ClosedCycles]) -> String {
    report_on(closed).headline
}

fn unknown(row: SnapshotRow<'static>) -> SnapshotRow<'static> {
    SnapshotRow { usage: Usage::default(), ..row }
}

fn acme(quota: Option<Units>, used: Units) -> ClosedCycles {
    closed_with("10452", vec![organization("10452", "Acme Bank", quota, used, used)])
}

#[test]
fn the_headline_is_the_summary() {
    assert_eq!(headline_of(&[acme(Some(1000), 911)]), "Acme Bank used 91 % of its quota in the Nov cycle");
    assert_eq!(
        headline_of(&[acme(Some(1000), 1030)]),
        "Acme Bank used 103 % of its quota in the Nov cycle, 30 over"
    );
    assert_eq!(headline_of(&[acme(None, 911)]), "Acme Bank used 911 units in the Nov cycle");
    let globex = |used| closed_with("10788", vec![organization("10788", "Globex", Some(1000), used, used)]);
    assert_eq!(
        headline_of(&[acme(Some(1000), 911), globex(10)]),
        "2 organizations closed their cycle, all within quota"
    );
    let lab = group("7", "Lab", Some(10), 11, 0);
    let with_lab = closed_with("10452", vec![organization("10452", "Acme Bank", Some(1000), 911, 911), lab]);
    assert_eq!(
        headline_of(&[with_lab, globex(10)]),
        "2 organizations closed their cycle, all within quota, but 1 account group ran out"
    );
    assert_eq!(
        headline_of(&[acme(Some(1000), 911), globex(1001)]),
        "2 organizations closed their cycle, 1 over quota"
    );
    assert_eq!(
        headline_of(&[acme(Some(1000), 911), acme(None, 1)]),
        "2 organizations closed their cycle",
        "without a quota nothing is within it"
    );
    assert_eq!(
        closings().headline,
        "3 organizations closed their cycle, 1 over quota, 1 with unknown usage, 3 account groups ran out"
    );
}

#[test]
fn what_ran_out_is_in_the_order_of_the_units_that_stand_beside_it() {
    let report = report_on(&[closed_with(
        "10452",
        vec![
            organization("10452", "Acme Bank", Some(100_000), 9_000, 9_000),
            group("1", "Small, twice its quota", Some(100), 200, 0),
            group("2", "Large, a tenth over", Some(10_000), 11_000, 0),
            group("3", "Just used up", Some(500), 500, 0),
        ],
    )]);
    let order: Vec<_> = report.sections[0].ran_out.iter().map(|group| &*group.status).collect();
    assert_eq!(order, ["1 000 over", "100 over", "used up"]);
}

#[test]
fn account_groups_that_ran_out_are_listed_worst_first_up_to_a_limit() {
    let mut rows = vec![organization("10452", "Acme Bank", Some(100_000), 9_000, 9_000)];
    rows.extend(
        (0..12).map(|number| group(&(100 + number).to_string(), "Region", Some(1000), 1000 + number * 10, 0)),
    );
    rows.push(group("7", "Quiet", Some(1000), 640, 640));
    rows.push(group("8", "Lab", None, 0, 0));
    rows.push(unknown(group("9", "Odd", Some(5), 0, 0)));
    let report = report_on(&[closed_with("10452", rows)]);
    let section = &report.sections[0];
    assert_eq!((section.ran_out.len(), section.more_ran_out), (RAN_OUT, 6));
    assert_eq!((&*section.ran_out[0].id, section.ran_out[0].over), ("111", Some(110)));
    assert_eq!(
        section.sentences[2],
        "1 other account group stayed within quota (64 % used). 1 account group had no quota. The usage of 1 account group is \
         unknown. 1 account group used nothing."
    );
    assert_eq!(report.rows, 16, "the table has them all");
}

#[test]
fn a_cycle_is_compared_with_the_one_before_and_with_what_was_projected() {
    let report = one_closing();
    let section = &report.sections[0];
    assert_eq!(
        section.sentences,
        [
            "As of Sat 5 Dec 2026, 00:00, 1 hour before the end.",
            "4 % more than in the previous cycle (5 Oct to 5 Nov: 93 216).",
            "At mid-cycle, on 20 Nov, ThousandEyes projected 91 274: 6 % too little.",
            "The largest were Payments – Core 204120 (26 100, 26 %), Trading Floor 204150 (16 900, 17 %) and EMEA Branches \
             204117 (10 940, 11 %).",
            "14 other account groups stayed within quota, at most 93 % used. 2 account groups had no quota. 2 account groups \
             used nothing.",
            "2 quota changes in the cycle: 1 by run 20261121T133000Z-raise-trading, 1 outside quotakeeper.",
        ]
    );
}

#[test]
fn the_year_has_a_row_for_each_cycle_and_says_what_is_missing() {
    let report = one_closing();
    let section = &report.sections[0];
    let rows: Vec<String> = section
        .year
        .iter()
        .map(|row| format!("{} {:?} {}", row.cycle, row.spent.used, row.missing))
        .collect();
    assert_eq!(rows.len(), 9);
    assert_eq!(rows[0], "5 Mar to 5 Apr Some(66028) false");
    assert_eq!(rows[5], "5 Aug to 5 Sep None true");
    assert_eq!(section.year_title, "2026 so far");
    assert!(section.year_total.starts_with("At least ") && section.year_total.contains(" in 8 cycles ("));
    assert!(section.year_total.ends_with("There is no data before 5 Mar."), "{}", section.year_total);
}

#[test]
fn unknown_usage_is_never_a_zero() {
    let report = report_on(&walked(&[ended("11020")], &history()).0);
    let section = &report.sections[0];
    assert_eq!(report.headline, "What Initech used in the Nov cycle is unknown");
    assert_eq!((section.spent.used, section.spent.bar), (None, None));
    assert_eq!(section.notes, ["No snapshot shows its usage in this cycle."]);
    assert!(section.sentences.is_empty() && section.year.is_empty() && section.year_total.is_empty());
    let rows = vec![unknown(organization("10452", "Acme", Some(5), 0, 0)), group("1", "Lab", Some(5), 1, 1)];
    let report = report_on(&[closed_with("10452", rows)]);
    assert_eq!(report.sections[0].spent.used, None);
    assert_eq!(report.headline, "What Acme used in the Nov cycle is unknown");
}

#[test]
fn what_was_not_looked_up_is_not_said_to_be_missing() {
    let mut closed = walked(&[ended("11020")], &[]).0;
    closed[0].cut = true;
    assert_eq!(
        report_on(&closed).sections[0].notes,
        ["Its usage was not looked up: too many snapshots had to be opened for this report."]
    );
}

#[test]
fn what_was_seen_long_before_the_end_is_said_to_be_so() {
    let mut closed = acme(Some(1000), 911);
    let end = closed.cycles[0].end;
    closed.cycles[0].last_seen.as_mut().unwrap().at = end - TimeDelta::days(3);
    let report = report_on(&[closed]);
    let section = &report.sections[0];
    assert_eq!(section.year[0].until, "2 Dec");
    assert!(
        section.year_total.starts_with("At least 911 of 1 000 units in 1 cycle"),
        "{}",
        section.year_total
    );
    assert_eq!(
        section.notes,
        ["Its usage was last seen 3 days before the end; these figures do not include later usage."]
    );
}

#[test]
fn what_was_used_beyond_the_plan_is_a_warning_unless_the_units_look_mismatched() {
    let with_plan = |plan| {
        let own = organization("10452", "Acme Bank", Some(1000), 911, 911);
        let own = SnapshotRow { plan_units: Some(plan), ..own };
        report_on(&[closed_with("10452", vec![own])]).sections.remove(0)
    };
    let over = with_plan(900);
    assert_eq!((over.over_plan, over.spent.level), (Some(11), Level::Warning));
    let odd = with_plan(1);
    assert_eq!((odd.over_plan, odd.spent.level), (None, Level::Fine));
    assert!(odd.notes[0].contains("usage.units_per_quota_unit"), "{:?}", odd.notes);
}

#[test]
fn what_is_no_result_is_not_compared() {
    let mut closed = walked(&[ended("10452")], &history()).0.remove(0);
    let is_compared = |closed: &ClosedCycles| {
        let sentences = report_on(std::slice::from_ref(closed)).sections.remove(0).sentences;
        ["previous cycle", "projected"].map(|part| sentences.iter().any(|sentence| sentence.contains(part)))
    };
    assert_eq!(is_compared(&closed), [true, true]);
    let early = |cycle: &mut Cycle| cycle.last_seen.as_mut().unwrap().at -= TimeDelta::days(9);
    early(&mut closed.cycles[1]);
    assert_eq!(is_compared(&closed), [false, true]);
    early(&mut closed.cycles[0]);
    assert_eq!(is_compared(&closed), [false, true]);
    let sentences = report_on(std::slice::from_ref(&closed)).sections.remove(0).sentences.join(" ");
    assert!(
        sentences.contains(". Whether that was right is unknown, because no snapshot shows the end"),
        "{sentences}"
    );
}

/// What is left for somebody who owns only these account groups.
fn only(closed: &ClosedCycles, aids: &[&str]) -> ClosedCycles {
    let mut closed = closed.clone();
    let seen =
        closed.cycles.iter_mut().filter_map(|cycle| cycle.last_seen.as_mut()).chain(closed.middle.as_mut());
    for seen in seen {
        *seen = seen.filtered(|place| place.aid().is_some_and(|aid| aids.contains(&aid.as_str())));
    }
    closed
}

#[test]
fn of_some_account_groups_alone_nothing_is_said_of_the_organization() {
    let all = walked(&[ended("10452")], &history()).0.remove(0);
    let report = report_on(&[only(&all, &["204117"])]);
    let section = &report.sections[0];
    assert_eq!(
        report.headline,
        "EMEA Branches (Acme Bank) used 122 % of its quota in the Nov cycle, 1 940 over"
    );
    assert_eq!((section.plan, section.spent.used, section.ran_out.len()), (None, Some(10_940), 0));
    assert_eq!(section.of, "Acme Bank");
    assert_eq!(section.year.len(), 9);
    assert_eq!(section.sentences[1], "4 % more than in the previous cycle (5 Oct to 5 Nov: 10 503).");
    assert!(
        !section.sentences.iter().any(|sentence| sentence.contains("quota change")),
        "{:?}",
        section.sentences
    );

    let report = report_on(&[only(&all, &["204117", "204150"])]);
    let section = &report.sections[0];
    assert_eq!(
        report.headline,
        "2 account groups of Acme Bank used 104 % of their quotas in the Nov cycle, 840 over, 1 account group ran out"
    );
    assert_eq!((section.spent.used, section.spent.quota), (Some(27_840), Some(27_000)));
    let sentence = section.sentences.last().unwrap();
    assert_eq!(sentence, "1 quota change in the cycle: 1 by run 20261121T133000Z-raise-trading.");
    let table = table_of(&[only(&all, &["204117", "204150"])]);
    assert!(table.contains("10452,Acme Bank,204117,"), "{table}");
    assert!(!table.contains(",,,2026-11-05T00:00:00Z"), "no line of the organization itself: {table}");

    let report = report_on(&[only(&all, &["204117", "204190"])]);
    assert_eq!(
        report.headline,
        "2 account groups of Acme Bank used 10 995 units in the Nov cycle, 1 account group ran out"
    );
    assert_eq!(report.sections[0].spent.status, "not all have a quota");

    let globex = walked(&[ended("10788")], &history()).0.remove(0);
    let report = report_on(&[only(&all, &["204117"]), only(&globex, &["301001"])]);
    assert_eq!(report.headline, "2 organizations closed their cycle");
}

#[test]
fn the_worst_are_shown_in_full_then_some_in_a_line_and_the_rest_in_a_sentence() {
    let closed: Vec<ClosedCycles> = (0..40_i64)
        .map(|number| {
            let org_id = number.to_string();
            closed_with(&org_id, vec![organization(&org_id, "Org", Some(1000), 400 + number * 20, 0)])
        })
        .collect();
    let report = report_on(&closed);
    assert_eq!((report.sections.len(), report.brief.len()), (DETAILED, BRIEF));
    assert_eq!(report.sections[0].spent.percent, Some(118));
    assert_eq!(report.more, "29 more organizations closed their cycle: nothing ran out in them.");
    assert_eq!(report.headline, "40 organizations closed their cycle, 9 over quota");
}

#[test]
fn the_same_cycle_is_the_same_report_and_another_cycle_another() {
    let identity =
        |org_id: &str, history: &[Snapshot]| report_on(&walked(&[ended(org_id)], history).0).identity;
    assert_eq!(identity("10452", &history()), identity("10452", &history()[..3]));
    assert_ne!(identity("10452", &history()), identity("10788", &history()));
}

#[test]
fn the_table_has_every_account_group_and_every_cycle_of_the_year() {
    let report = one_closing();
    let table = String::from_utf8(report.attached).unwrap();
    assert!(table.starts_with("\u{feff}org_id,org_name,"), "{table}");
    assert!(table.contains("10452,Acme Bank,204117,EMEA Branches,2026-11-05T00:00:00Z,2026-12-05T00:00:00Z,2026-12-04T23:00:00Z,9000,10940,122,1940,,1 940 over,10246\n"), "{table}");
    assert!(
        table.contains("10452,Acme Bank,,,2026-08-05T00:00:00Z,2026-09-05T00:00:00Z,,,,,,,usage unknown"),
        "{table}"
    );
    assert_eq!(table.lines().count(), 1 + report.rows);
    let of_months_before = table.lines().filter(|line| line.contains(",2026-07-05T00:00:00Z,"));
    assert_eq!(
        of_months_before.filter(|line| !line.ends_with(',')).count(),
        0,
        "only of the last one a projection is looked up"
    );
}

proptest! {
    #[test]
    fn the_figures_are_those_of_the_snapshot(
        quota in prop::option::of(0_i64..1_000_000),
        used in prop::collection::vec(prop::option::of(0_i64..1_000_000), 1..30),
    ) {
        let row = |(index, used): (usize, &Option<Units>)| {
            let row = match index {
                0 => organization("10452", "Acme Bank", quota, used.unwrap_or(0), 0),
                _ => group_of("10452", "Acme Bank", &index.to_string(), "Group", quota, used.unwrap_or(0), 0),
            };
            if used.is_some() { row } else { unknown(row) }
        };
        let rows: Vec<SnapshotRow<'static>> = used.iter().enumerate().map(row).collect();
        let closed = [closed_with("10452", rows.clone())];
        let report = report_on(&closed);
        let section = &report.sections[0];
        let rule = UsageRule::default();
        prop_assert_eq!(section.spent.used, rule.used(&rows[0].usage));
        prop_assert_eq!(section.spent.quota, quota);
        prop_assert_eq!(section.year.last().unwrap().spent.used, section.spent.used);
        prop_assert_eq!(report.rows, rows.len());
        let table = table_of(&closed);
        for (line, row) in table.lines().skip(1).zip(&rows) {
            let text = |units: Option<Units>| units.map_or_else(String::new, |units| units.to_string());
            let cells: Vec<&str> = line.split(',').collect();
            prop_assert_eq!(cells[2], row.target.aid.as_ref().map_or("", |aid| aid.as_str()));
            let (quota, used) = (text(row.quota), text(rule.used(&row.usage)));
            prop_assert_eq!((cells[7], cells[8]), (&*quota, &*used));
        }
        let out = |row: &&SnapshotRow| {
            let used = rule.used(&row.usage).unwrap_or(0);
            row.target.aid.is_some() && row.quota.is_some_and(|quota| used > 0 && used >= quota)
        };
        prop_assert_eq!(section.ran_out.len() + section.more_ran_out, rows.iter().filter(out).count());
    }
}

#[test]
fn a_file_shows_every_organization_in_full_and_every_account_group() {
    let closed: Vec<ClosedCycles> = (0..30)
        .map(|number| {
            let id = (200 + number).to_string();
            let groups = (0..20).map(|aid| {
                let used = if aid < 10 { 1000 + aid } else { 500 };
                group_of(&id, "Tenant", &(1000 + aid).to_string(), "Region", Some(1000), used, used)
            });
            closed_with(&id, groups.chain([organization(&id, "Tenant", Some(50_000), 1, 1)]).collect())
        })
        .collect();
    let file = report_in(Extent::Whole, &closed);
    assert_eq!((file.sections.len(), file.brief.len(), &*file.more), (30, 0, ""));
    let section = &file.sections[0];
    assert_eq!((section.ran_out.len(), section.more_ran_out, section.groups.len()), (10, 0, 10));
    let mail = report_on(&closed);
    assert!(mail.sections.len() == 3 && mail.sections[0].groups.is_empty() && !mail.more.is_empty());
}

#[test]
fn more_account_groups_than_a_browser_shows_are_shared_out_among_the_organizations() {
    let tenant = |id: &str, groups: usize| {
        let used = |aid: usize| if aid == 7 { 1000 } else { 10 };
        let group = |aid: usize| group_of(id, "Tenant", &aid.to_string(), "Region", Some(1000), used(aid), 0);
        let own = organization(id, "Tenant", Some(50_000), 1, 1);
        closed_with(id, std::iter::once(own).chain((1..=groups).map(group)).collect())
    };
    let half = MOST_ROWS / 2;
    for (second, listed) in [(half, [(1, half - 1, 0); 2]), (half + 1, [(1, half - 1, 0), (1, half - 1, 1)])]
    {
        let mut sections = report_in(Extent::Whole, &[tenant("201", half), tenant("202", second)]).sections;
        sections.sort_by(|a, b| a.spent.id.cmp(&b.spent.id));
        let found: Vec<_> = sections
            .iter()
            .map(|section| (section.ran_out.len(), section.groups.len(), section.more_groups))
            .collect();
        assert_eq!(found, listed);
    }
}
