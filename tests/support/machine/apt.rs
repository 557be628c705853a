//! `apt-get` and `dpkg`.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use super::universe::{ARCHIVE, Package, SERVER, find};
use super::{Answer, Disk, Model, nginx};

/// Changes that dpkg has recorded and not yet merged into its status file.
const UPDATES: &str = "/var/lib/dpkg/updates";
pub(super) const INSTALLED: &str = "install ok installed";
const UNPACKED: &str = "install ok unpacked";
const CONFIGURING: &str = "install ok half-configured";
const LEFT: &str = "deinstall ok config-files";

/// dpkg's entry of a package.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Status {
    pub(super) state: String,
    pub(super) version: String,
}

impl Model {
    pub(super) fn apt_get(&self, args: &[&str]) -> Answer {
        let mut words: Vec<&str> = Vec::new();
        let mut flags: Vec<&str> = Vec::new();
        let mut iter = args.iter();
        while let Some(arg) = iter.next() {
            match *arg {
                "-o" => _ = iter.next(),
                flag if flag.starts_with('-') => flags.push(flag),
                word => words.push(word),
            }
        }
        let (verb, names) = words.split_first().expect("apt-get with a verb");
        let simulated = flags.contains(&"-s") || flags.contains(&"--print-uris");
        match *verb {
            "update" => self.update(),
            "install" if simulated => self.simulate(names, flags.contains(&"-s")),
            "install" => self.install(names),
            "remove" => self.remove(names),
            other => panic!("no model of apt-get {other}"),
        }
    }

    pub(super) fn dpkg(&self, args: &[&str]) -> Answer {
        assert!(
            args.ends_with(&["--configure", "-a"]),
            "no model of dpkg {args:?}"
        );
        self.configure();
        for name in self.disk.list(UPDATES) {
            self.disk.remove(&format!("{UPDATES}/{name}"));
        }
        Ok(String::new())
    }

    fn update(&self) -> Answer {
        self.fuse.halves(
            || self.disk.put("/var/lib/apt/lists/lock", ""),
            |()| {
                let list = "/var/lib/apt/lists/deb.example.org_debian_dists_bookworm_main_binary-amd64_Packages";
                self.disk.put(list, "");
                self.disk.remove("/var/lib/apt/lists/partial");
                self.disk
                    .folder_as("/var/lib/apt/lists/partial", (0, 0), 0o700);
            },
        );
        Ok(String::new())
    }

