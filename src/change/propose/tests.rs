//! What is proposed, and what holds of every proposal.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::change::Verdict;
use crate::change::fixtures::{group, own, snapshot};
use crate::change::parse::parse;
use crate::change::plan::{PlanContext, plan};
use crate::config::{GuardOverride, Level, Mode};
use crate::domain::quota::SnapshotRow;

const RULE: &UsageRule = &UsageRule { cloud: true, enterprise: true, units_per_quota_unit: None };

fn proposed(live: &Snapshot, guards: &Guards) -> Vec<Proposal> {
    propose(live, terms(guards))
}

fn terms(guards: &Guards) -> Terms<'_> {
    Terms { last_cycle: LastCycle::empty(), guards, rule: RULE }
}

fn shown(live: &Snapshot) -> String {
    let proposals = proposed(live, &Guards::default());
    let sentences = proposals.iter().flat_map(Proposal::sentences).collect::<Vec<_>>();
    String::from_utf8(change_file(&proposals)).unwrap() + &sentences.join("\n")
}

#[test]
fn those_with_most_to_spare_give_and_every_row_says_why() {
    let live = snapshot([
        own("7", Some(20_000), 0, 0),
        group("7", "1", Some(9_000), 8_120, 10_940),
        group("7", "2", Some(2_000), 400, 1_900),
        group("7", "3", Some(6_000), 100, 500),
        group("7", "4", Some(4_000), 0, 0),
        group("7", "5", None, 9_000, 9_000),
        own("8", None, 0, 0),
        group("8", "6", Some(100), 10, 20),
    ]);
    insta::assert_snapshot!(shown(&live));
}

#[test]
fn scarce_units_cover_projections_before_headroom() {
    let live = snapshot([
        own("7", Some(5_000), 0, 0),
        group("7", "1", Some(1_000), 0, 1_600),
        group("7", "2", Some(1_000), 0, 1_300),
        group("7", "3", Some(1_000), 0, 1_000),
        group("7", "4", Some(1_000), 0, 583),
        group("7", "5", Some(1_500), 0, 1_400),
    ]);
    insta::assert_snapshot!(shown(&live));
}

#[test]
fn nothing_is_moved_where_nothing_lacks_or_nothing_can_be_compared() {
    let unknown =
        SnapshotRow { usage: crate::domain::quota::Usage::default(), ..group("9", "3", Some(5), 0, 0) };
    let live = snapshot([
        own("7", Some(100), 0, 0),
        group("7", "1", Some(1_000), 0, 10),
        SnapshotRow { plan_units: Some(5_000_000), ..own("8", Some(5_000), 0, 0) },
        group("8", "2", Some(10), 0, 100_000),
        own("9", Some(100), 0, 0),
        unknown,
    ]);
    insta::assert_snapshot!(shown(&live));
}

#[test]
fn a_giver_keeps_what_it_used_in_the_last_cycle_and_the_headroom_unless_that_guard_is_off() {
    let live = snapshot([
        own("7", Some(50_000), 0, 0),
        group("7", "1", Some(1_000), 500, 3_000),
        group("7", "2", Some(9_600), 100, 500),
        group("7", "3", Some(9_600), 100, 500),
    ]);
    let target = |aid| crate::domain::quota::Target::account_group("7", aid);
    let last = LastCycle::new([(target("2"), 8_000), (target("3"), 9_600), (target("1"), 1)]);
    let given = |below_last_cycle| {
        let guards = Guards { below_last_cycle, ..Guards::default() };
        let proposal = propose(&live, Terms { last_cycle: &last, ..terms(&guards) }).remove(0);
        let giving = proposal.moves.iter().filter(|row| row.gives());
        giving.map(|row| (row.aid.to_string(), row.after)).collect::<Vec<_>>()
    };
    assert_eq!(given(Level::Warn), [("2".to_owned(), 8_800)]);
    assert_eq!(given(Level::Hold), [("2".to_owned(), 8_800)]);
    assert_eq!(given(Level::Allow), [("2".to_owned(), 7_300)]);
}

