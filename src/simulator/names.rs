//! Names for the simulated world: invented companies, teams and tests that read like a real customer's.
//!
//! Some are awkward on purpose (commas, quotes, dashes, a leading `+`), because real account groups are.

/// The name of the `index`th organization; past the list they are numbered.
pub(super) fn organization(index: usize) -> String {
    match ORGANIZATIONS.get(index) {
        Some(name) => (*name).to_owned(),
        None => format!("{} {}", ORGANIZATIONS[index % ORGANIZATIONS.len()], index / ORGANIZATIONS.len() + 1),
    }
}

/// The name of the `index`th account group of an organization; past the list, a region and a team.
pub(super) fn account_group(index: usize) -> String {
    let Some(further) = index.checked_sub(ACCOUNT_GROUPS.len()) else {
        return ACCOUNT_GROUPS[index].to_owned();
    };
    let (region, team) = (REGIONS[further % REGIONS.len()], TEAMS[further / REGIONS.len() % TEAMS.len()]);
    match further / (REGIONS.len() * TEAMS.len()) {
        0 => format!("{region} {team}"),
        round => format!("{region} {team} {}", round + 1),
    }
}

/// The name and the type of a test, for an organization whose name is `organization`.
pub(super) fn test(index: usize, organization: &str) -> (String, &'static str) {
    let (name, kind) = TESTS[index % TESTS.len()];
    (name.replace("{}", &domain(organization)), kind)
}

/// The name of an enterprise agent.
pub(super) fn agent(index: usize) -> String {
    let site = SITES[index % SITES.len()];
    format!("{site}-agent-{}", index / SITES.len() + 1)
}

/// `Harbour & Pine Insurance` → `harbour-pine-insurance.example`.
fn domain(organization: &str) -> String {
    let lower = organization.to_lowercase();
    let words: Vec<&str> =
        lower.split(|c: char| !c.is_ascii_alphanumeric()).filter(|w| !w.is_empty()).collect();
    format!("{}.example", words.join("-"))
}

const ORGANIZATIONS: &[&str] = &[
    "Acme Bank",
    "Globex",
    "Initech",
    "Harbour & Pine Insurance",
    "Kestrel Mobile",
    "Alder Health Trust",
    "Northgate Airlines",
    "Müller & Söhne Logistik",
    "Bluewater Energy",
    "Ironbridge Retail",
    "Sable Media",
    "Quayside University",
];

const ACCOUNT_GROUPS: &[&str] = &[
    "EMEA Branches",
    "Payments – Core",
    "Trading Floor",
    "Retail Stores North",
    "Contact Center Voice",
    "Online Banking",
    "Lab, \"Blue\" Team",
    "SD-WAN Underlay",
    "VPN Gateways",
    "Retail Stores South",
    "APAC — Data Centers",
    "Public Web",
    "Helpdesk",
    "Mobile Apps",
    "Mergers 2026",
    "Zürich Campus",
    "Partner APIs",
    "+44 Helpline",
    "Treasury",
    "東京 Office",
    "Collaboration",
    "Cloud Migration",
    "ATM Network",
    "Executive Support",
];

const REGIONS: &[&str] =
    &["Nordics", "Iberia", "DACH", "Benelux", "US East", "US West", "LATAM", "Gulf", "India", "ANZ"];

const TEAMS: &[&str] =
    &["Branches", "Stores", "Network", "Voice", "Web", "Warehouses", "Payments", "Support"];

const TESTS: &[(&str, &str)] = &[
    ("portal.{} page load", "Page Load"),
    ("api-gw.{}", "HTTP Server"),
    ("checkout.{} transaction", "Transaction"),
    ("SD-WAN underlay", "Agent to Agent"),
    ("vpn.{} gateways", "Agent to Server"),
    ("SIP trunk RTP", "RTP Stream"),
    ("{} resolvers", "DNS Server"),
    ("login.{}", "Page Load"),
    ("mail.{} reachability", "Agent to Server"),
    ("{} prefixes", "BGP"),
    ("cdn.{} object", "HTTP Server"),
    ("SIP registrar", "SIP Server"),
];

const SITES: &[&str] =
    &["lon-dc1", "fra-dc2", "nyc-hq", "sin-edge", "zrh-campus", "dub-dc1", "iad-cloud", "tyo-office"];

#[cfg(test)]
mod tests;
