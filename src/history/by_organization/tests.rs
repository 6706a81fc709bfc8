//! Large snapshots, read on all cores.

use super::*;
use crate::domain::quota::SnapshotRow;

#[test]
fn a_large_snapshot_reads_the_same_on_all_cores_as_on_one() {
    let folder = tempfile::tempdir().unwrap();
    let history = History::new(folder.path());
    let row = |number: usize| SnapshotRow {
        org_name: format!("Organization {}", number / 1000).into(),
        account_group_name: "A name that makes a line of some length".repeat(2).into(),
        quota: Some(7),
        ..SnapshotRow::new(Target::account_group(
            (number / 1000).to_string().as_str(),
            number.to_string().as_str(),
        ))
    };
    let snapshot = Snapshot::new("2026-11-22T06:00:00Z".parse().unwrap(), (0..60_000).map(row));
    let (at, _) = history.write(&snapshot).unwrap();
    assert!(history.bytes().unwrap() > LARGE);
    let on_all = history.clone().on_all_cores();
    assert!(on_all.read(at).unwrap() == snapshot);
    assert!(on_all.restricted_to(at, &snapshot).unwrap() == snapshot);
    assert_eq!(on_all.with_id(at, "31007").unwrap(), [Target::account_group("31", "31007")]);
    let ids = |history: &History| {
        let id = |block: Block| Ok(block.id().clone());
        history.each(at, id, |ids| ids.collect::<anyhow::Result<Vec<_>>>()).unwrap()
    };
    assert_eq!(ids(&on_all), ids(&history));

    let text = fs_err::read_to_string(history.path(at)).unwrap();
    fs_err::write(history.path(at), text.replacen(",31007,", ",31007,x,", 1)).unwrap();
    let errors = |history: &History| {
        let organization = |block: Block| block.organization().map(|organization| organization.row_count());
        let usage = history.usage_like(at, &snapshot, |usage| usage.rows.len(), |rows| rows.sum());
        let errors = [
            history.read(at).map(|read| read.row_count()),
            history.restricted_to(at, &snapshot).map(|read| read.row_count()),
            history.each(at, organization, |rows| rows.sum()),
            usage,
        ];
        errors.map(|error| format!("{:#}", error.unwrap_err()))
    };
    let [one, all] = [&history, &on_all].map(errors);
    assert_eq!(one, all);
    let columns = text.lines().next().unwrap().split(',').count();
    for error in one {
        assert!(error.contains(&format!("is damaged: line 31009: it has {} cells", columns + 1)), "{error}");
    }
}

#[test]
fn each_organization_comes_with_what_earlier_snapshots_show_of_it_as_far_as_they_can_be_read() {
    let folder = tempfile::tempdir().unwrap();
    let history = History::new(folder.path());
    let write = |hour: u32, org_ids: &[&str]| {
        let row = |org_id: &&str| SnapshotRow {
            quota: Some(hour.into()),
            ..SnapshotRow::new(Target::account_group(*org_id, "5"))
        };
        let at = format!("2026-11-22T{hour:02}:00:00Z").parse().unwrap();
        history.write(&Snapshot::new(at, org_ids.iter().map(row))).unwrap().0
    };
    let earlier = [write(3, &["2", "4"]), write(4, &["1", "2", "3", "4"]), write(5, &["9"])];
    let latest = write(6, &["2", "3", "4", "10"]);
    let beside = || {
        let hours = |block: Block, earlier: Vec<EarlierOrganization>| {
            let hour = |block: Block| {
                Ok::<_, anyhow::Error>(block.organization()?.account_groups[0].quota.unwrap_or_default())
            };
            let id = block.id().as_str().to_owned();
            let earlier: anyhow::Result<Vec<_>> =
                earlier.into_iter().map(|earlier| hour(earlier.block)).collect();
            Ok((id, hour(block)?, earlier?))
        };
        let all: Vec<_> = history.each_beside(latest, &earlier, hours, |all| all.collect()).unwrap();
        all.iter().map(|(id, latest, earlier)| format!("{id}: {latest} {earlier:?}")).collect::<Vec<_>>()
    };
    assert_eq!(beside(), ["2: 6 [3, 4]", "3: 6 [4]", "4: 6 [3, 4]", "10: 6 []"]);

    // One breaks off in the middle, and one is not there.
    let path = history.path(earlier[1]);
    let whole = fs_err::read_to_string(&path).unwrap();
    let (until, _) = whole.split_once("account_group,4,").unwrap();
    fs_err::write(&path, format!("{until},\"")).unwrap();
    history.remove(earlier[0]).unwrap();
    assert_eq!(beside(), ["2: 6 [4]", "3: 6 []", "4: 6 []", "10: 6 []"]);
}
