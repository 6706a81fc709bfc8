//! What the page says of a file is what the terminal says of it.

use std::fmt::Write as _;

use tokio::task::block_in_place;

use super::*;
use crate::change::GuardHit;
use crate::change::fixtures::parsed;
use crate::change::plan::Verdict;
use crate::jobs::Job;
use crate::testing::testbed::{Bench, Group, noon};

/// What a snapshot does not have: the largest tests of a target, which a reason ends with.
fn forget_largest(plan: &mut Plan) {
    for row in &mut plan.rows {
        let Verdict::Held(hits) = &mut row.verdict else { continue };
        for GuardHit { message, .. } in hits {
            message.truncate(message.find(". Largest").unwrap_or(message.len()));
        }
    }
}

/// What the API is not asked for: the usage of organizations in which nothing would change.
fn forget_usage_not_read(shown: &mut Plan, live: &Plan) {
    for (shown, live) in shown.rows.iter_mut().zip(&live.rows).filter(|(_, live)| live.used.is_none()) {
        (shown.used, shown.projected) = (live.used, live.projected);
    }
    for (shown, live) in shown.organizations.iter_mut().zip(&live.organizations) {
        shown.plan_units = shown.plan_units.filter(|_| live.plan_units.is_some());
    }
}

async fn is_the_same(bench: &Bench, text: &str) {
    let latest = bench.app.report_inputs().latest(noon()).unwrap();
    let mut shown = block_in_place(|| plan(&bench.app, latest, &parsed(text), text.as_bytes())).unwrap();
    let mut live = bench.plan(text, false).await;
    forget_usage_not_read(&mut shown, &live);
    forget_largest(&mut live);
    assert_eq!(shown, live, "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_plan_by_a_snapshot_is_the_plan_by_the_api_where_nothing_changed_since() {
    let bench = Bench::new(&[]).await;
    Job::Snapshot.run(&bench.app, noon()).await.unwrap();
    let world = bench.world.state().world();
    let organization = &world.organizations[0];
    let (groups, org_id) = (bench.groups(0), &organization.id);
    let Group { aid, quota, .. } = &groups[0];
    let uncapped = organization.account_groups.iter().find(|group| group.quota.is_none()).unwrap();
    let mut cases: Vec<String> = [
        format!("{},{}", quota + 1, quota),
        format!("{quota},{quota}"),
        format!("{},1", quota + 1),
        "0,".to_owned(),
        "1%,".to_owned(),
        "20% of plan,".to_owned(),
        format!("{},", quota * 100),
        "x,".to_owned(),
        "none,".to_owned(),
    ]
    .iter()
    .map(|cells| format!("org_id,aid,value,expected_value\n{org_id},{aid},{cells}\n"))
    .collect();
    cases.push(format!(
        "org_id,aid,value,effective\n{org_id},{aid},7,next_cycle\n{org_id},{aid},8,2031-01-01\n"
    ));
    cases.push(format!(
        "action,org_id,aid,value\nunassign,{org_id},{aid},\nassign,{org_id},{},5\n",
        uncapped.aid
    ));
    cases.push(format!("aid,value\n{aid},5\n{aid},6\n999999,1\n"));
    cases.push(format!("org_id,value\n{org_id},1\n999999,1\n"));
    let mut named = csv::Writer::from_writer(Vec::new());
    named.write_record(["org_name", "account_group_name", "value"]).unwrap();
    for group in &organization.account_groups {
        named.write_record([&organization.name, &group.name, "4000"]).unwrap();
    }
    cases.push(String::from_utf8(named.into_inner().unwrap()).unwrap());
    let mut all = "org_id,aid,value\n".to_owned();
    for group in (0..world.organizations.len()).flat_map(|index| bench.groups(index)) {
        writeln!(all, "{},{},{}", group.org_id, group.aid, group.quota / 2).unwrap();
    }
    cases.push(all);
    for text in cases {
        is_the_same(&bench, &text).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_api_that_answers_nothing_keeps_no_file_from_being_looked_at() {
    let bench = Bench::new(&[]).await;
    Job::Snapshot.run(&bench.app, noon()).await.unwrap();
    let group = &bench.groups(0)[0];
    bench.fault("500");
    let text = format!("org_id,aid,value\n{},{},1\n", group.org_id, group.aid);
    let latest = bench.app.report_inputs().latest(noon()).unwrap();
    let shown = block_in_place(|| plan(&bench.app, latest, &parsed(&text), text.as_bytes())).unwrap();
    assert!(!shown.is_empty());
}

async fn said(settings: &[(&str, &str)], text: &str) -> OneRun {
    let bench = Bench::new(settings).await;
    Job::Snapshot.run(&bench.app, noon()).await.unwrap();
    let picked = PickedFile { name: "q4.csv".to_owned(), bytes: text.into() };
    block_in_place(|| preview(&bench.app, &picked, noon())).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_the_inbox_would_not_take_or_that_makes_a_page_of_gigabytes_is_not_planned() {
    let rows = format!("aid,value\n{}", "1,2\n".repeat(MOST_ROWS + 1));
    for (limit, headline, why) in [
        ("1000000", "is too large for a preview", "would do"),
        ("30", "could not be used", "more than the 30 bytes"),
    ] {
        let shown = said(&[("QUOTAKEEPER__INBOX__MAX_BYTES", limit)], &rows).await.report;
        assert_eq!((shown.notes.len(), shown.sections.len()), (1, 0));
        assert!(shown.headline.contains(headline) && shown.notes[0].contains(why), "{shown:?}");
        assert!(!shown.todo.is_empty());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_to_do_with_the_file_depends_on_what_it_would_do() {
    let text = |value: &str| format!("aid,value\n204117,{value}\n");
    let settings = [("QUOTAKEEPER__SNAPSHOT__USAGE", "false"), ("QUOTAKEEPER__SNAPSHOT__NAMES", "false")];
    for (settings, value, is_said, is_not) in [
        (&[][..], "9000", "To apply it", "Correct"),
        (&[], "x", "Correct the rows", "To apply it"),
        (&[], "3750", "compared with", "drop"),
        (&settings, "9000", "without names", "were skipped"),
    ] {
        let shown = said(settings, &text(value)).await;
        let sentences = shown.beside.preview.join(" ");
        assert!(sentences.contains(is_said) && !sentences.contains(is_not), "{value}: {sentences}");
    }
}
