//! Calls of apt that never ask, never restart services unasked, and always have a deadline.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Instant;

use crate::event::Event;
use crate::host::command::{Cmd, MARK, MARK_APT};
use crate::host::{Error, Host, Process, Result};
use crate::resource::apt::dpkg::Dpkg;

/// The locks of apt and dpkg.
const LOCKS: &[&str] = &[
    "/var/lib/dpkg/lock-frontend",
    "/var/lib/dpkg/lock",
    "/var/lib/apt/lists/lock",
    "/var/cache/apt/archives/lock",
];

/// Errors of apt and dpkg if another process took a lock after we had checked that it was free. dpkg also reports
/// this if a process takes the lock between two dpkg calls of one apt run.
const RACED: &[&str] = &["Could not get lock", "locked by another process"];

/// The folder in which packages and administrators configure apt.
const CONFIGURATION: &str = "/etc/apt/apt.conf.d";

/// An `apt-get` call that asks no questions.
pub(super) fn apt_get(args: &[&str]) -> Cmd {
    Cmd::new("apt-get")
        .args([
            "-q",
            "-y",
            "-o",
            "Dpkg::Options::=--force-confdef",
            "-o",
            "Dpkg::Options::=--force-confold",
        ])
        .args([
            "-o",
            "Dpkg::Use-Pty=0",
            "-o",
            "APT::Get::AutomaticRemove=0",
            // `run_locked` waits for locks itself: it names the holder, and one deadline covers all locks
            "-o",
            "DPkg::Lock::Timeout=0",
        ])
        .args(args.iter().copied())
        .env("DEBIAN_FRONTEND", "noninteractive")
        .env("DEBCONF_NONINTERACTIVE_SEEN", "true")
        .env("APT_LISTCHANGES_FRONTEND", "none")
        .env("NEEDRESTART_SUSPEND", "1")
        .env("UCF_FORCE_CONFFOLD", "1")
        .env(MARK, MARK_APT)
        .deadline(3600)
}

/// An `apt-get` call for a simulation, which takes no lock and writes no cache.
pub(super) fn simulate(args: &[&str]) -> Cmd {
    apt_get(args).args([
        "-o",
        "Debug::NoLocking=1",
        "-o",
        "Dir::Cache::pkgcache=",
        "-o",
        "Dir::Cache::srcpkgcache=",
    ])
}

/// Runs a command that needs apt's locks. Waits for the locks and reports their holder; tries again if another
/// process takes a lock first.
pub(super) async fn run_locked(host: &Host, cmd: &Cmd) -> Result<()> {
    let until = Instant::now() + host.lock_timeout();
    loop {
        wait_for_locks(host, until).await?;
        let Err(error) = host.run(cmd).await else {
            return Ok(());
        };
        let said = error.to_string();
        if Instant::now() >= until || !RACED.iter().any(|raced| said.contains(raced)) {
            return Err(error);
        }
        host.pause(1000).await?;
    }
}

/// Finishes what an interrupted dpkg left half done, if anything.
pub(super) async fn finish_interrupted(host: &Host) -> Result<()> {
    let unfinished: Vec<String> = Dpkg::read(host)?.unfinished.into_keys().collect();
    if unfinished.is_empty() && host.list(Path::new("/var/lib/dpkg/updates"))?.is_empty() {
        return Ok(());
    }
    let halves = match unfinished.len() {
        0 => String::new(),
        1 => ", a package is half installed".to_owned(),
        count => format!(", {count} packages are half installed"),
    };
    let text = format!("dpkg was interrupted{halves}; finishing that first");
    host.events().tell(Event::Note { text });
    // 1 is accepted: a package may lack a dependency, which the next call installs
    let configure = Cmd::new("dpkg")
        .args(["--force-confdef", "--force-confold", "--configure", "-a"])
        .env("DEBIAN_FRONTEND", "noninteractive")
        .env("NEEDRESTART_SUSPEND", "1")
        .accept(1)
        .deadline(1800)
        .log("dpkg-configure");
    run_locked(host, &configure).await?;
    if Dpkg::read(host)?.unfinished.is_empty() {
        return Ok(());
    }
    let fix = apt_get(&["--fix-broken", "--no-install-recommends", "install"]).log("apt-fix");
    let Err(error) = run_locked(host, &fix).await else {
        return Ok(());
    };
    // a package with a failing maintainer script does not prevent apt from installing or removing others
    let left = Dpkg::read(host)?.unfinished;
    let stays = |name| unfinished.contains(name) && !left.is_empty();
    if left.keys().all(stays) {
        return Ok(());
    }
    Err(error)
}

