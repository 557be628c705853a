//! Users and groups, read from the machine's own files.

use std::collections::BTreeMap;
use std::path::Path;

use crate::host::{Error, Host, Result};

/// One line of `/etc/passwd`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// Its number.
    pub uid: u32,
    /// The number of its own group.
    pub gid: u32,
    /// Its home.
    pub home: String,
    /// Its login shell.
    pub shell: String,
}

/// All local users and groups.
///
/// Read from the files rather than through name services: what this program creates is local, and
/// a static binary has no name-service plugins.
#[derive(Clone, Debug, Default)]
pub struct Accounts {
    users: BTreeMap<String, Account>,
    groups: BTreeMap<String, (u32, Vec<String>)>,
}

impl Host {
    /// Reads `/etc/passwd` and `/etc/group`.
    ///
    /// # Errors
    /// Where they cannot be read.
    pub fn accounts(&self) -> Result<Accounts> {
        let text = |path: &str| {
            self.read_text(Path::new(path))
                .map(Option::unwrap_or_default)
        };
        Ok(Accounts::parse(&text("/etc/passwd")?, &text("/etc/group")?))
    }
}

impl Accounts {
    /// Parses the text of `passwd(5)` and `group(5)`; lines that are not of their form are skipped.
    #[must_use]
    pub fn parse(passwd: &str, group: &str) -> Self {
        let users = passwd.lines().filter_map(|line| {
            let field: Vec<&str> = line.split(':').collect();
            let [name, _, uid, gid, _, home, shell] = field[..] else {
                return None;
            };
            let account = Account {
                uid: uid.parse().ok()?,
                gid: gid.parse().ok()?,
                home: home.to_owned(),
                shell: shell.to_owned(),
            };
            Some((name.to_owned(), account))
        });
        let groups = group.lines().filter_map(|line| {
            let field: Vec<&str> = line.split(':').collect();
            let [name, _, gid, members] = field[..] else {
                return None;
            };
            let members = members
                .split(',')
                .filter(|m| !m.is_empty())
                .map(str::to_owned)
                .collect();
            Some((name.to_owned(), (gid.parse().ok()?, members)))
        });
        Self {
            users: users.collect(),
            groups: groups.collect(),
        }
    }

    /// The user of that name.
    ///
    /// # Errors
    /// Where there is none.
    pub fn user(&self, name: &str) -> Result<&Account> {
        self.users.get(name).ok_or_else(|| Error::NoAccount {
            what: "user",
            name: name.to_owned(),
        })
    }

    /// The number of the group of that name.
    ///
    /// # Errors
    /// Where there is none.
    pub fn group(&self, name: &str) -> Result<u32> {
        let group = self.groups.get(name).map(|(gid, _)| *gid);
        group.ok_or_else(|| Error::NoAccount {
            what: "group",
            name: name.to_owned(),
        })
    }

    /// The groups that `user` was added to, beyond its own.
    #[must_use]
    pub fn groups_of(&self, user: &str) -> Vec<String> {
        let of = |(name, (_, members)): (&String, &(u32, Vec<String>))| {
            members.iter().any(|m| m == user).then(|| name.clone())
        };
        self.groups.iter().filter_map(of).collect()
    }

    /// The name of user `uid`, or the number where it has none.
    #[must_use]
    pub fn user_name(&self, uid: u32) -> String {
        let found = self.users.iter().find(|(_, account)| account.uid == uid);
        found.map_or_else(|| uid.to_string(), |(name, _)| name.clone())
    }

    /// The name of group `gid`, or the number where it has none.
    #[must_use]
    pub fn group_name(&self, gid: u32) -> String {
        let found = self.groups.iter().find(|(_, (number, _))| *number == gid);
        found.map_or_else(|| gid.to_string(), |(name, _)| name.clone())
    }
}
