//! No secret leaves its place: tested with every command, in every form of output, after runs that committed, were
//! rolled back, or were killed.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::rc::Rc;
use std::sync::{Arc, Mutex};
use std::time::SystemTime;

use odoo_deploy::event::Events;
use odoo_deploy::host::{Host, Programs};
use odoo_deploy::report::{Human, Json, Options, Report};
use support::act::{Act, act};
use support::canary::{Canary, leaks};
use support::counts;
use support::machine::{Death, Machine, TOKEN_FILE};
use support::site::{SiteFile, SiteSpec};
use support::typed::{Paper, typed};
use tracing_subscriber::fmt::MakeWriter;

/// The form of output.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Form {
    Plain,
    Colour,
    Json,
    Debug,
}

const FORMS: [Form; 4] = [Form::Plain, Form::Colour, Form::Json, Form::Debug];

const LINES: [&str; 7] = [
    "install --config SITE --dry-run",
    "audit --config SITE",
    "status --config SITE",
    "render --config SITE",
    "graph --config SITE --pending",
    "install --config SITE --yes",
    "rollback --config SITE --yes",
];

/// Passwords that the owner wrote into the configuration. They are hard to quote.
const BY_HAND: [&str; 2] = ["kana'rien \"vogel\" $1%2\\x", "zwei/ter+vogel&flog=fort?"];

const KEY: &str = "b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAAAAAABAAAAMwAAAAtzc2gtZW\n";

/// The configuration for a `PostgreSQL` on another host, and the password of its role.
const REMOTE: &str = "[postgres]\nhost = \"db.example.org\"\nuser = \"odoo\"\npassword = { file = \"/etc/db.password\" }\n";
const ROLE: &str = "Rolle'n \\ \"vogel\" am=Fluss?";

/// The debug traces.
#[derive(Clone, Default)]
struct Traces(Arc<Mutex<Vec<u8>>>);

impl Write for Traces {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'w> MakeWriter<'w> for Traces {
    type Writer = Self;

    fn make_writer(&'w self) -> Self {
        self.clone()
    }
}

/// Everything that a run showed: its streams, its traces, and the process table.
struct Shown {
    out: Paper,
    err: Paper,
    traces: Traces,
    table: Paper,
}

impl Shown {
    fn texts(&self) -> Vec<(String, Vec<u8>)> {
        let taken = [
            ("stdout", self.out.take()),
            ("stderr", self.err.take()),
            ("debug traces", self.traces.0.lock().unwrap().clone()),
            ("/proc/*/cmdline and environ", self.table.take()),
        ];
        taken.map(|(place, text)| (place.to_owned(), text)).into()
    }
}

/// The machine, with a record of the arguments and environments of all programs.
fn watched(machine: &Machine, events: Events, table: &Paper) -> Host {
    let host = machine.host(events.clone());
    let Programs::Model(model) = host.programs().clone() else {
        panic!("a model machine has a model of its programs");
    };
    let table = table.clone();
    let programs = Programs::Model(Rc::new(move |host: &Host, cmd| {
        let mut table = table.clone();
        writeln!(table, "{cmd} {:?}", cmd.env).unwrap();
        model(host, cmd)
    }));
    Host::at(machine.root(), programs, events).with_disk(host.disk().clone())
}

fn run(machine: &Machine, site: &SiteFile, line: &str, form: Form) -> Shown {
    let shown = Shown {
        out: Paper::default(),
        err: Paper::default(),
        traces: Traces::default(),
        table: Paper::default(),
    };
    let mut options = Options::plain();
    options.stdout.color = form == Form::Colour;
    options.stderr.color = form == Form::Colour;
    let report = if form == Form::Json {
        Report::Json(Rc::new(Json::new(shown.out.clone(), SystemTime::now)))
    } else {
        Report::Human(Rc::new(Human::new(
            shown.out.clone(),
            shown.err.clone(),
            options,
        )))
    };
    let config = site.path().display().to_string();
    let work = || {
        let host = watched(machine, report.events(), &shown.table);
        typed(host, line, ("SITE", &config), &report);
    };
    if form == Form::Debug {
        let subscriber = tracing_subscriber::fmt()
            .with_max_level(tracing::Level::TRACE)
            .with_writer(shown.traces.clone())
            .finish();
        tracing::subscriber::with_default(subscriber, work);
    } else {
        work();
    }
    shown
}

/// A machine with an owner's `odoo.conf` that contains passwords, and with a key of root.
fn bare() -> Machine {
    let machine = Machine::bare();
    let [database, master] = BY_HAND;
    let conf = format!("[options]\ndb_password = {database}\nadmin_passwd = {master}\n");
    machine.disk.put_as("/etc/odoo.conf", conf, (0, 0), 0o600);
    machine
        .disk
        .put_as("/root/.ssh/id_ed25519", KEY, (0, 0), 0o600);
    machine
}

/// The machines for the test, each with another end of the run before: secrets usually leak after an error.
fn grounds() -> Vec<(&'static str, Machine, SiteFile)> {
    let wish = || SiteFile::new(&SiteSpec::default());
    let (done, site) = (bare(), wish());
    assert_eq!(act(&done, &site, Act::Install).unwrap().code, 0);
    let conf = done.disk.text("/etc/odoo.conf");
    let line = conf
        .lines()
        .find(|line| line.starts_with("admin_passwd"))
        .unwrap();
    let edited = conf.replace(
        line,
        &format!(
            "admin_passwd = {}\nsmtp_password = {}",
            BY_HAND[1], BY_HAND[0]
        ),
    );
    fs::write(done.disk.at("/etc/odoo.conf"), edited).unwrap();

    let fails = SiteFile::new(&SiteSpec {
        modules: vec!["no_such_module"],
        ..SiteSpec::default()
    });
    let failed = bare();
    assert_eq!(act(&failed, &fails, Act::Install).unwrap().code, 1);

    let (killed, resumed) = (bare(), wish());
    killed.fuse.arm(200, Death::Before);
    assert!(act(&killed, &resumed, Act::Install).is_none());
    killed.fuse.disarm();

    let (remote, elsewhere) = (bare(), wish());
    assert_eq!(act(&remote, &elsewhere, Act::Install).unwrap().code, 0);
    let text = fs::read_to_string(elsewhere.path()).unwrap() + REMOTE;
    fs::write(elsewhere.path(), text).unwrap();
    remote
        .disk
        .put_as("/etc/db.password", format!("{ROLE}\n"), (0, 0), 0o600);
    remote.state.borrow_mut().postgres.remote = Some(ROLE.into());
    let ended = act(&remote, &elsewhere, Act::Install).unwrap();
    assert_eq!(ended.code, 0, "{}", ended.error);
    assert!(remote.disk.text("/etc/odoo.conf").contains(ROLE));
    vec![
        ("done", done, site),
        ("failed", failed, fails),
        ("killed", killed, resumed),
        ("remote", remote, elsewhere),
    ]
}

/// The secrets of a machine: those that existed before, and the generated ones.
fn canaries(machine: &Machine) -> Vec<Canary> {
    let mut all = vec![
        Canary::new(4, KEY.trim()),
        Canary::new(5, BY_HAND[0]),
        Canary::new(5, BY_HAND[1]),
        Canary::new(6, machine.disk.text(TOKEN_FILE).trim()),
        Canary::new(7, ROLE),
    ];
    let secrets = "/var/lib/odoo-deploy/odoo/secrets";
    let files = [
        "admin-password",
        "admin-password.hash",
        "master-password",
        "master-password.hash",
    ];
    for (number, file) in files.iter().enumerate() {
        let value = machine.disk.text(&format!("{secrets}/{file}"));
        if !value.is_empty() {
            all.push(Canary::new(number, value.trim()));
        }
    }
    all
}

/// The files of a machine below `folder`.
fn files(machine: &Machine, folder: &Path, all: &mut Vec<(String, Vec<u8>)>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let meta = path.symlink_metadata().unwrap();
        if meta.is_dir() {
            files(machine, &path, all);
        } else if meta.is_file() {
            let inside = path.strip_prefix(machine.root()).unwrap();
            all.push((format!("/{}", inside.display()), fs::read(&path).unwrap()));
        }
    }
}

