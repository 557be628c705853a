//! Field cases: problems that people reported on real servers, re-enacted. Each file in `tests/field/` is a
//! case.
//!
//! Cases of one base share a machine and run one after the other, so each case undoes its changes.
//! `FIELD=D1,T5` selects cases by the beginning of their names.

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::time::Instant;

use libtest_mimic::Trial;
use serde::Deserialize;

use super::support::run::Run;
use super::support::server::{SITE, Server, short_site, site};
use super::support::{bases, scenario, tally, web};

/// The number of machines that share the cases with an installed server.
const SHARES: usize = 2;

/// A case, as read from its file.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    /// The kind of problem that this case is an example of.
    #[serde(rename = "case")]
    kind: String,
    /// What people reported.
    report: String,
    /// What version 0.1.0 did.
    before: String,
    base: Base,
    /// Whether the case gets a machine for itself.
    #[serde(default)]
    alone: bool,
    /// The script that undoes the changes of the case.
    #[serde(default)]
    undo: String,
    act: Vec<Act>,
    /// The name of its file.
    #[serde(skip)]
    name: String,
}

/// One command, after a preparing script.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Act {
    /// The script that prepares the machine.
    #[serde(default)]
    ground: String,
    /// Lines that are added to the usual site, for this act and all later ones.
    site: Option<String>,
    /// The arguments of `odoo-deploy`.
    command: Option<String>,
    /// The expected exit code.
    #[serde(default)]
    code: i32,
    /// Words that the output must contain.
    #[serde(default)]
    says: Vec<String>,
    /// Words that the output must not contain.
    #[serde(default)]
    never: Vec<String>,
    /// A script that must succeed afterwards.
    #[serde(default)]
    then: String,
}

/// The state of the machine before its first case.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, PartialOrd, Ord)]
#[serde(rename_all = "lowercase")]
enum Base {
    /// A fresh Debian 12.
    Bare,
    /// Debian 12 with all packages installed.
    Packed,
    /// Debian 12 with Odoo installed by odoo-deploy.
    Installed,
    /// A fresh Debian 13.
    Trixie,
}

pub(crate) fn trials() -> Vec<Trial> {
    let mut shared: BTreeMap<(Base, usize), Vec<Case>> = BTreeMap::new();
    let mut trials = Vec::new();
    for (number, case) in cases().into_iter().enumerate() {
        if case.alone {
            let name = format!("field_{}", case.name);
            trials.push(scenario(name, move || all(&[case])));
        } else {
            let share = if case.base == Base::Installed {
                number % SHARES
            } else {
                0
            };
            shared.entry((case.base, share)).or_default().push(case);
        }
    }
    trials.extend(shared.into_iter().map(|((base, share), cases)| {
        let name = format!("field_on_{base:?}_{}", share + 1).to_lowercase();
        scenario(name, move || all(&cases))
    }));
    trials
}

/// The names of the scenarios of cases with a machine for themselves.
pub(crate) fn alone() -> impl Iterator<Item = String> {
    let cases = cases().into_iter().filter(|case| case.alone);
    cases.map(|case| format!("field_{}", case.name))
}

/// The cases that `FIELD` selects, by default all.
fn cases() -> Vec<Case> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/field");
    let wanted = env::var("FIELD").unwrap_or_default();
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let files = entries.filter(|entry| entry.path().extension().is_some_and(|e| e == "toml"));
    let mut cases: Vec<Case> = files
        .map(|entry| {
            let text = fs::read_to_string(entry.path()).expect("a case");
            let name = entry.path().file_stem().expect("a name").to_owned();
            let name = name.to_string_lossy().into_owned();
            let case: Case = toml::from_str(&text).unwrap_or_else(|e| panic!("{name}: {e}"));
            Case { name, ..case }
        })
        .filter(|case| wanted.split(',').any(|part| case.name.starts_with(part)))
        .collect();
    cases.sort_by(|a, b| a.name.cmp(&b.name));
    cases
}

/// Runs all cases. After a failed case, the next one gets a new machine.
fn all(cases: &[Case]) {
    let mut server = None;
    let mut failed = Vec::new();
    for case in cases {
        let ready = server.take().unwrap_or_else(|| boot(case));
        let began = Instant::now();
        let tried = catch_unwind(AssertUnwindSafe(|| case.run(&ready)));
        let seconds = began.elapsed().as_secs_f64();
        let (name, report) = (&case.name, &case.report);
        if tried.is_ok() {
            tally::count("field cases", 1);
            println!("machine: field case {name} holds in {seconds:.1} s: {report}");
            server = Some(ready);
        } else {
            println!(
                "machine: FIELD CASE {name} FAILED after {seconds:.1} s: {report}\n  before: {}",
                case.before
            );
            failed.push(name.as_str());
            ready.stop();
        }
    }
    if let Some(server) = server {
        server.stop();
    }
    assert!(failed.is_empty(), "cases that failed: {failed:?}");
}

fn boot(case: &Case) -> Server {
    let name = if case.alone {
        format!("field-{}", case.kind.to_lowercase())
    } else {
        format!("field-{:?}", case.base).to_lowercase() + &case.kind.to_lowercase()
    };
    let server = match case.base {
        Base::Bare => Server::ready(&name, bases::bare("bookworm")),
        Base::Packed => Server::ready(&name, bases::packed()),
        Base::Installed => Server::ready(&name, bases::installed()),
        Base::Trixie => Server::boot(&name, bases::bare("trixie")),
    };
    if case.base == Base::Installed {
        web::await_health(&server);
    }
    server
}

impl Case {
    fn site(&self, more: &str) -> String {
        if self.base == Base::Trixie {
            format!("{}\n{more}", short_site())
        } else {
            site(more)
        }
    }

    fn run(&self, server: &Server) {
        server.write(SITE, &self.site(""));
        for (number, act) in self.act.iter().enumerate() {
            if let Some(more) = &act.site {
                server.write(SITE, &self.site(more));
            }
            server.sh(&act.ground);
            if let Some(command) = &act.command {
                let words: Vec<&str> = command.split_whitespace().collect();
                act.expect(number + 1, &server.odoo(&words));
            }
            server.sh(&act.then);
        }
        if self.alone {
            return;
        }
        server.write(SITE, &self.site(""));
        server.sh(&self.undo);
        if self.base == Base::Installed {
            server.odoo(&["audit"]).expect_code(0);
        }
    }
}

impl Act {
    fn expect(&self, number: usize, run: &Run) {
        let told = run.told();
        let words = told.split_whitespace().collect::<Vec<_>>().join(" ");
        assert_eq!(run.code, self.code, "act {number}: exit code\n{told}");
        for wanted in &self.says {
            assert!(
                words.contains(wanted),
                "act {number}: no `{wanted}` in\n{told}"
            );
        }
        for unwanted in &self.never {
            assert!(
                !words.contains(unwanted),
                "act {number}: `{unwanted}` in\n{told}"
            );
        }
    }
}
