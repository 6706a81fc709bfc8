//! A proposal is a change file like any other: looked at, dropped, applied, and then there is nothing left to propose.

use std::process::Command;

use mail_parser::{MessageParser, MimeHeaders};

use crate::standin::{TOKEN, World, key};
use crate::testbed::{Bench, counts, table};

/// Helpdesk needs 3 400 of its 3 000 units; EMEA retail needs 2 000 of its 8 000.
fn short_helpdesk() -> Bench {
    let mut world = World::small();
    world.set(&key("10", "101"), Some(3_000));
    Bench::new(world)
}

#[test]
fn a_proposal_that_is_dropped_is_applied_without_approval_and_leaves_nothing_to_propose() {
    let bench = short_helpdesk();
    let sum =
        |bench: &Bench| bench.quotas().iter().filter(|(key, _)| key.1.is_some()).map(|(_, v)| v).sum::<i64>();
    let before = sum(&bench);
    let proposal = bench.run(&["propose"]).ends_with(0);
    assert!(
        proposal.log.contains(
            "Northwind Träders, \"EU\"; Köln (10): 1 group gets 740 units from 1 that does not need them."
        ),
        "{}",
        proposal.log
    );
    assert!(proposal.log.contains("are not allocated to any group and stay so"), "{}", proposal.log);
    assert_eq!(bench.posts(), 0, "it is never applied by itself");
    let comments: Vec<String> =
        table(proposal.out.as_bytes()).iter().map(|row| row["comment"].clone()).collect();
    assert_eq!(comments, ["needs 3 400, had 3 000: +740, headroom then 10 %", "gives 740 of 6 000 unused"]);

    bench.drop_file("proposal.csv", &proposal.out);
    bench.run(&["inbox"]).ends_with(0);
    assert_eq!(bench.only_run().counts(), counts([("applied", 2)]));
    assert_eq!((bench.quotas()[&key("10", "101")], sum(&bench)), (3_740, before));

    let again = bench.run(&["propose"]).ends_with(0);
    assert_eq!(again.out.lines().count(), 1, "{}", again.out);
    assert!(again.log.contains("Nothing to move"), "{}", again.log);
}

#[test]
fn a_proposal_goes_stale_where_somebody_changed_a_quota_before_it_was_dropped() {
    let bench = short_helpdesk();
    let proposal = bench.run(&["propose"]).ends_with(0);
    bench.standin.world(|world| world.set(&key("10", "102"), Some(2_100)));
    bench.drop_file("proposal.csv", &proposal.out);
    bench.run(&["inbox"]).ends_with(4);
    assert_eq!(bench.only_run().counts(), counts([("not_sent", 1), ("stale", 1)]));
    assert_eq!(bench.posts(), 0);
}

#[test]
fn a_proposal_reads_only_the_usage_of_the_requested_organizations_and_names_an_unknown_one() {
    let bench = short_helpdesk();
    let other = bench.run(&["propose", "--org", "20"]).ends_with(0);
    assert_eq!((other.out.lines().count(), bench.standin.count("GET /usage")), (1, 1));
    let unknown = bench.run(&["propose", "--org", "4711"]).ends_with(1);
    assert!(unknown.log.contains("there is no organization 4711"), "{}", unknown.log);
}

#[test]
fn nothing_is_proposed_by_the_usage_of_a_billing_cycle_that_is_over() {
    let bench = short_helpdesk();
    bench.standin.world(|world| world.organizations.get_mut("10").unwrap().cycle = Some([-31, -1]));
    let proposal = bench.run(&["propose", "--org", "10"]).ends_with(0);
    assert_eq!(proposal.out.lines().count(), 1, "each decrease would be held: {}", proposal.out);
    assert!(proposal.log.contains("left alone, because their usage is unknown"), "{}", proposal.log);
}

#[test]
fn without_the_permission_for_usage_nothing_is_proposed_and_it_says_why() {
    let bench = short_helpdesk();
    bench.standin.world(|world| world.usage_forbidden = true);
    let proposal = bench.run(&["propose"]).ends_with(0);
    assert_eq!(proposal.out.lines().count(), 1);
    assert!(
        proposal.log.contains("Contoso (20): 1 group is left alone, because its usage is unknown."),
        "{}",
        proposal.log
    );
}

#[test]
fn an_alert_attaches_a_file_that_moves_quota_past_every_guard_if_nothing_is_left_to_allocate() {
    let mut world = World::small();
    let northwind = world.organizations.get_mut("10").unwrap();
    northwind.quota = Some(16_000);
    let bench =
        Bench::new(world).with_mail().with("QUOTAKEEPER__MAIL__TO__ALERTS", r#"["alerts@example.com"]"#);
    bench.run(&["snapshot"]).ends_with(0);
    bench.standin.world(|world| {
        let northwind = world.organizations.get_mut("10").unwrap();
        northwind.groups.get_mut("101").unwrap().tests = vec![(4_500, Some(5_600))];
    });
    bench.run(&["snapshot"]).ends_with(0);
    bench.run(&["outbox"]).ends_with(0);
    let mail = bench.delivered().into_iter().find(|mail| mail.contains("To: alerts@example.com")).unwrap();
    let message = MessageParser::default().parse(mail.as_bytes()).unwrap();
    let words = message.body_text(0).unwrap().split_whitespace().collect::<Vec<_>>().join(" ");
    for part in [
        "has nothing left to allocate; other groups can give 1 930. The attached rebalance.csv gives one account group \
         what it needs plus headroom.",
        "Helpdesk 101 · Northwind Träders, \"EU\"; Köln: 5 000 → 6 930 Needs 6 300, had 5 000: +1 930, headroom then 10 %",
        "EMEA retail 102 · Northwind Träders, \"EU\"; Köln: 8 000 → 6 070 Gives 1 930 of 6 000 unused",
    ] {
        assert!(words.contains(part), "{part}\n{words}");
    }
    let file = message.attachments().find(|part| part.attachment_name() == Some("rebalance.csv")).unwrap();
    bench.drop_file("rebalance.csv", std::str::from_utf8(file.contents()).unwrap());
    bench.run(&["inbox"]).ends_with(0);
    assert_eq!(bench.only_run().counts(), counts([("applied", 2)]));
    assert_eq!(bench.quotas()[&key("10", "101")], 6_930);
}

#[test]
fn a_token_is_all_that_a_proposal_needs() {
    let bench = short_helpdesk();
    let empty = tempfile::tempdir().unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_quotakeeper"))
        .arg("propose")
        .current_dir(empty.path())
        .env_clear()
        .env("TE_BASE_URL", bench.standin.base_url())
        .env("TE_TOKEN", TOKEN)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(table(&output.stdout).len(), 2);
    assert_eq!(fs_err::read_dir(empty.path()).unwrap().count(), 0, "nothing is written");
}
