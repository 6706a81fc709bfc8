//! Turns a TOML file and the environment into a [`Config`], collecting every problem with its file, line and key.
//!
//! A value that does not fit is reported and taken out, then the rest is read again, until nothing is wrong
//! any more: so one run of `check` shows all that is to be fixed.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use serde_path_to_error::Segment;
use toml::{Table, Value};

use super::environment::{self, Environment, PREFIX};
use super::location::{FromEnvironment, LocatedProblem, Source, in_order};
use super::ranges::describe;
use super::secrets::{CLIENT_SECRET, PASSWORD, find_secrets, register_secrets};
use super::shape::{Misfit, Step, misfits};
use super::typed::{ValueReader, WrongValue};
use super::{Config, Data, trust};
use crate::config::types::ConfigError;
use crate::files;
use crate::text::similarity::nearest;

/// Reads the file (if there is one) and lets the environment win over it.
pub(crate) fn load(file: Option<&Path>, environment: &Environment) -> Result<Config, ConfigError> {
    let text = match file {
        None => String::new(),
        Some(path) => read(path).map_err(|problem| ConfigError { problems: vec![problem] })?,
    };
    let name = file.map_or_else(String::new, |path| path.display().to_string());
    let source = Source { name, text: &text };
    let mut table: Table = source.parse()?;
    let from_environment = overlay(&mut table, environment);

    let mut problems: Vec<LocatedProblem> =
        environment::unreadable(environment).map(|text| LocatedProblem { line: None, text }).collect();
    let mut taken_out = Vec::new();
    // From the end, so that the places in lists still hold.
    for Misfit { path, problem, wants_text } in misfits(&table).into_iter().rev() {
        if wants_text && retry_as_text(&mut table, &path, &from_environment) {
            continue;
        }
        problems.push(source.locate(&path, &from_environment, &problem));
        remove(&mut table, &path);
        taken_out.push(path);
    }
    let mut config = loop {
        let value = Value::Table(table.clone());
        match serde_path_to_error::deserialize::<_, Config>(ValueReader(&value)) {
            Ok(config) => break config,
            Err(error) => {
                let path = key_path(error.path(), error.inner());
                if retry_as_text(&mut table, &path, &from_environment) {
                    continue;
                }
                problems.push(source.locate(&path, &from_environment, &explain(error.inner(), &path)));
                if !remove(&mut table, &path) {
                    return Err(in_order(problems));
                }
                taken_out.push(path);
            }
        }
    };
    find_secrets(&mut config, environment, file.and_then(Path::parent));
    if config.data.dir == Data::default().dir
        && let Some(folder) = environment.get("STATE_DIRECTORY").filter(|folder| !folder.is_empty())
    {
        // systemd names the folder of StateDirectory=, the first one where there are several.
        config.data.dir = PathBuf::from(folder.split(':').next().unwrap_or(folder));
    }
    register_secrets(&config, environment);
    for (key, problem) in config.problems() {
        let step = |part: &str| part.parse().map_or_else(|_| Step::Key(part.to_owned()), Step::Index);
        let path: Vec<Step> = key.split('.').map(step).collect();
        // What was taken out for being wrong is not missing.
        if !taken_out.iter().any(|wrong| wrong.starts_with(&path)) {
            problems.push(source.locate(&path, &from_environment, &problem));
        }
    }
    if problems.is_empty() { Ok(config) } else { Err(in_order(problems)) }
}

/// The text of the file, unless others could have put it there.
fn read(path: &Path) -> Result<String, String> {
    if path.as_os_str().is_empty() {
        return Err("--config names no file".to_owned());
    }
    if let Some(who) = trust::writable_by_all(path) {
        return Err(who);
    }
    let bytes = files::read(path, files::TEXT).map_err(|error| match error.kind() {
        ErrorKind::NotFound => format!("there is no configuration file {}: check the path", path.display()),
        ErrorKind::IsADirectory => {
            format!("{} is a folder: name the configuration file in it", path.display())
        }
        _ => error.to_string(),
    })?;
    let not_utf8 = |_| format!("{} is not text in UTF-8: save it as UTF-8", path.display());
    String::from_utf8(bytes).map_err(not_utf8)
}

fn overlay(table: &mut Table, environment: &Environment) -> FromEnvironment {
    let mut taken = FromEnvironment::new();
    let prefixed = environment.iter().filter_map(|(name, value)| {
        let keys = name.strip_prefix(PREFIX)?.to_ascii_lowercase();
        Some((name, keys.split("__").map(str::to_owned).collect::<Vec<_>>(), value))
    });
    let base_url = environment.get("TE_BASE_URL").filter(|url| !url.trim().is_empty());
    let official =
        base_url.map(|url| ("TE_BASE_URL".to_owned(), vec!["api".to_owned(), "base_url".to_owned()], url));
    let all = prefixed.map(|(name, keys, value)| (name.clone(), keys, value)).chain(official);
    for (name, keys, text) in all {
        if [PASSWORD, CLIENT_SECRET].contains(&name.as_str()) {
            continue;
        }
        // A TOML value where it is one (`true`, `5`, `["a"]`), else text as it stands.
        let value = format!("x = {text}").parse::<Table>().ok().and_then(|mut parsed| parsed.remove("x"));
        let path: Vec<Step> = keys.iter().cloned().map(Step::Key).collect();
        if set(table, &keys, value.unwrap_or_else(|| Value::String(text.clone()))) {
            taken.insert(path, (name, text.clone()));
        }
    }
    taken
}

