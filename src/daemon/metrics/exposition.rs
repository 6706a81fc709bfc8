//! The Prometheus text format, version 0.0.4: families of samples with their labels escaped.
//!
//! A hundred lines, and no crate: a registry of live objects, which the common ones are, is not what a sheet of plain data
//! needs, and their exporters bring a second TLS provider.

use std::fmt::{Display, Write};

/// What a family counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Counter,
    Gauge,
}

/// The labels of a sample. One that is empty is none to Prometheus, and is left out.
pub(super) type Labels<'a> = &'a [(&'static str, &'a str)];

/// A text that grows by families.
#[derive(Debug, Default)]
pub(super) struct Exposition(String);

impl Exposition {
    pub(super) fn with_capacity(bytes: usize) -> Self {
        Self(String::with_capacity(bytes))
    }

    /// Begins a family. All of its samples follow before the next one; where there are none, nothing is written.
    pub(super) fn family(&mut self, kind: Kind, name: &'static str, help: &'static str) -> Family<'_> {
        Family { text: &mut self.0, kind, name, help, begun: false }
    }

    /// A family of one sample without labels; none where its value is unknown.
    pub(super) fn add_single(
        &mut self,
        kind: Kind,
        name: &'static str,
        help: &'static str,
        value: Option<impl Display>,
    ) {
        self.family(kind, name, help).add_if_known(&[], value);
    }

    pub(super) fn finish(self) -> String {
        self.0
    }
}

/// A family that takes samples.
pub(super) struct Family<'e> {
    text: &'e mut String,
    kind: Kind,
    name: &'static str,
    help: &'static str,
    begun: bool,
}

impl Family<'_> {
    /// What was written, for whoever takes it away piece by piece.
    pub(super) fn text(&mut self) -> &mut String {
        self.text
    }

    /// A sample, if its value is known.
    pub(super) fn add_if_known(&mut self, labels: Labels<'_>, value: Option<impl Display>) {
        if let Some(value) = value {
            self.sample(labels, value);
        }
    }

    pub(super) fn sample(&mut self, labels: Labels<'_>, value: impl Display) {
        let Self { text, kind, name, help, begun } = self;
        if !*begun {
            *begun = true;
            let kind = match kind {
                Kind::Counter => "counter",
                Kind::Gauge => "gauge",
            };
            let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} {kind}");
        }
        text.push_str(name);
        let mut before = '{';
        for (label, value) in labels.iter().filter(|(_, value)| !value.is_empty()) {
            text.push(before);
            text.push_str(label);
            text.push_str("=\"");
            escape(text, value);
            text.push('"');
            before = ',';
        }
        if before == ',' {
            text.push('}');
        }
        let _ = writeln!(text, " {value}"); // writing to a String cannot fail
    }
}

fn escape(text: &mut String, value: &str) {
    for c in value.chars() {
        match c {
            '\\' => text.push_str("\\\\"),
            '"' => text.push_str("\\\""),
            '\n' => text.push_str("\\n"),
            c => text.push(c),
        }
    }
}
