//! What the result files say of each row that did not simply get done: a golden file of every sentence.

use crate::standin::{Fault, World, key};
use crate::testbed::{Bench, Run, counts, table};

#[test]
fn each_row_that_was_not_done_says_why_in_words_that_need_no_manual() {
    let group = |number: usize| key("1", &format!("{}", 100_010 + number));
    let mut world = World::wide(1, 10);
    world.bad.insert(group(0));
    world.ignored.insert(group(1));
    let bench = Bench::new(world).with("QUOTAKEEPER__INBOX__MODE", "row");
    // Between the plan and the first write.
    let edit = move |world: &mut World| {
        world.set(&group(2), Some(4_321));
        world.set(&group(3), Some(1_200));
    };
    bench.standin.at("GET /quotas", 1, Fault::Edit(Box::new(edit)));
    let rows = [
        "100010,1200,",      // refused by the server
        "100011,1200,",      // taken, and not done
        "100012,1200,",      // somebody set something else
        "100013,1200,",      // somebody set the same
        "100014,1000,",      // true already
        "100015,1200,1234",  // edited from a quota that is no more
        "100016,1234,1234",  // not edited
        "100017,299,",       // held
        "100018,\"1,200\",", // a bad cell
        "100018,1300,",      // the same target again
        "100019,1200,1000",  // done
    ];
    let rows = rows.map(|row| format!("1,{row}\n"));
    bench.drop_file("all.csv", format!("org_id,aid,value,expected_value\n{}", rows.concat()));
    bench.run(&["inbox"]).ends_with(4);
    let [run, held] = bench.runs().try_into().unwrap();
    let mut document = sentences(&run);
    bench.run(&["reject", &held.id()]).ends_with(0);
    document += "rejected\n";
    document += &sentences(&held);
    let document = document.replace(&held.id(), "RUN.held");
    // Who runs the tests, and where, is the last that it says.
    insta::assert_snapshot!("messages", document.split(" by ").next().unwrap());
}

#[test]
fn an_unassign_that_was_refused_because_its_account_group_is_gone_is_not_applied() {
    let bench = Bench::new(World::small()).with("QUOTAKEEPER__GUARD__UNASSIGN", "allow");
    let delete = |world: &mut World| {
        world.organizations.get_mut("10").unwrap().groups.remove("1004");
    };
    bench.standin.at("POST /quotas/account-groups/unassign", 0, Fault::Edit(Box::new(delete)));
    bench.drop_file("gone.csv", "action,org_id,aid,value\nunassign,10,1004,\n");
    bench.run(&["inbox"]).ends_with(4);
    let run = bench.only_run();
    assert_eq!(run.counts(), counts([("not_confirmed", 1)]));
    let message = table(&run.read("error.csv"))[0]["message"].clone();
    assert!(message.contains("no longer visible either: check it in ThousandEyes"), "{message}");
}

fn sentences(run: &Run) -> String {
    let mut lines = Vec::new();
    for (file, column) in [("success.csv", "status"), ("error.csv", "code")] {
        for row in table(&run.read(file)) {
            let number: usize = row["row"].parse().unwrap();
            // The day when tests would stop depends on today.
            let message = row["message"].split(": tests would stop").next().unwrap();
            lines.push((number, format!("row {number}: {}: {message}\n", row[column])));
        }
    }
    lines.sort();
    lines.into_iter().map(|(_, line)| line).collect()
}
