//! What happens to servers by other hands: one thing at a time, and the steps that mend it.

use super::machine::{Disk, Machine};

/// One thing that somebody does to an installed machine.
pub struct Drift {
    /// What it is.
    pub name: &'static str,
    /// The steps that mend it; besides, the service may be started anew.
    pub mended_by: &'static [&'static str],
    act: fn(&Machine),
}

impl Drift {
    /// Does it.
    pub fn happen(&self, machine: &Machine) {
        (self.act)(machine);
    }
}

const CONF: &str = "/etc/odoo.conf";
const UNIT: &str = "/etc/systemd/system/odoo.service";
const SECRETS: &str = "/var/lib/odoo-deploy/odoo/secrets";

/// All that is known to happen.
pub const ALL: &[Drift] = &[
    drift("the role is a superuser", &["role"], |m| {
        role(m, |role| role.superuser = true);
    }),
    drift("the role creates roles", &["role"], |m| {
        role(m, |role| role.createrole = true);
    }),
    drift("the role cannot log in", &["role"], |m| {
        role(m, |role| role.login = false);
    }),
    drift("the role creates no databases", &["role"], |m| {
        role(m, |role| role.createdb = false);
    }),
    drift("the configuration was edited", &["conf"], |m| {
        m.disk.put_as(
            CONF,
            m.disk.text(CONF) + "limit_time_cpu = 60\n",
            (0, gid(&m.disk, "odoo")),
            0o640,
        );
    }),
    drift("the configuration is everybody's to read", &["conf"], |m| {
        own(m, CONF, (0, gid(&m.disk, "odoo")), 0o644);
    }),
    drift("the configuration is the service's", &["conf"], |m| {
        let odoo = gid(&m.disk, "odoo");
        own(m, CONF, (odoo, odoo), 0o640);
    }),
    drift("the configuration is empty", &["conf"], |m| {
        m.disk.put_as(CONF, "", (0, gid(&m.disk, "odoo")), 0o640);
    }),
    drift("the configuration is gone", &["conf"], |m| {
        m.disk.remove(CONF);
    }),
    drift("the master password was changed", &["conf"], |m| {
        let text = m.disk.text(CONF);
        let changed: String = text
            .lines()
            .map(|line| match line.split_once(" = ") {
                Some(("admin_passwd", _)) => "admin_passwd = admin\n".to_owned(),
                _ => format!("{line}\n"),
            })
            .collect();
        m.disk
            .put_as(CONF, changed, (0, gid(&m.disk, "odoo")), 0o640);
    }),
    drift("the unit was edited", &["unit"], |m| {
        m.disk.put(UNIT, m.disk.text(UNIT) + "# by hand\n");
    }),
    drift("the unit is everybody's to write", &["unit"], |m| {
        own(m, UNIT, (0, 0), 0o666);
    }),
    drift("the unit is gone", &["unit"], |m| m.disk.remove(UNIT)),
    drift("the release points elsewhere", &["release"], |m| {
        m.disk.link("/opt/odoo/current", "/opt/elsewhere");
    }),
    drift("the release is gone", &["release"], |m| {
        m.disk.remove("/opt/odoo/current");
    }),
    drift("the environment points elsewhere", &["environment"], |m| {
        m.disk.link("/opt/odoo/venv", "venvs/other");
    }),
    drift("the add-ons' link is gone", &["release-web"], |m| {
        m.disk.remove("/opt/odoo/addons/web");
    }),
    drift("the home is everybody's to write", &["home"], |m| {
        own(m, "/opt/odoo", (0, 0), 0o777);
    }),
    drift("the data are everybody's to read", &["data"], |m| {
        let odoo = gid(&m.disk, "odoo");
        own(m, "/var/lib/odoo", (odoo, odoo), 0o755);
    }),
    drift("the data are root's", &["data"], |m| {
        own(m, "/var/lib/odoo", (0, 0), 0o750);
    }),
    drift("the releases are the service's", &["releases"], |m| {
        let odoo = gid(&m.disk, "odoo");
        own(m, "/opt/odoo/releases", (odoo, odoo), 0o755);
    }),
    drift("the secrets are everybody's to read", &["secrets"], |m| {
        own(m, SECRETS, (0, 0), 0o755);
    }),
    drift(
        "a secret is everybody's to read",
        &["master-password"],
        |m| {
            own(m, &format!("{SECRETS}/master-password"), (0, 0), 0o644);
        },
    ),
    drift("a secret has no hash", &["master-password"], |m| {
        m.disk.remove(&format!("{SECRETS}/master-password.hash"));
    }),
    drift("the user has a shell", &["user"], |m| {
        passwd(&m.disk, "odoo", "/usr/sbin/nologin", "/bin/bash");
    }),
    drift("the user may use sudo", &["user"], |m| {
        member(&m.disk, "sudo", "odoo");
    }),
    drift("the builder is in the group `adm`", &["builder"], |m| {
        member(&m.disk, "adm", "odoo-build");
    }),
    drift("another commit is checked out", &["source"], |m| {
        let path = release(&m.disk) + "/.git/HEAD";
        if let Some(owner) = m.disk.owner(&path) {
            let head = "3".repeat(40) + "\n";
            m.disk.put_as(&path, head, (owner, owner), 0o644);
        }
    }),
    drift("the source is gone", &["source"], |m| {
        m.disk.remove(&release(&m.disk));
    }),
    drift("the environment was never finished", &["venv"], |m| {
        let venv = m.disk.resolve("/opt/odoo/venv");
        m.disk.remove(&format!("{venv}/.odoo-deploy-complete"));
    }),
    drift("the environment is gone", &["venv"], |m| {
        m.disk.remove(&m.disk.resolve("/opt/odoo/venv"));
    }),
    drift("a module is not installed", &["database"], |m| {
        let postgres = &mut m.state.borrow_mut().postgres;
        let database = postgres.databases.get_mut("odoo").unwrap();
        database.modules.as_mut().unwrap().remove("sale");
    }),
    drift("the service is stopped", &["service"], |m| {
        m.state
            .borrow_mut()
            .units
            .get_mut("odoo.service")
            .unwrap()
            .pid = None;
        for name in m.disk.list("/proc") {
            if name.parse::<u32>().is_ok() {
                m.disk.remove(&format!("/proc/{name}"));
            }
        }
        m.disk.put("/proc/net/tcp", "  sl  local_address\n");
    }),
    drift("the service is not started at boot", &["service"], |m| {
        m.disk
            .remove("/etc/systemd/system/multi-user.target.wants/odoo.service");
    }),
    drift(
        "the service runs an older configuration",
        &["service"],
        |m| {
            let record = "/run/odoo-deploy/odoo.started";
            let text = m.disk.text(record);
            m.disk.put(record, "x".to_owned() + &text[1..]);
        },
    ),
    drift("PostgreSQL is stopped", &["postgresql"], |m| {
        m.state.borrow_mut().postgres.running = false;
        m.disk.remove("/run/postgresql");
    }),
    drift("a package was removed", &["lists", "packages"], |m| {
        let status = m.disk.text("/var/lib/dpkg/status");
        let stays = |paragraph: &&str| !paragraph.starts_with("Package: gcc\n");
        let status: Vec<&str> = status.split("\n\n").filter(stays).collect();
        m.disk.put("/var/lib/dpkg/status", status.join("\n\n"));
        m.disk.remove("/usr/bin/gcc");
        m.disk.remove("/var/lib/apt/lists/partial");
    }),
];

