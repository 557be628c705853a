//! The things on a machine that may belong to somebody.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use odoo_deploy::host::store::digest;

use crate::machine::{Database, Machine, Role};

/// All things by their places: a path, or a type and a name.
pub(super) type Things = BTreeMap<String, Thing>;

/// One thing, with everything about it that its owner could miss.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Thing {
    /// A folder, with its owner and mode.
    Folder(String),
    /// A file, with its owner and mode, and the digest of its bytes.
    File(String, String),
    /// A link, with its owner, and its target.
    Link(String, PathBuf),
    /// Anything else: a FIFO, a socket, a device.
    Odd(String),
    /// A user's line in `/etc/passwd`.
    User(String),
    /// A group's line in `/etc/group`, and its members.
    Group(String, BTreeSet<String>),
    /// A package's state and version.
    Package(String),
    /// A role of PostgreSQL.
    Role(Role),
    /// A database, with its contents.
    Database(Database),
    /// A running program of a unit, with its user.
    Running(String),
}

/// Paths that are not things: those of odoo-deploy itself, of the kernel, and of what is compared in another
/// way.
const ASIDE: &[&str] = &[
    "/etc/group",
    "/etc/group-",
    "/etc/passwd",
    "/etc/passwd-",
    "/proc",
    "/run/odoo-deploy",
    "/run/postgresql",
    "/var/cache/apt",
    "/var/lib/apt/lists",
    "/var/lib/dpkg",
    "/var/lib/odoo-deploy",
    "/var/lib/postgresql/15/main/base",
];

/// The things on a machine.
pub(super) fn things(machine: &Machine) -> Things {
    let mut all = Things::new();
    let text = machine.disk.text("/etc/passwd");
    let mut names = BTreeMap::new();
    for line in text.lines() {
        let mut fields = line.split(':');
        let (name, number) = (fields.next().unwrap(), fields.nth(1).unwrap());
        names.insert(number.parse().unwrap(), name.to_owned());
        all.insert(format!("user {name}"), Thing::User(line.to_owned()));
    }
    for line in machine.disk.text("/etc/group").lines() {
        let (head, members) = line.rsplit_once(':').unwrap();
        let members = members.split(',').filter(|name| !name.is_empty());
        let group = Thing::Group(head.to_owned(), members.map(str::to_owned).collect());
        all.insert(format!("group {}", head.split(':').next().unwrap()), group);
    }
    walk(machine, machine.root(), &names, &mut all);
    for (name, seen) in machine.packages() {
        all.insert(format!("package {name}"), Thing::Package(seen));
    }
    let state = machine.state.borrow();
    for (name, role) in &state.postgres.roles {
        all.insert(format!("role {name}"), Thing::Role(role.clone()));
    }
    for (name, database) in &state.postgres.databases {
        let seen = Thing::Database(database.clone());
        all.insert(format!("database {name}"), seen);
    }
    for (name, unit) in state.units.iter().filter(|(_, unit)| unit.pid.is_some()) {
        all.insert(format!("unit {name}"), Thing::Running(unit.user.clone()));
    }
    let running = [
        ("nginx.service", state.nginx.running),
        ("postgresql.service", state.postgres.running),
    ];
    for (name, _) in running.into_iter().filter(|(_, running)| *running) {
        all.insert(format!("unit {name}"), Thing::Running("root".into()));
    }
    all
}

fn walk(machine: &Machine, folder: &Path, names: &BTreeMap<u32, String>, all: &mut Things) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let place = format!("/{}", path.strip_prefix(machine.root()).unwrap().display());
        if ASIDE.contains(&place.as_str()) {
            continue;
        }
        let meta = path.symlink_metadata().unwrap();
        // a number without a name will be given to the next account
        let name = names.get(&meta.uid()).map_or("nobody's", String::as_str);
        let mode = meta.mode() & 0o7777;
        let whose = format!("{name} {}:{} {mode:04o}", meta.uid(), meta.gid());
        let thing = if meta.is_symlink() {
            Thing::Link(whose, fs::read_link(&path).unwrap())
        } else if meta.is_dir() {
            walk(machine, &path, names, all);
            Thing::Folder(whose)
        } else if meta.is_file() {
            Thing::File(whose, digest(&fs::read(&path).unwrap()))
        } else {
            Thing::Odd(whose)
        };
        all.insert(place, thing);
    }
}
