//! The documented exit codes, and how several findings become one of them.

use std::process::ExitCode;

macro_rules! exit_codes {
    ($(#[$enum_doc:meta])* { $($(#[$doc:meta])* $name:ident = $code:literal,)+ }) => {
        $(#[$enum_doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        #[repr(u8)]
        pub(crate) enum Exit { $($(#[$doc])* $name = $code,)+ }

        impl Exit {
            /// What another quotakeeper answered; a code that this one does not know is a failure.
            pub(crate) fn from_code(code: u8) -> Self {
                match code {
                    $($code => Self::$name,)+
                    _ => Self::Failed,
                }
            }
        }
    };
}

exit_codes!(
    /// What the process says to whoever started it. Scripts rely on the numbers.
    {
        /// All is done.
        #[default]
        Done = 0,
        /// Something failed.
        Failed = 1,
        /// The command line is wrong.
        Usage = 2,
        /// `plan --detailed-exitcode` found changes.
        Changes = 3,
        /// Some rows were refused or failed.
        Rows = 4,
        /// Held for approval.
        Held = 5,
        /// Another instance holds the lock (`EX_TEMPFAIL` of sysexits.h).
        Busy = 75,
    }
);

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// What a job came upon that is no error of its own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Findings {
    /// A run failed as a whole.
    pub failed: bool,
    /// Some rows were refused or failed.
    pub rows: bool,
    /// A run is held for approval.
    pub held: bool,
}

impl Findings {
    pub(crate) fn and(self, other: Self) -> Self {
        Self {
            failed: self.failed || other.failed,
            rows: self.rows || other.rows,
            held: self.held || other.held,
        }
    }

    /// Where several hold: failed, then rows, then held.
    pub(crate) fn exit(self) -> Exit {
        match self {
            Self { failed: true, .. } => Exit::Failed,
            Self { rows: true, .. } => Exit::Rows,
            Self { held: true, .. } => Exit::Held,
            Self { .. } => Exit::Done,
        }
    }
}

#[cfg(test)]
mod tests;
