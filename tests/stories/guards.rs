//! Each guard with the real binary: what just passes, what is just held, the key that eases it, and `approve`.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::standin::{Key, World, key};
use crate::testbed::{Bench, counts};

/// Twenty account groups with a quota of 1 000 each, of which 300 are projected: their sum is 20 000.
fn world() -> World {
    let mut world = World::wide(1, 20);
    let own = world.organizations.get_mut("1").unwrap();
    (own.cloud, own.enterprise) = ((2_000, Some(6_000)), (0, Some(0)));
    world
}

fn with_quota(quota: i64) -> World {
    let mut world = world();
    world.set(&key("1", ""), Some(quota));
    world
}

/// The same value for so many account groups.
fn groups(count: usize, value: &str) -> String {
    let keys: Vec<Key> = world().quotas().into_keys().filter(|key| key.1.is_some()).take(count).collect();
    let line = |key: &Key| {
        let action = if value.is_empty() { "unassign" } else { "assign" };
        format!("{action},1,{},{value}\n", key.1.as_deref().unwrap())
    };
    keys.iter().map(line).collect()
}

fn own(value: &str) -> String {
    format!("{},1,,{value}\n", if value.is_empty() { "unassign" } else { "assign" })
}

struct Case {
    what: &'static str,
    guard: &'static str,
    world: fn() -> World,
    /// Flows, by a hair; none where no change of this kind does.
    passes: Option<String>,
    held: String,
    /// What lets it pass too, as a variable of the environment; none where only an approval does.
    eased: Option<(&'static str, &'static str)>,
    /// A setting without which the guard is not on.
    on: Option<(&'static str, &'static str)>,
}

const OVERRIDES: &str = "QUOTAKEEPER__GUARD__OVERRIDES";

fn cases() -> Vec<Case> {
    let case = |what, guard, passes: String, held: String, eased: Option<&'static str>| Case {
        what,
        guard,
        world,
        passes: Some(passes),
        held,
        eased: eased.map(|limits| (OVERRIDES, limits)),
        on: None,
    };
    let forbidden = || World { usage_forbidden: true, ..world() };
    vec![
        case("below use", "below_use", groups(1, "300"), groups(1, "299"), None),
        case(
            "lowered share",
            "lowered_share",
            groups(10, "999"),
            groups(11, "999"),
            Some(r#"[{ org_id = "1", max_lowered_percent = 55 }]"#),
        ),
        case(
            "sum",
            "sum",
            groups(10, "1400"),
            groups(10, "1401"),
            Some(r#"[{ org_id = "1", max_sum_change_percent = 21 }]"#),
        ),
        case(
            "sum, from floor_rows rows on",
            "sum",
            groups(9, "2000"),
            groups(10, "2000"),
            Some(r#"[{ org_id = "1", floor_rows = 11 }]"#),
        ),
        case(
            "raise factor",
            "raise_factor",
            groups(1, "5000"),
            groups(1, "5001"),
            Some(r#"[{ org_id = "1", aid = "100020", max_raise_factor = 5.1 }]"#),
        ),
        case("organization below its groups", "organization", own("20000"), own("19999"), None),
        Case {
            world: || with_quota(1_500_000),
            ..case(
                "organization above its plan",
                "organization",
                own("2000000"),
                own("2000001"),
                Some(r#"[{ org_id = "1", above_plan = "warn" }]"#),
            )
        },
        Case { passes: None, ..case("organization unassigned", "organization", own(""), own(""), None) },
        Case {
            passes: None,
            ..case(
                "unassign",
                "unassign",
                groups(1, ""),
                groups(1, ""),
                Some(r#"[{ org_id = "1", unassign = "allow" }]"#),
            )
        },
        Case {
            world: || with_quota(20_500),
            on: Some(("QUOTAKEEPER__GUARD__OVER_ALLOCATION", "hold")),
            ..case(
                "over-allocation",
                "over_allocation",
                groups(1, "1500"),
                groups(1, "1501"),
                Some(r#"[{ org_id = "1", over_allocation = "allow" }]"#),
            )
        },
        Case {
            world: forbidden,
            ..case("unknown usage", "unknown", groups(1, "1001"), groups(1, "999"), None)
        },
        Case {
            world: || with_quota(2_000),
            eased: Some(("QUOTAKEEPER__USAGE__UNITS_PER_QUOTA_UNIT", "1000")),
            ..case("units that look different", "unknown", groups(1, "1001"), groups(1, "999"), None)
        },
        Case {
            passes: None,
            on: Some(("QUOTAKEEPER__GUARD__APPROVAL", "always")),
            ..case(
                "approval",
                "approval",
                groups(1, "1001"),
                groups(1, "1001"),
                Some(r#"[{ org_id = "1", approval = "guards" }]"#),
            )
        },
    ]
}

/// The guards that hold rows of a file, and their reasons.
fn planned(bench: &Bench, rows: &str) -> (BTreeSet<String>, BTreeSet<String>) {
    let path = bench.data().join("guards.csv");
    fs_err::write(&path, format!("action,org_id,aid,value\n{rows}")).unwrap();
    let out = bench.run(&["plan", path.to_str().unwrap(), "--format", "json"]).ends_with(0).out;
    let plan: Value = serde_json::from_str(&out).unwrap();
    let (mut guards, mut reasons) = (BTreeSet::new(), BTreeSet::new());
    for reason in plan["rows"].as_array().unwrap().iter().flat_map(|row| row["reasons"].as_array().unwrap()) {
        guards.insert(reason["guard"].as_str().unwrap().to_owned());
        let message = reason["message"].as_str().unwrap();
        // The day when tests would stop depends on today.
        reasons.insert(message.split(": tests would stop").next().unwrap().to_owned());
    }
    (guards, reasons)
}

#[test]
fn each_guard_holds_what_is_beyond_its_limit_until_it_is_eased_or_approved() {
    let mut document = String::new();
    for case in cases() {
        let what = case.what;
        let bench = Bench::new((case.world)());
        let bench = case.on.into_iter().fold(bench, |bench, (name, value)| bench.with(name, value));
        if let Some(passes) = &case.passes {
            let (guards, reasons) = planned(&bench, passes);
            assert_eq!(guards, BTreeSet::new(), "{what}: {reasons:?}");
        }
        let (guards, reasons) = planned(&bench, &case.held);
        assert_eq!(guards, BTreeSet::from([case.guard.to_owned()]), "{what}: {reasons:?}");
        let lines: Vec<String> = reasons.into_iter().collect();
        document += &format!("{what}\n  {}\n", lines.join("\n  "));

        bench.drop_file("guards.csv", format!("action,org_id,aid,value\n{}", case.held));
        bench.run(&["inbox"]).ends_with(5);
        assert_eq!(bench.posts(), 0, "{what}");
        bench.run(&["approve", &bench.only_run().id()]).ends_with(0);
        let rows = case.held.lines().count();
        assert_eq!(bench.only_run().counts(), counts([("applied", rows)]), "{what}");

        if let Some((name, value)) = case.eased {
            let bench = Bench::new((case.world)()).with(name, value);
            let bench = case.on.into_iter().fold(bench, |bench, (name, value)| bench.with(name, value));
            assert_eq!(planned(&bench, &case.held).0, BTreeSet::new(), "{what}, eased by {value}");
        }
    }
    insta::assert_snapshot!("reasons", document);
}
