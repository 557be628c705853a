//! Splits the work of one test among as many processes as there are cores.
//!
//! Processes, because threads would wait for each other at the table of open files and at the lock of their
//! shared memory.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::{self, Child, Command, Stdio, exit};
use std::{env, thread};

use serde::{Deserialize, Serialize};

/// The environment variable with the folder from which a process takes its cases.
const SHARE: &str = "TEST_SHARE";

/// One process's share of a test's work, with its results.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Share {
    /// The folder with one file for each case that a process has taken.
    taken: PathBuf,
    /// The number of cases asked for. All processes ask for the same cases, in the same order.
    asked: usize,
    failures: Vec<String>,
    counts: BTreeMap<String, usize>,
}

impl Share {
    /// Takes the next case, if no other process has taken it. The first process to ask takes it, so that all
    /// processes end at about the same time.
    pub fn takes(&mut self) -> bool {
        self.asked += 1;
        match File::create_new(self.taken.join(self.asked.to_string())) {
            Ok(_) => true,
            Err(error) if error.kind() == ErrorKind::AlreadyExists => false,
            Err(error) => panic!("a case cannot be taken: {error}"),
        }
    }

    /// Counts `times` attempts of `what`.
    pub fn count(&mut self, what: &str, times: usize) {
        *self.counts.entry(what.to_owned()).or_default() += times;
    }

    /// Records what is wrong with `case`, if anything is.
    pub fn judge(&mut self, case: &str, wrong: &[String]) {
        if wrong.is_empty() {
            return;
        }
        let failure = format!("{case}\n  {}", wrong.join("\n  "));
        // print now: the remaining cases may take minutes
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

/// How often each thing was tried.
#[derive(Debug)]
pub struct Counts(BTreeMap<String, usize>);

impl Counts {
    /// All counts.
    pub fn all(&self) -> impl Iterator<Item = (&String, &usize)> {
        self.0.iter()
    }

    /// The count of `what`.
    pub fn of(&self, what: &str) -> usize {
        self.0.get(what).copied().unwrap_or_default()
    }
}

/// Does the work of the test called `test` in several processes, and panics if anything is wrong. Each process
/// enters through that test, does its share of `work`, and exits here; only the first process returns.
pub fn shared(test: &str, work: impl FnOnce(&mut Share)) -> Counts {
    if let Some(folder) = env::var_os(SHARE).map(PathBuf::from) {
        let mut share = Share {
            taken: folder.clone(),
            ..Share::default()
        };
        work(&mut share);
        let to = folder.join(format!("of {}", process::id()));
        fs::write(to, serde_json::to_vec(&share).unwrap()).unwrap();
        exit(0);
    }
    let folder = tempfile::tempdir().unwrap();
    let all = thread::available_parallelism().map_or(2, usize::from);
    let processes: Vec<Child> = (0..all).map(|_| begin(test, folder.path())).collect();
    let mut whole = Share::default();
    let ends: Vec<_> = processes
        .into_iter()
        .map(|mut process| (process.id(), process.wait().unwrap()))
        .collect();
    let mut asked = None;
    for (id, end) in ends {
        assert!(end.success(), "a share of {test} ended with {end}");
        let bytes = fs::read(folder.path().join(format!("of {id}")));
        let bytes = bytes.unwrap_or_else(|error| panic!("a share of {test}: {error}"));
        let share: Share = serde_json::from_slice(&bytes).unwrap();
        let asked = *asked.get_or_insert(share.asked);
        assert_eq!(share.asked, asked, "the shares of {test} ask for others");
        whole.add(share);
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

fn begin(test: &str, folder: &Path) -> Child {
    let mut process = Command::new(env::current_exe().unwrap());
    process.args(["--exact", "--nocapture", "--quiet", test]);
    process.env(SHARE, folder).stdout(Stdio::null());
    process.spawn().unwrap()
}
