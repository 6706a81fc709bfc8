//! A change file that is picked on the page: what it would do is shown, and that is all that happens.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use testkit::browser::Browser;

use crate::daemon::{Answer, Daemon, eventually};
use crate::pages::is_well_made;
use crate::standin::World;
use crate::testbed::{Bench, files};

const FILE: &str = "org_id,aid,value,comment\n10,101,6000,CHG-1\n10,999,5,\n10,102,1,\n";

/// A schedule that no test meets.
const NEVER: &str = "0 0 29 2 *";

fn installed() -> (Bench, Daemon) {
    let bench = Bench::new(World::small())
        .with("QUOTAKEEPER__SCHEDULE__SNAPSHOT", NEVER)
        .with("QUOTAKEEPER__INBOX__MODE", "row");
    bench.run(&["snapshot"]).ends_with(0);
    let (bench, daemon) = Daemon::start(bench);
    daemon.wait_until_ready();
    (bench, daemon)
}

fn request(daemon: &Daemon, headers: &str, body: &str) -> String {
    let (host, length) = (daemon.address, body.len());
    format!(
        "POST /changes/plan?name=q4%20%3Cb%3E.csv HTTP/1.1\r\nHost: {host}\r\nContent-Length: {length}\r\n{headers}\r\n{body}"
    )
}

/// The answer, and of a page its content alone.
fn posted(daemon: &Daemon, body: &str) -> Answer {
    let answer = daemon.ask(&request(daemon, "Content-Type: text/csv\r\n", body));
    let content = answer.body.split_once("<main").map(|(_, content)| content.replace('\u{202f}', " "));
    Answer { body: content.unwrap_or(answer.body), ..answer }
}

#[test]
fn what_a_file_would_do_is_shown_without_a_request_a_run_or_a_trace_of_the_file() {
    let (bench, daemon) = installed();
    // What a plan asks for; a job of the daemon may ask for the account groups, by which it checks its clock.
    let asked = || bench.standin.count("GET /quotas") + bench.standin.count("GET /usage");
    let before = asked();
    let answer = posted(&daemon, FILE);
    assert_eq!(answer.status, 200, "{answer:?}");
    let page = answer.body;
    for said in [
        "q4 &lt;b&gt;.csv would change",
        "nothing was sent, and the file was not kept",
        "compared with the snapshot of",
        "→ <b>6 000</b>",
        "CHG-1",
        "Refused · 1",
        "Held · 1",
        "Guards would hold rows",
    ] {
        assert!(page.contains(said), "{said}: {page}");
    }
    assert!(!page.contains("<b>.csv") && !page.contains("error.csv") && !page.contains("approve "), "{page}");
    assert!(answer.head.contains("cache-control: no-store"), "{}", answer.head);
    assert_eq!((asked(), bench.posts()), (before, 0));
    for file in files(&bench.data()) {
        let content = fs_err::read(&file).unwrap();
        assert!(!content.windows(5).any(|text| text == b"CHG-1"), "{}", file.display());
    }
}

#[test]
fn a_file_that_cannot_be_read_is_explained_as_a_dropped_one_is() {
    let (_bench, daemon) = installed();
    for (body, said) in [("", "empty"), ("value,comment\n5,\n", "aid")] {
        let answer = posted(&daemon, body);
        assert_eq!(answer.status, 200, "{answer:?}");
        assert!(
            answer.body.contains("could not be used") && answer.body.contains(said),
            "{said}: {}",
            answer.body
        );
    }
}

#[test]
fn no_other_site_sends_a_file_and_nobody_keeps_the_place_where_one_is_taken_in() {
    let (_bench, daemon) = installed();
    // What a page of another site can send without being asked for by the browser first.
    for headers in ["", "Content-Type: text/plain\r\n", "Content-Type: text/csv; charset=utf-8\r\n"] {
        assert_eq!(daemon.ask(&request(&daemon, headers, "")).status, 415, "{headers}");
    }
    let options = format!("OPTIONS /changes/plan HTTP/1.1\r\nHost: {}\r\n\r\n", daemon.address);
    assert_eq!(daemon.ask(&options).status, 404);
    let elsewhere = "POST /changes/plan HTTP/1.1\r\nHost: evil.example\r\nContent-Type: text/csv\r\nContent-Length: 0\r\n\r\n";
    assert_eq!(daemon.ask(elsewhere).status, 421);
    assert_eq!(daemon.get("/changes/plan").status, 404);

    let large = "Content-Type: text/csv\r\nContent-Length: 1048577";
    let large = request(&daemon, "", "").replace("Content-Length: 0", large);
    let large = daemon.ask(&large);
    assert!(large.status == 413 && large.body.contains("quotakeeper plan FILE"), "{large:?}");

    // Half a file, and then nothing more, many times.
    let whole = request(&daemon, "Content-Type: text/csv\r\n", FILE);
    let slow = || {
        let mut slow = TcpStream::connect(daemon.address).unwrap();
        slow.write_all(&whole.as_bytes()[..whole.len() - 9]).unwrap();
        slow
    };
    let mut all: Vec<TcpStream> = (0..20).map(|_| slow()).collect();
    assert_eq!(posted(&daemon, FILE).status, 200);
    assert_eq!((daemon.get("/changes").status, daemon.get("/healthz").status), (200, 200));
    // The one that connected first need not be the first that sends.
    let gave_way = |slow: &mut TcpStream| {
        let mut answer = String::new();
        slow.read_to_string(&mut answer).unwrap();
        answer.starts_with("HTTP/1.1 503") && answer.contains("took the longest")
    };
    assert!(all.iter_mut().any(gave_way));
}

