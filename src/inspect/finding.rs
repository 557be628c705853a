//! Findings: problems on the host that no step of the plan changes. Reads only.
//!
//! Each topic has a file, and a line in [`look`]. Topics run concurrently with the steps of the plan, so that queries
//! of PostgreSQL and systemd are batched with theirs.

mod certificates;
mod former;
pub(crate) mod modules;
mod reports;
mod room;
pub(crate) mod session;

use std::future::ready;

pub use former::is_ours;
use futures_util::future::{LocalBoxFuture, join_all};

use crate::event::Weight;
use crate::host::{Host, Result};
use crate::odoo::facts::Facts;
use crate::plan::Plan;
use crate::site::Site;
use crate::text::error::chain;

/// A problem on the server that no step changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The problem, with the name of the thing. The text stays the same as long as the problem is the same; changing
    /// numbers belong into the hint.
    pub what: String,
    /// The command to type, or what else to do.
    pub hint: String,
    /// How serious the problem is.
    pub weight: Weight,
}

/// What findings are based on.
#[derive(Clone, Copy, Debug)]
pub struct Surveyed<'a> {
    /// The host.
    pub host: &'a Host,
    /// Facts about the host.
    pub facts: &'a Facts,
    /// The configuration of the site.
    pub site: &'a Site,
    /// The plan for the site.
    pub plan: &'a Plan,
}

impl Finding {
    /// The site itself does not work. A run is rolled back if such a finding is new after it.
    #[must_use]
    pub fn of_site(what: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::new(Weight::Site, what, hint)
    }

    /// Something that the site depends on does not work.
    #[must_use]
    pub fn of_host(what: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::new(Weight::Host, what, hint)
    }

    /// Nothing is wrong yet, but something will be if the owner does nothing.
    #[must_use]
    pub fn soon(what: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::new(Weight::Soon, what, hint)
    }

    fn new(weight: Weight, what: impl Into<String>, hint: impl Into<String>) -> Self {
        Self {
            what: what.into(),
            hint: hint.into(),
            weight,
        }
    }

    /// Whether something is wrong now.
    #[must_use]
    pub fn is_wrong(&self) -> bool {
        self.weight != Weight::Soon
    }
}

/// Looks for all known problems. A topic that cannot be inspected becomes a finding itself and stops nothing.
pub async fn look(surveyed: Surveyed<'_>) -> Vec<Finding> {
    let topics: Vec<(&str, LocalBoxFuture<Result<Vec<Finding>>>)> = vec![
        ("its modules", Box::pin(modules::findings(surveyed))),
        ("its sessions", Box::pin(session::findings(surveyed))),
        ("its reports", Box::pin(reports::findings(surveyed))),
        (
            "its certificates",
            Box::pin(certificates::findings(surveyed)),
        ),
        (
            "the room on its disks",
            Box::pin(ready(room::findings(surveyed))),
        ),
        (
            "what the site had before",
            Box::pin(ready(former::findings(surveyed))),
        ),
    ];
    let (names, topics): (Vec<_>, Vec<_>) = topics.into_iter().unzip();
    let mut found = Vec::new();
    for (name, came) in names.into_iter().zip(join_all(topics).await) {
        match came {
            Ok(findings) => found.extend(findings),
            Err(error) => found.push(Finding::soon(
                format!("{name} could not be looked at"),
                chain(&error),
            )),
        }
    }
    found
}
