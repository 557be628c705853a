//! How much of what there is a run of the tests tries.
//!
//! `TIER=prove` tries everything, `TIER=floors` the least for a look within minutes. Else it is what a change can
//! break: of each kind of case in the large matrices a share, drawn by `SAMPLE`, which is any word. The same word draws
//! the same cases. A case that is asked for by its name is tried in any tier.

use std::collections::BTreeMap;
use std::env;

use super::dice::Dice;

/// How much is tried.
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
    /// The one that is asked for.
    pub fn asked() -> Self {
        match env::var("TIER").as_deref() {
            Ok("floors") => Self::Floors,
            Ok("prove") => Self::Prove,
            Ok("commit") | Err(_) => Self::Commit,
            Ok(other) => panic!("TIER={other}: a tier is `floors`, `commit` or `prove`"),
        }
    }
}

/// What asks for cases by itself.
const NAMES: [&str; 6] = [
    "CRASH_CASE",
    "CRASH_SEED",
    "FAULT_ALL",
    "FAULT_CASE",
    "DRIFT_CASE",
    "PATH_SEED",
];

/// In `make test` one of `so_many` cases, of each kind and in their order; of a kind with fewer cases one. In other tiers
/// all of them. `of` says what they are cases of, so that each draws others.
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

/// Dice that fall as `SAMPLE` says, others for each of what they are cast for.
pub fn dice(what: &str) -> Dice {
    let word = env::var("SAMPLE").unwrap_or_default();
    of_text(&format!("{word} {what}"))
}

/// The same dice for the same text.
fn of_text(text: &str) -> Dice {
    // FNV-1a, of which the dice take the upper bits
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
    fn each_kind_has_its_share_in_order_and_the_only_one_of_its_kind_is_there() {
        let drawn = drawn("a");
        assert!(drawn.is_sorted());
        assert_eq!(drawn.last(), Some(&100));
        for kind in 0..3 {
            let share = drawn.iter().filter(|number| *number % 3 == kind).count();
            assert!((8..=9).contains(&share), "{share} of kind {kind}");
        }
    }

    #[test]
    fn a_word_draws_the_same_and_some_words_draw_all() {
        assert_eq!(drawn("a"), drawn("a"));
        let mut all: Vec<usize> = (0..40).flat_map(|word| drawn(&word.to_string())).collect();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all, (0..101).collect::<Vec<_>>());
    }
}
