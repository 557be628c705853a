//! Changes that other people or programs make to a server, one at a time, and the steps that repair them.

mod accounts;
mod builds;
mod paths;
mod services;

use super::machine::{Disk, Machine};

const SECRETS: &str = "/var/lib/odoo-deploy/odoo/secrets";

/// How an install reacts to a drift.
pub enum Then {
    /// These steps repair it; the service may be restarted as well.
    Mended(&'static [&'static str]),
    /// The install is refused and changes nothing until somebody moves the thing away.
    Refused,
}

/// One change that somebody makes to an installed machine.
pub struct Drift {
    /// Its name.
    pub name: String,
    /// How an install reacts to it.
    pub then: Then,
    /// The path that it changes; `folder/.` for the owner or mode of a folder.
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

    /// Makes the change.
    pub fn happen(&self, machine: &Machine) {
        (self.act)(machine);
    }

    /// Whether an install repairs it.
    pub fn is_mended(&self) -> bool {
        matches!(self.then, Then::Mended(_))
    }

    /// Whether both drifts change the same path, or one changes a path inside the other's.
    pub fn meets(&self, other: &Self) -> bool {
        let (this, that) = (format!("{}/", self.at), format!("{}/", other.at));
        this.starts_with(&that) || that.starts_with(&this)
    }
}

/// All drifts.
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
