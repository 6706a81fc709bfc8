//! The policy by its figures: nothing else states them but the documentation, which a test compares.

use super::*;
use crate::text::words::{age, spelled_time};

#[test]
fn the_documentation_says_how_long_a_message_is_tried() {
    let page = include_str!("../../../docs/operations.md");
    let sentence = format!("Other messages are tried for {}.", spelled_time(GIVE_UP));
    assert!(page.contains(&sentence), "docs/operations.md does not say: {sentence}");
}

#[test]
fn the_architecture_says_the_policy_of_mail() {
    let page = include_str!("../../../docs/architecture.md");
    let row = format!(
        "after {}, then twice as long each time, up to {} | after {}, or",
        age(FIRST_WAIT),
        age(LONGEST_WAIT),
        spelled_time(GIVE_UP)
    );
    assert!(page.contains(&row), "docs/architecture.md does not say: {row}");
}

#[test]
fn waits_double_from_a_minute_to_four_hours() {
    let minutes = (1..12).map(|attempts| wait_after(attempts).num_minutes());
    assert_eq!(minutes.collect::<Vec<_>>(), [1, 2, 4, 8, 16, 32, 64, 128, 240, 240, 240]);
}
