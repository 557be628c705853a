//! No secret leaves its home on a real server, not even in the process table, PostgreSQL's log, or the journal
//! of systemd.

use std::collections::BTreeSet;
use std::fs;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread::sleep;
use std::time::Duration;

use libtest_mimic::Trial;

use super::sources::{SSH, over_ssh};
use super::support::run::Run;
use super::support::server::{SITE, Server};
use super::support::tally::{arrived, count, show};
use super::support::{bases, scenario, web};
use ::support::canary::{Canary, leaks};

pub(crate) fn trials() -> Vec<Trial> {
    vec![scenario("no_secret_leaves_its_home", canaries)]
}

const SECRETS: &str = "/var/lib/odoo-deploy/odoo/secrets";

/// The files of the secrets, in the order of `canary::HOMES`.
const FILES: [&str; 4] = [
    "admin-password",
    "admin-password.hash",
    "master-password",
    "master-password.hash",
];

const BY_HAND: [&str; 2] = ["kana'rien \"vogel\" $1%2", "zwei/ter+vogel&flog=fort?"];

/// Lets PostgreSQL log every statement.
const TALKATIVE: &str = "alter system set log_statement = 'all'; alter system set log_min_duration_statement = 0; \
                         alter system set log_min_error_statement = 'debug5'";

/// Where a run, or a program that it starts, may write: a name, and a script that lists the files.
const PLACES: [(&str, &str); 5] = [
    ("state", "find /var/lib/odoo-deploy -type f"),
    ("settings", "find /etc -type f"),
    (
        "git",
        "find /opt/odoo /srv -path '*/.git/*' -type f -size -1000k 2>/dev/null || true",
    ),
    (
        "logs",
        "find /var/log -type f -not -path '/var/log/journal/*'",
    ),
    (
        "passing",
        "find /run/odoo-deploy /tmp /var/tmp -xdev -type f -size -5M 2>/dev/null || true",
    ),
];

/// Everything seen in the process table during some work, and the secrets that existed then.
#[derive(Default)]
struct Watch {
    lines: BTreeSet<Vec<u8>>,
    environments: BTreeSet<Vec<u8>>,
    secrets: BTreeSet<(usize, String)>,
}

impl Watch {
    fn look(&mut self, server: &Server) {
        let table = server.path("/proc");
        for entry in fs::read_dir(table).into_iter().flatten().flatten() {
            let name = entry.file_name();
            if name.to_string_lossy().parse::<u32>().is_err() {
                continue;
            }
            self.lines.extend(fs::read(entry.path().join("cmdline")));
            self.environments
                .extend(fs::read(entry.path().join("environ")));
        }
        for (number, file) in FILES.iter().enumerate() {
            let secret = fs::read_to_string(server.path(&format!("{SECRETS}/{file}")));
            let whole = secret.ok().filter(|secret| secret.ends_with('\n'));
            self.secrets
                .extend(whole.map(|secret| (number, secret.trim().to_owned())));
        }
    }

    /// Does `work`, and watches the process table meanwhile.
    fn during<T>(&mut self, server: &Server, work: impl FnOnce() -> T) -> T {
        let over = AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                while !over.load(Relaxed) {
                    self.look(server);
                    sleep(Duration::from_millis(5));
                }
                self.look(server);
            });
            // a guard, so that the watch also ends if `work` panics: the scope waits for the other thread
            let _over = Over(&over);
            work()
        })
    }
}

/// Ends the watch when it is dropped.
struct Over<'a>(&'a AtomicBool);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.store(true, Relaxed);
    }
}

struct Search {
    server: Server,
    watch: Watch,
    /// The secrets that existed before the first run.
    planted: Vec<Canary>,
    scans: usize,
    leaks: Vec<String>,
}

impl Search {
    fn run(&mut self, what: &str, work: impl FnOnce(&Server) -> Run) {
        let run = self.watch.during(&self.server, || work(&self.server));
        let mut all = self.planted.clone();
        all.extend(
            self.watch
                .secrets
                .iter()
                .map(|(number, secret)| Canary::new(*number, secret)),
        );
        let journal = self
            .server
            .sh("journalctl --no-pager --all --output=export | cat");
        self.scan(
            what,
            &all,
            &[
                ("stdout", run.out.as_bytes()),
                ("stderr", run.err.as_bytes()),
                ("systemd's journal", journal.as_bytes()),
            ],
        );
        let (lines, environments) = (self.watch.lines.clone(), self.watch.environments.clone());
        for (place, seen) in [
            ("/proc/*/cmdline", lines),
            ("/proc/*/environ", environments),
        ] {
            let texts: Vec<_> = seen.iter().map(|text| (place, &text[..])).collect();
            self.searched(what, &all, &texts);
        }
        for (_, find) in PLACES {
            let paths = self.server.sh(find);
            // some files were deleted since they were listed
            let read = |path: &str| Some((path.to_owned(), fs::read(self.server.path(path)).ok()?));
            let files: Vec<_> = paths.lines().filter_map(read).collect();
            let texts: Vec<_> = files
                .iter()
                .map(|(path, text)| (path.as_str(), &text[..]))
                .collect();
            self.searched(what, &all, &texts);
        }
    }

