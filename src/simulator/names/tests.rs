//! The names in the stand-in's world.

use std::collections::HashSet;

use super::*;

#[test]
fn no_two_organizations_or_account_groups_share_a_name() {
    let organizations: HashSet<_> = (0..200).map(organization).collect();
    let groups: HashSet<_> = (0..1000).map(account_group).collect();
    assert_eq!((organizations.len(), groups.len()), (200, 1000));
}

#[test]
fn a_domain_is_made_of_plain_letters() {
    assert_eq!(domain("Harbour & Pine Insurance"), "harbour-pine-insurance.example");
}
