//! A summary by the rows of a file, by the tree of them, and by the week before.

use super::*;
use crate::config;
use crate::report::fixtures::{at, realistic, week_before};

fn summary(config: &Config, history: &History) -> (usize, usize, usize, Vec<(Target, bool)>) {
    let inputs = ReportInputs { config, history, instance: "a test" };
    let (summary, nearest) = inputs.summary(realistic().taken_at, at("11-22T08:00")).unwrap();
    let nearest = nearest.into_iter().map(|near| (near.target, near.runs_out_by_slope.is_some()));
    (summary.organizations, summary.account_groups, summary.without_usage, nearest.collect())
}

#[test]
fn a_summary_is_the_same_from_rows_and_from_a_tree_and_has_slopes_if_the_week_shows_them() {
    let folder = tempfile::tempdir().unwrap();
    let settings = [("QUOTAKEEPER__DATA__DIR".to_owned(), folder.path().to_str().unwrap().to_owned())].into();
    let config = config::load(None, &settings).unwrap();
    let history = History::new(&config.data.dir);
    let latest = realistic();
    history.write(&latest).unwrap();
    let of_rows = summary(&config, &history);
    assert_eq!((of_rows.0, of_rows.1), (latest.organizations().len(), latest.groups().count()));
    assert!(of_rows.3.iter().all(|(_, by_slope)| !by_slope), "{of_rows:?}");

    // Somebody's editor sorted it the other way round.
    let path = history.path(latest.taken_at);
    let ours = fs_err::read_to_string(&path).unwrap();
    let (header, rows) = ours.split_once('\n').unwrap();
    let reversed: Vec<&str> = std::iter::once(header).chain(rows.lines().rev()).collect();
    fs_err::write(&path, reversed.join("\n")).unwrap();
    assert_eq!(summary(&config, &history), of_rows);
    fs_err::write(&path, &ours).unwrap();

    for earlier in week_before(&latest) {
        history.write(&earlier).unwrap();
    }
    let with_slopes = summary(&config, &history);
    assert_eq!(with_slopes.1, of_rows.1);
    assert!(with_slopes.3.iter().any(|(_, by_slope)| *by_slope), "{with_slopes:?}");
}
