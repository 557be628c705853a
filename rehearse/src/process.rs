//! Processes that can be identified after the process that started them has ended.

use std::fs;
use std::thread::sleep;
use std::time::{Duration, Instant};

use nix::sys::signal::{self, Signal};
use nix::unistd::Pid;
use serde::{Deserialize, Serialize};

/// The interval for polling the state of a process.
pub(super) const POLL: Duration = Duration::from_millis(20);

/// A process, identified by its ID and its start time, because the kernel reuses IDs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Process {
    pid: i32,
    /// The start time, in clock ticks since the host booted.
    started: u64,
}

impl Process {
    /// The process with this ID, unless it has ended.
    pub(super) fn find(pid: i32) -> Option<Self> {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        // the name in parentheses may contain spaces and parentheses
        let mut fields = stat.get(stat.rfind(')')? + 1..)?.split_ascii_whitespace();
        let state = fields.next()?;
        let started = fields.nth(18)?.parse().ok()?;
        (!matches!(state, "Z" | "X")).then_some(Self { pid, started })
    }

    pub(super) fn pid(self) -> i32 {
        self.pid
    }

    pub(super) fn is_running(self) -> bool {
        Self::find(self.pid) == Some(self)
    }

    /// The children of all its threads.
    pub(super) fn children(self) -> Vec<Self> {
        let Ok(threads) = fs::read_dir(format!("/proc/{}/task", self.pid)) else {
            return Vec::new();
        };
        threads
            .flatten()
            .filter_map(|thread| fs::read_to_string(thread.path().join("children")).ok())
            .flat_map(|list| {
                let pids = list.split_ascii_whitespace().map(str::to_owned);
                pids.collect::<Vec<_>>()
            })
            .filter_map(|pid| Self::find(pid.parse().ok()?))
            .collect()
    }

    /// The name of its program.
    pub(super) fn name(self) -> String {
        let name = fs::read_to_string(format!("/proc/{}/comm", self.pid));
        name.unwrap_or_default().trim_end().to_owned()
    }

    /// Sends a signal, unless the process has ended.
    pub(super) fn signal(self, signal: Signal) {
        if self.is_running() {
            // the only possible error is that the process has ended meanwhile
            let _ = signal::kill(Pid::from_raw(self.pid), signal);
        }
    }

    /// Waits until the process ends. Returns false if it still runs after `limit`.
    pub(super) fn wait(self, limit: Duration) -> bool {
        let deadline = Instant::now() + limit;
        while self.is_running() {
            if Instant::now() >= deadline {
                return false;
            }
            sleep(POLL);
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reused_process_id_is_another_process() {
        let pid = i32::try_from(std::process::id()).unwrap_or_default();
        let this = Process::find(pid);
        assert!(this.is_some_and(Process::is_running));
        let earlier = this.map(|this| Process {
            started: this.started - 1,
            ..this
        });
        assert!(!earlier.is_some_and(Process::is_running));
    }

    #[test]
    fn a_zombie_process_has_ended() -> std::io::Result<()> {
        let mut child = std::process::Command::new("sleep").arg("60").spawn()?;
        let found = i32::try_from(child.id()).ok().and_then(Process::find);
        found.inspect(|found| found.signal(Signal::SIGKILL));
        assert!(found.is_some_and(|found| found.wait(Duration::from_secs(10))));
        child.wait().map(drop)
    }
}
