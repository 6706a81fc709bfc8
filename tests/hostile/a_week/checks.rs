//! What must be true of a week when it is over. The slots are reckoned here by hand, not by what is tested.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Days, NaiveDateTime, TimeDelta, TimeZone, Utc};
use chrono_tz::Europe::Berlin;
use serde_json::Value;

use super::clockwork::{Week, message_id, names};

/// What the log reported as missed: the job, and its first and last slot.
struct Gap {
    job: String,
    first: DateTime<Utc>,
    last: DateTime<Utc>,
}

pub(crate) struct Seen {
    gaps: Vec<Gap>,
    pub(crate) missed_reports: BTreeSet<DateTime<Utc>>,
    pub(crate) log: String,
}

impl Seen {
    fn missed(&self, job: &str, slot: DateTime<Utc>) -> bool {
        self.gaps.iter().any(|gap| gap.job == job && gap.first <= slot && slot <= gap.last)
    }

    /// Whether the log reported this snapshot as missed.
    pub(crate) fn gap_covers(&self, slot: DateTime<Utc>) -> bool {
        self.missed("snapshot", slot)
    }
}

pub(crate) fn check(week: &Week, begin: DateTime<Utc>, end: DateTime<Utc>) -> Seen {
    let log = week.log();
    assert!(!log.contains("panicked"), "{log}");
    let mut seen = Seen { gaps: gaps(&log), missed_reports: BTreeSet::new(), log };
    let at_the_hour = begin.timestamp() / 3600 * 3600;
    let hours = (at_the_hour..end.timestamp() + 3600).step_by(3600);
    let hours: Vec<_> = hours.map(|second| DateTime::from_timestamp(second, 0).unwrap()).collect();
    // A kill in the middle of writing leaves a temporary file, which is neither a snapshot nor a mail.
    let history = names(&week.data().join("history"));
    let taken = history.iter().filter_map(|name| name.strip_suffix(".csv"));
    let taken: Vec<_> = taken.map(|stem| time(stem, "%Y-%m-%dT%H-%M-%SZ")).collect();
    let snapshots = each_slot(&hours, &taken, |slot| seen.missed("snapshot", slot), week.kills);

    each_file_was_one_run(week);
    let waiting = names(&week.data().join("outbox/new")).into_iter();
    assert_eq!(waiting.filter(|name| !name.starts_with(".new-")).collect::<Vec<_>>(), [""; 0]);
    assert_eq!(names(&week.data().join("outbox/dead")), [""; 0]);
    let sent = names(&week.data().join("outbox/sent"));
    let (mut ids, mut reports) = (BTreeSet::new(), Vec::new());
    for stem in sent.iter().filter_map(|name| name.strip_suffix(".eml")) {
        let mail = std::fs::read_to_string(week.data().join(format!("outbox/sent/{stem}.eml"))).unwrap();
        let id = message_id(&mail);
        if id.starts_with("<usage.") {
            reports.push(time(&stem[..16], "%Y%m%dT%H%M%SZ"));
        }
        assert!(ids.insert(id), "{stem} was sent twice");
    }
    if let Some(taken) = week.taken() {
        let arrived: BTreeSet<_> = taken.iter().cloned().collect();
        assert_eq!(arrived, ids, "what arrived is what was noted as sent");
        // A kill may come between the server's answer and the note of it.
        assert!(taken.len() - arrived.len() <= week.kills, "{taken:?}");
        eprintln!("{} mails, of which {} came twice", arrived.len(), taken.len() - arrived.len());
    }
    let days = each_slot(&nights(begin, end), &reports, |slot| seen.missed("usage report", slot), 0);
    seen.missed_reports = days.missed;
    eprintln!(
        "{} hours: {} with a snapshot, {} reported as missed; {} usage reports sent, {} reported as missed; {} kills",
        hours.len(),
        snapshots.served,
        snapshots.missed.len(),
        days.served,
        seen.missed_reports.len(),
        week.kills
    );
    assert!(snapshots.served * 5 > hours.len(), "this machine was too slow for the week to show anything");
    seen
}

