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
