//! A snapshot as CSV, and back. Columns are found by name, so that older and newer files can be read.
//!
//! An empty quota is "none assigned", an empty usage is "unknown"; neither is 0.

use std::io::{Read, Write};

use anyhow::Context;
use chrono::{DateTime, SecondsFormat, Utc};

use crate::domain::quota::{Builder, Snapshot, SnapshotRow, Target, Units, Usage};
use crate::files::csv_cell::{inert, plain};

const COLUMNS: [&str; 18] = [
    "taken_at",
    "level",
    "org_id",
    "org_name",
    "aid",
    "account_group_name",
    "quota",
    "cloud_units_used",
    "cloud_units_projected",
    "enterprise_units_used",
    "enterprise_units_projected",
    "device_units_used",
    "device_units_projected",
    "period_start",
    "period_end",
    "plan_units",
    "cloud_units_next_period",
    "enterprise_units_next_period",
];

/// Writes a snapshot's file, row by row, and says how many there were.
pub(crate) fn encode<'r>(
    out: impl Write,
    taken_at: DateTime<Utc>,
    rows: impl Iterator<Item = SnapshotRow<'r>>,
) -> csv::Result<usize> {
    let mut writer = csv::WriterBuilder::new().buffer_capacity(1 << 16).from_writer(out);
    writer.write_record(COLUMNS)?;
    let taken_at = time(Some(taken_at));
    let mut count = 0;
    for row in rows {
        count += 1;
        // Named one by one, so that a new field cannot be forgotten here.
        let SnapshotRow {
            target,
            org_name,
            account_group_name,
            quota,
            usage,
            period_start,
            period_end,
            plan_units,
            cloud_next_period,
            enterprise_next_period,
        } = row;
        let Usage {
            cloud_used,
            cloud_projected,
            enterprise_used,
            enterprise_projected,
            device_used,
            device_projected,
        } = usage;
        for text in [
            taken_at.as_str(),
            target.level(),
            target.org_id.as_str(),
            &inert(&org_name),
            target.aid.as_ref().map_or("", |aid| aid.as_str()),
            &inert(&account_group_name),
        ] {
            writer.write_field(text)?;
        }
        for units in [
            quota,
            cloud_used,
            cloud_projected,
            enterprise_used,
            enterprise_projected,
            device_used,
            device_projected,
        ] {
            writer.write_field(number(units))?;
        }
        writer.write_field(time(period_start))?;
        writer.write_field(time(period_end))?;
        for units in [plan_units, cloud_next_period, enterprise_next_period] {
            writer.write_field(number(units))?;
        }
        writer.write_record(None::<&[u8]>)?;
    }
    writer.flush()?;
    Ok(count)
}

/// The snapshot of a file, taken at the time that the file's name says.
pub(crate) fn decode(taken_at: DateTime<Utc>, file: impl Read) -> anyhow::Result<Snapshot> {
    let mut reader = csv::ReaderBuilder::new().buffer_capacity(1 << 16).from_reader(file);
    let headers = reader.headers()?.clone();
    let mut columns = [None; COLUMNS.len()];
    for (name, place) in COLUMNS.iter().zip(&mut columns) {
        *place = headers.iter().position(|header| header == *name);
    }
    for needed in ["org_id", "aid", "quota"] {
        anyhow::ensure!(headers.iter().any(|header| header == needed), "the column {needed} is missing");
    }
    let mut builder = Builder::default();
    let mut record = csv::StringRecord::new();
    while reader.read_record(&mut record)? {
        let line = record.position().map_or(0, csv::Position::line);
        builder.add(row(&record, &columns).with_context(|| format!("line {line}"))?);
    }
    Ok(builder.finish(taken_at))
}

fn row<'r>(
    record: &'r csv::StringRecord,
    columns: &[Option<usize>; COLUMNS.len()],
) -> anyhow::Result<SnapshotRow<'r>> {
    let cell = |index: usize| columns[index].and_then(|place| record.get(place)).unwrap_or_default();
    let units = |index: usize| -> anyhow::Result<Option<Units>> {
        let text = cell(index);
        if text.is_empty() {
            return Ok(None);
        }
        text.parse().map(Some).with_context(|| format!("{} is `{text}`, not a number", COLUMNS[index]))
    };
    let moment = |index: usize| -> anyhow::Result<Option<DateTime<Utc>>> {
        let text = cell(index);
        if text.is_empty() {
            return Ok(None);
        }
        text.parse().map(Some).with_context(|| format!("{} is `{text}`, not a time", COLUMNS[index]))
    };
    let (org_id, aid) = (cell(2), cell(4));
    anyhow::ensure!(!org_id.is_empty(), "org_id is empty");
    let target =
        if aid.is_empty() { Target::organization(org_id) } else { Target::account_group(org_id, aid) };
    Ok(SnapshotRow {
        target,
        org_name: plain(cell(3)),
        account_group_name: plain(cell(5)),
        quota: units(6)?,
        usage: Usage {
            cloud_used: units(7)?,
            cloud_projected: units(8)?,
            enterprise_used: units(9)?,
            enterprise_projected: units(10)?,
            device_used: units(11)?,
            device_projected: units(12)?,
        },
        period_start: moment(13)?,
        period_end: moment(14)?,
        plan_units: units(15)?,
        cloud_next_period: units(16)?,
        enterprise_next_period: units(17)?,
    })
}

fn number(units: Option<Units>) -> String {
    units.map_or_else(String::new, |units| units.to_string())
}

fn time(moment: Option<DateTime<Utc>>) -> String {
    moment.map_or_else(String::new, |moment| moment.to_rfc3339_opts(SecondsFormat::Secs, true))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn encode(snapshot: &Snapshot) -> String {
        let mut bytes = Vec::new();
        super::encode(&mut bytes, snapshot.taken_at, snapshot.rows()).unwrap();
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
                target, org_name: names.0.into(), account_group_name: names.1.into(), quota: units[0],
                usage: Usage {
                    cloud_used: units[1], cloud_projected: units[2], enterprise_used: units[3],
                    enterprise_projected: units[4], device_used: units[5], device_projected: units[6],
                },
                period_start: period.map(at), period_end: period.map(at),
                plan_units: units[7], cloud_next_period: units[8], enterprise_next_period: units[9],
            }
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_what_is_read(rows in proptest::collection::vec(any_row(), 0..20)) {
            let snapshot = Snapshot::new(at(1_795_370_400), rows);
            let file = encode(&snapshot);
            prop_assert_eq!(decode(snapshot.taken_at, file.as_bytes()).unwrap(), snapshot);
        }

        #[test]
        fn no_bytes_make_the_reader_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = decode(at(0), &bytes[..]);
        }
    }

    #[test]
    fn a_file_has_the_documented_columns_and_tells_unknown_from_nothing() {
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
    fn a_broken_cell_is_named_with_its_line() {
        let error = decode(at(0), &b"org_id,aid,quota\n1,,5\n1,2,many\n"[..]).unwrap_err();
        assert_eq!(
            format!("{error:#}"),
            "line 3: quota is `many`, not a number: invalid digit found in string"
        );
    }

    #[test]
    fn a_file_of_another_version_is_read_by_the_names_of_its_columns() {
        let snapshot = decode(at(0), &b"new_column,quota,aid,org_id\nx,5,2,1\n"[..]).unwrap();
        assert_eq!(snapshot.row(&Target::account_group("1", "2")).unwrap().quota, Some(5));
    }
}
