//! The time that the parts of a run take as the number of steps grows: folders and files on a temporary root.
//!
//! `cargo bench -p benches --bench steps`; `make bench` reads the output.

#![allow(
    clippy::unwrap_used,
    reason = "a benchmark may panic; the message says where"
)]

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::Path;
use std::rc::Rc;

use divan::Bencher;
use odoo_deploy::engine::journal::{self, FORMAT, Journal, Record, key};
use odoo_deploy::engine::observe::{Observed, observe as look};
use odoo_deploy::event::{Event, Events};
use odoo_deploy::host::{Disk, Host, Programs};
use odoo_deploy::odoo::distribution::Distribution;
use odoo_deploy::odoo::facts::Facts;
use odoo_deploy::odoo::release::{Release, Series};
use odoo_deploy::odoo::target::target;
use odoo_deploy::plan::Plan;
use odoo_deploy::plan::blueprint::Blueprint;
use odoo_deploy::report::{Human, Options};
use odoo_deploy::resource::AnyResource;
use odoo_deploy::site::Site;
use tempfile::TempDir;

const STEPS: [usize; 3] = [10, 100, 1000];

fn main() {
    divan::main();
}

/// A machine with only files, and a site with a playbook of many steps.
struct Ground {
    root: TempDir,
    blueprint: Blueprint,
}

impl Ground {
    fn new(steps: usize) -> Self {
        let root = tempfile::tempdir().unwrap();
        let etc = root.path().join("etc");
        fs::create_dir(&etc).unwrap();
        fs::write(etc.join("passwd"), "root:x:0:0:root:/root:/bin/bash\n").unwrap();
        fs::write(etc.join("group"), "root:x:0:\n").unwrap();
        let release = "ID=debian\nVERSION_ID=\"12\"\nPRETTY_NAME=\"Debian 12\"\n";
        fs::write(etc.join("os-release"), release).unwrap();
        let beside = root.path().join("site");
        fs::create_dir(&beside).unwrap();
        let site = beside.join("site.toml");
        fs::write(&site, "[odoo]\nversion = \"19.0\"\n").unwrap();
        fs::write(beside.join("odoo.toml"), playbook(steps)).unwrap();
        let host = host(root.path());
        let debian = Distribution::of("debian", "12").unwrap();
        let blueprint = Blueprint::new(
            Site::load(&site).unwrap(),
            target(Release::of(Series::V19), debian).unwrap(),
            Facts::read(&host).unwrap(),
            &beside,
            BTreeMap::new(),
        );
        Self {
            blueprint: blueprint.unwrap(),
            root,
        }
    }

    fn plan(&self) -> Plan {
        self.blueprint.compile().unwrap()
    }

    /// Creates everything that the plan wants.
    fn settle(&self) {
        for step in &self.plan().steps {
            let subject = step.resource.subject();
            let place = self.root.path().join(subject.trim_start_matches('/'));
            if step.resource.kind() == "directory" {
                fs::create_dir_all(place).unwrap();
            } else {
                fs::write(place, file_of(&step.resource)).unwrap();
            }
        }
    }

    fn look(&self, plan: &Plan) -> Observed {
        runtime()
            .block_on(look(&host(self.root.path()), plan))
            .unwrap()
    }
}

fn file_of(resource: &AnyResource) -> &str {
    match resource {
        AnyResource::File(file) => &file.content,
        _ => "",
    }
}

fn host(root: &Path) -> Host {
    Host::at(root, Programs::Real, Events::silent())
}

fn runtime() -> tokio::runtime::Runtime {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    builder.enable_all().build().unwrap()
}

/// Folders and files in turn.
fn playbook(steps: usize) -> String {
    let mut text = String::new();
    for number in 0..steps {
        let what = if number % 2 == 0 {
            format!("directory = {{ path = \"/srv/{number}\"")
        } else {
            format!(
                "file = {{ path = \"/srv/{}/unit\", template = \"odoo.service\"",
                number - 1
            )
        };
        let owned = "owner = \"root\", group = \"root\", mode = \"0755\" }";
        writeln!(text, "[[step]]\nid = \"step-{number}\"\n{what}, {owned}\n").unwrap();
    }
    text
}

/// Compiles the playbook to a plan.
#[divan::bench(args = STEPS, max_time = 1)]
fn compile(bencher: Bencher, steps: usize) {
    let ground = Ground::new(steps);
    assert_eq!(ground.plan().steps.len(), steps);
    bencher.bench_local(|| ground.plan());
}

/// Reads and compares a machine that is as wanted.
#[divan::bench(args = STEPS, max_time = 1)]
fn observe(bencher: Bencher, steps: usize) {
    let ground = Ground::new(steps);
    ground.settle();
    let (plan, host, runtime) = (ground.plan(), host(ground.root.path()), runtime());
    bencher.bench_local(|| runtime.block_on(look(&host, &plan)).unwrap());
}

/// Prints a plan that creates everything.
#[divan::bench(args = STEPS, max_time = 1)]
fn diff(bencher: Bencher, steps: usize) {
    let ground = Ground::new(steps);
    let observed = ground.look(&ground.plan());
    assert_eq!(observed.pending().count(), steps);
    bencher.bench_local(|| {
        let human = Rc::new(Human::new(io::sink(), io::sink(), Options::plain()));
        for change in &observed.changes {
            human.event(&Event::Planned(change.clone()));
        }
        human.event(&Event::Plan(observed.totals()));
    });
}

/// The records of a run that creates everything.
fn records(steps: usize) -> Vec<Record> {
    let ground = Ground::new(steps);
    let plan = ground.plan();
    let observed = ground.look(&plan);
    let mut records = vec![Record::Opened {
        format: FORMAT,
        site: "odoo".into(),
        version: "0".into(),
        time: 1,
        moment: None,
    }];
    for (step, found) in plan.steps.iter().zip(&observed.found) {
        let after = step.resource.want(found).unwrap();
        records.push(Record::Begin {
            step: step.id.clone(),
            resource: step.resource.clone(),
            before: found.clone(),
            after: after.clone(),
        });
        records.push(Record::Done {
            key: key(&step.resource),
            state: after,
        });
    }
    records.push(Record::Committed { time: 2 });
    records
}

fn keep(folder: &Path, records: &[Record]) {
    let mut records = records.iter().cloned();
    let opened = records.next().unwrap();
    let mut journal = Journal::begin(&Disk::default(), folder, 1, opened).unwrap();
    for record in records {
        journal.write(record).unwrap();
    }
}

/// Writes two records for each step, each synced before the next.
#[divan::bench(args = STEPS, max_time = 3, sample_count = 20)]
fn write(bencher: Bencher, steps: usize) {
    let records = records(steps);
    bencher
        .with_inputs(|| tempfile::tempdir().unwrap())
        .bench_local_refs(|folder| keep(folder.path(), &records));
}

/// Reads all records, and checks their seals.
#[divan::bench(args = STEPS, max_time = 1)]
fn replay(bencher: Bencher, steps: usize) {
    let folder = tempfile::tempdir().unwrap();
    keep(folder.path(), &records(steps));
    bencher.bench_local(|| journal::runs(folder.path()).unwrap());
}
