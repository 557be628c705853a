//! Runs the checks in `fuzz/checks/` on random changes of the fuzzer's seeds. Unlike `make fuzz`, this is not guided by
//! coverage, and needs no special build.
//!
//! `SAMPLE` is the seed of the random inputs. A failing input is printed; add it to `fuzz/seeds`.

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use support::counts;
use support::dice::Dice;
use support::tier;

#[path = "../../fuzz/checks/journal.rs"]
mod journal;
#[path = "../../fuzz/checks/playbook.rs"]
mod playbook;
#[path = "../../fuzz/checks/site.rs"]
mod site;
#[path = "../../fuzz/checks/template.rs"]
mod template;

/// How many inputs are made for each target.
const INPUTS: usize = 1500;

/// Texts that are hard for parsers.
const STRANGE: [&str; 16] = [
    "\0",
    "\"",
    "'''",
    "[",
    "]]",
    "=",
    "{{",
    "}}",
    "{%",
    "\r\n",
    "é",
    "\u{feff}",
    "-1",
    "99999999999999999999",
    "#",
    "\\u",
];

/// The seeds of a target.
fn seeds(target: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("fuzz/seeds")
        .join(target);
    let mut paths: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    paths.sort();
    paths.iter().map(|path| fs::read(path).unwrap()).collect()
}

/// Makes an input by some random changes of a seed.
fn changed(dice: &mut Dice, seeds: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = dice.pick(seeds).clone();
    for _ in 0..=dice.below(4) {
        let from = dice.below(bytes.len() + 1);
        let to = (from + dice.below(40)).min(bytes.len());
        match dice.below(5) {
            0 => drop(bytes.drain(from..to)),
            1 => bytes.extend_from_within(from..to),
            2 => drop(bytes.splice(from..to, dice.pick(&STRANGE).bytes())),
            3 => drop(bytes.splice(from..from, dice.pick(&STRANGE).bytes())),
            _ => {
                let other = dice.pick(seeds);
                let cut = dice.below(other.len() + 1);
                let end = (cut + dice.below(200)).min(other.len());
                drop(bytes.splice(from..to, other[cut..end].iter().copied()));
            }
        }
    }
    bytes
}

/// Runs a check on all inputs of a target.
fn fuzz(target: &str, check: impl Fn(&[u8])) {
    let seeds = seeds(target);
    let mut dice = tier::dice(target);
    for _ in 0..INPUTS {
        let input = changed(&mut dice, &seeds);
        let looked = catch_unwind(AssertUnwindSafe(|| check(&input)));
        assert!(
            looked.is_ok(),
            "{target}: {:?}",
            String::from_utf8_lossy(&input)
        );
    }
    counts::tell("fuzzed inputs", &format!("{target} by dice"), INPUTS);
}

/// Adapts a check of texts to bytes.
fn of_text(check: impl Fn(&str)) -> impl Fn(&[u8]) {
    move |bytes| check(&String::from_utf8_lossy(bytes))
}

#[test]
fn a_site_is_refused_with_a_place_or_parsed() {
    fuzz("site", of_text(site::check));
}

#[test]
fn a_playbook_is_refused_with_a_place_or_parsed_in_order() {
    fuzz("playbook", of_text(playbook::check));
}

#[test]
fn a_template_is_refused_with_a_place_or_rendered() {
    fuzz("template", of_text(template::check));
}

#[test]
fn a_journal_is_refused_or_read_correctly() {
    fuzz("journal", |bytes| {
        journal::check(bytes);
    });
}
