//! Whole plans as people see them, in the widths of their terminals.

use chrono_tz::Tz;

use super::*;
use crate::change::{Code, Guard, GuardHit, NoChange, Plan, PlanOrganization, PlanRow, Problem, Verdict};
use crate::domain::quota::{Target, Units};
use crate::report::words::number;
use crate::text::width::columns;

const DUE: &str = "2026-11-30T23:00:00Z";

fn style(width: usize) -> Style {
    Style { paint: Paint { colors: false, width }, zone: Tz::Europe__Berlin }
}

fn would(typed: &str) -> Tense<'_> {
    Tense::Would { typed, all: false }
}

fn at(width: usize, plan: &Plan) -> String {
    let output = text("q4.csv", plan, style(width), would("q4.csv"));
    // A hash can be no shorter, and a command that is cut does not work.
    let fits = |line: &&str| line.chars().count() > 0 && !line.contains(&plan.sha256);
    for line in output.lines().filter(fits) {
        assert!(columns(line) <= width, "{width} columns: {line}");
    }
    output
}

struct Group(&'static str, &'static str, Units, Units);

fn row(
    number: usize,
    org: (&str, &str),
    group: &Group,
    quota: (Option<Units>, Option<Units>),
    verdict: Verdict,
) -> PlanRow {
    let Group(name, aid, used, projected) = *group;
    PlanRow {
        target: Some(Target::account_group(org.1, aid)),
        org_name: org.0.to_owned(),
        used: Some(used),
        projected: Some(projected),
        comment: String::new(),
        ..crate::report::fixtures::plan_row(number, aid, name, quota.0, quota.1, verdict)
    }
}

fn held(reasons: &[(Guard, &str)]) -> Verdict {
    let reason =
        |(guard, message): &(Guard, &str)| GuardHit { guard: *guard, message: (*message).to_owned() };
    Verdict::Held(reasons.iter().map(reason).collect())
}

fn refused(code: Code, message: &str) -> Verdict {
    Verdict::Refused(Problem { code, message: message.to_owned() })
}

fn total(org: (&str, &str), quota: Units, before: Units, after: Units) -> PlanOrganization {
    PlanOrganization {
        org_id: org.1.into(),
        name: org.0.to_owned(),
        quota: Some(quota),
        plan_units: Some(quota),
        allocated_before: before,
        allocated_after: after,
    }
}

fn made(rows: Vec<PlanRow>, organizations: Vec<PlanOrganization>) -> Plan {
    let sha256 = crate::change::plan::hash(&rows);
    Plan { rows, organizations, sha256 }
}

const ACME: (&str, &str) = ("Acme Bank", "10452");
const GLOBEX: (&str, &str) = ("Globex", "10788");
const INITECH: (&str, &str) = ("Initech", "11020");

fn small() -> Plan {
    let emea = Group("EMEA Branches", "204117", 8_120, 10_940);
    let rows = vec![row(2, ACME, &emea, (Some(9_000), Some(11_500)), Verdict::Send)];
    made(rows, vec![total(ACME, 92_000, 88_000, 90_500)])
}

