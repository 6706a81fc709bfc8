//! What is written is what is read, whatever names and figures there are; and what a file that we did not write says.

use chrono::{DateTime, Utc};
use proptest::prelude::*;

use super::columns::COLUMNS;
use super::commas::Commas;
use super::lines::Lines;
use super::reader::split;
use super::*;
use crate::domain::quota::{Aid, Organization, Place, Snapshot, SnapshotRow, Target, Usage};
use crate::domain::usage_rows::UsageRows;
use crate::testing::fuzz::fuzzed;

fn encode(snapshot: &Snapshot) -> String {
    let mut bytes = Vec::new();
    super::encode(&mut bytes, snapshot.taken_at, snapshot.organizations()).unwrap();
    String::from_utf8(bytes).unwrap()
}

fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(seconds, 0).unwrap()
}

prop_compose! {
    fn any_row()(
        org in 1..50u32, aid in proptest::option::of(1..900u32),
        // An apostrophe at the front is a spreadsheet's mark for text, and not the name's.
        names in ("([^'].{0,12})?", "([=+@a-z,\"\n -][=+@a-z,\"\n '-]{0,12})?"),
        units in proptest::array::uniform10(proptest::option::of(any::<i64>())),
        period in proptest::option::of(0..4_000_000_000i64),
    ) -> SnapshotRow<'static> {
        let target = match aid {
            Some(aid) => Target::account_group(org.to_string().as_str(), aid.to_string().as_str()),
            None => Target::organization(org.to_string().as_str()),
        };
        SnapshotRow {
            target, org_name: names.0.into(), account_group_name: names.1.into(),
            quota: units[0].map(|quota| quota & i64::MAX), // no quota is below 0

            usage: Usage {
                cloud_used: units[1], cloud_projected: units[2], enterprise_used: units[3],
                enterprise_projected: units[4], device_used: units[5], device_projected: units[6],
            },
            period_start: period.map(at), period_end: period.map(at),
            plan_units: units[7], cloud_next_period: units[8], enterprise_next_period: units[9],
        }
    }
}

/// A few bytes at a time, as a slow disk gives them.
struct Drips<'a>(&'a [u8]);

impl std::io::Read for Drips<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let count = buffer.len().min(7);
        self.0.read(&mut buffer[..count])
    }
}

