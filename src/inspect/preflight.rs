//! What makes a deployment impossible here, found out before anything is touched.
//!
//! One file a topic. Each looks at the same [`Inspected`] and tells what it [`Found`]; a new one gets a file and a
//! line in [`plan`]. What costs a program's start is asked only where a step that it concerns is pending.

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

use std::path::Path;

pub use self::machine::machine;
use crate::engine::observe::Observed;
use crate::event::change::Change;
use crate::host::{Host, Result};
use crate::inspect::finding::Finding;
use crate::odoo::facts::Facts;
use crate::plan::Plan;
use crate::site::Site;

/// What is looked at.
#[derive(Clone, Copy, Debug)]
pub struct Inspected<'a> {
    /// The machine.
    pub host: &'a Host,
    /// What kind of machine it is.
    pub facts: &'a Facts,
    /// What is asked.
    pub site: &'a Site,
    /// The folder of the site's configuration.
    pub beside: &'a Path,
    /// How many worker processes Odoo gets.
    pub workers: u32,
    /// The steps.
    pub plan: &'a Plan,
    /// The steps as they were seen on the machine.
    pub observed: &'a Observed,
}

/// What was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// Why it cannot be, each with the way out. One is enough for nothing to be touched.
    pub reasons: Vec<String>,
    /// What is wrong and stops nothing, as nothing is to be changed.
    pub findings: Vec<Finding>,
    /// What stops nothing and must be known before anyone agrees.
    pub notes: Vec<String>,
}

impl Found {
    /// Adds a reason. It says what is in the way, where, who holds it, and what to type.
    fn refuse(&mut self, reason: impl Into<String>) {
        self.reasons.push(reason.into());
    }

    /// Adds what others have set up that does not go together with the site, and after a semicolon what to do: a
    /// reason where anything is to be changed. What runs is looked at all the same, and it is told as a finding.
    fn trouble(&mut self, inspected: &Inspected<'_>, trouble: String) {
        if !inspected.observed.is_settled() {
            self.reasons.push(trouble);
        } else if let Some((what, hint)) = trouble.split_once("; ") {
            self.findings.push(Finding::of_host(what, hint));
        }
    }
}

impl<'a> Inspected<'a> {
    /// The changes of steps of a kind that would change anything.
    fn pending_of(&self, kind: &str) -> impl Iterator<Item = &'a Change> {
        let pending = self.observed.pending();
        pending.filter(move |change| change.kind == kind)
    }
}

/// What the plan needs of the host, and whether that can be had.
///
/// # Errors
/// If the host cannot be asked.
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
