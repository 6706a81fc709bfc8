//! Facts about taking files, crash by crash.

use chrono::{DateTime, Utc};

use super::*;
use crate::change::RunState;
use crate::change::run::Run;
use crate::first_error::FirstError;
use crate::testing::pipe::make_pipe;

fn now() -> DateTime<Utc> {
    "2026-11-22T18:05:00Z".parse().unwrap()
}

fn inbox() -> (tempfile::TempDir, Inbox) {
    let folder = tempfile::tempdir().unwrap();
    let inbox = Inbox {
        folder: folder.path().join("inbox"),
        answers: folder.path().join("inbox/answers"),
        runs: folder.path().join("runs"),
        data: folder.path().to_owned(),
        settle: Duration::ZERO,
        max_bytes: 100,
        read_only: false,
        instance: None,
        memory: Arc::default(),
    };
    fs_err::create_dir(&inbox.folder).unwrap();
    (folder, inbox)
}

#[derive(Debug, Default)]
struct Taken {
    runs: Vec<Run>,
    left: Vec<NotTaken>,
    failed: FirstError,
}

/// A whole pass: scans, waits, scans again, and claims what did not change.
async fn take(inbox: &Inbox) -> Taken {
    take_at(inbox, now()).await
}

async fn take_at(inbox: &Inbox, now: DateTime<Utc>) -> Taken {
    let open = open(inbox);
    let (first, left) = open.first_scan().unwrap();
    let mut taken = Taken { left, ..Taken::default() };
    if first.is_empty() {
        return taken;
    }
    tokio::time::sleep(inbox.settle).await;
    let (mut settled, left) = open.settled_files(&first, Instant::now()).unwrap();
    taken.left.extend(left);
    while let Some(claim) = open.claim_next(&mut settled, now) {
        match claim {
            Ok(Claim::Run(run)) => taken.runs.push(*run),
            Ok(Claim::Nothing) => {}
            Ok(Claim::NotTaken(not)) => taken.left.push(not),
            Ok(Claim::Failed(not, error)) => {
                taken.left.push(not);
                taken.failed.note(error);
            }
            Err(error) => taken.failed.note(error),
        }
    }
    taken
}

fn open(inbox: &Inbox) -> OpenInbox {
    inbox.open().unwrap()
}

fn claimed(inbox: &Inbox, run: &Run) -> PathBuf {
    inbox.folder.join(format!(".{}.claimed", run.record.id))
}

/// As if the run had come to rest, which gives its claimed file free.
fn release(inbox: &Inbox, run: &Run) {
    open(inbox).release(run).unwrap();
}

fn left(inbox: &Inbox) -> usize {
    fs_err::read_dir(&inbox.folder).unwrap().count()
}

#[tokio::test]
async fn a_settled_file_moves_into_a_run_of_its_own() {
    let (_folder, inbox) = inbox();
    fs_err::write(inbox.folder.join("Raise.CSV"), "a").unwrap();
    fs_err::write(inbox.folder.join(".hidden.csv"), "a").unwrap();
    let taken = take(&inbox).await;
    assert_eq!(taken.runs[0].record.file, "Raise.CSV");
    assert_eq!(taken.runs[0].read("input.csv").unwrap(), b"a");
    assert_eq!(left(&inbox), 2, "the claimed file stays until the run comes to rest");
    release(&inbox, &taken.runs[0]);
    assert_eq!(left(&inbox), 1);
    let owner = rustix::process::geteuid().as_raw();
    assert_eq!(taken.runs[0].record.dropped_by, Some(Owner::from_uid(owner)));
}

#[tokio::test(start_paused = true)]
async fn a_file_that_is_still_being_written_is_left() {
    let (_folder, mut inbox) = inbox();
    inbox.settle = Duration::from_secs(10);
    let path = inbox.folder.join("a.csv");
    fs_err::write(&path, "a").unwrap();
    let writing = async {
        tokio::time::sleep(Duration::from_secs(5)).await;
        fs_err::write(&path, "a,b").unwrap();
    };
    let (taken, ()) = tokio::join!(take(&inbox), writing);
    assert!(taken.runs.is_empty());
    assert_eq!(take(&inbox).await.runs.len(), 1);
}