proptest! {
    #[test]
    fn what_is_written_is_what_is_read(rows in proptest::collection::vec(any_row(), 0..20)) {
        let snapshot = Snapshot::new(at(1_795_370_400), rows);
        let file = encode(&snapshot);
        let one_by_one: Vec<_> =
            Organizations::new(file.as_bytes()).unwrap().collect::<Result<_, _>>().unwrap();
        prop_assert_eq!(one_by_one, snapshot.organizations());
        prop_assert_eq!(decode(snapshot.taken_at, file.as_bytes()).unwrap(), snapshot.clone());
        prop_assert_eq!(decode(snapshot.taken_at, Drips(file.as_bytes())).unwrap(), snapshot);
    }

    #[test]
    fn what_is_read_of_the_usage_of_some_is_what_is_read_of_everything(
        rows in proptest::collection::vec(any_row(), 0..20),
        flags in proptest::collection::vec(any::<(bool, bool)>(), 20),
    ) {
        let snapshot = Snapshot::new(at(1_795_370_400), rows);
        let part = |of: &Organization, is_in: fn(&(bool, bool)) -> bool| {
            let mut flags = flags.iter();
            of.clone().filtered(|_| is_in(flags.next().unwrap()))
        };
        for whole in snapshot.organizations() {
            let parts = (part(whole, |flags| flags.0), part(whole, |flags| flags.1));
            let (Some(seen), Some(like)) = parts else { continue };
            let file = encode(&Snapshot::of_organizations(snapshot.taken_at, vec![seen]));
            let read = Blocks::new(file.as_bytes()).unwrap().next().unwrap().unwrap().usage_like(&like).unwrap();
            let rows = read.rows.clone();
            let both = part(whole, |flags| flags.0 && flags.1).map(|both| UsageRows::beside(&both, &like));
            prop_assert_eq!(both.map_or_else(|| vec![None; rows.len()], |both| both.rows), rows);
        }
    }

    #[test]
    fn of_a_file_with_one_odd_letter_the_usage_is_read_as_everything_else_is(
        rows in proptest::collection::vec(any_row(), 1..20),
        place in any::<prop::sample::Index>(),
        letter in "[,\"x1\n-]?",
    ) {
        let snapshot = Snapshot::new(at(1_795_370_400), rows);
        let mut file = encode(&snapshot).into_bytes();
        let place = place.index(file.len());
        file.splice(place..=place, letter.bytes());
        let blocks = || Blocks::new(&file[..]).into_iter().flatten().map_while(Result::ok);
        for (block, same) in blocks().zip(blocks()) {
            let Some(like) = snapshot.organization(block.id()) else { continue };
            let (usage, whole) = (block.usage_like(like), same.organization());
            if let (Ok(usage), Ok(whole)) = (usage, whole) {
                // Where a row got another id, its cycle is not that of a wanted one.
                if whole.row_count() == like.row_count() && usage.rows.iter().all(Option::is_some) {
                    prop_assert_eq!(usage.period_start, whole.period_start);
                }
                prop_assert_eq!(usage.rows, UsageRows::beside(&whole, like).rows);
            }
        }
    }

    #[test]
    fn cells_are_what_stands_between_commas(text in "[a,é\u{80}-]{0,30}[a,]{0,20}") {
        let (mut cells, expected): (_, Vec<&str>) = ([""; COLUMNS.len()], text.split(',').collect());
        let column = |place| (place < COLUMNS.len()).then_some(place);
        prop_assert_eq!(split(&text, Commas::new(text.as_bytes()), column, &mut cells), expected.len());
        for (cell, expected) in cells.iter().zip(expected.iter().chain(std::iter::repeat(&""))) {
            prop_assert_eq!(cell, expected);
        }
    }

    #[test]
    fn an_organization_is_the_same_lines_whenever_it_was_written(rows in proptest::collection::vec(any_row(), 0..20)) {
        let snapshot = Snapshot::new(at(1_795_370_400), rows);
        let mut later = snapshot.clone();
        later.taken_at = at(1_795_374_000);
        let blocks = |file: &str| Blocks::new(file.as_bytes()).unwrap().collect::<Result<Vec<_>, _>>().unwrap();
        let (first, second) = (blocks(&encode(&snapshot)), blocks(&encode(&later)));
        prop_assert_eq!(first.len(), snapshot.organizations().len());
        for (first, second) in first.iter().zip(&second) {
            prop_assert!(first.is_same(second));
        }
        let rows: usize = second.iter().map(Block::rows).sum();
        prop_assert_eq!(rows, snapshot.row_count());
        let read = second.into_iter().map(|block| block.organization().unwrap());
        prop_assert_eq!(read.collect::<Vec<_>>(), snapshot.organizations());
    }

    #[test]
    fn rows_that_are_the_same_in_two_snapshots_change_nothing_in_what_they_show_to_differ(
        rows in proptest::collection::vec(any_row(), 0..20), others in proptest::collection::vec(proptest::option::of(any::<i64>()), 20),
        plain in any::<bool>(),
    ) {
        let rows: Vec<_> = rows.into_iter().map(|row| SnapshotRow {
            account_group_name: if plain { "Lab".into() } else { row.account_group_name }, org_name: "Acme".into(), ..row
        }).collect();
        let first = Snapshot::new(at(0), rows);
        let changed = first.rows().zip(&others).map(|(row, other)| {
            let quota = if other.is_some_and(|other| other % 2 == 0) { other.map(|quota| quota & i64::MAX) } else { row.quota };
            SnapshotRow { quota, usage: Usage { cloud_used: *other, ..row.usage }, ..row }
        });
        let second = Snapshot::new(at(9), changed.collect::<Vec<_>>());
        let blocks = |of: &Snapshot| Blocks::new(encode(of).as_bytes()).unwrap().collect::<Result<Vec<_>, _>>().unwrap();
        let both = blocks(&first).into_iter().zip(blocks(&second));
        for ((before, after), (left, right)) in first.organizations().iter().zip(second.organizations()).zip(both) {
            let (left, right, same) = left.without_same_rows(right);
            let (left, right) = (left.organization().unwrap(), right.organization().unwrap());
            prop_assert_eq!(left.row_count() + same, before.row_count());
            let differing = |a: &crate::domain::quota::Organization, b: &crate::domain::quota::Organization| {
                let pairs = a.rows().zip(b.rows()).filter(|(a, b)| a.quota != b.quota);
                pairs.map(|(a, b)| (a.target, a.quota, b.quota)).collect::<Vec<_>>()
            };
            prop_assert_eq!(differing(&left, &right), differing(before, after));
        }
    }

    #[test]
    fn cells_in_quotes_are_those_of_the_crate_csv(cells in prop::collection::vec("[a,\"é\r\n]{0,4}", 1..5)) {
        let mut writer = csv::WriterBuilder::new().quote_style(csv::QuoteStyle::Always).from_writer(Vec::new());
        writer.write_record(&cells).unwrap();
        let written = writer.into_inner().unwrap();
        let mut lines = Lines::of_text(written, 0);
        lines.next().unwrap();
        let mut record = csv::StringRecord::new();
        lines.read_quoted(&mut record).unwrap();
        prop_assert_eq!(record, csv::StringRecord::from(cells));
        prop_assert!(lines.next().unwrap().is_none());
    }

    #[test]
    fn the_bytes_are_those_of_the_crate_csv(rows in proptest::collection::vec(any_row(), 0..20)) {
        let file = encode(&Snapshot::new(at(1_795_370_400), rows));
        let mut again = csv::WriterBuilder::new().from_writer(Vec::new());
        for record in csv::ReaderBuilder::new().has_headers(false).from_reader(file.as_bytes()).records() {
            again.write_record(&record.unwrap()).unwrap();
        }
        prop_assert_eq!(String::from_utf8(again.into_inner().unwrap()).unwrap(), file);
    }
    #[test]
    fn those_rows_alone_are_taken_that_are_wanted_whatever_columns_a_file_has(rows in proptest::collection::vec(any_row(), 0..20)) {
        let snapshot = Snapshot::new(at(1_795_370_400), rows);
        let ours = encode(&snapshot);
        // One more column is not one of ours.
        let others = ours.replacen("taken_at", "odd,taken_at", 1).replace("2026-11-22T18:00:00Z", "x,2026-11-22T18:00:00Z");
        for file in [&ours, &others] {
            let blocks = || Blocks::new(file.as_bytes()).unwrap().map(Result::unwrap);
            for (block, seen) in blocks().zip(snapshot.organizations()) {
                let mut rows = seen.rows();
                let each = |row: &SnapshotRow<'_>| {
                    assert_eq!(Some(row), rows.next().as_ref());
                    Ok(())
                };
                block.for_each_row(each).unwrap();
                assert_eq!(rows.next(), None);
            }
            for ((by_id, by_row), seen) in blocks().zip(blocks()).zip(snapshot.organizations()) {
                let targets = |organization: &Organization| organization.places().map(Place::target).collect::<Vec<_>>();
                let first = seen.places().next().unwrap();
                let only = by_id.filtered_by_aid(|aid| aid == first.aid().map(Aid::as_str)).unwrap();
                prop_assert_eq!(targets(&only), [first.target()]);
                let without_quota = by_row.filtered(|row| row.quota.is_none()).unwrap();
                let expected = seen.places().filter(|place| place.quota().is_none()).map(Place::target);
                prop_assert_eq!(targets(&without_quota), expected.collect::<Vec<_>>());
                prop_assert_eq!((&without_quota.name, without_quota.cycle()), (&seen.name, seen.cycle()));
            }
        }
    }

    #[test]
    fn every_file_that_is_read_says_what_the_crate_csv_reads_in_it(lines in "(1,2,[3,\"\r\n a]{0,5}\r?\n){0,4}") {
        let file = format!("org_id,aid,org_name\n{lines}").replace("org_name", "quota,org_name").replace("1,2,", "1,2,7,");
        if let Ok(read) = decode(at(0), file.as_bytes()) {
            let mut reader = csv::Reader::from_reader(file.as_bytes());
            let rows = reader.records().map(|record| {
                let record = record.unwrap();
                let target = match &record[1] {
                    "" => Target::organization(&record[0]),
                    aid => Target::account_group(&record[0], aid),
                };
                let quota = (!record[2].is_empty()).then(|| record[2].parse().unwrap());
                SnapshotRow { quota, org_name: record[3].to_owned().into(), ..SnapshotRow::new(target) }
            });
            prop_assert_eq!(read, Snapshot::new(at(0), rows));
        }
    }

    #[test]
    fn no_bytes_make_the_reader_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = decode(at(0), &bytes[..]);
        let _ = Organizations::new(&bytes[..]).map(Iterator::count);
        let ours = COLUMNS.map(|(name, _)| name).join(",");
        let _ = Blocks::new([ours.as_bytes(), &bytes].concat().as_slice()).map(Iterator::count);
    }
}

