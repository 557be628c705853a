//! The state of a machine before a run, for comparison afterwards.

use std::collections::BTreeSet;

use super::allowed::{Allowance, BACKGROUND, matches};
use super::server::Server;
use super::snapshot::{Precision, Snapshot};

/// Accounts that packages create and leave.
const ACCOUNTS: [&str; 2] = ["postgres:", "ssl-cert:"];

/// The most differences in a message.
const TOLD: usize = 80;

/// The files, packages, accounts, roles and databases of a machine.
pub(crate) struct Start {
    roots: &'static [&'static str],
    files: Snapshot,
    packages: BTreeSet<String>,
    accounts: Vec<String>,
    postgresql: String,
}

impl Start {
    pub(crate) fn of(server: &Server) -> Self {
        Self::within(server, &["/"])
    }

    /// The same with only the files below `roots`.
    pub(crate) fn within(server: &Server, roots: &'static [&'static str]) -> Self {
        Self {
            roots,
            files: Snapshot::take(server, roots, BACKGROUND),
            packages: packages(server),
            accounts: accounts(server),
            postgresql: postgresql(server),
        }
    }

    pub(crate) fn files(&self) -> usize {
        self.files.len()
    }

    /// Asserts that the machine is in this state, except for allowed differences; returns the number of these.
    pub(crate) fn expect_again(&self, server: &Server, allowed: &[&[Allowance]]) -> usize {
        assert_eq!(self.packages, packages(server), "installed packages");
        assert_eq!(self.accounts, accounts(server), "accounts");
        assert_eq!(self.postgresql, postgresql(server), "roles and databases");
        self.expect_files(server, allowed, &BTreeSet::new())
    }

    /// Like [`Start::expect_again`], for a rollback that keeps packages because they hold data. Also returns
    /// the names of these packages.
    pub(crate) fn expect_again_with_data(
        &self,
        server: &Server,
        allowed: &[&[Allowance]],
    ) -> (usize, Vec<String>) {
        let now = packages(server);
        let gone: Vec<_> = self.packages.difference(&now).collect();
        assert!(
            gone.is_empty(),
            "packages that were there are gone: {gone:?}"
        );
        let held: Vec<String> = now.difference(&self.packages).cloned().collect();
        let held = held.iter().filter_map(|package| package.split(' ').next());
        let held: Vec<String> = held.map(str::to_owned).collect();
        assert_eq!(self.accounts, accounts(server), "accounts");
        let listed = server.sh(&format!("dpkg-query -L {}", held.join(" ")));
        let mut theirs: BTreeSet<String> = listed.lines().map(str::to_owned).collect();
        // before `/usr` was merged, packages listed files in `/lib` and `/bin`
        theirs.extend(listed.lines().map(|path| format!("/usr{path}")));
        (self.expect_files(server, allowed, &theirs), held)
    }

    fn expect_files(
        &self,
        server: &Server,
        allowed: &[&[Allowance]],
        theirs: &BTreeSet<String>,
    ) -> usize {
        let now = Snapshot::take(server, self.roots, BACKGROUND);
        let found = self.files.differences(&now, Precision::Content);
        let is_allowed = |line: &&String| {
            let path = line[2..].split(": ").next().unwrap_or_default();
            let mut patterns = allowed.iter().copied().flatten();
            theirs.contains(path) || patterns.any(|(pattern, _)| matches(pattern, path))
        };
        let (fine, wrong): (Vec<&String>, Vec<&String>) = found.iter().partition(is_allowed);
        let told = &wrong[..wrong.len().min(TOLD)];
        assert!(wrong.is_empty(), "{} differences: {told:#?}", wrong.len());
        fine.len()
    }
}

/// Users and groups, except those that packages create.
fn accounts(server: &Server) -> Vec<String> {
    let all = server.sh("cat /etc/passwd /etc/group /etc/shadow /etc/gshadow");
    let ours = |line: &&str| !ACCOUNTS.iter().any(|account| line.starts_with(account));
    all.lines().filter(ours).map(str::to_owned).collect()
}

/// Installed packages with their versions.
pub(crate) fn packages(server: &Server) -> BTreeSet<String> {
    let all = server.sh("dpkg-query -W -f '${Package} ${Version} ${db:Status-Status}\\n'");
    let installed = all
        .lines()
        .filter_map(|line| line.strip_suffix(" installed"));
    installed.map(str::to_owned).collect()
}

/// Roles and databases, if PostgreSQL is installed.
fn postgresql(server: &Server) -> String {
    let query = "select 'role', rolname from pg_roles union select 'database', datname from pg_database order by 1, 2";
    if server.exists("/usr/bin/psql") {
        server.sql("postgres", query)
    } else {
        String::new()
    }
}
