//! docs/architecture.md is true: what it names is there, rooms import only from rooms that it lists below them, and it knows each retry
//! policy. What a task touches is for people to try.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

const PAGE: &str = include_str!("../docs/architecture.md");

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every file below a folder of the project, by its path from the root.
fn files(folder: &str) -> Vec<String> {
    let mut files = Vec::new();
    let mut folders = vec![PathBuf::from(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(root().join(&folder)).unwrap() {
            let entry = entry.unwrap();
            let path = folder.join(entry.file_name());
            if entry.file_type().unwrap().is_dir() {
                folders.push(path);
            } else {
                files.push(path.to_str().unwrap().to_owned());
            }
        }
    }
    files.sort();
    files
}

/// The rooms as the table of the page lists them, from the top down.
fn rooms() -> Vec<String> {
    let table = PAGE
        .lines()
        .skip_while(|line| !line.starts_with("| room |"))
        .take_while(|line| line.starts_with('|'));
    let first_cells = table.filter_map(|row| row.split('|').nth(1));
    let names = first_cells.flat_map(|cell| cell.split('`').skip(1).step_by(2));
    names
        .filter_map(|path| path.strip_prefix("src/"))
        .map(|path| path.trim_end_matches('/').replace(".rs", ""))
        .collect()
}

/// The rooms that a file of production code imports from: those behind `crate::`, in whatever is not for tests alone.
fn imported(file: &str) -> BTreeSet<String> {
    let text = fs::read_to_string(root().join(file)).unwrap();
    let mut is_of_tests = false;
    let mut rooms = BTreeSet::new();
    for line in text.lines() {
        let code = line.split("//").next().unwrap_or_default();
        if !is_of_tests {
            for (before, after) in code.match_indices("crate::").map(|(at, _)| code.split_at(at)) {
                let room = after["crate::".len()..].split(|c: char| !c.is_alphanumeric() && c != '_').next();
                // `pub(in crate::change)` says who may look in.
                rooms.extend(
                    room.filter(|room| !room.is_empty() && !before.ends_with("in ")).map(str::to_owned),
                );
            }
        }
        is_of_tests = code.trim() == "#[cfg(test)]";
    }
    rooms
}

#[test]
fn every_path_that_the_page_names_is_there() {
    let known: Vec<String> =
        ["src", "tests", "docs", "templates", "config"].into_iter().flat_map(files).collect();
    let missing: Vec<&str> = PAGE
        .split('`')
        .skip(1)
        .step_by(2)
        .filter(|word| word.contains('.') || word.ends_with('/'))
        .filter(|word| !word.contains(' ') && !word.starts_with('.'))
        .filter(|word| {
            let ends = format!("/{word}");
            let is_known = |file: &String| file == word || file.ends_with(&ends) || file.starts_with(*word);
            !known.iter().any(is_known)
                && !root().join(word).exists()
                && !known.iter().any(|file| file.contains(&ends))
        })
        .collect();
    assert_eq!(missing, [""; 0]);
}

#[test]
fn every_room_is_in_the_table_and_imports_only_from_rooms_below_it() {
    let rooms = rooms();
    let place = |room: &str| rooms.iter().position(|known| known == room);
    let mut faults = Vec::new();
    for file in files("src") {
        let inside = file.strip_prefix("src/").unwrap();
        let room = inside.split('/').next().unwrap().trim_end_matches(".rs");
        let is_of_tests = room == "testing" || inside.ends_with("tests.rs") || inside.contains("/tests/");
        let is_code = Path::new(inside).extension().is_some_and(|extension| extension == "rs");
        if !is_code || is_of_tests || ["main", "lib"].contains(&room) {
            continue;
        }
        let Some(own) = place(room) else {
            faults.push(format!("{file}: the table lacks its room"));
            continue;
        };
        let is_above = |other: &String| place(other).is_none_or(|other| other < own);
        faults.extend(
            imported(&file).iter().filter(|room| is_above(room)).map(|room| format!("{file} imports {room}")),
        );
    }
    assert_eq!(faults, [""; 0]);
}

#[test]
fn every_retry_policy_is_in_the_table() {
    let policies: Vec<String> = files("src").into_iter().filter(|file| file.ends_with("/retry.rs")).collect();
    assert!(policies.len() >= 3, "{policies:?}");
    let (_, table) = PAGE.split_once("## What is retried").unwrap();
    for policy in policies {
        assert!(
            table.contains(&format!("`{policy}`")),
            "docs/architecture.md does not say when {policy} tries again"
        );
    }
}
