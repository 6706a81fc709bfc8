//! `export`, one cell edited in a real spreadsheet, dropped: exactly one change. What the spreadsheet mangles is refused.

use std::collections::BTreeMap;

use crate::libreoffice::{Choice, ENGLISH, GERMAN, LibreOffice, Typed};
use crate::standin::{Group, World, key};
use crate::testbed::{Bench, counts, table};

/// The columns of an export, counted from 0.
const VALUE: usize = 5;
const BEYOND: usize = 10;

/// Names that a spreadsheet would like to run, to count or to read as dates.
const NAMES: [&str; 9] =
    ["=1+1", "-Core", "+EMEA", "@sum", "007", "TRUE", "1/2", "Köln; \"Süd\", 東京", "'quoted"];

fn named_world() -> World {
    let mut world = World::small();
    let northwind = world.organizations.get_mut("10").unwrap();
    for (index, name) in NAMES.into_iter().enumerate() {
        let group = Group { name: name.to_owned(), quota: Some(700), ..Group::default() };
        northwind.groups.insert((1_100 + index).to_string(), group);
    }
    world
}

/// The rows of a file whose cells are separated so.
fn rows(text: &str, choice: Choice) -> Vec<BTreeMap<String, String>> {
    let separator = u8::try_from(choice.saved_with).unwrap();
    let mut reader = csv::ReaderBuilder::new().delimiter(separator).from_reader(text.as_bytes());
    reader.deserialize().collect::<Result<_, _>>().unwrap()
}

/// Where the row of an account group stands in a sheet whose first row is the header.
fn row_of(export: &str, aid: &str) -> usize {
    1 + table(export.as_bytes()).iter().position(|row| row["aid"] == aid).unwrap()
}

#[test]
fn one_cell_that_is_edited_in_a_spreadsheet_is_exactly_one_change() {
    let Some(office) = LibreOffice::find() else { return };
    // 5 500, as people of the two languages type it.
    for (choice, text) in [(ENGLISH, "5,500"), (GERMAN, "5.500"), (GERMAN, "5500")] {
        let bench = Bench::new(named_world());
        let before = bench.quotas();
        let export = bench.run(&["export"]).ends_with(0).out;
        let edited =
            office.edit(&export, choice, &[Typed { column: VALUE, row: row_of(&export, "101"), text }]);
        bench.drop_file("edited.csv", &edited);
        bench.run(&["inbox"]).ends_with(0);

        let run = bench.only_run();
        let others = table(export.as_bytes()).len() - 1;
        assert_eq!(run.counts(), counts([("applied", 1), ("unchanged", others)]), "{edited}");
        for row in table(&run.read("success.csv")) {
            let expected = if row["aid"] == "101" { "" } else { "not edited" };
            assert_eq!(row["message"], expected, "{row:?}");
        }
        let mut wanted = before;
        wanted.insert(key("10", "101"), 5_500);
        assert_eq!(bench.quotas(), wanted);
        assert_eq!(bench.standin.world(|world| world.writes.len()), 1);
    }
}

#[test]
fn names_come_back_as_they_were_but_for_those_that_look_like_numbers_or_dates() {
    let Some(office) = LibreOffice::find() else { return };
    let bench = Bench::new(named_world());
    let export = bench.run(&["export"]).ends_with(0).out;
    for choice in [ENGLISH, GERMAN] {
        let edited = office.edit(&export, choice, &[]);
        let (before, after) = (table(export.as_bytes()), rows(&edited, choice));
        assert_eq!(before.len(), after.len());
        let mut mangled = Vec::new();
        for (before, after) in before.iter().zip(&after) {
            for (column, cell) in before {
                if after[column] != *cell {
                    mangled.push((column.as_str(), cell.as_str()));
                }
            }
        }
        let names = |names: &[&'static str]| {
            names.iter().map(|name| ("account_group_name", *name)).collect::<Vec<_>>()
        };
        let expected = if choice.locale == "en-US" { names(&["007", "1/2"]) } else { names(&["007"]) };
        assert_eq!(mangled, expected, "{edited}");
    }
}

