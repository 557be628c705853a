//! nginx: which configurations it accepts, and how it answers requests.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use odoo_deploy::host::command::Cmd;
use odoo_deploy::host::store::digest;

use super::{Answer, Model};

/// Its unit.
pub(super) const UNIT: &str = "nginx.service";

/// Its package.
pub(super) const PACKAGE: &str = "nginx";

const PROGRAM: &str = "/usr/sbin/nginx";
const ENABLED: &str = "/etc/nginx/sites-enabled";
const WANTS: &str = "/etc/systemd/system/multi-user.target.wants/nginx.service";
const DROP_INS: &str = "/etc/systemd/system/nginx.service.d";

/// The running nginx.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Nginx {
    /// Whether it runs.
    pub running: bool,
    /// The time of its last start or reload, in microseconds of the monotonic clock.
    pub changed: u64,
    /// How many times it was started; a reload does not count.
    pub starts: u32,
    /// The sites that it serves, by the names of their files.
    pub sites: BTreeMap<String, String>,
    /// The drop-ins that systemd has read.
    pub loaded: BTreeMap<String, String>,
    /// Whether systemd knows their folder. It does not look for changes in a folder that was created later.
    pub knows_folder: bool,
    /// Whether its last start failed.
    pub failed: bool,
}

impl Model {
    pub(super) fn has_nginx(&self) -> bool {
        self.disk.exists(PROGRAM)
    }

    /// What its package does when it is configured.
    pub(super) fn set_up_nginx(&self) {
        let default = "server { listen 80 default_server; }\n";
        self.disk.put("/etc/nginx/sites-available/default", default);
        let link = format!("{ENABLED}/default");
        self.disk.link(&link, "/etc/nginx/sites-available/default");
        self.disk
            .link(WANTS, "/usr/lib/systemd/system/nginx.service");
        self.reload_drop_ins();
        if self.test_nginx().is_ok() {
            self.run_sites(true);
        }
    }

    /// What its package does when it is removed.
    pub(super) fn stop_nginx(&self) {
        let nginx = &mut self.state.borrow_mut().nginx;
        (nginx.running, nginx.sites) = (false, BTreeMap::new());
    }

    fn on_disk(&self) -> BTreeMap<String, String> {
        let names = self.disk.list(ENABLED).into_iter();
        names
            .map(|name| {
                let text = self.disk.text(&format!("{ENABLED}/{name}"));
                (name, text)
            })
            .collect()
    }

    fn drop_ins(&self) -> BTreeMap<String, String> {
        let names = self.disk.list(DROP_INS).into_iter();
        let text = |name: &String| self.disk.text(&format!("{DROP_INS}/{name}"));
        let all = names.filter(|name| {
            std::path::Path::new(name)
                .extension()
                .is_some_and(|e| e == "conf")
        });
        all.map(|name| (name.clone(), text(&name))).collect()
    }

    pub(super) fn reload_drop_ins(&self) {
        let found = self.drop_ins();
        let knows_folder = self.disk.exists(DROP_INS);
        let nginx = &mut self.state.borrow_mut().nginx;
        (nginx.loaded, nginx.knows_folder) = (found, knows_folder);
    }

    /// `nginx -t`: all named files exist, and braces are balanced.
    fn test_nginx(&self) -> Result<(), (i32, String)> {
        let emerg =
            |what: String| Err((1, format!("2026/01/01 00:00:00 [emerg] 1000#1000: {what}")));
        let links = self.disk.list(ENABLED);
        for name in &links {
            if !self.disk.exists(&format!("{ENABLED}/{name}")) {
                return emerg(format!(
                    "open() \"{ENABLED}/{name}\" failed (2: No such file or directory)"
                ));
            }
        }
        for (name, text) in self.on_disk() {
            let count = |c: char| {
                text.lines()
                    .map(|line| line.split('#').next().unwrap_or_default())
                    .filter(|line| !line.contains("location ~"))
                    .map(|line| line.matches(c).count())
                    .sum::<usize>()
            };
            let opened = text
                .lines()
                .filter(|line| line.contains("location ~"))
                .count();
            if count('{') + opened != count('}') {
                return emerg(format!(
                    "unexpected end of file, expecting \"}}\" in {ENABLED}/{name}"
                ));
            }
            for key in ["ssl_certificate ", "ssl_certificate_key "] {
                for path in values(&text, key) {
                    let pem = self.disk.text(path);
                    let part = if key.contains("key") {
                        "PRIVATE KEY"
                    } else {
                        "CERTIFICATE"
                    };
                    if !pem.contains(part) {
                        return emerg(format!("cannot load certificate \"{path}\""));
                    }
                }
            }
            if text.contains("listen [::]") && !self.disk.exists("/proc/net/if_inet6") {
                return emerg(
                    "socket() [::] failed (97: Address family not supported by protocol)".into(),
                );
            }
        }
        Ok(())
    }