/// Each that was dropped became one run, which came to its end, and whoever dropped it got an answer.
fn each_file_was_one_run(week: &Week) {
    let mut ended: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let entries = std::fs::read_dir(week.data().join("runs")).unwrap().map(|entry| entry.unwrap().path());
    for run in entries.filter(|path| path.is_dir()) {
        let record = std::fs::read_to_string(run.join("run.json")).unwrap();
        let record: Value = serde_json::from_str(&record).unwrap();
        let [file, state] = ["file", "state"].map(|key| record[key].as_str().unwrap().to_owned());
        ended.entry(file).or_default().push(state);
    }
    let inbox = week.data().join("inbox");
    for file in &week.dropped {
        assert_eq!(ended.get(file).map(Vec::as_slice), Some(&["done".to_owned()][..]), "{file}");
        let answer = inbox.join("answers").join(file);
        assert!(answer.join("success.csv").is_file(), "{file}: {:?}", names(&answer));
        assert!(!inbox.join(file).exists(), "{file} is still in the inbox");
    }
    assert_eq!(ended.len(), week.dropped.len());
    eprintln!("{} change files, each one run", week.dropped.len());
}

struct Slots {
    served: usize,
    missed: BTreeSet<DateTime<Utc>>,
}

/// Each slot was served before the next one came, or reported as missed. A kill may come between the work and the note of it:
/// only so often is one served twice, or served and reported as missed. The last of these slots only ends the one before it: on a
/// busy machine the end of the week comes as late as that.
fn each_slot(
    slots: &[DateTime<Utc>],
    served: &[DateTime<Utc>],
    missed: impl Fn(DateTime<Utc>) -> bool,
    kills: usize,
) -> Slots {
    let mut result = Slots { served: 0, missed: BTreeSet::new() };
    let mut doubled = Vec::new();
    for (slot, next) in slots.iter().zip(&slots[1..]) {
        let times = served.iter().filter(|at| *at >= slot && *at < next).count();
        match (times, missed(*slot)) {
            (0, false) => panic!("{slot} was neither served nor reported as missed"),
            (0, true) => drop(result.missed.insert(*slot)),
            (1, false) => result.served += 1,
            _ => {
                result.served += 1;
                doubled.push(*slot);
            }
        }
    }
    assert!(doubled.len() <= kills, "served twice, or reported as missed too: {doubled:?}");
    result
}

/// Half past two in Berlin, each night from the one before the beginning: the first of two, or the end of the gap.
fn nights(begin: DateTime<Utc>, end: DateTime<Utc>) -> Vec<DateTime<Utc>> {
    let first = begin.with_timezone(&Berlin).date_naive() - Days::new(1);
    let night = |day: chrono::NaiveDate| {
        let wall = day.and_hms_opt(2, 30, 0).unwrap();
        let slot = Berlin.from_local_datetime(&wall).earliest();
        let slot = slot.or_else(|| Berlin.from_local_datetime(&(wall + TimeDelta::minutes(30))).earliest());
        slot.unwrap().to_utc()
    };
    let mut nights: Vec<_> = first.iter_days().map(night).take_while(|slot| *slot < end).collect();
    nights.extend(first.iter_days().map(night).find(|slot| *slot >= end));
    let running = nights.iter().rposition(|slot| *slot <= begin).unwrap();
    nights[running..].to_vec()
}

fn gaps(log: &str) -> Vec<Gap> {
    let lines = log.lines().filter_map(|line| serde_json::from_str::<BTreeMap<String, Value>>(line).ok());
    let missed = lines.filter(|line| line["message"] == "slots were missed before this one");
    let moment = |line: &BTreeMap<String, Value>, key: &str| {
        time(line[key].as_str().unwrap(), "%Y-%m-%d %H:%M:%S UTC")
    };
    let gap = |line: BTreeMap<String, Value>| Gap {
        job: line["job"].as_str().unwrap().to_owned(),
        first: moment(&line, "first"),
        last: moment(&line, "last"),
    };
    missed.map(gap).collect()
}

fn time(text: &str, format: &str) -> DateTime<Utc> {
    NaiveDateTime::parse_from_str(text, format).unwrap_or_else(|_| panic!("`{text}` is no time")).and_utc()
}
