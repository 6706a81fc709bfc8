//! Everything that people drop by mistake, all at once: nothing is sent, nothing is lost, everything is reported.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Command;

use crate::support::{CountingProxy, Place, Simulator, files};

const HEADER: &str = "org_id,aid,value";

/// Files of which no row may be sent, by what they are.
fn refused() -> Vec<(&'static str, Vec<u8>)> {
    let row = |row: &str| format!("{HEADER}\n{row}\n").into_bytes();
    let utf_16 =
        |text: &str, bytes: fn(u16) -> [u8; 2]| -> Vec<u8> { text.encode_utf16().flat_map(bytes).collect() };
    let zip = [b"PK\x03\x04".as_slice(), &[0; 60], b"xl/workbook.xml", &[7; 90]].concat();
    vec![
        ("empty", Vec::new()),
        ("only-a-bom", b"\xEF\xBB\xBF".to_vec()),
        ("only-blank-rows", b",,,\r\n,,,\r\n".to_vec()),
        ("only-comments", b"# a\n# b\n".to_vec()),
        ("only-a-header", format!("{HEADER}\n").into_bytes()),
        ("binary", (0..=255).cycle().take(4096).collect()),
        ("binary-without-zeros", (1..=255).cycle().take(4096).collect()),
        ("picture", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0".to_vec()),
        ("workbook", zip),
        ("old-workbook", b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1\0\0\0\0".to_vec()),
        ("document", b"%PDF-1.7\n%\xE2\xE3\xCF\xD3\n".to_vec()),
        ("compressed", b"\x1F\x8B\x08\0\0\0\0\0\0\x03\0".to_vec()),
        ("web-page", b"<!DOCTYPE html>\n<html><body>Sign in</body></html>\n".to_vec()),
        ("json", b"[{\"orgId\": \"10452\", \"value\": 1}]".to_vec()),
        ("utf-16-cut-off", [b"\xFF\xFE".as_slice(), b"a\0b"].concat()),
        ("utf-16-bad-id", utf_16("\u{feff}org_id\taid\tvalue\r\n10452\tx\t5\r\n", u16::to_le_bytes)),
        ("utf-16-without-a-mark", utf_16("org_id,aid,value\n10452,x,5\n", u16::to_be_bytes)),
        ("zeros-inside", b"org_id,aid,value\n10452,204117,5\0\n".to_vec()),
        ("unclosed-quote", b"org_id,aid,value,comment\n10452,204117,5,\"for the launch\n".to_vec()),
        ("text-behind-a-quote", b"org_id,aid,value,comment\n10452,204117,5,\"a\" b\"\n".to_vec()),
        ("no-header", b"10452,204117,5000\n".to_vec()),
        ("wrong-header", b"name,amount\nEMEA,5000\n".to_vec()),
        ("two-columns-for-one", b"org_id,aid,value,New quota\n10452,204117,1,2\n".to_vec()),
        ("header-twice", format!("{HEADER}\n{HEADER}\n").into_bytes()),
        ("scientific-id", row("10452,2.0E+05,5000")),
        ("fraction-id", row("10452,204117.0,5000")),
        ("thousands", row("10452,204117,\"12,000\"")),
        ("thousands-unquoted", row("10452,204117,12,000")),
        ("thousands-with-space", row("10452,204117,12 000")),
        ("plus", row("10452,204117,+5")),
        ("minus", row("10452,204117,-5")),
        ("scientific-value", row("10452,204117,1e3")),
        ("fraction", row("10452,204117,5.0")),
        ("percent", row("10452,204117,5%")),
        ("currency", row("10452,204117,€5")),
        ("formula-as-value", row("10452,204117,=1+1")),
        ("excel-error", row("10452,204117,#REF!")),
        ("excel-error-as-id", b"aid,value,comment\n#N/A,5000,\n".to_vec()),
        ("no-value", row("10452,204117,")),
        ("same-target-twice", row("10452,204117,5000\n10452,204117,6000")),
        ("unknown-account-group", row("10452,999999,5")),
        ("unknown-organization", row("999999,,5")),
        ("group-of-another-organization", row("10788,204117,5")),
        ("unknown-action", b"action,aid,value\ndelete,204117,\n".to_vec()),
        ("one-huge-cell", row(&format!("10452,204117,{}", "9".repeat(100_000)))),
        ("very-many-columns", vec![b','; 100_000]),
        ("very-many-headers", format!("{}\n1\n", vec!["x"; 100_000].join(",")).into_bytes()),
        (
            "injection",
            b"org_id,aid,value,comment\n10452,=cmd|' /C calc'!A0,5,\"=HYPERLINK(\"\"http://x\"\")\"\n"
                .to_vec(),
        ),
    ]
}

/// Files that are unusual and right: one row each, of an account group of its own.
fn good(groups: &[(String, u64)]) -> Vec<(Vec<u8>, Vec<u8>, String, u64)> {
    let mut groups = groups.iter();
    let mut file = |name: &[u8], content: &dyn Fn(&str, u64) -> Vec<u8>| {
        let (aid, quota) = groups.next().unwrap();
        (name.to_vec(), content(aid, quota + 10), aid.clone(), quota + 10)
    };
    let plain = |aid: &str, value: u64| format!("aid,value\n{aid},{value}\n").into_bytes();
    vec![
        file(b"with spaces (final) v2.csv", &plain),
        file("Quoten für März – ÄÖÜ 東京.CSV".as_bytes(), &plain),
        file(b"a\nnew line.csv", &plain),
        file(b"'quotes\" and `ticks`.csv", &plain),
        file(b"-rf.csv", &plain),
        file(b"no\xFF\xFEutf8.csv", &plain),
        file(&[vec![b'n'; 250], b".csv".to_vec()].concat(), &plain),
        file(b"semicolons.csv", &|aid, value| {
            format!("sep=;\r\naid;value\r\n{aid};{value}\r\n").into_bytes()
        }),
        file(b"tabs.tsv", &|aid, value| format!("aid\tvalue\n{aid}\t{value}\n").into_bytes()),
        file(b"trailing-commas.csv", &|aid, value| {
            format!("aid,value,,,\n\n,,,,\n{aid},{value},,,\n,,,,\n\n").into_bytes()
        }),
        file(b"only-cr.txt", &|aid, value| format!("aid,value\r{aid},{value}\r").into_bytes()),
        file(b"latin-1.csv", &|aid, value| {
            [format!("aid,value,comment\n{aid},{value},").as_bytes(), b"f\xFCr Z\xFCrich\n"].concat()
        }),
        file(b"utf-16.csv", &|aid, value| {
            format!("\u{feff}aid,value\n{aid},{value}\n").encode_utf16().flat_map(u16::to_be_bytes).collect()
        }),
    ]
}

/// The account groups that have a quota, with it, as `export` says.
fn quotas(place: &Place) -> Vec<(String, u64)> {
    let export = place.run(&["export"]);
    let mut reader = csv::Reader::from_reader(export.stdout.as_bytes());
    let rows = reader.records().map(Result::unwrap);
    rows.filter_map(|row| Some((row[3].to_owned(), row[5].parse().ok()?)))
        .filter(|(aid, _)| !aid.is_empty())
        .collect()
}

/// The reason in `status.txt`, without what differs from run to run.
fn reason(place: &Place, file: &str) -> String {
    let path = place.inbox().join("answers").join(file).join("status.txt");
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let lines = text.lines().filter(|line| !line.starts_with("run ") && !line.is_empty());
    lines.collect::<Vec<_>>().join("\n  ")
}

#[test]
fn ugly_files_send_nothing_lose_nothing_and_each_says_why_while_the_good_ones_beside_them_are_applied() {
    let simulator = Simulator::start();
    let proxy = CountingProxy::before(&simulator);
    let place = Place::new(&simulator).with("TE_BASE_URL", &proxy.base_url);
    let before = quotas(&place);
    let good = good(&before[..13]);
    for (name, content, ..) in &good {
        std::fs::write(place.inbox().join(OsStr::from_bytes(name)), content).unwrap();
    }
    let refused = refused();
    for (name, content) in &refused {
        place.drop_file(&format!("{name}.csv"), content);
    }

    let inbox = place.run(&["inbox"]);

    assert_eq!(inbox.code, Some(1), "some files failed as a whole: {}", inbox.stderr);
    assert_eq!(proxy.posts(), good.len(), "each good file is one request, and nothing else writes");
    let after: BTreeMap<_, _> = quotas(&place).into_iter().collect();
    for (name, _, aid, value) in &good {
        assert_eq!(after[aid], *value, "{}", String::from_utf8_lossy(name));
    }
    let untouched = before.iter().filter(|(aid, _)| !good.iter().any(|(_, _, known, _)| known == aid));
    for (aid, quota) in untouched {
        assert_eq!(after[aid], *quota, "{aid}");
    }

    let left: Vec<PathBuf> =
        std::fs::read_dir(place.inbox()).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert_eq!(left, [place.inbox().join("answers")], "all were taken, and none is left claimed");
    let runs = place.runs();
    let mut inputs: Vec<Vec<u8>> =
        runs.iter().map(|(folder, _)| std::fs::read(folder.join("input.csv")).unwrap()).collect();
    let mut dropped: Vec<Vec<u8>> = refused.iter().map(|(_, content)| content.clone()).collect();
    dropped.extend(good.iter().map(|(_, content, ..)| content.clone()));
    inputs.sort();
    dropped.sort();
    assert!(inputs == dropped, "every file's bytes lie in a run's folder");
    for (folder, record) in &runs {
        let state = record["state"].as_str().unwrap();
        assert!(["done", "failed"].contains(&state), "{} is {state}", folder.display());
    }

    let reasons = refused.iter().map(|(name, _)| format!("{}\n", reason(&place, &format!("{name}.csv"))));
    insta::assert_snapshot!("reasons", reasons.collect::<String>());
}

#[test]
fn anything_but_a_csv_file_is_reported_once_and_left_in_place() {
    let simulator = Simulator::start();
    let place = Place::new(&simulator);
    let inbox = place.inbox();
    let pipe = Command::new("mkfifo").arg(inbox.join("pipe.csv")).status().unwrap();
    assert!(pipe.success());
    let secret = place.path().join("outside.csv");
    std::fs::write(&secret, "aid,value\n204117,5\n").unwrap();
    std::os::unix::fs::symlink(&secret, inbox.join("link.csv")).unwrap();
    std::os::unix::fs::symlink("/nonexistent", inbox.join("dangling.csv")).unwrap();
    std::fs::create_dir(inbox.join("folder.csv")).unwrap();
    place.drop_file("book.xlsx", "PK");
    place.drop_file(".hidden.csv", "aid,value\n204117,5\n");
    place.drop_file("notes.docx", "x");
    // Its name is no UTF-8.
    std::fs::write(inbox.join(std::ffi::OsStr::from_bytes(b"y\xff.bak")), "x").unwrap();

    let first = place.run(&["inbox"]);
    let second = place.run(&["inbox"]);

    assert_eq!(first.code, Some(0), "{}", first.stderr);
    assert_eq!(place.runs().len(), 0);
    assert_eq!(first.stderr.matches("\"not taken\"").count(), 7, "{}", first.stderr);
    assert!(!second.stderr.contains("not taken"), "reported once: {}", second.stderr);
    assert_eq!(std::fs::read_dir(&inbox).unwrap().count(), 9, "all are left, beside the answers");
    let listed = ["pipe.csv", "link.csv", "dangling.csv", "folder.csv", "book.xlsx", "notes.docx"];
    insta::assert_snapshot!("not taken", listed.map(|file| format!("{}\n", reason(&place, file))).concat());
}

#[test]
fn an_unreadable_file_is_reported_and_the_others_go_on() {
    let simulator = Simulator::start();
    let place = Place::new(&simulator).owned_by_nobody();
    if !place.command(&["--version"]).output().is_ok_and(|output| output.status.success()) {
        eprintln!("skipped: nobody may not run the binary where it lies");
        return;
    }
    let (aid, quota) = quotas(&place).remove(0);
    place.drop_file("secret.csv", "aid,value\n");
    let path = place.inbox().join("secret.csv");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o000)).unwrap();
    place.drop_file("good.csv", format!("aid,value\n{aid},{}\n", quota + 10));

    let inbox = place.run(&["inbox"]);

    assert_eq!(inbox.code, Some(0), "{}", inbox.stderr);
    assert_eq!(place.runs().len(), 1);
    assert!(path.exists());
    assert!(reason(&place, "secret.csv").contains("may not read this file"));
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
    place.run(&["inbox"]);
    assert_eq!(place.runs().len(), 2, "it is taken once it can be read");
}