    fn scan(&mut self, what: &str, all: &[Canary], texts: &[(&str, &[u8])]) {
        for text in texts {
            self.searched(what, all, &[*text]);
        }
    }

    fn searched(&mut self, what: &str, all: &[Canary], texts: &[(&str, &[u8])]) {
        self.scans += 1;
        let found = leaks(all, texts.iter().copied());
        self.leaks
            .extend(found.into_iter().map(|leak| format!("{what}: {leak}")));
    }
}

fn canaries() {
    let server = Server::ready("canaries", bases::packed());
    server.sh(SSH);
    server.sql("postgres", "select 1");
    for change in TALKATIVE.split("; ") {
        server.sql("postgres", change);
    }
    server.sql("postgres", "select pg_reload_conf()");
    let over_ssh = over_ssh("/root/.ssh/id_ed25519");
    let fails = over_ssh.replace("[python]", "modules = [\"no_such_module\"]\n\n[python]");

    let key = server.read("/root/.ssh/id_ed25519");
    // without the first line, which all keys of this type share
    let mut planted: Vec<Canary> = key
        .lines()
        .skip(2)
        .take(3)
        .map(|line| Canary::new(4, line))
        .collect();
    planted.extend(BY_HAND.map(|secret| Canary::new(5, secret)));
    let [database, master] = BY_HAND;
    server.write(
        "/etc/odoo.conf",
        &format!("[options]\ndb_password = {database}\nadmin_passwd = {master}\n"),
    );
    server.sh("chmod 0600 /etc/odoo.conf");
    let watch = Watch::default();
    let mut search = Search {
        server,
        watch,
        planted,
        scans: 0,
        leaks: Vec::new(),
    };

    search.run("rolled back, --json", |server| {
        server.write(SITE, &fails);
        let run = server.json(&["install", "--yes"]);
        run.expect_code(3);
        run
    });
    search.run("killed, debug", |server| {
        server.write(SITE, &over_ssh);
        let mut running = server.start_in(&["install", "--yes"], &[("ODOO_DEPLOY_LOG", "debug")]);
        running.await_step("database");
        sleep(Duration::from_secs(2));
        server.kill_lock_holder();
        running.finish()
    });
    search.run("gone on, debug", |server| {
        let run = server
            .start_in(&["install", "--yes"], &[("ODOO_DEPLOY_LOG", "debug")])
            .finish();
        run.expect_code(0);
        assert!(run.err.contains("DEBUG"), "no traces:\n{}", run.err);
        run
    });
    arrived();
    search.run("audit, colour", |server| {
        web::expect_alive(server);
        server.sh("sed -i '/^admin_passwd/d' /etc/odoo.conf");
        let conf = server.read("/etc/odoo.conf");
        let more = format!("admin_passwd = {master}\nsmtp_password = {database}\n");
        server.write("/etc/odoo.conf", &(conf + &more));
        let run = server.odoo(&["audit", "--color", "always"]);
        run.expect_code(2).expect_told("smtp_password");
        run
    });
    search.run("install, colour", |server| {
        let run = server.odoo(&["install", "--yes", "--color", "always"]);
        run.expect_code(0);
        run
    });
    search.run("status", |server| server.json(&["status"]));
    search.run("rollback, --json", |server| {
        let run = server.json(&["rollback", "--yes"]);
        run.expect_code(0);
        run
    });

    let Search {
        server,
        watch,
        scans,
        leaks,
        ..
    } = search;
    let log = server.sh("cat /var/log/postgresql/*.log");
    assert!(
        log.contains("create database"),
        "PostgreSQL logs no statements"
    );
    assert!(
        watch.secrets.len() >= FILES.len(),
        "the secrets were not seen"
    );
    assert!(
        leaks.is_empty(),
        "{} leaks: {:#?}",
        leaks.len(),
        &leaks[..leaks.len().min(20)]
    );
    count("canary scans", scans);
    show(
        14,
        format!(
            "{scans} scans of streams, {} command lines, {} environments, systemd's journal, PostgreSQL's log of every \
             statement, .git, /etc and the program's state for {} secrets: 0 found",
            watch.lines.len(),
            watch.environments.len(),
            watch.secrets.len() + 5,
        ),
    );
}
