//! What the scenarios share.

pub(crate) mod allowed;
pub(crate) mod bases;
pub(crate) mod browser;
pub(crate) mod proxy;
pub(crate) mod repository;
pub(crate) mod run;
pub(crate) mod server;
pub(crate) mod snapshot;
pub(crate) mod start;
pub(crate) mod tally;
pub(crate) mod web;
pub(crate) mod world;

use std::time::Instant;

use libtest_mimic::Trial;

/// A scenario called `name`, which fails if `body` panics.
pub(crate) fn scenario(name: impl Into<String>, body: impl FnOnce() + Send + 'static) -> Trial {
    let name = name.into();
    Trial::test(name.clone(), move || {
        tally::scenario();
        let began = Instant::now();
        body();
        println!("machine: {name}: {:.0} s", began.elapsed().as_secs_f64());
        Ok(())
    })
}
