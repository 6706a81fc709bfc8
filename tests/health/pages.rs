//! The pages of a running daemon: in a real browser, and by requests that none would send.

use serde_json::Value;
use testkit::browser::Browser;
use testkit::histories::history;

use crate::daemon::{Daemon, eventually};
use crate::standin::{World, key};
use crate::testbed::Bench;

/// A daemon with a held run and the figures of a snapshot.
fn installed() -> (Bench, Daemon) {
    let bench = Bench::new(World::small()).with_mail().with("QUOTAKEEPER__GUARD__APPROVAL", "always");
    bench.run(&["snapshot"]).ends_with(0);
    bench.drop_file("raise.csv", "org_id,aid,value,comment\n10,101,6000,CHG-1\n");
    bench.run(&["inbox"]).ends_with(5);
    let (bench, daemon) = Daemon::start(bench);
    daemon.wait_until_ready();
    (bench, daemon)
}

const TEXT: &str = "document.querySelector('main').innerText";

#[test]
fn each_question_is_three_clicks_from_the_first_page() {
    let Some(mut browser) = Browser::find() else { return };
    let (bench, daemon) = installed();
    let start = format!("http://{}/", daemon.address);
    // The links that lead there, by their text, and what the last page says.
    let run = bench.only_run();
    let (approve, id) = (format!("quotakeeper approve {}", run.id()), run.id());
    for (links, shown) in [
        (&["Helpdesk"][..], "How its quota changed"),
        (&["Account groups"], "Clear filters"),
        (&["Changes", "raise.csv"], approve.as_str()),
        (&["Changes", "raise.csv", "Helpdesk"], "How its quota changed"),
        (&["History"], "snapshot"),
        (&["Health"], "snapshot"),
    ] {
        browser.visit(&start);
        for link in links {
            browser.follow(link);
        }
        let text = browser.text(TEXT);
        assert!(
            text.contains(shown) || browser.text("document.body.innerHTML").contains(shown),
            "{links:?}: {text}"
        );
    }
    assert!(browser.text("document.body.innerHTML").contains("outbox"));
    browser.visit(&format!("{start}changes/{id}"));
    let text = browser.text(TEXT).replace('\u{202f}', " ");
    assert!(text.contains("approval") && text.contains("6 000") && text.contains("CHG-1"), "{text}");
    // What waits for a group stands on its own page too.
    browser.follow("Helpdesk");
    let text = browser.text(TEXT).replace('\u{202f}', " ");
    assert!(text.contains("→ 6 000 waits for approval until ") && text.contains("raise.csv"), "{text}");
}

#[test]
fn new_data_is_shown_without_a_reload_unless_somebody_is_working_on_the_page() {
    let Some(mut browser) = Browser::find() else { return };
    let (bench, daemon) = installed();
    browser.visit(&format!("http://{}/changes", daemon.address));
    browser.eval("window.same = true");
    let run = bench.only_run().id();
    bench.run(&["approve", &run]).ends_with(0);
    // The page looks whenever it is shown again.
    let look = "document.dispatchEvent(new Event('visibilitychange'))";
    eventually("the run is done", || {
        browser.eval(look);
        browser.text(TEXT).contains("Nothing waits for approval").then_some(())
    });
    assert_eq!(browser.eval("window.same"), true, "it was not loaded again");

    browser.visit(&format!("http://{}/groups", daemon.address));
    browser.eval("document.querySelector('#rows input').click()");
    let typed = "document.querySelector('#rows .edit input').value";
    browser.eval(
        "(field => { field.value = '7777'; field.dispatchEvent(new Event('input')) })(document.querySelector('#rows .edit input'))",
    );
    bench.run(&["snapshot"]).ends_with(0);
    eventually("the offer", || {
        browser.eval(look);
        (browser.eval("document.querySelector('#change .news button') !== null") == true).then_some(())
    });
    assert_eq!(browser.text(typed), "7777");
    browser.eval("document.querySelector('#change .news button').click()");
    // The figures are new, and what was typed is still there.
    assert_eq!(browser.eval("document.querySelectorAll('tr.ticked').length"), 1);
    assert_eq!(browser.text(typed), "7777");
    assert_eq!(browser.eval("document.querySelector('.news button') === null"), true);
    browser.has_no_problems();
}

