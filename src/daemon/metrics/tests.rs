//! The metrics as a scraper reads them, with a reader of its own.

use proptest::prelude::*;
use testkit::exposition::Exposition as Read;

use super::*;
use crate::config::Alerts;
use crate::domain::quota::{Snapshot, SnapshotRow, Target, UsageRule};
use crate::report::fixtures::{context, group};
use crate::report::{JudgingContext, QuotaStatus, Slopes, quota_statuses};

fn stand(rows: Vec<SnapshotRow<'static>>) -> Vec<QuotaStatus> {
    let snapshot = Snapshot::new(context().now, rows);
    let (rule, alerts, context) = (UsageRule::default(), Alerts::default(), context());
    let judging =
        JudgingContext { taken_at: snapshot.taken_at, rule: &rule, alerts: &alerts, context: &context };
    quota_statuses(&snapshot, &Slopes::default(), judging).collect()
}

/// What the metrics have to say of a target; none where it is unknown.
pub(crate) fn figures(status: &QuotaStatus) -> [(&'static str, Option<f64>); 4] {
    #[expect(clippy::cast_precision_loss, reason = "Prometheus counts in floats")]
    let float = |figure: Option<i64>| figure.map(|figure| figure as f64);
    [
        ("quotakeeper_quota_units", float(status.quota)),
        ("quotakeeper_used_units", float(status.used)),
        ("quotakeeper_projected_units", float(status.projected)),
        ("quotakeeper_runs_out_timestamp_seconds", float(status.runs_out_at.map(|at| at.timestamp()))),
    ]
}

fn targets(statuses: impl Iterator<Item = QuotaStatus>) -> String {
    let targets = super::targets(statuses.map(Ok), || tempfile::SpooledTempFile::new(1 << 20)).unwrap();
    for text in &targets {
        assert_eq!(matches!(text, Text::File(..)), text.length() > 1 << 20, "{text:?}");
    }
    let text = Metrics { sheet: String::new(), targets }.into_bytes().unwrap();
    String::from_utf8(text).unwrap()
}

fn read(text: &str) -> Read {
    Read::read(text).unwrap_or_else(|problem| panic!("{problem}\n{text}"))
}

/// A sheet on which nothing is unknown.
fn full() -> MetricsInput<'static> {
    let at = context().now;
    let job = JobMetrics {
        name: "snapshot".into(),
        last_success: Some(at),
        took: Some(Duration::from_millis(1250)),
        failing_since: Some(at),
        due: Some(at),
    };
    let tally = JobCounts { successes: 7, failures: 1, busy: Duration::from_millis(8500) };
    MetricsInput {
        version: "0.1.0",
        jobs: vec![job],
        panics: 1,
        outbox: OutboxMetrics { new: 2, dead: 1, oldest: Some(at) },
        runs: BTreeMap::from([(RunState::Held, 3)]),
        unreadable: Unreadable { runs: 1, mails: 2 },
        held_since: Some(at),
        api: Some(ApiMetrics { limit: Some(240), remaining: Some(200), wait: Duration::from_secs(12) }),
        counters: Some(Counters {
            jobs: BTreeMap::from([("snapshot".to_owned(), tally)]),
            requests: BTreeMap::from([(("GET /usage", "200".to_owned()), 9)]),
            refusals: 4,
        }),
        snapshot: Some(at),
    }
}

fn all_targets() -> String {
    targets(stand(vec![group("1", "Lab", Some(1000), 500, 1200)]).into_iter())
}

#[test]
fn a_sheet_on_which_all_is_known() {
    let text = render(&full()) + &all_targets();
    read(&text);
    insta::assert_snapshot!(text);
}

