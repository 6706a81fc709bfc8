//! What a page holds, what it never does, and that nothing in it can run but its own script.

mod same_numbers;

use super::*;
use crate::domain::quota::{Snapshot, SnapshotRow, Usage};
use crate::report::fixtures::{at, group, organization, realistic, week_before, with_names_after, with_page};

fn shown(latest: &Snapshot, earlier: &[Snapshot]) -> String {
    with_page(latest, earlier, |page| usage(page, None)).unwrap()
}

fn of_rows(rows: impl IntoIterator<Item = SnapshotRow<'static>>) -> String {
    shown(&Snapshot::new(at("11-22T06:00"), rows), &[])
}

/// What is between two marks, each time.
fn between<'t>(text: &'t str, begin: &str, end: &str) -> Vec<&'t str> {
    text.split(begin).skip(1).filter_map(|rest| rest.split(end).next()).collect()
}

#[test]
fn every_account_group_is_on_it_worst_first() {
    let latest = realistic();
    let page = shown(&latest, &week_before(&latest));
    let rows = between(&page, "<tbody role=\"rowgroup\" id=\"rows\">", "</tbody>")[0];
    let ids = between(rows, "<small>", "</small>");
    for place in latest.groups() {
        let id = place.target().aid.unwrap().to_string();
        assert!(ids.contains(&id.as_str()), "{id} is missing");
    }
    assert_eq!(between(rows, "<tr ", "</tr>").len(), latest.groups().count());
    assert!(rows.find("EMEA Branches").unwrap() < rows.find("Region 11").unwrap());
    for state in ["class=critical", "class=warning", "class=fine", "class=uncapped", "class=unknown"] {
        assert!(state == "class=critical" || rows.contains(state), "{state}");
    }
    assert!(between(rows, " data-t=", ">").len() > 10, "they have trends");
}

#[test]
fn a_page_is_the_same_whether_one_core_makes_its_rows_or_all() {
    for count in [0, 1, ROWS_AT_ONCE, 5 * ROWS_AT_ONCE + 1] {
        let groups = (0..count).map(|number| {
            let used = i64::try_from(number).unwrap();
            group(&(300_000 + number).to_string(), &format!("Group {number}"), Some(100), used, used)
        });
        let latest = Snapshot::new(at("11-22T06:00"), groups);
        let mut written = Vec::new();
        with_page(&latest, &[], |page| write_usage(page, &mut written)).unwrap();
        assert_eq!(String::from_utf8(written).unwrap(), shown(&latest, &[]));
    }
}

#[test]
fn what_is_written_nowhere_is_an_error_and_no_row_is_waited_for() {
    let groups = (0..100 * ROWS_AT_ONCE).map(|number| group(&number.to_string(), "Lab", Some(100), 1, 2));
    let latest = Snapshot::new(at("11-22T06:00"), groups);
    let whole = shown(&latest, &[]).len();
    for room in [1_000, whole / 2, whole - 1] {
        let mut full = vec![0; room];
        assert!(with_page(&latest, &[], |page| write_usage(page, &mut &mut full[..])).is_err());
    }
}

#[test]
fn a_file_leaves_out_nothing_that_a_mail_cuts() {
    let organizations = (0..40).map(|number| {
        organization(&(20_000 + number).to_string(), &format!("Tenant {number}"), Some(100), 10, 20)
    });
    let page = of_rows(organizations);
    for number in 0..40 {
        assert!(page.contains(&format!(">Tenant {number}</a>")), "{number}");
    }
    assert!(!page.contains(" more:"));
}

#[test]
fn no_line_begins_with_the_dot_between_two_facts() {
    for (name, source) in TEMPLATES.into_iter().chain([("the script", SCRIPT)]) {
        assert!(!source.contains(" · "), "{name}: a line may break before it");
    }
}

