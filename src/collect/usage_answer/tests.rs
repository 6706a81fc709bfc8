//! Whose usage an answer is.

use super::*;
use crate::domain::quota::{AccountGroup, Organization, Usage};

#[test]
fn an_answer_is_of_the_organization_whose_account_groups_it_names() {
    let organization = |org_id: &str, aids: &[&str]| Organization {
        account_groups: aids
            .iter()
            .map(|aid| AccountGroup::new((*aid).into(), Box::default(), Some(1)))
            .collect(),
        ..Organization::new(org_id.into())
    };
    let seen = Snapshot::of_organizations(
        chrono::DateTime::UNIX_EPOCH,
        vec![organization("7", &["1", "x"]), organization("8", &["9"])],
    );
    let of = |aids: &[&str]| {
        let groups = aids.iter().map(|aid| (Aid::from(*aid), Usage::default())).collect();
        attribute_answer(&OrganizationUsage { groups, ..OrganizationUsage::default() }, &"7".into(), &seen)
    };
    for its in [&[][..], &["1"], &["1", "5"], &["1", "9"], &["x"]] {
        assert_eq!(of(its), AnswerSubject::Requested, "{its:?}");
    }
    for uncertain in [&["5"][..], &["01", "1"], &[" 1", "1"], &["1", "y"]] {
        assert_eq!(of(uncertain), AnswerSubject::Uncertain, "{uncertain:?}");
    }
    assert_eq!(of(&["5", "9"]), AnswerSubject::Another);
}