    pub(super) fn nginx(&self, args: &[&str]) -> Answer {
        assert_eq!(args, ["-q", "-t"], "no model of nginx {args:?}");
        self.test_nginx().map(|()| String::new())
    }

    fn run_sites(&self, started: bool) {
        let sites = self.on_disk();
        let loaded = self.state.borrow().nginx.loaded.clone();
        for text in loaded.values() {
            self.write_down(text);
        }
        let nginx = &mut self.state.borrow_mut().nginx;
        (nginx.running, nginx.failed) = (true, false);
        nginx.starts += u32::from(started);
        nginx.changed = super::systemd::monotonic();
        nginx.sites = sites;
    }

    /// What the drop-in records at a start and a reload: digests of files and certificates, and targets of
    /// links.
    fn write_down(&self, drop_in: &str) {
        let Some(line) = values_of_lines(drop_in, "ExecReload=") else {
            return;
        };
        let between = |from: &str, to: &str| {
            let rest = line.split_once(from).unwrap_or_default().1;
            rest.split_once(to).unwrap_or_default().0.to_owned()
        };
        let mut record = String::new();
        for path in between("for file in ", ";").split_whitespace() {
            if self.disk.at(path).is_symlink() {
                writeln!(record, "{}  {path}", self.disk.resolve(path)).unwrap();
            } else if let Some(bytes) = self.disk.bytes(path) {
                writeln!(record, "{}  {path}", digest(&bytes)).unwrap();
            }
        }
        let certificate = between("/p\" ", " ");
        if let Some(bytes) = self
            .disk
            .bytes(&certificate)
            .filter(|_| !certificate.is_empty())
        {
            let found = digest(certificates(&bytes).as_bytes());
            writeln!(record, "{found}  {certificate}").unwrap();
        }
        let place = line.rsplit_once("> ").unwrap().1.trim_end_matches('\'');
        self.disk.put(place, record);
    }

    pub(super) fn systemctl_nginx(&self, verb: &str, args: &[&str]) -> Answer {
        if !self.has_nginx() && verb != "show" {
            return Err(super::systemd::not_there(verb, UNIT));
        }
        let running = self.state.borrow().nginx.running;
        let reloads = verb == "reload" || verb == "reload-or-restart" && running;
        match verb {
            "show" => return Ok(super::systemd::asked(args, &self.show_nginx())),
            "enable" => self.fuse.effect(|| {
                self.disk
                    .link(WANTS, "/usr/lib/systemd/system/nginx.service");
            }),
            "disable" => self.fuse.effect(|| self.disk.remove(WANTS)),
            "stop" => self.fuse.effect(|| self.stop_nginx()),
            "reset-failed" => self.state.borrow_mut().nginx.failed = false,
            "reload" if !running => {
                return Err((1, format!("{UNIT} is not active, cannot reload.")));
            }
            "start" if running => (),
            "start" | "reload" | "restart" | "reload-or-restart" => {
                let bad = self.test_nginx().is_err();
                if bad && reloads {
                    return Err((1, format!("Job for {UNIT} failed.")));
                }
                if bad {
                    // a restart stops the old processes before the new start fails
                    self.fuse.effect(|| self.stop_nginx());
                    self.state.borrow_mut().nginx.failed = true;
                    let words = "failed because the control process exited with error code.";
                    return Err((1, format!("Job for {UNIT} {words}")));
                }
                self.fuse
                    .effect(|| self.run_sites(verb == "restart" || !running));
            }
            other => panic!("no model of systemctl {other} {UNIT}"),
        }
        Ok(String::new())
    }

