//! Finds the target that a person names by id, by name, or as quotakeeper prints it.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use crate::domain::quota::{Place, Target};
use crate::history::{Block, History, left_out, thinned};
use crate::report::words;
use crate::text::lookalike;
use crate::text::similarity::nearest;

/// How far back a target is looked for that the newest snapshot does not show: so many snapshots, evenly over the history.
const SEARCHED: i32 = 120;

/// The target that a person means, as the newest snapshot that shows such a one knows it.
pub(super) fn find(history: &History, asked: &str, now: DateTime<Utc>) -> anyhow::Result<Target> {
    let all = history.until(now)?;
    let (Some(first), Some(last)) = (all.first(), all.last()) else {
        anyhow::bail!("the history is empty: `quotakeeper snapshot` takes the first snapshot");
    };
    let written = WrittenTarget::new(asked);
    for at in std::iter::once(*last).chain(thinned(&all, *first, *last, SEARCHED).into_iter().rev()) {
        match written.matching_targets(history, at) {
            Ok(fitting) if fitting.is_empty() => {}
            Ok(fitting) => return only_one(fitting, asked),
            Err(error) => left_out(&error),
        }
    }
    let alike = similar_names(history, *last, asked).unwrap_or_default();
    if alike.is_empty() {
        anyhow::bail!("no snapshot shows {asked}: `quotakeeper targets` lists the targets of the newest one")
    }
    anyhow::bail!("no snapshot shows {asked}. Did you mean {}?", alike.join(" or "))
}

/// The names in a snapshot that are most like what a person wrote.
fn similar_names(history: &History, at: DateTime<Utc>, asked: &str) -> anyhow::Result<Vec<String>> {
    let names = |block: Block| {
        let of = |place: Place<'_>| own_name(&place).to_owned();
        Ok(block.organization()?.places().map(of).collect::<Vec<_>>())
    };
    let names: Vec<Vec<String>> = history.each(at, names, |found| found.collect())?;
    let mut by_key: BTreeMap<String, &String> = BTreeMap::new();
    by_key.extend(names.iter().flatten().map(|name| (lookalike::key(name), name)));
    let alike = nearest(&lookalike::key(asked), by_key.keys().map(String::as_str), 3);
    Ok(alike.into_iter().filter_map(|key| by_key.get(key)).map(|name| words::clean(name, 80)).collect())
}

/// `10452/204117`, or `10452`: what names it alone.
fn id_path(target: &Target) -> String {
    target.aid.as_ref().map_or_else(|| target.org_id.to_string(), |aid| format!("{}/{aid}", target.org_id))
}

fn own_name<'a>(place: &'a Place<'_>) -> &'a str {
    if place.account_group.is_some() { place.account_group_name() } else { place.org_name() }
}

/// How a person names a target: by an id or a name, or with both as everything here prints it, each also behind its organization.
struct WrittenTarget<'a> {
    whole: Name<'a>,
    /// `ORGANIZATION/GROUP` and `ORGANIZATION · GROUP`, where it can be read so.
    parts: Vec<(Name<'a>, Name<'a>)>,
}

struct Name<'a> {
    id: &'a str,
    key: String,
    /// A name, and the id behind it.
    parts: Option<(String, &'a str)>,
}

impl<'a> Name<'a> {
    fn new(text: &'a str) -> Self {
        let parts = text.trim().rsplit_once(' ').map(|(name, id)| (lookalike::key(name), id));
        Self { id: text.trim(), key: lookalike::key(text), parts }
    }

    fn matches(&self, id: &str, name: &str) -> bool {
        let is_name = || {
            let key = lookalike::key(name);
            key == self.key || self.parts.as_ref().is_some_and(|(name, its_id)| *its_id == id && *name == key)
        };
        id == self.id || (!name.is_empty() && is_name())
    }
}

impl<'a> WrittenTarget<'a> {
    fn new(text: &'a str) -> Self {
        let parts = ["/", " · "].into_iter().filter_map(|between| text.split_once(between));
        let parts = parts.map(|(organization, group)| (Name::new(organization), Name::new(group)));
        Self { whole: Name::new(text), parts: parts.collect() }
    }

    /// The targets that fit, with how they are called: those with such an id, else those with such a name.
    fn matching_targets(
        &self,
        history: &History,
        at: DateTime<Utc>,
    ) -> anyhow::Result<Vec<(Target, String)>> {
        let id = self.parts.first().map_or(self.whole.id, |(_, group)| group.id);
        let mut fitting = history.with_id(at, id)?;
        if let Some((organization, _)) = self.parts.first() {
            fitting.retain(|target| target.org_id.as_str() == organization.id && target.aid.is_some());
        }
        if !fitting.is_empty() {
            return Ok(fitting
                .into_iter()
                .map(|target| (target.clone(), format!("({})", id_path(&target))))
                .collect());
        }
        let so_called = |block: Block| {
            let organization = block.organization()?;
            let of_it = |name: &Name<'_>| name.matches(organization.id.as_str(), &organization.name);
            let groups_named: Vec<&Name<'_>> =
                self.parts.iter().filter(|(of, _)| of_it(of)).map(|(_, group)| group).collect();
            let fits = |place: &Place<'_>| {
                let is_it = |name: &Name<'_>| match &place.account_group {
                    Some(group) => name.matches(group.aid.as_str(), place.account_group_name()),
                    None => name.matches(organization.id.as_str(), place.org_name()),
                };
                is_it(&self.whole)
                    || (place.account_group.is_some() && groups_named.iter().any(|name| is_it(name)))
            };
            let called = |place: Place<'_>| {
                let target = place.target();
                let ids = id_path(&target);
                let organization = if target.aid.is_some() && !place.org_name().is_empty() {
                    format!("{} · ", place.org_name())
                } else {
                    String::new()
                };
                let called = words::clean(&format!("{organization}{} ({ids})", own_name(&place)), 160);
                (target, called)
            };
            Ok(organization.places().filter(fits).map(called).collect())
        };
        let found: Vec<Vec<_>> = history.each(at, so_called, |found| found.collect())?;
        Ok(found.concat())
    }
}

/// An error names those that could be meant.
fn only_one(mut fitting: Vec<(Target, String)>, asked: &str) -> anyhow::Result<Target> {
    if fitting.len() == 1
        && let Some((target, _)) = fitting.pop()
    {
        return Ok(target);
    }
    let example = fitting.first().map_or_else(String::new, |(target, _)| id_path(target));
    let all: Vec<String> = fitting.into_iter().map(|(_, called)| called).collect();
    anyhow::bail!(
        "`{asked}` may be {}: use one of the ids in brackets, such as {example}",
        words::listed(&all, 5)
    )
}
