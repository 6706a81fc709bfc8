//! An answer of the API that lacks most quotas of an organization: nobody is told that they were removed, unless it lasts.

use crate::standin::{World, key};
use crate::testbed::{Bench, table};

fn sets(bench: &Bench, quota: Option<i64>) {
    bench.standin.world(|world| {
        (0..8).for_each(|group| world.set(&key("1", &(100_010 + group).to_string()), quota));
    });
}

/// A snapshot, and what it changed: rows of `changes/`.
fn changed(bench: &Bench) -> usize {
    bench.run(&["snapshot"]).ends_with(0);
    let files = bench.csv_files("changes").into_iter();
    files.map(|file| table(&fs_err::read(file).unwrap()).len()).sum()
}

/// Subjects and notes of the mails so far.
fn mails(bench: &Bench) -> Vec<String> {
    bench.run(&["outbox"]).ends_with(0);
    let plain = |mail: String| mail.replace("=\r\n", "").split_whitespace().collect::<Vec<_>>().join(" ");
    bench.delivered().into_iter().map(plain).collect()
}

#[test]
fn an_answer_that_lacks_most_quotas_is_mailed_as_such_and_leaves_no_trace_in_the_changes() {
    let bench = Bench::new(World::wide(1, 10)).with_mail();
    assert_eq!(changed(&bench), 0);
    sets(&bench, None);
    assert_eq!([changed(&bench), changed(&bench)], [0, 0]);
    let [mail] = &mails(&bench)[..] else { panic!("one mail, and not one for each snapshot") };
    for part in ["8 targets are no longer visible", "8 of the 11 quotas of organization 1 are missing"] {
        assert!(mail.contains(part), "{part}: {mail}");
    }
    let names = bench.snapshots();
    let diff = bench.run(&["history", "diff", &names[0], &names[2]]).ends_with(0).out;
    assert_eq!(diff.matches("no longer visible").count(), 8, "{diff}");
    assert!(!diff.contains("no quota"), "{diff}");

    sets(&bench, Some(1_000));
    assert_eq!(changed(&bench), 0);
    let names = bench.snapshots();
    let diff = bench.run(&["history", "diff", &names[2], &names[3]]).ends_with(0).out;
    assert!(diff.contains("No quota changed."), "{diff}");
    assert_eq!(mails(&bench).len(), 1);
}

#[test]
fn quotas_that_are_missing_for_a_day_were_removed_and_come_back_as_new_ones() {
    let bench = Bench::new(World::wide(1, 10)).with_mail();
    assert_eq!(changed(&bench), 0);
    sets(&bench, None);
    assert_eq!(changed(&bench), 0);
    // As if both had been taken two days ago.
    (0..2).for_each(|_| bench.age_the_last_snapshot(2));
    assert_eq!(changed(&bench), 8);
    let mails_so_far = mails(&bench);
    let is_about = |mail: &&String| mail.contains("8 quotas changed outside quotakeeper");
    assert_eq!(mails_so_far.iter().filter(is_about).count(), 1, "{mails_so_far:?}");
    sets(&bench, Some(1_000));
    assert_eq!(changed(&bench), 16);
}

#[test]
fn a_run_that_removes_most_quotas_is_written_at_once() {
    let bench = Bench::new(World::wide(1, 10))
        .with("QUOTAKEEPER__GUARD__UNASSIGN", "allow")
        .with("QUOTAKEEPER__GUARD__MAX_SUM_CHANGE_PERCENT", "0");
    assert_eq!(changed(&bench), 0);
    let rows: Vec<String> = (0..8).map(|group| format!("unassign,1,{},", 100_010 + group)).collect();
    bench.drop_file("remove.csv", format!("action,org_id,aid,value\n{}\n", rows.join("\n")));
    bench.run(&["inbox"]).ends_with(0);
    assert_eq!(changed(&bench), 8);
    let rows = table(&fs_err::read(&bench.csv_files("changes")[0]).unwrap());
    assert!(rows.iter().all(|row| row["made_by"] == "run" && row["after"].is_empty()), "{rows:?}");
}