#[test]
fn no_secret_leaves_its_home() {
    let mut scans = 0;
    let mut found = Vec::new();
    for (name, ground, site) in &grounds() {
        for line in LINES {
            for form in FORMS {
                let machine = ground.twin();
                let before = canaries(&machine);
                let shown = run(&machine, site, line, form);
                // the secrets before the run, which it may have removed, and those after it
                let all = [before, canaries(&machine)].concat();
                let mut on_disk = Vec::new();
                files(&machine, machine.root(), &mut on_disk);
                let (state, rest): (Vec<_>, Vec<_>) = on_disk
                    .into_iter()
                    .partition(|(place, _)| place.starts_with("/var/lib/odoo-deploy"));
                let (etc, rest): (Vec<_>, Vec<_>) = rest
                    .into_iter()
                    .partition(|(place, _)| place.starts_with("/etc"));
                let streams = shown
                    .texts()
                    .into_iter()
                    .filter(|(_, text)| !text.is_empty());
                let searched = streams.map(|text| vec![text]).chain([state, etc, rest]);
                for texts in searched {
                    scans += 1;
                    let texts = texts
                        .iter()
                        .map(|(place, text)| (place.as_str(), &text[..]));
                    let leaks = leaks(&all, texts);
                    found.extend(
                        leaks
                            .iter()
                            .map(|leak| format!("{name}, {line}, {form:?}: {leak}")),
                    );
                }
            }
        }
    }
    assert!(
        found.is_empty(),
        "{} leaks: {:#?}",
        found.len(),
        &found[..found.len().min(20)]
    );
    counts::tell("canary scans", "canaries", scans);
}

#[test]
fn a_secret_is_found_in_every_form() {
    let secret = "geheim'nis \"47\" %&/ö=?x1";
    let canary = [Canary::new(0, secret)];
    let base64 = "eiBnZWhlaW0nbmlzICI0NyIgJSYvw7Y9P3gxIGE="; // `z … a`
    let texts = [
        format!("password is {secret}."),
        "it ends with &/ö=?x1".into(),
        "67656865696d276e697320223437222025262fc3b63d3f7831".into(),
        "67656865696D276E697320223437222025262FC3B63D3F7831".into(),
        "?p=geheim%27nis%20%2247%22%20%25%26%2F%C3%B6%3D%3Fx1&q".into(),
        r#"'geheim'\''nis "47" %&/ö=?x1'"#.into(),
        serde_json::json!({ "p": secret }).to_string(),
        base64.into(),
    ];
    for text in texts {
        assert_eq!(
            leaks(&canary, [("a log", text.as_bytes())]).len(),
            1,
            "{text}"
        );
        let home = "/var/lib/odoo-deploy/odoo/secrets/admin-password";
        assert!(leaks(&canary, [(home, text.as_bytes())]).is_empty());
    }
    assert!(leaks(&canary, [("a log", &b"nothing of the kind"[..])]).is_empty());
}
