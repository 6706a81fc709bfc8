//! Whose quota a row means by its names, and every sentence of a plan on a row that it refuses.

use std::fmt::Write;

use super::*;
use crate::change::fixtures::{group, own, planned, row_lines, snapshot};
use crate::change::{Plan, PlanRow, Verdict};
use crate::config::{Guards, Mode};
use crate::domain::quota::{SnapshotRow, Target};

fn named(org_name: &str, name: &str, row: SnapshotRow<'static>) -> SnapshotRow<'static> {
    SnapshotRow { org_name: org_name.to_owned().into(), account_group_name: name.to_owned().into(), ..row }
}

/// Three organizations, one of them with two account groups of the same name, and others whose plans are not
/// known, or nothing to take a share of.
fn live() -> Snapshot {
    let acme = |aid, name| named("Acme Bank", name, group("10452", aid, Some(1000), 0, 500));
    let initech = |aid, name| named("Initech", name, group("11020", aid, Some(1000), 0, 500));
    snapshot([
        SnapshotRow { plan_units: Some(92_000), ..named("Acme Bank", "", own("10452", Some(80_000), 0, 0)) },
        acme("204117", "EMEA Branches"),
        acme("204118", "Helpdesk"),
        acme("204119", "Trading  Floor"),
        acme("204120", "emea branches"),
        acme("204121", ""),
        SnapshotRow { plan_units: Some(40_000_000), ..named("Globex", "", own("10788", Some(40_000), 0, 0)) },
        named("Globex", "Payments", group("10788", "206001", Some(1000), 0, 500)),
        named("Initech", "", own("11020", Some(12_000), 0, 0)),
        initech("208001", "Helpdesk"),
        initech("208002", "Lab"),
        initech("208003", "Lab"),
        named("Twin", "", own("12001", Some(1), 0, 0)),
        named("Twin", "Payments West", group("12001", "5", Some(1), 0, 0)),
        named("Twin", "", own("12002", Some(1), 0, 0)),
        named("Twin", "", group("12002", "5", Some(1), 0, 0)),
        SnapshotRow { plan_units: Some(i64::MAX), ..own("13000", None, 0, 0) },
        group("13000", "9", None, 0, 0),
    ])
}

fn plan(text: &str, mode: Mode) -> Plan {
    planned(text, &live(), mode, &Guards::default())
}

/// `organization/account group` of each row that is found, else the code.
fn meant(rows: &str) -> Vec<String> {
    let found = |row: &PlanRow| match (&row.verdict, &row.target) {
        (Verdict::Refused(problem), _) => problem.code.to_string(),
        (_, Some(target)) => {
            format!("{}/{}", target.org_id, target.aid.as_ref().map_or("", |aid| aid.as_str()))
        }
        _ => "nothing".to_owned(),
    };
    let text = format!("org_id,org_name,aid,account_group_name,value\n{rows}\n");
    plan(&text, Mode::Row).rows.iter().map(found).collect()
}

#[test]
fn a_name_is_found_where_only_one_target_has_it() {
    assert_eq!(meant(",Globex,,,39000"), ["10788/"]);
    assert_eq!(meant(",Globex,,Payments,1"), ["10788/206001"]);
    assert_eq!(meant("10452,,,Helpdesk,1"), ["10452/204118"]);
    assert_eq!(meant(",Initech,,Helpdesk,1"), ["11020/208001"]);
    assert_eq!(meant(",,,Payments,1"), ["10788/206001"]);
    assert_eq!(meant(",Twin,,,1\n,,,Helpdesk,1\n,Initech,,Lab,1"), ["ambiguous_target"; 3]);
    assert_eq!(meant(",Initec,,,1\n,Globex,,Helpdesk,1\n,,,Help,1\n5,,,Lab,1"), ["unknown_target"; 4]);
}

#[test]
fn ids_mean_the_same_target_wherever_their_row_stands_in_the_file() {
    let live = live();
    let ids = [
        ["10452", ""],
        ["10452", "204117"],
        ["10452", "204118"],
        ["10788", "206001"],
        ["11020", "208001"],
        ["11020", "208003"],
        ["12001", "5"],
        ["12002", "5"],
        ["13000", "9"],
    ];
    let columns = Columns::default();
    // Forwards, backwards, from both ends inwards, and each twice.
    let both_ends =
        (0..ids.len()).map(|turn| if turn % 2 == 0 { turn / 2 } else { ids.len() - 1 - turn / 2 });
    let orders = (0..ids.len()).chain((0..ids.len()).rev()).chain(both_ends).flat_map(|at| [at, at]);
    let mut visible = VisibleTargets::new(&live, &columns);
    for [org_id, aid] in orders.map(|at| ids[at]) {
        let aid = (!aid.is_empty()).then(|| Aid::from(aid));
        let whose = TargetRef { org_id: Some(OrgId::from(org_id)), aid: aid.clone(), ..TargetRef::default() };
        let found = visible.find(&whose).unwrap();
        assert_eq!(found.target(), Target { org_id: OrgId::from(org_id), aid });
    }
    let elsewhere =
        TargetRef { org_id: Some("10788".into()), aid: Some("208001".into()), ..TargetRef::default() };
    assert_eq!(visible.find(&elsewhere).unwrap_err().code, Code::UnknownTarget);
}

#[test]
fn blanks_and_case_do_not_count_but_where_two_names_differ_by_them() {
    assert_eq!(meant(", gLOBEX ,,\u{a0}PAYMENTS\u{200b},1"), ["10788/206001"]);
    assert_eq!(meant("10452,,,trading floor,1"), ["10452/204119"]);
    assert_eq!(meant("10452,,,EMEA  Branches,1"), ["10452/204117"]);
    assert_eq!(meant("10452,,,emea branches,1"), ["10452/204120"]);
    assert_eq!(meant("10452,,,EMEA BRANCHES,1"), ["ambiguous_target"]);
}

#[test]
fn a_group_name_never_falls_back_to_the_organizations_own_quota() {
    assert_eq!(meant("10452,,,Nobody,1\n,Acme Bank,,Nobody,1"), ["unknown_target"; 2]);
}

#[test]
fn an_id_decides_and_an_old_name_beside_it_is_no_mistake() {
    assert_eq!(meant("10452,Acme plc,204117,EMEA,1"), ["10452/204117"]);
    assert_eq!(meant(",Acme plc,204117,EMEA,1"), ["10452/204117"]);
    assert_eq!(meant("10452,Acme plc,,,70000"), ["10452/"]);
    assert_eq!(meant("10452,,204117,Payments,1"), ["10452/204117"], "a name in another organization");
}

#[test]
fn an_id_with_the_name_of_another_target_is_refused() {
    assert_eq!(meant("10452,,204117,Helpdesk,1"), ["ambiguous_target"]);
    assert_eq!(meant("10452,,204121,Helpdesk,1"), ["ambiguous_target"], "one without a name");
    assert_eq!(meant("10452,,204120,EMEA Branches,1"), ["ambiguous_target"], "but for its case");
    assert_eq!(meant("10452,Globex,,,1\n,Globex,204117,,1"), ["ambiguous_target"; 2]);
    assert_eq!(meant("11020,,208002,Lab,1\n12002,Twin,,,2"), ["11020/208002", "12002/"], "two of one name");
}

#[test]
fn the_organizations_name_selects_one_of_two_account_groups_with_the_same_id() {
    let mut rows = live().owned_rows();
    for row in rows.iter_mut().filter(|row| row.target.org_id.as_str() == "12002") {
        row.org_name = "Other".into();
    }
    let text = "org_name,aid,value\nOther,5,2\ntwin,5,2\nNobody,5,2\n";
    let plan = planned(text, &snapshot(rows), Mode::Row, &Guards::default());
    let found: Vec<_> = plan.rows.iter().map(|row| row.target.as_ref().map(|t| t.org_id.as_str())).collect();
    assert_eq!(found, [Some("12002"), Some("12001"), None]);
}

#[test]
fn rows_are_bound_together_by_names_too() {
    let text = "org_id,org_name,account_group_name,value\n10452,,Helpdesk,1100\n,Acme Bank,Nobody,5\n,Globex,Payments,1100\n";
    let codes: Vec<_> = plan(text, Mode::Organization)
        .rows
        .iter()
        .map(|row| match &row.verdict {
            Verdict::Refused(problem) => Some(problem.code),
            _ => None,
        })
        .collect();
    assert_eq!(codes, [Some(Code::NotSent), Some(Code::UnknownTarget), None]);
    let first = |text: &str| row_lines(&plan(text, Mode::Organization)).remove(0);
    for bad in [",Trading Floor,x", ",EMEA BRANCHES,5", "Acme Bank,,x"] {
        let text = format!("org_name,account_group_name,value\nAcme Bank,Helpdesk,1100\n{bad}\n");
        assert!(first(&text).contains("not_sent"), "{bad}: {}", first(&text));
    }
}

#[test]
fn the_same_target_by_its_id_and_by_its_name_is_a_duplicate() {
    let outcomes = row_lines(&plan(
        "org_id,aid,account_group_name,value\n10452,204118,,1\n10452,,helpdesk,2\n",
        Mode::Row,
    ));
    assert!(outcomes.iter().all(|line| line.contains("duplicate")), "{outcomes:?}");
}

#[test]
fn names_that_nobody_has_cost_no_more_than_a_reader_can_use() {
    let rows = (0..2000).map(|aid| {
        named("Acme", &format!("Group of the branch {aid}"), group("1", &aid.to_string(), None, 0, 0))
    });
    let live = snapshot([named("Acme", "", own("1", None, 0, 0))].into_iter().chain(rows));
    let lines = (0..150).map(|row| format!("Group of the brunch {row},1\n")).collect::<Vec<_>>().concat();
    let outcomes = row_lines(&planned(
        &format!("account_group_name,value\n{lines}"),
        &live,
        Mode::Row,
        &Guards::default(),
    ));
    assert!(
        outcomes[0].contains("Did you mean") && !outcomes[149].contains("Did you mean"),
        "{} {}",
        outcomes[0],
        outcomes[149]
    );
}

/// Each with a name; read together they are what is said of rows whose cells are in order.
const REFUSED: &[(&str, &str)] = &[
    ("an account group that nobody sees", "aid,value\n5555,1\n"),
    ("an account group that the organization does not have", "org_id,aid,value\n10452,5555,1\n"),
    ("an account group of another organization", "org_id,aid,value\n10452,208001,1\n"),
    ("ids with zeros before them", "org_id,aid,value\n,0204117,1\n10452,00204117,1\n,05555,1\n"),
    ("an organization that nobody sees", "org_id,value\n5555,1\n"),
    ("an organization that nobody sees, with a name", "org_id,account_group_name,value\n5555,Lab,1\n"),
    ("an account group in two organizations", "aid,value\n5,2\n"),
    ("an organization's name that nobody has", "org_name,value\nInitek,1\nZZ,1\n10452,1\n"),
    ("an organization's name that two have", "org_name,value\nTwin,1\n"),
    ("a name that nobody has", "account_group_name,value\nHelpdsk,1\nZZ,1\n204117,1\n"),
    (
        "a name that nobody has in that organization",
        "org_id,account_group_name,value\n10452,Helpdsk,1\n10452,ZZ,1\n",
    ),
    ("a name of another organization's", "org_name,account_group_name,value\nAcme Bank,lab,1\n"),
    ("a name that two have in one organization", "org_id,account_group_name,value\n11020,Lab,1\n"),
    ("a name that two have in several", "account_group_name,value\nHelpdesk,1\n"),
    (
        "columns that moved",
        "org_id,org_name,aid,account_group_name,value\n10452,,204117,Helpdesk,1\n10452,Globex,,,1\n10452,,204121,Helpdesk,1\n",
    ),
    (
        "headers of one's own",
        "Org,Account group,Account name,New limit,Old value\n10452,5555,,1,\n,,Helpdsk,1,\n10452,204117,,1,7\n",
    ),
    ("a quota that somebody changed", "aid,value,expected_value\n204117,5,900\n208001,5,none\n"),
    ("the same target in several rows", "aid,value\n204117,5\n204117,6\n208001,5\n208001,x\n"),
    ("a share of a plan that is not known", "aid,value\n208001,20% of plan\n"),
    ("a share of a plan that is no quota", "org_id,aid,value\n13000,9,1000% of plan\n"),
    ("a share of a plan in other units", "aid,value\n206001,20 % of plan\n"),
    (
        "the next cycle of an organization whose cycle is not known",
        "aid,value,Effective date\n204117,5,next_cycle\n",
    ),
    ("rows that fall with others", "org_id,aid,value\n10452,204117,1001\n10452,204118,1001\n10452,5555,1\n"),
];

#[test]
fn each_refusal_says_what_is_wrong_where_and_what_to_type() {
    let mut all = String::new();
    for (name, text) in REFUSED {
        writeln!(all, "{name}").unwrap();
        let columns = [("new limit".to_owned(), "value".to_owned())].into();
        let file = crate::change::parse::parse(text.as_bytes(), &columns, 1000).unwrap();
        let (guards, rule) = (Guards::default(), crate::domain::quota::UsageRule::default());
        let context = crate::change::plan::PlanContext::new(&guards, Mode::Organization, &rule);
        for row in row_lines(&crate::change::plan::plan(&file, &live(), &context)) {
            writeln!(all, "  {row}").unwrap();
        }
    }
    insta::assert_snapshot!(all);
}
