//! Runs a program and measures its cost.
//!
//! The kernel only reports the sum over all children of a process. So this binary starts itself once more, and
//! that process starts only the measured program.

use std::env;
use std::ffi::OsString;
use std::fs::{self, File};
use std::io::Read as _;
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};
use std::time::Instant;

use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeVal;

use super::sample::Cost;

/// The first argument of that process.
pub(crate) const WORD: &str = "measure";

/// The work of that process: writes the cost to FILE; arguments are FILE, a program, and the program's
/// arguments.
pub(crate) fn run(words: &[OsString]) -> ExitCode {
    let [file, program, arguments @ ..] = words else {
        return ExitCode::FAILURE;
    };
    let began = Instant::now();
    let status = Command::new(program).args(arguments).status();
    let wall = began.elapsed().as_secs_f64();
    let code = status.ok().and_then(|status| status.code()).unwrap_or(255);
    let used = getrusage(UsageWho::RUSAGE_CHILDREN).expect("usage");
    #[allow(clippy::cast_precision_loss, reason = "far below the limit")]
    let peak = used.max_rss() as f64 / 1024.0;
    let cost = Cost {
        wall,
        user: seconds(used.user_time()),
        system: seconds(used.system_time()),
        peak,
    };
    fs::write(file, serde_json::to_string(&cost).expect("JSON")).expect("a file");
    ExitCode::from(u8::try_from(code).unwrap_or(255))
}

fn seconds(time: TimeVal) -> f64 {
    #[allow(clippy::cast_precision_loss, reason = "far below the limit")]
    let whole = time.tv_sec() as f64;
    #[allow(clippy::cast_precision_loss, reason = "below a million")]
    let rest = time.tv_usec() as f64;
    whole + rest / 1e6
}

/// A command that runs and measures another command. The caller sets its streams.
pub(crate) fn measuring(command: &Command, file: &Path) -> Command {
    let mut outer = Command::new(env::current_exe().expect("this program"));
    outer.arg(WORD).arg(file).arg(command.get_program());
    outer.args(command.get_args()).env_clear().current_dir("/");
    for (name, value) in command.get_envs() {
        if let Some(value) = value {
            outer.env(name, value);
        }
    }
    outer.stdin(Stdio::null());
    outer
}

/// Runs a command that must succeed, with its output in `log`. Returns the cost and the output.
pub(crate) fn measure(command: &Command, log: &Path) -> (Cost, String) {
    let file = tempfile::NamedTempFile::new().expect("a file");
    let mut outer = measuring(command, file.path());
    let out = File::create(log).expect("a log");
    outer.stdout(out.try_clone().expect("a log")).stderr(out);
    let status = outer.status().expect("this program");
    let mut told = Vec::new();
    let read = File::open(log).and_then(|mut file| file.read_to_end(&mut told));
    read.expect("the log");
    let told = String::from_utf8_lossy(&told).into_owned();
    assert!(status.success(), "{command:?}: {status}\n{}", end_of(&told));
    let cost = fs::read_to_string(file.path()).expect("the cost");
    (serde_json::from_str(&cost).expect("a cost"), told)
}

/// The last lines of an output.
fn end_of(told: &str) -> String {
    let lines: Vec<&str> = told.lines().collect();
    lines[lines.len().saturating_sub(40)..].join("\n")
}
