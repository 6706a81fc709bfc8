//! The API answers with something odd: one number, one entry, or nothing of what was asked for. Nothing untrue follows from it.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use crate::standin::World;
use crate::testbed::{Bench, Run};

const QUOTAS: &str = r#"{"quotas":[{"organizationQuota":{"orgId":"10","value":100000},"accountGroupQuotas":[
    {"aid":"101","value":3000},{"aid":"102","value":5000}]},{"organizationQuota":{"orgId":"20","value":9000}}]}"#;
const GROUPS: &str = r#"{"accountGroups":[
    {"aid":"101","accountGroupName":"Alpha","orgId":"10","organizationName":"Acme"},
    {"aid":"102","accountGroupName":"Beta","orgId":"10","organizationName":"Acme"},
    {"aid":"201","accountGroupName":"Other","orgId":"20","organizationName":"Globex"}]}"#;
const USAGE: &str = r#"{"usage":{"cloudUnitsUsed":100,"cloudUnitsProjected":200,"enterpriseUnitsUsed":0,"enterpriseUnitsProjected":0,
    "tests":[{"aid":"101","cloudUnitsUsed":100,"cloudUnitsProjected":200}],"enterpriseAgentUnits":[]}}"#;

/// What the quotas are from the first POST on, if anything is given here.
const AFTER_A_POST: &str = "after a POST";

/// What the quotas are from their second reading on, if anything is given here.
const AFTER_A_READ: &str = "after a read";

type Answers = Arc<Mutex<BTreeMap<&'static str, String>>>;

/// A server that answers as it is set up to, takes every POST and does nothing.
struct Odd {
    url: String,
    answers: Answers,
}

impl Odd {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let answers: Answers = Arc::default();
        let serving = Arc::clone(&answers);
        std::thread::spawn(move || {
            for connection in listener.incoming() {
                let answers = Arc::clone(&serving);
                std::thread::spawn(move || connection.map(|connection| serve(&connection, &answers)));
            }
        });
        let odd = Self { url, answers };
        odd.says("quotas", QUOTAS);
        odd.says("account-groups", GROUPS);
        odd.says("usage", USAGE);
        odd
    }

    fn says(&self, path: &'static str, body: &str) {
        self.answers.lock().unwrap().insert(path, body.to_owned());
    }

    fn bench(&self) -> Bench {
        Bench::new(World::small()).with_mail().with("TE_BASE_URL", &self.url)
    }
}

fn serve(mut connection: &TcpStream, answers: &Answers) -> std::io::Result<()> {
    let mut reader = BufReader::new(connection.try_clone()?);
    loop {
        let mut head = Vec::new();
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line)? == 0 {
                return Ok(());
            }
            if line.trim().is_empty() {
                break;
            }
            head.push(line.to_ascii_lowercase());
        }
        let length = head.iter().find_map(|line| line.strip_prefix("content-length:")?.trim().parse().ok());
        reader.by_ref().take(length.unwrap_or(0)).read_to_end(&mut Vec::new())?;
        let path = head[0].split(' ').nth(1).unwrap_or_default();
        let path = path.trim_start_matches("/v7/").split('?').next().unwrap_or_default();
        let body = {
            let mut answers = answers.lock().unwrap();
            if head[0].starts_with("post")
                && let Some(after) = answers.remove(AFTER_A_POST)
            {
                answers.insert("quotas", after);
            }
            let body = answers.get(path).cloned().unwrap_or_default();
            if path == "quotas"
                && let Some(after) = answers.remove(AFTER_A_READ)
            {
                answers.insert("quotas", after);
            }
            body
        };
        let head = format!(
            "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        connection.write_all((head + &body).as_bytes())?;
    }
}

/// The targets of an export, with their quotas.
fn exported(bench: &Bench) -> Vec<String> {
    let out = bench.run(&["-q", "export"]).ends_with(0).out;
    let row = |line: &str| {
        let cells: Vec<&str> = line.split(',').collect();
        format!("{}/{} {}", cells[1], cells[3], cells[5])
    };
    out.lines().skip(1).map(row).collect()
}

