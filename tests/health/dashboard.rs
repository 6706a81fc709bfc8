//! The dashboard for Grafana: `promtool` knows no dashboards.

use serde_json::Value;

const DASHBOARD: &str = include_str!("../../config/grafana/quotakeeper.json");

struct Panel {
    title: String,
    queries: Vec<String>,
}

/// The panels below each heading.
fn rows() -> Vec<(String, Vec<Panel>)> {
    let dashboard: Value = serde_json::from_str(DASHBOARD).unwrap();
    let mut rows: Vec<(String, Vec<Panel>)> = Vec::new();
    for panel in dashboard["panels"].as_array().unwrap() {
        let title = panel["title"].as_str().unwrap().to_owned();
        if panel["type"] == "row" {
            rows.push((title, Vec::new()));
            continue;
        }
        let queries = panel["targets"].as_array().unwrap().iter();
        let queries = queries.map(|query| query["expr"].as_str().unwrap().to_owned()).collect();
        rows.last_mut().expect("each panel is below a heading").1.push(Panel { title, queries });
    }
    rows
}

#[test]
fn a_heading_says_whether_the_selected_organization_filters_what_is_below() {
    for (heading, panels) in rows() {
        let is_filtered = heading.contains("of the selected organizations");
        assert_ne!(is_filtered, heading.contains("whatever organization is selected"), "{heading}");
        assert!(!panels.is_empty(), "{heading}");
        for Panel { title, queries } in panels {
            for query in queries {
                assert_eq!(query.contains("org_id=~\"$org_id\""), is_filtered, "{title}: {query}");
                assert!(query.contains("instance=~\"$instance\""), "{title}: {query}");
            }
        }
    }
}

#[test]
fn a_used_up_quota_stays_in_the_table_of_those_that_run_out() {
    let rows = rows();
    let queries = &rows[0].1[0].queries;
    assert_eq!(queries.len(), 4);
    for query in queries {
        assert!(query.contains(" or ((quotakeeper_used_units"), "{query}");
    }
}
