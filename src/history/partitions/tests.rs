use chrono::{DateTime, Utc};
use proptest::prelude::*;

use super::{moment, moments, partition};

fn at(time: &str) -> DateTime<Utc> {
    time.parse().unwrap()
}

proptest! {
    #[test]
    fn each_second_of_four_digit_years_is_found_under_the_name_it_is_given(seconds in 0_i64..253_402_300_800) {
        let at = DateTime::from_timestamp(seconds, 0).unwrap();
        let path = partition("history".as_ref(), at);
        prop_assert_eq!(moment(path.file_name().unwrap().as_encoded_bytes()), Some(at));
    }

    #[test]
    fn a_name_that_is_read_is_the_one_that_its_moment_is_given(name in "[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}-[0-9]{2}-[0-9]{2}Z\\.csv") {
        if let Some(at) = moment(name.as_bytes()) {
            let path = partition("history".as_ref(), at);
            prop_assert_eq!(path.file_name().unwrap().to_str(), Some(&*name));
        }
    }
}

#[test]
fn names_that_are_nearly_those_of_snapshots_are_none() {
    for name in [
        "2026-02-30T00-00-00Z.csv",
        "2026-01-01T24-00-00Z.csv",
        "2026-1-01T00-00-00Z.csv",
        "2026-01-01T00:00:00Z.csv",
        "2026-01-01T00-00-00Z.csv.gz",
        "2026-01-01T00-00-00Z (1).csv",
        "2026-01-01T00-00-00.csv",
        "+026-01-01T00-00-00Z.csv",
        "",
    ] {
        assert_eq!(moment(name.as_bytes()), None, "{name}");
    }
}

#[test]
fn moments_are_listed_by_time_and_neither_copies_in_other_partitions_nor_folders_are() {
    let folder = tempfile::tempdir().unwrap();
    let [first, last] = ["2025-12-31T23:59:59Z", "2026-01-01T00:00:00Z"].map(at);
    let file = |path: &str| {
        let path = folder.path().join(path);
        fs_err::create_dir_all(path.parent().unwrap()).unwrap();
        fs_err::write(path, "").unwrap();
    };
    for at in [last, first] {
        file(partition("".as_ref(), at).to_str().unwrap());
    }
    file("year=2026/month=01/2026-02-01T00-00-00Z.csv");
    file("year=2026/month=1/2026-01-02T00-00-00Z.csv");
    file("year=26/month=01/2026-01-02T00-00-00Z.csv");
    file("year=2026/month=13/2026-01-02T00-00-00Z.csv");
    file("year=2026/month=01/2026-01-03T00-00-00Z.csv/within");
    assert_eq!(moments(folder.path()).unwrap(), [first, last]);
    assert!(moments(&folder.path().join("none")).unwrap().is_empty());
}
