//! Every number that a key does not allow is told the range of that key.

use super::super::{Environment, load};

fn problems(text: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("quotakeeper.toml");
    fs_err::write(&file, text).unwrap();
    let all = load(Some(&file), &Environment::new()).unwrap_err().problems.join("\n");
    all.replace(&format!("{}:", file.display()), "")
}

#[test]
fn a_number_is_told_the_range_of_its_key_whether_or_not_its_type_has_it() {
    for (text, number, range) in [
        ("[api]\nreserve_percent = ", [-1, 91, 256], "must be between 0 and 90"),
        ("[api]\nrequests_per_minute = ", [-1, 0, 100_001], "must be between 1 and 100000"),
        ("[inbox]\nmax_rows = ", [-1, 0, 0], "must be at least 1: a file without rows changes nothing"),
        (
            "[mail]\ntransport = 'smtp'\nfrom = 'a@example.com'\nto = 'a@example.com'\n[smtp]\nhost = 'example.com'\nport = ",
            [-1, 0, 65536],
            "must be between 1 and 65535",
        ),
        ("[guard]\nmax_lowered_percent = ", [-1, 101, 101], "must be between 0 and 100 (100 never holds)"),
        (
            "[[guard.overrides]]\norg_id = '1'\nmax_lowered_percent = ",
            [-1, 101, 101],
            "must be between 0 and 100 (100 never holds)",
        ),
        (
            "[alerts]\ncritical_used_percent = ",
            [-1, 0, 101],
            "must be between 1 and 100 (100: when nothing is left)",
        ),
        (
            "[[alerts.overrides]]\norg_id = '1'\nwarn_projected_percent = ",
            [-1, 0, 0],
            "must be at least 1: at 0, any use at all would be a warning",
        ),
    ] {
        for number in number {
            let found = problems(&format!("{text}{number}\n"));
            assert!(found.ends_with(range), "{text}{number}: {found}");
        }
    }
}

#[test]
fn a_number_below_zero_is_not_told_the_largest_one() {
    let found = problems("[guard]\nheadroom_percent = -1\n");
    assert_eq!(found, "2: guard.headroom_percent is -1, but must be a whole number, 0 or more");
}
