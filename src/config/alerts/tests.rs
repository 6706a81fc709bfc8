//! Whom mutes and overrides are for, and when they end.

use super::*;

fn mute(key: &str, pattern: &str) -> Mute {
    toml::from_str(&format!("{key} = '{pattern}'\nreason = 'r'\nuntil = '2026-12-31'")).unwrap()
}

fn group(org_id: &str, aid: &str, name: &str) -> SnapshotRow<'static> {
    SnapshotRow {
        account_group_name: name.to_owned().into(),
        ..SnapshotRow::new(Target::account_group(org_id, aid))
    }
}

#[test]
fn a_mute_of_an_organization_hides_its_account_groups_and_one_of_groups_not_the_organization() {
    let (own, lab) = (SnapshotRow::new(Target::organization("7")), group("7", "71", "Lab"));
    assert!(mute("org_id", "7").hides(&own) && mute("org_id", "7").hides(&lab));
    assert!(!mute("org_id", "7").hides(&group("70", "71", "Lab")));
    assert!(mute("aid", "*").hides(&lab) && !mute("aid", "*").hides(&own));
    assert!(mute("name", "l*").hides(&lab) && mute("name", "7").hides(&own));
}

#[test]
fn a_mute_ends_after_its_day_in_the_zone_or_at_its_moment() {
    let at = |text: &str| text.parse::<DateTime<Utc>>().unwrap();
    let ended = |until: &str, now: &str| {
        let text = format!("name = '*'\nreason = 'r'\nuntil = {until}");
        toml::from_str::<Mute>(&text).unwrap().has_ended(at(now), Tz::Europe__Berlin)
    };
    for day in ["'2026-12-31'", "2026-12-31"] {
        assert!(!ended(day, "2026-12-31T22:59:59Z") && ended(day, "2026-12-31T23:00:00Z"), "{day}");
    }
    for moment in ["'2026-12-31T18:00:00+01:00'", "2026-12-31T17:00:00Z", "'2026-12-31T18:00'"] {
        assert!(!ended(moment, "2026-12-31T16:59:59Z") && ended(moment, "2026-12-31T17:00:00Z"), "{moment}");
    }
    for wrong in ["'soon'", "'31.12.2026'", "'2026-13-01'", "5", "'9999-12-31'"] {
        let text = format!("name = '*'\nuntil = {wrong}");
        assert!(
            toml::from_str::<Mute>(&text).unwrap_err().message().contains("write \"2026-12-31\""),
            "{wrong}"
        );
    }
}

#[test]
fn an_override_is_for_its_target_alone_and_the_last_one_wins_key_by_key() {
    let alerts: Alerts = toml::from_str(
        "overrides = [{ org_id = '7', warn_projected_percent = 120, critical_within = '1d' },\n\
             { org_id = '7', aid = '71', warn_projected_percent = 90 }]",
    )
    .unwrap();
    let of = |target: Target| alerts.limits(&target).warn_projected_percent;
    assert_eq!(of(Target::account_group("7", "71")), 90);
    assert_eq!(of(Target::account_group("7", "72")), 120);
    assert_eq!(of(Target::organization("7")), 120);
    assert_eq!(of(Target::account_group("8", "71")), 100);
    let group = alerts.limits(&Target::account_group("7", "71"));
    assert_eq!((group.critical_within, group.critical_used_percent), (Duration::from_secs(24 * 3600), 95));
}
