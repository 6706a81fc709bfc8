//! A snapshot as CSV, and back. Columns are found by name, so that older and newer files can be read.
//!
//! An empty quota is "none assigned", an empty usage is "unknown"; neither is 0.

use std::io::{Read, Write};

use anyhow::Context;
use chrono::{DateTime, SecondsFormat, Utc};

use crate::domain::quota::{Builder, Organization, Snapshot, SnapshotRow, Target, Units, Usage};
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
    let mut rows = Rows::new(file)?;
    let mut builder = Builder::default();
    while let Some(row) = rows.next()? {
        builder.add(row);
    }
    Ok(builder.finish(taken_at))
}

/// The rows of a file, one by one.
struct Rows<R> {
    reader: csv::Reader<R>,
    columns: [Option<usize>; COLUMNS.len()],
    record: csv::StringRecord,
}

impl<R: Read> Rows<R> {
    fn new(file: R) -> anyhow::Result<Self> {
        let mut reader = csv::ReaderBuilder::new().buffer_capacity(1 << 16).from_reader(file);
        let headers = reader.headers()?;
        let columns = COLUMNS.map(|name| headers.iter().position(|header| header == name));
        for needed in ["org_id", "aid", "quota"] {
            anyhow::ensure!(headers.iter().any(|header| header == needed), "the column {needed} is missing");
        }
        Ok(Self { reader, columns, record: csv::StringRecord::new() })
    }

    /// The next row; none at the end.
    fn next(&mut self) -> anyhow::Result<Option<SnapshotRow<'_>>> {
        if !self.reader.read_record(&mut self.record)? {
            return Ok(None);
        }
        let line = self.record.position().map_or(0, csv::Position::line);
        row(&self.record, &self.columns).with_context(|| format!("line {line}")).map(Some)
    }
}

/// The organizations of a file, one after the other in the order of their ids: no more than one of them is in memory.
pub(crate) struct Organizations<R> {
    rows: Rows<R>,
    /// Of which the next rows are.
    begun: Option<Organization>,
    /// Nothing comes after the end, or after an error.
    ended: bool,
}

impl<R: Read> Organizations<R> {
    pub(crate) fn new(file: R) -> anyhow::Result<Self> {
        Ok(Self { rows: Rows::new(file)?, begun: None, ended: false })
    }

    fn read(&mut self) -> anyhow::Result<Option<Organization>> {
        while let Some(row) = self.rows.next()? {
            match &mut self.begun {
                Some(organization) if organization.id == row.target.org_id => organization.add(row),
                begun => {
                    let mut next = Organization::new(row.target.org_id.clone());
                    next.add(row);
                    let whole = begun.replace(next);
                    let is_sorted = whole.as_ref().zip(begun.as_ref()).is_none_or(|(a, b)| a.id < b.id);
                    anyhow::ensure!(is_sorted, "its organizations are not in the order of their ids");
                    if let Some(whole) = whole {
                        return Ok(Some(whole.sorted()));
                    }
                }
            }
        }
        self.ended = true;
        Ok(self.begun.take().map(Organization::sorted))
    }
}

impl<R: Read> Iterator for Organizations<R> {
    type Item = anyhow::Result<Organization>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let read = self.read().transpose();
        self.ended |= matches!(read, Some(Err(_)));
        read
    }
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
            let one_by_one: Vec<_> =
                Organizations::new(file.as_bytes()).unwrap().collect::<Result<_, _>>().unwrap();
            prop_assert_eq!(one_by_one, snapshot.organizations());
            prop_assert_eq!(decode(snapshot.taken_at, file.as_bytes()).unwrap(), snapshot);
        }

        #[test]
        fn no_bytes_make_the_reader_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = decode(at(0), &bytes[..]);
            let _ = Organizations::new(&bytes[..]).map(Iterator::count);
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
    fn a_file_whose_organizations_are_not_in_order_cannot_be_read_one_by_one() {
        let file = &b"org_id,aid,quota\n2,,5\n1,2,6\n3,,7\n"[..];
        let read: Vec<_> = Organizations::new(file).unwrap().collect();
        assert_eq!(read.len(), 1);
        assert!(read[0].as_ref().unwrap_err().to_string().contains("not in the order of their ids"));
        assert_eq!(decode(at(0), file).unwrap().organizations().len(), 3);
    }

    #[test]
    fn a_file_of_another_version_is_read_by_the_names_of_its_columns() {
        let snapshot = decode(at(0), &b"new_column,quota,aid,org_id\nx,5,2,1\n"[..]).unwrap();
        assert_eq!(snapshot.row(&Target::account_group("1", "2")).unwrap().quota, Some(5));
    }
}
