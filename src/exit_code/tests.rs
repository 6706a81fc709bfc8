//! Which of several findings decides.

use super::*;

#[test]
fn the_gravest_finding_wins() {
    let held = Findings { held: true, ..Findings::default() };
    let rows = Findings { rows: true, ..Findings::default() };
    let failed = Findings { failed: true, ..Findings::default() };
    assert_eq!(Findings::default().exit(), Exit::Done);
    assert_eq!(held.exit(), Exit::Held);
    assert_eq!(held.and(rows).exit(), Exit::Rows);
    assert_eq!(rows.and(failed).and(held).exit(), Exit::Failed);
}

#[test]
fn a_code_is_read_as_the_exit_that_wrote_it_and_an_unknown_one_as_a_failure() {
    let page = include_str!("../../docs/commands.md");
    let documented = |code: u8| page.contains(&format!("\n| {code} | "));
    for code in 0..=u8::MAX {
        let exit = Exit::from_code(code);
        assert_eq!(exit as u8, if documented(code) { code } else { 1 }, "{code} in docs/commands.md");
    }
}