#[test]
fn no_more_quotas_are_lowered_at_once_than_are_sent_without_approval() {
    let rich = (1..=9).map(|aid| group("7", &aid.to_string(), Some(1_000), 0, 100));
    let poor = (10..=12).map(|aid| group("7", &aid.to_string(), Some(1_000), 0, 10_000));
    let live = snapshot([own("7", Some(20_000), 0, 0)].into_iter().chain(rich).chain(poor));
    let proposal = proposed(&live, &Guards::default()).remove(0);
    let given = proposal.moves.iter().filter(|row| row.gives()).count();
    assert_eq!((given, proposal.too_many_donors), (6, true), "half of twelve");
    assert!(proposal.sentences()[1].contains("guard.max_lowered_percent"), "{:?}", proposal.sentences());
}

#[test]
fn a_giver_keeps_units_of_its_organization_that_may_be_its_own_because_the_api_gives_them_to_no_group() {
    let given = |own_projected| {
        let live = snapshot([
            own("7", Some(50_000), 500, own_projected),
            group("7", "1", Some(1_000), 500, 3_000),
            group("7", "2", Some(9_000), 0, 1_000),
        ]);
        let proposal = proposed(&live, &Guards::default()).remove(0);
        proposal.moves.iter().filter(|row| row.gives()).map(|row| row.after).collect::<Vec<_>>()
    };
    assert_eq!(given(4_000), [6_700]);
    assert_eq!(given(11_500), [8_500], "7 500 may be its own, besides the 1 000 that it needs");
    assert_eq!(given(12_000), [0; 0], "8 000 and 1 000 are all that it has");
}

#[test]
fn a_group_that_uses_nothing_keeps_a_tenth_of_what_the_groups_have_on_average() {
    let live = snapshot([group("7", "1", Some(1_000), 0, 9_000), group("7", "2", Some(3_000), 0, 0)]);
    let proposal = proposed(&live, &Guards::default()).remove(0);
    assert_eq!(proposal.moves[1].after, 200);
    assert_eq!(proposed(&with(&live, &[proposal]), &Guards::default())[0].moves, []);
}

#[test]
fn unallocated_units_are_handed_out_before_other_groups_give() {
    let live = |quota| {
        snapshot([
            own("7", quota, 0, 0),
            group("7", "1", Some(1_000), 0, 1_500),
            group("7", "2", Some(1_000), 0, 1_500),
            group("7", "3", Some(1_000), 0, 0),
        ])
    };
    let sentences = |quota| {
        let live = live(quota);
        let proposal =
            propose_for(&live.organizations()[0], terms(&Guards::default()), |aid| aid.as_str() == "1");
        let after = proposal.moves.iter().map(|row| (row.aid.to_string(), row.after)).collect::<Vec<_>>();
        (after, proposal.sentences().remove(0))
    };
    let is = |after: &[(&str, Units)], sentence: &str| {
        let after: Vec<_> = after.iter().map(|(aid, after)| ((*aid).to_owned(), *after)).collect();
        (after, format!("Org 7 (7): {sentence}"))
    };
    assert_eq!(
        sentences(Some(9_000)),
        is(&[("1", 1_650)], "1 group gets 650 units that were not allocated.")
    );
    assert_eq!(sentences(None), sentences(Some(9_000)), "nothing limits what the groups may have together");
    assert_eq!(
        sentences(Some(3_200)),
        is(
            &[("1", 1_650), ("3", 550)],
            "1 group gets 650 units: 200 that were not allocated, and 450 from 1 that does not need them."
        )
    );
    assert_eq!(
        sentences(Some(3_000)),
        is(&[("1", 1_650), ("3", 350)], "1 group gets 650 units from 1 that does not need them.")
    );
}

