//! Users and groups, read from the machine's files.

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
    /// Its uid.
    pub uid: u32,
    /// The gid of its primary group.
    pub gid: u32,
    /// Its home directory.
    pub home: String,
    /// Its login shell.
    pub shell: String,
}

/// All local users and groups.
///
/// Read from the files, not through the name service switch: all accounts that odoo-deploy creates are local, and a
/// static binary cannot load NSS plugins.
#[derive(Clone, Debug, Default)]
pub struct Accounts {
    users: BTreeMap<String, Account>,
    groups: BTreeMap<String, (u32, Vec<String>)>,
}

/// Cached accounts, with the versions of the files that they came from. Every call of [`Host::meta`] resolves an
/// owner, so parsing the files each time would be slow.
#[derive(Debug, Default)]
pub(super) struct Known(RefCell<Option<([Version; 2], Rc<Accounts>)>>);

/// Identifies one version of a file: device, inode, size in bytes, and ctime in seconds and nanoseconds. The clock
/// may be coarse, so the ctime alone is not enough. `None` if the file does not exist.
type Version = Option<(u64, u64, u64, i64, i64)>;

impl Host {
    /// The accounts in `/etc/passwd` and `/etc/group` at this moment.
    ///
    /// # Errors
    /// If the files cannot be read.
    pub fn accounts(&self) -> Result<Rc<Accounts>> {
        let (passwd, group) = (Path::new("/etc/passwd"), Path::new("/etc/group"));
        // determined before reading: if a file changes in between, it is read again at the next call
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
    /// Parses the text of `passwd(5)` and `group(5)`. Lines that do not have their format are skipped.
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

    /// The user `name`.
    ///
    /// # Errors
    /// If there is no such user.
    pub fn user(&self, name: &str) -> Result<&Account> {
        self.users.get(name).ok_or_else(|| Error::NoAccount {
            what: "user",
            name: name.to_owned(),
        })
    }

    /// The gid of the group `name`.
    ///
    /// # Errors
    /// If there is no such group.
    pub fn group(&self, name: &str) -> Result<u32> {
        let group = self.groups.get(name).map(|(gid, _)| *gid);
        group.ok_or_else(|| Error::NoAccount {
            what: "group",
            name: name.to_owned(),
        })
    }

    /// The supplementary groups of `user`.
    #[must_use]
    pub fn groups_of(&self, user: &str) -> Vec<String> {
        let of = |(name, (_, members)): (&String, &(u32, Vec<String>))| {
            members.iter().any(|m| m == user).then(|| name.clone())
        };
        self.groups.iter().filter_map(of).collect()
    }

    /// The name of the user with `uid`, or the number if there is none.
    #[must_use]
    pub fn user_name(&self, uid: u32) -> String {
        let found = self.users.iter().find(|(_, account)| account.uid == uid);
        found.map_or_else(|| uid.to_string(), |(name, _)| name.clone())
    }

    /// The name of the group with `gid`, or the number if there is none.
    #[must_use]
    pub fn group_name(&self, gid: u32) -> String {
        let found = self.groups.iter().find(|(_, (number, _))| *number == gid);
        found.map_or_else(|| gid.to_string(), |(name, _)| name.clone())
    }
}
