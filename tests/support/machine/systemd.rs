//! `systemctl`, and what units do when they start.

use std::fmt::Write as _;
use std::time::Duration;

use nix::time::{ClockId, clock_gettime};

use odoo_deploy::host::command::Cmd;
use odoo_deploy::host::store::digest;

use super::{Answer, Model};

const SERVER: &str = "postgresql.service";
const WANTS: &str = "/etc/systemd/system/multi-user.target.wants";

/// A unit, as systemd has it in memory.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Unit {
    /// Its file as systemd read it last.
    pub loaded: Option<String>,
    /// Its main process, if it runs.
    pub pid: Option<u32>,
    /// The time of its last start or stop, in microseconds of the monotonic clock.
    pub changed: u64,
    /// The ports on which it listens.
    pub ports: Vec<u16>,
    /// The address on which it listens.
    pub address: String,
    /// The user that it runs as.
    pub user: String,
    /// The database that it serves.
    pub database: String,
    /// Whether its last start failed.
    pub failed: bool,
    /// Whether it is enabled, as systemd found out at first; systemd checks again at `daemon-reload`.
    pub enabled: Option<&'static str>,
    /// Whether it was wanted at boot at the last `daemon-reload`.
    pub wanted: bool,
    /// The nftables rules that it loaded into the kernel; other programs can remove them.
    pub rules: Option<String>,
}

impl Unit {
    /// Whether systemd restarts it after a failure.
    fn is_tried_again(&self) -> bool {
        value(self.loaded.as_deref().unwrap_or_default(), "Restart=") == "always"
    }
}

impl Model {
    pub(super) fn systemctl(&self, args: &[&str]) -> Answer {
        let (verb, rest) = args.split_first().expect("systemctl with a verb");
        let names: Vec<&str> = rest
            .iter()
            .copied()
            .filter(|arg| !arg.starts_with('-'))
            .collect();
        if *verb == "daemon-reload" {
            self.fuse.effect(|| self.reload());
            return Ok(String::new());
        }
        let [unit] = names[..] else {
            assert_eq!(*verb, "show", "no model of systemctl {args:?}");
            let flags = rest.iter().filter(|arg| arg.starts_with('-'));
            let flags: Vec<&str> = [*verb].into_iter().chain(flags.copied()).collect();
            let blocks = names
                .iter()
                .map(|unit| self.systemctl(&[&flags[..], &[unit]].concat()));
            return Ok(blocks.collect::<Result<Vec<_>, _>>()?.join("\n"));
        };
        if unit == SERVER || unit.starts_with("postgresql@") {
            return self.server(verb, unit);
        }
        if unit == super::nginx::UNIT {
            return self.systemctl_nginx(verb, rest);
        }
        self.load(unit);
        match *verb {
            "show" => Ok(self.show(unit, rest)),
            "enable" => self.enable(unit),
            "disable" => self.disable(unit),
            "start" | "restart" => self.start(verb, unit),
            "stop" => self.stop(unit),
            "reset-failed" => self.reset_failed(unit),
            other => panic!("no model of systemctl {other}"),
        }
    }

    fn server(&self, verb: &str, unit: &str) -> Answer {
        if !self.has_server() {
            return Err(not_there(verb, unit));
        }
        match verb {
            "enable" => (),
            "start" if self.state.borrow().postgres.running => (),
            "restart" | "start" => self.fuse.effect(|| self.start_server()),
            "stop" => self.fuse.effect(|| self.stop_server()),
            other => panic!("no model of systemctl {other} {SERVER}"),
        }
        Ok(String::new())
    }

    /// The text of the unit's file. A masked unit counts as an empty one; systemd treats an empty file as
    /// masked.
    fn file(&self, unit: &str) -> Option<String> {
        let path = format!("/etc/systemd/system/{unit}");
        if self.disk.resolve(&path) == "/dev/null" {
            return Some(String::new());
        }
        self.disk.exists(&path).then(|| self.disk.text(&path))
    }

    /// Reads a unit that is not in memory; a unit in memory stays as it was read. systemd unloads a unit that
    /// does not run, has not failed, and is wanted by nothing.
    fn load(&self, unit: &str) {
        let file = self.file(unit);
        let wanted = self.is_wanted(unit);
        let mut state = self.state.borrow_mut();
        let new = || Unit {
            wanted,
            ..Unit::default()
        };
        let known = state.units.entry(unit.to_owned()).or_insert_with(new);
        let forgotten = known.pid.is_none() && !known.failed && !known.wanted;
        if known.loaded.is_none() || forgotten {
            (known.loaded, known.enabled) = (file, None);
        }
    }

