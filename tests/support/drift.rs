//! What happens to servers by other hands: one thing at a time, and the steps that mend it.

mod accounts;
mod builds;
mod paths;
mod services;

use super::machine::{Disk, Machine};

const SECRETS: &str = "/var/lib/odoo-deploy/odoo/secrets";

/// What an install makes of it.
pub enum Then {
    /// These steps mend it; besides, the service may be started anew.
    Mended(&'static [&'static str]),
    /// Nothing is touched before somebody has moved it away.
    Refused,
}

/// One thing that somebody does to an installed machine.
pub struct Drift {
    /// What it is.
    pub name: String,
    /// What an install makes of it.
    pub then: Then,
    /// The place that it is about; attributes of a folder are at `folder/.`.
    at: String,
    act: Box<dyn Fn(&Machine)>,
}

impl Drift {
    fn new(
        at: impl Into<String>,
        what: impl Into<String>,
        then: Then,
        act: impl Fn(&Machine) + 'static,
    ) -> Self {
        let at = at.into();
        Self {
            name: format!("{at} {}", what.into()),
            then,
            at,
            act: Box::new(act),
        }
    }

    /// Does it.
    pub fn happen(&self, machine: &Machine) {
        (self.act)(machine);
    }

    /// Whether an install mends it.
    pub fn is_mended(&self) -> bool {
        matches!(self.then, Then::Mended(_))
    }

    /// Whether both are about one place, or about one and a place in it.
    pub fn meets(&self, other: &Self) -> bool {
        let (this, that) = (format!("{}/", self.at), format!("{}/", other.at));
        this.starts_with(&that) || that.starts_with(&this)
    }
}

/// All that is known to happen.
pub fn all() -> Vec<Drift> {
    let mut all = paths::all();
    all.extend(accounts::all());
    all.extend(builds::all());
    all.extend(services::all());
    all
}

fn gid(disk: &Disk, name: &str) -> u32 {
    let text = disk.text("/etc/group");
    let line = text
        .lines()
        .find(|line| line.starts_with(&format!("{name}:")));
    line.unwrap().split(':').nth(2).unwrap().parse().unwrap()
}

fn passwd(disk: &Disk, name: &str, from: &str, to: &str) {
    let change = |line: &str| {
        if line.starts_with(&format!("{name}:")) {
            line.replace(from, to) + "\n"
        } else {
            format!("{line}\n")
        }
    };
    let changed: String = disk.text("/etc/passwd").lines().map(change).collect();
    disk.put("/etc/passwd", changed);
}

pub(crate) fn member(disk: &Disk, group: &str, user: &str) {
    let change = |line: &str| {
        if line.starts_with(&format!("{group}:")) {
            let comma = if line.ends_with(':') { "" } else { "," };
            format!("{line}{comma}{user}\n")
        } else {
            format!("{line}\n")
        }
    };
    let changed: String = disk.text("/etc/group").lines().map(change).collect();
    disk.put("/etc/group", changed);
}