#[test]
fn a_file_that_grows_is_taken_whole_or_not_yet() {
    let simulator = Simulator::start();
    let place = Place::new(&simulator).with("QUOTAKEEPER__INBOX__SETTLE", "200ms");
    let mut writing = Command::new("sh")
        .args([
            "-c",
            "for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15; do echo x >> grows.csv; sleep 0.05; done",
        ])
        .current_dir(place.inbox())
        .spawn()
        .unwrap();
    while !place.inbox().join("grows.csv").exists() {
        std::thread::yield_now();
    }
    let during = place.run(&["inbox"]);
    assert!(during.stderr.contains("still being written"), "{}", during.stderr);
    assert_eq!(place.runs().len(), 0);
    writing.wait().unwrap();
    place.run(&["inbox"]);
    let (folder, _) = place.runs().remove(0);
    assert_eq!(std::fs::read_to_string(folder.join("input.csv")).unwrap(), "x\n".repeat(15));
}

#[test]
fn text_that_a_spreadsheet_would_run_is_inert_in_every_file_that_people_open() {
    let simulator = Simulator::start();
    let place = Place::new(&simulator);
    let (aid, quota) = quotas(&place).remove(0);
    let formulas = ["=HYPERLINK(\"\"http://x\"\")", "@SUM(1)", "+cmd|' /C calc'!A0", "\t=1"];
    let mut text = "=evil(),aid,value,comment\n".to_owned();
    for formula in formulas {
        text += &format!("\"{formula}\",{aid},{},\"{formula}\"\n", quota + 10);
    }
    place.drop_file("formulas.csv", &text);
    place.drop_file("one.csv", format!("aid,value,comment\n{aid},{},=1+1\n", quota + 10));
    place.run(&["inbox"]);

    let mut looked_at = 0;
    for (path, content) in files(&place.data()) {
        let is_ours = path.extension().is_some_and(|extension| extension == "csv")
            && path.file_name().is_some_and(|name| name != "input.csv");
        if !is_ours {
            continue;
        }
        looked_at += 1;
        let mut reader =
            csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(&content[..]);
        for cell in
            reader.records().flat_map(|row| row.unwrap().iter().map(str::to_owned).collect::<Vec<_>>())
        {
            assert!(!cell.starts_with(['=', '@', '+', '\t', '\r']), "{}: {cell}", path.display());
        }
    }
    assert!(looked_at >= 6, "{looked_at}");
}