#[test]
fn one_odd_quota_is_left_out_and_named_and_the_others_go_on() {
    let odd = Odd::start();
    let bench = odd.bench();
    let file = bench.data().join("x.csv");
    fs_err::write(&file, "aid,value\n101,3100\n201,10\n").unwrap();
    let others = ["10/ 100000", "10/102 5000", "20/ 9000", "20/201 none"];
    for value in [
        "3000.5",
        "\"\"",
        "\"unlimited\"",
        "-1",
        "null",
        "true",
        "{}",
        "3000,\"value\":4000",
        "9223372036854775808",
    ] {
        odd.says("quotas", &QUOTAS.replace("3000", value));
        assert_eq!(exported(&bench), others, "{value}");
        let snapshot = bench.run(&["snapshot"]).ends_with(0);
        assert!(snapshot.log.contains("account group 101"), "{value}: {}", snapshot.log);
        let plan = bench.run(&["plan", file.to_str().unwrap()]).ends_with(4);
        assert!(plan.out.contains("live quota is not known"), "{value}: {}", plan.out);
    }
    odd.says("quotas", &QUOTAS.replace("\"102\",\"value\":5000", "\"101\",\"value\":9999"));
    assert!(bench.run(&["export"]).ends_with(0).log.contains("comes twice, as 3000 and as 9999"));
    odd.says("quotas", QUOTAS);
    bench.run(&["-q", "snapshot"]).ends_with(0);
    assert!(!bench.data().join("changes").exists(), "what could not be read and returns is no change");
}

#[test]
fn what_is_no_id_is_nobodys_and_stands_in_no_table() {
    for id in ["=101", "-101", "1\\n01", "10,1", "\\u202e101", "../101"] {
        let odd = Odd::start();
        let bench = odd.bench();
        odd.says("quotas", &QUOTAS.replace("\"101\"", &format!("\"{id}\"")));
        odd.says("account-groups", &GROUPS.replace("\"101\"", &format!("\"{id}\"")));
        let snapshot = bench.run(&["snapshot"]).ends_with(0);
        assert_eq!(snapshot.log.matches("not an id").count(), 2, "{id}: {}", snapshot.log);
        assert_eq!(exported(&bench), ["10/ 100000", "10/102 5000", "20/ 9000", "20/201 none"], "{id}");
    }
}

#[test]
fn one_odd_quota_leaves_open_what_the_account_groups_have_together() {
    let odd = Odd::start();
    let bench = odd.bench().with("QUOTAKEEPER__GUARD__OVER_ALLOCATION", "hold");
    odd.says("quotas", &QUOTAS.replace("3000", "3000.5"));
    for (file, whose) in [("org_id,value\n10,6000\n", "what its"), ("aid,value\n102,6000\n", "whether the")] {
        let path = bench.data().join("x.csv");
        fs_err::write(&path, file).unwrap();
        let plan = bench.run(&["plan", path.to_str().unwrap()]).ends_with(0).out;
        let plan = plan.split_whitespace().collect::<Vec<_>>().join(" ");
        let why =
            "because the quota of account group 101 of organization 10 in the API's answer cannot be read";
        assert!(
            plan.contains(why) && plan.contains(whose) && plan.contains("1 row in Acme waits for approval"),
            "{plan}"
        );
    }
}

#[test]
fn one_odd_number_of_usage_and_one_odd_name_stop_nothing() {
    let odd = Odd::start();
    let bench = odd.bench();
    odd.says(
        "usage",
        &USAGE.replace("\"cloudUnitsUsed\":100,\"cloudUnitsProjected\":200}]", "\"cloudUnitsUsed\":100.4}]"),
    );
    odd.says("account-groups", &GROUPS.replace("\"Beta\"", "true").replace("Alpha", "Al\\ud800pha"));
    let snapshot = bench.run(&["snapshot"]).ends_with(0);
    for named in ["cloudUnitsUsed", "100.4", "accountGroupName", "account group 102"] {
        assert!(snapshot.log.contains(named), "{named}: {}", snapshot.log);
    }
    assert_eq!(exported(&bench).len(), 5);
}

