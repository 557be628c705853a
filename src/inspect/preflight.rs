//! Checks before the first change whether the deployment is possible on this host.
//!
//! Each topic has a file. All inspect the same [`Inspected`] and add to the same [`Found`]; a new topic gets a file
//! and a line in [`plan`]. A check that starts a program runs only if a step that it concerns is pending.

mod accounts;
mod clusters;
mod conf;
mod disk;
mod door;
mod filestore;
mod filter;
mod firewall_ports;
mod keys;
mod languages;
mod left;
mod logs;
mod machine;
mod modules;
mod neighbours;
mod network;
mod nginx;
mod pattern;
mod places;
mod ports;
mod rivals;
mod sandbox;
mod secrets;
mod server;
mod session;

use std::fmt;
use std::path::Path;

pub use self::machine::machine;
use crate::engine::observe::Observed;
use crate::event::change::Change;
use crate::host::{Host, Result};
use crate::inspect::finding::Finding;
use crate::odoo::facts::Facts;
use crate::plan::Plan;
use crate::site::Site;

/// What the checks are based on.
#[derive(Clone, Copy, Debug)]
pub struct Inspected<'a> {
    /// The host.
    pub host: &'a Host,
    /// Facts about the host.
    pub facts: &'a Facts,
    /// The configuration of the site.
    pub site: &'a Site,
    /// The folder of the site's configuration.
    pub beside: &'a Path,
    /// The number of Odoo's worker processes.
    pub workers: u32,
    /// The plan.
    pub plan: &'a Plan,
    /// The present state of the plan's steps.
    pub observed: &'a Observed,
}

/// The result of the checks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// Why the deployment is refused, each with a way out. Any reason prevents every change.
    pub reasons: Vec<String>,
    /// Problems that stop nothing, because nothing is to be changed.
    pub findings: Vec<Finding>,
    /// What the user must know before confirming.
    pub notes: Vec<String>,
}

impl Found {
    /// Adds a reason to refuse. It says what the obstacle is, where it is, who holds it, and what to type.
    fn refuse(&mut self, reason: impl Into<String>) {
        self.reasons.push(reason.into());
    }

    /// Adds a conflict with something that others have configured; the text after `; ` is the hint. If the plan
    /// changes anything, the conflict is a reason to refuse, otherwise a finding.
    fn trouble(&mut self, inspected: &Inspected<'_>, trouble: Trouble) {
        if inspected.observed.is_settled() {
            self.findings
                .push(Finding::of_host(trouble.what, trouble.hint));
        } else {
            self.reasons.push(trouble.to_string());
        }
    }
}

/// Something that others have set up and that conflicts with the site.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Trouble {
    what: String,
    /// What to do about it.
    hint: String,
}

impl Trouble {
    fn new(what: impl Into<String>, hint: impl Into<String>) -> Self {
        Self {
            what: what.into(),
            hint: hint.into(),
        }
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}; {}", self.what, self.hint)
    }
}

impl<'a> Inspected<'a> {
    /// The pending changes of a kind.
    fn pending_of(&self, kind: &str) -> impl Iterator<Item = &'a Change> {
        let pending = self.observed.pending();
        pending.filter(move |change| change.kind == kind)
    }
}

/// Checks what the plan needs of the host.
///
/// # Errors
/// If the host cannot be inspected.
pub async fn plan(inspected: &Inspected<'_>) -> Result<Found> {
    let mut found = Found {
        reasons: inspected.observed.refusals.clone(),
        ..Found::default()
    };
    ports::look(inspected, &mut found).await?;
    secrets::look(inspected, &mut found)?;
    server::look(inspected, &mut found)?;
    door::look(inspected, &mut found).await?;
    session::look(inspected, &mut found).await?;
    nginx::look(inspected, &mut found).await?;
    sandbox::look(inspected, &mut found).await?;
    filter::look(inspected, &mut found).await?;
    neighbours::look(inspected, &mut found)?;
    accounts::look(inspected, &mut found).await?;
    rivals::look(inspected, &mut found)?;
    logs::look(inspected, &mut found)?;
    left::look(inspected, &mut found)?;
    found.reasons.extend(filestore::left(
        inspected.host,
        inspected.site,
        inspected.observed,
    )?);
    keys::look(inspected, &mut found);
    places::look(inspected, &mut found)?;
    clusters::look(inspected, &mut found)?;
    conf::look(inspected, &mut found);
    languages::look(inspected, &mut found);
    modules::look(inspected, &mut found).await?;
    disk::look(inspected, &mut found)?;
    network::look(inspected, &mut found);
    Ok(found)
}
