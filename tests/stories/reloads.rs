//! SIGHUP: a configuration that can be used is taken over, one that cannot is not.

use std::os::unix::fs::symlink;
use std::process::{Child, Command};

use crate::standin::World;
use crate::testbed::Bench;

fn signal(process: &Child, name: &str) {
    let kill = Command::new("kill").args([name, &process.id().to_string()]).status().unwrap();
    assert!(kill.success());
}

#[test]
fn a_configuration_that_is_one_link_or_one_file_that_is_replaced_is_read_again_from_where_it_leads_now() {
    for is_link in [true, false] {
        let bench = Bench::new(World::small()).with("QUOTAKEEPER_CONFIG", "etc/q.toml");
        let folder = bench.data().parent().unwrap().join("etc");
        fs_err::create_dir(&folder).unwrap();
        let put = |version: &str, text: &str| {
            let named = if is_link { folder.join(version) } else { folder.join("new") };
            fs_err::write(&named, text).unwrap();
            if is_link {
                symlink(version, folder.join("new")).unwrap();
            }
            fs_err::rename(folder.join("new"), folder.join("q.toml")).unwrap();
        };
        put("1.toml", "[inbox]\napply = false\n");
        let mut daemon = bench.start(&["run"]);
        bench.wait_for_log("history thinned");
        put("2.toml", "[inbox]\napply = true\n");
        let status = bench.run(&["status"]).ends_with(0).out;
        assert!(status.contains("is not in use yet"), "{is_link}: {status}");
        signal(&daemon, "-HUP");
        bench.wait_for_log("was read again and is in use");
        bench.drop_file("raise.csv", "org_id,aid,value\n10,101,6000\n");
        bench.standin.wait_until("the write", |log| log.iter().any(|one| one.call.starts_with("POST")));
        signal(&daemon, "-TERM");
        assert_eq!(daemon.wait().unwrap().code(), Some(0));
    }
}

#[test]
fn sighup_takes_a_valid_configuration_over_and_leaves_an_invalid_one() {
    let bench = Bench::new(World::small());
    bench.configure("[inbox]\napply = false\n");
    let mut daemon = bench.start(&["run"]);
    bench.wait_for_log("history thinned");
    let status = |bench: &Bench| bench.run(&["status"]).ends_with(0).out;
    assert!(!status(&bench).contains("not in use"), "{}", status(&bench));

    bench.configure("[inbox]\napply = true\n");
    assert!(status(&bench).contains("is not in use yet"), "{}", status(&bench));
    let checked = bench.run(&["check"]).ends_with(0).out;
    assert!(checked.contains("does not use"), "{checked}");
    signal(&daemon, "-HUP");
    bench.wait_for_log("was read again and is in use");
    bench.drop_file("raise.csv", "org_id,aid,value\n10,101,6000\n");
    bench.standin.wait_until("the write", |log| log.iter().any(|one| one.call.starts_with("POST")));

    bench.configure("[inbox]\nappply = false\n");
    signal(&daemon, "-HUP");
    bench.wait_for_log("the previous one stays in use");
    bench.configure("[server]\nlisten = \"127.0.0.1:1\"\n");
    signal(&daemon, "-HUP");
    bench.wait_for_log("takes effect at the next start");
    assert!(status(&bench).contains("[server]"), "{}", status(&bench));

    signal(&daemon, "-TERM");
    assert_eq!(daemon.wait().unwrap().code(), Some(0));
}
