//! Starts systemd-nspawn and waits for the systemd of the machine.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use super::cgroup;
use super::error::{Error, OnPath, Result};
use super::layer::Layer;
use super::process::{POLL, Process};
use super::program::tail;
use super::record::Record;
use super::spec::Bind;

/// The longest time to boot. About a second is enough on an idle host.
const BOOT: Duration = Duration::from_secs(120);

/// Starts the machine; its files and its network must exist. Adds systemd-nspawn to the record and saves the record,
/// so that other processes can find it if this one dies.
pub(super) fn start(state: &Path, record: &mut Record) -> Result<Child> {
    let console = console(state);
    let log = File::create(&console).on("create", &console)?;
    let errors = log.try_clone().on("open", &console)?;
    let mut command = nspawn(state, record)?;
    command.stdin(Stdio::null()).stdout(log).stderr(errors);
    let child = command.spawn().map_err(|source| Error::Start {
        command: "systemd-nspawn".to_owned(),
        source,
    })?;
    record.nspawn = i32::try_from(child.id()).ok().and_then(Process::find);
    record.save(state)?;
    Ok(child)
}

/// Waits until the systemd of a started machine is up. Adds its PID 1 to the record.
pub(super) fn wait_until_up(state: &Path, record: &mut Record) -> Result<()> {
    let outcome = await_units(record);
    record.save(state)?;
    outcome.map_err(|why| Error::Boot {
        name: record.spec.name.clone(),
        state: why,
        console: tail(&fs::read_to_string(console(state)).unwrap_or_default()),
    })
}

fn console(state: &Path) -> PathBuf {
    state.join("console.log")
}

/// The command that starts the container.
fn nspawn(state: &Path, record: &Record) -> Result<Command> {
    let spec = &record.spec;
    let nspawn = which::which("systemd-nspawn").map_err(|error| Error::Start {
        command: "systemd-nspawn".to_owned(),
        source: std::io::Error::other(error),
    })?;
    // `setsid` detaches it from the terminal, so that a kept machine survives the terminal
    let script = "for group in \"$@\"; do shift; \
                  [ \"$group\" != -- ] || break; echo $$ > \"$group\" || exit; done; \
                  exec setsid \"$@\"";
    let mut command = Command::new("sh");
    command.args(["-c", script, "sh"]).current_dir("/");
    if !cgroup::host_has_systemd() {
        command.args(cgroup::create(&record.id)?);
    }
    command.arg("--").arg(nspawn);
    if !cgroup::host_has_systemd() {
        command.arg("--keep-unit");
    }
    command
        .args(["--boot", "--quiet", "--register=no", "--settings=no"])
        .args(["--console=pipe", "--link-journal=no"])
        .args(["--resolv-conf=off", "--timezone=off"])
        .arg(format!("--machine={}", record.id))
        .arg(format!("--hostname={}", spec.name))
        .arg(format!(
            "--directory={}",
            Layer::new(state).root().display()
        ));
    let mut capabilities = spec.capabilities.clone();
    if let Some(subnet) = record.subnet {
        let namespace = subnet.namespace();
        command.arg(format!("--network-namespace-path={}", namespace.display()));
        // the machine configures addresses, packet filters and /proc/sys/net of its network itself
        capabilities.push("CAP_NET_ADMIN".to_owned());
        command.env("SYSTEMD_NSPAWN_API_VFS_WRITABLE", "network");
    }
    if !capabilities.is_empty() {
        command.arg(format!("--capability={}", capabilities.join(",")));
    }
    command.args(spec.binds.iter().map(bind));
    command
        // a host with several hierarchies offers cgroup v1, which a new systemd cannot use
        .env("SYSTEMD_NSPAWN_UNIFIED_HIERARCHY", "1")
        // the release decides whether `/tmp` is in memory, as on a server
        .env("SYSTEMD_NSPAWN_TMPFS_TMP", "0")
        // no other machine uses this root, so it needs no lock
        .env("SYSTEMD_NSPAWN_LOCK", "0");
    Ok(command)
}

fn bind(bind: &Bind) -> String {
    let escape = |path: &Path| {
        let path = path.to_string_lossy();
        path.replace('\\', "\\\\").replace(':', "\\:")
    };
    let option = if bind.read_only {
        "--bind-ro"
    } else {
        "--bind"
    };
    format!("{option}={}:{}", escape(&bind.source), escape(&bind.target))
}

/// Waits for PID 1 and then for the units. Failed units are no error: the caller may look at them.
fn await_units(record: &mut Record) -> Result<(), String> {
    let deadline = Instant::now() + BOOT;
    let mut state = "no PID 1".to_owned();
    while Instant::now() < deadline {
        let Some(nspawn) = record.nspawn.filter(|nspawn| nspawn.is_running()) else {
            return Err("systemd-nspawn ended".to_owned());
        };
        if record.init.is_none() {
            let mut children = nspawn.children().into_iter();
            record.init = children.find(|child| child.name() == "systemd");
        }
        if let Some(init) = record.init {
            let answer = enter(init)
                .args(["systemctl", "is-system-running", "--wait"])
                .stderr(Stdio::null())
                .output();
            // the exit code says no more than the output; the output is empty until systemd answers
            let answer = answer.map_err(|error| error.to_string())?;
            String::from_utf8_lossy(&answer.stdout)
                .trim()
                .clone_into(&mut state);
            if matches!(state.as_str(), "running" | "degraded") {
                return Ok(());
            }
        }
        sleep(POLL);
    }
    Err(format!("still `{state}` after {} s", BOOT.as_secs()))
}

/// A command that runs the given words in the machine, with an empty environment.
pub(super) fn enter(init: Process) -> Command {
    let mut command = Command::new("nsenter");
    command
        .arg(format!("--target={}", init.pid()))
        .args(["--mount", "--uts", "--ipc", "--net", "--pid", "--cgroup"])
        // without a value, both options mean the `/` of the target
        .args(["--root", "--wd", "--"])
        .env_clear()
        .env(
            "PATH",
            "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        )
        .stdin(Stdio::null());
    command
}