/// Nothing of what is shown lies beside the screen, and axe, where it is, finds nothing.
pub(crate) fn is_well_made(browser: &mut Browser, width: u32, what: &str) {
    let wide = browser.eval("document.documentElement.scrollWidth");
    assert!(wide.as_u64().unwrap() <= u64::from(width), "{what} at {width}: {wide}");
    if let Some(axe) = std::env::var_os("QUOTAKEEPER_TEST_AXE") {
        browser.eval(&fs_err::read_to_string(axe).unwrap());
        let found = browser.eval(
            "axe.run().then(found => found.violations.map(one => [one.id, one.nodes.map(node => node.html)]))",
        );
        assert_eq!(found, Value::Array(Vec::new()), "{what} at {width}: {found:#}");
    }
}

#[test]
fn on_no_screen_anything_lies_beside_a_page_and_axe_finds_nothing() {
    let Some(mut browser) = Browser::find() else { return };
    let (bench, daemon) = installed();
    let run = format!("/changes/{}", bench.only_run().id());
    let snapshot = bench.snapshots().pop().unwrap();
    let stem = snapshot.rsplit('/').next().unwrap().trim_end_matches(".csv").to_owned();
    let compared = format!("/history?from={stem}&to={stem}");
    for path in [
        "/",
        "/groups",
        "/organizations/10",
        "/organizations/10/quota",
        "/organizations/10/groups/101",
        "/changes",
        &run,
        "/history",
        &compared,
        "/history?from=Monday",
        "/cycles",
        "/health",
        "/nothing",
    ] {
        for (width, is_dark) in [(320, true), (800, false), (1280, true)] {
            browser.has_size(width, 900);
            browser.is_dark(is_dark);
            browser.visit_any(&format!("http://{}{path}", daemon.address));
            is_well_made(&mut browser, width, path);
        }
    }
    browser.visit_any(&format!("http://{}/history?from=Monday", daemon.address));
    let said = browser.eval("document.querySelector('header .warning').textContent");
    assert_eq!(said, "There is no snapshot Monday: choose two.");
}

#[test]
fn pages_show_thousands_of_account_groups_and_none_with_any_names() {
    const NAME: &str = "<img src=x onerror=alert(1)></script><script>alert(1)</script>\"'";
    let Some(mut browser) = Browser::find() else { return };
    browser.has_size(320, 900);
    for groups in [0, 1, 30, 3_000, 10_000] {
        let bench = Bench::new(World::default()).with("QUOTAKEEPER__SCHEDULE__SNAPSHOT", "0 0 1 1 *");
        history(&bench.data(), groups, 3, |group| format!("{NAME}{group}"));
        let (_bench, daemon) = Daemon::start(bench);
        eventually("the files are read", || (daemon.get("/metrics").status == 200).then_some(()));
        let views = ["/", "/groups", "/organizations/100", "/changes", "/history", "/cycles", "/health"];
        for path in views.into_iter().filter(|path| groups > 0 || !path.contains("100")) {
            browser.visit(&format!("http://{}{path}", daemon.address));
            assert_eq!(browser.eval("document.querySelectorAll('img, body script:not([type])').length"), 0);
            assert_eq!(browser.eval("document.documentElement.scrollWidth"), 320, "{path} with {groups}");
        }
        if groups == 0 {
            continue;
        }
        browser.visit(&format!("http://{}/groups", daemon.address));
        let counted = browser.text("document.getElementById('shown').textContent.replace(/\\D/g, '')");
        assert_eq!(counted, groups.to_string());
        browser.visit(&format!("http://{}/organizations/100/groups/1000000", daemon.address));
        assert!(browser.text("document.querySelector('h1').textContent").starts_with("<img src=x"));
        assert_eq!(browser.eval("document.querySelectorAll('.picture > svg').length"), 1);
    }
}