fn every_kind() -> Plan {
    let below = "1 000 is below the 3 480 projected: tests would stop about 24 Nov; largest: portal.initech.com page \
                 load 1 900, VPN gateways 800";
    let due = DUE.parse().ok();
    let mut rows = vec![
        row(
            2,
            ACME,
            &Group("EMEA Branches", "204117", 8_120, 10_940),
            (Some(9_000), Some(11_500)),
            Verdict::Send,
        ),
        row(
            3,
            ACME,
            &Group("Trading Floor", "204150", 12_100, 16_900),
            (Some(15_000), Some(18_000)),
            Verdict::Send,
        ),
        row(
            4,
            GLOBEX,
            &Group("Retail Stores North-East and Islands", "207001", 900, 1_000),
            (Some(9_000), Some(1_050)),
            Verdict::Send,
        ),
        row(5, GLOBEX, &Group("Contact Center Voice", "207002", 10, 20), (None, Some(7_950)), Verdict::Send),
        row(6, GLOBEX, &Group("Sandbox", "207003", 0, 0), (Some(500), None), Verdict::Send),
        row(
            7,
            GLOBEX,
            &Group("Labs", "207004", 0, 0),
            (Some(500), Some(500)),
            Verdict::Unchanged(NoChange::AlreadySo),
        ),
        row(
            8,
            GLOBEX,
            &Group("Labs 2", "207005", 0, 0),
            (Some(500), Some(500)),
            Verdict::Unchanged(NoChange::NotEdited),
        ),
        PlanRow {
            target: None,
            used: None,
            projected: None,
            ..row(
                9,
                ("", ""),
                &Group("", "", 0, 0),
                (None, None),
                refused(Code::BadRow, "Column `value`: `12,000` has a separator. Type 12000."),
            )
        },
        row(
            10,
            ACME,
            &Group("Payments – Core", "204120", 20_300, 26_100),
            (Some(24_000), Some(26_500)),
            refused(
                Code::Stale,
                "`expected_value` is `23000`, but the quota is `24000` now. Somebody changed it since: check it, then put `24000` into `expected_value`.",
            ),
        ),
        row(
            17,
            INITECH,
            &Group("Helpdesk", "208001", 2_150, 3_480),
            (Some(4_000), Some(1_000)),
            held(&[
                (Guard::BelowUse, below),
                (
                    Guard::Sum,
                    "changes the total of the organization's account groups from 12 000 to 9 000, more than 20 %",
                ),
            ]),
        ),
        row(
            31,
            INITECH,
            &Group("Lab", "208004", 310, 520),
            (Some(2_000), None),
            held(&[
                (Guard::Unassign, "without a quota its usage is unlimited"),
                (
                    Guard::Sum,
                    "changes the total of the organization's account groups from 12 000 to 9 000, more than 20 %",
                ),
            ]),
        ),
        row(
            32,
            INITECH,
            &Group("Kiosk", "208005", 310, 520),
            (Some(2_000), Some(3_000)),
            held(&[(Guard::Bound, "held because row 17 is")]),
        ),
        PlanRow {
            due,
            ..row(33, ACME, &Group("Mobile", "204199", 0, 800), (Some(2_000), Some(1_600)), Verdict::Send)
        },
        PlanRow {
            target: Some(Target::organization("10788")),
            written: "80% of plan".into(),
            ..row(34, GLOBEX, &Group("", "", 22_000, 30_500), (Some(40_000), Some(48_000)), Verdict::Send)
        },
    ];
    rows[2].warnings.push("1 050 is less than 10 % above the 1 000 projected".into());
    let mut globex = total(GLOBEX, 48_000, 41_000, 41_000);
    globex.plan_units = Some(60_000);
    made(rows, vec![total(ACME, 92_000, 93_000, 93_000), globex, total(INITECH, 12_000, 12_000, 9_000)])
}

fn ten_thousand() -> Plan {
    let names: Vec<(String, String)> =
        (0..50).map(|number| (format!("Customer {number:02}"), (10_000 + number).to_string())).collect();
    let rows = (0..10_000usize).map(|number| {
        let (name, id) = &names[number % 50];
        let aid = (200_000 + number).to_string();
        let units = Units::try_from(number).unwrap();
        let (quota, verdict) = match (number % 50, number % 7) {
            (3 | 4, 1) => (
                (Some(9_000), Some(1_000)),
                held(&[(
                    Guard::BelowUse,
                    "1 000 is below the 3 480 projected: tests would stop about 24 Nov",
                )]),
            ),
            (3 | 4, _) => {
                ((Some(9_000), Some(10_000)), held(&[(Guard::Bound, "held because another row is")]))
            }
            (7, 1) => (
                (Some(9_000), Some(9_500)),
                refused(Code::Stale, "`expected_value` is `1`, but the quota is `9000` now."),
            ),
            (7, _) => ((Some(9_000), Some(9_500)), refused(Code::NotSent, "not sent")),
            (_, 2) => ((Some(9_000), Some(4_000 + units % 4_000)), Verdict::Send),
            (_, 3) => ((None, Some(4_000 + units)), Verdict::Send),
            (_, 4) => ((Some(9_000), Some(9_000)), Verdict::Unchanged(NoChange::NotEdited)),
            _ => ((Some(9_000), Some(9_501 + units)), Verdict::Send),
        };
        let group = format!("Group {number}");
        PlanRow {
            account_group_name: group,
            target: Some(Target::account_group(id.as_str(), aid.as_str())),
            ..row(number + 2, (name, id), &Group("", "", 2_150, 3_480), quota, verdict)
        }
    });
    let sum = |index: usize| if index.is_multiple_of(10) { 2_100_000 } else { 1_990_000 };
    let organizations = names
        .iter()
        .enumerate()
        .map(|(index, (name, id))| total((name, id), 2_000_000, 1_800_000, sum(index)));
    made(rows.collect(), organizations.collect())
}

