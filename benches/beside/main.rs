//! Several programs do the same job, one after the other: from a bare Debian 12 to a running Odoo 19, and again
//! on the installed server.
//!
//! Needs root: `make bench`. It boots throwaway machines, removes them, and writes the page
//! `docs/benchmarks.md` and the samples in `target/bench/benchmarks.json`.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a benchmark may fall over, and says how far it is"
)]

mod bars;
mod contender;
mod ground;
mod journal;
mod measure;
mod micro;
mod ours;
mod report;
#[path = "../../tests/machine/support/repository.rs"]
mod repository;
mod rounds;
mod sample;
mod server;
mod slope;
mod syscalls;
mod world;

use std::env;
use std::process::ExitCode;
use std::time::Instant;

use contender::Contender;
use report::Results;
use world::World;

fn main() -> ExitCode {
    let arguments: Vec<_> = env::args_os().skip(1).collect();
    if arguments.first().is_some_and(|word| word == measure::WORD) {
        return measure::run(&arguments[1..]);
    }
    if !nix::unistd::geteuid().is_root() {
        eprintln!("bench: this boots machines: run it as root");
        return ExitCode::FAILURE;
    }
    let began = Instant::now();
    let world = World::open();
    let mut results = Results {
        ground: ground::Ground::now(&world),
        micro: micro::read(&world),
        sites: report::sites(&world),
        ..Results::default()
    };
    let servers = rounds::first(&world, &mut results);
    rounds::again(&world, &servers, &mut results);
    let ours = servers
        .iter()
        .find(|server| server.contender == Contender::Ours);
    if let Some(server) = ours {
        ours::commands(&world, server, &mut results);
        ours::peaks(server, &mut results);
        slope::grow(&world, server, &mut results);
    }
    syscalls::count(&servers, &mut results);
    let with_ours = ours.is_some();
    for server in servers {
        server.stop();
    }
    if with_ours {
        journal::measure(&world, &mut results);
    }
    results.seconds = began.elapsed().as_secs_f64();
    report::write(&world, &results);
    ExitCode::SUCCESS
}
