//! Snapshots: everything visible on a machine, for comparison.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use odoo_deploy::host::store::digest;

use super::machine::{Machine, certificates};

/// What is at each path.
pub type Snapshot = BTreeMap<String, String>;

/// Paths that are not part of a snapshot: odoo-deploy's own records, the kernel's tables, and the backups that account
/// programs make.
const ASIDE: &[&str] = &[
    "/etc/group-",
    "/etc/passwd-",
    "/proc",
    "/run/odoo-deploy/odoo.lock",
    "/var/lib/odoo-deploy/odoo/blobs",
    "/var/lib/odoo-deploy/odoo/lock",
    "/var/lib/odoo-deploy/odoo/logs",
    "/var/lib/odoo-deploy/odoo/made",
    "/var/lib/odoo-deploy/odoo/run-",
    "/var/lib/odoo-deploy/odoo/written",
];

/// Takes a snapshot of a machine, without times and random secrets, which differ from run to run.
pub fn snapshot(machine: &Machine) -> Snapshot {
    let mut all = Snapshot::new();
    walk(machine, machine.root(), &mut all);
    let state = machine.state.borrow();
    let postgres = &state.postgres;
    all.insert("postgres".into(), format!("running {}", postgres.running));
    for (name, role) in &postgres.roles {
        all.insert(format!("postgres role {name}"), format!("{role:?}"));
    }
    for (name, database) in &postgres.databases {
        let mut database = database.clone();
        database.oid = 0;
        if let Some(password) = &mut database.password
            && password.starts_with('$')
        {
            *password = "a hash".into();
        }
        all.insert(format!("postgres database {name}"), format!("{database:?}"));
    }
    if state.nginx.running {
        let sites = format!("{:?}", state.nginx.sites);
        let drop_ins = format!("{:?}", state.nginx.loaded);
        let seen = format!(
            "{} {}",
            digest(sites.as_bytes()),
            digest(drop_ins.as_bytes())
        );
        all.insert("nginx".into(), format!("runs {seen}"));
    }
    for (name, unit) in &state.units {
        let wants = format!("/etc/systemd/system/multi-user.target.wants/{name}");
        if unit.pid.is_none() && !unit.failed && !machine.disk.at(&wants).is_symlink() {
            continue;
        }
        let seen = format!(
            "running {}, failed {}, by {} on {:?}, read {}",
            unit.pid.is_some(),
            unit.failed,
            unit.pid.map_or("nobody", |_| &unit.user),
            unit.pid.map(|_| &unit.ports),
            digest(unit.loaded.clone().unwrap_or_default().as_bytes()),
        );
        all.insert(format!("unit {name}"), seen);
    }
    all
}

fn walk(machine: &Machine, folder: &Path, all: &mut Snapshot) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = format!("/{}", path.strip_prefix(machine.root()).unwrap().display());
        let of_a_site = name.replace("/odoo-deploy/odoo-two", "/odoo-deploy/odoo");
        let aside = ASIDE.iter().any(|aside| of_a_site.starts_with(aside));
        if is_number(&name) || aside {
            continue;
        }
        let meta = path.symlink_metadata().unwrap();
        let (uid, gid, mode) = (meta.uid(), meta.gid(), meta.mode() & 0o7777);
        let content = if meta.is_symlink() {
            format!("-> {}", fs::read_link(&path).unwrap().display())
        } else if meta.is_dir() {
            walk(machine, &path, all);
            "a folder".into()
        } else if meta.is_file() {
            content(machine, &name, &fs::read(&path).unwrap())
        } else {
            "no regular file".into()
        };
        let owner = format!("{uid}:{gid}");
        let name = name
            .rsplit_once(".kept-")
            .map_or(name.clone(), |(name, _)| format!("{name}.kept"));
        all.insert(name, format!("{owner} {mode:04o} {content}"));
    }
}

/// Whether a name is a number: a database gets a new number each time it is created.
fn is_number(name: &str) -> bool {
    let number = name.strip_prefix("/var/lib/postgresql/15/main/base/");
    number.is_some_and(|number| number.len() > 3)
}

fn content(machine: &Machine, name: &str, bytes: &[u8]) -> String {
    if name.starts_with("/etc/ssl/odoo-deploy/") {
        return "of the authority".into();
    }
    if name.ends_with("/pg_control") {
        return "which cluster it is".into();
    }
    if name.contains("/secrets/") {
        return "a secret".into();
    }
    let text = String::from_utf8_lossy(bytes);
    if ["/etc/group", "/etc/passwd"].contains(&name) {
        // the order may differ: an account of PostgreSQL's packages stays when the packages are removed
        let mut lines: Vec<&str> = text.lines().collect();
        lines.sort_unstable();
        return lines.join("\n") + "\n";
    }
    if name.starts_with("/run/odoo-deploy/")
        && (name.ends_with(".started") || name.ends_with(".nginx"))
    {
        return text
            .lines()
            .map(|line| {
                let (value, path) = line.split_once("  ").unwrap();
                // reading a FIFO would block
                let is_file = machine.disk.at(&machine.disk.resolve(path)).is_file();
                let present = is_file.then(|| machine.disk.bytes(path)).flatten();
                // of a file with certificates, record only the certificates
                let present = present.map(|bytes| match certificates(&bytes) {
                    none if none.is_empty() => digest(&bytes),
                    found => digest(found.as_bytes()),
                });
                let current =
                    present.as_deref() == Some(value) || machine.disk.resolve(path) == value;
                format!("{path} {}; ", if current { "as on disk" } else { value })
            })
            .collect();
    }
    let masked = |line: &str| {
        if line.starts_with("admin_passwd") {
            "admin_passwd".to_owned()
        } else {
            line.to_owned()
        }
    };
    text.lines().map(|line| masked(line) + "\n").collect()
}

/// The paths at which two snapshots differ, each with both values.
pub fn differences(expected: &Snapshot, found: &Snapshot) -> Vec<String> {
    let places: BTreeSet<&String> = expected.keys().chain(found.keys()).collect();
    let mut all = Vec::new();
    for place in places {
        let (expected, found) = (expected.get(place), found.get(place));
        if expected == found {
            continue;
        }
        let lines = |text: Option<&String>| -> BTreeSet<String> {
            let text = text.map_or("nothing", String::as_str);
            text.lines().map(str::to_owned).collect()
        };
        let (expected, found) = (lines(expected), lines(found));
        let only = |these: &BTreeSet<String>, those: &BTreeSet<String>| -> String {
            let lines: Vec<&str> = these.difference(those).map(String::as_str).collect();
            lines.join(" / ")
        };
        all.push(format!(
            "{place}: expected `{}`, found `{}`",
            only(&expected, &found),
            only(&found, &expected)
        ));
    }
    all
}

/// The time of the last change of each file and folder, except the lock.
pub fn times(machine: &Machine) -> Snapshot {
    let mut all = Snapshot::new();
    walk_times(machine.root(), &mut all);
    all.retain(|place, _| !place.ends_with(".lock"));
    all
}

fn walk_times(folder: &Path, all: &mut Snapshot) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let meta = path.symlink_metadata().unwrap();
        let time = format!("{}.{:09}", meta.ctime(), meta.ctime_nsec());
        if meta.is_dir() {
            walk_times(&path, all);
        }
        all.insert(path.display().to_string(), time);
    }
}