fn only_refused() -> Plan {
    let mut plan = every_kind();
    plan.rows.retain(|row| matches!(row.verdict, Verdict::Refused(_)));
    plan.organizations.truncate(1);
    made(plan.rows, plan.organizations)
}

fn nothing() -> Plan {
    let mut plan = every_kind();
    plan.rows.retain(|row| matches!(row.verdict, Verdict::Unchanged(_)));
    plan.organizations.retain(|own| own.org_id.as_str() == GLOBEX.1);
    made(plan.rows, plan.organizations)
}

#[test]
fn a_plan_of_every_kind_fits_each_terminal() {
    for width in [60, 80, 120] {
        insta::assert_snapshot!(format!("every_kind_in_{width}_columns"), at(width, &every_kind()));
    }
}

#[test]
fn ten_thousand_rows_are_two_screens_and_not_a_dump() {
    for width in [60, 80, 120] {
        let output = at(width, &ten_thousand());
        insta::assert_snapshot!(format!("ten_thousand_rows_in_{width}_columns"), output);
    }
    assert!(at(80, &ten_thousand()).lines().count() <= 100);
}

#[test]
fn small_and_empty_plans_say_so_in_few_lines() {
    insta::assert_snapshot!("one_organization", at(80, &small()));
    insta::assert_snapshot!("nothing_to_do", at(80, &nothing()));
    insta::assert_snapshot!("only_refused", at(80, &only_refused()));
}

#[test]
fn a_pipe_cuts_nothing_and_has_no_colours() {
    let output = text("q4.csv", &every_kind(), style(usize::MAX), would("q4.csv"));
    assert!(output.contains("Retail Stores North-East and Islands 207001"), "{output}");
    assert!(!output.contains('\u{1b}'), "{output}");
    insta::assert_snapshot!("through_a_pipe", output);
}

#[test]
fn markdown_lists_what_is_held_and_refused_first_and_a_hundred_rows_of_what_fits_no_comment() {
    insta::assert_snapshot!("markdown", markdown("q4.csv", &every_kind(), Tz::Europe__Berlin, false));
    let long = markdown("all.csv", &ten_thousand(), Tz::UTC, false);
    assert!(long.lines().filter(|line| line.starts_with("| ")).count() <= 2 + 50 + 100, "{long}");
    assert!(long.contains("\nand 8") && long.len() < 60_000, "{} {long}", long.len());
}

/// A plan of one organization that raises so many account groups and leaves as many as they are.
fn raises(count: usize) -> Plan {
    let groups = (0..count).map(|number| {
        let aid = (204_000 + number).to_string();
        let raise =
            row(number + 2, ACME, &Group("", "", 800, 900), (Some(1_000), Some(2_000)), Verdict::Send);
        PlanRow {
            account_group_name: format!("Branch {number}"),
            target: Some(Target::account_group(ACME.1, aid.as_str())),
            ..raise
        }
    });
    let kept = |raise: &PlanRow| PlanRow {
        row: raise.row + count,
        account_group_name: raise.account_group_name.replace("Branch", "Office"),
        after: raise.before,
        verdict: Verdict::Unchanged(NoChange::AlreadySo),
        ..raise.clone()
    };
    let changed: Vec<PlanRow> = groups.collect();
    let rows = changed.iter().cloned().chain(changed.iter().map(kept)).collect();
    made(rows, vec![total(ACME, 9_000_000, 1_000_000, 2_000_000)])
}