    fn reload(&self) {
        self.reload_drop_ins();
        let units: Vec<String> = self.state.borrow().units.keys().cloned().collect();
        for unit in units {
            let (file, wanted) = (self.file(&unit), self.is_wanted(&unit));
            let mut state = self.state.borrow_mut();
            let known = state.units.get_mut(&unit).unwrap();
            known.wanted = wanted;
            (known.loaded, known.enabled) = (file, None);
            if known.loaded.is_none() && known.pid.is_none() && !known.failed {
                state.units.remove(&unit);
            }
        }
    }

    fn unit(&self, unit: &str) -> Unit {
        self.state.borrow().units[unit].clone()
    }

    fn is_wanted(&self, unit: &str) -> bool {
        self.disk.at(&format!("{WANTS}/{unit}")).is_symlink()
    }

    fn stop(&self, unit: &str) -> Answer {
        let known = self.unit(unit);
        if known.loaded.is_none() && known.pid.is_none() {
            let words = format!("Failed to stop {unit}: Unit {unit} not loaded.");
            return Err((5, words));
        }
        self.fuse.effect(|| {
            self.end(unit);
            // a unit that failed for good stays failed
            let failed = known.failed && !known.is_tried_again();
            self.state.borrow_mut().units.get_mut(unit).unwrap().failed = failed;
        });
        Ok(String::new())
    }

    fn reset_failed(&self, unit: &str) -> Answer {
        let known = self.unit(unit);
        let wanted = self.is_wanted(unit) && known.loaded.is_some();
        if known.pid.is_none() && !known.failed && !wanted {
            let words =
                format!("Failed to reset failed state of unit {unit}: Unit {unit} not loaded.");
            return Err((1, words));
        }
        self.state.borrow_mut().units.get_mut(unit).unwrap().failed = false;
        Ok(String::new())
    }

    fn show(&self, unit: &str, args: &[&str]) -> String {
        let (known, file) = (self.unit(unit), self.file(unit));
        let load = match known.loaded.as_deref() {
            Some("") => "masked",
            Some(_) => "loaded",
            None => "not-found",
        };
        // a oneshot unit stays active without a process
        let once = known
            .loaded
            .as_deref()
            .is_some_and(|text| text.contains("Type=oneshot"));
        let (active, sub) = match (known.pid, known.failed) {
            (Some(_), _) if once => ("active", "exited"),
            (Some(_), _) => ("active", "running"),
            (None, true) if known.is_tried_again() => ("activating", "auto-restart"),
            (None, true) => ("failed", "failed"),
            (None, false) => ("inactive", "dead"),
        };
        let masked = file.as_deref() == Some("");
        let found = match (&file, &known.loaded) {
            (Some(_), _) if masked => "masked",
            (Some(_), _) if self.is_wanted(unit) => "enabled",
            (Some(_), _) => "disabled",
            (None, Some(_)) => "bad",
            (None, None) => "",
        };
        let enabled = known.enabled.unwrap_or(found);
        if let Some(known) = self.state.borrow_mut().units.get_mut(unit) {
            known.enabled = known.loaded.as_ref().map(|_| enabled);
        }
        // systemd notices a mask only at `daemon-reload`
        let unnoticed = masked && known.loaded.as_deref().is_some_and(|text| !text.is_empty());
        let stale = known.loaded.is_some() && known.loaded != file && !unnoticed;
        let stale = if stale { "yes" } else { "no" };
        let pid = known.pid.filter(|_| !once).unwrap_or(0);
        let changed = known.changed;
        asked(
            args,
            &format!(
                "LoadState={load}\nActiveState={active}\nSubState={sub}\nUnitFileState={enabled}\n\
                 NeedDaemonReload={stale}\nNRestarts=0\nMainPID={pid}\nStateChangeTimestampMonotonic={changed}\n"
            ),
        )
    }

    fn enable(&self, unit: &str) -> Answer {
        if self.file(unit).is_none() {
            return Err(not_there("enable", unit));
        }
        if self.file(unit).is_some_and(|text| text.is_empty()) {
            let words =
                format!("Failed to enable unit: Unit file /etc/systemd/system/{unit} is masked.");
            return Err((1, words));
        }
        self.fuse.effect(|| {
            let (link, target) = (
                format!("{WANTS}/{unit}"),
                format!("/etc/systemd/system/{unit}"),
            );
            self.disk.link(&link, &target);
            self.reload();
        });
        Ok(String::new())
    }

    fn disable(&self, unit: &str) -> Answer {
        let link = format!("{WANTS}/{unit}");
        if self.file(unit).is_none() && self.disk.at(&link).symlink_metadata().is_err() {
            return Err(not_there("disable", unit));
        }
        self.fuse.halves(
            || {
                self.disk.remove(&link);
                if self.disk.list(WANTS).is_empty() {
                    self.disk.remove(WANTS);
                }
            },
            |()| self.reload(),
        );
        Ok(String::new())
    }