#[tokio::test]
async fn anything_but_a_regular_file_is_reported_and_left() {
    let (_folder, inbox) = inbox();
    std::os::unix::fs::symlink("/etc/hostname", inbox.folder.join("link.csv")).unwrap();
    make_pipe(&inbox.folder.join("pipe.csv"));
    fs_err::write(inbox.folder.join("book.xlsx"), "PK").unwrap();
    let taken = take(&inbox).await;
    assert!(taken.runs.is_empty());
    let mut listed: Vec<_> = taken.left.iter().map(|not| not.file.as_str()).collect();
    listed.sort_unstable();
    assert_eq!(listed, ["book.xlsx", "link.csv", "pipe.csv"]);
}

#[tokio::test]
async fn a_file_that_cannot_be_taken_at_the_second_scan_is_reported() {
    let (_folder, inbox) = inbox();
    let file = |name: &str| inbox.folder.join(name);
    for name in ["a.csv", "b.csv", "gone.csv"] {
        fs_err::write(file(name), "a").unwrap();
    }
    std::os::unix::fs::symlink("a.csv", file("link.csv")).unwrap();
    let open = open(&inbox);
    let (first, left) = open.first_scan().unwrap();
    assert_eq!(left.len(), 1);
    for name in ["b.csv", "gone.csv"] {
        fs_err::remove_file(file(name)).unwrap();
    }
    std::os::unix::fs::symlink("a.csv", file("b.csv")).unwrap();
    let (settled, left) = open.settled_files(&first, Instant::now()).unwrap();
    assert_eq!(settled.files.len(), 1);
    assert_eq!(left.iter().map(|not| not.file.as_str()).collect::<Vec<_>>(), ["b.csv"]);
}

#[tokio::test]
async fn too_large_a_file_fails_its_run_and_is_not_copied() {
    let (_folder, inbox) = inbox();
    fs_err::write(inbox.folder.join("big.csv"), [b'x'; 101]).unwrap();
    let run = take(&inbox).await.runs.remove(0);
    assert!(run.record.notes[0].contains("101 bytes"));
    assert!(!run.path("input.csv").exists());
    release(&inbox, &run);
    assert_eq!(left(&inbox), 0);
}

#[tokio::test]
async fn a_crash_at_any_step_of_a_claim_makes_one_run_of_the_file() {
    // Step 1: the run exists, the file still has its name.
    let (_folder, inbox) = inbox();
    fs_err::write(inbox.folder.join("a.csv"), "a").unwrap();
    Run::create(&inbox.runs, now(), "a.csv", |record| record).unwrap();
    open(&inbox).recover(now()).unwrap();
    assert_eq!(Run::list(&inbox.runs).unwrap().0.len(), 0);
    let run = take(&inbox).await.runs.remove(0);

    // Step 2: renamed, not copied.
    let mut cut = run.clone();
    fs_err::remove_file(cut.path("input.csv")).unwrap();
    (cut.record.input_sha256, cut.record.claimed, cut.record.dropped_by) = (None, None, None);
    cut.save().unwrap();
    assert!(open(&inbox).awaits_file(&cut));
    open(&inbox).recover(now()).unwrap();
    let (runs, _) = Run::list(&inbox.runs).unwrap();
    assert_eq!((runs.len(), &runs[0].record), (1, &run.record));
    assert_eq!(runs[0].read("input.csv").unwrap(), b"a");

    // Step 3: copied. The file stays while the run is at work, and goes when it came to rest.
    open(&inbox).recover(now()).unwrap();
    assert_eq!(left(&inbox), 1);
    cut = run.clone();
    cut.set_state(RunState::Done, now()).unwrap();
    open(&inbox).recover(now()).unwrap();
    assert_eq!((left(&inbox), Run::list(&inbox.runs).unwrap().0.len()), (0, 1));

    // Somebody removed the run's folder: the claimed file makes it again.
    fs_err::remove_dir_all(&run.folder).unwrap();
    fs_err::write(claimed(&inbox, &run), "a").unwrap();
    open(&inbox).recover(now()).unwrap();
    assert_eq!(Run::list(&inbox.runs).unwrap().0[0].record.id, run.record.id);
}

#[tokio::test]
async fn a_read_only_inbox_acts_on_each_content_once_and_follows_its_links() {
    let (_folder, mut inbox) = inbox();
    inbox.read_only = true;
    fs_err::write(inbox.folder.join(".data"), "a").unwrap();
    std::os::unix::fs::symlink(".data", inbox.folder.join("a.csv")).unwrap();
    assert_eq!(take(&inbox).await.runs.len(), 1);
    assert_eq!(take(&inbox).await.runs.len(), 0);
    fs_err::write(inbox.folder.join(".data"), "b").unwrap();
    assert_eq!(take(&inbox).await.runs.len(), 1);
    assert_eq!(left(&inbox), 2);
}

