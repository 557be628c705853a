//! Users and groups, read from the machine's own files.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::rc::Rc;

use crate::host::disk::Call;
use crate::host::files::is_absent;
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

/// The accounts as they were read last, and what the files were then: whose it is, is asked of all that is
/// looked at.
#[derive(Debug, Default)]
pub(super) struct Known(RefCell<Option<([Version; 2], Rc<Accounts>)>>);

/// What tells a file from what was there before: its device, its number, its size in bytes, and when it last
/// changed, in seconds and nanoseconds, by a clock that may go in steps. Nothing where there is none.
type Version = Option<(u64, u64, u64, i64, i64)>;

impl Host {
    /// What `/etc/passwd` and `/etc/group` say now.
    ///
    /// # Errors
    /// If they cannot be read.
    pub fn accounts(&self) -> Result<Rc<Accounts>> {
        let (passwd, group) = (Path::new("/etc/passwd"), Path::new("/etc/group"));
        // before they are read: what changes while they are is read again the next time
        let now = [self.version(passwd)?, self.version(group)?];
        let mut known = self.known_accounts.0.borrow_mut();
        if let Some((then, accounts)) = &*known
            && *then == now
        {
            return Ok(accounts.clone());
        }
        let text = |path| self.read_text(path).map(Option::unwrap_or_default);
        let accounts = Rc::new(Accounts::parse(&text(passwd)?, &text(group)?));
        *known = Some((now, accounts.clone()));
        Ok(accounts)
    }

    fn version(&self, path: &Path) -> Result<Version> {
        let inside = self.path(path);
        let looked = self.disk.about_to(Call::Read(&inside));
        match looked.and_then(|()| fs::metadata(&inside)) {
            Ok(meta) => Ok(Some((
                meta.dev(),
                meta.ino(),
                meta.size(),
                meta.ctime(),
                meta.ctime_nsec(),
            ))),
            Err(e) if is_absent(&e) => Ok(None),
            Err(e) => Err(Error::file("look at", path)(e)),
        }
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
    /// If there is none.
    pub fn user(&self, name: &str) -> Result<&Account> {
        self.users.get(name).ok_or_else(|| Error::NoAccount {
            what: "user",
            name: name.to_owned(),
        })
    }

    /// The number of the group of that name.
    ///
    /// # Errors
    /// If there is none.
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
