//! Words that somebody may have meant.

use super::*;

#[test]
fn the_most_similar_come_first_and_a_word_like_no_other_finds_nothing() {
    let known = || ["helpdesk west", "helpdesk", "payments"].into_iter();
    assert_eq!(nearest("helpdsk", known(), 2), ["helpdesk", "helpdesk west"]);
    assert_eq!(nearest("helpdsk", known(), 1), ["helpdesk"]);
    assert_eq!(nearest("xyz", known(), 2), Vec::<&str>::new());
    assert_eq!(nearest(&"helpdesk".repeat(100), known(), 2), Vec::<&str>::new());
}
