//! Names of runs, made of any file's name.

use proptest::prelude::*;

use super::*;

fn at() -> DateTime<Utc> {
    "2026-11-22T18:05:00Z".parse().unwrap()
}

#[test]
fn a_file_gives_its_run_a_name_that_any_file_system_takes() {
    assert_eq!(of_file("Raise EMEA (Q4).csv", at()), "20261122T180500Z-raise-emea-q4");
    assert_eq!(slug("…"), "file");
    assert_eq!(slug("../../etc/passwd"), "passwd");
}

#[test]
fn a_name_that_we_did_not_make_is_no_run_id() {
    for name in [
        "",
        ".",
        "..",
        "...",
        "foo",
        "foo.held",
        "20261122T180500Z",
        "20261122T180500Z-",
        "20261122T180500Z-Raise",
        "20261122T180500Z-a--b",
        "20261122T180500Z-a-",
        "20261122T180500Z-a/b",
        "20261122T180500Z-../x",
        "20261122T180500Z-a.",
        "20261122T180500Z-a..held",
        "20261122T180500Z-a.csv",
        "20261122T180500Z-a.held.claimed",
        "20261322T180500Z-a",
        "2026112T180500Z-a",
        "+20261122T180500Z-a",
        " 20261122T180500Z-a",
        "20261122T180500Z-a (copy)",
        "20261122T180500Z-a\n",
    ] {
        assert!(!is_id(name), "{name}");
    }
    assert!(!is_id(&format!("20261122T180500Z-{}", "a".repeat(41))));
    assert!(!is_id(&format!("20261122T180500Z-a{}", ".held".repeat(9))));
    assert!(is_id_of_file("20261122T180500Z-a") && !is_id_of_file("20261122T180500Z-a.held"));
}

proptest! {
    #[test]
    fn every_name_that_is_made_is_known(file in ".{0,60}", later in 0_i64..4_000_000_000) {
        let id = of_file(&file, at());
        prop_assert!(is_id(&id) && is_id_of_file(&id), "{}", id);
        let due = DateTime::from_timestamp(later, 0).unwrap();
        for split in [of_held(&id), of_later(&id, due, false), of_later(&id, due, true)] {
            prop_assert!(is_id(&split) && !is_id_of_file(&split), "{}", split);
            prop_assert!(is_id(&of_held(&split)), "{}", split);
            prop_assert_eq!(root_of(&split), &id);
        }
    }
}
