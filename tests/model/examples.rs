//! The sites in `examples/` and in the documents: each can be parsed, planned and, if the model machine has all the
//! programs that it needs, installed.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::SystemTime;

use odoo_deploy::report::{Json, Report};
use odoo_deploy::secret::access::{Access, SecretSource};
use odoo_deploy::site::{Site, Tls};
use serde_json::Value;
use support::machine::{Machine, TOKEN_FILE};
use support::site::{plan_of, quick_playbook};
use support::skipped;
use support::typed::{Paper, typed};

/// The steps that an example must have, and some that it must not have.
const STEPS: &[(&str, &[&str], &[&str])] = &[
    (
        "small.toml",
        &["source", "postgresql", "role", "database", "service"],
        &["proxy", "firewall", "fail2ban", "settings", "connection"],
    ),
    (
        "production.toml",
        &[
            "proxy",
            "http",
            "certificate-acme",
            "renewal",
            "firewall",
            "fail2ban",
            "fail2ban-nginx",
            "wkhtmltopdf",
            "settings",
            "logs",
            "rotation",
        ],
        &["authority", "certificate", "certificate-file", "connection"],
    ),
    (
        "two-sites/live.toml",
        &["authority", "certificate", "proxy"],
        &["certificate-acme"],
    ),
    (
        "two-sites/trial.toml",
        &["authority", "certificate", "proxy"],
        &["certificate-acme"],
    ),
    (
        "private-addons.toml",
        &[
            "source-oca-web",
            "source-house",
            "source-warehouse",
            "release-warehouse",
        ],
        &["proxy"],
    ),
    (
        "remote-database.toml",
        &["connection", "server", "database"],
        &["postgresql", "role", "settings"],
    ),
    (
        "behind-another-proxy.toml",
        &["proxy", "nginx"],
        &["http", "certificate", "certificate-acme", "fail2ban"],
    ),
];

/// Examples that are planned but not installed, and the reason: what the model machine does not have.
const NOT_INSTALLED: &[(&str, &str)] = &[
    ("production.toml", "certbot and fail2ban"),
    (
        "remote-database.toml",
        "a server of PostgreSQL on another host without one here",
    ),
];

/// The least number of examples.
const LEAST: usize = 6;

/// The least number of sites in the documents.
const BLOCKS: usize = 20;

/// The least number of files that the documents link to.
const LINKS: usize = 20;

/// An example: its path below `examples/`, its text, and the site.
struct Example {
    name: String,
    text: String,
    site: Site,
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// All files below `folder` that end in `.` and `extension`.
fn below(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(below(&path, extension));
        } else if path.extension().is_some_and(|end| end == extension) {
            found.push(path);
        }
    }
    found.sort();
    found
}

fn examples() -> Vec<Example> {
    let folder = root().join("examples");
    let read = |path: &PathBuf| {
        let text = fs::read_to_string(path).unwrap();
        let site = Site::parse(path, &text);
        let site = site.unwrap_or_else(|wrong| panic!("{}", wrong.render(100, false)));
        let name = path.strip_prefix(&folder).unwrap();
        Example {
            name: name.display().to_string(),
            text,
            site,
        }
    };
    let all: Vec<Example> = below(&folder, "toml").iter().map(read).collect();
    assert!(all.len() >= LEAST, "{} examples", all.len());
    all
}

/// The examples, grouped by server. The examples in one folder are for one server; those at the top are each for their
/// own server.
fn servers() -> Vec<Vec<Example>> {
    let mut servers: BTreeMap<String, Vec<Example>> = BTreeMap::new();
    for example in examples() {
        let folder = example.name.split_once('/').map(|(folder, _)| folder);
        let server = folder.unwrap_or(&example.name).to_owned();
        servers.entry(server).or_default().push(example);
    }
    servers.into_values().collect()
}

