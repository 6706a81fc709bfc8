//! The nine operations: which request is which, and what all of them share.
//!
//! Pure: a request as plain data and the world go in, an answer comes out. `reads` and `writes` have the details.

use chrono::{DateTime, Utc};

use super::call::{Call, WriteFaults};
use super::problem::{Answer, Problem};
use super::world::World;
use super::{reads, writes};

const PATHS: [(&str, &str); 9] = [
    ("GET", "/v7/quotas"),
    ("POST", "/v7/quotas/assign"),
    ("POST", "/v7/quotas/unassign"),
    ("POST", "/v7/quotas/account-groups/assign"),
    ("POST", "/v7/quotas/account-groups/unassign"),
    ("GET", "/v7/usage"),
    ("GET", "/v7/usage/units/tests"),
    ("GET", "/v7/usage/units/enterprise-agents"),
    ("GET", "/v7/account-groups"),
];

/// Answers one request, and changes the world if it asks for that.
pub(super) fn answer(
    world: &mut World,
    now: DateTime<Utc>,
    call: &Call,
    write_faults: &WriteFaults,
) -> Result<Answer, Problem> {
    let Some((method, _)) = PATHS.iter().find(|(_, path)| *path == call.path) else {
        return Err(Problem::NotFound);
    };
    if *method != call.method {
        return Err(Problem::MethodNotAllowed(method));
    }
    let own = context(world, call)?;
    match call.path.as_str() {
        "/v7/quotas" => Ok(reads::quotas(world, call)),
        "/v7/account-groups" => Ok(reads::account_groups(world, call)),
        "/v7/usage" => reads::usage(&world.organizations[own], call, now),
        "/v7/usage/units/tests" => reads::test_units(&world.organizations[own], call, now),
        // The description gives this operation no `aid`: it answers for the token's own organization.
        "/v7/usage/units/enterprise-agents" => reads::agent_units(&world.organizations[0], call, now),
        _ => writes::write(world, own, call, write_faults),
    }
}

/// The organization that a request is about: that of its `aid`, else the token's own, which is the first.
fn context(world: &World, call: &Call) -> Result<usize, Problem> {
    let Some(aid) = call.parameter("aid") else {
        return Ok(0);
    };
    let of_aid =
        |index: &usize| world.organizations[*index].account_groups.iter().any(|group| group.aid == aid);
    (0..world.organizations.len())
        .find(of_aid)
        .ok_or_else(|| Problem::Forbidden(format!("You are not assigned to the account group {aid}.")))
}
