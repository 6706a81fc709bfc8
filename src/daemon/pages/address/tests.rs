//! What each address means, and that none leads out of the pages.

use proptest::prelude::*;

use super::*;

fn at(path: &str) -> Option<Address> {
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    Address::parse(path, query)
}

#[test]
fn each_view_has_an_address_with_or_without_a_slash_behind_it() {
    for view in View::ALL.iter().copied() {
        let href = view.href();
        assert_eq!(at(href).map(|address| address.view()), Some(view), "{href}");
        assert_eq!(at(&format!("{href}/")), at(href));
    }
    let org = OrgId::new("10452");
    assert_eq!(at("/organizations/10452"), Some(Address::Organization(org.clone())));
    assert_eq!(at("/organizations/10452/quota"), Some(Address::Target(Target { org_id: org, aid: None })));
    let group = Address::Target(Target::account_group("10452", "7"));
    assert_eq!(at("/organizations/10452/groups/7"), Some(group));
    assert_eq!(at("/changes?all"), Some(Address::Runs { all: true }));
    let run = "20261122T180500Z-raise.held".to_owned();
    assert_eq!(at(&format!("/changes/{run}")), Some(Address::Run(run.clone())));
    assert_eq!(at(&format!("/changes/{run}/undo.csv")), Some(Address::RunFile(run, "undo.csv")));
    assert_eq!(
        at("/history?from=2026-11-01T06-00-00Z&to=2026-11-02T06-00-00Z"),
        Some(Address::History {
            from: Some("2026-11-01T06-00-00Z".to_owned()),
            to: Some("2026-11-02T06-00-00Z".to_owned())
        })
    );
    assert_eq!(
        at("/history/2026-11-01T06-00-00Z.csv"),
        Some(Address::Snapshot("2026-11-01T06-00-00Z".to_owned()))
    );
}

#[test]
fn nothing_else_has_an_address() {
    for unknown in [
        "/index.html",
        "/..",
        "/history/../state.json",
        "/history/%2e%2e/state.json",
        "/history/x",
        "/changes/../../etc",
        "/changes/20261122T180500Z-raise/run.json",
        "/changes/20261122T180500Z-raise/journal.jsonl",
        "/changes/raise",
        "/organizations//",
        "/organizations/1/groups",
        "/organizations/1/groups/2/3",
        "/groups/x",
        "//",
    ] {
        assert!(at(unknown).is_none() || unknown == "//", "{unknown}");
    }
}

proptest! {
    #[test]
    fn no_address_names_a_hidden_file_or_a_path(path in ".{0,80}", query in ".{0,40}") {
        let named = Address::parse(&path, &query);
        if let Some(Address::Run(name) | Address::RunFile(name, _) | Address::Snapshot(name)) = named {
            prop_assert!(!name.contains('/') && !name.starts_with('.'), "{}", name);
        }
    }
}
