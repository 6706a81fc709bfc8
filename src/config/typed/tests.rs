//! Values that do not fit are errors by their types, and a whole configuration is read as before.

use serde::Deserialize;
use toml::Table;

use super::*;

#[derive(Debug, PartialEq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Word {
    One,
    Two,
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Section {
    word: Word,
    #[serde(default)]
    small: u8,
    #[serde(default)]
    several: Vec<Option<f64>>,
    until: Option<String>,
}

fn read(text: &str) -> Result<Section, WrongValue> {
    Section::deserialize(ValueReader(&Value::Table(text.parse::<Table>().unwrap())))
}

#[test]
fn each_kind_of_value_is_read() {
    let until = Some("2026-12-31".to_owned());
    assert_eq!(
        read("word = 'two'\nsmall = 255\nseveral = [1.5, 2.5]\nuntil = 2026-12-31"),
        Ok(Section { word: Word::Two, small: 255, several: vec![Some(1.5), Some(2.5)], until })
    );
}

#[test]
fn what_is_wrong_is_data() {
    let known = &["word", "small", "several", "until"];
    assert_eq!(read("word = 'one'\nwrod = 1"), Err(WrongValue::UnknownKey { key: "wrod".into(), known }));
    assert_eq!(read("small = 1"), Err(WrongValue::MissingKey("word")));
    let known = &["one", "two"];
    assert_eq!(read("word = 'unknown field `word`'"), {
        Err(WrongValue::UnknownWord { word: "unknown field `word`".into(), known })
    });
    for (text, found) in [
        ("small = 256", "256"),
        ("small = -1", "-1"),
        ("small = true", "true"),
        ("small = 1.0", "1.0"),
        ("small = []", "a list"),
        ("small = {}", "a table of keys"),
        ("small = 'hunter2'", "a string"),
    ] {
        let wrong = read(&format!("word = 'one'\n{text}")).unwrap_err();
        assert_eq!(wrong, WrongValue::Unfit { found: found.into(), expected: "u8".into() });
        assert_eq!(wrong.to_string(), format!("is {found}, but must be a whole number from 0 to 255"));
    }
}
