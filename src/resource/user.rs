//! A system user without a login.

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::host::command::Cmd;
use crate::host::{Host, Result};
use crate::resource::{Moved, Resource};

/// Groups whose members are as good as root.
const POWERFUL: &[&str] = &[
    "adm", "admin", "disk", "docker", "kvm", "libvirt", "lxd", "root", "shadow", "sudo", "wheel",
];

/// Shells that let nobody in.
const CLOSED: &[&str] = &[
    "/usr/sbin/nologin",
    "/sbin/nologin",
    "/bin/false",
    "/usr/bin/false",
];

/// A system user with a group of its own name.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct User {
    /// Its name.
    pub name: String,
    /// Its home; not made here.
    pub home: String,
}

/// What can be seen of a user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    /// `None` while the number is still to be given out.
    uid: Option<u32>,
    home: String,
    shell: String,
    groups: Vec<String>,
}

impl Resource for User {
    type State = State;

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
        }))
    }

    /// An existing user keeps its number and its home.
    fn want(&self, now: Option<&State>) -> Option<State> {
        let Some(now) = now else {
            let (home, shell) = (self.home.clone(), CLOSED[0].to_owned());
            return Some(State {
                uid: None,
                home,
                shell,
                groups: Vec::new(),
            });
        };
        let mut want = now.clone();
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
                host.run(&Cmd::new("userdel").args(["--", &self.name]))
                    .await?;
            }
            _ => (),
        }
        Ok(Moved::There)
    }

    fn refuses(&self, now: Option<&State>) -> Option<String> {
        let uid = now?.uid?;
        let is_person = uid == 0 || (1000..60000).contains(&uid);
        is_person.then(|| {
            format!(
                "the user `{}` exists and is a person's account (uid {uid}); give the site another `site.name`",
                self.name
            )
        })
    }

    fn leaves(&self, _from: Option<&State>) -> Option<&'static str> {
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
