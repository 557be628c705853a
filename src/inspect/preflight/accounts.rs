//! The accounts of the site: whether somebody else has their names.

use std::path::Path;

use super::{Found, Inspected};
use crate::host::command::Cmd;
use crate::host::{Account, Accounts, Host, Result};
use crate::resource::AnyResource;

/// The sources in `nsswitch.conf` that cannot contain a conflicting account: the account files, and users that
/// systemd provides while a service runs.
const LOCAL: [&str; 3] = ["files", "systemd", "compat"];

/// Checks every user of the plan.
pub(super) async fn look(inspected: &Inspected<'_>, found: &mut Found) -> Result<()> {
    let host = inspected.host;
    let accounts = host.accounts()?;
    for step in &inspected.plan.steps {
        let AnyResource::User(user) = &step.resource else {
            continue;
        };
        let reason = match accounts.user(&user.name) {
            Ok(account) => group_of(&accounts, &user.name, account),
            Err(_) => match accounts.group(&user.name) {
                Ok(gid) => Some(left_over(&user.name, gid)),
                Err(_) => elsewhere(host, &user.name).await?,
            },
        };
        found.reasons.extend(reason);
    }
    Ok(())
}

/// Why the group of an existing user cannot be used: the site's files and the service need the group of the same
/// name.
fn group_of(accounts: &Accounts, name: &str, account: &Account) -> Option<String> {
    let way = match accounts.group(name) {
        Ok(gid) if gid == account.gid => return None,
        Ok(_) => format!("usermod --gid {name} {name}"),
        Err(_) => format!("groupadd --system {name} && usermod --gid {name} {name}"),
    };
    let own = accounts.group_name(account.gid);
    Some(format!(
        "the user `{name}` is there, and its group is `{own}` instead of one of its own name, to which the site's files \
         are to belong: `{way}`, or give the site another `site.name`"
    ))
}

/// An existing group without the user: `useradd` fails, and files of that group may belong to somebody else.
fn left_over(name: &str, gid: u32) -> String {
    format!(
        "the group `{name}` (gid {gid}) is there without a user of that name: see what belongs to it \
         (`find / -xdev -gid {gid}`) and take it away (`groupdel {name}`), or give the site another `site.name`"
    )
}

/// Whether another directory of accounts has the name. Asked only if `nsswitch.conf` has another directory.
async fn elsewhere(host: &Host, name: &str) -> Result<Option<String>> {
    let text = host.read_text(Path::new("/etc/nsswitch.conf"))?;
    let text = text.unwrap_or_default();
    for (database, what) in [("passwd", "user"), ("group", "group")] {
        let others = others(&text, database);
        if others.is_empty() {
            continue;
        }
        // 2: the name does not exist
        let ask = Cmd::new("getent").args([database, "--", name]);
        let output = host.run(&ask.accept(2).deadline(30)).await?;
        if output.code == Some(0) && !output.stdout.trim().is_empty() {
            return Ok(Some(format!(
                "the {what} `{name}` is there, in a directory of accounts that is not this server's own (`{}`, by \
                 `/etc/nsswitch.conf`), and could not be made here; give the site another `site.name`",
                others.join("`, `")
            )));
        }
    }
    Ok(None)
}

/// The sources of accounts outside of this host.
fn others<'t>(nsswitch: &'t str, database: &str) -> Vec<&'t str> {
    let line = nsswitch.lines().find_map(|line| {
        let (key, sources) = line.split('#').next()?.split_once(':')?;
        (key.trim() == database).then_some(sources)
    });
    let words = line.unwrap_or_default().split_whitespace();
    words
        .filter(|word| !word.starts_with('[') && !word.ends_with(']') && !LOCAL.contains(word))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_needs_a_group_of_its_name() {
        let group = "odoo:x:990:\nnogroup:x:65534:\n";
        for (gid, group, expected) in [
            (990, group, ""),
            (
                65534,
                group,
                "its group is `nogroup` instead of one of its own name, to which the site's files are to belong: \
                            `usermod --gid odoo odoo`",
            ),
            (
                65534,
                "nogroup:x:65534:\n",
                "`groupadd --system odoo && usermod --gid odoo odoo`",
            ),
            (7, "", "its group is `7`"),
        ] {
            let passwd = format!("odoo:x:990:{gid}::/var/lib/odoo:/usr/sbin/nologin\n");
            let accounts = Accounts::parse(&passwd, group);
            let told = group_of(&accounts, "odoo", accounts.user("odoo").unwrap());
            assert_eq!(told.is_none(), expected.is_empty(), "{told:?}");
            assert!(told.unwrap_or_default().contains(expected));
        }
    }

    #[test]
    fn directories_outside_of_this_host_are_found() {
        let text = "# passwd: x\npasswd:         files systemd sss\ngroup: compat [SUCCESS=merge] systemd # ldap\n";
        assert_eq!(others(text, "passwd"), ["sss"]);
        assert_eq!(others(text, "group"), [""; 0]);
        assert_eq!(others("", "passwd"), [""; 0]);
    }
}