fn set(table: &mut Table, keys: &[String], value: Value) -> bool {
    match keys {
        [] => false,
        [last] => {
            table.insert(last.clone(), value);
            true
        }
        [first, rest @ ..] => {
            let inner = table.entry(first.clone()).or_insert_with(|| Value::Table(Table::new()));
            if !inner.is_table() {
                *inner = Value::Table(Table::new());
            }
            inner.as_table_mut().is_some_and(|inner| set(inner, rest, value))
        }
    }
}

/// A number in the environment may be meant as text (`QUOTAKEEPER__API__AID=1234`): try that before complaining.
fn retry_as_text(table: &mut Table, path: &[Step], from_environment: &FromEnvironment) -> bool {
    let Some((_, text)) = from_environment.get(path) else { return false };
    match value_at(table, path) {
        Some(value) if !value.is_str() => {
            *value = Value::String(text.clone());
            true
        }
        _ => false,
    }
}

fn value_at<'t>(table: &'t mut Table, path: &[Step]) -> Option<&'t mut Value> {
    let (Step::Key(first), rest) = path.split_first()? else { return None };
    rest.iter().try_fold(table.get_mut(first)?, |value, step| match step {
        Step::Key(key) => value.as_table_mut()?.get_mut(key),
        Step::Index(index) => value.as_array_mut()?.get_mut(*index),
    })
}

fn remove(table: &mut Table, path: &[Step]) -> bool {
    match path {
        [Step::Key(key)] => table.remove(key).is_some(),
        [parent @ .., Step::Key(key)] => value_at(table, parent)
            .and_then(Value::as_table_mut)
            .is_some_and(|inner| inner.remove(key).is_some()),
        [parent @ .., Step::Index(index)] => match value_at(table, parent).and_then(Value::as_array_mut) {
            Some(array) if *index < array.len() => {
                array.remove(*index);
                true
            }
            _ => false,
        },
        [] => false,
    }
}

/// Where the problem is; an unknown key is reported at its parent.
fn key_path(path: &serde_path_to_error::Path, wrong: &WrongValue) -> Vec<Step> {
    let mut steps: Vec<Step> = path
        .iter()
        .filter_map(|segment| match segment {
            Segment::Map { key } => Some(Step::Key(key.clone())),
            Segment::Seq { index } => Some(Step::Index(*index)),
            Segment::Enum { .. } | Segment::Unknown => None,
        })
        .collect();
    if let WrongValue::UnknownKey { key, .. } = wrong
        && steps.last() != Some(&Step::Key(key.clone()))
    {
        steps.push(Step::Key(key.clone()));
    }
    steps
}

/// What follows the name of the key; for an unknown one, its section or the nearest known key.
fn explain(wrong: &WrongValue, path: &[Step]) -> String {
    let WrongValue::UnknownKey { key, known } = wrong else { return describe(wrong, path) };
    let near = nearest(key, known.iter().copied(), 1);
    match (known_place(key), near.first()) {
        // A section whose name is like it was not meant.
        (Some((section, name)), _) if path.len() == 1 => format!("{wrong}: write `{name}` under [{section}]"),
        (_, Some(name)) => format!("{wrong}: did you mean `{name}`?"),
        (belongs, None) => {
            let elsewhere = belongs.map(|(section, name)| format!("; `{name}` is a key of [{section}]"));
            format!("{wrong}: the known keys here are {}{}", known.join(", "), elsewhere.unwrap_or_default())
        }
    }
}

/// The section and the key that a key in a wrong place is: by its name (`base_url`), or by both (`data_dir`).
fn known_place(key: &str) -> Option<(&'static str, &'static str)> {
    let in_section = |section: &'static str| keys(Some(section)).iter().map(move |name| (section, *name));
    let mut keys = keys(None).iter().flat_map(|section| in_section(section));
    keys.find(|(section, name)| {
        let rest = key.strip_prefix(section).and_then(|rest| rest.strip_prefix(['_', '-', '.']));
        key == *name || rest == Some(name)
    })
}

/// The keys that can stand in a section, or the sections themselves: those that are said to be known where an unknown one stands.
pub(super) fn keys(section: Option<&str>) -> &'static [&'static str] {
    let unknown = Table::from_iter([("?".to_owned(), Value::Boolean(true))]);
    let table = match section {
        Some(section) => Table::from_iter([(section.to_owned(), Value::Table(unknown))]),
        None => unknown,
    };
    let read = serde_path_to_error::deserialize::<_, Config>(ValueReader(&Value::Table(table)));
    match read.map_err(serde_path_to_error::Error::into_inner) {
        Err(WrongValue::UnknownKey { known, key }) if key == "?" => known,
        _ => &[],
    }
}
