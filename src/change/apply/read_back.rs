//! The end of an apply: what was sent is read back, and a row is applied only if the API says so.

use std::collections::BTreeSet;
use std::time::Duration;

use tracing::warn;

use super::progress::Progress;
use super::{Apply, GuardedAgain};
use crate::change::codes::{Code, Problem};
use crate::change::outcome::Outcome;
use crate::change::run::journal::Event;
use crate::domain::quota::Target;
use crate::text::words::quota_text;
use crate::thousandeyes::progress::Phase;
use crate::thousandeyes::{AccountGroup, Error};

/// The waits before the read-backs at the end: a server may take a while to show what it took.
const READ_BACKS: [u64; 4] = [0, 2, 5, 10];

impl<G> Apply<'_, G>
where
    G: AsyncFnMut(&BTreeSet<usize>) -> anyhow::Result<GuardedAgain>,
{
    /// Reads all sent rows back, again after a while where the API does not show them yet.
    pub(super) async fn verify(&mut self, progress: &mut Progress) -> anyhow::Result<()> {
        let mut waiting = std::mem::take(&mut progress.sent);
        let mut no_answer = None;
        for seconds in READ_BACKS {
            if waiting.is_empty() && progress.refused.is_empty() {
                return Ok(());
            }
            self.show_progress(Phase::ReadingBack, progress, 0);
            self.pause(Duration::from_secs(seconds)).await?;
            no_answer = match progress.read_quotas(self.client).await {
                Ok(()) => None,
                // An answer without quotas shows nothing of any row, and must not pass for "no quota".
                Err(error @ Error::Unusable { .. }) => {
                    warn!(%error, "the quotas cannot be read back");
                    Some(error.to_string())
                }
                Err(error) => return Err(error.into()),
            };
            if no_answer.is_some() {
                continue;
            }
            for (row, problem) in std::mem::take(&mut progress.refused) {
                match progress.quota(&row.target) == Ok(row.after) {
                    // So reads a target that was deleted, or moved to another organization.
                    true if row.after.is_none() && !self.is_visible(&row.target).await => {
                        let message = format!(
                            "{}. It has no quota now, but it is no longer visible either: check it in ThousandEyes",
                            problem.message.trim_end_matches('.')
                        );
                        self.settle(progress, &[row.row], &Problem { code: Code::NotConfirmed, message })?;
                    }
                    true => drop(waiting.insert(row.row, row)), // refused, and applied anyway
                    false => self.settle(progress, &[row.row], &problem)?,
                }
            }
            let confirmed: Vec<usize> = waiting
                .values()
                .filter(|row| progress.quota(&row.target) == Ok(row.after))
                .map(|row| row.row)
                .collect();
            if !confirmed.is_empty() {
                self.journal.append(&Event::Verified { at: self.clock.now(), rows: confirmed.clone() })?;
            }
            for row in confirmed {
                if let Some(row) = waiting.remove(&row) {
                    progress.ended.insert(row.row, Outcome::Applied { before: row.before, after: row.after });
                }
            }
        }
        for (row, problem) in std::mem::take(&mut progress.refused) {
            self.settle(progress, &[row.row], &problem)?;
        }
        for row in waiting.into_values() {
            // Of a request that was answered, the answer was a good one.
            let sent = progress.causes.get(&row.row);
            let sent = sent
                .map_or_else(|| "sent".to_owned(), |cause| format!("sent without a clear answer ({cause})"));
            let unknown = |why: &str| {
                format!(
                    "{sent}, but whether it took effect is unknown: {}. Check the quota, and drop the row again if you \
                     still want it",
                    why.trim_end_matches('.')
                )
            };
            let message = match (&no_answer, progress.quota(&row.target)) {
                (Some(why), _) => unknown(why),
                (None, Err(why)) => unknown(&why),
                (None, Ok(now)) => format!(
                    "{sent}, but the quota reads back as {} instead of {}: check it, and drop the row again if you \
                     still want it",
                    quota_text(now),
                    quota_text(row.after)
                ),
            };
            self.settle(progress, &[row.row], &Problem { code: Code::NotConfirmed, message })?;
        }
        Ok(())
    }

    /// Whether the API shows the account group, or any of the organization whose own quota is meant.
    async fn is_visible(&self, target: &Target) -> bool {
        let is_of = |group: &AccountGroup| {
            group.org_id.as_ref() == Some(&target.org_id)
                && target.aid.as_ref().is_none_or(|aid| *aid == group.aid)
        };
        self.client.account_groups().await.is_ok_and(|groups| groups.iter().any(is_of))
    }
}
