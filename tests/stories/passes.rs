//! However many files a pass came to the end of, it makes one mail; a pass that was killed loses none and repeats none.

use crate::standin::World;
use crate::testbed::{Bench, counts};

const RAISE: &str = "org_id,aid,value\n10,101,6000\n";
const RAISE_MORE: &str = "org_id,aid,value\n10,101,6500\n";

fn with_text(mail: &str, text: &str) -> bool {
    mail.replace("=\r\n", "").replace("\r\n", " ").replace('\n', " ").contains(text)
}

#[test]
fn sixty_bad_files_and_a_good_one_are_one_mail_that_counts_and_names_them() {
    let bench = Bench::new(World::small()).with_mail();
    for number in 0..60 {
        bench.drop_file(&format!("bad-{number:02}.csv"), format!("nonsense {number}\n"));
    }
    bench.drop_file("raise.csv", RAISE);
    bench.run(&["inbox"]);
    bench.run(&["outbox"]).ends_with(0);
    let mails = bench.delivered();
    let [mail] = &mails[..] else { panic!("{} mails", mails.len()) };
    for text in ["61 files: 60 could not be used, 1 done", "bad-00.csv could not be used", "And 40 more"] {
        assert!(with_text(mail, text), "{text}: {mail}");
    }
    bench.run(&["once"]);
    assert_eq!(bench.delivered().len(), 1, "it comes once");
}

#[test]
fn a_pass_killed_before_its_mail_was_queued_or_recorded_makes_that_mail_once() {
    let bench = Bench::new(World::small()).with_mail();
    bench.drop_file("bad.csv", "nonsense\n");
    bench.drop_file("raise.csv", RAISE);
    bench.run(&["inbox"]);
    let due = || {
        for run in bench.runs() {
            let mut record = run.record();
            record["mail_due"] = true.into();
            fs_err::write(bench.data().join("runs").join(run.id()).join("run.json"), record.to_string())
                .unwrap();
        }
    };
    // As if it had been killed after it had queued the mail.
    due();
    bench.run(&["inbox"]);
    bench.run(&["outbox"]).ends_with(0);
    assert_eq!(bench.delivered().len(), 1, "the same mail");
    // And in the middle of writing down that it had.
    due();
    let ids: Vec<String> = bench.runs().iter().map(super::testbed::Run::id).collect();
    let batch = serde_json::json!({ "version": 1, "runs": ids });
    fs_err::write(bench.data().join("notices.json"), batch.to_string()).unwrap();
    let mut record = bench.runs()[0].record();
    record["mail_due"] = false.into();
    fs_err::write(bench.data().join("runs").join(&ids[0]).join("run.json"), record.to_string()).unwrap();
    bench.drop_file("more.csv", RAISE_MORE);
    bench.run(&["inbox"]);
    bench.run(&["outbox"]).ends_with(0);
    let mails = bench.delivered();
    assert_eq!(mails.len(), 2, "the same mail, and that of the new file: {mails:?}");
    assert!(!bench.data().join("notices.json").exists());
}

#[test]
fn an_outage_and_its_end_are_mailed_once_each_even_if_the_host_name_changes() {
    let bench = Bench::new(World::small()).with_mail();
    bench.run(&["snapshot"]).ends_with(0);
    let token = ["TE_TOKEN", "wrong"];
    for _ in 0..2 {
        let failed = bench.command(&["snapshot"]).env(token[0], token[1]).output().unwrap();
        assert_eq!(failed.status.code(), Some(1));
    }
    bench.run(&["outbox"]).ends_with(0);
    assert_eq!(bench.delivered().len(), 1);
    for _ in 0..2 {
        bench.run(&["snapshot"]).ends_with(0);
    }
    bench.run(&["outbox"]).ends_with(0);
    let mut mails = bench.delivered();
    mails.sort_by_key(|mail| mail.contains("In-Reply-To"));
    let [failure, recovery] = &mails[..] else { panic!("{mails:?}") };
    let header = |mail: &str, name: &str| {
        let line = mail.lines().find_map(|line| line.strip_prefix(name));
        line.unwrap_or_else(|| panic!("{name}: {mail}")).trim().to_owned()
    };
    assert!(with_text(recovery, "The snapshot job works again, after less than a minute"), "{recovery}");
    assert_eq!(header(recovery, "In-Reply-To:"), header(failure, "Message-ID:"));
    let text = fs_err::read_to_string(bench.data().join("installation.json")).unwrap();
    let installation: serde_json::Value = serde_json::from_str(&text).unwrap();
    let id = installation["id"].as_str().unwrap();
    assert!(header(failure, "Message-ID:").ends_with(&format!("@quotakeeper.{id}>")), "{failure}");
}

