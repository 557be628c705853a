//! The real binary on real systemd machines, from a bare Debian to a running Odoo and back.
//!
//! Needs root: `make test`, `make prove`, or `cargo test --test machine -- --test-threads=2 [FILTER]`. The
//! machines and their bases are stored in `ODOO_DEPLOY_BED`; all machines are removed at the end.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a test may fall over, and says what it saw"
)]

mod agents;
mod bare;
mod canaries;
mod contention;
mod drift;
mod dry_run;
mod failing_steps;
mod failures;
mod field;
mod guessing;
mod hardened;
mod kept;
mod kills;
mod network;
mod own_steps;
mod payloads;
mod private;
mod production;
mod proxy;
mod random_kills;
mod records;
mod refusals;
mod rehearse;
mod settled;
mod signals;
mod sources;
mod support;
mod surroundings;
mod tier;
mod two_sites;

use std::process::ExitCode;

use libtest_mimic::{Arguments, Trial};
use support::{tally, world};

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    // several filters, separated by commas
    let wanted = arguments.filter.take().unwrap_or_default();
    let wanted: Vec<&str> = wanted.split(',').filter(|part| !part.is_empty()).collect();
    // The longest scenarios first, so that none runs alone at the end. Before them, scenarios that need no base
    // or a small one, which run while the large bases are made.
    let trials: Vec<Trial> = [
        bare::trials(),
        field::trials(),
        kept::trials(),
        production::trials(),
        guessing::trials(),
        hardened::trials(),
        random_kills::trials(),
        kills::trials(),
        proxy::trials(),
        two_sites::trials(),
        canaries::trials(),
        failing_steps::trials(),
        failures::trials(),
        network::trials(),
        surroundings::trials(),
        rehearse::trials(),
        sources::trials(),
        drift::trials(),
        signals::trials(),
        settled::trials(),
        own_steps::trials(),
        payloads::trials(),
        contention::trials(),
        agents::trials(),
        dry_run::trials(),
        private::trials(),
        refusals::trials(),
        records::trials(),
    ]
    .into_iter()
    .flatten()
    .collect();
    let trials = if wanted.is_empty() {
        tier::chosen(trials)
    } else {
        let is_wanted = |trial: &Trial| wanted.iter().any(|part| trial.name().contains(part));
        trials.into_iter().filter(is_wanted).collect()
    };
    if arguments.list {
        return libtest_mimic::run(&arguments, trials).exit_code();
    }
    if let Err(reason) = world::begin() {
        eprintln!("machine: {reason}");
        return ExitCode::FAILURE;
    }
    let conclusion = libtest_mimic::run(&arguments, trials);
    let swept = world::end();
    tally::print(&conclusion);
    if let Err(left) = &swept {
        eprintln!("machine: left behind: {left}");
    }
    if conclusion.has_failed() || swept.is_err() {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    }
}