#[test]
fn commands_and_reports_name_the_quotas_that_an_answer_lacks() {
    let bench = Bench::new(World::wide(1, 10)).with_mail();
    assert_eq!(changed(&bench), 0);
    let whole = bench.run(&["export"]).ends_with(0);
    assert!(
        !whole.log.contains("no longer shows") && !whole.out.contains("missing"),
        "{} {}",
        whole.log,
        whole.out
    );
    sets(&bench, None);
    assert_eq!(changed(&bench), 0);
    let said = "The API's answer no longer shows 8 of the 11 quotas of organization 1";
    for command in [&["export"][..], &["propose"], &["targets"], &["targets", "--format", "csv"]] {
        let ran = bench.run(command).ends_with(0);
        assert!(ran.log.contains(said) && !ran.out.contains(said), "{command:?}: {}", ran.log);
    }
    let rows = table(bench.run(&["export"]).out.as_bytes());
    let named = rows.iter().filter(|row| row["comment"].starts_with("missing from the API's answer; was "));
    let none: Vec<&str> = named.filter(|row| row["value"] == "none").map(|row| row["aid"].as_str()).collect();
    assert_eq!(none, (0..8).map(|group| (100_010 + group).to_string()).collect::<Vec<_>>());
    let page = bench.data().join("usage.html");
    bench.run(&["report", "usage", "--out", page.to_str().unwrap()]).ends_with(0);
    assert!(fs_err::read_to_string(page).unwrap().contains("no longer shows"));
}

#[test]
fn commands_and_reports_name_the_account_groups_that_an_answer_lacks_altogether() {
    for left in [0, 3] {
        let bench = Bench::new(World::wide(1, 10)).with_mail();
        assert_eq!(changed(&bench), 0);
        bench.standin.world(|world| {
            let groups = &mut world.organizations.get_mut("1").unwrap().groups;
            let mut nth = 0..;
            groups.retain(|_, _| nth.next() < Some(left));
        });
        bench.run(&["snapshot"]).ends_with(0);
        let said =
            format!("The API's answer no longer shows {} of the 11 quotas of organization 1", 10 - left);
        for (command, how) in [
            (&["export"][..], "Their targets are missing, too: the file has no row for them"),
            (&["targets"], "Their targets are missing, too: the list does not have them"),
            (&["propose"], "Nothing is proposed for them"),
        ] {
            let log = bench.run(command).ends_with(0).log;
            assert!(log.contains(&said) && log.contains(how), "{command:?}: {log}");
        }
        let page = bench.data().join("usage.html");
        bench.run(&["report", "usage", "--out", page.to_str().unwrap()]).ends_with(0);
        assert!(fs_err::read_to_string(page).unwrap().contains("no longer shows"));
    }
}

/// The account groups may go from the answer with their quotas, or stay.
#[test]
fn what_account_groups_have_together_is_not_known_where_an_answer_lacks_most_of_their_quotas() {
    let take_quotas: fn(&mut World) =
        |world| (0..8).for_each(|group| world.set(&key("1", &(100_010 + group).to_string()), None));
    let take_groups: fn(&mut World) = |world| {
        let own = world.organizations.get_mut("1").unwrap();
        own.groups.retain(|aid, _| aid.as_str() >= "100018");
    };
    let (lowered, raised) = ("org_id,value\n1,9000\n", "aid,value\n100018,4500\n");
    for (file, takes) in
        [(lowered, take_quotas), (lowered, take_groups), (raised, take_quotas), (raised, take_groups)]
    {
        let mut world = World::wide(1, 10);
        world.set(&("1".into(), None), Some(12_000));
        let bench = Bench::new(world).with("QUOTAKEEPER__GUARD__OVER_ALLOCATION", "hold");
        assert_eq!(changed(&bench), 0);
        bench.standin.world(takes);
        bench.drop_file("change.csv", file);
        bench.run(&["inbox"]).ends_with(5);
        let run = bench.only_run();
        let plan = bench.run(&["runs", &run.id()]).ends_with(0).out;
        let missing = "the API's answer no longer shows 8 of the 11 quotas of organization 1";
        assert!(plan.split_whitespace().collect::<Vec<_>>().join(" ").contains(missing), "{file}{plan}");
        assert_eq!((run.state().as_str(), bench.posts()), ("held", 0), "{file}{plan}");
    }
}
