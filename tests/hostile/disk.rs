//! A full disk: a 1 MB file system, filled. Nothing is half written, the error is one clear sentence, and once there is
//! room again everything goes on. Needs the right to mount; without it the tests are skipped.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::{CountingProxy, Place, Ran, Simulator, files};

/// The place's data folder as a file system of 1 MB; unmounted at the end.
struct Small(PathBuf);

impl Small {
    fn mount(place: &Place) -> Option<Self> {
        let data = place.data();
        std::fs::create_dir_all(&data).unwrap();
        let mount = Command::new("mount").args(["-t", "tmpfs", "-o", "size=1m", "tmpfs"]).arg(&data).output();
        if !mount.is_ok_and(|output| output.status.success()) {
            eprintln!("skipped: no right to mount");
            return None;
        }
        std::fs::create_dir_all(place.inbox()).unwrap();
        Some(Self(data))
    }

    fn filler(&self) -> PathBuf {
        self.0.join("filler")
    }

    /// Leaves so many blocks of 4 kB free.
    fn fill_but(&self, blocks: usize) {
        let mut size = 1 << 20;
        while size >= 4096 {
            let mut text = std::fs::read(self.filler()).unwrap_or_default();
            text.resize(text.len() + size, b'x');
            if std::fs::write(self.filler(), &text).is_err() {
                text.truncate(text.len() - size);
                std::fs::write(self.filler(), &text).unwrap();
                size /= 2;
            }
        }
        let length = std::fs::metadata(self.filler()).unwrap().len();
        let file = std::fs::File::options().write(true).open(self.filler()).unwrap();
        file.set_len(length - 4096 * blocks as u64).unwrap();
    }

