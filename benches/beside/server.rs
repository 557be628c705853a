//! The machine of one contender.

use std::fs;
use std::path::Path;
use std::process::Command;

use rehearse::{Machine, Storage};

use super::contender::Contender;
use super::measure::measure;
use super::sample::Sample;
use super::world::{SHARED, World};

/// The site of odoo-deploy.
pub(crate) const SITE: &str = "/srv/site/site.toml";

pub(crate) struct Server {
    pub(crate) contender: Contender,
    machine: Machine,
}

impl Server {
    pub(crate) fn boot(world: &World, contender: Contender, storage: Storage) -> Self {
        let machine = world.boot(contender.name(), storage);
        let server = Self { contender, machine };
        server.write(SITE, &site());
        // the repository belongs to root, and other users clone it
        server.write("/etc/gitconfig", "[safe]\n\tdirectory = *\n");
        server
    }

    pub(crate) fn command(&self, program: &str) -> Command {
        self.machine.command(program)
    }

    /// A command that runs a line of shell in the machine.
    pub(crate) fn line(&self, line: &str) -> Command {
        let mut command = self.command("sh");
        command.args(["-c", line]);
        command
    }

    /// Runs a line that must succeed; returns its output.
    pub(crate) fn sh(&self, line: &str) -> String {
        let output = self.line(line).output().expect("sh");
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let wrong = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{line}\n{text}\n{wrong}");
        text
    }

    /// A command that runs odoo-deploy in the machine.
    pub(crate) fn ours(&self, words: &[&str]) -> Command {
        let mut command = self.command(&format!("{SHARED}/odoo-deploy"));
        command.args(words);
        command
    }

    /// Runs the contender's job.
    pub(crate) fn job(&self, world: &World, what: &str, round: usize) -> (Sample, String) {
        let who = self.contender.name();
        let log = world.work.join(format!("{who}-{what}-{round}.log"));
        let (cost, told) = measure(&self.line(&self.contender.line()), &log);
        let sample = Sample {
            who: who.into(),
            what: what.into(),
            round,
            cost,
        };
        (sample, told)
    }

    pub(crate) fn path(&self, path: &str) -> std::path::PathBuf {
        self.machine.root().join(path.trim_start_matches('/'))
    }

    pub(crate) fn write(&self, path: &str, text: &str) {
        let place = self.path(path);
        fs::create_dir_all(place.parent().unwrap_or(Path::new("/"))).expect("a folder");
        fs::write(place, text).expect("a file");
    }

    /// Asserts that Odoo, its database and its login page answer.
    pub(crate) fn expect_alive(&self) {
        let ask = "python3 - <<'X'\n\
            import urllib.request\n\
            ask = lambda path: urllib.request.urlopen('http://127.0.0.1:8069' + path, timeout=60).read()\n\
            assert b'pass' in ask('/web/health?db_server_status=1')\n\
            assert b'name=\"login\"' in ask('/web/login')\n\
            X\n\
            systemctl is-enabled --quiet odoo.service";
        self.sh(ask);
    }

    pub(crate) fn stop(self) {
        self.machine.stop().expect("taken down");
    }
}

/// The two lines that a site needs, and the repository.
fn site() -> String {
    format!("[odoo]\nversion = \"19.0\"\nrepository = \"file://{SHARED}/odoo.git\"\n")
}