#[tokio::test]
async fn a_read_only_inbox_does_nothing_twice_because_a_run_cannot_be_read() {
    let (_folder, mut inbox) = inbox();
    inbox.read_only = true;
    fs_err::write(inbox.folder.join("a.csv"), "a").unwrap();
    let run = take(&inbox).await.runs.remove(0);
    fs_err::write(run.path("run.json"), "damaged").unwrap();
    fs_err::write(inbox.folder.join("b.csv"), "b").unwrap();
    let taken = take(&inbox).await.runs;
    assert_eq!(taken.iter().map(|run| run.record.file.as_str()).collect::<Vec<_>>(), ["b.csv"]);
    // Where nothing says what it was made of, nothing is taken, and that is an error.
    fs_err::remove_file(run.path("input.csv")).unwrap();
    fs_err::create_dir(run.path("input.csv")).unwrap();
    let open = open(&inbox);
    let (first, _) = open.first_scan().unwrap();
    let error = open.settled_files(&first, Instant::now()).unwrap_err();
    assert!(error.to_string().contains(&run.record.id), "{error:#}");
}

#[tokio::test]
async fn a_link_that_leads_out_of_a_read_only_inbox_is_not_followed() {
    let (folder, mut inbox) = inbox();
    inbox.read_only = true;
    fs_err::write(folder.path().join("te_token"), "secret").unwrap();
    std::os::unix::fs::symlink("../te_token", inbox.folder.join("a.csv")).unwrap();
    let taken = take(&inbox).await;
    assert_eq!((taken.runs.len(), taken.left.len()), (0, 1));
    assert!(taken.left[0].reason.contains("outside of this folder"), "{:?}", taken.left);
}

#[tokio::test]
async fn a_file_that_is_written_on_after_its_claim_is_put_back_whole() {
    let (_folder, inbox) = inbox();
    let path = inbox.folder.join("a.csv");
    fs_err::write(&path, "a").unwrap();
    let EntryKind::File { fingerprint, .. } = open(&inbox).inspect(OsStr::new("a.csv")) else {
        panic!("it is a file")
    };
    fs_err::write(&path, "a,b").unwrap(); // after the second look
    let claim = open(&inbox).claim(OsStr::new("a.csv"), fingerprint, now()).unwrap();
    assert!(matches!(claim, claim::Claim::Nothing));
    assert_eq!(fs_err::read(&path).unwrap(), b"a,b");
    assert_eq!((left(&inbox), Run::list(&inbox.runs).unwrap().0.len()), (1, 0));
    fs_err::remove_file(&path).unwrap();
    let gone = open(&inbox).claim(OsStr::new("a.csv"), fingerprint, now()).unwrap();
    assert!(matches!(gone, claim::Claim::Nothing), "gone is gone");
    assert_eq!(Run::list(&inbox.runs).unwrap().0.len(), 0);
}

#[tokio::test]
async fn a_claimed_file_that_cannot_be_copied_keeps_no_other_from_being_taken() {
    let (_folder, inbox) = inbox();
    fs_err::write(inbox.folder.join("bad.csv"), "a").unwrap();
    let bad = take(&inbox).await.runs.remove(0);
    fs_err::remove_file(bad.path("input.csv")).unwrap();
    let mut cut = bad.clone();
    cut.record.input_sha256 = None;
    cut.save().unwrap();
    fs_err::create_dir(bad.path("input.csv")).unwrap(); // nothing can be written over it
    fs_err::write(inbox.folder.join("good.csv"), "b").unwrap();
    open(&inbox).recover(now()).unwrap_err();
    assert_eq!(take(&inbox).await.runs[0].record.file, "good.csv");
}

#[tokio::test]
async fn a_file_too_large_for_a_read_only_inbox_is_reported() {
    let (_folder, mut inbox) = inbox();
    inbox.read_only = true;
    fs_err::write(inbox.folder.join("big.csv"), [b'x'; 101]).unwrap();
    let taken = take(&inbox).await;
    assert!(taken.runs.is_empty() && taken.left[0].reason.contains("101 bytes"), "{taken:?}");
}

#[tokio::test]
async fn a_claimed_file_that_was_exchanged_fails_its_run_and_never_blocks_the_others() {
    let (_folder, inbox) = inbox();
    let odd = Run::create(&inbox.runs, now(), "odd.csv", |record| record).unwrap();
    let cut = Run::create(&inbox.runs, now(), "cut.csv", |record| record).unwrap();
    make_pipe(&claimed(&inbox, &odd));
    fs_err::write(claimed(&inbox, &cut), "a").unwrap();

    open(&inbox).recover(now()).unwrap();

    let odd = Run::open(&inbox.runs, &odd.record.id).unwrap();
    assert!(odd.record.notes[0].contains("not a regular file"), "{:?}", odd.record.notes);
    assert_eq!(cut.read("input.csv").unwrap(), b"a");
    assert!(
        claimed(&inbox, &odd).symlink_metadata().is_ok(),
        "what quotakeeper did not make it does not remove"
    );
    open(&inbox).recover(now()).unwrap();
}

