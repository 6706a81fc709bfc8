//! `check`: all that is wrong with a configuration at once, and what the token may do.

use crate::standin::{Fault, World};
use crate::testbed::{Bench, Ran};

/// Every kind of mistake that people make, each in the file or in the environment.
const NASTY: &str = r#"
[api]
base_ulr = "https://api.thousandeyes.com"
timeout = "soon"
requests_per_minute = 0
proxy = "no url"

[data]
kep = { hourly = 1 }
keep = { hourly = -1, weekly = 4 }

[schedule]
timezone = "Mars/Base"
snapshot = "0 25 * * *"
digest = "every morning"

[inbox]
mode = "rows"
columns = { "Kunde" = "customer" }

[guard]
headroom_percent = "ten"
overrides = [{ org_id = "1", max_raise = 2 }, { aid = "2", unassign = "perhaps" }]

[alerts]
mutes = [{ org_id = "1", reason = "quiet" }]

[mail]
transport = "smtp"
from = "not an address"
to = { usage = "ann@example.com", alert = [] }

[smtp]
tls = "off"
port = 99999
username = "mailer"

[inboxes]
dir = "x"
"#;

/// What it says, without what differs from run to run.
fn printed(ran: &Ran) -> String {
    let line = |line: &str| match line.split_once("rate budget: ") {
        Some((before, rest)) => {
            format!("{before}rate budget: SOME{}\n", rest.trim_start_matches(|c: char| c.is_ascii_digit()))
        }
        None => format!("{line}\n"),
    };
    ran.out.lines().map(line).collect()
}

#[test]
fn every_configuration_problem_is_listed_at_once_with_file_line_key_and_nearest_known_key() {
    let bench = Bench::new(World::small())
        .with("QUOTAKEEPER__SNAPSHOT__USGAE", "true")
        .with("QUOTAKEEPER__MAIL__TRANSPORT", "pigeon")
        .with("QUOTAKEEPER__GUARD__EXPIRE", "a week");
    bench.configure(NASTY);
    let ran = bench.run(&["check"]).ends_with(1);
    insta::assert_snapshot!(printed(&ran));
}

#[test]
fn a_file_of_certificates_that_cannot_be_used_is_found_without_asking_the_api() {
    let bench = Bench::new(World::small());
    let file = bench.data().join("ca.pem");
    let bench = bench.with("QUOTAKEEPER__API__CA_FILE", file.to_str().unwrap());
    let said = |more: &[&str]| {
        let out = bench.run(&[&["check"], more].concat()).ends_with(1).out;
        out.lines().filter(|line| line.starts_with('✗')).map(str::to_owned).collect::<Vec<_>>()
    };
    let missing = said(&[]);
    assert!(
        matches!(&missing[..], [line] if line.contains("api.ca_file") && line.contains("ca.pem")),
        "{missing:?}"
    );
    assert_eq!(said(&["--online"]), missing, "it is said once");
    fs_err::write(&file, "no certificate\n").unwrap();
    let empty = said(&[]);
    assert!(
        matches!(&empty[..], [line] if line.contains("api.ca_file") && line.contains("ca.pem")),
        "{empty:?}"
    );
}

#[test]
fn check_online_says_each_permission_the_organizations_and_the_budget() {
    let bench = Bench::new(World::small());
    let ran = bench.run(&["check", "--online"]).ends_with(0);
    insta::assert_snapshot!("all_permissions", printed(&ran));
    assert_eq!(bench.posts(), 0, "nothing is changed");

    bench.standin.world(|world| world.usage_forbidden = true);
    let ran = bench.run(&["check", "--online"]).ends_with(1);
    insta::assert_snapshot!("no_usage", printed(&ran));

    bench.standin.world(|world| world.usage_forbidden = false);
    bench.standin.at("GET /quotas", 0, Fault::Fail(403));
    let ran = bench.run(&["check", "--online"]).ends_with(1);
    insta::assert_snapshot!("no_quotas", printed(&ran));

    bench.standin.at("GET /quotas", 0, Fault::Fail(401));
    let ran = bench.run(&["check", "--online"]).ends_with(1);
    insta::assert_snapshot!("wrong_token", printed(&ran));
}
