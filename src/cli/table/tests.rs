//! What a table is at any width.

use super::*;

#[test]
fn columns_align_and_the_last_cell_wraps_when_the_line_is_full() {
    let mut table = Table::new(&[("name", Side::Left), ("units", Side::Right), ("why", Side::Left)]);
    table.row(["EMEA".into(), "1 000".into(), "short".into()]);
    table.row(["Payments – Core".into(), "5".into(), "a reason that goes on and on and on".into()]);
    let paint = |width| Paint { colors: false, width };
    insta::assert_snapshot!(table.render(2, paint(45)), @r"
    name             units  why
    EMEA             1 000  short
    Payments – Core      5
        a reason that goes on and on and on
    ");
    let narrow = table.render(2, paint(25));
    assert!(narrow.contains("Payments – Co…") && narrow.lines().all(|line| width(line) <= 26), "{narrow}");
    assert!(table.render(2, paint(usize::MAX)).contains("5  a reason that goes on and on and on"));
}

/// Two stores that differ only in their last word, and others that are short.
fn stores() -> Table<'static> {
    let mut table = Table::new(&[("name", Side::Name), ("units", Side::Right), ("", Side::Left)]);
    for name in ["Retail Stores North 204151", "Lab 204152", "Web 204153"] {
        table.push(vec![name.to_owned().into(), "1 000".to_owned().into(), Cell::default()]);
    }
    table.line_below("why it is held".to_owned().into(), "below_use");
    table
}

#[test]
fn a_name_that_does_not_fit_has_a_line_of_its_own() {
    let paint = |width| Paint { colors: false, width };
    insta::assert_snapshot!(stores().render(2, paint(34)), @r"
    name                     units
    Retail Stores North 204151
                             1 000
    Lab 204152               1 000
    Web 204153               1 000
        why it is held  below_use
    ");
}

#[test]
fn where_most_names_do_not_fit_each_has_a_line_or_as_many_as_it_needs() {
    let paint = |width| Paint { colors: false, width };
    insta::assert_snapshot!(stores().render(2, paint(22)), @r"
    name  units
    Retail Stores North
    204151
          1 000
    Lab 204152
          1 000
    Web 204153
          1 000
        why it is held
        below_use
    ");
}

#[test]
fn of_a_name_with_a_word_that_is_longer_than_a_line_the_id_stays() {
    let mut table = Table::new(&[("name", Side::Name), ("units", Side::Right)]);
    table.row(["Retail_Stores_of_the_North 204151".into(), "1 000".into()]);
    let shown = table.render(2, Paint { colors: false, width: 22 });
    assert_eq!(shown, "  name  units\n  Retail_Stores_of_th…\n  204151\n        1 000\n");
}

#[test]
fn figures_that_fill_the_line_leave_no_half_a_header_and_stay_within_it() {
    let mut table = Table::new(&[("target", Side::Name), ("used", Side::Right), ("headroom", Side::Right)]);
    table.row(["Lab 204152".into(), "1 000 000 000".into(), "1 000".into()]);
    table.row(["Web 204153".into(), "1".into(), "999 979 337".into()]);
    let shown = |width| table.render(0, Paint { colors: false, width });
    insta::assert_snapshot!(shown(28), @r"
               used     headroom
    Lab 204152
      1 000 000 000        1 000
    Web 204153
                  1  999 979 337
    ");
    for room in 24..60 {
        assert!(shown(room).lines().all(|line| width(line) <= room), "{room}: {}", shown(room));
    }
}

#[test]
fn the_groups_of_a_number_stay_on_one_line() {
    assert_eq!(
        wrapped("page load 1 900, 12 000 and 17 204151", 11),
        ["page load", "1 900,", "12 000 and", "17 204151"]
    );
}

#[test]
fn wide_letters_take_two_columns() {
    let mut table = Table::new(&[("name", Side::Name), ("units", Side::Right)]);
    table.row(["東京支社 204151".into(), "1 000".into()]);
    table.row(["Lab 204152".into(), "5".into()]);
    let shown = table.render(0, Paint { colors: false, width: 20 });
    assert!(shown.contains("東京支社 204151\n"), "{shown}");
    assert!(
        table.render(0, Paint { colors: false, width: 22 }).contains("東京支社 204151  1 000"),
        "{shown}"
    );
}

#[test]
fn no_control_character_reaches_the_terminal() {
    let mut table = Table::new(&[("a", Side::Left), ("b", Side::Left)]);
    table.row(["a\u{1b}[31mb\n".to_owned(), "c\u{202e}\u{9b}d".to_owned()]);
    table.line_below(Cell::new("e\u{7}f", Tone::Plain), "g\u{200b}h");
    let shown = table.render(0, Paint { colors: false, width: usize::MAX });
    assert!(shown.contains("a [31mb   c d\n    e f  gh\n"), "{shown}");
}