    fn show_nginx(&self) -> String {
        let nginx = self.state.borrow().nginx.clone();
        let yes = |so: bool, yes: &'static str, no: &'static str| if so { yes } else { no };
        let load = yes(self.has_nginx(), "loaded", "not-found");
        let (active, sub) = match (nginx.running, nginx.failed) {
            (true, _) => ("active", "running"),
            (false, true) => ("failed", "failed"),
            (false, false) => ("inactive", "dead"),
        };
        let enabled = match (self.has_nginx(), self.disk.at(WANTS).is_symlink()) {
            (true, true) => "enabled",
            (true, false) => "disabled",
            (false, _) => "",
        };
        let differs = nginx.knows_folder && nginx.loaded != self.drop_ins();
        let stale = yes(differs, "yes", "no");
        let changed = nginx.changed;
        let pid = if nginx.running { 700 + nginx.starts } else { 0 };
        format!(
            "LoadState={load}\nActiveState={active}\nSubState={sub}\nUnitFileState={enabled}\nNeedDaemonReload={stale}\nNRestarts=0\nMainPID={pid}\nStateChangeTimestampMonotonic={changed}\n"
        )
    }

    /// The status and page that nginx returns for a request to a domain, with TLS or without.
    pub(super) fn visit(&self, cmd: &Cmd, tls: bool) -> Answer {
        let request =
            String::from_utf8_lossy(cmd.stdin.as_deref().unwrap_or_default()).into_owned();
        let path = request.split(' ').nth(1).unwrap_or_default().to_owned();
        let host = values_of_lines(&request, "Host: ")
            .unwrap_or_default()
            .trim()
            .to_owned();
        let nginx = self.state.borrow().nginx.clone();
        let listens = if tls { "listen 443 ssl" } else { "listen 80;" };
        let site = nginx
            .sites
            .values()
            .find(|text| text.contains(listens) && text.contains(&format!("server_name {host};")));
        let Some(site) = site.filter(|_| nginx.running) else {
            return Err((1, "connect:errno=111".into()));
        };
        let upstream = if path == "/websocket" {
            "-websocket {"
        } else {
            "-odoo {"
        };
        let address = site.split_once(upstream).unwrap().1;
        let port = values(address, "server ")[0].rsplit_once(':').unwrap().1;
        let page = if path == "/websocket" {
            "/web/health"
        } else {
            &path
        };
        let Ok(answer) = self.get(&format!("http://127.0.0.1:{port}{page}")) else {
            return Ok("HTTP/1.1 502 Bad Gateway\r\n".into());
        };
        let status = answer.split('\n').next().unwrap_or_default();
        let status = if path == "/websocket" && status == "200" {
            "101"
        } else {
            status
        };
        Ok(format!("HTTP/1.1 {status} X\r\n\r\n"))
    }
}

/// What `sed` prints of a file: its certificates, each from its first to its last line.
pub fn certificates(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let parts = text.split("-----BEGIN CERTIFICATE-----\n").skip(1);
    parts
        .map(|part| {
            let end = "-----END CERTIFICATE-----\n";
            let body = part.split(end).next().unwrap_or_default();
            format!("-----BEGIN CERTIFICATE-----\n{body}{end}")
        })
        .collect()
}

/// The values of a directive, one a line.
fn values<'t>(text: &'t str, key: &str) -> Vec<&'t str> {
    let lines = text
        .lines()
        .filter_map(|line| line.trim_start().strip_prefix(key));
    lines.map(|value| value.trim_end_matches(';')).collect()
}

fn values_of_lines<'t>(text: &'t str, key: &str) -> Option<&'t str> {
    text.lines().find_map(|line| line.strip_prefix(key))
}
