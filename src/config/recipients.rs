//! Who gets mail, as people write it: one address or a list for every kind of mail, or a list for each kind.

use std::fmt;

use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, de};

use super::{Mail, Recipients};

/// A list for each kind.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct ByKind {
    changes: OneOrMore,
    usage: OneOrMore,
    alerts: OneOrMore,
    failures: OneOrMore,
}

/// An address, or a list of them.
#[derive(Default)]
struct OneOrMore(Vec<String>);

struct Addresses;

impl<'de> Visitor<'de> for Addresses {
    type Value = OneOrMore;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an address or a list of addresses")
    }

    fn visit_str<E: de::Error>(self, address: &str) -> Result<OneOrMore, E> {
        // An empty text is nobody, as an empty list is.
        let address = Some(address.to_owned()).filter(|address| !address.trim().is_empty());
        Ok(OneOrMore(address.into_iter().collect()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<OneOrMore, A::Error> {
        let mut addresses = Vec::new();
        while let Some(address) = list.next_element()? {
            addresses.push(address);
        }
        Ok(OneOrMore(addresses))
    }
}

impl<'de> Deserialize<'de> for OneOrMore {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Addresses)
    }
}

struct Everybody;

impl<'de> Visitor<'de> for Everybody {
    type Value = Recipients;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an address, a list of addresses, or { changes = [...], usage = [...], alerts = [...], failures = [...] }")
    }

    fn visit_str<E: de::Error>(self, address: &str) -> Result<Recipients, E> {
        Addresses.visit_str(address).map(everything_to)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Recipients, A::Error> {
        Addresses.visit_seq(list).map(everything_to)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Recipients, A::Error> {
        let ByKind { changes, usage, alerts, failures } =
            ByKind::deserialize(MapAccessDeserializer::new(map))?;
        Ok(Recipients { changes: changes.0, usage: usage.0, alerts: alerts.0, failures: failures.0 })
    }
}

fn everything_to(OneOrMore(to): OneOrMore) -> Recipients {
    Recipients { changes: to.clone(), usage: to.clone(), alerts: to.clone(), failures: to }
}

impl Mail {
    /// Whether no mail has a reader.
    pub(crate) fn names_nobody(&self) -> bool {
        let Recipients { changes, usage, alerts, failures } = &self.to;
        self.routes_file.is_none() && [changes, usage, alerts, failures].iter().all(|to| to.is_empty())
    }
}

impl<'de> Deserialize<'de> for Recipients {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Everybody)
    }
}

#[cfg(test)]
mod tests;
