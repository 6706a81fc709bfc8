//! The mail's text, its HTML, the page, the attached table and JSON say the same numbers, which are those of the snapshot.

use proptest::prelude::*;

use crate::domain::quota::{Snapshot, SnapshotRow, Units, Usage};
use crate::mail::Templates;
use crate::page;
use crate::report::Report;
use crate::report::fixtures::{at, group, organization, report_from, with_page};
use crate::text::words::grouped;

/// What a target has: its quota, and what it uses, unless that is unknown.
type Figures = (Option<Units>, Option<(Units, Units)>);

fn figures() -> impl Strategy<Value = Figures> {
    let used = prop::option::weighted(0.9, (0..2_000_000_i64, 0..2_000_000_i64));
    (prop::option::weighted(0.9, 0..1_500_000_i64), used)
}

fn row(number: usize, (quota, usage): Figures) -> SnapshotRow<'static> {
    let (used, projected) = usage.unwrap_or_default();
    let row = group(&(300_000 + number).to_string(), &format!("Group {number}"), quota, used, projected);
    SnapshotRow { usage: usage.map_or_else(Usage::default, |_| row.usage), ..row }
}

/// `8 120 used 10 940 projected of 9 000`: what is said of a target wherever it is listed.
fn said(row: &SnapshotRow) -> String {
    let quota = row.quota.map_or_else(|| ", no quota".to_owned(), |quota| format!(" of {}", grouped(quota)));
    match (row.usage.cloud_used, row.usage.cloud_projected) {
        (Some(used), Some(projected)) => {
            format!("{} used {} projected{quota}", grouped(used), grouped(projected))
        }
        _ => format!("usage unknown{quota}"),
    }
}

/// `8 120 10 940 9 000`: the cells of a row.
fn cells(row: &SnapshotRow) -> String {
    let units = |units: Option<Units>| units.map_or_else(|| "unknown".to_owned(), grouped);
    let quota = row.quota.map_or_else(|| "no quota".to_owned(), grouped);
    format!("{} {} {quota}", units(row.usage.cloud_used), units(row.usage.cloud_projected))
}

/// The words that a reader sees, with single blanks.
fn words_of(html: &str) -> String {
    let body = html.split_once("<body").map_or(html, |(_, body)| body);
    let text: String =
        body.split('<').map(|part| part.split_once('>').map_or(part, |(_, text)| text)).collect();
    let text = text.replace(['\u{202f}', '\u{a0}'], " ").replace("&nbsp;", " ");
    let text = text.replace(" · no quota", ", no quota").replace("Usage unknown", "usage unknown");
    text.split_whitespace().filter(|word| *word != "·").collect::<Vec<_>>().join(" ")
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn mail_page_table_and_json_say_the_numbers_of_the_snapshot(
        own in (1..9_000_000_i64, 0..9_000_000_i64, 0..9_000_000_i64),
        groups in prop::collection::vec(figures(), 0..14),
    ) {
        let mut rows = vec![organization("10452", "Acme Bank", Some(own.0), own.1, own.2)];
        rows.extend(groups.into_iter().enumerate().map(|(number, figures)| row(number, figures)));
        let latest = Snapshot::new(at("11-22T06:00"), rows);
        let report = report_from(&latest, &[]);
        let table = report.attached.clone();
        let json = serde_json::to_value(&report).unwrap();
        let (worst, organizations) = (report.worst.clone(), report.organizations.len());
        let report = Report::Usage(Box::new(report));
        let templates = Templates::load(None);
        let text = templates.text(&report, &[]).unwrap();
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        let html = templates.html(&report, &[]).unwrap();
        let page = with_page(&latest, &[], |page| page::usage(page, None)).unwrap();

        prop_assert_eq!(organizations, 1);
        let total = format!("{} of {} units used", grouped(own.1), grouped(own.0));
        let page = words_of(&page.replace("<td", " <td"));
        prop_assert!(page.contains(&total), "{}: {}", total, page);
        for place in latest.groups() {
            let row = place.row().unwrap();
            let block = page.split(&format!("{} {}", row.name(), row.target.aid.as_ref().unwrap())).nth(1).unwrap();
            let block = block.split(" Group ").next().unwrap();
            prop_assert!(block.contains(&cells(&row)), "{}: {}", cells(&row), block);
        }
        for told in [&text, &words_of(&html)] {
            prop_assert!(told.contains(&total), "{}: {}", total, told);
            for status in &worst {
                let row = latest.row(&status.target).unwrap();
                // Behind its name and id, before the next one's.
                let block = told.split(&format!("{} {}", status.name, status.id)).nth(1).unwrap();
                let block = block.split(" Group ").next().unwrap();
                prop_assert!(block.contains(&said(&row)), "{}: {}", said(&row), block);
            }
        }
        let mut records = csv::Reader::from_reader(&table["\u{feff}".len()..]);
        let headers = records.headers().unwrap().clone();
        for record in records.records() {
            let record = record.unwrap();
            let cell = |name: &str| &record[headers.iter().position(|header| header == name).unwrap()];
            let row = latest.rows().find(|row| {
                row.target.aid.as_ref().map_or("", |aid| aid.as_str()) == cell("aid")
            }).unwrap();
            let number = |units: Option<Units>| units.map(|units| units.to_string()).unwrap_or_default();
            prop_assert_eq!(cell("quota"), number(row.quota));
            prop_assert_eq!(cell("used"), number(row.usage.cloud_used));
            prop_assert_eq!(cell("projected"), number(row.usage.cloud_projected));
        }
        for (status, value) in worst.iter().zip(json["worst"].as_array().unwrap()) {
            let row = latest.row(&status.target).unwrap();
            prop_assert_eq!(value["quota"].as_i64(), row.quota);
            prop_assert_eq!(value["used"].as_i64(), row.usage.cloud_used);
            prop_assert_eq!(value["projected"].as_i64(), row.usage.cloud_projected);
        }
    }
}
