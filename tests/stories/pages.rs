//! The usage report as a page, in a real browser: what people find on it, and what they make with it.

use std::path::PathBuf;

use crate::browser::Browser;
use crate::standin::World;
use crate::testbed::Bench;
use testkit::histories::history;

fn page(bench: &Bench) -> PathBuf {
    let path = bench.data().join("usage.html");
    bench.run(&["report", "usage", "--out", path.to_str().unwrap()]).ends_with(0);
    path
}

const ROWS: &str = "document.querySelectorAll('#rows tr').length";
const SHOWN: &str = "document.getElementById('shown').textContent.replace(/\\u202f/g, ' ')";

/// Gives a field a value as its user does.
fn set(browser: &mut Browser, id: &str, value: &str) {
    browser.eval(&format!(
        "(field => {{ field.value = '{value}'; field.dispatchEvent(new Event('input', {{ bubbles: true }})) }})\
         (document.getElementById('{id}'))"
    ));
}

#[test]
fn however_many_account_groups_there_are_each_is_found_and_none_is_missing() {
    let Some(mut browser) = Browser::find() else { return };
    for groups in [1, 30, 3_000, 10_000] {
        let bench = Bench::new(World::default());
        history(&bench.data(), groups, 2, |group| format!("Group {group}"));
        let path = page(&bench);
        assert!(fs_err::metadata(&path).unwrap().len() < 6_000_000);
        browser.open(&path, "");
        assert!(browser.eval(ROWS).as_u64().unwrap() <= 400, "not all at once");
        set(&mut browser, "search", &(1_000_000 + groups - 1).to_string());
        assert_eq!(browser.eval(ROWS), 1, "of {groups}");
        set(&mut browser, "search", "");
        set(&mut browser, "sort", "over");
        let first = browser.text("document.querySelector('#rows .name small').textContent");
        assert_eq!((first.parse::<usize>().unwrap() - 1_000_000) % 7, 0, "{first} is over its quota");
        set(&mut browser, "sort", "name");
        browser.eval("document.querySelector('#more button').click()");
        let all = format!(
            "new Promise(done => {{ const look = () => {ROWS} === {groups} ? done(true) : requestAnimationFrame(look); look() }})"
        );
        assert_eq!(browser.eval(&all), true);
        browser.has_no_problems();
    }
}

#[test]
fn a_link_leads_to_what_it_speaks_of_and_a_filter_stands_in_the_address() {
    let Some(mut browser) = Browser::find() else { return };
    let bench = Bench::new(World::default());
    history(&bench.data(), 900, 2, |group| format!("Group {group}"));
    let path = page(&bench);
    browser.open(&path, "#org=101&state=uncapped&sort=-name");
    let shown =
        browser.eval("[...document.querySelectorAll('#rows tr')].map(tr => [tr.className, tr.dataset.o])");
    let shown = shown.as_array().unwrap();
    assert!(
        shown.len() > 20 && shown.iter().all(|row| row[0] == "uncapped" && row[1] == shown[0][1]),
        "{shown:?}"
    );
    assert!(browser.text(SHOWN).ends_with(" of 900 account groups"));
    let top = browser.eval(
        "new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => done(\
         document.getElementById('groups').getBoundingClientRect().top))))",
    );
    assert!(top.as_f64().unwrap().abs() < 100.0, "the list is what is seen first: {top}");
    browser.open(&path, "#group=1000003");
    assert_eq!(
        browser.text("document.querySelector('#rows .name').textContent.slice(0, 15)"),
        "Group 3 1000003"
    );
    browser.eval("document.getElementById('reset').click()");
    set(&mut browser, "search", "GROUP 42");
    set(&mut browser, "over", "90");
    assert_eq!(browser.text("location.hash"), "#q=GROUP+42&over=90");
    assert_eq!(browser.text(SHOWN), "4 of 900 account groups"); // 42, 420, 427, 742
}

#[test]
fn no_name_is_run_or_hides_another() {
    const NAME: &str = "<img src=x onerror=alert(1)></script><script>alert(1)</script>\"'`${1}";
    let Some(mut browser) = Browser::find() else { return };
    let bench = Bench::new(World::default());
    history(&bench.data(), 3, 3, |group| format!("{NAME}{group}"));
    let path = page(&bench);
    browser.open(&path, "#q=%3Cimg");
    assert_eq!(browser.text(SHOWN), "3 account groups");
    assert!(browser.text("document.querySelector('#rows .name').textContent").starts_with(&NAME[..40]));
    browser.eval("document.querySelector('#rows input').click()");
    browser.eval("document.querySelector('#rows .trend button').focus()");
    assert!(browser.text("document.querySelector('#trend b').textContent").starts_with(&NAME[..40]));
    assert_eq!(browser.eval("document.querySelectorAll('img, body script:not([type])').length"), 0);
    browser.has_no_problems();
}

