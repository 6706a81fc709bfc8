//! Each key with a value of each wrong type.

use super::super::environment::Environment;
use super::super::source::load;
use super::*;

/// Words of Rust and of its libraries, which help no user.
const NO_WORDS: [&str; 22] = [
    "invalid type",
    "invalid value",
    "invalid length",
    "expected a",
    "expected i",
    "expected u",
    "expected f",
    "struct",
    "variant",
    "sequence",
    "string or",
    " map",
    "unit v",
    "newtype",
    "integer `",
    "floating point",
    "boolean `",
    "usize",
    "Option",
    "wanted",
    "deserialize",
    "tuple",
];

/// Each key of the reference, with the place of its value.
fn places(value: &Value, path: &[Step], found: &mut Vec<Vec<Step>>) {
    if !path.is_empty() {
        found.push(path.to_vec());
    }
    let mut inner = |step: Step, value: &Value| places(value, &[path, &[step]].concat(), found);
    match value {
        Value::Table(table) => {
            for (key, value) in table {
                inner(Step::Key(key.clone()), value);
            }
        }
        Value::Array(values) => {
            for (index, value) in values.iter().enumerate() {
                inner(Step::Index(index), value);
            }
        }
        _ => {}
    }
}

fn place<'v>(value: &'v mut Value, path: &[Step]) -> &'v mut Value {
    path.iter().fold(value, |value, step| match step {
        Step::Key(key) => value.as_table_mut().unwrap().get_mut(key).unwrap(),
        Step::Index(index) => &mut value.as_array_mut().unwrap()[*index],
    })
}

/// The section that holds the place, as a file.
fn section(whole: &Value, path: &[Step]) -> String {
    let Some(Step::Key(name)) = path.first() else { panic!("{path:?}") };
    Table::from_iter([(name.clone(), whole[name.as_str()].clone())]).to_string()
}

#[test]
fn every_wrong_type_at_every_key_is_reported_without_rust_terms() {
    let reference = Value::Table(reference());
    let mut all = Vec::new();
    places(&reference, &[], &mut all);
    assert!(all.len() > 80, "{}", all.len());
    let wrong: Table = "a = 5\nb = -3\nc = 1.5\nd = true\ne = 'foo'\nf = []\ng = ['x']\nh = { x = 'y' }\n\
                            i = 2026-12-31\nj = [5]\nk = [[1]]\nl = {}\nm = ''\nn = 99999999999\no = [{ x = 1 }]\np = inf\nq = 1e99\n"
            .parse()
            .unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("quotakeeper.toml");
    for path in &all {
        // What is wrong below is wrong by the value alone.
        fs_err::write(&file, section(&reference, path)).unwrap();
        assert_eq!(load(Some(&file), &Environment::new()).err().map(|error| error.problems), None);
        for value in wrong.values() {
            let mut changed = reference.clone();
            *place(&mut changed, path) = value.clone();
            fs_err::write(&file, section(&changed, path)).unwrap();
            let problems =
                load(Some(&file), &Environment::new()).map_or_else(|error| error.problems, |_| Vec::new());
            let message = problems.join("\n").replace(&file.display().to_string(), "FILE");
            for word in NO_WORDS {
                assert!(!message.contains(word), "{path:?} = {value}: {word:?} in {message}");
            }
            let is_right =
                |example: &Value| example.same_type(value) || (example.is_float() && value.is_integer());
            let mut original = reference.clone();
            if !is_right(place(&mut original, path)) {
                let names: Vec<_> = path
                    .iter()
                    .filter_map(|step| match step {
                        Step::Key(key) => Some(key.as_str()),
                        Step::Index(_) => None,
                    })
                    .collect();
                let key = names.join(".");
                assert!(
                    !problems.is_empty() || SEVERAL.iter().any(|several| key.starts_with(several)),
                    "{path:?} = {value} was taken"
                );
            }
        }
    }
}

#[test]
fn the_reference_names_every_word_that_a_key_takes() {
    let reference = Value::Table(reference());
    let mut all = Vec::new();
    places(&reference, &[], &mut all);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("quotakeeper.toml");
    let mut of_words = 0;
    for path in &all {
        let mut changed = reference.clone();
        *place(&mut changed, path) = Value::String("no such word".to_owned());
        fs_err::write(&file, section(&changed, path)).unwrap();
        for problem in
            load(Some(&file), &Environment::new()).err().map_or_else(Vec::new, |error| error.problems)
        {
            let Some((_, known)) = problem.split_once(" is \"no such word\", but must be \"") else {
                continue;
            };
            let known: Vec<&str> = known.split('"').step_by(2).filter(|word| !word.is_empty()).collect();
            let has_all = |line: &str| known.iter().all(|word| line.contains(&format!("\"{word}\"")));
            assert!(REFERENCE.lines().any(has_all), "{problem}");
            of_words += 1;
        }
    }
    assert!(of_words >= 9, "{of_words}");
}