#[test]
fn a_file_has_the_documented_columns_and_distinguishes_unknown_from_none() {
    let row = SnapshotRow {
        org_name: "Acme Bank".into(),
        quota: Some(0),
        usage: Usage { cloud_used: Some(0), ..Usage::default() },
        ..SnapshotRow::new(Target::organization("10452"))
    };
    let unnamed = SnapshotRow::new(Target::account_group("10452", "204117"));
    insta::assert_snapshot!(encode(&Snapshot::new(at(1_795_370_400), vec![unnamed, row])), @r"
    taken_at,level,org_id,org_name,aid,account_group_name,quota,cloud_units_used,cloud_units_projected,enterprise_units_used,enterprise_units_projected,device_units_used,device_units_projected,period_start,period_end,plan_units,cloud_units_next_period,enterprise_units_next_period
    2026-11-22T18:00:00Z,organization,10452,Acme Bank,,,0,0,,,,,,,,,,
    2026-11-22T18:00:00Z,account_group,10452,Acme Bank,204117,,,,,,,,,,,,,
    ");
}

#[test]
fn the_documentation_has_every_column() {
    let columns: Vec<&str> = COLUMNS.iter().map(|(name, _)| *name).collect();
    let schemas = include_str!("../../../docs/scale.md");
    for (begin, end) in
        [("  types = {", "}"), ("schema = \"\"\"", "\"\"\""), ("history_csv (", ", year VARCHAR")]
    {
        let (_, rest) = schemas.split_once(begin).unwrap();
        let words = rest.split_once(end).unwrap().0.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
        let named: Vec<&str> =
            words.filter(|word| word.starts_with(|c: char| c.is_ascii_lowercase())).collect();
        assert_eq!(named, columns, "docs/scale.md: {begin}");
    }
    let (_, table) = include_str!("../../../docs/files.md").split_once("| column | meaning |\n").unwrap();
    let rows = table.lines().take_while(|line| line.starts_with('|'));
    let explained: Vec<&str> = rows.flat_map(|row| row.split('`').skip(1).step_by(2)).collect();
    for name in columns {
        let is_it = |text: &&str| match text.split_once('…') {
            Some((beginning, end)) => name.starts_with(beginning) && name.ends_with(end),
            None => *text == name,
        };
        assert!(explained.iter().any(is_it), "docs/files.md lacks {name}");
    }
}

#[test]
fn a_broken_cell_is_named_with_its_line() {
    let error = decode(at(0), &b"org_id,aid,quota\n1,,5\n1,2,many\n"[..]).unwrap_err();
    assert_eq!(format!("{error:#}"), "line 3: quota is `many`, not a number: invalid digit found in string");
    let error = decode(at(0), &b"org_id,aid,quota\n1,,5\n1,2,-5\n"[..]).unwrap_err();
    assert_eq!(format!("{error:#}"), "line 3: quota is `-5`, and no quota is below 0");
}

/// As a broken disk leaves it: gigabytes of nothing.
#[test]
fn a_file_without_ends_of_lines_is_not_read_whole() {
    for byte in [0, b'x', b'"'] {
        let mut lines = Lines::of_file(std::io::Read::take(std::io::repeat(byte), 1 << 40));
        let message = loop {
            match lines.next() {
                Ok(line) => assert!(line.is_some()),
                Err(error) => break format!("{error:#}"),
            }
        };
        assert!(message.contains("line 1 does not end within 8388608 bytes"), "{message}");
    }
}

#[test]
fn a_file_whose_organizations_are_not_in_order_cannot_be_read_one_by_one() {
    let file = &b"org_id,aid,quota\n2,,5\n1,2,6\n3,,7\n"[..];
    let read: Vec<_> = Organizations::new(file).unwrap().collect();
    assert_eq!(read.len(), 1);
    assert!(read[0].as_ref().unwrap_err().to_string().contains("not in the order of their ids"));
    let mut blocks = Blocks::new(file).unwrap();
    assert!(blocks.find_map(Result::err).unwrap().to_string().contains("not in the order of their ids"));
    assert!(blocks.next().is_none());
    assert_eq!(decode(at(0), file).unwrap().organizations().len(), 3);
}

#[test]
fn a_broken_line_of_an_organization_that_is_only_compared_is_named_too() {
    let snapshot = Snapshot::new(at(0), [SnapshotRow::new(Target::account_group("1", "2"))]);
    let file = encode(&snapshot).replace(",2,,,", ",2,,many,");
    let block = Blocks::new(file.as_bytes()).unwrap().next().unwrap().unwrap();
    let error = block.organization().err().unwrap();
    assert!(format!("{error:#}").starts_with("line 2: quota is `many`"), "{error:#}");
    let without_id = format!("{file}2026,account_group\n");
    let error = Blocks::new(without_id.as_bytes()).unwrap().find_map(Result::err).unwrap();
    assert_eq!(error.to_string(), "line 3: it has no org_id");
}

#[test]
fn a_time_with_more_precision_is_normalized_when_it_is_written() {
    let file =
        b"org_id,aid,quota,period_start,period_end\n1,,5,2026-11-05T00:00:00.9Z,2026-12-05T00:00:00.25Z\n";
    let read = decode(at(0), &file[..]).unwrap();
    assert_eq!(read.organizations()[0].cycle(), Some((at(1_793_836_800), at(1_796_428_800))));
    assert_eq!(decode(at(0), encode(&read).as_bytes()).unwrap(), read);
}

#[test]
fn a_file_of_another_version_is_read_by_the_names_of_its_columns() {
    let snapshot = decode(at(0), &b"new_column,quota,aid,org_id\nx,5,2,1\n"[..]).unwrap();
    assert_eq!(snapshot.row(&Target::account_group("1", "2")).unwrap().quota, Some(5));
}

#[test]
fn fuzzed_snapshot_files_are_read_or_refused_and_what_is_read_survives_a_round_trip() {
    let row = |aid: &str, quota| SnapshotRow {
        org_name: "Zürich, \"AG\"".into(),
        quota,
        usage: Usage { cloud_used: Some(7), cloud_projected: Some(19), ..Usage::default() },
        period_start: Some(at(1_790_000_000)),
        period_end: Some(at(1_792_000_000)),
        ..SnapshotRow::new(Target::account_group("10", aid))
    };
    let snapshot = Snapshot::new(at(1_795_370_400), [row("1", Some(5)), row("20", None)]);
    let older = "org_id,aid,quota\n10,,500\n10,7,\n11,9,3\n";
    fuzzed("snapshot files", &[encode(&snapshot).as_bytes(), older.as_bytes()], |file| {
        if let Ok(read) = decode(snapshot.taken_at, file) {
            assert_eq!(decode(snapshot.taken_at, encode(&read).as_bytes()).unwrap(), read);
        }
        for block in Blocks::new(file).into_iter().flatten() {
            let Ok(block) = block else { break };
            drop(block.usage_like(&snapshot.organizations()[0]));
        }
    });
}
