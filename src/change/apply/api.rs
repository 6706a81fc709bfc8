//! One batch as one of the four writes of the API.

use super::batch::{Batch, Operation};
use crate::domain::quota::OrgId;
use crate::thousandeyes::{Client, Error};

/// Sends one batch.
pub(super) async fn post(client: &Client, batch: &Batch) -> Result<(), Error> {
    match batch.operation {
        Operation::AssignOrganizations => {
            let quotas: Vec<_> =
                batch.rows.iter().filter_map(|row| Some((row.target.org_id.clone(), row.after?))).collect();
            client.assign_organizations(&quotas).await
        }
        Operation::UnassignOrganizations => {
            let organizations: Vec<OrgId> = batch.rows.iter().map(|row| row.target.org_id.clone()).collect();
            client.unassign_organizations(&organizations).await
        }
        Operation::AssignAccountGroups => {
            let quotas: Vec<_> = batch
                .by_organization()
                .into_iter()
                .map(|(org_id, groups)| {
                    (
                        org_id.clone(),
                        groups.into_iter().filter_map(|(aid, value)| Some((aid.clone(), value?))).collect(),
                    )
                })
                .collect();
            client.assign_account_groups(&quotas).await
        }
        Operation::UnassignAccountGroups => {
            let groups: Vec<_> = batch
                .by_organization()
                .into_iter()
                .map(|(org_id, groups)| {
                    (org_id.clone(), groups.into_iter().map(|(aid, _)| aid.clone()).collect())
                })
                .collect();
            client.unassign_account_groups(&groups).await
        }
    }
}
