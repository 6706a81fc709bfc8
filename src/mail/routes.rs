//! Who owns which targets: `mail.routes_file`, a CSV `org_id,aid,emails` that people keep in a spreadsheet.
//!
//! Pure. A row that is wrong is reported and the others count, so that a typing error takes nobody else's mail.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use lettre::message::Mailbox;

use crate::change::parse::sheet::{Sheet, SheetRow, id_pattern};
use crate::config;
use crate::domain::quota::{Snapshot, Target};
use crate::report::Share;
use crate::text::glob;
use crate::text::words;

/// The footer of a mail names so many of the rows that it was sent for.
const ROWS_TOLD: usize = 3;

/// The whole file. No `Debug`: an address is nobody's business in a log.
#[derive(Default)]
pub(crate) struct Routes {
    rows: Vec<Route>,
    /// Where the routes of a target stand that is named by its ids.
    exact: HashMap<Target, Vec<usize>>,
    /// Where those with a `*` stand.
    patterns: Vec<usize>,
    owners: Owners,
}

/// Each owner as first written, by the address in small letters.
type Owners = BTreeMap<String, String>;

/// One row. Without an `aid` it is the organization's own quota, as in a change file.
struct Route {
    row: usize,
    org_id: String,
    aid: String,
    /// Keys of all [`Owners`].
    owners: BTreeSet<String>,
}

impl Routes {
    /// Reads the file. The problems are full sentences that name row and column; what is not wrong counts anyway.
    pub(crate) fn parse(bytes: &[u8]) -> (Self, Vec<String>) {
        let mut routes = Self::default();
        let sheet = match Sheet::read(bytes) {
            Ok(sheet) => sheet,
            Err(sentence) => return (routes, vec![sentence]),
        };
        let columns = (sheet.org_id(), sheet.aid(), sheet.column(&["emails", "email"]));
        let (Some(org_id), Some(aid), Some(emails)) = columns else {
            let has = if sheet.header().is_empty() { "nothing".to_owned() } else { sheet.header() };
            let mut problems = sheet.problems;
            problems.insert(
                0,
                format!("The first row must name the columns org_id, aid and emails. It has {has}."),
            );
            return (routes, problems);
        };
        let mut problems = sheet.problems;
        for row in &sheet.rows {
            match route(row, [org_id, aid, emails]) {
                Ok((route, owners)) => routes.add(route, owners),
                Err(of_row) => problems.extend(of_row),
            }
        }
        (routes, problems)
    }

    fn add(&mut self, route: Route, owners: Owners) {
        let index = self.rows.len();
        for (address, written) in owners {
            self.owners.entry(address).or_insert(written);
        }
        if route.org_id.contains('*') || route.aid.contains('*') {
            self.patterns.push(index);
        } else {
            let target = match route.aid.as_str() {
                "" => Target::organization(route.org_id.as_str()),
                aid => Target::account_group(route.org_id.as_str(), aid),
            };
            self.exact.entry(target).or_default().push(index);
        }
        self.rows.push(route);
    }

    /// How many rows there are, and how many people they name.
    pub(crate) fn count(&self) -> (usize, usize) {
        (self.rows.len(), self.owners.len())
    }

    /// Every route that leads to a target.
    fn leading_to<'r>(&'r self, target: &'r Target) -> impl Iterator<Item = usize> + 'r {
        let exact = self.exact.get(target).map_or(&[][..], Vec::as_slice);
        exact.iter().chain(self.patterns.iter().filter(|index| self.rows[**index].matches(target))).copied()
    }

    /// Who owns a target, as the file writes it.
    pub(crate) fn owners(&self, target: &Target) -> Vec<String> {
        let keys: BTreeSet<&String> =
            self.leading_to(target).flat_map(|route| &self.rows[route].owners).collect();
        keys.into_iter().map(|key| self.owners[key].clone()).collect()
    }

    /// The account groups of a snapshot that nobody owns, by name.
    pub(crate) fn without_owner(&self, snapshot: &Snapshot) -> Vec<String> {
        let groups = snapshot.rows().filter(|row| row.target.aid.is_some());
        let ownerless = groups.filter(|row| self.leading_to(&row.target).next().is_none());
        ownerless.map(|row| words::clean(row.name(), 60)).collect()
    }

