//! What the usage mail says about the account groups that it does not list.

use crate::report::ranking::{Ranked, Ranking};
use crate::report::shared::level::Level;
use crate::report::shared::words;
use crate::text::words::grouped;

/// So many are named of those that share a sentence.
const NAMED: usize = 8;

/// One sentence for each kind of account group that is not listed. The first `listed` of the measured ones are.
pub(in crate::report) fn unlisted_sentences(ranking: &Ranking<'_>, listed: usize) -> Vec<String> {
    let mut sentences = Vec::new();
    let unlisted = || ranking.groups().filter(|group| ranking.is_measured(group)).skip(listed);
    let bad = || unlisted().filter(|group| group.rank.level > Level::Fine);
    match bad().count() {
        0 => {}
        count => {
            let out = bad().filter(|group| group.rank.runs_out()).count();
            sentences.push(bad_sentence(count, out));
        }
    }
    let fine = || unlisted().filter(|group| group.rank.level == Level::Fine);
    let share = |group: &Ranked<'_>| words::percent(ranking.needed(group)?, group.place.quota()?);
    if let Some(worst) = fine().filter_map(share).max() {
        let count = fine().count();
        let subject =
            if listed == 0 { words::counted(count, "account group") } else { words::counted(count, "other") };
        let verb = if count == 1 { "is" } else { "are" };
        sentences.push(format!(
            "{subject} {verb} fine: none is projected above {} % of its quota.",
            grouped(worst)
        ));
    }
    let named = |is_one: &dyn Fn(&Ranked<'_>) -> bool| {
        let those = || ranking.groups().filter(|group| is_one(group));
        let count = those().count();
        let labels = those().take(NAMED).map(|group| ranking.status(group).label());
        (count > 0).then(|| (count, words::first_of(&labels.collect::<Vec<_>>(), count)))
    };
    if let Some((count, names)) = named(&|group| group.place.quota().is_none()) {
        let verb = if count == 1 { "has" } else { "have" };
        sentences.push(format!("{} {verb} no quota (unlimited): {names}.", words::number(count)));
    }
    if let Some((count, names)) = named(&|group| group.place.quota().is_some() && !ranking.is_measured(group))
    {
        sentences
            .push(format!("The usage of {} is unknown: {names}.", words::counted(count, "account group")));
    }
    if let Some((count, names)) = named(&|group| ranking.used(group) == Some(0)) {
        sentences.push(format!("{} used nothing in this cycle: {names}.", words::number(count)));
    }
    sentences
}

/// `out` of so many more that need attention will run out.
fn bad_sentence(count: usize, out: usize) -> String {
    let need = if count == 1 { "needs" } else { "need" };
    let out = match out {
        0 => String::new(),
        1 if count == 1 => " and will run out".to_owned(),
        out if out == count => " and all of them will run out".to_owned(),
        out => format!(", and {} of them will run out", words::number(out)),
    };
    format!("{} more {need} attention{out}.", words::number(count))
}