#[tokio::test]
async fn names_that_quotakeeper_cannot_have_made_are_no_claims_and_stay() {
    let (folder, inbox) = inbox();
    let kept = folder.path().join("runs/20261122T180500Z-kept");
    fs_err::create_dir_all(&kept).unwrap();
    fs_err::write(folder.path().join("state.json"), "{}").unwrap();
    let names = [
        "....claimed",
        "...claimed",
        "..claimed",
        ".foo.claimed",
        ".foo.held.claimed",
        ".20261122T180500Z-a.held.claimed",
        ".20261122T180500Z-a.20261201T000000Z.claimed",
        ".20261122T180500Z-A.claimed",
        ".20261122T180500Z-..claimed",
        ".state.json.claimed",
        ".20261124T180500Z-a.claimed",
        ".20991231T000000Z-x.claimed",
    ];
    for name in names {
        fs_err::write(inbox.folder.join(name), "aid,value\n1,1\n").unwrap();
    }
    for _ in 0..2 {
        open(&inbox).recover(now()).unwrap();
        assert!(take(&inbox).await.runs.is_empty());
    }
    assert_eq!(left(&inbox), names.len());
    assert_eq!(fs_err::read_dir(&inbox.runs).unwrap().count(), 1);
    assert!(kept.is_dir() && folder.path().join("state.json").is_file());
}

#[tokio::test]
async fn a_claimed_file_that_is_still_written_to_is_reported_and_kept_in_the_run() {
    let (_folder, inbox) = inbox();
    fs_err::write(inbox.folder.join("a.csv"), "aid,value\n1,60").unwrap();
    let run = take(&inbox).await.runs.remove(0);
    assert_eq!(open(&inbox).written_since(&run).unwrap(), None);
    fs_err::write(claimed(&inbox, &run), "aid,value\n1,6010\n").unwrap();
    let note = open(&inbox).written_since(&run).unwrap().unwrap();
    assert!(note.contains("14 bytes then, and 17 later") && note.contains("under a new name"), "{note}");
    assert_eq!(run.read("input-later.csv").unwrap(), b"aid,value\n1,6010\n");
    assert_eq!(run.read("input.csv").unwrap(), b"aid,value\n1,60");
}

#[tokio::test]
async fn a_file_that_somebody_put_in_place_of_a_claimed_one_is_not_removed() {
    let (_folder, inbox) = inbox();
    fs_err::write(inbox.folder.join("a.csv"), "a").unwrap();
    let run = take(&inbox).await.runs.remove(0);
    fs_err::write(inbox.folder.join(".other"), "of somebody else").unwrap();
    fs_err::rename(inbox.folder.join(".other"), claimed(&inbox, &run)).unwrap();
    assert_eq!(open(&inbox).written_since(&run).unwrap(), None);
    release(&inbox, &run);
    assert_eq!(fs_err::read_to_string(claimed(&inbox, &run)).unwrap(), "of somebody else");
}

#[tokio::test]
async fn a_name_for_a_claim_that_somebody_took_before_is_not_replaced() {
    let (_folder, inbox) = inbox();
    fs_err::write(inbox.folder.join(".20261122T180500Z-a.claimed"), "of somebody else").unwrap();
    fs_err::write(inbox.folder.join("a.csv"), "a").unwrap();
    let taken = take(&inbox).await;
    assert_eq!((taken.runs.len(), left(&inbox), Run::list(&inbox.runs).unwrap().0.len()), (0, 2, 0));
    assert!(taken.left[0].reason.contains("a hidden file in this folder, .20261122T180500Z-a.claimed"));
    let later = now() + chrono::Duration::seconds(1);
    let taken = take_at(&inbox, later).await;
    assert_eq!(taken.runs.len(), 1);
}

#[tokio::test]
async fn a_file_with_a_second_name_may_be_somebody_elses_and_is_not_read() {
    let (folder, inbox) = inbox();
    fs_err::write(folder.path().join("te_token"), "secret").unwrap();
    fs_err::hard_link(folder.path().join("te_token"), inbox.folder.join("a.csv")).unwrap();
    let taken = take(&inbox).await;
    assert!(taken.runs.is_empty() && taken.left[0].reason.contains("hard links"), "{taken:?}");
}

