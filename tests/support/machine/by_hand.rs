//! What the owner of a machine does by hand.

use super::apt::{INSTALLED, read_status};
use super::database::{Database, Role};
use super::systemd::monotonic;
use super::{Machine, Unit};

impl Machine {
    /// Installs packages, as `apt-get update` and `apt-get install` do.
    pub fn installs(&self, names: &[&str]) {
        let model = self.model();
        model.apt_get(&["update"]).unwrap();
        let words = [&["install"], names].concat();
        model.apt_get(&words).unwrap();
    }

    /// The packages that dpkg knows, with their states and versions.
    pub fn packages(&self) -> impl Iterator<Item = (String, String)> {
        let all = read_status(&self.disk).into_iter();
        all.map(|(name, status)| (name, format!("{} {}", status.state, status.version)))
    }

    /// Whether a package is installed.
    pub fn has_package(&self, name: &str) -> bool {
        let status = read_status(&self.disk);
        status
            .get(name)
            .is_some_and(|found| found.state == INSTALLED)
    }

    /// Creates or changes a role.
    pub fn makes_role(&self, name: &str, role: Role) {
        self.state
            .borrow_mut()
            .postgres
            .roles
            .insert(name.into(), role);
    }

    /// Creates a database, replacing one of the same name.
    pub fn makes_database(&self, name: &str, database: Database) {
        self.drops_database(name);
        let owner = database.owner.clone();
        if !self.state.borrow().postgres.roles.contains_key(&owner) {
            let role = Role {
                login: true,
                ..Role::default()
            };
            self.makes_role(&owner, role);
        }
        self.model().add_database(name, database);
    }

    /// Drops a database; its filestore and other traces stay.
    pub fn drops_database(&self, name: &str) {
        self.model().take_database(name);
    }

    /// Adds a user with a group of its name.
    pub fn adds_user(&self, name: &str, number: u32, home: &str, shell: &str) {
        super::accounts::add(&self.disk, name, home, shell, [number].into_iter());
    }

    /// The numbers of a user and its group.
    pub fn account(&self, name: &str) -> Option<(u32, u32)> {
        super::accounts::account(&self.disk, name)
    }

    /// Adds a unit with a program that listens on `port`, and starts it.
    pub fn runs_unit(&self, unit: &str, port: u16) {
        let text = format!("[Service]\nExecStart=/usr/bin/shop --port {port}\n");
        let file = format!("/etc/systemd/system/{unit}");
        self.disk.put(&file, &text);
        let wants = "/etc/systemd/system/multi-user.target.wants";
        self.disk.link(&format!("{wants}/{unit}"), &file);
        let running = Unit {
            loaded: Some(text),
            pid: Some(600),
            changed: monotonic(),
            ports: vec![port],
            address: "127.0.0.1".into(),
            user: "root".into(),
            wanted: true,
            ..Unit::default()
        };
        self.state.borrow_mut().units.insert(unit.into(), running);
        self.model().write_proc();
    }

    /// Lets nginx load the files on disk, if it accepts them.
    pub fn reloads_nginx(&self) {
        let _ = self.model().systemctl(&["reload", super::nginx::UNIT]);
    }
}