    fn free(&self) {
        std::fs::remove_file(self.filler()).unwrap();
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

/// A place whose data lies on a disk of its own, and that asks the simulator through a proxy which counts.
fn on_a_small_disk(
    simulator: &Simulator,
    settings: &[(&str, &str)],
) -> Option<(CountingProxy, Place, Small)> {
    let proxy = CountingProxy::before(simulator);
    let place = Place::new(simulator).with("TE_BASE_URL", &proxy.base_url);
    let place = settings.iter().fold(place, |place, (name, value)| place.with(name, value));
    let disk = Small::mount(&place)?;
    Some((proxy, place, disk))
}

fn assert_says_that_the_disk_is_full(ran: &Ran) {
    // What can be done about it may follow.
    let said = ran.stderr.lines().rfind(|line| line.starts_with("quotakeeper: ")).unwrap_or_default();
    assert_eq!(ran.code, Some(1), "{}", ran.stderr);
    assert!(said.contains("the disk is full"), "{}", ran.stderr);
    assert_eq!(said.matches("the disk is full").count(), 1, "{said}");
}

fn row(place: &Place, content: &str) -> String {
    let export = place.run(&["export"]).stdout;
    let mut reader = csv::Reader::from_reader(export.as_bytes());
    let row =
        reader.records().map(Result::unwrap).find(|row| !row[3].is_empty() && &row[5] != "none").unwrap();
    format!("aid,value,comment\n{},{},{content}\n", &row[3], row[5].parse::<u64>().unwrap() + 10)
}

/// No file below `folder` is empty or has a temporary name.
fn assert_whole(folder: &Path, when: &str) {
    for (path, content) in files(folder) {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if name == "lock" || name == "filler" {
            continue;
        }
        assert!(!name.starts_with(".new-") && !name.starts_with(".writing-"), "{when}: {}", path.display());
        assert!(!content.is_empty() || name == "journal.jsonl", "{when}: {} is empty", path.display());
    }
}

#[test]
fn a_snapshot_on_a_full_disk_writes_nothing_and_the_next_one_is_whole() {
    let simulator = Simulator::start();
    let place = Place::new(&simulator);
    let Some(disk) = Small::mount(&place) else { return };
    let mut refused = 0;
    for blocks in 0..8 {
        disk.fill_but(blocks);
        let ran = place.run(&["snapshot"]);
        if ran.code != Some(0) {
            assert_says_that_the_disk_is_full(&ran);
            refused += 1;
        }
        assert_whole(&place.data(), &format!("{blocks} blocks"));
        disk.free();
    }
    assert!(refused > 2, "{refused}");
    let last = place.run(&["snapshot"]);
    assert_eq!(last.code, Some(0), "{}", last.stderr);
}

#[test]
fn an_inbox_on_a_full_disk_loses_nothing_and_sends_each_row_once() {
    let simulator = Simulator::start();
    let mut refused = 0;
    for blocks in 0..24 {
        let Some((proxy, place, disk)) = on_a_small_disk(&simulator, &[]) else { return };
        let content = row(&place, &"long ".repeat(1000));
        place.drop_file("raise.csv", &content);
        disk.fill_but(blocks);
        let ran = place.run(&["inbox"]);
        let when = format!("{blocks} blocks: {}", ran.stderr);
        if ran.code != Some(0) {
            assert_says_that_the_disk_is_full(&ran);
            refused += 1;
        }
        assert_whole(&place.data(), &when);
        disk.free();
        let again = place.run(&["inbox"]);
        assert_eq!(again.code, Some(0), "{when}\n{}", again.stderr);
        let runs = place.runs();
        assert_eq!(runs.len(), 1, "{when}");
        assert_eq!(runs[0].1["state"], "done", "{when}");
        assert_eq!(runs[0].1["counts"]["applied"], 1, "{when}");
        assert_eq!(std::fs::read_to_string(runs[0].0.join("input.csv")).unwrap(), content, "{when}");
        assert_eq!(proxy.posts(), 1, "{when}");
        place.run(&["outbox"]);
        let mails = files(&place.data().join("outbox/sent")).into_iter().filter(|(path, content)| {
            path.extension().is_some_and(|extension| extension == "eml")
                && String::from_utf8_lossy(content).contains("ann@example.com")
        });
        assert_eq!(mails.count(), 1, "{when}");
    }
    assert!(refused > 5, "{refused}");
}

#[test]
fn an_approval_on_a_full_disk_counts_or_stays() {
    let simulator = Simulator::start();
    let mut stayed = 0;
    for blocks in 0..12 {
        let Some((proxy, place, disk)) = on_a_small_disk(&simulator, &[]) else { return };
        let place = place
            .with("QUOTAKEEPER__INBOX__APPROVALS", "true")
            .with("QUOTAKEEPER__GUARD__APPROVAL", "always");
        place.drop_file("raise.csv", row(&place, "more"));
        place.run(&["inbox"]);
        let plan = place.runs()[0].1["plan_sha256"].as_str().unwrap().to_owned();
        let approval = place.inbox().join(format!("{plan}.approved"));
        std::fs::write(&approval, "").unwrap();
        disk.fill_but(blocks);
        place.run(&["inbox"]);
        stayed += usize::from(approval.exists());
        disk.free();
        let again = place.run(&["inbox"]);
        assert_eq!(again.code, Some(0), "{blocks} blocks: {}", again.stderr);
        assert_eq!(place.runs()[0].1["state"], "done", "{blocks} blocks");
        assert_eq!(proxy.posts(), 1, "{blocks} blocks");
        assert!(!approval.exists(), "{blocks} blocks");
    }
    assert!(stayed > 0, "on a disk without room the approval could not be recorded");
}

/// The messages below `outbox/` whose content has this.
fn mails(place: &Place, folder: &str, content: &str) -> usize {
    let Ok(folder) = place.data().join("outbox").join(folder).canonicalize() else { return 0 };
    let mails = files(&folder).into_iter().filter(|(path, text)| {
        path.extension().is_some_and(|kind| kind == "eml") && String::from_utf8_lossy(text).contains(content)
    });
    mails.count()
}

#[test]
fn a_full_disk_is_reported_by_mail_status_and_exit_code_and_recovers_by_itself() {
    let simulator = Simulator::start();
    let place = Place::new(&simulator);
    let Some(disk) = Small::mount(&place) else { return };
    assert_eq!(place.run(&["once"]).code, Some(0), "it has run before");
    // A pass that finds nothing writes nothing within its minute: let it be a later one.
    let path = place.data().join("state.json");
    let mut state: serde_json::Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    state["jobs"]["inbox"]["last_success"] = "2026-01-01T00:00:00Z".into();
    std::fs::write(&path, state.to_string()).unwrap();
    disk.fill_but(0);
    let ran = place.run(&["once"]);
    assert_eq!(ran.code, Some(1), "{}", ran.stderr);
    let failed = ran.stderr.lines().find(|line| line.contains("\"level\":\"ERROR\"")).unwrap();
    for part in ["\"job\":\"inbox\"", "No space left", "\"hint\":\"make room on the disk of data.dir"] {
        assert!(failed.contains(part), "{failed}");
    }
    assert_eq!(mails(&place, "sent", "make room"), 1, "the mail had room: {}", ran.stderr);
    disk.fill_but(0);
    let status = place.run(&["status"]);
    assert_eq!(status.code, Some(0));
    for part in ["has only 0 bytes left", "inbox job has been failing since", "→ make room"] {
        assert!(status.stdout.contains(part), "{}", status.stdout);
    }
    assert_eq!(place.run(&["once"]).code, Some(1));

    disk.free();
    assert_eq!(place.run(&["once"]).code, Some(0), "there is room again");
    assert_eq!(mails(&place, "sent", "make room") + mails(&place, "new", "make room"), 1, "reported once");
    assert!(!place.run(&["status"]).stdout.contains("failed since"));
    assert!(place.data().join("reserve").exists(), "room is set aside for the next time");
}

#[test]
fn an_outbox_on_a_full_disk_delivers_each_mail_once() {
    let simulator = Simulator::start();
    let mut refused = 0;
    for blocks in 0..4 {
        let place = Place::new(&simulator);
        let Some(disk) = Small::mount(&place) else { return };
        place.drop_file("bad.csv", "no header\n");
        place.run(&["inbox"]);
        assert_eq!(mails(&place, "new", "ann@example.com"), 1);
        disk.fill_but(blocks);
        let ran = place.run(&["outbox"]);
        if ran.code != Some(0) {
            assert_says_that_the_disk_is_full(&ran);
            refused += 1;
        }
        disk.free();
        for _ in 0..2 {
            place.run(&["outbox"]); // the second one delivers that the job works again
        }
        assert_eq!(mails(&place, "sent", "ann@example.com"), 1, "{blocks} blocks: {}", ran.stderr);
        assert_eq!(mails(&place, "new", ""), 0, "{blocks} blocks");
        assert_whole(&place.data(), &format!("{blocks} blocks"));
    }
    assert!(refused > 0, "{refused}");
}

#[test]
fn prune_makes_room_on_a_disk_that_is_full() {
    let simulator = Simulator::start();
    let place =
        Place::new(&simulator).with("QUOTAKEEPER__DATA__KEEP", "{ hourly = 1, daily = 1, monthly = 1 }");
    let Some(disk) = Small::mount(&place) else { return };
    for _ in 0..5 {
        assert_eq!(place.run(&["snapshot"]).code, Some(0));
    }
    disk.fill_but(0);
    let ran = place.run(&["prune"]);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    assert_eq!(place.run(&["snapshot"]).code, Some(0));
}

#[test]
fn a_data_folder_that_cannot_be_written_gets_one_snapshot_for_a_slot_and_one_mail_for_each_job() {
    let simulator = Simulator::start();
    let place = Place::new(&simulator).owned_by_nobody().with("QUOTAKEEPER__SCHEDULE__SNAPSHOT", "0 0 1 1 *");
    if !place.command(&["--version"]).output().is_ok_and(|output| output.status.success()) {
        eprintln!("skipped: nobody may not run the binary where it lies");
        return;
    }
    let allow = |mode| {
        std::fs::set_permissions(place.data(), std::fs::Permissions::from_mode(mode)).unwrap();
    };
    assert_eq!(place.run(&["once"]).code, Some(0));
    std::fs::remove_file(place.data().join("state.json")).unwrap();
    for year in std::fs::read_dir(place.data().join("history")).unwrap() {
        let _ = std::fs::remove_dir_all(year.unwrap().path()); // all but the format
    }
    let snapshots =
        || files(&place.data().join("history")).iter().filter(|(path, _)| path.extension().is_some()).count();
    allow(0o555);
    let mut sent = Vec::new();
    for _ in 0..3 {
        let ran = place.run(&["once"]);
        assert_eq!(ran.code, Some(1), "{}", ran.stderr);
        assert!(
            ran.stderr.contains("its work is done, but this could not be recorded in state.json"),
            "{}",
            ran.stderr
        );
        assert_eq!(snapshots(), 1);
        sent.push(files(&place.data().join("outbox")).len());
    }
    assert_eq!(sent[1], sent[2], "each failure is mailed once");
    allow(0o755);
    assert_eq!(place.run(&["once"]).code, Some(0));
    assert_eq!(snapshots(), 1);
}
