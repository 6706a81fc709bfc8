//! Where a problem of the configuration is: the line of the file, or the variable.

use std::collections::BTreeMap;

use toml::Table;
use toml::de::{DeTable, DeValue};

use super::shape::Step;
use crate::config::types::ConfigError;

/// The keys that came from the environment, and the variable and text that each had.
pub(super) type FromEnvironment = BTreeMap<Vec<Step>, (String, String)>;

/// The file that is read, to find the line of a key.
pub(super) struct Source<'a> {
    pub name: String,
    pub text: &'a str,
}

impl Source<'_> {
    pub(super) fn parse(&self) -> Result<Table, ConfigError> {
        self.text.parse().map_err(|error: toml::de::Error| {
            let line = error.span().map_or(1, |span| self.line(span.start));
            let written = self.text.lines().nth(line - 1).unwrap_or_default();
            let hint = if written.contains(['“', '”', '‘', '’']) {
                ". It has typographic quotes: type straight ones (\")"
            } else {
                ""
            };
            // What is well written and still cannot be kept is a number beyond 64 bits.
            let is_well_written = DeTable::parse(self.text).is_ok();
            let message = if is_well_written { "the number is too large" } else { error.message().trim() };
            ConfigError { problems: vec![format!("{}:{line}: {message}{hint}", self.name)] }
        })
    }

    fn line(&self, offset: usize) -> usize {
        self.text.get(..offset).unwrap_or(self.text).matches('\n').count() + 1
    }

    pub(super) fn locate(
        &self,
        path: &[Step],
        from_environment: &FromEnvironment,
        problem: &str,
    ) -> LocatedProblem {
        let mut key = String::new();
        for step in path {
            match step {
                Step::Key(name) if key.is_empty() => key.push_str(name),
                Step::Key(name) => key.extend([".", name]),
                Step::Index(index) => key.push_str(&format!("[{index}]")),
            }
        }
        let line = self.line_of(path);
        // Of a section that nothing but the environment names, each of its keys is as wrong.
        let of_section = || {
            from_environment.iter().find(|(at, _)| line.is_none() && path.len() == 1 && at.starts_with(path))
        };
        let variable = from_environment.get(path).or_else(|| of_section().map(|(_, variable)| variable));
        if let Some((variable, _)) = variable {
            return LocatedProblem { line: None, text: format!("{variable}: {key} {problem}") };
        }
        let text = match line {
            Some(line) => format!("{}:{line}: {key} {problem}", self.name),
            None if self.name.is_empty() => format!("{key} {problem}"),
            None => format!("{}: {key} {problem}", self.name),
        };
        LocatedProblem { line, text }
    }

    /// The line of the deepest key of the path that the file has.
    fn line_of(&self, path: &[Step]) -> Option<usize> {
        let document = DeTable::parse(self.text).ok()?;
        let mut offset = None;
        let mut table = Some(document.get_ref());
        let mut value: Option<&DeValue> = None;
        for step in path {
            let found = match step {
                Step::Key(key) => {
                    let entry = table.and_then(|table| table.iter().find(|(name, _)| name.get_ref() == key));
                    let Some((name, inner)) = entry else { break };
                    offset = Some(name.span().start);
                    inner.get_ref()
                }
                Step::Index(index) => {
                    let array = value.and_then(DeValue::as_array);
                    let Some(inner) = array.and_then(|array| array.get(*index)) else { break };
                    offset = Some(inner.span().start);
                    inner.get_ref()
                }
            };
            table = found.as_table();
            value = Some(found);
        }
        offset.map(|offset| self.line(offset))
    }
}

/// As somebody fixes them: down the file, then the environment.
pub(super) fn in_order(mut problems: Vec<LocatedProblem>) -> ConfigError {
    problems.sort_by_key(|problem| problem.line.unwrap_or(usize::MAX));
    ConfigError { problems: problems.into_iter().map(|problem| problem.text).collect() }
}

/// A problem of a key, and the line of the file that it is in, if it is.
pub(super) struct LocatedProblem {
    pub line: Option<usize>,
    pub text: String,
}