#[test]
fn a_raise_stays_below_what_looks_like_a_zero_too_many() {
    let guards = Guards { headroom_percent: 1_000, ..Guards::default() };
    let live = snapshot([
        own("7", Some(100_000), 0, 0),
        group("7", "1", Some(100), 0, 200),
        group("7", "2", Some(90_000), 0, 0),
    ]);
    let proposal = proposed(&live, &guards).remove(0);
    assert_eq!((proposal.moves[0].after, proposal.short[0].lacks), (1_000, 1_200));
}

#[test]
fn an_amount_is_shared_to_the_last_unit() {
    assert_eq!(share(10, &[3, 4]), [3, 4]);
    assert_eq!(share(10, &[20, 10, 0]), [7, 3, 0]);
    assert_eq!(share(2, &[1, 1, 1]), [1, 1, 0]);
    assert_eq!(share(0, &[5]), [0]);
    assert_eq!(share(7, &[Units::MAX, Units::MAX]), [4, 3]);
}

#[test]
fn names_that_look_like_formulas_are_made_inert() {
    let live = snapshot([
        SnapshotRow { account_group_name: "=EMEA".into(), ..group("7", "1", Some(10), 0, 100) },
        SnapshotRow { org_name: "@Org".into(), ..group("7", "2", Some(1_000), 0, 0) },
    ]);
    assert!(shown(&live).contains(",'=EMEA,"), "{}", shown(&live));
}

/// Organizations of every kind of group, and limits of every kind.
fn worlds() -> impl Strategy<Value = (Snapshot, Guards)> {
    let quota = prop_oneof![1 => Just(None), 9 => (0_i64..20_000).prop_map(Some)];
    let use_ = prop_oneof![
        2 => Just((Some(0), Some(0))),
        8 => (0_i64..9_000, 0_i64..15_000).prop_map(|(used, projected)| (Some(used), Some(projected))),
        1 => Just((None, None)),
    ];
    let groups = || prop::collection::vec((quota.clone(), use_.clone()), 0..24);
    let own_quota = prop_oneof![Just(None), (0_i64..200_000).prop_map(Some)];
    // More than the groups have together, in some: then it may be of any of them.
    let whole = prop_oneof![2 => Just(0_i64), 1 => 0_i64..300_000];
    let organizations = prop::collection::vec((own_quota, whole, groups()), 1..4);
    let limits = (
        prop_oneof![Just(10_u32), 0_u32..600],
        0_u32..101,
        0_usize..14,
        1.0_f64..6.0,
        any::<bool>(),
        prop_oneof![Just(None), (0_u32..300).prop_map(Some)],
    );
    (organizations, limits).prop_map(|(organizations, (headroom, lowered, floor, factor, strict, other))| {
        let mut rows = Vec::new();
        for (index, (quota, whole, groups)) in organizations.into_iter().enumerate() {
            let org_id = (index + 1).to_string();
            rows.push(SnapshotRow { plan_units: Some(100_000), ..own(&org_id, quota, 0, whole) });
            for (number, (quota, (used, projected))) in groups.into_iter().enumerate() {
                let mut row = group(&org_id, &(index * 100 + number + 1).to_string(), quota, 0, 0);
                (row.usage.cloud_used, row.usage.cloud_projected) = (used, projected);
                rows.push(row);
            }
        }
        let guards = Guards {
            headroom_percent: headroom,
            max_lowered_percent: lowered,
            max_sum_change_percent: 0,
            floor_rows: floor,
            max_raise_factor: factor,
            over_allocation: if strict { Level::Hold } else { Level::Warn },
            overrides: vec![GuardOverride {
                org_id: Some("1".into()),
                aid: Some("1".into()),
                headroom_percent: other,
                ..GuardOverride::default()
            }],
            ..Guards::default()
        };
        (snapshot(rows), guards)
    })
}

fn with(live: &Snapshot, proposals: &[Proposal]) -> Snapshot {
    let moved: BTreeMap<Target, Units> = proposals
        .iter()
        .flat_map(|own| own.moves.iter().map(|row| (own.org_id.clone(), row)))
        .map(|(org_id, row)| (Target { org_id, aid: Some(row.aid.clone()) }, row.after))
        .collect();
    let rows = live.rows().map(|row| {
        let quota = moved.get(&row.target).copied().or(row.quota);
        SnapshotRow { quota, ..row }
    });
    snapshot(rows)
}