#[test]
fn a_decrease_is_held_where_the_answer_may_hide_what_its_account_group_used() {
    let beta = r#"{"aid":"102","cloudUnitsUsed":50,"cloudUnitsProjected":60}"#;
    let answer = |tests: &str| {
        let total = r#""cloudUnitsUsed":150,"cloudUnitsProjected":260,"enterpriseUnitsUsed":0"#;
        format!(r#"{{"usage":{{{total},"tests":[{tests}],"enterpriseAgentUnits":[]}}}}"#)
    };
    let alphas =
        |aid: &str| answer(&format!(r#"{beta},{{{aid}"cloudUnitsUsed":100,"cloudUnitsProjected":200}}"#));
    let answers = [
        alphas(""),
        alphas(r#""aid":null,"#),
        alphas(r#""aid":"","#),
        alphas(r#""aid":" 101","#),
        alphas(r#""aid":"=101","#),
        alphas(r#""aid":"0101","#),
        answer(&format!(r#"{beta},{{"aid":"101"}}"#)),
        answer(&format!(r#"{beta},{{"aid":"101","cloudUnitsUsed":null,"cloudUnitsProjected":null}}"#)),
        answer(beta),
        answer(""),
        answer(r#"{"aid":"201","cloudUnitsUsed":150,"cloudUnitsProjected":260}"#),
        answer(r#"{"aid":"999","cloudUnitsUsed":150,"cloudUnitsProjected":260}"#),
    ];
    std::thread::scope(|scope| {
        for body in answers {
            scope.spawn(move || {
                let odd = Odd::start();
                let bench = odd.bench();
                odd.says("usage", &body);
                bench.drop_file("x.csv", "org_id,aid,value\n10,101,1000\n");
                let log = bench.run(&["inbox"]).ends_with(5).log;
                assert_eq!(log.matches("stays unknown").count(), 1, "{body}: {log}");
                let plan = String::from_utf8(bench.only_run().read("plan.csv")).unwrap();
                assert!(plan.contains("its usage is unknown"), "{body}: {plan}");
            });
        }
    });
    let odd = Odd::start();
    let bench = odd.bench();
    odd.says("usage", &alphas(r#""aid":"101","#));
    bench.drop_file("x.csv", "org_id,aid,value\n10,101,1000\n");
    bench.run(&["inbox"]).ends_with(4);
    assert_eq!(
        bench.only_run().errors()[0]["code"],
        "not_confirmed",
        "it was sent, and this server does nothing"
    );
}

#[test]
fn an_answer_without_quotas_is_a_failure_and_when_they_return_nothing_changed() {
    let odd = Odd::start();
    let bench = odd.bench();
    bench.run(&["-q", "snapshot"]).ends_with(0);
    let snapshots = || bench.run(&["history", "list"]).ends_with(0).out.lines().count();
    // With one page of several, the quotas of the others would count as none.
    let paged = QUOTAS.replace("}}]}", r#"}}],"_links":{"next":{"href":"http://127.0.0.1:9/v7/quotas"}}}"#);
    let odd_link = r#"{"quotas":[],"_links":{"next":7}}"#;
    let unavailable = r#"{"error":"temporarily unavailable"}"#;
    for body in ["{}", "null", "[]", "\"text\"", r#"{"quotas":null}"#, unavailable, &paged, odd_link] {
        odd.says("quotas", body);
        for command in [&["-q", "snapshot"][..], &["-q", "export"]] {
            let failed = bench.run(command).ends_with(1);
            assert!(failed.log.contains("/quotas"), "{body}: {}", failed.log);
        }
        assert_eq!(snapshots(), 1, "{body}");
    }
    odd.says("quotas", r#"{"quotas":[]}"#);
    bench.run(&["-q", "snapshot"]).ends_with(0);
    odd.says("quotas", QUOTAS);
    bench.run(&["-q", "snapshot"]).ends_with(0);
    assert!(!bench.data().join("changes").exists(), "what was not in an answer and returns is no change");
    odd.says("quotas", r#"{"quotas":[]}"#);
    bench.run(&["-q", "snapshot"]).ends_with(0);
    odd.says("quotas", &QUOTAS.replace("5000", "5001"));
    bench.run(&["-q", "snapshot"]).ends_with(0);
    let snapshots = bench.snapshots();
    let [.., before, last] = &snapshots[..] else { panic!("{snapshots:?}") };
    let seen = bench.run(&["history", "diff", before, last]).ends_with(0).out;
    assert!(seen.contains("5 000 → 5 001: outside") && !seen.contains("no quota"), "{seen}");
}

#[test]
fn an_unassign_that_was_ignored_is_not_applied_because_the_quotas_cannot_be_read_back() {
    let nobody = r#"{"quotas":[]}"#;
    let null = r#"{"quotas":null}"#;
    let another = r#"{"quotas":[{"organizationQuota":{"orgId":"20","value":9000}}]}"#;
    let no_groups =
        r#"{"quotas":[{"organizationQuota":{"orgId":"10","value":100000},"accountGroupQuotas":[]}]}"#;
    let bodies = ["{}", "null", "[]", null, nobody, another, no_groups, "<html>please log in</html>", ""];
    std::thread::scope(|scope| {
        for body in bodies {
            scope.spawn(move || {
                let odd = Odd::start();
                let bench = odd.bench().with("QUOTAKEEPER__GUARD__UNASSIGN", "allow");
                odd.says(AFTER_A_POST, body);
                bench.drop_file("x.csv", "action,org_id,aid\nunassign,10,101\n");
                bench.run(&["-q", "inbox"]).ends_with(4);
                let answers = bench.data().join("inbox/answers/x.csv");
                let error = fs_err::read_to_string(answers.join("error.csv")).unwrap();
                assert!(error.contains("not_confirmed") && error.contains("unknown"), "{body}: {error}");
            });
        }
    });
}

#[test]
fn a_quota_is_not_lowered_by_usage_that_fell_within_its_cycle_or_is_of_one_that_is_over() {
    let cycle = |days: [i64; 2]| {
        let [start, end] = World::cycle_of(days);
        format!(r#""quota":{{"monthStart":"{start}","monthEnd":"{end}"}},"#)
    };
    let usage = |cycle: &str, used: i64| {
        USAGE
            .replace(r#"{"usage":{"#, &format!(r#"{{"usage":{{{cycle}"#))
            .replace("100,", &format!("{used},"))
            .replace("200", &used.to_string())
    };
    let (this, last) = (cycle([-10, 20]), cycle([-40, -10]));
    for (now, exit) in [(usage(&this, 2_600), 0), (usage(&this, 5), 5), (usage(&last, 2_600), 5)] {
        let odd = Odd::start();
        let bench = odd.bench();
        odd.says("usage", &usage(&this, 2_500));
        bench.run(&["-q", "snapshot"]).ends_with(0);
        odd.says("usage", &now);
        odd.says(AFTER_A_POST, &QUOTAS.replace("3000", "2900"));
        bench.drop_file("x.csv", "org_id,aid,value\n10,101,2900\n");
        let ran = bench.run(&["-q", "inbox"]).ends_with(exit);
        assert_eq!(ran.log.contains("usage fell within its billing cycle"), exit == 5, "{}", ran.log);
    }
}

#[test]
fn an_unassign_is_not_done_because_an_answer_lacks_most_of_the_quotas() {
    let groups = |shown: std::ops::Range<u32>| {
        let groups: Vec<String> = shown.map(|aid| format!(r#"{{"aid":"{aid}","value":3000}}"#)).collect();
        format!(
            r#"{{"quotas":[{{"organizationQuota":{{"orgId":"10","value":100000}},"accountGroupQuotas":[{}]}}]}}"#,
            groups.join(",")
        )
    };
    let (whole, partial) = (groups(101..111), groups(109..111));
    for (when, code) in [(AFTER_A_READ, "not_sent"), (AFTER_A_POST, "not_confirmed")] {
        let odd = Odd::start();
        let bench = odd.bench().with("QUOTAKEEPER__GUARD__UNASSIGN", "allow");
        odd.says("quotas", &whole);
        bench.run(&["-q", "snapshot"]).ends_with(0);
        odd.says(when, &partial);
        bench.drop_file("x.csv", "action,org_id,aid\nunassign,10,101\n");
        bench.run(&["-q", "inbox"]).ends_with(4);
        let run = bench.only_run();
        assert_eq!(run.counts(), BTreeMap::from([(code.to_owned(), 1)]), "{when}");
        let error = String::from_utf8(run.read("error.csv")).unwrap();
        assert!(error.contains("no longer shows the quotas of organization 10"), "{error}");
    }
}

#[test]
fn an_unassign_is_not_already_done_because_the_api_stopped_listing_its_organization() {
    let odd = Odd::start();
    let bench = odd.bench().with("QUOTAKEEPER__GUARD__UNASSIGN", "allow");
    odd.says(AFTER_A_READ, r#"{"quotas":[{"organizationQuota":{"orgId":"20","value":9000}}]}"#);
    bench.drop_file("x.csv", "action,org_id,aid,value\nunassign,10,101,\nassign,10,102,6000\n");
    bench.run(&["-q", "inbox"]).ends_with(4);
    let error = String::from_utf8(bench.only_run().read("error.csv")).unwrap();
    assert_eq!(error.matches("no longer shows the quotas of organization 10").count(), 2, "{error}");
    assert_eq!(error.matches("not_sent").count(), 2, "{error}");
}

#[test]
fn the_last_quota_of_an_organization_is_unassigned_where_the_account_groups_still_show_it() {
    let only =
        r#"{"quotas":[{"organizationQuota":{"orgId":"10"},"accountGroupQuotas":[{"aid":"101","value":3}]}]}"#;
    let nobody = r#"{"quotas":[]}"#;
    for (groups, exit) in [(GROUPS, 0), (r#"{"accountGroups":[]}"#, 4)] {
        let odd = Odd::start();
        let bench = odd.bench().with("QUOTAKEEPER__GUARD__UNASSIGN", "allow");
        odd.says("quotas", only);
        odd.says("account-groups", groups);
        odd.says(AFTER_A_POST, nobody);
        bench.drop_file("x.csv", "action,org_id,aid\nunassign,10,101\n");
        bench.run(&["-q", "inbox"]).ends_with(exit);
        let code = if exit == 0 { "applied" } else { "not_confirmed" };
        assert_eq!(bench.only_run().counts(), BTreeMap::from([(code.to_owned(), 1)]), "{groups}");
    }
}

#[test]
fn the_dropper_of_a_file_sees_what_blocks_it() {
    let odd = Odd::start();
    let bench = odd.bench();
    bench.drop_file("x.csv", "aid,value\n101,3000\n");
    odd.says("quotas", "<html>please log in</html>");
    bench.run(&["-q", "inbox"]).ends_with(1);
    let status = || fs_err::read_to_string(bench.data().join("inbox/answers/x.csv/status.txt")).unwrap();
    let before = status();
    assert!(before.starts_with("x.csv: being worked on\nrun "), "{before}");
    assert!(
        before.contains("It is not finished, and quotakeeper retries it automatically: GET /quotas: "),
        "{before}"
    );
    bench.run(&["-q", "inbox"]).ends_with(1);
    assert_eq!(status(), before, "once, not at each try");
    odd.says("quotas", QUOTAS);
    bench.run(&["-q", "inbox"]).ends_with(0);
    assert!(status().starts_with("x.csv: done\n"), "{}", status());
}

#[test]
fn a_first_quota_where_most_quotas_went_from_the_answer_waits_for_a_person_until_a_day_of_snapshots_shows_the_same()
 {
    let odd = Odd::start();
    let bench = odd.bench();
    bench.run(&["snapshot"]).ends_with(0);
    // Everybody can still see the organization, but the answer has no quota of it.
    odd.says("quotas", r#"{"quotas":[{"organizationQuota":{"orgId":"20","value":9000}}]}"#);
    let history = || bench.run(&["history", "list"]).ends_with(0).out;
    let before = history();
    // With 3000 known, ten times as much is held; the guards that compare have nothing to say of "no quota".
    bench.drop_file("raise.csv", "org_id,aid,value\n10,101,30000\n");
    bench.run(&["inbox"]).ends_with(5);
    let plan = String::from_utf8(bench.only_run().read("plan.csv")).unwrap();
    assert!(plan.contains("no longer shows any of the 3 quotas of organization 10"), "{plan}");
    bench.drop_file("none.csv", "action,org_id,aid\nunassign,10,101\n");
    bench.run(&["inbox"]).ends_with(4);

    // A snapshot may show what the same incomplete answer says.
    bench.run(&["snapshot"]).ends_with(0);
    assert_ne!(history(), before);
    bench.drop_file("again.csv", "org_id,aid,value\n10,101,30001\n");
    bench.run(&["inbox"]).ends_with(5);
    let mut states: Vec<String> = bench.runs().iter().map(Run::state).collect();
    states.sort();
    assert_eq!(states, ["done", "held", "held"]);
}
