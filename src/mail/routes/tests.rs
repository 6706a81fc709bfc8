//! Who owns what, what is wrong with the file, and who shares a mail with whom.

use super::*;
use crate::domain::quota::SnapshotRow;
use crate::testing::fuzz::fuzzed;

fn routes(text: &str) -> Routes {
    let (routes, problems) = Routes::parse(text.as_bytes());
    assert_eq!(problems, Vec::<String>::new());
    routes
}

fn problems(text: &str) -> Vec<String> {
    Routes::parse(text.as_bytes()).1
}

/// `a@x+b@x: 7/71 7/72 (mail.routes_file, row 2 (7, *))` of each message.
fn shares(routes: &Routes, targets: &[Target], told_anyway: &[&str]) -> Vec<String> {
    let told_anyway: Vec<String> = told_anyway.iter().map(|address| (*address).to_owned()).collect();
    let id =
        |target: &Target| format!("{}/{}", target.org_id, target.aid.as_ref().map_or("", |aid| aid.as_str()));
    let shares = routes.split_by_owners(targets, &told_anyway);
    let lines = shares.iter().map(|share| {
        let targets: Vec<String> = share.targets.iter().map(id).collect();
        format!("{}: {} ({})", share.recipients.join("+"), targets.join(" "), share.listed)
    });
    lines.collect()
}

fn group(org_id: &str, aid: &str) -> Target {
    Target::account_group(org_id, aid)
}

#[test]
fn everybody_gets_one_message_and_owners_of_the_same_targets_share_it() {
    let routes = routes(
        "org_id,aid,emails\n\
         7,71,ann@x\n\
         7,72,\"Ann <ann@x>; bob@x\"\n\
         7,7*,cy@x|dee@x\n\
         *,81,dee@x\n",
    );
    assert_eq!(
        shares(&routes, &[group("7", "71"), group("7", "72"), group("8", "81")], &[]),
        [
            "ann@x+cy@x: 7/71 7/72 (mail.routes_file, row 2 (7, 71), row 3 (7, 72) and row 4 (7, 7*))",
            "dee@x: 7/71 7/72 8/81 (mail.routes_file, row 4 (7, 7*) and row 5 (*, 81))",
            "bob@x: 7/72 (mail.routes_file, row 3 (7, 72))",
        ]
    );
    assert_eq!(
        shares(&routes, &[group("7", "72")], &[]),
        ["ann@x+bob@x+cy@x+dee@x: 7/72 (mail.routes_file, row 3 (7, 72) and row 4 (7, 7*))"]
    );
    assert!(shares(&routes, &[group("9", "91"), Target::organization("7")], &[]).is_empty());
}

#[test]
fn who_gets_everything_gets_no_second_message_however_the_address_is_written() {
    let routes = routes("org_id,aid,emails\n7,71,Ann <Ann@X.example>;bob@x\n");
    assert_eq!(
        shares(&routes, &[group("7", "71")], &["admin@x", "ann@x.EXAMPLE"]),
        ["bob@x: 7/71 (mail.routes_file, row 2 (7, 71))"]
    );
}

#[test]
fn without_an_aid_it_is_the_organizations_own_quota_and_a_star_is_every_account_group() {
    let routes = routes("org_id,aid,emails\n7,,own@x\n7,*,groups@x\n*,,all@x\n");
    let owners = |target| -> Vec<String> {
        routes.split_by_owners([&target], &[]).into_iter().flat_map(|share| share.recipients).collect()
    };
    assert_eq!(owners(Target::organization("7")), ["all@x", "own@x"]);
    assert_eq!(owners(group("7", "71")), ["groups@x"]);
    assert_eq!(owners(Target::organization("8")), ["all@x"]);
    assert!(owners(group("8", "71")).is_empty());
}

#[test]
fn a_spreadsheets_habits_are_accepted_and_the_same_twice_is_one() {
    let text = "\u{feff}# who owns what\r\n\r\nTeam;orgId;Account Group ID;E-mails\r\n\
                EMEA;7;71;ann@x|bob@x\r\nEMEA;7;71;\"bob@x;BOB@X\"\r\n;;;\r\n";
    let routes = routes(text);
    assert_eq!(routes.count(), (2, 2));
    assert_eq!(
        shares(&routes, &[group("7", "71")], &[]),
        ["ann@x+bob@x: 7/71 (mail.routes_file, row 4 (7, 71) and row 5 (7, 71))"]
    );
}

#[test]
fn all_mistakes_are_listed_at_once_and_the_other_rows_count() {
    let text = "org_id,aid,emails\n\
                7,71,ann@x\n\
                ,71,ann@x\n\
                7,1.2E+05,ann@\n\
                seven,7?*,\n\
                7,72,\"ann@x, bob@x\"\n\
                7,73,;|\n\
                7,74,ann@x,bob@x\n\
                8,\"81\"x,ann@x\n";
    insta::assert_snapshot!(problems(text).join("\n"));
    let (routes, _) = Routes::parse(text.as_bytes());
    assert_eq!(shares(&routes, &[group("7", "71"), group("7", "72")], &[]).len(), 1);
}

#[test]
fn a_file_without_its_columns_says_which_it_needs() {
    assert_eq!(
        problems("org_id,emails\n7,ann@x\n"),
        ["The first row must name the columns org_id, aid and emails. It has `org_id`, `emails`."]
    );
    assert_eq!(problems(""), ["The first row must name the columns org_id, aid and emails. It has nothing."]);
    assert!(problems("PK\u{3}\u{4}")[0].contains("ZIP archive"));
}

#[test]
fn account_groups_that_nobody_owns_are_named() {
    let row = |aid: &str, name: &str| SnapshotRow {
        account_group_name: name.to_owned().into(),
        ..SnapshotRow::new(group("7", aid))
    };
    let rows =
        vec![row("71", "EMEA"), row("72", "Lab"), row("73", ""), SnapshotRow::new(Target::organization("7"))];
    let snapshot = Snapshot::new(chrono::DateTime::UNIX_EPOCH, rows);
    assert_eq!(routes("org_id,aid,emails\n7,71,ann@x\n").without_owner(&snapshot), ["Lab", "73"]);
    assert!(routes("org_id,aid,emails\n*,*,ann@x\n").without_owner(&snapshot).is_empty());
}

#[test]
fn fuzzed_routes_files_are_read_and_their_mistakes_are_listed() {
    let file = b"org_id,aid,email\n10,,ops@example.com\n10,101,\"Ann <ann@example.com>; bob@example.com\"\n";
    fuzzed("files of owners", &[file], |bytes| {
        let (_, problems) = Routes::parse(bytes);
        assert!(problems.iter().all(|problem| !problem.trim().is_empty()));
    });
}