    fn end(&self, unit: &str) {
        if let Some(known) = self.state.borrow_mut().units.get_mut(unit) {
            known.pid = None;
            known.rules = None;
        }
        self.write_proc();
    }

    /// For a restart, stops the unit; then starts it from the file that systemd has read.
    fn start(&self, verb: &str, unit: &str) -> Answer {
        let known = self.unit(unit);
        let text = match known.loaded {
            None => return Err(not_there(verb, unit)),
            Some(text) if text.is_empty() => {
                let words = format!("Failed to {verb} {unit}: Unit {unit} is masked.");
                return Err((1, words));
            }
            Some(_) if verb == "start" && known.pid.is_some() => return Ok(String::new()),
            Some(text) => text,
        };
        self.fuse.halves(
            || self.end(unit),
            |()| {
                self.write_record(unit, &text);
                let started = self.main(unit, &text);
                let failed = started.is_err();
                let mut state = self.state.borrow_mut();
                state.last_pid += 1;
                let pid = 1000 + state.last_pid;
                let known = state.units.get_mut(unit).unwrap();
                known.failed = failed;
                if let Ok((user, database, address, ports)) = &started {
                    known.pid = Some(pid);
                    known.changed = monotonic();
                    (known.user, known.database) = (user.clone(), database.clone());
                    (known.address, known.ports) = (address.clone(), ports.clone());
                }
                drop(state);
                if let Some(rules) = rules_of(&text).filter(|_| !failed) {
                    self.load_rules(unit, rules);
                }
                self.write_proc();
                started.map(|_| String::new())
            },
        )
    }

    /// What `ExecStartPre` records: digests of files, and targets of links.
    fn write_record(&self, unit: &str, text: &str) {
        let before = value(text, "ExecStartPre=");
        let listed = |from: &str| -> Vec<String> {
            let rest = before.split_once(from).unwrap_or_default().1;
            let list = rest.split([';', '>']).next().unwrap_or_default();
            list.split_whitespace().map(str::to_owned).collect()
        };
        let mut record = String::new();
        for path in listed("sha256sum ") {
            if let Some(bytes) = self.disk.bytes(&path) {
                writeln!(record, "{}  {path}", digest(&bytes)).unwrap();
            }
        }
        for path in listed("for link in ") {
            writeln!(record, "{}  {path}", self.disk.resolve(&path)).unwrap();
        }
        let name = unit.trim_end_matches(".service");
        let started = format!("/run/odoo-deploy/{name}.started");
        self.disk.remove(&started);
        self.disk.put(&started, record);
    }

    /// Runs a transient unit. On this machine every sandbox can be set up, so it succeeds.
    pub(super) fn systemd_run(args: &[&str]) -> String {
        let [.., "--", "/bin/true"] = args else {
            panic!("no model of systemd-run {args:?}");
        };
        String::new()
    }

    /// Loads a file of rules, and records the rules that the kernel then has.
    fn load_rules(&self, unit: &str, file: &str) {
        let rules = self.disk.text(file);
        let name = unit.trim_end_matches(".service");
        let record = format!("/run/odoo-deploy/{name}.started");
        let shown = digest(rules.as_bytes());
        let before = self.disk.text(&record);
        self.disk
            .put(&record, format!("{before}{shown}  (shown)\n"));
        let mut state = self.state.borrow_mut();
        state.units.get_mut(unit).unwrap().rules = Some(rules);
    }

    /// Lists a loaded table.
    fn nft_list(&self, table: &str) -> Answer {
        let head = format!("table inet {table}\n");
        let state = self.state.borrow();
        let mut loaded = state.units.values().filter_map(|unit| unit.rules.as_ref());
        let found = loaded.find(|rules| rules.contains(&head));
        let none = || (1, "Error: No such file or directory".to_owned());
        found.cloned().ok_or_else(none)
    }

    /// Lists a table, or checks a file of rules; the check only counts braces.
    pub(super) fn nft(&self, cmd: &Cmd, args: &[&str]) -> Answer {
        let rules = match args {
            ["--stateless", "list", "table", "inet", table] => return self.nft_list(table),
            ["--check", "--file", rules] => rules,
            _ => panic!("no model of nft {args:?}"),
        };
        let text = match &cmd.stdin {
            Some(bytes) if *rules == "-" => String::from_utf8(bytes.clone()).unwrap(),
            _ if self.disk.exists(rules) => self.disk.text(rules),
            _ => {
                let words = format!("internal:0:0-0: Error: Could not open file \"{rules}\"");
                return Err((1, words));
            }
        };
        let lines = text
            .lines()
            .map(|line| line.split('#').next().unwrap_or_default());
        let mut open = 0_usize;
        for line in lines.filter(|line| !line.trim().is_empty()) {
            if open == 0
                && !["table ", "delete table "]
                    .iter()
                    .any(|w| line.starts_with(w))
            {
                return Err((1, "Error: syntax error, unexpected".into()));
            }
            open += line.matches('{').count();
            open -= line.matches('}').count();
        }
        if open > 0 {
            return Err((1, "Error: syntax error, unexpected end of file".into()));
        }
        Ok(String::new())
    }

