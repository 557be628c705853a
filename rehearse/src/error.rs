//! What can go wrong around a throwaway machine.

use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;

/// A result of this module.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Names what was being done to what when it failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Namespaces and mounts are the superuser's.
    #[error("throwaway machines can only be made by root")]
    NotRoot,
    /// The folder could be read or changed by someone else.
    #[error("{} does not belong to root, so it cannot hold machines", .0.display())]
    ForeignFolder(PathBuf),
    /// A name that cannot be a host name, a folder and a cgroup at once.
    #[error(
        "`{0}` is no name for a machine or a base: 1 to 40 of a-z, 0-9, `.` and `-`, starting with a letter"
    )]
    BadName(String),
    /// A path that the overlay's mount options cannot express.
    #[error("{} contains `,`, `:` or `\\`, which an overlay mount cannot take", .0.display())]
    BadPath(PathBuf),
    /// A file or folder could not be worked on.
    #[error("cannot {action} {}", path.display())]
    File {
        /// The verb, as in "cannot read".
        action: &'static str,
        /// What it was done to.
        path: PathBuf,
        /// Why it failed.
        source: io::Error,
    },
    /// A program could not be started.
    #[error("cannot run `{command}`")]
    Start {
        /// The whole command line.
        command: String,
        /// Why it failed.
        source: io::Error,
    },
    /// A program ended badly.
    #[error("`{command}` failed ({status}): {stderr}")]
    Program {
        /// The whole command line.
        command: String,
        /// How it ended.
        status: ExitStatus,
        /// The end of what it said.
        stderr: String,
    },
    /// Only distributions whose archive the host's own apt knows can be rehearsed.
    #[error("this host's apt knows no {distribution} archive to build `{suite}` from")]
    NoArchive {
        /// `debian`, `ubuntu`, or what `/etc/os-release` says instead.
        distribution: String,
        /// The suite that was asked for.
        suite: String,
    },
    /// A machine on a private network needs a name server that is not on the host's loopback.
    #[error(
        "every name server in this host's resolv.conf is on its loopback, out of reach of a private network"
    )]
    NoNameServer,
    /// All private networks are taken.
    #[error("no private network is free for machine `{0}`")]
    NoNetwork(String),
    /// Another process is at work on a machine of this name.
    #[error("machine `{0}` belongs to another running process")]
    Busy(String),
    /// A machine of this name was kept and still runs.
    #[error("machine `{0}` is already up")]
    AlreadyUp(String),
    /// A base of this name is there already.
    #[error("base `{0}` is there already")]
    BaseExists(String),
    /// The machine's systemd did not come up.
    #[error("machine `{name}` did not boot: {state}\n{console}")]
    Boot {
        /// The machine.
        name: String,
        /// What systemd, or systemd-nspawn, said last.
        state: String,
        /// The end of its console.
        console: String,
    },
    /// The machine's processes did not end in time.
    #[error("machine `{name}` still runs {seconds} seconds after it was told to stop")]
    StillRunning {
        /// The machine.
        name: String,
        /// How long it was waited for.
        seconds: u64,
    },
}

/// Adds to an I/O error what was being done to which path.
pub(super) trait OnPath<T> {
    /// `action` completes "cannot ... PATH".
    fn on(self, action: &'static str, path: &Path) -> Result<T>;
}

impl<T, E: Into<io::Error>> OnPath<T> for std::result::Result<T, E> {
    fn on(self, action: &'static str, path: &Path) -> Result<T> {
        self.map_err(|source| Error::File {
            action,
            path: path.to_owned(),
            source: source.into(),
        })
    }
}
