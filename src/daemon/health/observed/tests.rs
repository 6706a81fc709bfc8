//! What is published of what was seen, and when it cannot be.

use testkit::exposition::Exposition;

use super::*;
use crate::config::Config;
use crate::daemon::metrics::tests::figures;
use crate::domain::quota::Snapshot;
use crate::report::QuotaStatus;
use crate::report::fixtures::group;
use crate::testing::testbed::{Bench, noon};

fn whole(metrics: &Metrics) -> String {
    String::from_utf8(metrics.clone().into_bytes().unwrap()).unwrap()
}

fn read(text: &str) -> Exposition {
    Exposition::read(text).unwrap_or_else(|problem| panic!("{problem}\n{text}"))
}

fn read_files(bench: &Bench, before: Option<&Observed>, now: DateTime<Utc>) -> Observed {
    Observed::read(&bench.app.report_inputs(), &bench.app.mailer, before, now).unwrap()
}

#[tokio::test]
async fn the_metrics_of_every_target_are_the_figures_that_status_and_the_reports_show() {
    let bench = Bench::new(&[]).await;
    for hours in [0, 12, 24, 30] {
        Job::Snapshot.run(&bench.app, noon() + TimeDelta::hours(hours)).await.unwrap();
    }
    let now = noon() + TimeDelta::hours(31);
    let observed = read_files(&bench, None, now);
    let text = whole(&observed.metrics(&super::super::process(&bench.app), false, now));
    let metrics = read(&text);
    assert!(metrics.names().contains("quotakeeper_runs_out_timestamp_seconds"), "{text}");
    let report = bench.app.report_inputs().usage_report(now).unwrap();
    let organizations = report.organizations.iter().map(|organization| &organization.own);
    let shown: Vec<&QuotaStatus> = report.worst.iter().chain(organizations).collect();
    assert!(shown.len() > 10, "{}", shown.len());
    for status in shown {
        let aid = status.target.aid.as_ref().map_or("", |aid| aid.as_str());
        let labels = [
            ("org_id", status.target.org_id.as_str()),
            ("aid", aid),
            ("account_group_name", if aid.is_empty() { "" } else { &status.name }),
        ];
        for (name, figure) in figures(status) {
            assert_eq!(metrics.value(name, &labels), figure, "{name} {labels:?}");
        }
    }
    // What was rendered for a snapshot is not rendered again.
    let again = read_files(&bench, Some(&observed), now);
    assert!(Arc::ptr_eq(again.snapshot.as_ref().unwrap(), observed.snapshot.as_ref().unwrap()));
}

#[tokio::test]
async fn metrics_of_all_targets_stay_in_memory_if_no_file_can_be_made() {
    let bench = Bench::new(&[]).await;
    let rows = (0..3000).map(|aid| group(&(200_000 + aid).to_string(), "EMEA", Some(9000), 4000, 9500));
    let (at, _) = bench.app.history.write(&Snapshot::new(noon(), rows)).unwrap();
    let read = |config: &Config| {
        let inputs = ReportInputs { config, ..bench.app.report_inputs() };
        let targets = targets(&inputs, at, noon()).unwrap();
        let is_file = |text: &Text| matches!(text, Text::File(..));
        let in_files = targets.iter().filter(|text| is_file(text)).count();
        (in_files, Metrics { sheet: String::new(), targets }.into_bytes().unwrap())
    };
    let mut config = Config::clone(&bench.app.config);
    let (in_files, text) = read(&config);
    assert_eq!(in_files, 4);
    config.data.dir.push("is not there");
    assert_eq!(read(&config), (0, text));
}

#[tokio::test]
async fn a_failure_that_could_not_be_recorded_is_published_and_a_pass_publishes_no_counters() {
    let bench = Bench::new(&[]).await;
    bench.app.activity.begin(Job::Outbox);
    bench.app.activity.end(Job::Outbox, false, false);
    let observed = read_files(&bench, None, noon());
    let outbox = [("job_name", "outbox")];
    for is_pass in [false, true] {
        let metrics = read(&whole(&observed.metrics(&super::super::process(&bench.app), is_pass, noon())));
        assert!(metrics.value("quotakeeper_job_failing_since_timestamp_seconds", &outbox).is_some());
        assert_eq!(metrics.samples("quotakeeper_job_runs_total").is_empty(), is_pass);
    }
}
