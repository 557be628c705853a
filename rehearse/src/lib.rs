//! Throwaway systemd machines on the local host.
//!
//! A [`Bed`] is a folder that holds [`Base`]s (bare Debian or Ubuntu root file systems) and the state of the machines
//! that boot from them. A [`Machine`] is a systemd-nspawn container: it has an overlay over a base, its own PID 1
//! and, unless it shares the host's network, its own network. It boots in about a second and leaves nothing behind.
//!
//! ```no_run
//! use rehearse::{Bed, DEFAULT_DIR, Machine, Spec};
//! # fn main() -> Result<(), rehearse::Error> {
//! let bed = Bed::open(DEFAULT_DIR)?;
//! bed.prepare_tools()?;
//! let base = bed.base(&Bed::host_suite()?)?;
//! let machine = Machine::boot(&bed, Spec::new("trial", base))?;
//! let output = machine.command("systemctl").arg("--failed").output();
//! machine.stop()?;
//! # Ok(())
//! # }
//! ```

mod apt;
mod base;
mod bed;
mod cgroup;
mod error;
mod launch;
mod layer;
mod lock;
mod machine;
mod network;
mod process;
mod program;
mod record;
mod seed;
mod spec;
mod teardown;

pub use base::Base;
pub use bed::{Bed, DEFAULT_DIR, Listed, Status};
pub use error::{Error, Result};
pub use lock::Lock;
pub use machine::Machine;
pub use spec::{Bind, Network, Spec, Storage};
