//! People know their account groups by name, and their quotas as shares of what they bought.

use crate::standin::{World, key};
use crate::testbed::{Bench, counts, table};

#[test]
fn rows_with_names_and_shares_of_the_plan_are_applied_and_their_undo_restores_the_state() {
    let bench = Bench::new(World::small());
    let before = bench.quotas();
    let file = "Organization name;Account group name;New quota;Old quota\r\n\
        Contoso;ops;50 % of plan;4000\r\n\
        CONTOSO;\u{a0}Labs ;5% of plan;none\r\n\
        \"Northwind Träders, \"\"EU\"\"; Köln\";Helpdesk;6000;\r\n\
        Fabrikam;;2100;\r\n";
    bench.drop_file("named.csv", file);
    bench.run(&["inbox"]).ends_with(0);
    let run = bench.only_run();
    assert_eq!(run.counts(), counts([("applied", 4)]));
    let mut wanted = before.clone();
    wanted.insert(key("20", "201"), 4_500);
    wanted.insert(key("20", "202"), 450);
    wanted.insert(key("10", "101"), 6_000);
    wanted.insert(key("9", ""), 2_100);
    assert_eq!(bench.quotas(), wanted);
    let written: Vec<_> =
        table(&run.read("plan.csv")).into_iter().map(|row| row["written"].clone()).collect();
    assert_eq!(written, ["50% of plan", "5% of plan", "", ""]);

    // Taking a first quota off again is what a person is asked about.
    bench.drop_file("undo.csv", run.read("undo.csv"));
    bench.run(&["inbox"]).ends_with(5);
    let held = bench.runs().into_iter().find(|run| run.state() == "held").unwrap();
    bench.run(&["approve", &held.id()]).ends_with(0);
    assert_eq!(bench.quotas(), before);
}

#[test]
fn an_undo_has_names_beside_the_ids_and_the_ids_decide() {
    let bench = Bench::new(World::small());
    let rename = |name: &str| {
        bench.standin.world(|world| {
            world.organizations.get_mut("10").unwrap().groups.get_mut("101").unwrap().name = name.to_owned();
        });
    };
    rename("=HYPERLINK(1)");
    let before = bench.quotas();
    bench.drop_file("raise.csv", "aid,value\n101,6000\n");
    bench.run(&["inbox"]).ends_with(0);
    let undo = bench.only_run().read("undo.csv");
    let row = table(&undo).remove(0);
    assert_eq!(row["org_name"], "Northwind Träders, \"EU\"; Köln");
    assert_eq!(row["account_group_name"], "'=HYPERLINK(1)", "no spreadsheet runs it");
    rename("Service desk");
    bench.drop_file("undo.csv", undo);
    bench.run(&["inbox"]).ends_with(0);
    assert_eq!(bench.quotas(), before);
}

#[test]
fn an_error_file_keeps_names_and_shares_as_they_were_written_and_finishes_the_job_once_corrected() {
    let bench = Bench::new(World::small());
    bench.drop_file(
        "named.csv",
        "org_name,account_group_name,value\nContoso,Ops,50 % of plan\nContoso,Lab,5% of plan\nNorthwind,New,1\n",
    );
    bench.run(&["inbox"]).ends_with(4);
    let run = bench.only_run();
    assert_eq!(run.counts(), counts([("not_sent", 1), ("unknown_target", 2)]));
    let errors = String::from_utf8(run.read("error.csv")).unwrap();
    assert!(errors.contains("Did you mean `Labs` (202)?"), "{errors}");

    let fixed = errors.replace(",Lab,", ",Labs,").lines().take(3).collect::<Vec<_>>().join("\n");
    bench.drop_file("fixed.csv", fixed);
    bench.run(&["inbox"]).ends_with(0);
    let quotas = bench.quotas();
    assert_eq!((quotas[&key("20", "201")], quotas[&key("20", "202")]), (4_500, 450));
}

#[test]
fn a_share_of_the_plan_waits_for_units_where_the_token_may_not_see_the_plan() {
    let bench = Bench::new(World { usage_forbidden: true, ..World::small() });
    bench.drop_file("share.csv", "aid,value\n201,50% of plan\n");
    bench.run(&["inbox"]).ends_with(4);
    assert!(bench.only_run().errors()[0]["message"].contains("Type the number of units."));
    assert_eq!(bench.posts(), 0);
}

#[test]
fn an_export_whose_account_group_was_renamed_since_is_still_a_change_file() {
    let bench = Bench::new(World::small());
    let export = bench.run(&["export"]).ends_with(0).out;
    bench.standin.world(|world| {
        world.organizations.get_mut("20").unwrap().groups.get_mut("201").unwrap().name = "Operations".into();
    });
    let edited = export.replace("201,Ops,4000,4000", "201,Ops,4500,4000");
    assert_ne!(edited, export);
    bench.drop_file("edited.csv", edited);
    bench.run(&["inbox"]).ends_with(0);
    assert_eq!(bench.quotas()[&key("20", "201")], 4_500);
    assert_eq!(bench.posts(), 1);
}