#[test]
fn no_name_becomes_a_tag_or_ends_the_data() {
    const NAME: &str =
        "</script><script>alert(1)</script><!--\u{2028}\u{202e}\u{1b}[31m\" onerror=\"x' onload='y";
    let hostile = with_names_after(NAME);
    let page = shown(&hostile, &week_before(&hostile));
    let lower = page.to_lowercase();
    assert_eq!((lower.matches("<script").count(), lower.matches("</script").count()), (2, 2));
    let data = between(&page, "id=\"data\">", "</script>")[0];
    let table = page.replace(data, "");
    assert!(!table.contains("<!--") && !table.contains("\" onerror") && !table.contains("' onload"));
    assert!(!data.contains(['<', '>', '&']));
    assert!(!page.contains(['\u{2028}', '\u{202e}', '\u{1b}']));
    let data: serde_json::Value = serde_json::from_str(data).unwrap();
    assert!(data["organizations"][0]["name"].as_str().unwrap().starts_with("</script>"));
}

#[test]
fn the_policy_allows_the_one_script_by_its_hash_and_nothing_from_elsewhere() {
    let latest = realistic();
    let page = shown(&latest, &week_before(&latest));
    let script = between(&page, "<script>", "</script>")[0];
    let hash = BASE64_STANDARD.encode(Sha256::digest(script));
    let policy = between(&page, "\"Content-Security-Policy\" content=\"", "\"")[0];
    let policy = policy.replace("&#x27;", "'").replace("&#x2f;", "/");
    assert!(policy.starts_with("default-src 'none'; script-src 'sha256-"), "{policy}");
    assert!(
        policy.contains(&format!("script-src 'sha256-{hash}'")) && !policy.contains("unsafe"),
        "{policy}"
    );
    let own = page.replace("http://www.w3.org/2000/svg", "");
    for foreign in ["http:", "https:", " src=", "url(", "@import", "<link", " style=", " onclick="] {
        assert!(!own.contains(foreign), "{foreign}");
    }
}

#[test]
fn the_script_makes_no_markup_of_text_and_fits_into_its_element() {
    for never in
        ["innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "</", "<!--", "{{"]
    {
        assert!(!SCRIPT.contains(never), "{never}");
    }
}

#[test]
fn a_page_of_nothing_of_the_first_day_and_of_unknown_usage_says_so() {
    let nothing = of_rows([]);
    assert!(
        nothing.contains("No account group is visible to the token") && nothing.contains("0 account groups")
    );
    let first = of_rows([group("7", "Lab", Some(100), 10, 20)]);
    assert!(first.contains("Lab is within its quota") && first.contains("No trends are drawn"));
    let unknown = |row: SnapshotRow<'static>| SnapshotRow {
        usage: Usage::default(),
        period_start: None,
        period_end: None,
        ..row
    };
    let all_unknown = of_rows([
        unknown(organization("10452", "Acme Bank", Some(100), 0, 0)),
        unknown(group("7", "Lab", Some(100), 0, 0)),
    ]);
    assert!(
        all_unknown.contains("The usage of 1 account group is unknown")
            && all_unknown.contains("class=unknown")
    );
}

#[test]
fn one_organization_is_a_picture_and_its_figures_and_several_are_a_table() {
    let latest = Snapshot::new(
        at("11-22T06:00"),
        [
            organization("10452", "Acme Bank", Some(92_000), 53_600, 97_100),
            group("7", "Lab", Some(100), 10, 20),
        ],
    );
    let one = shown(&latest, &week_before(&latest));
    assert!(
        one.contains("<div class=\"picture\"><svg")
            && one.contains("Left to allocate")
            && !one.contains("id=\"own-rows\"")
    );
    let latest = realistic();
    let several = shown(&latest, &week_before(&latest));
    assert!(several.contains("href=\"#org=10452\"") && !several.contains("class=\"picture\""));
}

#[test]
fn an_owner_is_in_the_data_once() {
    let page = of_rows([group("7", "Lab", Some(100), 10, 20), group("8", "Web", Some(100), 10, 20)]);
    assert_eq!(page.matches("ann@example.com").count(), 1);
    assert_eq!(page.matches(" data-w=\"0\"").count(), 2);
}
