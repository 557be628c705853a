//! What is wrong on the host and no step of the plan changes. Reads; never writes.
//!
//! One file a topic, one line a topic in [`look`]. Topics are asked side by side with the steps of the
//! plan, so a question to PostgreSQL or systemd joins the call that is made anyway.

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

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What is wrong, with the name of the thing. The same words as long as it is the same thing: figures
    /// that move belong to the hint.
    pub what: String,
    /// What to type, or to do.
    pub hint: String,
    /// How much it matters.
    pub weight: Weight,
}

/// What is looked at.
#[derive(Clone, Copy, Debug)]
pub struct Surveyed<'a> {
    /// The host.
    pub host: &'a Host,
    /// The kind of machine that it is.
    pub facts: &'a Facts,
    /// What is asked of it.
    pub site: &'a Site,
    /// The steps that bring it there.
    pub plan: &'a Plan,
}

impl Finding {
    /// The site itself does not do what it is there for. A run after which there is a new one of these is
    /// taken back.
    #[must_use]
    pub fn of_site(what: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::new(Weight::Site, what, hint)
    }

    /// Something is wrong that the site stands on.
    #[must_use]
    pub fn of_host(what: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::new(Weight::Host, what, hint)
    }

    /// Nothing is wrong yet, and something will be if nobody acts.
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

/// Looks for all that is known to go wrong. What cannot be looked at is told, and holds nobody up.
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
