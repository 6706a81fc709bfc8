//! How requests are counted.

use super::*;

#[test]
fn tries_are_counted_by_operation_and_status_and_paths_add_no_labels() {
    let mut tally = RequestCounts::default();
    for (method, path, event) in [
        ("GET", "/usage", Event::Status(200)),
        ("GET", "/usage", Event::Status(429)),
        ("GET", "/usage", Event::Status(200)),
        ("POST", "/quotas/assign", Event::NoAnswer),
        ("GET", "/usage/units/tests/4711", Event::NotConnected),
    ] {
        tally.count(&Call { method, path: path.to_owned() }, event);
    }
    let counts: Vec<_> = tally.into_counts().into_iter().collect();
    let count = |operation, status: &str, count| ((operation, status.to_owned()), count);
    assert_eq!(
        counts,
        [
            count("GET /usage", "200", 2),
            count("GET /usage", "429", 1),
            count("POST /quotas/assign", "no_answer", 1),
            count("other", "not_connected", 1)
        ]
    );
}