    /// Who gets mail about these targets. Owners of the same ones share a message, and everybody gets one; but not who
    /// gets mail about all targets anyway.
    pub(crate) fn split_by_owners<'t>(
        &self,
        targets: impl IntoIterator<Item = &'t Target>,
        told_anyway: &[String],
    ) -> Vec<Share> {
        let told_anyway: BTreeSet<String> =
            told_anyway.iter().filter_map(|written| Some(address(&config::mailbox(written).ok()?))).collect();
        let mut owned: BTreeMap<&String, (BTreeSet<&Target>, BTreeSet<usize>)> = BTreeMap::new();
        for target in targets.into_iter().collect::<BTreeSet<_>>() {
            for index in self.leading_to(target) {
                for owner in self.rows[index].owners.difference(&told_anyway) {
                    let (theirs, by) = owned.entry(owner).or_default();
                    theirs.insert(target);
                    by.insert(index);
                }
            }
        }
        let mut alike: BTreeMap<BTreeSet<&Target>, (Vec<&String>, BTreeSet<usize>)> = BTreeMap::new();
        for (owner, (theirs, routes)) in owned {
            let (owners, by) = alike.entry(theirs).or_default();
            owners.push(owner);
            by.extend(routes);
        }
        let share = |(targets, (owners, by)): (BTreeSet<&Target>, (Vec<&String>, BTreeSet<usize>))| Share {
            targets: targets.into_iter().cloned().collect(),
            recipients: owners.into_iter().map(|owner| self.owners[owner].clone()).collect(),
            listed: self.rows_in_words(&by),
        };
        alike.into_iter().map(share).collect()
    }

    /// `mail.routes_file, row 3 (10452, 2041*)`.
    fn rows_in_words(&self, routes: &BTreeSet<usize>) -> String {
        let row = |index: &usize| {
            let Route { row, org_id, aid, .. } = &self.rows[*index];
            format!("row {row} ({org_id}{}{aid})", if aid.is_empty() { "" } else { ", " })
        };
        let rows: Vec<String> = routes.iter().map(row).collect();
        format!("mail.routes_file, {}", words::listed(&rows, ROWS_TOLD))
    }
}

impl Route {
    fn matches(&self, target: &Target) -> bool {
        glob::matches(&self.org_id, target.org_id.as_str())
            && match &target.aid {
                Some(aid) => !self.aid.is_empty() && glob::matches(&self.aid, aid.as_str()),
                None => self.aid.is_empty(),
            }
    }
}

/// One row, and its owners by address and as written; or everything that is wrong with it.
fn route(row: &SheetRow, columns: [usize; 3]) -> Result<(Route, Owners), Vec<String>> {
    let mut problems = Vec::new();
    let mut wrong = |column: &str, sentence: &str| {
        problems.push(format!("Row {}, column `{column}`: {sentence}", row.number));
    };
    let [org_id, aid, emails] = columns.map(|column| row.text(column));
    for (column, text) in [("org_id", org_id), ("aid", aid)] {
        if let Err(sentence) = if text.is_empty() { Ok(()) } else { id_pattern(text) } {
            wrong(column, &sentence);
        }
    }
    if org_id.is_empty() {
        wrong("org_id", "it is empty. Type the organization's id, or * for every organization.");
    }
    let mut owners = Owners::new();
    for text in emails.split([';', '|']).map(str::trim).filter(|text| !text.is_empty()) {
        match config::mailbox(text) {
            Ok(mailbox) => {
                owners.entry(address(&mailbox)).or_insert_with(|| text.to_owned());
            }
            Err(why) => {
                wrong("emails", &format!("{}. Between several of them put ; or |.", words::clean(&why, 200)));
            }
        }
    }
    if emails.split([';', '|']).all(|text| text.trim().is_empty()) {
        wrong("emails", "it is empty. Type an address, or delete the row.");
    }
    if !problems.is_empty() {
        return Err(problems);
    }
    let addresses = owners.keys().cloned().collect();
    let route = Route { row: row.number, org_id: org_id.to_owned(), aid: aid.to_owned(), owners: addresses };
    Ok((route, owners))
}

/// Two ways to write one address are one owner.
fn address(mailbox: &Mailbox) -> String {
    mailbox.email.to_string().to_lowercase()
}

#[cfg(test)]
mod tests;
