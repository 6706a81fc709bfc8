//! What kind of reason a row is held or refused for, in the words that hundreds of such rows share.

use crate::change::{Code, Guard};

/// The kind of a reason. Rows of one kind may differ in their figures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Cause {
    Held(Guard),
    Refused(Code),
}

impl Cause {
    pub(super) fn summary(self) -> &'static str {
        match self {
            Self::Held(guard) => guard.summary(),
            Self::Refused(code) => match code {
                Code::BadRow => "a cell cannot be read",
                Code::Duplicate => "another row is for the same target",
                Code::UnknownTarget => "there is no such target, or the token cannot see it",
                Code::AmbiguousTarget => "the row does not clearly identify its target",
                Code::Stale => "the quota is no longer the expected one",
                Code::NotSent => "they were not sent",
                Code::Rejected => "they were rejected",
                Code::Held => "a guard holds them",
                Code::ChangedMeanwhile => "the quota was changed meanwhile",
                Code::Refused => "ThousandEyes refused them",
                Code::NotConfirmed => "ThousandEyes does not show the new quota",
            },
        }
    }
}