#[test]
fn each_row_that_changes_is_listed_up_to_a_thousand_and_unchanged_ones_are_one_line() {
    for (count, listed) in [(5, 5), (40, 40), (1_000, 1_000), (2_000, 3)] {
        let plan = raises(count);
        for width in [60, 80, 120, usize::MAX] {
            let said = at(width, &plan);
            assert_eq!(said.matches("Branch ").count(), listed, "{count} rows, {width} columns: {said}");
            assert!(!said.contains("Office "), "{said}");
            assert!(said.contains(&format!("\n  Unchanged: {} already so\n", number(count))), "{said}");
            let rest = format!("and {} more (--all lists them)", number(count - listed));
            assert_eq!(said.contains(&rest), count > listed, "{said}");
        }
    }
}

#[test]
fn rows_that_fall_with_others_are_listed_below_them_without_saying_why_again() {
    let said = at(80, &every_kind());
    let (_, waiting) = said.split_once("      and 1 that waits with these:\n").unwrap();
    assert!(waiting.starts_with("   32  Kiosk 208005 "), "{said}");
    assert!(!said.contains("held because row 17 is"), "{said}");
}

#[test]
fn rows_of_several_organizations_stand_below_the_name_of_theirs() {
    let said = at(80, &every_kind());
    let rows = said.split_once("  Raises · 3\n").unwrap().1;
    let heads: Vec<&str> = rows
        .lines()
        .skip(1)
        .take(5)
        .map(|line| line.split("  ").find(|cell| !cell.trim().is_empty()).unwrap().trim())
        .collect();
    assert_eq!(heads, ["Acme Bank 10452", "2", "3", "Globex 10788", "34"], "{said}");
    let one = at(80, &raises(3));
    assert_eq!(one.matches("Acme Bank 10452").count(), 1, "only in the table of organizations: {one}");
}

#[test]
fn people_read_sentences_and_keys_of_limits_and_no_codes_of_guards() {
    let plan = every_kind();
    let said = [at(60, &plan), at(120, &plan), markdown("q4.csv", &plan, Tz::UTC, true)];
    for said in said.map(|said| said.replace('\\', "")) {
        assert!(said.contains("guard.unassign"), "{said}");
        assert!(said.contains("guard.max_sum_change_percent"), "{said}");
        for code in ["below_use", "  sum", "(sum)", "  unassign\n", "bound", "bad_row", "stale"] {
            assert!(!said.contains(code), "{code}: {said}");
        }
    }
}

#[test]
fn each_key_that_a_guard_names_is_one_of_the_reference_configuration() {
    let reference = include_str!("../../../config/quotakeeper.toml");
    for key in Guard::ALL.iter().filter_map(|guard| guard.limit_key()) {
        let name = key.strip_prefix("guard.").unwrap();
        assert!(
            reference
                .lines()
                .any(|line| line.trim_start_matches(['#', ' ']).starts_with(&format!("{name} ="))),
            "{key}"
        );
    }
}

#[test]
fn markdown_lists_each_row_that_changes_as_long_as_a_comment_holds_them() {
    let said = markdown("q4.csv", &raises(300), Tz::UTC, false);
    assert_eq!(said.matches("Branch ").count(), 300);
    assert!(!said.contains("Office ") && said.ends_with("\nUnchanged: 300 already so.\n"), "{said}");
    let said = markdown("q4.csv", &raises(2_000), Tz::UTC, false);
    assert_eq!(said.matches("Branch ").count(), 100);
    assert!(
        said.contains("and 1\u{a0}900 more (`--all` lists them)")
            || said.contains("and 1 900 more (`--all` lists them)"),
        "{said}"
    );
}

#[test]
fn with_all_each_row_is_listed_also_those_that_change_nothing() {
    let all = Tense::Would { typed: "q4.csv", all: true };
    insta::assert_snapshot!("all_rows", text("q4.csv", &every_kind(), style(80), all));
    insta::assert_snapshot!("all_rows_in_markdown", markdown("q4.csv", &every_kind(), Tz::UTC, true));
    let plan = ten_thousand();
    let said = [text("q4.csv", &plan, style(usize::MAX), all), markdown("q4.csv", &plan, Tz::UTC, true)];
    for said in said {
        let rows = said.lines().filter(|line| line.contains("Group "));
        assert_eq!(rows.count(), plan.rows.len());
        assert!(!said.contains(" more"), "{said}");
    }
}