#[tokio::test]
async fn a_file_that_is_open_for_writing_is_left_until_it_is_closed() {
    let (_folder, inbox) = inbox();
    let writer = fs_err::File::create(inbox.folder.join("a.csv")).unwrap();
    let taken = take(&inbox).await;
    assert!(taken.runs.is_empty() && taken.left[0].reason.contains("open for writing"), "{taken:?}");
    drop(writer);
    assert_eq!(take(&inbox).await.runs.len(), 1);
}

#[tokio::test]
async fn change_files_in_a_folder_are_reported_and_other_folders_are_not() {
    let (_folder, inbox) = inbox();
    for name in
        ["october/plan.csv", "deep/er/plan.csv", "pictures/a.png", "answers/x.csv/status.txt", "q.numbers/x"]
    {
        let path = inbox.folder.join(name);
        fs_err::create_dir_all(path.parent().unwrap()).unwrap();
        fs_err::write(path, "").unwrap();
    }
    let left = take(&inbox).await.left;
    let listed: Vec<&str> = left.iter().map(|not| not.file.as_str()).collect();
    assert_eq!(listed, ["deep", "october", "q.numbers"], "{left:?}");
}

#[tokio::test]
async fn an_approval_with_the_ending_that_windows_hides_is_one_and_a_cut_hash_names_no_plan() {
    let (_folder, inbox) = inbox();
    let hash = "AB".repeat(32);
    for name in [format!("{hash}.approved.txt"), "7f3a91c2.approved".into(), ".hidden.approved".into()] {
        fs_err::write(inbox.folder.join(name), "").unwrap();
    }
    assert!(take(&inbox).await.runs.is_empty());
    let approvals = open(&inbox).approvals().unwrap();
    let plans: Vec<&str> = approvals.iter().map(|approval| approval.plan_sha256.as_str()).collect();
    assert_eq!(plans, ["", &hash.to_ascii_lowercase()]);
}

#[tokio::test]
async fn files_that_another_quotakeeper_claimed_are_left_to_it() {
    let (folder, mut inbox) = inbox();
    inbox.instance = Some("first".into());
    fs_err::write(inbox.folder.join("a.csv"), "aid,value\n1,2\n").unwrap();
    let run = take(&inbox).await.runs.remove(0);
    let other =
        Inbox { runs: folder.path().join("others"), instance: Some("second".into()), ..inbox.clone() };
    open(&other).recover(now()).unwrap();
    assert_eq!(Run::list(&other.runs).unwrap().0.len(), 0);
    release(&inbox, &run);
    let left = fs_err::read_dir(&inbox.folder).unwrap().count();
    assert_eq!(left, 0, "its own quotakeeper removes it");
    // Whose own run is gone finds it by its name.
    fs_err::write(inbox.folder.join("b.csv"), "aid,value\n1,3\n").unwrap();
    let run = take(&inbox).await.runs.remove(0);
    Run::remove(&inbox.runs, &run.record.id).unwrap();
    open(&inbox).recover(now()).unwrap();
    assert_eq!(
        Run::open(&inbox.runs, &run.record.id).unwrap().read("input.csv").unwrap(),
        b"aid,value\n1,3\n"
    );
}

#[tokio::test]
async fn a_file_that_was_claimed_where_the_inbox_was_before_is_still_its_runs() {
    let (folder, mut before) = inbox();
    before.instance = Some("own".into());
    fs_err::write(before.folder.join("a.csv"), "aid,value\n1,2\n").unwrap();
    let run = take(&before).await.runs.remove(0);
    // As if the disk had been full.
    fs_err::remove_file(run.path("input.csv")).unwrap();
    let mut cut = Run::open(&before.runs, &run.record.id).unwrap();
    (cut.record.input_sha256, cut.record.claimed) = (None, None);
    cut.save().unwrap();

    let inbox = Inbox { folder: folder.path().join("another"), ..before.clone() };
    open(&inbox).recover(now()).unwrap();
    let run = Run::open(&inbox.runs, &cut.record.id).unwrap();
    assert_eq!(run.read("input.csv").unwrap(), b"aid,value\n1,2\n");
    assert!(open(&inbox).may_have_file_of(&run.record));
    release(&inbox, &run);
    assert_eq!(fs_err::read_dir(&before.folder).unwrap().count(), 0);
    assert!(!open(&inbox).may_have_file_of(&run.record));
}
