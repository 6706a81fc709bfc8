//! Faults on request: what goes wrong, on which requests, and how often. [`HELP`] is their one description.

use std::str::FromStr;
use std::time::Duration;

/// The grammar of `--fault`, for people.
pub(crate) const HELP: &str = "\
Make something go wrong: KIND[:KEY=VALUE]…; can be repeated.

Kinds:
  429[:reset=S]        refuse with an exhausted rate limit that resets in S seconds (1)
  STATUS               answer with this status (400 to 599) instead of acting
            :done      … but act anyway (429 too)
  drop-before          close the connection without acting and without an answer
  drop-after           act, then close the connection without an answer
  slow:ms=N            wait N milliseconds before the answer
  usage-403            refuse everything below /usage: the token lacks that permission
  bad-row:aid=ID       refuse each batch that holds this account group (400)
  bad-row:org=ID       the same for an organization's own quota
            :silent    … without naming the row
            :partial   … but apply the other rows anyway
  ignore-write         answer as if the write was done, and change nothing

Which requests (default: all):
  path=TEXT            whose `METHOD /path` contains TEXT: path=POST, path=/quotas/assign
  after=N              skip the first N
  every=N              then only each Nth
  count=N              at most N of them

For example: 429:every=10, 500:path=/usage:count=1, drop-after:path=POST:after=1:count=1";

/// One thing that goes wrong. Made from text: see [`HELP`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    kind: Kind,
    path: String,
    after: u64,
    every: u64,
    count: u64,
}

/// What goes wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    TooMany { reset: i64, done: bool },
    Status { status: u16, done: bool },
    DropBefore,
    DropAfter,
    Slow(Duration),
    BadRow(BadRow),
    IgnoreWrite,
}

/// A row that the server refuses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct BadRow {
    pub level: Level,
    pub id: String,
    pub silent: bool,
    pub partial: bool,
}

/// What a row of a batch sits on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Level {
    Organization,
    AccountGroup,
}

impl FromStr for Fault {
    type Err = String;

    fn from_str(spec: &str) -> Result<Self, String> {
        parse(spec).map_err(|problem| format!("{problem}\n\n{HELP}"))
    }
}

fn parse(spec: &str) -> Result<Fault, String> {
    let mut words = spec.split(':');
    let name = words.next().unwrap_or_default();
    let mut given = Parameters(words.map(|word| word.split_once('=').unwrap_or((word, ""))).collect());
    let mut path = "";
    let kind = match name {
        "429" => {
            Kind::TooMany { reset: given.number("reset")?.unwrap_or(1), done: given.take("done").is_some() }
        }
        "drop-before" => Kind::DropBefore,
        "drop-after" => Kind::DropAfter,
        "slow" => {
            let ms = given.number("ms")?.ok_or("`slow` needs its milliseconds: slow:ms=500")?;
            Kind::Slow(Duration::from_millis(ms))
        }
        "usage-403" => {
            path = "/usage";
            Kind::Status { status: 403, done: false }
        }
        "bad-row" => Kind::BadRow(bad_row(&mut given)?),
        "ignore-write" => Kind::IgnoreWrite,
        status => match status.parse() {
            Ok(status @ 400..=599) => Kind::Status { status, done: given.take("done").is_some() },
            Ok(other) => return Err(format!("a fault's status is 400 to 599, not {other}")),
            Err(_) => return Err(format!("there is no fault `{name}`")),
        },
    };
    let fault = Fault {
        kind,
        path: given.take("path").unwrap_or(path).to_owned(),
        after: given.number("after")?.unwrap_or(0),
        every: given.number("every")?.unwrap_or(1),
        count: given.number("count")?.unwrap_or(u64::MAX),
    };
    if fault.every == 0 {
        return Err("`every` is at least 1".to_owned());
    }
    match given.0.first() {
        None => Ok(fault),
        Some((key, _)) => Err(format!("`{name}` takes no `{key}`")),
    }
}

fn bad_row(given: &mut Parameters) -> Result<BadRow, String> {
    let (level, id) = match (given.take("aid"), given.take("org")) {
        (Some(aid), None) => (Level::AccountGroup, aid),
        (None, Some(org)) => (Level::Organization, org),
        _ => return Err("`bad-row` needs one id: bad-row:aid=204117 or bad-row:org=10452".to_owned()),
    };
    let (silent, partial) = (given.take("silent").is_some(), given.take("partial").is_some());
    Ok(BadRow { level, id: id.to_owned(), silent, partial })
}

/// The `key=value` parts that nobody has taken yet.
struct Parameters<'a>(Vec<(&'a str, &'a str)>);

impl<'a> Parameters<'a> {
    fn take(&mut self, key: &str) -> Option<&'a str> {
        let index = self.0.iter().position(|(given, _)| *given == key)?;
        Some(self.0.remove(index).1)
    }

    fn number<N: FromStr>(&mut self, key: &str) -> Result<Option<N>, String> {
        let number =
            |text: &str| text.parse().map_err(|_| format!("`{key}` is a whole number, not `{text}`"));
        self.take(key).map(number).transpose()
    }
}

/// A fault with its counts.
#[derive(Debug)]
pub(super) struct ArmedFault {
    fault: Fault,
    matched: u64,
    struck: u64,
}

impl ArmedFault {
    pub(super) fn new(fault: Fault) -> Self {
        Self { fault, matched: 0, struck: 0 }
    }

    /// Counts one request, and says what happens to it. `line` is its `METHOD /path`.
    pub(super) fn take_if_due(&mut self, line: &str, body: &str) -> Option<Kind> {
        if !self.fault.applies_to(line, body) {
            return None;
        }
        self.matched += 1;
        let beyond = self.matched.saturating_sub(self.fault.after);
        let due = beyond > 0 && beyond.is_multiple_of(self.fault.every) && self.struck < self.fault.count;
        due.then(|| {
            self.struck += 1;
            self.fault.kind.clone()
        })
    }
}

impl Fault {
    fn applies_to(&self, line: &str, body: &str) -> bool {
        line.contains(&self.path)
            && match &self.kind {
                Kind::BadRow(row) => {
                    let of_groups = line.contains("/account-groups/");
                    of_groups == (row.level == Level::AccountGroup)
                        && body.contains(&format!("\"{}\"", row.id))
                }
                Kind::IgnoreWrite => line.starts_with("POST"),
                _ => true,
            }
    }
}

#[cfg(test)]
mod tests;
