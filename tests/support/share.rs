//! The work of one test in as many processes as there are cores.
//!
//! Not in threads: these would wait for each other at the table of open files and at their memory, and
//! every call of the kernel would take a third longer.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::Path;
use std::process::{Child, Command, exit};
use std::{env, fs, thread};

use serde::{Deserialize, Serialize};

/// Tells a process which share is its own, and where what comes of it is to be written.
const SHARE: &str = "TEST_SHARE";

/// One process's share of a test's work, and what came of it.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Share {
    mine: usize,
    all: usize,
    failures: Vec<String>,
    counts: BTreeMap<String, usize>,
}

impl Share {
    /// Whether a case of that number is its own.
    pub fn has(&self, number: usize) -> bool {
        turn(number, self.all) == self.mine
    }

    /// Those of these numbers that are its own.
    pub fn own(&self, numbers: Range<usize>) -> impl Iterator<Item = usize> + use<> {
        let (mine, all) = (self.mine, self.all);
        numbers.filter(move |number| turn(*number, all) == mine)
    }

    /// How many of its own cases are before the one of that number.
    pub fn before(&self, number: usize) -> usize {
        number / self.all
    }

    /// That something was tried so many times.
    pub fn count(&mut self, what: &str, times: usize) {
        *self.counts.entry(what.to_owned()).or_default() += times;
    }

    /// That `case` came to what it must not; nothing where nothing is wrong.
    pub fn judge(&mut self, case: &str, wrong: &[String]) {
        if wrong.is_empty() {
            return;
        }
        let failure = format!("{case}\n  {}", wrong.join("\n  "));
        // at once: the rest may take minutes
        eprintln!("{failure}");
        self.failures.push(failure);
    }

    fn add(&mut self, other: Self) {
        self.failures.extend(other.failures);
        for (what, times) in other.counts {
            self.count(&what, times);
        }
    }
}

/// Whose turn a case is. What costs much may come at every other number.
fn turn(number: usize, all: usize) -> usize {
    (number + number / 7) % all
}

/// What was tried how many times.
#[derive(Debug)]
pub struct Counts(BTreeMap<String, usize>);

impl Counts {
    /// How many times that was tried.
    pub fn of(&self, what: &str) -> usize {
        self.0.get(what).copied().unwrap_or_default()
    }
}

/// Does the work of the test of that name, and falls over where something is wrong. Each process comes
/// here by way of the test, does its share of `work`, and ends here; only the first goes on.
pub fn shared(test: &str, work: impl FnOnce(&mut Share)) -> Counts {
    if let Ok(told) = env::var(SHARE) {
        let (mine, to) = told.split_once(' ').unwrap();
        let (mine, all) = mine.split_once('/').unwrap();
        let mut share = Share {
            mine: mine.parse().unwrap(),
            all: all.parse().unwrap(),
            ..Share::default()
        };
        work(&mut share);
        fs::write(to, serde_json::to_vec(&share).unwrap()).unwrap();
        exit(0);
    }
    let folder = tempfile::tempdir().unwrap();
    let all = thread::available_parallelism().map_or(2, usize::from);
    let processes: Vec<_> = (0..all)
        .map(|mine| {
            let to = folder.path().join(mine.to_string());
            (begin(test, mine, all, &to), to)
        })
        .collect();
    let mut whole = Share::default();
    let ends: Vec<_> = processes
        .into_iter()
        .map(|(mut process, to)| (process.wait().unwrap(), to))
        .collect();
    for (end, to) in ends {
        assert!(end.success(), "a share of {test} ended with {end}");
        let bytes = fs::read(to).unwrap_or_else(|error| panic!("a share of {test}: {error}"));
        whole.add(serde_json::from_slice(&bytes).unwrap());
    }
    let failures = &whole.failures;
    assert!(
        failures.is_empty(),
        "{} are wrong:\n{}",
        failures.len(),
        failures[..failures.len().min(100)].join("\n")
    );
    Counts(whole.counts)
}

fn begin(test: &str, mine: usize, all: usize, to: &Path) -> Child {
    let mut process = Command::new(env::current_exe().unwrap());
    process.args(["--exact", "--nocapture", "--quiet", test]);
    process.env(SHARE, format!("{mine}/{all} {}", to.display()));
    process.stdout(std::process::Stdio::null());
    process.spawn().unwrap()
}
