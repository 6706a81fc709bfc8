//! A short message in a few sentences: that a job works again, or that mail works at all.

use chrono::{DateTime, Utc};
use serde::Serialize;

use crate::report::shared::{Imprint, ReportContext, words};

#[derive(Clone, Debug, Serialize)]
pub(crate) struct NoticeReport {
    pub subject: String,
    pub headline: String,
    /// `Recovered`, `Test`.
    pub title: &'static str,
    /// What its subject begins with: `OK`, `Test`.
    #[serde(skip)]
    pub tag: &'static str,
    /// The one thing to do: nothing.
    pub todo: String,
    pub sentences: Vec<String>,
    pub imprint: Imprint,
    /// What in the configuration names its recipients.
    #[serde(skip)]
    pub listed: &'static str,
    #[serde(skip)]
    pub identity: String,
    #[serde(skip)]
    pub thread: String,
}

/// A job failed and was reported; now it works again.
pub(crate) fn recovery_report(
    job: &str,
    since: DateTime<Utc>,
    error: Option<&str>,
    context: &ReportContext,
) -> NoticeReport {
    let moment = |at| words::moment(at, context.zone);
    let job = words::clean(job, 40);
    let lasted = words::age(context.now - since);
    let headline = format!("The {job} job works again, after {lasted}");
    let mut sentences = vec![format!(
        "It failed for {lasted}, from {} to {}. It has caught up, except for missed snapshots, which cannot be taken later.",
        moment(since),
        moment(context.now)
    )];
    if let Some(error) = error {
        sentences.push(format!("The last error was: {}", words::clean(error, 400)));
    }
    NoticeReport {
        subject: headline.clone(),
        headline,
        title: "Recovered",
        tag: "OK",
        todo: String::new(),
        sentences,
        imprint: context.into(),
        listed: "mail.to.failures",
        // Not the time: made again after a crash, it is the same mail.
        identity: format!("{job} works again {}", since.timestamp()),
        thread: outage(&job, since),
    }
}

/// Somebody asked for a mail to see whether mail works.
pub(crate) fn test_report(context: &ReportContext) -> NoticeReport {
    let headline = "Test mail: nothing is wrong".to_owned();
    NoticeReport {
        subject: "mail from quotakeeper arrives".to_owned(),
        headline,
        title: "Test",
        tag: "Test",
        todo: String::new(),
        sentences: vec![
            "Somebody ran `quotakeeper check --send-test-mail` with this address. If you can read this, \
             quotakeeper can send mail to you."
                .to_owned(),
        ],
        imprint: context.into(),
        listed: "--send-test-mail",
        identity: format!("test {}", context.now.timestamp_micros()),
        thread: String::new(),
    }
}

/// The mails about one outage of a job. A thread's name begins with the day before which it has no mail.
pub(super) fn outage(job: &str, since: DateTime<Utc>) -> String {
    format!("{}-failure-{job}", since.format("%Y%m%dT%H%M%SZ"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::fixtures::{at, context};

    #[test]
    fn a_recovery_says_since_when_and_how_long_and_is_one_mail_however_often_it_is_made() {
        let made = |now| {
            recovery_report(
                "snapshot",
                at("11-22T02:00"),
                Some("no\r\nroom"),
                &ReportContext { now: at(now), ..context() },
            )
        };
        let report = made("11-22T05:00");
        assert_eq!(report.headline, "The snapshot job works again, after 3 hours");
        assert!(
            report.sentences[0]
                .contains("for 3 hours, from Sun 22 Nov 2026, 03:00 to Sun 22 Nov 2026, 06:00"),
            "{report:?}"
        );
        assert_eq!(report.sentences[1], "The last error was: no room");
        assert_eq!(report.identity, made("11-22T06:00").identity);
    }
}
