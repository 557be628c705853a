//! Killed anywhere, gone on with or taken back: there is no third state.

mod support;

use support::act::{Act, act};
use support::machine::Machine;
use support::site::{SiteFile, Wish};
use support::snapshot::snapshot;

#[test]
fn smoke() {
    let machine = Machine::bare();
    let site = SiteFile::new(&Wish::default());
    let t = std::time::Instant::now();
    let ended = act(&machine, &site, Act::Install).unwrap();
    eprintln!("{} {} {:?} {}", ended.code, ended.error, t.elapsed(), machine.fuse.seen());
    for (k, v) in snapshot(&machine) {
        eprintln!("{k}: {v}");
    }
    let t = std::time::Instant::now();
    let ended = act(&machine, &site, Act::Install).unwrap();
    eprintln!("{} {} {:?}", ended.code, ended.error, t.elapsed());
    let t = std::time::Instant::now();
    let ended = act(&machine, &site, Act::Rollback).unwrap();
    eprintln!("{} {} {:?}", ended.code, ended.error, t.elapsed());
    for (k, v) in snapshot(&machine) {
        eprintln!("{k}: {v}");
    }
}