#[test]
fn the_column_of_trends_is_there_once_there_is_a_trend() {
    let Some(mut browser) = Browser::find() else { return };
    for (snapshots, is_shown) in [(1, false), (3, true)] {
        let bench = Bench::new(World::default()).with("QUOTAKEEPER__SCHEDULE__SNAPSHOT", "0 0 1 1 *");
        history(&bench.data(), 30, snapshots, |group| format!("Group {group}"));
        let (_bench, daemon) = Daemon::start(bench);
        eventually("the files are read", || (daemon.get("/metrics").status == 200).then_some(()));
        for (path, width) in [("/", 1280), ("/groups", 1280), ("/groups", 375)] {
            browser.has_size(width, 900);
            browser.visit(&format!("http://{}{path}", daemon.address));
            let trend = if width == 1280 { "thead th.trend" } else { "tbody .trend" };
            let shown = browser.eval(&format!("document.querySelector('{trend}').checkVisibility()"));
            assert_eq!(shown, is_shown, "{path} at {width} with {snapshots}");
        }
    }
}

#[test]
fn before_the_first_snapshot_each_page_says_what_is_wrong() {
    let bench = Bench::new(World { broken: Some(("GET /quotas", 403)), ..World::small() });
    let (_bench, daemon) = Daemon::start(bench);
    eventually("the failure", || daemon.get("/").body.contains("failing since").then_some(()));
    for path in ["/", "/groups", "/organizations/10", "/organizations/10/groups/101", "/cycles", "/health"] {
        let answer = daemon.get(path);
        assert_eq!(answer.status, 200, "{path}");
        assert!(
            answer.body.contains("1 thing is wrong; no snapshot has been taken yet</h1>")
                && answer.body.contains("failing since"),
            "{path}"
        );
    }
    for path in ["/changes", "/history"] {
        assert_eq!(daemon.get(path).status, 200, "{path}");
    }
}

#[test]
fn before_a_billing_cycle_closed_its_page_says_when_the_first_one_will() {
    for (groups, snapshots) in [(1, 1), (30, 3)] {
        let bench = Bench::new(World::default()).with("QUOTAKEEPER__SCHEDULE__SNAPSHOT", "0 0 1 1 *");
        history(&bench.data(), groups, snapshots, |group| format!("Group {group}"));
        let (_bench, daemon) = Daemon::start(bench);
        eventually("the files are read", || (daemon.get("/metrics").status == 200).then_some(()));
        let answer = daemon.get("/cycles");
        assert_eq!(answer.status, 200, "{}", answer.body);
        for said in [
            "No billing cycle has closed yet</h1>",
            "The cycle of Organization 0 closes on ",
            "its result is shown here from then on",
        ] {
            assert!(answer.body.contains(said), "{said}: {}", answer.body);
        }
    }
}

#[test]
fn without_usage_every_view_is_a_page_and_says_what_is_unknown() {
    let bench = Bench::new(World { broken: Some(("GET /usage", 403)), ..World::small() });
    bench.run(&["snapshot"]).ends_with(0);
    let (_bench, daemon) = Daemon::start(bench);
    daemon.wait_until_ready();
    for path in [
        "/",
        "/groups",
        "/organizations/10",
        "/organizations/10/quota",
        "/organizations/10/groups/101",
        "/health",
    ] {
        let answer = daemon.get(path);
        assert_eq!(answer.status, 200, "{path}: {}", answer.body);
        assert!(answer.body.contains("unknown"), "{path}: {}", answer.body);
    }
    for path in ["/changes", "/history"] {
        assert_eq!(daemon.get(path).status, 200, "{path}");
    }
    let cycles = daemon.get("/cycles");
    assert_eq!(cycles.status, 200, "{}", cycles.body);
    assert!(
        cycles.body.contains("No billing cycle is known yet</h1>")
            && cycles.body.contains("Why usage is unknown"),
        "{}",
        cycles.body
    );
}

