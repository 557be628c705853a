//! How apt is called: never a question, never a restart that was not asked for, always a deadline.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Instant;

use crate::event::Event;
use crate::host::command::{Cmd, MARK, MARK_APT};
use crate::host::{Error, Host, Process, Result};
use crate::resource::dpkg::Dpkg;

/// The locks of apt and dpkg.
const LOCKS: &[&str] = &[
    "/var/lib/dpkg/lock-frontend",
    "/var/lib/dpkg/lock",
    "/var/lib/apt/lists/lock",
    "/var/cache/apt/archives/lock",
];

/// What apt and dpkg say where another has taken a lock between our look and their own, and dpkg
/// where one has taken it between two calls by apt.
const RACED: &[&str] = &["Could not get lock", "locked by another process"];

/// A call of `apt-get` that asks nothing.
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
            // waited for here, where the holder is named and the deadline is one for all
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

/// What `apt-get` would do, without its lock and without writing its cache.
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

/// Runs a call that needs apt's locks: waits for them, naming their holder, and finishes first
/// what dpkg was kept from finishing.
pub(super) async fn run_locked(host: &Host, cmd: &Cmd) -> Result<()> {
    let until = Instant::now() + host.patience();
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

/// Finishes what a killed dpkg left half way; nothing where it left nothing.
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
    // 1: some lack packages that they depend on, and get them next
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
    run_locked(
        host,
        &apt_get(&["--fix-broken", "--no-install-recommends", "install"]).log("apt-fix"),
    )
    .await
}

/// Waits until nobody holds a lock of apt's: a killed run's `apt-get` is not ended but let finish.
///
/// # Errors
/// Where they are still held when [`Host::patience`] is at its end, and where a signal asks to stop.
pub async fn wait_for_apt(host: &Host) -> Result<()> {
    let until = Instant::now() + host.patience();
    // one that has only just started holds no lock yet
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
                seconds: host.patience().as_secs(),
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
                seconds: host.patience().as_secs(),
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
        // a record lock of another process cannot be waited for with a deadline
        host.pause(500).await?;
    }
}

/// What keeps apt from being used, and who.
fn held(host: &Host) -> Result<Option<(&'static str, Process)>> {
    for lock in LOCKS {
        if let Some(holder) = host.lock_holder(Path::new(lock))? {
            return Ok(Some((lock, holder)));
        }
    }
    Ok(None)
}

/// The packages that a simulation would install, with their versions: its lines `Inst NAME [OLD]
/// (VERSION …)`, and `Conf NAME (VERSION …)` alone for one that a killed dpkg had only unpacked.
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

/// The packages that a simulation would remove: its lines `Remv NAME [VERSION]`.
pub(super) fn removed(text: &str) -> Vec<&str> {
    let names = text.lines().filter_map(|line| line.strip_prefix("Remv "));
    names
        .filter_map(|rest| rest.split_whitespace().next())
        .collect()
}

/// The bytes that `apt-get --print-uris` would download: its lines `'URI' FILE SIZE HASH`.
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

    #[test]
    fn a_simulation_names_what_would_come() {
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
    fn sizes_are_added_up() {
        let text = "Reading package lists...\n'http://x/a.deb' a.deb 100 SHA256:aa\n'http://x/b.deb' b.deb 23 \n";
        assert_eq!(parse_uris(text), 123);
    }
}