#[test]
fn markdown_of_a_plan_that_changes_nothing_has_a_line_for_the_rows_and_with_all_each_of_them() {
    let said = markdown("q4.csv", &nothing(), Tz::UTC, false);
    assert!(said.ends_with("Nothing to do.\n\nUnchanged: 1 already so, 1 not edited.\n"), "{said}");
    let said = markdown("q4.csv", &nothing(), Tz::UTC, true);
    assert!(
        said.contains("| 8 | Labs 2 207005 | 500 | 500 | 0 | 0 | 500 | unchanged: not edited |"),
        "{said}"
    );
    assert!(markdown("empty.csv", &Plan::default(), Tz::UTC, false).ends_with("\n\nNothing to do.\n"));
}

#[test]
fn json_has_every_row_and_the_outcome_of_each_organization() {
    let plan = every_kind();
    let value = serde_json::to_value(PlanJson::new("q4.csv", &plan)).unwrap();
    assert_eq!(value["rows"].as_array().map(Vec::len), Some(plan.rows.len()));
    assert_eq!(value["requests"]["total"], 4);
    assert_eq!(value["requests"]["by_operation"]["assign_account_groups"], 2);
    let own = &value["organizations"][0];
    assert_eq!((&own["org_id"], &own["held"], &own["flows"]), (&"11020".into(), &3.into(), &0.into()));
    let find =
        |row: u64| value["rows"].as_array().unwrap().iter().find(|each| each["row"] == row).unwrap().clone();
    assert_eq!(find(33)["effective"], DUE);
    assert_eq!(find(34)["written"], "80% of plan");
    assert_eq!(find(17)["reasons"][0]["guard"], "below_use");
}

#[test]
fn a_path_is_typed_back_as_one_word() {
    assert_eq!(shell_word("drop/raise-q4.csv"), "drop/raise-q4.csv");
    assert_eq!(shell_word("Ann's raise.csv"), r"'Ann'\''s raise.csv'");
}

#[test]
fn what_came_through_a_pipe_is_applied_through_a_pipe_and_no_empty_plan_is_applied_at_all() {
    let output = text("standard-input.csv", &small(), style(120), would("-"));
    assert!(output.contains("1 row would be applied in 1 request (1 assign)"), "{output}");
    assert!(output.contains("To apply: quotakeeper apply -\n"), "{output}");
    let output = text("empty.csv", &Plan::default(), style(120), would("empty.csv"));
    assert!(output.contains("Nothing would be applied") && !output.contains("To apply"), "{output}");
    assert!(!output.contains("plan e3b0c442"), "nobody approves a plan that does nothing: {output}");
    let output = markdown("q4.csv", &nothing(), Tz::UTC, false);
    assert!(!output.contains(&nothing().sha256), "{output}");
}

#[test]
fn a_command_is_never_cut() {
    let words = ["quotakeeper apply q4.csv", "--approve 0123456789"];
    let output = |width| command("To send it:", &words, style(width).paint);
    assert_eq!(output(80), "To send it:quotakeeper apply q4.csv --approve 0123456789\n");
    assert_eq!(output(50), "To send it:\n  quotakeeper apply q4.csv --approve 0123456789\n");
    assert_eq!(output(40), "To send it:\n  quotakeeper apply q4.csv \\\n    --approve 0123456789\n");
}

#[test]
fn the_hint_for_a_file_that_is_not_there_writes_over_none_that_is() {
    let folder = tempfile::tempdir().unwrap();
    let missing = || std::io::Error::from(std::io::ErrorKind::NotFound);
    let file = folder.path().join("q4");
    let shown = |file: &Path| not_opened(file, missing()).to_string();
    assert!(
        shown(&file).ends_with("q4.csv`") && shown(&file).contains("quotakeeper export > "),
        "{}",
        shown(&file)
    );
    fs_err::write(folder.path().join("q4.csv"), "").unwrap();
    assert!(shown(&file).ends_with("q4.csv?") && !shown(&file).contains("export"), "{}", shown(&file));
}