/// Judges a call of apt by its effect, because apt also fails for reasons that are not ours. If `is_done`, a failing
/// hook of the owner or a package of others that cannot be configured is only reported.
///
/// # Errors
/// If the work is not done: the error of apt.
pub(super) fn judge(host: &Host, ended: Result<()>, is_done: bool) -> Result<()> {
    let Err(error) = ended else {
        return Ok(());
    };
    if !is_done {
        return Err(error);
    }
    let said = error.to_string();
    let mut notes = hooks(host, &said)?;
    for name in Dpkg::read(host)?.unfinished.keys() {
        notes.push(format!(
            "the package `{name}` is half installed, and every call of apt fails over it; nothing is needed of it: \
             `dpkg --configure {name}` says what is wrong with it, `apt-get remove {name}` takes it away"
        ));
    }
    if notes.is_empty() {
        return Err(error);
    }
    for text in notes {
        host.events().tell(Event::Note { text });
    }
    Ok(())
}

/// Messages for hooks that failed after the work was done, each with its file. apt prints
/// `E: Problem executing scripts KEY 'COMMAND'`.
pub(super) fn hooks(host: &Host, said: &str) -> Result<Vec<String>> {
    let mut notes = Vec::new();
    for line in said.lines() {
        let Some((_, hook)) = line.split_once("Problem executing scripts ") else {
            continue;
        };
        let Some((key, command)) = hook.split_once(" '") else {
            continue;
        };
        let command = command.trim_end().trim_end_matches('\'');
        // a failing hook before the work may have prevented it
        if !key.contains("::Post-Invoke") {
            continue;
        }
        let place = hook_file(host, command)?
            .map_or_else(String::new, |file| format!(" in `{}`", file.display()));
        notes.push(format!(
            "apt's hook `{key}`{place} fails (`{command}`), and every call of apt with it; all that is needed came: mend \
             that line, or take it away"
        ));
    }
    Ok(notes)
}

/// The file of apt's configuration that contains `command`.
fn hook_file(host: &Host, command: &str) -> Result<Option<PathBuf>> {
    let folder = Path::new(CONFIGURATION);
    let mut files: Vec<PathBuf> = host.list(folder)?.iter().map(|n| folder.join(n)).collect();
    files.push(Path::new("/etc/apt/apt.conf").to_owned());
    let plain = |text: &str| text.replace(['\\', '"'], "");
    for file in files {
        let text = host.read_text(&file)?.unwrap_or_default();
        if plain(&text).contains(&plain(command)) {
            return Ok(Some(file));
        }
    }
    Ok(None)
}

/// Waits until no process holds a lock of apt. An `apt-get` of a killed run is not killed: it may finish.
///
/// # Errors
/// If a lock is still held after [`Host::lock_timeout`], or if a signal asks to stop.
pub async fn wait_for_apt(host: &Host) -> Result<()> {
    let until = Instant::now() + host.lock_timeout();
    // an `apt-get` that has just started holds no lock yet
    let programs = ["apt-get", "dpkg"];
    let left_over = |process: &Process| {
        programs
            .iter()
            .any(|name| process.command.starts_with(name))
    };
    while let Some(process) = host.marked(MARK_APT)?.into_iter().find(left_over) {
        if Instant::now() >= until {
            let holder = format!("`{}` (pid {})", process.command, process.pid);
            return Err(Error::Held {
                what: "apt to finish".into(),
                holder,
                seconds: host.lock_timeout().as_secs(),
            });
        }
        host.pause(200).await?;
    }
    wait_for_locks(host, until).await
}

async fn wait_for_locks(host: &Host, until: Instant) -> Result<()> {
    let mut told: Option<Process> = None;
    loop {
        let Some((lock, holder)) = held(host)? else {
            return Ok(());
        };
        let left = until.saturating_duration_since(Instant::now()).as_secs();
        let holder_text = format!("`{}` (pid {})", holder.command, holder.pid);
        if left == 0 {
            return Err(Error::Held {
                what: format!("the lock `{lock}`"),
                holder: holder_text,
                seconds: host.lock_timeout().as_secs(),
            });
        }
        if told.as_ref() != Some(&holder) {
            let what = format!("the lock `{lock}`, held by {holder_text}");
            host.events().tell(Event::Waiting {
                what,
                at_most: left,
            });
            told = Some(holder);
        }
        // the kernel offers no wait with a deadline for another process's record lock, so poll
        host.pause(500).await?;
    }
}