#[test]
fn rows_ticked_and_typed_by_keyboard_become_a_change_file_that_can_be_planned() {
    let Some(mut browser) = Browser::find() else { return };
    let bench = Bench::new(World::small());
    bench.run(&["snapshot"]).ends_with(0);
    let path = page(&bench);
    browser.open(&path, "#q=helpdesk");
    browser.eval("document.getElementById('tick-all').focus()");
    let focused = "document.activeElement.getAttribute('aria-label') || document.activeElement.textContent";
    while browser.text(focused) != "Tick Helpdesk" {
        browser.press(&["Tab"]);
    }
    browser.press(&["Space"]);
    assert_eq!(browser.text(focused), "New quota of Helpdesk");
    browser.press(&["6 200"]);
    assert!(browser.text("document.getElementById('change').innerText").contains("left to allocate"));
    browser.eval("document.querySelector('#change input').focus()");
    browser.press(&["CHG-1, \"urgent\""]);
    let file = browser.text("document.querySelector('#change textarea').value");
    assert!(file.starts_with("action,org_id,aid,value,expected_value,comment\nassign,"), "{file}");
    assert!(file.ends_with(",6200,5000,\"CHG-1, \"\"urgent\"\"\"\n"), "{file}");
    bench.drop_file("page.csv", &file);
    bench.run(&["inbox"]).ends_with(0);
    assert_eq!(bench.only_run().counts().get("applied"), Some(&1), "{:?}", bench.only_run().counts());
    assert!(bench.quotas().values().any(|quota| *quota == 6_200));
}

#[test]
fn what_is_edited_outlives_a_filter_that_hides_it_and_a_page_that_is_loaded_again() {
    let Some(mut browser) = Browser::find() else { return };
    let bench = Bench::new(World::default());
    history(&bench.data(), 5, 2, |group| format!("Group {group}"));
    let path = page(&bench);
    browser.open(&path, "#sort=name");
    for row in [0, 1] {
        browser.eval(&format!("document.querySelectorAll('#rows input[type=checkbox]')[{row}].click()"));
    }
    browser.eval("document.querySelector('#rows .edit input').select()");
    browser.press(&["7 000", "Enter"]);
    let focused = "document.activeElement.getAttribute('aria-label')";
    assert_eq!(browser.text(focused), "New quota of Group 1");
    browser.press(&["9k", "Enter", "CHG-7"]);
    let said = "document.querySelector('#change output').textContent";
    assert_eq!(browser.text(said), "2 account groups selected, 1 changed; 1 value is no quota and left out");
    let file = "document.querySelector('#change textarea').value";
    let edited = browser.text(file);
    assert!(edited.ends_with(",7000,1000,CHG-7\n"), "{edited}");
    browser.open(&path, "#q=nothing+like+it");
    assert_eq!(browser.text(SHOWN), "0 of 5 account groups");
    assert_eq!((browser.text(file), browser.text(said)), (edited, browser.text(said)));
    browser.eval("[...document.querySelectorAll('#change button')].find(is => is.textContent === 'Clear selection').click()");
    browser.open(&path, "#sort=name");
    assert_eq!(browser.text(file), "action,org_id,aid,value,expected_value,comment\n");
    browser.has_no_problems();
}

#[test]
fn what_a_group_needs_only_raises_its_quota() {
    let Some(mut browser) = Browser::find() else { return };
    let bench = Bench::new(World::small());
    bench.standin.world(|world| {
        let group = world.organizations.get_mut("10").unwrap().groups.get_mut("101").unwrap();
        group.tests = vec![(4_000, Some(6_000))];
    });
    bench.run(&["snapshot"]).ends_with(0);
    let path = page(&bench);
    browser.open(&path, "");
    browser.eval("document.getElementById('tick-all').click()");
    browser.eval("[...document.querySelectorAll('#change button')].find(is => is.textContent.startsWith('Raise')).click()");
    let file = browser.text("document.querySelector('#change textarea').value");
    assert_eq!(file.lines().count(), 2, "of those that need less, or have no quota, none is touched: {file}");
    assert!(file.contains("assign,10,101,7370,5000,"), "{file}");
}

