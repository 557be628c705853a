//! The host of a benchmark, without names of machines or folders.

use std::fs;
use std::process::Command;

use serde::{Deserialize, Serialize};

use super::world::World;

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Ground {
    /// In the form `2026-11-25`.
    pub(crate) date: String,
    pub(crate) version: String,
    pub(crate) processor: String,
    pub(crate) cores: usize,
    /// In GiB.
    pub(crate) memory: f64,
    pub(crate) kernel: String,
    pub(crate) distribution: String,
    /// The load average of the host before the benchmark began.
    pub(crate) load: f64,
    pub(crate) odoo: String,
    pub(crate) storage: String,
    /// In the form `ansible 12.2.0`.
    pub(crate) tools: Vec<String>,
    pub(crate) first: usize,
    pub(crate) again: usize,
    pub(crate) quick: usize,
    /// The size of the binary, in MiB.
    pub(crate) size: f64,
    pub(crate) is_static: bool,
}

impl Ground {
    pub(crate) fn now(world: &World) -> Self {
        let processors = read("/proc/cpuinfo");
        let named = |text: &str, key: &str, mark: char| {
            let mut lines = text.lines().filter_map(|line| line.split_once(mark));
            let found = lines.find(|(name, _)| name.trim() == key);
            found.map_or_else(String::new, |(_, value)| {
                value.trim().trim_matches('"').into()
            })
        };
        let memory = named(&read("/proc/meminfo"), "MemTotal", ':');
        let kib: f64 = memory.trim_end_matches(" kB").parse().unwrap_or_default();
        let tools = [
            include_str!("../contenders/ansible.txt"),
            include_str!("../contenders/pyinfra.txt"),
        ];
        let tools = tools.iter().flat_map(|text| text.lines());
        let version = printed(Command::new(&world.binary).arg("--version"));
        Self {
            date: printed(Command::new("date").args(["--utc", "+%Y-%m-%d"])),
            version: version.rsplit(' ').next().unwrap_or_default().to_owned(),
            processor: named(&processors, "model name", ':'),
            cores: std::thread::available_parallelism().map_or(1, Into::into),
            memory: kib / f64::from(1 << 20),
            // the rest of the version names whoever built the kernel
            kernel: read("/proc/sys/kernel/osrelease")
                .split(['-', '\n'])
                .next()
                .unwrap_or_default()
                .to_owned(),
            distribution: named(&read("/etc/os-release"), "PRETTY_NAME", '='),
            load: read("/proc/loadavg")
                .split(' ')
                .next()
                .and_then(|load| load.parse().ok())
                .unwrap_or_default(),
            odoo: world.odoo.clone(),
            storage: format!("{:?}", world.storage).to_lowercase(),
            tools: tools.map(|line| line.replace("==", " ")).collect(),
            first: world.first,
            again: world.again,
            quick: world.quick,
            size: size(world),
            // the dynamic loader rejects a static binary
            is_static: printed(Command::new("ldd").arg(&world.binary))
                .contains("statically linked"),
        }
    }
}

fn size(world: &World) -> f64 {
    #[allow(clippy::cast_precision_loss, reason = "far below the limit")]
    let bytes = fs::metadata(&world.binary).expect("the binary").len() as f64;
    bytes / f64::from(1 << 20)
}

fn read(path: &str) -> String {
    fs::read_to_string(path).unwrap_or_default()
}

fn printed(command: &mut Command) -> String {
    let output = command.output();
    output.map_or_else(
        |_| String::new(),
        |output| String::from_utf8_lossy(&output.stdout).trim().to_owned(),
    )
}
