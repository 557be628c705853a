//! A system user without a login.

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::gate;
use crate::host::command::Cmd;
use crate::host::{Error, Host, Result};
use crate::resource::{Moved, Resource};

/// Groups with members that can become root.
const POWERFUL: &[&str] = &[
    "adm", "admin", "disk", "docker", "kvm", "libvirt", "lxd", "root", "shadow", "sudo", "wheel",
];

/// Shells that allow no login.
const CLOSED: &[&str] = &[
    "/usr/sbin/nologin",
    "/sbin/nologin",
    "/bin/false",
    "/usr/bin/false",
];

/// The exit code of `userdel` if a process runs as the user.
const IN_USE: i32 = 8;

/// File systems that are stored on disks of this host.
const DISKS: &[&str] = &[
    "btrfs", "ext2", "ext3", "ext4", "f2fs", "overlay", "xfs", "zfs",
];

/// The first file that belongs to `uid`, on any disk. If the search takes too long, the result says that there may be
/// such a file.
async fn owned_by(host: &Host, uid: u32) -> Result<Option<String>> {
    let mounts = host
        .read_text(Path::new("/proc/self/mounts"))?
        .unwrap_or_default();
    let mut places: Vec<&str> = mounts
        .lines()
        .filter_map(|line| {
            let mut words = line.split(' ').skip(1);
            let place = words.next()?;
            // `/proc/self/mounts` writes a blank as `\040`
            let is_disk = DISKS.contains(&words.next()?) && !place.contains('\\');
            is_disk.then_some(place)
        })
        .collect();
    if !places.contains(&"/") {
        places.push("/");
    }
    let find =
        Cmd::new("find")
            .args(places)
            .args(["-xdev", "-uid", &uid.to_string(), "-print", "-quit"]);
    // 1 is accepted: a folder could not be read, or disappeared during the search
    match host.run(&find.accept(1).deadline(300)).await {
        Ok(output) => match output.stdout.lines().next() {
            Some(path) if !path.starts_with('/') => {
                Err(Error::garbled("the answer of `find`", path))
            }
            path => Ok(path.map(str::to_owned)),
        },
        Err(Error::Command(_)) => Ok(Some("perhaps some file".to_owned())),
        Err(error) => Err(error),
    }
}

/// A system user without login, with a group of the same name.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct User {
    /// The name of the user.
    pub name: String,
    /// The home folder. This step does not make it.
    pub home: String,
}

/// The state of a user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    /// `None` if the user does not exist yet.
    uid: Option<u32>,
    home: String,
    shell: String,
    groups: Vec<String>,
    /// Why the site cannot use the account, and what the user can do about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    problem: Option<String>,
}

impl User {
    /// Why the account cannot be the site's: it is root's or a person's. An account that a run of this site made is
    /// accepted, because its owner may have changed its uid since.
    fn problem(&self, host: &Host, uid: u32) -> Result<Option<String>> {
        let name = &self.name;
        let is_person =
            (1000..60000).contains(&uid) && host.made(&format!("user {name}"))?.is_empty();
        Ok((uid == 0 || is_person).then(|| {
            format!(
                "the user `{name}` exists and is a person's account (uid {uid}); give the site another `site.name`"
            )
        }))
    }
}

impl Resource for User {
    type State = State;

    fn occupies(&self) -> Option<&'static str> {
        Some(crate::resource::APT_AND_ACCOUNTS)
    }

    fn subject(&self) -> String {
        self.name.clone()
    }

    async fn read(&self, host: &Host) -> Result<Option<State>> {
        let accounts = host.accounts()?;
        let Ok(account) = accounts.user(&self.name) else {
            return Ok(None);
        };
        Ok(Some(State {
            uid: Some(account.uid),
            home: account.home.clone(),
            shell: account.shell.clone(),
            groups: accounts.groups_of(&self.name),
            problem: self.problem(host, account.uid)?,
        }))
    }

    /// An existing user keeps its uid and home folder.
    fn want(&self, now: Option<&State>) -> Option<State> {
        let Some(now) = now else {
            let (home, shell) = (self.home.clone(), CLOSED[0].to_owned());
            return Some(State {
                uid: None,
                home,
                shell,
                groups: Vec::new(),
                problem: None,
            });
        };
        let mut want = now.clone();
        want.problem = None;
        if !CLOSED.contains(&now.shell.as_str()) {
            CLOSED[0].clone_into(&mut want.shell);
        }
        want.groups
            .retain(|group| !POWERFUL.contains(&group.as_str()));
        Some(want)
    }

    async fn set(&self, host: &Host, from: Option<&State>, to: Option<&State>) -> Result<Moved> {
        match (from, to) {
            (None, Some(to)) => {
                let add =
                    Cmd::new("useradd").args(["--system", "--user-group", "--no-create-home"]);
                let add = add.args([
                    "--home-dir",
                    &to.home,
                    "--shell",
                    &to.shell,
                    "--",
                    &self.name,
                ]);
                host.run(&add).await?;
                let uid = host.accounts()?.user(&self.name)?.uid;
                host.store()?
                    .note_made(&format!("user {}", self.name), &uid.to_string())?;
            }
            (Some(from), Some(to)) if from != to => {
                let groups = to.groups.join(",");
                let change = Cmd::new("usermod")
                    .args(["--shell", &to.shell, "--groups", &groups, "--", &self.name]);
                host.run(&change).await?;
            }
            (Some(from), None) => {
                if !host.list(Path::new(&from.home))?.is_empty() {
                    return Ok(Moved::Kept(format!(
                        "the files in `{}` are its own",
                        from.home
                    )));
                }
                let uid = host.accounts()?.user(&self.name)?.uid;
                let owned = owned_by(host, uid).await?;
                let remove = match gate::remove_user(host, &self.name, uid, owned.as_deref())? {
                    Ok(remove) => remove,
                    Err(reason) => return Ok(Moved::Kept(reason)),
                };
                if host.run(&remove.accept(IN_USE)).await?.code == Some(IN_USE) {
                    return Ok(Moved::Kept("a process runs as it".into()));
                }
            }
            _ => (),
        }
        Ok(Moved::Applied)
    }

    fn refuses(&self, now: Option<&State>) -> Option<String> {
        now?.problem.clone()
    }

    fn residue(&self, _from: Option<&State>) -> Option<&'static str> {
        Some(
            "the backup copies that useradd makes of the account files (`/etc/passwd-` and its like)",
        )
    }

    fn summary(&self, from: Option<&State>, to: Option<&State>) -> String {
        match (from, to) {
            (None, Some(to)) => format!("a system user without login, at home in {}", to.home),
            _ => String::new(),
        }
    }
}