    /// Checks that `ExecStart` has what it needs to stay alive.
    #[allow(clippy::type_complexity, reason = "said once and taken apart at once")]
    fn main(
        &self,
        unit: &str,
        text: &str,
    ) -> Result<(String, String, String, Vec<u16>), (i32, String)> {
        // `systemctl` does not tell why; only the unit's journal does
        let dead = |_why: String| {
            let words = "failed because the control process exited with error code.";
            Err((1, format!("Job for {unit} {words}")))
        };
        if let Some(rules) = rules_of(text) {
            return if self.disk.exists("/usr/sbin/nft") && self.disk.exists(rules) {
                Ok(Default::default())
            } else {
                dead("no rules, or nobody to load them".into())
            };
        }
        // a program of somebody else, which needs no files
        if let Some(port) = value(text, "ExecStart=").strip_prefix("/usr/bin/shop --port ") {
            let ports = vec![port.parse().unwrap()];
            return Ok(("root".into(), String::new(), "127.0.0.1".into(), ports));
        }
        // a program of an administrator's own step
        let program = value(text, "ExecStart=");
        if program.starts_with("/usr/local/sbin/") {
            return if self.disk.exists(program) {
                Ok(Default::default())
            } else {
                dead(format!("no {program}"))
            };
        }
        let user = value(text, "User=");
        let Some((_, gid)) = self.account(user) else {
            return dead(format!("no user {user}"));
        };
        let folder = value(text, "WorkingDirectory=");
        if !self.disk.exists(folder) {
            return dead(format!("no folder {folder}"));
        }
        let command: Vec<&str> = value(text, "ExecStart=").split(' ').collect();
        let [python, odoo, "--config", conf] = command[..] else {
            panic!("no model of {command:?}");
        };
        if let Err(why) = self.can_run(python, odoo) {
            return dead(why);
        }
        if !self.readable(conf, gid) {
            return dead(format!("cannot read {conf}"));
        }
        let conf = self.disk.text(conf);
        let option = |key: &str| {
            let found = conf.lines().find_map(|line| {
                let (k, v) = line.split_once('=')?;
                (k.trim() == key).then(|| v.trim().to_owned())
            });
            found.unwrap_or_default()
        };
        let mut ports = vec![option("http_port").parse().unwrap_or(8069)];
        if option("workers") != "0" {
            ports.push(option("gevent_port").parse().unwrap_or(8072));
        }
        Ok((
            option("db_user"),
            option("db_name"),
            option("http_interface"),
            ports,
        ))
    }
}

/// The time of the monotonic clock, in microseconds.
pub(super) fn monotonic() -> u64 {
    let now = clock_gettime(ClockId::CLOCK_MONOTONIC).unwrap();
    u64::try_from(Duration::from(now).as_micros()).unwrap()
}

/// systemd's message for an unknown unit.
pub(super) fn not_there(verb: &str, unit: &str) -> (i32, String) {
    if ["enable", "disable"].contains(&verb) {
        let words = format!("Failed to {verb} unit: Unit file {unit} does not exist.");
        return (1, words);
    }
    (
        5,
        format!("Failed to {verb} {unit}: Unit {unit} not found."),
    )
}

/// Selects the requested properties from `all`, one a line.
pub(super) fn asked(args: &[&str], all: &str) -> String {
    let names = args.iter().find_map(|arg| arg.strip_prefix("--property="));
    let names: Vec<&str> = names.expect("properties").split(',').collect();
    let is_asked = |line: &&str| {
        line.split_once('=')
            .is_some_and(|(k, _)| names.contains(&k))
    };
    let lines = all.lines().filter(is_asked);
    lines.map(|line| format!("{line}\n")).collect()
}

/// The file that a firewall unit loads.
fn rules_of(text: &str) -> Option<&str> {
    value(text, "ExecStart=").strip_prefix("/usr/sbin/nft --file ")
}

/// The value in the last line of a unit's file that begins with `key`.
fn value<'t>(text: &'t str, key: &str) -> &'t str {
    let lines = text.lines().rev();
    let mut values = lines.filter_map(|line| line.strip_prefix(key));
    values.next().unwrap_or_default()
}
