//! Facts about taking files, crash by crash.

use super::*;

fn now() -> DateTime<Utc> {
    "2026-11-22T18:05:00Z".parse().unwrap()
}

fn inbox() -> (tempfile::TempDir, Inbox) {
    let folder = tempfile::tempdir().unwrap();
    let inbox = Inbox {
        folder: folder.path().join("inbox"),
        runs: folder.path().join("runs"),
        settle: Duration::ZERO,
        max_bytes: 100,
        read_only: false,
    };
    fs_err::create_dir(&inbox.folder).unwrap();
    (folder, inbox)
}

async fn take(inbox: &Inbox) -> Taken {
    inbox.take(now(), &CancellationToken::new()).await.unwrap()
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
    assert_eq!(left(&inbox), 1);
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
async fn what_is_no_regular_file_is_told_and_left() {
    let (_folder, inbox) = inbox();
    std::os::unix::fs::symlink("/etc/hostname", inbox.folder.join("link.csv")).unwrap();
    std::process::Command::new("mkfifo").arg(inbox.folder.join("pipe.csv")).status().unwrap();
    fs_err::write(inbox.folder.join("book.xlsx"), "PK").unwrap();
    let taken = take(&inbox).await;
    assert!(taken.runs.is_empty());
    let mut told: Vec<_> = taken.left.iter().map(|not| not.file.as_str()).collect();
    told.sort_unstable();
    assert_eq!(told, ["book.xlsx", "link.csv", "pipe.csv"]);
}

#[tokio::test]
async fn too_large_a_file_fails_its_run_and_is_not_copied() {
    let (_folder, inbox) = inbox();
    fs_err::write(inbox.folder.join("big.csv"), [b'x'; 101]).unwrap();
    let run = take(&inbox).await.runs.remove(0);
    assert!(run.record.notes[0].contains("101 bytes"));
    assert!(!run.path("input.csv").exists());
    assert_eq!(left(&inbox), 0);
}

#[tokio::test]
async fn a_crash_at_any_step_of_a_claim_makes_one_run_of_the_file() {
    // Step 1: the run exists, the file still has its name.
    let (_folder, inbox) = inbox();
    fs_err::write(inbox.folder.join("a.csv"), "a").unwrap();
    Run::create(&inbox.runs, "a.csv", true, now()).unwrap();
    inbox.recover(now()).unwrap();
    assert_eq!(Run::all(&inbox.runs).unwrap().0.len(), 0);
    let run = take(&inbox).await.runs.remove(0);

    // Step 2: renamed, not copied. Step 3: copied, not removed.
    for copied in [false, true] {
        let mut cut = run.clone();
        fs_err::write(inbox.claimed(&run.record.id), "a").unwrap();
        if !copied {
            fs_err::remove_file(cut.path("input.csv")).unwrap();
            cut.record.input_sha256 = None;
            cut.save().unwrap();
        }
        inbox.recover(now()).unwrap();
        let (runs, _) = Run::all(&inbox.runs).unwrap();
        assert_eq!(runs.len(), 1);
        assert_eq!(runs[0].record, run.record);
        assert_eq!(runs[0].read("input.csv").unwrap(), b"a");
        assert_eq!(left(&inbox), 0);
    }

    // Somebody removed the run's folder: the claimed file makes it again.
    fs_err::remove_dir_all(&run.folder).unwrap();
    fs_err::write(inbox.claimed(&run.record.id), "a").unwrap();
    inbox.recover(now()).unwrap();
    assert_eq!(Run::all(&inbox.runs).unwrap().0[0].record.id, run.record.id);
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
    let look = Look::at(&path.symlink_metadata().unwrap());
    fs_err::write(&path, "a,b").unwrap(); // after the second look
    let claim = inbox.claim(&path, look, now(), &mut BTreeSet::new()).unwrap();
    assert!(matches!(claim, Claim::Nothing));
    assert_eq!(fs_err::read(&path).unwrap(), b"a,b");
    assert_eq!((left(&inbox), Run::all(&inbox.runs).unwrap().0.len()), (1, 0));
    fs_err::remove_file(&path).unwrap();
    let gone = inbox.claim(&path, look, now(), &mut BTreeSet::new()).unwrap();
    assert!(matches!(gone, Claim::Nothing), "gone is gone");
    assert_eq!(Run::all(&inbox.runs).unwrap().0.len(), 0);
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
    fs_err::write(inbox.claimed(&bad.record.id), "a").unwrap();
    fs_err::create_dir(bad.path("input.csv")).unwrap(); // nothing can be written over it
    fs_err::write(inbox.folder.join("good.csv"), "b").unwrap();
    inbox.recover(now()).unwrap_err();
    assert_eq!(take(&inbox).await.runs[0].record.file, "good.csv");
}

#[tokio::test]
async fn a_file_too_large_for_a_read_only_inbox_is_told() {
    let (_folder, mut inbox) = inbox();
    inbox.read_only = true;
    fs_err::write(inbox.folder.join("big.csv"), [b'x'; 101]).unwrap();
    let taken = take(&inbox).await;
    assert!(taken.runs.is_empty() && taken.left[0].reason.contains("101 bytes"), "{taken:?}");
}

#[tokio::test]
async fn a_claim_that_cannot_be_finished_waits_and_never_blocks_the_others() {
    let (_folder, inbox) = inbox();
    let stuck = Run::create(&inbox.runs, "stuck.csv", true, now()).unwrap();
    let cut = Run::create(&inbox.runs, "cut.csv", true, now()).unwrap();
    // A folder in its place can be read by nobody, not even by root.
    fs_err::create_dir_all(inbox.claimed(&stuck.record.id).join("x")).unwrap();
    fs_err::write(inbox.claimed(&cut.record.id), "a").unwrap();

    let error = inbox.recover(now()).unwrap_err();

    assert!(format!("{error:#}").contains("stuck"), "{error:#}");
    assert_eq!(cut.read("input.csv").unwrap(), b"a");
}

#[tokio::test]
async fn an_approval_with_the_ending_that_windows_hides_is_one_and_a_cut_hash_names_no_plan() {
    let (_folder, inbox) = inbox();
    let hash = "AB".repeat(32);
    for name in [format!("{hash}.approved.txt"), "7f3a91c2.approved".into(), ".hidden.approved".into()] {
        fs_err::write(inbox.folder.join(name), "").unwrap();
    }
    assert!(take(&inbox).await.runs.is_empty());
    let approvals = inbox.approvals().unwrap();
    let plans: Vec<&str> = approvals.iter().map(|approval| approval.plan_sha256.as_str()).collect();
    assert_eq!(plans, ["", &hash.to_ascii_lowercase()]);
}
