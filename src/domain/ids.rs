//! The ids of organizations and account groups: texts of digits that are ordered as numbers, and small because there are millions.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// So many bytes of an id take no memory of their own.
const INLINE: usize = 14;
const _: () = assert!(8 <= INLINE && INLINE <= 16, "the first and the last eight bytes are all");

/// The text of an id. There are millions of them, and nearly all are a few digits.
#[derive(Clone, PartialEq, Eq)]
enum Id {
    Short { length: u8, bytes: [u8; INLINE] },
    Long(Box<Box<str>>),
}

impl Id {
    fn new(id: &str) -> Self {
        let mut bytes = [0; INLINE];
        match (bytes.get_mut(..id.len()), u8::try_from(id.len())) {
            (Some(place), Ok(length)) => {
                place.copy_from_slice(id.as_bytes());
                Self::Short { length, bytes }
            }
            _ => Self::Long(Box::new(id.into())),
        }
    }

    fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Short { length, bytes } => &bytes[..usize::from(*length)],
            Self::Long(text) => text.as_bytes(),
        }
    }

    /// Those that begin with no zero and are short, as nearly all are, are ordered as this is: by their length, then by their first
    /// and last eight bytes, which have some in common.
    #[inline]
    fn sort_key(&self) -> Option<(u8, u64, u64)> {
        match self {
            Self::Short { length, bytes } if bytes[0] != b'0' => {
                let (first, last) = (bytes.first_chunk()?, bytes.last_chunk()?);
                Some((*length, u64::from_be_bytes(*first), u64::from_be_bytes(*last)))
            }
            _ => None,
        }
    }

    fn as_str(&self) -> &str {
        match self {
            Self::Short { length, bytes } => {
                std::str::from_utf8(&bytes[..usize::from(*length)]).unwrap_or_default()
            }
            Self::Long(text) => text,
        }
    }
}

impl Hash for Id {
    /// In one piece, as a text is: parts of it take longer.
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write(self.as_bytes());
        state.write_u8(0xff);
    }
}

impl Serialize for Id {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Id {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Cow::<str>::deserialize(deserializer).map(|id| Self::new(&id))
    }
}

macro_rules! identifier {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        ///
        /// A string of digits in the API, and a string here; ordered as a number, so that `9` comes before `10`.
        #[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Id);

        impl $name {
            /// Takes the API's text as it is.
            pub fn new(id: impl AsRef<str>) -> Self {
                Self(Id::new(id.as_ref()))
            }

            /// The text that the API uses.
            pub fn as_str(&self) -> &str {
                self.0.as_str()
            }

            /// Its bytes, for those who look at a million of them.
            pub(crate) fn as_bytes(&self) -> &[u8] {
                self.0.as_bytes()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl From<&str> for $name {
            fn from(id: &str) -> Self {
                Self::new(id)
            }
        }

        impl Ord for $name {
            #[inline]
            fn cmp(&self, other: &Self) -> Ordering {
                match (self.0.sort_key(), other.0.sort_key()) {
                    (Some(key), Some(other)) => key.cmp(&other),
                    _ => numerically(self.0.as_bytes(), other.0.as_bytes()),
                }
            }
        }

        impl PartialOrd for $name {
            #[inline]
            fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
                Some(self.cmp(other))
            }
        }
    };
}

identifier!(
    /// An organization, the customer: the API's `orgId`.
    OrgId
);
identifier!(
    /// An account group, a division of an organization: the API's `aid`.
    Aid
);

/// Digits by value (leading zeros aside), then as text, so that the order is total for any text.
fn numerically(a: &[u8], b: &[u8]) -> Ordering {
    let without_zeros = |id: &[u8]| id.iter().position(|byte| *byte != b'0').unwrap_or(id.len());
    let (short_a, short_b) = (&a[without_zeros(a)..], &b[without_zeros(b)..]);
    (short_a.len(), short_a, a).cmp(&(short_b.len(), short_b, b))
}

#[cfg(test)]
mod tests;
