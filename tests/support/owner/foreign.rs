//! Things of other people on a server, and what its owner does between two runs of odoo-deploy.

use std::collections::{BTreeMap, BTreeSet};

use crate::dice::Dice;
use crate::machine::{Database, Machine, Object, Role};

/// The comments that mark a database as odoo-deploy's. Anybody can write them, so they prove nothing alone.
const MARKS: [&str; 2] = ["odoo-deploy: being initialised", "odoo-deploy: initialised"];

/// One thing of somebody else, or one act of somebody else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Foreign {
    /// A database exists; an earlier database of that name was dropped first.
    Database {
        /// Its name.
        name: &'static str,
        /// Its owner.
        owner: &'static str,
        /// What is in it.
        holds: Holds,
        /// Its comment.
        comment: Option<&'static str>,
    },
    /// A database was dropped; its filestore stays.
    Dropped(&'static str),
    /// A database has a filestore.
    Filestore(&'static str),
    /// A role exists.
    Role(&'static str, Role),
    /// A user exists.
    User {
        /// Its name.
        name: &'static str,
        /// Its number.
        number: u32,
        /// Its home.
        home: &'static str,
        /// Its shell.
        shell: &'static str,
        /// A group that it is in.
        group: Option<&'static str>,
    },
    /// A group exists without a user of that name.
    Group(&'static str),
    /// A file belongs to that account.
    File(&'static str, &'static str),
    /// A folder exists, with a file in it.
    Folder(&'static str),
    /// A link exists.
    Link(&'static str, &'static str),
    /// A folder was moved and replaced by a link to its new path.
    Elsewhere(&'static str, &'static str),
    /// A line was added to a file by hand.
    Edited(&'static str),
    /// Packages are installed.
    Packages(&'static [&'static str]),
    /// A program runs as a unit and listens on that port.
    Unit(&'static str, u16),
    /// nginx serves a site for that domain, from a file of that name.
    Site(&'static str, &'static str),
}

/// What is in a database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holds {
    /// Nothing.
    Nothing,
    /// A table in the schema `public`.
    Table,
    /// One object that is not a table of `public`.
    Only(Object),
    /// Rows of modules, none of them installed: a restore is under way.
    Restoring,
    /// An Odoo.
    Odoo,
    /// An Odoo of an earlier series.
    EarlierOdoo,
    /// An Odoo interrupted in the middle of an update.
    HalfOdoo,
}

impl Foreign {
    /// Draws one at random.
    pub fn draw(dice: &mut Dice) -> Self {
        match dice.below(20) {
            0..=4 => database(dice),
            5 => Self::Dropped("odoo"),
            6 => Self::Filestore(one(dice, &["odoo", "erp", "shop"])),
            7 => role(dice),
            8 | 9 => user(dice),
            10 => Self::Group(one(dice, &["odoo", "odoo-build", "www-data"])),
            11 | 12 => Self::File(one(dice, FILES), one(dice, &["root", "odoo", "www-data"])),
            13 => Self::Folder(one(dice, FOLDERS)),
            14 => {
                let (path, target) = *dice.pick(LINKS);
                Self::Link(path, target)
            }
            15 => {
                let (path, target) = *dice.pick(ELSEWHERE);
                Self::Elsewhere(path, target)
            }
            16 => Self::Edited(one(dice, EDITED)),
            17 => Self::Packages(PACKAGES[dice.below(PACKAGES.len())]),
            18 => {
                let (unit, port) = *dice.pick(UNITS);
                Self::Unit(unit, port)
            }
            _ => {
                let name = one(dice, &["shop", "odoo.conf", "odoo.http.conf", "default"]);
                Self::Site(name, one(dice, &["shop.example.org", "erp.example.org"]))
            }
        }
    }

    /// Whether it is possible on this machine.
    pub fn fits(&self, machine: &Machine) -> bool {
        let state = machine.state.borrow();
        match self {
            Self::Database { .. } | Self::Role(..) => state.postgres.running,
            Self::Dropped(name) => state.postgres.databases.contains_key(*name),
            Self::File(path, user) => {
                // no cluster is created if files of one already exist
                let is_server =
                    path.starts_with("/etc/postgresql") || path.starts_with("/var/lib/postgresql");
                machine.account(user).is_some() && (!is_server || machine.has_package("postgresql"))
            }
            Self::Folder(path) if path.starts_with("/etc/postgresql") => {
                machine.has_package("postgresql")
            }
            Self::User { name, number, .. } => {
                let taken = machine
                    .disk
                    .text("/etc/passwd")
                    .contains(&format!(":{number}:"));
                !taken && !has_group(machine, name)
            }
            Self::Group(name) => !has_group(machine, name),
            Self::Elsewhere(path, _) => !machine.disk.at(path).is_symlink(),
            Self::Edited(path) => !machine.disk.text(path).is_empty(),
            Self::Unit(unit, _) => !state.units.contains_key(*unit),
            Self::Site(name, _) => {
                let place = format!("/etc/nginx/sites-available/{name}");
                machine.has_package("nginx") && !machine.disk.at(&place).is_dir()
            }
            _ => true,
        }
    }

    /// Makes it happen on `machine`.
    pub fn happen(&self, machine: &Machine) {
        let disk = &machine.disk;
        match self {
            Self::Database {
                name,
                owner,
                holds,
                comment,
            } => {
                let database = Database {
                    owner: (*owner).into(),
                    comment: comment.map(str::to_owned),
                    ..holds.database()
                };
                machine.makes_database(name, database);
            }
            Self::Dropped(name) => machine.drops_database(name),
            Self::Filestore(name) => {
                let owner = machine.account("odoo").unwrap_or((0, 0));
                let folder = format!("/var/lib/odoo/filestore/{name}");
                for part in ["/var/lib/odoo", "/var/lib/odoo/filestore", &folder] {
                    if !disk.exists(part) {
                        disk.folder_as(part, owner, 0o700);
                    }
                }
                disk.folder_as(&format!("{folder}/3f"), owner, 0o755);
                let file = format!("{folder}/3f/3f786850e387550fdab836ed7e6dc881de23001b");
                disk.put_as(&file, format!("invoice of {name}\n"), owner, 0o644);
            }
            Self::Role(name, role) => machine.makes_role(name, role.clone()),
            Self::User {
                name,
                number,
                home,
                shell,
                group,
            } => {
                machine.adds_user(name, *number, home, shell);
                if let Some(group) = group {
                    crate::drift::member(disk, group, name);
                }
                if !disk.exists(home) {
                    disk.folder_as(home, (*number, *number), 0o750);
                    let file = format!("{home}/.profile");
                    disk.put_as(&file, "umask 027\n", (*number, *number), 0o644);
                }
            }
            Self::Group(name) => {
                let line = format!("{name}:x:777:\n");
                disk.put("/etc/group", disk.text("/etc/group") + &line);
            }
            Self::File(path, user) => {
                let owner = machine.account(user).unwrap();
                put(machine, path, format!("theirs, at {path}\n"), owner);
            }
            Self::Folder(path) => {
                if disk.bytes(path).is_some() || disk.at(path).is_symlink() {
                    disk.remove(path);
                }
                disk.put(&format!("{path}/theirs"), "theirs\n");
            }
            Self::Link(path, target) => {
                disk.remove(path);
                disk.link(path, target);
            }
            Self::Elsewhere(path, target) => elsewhere(machine, path, target),
            Self::Edited(path) => {
                let place = disk.resolve(path);
                let text = disk.text(&place) + "# by hand\n";
                std::fs::write(disk.at(&place), text).unwrap();
            }
            Self::Packages(names) => machine.installs(names),
            Self::Unit(unit, port) => machine.runs_unit(unit, *port),
            Self::Site(name, domain) => {
                let text = format!("server {{ listen 80; server_name {domain}; }}\n");
                let place = format!("/etc/nginx/sites-available/{name}");
                disk.put(&place, text);
                disk.remove(&format!("/etc/nginx/sites-enabled/{name}"));
                disk.link(&format!("/etc/nginx/sites-enabled/{name}"), &place);
                machine.reloads_nginx();
            }
        }
    }
}

impl Holds {
    fn database(self) -> Database {
        let odoo = || Database {
            tables: true,
            modules: Some(["base", "sale"].map(str::to_owned).into()),
            password: Some("$theirs".into()),
            ..Database::default()
        };
        let mut database = Database::default();
        match self {
            Self::Nothing => (),
            Self::Table => database.tables = true,
            Self::Only(object) => database.objects = BTreeSet::from([object]),
            Self::Restoring => {
                database.tables = true;
                database.modules = Some(BTreeSet::new());
                database.rows = rows("base", "uninstalled");
            }
            Self::Odoo => database = odoo(),
            Self::EarlierOdoo => {
                database = odoo();
                database.version = Some("18.0.1.3".into());
            }
            Self::HalfOdoo => {
                database = odoo();
                database.rows = rows("stock", "to upgrade");
            }
        }
        database
    }
}

/// Picks a word.
fn one(dice: &mut Dice, all: &[&'static str]) -> &'static str {
    all[dice.below(all.len())]
}

fn rows(module: &str, state: &str) -> BTreeMap<String, String> {
    BTreeMap::from([(module.to_owned(), state.to_owned())])
}

fn database(dice: &mut Dice) -> Foreign {
    use Object::{ForeignTable, Function, LargeObject, MaterialisedView, TableElsewhere, Type};
    let holds = [
        Holds::Nothing,
        Holds::Table,
        Holds::Only(TableElsewhere),
        Holds::Only(MaterialisedView),
        Holds::Only(ForeignTable),
        Holds::Only(LargeObject),
        Holds::Only(Function),
        Holds::Only(Type),
        Holds::Restoring,
        Holds::Odoo,
        Holds::EarlierOdoo,
        Holds::HalfOdoo,
    ];
    let comments = [
        None,
        None,
        Some("of the shop"),
        Some(MARKS[0]),
        Some(MARKS[1]),
    ];
    Foreign::Database {
        name: one(dice, &["odoo", "odoo", "erp", "shop"]),
        owner: one(dice, &["odoo", "odoo", "shop"]),
        holds: *dice.pick(&holds),
        comment: *dice.pick(&comments),
    }
}

fn role(dice: &mut Dice) -> Foreign {
    let grants = dice.below(2) == 0;
    let role = Role {
        login: dice.below(2) == 0,
        createdb: dice.below(2) == 0,
        superuser: dice.below(3) == 0,
        createrole: dice.below(3) == 0,
        grants: grants.then(|| "shop".to_owned()).into_iter().collect(),
    };
    Foreign::Role(one(dice, &["odoo", "odoo", "shop"]), role)
}

fn user(dice: &mut Dice) -> Foreign {
    Foreign::User {
        name: one(dice, &["odoo", "odoo", "odoo-build", "shop"]),
        number: *dice.pick(&[150, 999, 1000]),
        home: one(
            dice,
            &["/var/lib/odoo", "/home/odoo", "/opt/odoo", "/nonexistent"],
        ),
        shell: one(dice, &["/bin/bash", "/usr/sbin/nologin"]),
        group: *dice.pick(&[None, Some("sudo"), Some("users")]),
    }
}

/// Whether a group has that name.
fn has_group(machine: &Machine, name: &str) -> bool {
    let text = machine.disk.text("/etc/group");
    text.lines()
        .any(|line| line.split(':').next() == Some(name))
}

/// Writes a file, replacing a link or a file.
fn put(machine: &Machine, path: &str, text: String, owner: (u32, u32)) {
    let disk = &machine.disk;
    let (folder, name) = path.rsplit_once('/').unwrap();
    let path = format!("{}/{name}", disk.resolve(folder));
    if disk.at(&path).is_dir() && !disk.at(&path).is_symlink() {
        return disk.put_as(&format!("{path}/theirs"), text, owner, 0o640);
    }
    disk.remove(&path);
    disk.put_as(&path, text, owner, 0o640);
}

/// Moves a folder, and replaces it with a link to the new path.
fn elsewhere(machine: &Machine, path: &str, target: &str) {
    let disk = &machine.disk;
    let depth = path.matches('/').count() - 1;
    disk.folder_as("/data", (0, 0), 0o755);
    if disk.exists(path) && !disk.at(path).is_file() {
        std::fs::rename(disk.at(path), disk.at(target)).unwrap();
    } else {
        disk.remove(path);
        disk.folder_as(target, (0, 0), 0o755);
    }
    disk.put(&format!("{target}/theirs"), "theirs\n");
    // an absolute path would lead out of the machine's root
    disk.link(path, &format!("{}{}", "../".repeat(depth), &target[1..]));
}

const FILES: &[&str] = &[
    "/etc/apt/preferences.d/theirs",
    "/etc/apt/sources.list.d/theirs.list",
    "/etc/logrotate.d/odoo",
    "/etc/logrotate.d/odoo-deploy-odoo",
    "/etc/nftables.conf",
    "/etc/nginx/conf.d/theirs.conf",
    "/etc/nginx/sites-available/odoo.conf",
    "/etc/nginx/sites-available/odoo.http.conf",
    "/etc/nginx/sites-enabled/theirs.conf",
    "/etc/odoo.conf",
    "/etc/odoo.conf.d/theirs.conf",
    "/etc/odoo/odoo.conf",
    "/etc/postgresql/15/main/conf.d/theirs.conf",
    "/etc/ssl/odoo-deploy/theirs.crt",
    "/etc/systemd/system/nginx.service.d/theirs.conf",
    "/etc/systemd/system/odoo.service",
    "/etc/systemd/system/odoo.service.d/theirs.conf",
    "/home/shop/notes",
    "/opt/odoo/addons/theirs",
    "/opt/odoo/current/odoo/theirs.py",
    "/opt/odoo/releases/theirs",
    "/opt/odoo/theirs",
    "/opt/odoo/venv/lib/site-packages/theirs.py",
    "/opt/odoo/venvs/theirs",
    "/opt/theirs",
    "/root/notes",
    "/srv/backup/odoo.dump",
    "/tmp/theirs",
    "/var/backups/odoo.dump",
    "/var/lib/odoo/filestore/theirs",
    "/var/lib/odoo/sessions/theirs",
    "/var/lib/odoo/theirs",
    "/var/lib/postgresql/15/main/theirs",
    "/var/log/odoo/odoo-server.log",
    "/var/spool/cron/crontabs/odoo",
];

const FOLDERS: &[&str] = &[
    "/etc/nginx/sites-available/odoo.conf",
    "/etc/odoo",
    "/etc/odoo.conf",
    "/etc/postgresql/13/main",
    "/etc/systemd/system/odoo.service.d",
    "/opt/odoo",
    "/opt/odoo/addons",
    "/opt/odoo/addons/web",
    "/opt/odoo/odoo-server",
    "/opt/odoo/releases",
    "/opt/odoo/releases/1111111111111111111111111111111111111111",
    "/opt/odoo/venvs",
    "/opt/odoo/wkhtmltopdf",
    "/var/lib/odoo",
    "/var/lib/odoo/.local/share/Odoo",
    "/var/log/odoo",
];

const LINKS: &[(&str, &str)] = &[
    (
        "/etc/nginx/sites-enabled/odoo.conf",
        "../sites-available/shop",
    ),
    (
        "/etc/nginx/sites-enabled/odoo.http.conf",
        "../sites-available/shop",
    ),
    ("/etc/odoo.conf", "../srv/odoo.conf"),
    ("/etc/systemd/system/odoo.service", "../../../dev/null"),
    ("/opt/odoo/addons/web", "../../srv/web"),
    ("/opt/odoo/current", "../../srv/odoo"),
    ("/opt/odoo/venv", "../../srv/venv"),
];

const ELSEWHERE: &[(&str, &str)] = &[
    ("/opt", "/data/opt"),
    ("/opt/odoo", "/data/odoo"),
    ("/opt/odoo/releases", "/data/releases"),
    ("/var/lib/odoo", "/data/files"),
    ("/var/lib/odoo/filestore", "/data/filestore"),
];

const EDITED: &[&str] = &[
    "/etc/nginx/sites-available/odoo.conf",
    "/etc/odoo.conf",
    "/etc/postgresql/15/main/conf.d/odoo-deploy.conf",
    "/etc/postgresql/15/main/postgresql.conf",
    "/etc/systemd/system/odoo.service",
    "/opt/odoo/current/odoo-bin",
    "/opt/odoo/current/requirements.txt",
];

const PACKAGES: &[&[&str]] = &[
    &["git"],
    &["nginx"],
    &["openssl", "ca-certificates"],
    &["postgresql"],
    &["python3", "python3-venv"],
    &["theirs-reports"],
    &["theirs-tools"],
];

const UNITS: &[(&str, u16)] = &[
    ("odoo.service", 8069),
    ("shop.service", 8069),
    ("shop.service", 8080),
];
