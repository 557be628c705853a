//! The setup of a benchmark: its numbers, the bed, and what every machine sees of the host.

use std::env;
use std::ffi::OsString;
use std::fmt::{Display, Write as _};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use rehearse::{Base, Bed, Bind, Lock, Machine, Spec, Status, Storage};

use super::repository::repository;

/// The prefix of the names of the machines.
pub(crate) const PREFIX: &str = "bench-";
/// The folder in each machine with the files of the host.
pub(crate) const SHARED: &str = "/run/bench";
/// The contenders' programs on PyPI, and their folders.
const TOOLS: [(&str, &str); 2] = [
    ("ansible", include_str!("../contenders/ansible.txt")),
    ("pyinfra", include_str!("../contenders/pyinfra.txt")),
];

pub(crate) struct World {
    pub(crate) bed: Bed,
    /// A Debian 12 as its installer leaves it, with Python.
    pub(crate) base: Base,
    pub(crate) binary: PathBuf,
    /// The folder of logs and other temporary files.
    pub(crate) work: PathBuf,
    pub(crate) first: usize,
    pub(crate) again: usize,
    pub(crate) quick: usize,
    /// The variant of Odoo: `full`, or `lite` with only what a new database needs.
    pub(crate) odoo: String,
    pub(crate) storage: Storage,
    /// The names of the contenders that run; empty for all.
    pub(crate) only: Vec<String>,
    repository: PathBuf,
    tools: PathBuf,
    _alone: Lock,
}

/// A number from the environment.
fn number(name: &str, otherwise: usize) -> usize {
    let told = env::var(name).ok().filter(|text| !text.is_empty());
    told.map_or(otherwise, |text| {
        text.parse()
            .unwrap_or_else(|_| panic!("{name}={text} is no number"))
    })
}

/// Words from the environment, separated by commas.
fn words(name: &str) -> Vec<String> {
    let told = env::var(name).unwrap_or_default();
    let words = told.split(',').filter(|word| !word.is_empty());
    words.map(str::to_owned).collect()
}

fn path(name: &str) -> PathBuf {
    let told = env::var_os(name).unwrap_or_else(|| panic!("{name} is not set: run `make bench`"));
    fs::canonicalize(&told).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// Prints what the benchmark is doing.
pub(crate) fn say(text: impl Display) {
    println!("bench: {text}");
}

impl World {
    pub(crate) fn open() -> Self {
        let folder: OsString = env::var_os("ODOO_DEPLOY_BED").expect("run `make bench`");
        let bed = Bed::open(&folder).expect("a bed");
        bed.prepare_tools().expect("what a bed needs");
        let alone = bed.freezing("bench").expect("no other run");
        sweep(&bed);
        let odoo = env::var("BENCH_ODOO").unwrap_or_default();
        let odoo = if odoo.is_empty() { "full".into() } else { odoo };
        let repositories = env::var_os("ODOO_DEPLOY_REPOSITORIES").expect("run `make bench`");
        let disk = env::var("STORAGE").is_ok_and(|word| word == "disk");
        let base = bed.base_with("bookworm", "bench-python", &["python3"]);
        let mut world = Self {
            base: base.expect("a bare Debian 12"),
            binary: path("ODOO_DEPLOY_BINARY"),
            work: path("BENCH_WORK"),
            first: number("FIRST", 3).max(1),
            again: number("AGAIN", 5).max(1),
            quick: number("QUICK", 100).max(2),
            only: words("ONLY"),
            repository: repository(Path::new(&repositories), &odoo),
            odoo,
            storage: if disk { Storage::Disk } else { Storage::Tmpfs },
            tools: PathBuf::from(&folder).join("bench-tools"),
            bed,
            _alone: alone,
        };
        world.tools = world.make_tools();
        world
    }

    /// Boots a machine that sees the binary, the repository, and the contenders with their programs.
    pub(crate) fn boot(&self, name: &str, storage: Storage) -> Machine {
        let contenders = Path::new(env!("CARGO_MANIFEST_DIR")).join("contenders");
        let bind = |source: &Path, name: &str| Bind {
            source: source.to_owned(),
            target: Path::new(SHARED).join(name),
            read_only: true,
        };
        let mut spec = Spec::new(format!("{PREFIX}{name}"), self.base.clone());
        spec.storage = storage;
        spec.binds = vec![
            bind(&self.binary, "odoo-deploy"),
            bind(&self.repository, "odoo.git"),
            bind(&contenders, "contenders"),
            bind(&self.tools, "tools"),
        ];
        Machine::boot(&self.bed, spec).expect("a machine")
    }

    /// Virtual environments with the contenders' programs, made in a machine so that they fit its Python.
    fn make_tools(&self) -> PathBuf {
        let folder = self.tools.clone();
        let wanted = TOOLS.map(|(_, wanted)| wanted).concat();
        let made = folder.join("made");
        if fs::read_to_string(&made).is_ok_and(|text| text == wanted) {
            return folder;
        }
        let began = Instant::now();
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).expect("a folder");
        let mut spec = Spec::new(format!("{PREFIX}tools"), self.base.clone());
        spec.binds = vec![Bind {
            source: folder.clone(),
            target: Path::new(SHARED).join("tools"),
            read_only: false,
        }];
        let machine = Machine::boot(&self.bed, spec).expect("a machine");
        let mut script = "apt-get -qq update && apt-get -qq install --yes --no-install-recommends \
                          python3-venv >/dev/null 2>&1\n"
            .to_owned();
        for (name, wanted) in TOOLS {
            fs::write(folder.join(format!("{name}.txt")), wanted).expect("a file");
            let place = format!("{SHARED}/tools/{name}");
            writeln!(
                script,
                "python3 -m venv {place} && {place}/bin/pip install --quiet -r {place}.txt"
            )
            .expect("text");
        }
        let status = machine.command("sh").args(["-euc", &script]).status();
        let done = status.expect("sh").success();
        assert!(done, "no environments for the contenders");
        machine.stop().expect("taken down");
        fs::write(made, wanted).expect("a file");
        say(format!(
            "made the contenders' environments in {:.0} s",
            began.elapsed().as_secs_f64()
        ));
        folder
    }
}

/// Removes what an interrupted benchmark left.
fn sweep(bed: &Bed) {
    for machine in bed.machines().expect("the bed's machines") {
        if machine.name.starts_with(PREFIX) && machine.status != Status::Busy {
            bed.stop(&machine.name).expect("taken down");
        }
    }
}
