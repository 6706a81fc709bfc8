//! The names of answers folders, whatever a file is called.

use super::*;

#[test]
fn a_folder_has_the_files_name_and_one_that_no_disk_takes_or_no_terminal_shows_has_a_mark_instead() {
    assert_eq!(numbered_name("q.csv", "", 1), "q.csv");
    assert_eq!(numbered_name("q.csv", ".held", 1), "q.csv.held");
    assert_eq!(numbered_name("q.csv", ".held", 2), "q.csv.held (2)");
    assert_eq!(numbered_name("Anträge  Q4.csv", "", 1), "Anträge  Q4.csv");
    for file in [
        "n".repeat(251) + ".csv",
        "ü".repeat(125) + ".csv",
        "a\u{1b}]0;x\u{7}\u{202e}.csv".into(),
        ".x.csv".into(),
    ] {
        let names: Vec<String> =
            (1..4).flat_map(|number| ["", ".held"].map(|part| numbered_name(&file, part, number))).collect();
        for name in &names {
            assert!(name.len() <= LONGEST && !name.starts_with('.') && !name.contains('\u{1b}'), "{name:?}");
            assert_eq!(names.iter().filter(|other| *other == name).count(), 1, "{name:?}");
        }
    }
    assert_ne!(numbered_name("a\u{202e}.csv", "", 1), numbered_name("a.csv", "", 1));
    assert_ne!(
        numbered_name(&("n".repeat(250) + "1.csv"), ".held", 1),
        numbered_name(&("n".repeat(250) + "2.csv"), ".held", 1)
    );
}
