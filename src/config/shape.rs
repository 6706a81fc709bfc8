//! Whether each value has the type that its key wants, and in plain words which it should have.
//!
//! What a key wants is what it has in the commented reference, so that the example in a message is the one that people find
//! there. Only what has the right type is read further.

use toml::{Table, Value};

const REFERENCE: &str = include_str!("../../config/quotakeeper.toml");

/// Keys that take several types, and say themselves what is wrong.
const SEVERAL: [&str; 2] = ["mail.to", "alerts.mutes.until"];
/// A table whose keys are the user's own.
const OWN_KEYS: &str = "inbox.columns";

/// One step into the configuration.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Step {
    Key(String),
    Index(usize),
}

/// A value of another type than its key wants.
#[derive(Debug)]
pub(super) struct Misfit {
    pub path: Vec<Step>,
    pub problem: String,
    /// A number in the environment may be meant as text (`QUOTAKEEPER__API__AID=1234`).
    pub wants_text: bool,
}

/// The reference with every key set.
pub(super) fn reference() -> Table {
    let set: Vec<&str> = REFERENCE.lines().map(|line| line.strip_prefix("#: ").unwrap_or(line)).collect();
    set.join("\n").parse().expect("a test reads it")
}

pub(super) fn misfits(table: &Table) -> Vec<Misfit> {
    let mut comparison = Comparison { reference: reference(), found: Vec::new() };
    let example = Value::Table(comparison.reference.clone());
    comparison.table(table, &example, &mut Vec::new(), "");
    comparison.found
}

struct Comparison {
    reference: Table,
    found: Vec<Misfit>,
}

impl Comparison {
    fn table(&mut self, table: &Table, example: &Value, path: &mut Vec<Step>, key: &str) {
        for (name, value) in table {
            let inner = if key.is_empty() { name.clone() } else { format!("{key}.{name}") };
            // A key that the reference does not have is unknown, which is reported elsewhere.
            let Some(example) = self.example(example, key, name) else { continue };
            path.push(Step::Key(name.clone()));
            self.value(value, &example, path, &inner);
            path.pop();
        }
    }

    fn value(&mut self, value: &Value, example: &Value, path: &mut Vec<Step>, key: &str) {
        if SEVERAL.contains(&key) {
            return;
        }
        match (value, example) {
            (Value::Table(table), Value::Table(_)) => self.table(table, example, path, key),
            (Value::Array(values), Value::Array(examples)) => {
                let Some(example) = examples.first() else { return };
                for (index, value) in values.iter().enumerate() {
                    path.push(Step::Index(index));
                    self.value(value, example, path, key);
                    path.pop();
                }
            }
            (Value::Integer(_), Value::Float(_)) => {}
            (value, example) if value.same_type(example) => {}
            (value, example) => self.found.push(Misfit {
                path: path.clone(),
                problem: format!(
                    "is {}, but must be {}",
                    describe_value(value),
                    describe_wanted(example, path)
                ),
                wants_text: example.is_str(),
            }),
        }
    }

    /// The example of a key: in the reference, or, in a list of other limits for single targets, that of the limit for all.
    fn example(&self, section: &Value, key: &str, name: &str) -> Option<Value> {
        let section = section.as_table()?;
        let same = match key {
            OWN_KEYS => section.values().next(),
            _ => section.get(name),
        };
        let of_all = || self.reference.get(key.strip_suffix(".overrides")?)?.as_table()?.get(name);
        let of_ids = || match (key, name) {
            ("alerts.mutes", "aid") => self.reference.get("api")?.as_table()?.get("aid"),
            _ => None,
        };
        same.or_else(of_all).or_else(of_ids).cloned()
    }
}

/// A text is not repeated: it may be a password under the wrong key.
fn describe_value(value: &Value) -> String {
    match value {
        Value::String(_) => "a string".to_owned(),
        Value::Integer(number) => format!("the number {number}"),
        Value::Float(number) => format!("the number {number}"),
        Value::Boolean(boolean) => boolean.to_string(),
        Value::Datetime(_) => "a date or time without quotes".to_owned(),
        Value::Array(_) => "a list".to_owned(),
        Value::Table(_) => "a table of keys".to_owned(),
    }
}

fn describe_wanted(example: &Value, path: &[Step]) -> String {
    let kind = match example {
        Value::String(_) => "a string in quotes",
        Value::Integer(_) => "a whole number",
        Value::Float(_) => "a number",
        Value::Boolean(_) => return "true or false".to_owned(),
        Value::Datetime(_) => "a date",
        Value::Array(_) => "a list in brackets",
        Value::Table(_) => match path {
            [Step::Key(section)] => return format!("a section: write [{section}], and its keys below it"),
            _ => "a table in braces",
        },
    };
    format!("{kind}, such as {example}")
}

#[cfg(test)]
mod tests;
