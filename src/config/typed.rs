//! A TOML value as serde reads it, with errors that are data: nothing is found out by the words of a library.

use std::fmt::{self, Display};

use serde::de::value::{MapDeserializer, SeqDeserializer};
use serde::de::{Deserializer, Error, Expected, IntoDeserializer, Unexpected, Visitor};
use serde::forward_to_deserialize_any;
use toml::Value;

/// Why a value cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum WrongValue {
    /// A key that is none, and those that are known beside it.
    UnknownKey {
        key: String,
        known: &'static [&'static str],
    },
    MissingKey(&'static str),
    /// A word that is none of those that a key takes.
    UnknownWord {
        word: String,
        known: &'static [&'static str],
    },
    /// What was found, in a person's words, and what the reader expects, as it calls it.
    Unfit {
        found: String,
        expected: String,
    },
    /// A sentence of our own: it follows the name of the key.
    Said(String),
}

impl std::error::Error for WrongValue {}

impl Display for WrongValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownKey { .. } => f.write_str("is not a known key"),
            Self::MissingKey(key) => write!(f, "lacks the key `{key}`"),
            Self::UnknownWord { word, known } => {
                let known: Vec<String> = known.iter().map(|word| format!("\"{word}\"")).collect();
                let known = match &known[..] {
                    [first @ .., last] if !first.is_empty() => format!("{} or {last}", first.join(", ")),
                    _ => known.concat(),
                };
                write!(f, "is \"{word}\", but must be {known}")
            }
            Self::Unfit { found, expected } => {
                let expected = match expected.as_str() {
                    addresses if addresses.starts_with("an address") => addresses,
                    "u8" => "a whole number from 0 to 255",
                    "u16" => "a whole number from 0 to 65535",
                    // What is negative is not told the largest number that the type happens to have.
                    "u32" if found.starts_with('-') => "a whole number, 0 or more",
                    "u32" => "a whole number from 0 to 4294967295",
                    "u64" | "usize" => "a whole number, 0 or more",
                    _ => "a value as config/quotakeeper.toml shows it",
                };
                write!(f, "is {found}, but must be {expected}")
            }
            Self::Said(sentence) => f.write_str(sentence),
        }
    }
}

impl Error for WrongValue {
    fn custom<T: Display>(sentence: T) -> Self {
        Self::Said(sentence.to_string().trim().to_owned())
    }

    fn unknown_field(key: &str, known: &'static [&'static str]) -> Self {
        Self::UnknownKey { key: key.to_owned(), known }
    }

    fn missing_field(key: &'static str) -> Self {
        Self::MissingKey(key)
    }

    fn unknown_variant(word: &str, known: &'static [&'static str]) -> Self {
        Self::UnknownWord { word: word.to_owned(), known }
    }

    fn invalid_type(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::invalid_value(found, expected)
    }

    fn invalid_value(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        let found = match found {
            Unexpected::Bool(value) => value.to_string(),
            Unexpected::Unsigned(number) => number.to_string(),
            Unexpected::Signed(number) => number.to_string(),
            Unexpected::Float(number) => format!("{number:?}"),
            Unexpected::Map => "a table of keys".to_owned(),
            Unexpected::Seq => "a list".to_owned(),
            // A text is not repeated: it may be a password under the wrong key.
            _ => "a string".to_owned(),
        };
        Self::Unfit { found, expected: expected.to_string() }
    }
}

/// Reads a value.
#[derive(Clone, Copy)]
pub(super) struct ValueReader<'v>(pub &'v Value);

impl<'de> Deserializer<'de> for ValueReader<'_> {
    type Error = WrongValue;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, WrongValue> {
        match self.0 {
            Value::String(text) => visitor.visit_str(text),
            Value::Integer(number) => visitor.visit_i64(*number),
            Value::Float(number) => visitor.visit_f64(*number),
            Value::Boolean(value) => visitor.visit_bool(*value),
            // Where one is taken it means what it says in quotes.
            Value::Datetime(moment) => visitor.visit_string(moment.to_string()),
            Value::Array(values) => visitor.visit_seq(SeqDeserializer::new(values.iter().map(ValueReader))),
            Value::Table(table) => {
                let entries = table.iter().map(|(key, value)| (key.as_str(), ValueReader(value)));
                visitor.visit_map(MapDeserializer::new(entries))
            }
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, WrongValue> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, WrongValue> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, WrongValue> {
        match self.0 {
            Value::String(word) => visitor.visit_enum(word.as_str().into_deserializer()),
            _ => self.deserialize_any(visitor),
        }
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct seq tuple
        tuple_struct map struct identifier ignored_any
    }
}

impl IntoDeserializer<'_, WrongValue> for ValueReader<'_> {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

#[cfg(test)]
mod tests;