#[test]
fn a_change_file_never_holds_an_invalid_quota_and_never_removes_one() {
    let Some(mut browser) = Browser::find() else { return };
    let bench = Bench::new(World::default());
    history(&bench.data(), 5, 2, |group| format!("Group {group}"));
    let path = page(&bench);
    browser.open(&path, "#sort=name");
    browser.eval("document.getElementById('tick-all').click()");
    for (field, text) in [(0, "12.5"), (1, "-1"), (2, "none"), (3, "001 500"), (4, "")] {
        browser.eval(&format!(
            "(field => {{ field.value = '{text}'; field.dispatchEvent(new Event('input')) }})\
             (document.querySelectorAll('#rows .edit input')[{field}])"
        ));
    }
    assert_eq!(
        browser.text("document.querySelector('#change textarea').value"),
        "action,org_id,aid,value,expected_value,comment\nunassign,100,1000002,,1002,\nassign,100,1000003,1500,1003,\n"
    );
    assert_eq!(browser.eval("document.querySelectorAll('#rows [aria-invalid=true]').length"), 3);
    assert_eq!(browser.text("inert('=1+1') + inert('Lab')"), "'=1+1Lab");
}

#[test]
fn without_scripts_it_is_a_table_of_everything() {
    let Some(mut browser) = Browser::find() else { return };
    let bench = Bench::new(World::default());
    history(&bench.data(), 900, 2, |group| format!("Group {group}"));
    let path = page(&bench);
    browser.runs_no_scripts();
    browser.open(&path, "");
    assert_eq!(browser.eval(ROWS), 900);
    assert_eq!(browser.eval("document.getElementById('rows').checkVisibility()"), true);
    assert_eq!(browser.eval("document.getElementById('tools').checkVisibility()"), false);
}

#[test]
fn a_trend_is_shown_on_focus_and_leaves_on_escape() {
    let Some(mut browser) = Browser::find() else { return };
    let bench = Bench::new(World::default());
    history(&bench.data(), 3, 6, |group| format!("Group {group}"));
    let path = page(&bench);
    browser.open(&path, "");
    browser.eval("document.querySelector('#rows .trend button').focus()");
    assert_eq!(browser.eval("document.querySelectorAll('#trend svg .line').length"), 2, "used and projected");
    assert!(browser.text("document.getElementById('trend').textContent").contains("projected"));
    browser.press(&["Escape"]);
    assert_eq!(browser.eval("document.getElementById('trend').hidden"), true);
}

#[test]
fn on_no_screen_anything_lies_beside_it_and_axe_finds_nothing() {
    let Some(mut browser) = Browser::find() else { return };
    let bench = Bench::new(World::small());
    bench.run(&["snapshot"]).ends_with(0); // on the first day
    let first_day = page(&bench);
    let bench = Bench::new(World::default());
    history(&bench.data(), 60, 6, |group| format!("A rather long name of a group {group}"));
    let weeks_later = page(&bench);
    let unknown = Bench::new(World { broken: Some(("GET /usage", 403)), ..World::small() });
    unknown.run(&["snapshot"]).ends_with(0);
    let all_unknown = page(&unknown);
    let nothing = Bench::new(World::default());
    history(&nothing.data(), 0, 1, |_| String::new());
    let nothing = page(&nothing);
    let axe = std::env::var_os("QUOTAKEEPER_TEST_AXE").map(|path| fs_err::read_to_string(path).unwrap());
    for path in [first_day, weeks_later, all_unknown, nothing] {
        for (width, is_dark) in [(320, true), (375, false), (800, true), (1120, false), (1280, true)] {
            browser.has_size(width, 900);
            browser.is_dark(is_dark);
            browser.open(&path, "");
            browser.eval(
                "[...document.querySelectorAll('#rows input')].slice(0, 3).forEach(box => box.click()), \
                 document.querySelector('#rows .trend button')?.focus()",
            );
            assert_eq!(browser.eval("document.documentElement.scrollWidth"), width, "{}", path.display());
            let Some(axe) = &axe else { continue };
            browser.eval(&format!("{axe}; 0"));
            let found = browser.eval(
                "axe.run().then(({ violations }) => violations.map(({ id, nodes }) => [id, nodes.map(({ html }) => html)]))",
            );
            assert_eq!(found, serde_json::json!([]), "at {width}: {found:#}");
        }
    }
}