#[test]
fn files_that_change_nothing_share_one_reading_and_what_is_sent_has_its_own() {
    let bench = Bench::new(World::small());
    for number in 0..20 {
        bench.drop_file(&format!("a-bad-{number:02}.csv"), format!("org_id,aid,value\n10,101,6{number}x\n"));
        bench.drop_file(
            &format!("b-stale-{number:02}.csv"),
            "org_id,aid,value,expected_value\n10,101,6000,1\n",
        );
        bench.drop_file(&format!("c-held-{number:02}.csv"), format!("org_id,aid,value\n10,101,{number}\n"));
        bench.drop_file(&format!("x-bad-{number:02}.csv"), format!("org_id,aid,value\n10,101,6{number}x\n"));
    }
    bench.drop_file("m-raise.csv", RAISE);
    // The last files see what the raise before them did.
    bench.drop_file("z-same.csv", RAISE);
    bench.run(&["inbox"]);
    assert_eq!(bench.runs().len(), 82);
    assert_eq!(bench.posts(), 1);
    for run in bench.runs().iter().filter(|run| run.id().ends_with("z-same")) {
        assert_eq!(run.counts(), counts([("unchanged", 1)]));
    }
    // One reading for the files before the raise and one for those after it, each read again while it is older than the
    // pass may use it; the raise reads three times for itself.
    let (groups, usage) = (bench.standin.count("GET /account-groups"), bench.standin.count("GET /usage"));
    assert!(groups < 20 && usage < 20, "{groups} and {usage} requests for 82 files");
}

#[test]
fn a_pass_does_not_read_again_what_is_finished_until_an_hour_later() {
    let bench = Bench::new(World::small());
    for number in 0..40 {
        bench.drop_file(&format!("bad-{number:02}.csv"), format!("nonsense {number}\n"));
    }
    bench.run(&["inbox"]);
    bench.run(&["inbox"]).ends_with(0);
    assert!(bench.data().join("finished_runs.csv").exists());
    let ids: Vec<String> = bench.runs().iter().map(super::testbed::Run::id).collect();
    for id in &ids {
        fs_err::write(bench.data().join("runs").join(id).join("run.json"), "{").unwrap();
    }
    let warned = |command: &str| bench.run(&[command]).log.matches("a run cannot be read").count();
    assert_eq!(warned("inbox"), 0);
    // A new file is planned and sent beside them.
    bench.drop_file("raise.csv", RAISE);
    bench.run(&["inbox"]);
    assert_eq!(bench.runs().last().unwrap().record()["state"], "done");
    let file = bench.data().join("finished_runs.csv");
    let text = fs_err::read_to_string(&file).unwrap();
    let (first, rest) = text.split_once('\n').unwrap();
    assert!(first.starts_with("read_at,20"), "{first}");
    fs_err::write(&file, format!("read_at,2026-11-22T18:00:00Z\n{rest}")).unwrap();
    assert_eq!(warned("inbox"), 0);
    assert_eq!(warned("inbox"), ids.len());
}

#[test]
fn a_run_that_waits_in_a_backup_waits_again_when_the_daemon_starts_on_it() {
    let bench = Bench::new(World::small());
    // Below the 3 400 projected units of the helpdesk.
    bench.drop_file("cut.csv", "org_id,aid,value\n10,101,3000\n");
    bench.run(&["inbox"]).ends_with(5);
    let run = bench.only_run();
    let backup = run.read("run.json");
    bench.run(&["reject", &run.id()]).ends_with(0);
    for number in 0..40 {
        bench.drop_file(&format!("bad-{number:02}.csv"), format!("nonsense {number}\n"));
    }
    bench.run(&["inbox"]);
    bench.run(&["inbox"]);
    assert!(fs_err::read_to_string(bench.data().join("finished_runs.csv")).unwrap().contains(&run.id()));

    let folder = bench.data().join("runs").join(run.id());
    fs_err::remove_file(folder.join("decision.json")).unwrap();
    fs_err::write(folder.join("run.json"), backup).unwrap();
    let mut daemon = bench.start(&["run"]);
    bench.wait_for_log("\"running\"");
    let status = bench.run(&["status"]).out;
    daemon.kill().unwrap();
    daemon.wait().unwrap();
    assert!(status.contains(&run.id()), "{status}");
    bench.run(&["approve", &run.id()]).ends_with(0);
    assert_eq!(run.state(), "done");
}