    /// The packages to unpack or configure when `names` are installed, dependencies first.
    fn wanted(&self, names: &[&str]) -> Result<Vec<&'static Package>, (i32, String)> {
        let has_lists = self
            .disk
            .list("/var/lib/apt/lists")
            .iter()
            .any(|name| name.ends_with("_Packages"));
        let status = read_status(&self.disk);
        let mut order = Vec::new();
        let mut open: Vec<(&str, bool)> = names.iter().rev().map(|n| (*n, false)).collect();
        while let Some((name, ready)) = open.pop() {
            let whole = status.get(name).is_some_and(|s| s.state == INSTALLED);
            if whole || order.iter().any(|p: &&Package| p.name == name) {
                continue;
            }
            let Some(package) = find(name).filter(|_| has_lists) else {
                return Err((100, format!("E: Unable to locate package {name}")));
            };
            if ready {
                order.push(package);
            } else {
                open.push((name, true));
                open.extend(package.depends.iter().map(|d| (*d, false)));
            }
        }
        Ok(order)
    }

    fn simulate(&self, names: &[&str], simulate: bool) -> Answer {
        let wanted = self.wanted(names)?;
        let status = read_status(&self.disk);
        let half = |p: &&&Package| {
            status
                .get(p.name)
                .is_some_and(|s| s.state == UNPACKED || s.state == CONFIGURING)
        };
        let mut text = String::from("Reading package lists...\n");
        for package in wanted.iter().filter(|p| !half(p)) {
            let (name, version) = (package.name, package.version);
            let line = if simulate {
                format!("Inst {name} ({version} Debian:12/stable [amd64])")
            } else {
                format!("'http://deb.example.org/{name}.deb' {name}.deb 1000 SHA256:00")
            };
            writeln!(text, "{line}").unwrap();
        }
        for package in wanted.iter().filter(|_| simulate) {
            let (name, version) = (package.name, package.version);
            writeln!(text, "Conf {name} ({version} Debian:12/stable [amd64])").unwrap();
        }
        Ok(text)
    }

    /// Refuses to continue after an interruption, as apt does.
    fn refuse_interrupted(&self) -> Result<(), (i32, String)> {
        let half = read_status(&self.disk)
            .values()
            .any(|s| s.state == UNPACKED || s.state == CONFIGURING);
        if half || !self.disk.list(UPDATES).is_empty() {
            let words = "E: dpkg was interrupted, you must manually run 'dpkg --configure -a' to correct the problem.";
            return Err((100, words.into()));
        }
        Ok(())
    }

    fn install(&self, names: &[&str]) -> Answer {
        self.refuse_interrupted()?;
        let wanted = self.wanted(names)?;
        if !wanted.is_empty() {
            let (first, second) = wanted.split_at(wanted.len() / 2);
            self.fuse
                .halves(|| self.unpack(first), |()| self.unpack(second));
            self.configure();
        }
        Ok(String::new())
    }

    fn unpack(&self, packages: &[&Package]) {
        let mut status = read_status(&self.disk);
        for package in packages {
            for path in package.files {
                self.disk.put_as(path, "", (0, 0), 0o755);
            }
            let entry = Status {
                state: UNPACKED.into(),
                version: package.version.into(),
            };
            status.insert(package.name.into(), entry);
        }
        write_status(&self.disk, &status);
    }

    fn configure(&self) {
        let half: Vec<String> = read_status(&self.disk)
            .into_iter()
            .filter(|(_, s)| s.state == UNPACKED || s.state == CONFIGURING)
            .map(|(name, _)| name)
            .collect();
        if half.is_empty() {
            return;
        }
        let set = |names: &[String], state: &str| {
            let mut status = read_status(&self.disk);
            for name in names {
                state.clone_into(&mut status.get_mut(name).unwrap().state);
            }
            write_status(&self.disk, &status);
        };
        // a package is configured after its dependencies
        let late = |name: &String| find(name).unwrap().depends.contains(&SERVER) || name == SERVER;
        let (server, others): (Vec<_>, Vec<_>) = half.into_iter().partition(late);
        self.fuse.halves(
            || set(&others[..others.len() / 2], INSTALLED),
            |()| {
                if others.iter().any(|name| name == nginx::PACKAGE) {
                    self.set_up_nginx();
                }
                set(&others, INSTALLED);
            },
        );
        if !server.is_empty() {
            self.fuse.halves(
                || {
                    set(&server, CONFIGURING);
                    self.make_cluster();
                },
                |()| {
                    self.start_server();
                    set(&server, INSTALLED);
                },
            );
        }
    }

    fn remove(&self, names: &[&str]) -> Answer {
        self.refuse_interrupted()?;
        let status = read_status(&self.disk);
        let unknown = |name: &&&str| !status.contains_key(**name) && find(name).is_none();
        if let Some(name) = names.iter().find(unknown) {
            return Err((100, format!("E: Unable to locate package {name}")));
        }
        let mut goes: BTreeSet<&str> = names
            .iter()
            .copied()
            .filter(|n| status.get(*n).is_some_and(|s| s.state == INSTALLED))
            .collect();
        // a package is removed with everything that depends on it
        loop {
            let more: Vec<&str> = ARCHIVE
                .iter()
                .filter(|p| status.get(p.name).is_some_and(|s| s.state == INSTALLED))
                .filter(|p| !goes.contains(p.name) && p.depends.iter().any(|d| goes.contains(d)))
                .map(|p| p.name)
                .collect();
            if more.is_empty() {
                break;
            }
            goes.extend(more);
        }
        let goes: Vec<&str> = goes.into_iter().collect();
        if !goes.is_empty() {
            let (first, second) = goes.split_at(goes.len() / 2);
            self.fuse
                .halves(|| self.take(first), |()| self.take(second));
        }
        Ok(String::new())
    }

    fn take(&self, names: &[&str]) {
        let mut status = read_status(&self.disk);
        for name in names {
            if *name == SERVER {
                self.stop_server();
            }
            if *name == nginx::PACKAGE {
                self.stop_nginx();
            }
            for path in find(name).unwrap().files {
                if !path.starts_with("/etc/") {
                    self.disk.remove(path);
                }
            }
            if [
                SERVER,
                "postgresql-common",
                "ca-certificates",
                nginx::PACKAGE,
            ]
            .contains(name)
            {
                LEFT.clone_into(&mut status.get_mut(*name).unwrap().state);
            } else {
                status.remove(*name);
            }
        }
        // dpkg removes folders that no other package uses
        if !self.disk.exists("/usr/lib/postgresql/15/bin/psql") {
            self.disk.remove("/usr/lib/postgresql");
        }
        if self.disk.list("/usr/share/python-wheels").is_empty() {
            self.disk.remove("/usr/share");
        }
        if self.disk.list("/usr/lib/systemd/system").is_empty() {
            self.disk.remove("/usr/lib/systemd");
        }
        write_status(&self.disk, &status);
    }
}

pub(super) fn read_status(disk: &Disk) -> BTreeMap<String, Status> {
    let text = disk.text("/var/lib/dpkg/status");
    let paragraph = |text: &str| {
        let field = |key: &str| {
            text.lines()
                .find_map(|line| line.strip_prefix(key)?.strip_prefix(": "))
                .map(str::to_owned)
        };
        let (state, version) = (field("Status")?, field("Version")?);
        Some((field("Package")?, Status { state, version }))
    };
    text.split("\n\n").filter_map(paragraph).collect()
}

pub(super) fn write_status(disk: &Disk, all: &BTreeMap<String, Status>) {
    let mut text = String::new();
    for (name, Status { state, version }) in all {
        writeln!(text, "Package: {name}\nStatus: {state}\nVersion: {version}").unwrap();
        let depends = find(name).map_or(&[][..], |package| package.depends);
        if !depends.is_empty() {
            writeln!(text, "Depends: {}", depends.join(", ")).unwrap();
        }
        text.push('\n');
    }
    disk.put("/var/lib/dpkg/status", text);
}