#[test]
fn what_is_unknown_is_absent_and_never_zero() {
    let unknown = SnapshotRow::new(Target::account_group("10", "7"));
    let used_nothing = group("8", "Quiet", None, 0, 0);
    let text = targets(stand(vec![unknown, used_nothing]).into_iter());
    let read_back = read(&text);
    for name in ["quotakeeper_quota_units", "quotakeeper_used_units", "quotakeeper_projected_units"] {
        assert_eq!(read_back.value(name, &[("aid", "7")]), None, "{text}");
    }
    assert_eq!(read_back.value("quotakeeper_used_units", &[("aid", "8")]), Some(0.0));
    assert_eq!(read_back.samples("quotakeeper_quota_units").len(), 0);
    assert_eq!(read_back.samples("quotakeeper_runs_out_timestamp_seconds").len(), 0);

    let empty = render(&MetricsInput { version: "0.1.0", ..MetricsInput::default() });
    let names = read(&empty);
    let names = names.names();
    assert_eq!(
        names.into_iter().collect::<Vec<_>>(),
        [
            "quotakeeper_build_info",
            "quotakeeper_job_panics_total",
            "quotakeeper_outbox_messages",
            "quotakeeper_runs",
            "quotakeeper_unreadable_records"
        ],
        "a count of nothing is known to be 0"
    );
}

#[test]
fn an_organizations_own_figures_have_no_account_group() {
    let own = SnapshotRow {
        org_name: "Acme".into(),
        quota: Some(9),
        ..SnapshotRow::new(Target::organization("10"))
    };
    let text = targets(stand(vec![own]).into_iter());
    assert!(text.contains("quotakeeper_quota_units{org_id=\"10\",org_name=\"Acme\"} 9\n"), "{text}");
}

#[test]
fn ten_thousand_account_groups_stay_below_eight_megabytes() {
    let long = "A name as long as names are in practice, EMEA";
    let rows = (0..10_000).map(|aid| group(&(200_000 + aid).to_string(), long, Some(9000), 4000, 9500));
    let text = targets(stand(rows.collect()).into_iter());
    assert_eq!(read(&text).samples("quotakeeper_quota_units").len(), 10_000);
    assert!(text.len() < 8 << 20, "{}", text.len());
}

#[test]
fn the_dashboard_and_the_rules_ask_for_metrics_that_there_are() {
    let text = render(&full()) + &all_targets();
    let known = read(&text);
    let known = known.names();
    let dashboard = include_str!("../../../config/grafana/quotakeeper.json");
    let rules = include_str!("../../../config/prometheus/quotakeeper.rules.yml");
    let tests = include_str!("../../../config/prometheus/quotakeeper.rules.test.yml");
    for (file, asks, least) in [("dashboard", dashboard, 12), ("rules", rules, 8), ("tests", tests, 8)] {
        let words = asks.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
        let asked: std::collections::BTreeSet<_> =
            words.filter(|word| word.starts_with("quotakeeper_")).collect();
        assert!(asked.len() >= least, "{file}: {asked:?}");
        for name in asked {
            assert!(known.contains(name), "{file}: {name} is none of {known:?}");
        }
    }
}

proptest! {
    #[test]
    fn a_scraper_reads_back_any_names_and_figures(
        names in proptest::collection::vec(("\\PC{0,12}|[\"\\\\\n\r\t{},= #]{0,8}", any::<Option<i64>>(), any::<Option<i64>>()), 1..8),
    ) {
        let rows = names.iter().enumerate().map(|(aid, (name, quota, used))| SnapshotRow {
            org_name: name.chars().rev().collect(),
            account_group_name: name.clone().into(),
            quota: *quota,
            usage: crate::domain::quota::Usage {
                cloud_used: *used, cloud_projected: *used, enterprise_used: Some(0), enterprise_projected: Some(0),
                ..crate::domain::quota::Usage::default()
            },
            ..SnapshotRow::new(Target::account_group("1\"0", (100 + aid).to_string().as_str()))
        });
        let statuses = stand(rows.collect());
        let text = targets(statuses.iter().cloned());
        if text.is_empty() {
            return Ok(());
        }
        let read_back = Read::read(&text).map_err(TestCaseError::fail)?;
        for status in &statuses {
            let aid = status.target.aid.as_ref().unwrap().as_str();
            let labels = [
                ("org_id", "1\"0"), ("org_name", &*status.org_name), ("aid", aid),
                ("account_group_name", &*status.name),
            ];
            for (name, figure) in figures(status) {
                prop_assert_eq!(read_back.value(name, &labels), figure, "{} {}", name, aid);
            }
        }
    }
}
