//! A machine under test.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use rehearse::{Base, Bind, Machine, Spec};

use super::bases;
use super::run::{Run, Running};
use super::world::{PREFIX, SHARED, world};

/// The site file of every scenario.
pub(crate) const SITE: &str = "/srv/site/site.toml";
/// The file with the generated password of Odoo's `admin`.
pub(crate) const PASSWORD: &str = "/var/lib/odoo-deploy/odoo/secrets/admin-password";

pub(crate) struct Server {
    machine: Machine,
}

/// A site that installs from wheels, with more lines.
pub(crate) fn site(more: &str) -> String {
    format!(
        "[odoo]\nversion = \"19.0\"\nrepository = \"file://{SHARED}/odoo.git\"\n\n\
         [python]\nwheels = \"{SHARED}/wheels\"\n\n{more}"
    )
}

/// The two lines that a site needs, and the repository; everything else comes from the network.
pub(crate) fn short_site() -> String {
    format!("[odoo]\nversion = \"19.0\"\nrepository = \"file://{SHARED}/odoo.git\"\n")
}

impl Server {
    /// Boots a machine without wheels.
    pub(crate) fn boot(name: &str, base: Base) -> Self {
        Self::boot_with(name, base, None)
    }

    /// Boots a machine with wheels and a site that uses them.
    pub(crate) fn ready(name: &str, base: Base) -> Self {
        let server = Self::boot_with(name, base, Some(&bases::wheels()));
        server.write(SITE, &site(""));
        server
    }

    pub(crate) fn boot_with(name: &str, base: Base, wheels: Option<&Path>) -> Self {
        Self::boot_spec(name, base, world().binds(wheels))
    }

    pub(crate) fn boot_binding(name: &str, base: Base, binds: Vec<Bind>) -> Self {
        Self::boot_spec(name, base, binds)
    }

    fn boot_spec(name: &str, base: Base, binds: Vec<Bind>) -> Self {
        let mut spec = Spec::new(format!("{PREFIX}{name}"), base);
        spec.binds = binds;
        let machine = Machine::boot(&world().bed, spec).expect("a machine");
        Self { machine }
    }

    pub(crate) fn reboot(&mut self) {
        self.machine.reboot().expect("a reboot");
    }

    pub(crate) fn power_off(self, base: &str) -> Base {
        self.machine.power_off(base).expect("a frozen base")
    }

    pub(crate) fn stop(self) {
        self.machine.stop().expect("taken down");
    }

    /// The folder in `/proc` of the machine's PID 1, by its number on the host.
    pub(crate) fn namespaces(&self) -> PathBuf {
        self.machine.root().with_file_name("ns")
    }

    pub(crate) fn command(&self, program: &str) -> Command {
        self.machine.command(program)
    }

    /// Runs a script that must succeed; returns its output without spaces around it.
    pub(crate) fn sh(&self, script: &str) -> String {
        let output = self.try_sh(script);
        let (out, err) = (text(&output.stdout), text(&output.stderr));
        assert!(
            output.status.success(),
            "{script}\n{out}\n{err}\n{}",
            output.status
        );
        out.trim().to_owned()
    }

    pub(crate) fn try_sh(&self, script: &str) -> Output {
        let mut command = self.command("sh");
        command.args(["-euc", script]).output().expect("sh")
    }

    /// The path on the host of a file of the machine.
    pub(crate) fn path(&self, path: &str) -> PathBuf {
        self.machine.root().join(path.trim_start_matches('/'))
    }

    /// Writes a file, and creates the folders above it.
    pub(crate) fn write(&self, path: &str, text: &str) {
        let place = self.path(path);
        fs::create_dir_all(place.parent().expect("a folder")).expect("a folder");
        fs::write(place, text).expect("a file");
    }

    pub(crate) fn read(&self, path: &str) -> String {
        fs::read_to_string(self.path(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
    }

    pub(crate) fn exists(&self, path: &str) -> bool {
        self.path(path).symlink_metadata().is_ok()
    }

    /// Runs a query in PostgreSQL; returns one line for each row.
    pub(crate) fn sql(&self, database: &str, query: &str) -> String {
        self.sh(&format!(
            "cd / && runuser -u postgres -- psql -XAtqc \"{query}\" {database}"
        ))
    }

    /// Runs `odoo-deploy` on the site, with output for people.
    pub(crate) fn odoo(&self, words: &[&str]) -> Run {
        Run::to_end(self.odoo_deploy(words))
    }

    /// Runs `odoo-deploy --json` on the site; every line is checked against the schema.
    pub(crate) fn json(&self, words: &[&str]) -> Run {
        self.start(words).finish()
    }

    /// Starts `odoo-deploy --json` on the site.
    pub(crate) fn start(&self, words: &[&str]) -> Running {
        self.start_in(words, &[])
    }

    /// Starts `odoo-deploy --json` on the site, with more environment variables.
    pub(crate) fn start_in(&self, words: &[&str], environment: &[(&str, &str)]) -> Running {
        let mut command = self.odoo_deploy(words);
        command.arg("--json").envs(environment.iter().copied());
        Running::start(command)
    }

    fn odoo_deploy(&self, words: &[&str]) -> Command {
        let mut command = self.command(&format!("{SHARED}/odoo-deploy"));
        command.args(words);
        let names_site = words
            .iter()
            .any(|word| ["--config", "--site"].contains(word));
        if words.first().is_some_and(|word| *word != "schema") && !names_site {
            command.args(["--config", SITE]);
        }
        command
    }

    /// The process that holds the site's lock, by its number on the machine.
    pub(crate) fn lock_holder(&self) -> u32 {
        let text = self.read("/run/odoo-deploy/odoo.lock");
        let holder: serde_json::Value = serde_json::from_str(&text).expect("a holder");
        holder["pid"]
            .as_u64()
            .and_then(|pid| pid.try_into().ok())
            .expect("a pid")
    }

    /// The runs in the site's journals, oldest first.
    pub(crate) fn runs(&self) -> Vec<odoo_deploy::engine::journal::Run> {
        let folder = self.path("/var/lib/odoo-deploy/odoo");
        // copies, because odoo-deploy follows no link to a journal, and the host reaches the machine's root
        // only through a link in `/proc`
        let copies = tempfile::tempdir().expect("a folder");
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            if entry.path().extension().is_some_and(|e| e == "jsonl") {
                fs::copy(entry.path(), copies.path().join(entry.file_name())).expect("a journal");
            }
        }
        odoo_deploy::engine::journal::runs(copies.path()).expect("journals")
    }

    /// Whether a process holds the site's lock or is about to name itself in it.
    pub(crate) fn lock_is_held(&self) -> bool {
        self.odoo(&["status"]).told().contains("holds the lock")
    }

    /// Sends SIGKILL to the process that holds the site's lock.
    pub(crate) fn kill_lock_holder(&self) {
        self.sh(&format!("kill -9 {}", self.lock_holder()));
        super::tally::kill();
    }
}

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
