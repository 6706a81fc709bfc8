//! Inputs that begin as good ones and are changed at random: whoever reads them takes them or says what is wrong, and never panics.
//!
//! A hundred in each run of the tests. `QUOTAKEEPER_FUZZ_SECONDS=600 cargo test --lib fuzzed -- --nocapture` tries others for ten
//! minutes each; a failure is reported with its number, and `QUOTAKEEPER_FUZZ_SEED` runs that one again.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::time::{Duration, Instant};

/// What parsers trip over.
const WORDS: [&str; 28] = [
    "\"",
    ",",
    ";",
    "\t",
    "\n",
    "\r\n",
    "\r",
    "\0",
    "=",
    "[",
    "]",
    "{",
    "}",
    "{{",
    "{%",
    "\\u0000",
    "\\ud800",
    "null",
    "-1",
    "1e999",
    "12.0",
    "9223372036854775808",
    "2026-02-30T25:61:61Z",
    "*/0",
    "L",
    "\u{feff}",
    "\u{202e}",
    "東京",
];

/// Calls `each` with one input after the other. All begin as one of the `corpus`.
pub(crate) fn fuzzed(what: &str, corpus: &[&[u8]], mut each: impl FnMut(&[u8])) {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let (seed, seconds) = (number("QUOTAKEEPER_FUZZ_SEED"), number("QUOTAKEEPER_FUZZ_SECONDS"));
    // The same inputs each time, unless others are asked for.
    let first = seed.unwrap_or_else(|| if seconds.is_some() { fastrand::u64(..) >> 16 } else { 1 });
    let (began, mut tried) = (Instant::now(), 0);
    let is_more = |tried: u64| match (seed, seconds) {
        (Some(_), _) => tried < 1,
        (None, Some(seconds)) => began.elapsed() < Duration::from_secs(seconds),
        (None, None) => tried < 100,
    };
    while is_more(tried) {
        let input = input(&mut fastrand::Rng::with_seed(first + tried), corpus);
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| each(&input))) {
            eprintln!(
                "{what}: QUOTAKEEPER_FUZZ_SEED={} makes {:?}",
                first + tried,
                input.escape_ascii().to_string()
            );
            resume_unwind(panic);
        }
        tried += 1;
    }
    println!("{what}: {tried} inputs from seed {first} on");
}

fn input(random: &mut fastrand::Rng, corpus: &[&[u8]]) -> Vec<u8> {
    let mut input = corpus[random.usize(..corpus.len())].to_vec();
    for _ in 0..random.usize(1..8) {
        let place = random.usize(..=input.len());
        let part = place..(place + random.usize(..40)).min(input.len());
        match random.u8(..8) {
            0 => {
                if let Some(byte) = input.get_mut(place) {
                    *byte ^= 1 << random.u8(..8);
                }
            }
            1 => drop(input.drain(part)),
            2 => input.truncate(place),
            3 => {
                let copies = input[part].repeat(random.usize(1..20));
                input.splice(place..place, copies);
            }
            4 => {
                let other = corpus[random.usize(..corpus.len())];
                input.truncate(place);
                input.extend_from_slice(&other[random.usize(..=other.len())..]);
            }
            5 => drop(input.splice(part, WORDS[random.usize(..WORDS.len())].bytes())),
            _ => drop(input.splice(place..place, WORDS[random.usize(..WORDS.len())].bytes())),
        }
    }
    input
}
