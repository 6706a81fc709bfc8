//! A short message in a few sentences: that a job works again, or that mail works at all.

use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;

use crate::report::shared::{Footer, ReportContext, words};

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
    pub imprint: Footer,
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
    let lasted = context.now - since;
    let (headline, failed) = if lasted < TimeDelta::minutes(1) {
        // From 18:09 to 18:09 would be no time at all, and nothing was missed in it.
        let failed = format!("It failed on {}, and worked again within a minute.", moment(since));
        (format!("The {job} job works again, after less than a minute"), failed)
    } else {
        let (lasted, from, to) = (words::age(lasted), moment(since), moment(context.now));
        let failed = format!(
            "It failed for {lasted}, from {from} to {to}. It has caught up, except for missed snapshots, which cannot be \
             taken later."
        );
        (format!("The {job} job works again, after {lasted}"), failed)
    };
    let mut sentences = vec![failed];
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
mod tests;