fn sums(live: &Snapshot) -> Vec<Units> {
    live.organizations().iter().map(Organization::allocated).collect()
}

/// Nothing that is needed is taken, nobody gets headroom while another who is to get would run out, and no guard holds or warns.
fn is_safe(
    live: &Snapshot,
    proposals: &[Proposal],
    guards: &Guards,
    is_to_get: impl Fn(&Aid) -> bool,
) -> Result<(), TestCaseError> {
    let after = with(live, proposals);
    for own in proposals {
        for row in &own.moves {
            let target = Target { org_id: own.org_id.clone(), aid: Some(row.aid.clone()) };
            let headroom = i128::from(guards.for_target(&target).headroom_percent);
            if row.gives() {
                prop_assert!(i128::from(row.after) * 100 >= i128::from(row.needed) * (100 + headroom));
            } else {
                prop_assert!(is_to_get(&row.aid) && row.after <= row.wanted && row.before < row.wanted);
            }
        }
        // Unless a raise to its projection looks like a zero too many.
        let gets_headroom = |row: &Move| !row.gives() && row.after > row.before.max(row.needed);
        if own.moves.iter().any(gets_headroom) {
            for row in after.rows().filter(|row| row.target.org_id == own.org_id) {
                let (used, projected) = (RULE.used(&row.usage), RULE.projected(&row.usage));
                let gets = row.target.aid.as_ref().is_some_and(&is_to_get);
                prop_assert!(
                    !gets || row.quota.is_none() || used > projected || row.quota >= projected,
                    "{row:?}"
                );
            }
        }
    }
    if proposals.iter().all(|own| own.moves.is_empty()) {
        return Ok(());
    }
    let file = parse(&change_file(proposals), &BTreeMap::new(), 1_000).unwrap();
    for mode in [Mode::Organization, Mode::File, Mode::Row] {
        for row in plan(&file, live, &PlanContext::new(guards, mode, RULE)).rows {
            prop_assert_eq!(&row.verdict, &Verdict::Send, "{:?}", row);
            prop_assert_eq!(&row.warnings, &Vec::<String>::new());
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, ..ProptestConfig::default() })]

    #[test]
    fn a_proposal_keeps_the_sum_takes_nothing_that_is_needed_and_trips_no_guard((live, guards) in worlds()) {
        let proposals = proposed(&live, &guards);
        prop_assert_eq!(&proposals, &proposed(&live, &guards));
        let after = with(&live, &proposals);
        prop_assert_eq!(sums(&live), sums(&after));
        is_safe(&live, &proposals, &guards, |_| true)?;
        for (own, before) in proposed(&after, &guards).iter().zip(&proposals) {
            prop_assert!(before.too_many_donors || own.moves.is_empty(), "{:?} after {:?}", own, before);
        }
    }

    #[test]
    fn what_is_proposed_for_some_uses_what_no_group_has_first_over_allocates_nothing_and_trips_no_guard(
        (live, guards) in worlds(), growth in 0_u32..200, every in 1_u64..4,
    ) {
        let guards = Guards { max_sum_change_percent: growth, ..guards };
        let is_to_get = |aid: &Aid| aid.as_str().parse::<u64>().unwrap() % every == 0;
        let of = |seen| propose_for(seen, terms(&guards), is_to_get);
        let proposals: Vec<Proposal> = live.organizations().iter().map(of).collect();
        for ((own, before), after) in proposals.iter().zip(live.organizations()).zip(with(&live, &proposals).organizations()) {
            prop_assert_eq!(after.allocated() - before.allocated(), own.from_unallocated);
            let quota = before.own.as_ref().and_then(|own| own.quota);
            prop_assert!(own.from_unallocated == 0 || quota.is_none_or(|quota| after.allocated() <= quota));
        }
        is_safe(&live, &proposals, &guards, is_to_get)?;
    }
}
