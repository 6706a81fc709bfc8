//! The body of an answer as far as it is worth reading: a broken or hostile server must not take the pod down.
//!
//! What cannot be an answer of the API is noticed while it comes, not when its last byte is in memory.

use memchr::memchr_iter;
use tokio::sync::OwnedSemaphorePermit;

/// Twice the largest house known, with a thousand organizations of a thousand account groups each. An answer of many tiny objects
/// takes many times its own size in memory.
const MOST_ENTRIES: usize = 2_000_000;
/// Of one organization's usage: far more tests than any has. Several of these answers are read at once.
const MOST_ENTRIES_OF_USAGE: usize = 100_000;
const MOST_USAGE_BYTES: usize = 16 << 20;
/// Of the quotas, also of all their pages together: a million take 33 MiB, and 72 where each field has a line of its own.
const MOST_QUOTAS_BYTES: usize = 128 << 20;

/// An error's body is for people: more than this is not read.
const MOST_ERROR_BYTES: usize = 256 * 1024;
/// What does not begin as JSON is for people too.
const MOST_BYTES_OF_NO_JSON: usize = 4096;

/// From this size on a body takes part in the one large answer that is in memory at a time.
const LARGE: usize = 512 * 1024;

/// How often, and in what, a body is looked at for whether it says anything new.
const LOOK_EVERY: usize = 4 << 20;
const LOOK_AT: usize = 256 * 1024;
/// What is unpacked to hundreds of times its size repeats what came within this distance before (RFC 1951, section 2).
const LONGEST_PERIOD: usize = 32 * 1024;

/// What may be read of one answer.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    pub(super) bytes: usize,
    pub(super) entries: usize,
}

impl Bounds {
    /// Of a good answer to a request for this path below the base URL.
    pub(super) fn of_answer(path: &str, most_bytes: usize) -> Self {
        if path.starts_with("/usage") {
            Self { bytes: most_bytes.min(MOST_USAGE_BYTES), entries: MOST_ENTRIES_OF_USAGE }
        } else {
            Self::of_pages(path, most_bytes)
        }
    }

    /// Of all pages of such an answer together.
    pub(super) fn of_pages(path: &str, most_bytes: usize) -> Self {
        let bytes = if path == "/quotas" { most_bytes.min(MOST_QUOTAS_BYTES) } else { most_bytes };
        Self { bytes, entries: MOST_ENTRIES }
    }

    pub(super) const OF_ERROR: Self = Self { bytes: MOST_ERROR_BYTES, entries: usize::MAX };

    pub(super) fn too_large(self, length: u64) -> Option<String> {
        (length > self.bytes as u64)
            .then(|| format!("the answer is larger than the {} bytes allowed for one", self.bytes))
    }
}

/// What came of an answer so far.
#[derive(Debug, Default)]
pub(super) struct Body {
    pub bytes: Vec<u8>,
    /// At most so many objects, each of which may take much more memory than its bytes.
    pub entries: usize,
    looked_at: usize,
    /// The right to be the one that is large, kept until what was read of it is parsed.
    pub alone: Option<OwnedSemaphorePermit>,
}

/// What to do after a part of a body.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum NextStep {
    Read,
    /// It is no JSON object: what came of it will do to say so.
    Enough,
    /// It is none of the API's answers, in words.
    Refuse(String),
}

impl Body {
    pub(super) fn is_large(&self) -> bool {
        self.bytes.len() > LARGE
    }

    /// Takes the next part of a body that is announced to have this length.
    pub(super) fn add(&mut self, part: &[u8], length: Option<u64>, bounds: Bounds) -> NextStep {
        if let Some(why) = bounds.too_large((self.bytes.len() + part.len()) as u64) {
            return NextStep::Refuse(why);
        }
        if self.bytes.is_empty() {
            // What is announced and never comes takes no memory; where there is no room for it, what comes will say so.
            let length = length.and_then(|length| usize::try_from(length).ok()).unwrap_or_default();
            let _ = self.bytes.try_reserve(length.min(bounds.bytes));
        }
        self.entries += memchr_iter(b'{', part).count();
        self.bytes.extend_from_slice(part);
        let most = bounds.entries;
        if self.entries > most {
            return NextStep::Refuse(format!(
                "the answer has over {most} entries, far more than is plausible. Report it to ThousandEyes"
            ));
        }
        if self.bytes.len() > MOST_BYTES_OF_NO_JSON && !starts_as_object(&self.bytes) {
            return NextStep::Enough;
        }
        if self.bytes.len() - self.looked_at > LOOK_EVERY {
            self.looked_at = self.bytes.len();
            if is_repetitive(&self.bytes[self.bytes.len() - LOOK_AT..]) {
                return NextStep::Refuse("the answer repeats itself".to_owned());
            }
        }
        NextStep::Read
    }
}

/// Whether a body begins like each answer of the API, once it is repaired.
pub(super) fn starts_as_object(body: &[u8]) -> bool {
    let body = body.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(body);
    body.iter().find(|byte| **byte > b' ') == Some(&b'{')
}

/// Whether all of it is one short stretch again and again, as in no answer that has anything to say.
///
/// Its smallest period by the prefix function of Knuth, Morris and Pratt: how much of the beginning ends at each place.
fn is_repetitive(part: &[u8]) -> bool {
    let mut prefixes = vec![0; part.len()];
    let mut prefix = 0;
    for (at, byte) in part.iter().enumerate().skip(1) {
        while prefix > 0 && part[prefix] != *byte {
            prefix = prefixes[prefix - 1];
        }
        prefix += usize::from(part[prefix] == *byte);
        prefixes[at] = prefix;
    }
    part.len() - prefix <= LONGEST_PERIOD
}

#[cfg(test)]
mod tests;