#[test]
fn without_a_snapshot_there_is_nothing_to_compare_with_and_without_pages_no_preview() {
    let bench = Bench::new(World::small()).with("QUOTAKEEPER__SCHEDULE__SNAPSHOT", NEVER);
    let (bench, daemon) = Daemon::start(bench.with("QUOTAKEEPER__SCHEDULE__CATCH_UP", "false"));
    let answer = posted(&daemon, FILE);
    assert!(answer.status == 500 && answer.body.contains("there is no snapshot"), "{answer:?}");
    daemon.stop();
    let (_bench, daemon) = Daemon::start(bench.with("QUOTAKEEPER__SERVER__PAGE", "false"));
    assert_eq!(posted(&daemon, FILE).status, 404);
}

/// What the page does when a person picks a file.
fn pick(text: &str) -> String {
    format!(
        "(() => {{ const picked = new DataTransfer(); picked.items.add(new File([{}], 'q4.csv')); \
         const field = document.querySelector('#pick input'); field.files = picked.files; \
         field.dispatchEvent(new Event('change')) }})()",
        serde_json::Value::from(text)
    )
}

/// What a person reads; nothing while a page is loaded.
const SHOWN: &str = "document.querySelector('main')?.innerText ?? ''";

fn is_shown(browser: &mut Browser, text: &str) {
    eventually(text, || browser.text(SHOWN).contains(text).then_some(()));
}

#[test]
fn a_person_picks_a_file_sees_what_it_would_do_and_goes_back() {
    let Some(mut browser) = Browser::find() else { return };
    let (bench, daemon) = installed();
    browser.visit(&format!("http://{}/", daemon.address));
    browser.follow("Changes");
    browser.eval(&pick(&"x".repeat((1 << 20) + 1)));
    let said = "document.querySelector('#pick output').textContent";
    assert!(browser.text(said).contains("quotakeeper plan"), "{}", browser.text(said));

    browser.eval(&pick(FILE));
    is_shown(&mut browser, "q4.csv would change");
    assert_eq!(browser.eval("document.activeElement.id"), "content");
    // Neither new figures nor a link within the page take it away.
    browser.eval("document.dispatchEvent(new Event('visibilitychange'))");
    browser.eval("new Promise(done => { addEventListener('hashchange', done); document.querySelector('.skip').click() })");
    assert!(browser.text(SHOWN).contains("This is a preview"), "{}", browser.text(SHOWN));
    browser.eval("history.go(-2)");
    is_shown(&mut browser, "Drop change files into");

    // It is a page as well where there is nothing to compare with.
    for snapshot in bench.csv_files("history") {
        fs_err::remove_file(snapshot).unwrap();
    }
    browser.eval(&pick(FILE));
    is_shown(&mut browser, "there is no snapshot");
    browser.eval("history.back()");
    is_shown(&mut browser, "Drop change files into");
}

#[test]
fn what_comes_late_or_from_somebody_else_does_not_take_the_place_of_what_a_file_would_do() {
    let Some(mut browser) = Browser::find() else { return };
    let (bench, daemon) = installed();
    browser.visit(&format!("http://{}/changes", daemon.address));
    browser.eval(
        "window.asked = fetch; window.fetch = async (url, options) => { const answer = await asked(url, options); \
         if (options.method !== 'POST') await new Promise(done => { window.goOn = done }); return answer }",
    );
    bench.run(&["snapshot"]).ends_with(0);
    browser.eval("document.dispatchEvent(new Event('visibilitychange'))");
    eventually("new figures", || browser.eval("!!window.goOn").as_bool().unwrap().then_some(()));
    browser.eval(&pick(FILE));
    is_shown(&mut browser, "q4.csv would change");
    browser.eval("goOn(); new Promise(done => setTimeout(done))");
    assert!(browser.text(SHOWN).contains("This is a preview"), "{}", browser.text(SHOWN));

    // A proxy that answers by itself.
    browser.visit(&format!("http://{}/changes", daemon.address));
    browser.eval(
        "window.fetch = async () => new Response('<title>Sign in</title>', { status: 502, headers: { 'Content-Type': 'text/html' } })",
    );
    browser.eval(&pick(FILE));
    is_shown(&mut browser, "quotakeeper does not answer: 502");
    assert_eq!(browser.eval("document.title"), "Changes");
    assert_eq!(browser.eval("document.activeElement === document.querySelector('#pick input')"), true);
    browser.has_no_problems();
}

#[test]
fn on_no_screen_anything_lies_beside_a_preview_and_axe_finds_nothing() {
    let Some(mut browser) = Browser::find() else { return };
    let (_bench, daemon) = installed();
    for (width, is_dark) in [(320, true), (800, false), (1280, true)] {
        browser.has_size(width, 900);
        browser.is_dark(is_dark);
        browser.visit(&format!("http://{}/changes", daemon.address));
        for (file, text) in [(FILE, "q4.csv would change"), ("x", "could not be used")] {
            browser.eval(&pick(file));
            is_shown(&mut browser, text);
            is_well_made(&mut browser, width, text);
            browser.eval("history.back()");
            is_shown(&mut browser, "Drop change files into");
        }
    }
}