/// A bare machine with the owner's files that the sites name. Only root can read them.
fn machine(sites: &[Example]) -> Machine {
    let machine = Machine::bare();
    let token = machine.disk.text(TOKEN_FILE);
    for Example { site, .. } in sites {
        let mut files: Vec<PathBuf> = Vec::new();
        let accesses = site.addons.iter().map(|addons| &addons.access);
        for access in accesses.chain([&site.odoo.access]).flatten() {
            match access {
                Access::Key { file, known_hosts } => {
                    files.push(file.clone());
                    files.extend(known_hosts.clone());
                }
                Access::Token {
                    from: SecretSource::File(file),
                    ..
                } => files.push(file.clone()),
                Access::Token { .. } => (),
            }
        }
        let server = site.postgres.server.as_ref();
        files.extend(server.map(|server| server.password.as_str().into()));
        for file in files {
            let path = file.to_str().unwrap();
            machine.disk.put_as(path, token.as_str(), (0, 0), 0o600);
        }
        let certificate = server.and_then(|server| server.root_certificate.as_ref());
        if let Some(path) = certificate {
            machine.disk.put(path.as_str(), "an authority\n");
        }
    }
    machine
}

/// A folder with the sites of one server, and the playbook of the tests, which waits and hashes less.
fn folder(sites: &[Example]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("odoo.toml"), quick_playbook()).unwrap();
    for example in sites {
        let name = Path::new(&example.name).file_name().unwrap();
        fs::write(folder.path().join(name), &example.text).unwrap();
    }
    folder
}

/// The result of a command.
struct Told {
    code: u8,
    events: Vec<Value>,
}

impl Told {
    /// The steps that a plan would change.
    fn pending(&self) -> BTreeSet<&str> {
        let planned = self.events.iter();
        let planned = planned.filter(|event| event["event"] == "planned");
        let pending = planned.filter(|event| event["before"] != event["after"]);
        pending.filter_map(|event| event["step"].as_str()).collect()
    }

    /// The errors, for the message of a failing test.
    fn errors(&self) -> String {
        let errors = self
            .events
            .iter()
            .filter_map(|event| event["error"].as_str());
        errors.collect::<Vec<_>>().join("\n")
    }
}

/// Runs a command on a machine. `SITES` stands for the folder of the sites.
fn said(machine: &Machine, sites: &Path, line: &str) -> Told {
    let out = Paper::default();
    let report = Report::Json(Rc::new(Json::new(out.clone(), SystemTime::now)));
    let place = ("SITES", sites.to_str().unwrap());
    let code = typed(machine.host(report.events()), line, place, &report);
    let text = out.text();
    let events = text.lines().map(|line| serde_json::from_str(line).unwrap());
    Told {
        code,
        events: events.collect(),
    }
}

#[test]
fn each_example_has_its_steps() {
    let all = examples();
    for (name, has, has_not) in STEPS {
        let example = all.iter().find(|example| example.name == *name);
        let example = example.unwrap_or_else(|| panic!("there is no `examples/{name}`"));
        let plan = plan_of(example.site.clone());
        let steps: BTreeSet<&str> = plan.steps.iter().map(|step| step.id.as_str()).collect();
        for step in *has {
            assert!(steps.contains(step), "{name} has no `{step}`: {steps:?}");
        }
        for step in *has_not {
            assert!(!steps.contains(step), "{name} has `{step}`");
        }
    }
    for example in &all {
        let is_known = STEPS.iter().any(|(name, ..)| *name == example.name);
        assert!(is_known, "say in STEPS what `{}` is about", example.name);
    }
}

#[test]
fn a_dry_run_of_each_example_on_a_bare_machine_changes_nothing() {
    if skipped() {
        return;
    }
    for server in servers() {
        let (machine, folder) = (machine(&server), folder(&server));
        for example in &server {
            let file = Path::new(&example.name).file_name().unwrap();
            let line = format!(
                "install --dry-run --exit-code --json --config SITES/{}",
                file.display()
            );
            machine.fuse.disarm();
            let told = said(&machine, folder.path(), &line);
            assert_eq!(told.code, 2, "{}: {}", example.name, told.errors());
            assert!(machine.fuse.seen().is_empty(), "{}", example.name);
            let plan = plan_of(example.site.clone());
            let steps: BTreeSet<&str> = plan.steps.iter().map(|step| step.id.as_str()).collect();
            let pending = told.pending();
            let missing: Vec<_> = steps.difference(&pending).collect();
            // a link that must be absent is already absent
            let expected: &[&&str] = match example.site.proxy.as_ref().map(|proxy| proxy.tls) {
                Some(Tls::None) => &[&"http-link"],
                _ => &[],
            };
            assert_eq!(missing, expected, "{}", example.name);
        }
    }
}

