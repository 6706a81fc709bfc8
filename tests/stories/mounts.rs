//! Secrets, configuration and change files as Kubernetes mounts them: links to links that are swapped all at once.

use std::cell::Cell;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::standin::{TOKEN, World, key};
use crate::testbed::Bench;

/// A mount, outside of everything that quotakeeper writes.
struct Mount {
    folder: tempfile::TempDir,
    version: Cell<usize>,
}

impl Mount {
    fn new(files: &[(&str, &str)]) -> Self {
        let mount = Self { folder: tempfile::tempdir().unwrap(), version: Cell::new(0) };
        mount.swap(files);
        mount
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    /// What a kubelet does when the `Secret` or `ConfigMap` is another: `name → ..data/name`, `..data → ..VERSION`.
    fn swap(&self, files: &[(&str, &str)]) {
        let (last, version) = (self.version.get(), self.version.get() + 1);
        let folder = |version| self.path().join(format!("..{version}"));
        fs_err::create_dir(folder(version)).unwrap();
        for (name, content) in files {
            fs_err::write(folder(version).join(name), content).unwrap();
            if self.path().join(name).symlink_metadata().is_err() {
                symlink(PathBuf::from("..data").join(name), self.path().join(name)).unwrap();
            }
        }
        symlink(format!("..{version}"), self.path().join("..data_tmp")).unwrap();
        fs_err::rename(self.path().join("..data_tmp"), self.path().join("..data")).unwrap();
        if last > 0 {
            fs_err::remove_dir_all(folder(last)).unwrap();
        }
        self.version.set(version);
    }
}

#[test]
fn a_token_that_is_swapped_while_the_daemon_runs_is_used_at_its_next_request() {
    let secret = Mount::new(&[("te_token", "of-last-month\n")]);
    let config = Mount::new(&[("quotakeeper.toml", "[schedule]\nsnapshot = \"* * * * * *\"\n")]);
    let bench = Bench::new(World::small())
        .with("TE_TOKEN", "")
        .with("QUOTAKEEPER_CONFIG", config.path().join("quotakeeper.toml").to_str().unwrap())
        .with("CREDENTIALS_DIRECTORY", secret.path().to_str().unwrap());
    let mut daemon = bench.start(&["run"]);
    bench.standin.wait_until("a refusal", |log| log.iter().any(|one| one.status == Some(401)));
    assert!(bench.csv_files("history").is_empty());
    secret.swap(&[("te_token", TOKEN)]);
    bench.standin.wait_until("the second snapshot: the configuration of the mount is used, too", |log| {
        log.iter().filter(|one| one.call == "GET /account-groups" && one.status == Some(200)).count() == 2
    });
    assert!(Command::new("kill").args(["-TERM", &daemon.id().to_string()]).status().unwrap().success());
    assert_eq!(daemon.wait().unwrap().code(), Some(0), "it ends cleanly");
}

#[test]
fn each_content_of_a_change_file_that_comes_as_a_mount_is_acted_on_once() {
    let changes = Mount::new(&[("quotas.csv", "org_id,aid,value\n10,101,6000\n")]);
    let bench = Bench::new(World::small())
        .with("QUOTAKEEPER__INBOX__DIR", changes.path().to_str().unwrap())
        .with("QUOTAKEEPER__INBOX__READ_ONLY", "true");
    let bench = {
        let answers = bench.data().join("answers");
        bench.with("QUOTAKEEPER__INBOX__ANSWERS_DIR", answers.to_str().unwrap())
    };
    let quota = |bench: &Bench| bench.standin.world(|world| world.quota(&key("10", "101")));
    bench.run(&["once"]).ends_with(0);
    assert_eq!((quota(&bench), bench.posts()), (Some(6_000), 1));
    // The same content in a new mount is no new change, though somebody else moved the quota meanwhile.
    bench.standin.world(|world| world.set(&key("10", "101"), Some(6_600)));
    changes.swap(&[("quotas.csv", "org_id,aid,value\n10,101,6000\n")]);
    bench.run(&["once"]).ends_with(0);
    assert_eq!((quota(&bench), bench.posts()), (Some(6_600), 1));
    changes.swap(&[("quotas.csv", "org_id,aid,value\n10,101,6100\n")]);
    bench.run(&["once"]).ends_with(0);
    assert_eq!((quota(&bench), bench.posts(), bench.runs().len()), (Some(6_100), 2, 2));
    let status = fs_err::read_to_string(bench.data().join("answers/quotas.csv/status.txt")).unwrap();
    assert!(status.contains("1 applied"), "{status}");
}
