//! How people read the counts of a run.

use super::*;

#[test]
fn people_read_how_rows_ended_in_the_words_of_the_mails_and_no_codes() {
    let now = DateTime::UNIX_EPOCH;
    let mut record = RunRecord::new("r".into(), "a.csv", true, now);
    assert_eq!(record.counts_in_words(), "");
    record.counts = [("applied", 1_200), ("bad_row", 1), ("not_sent", 2), ("stale", 3)]
        .map(|(code, count)| (code.to_owned(), count))
        .into();
    assert_eq!(record.counts_in_words(), "1 200 applied, 4 refused, 2 not sent");
    record.counts = Code::ALL.iter().map(|code| (code.to_string(), 1)).collect();
    assert!(!record.counts_in_words().contains('_'), "{}", record.counts_in_words());
}
