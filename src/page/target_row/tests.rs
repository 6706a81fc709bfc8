//! What the row of an account group says, and that a name stays text in it.

use super::*;
use crate::domain::quota::{Snapshot, SnapshotRow};
use crate::report::fixtures::{at, group, with_page};

fn row_of(row: SnapshotRow<'static>, many_organizations: bool, is_served: bool) -> String {
    let latest = Snapshot::new(at("11-22T06:00"), [row]);
    let mut html = String::new();
    with_page(&latest, &[], |page| push_row(&mut html, &page.rows.row(0), many_organizations, is_served));
    html
}

#[test]
fn a_row_says_how_its_account_group_stands() {
    let within = row_of(group("7", "Lab", Some(2_000), 1_234, 1_500), true, false);
    let expected = "<tr class=fine data-o=0 data-w=\"0\"><th scope=row class=name>Lab <small>7</small><small>Acme Bank</small>\
        <td class=state><span>within quota</span>\
        <td class=use><svg class=bar aria-hidden=true><rect class=used width=61.7% /><rect class=next x=61.7% width=13.3% /></svg>\
        <span>75&#8239;%</span><td class=used>1\u{202f}234<td class=projected>1\u{202f}500<td class=quota>2\u{202f}000\
        <td class=left>500 left</tr>\n";
    assert_eq!(within, expected);
    let served = row_of(group("7", "Lab", Some(2_000), 1_234, 2_500), false, true);
    for part in [
        "<tr class=warning",
        " data-x=",
        "class=name><a href=\"/organizations/10452/groups/7\">Lab</a> <small>7</small><td",
        "<b class=badge>Warning</b> ",
        "<rect class=over x=80.0% width=20.0% /><rect class=mark x=80.0% width=2 /></svg><span>125&#8239;%</span>",
        "<b class=short>500</b> over",
    ] {
        assert!(served.contains(part), "{part} is not in {served}");
    }
    let uncapped = row_of(group("7", "Lab", None, 1_234, 2_500), false, false);
    assert!(
        uncapped.contains("<td class=use><td class=used>")
            && uncapped.contains("<td class=quota>no quota<td class=left>–")
    );
}

#[test]
fn a_name_stays_text_and_what_follows_one_from_right_to_left_stays_behind_it() {
    let hostile = row_of(group("7", "<b>\"a\" & 'b'</b>", Some(100), 10, 20), false, true);
    assert!(
        hostile.contains("\">&lt;b&gt;&quot;a&quot; &amp; &#x27;b&#x27;&lt;&#x2f;b&gt;</a>"),
        "{hostile}"
    );
    let hebrew = row_of(group("7", "שלום", Some(100), 10, 20), false, false);
    assert!(hebrew.contains("\u{2068}שלום\u{2069} <small>7</small>"), "{hebrew}");
}
