//! What the stand-in's world has, from a seed.

use super::*;

fn now() -> DateTime<Utc> {
    "2026-11-22T18:00:00Z".parse().unwrap()
}

#[test]
fn the_same_seed_makes_the_same_world_and_another_seed_another() {
    assert_eq!(World::new(1, 3, 20), World::new(1, 3, 20));
    assert_ne!(World::new(1, 3, 20), World::new(2, 3, 20));
}

#[test]
fn more_organizations_leave_the_first_as_it_was() {
    assert_eq!(World::new(1, 1, 20).organizations[0], World::new(1, 9, 20).organizations[0]);
}

#[test]
fn every_organization_has_a_quota_a_bit_below_its_plan() {
    for organization in World::new(7, 12, 20).organizations {
        let quota = organization.quota.unwrap();
        assert!(quota < organization.plan && organization.plan < quota * 6 / 5, "{organization:?}");
    }
}

#[test]
fn most_groups_are_comfortable_a_few_run_out_some_are_uncapped_and_one_is_idle() {
    for seed in 1..20 {
        for organization in World::new(seed, 3, 20).organizations {
            let cycle = organization.cycle(now());
            let mut seen = [0; 4];
            for group in &organization.account_groups {
                let projected = group.consumed(cycle, now()).expected();
                let kind = match group.quota {
                    None => 0,
                    Some(quota) if projected > quota => 1,
                    Some(quota) if projected * 10 < quota => 2,
                    Some(_) => 3,
                };
                seen[kind] += 1;
            }
            assert_eq!(seen, [2, 3, 1, 14], "seed {seed}, {}", organization.name);
        }
    }
}
