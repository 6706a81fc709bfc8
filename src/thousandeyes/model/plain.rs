//! Account groups and tests as nearly all of them are: what the API promises, with nothing odd in it.
//!
//! There are hundreds of thousands, which are read so in a third of the time. None of them decides anything here: whatever is odd
//! is read again, field by field.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::super::wire::Text;
use super::{AccountGroup, TestUsage, used_and_projected};
use crate::domain::quota::{Aid, OrgId, Units};

#[derive(Deserialize)]
struct PlainAnswer<'a> {
    #[serde(borrow, rename = "accountGroups")]
    account_groups: Vec<PlainGroup<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PlainGroup<'a> {
    #[serde(borrow)]
    aid: Text<'a>,
    account_group_name: Option<Text<'a>>,
    org_id: Option<Text<'a>>,
    organization_name: Option<Text<'a>>,
}

/// The body of `GET /account-groups`; none where anything in it is odd.
pub(super) fn account_groups(json: &str) -> Option<Vec<AccountGroup>> {
    let PlainAnswer { account_groups } = serde_json::from_str(json).ok()?;
    let group = |group: PlainGroup<'_>| {
        let Text(aid) = group.aid;
        (!aid.is_empty()).then(|| AccountGroup {
            aid: Aid::new(aid),
            name: owned(group.account_group_name),
            org_id: text(group.org_id).map(OrgId::new),
            org_name: owned(group.organization_name),
        })
    };
    account_groups.into_iter().map(group).collect()
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PlainTest<'a> {
    #[serde(borrow)]
    aid: Option<Text<'a>>,
    test_name: Option<Text<'a>>,
    test_type: Option<Text<'a>>,
    cloud_units_used: Option<Units>,
    cloud_units_projected: Option<Units>,
}

/// An entry of `tests`; none where anything in it is odd, or nobody's.
pub(super) fn test_usage(entry: &RawValue) -> Option<TestUsage> {
    let test: PlainTest<'_> = serde_json::from_str(entry.get()).ok()?;
    let aid = text(test.aid)?;
    let (used, projected) = used_and_projected(test.cloud_units_used, test.cloud_units_projected);
    Some(TestUsage {
        aid: Some(Aid::new(aid)),
        test_name: owned(test.test_name),
        test_type: owned(test.test_type),
        used,
        projected,
    })
}

/// An empty text is as good as none.
fn text(text: Option<Text<'_>>) -> Option<std::borrow::Cow<'_, str>> {
    text.map(|Text(text)| text).filter(|text| !text.is_empty())
}

fn owned(of: Option<Text<'_>>) -> String {
    text(of).unwrap_or_default().into_owned()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::thousandeyes::model;

    fn value() -> impl Strategy<Value = &'static str> {
        prop::sample::select(vec![
            "0",
            "7",
            "-1",
            "12.0",
            "1e3",
            "null",
            "\"\"",
            "\"5\"",
            "\"\\u0035\"",
            "true",
            "{}",
            "9223372036854775808",
        ])
    }

    fn objects(names: &[&'static str], entries: &[Vec<(prop::sample::Index, &'static str)>]) -> Vec<String> {
        let object = |fields: &Vec<(prop::sample::Index, &str)>| {
            let field =
                |(name, value): &(prop::sample::Index, &str)| format!("\"{}\":{value}", name.get(names));
            format!("{{{}}}", fields.iter().map(field).collect::<Vec<_>>().join(","))
        };
        entries.iter().map(object).collect()
    }

    proptest! {
        #[test]
        fn what_is_plain_reads_the_same_field_by_field(
            entries in prop::collection::vec(prop::collection::vec((any::<prop::sample::Index>(), value()), 0..5), 0..3),
        ) {
            let names = ["aid", "accountGroupName", "orgId", "organizationName", "other"];
            let groups = objects(&names, &entries);
            let answer = format!(r#"{{"accountGroups":[{}],"_links":null}}"#, groups.join(","));
            if let Some(plain) = account_groups(&answer) {
                prop_assert_eq!(model::account_groups_carefully(&answer), Ok((plain, model::LeftOut::default())));
            }
            let names = ["aid", "testName", "testType", "cloudUnitsUsed", "cloudUnitsProjected", "other"];
            for test in objects(&names, &entries) {
                let entry = RawValue::from_string(test).unwrap();
                if let Some(plain) = test_usage(&entry) {
                    prop_assert_eq!(model::test_usage(&model::Object::of("it", &entry).unwrap()), Ok(plain));
                }
            }
        }
    }
}