const fn drift(name: &'static str, mended_by: &'static [&'static str], act: fn(&Machine)) -> Drift {
    Drift {
        name,
        mended_by,
        act,
    }
}

fn role(machine: &Machine, change: impl Fn(&mut super::machine::Role)) {
    let mut state = machine.state.borrow_mut();
    change(state.postgres.roles.get_mut("odoo").unwrap());
}

/// Gives away what may be gone by another drift.
fn own(machine: &Machine, path: &str, owner: (u32, u32), mode: u32) {
    if machine.disk.exists(path) {
        machine.disk.own(path, owner, mode);
    }
}

fn gid(disk: &Disk, name: &str) -> u32 {
    let text = disk.text("/etc/group");
    let line = text
        .lines()
        .find(|line| line.starts_with(&format!("{name}:")));
    line.unwrap().split(':').nth(2).unwrap().parse().unwrap()
}

fn release(disk: &Disk) -> String {
    disk.resolve("/opt/odoo/current")
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

fn member(disk: &Disk, group: &str, user: &str) {
    let change = |line: &str| {
        if line.starts_with(&format!("{group}:")) {
            format!("{line}{user}\n")
        } else {
            format!("{line}\n")
        }
    };
    let changed: String = disk.text("/etc/group").lines().map(change).collect();
    disk.put("/etc/group", changed);
}