#[test]
fn an_account_group_names_its_owners_if_it_has_any() {
    let bench = Bench::new(World::small());
    let file = bench.data().join("routes.csv");
    fs_err::write(&file, "org_id,aid,emails\n10,101,one@example.com; two@example.com\n").unwrap();
    let bench = bench.with("QUOTAKEEPER__MAIL__ROUTES_FILE", file.to_str().unwrap());
    bench.run(&["snapshot"]).ends_with(0);
    let (_bench, daemon) = Daemon::start(bench);
    daemon.wait_until_ready();
    let page = |aid: &str| daemon.get(&format!("/organizations/10/groups/{aid}")).body;
    assert!(page("101").contains("Owners: one@example.com, two@example.com"), "{}", page("101"));
    assert!(!page("102").contains("Owner"), "{}", page("102"));
}

#[test]
fn an_address_of_nothing_is_a_page_that_leads_back() {
    let (_bench, daemon) = installed();
    for path in [
        "/nothing",
        "/changes/none",
        "/organizations/99",
        "/organizations/10/groups/9",
        "/history/2020-01-01T00-00-00Z.csv",
    ] {
        let answer = daemon.get(path);
        assert_eq!(answer.status, 404, "{path}");
        assert!(
            answer.body.contains("There is no such page</h1>")
                && answer.body.contains("Back to the first page"),
            "{path}: {}",
            answer.body
        );
    }
}

#[test]
fn a_page_is_not_cached_cannot_be_framed_and_runs_only_its_own_script() {
    let (_bench, daemon) = installed();
    for path in ["/", "/groups", "/changes", "/history", "/health", "/nothing"] {
        let answer = daemon.get(path);
        assert_eq!(answer.status, if path == "/nothing" { 404 } else { 200 }, "{path}");
        for header in [
            "cache-control: no-store",
            "x-content-type-options: nosniff",
            "x-frame-options: deny",
            "referrer-policy: no-referrer",
            "content-security-policy: default-src 'none'; script-src 'sha256-",
            "frame-ancestors 'none'",
        ] {
            assert!(answer.head.contains(header), "{path}: {header} is missing in {}", answer.head);
        }
        assert!(!answer.head.contains("unsafe"), "{}", answer.head);
    }
    let host = |host: &str| daemon.ask(&format!("GET / HTTP/1.1\r\nHost: {host}\r\n\r\n")).status;
    assert_eq!((host("evil.example"), host("localhost")), (421, 200));
    let posted = daemon
        .ask(&format!("POST /changes HTTP/1.1\r\nHost: {}\r\nContent-Length: 0\r\n\r\n", daemon.address));
    assert_eq!(posted.status, 405);
}

/// Two snapshots with another quota in each, by their names.
fn snapshots_with_a_change(bench: &Bench) -> Vec<String> {
    bench.run(&["snapshot"]).ends_with(0);
    bench.standin.world(|world| world.set(&key("10", "101"), Some(7000)));
    bench.run(&["snapshot"]).ends_with(0);
    let stem = |path: &String| path.rsplit('/').next().unwrap().trim_end_matches(".csv").to_owned();
    bench.snapshots().iter().map(stem).collect()
}

#[test]
fn a_comparison_of_two_snapshots_says_how_to_go_back_to_the_earlier_one() {
    let bench = Bench::new(World::small());
    let stems = snapshots_with_a_change(&bench);
    let (bench, daemon) = Daemon::start(bench);
    daemon.wait_until_ready();
    // In whichever order they are chosen.
    let page = daemon.get(&format!("/history?from={}&to={}", stems[1], stems[0])).body;
    let command = ["export", "--at", &stems[0], "--restore"];
    assert!(
        page.contains(&format!("<code>quotakeeper {} &gt; restore.csv</code>", command.join(" "))),
        "{page}"
    );
    let restored = bench.run(&command).ends_with(0);
    assert_eq!(restored.out.lines().filter(|row| row.contains(",101,")).count(), 1, "{}", restored.out);
    let same = daemon.get(&format!("/history?from={0}&to={0}", stems[1])).body;
    assert!(same.contains("No quota changed.") && !same.contains("restore.csv"), "{same}");
}