#[test]
fn each_example_is_installed_and_a_second_plan_is_empty() {
    if skipped() {
        return;
    }
    let mut installed = 0;
    for server in servers() {
        let is_left_out =
            |example: &Example| NOT_INSTALLED.iter().any(|(name, _)| *name == example.name);
        if server.iter().any(is_left_out) {
            continue;
        }
        let names: Vec<&str> = server.iter().map(|example| example.name.as_str()).collect();
        let (machine, folder) = (machine(&server), folder(&server));
        let told = said(
            &machine,
            folder.path(),
            "install --yes --json --config SITES",
        );
        assert_eq!(told.code, 0, "{names:?}: {}", told.errors());
        machine.fuse.disarm();
        let again = said(
            &machine,
            folder.path(),
            "install --dry-run --exit-code --json --config SITES",
        );
        assert_eq!(again.code, 0, "{names:?}: {}", again.errors());
        assert_eq!(again.pending(), BTreeSet::new(), "{names:?}");
        let audit = said(&machine, folder.path(), "audit --json --config SITES");
        assert_eq!(audit.code, 0, "{names:?}: {}", audit.errors());
        assert!(
            machine.fuse.seen().is_empty(),
            "{names:?}: a look changed something"
        );
        for example in &server {
            let unit = format!("/etc/systemd/system/{}", example.site.paths.unit);
            assert!(machine.disk.exists(&unit), "{}", example.name);
        }
        installed += server.len();
    }
    assert_eq!(installed, examples().len() - NOT_INSTALLED.len());
}

/// The blocks of a document that are marked as `toml`, each with the number of its first line.
fn blocks(text: &str) -> Vec<(usize, String)> {
    let mut blocks: Vec<(usize, String)> = Vec::new();
    let mut is_open = false;
    for (line, number) in text.lines().zip(1..) {
        if line.trim_start() == "```toml" {
            blocks.push((number, String::new()));
            is_open = true;
        } else if line.trim_start().starts_with("```") {
            is_open = false;
        } else if let (true, Some((_, block))) = (is_open, blocks.last_mut()) {
            block.push_str(line);
            block.push('\n');
        }
    }
    blocks
}

/// Completes a fragment of a site. A site needs only a version.
fn whole(block: &str) -> String {
    let version = "[odoo]\nversion = \"19.0\"\n";
    let is_head = |line: &str| line.trim() == "[odoo]";
    if !block.lines().any(is_head) {
        return format!("{block}\n{version}");
    }
    let has_version = block.lines().any(|line| line.starts_with("version"));
    if has_version {
        return block.to_owned();
    }
    block.replacen("[odoo]\n", version, 1)
}

#[test]
fn sites_in_documents_can_be_parsed() {
    let mut documents = below(&root().join("docs"), "md");
    documents.push(root().join("README.md"));
    let mut count = 0;
    let mut wrong = Vec::new();
    for document in &documents {
        let text = fs::read_to_string(document).unwrap();
        for (line, block) in blocks(&text) {
            count += 1;
            let name = document.strip_prefix(root()).unwrap();
            if let Err(errors) = Site::parse(name, &whole(&block)) {
                wrong.push(format!(
                    "{}:{line}\n{}",
                    name.display(),
                    errors.render(100, false)
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(count >= BLOCKS, "{count} blocks");
}

#[test]
fn links_in_documents_lead_to_existing_files() {
    let mut documents = below(&root().join("docs"), "md");
    for name in [
        "README.md",
        "CONTRIBUTING.md",
        "ARCHITECTURE.md",
        "CHANGELOG.md",
    ] {
        documents.push(root().join(name));
    }
    let mut count = 0;
    for document in &documents {
        let text = fs::read_to_string(document).unwrap();
        for link in text.split("](").skip(1) {
            let (target, _) = link.split_once(')').unwrap();
            let (path, _) = target.split_once('#').unwrap_or((target, ""));
            if path.is_empty() || path.contains("://") {
                continue;
            }
            let file = document.parent().unwrap().join(path);
            assert!(
                file.exists(),
                "{}: `{target}` is not there",
                document.display()
            );
            count += 1;
        }
    }
    assert!(count >= LINKS, "{count} links");
}