#[test]
fn ids_that_the_spreadsheet_shortens_are_refused_and_survive_as_text() {
    let Some(office) = LibreOffice::find() else { return };
    // 15 digits survive, the sixteenth becomes a zero, and from 17 on it is a power of ten.
    let (whole, rounded, shortened) = ("123456789012345", "1234567890123456", "12345678901234567");
    let mut world = World::small();
    for (org_id, aid) in [("10", whole), ("20", rounded), ("9", shortened)] {
        let group = Group { name: "Long".to_owned(), quota: Some(700), ..Group::default() };
        world.organizations.get_mut(org_id).unwrap().groups.insert(aid.to_owned(), group);
    }
    let bench = Bench::new(world);
    let mut wanted = bench.quotas();
    let export = bench.run(&["export"]).ends_with(0).out;
    let typed = [whole, rounded, shortened].map(|aid| Typed {
        column: VALUE,
        row: row_of(&export, aid),
        text: "800",
    });
    let edited = office.edit(&export, GERMAN, &typed);
    bench.drop_file("edited.csv", edited);
    bench.run(&["inbox"]).ends_with(4);
    let run = bench.only_run();
    assert_eq!(run.errors().len(), 2, "{:?}", run.counts());
    let messages: Vec<String> =
        run.errors().iter().map(|row| format!("{}: {}", row["code"], row["message"])).collect();
    assert!(
        messages[0].starts_with(
            "bad_row: Column `aid`: `1,23456789012346E+016` is an id that the spreadsheet shortened."
        ),
        "{messages:#?}"
    );
    assert!(
        messages[1].starts_with("unknown_target: the token sees no account group 1234567890123460"),
        "{messages:#?}"
    );
    wanted.insert(key("10", whole), 800);
    assert_eq!(bench.quotas(), wanted, "what is certain is done, what is not is left alone");

    // The columns of the two ids, opened as text.
    let as_text = office.edit(&export, Choice { as_text: &[2, 4], ..GERMAN }, &typed);
    bench.drop_file("as-text.csv", as_text);
    bench.run(&["inbox"]).ends_with(0);
    wanted.extend([(key("20", rounded), 800), (key("9", shortened), 800)]);
    assert_eq!(bench.quotas(), wanted);
}

#[test]
fn a_day_typed_as_year_month_day_survives_and_one_typed_as_people_write_it_is_refused() {
    let Some(office) = LibreOffice::find() else { return };
    let bench = Bench::new(World::small());
    let export = bench.run(&["export"]).ends_with(0).out;
    let row = row_of(&export, "101");
    for (choice, day, becomes) in [
        (ENGLISH, "2030-12-01", "2030-12-01"),
        (GERMAN, "2030-12-01", "2030-12-01"),
        (ENGLISH, "12/1/2030", "12/01/2030"),
        (GERMAN, "1.12.2030", "01.12.2030"),
        (GERMAN, "next_cycle", "next_cycle"),
    ] {
        let typed = [
            Typed { column: BEYOND, row: 0, text: "effective" },
            Typed { column: VALUE, row, text: "5500" },
            Typed { column: BEYOND, row, text: day },
        ];
        let edited = office.edit(&export, choice, &typed);
        assert_eq!(rows(&edited, choice)[row - 1]["effective"], becomes, "{edited}");
        let file = bench.data().join("edited.csv");
        fs_err::write(&file, &edited).unwrap();
        let is_day = matches!(becomes, "2030-12-01" | "next_cycle");
        let plan = bench.run(&["plan", file.to_str().unwrap()]).ends_with(if is_day { 0 } else { 4 }).out;
        assert_eq!(plan.contains("is not written as year-month-day"), !is_day, "{plan}");
    }
    assert_eq!(bench.posts(), 0);
}
