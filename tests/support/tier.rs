//! Tiers: how many cases a test run tries.
//!
//! `TIER=prove` tries every case; `TIER=floors` tries the fewest, for a result within minutes. The default,
//! `make test`, tries a sample of each kind of case in the large matrices. `SAMPLE`, any word, seeds the
//! sample: the same word draws the same cases. A case that is asked for by name is tried in any tier.

use std::collections::BTreeMap;
use std::env;

use super::dice::Dice;

/// How many cases are tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tier {
    /// `make floors`.
    Floors,
    /// `make test`.
    Commit,
    /// `make prove`.
    Prove,
}

impl Tier {
    /// The tier in the environment variable `TIER`.
    pub fn asked() -> Self {
        match env::var("TIER").as_deref() {
            Ok("floors") => Self::Floors,
            Ok("prove") => Self::Prove,
            Ok("commit") | Err(_) => Self::Commit,
            Ok(other) => panic!("TIER={other}: a tier is `floors`, `commit` or `prove`"),
        }
    }
}

/// The variables that ask for cases by name or number; with one of them set, nothing is sampled.
const NAMES: [&str; 6] = [
    "CRASH_CASE",
    "CRASH_SEED",
    "FAULT_ALL",
    "FAULT_CASE",
    "DRIFT_CASE",
    "PATH_SEED",
];

/// In `make test`, draws every `so_many`th case of each kind, in order, and at least one. In other tiers
/// returns all cases. `of` names the cases, so that each matrix draws differently.
pub fn one_of<T>(
    so_many: usize,
    of: &str,
    cases: impl IntoIterator<Item = T>,
    kind: impl Fn(&T) -> String,
) -> Vec<T> {
    let asked = NAMES.iter().any(|name| env::var_os(name).is_some());
    if asked || Tier::asked() != Tier::Commit {
        return cases.into_iter().collect();
    }
    let word = env::var("SAMPLE").unwrap_or_default();
    draw(&word, so_many, of, cases, kind)
}

fn draw<T>(
    word: &str,
    so_many: usize,
    of: &str,
    cases: impl IntoIterator<Item = T>,
    kind: impl Fn(&T) -> String,
) -> Vec<T> {
    let mut kinds: BTreeMap<String, Vec<(usize, T)>> = BTreeMap::new();
    for (number, case) in cases.into_iter().enumerate() {
        kinds.entry(kind(&case)).or_default().push((number, case));
    }
    let mut drawn = Vec::new();
    for (kind, cases) in kinds {
        let every = so_many.min(cases.len());
        let first = of_text(&format!("{word} {of} {kind}")).below(every);
        drawn.extend(cases.into_iter().skip(first).step_by(every));
    }
    drawn.sort_by_key(|(number, _)| *number);
    drawn.into_iter().map(|(_, case)| case).collect()
}

/// Dice seeded with `SAMPLE` and `what`.
pub fn dice(what: &str) -> Dice {
    let word = env::var("SAMPLE").unwrap_or_default();
    of_text(&format!("{word} {what}"))
}

/// Dice seeded with `text`.
fn of_text(text: &str) -> Dice {
    // FNV-1a; the dice use its upper bits
    let seed = text.bytes().fold(0xcbf2_9ce4_8422_2325, |seed: u64, byte| {
        (seed ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    Dice::new(seed)
}

#[cfg(test)]
mod tests {
    use super::draw;

    fn drawn(word: &str) -> Vec<usize> {
        draw(word, 4, "numbers", 0..101, |number| match number {
            0..100 => (number % 3).to_string(),
            _ => "the only one".into(),
        })
    }

    #[test]
    fn a_sample_is_in_order_and_has_cases_of_every_kind() {
        let drawn = drawn("a");
        assert!(drawn.is_sorted());
        assert_eq!(drawn.last(), Some(&100));
        for kind in 0..3 {
            let share = drawn.iter().filter(|number| *number % 3 == kind).count();
            assert!((8..=9).contains(&share), "{share} of kind {kind}");
        }
    }

    #[test]
    fn a_word_draws_the_same_cases_and_many_words_draw_all() {
        assert_eq!(drawn("a"), drawn("a"));
        let mut all: Vec<usize> = (0..40).flat_map(|word| drawn(&word.to_string())).collect();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all, (0..101).collect::<Vec<_>>());
    }
}