/// The first lock of apt that is held, and its holder.
fn held(host: &Host) -> Result<Option<(&'static str, Process)>> {
    for lock in LOCKS {
        if let Some(holder) = host.lock_holder(Path::new(lock))? {
            return Ok(Some((lock, holder)));
        }
    }
    Ok(None)
}

/// The packages that a simulation would install, with their versions: the lines `Inst NAME [OLD] (VERSION …)`. A
/// package that a killed dpkg only unpacked has just a line `Conf NAME (VERSION …)`.
pub(super) fn parse_simulation(text: &str) -> BTreeMap<String, String> {
    let inst = |line: &str| {
        let rest = line
            .strip_prefix("Inst ")
            .or_else(|| line.strip_prefix("Conf "))?;
        let name = rest.split_whitespace().next()?.split(':').next()?;
        let version = rest.split_once('(')?.1.split_whitespace().next()?;
        Some((name.to_owned(), version.to_owned()))
    };
    text.lines().filter_map(inst).collect()
}

/// The packages that a simulation would remove: the lines `Remv NAME [VERSION]`.
pub(super) fn removed(text: &str) -> Vec<&str> {
    let names = text.lines().filter_map(|line| line.strip_prefix("Remv "));
    names
        .filter_map(|rest| rest.split_whitespace().next())
        .collect()
}

/// The number of bytes that `apt-get --print-uris` would download: the sum of SIZE in its lines
/// `'URI' FILE SIZE HASH`.
pub(super) fn parse_uris(text: &str) -> u64 {
    let size = |line: &str| {
        line.starts_with('\'')
            .then(|| line.split_whitespace().nth(2)?.parse::<u64>().ok())
            .flatten()
    };
    text.lines().filter_map(size).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Events;
    use crate::host::Programs;

    #[test]
    fn hooks_that_fail_after_the_work_are_reported_with_their_file() {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("etc/apt/apt.conf.d");
        std::fs::create_dir_all(&folder).unwrap();
        let line = "DPkg::Post-Invoke { \"test -x \\\"/usr/bin/gone\\\"\"; };\n";
        std::fs::write(folder.join("80snapshot"), line).unwrap();
        let host = Host::at(root.path(), Programs::Real, Events::silent());
        // the exact output of apt
        let said = "E: Problem executing scripts DPkg::Post-Invoke 'test -x \\/usr/bin/gone\\'\n\
                    E: Sub-process returned an error code\n";
        let found = hooks(&host, said).unwrap();
        assert_eq!(found.len(), 1);
        assert!(
            found[0].contains("`DPkg::Post-Invoke` in `/etc/apt/apt.conf.d/80snapshot` fails"),
            "{found:?}"
        );
        let before = said.replace("Post-Invoke", "Pre-Invoke");
        assert_eq!(hooks(&host, &before).unwrap(), Vec::<String>::new());
        let failed = || Error::impossible(said);
        assert!(judge(&host, Err(failed()), true).is_ok());
        assert!(judge(&host, Err(failed()), false).is_err());
        assert!(judge(&host, Err(Error::impossible("no network")), true).is_err());
    }

    #[test]
    fn a_simulation_lists_the_packages_to_install() {
        let text = "NOTE: This is only a simulation!\nInst liberror-perl (0.17029-2 Debian:12.11/stable [all])\n\
                    Inst tzdata [2024a] (2025b-0+deb12u1 Debian:12/stable [all])\nInst libc6:i386 (2.36 x [i386])\n\
                    Conf git (1:2.39 Debian [amd64])\n";
        let found = parse_simulation(text);
        let expected = [
            ("git", "1:2.39"),
            ("libc6", "2.36"),
            ("liberror-perl", "0.17029-2"),
            ("tzdata", "2025b-0+deb12u1"),
        ];
        assert_eq!(
            found
                .iter()
                .map(|(n, v)| (n.as_str(), v.as_str()))
                .collect::<Vec<_>>(),
            expected
        );
    }

    #[test]
    fn download_sizes_are_added_up() {
        let text = "Reading package lists...\n'http://x/a.deb' a.deb 100 SHA256:aa\n'http://x/b.deb' b.deb 23 \n";
        assert_eq!(parse_uris(text), 123);
    }
}
