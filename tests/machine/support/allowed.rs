//! What a way back may leave, path by path, with the reason.

use super::server::Server;
use super::snapshot::{Precision, Snapshot};

/// A path, or with `*` at its end all that begin so, and why it may differ.
pub(crate) type Allowance = (&'static str, &'static str);

/// What runs by itself on any server, with or without an agent.
pub(crate) const BACKGROUND: &[&str] = &[
    "/srv/site",
    "/var/log/journal",
    "/var/log/wtmp",
    "/var/log/btmp",
    "/var/log/lastlog",
    "/var/lib/systemd",
    "/var/lib/postgresql",
    "/var/log/postgresql",
    "/tmp/*",
];

/// What every run leaves.
pub(crate) const EVERY_RUN: &[Allowance] = &[
    (
        "/var/lib/odoo-deploy*",
        "the journal, which says what was done and taken back",
    ),
    ("/etc/passwd-", "useradd's own copy of the file before"),
    ("/etc/group-", "groupadd's own copy of the file before"),
    ("/etc/shadow-", "useradd's own copy of the file before"),
    ("/etc/gshadow-", "groupadd's own copy of the file before"),
    ("/etc/subuid-", "useradd's own copy of the file before"),
    ("/etc/subgid-", "useradd's own copy of the file before"),
];

/// What a run leaves that had to install packages: the plan says so before anyone agrees.
pub(crate) const PACKAGES: &[Allowance] = &[];

/// A machine as it is before a run: its files, its packages, its users.
pub(crate) struct Start {
    files: Snapshot,
    packages: String,
}

impl Start {
    pub(crate) fn of(server: &Server) -> Self {
        Self {
            files: Snapshot::take(server, &["/"], BACKGROUND),
            packages: packages(server),
        }
    }

    pub(crate) fn files(&self) -> usize {
        self.files.len()
    }

    /// Whether the machine is as it was, but for what is allowed; the number of allowed differences.
    pub(crate) fn expect_again(&self, server: &Server, allowed: &[&[Allowance]]) -> usize {
        let now = Snapshot::take(server, &["/"], BACKGROUND);
        let found = self.files.differences(&now, Precision::Content);
        let is_allowed = |line: &&String| {
            let path = line[2..].split(": ").next().unwrap_or_default();
            allowed
                .iter()
                .copied()
                .flatten()
                .any(|(pattern, _)| matches(pattern, path))
        };
        let (fine, wrong): (Vec<&String>, Vec<&String>) = found.iter().partition(is_allowed);
        assert!(wrong.is_empty(), "{} differences: {wrong:#?}", wrong.len());
        assert_eq!(self.packages, packages(server), "installed packages");
        fine.len()
    }
}

fn matches(pattern: &str, path: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(start) => path.starts_with(start),
        None => path == pattern,
    }
}

/// Installed packages with their versions.
pub(crate) fn packages(server: &Server) -> String {
    server.sh("dpkg-query -W -f '${db:Status-Abbrev} ${Package} ${Version}\\n' | grep '^ii'")
}
