//! A strict reader of the Prometheus text format, written from its description: what it does not understand is an error.

use std::collections::{BTreeMap, BTreeSet};

/// Labels by their names.
pub type Labels = BTreeMap<String, String>;

/// All samples, by the name of their metric.
#[derive(Debug, Default)]
pub struct Exposition(BTreeMap<String, Vec<(Labels, f64)>>);

impl Exposition {
    /// Reads a whole answer. Families must be whole and described, and no sample may come twice.
    pub fn read(text: &str) -> Result<Self, String> {
        if !text.ends_with('\n') {
            return Err("the last line has no end".to_owned());
        }
        let (mut all, mut kinds, mut seen) = (Self::default(), BTreeMap::new(), BTreeSet::new());
        let mut family = "";
        for line in text.lines() {
            let wrong = |what: &str| Err(format!("{what}: {line}"));
            if let Some(rest) = line.strip_prefix("# ") {
                let mut words = rest.splitn(3, ' ');
                match (words.next(), words.next(), words.next()) {
                    (Some("HELP"), Some(name), Some(help)) if !help.is_empty() => family = name,
                    (Some("TYPE"), Some(name), Some(kind)) if name == family => {
                        if kinds.insert(name.to_owned(), kind.to_owned()).is_some() {
                            return wrong("a family comes twice");
                        }
                    }
                    _ => return wrong("neither HELP nor the TYPE that follows it"),
                }
                continue;
            }
            let (name, labels, value) = sample(line).ok_or_else(|| format!("no sample: {line}"))?;
            let is_counter = match kinds.get(name).map(String::as_str) {
                Some("counter") => true,
                Some("gauge") => false,
                _ => return wrong("a sample without a TYPE"),
            };
            if name != family {
                return wrong("a sample outside of its family");
            }
            if is_counter != name.ends_with("_total") || (is_counter && value < 0.0) {
                return wrong("no counter, or no gauge, has such a name or value");
            }
            if !seen.insert((name.to_owned(), labels.clone())) {
                return wrong("a sample comes twice");
            }
            all.0.entry(name.to_owned()).or_default().push((labels, value));
        }
        Ok(all)
    }

    /// The names of all metrics that have a sample.
    pub fn names(&self) -> BTreeSet<&str> {
        self.0.keys().map(String::as_str).collect()
    }

    /// All samples of a metric.
    pub fn samples(&self, name: &str) -> &[(Labels, f64)] {
        self.0.get(name).map_or(&[], Vec::as_slice)
    }

    /// The sample that has these labels, among others.
    pub fn value(&self, name: &str, labels: &[(&str, &str)]) -> Option<f64> {
        let fits = |own: &Labels| {
            labels.iter().all(|(label, value)| own.get(*label).map_or("", String::as_str) == *value)
        };
        self.samples(name).iter().find(|(own, _)| fits(own)).map(|(_, value)| *value)
    }
}

/// `name{label="value"} 1`.
fn sample(line: &str) -> Option<(&str, Labels, f64)> {
    let end = line.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_'))?;
    let (name, mut rest) = line.split_at(end);
    let mut labels = Labels::new();
    if let Some(inside) = rest.strip_prefix('{') {
        rest = inside;
        loop {
            let (label, quoted) = rest.split_once("=\"")?;
            let (value, after) = unquote(quoted)?;
            let plain = !label.is_empty() && label.chars().all(|c| c.is_ascii_lowercase() || c == '_');
            if !plain || labels.insert(label.to_owned(), value).is_some() {
                return None;
            }
            match after.strip_prefix(',') {
                Some(next) => rest = next,
                None => break rest = after.strip_prefix('}')?,
            }
        }
    }
    let value = rest.strip_prefix(' ')?;
    (!name.is_empty()).then_some(())?;
    Some((name, labels, value.parse().ok()?))
}

/// The text until the closing quote, and what follows it.
fn unquote(quoted: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut chars = quoted.char_indices();
    loop {
        match chars.next()? {
            (at, '"') => return Some((value, &quoted[at + 1..])),
            (_, '\\') => value.push(match chars.next()?.1 {
                '\\' => '\\',
                '"' => '"',
                'n' => '\n',
                _ => return None,
            }),
            (_, c) => value.push(c),
        }
    }
}