/// A table that scrolls sideways hides its figures.
#[test]
fn a_name_without_spaces_is_broken_and_pushes_no_figure_out_of_sight() {
    let Some(mut browser) = Browser::find() else { return };
    let bench = Bench::new(World::small());
    bench.standin.world(|world| {
        let groups = &mut world.organizations.get_mut("10").unwrap().groups;
        groups.get_mut("101").unwrap().name = "Retail_Stores_".repeat(12);
    });
    let stems = snapshots_with_a_change(&bench);
    let (_bench, daemon) = Daemon::start(bench);
    daemon.wait_until_ready();
    for path in [&format!("/history?from={}&to={}", stems[0], stems[1]), "/organizations/10/groups/101"] {
        for width in [375, 800, 1280] {
            browser.has_size(width, 900);
            browser.visit(&format!("http://{}{path}", daemon.address));
            let hidden =
                "[...document.querySelectorAll('.wide')].some(own => own.scrollWidth > own.clientWidth)";
            assert_eq!(browser.eval(hidden), false, "{path} at {width}");
        }
    }
}

#[test]
fn tables_are_downloaded_as_a_spreadsheet_opens_them_and_nothing_else_of_the_data_folder_is() {
    let (bench, daemon) = installed();
    let run = bench.only_run();
    let marked = |file: &[u8]| [&b"\xef\xbb\xbf"[..], file].concat();
    let plan = daemon.get(&format!("/changes/{}/plan.csv", run.id()));
    assert_eq!((plan.status, plan.body.as_bytes()), (200, &*marked(&run.read("plan.csv"))));
    let dropped = daemon.get(&format!("/changes/{}/input.csv", run.id()));
    assert_eq!((dropped.status, dropped.body.as_bytes()), (200, run.read("input.csv").as_slice()));
    let stem = bench.snapshots().pop().unwrap();
    let stem = stem.rsplit('/').next().unwrap().trim_end_matches(".csv").to_owned();
    let snapshot = daemon.get(&format!("/history/{stem}.csv"));
    let kept = fs_err::read(bench.csv_files("history").pop().unwrap()).unwrap();
    assert_eq!((snapshot.status, snapshot.body.as_bytes()), (200, &*marked(&kept)));
    for path in [
        &*format!("/changes/{}/run.json", run.id()),
        &format!("/changes/{}/undo.csv", run.id()),
        &format!("/changes/{}/../../state.json", run.id()),
        "/history/../state.json",
        "/history/..%2fstate.json",
        "/history/2020-01-01T00-00-00Z.csv",
        "/state.json",
        "/organizations/999",
        "/organizations/10/groups/999",
        "/changes/20200101T000000Z-x",
    ] {
        let answer = daemon.get(path);
        assert_eq!(answer.status, 404, "{path}: {}", answer.body);
        assert!(answer.body.contains("There is no such page"), "{path}");
    }
}

#[test]
fn an_unchanged_page_is_not_sent_again_and_without_pages_there_is_only_health() {
    let (bench, daemon) = installed();
    let head = daemon.get("/health").head;
    let stamp = head.lines().find_map(|line| line.strip_prefix("etag: ")).unwrap().to_owned();
    let again = format!("GET /health HTTP/1.1\r\nHost: {}\r\nIf-None-Match: {stamp}\r\n\r\n", daemon.address);
    // A job that ended meanwhile makes it another page.
    assert!(matches!(daemon.ask(&again).status, 304 | 200));
    daemon.stop();
    let (_bench, daemon) = Daemon::start(bench.with("QUOTAKEEPER__SERVER__PAGE", "false"));
    assert_eq!((daemon.get("/healthz").status, daemon.get("/").status), (200, 404));
}
