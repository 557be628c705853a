//! Errors of throwaway machines.

use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;

/// A result with an error of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// An operation on a bed, a base or a machine that failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Only root can create namespaces and mounts.
    #[error("throwaway machines can only be made by root")]
    NotRoot,
    /// Others than root could read or change the folder.
    #[error("{} does not belong to root, so it cannot hold machines", .0.display())]
    ForeignFolder(PathBuf),
    /// A name that cannot be a host name, a folder and a cgroup.
    #[error(
        "`{0}` is no name for a machine or a base: 1 to 40 of a-z, 0-9, `.` and `-`, starting with a letter"
    )]
    BadName(String),
    /// A path that cannot be written in the mount options of an overlay.
    #[error("{} contains `,`, `:` or `\\`, which an overlay mount cannot take", .0.display())]
    BadPath(PathBuf),
    /// An operation on a file or folder failed.
    #[error("cannot {action} {}", path.display())]
    File {
        /// The verb, as in "cannot read".
        action: &'static str,
        /// The file or folder.
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
    /// A program failed.
    #[error("`{command}` failed ({status}): {stderr}")]
    Program {
        /// The whole command line.
        command: String,
        /// How it ended.
        status: ExitStatus,
        /// The end of its standard error.
        stderr: String,
    },
    /// The host's apt has no archive for the distribution, so the suite cannot be built.
    #[error("this host's apt knows no {distribution} archive to build `{suite}` from")]
    NoArchive {
        /// `debian`, `ubuntu`, or another ID in `/etc/os-release`.
        distribution: String,
        /// The requested suite.
        suite: String,
    },
    /// A machine on a private network needs a name server that is not on the host's loopback.
    #[error(
        "every name server in this host's resolv.conf is on its loopback, out of reach of a private network"
    )]
    NoNameServer,
    /// No private network is free.
    #[error("no private network is free for machine `{0}`")]
    NoNetwork(String),
    /// Another process uses the machine with this name.
    #[error("machine `{0}` belongs to another running process")]
    Busy(String),
    /// A machine with this name was kept and is still up.
    #[error("machine `{0}` is already up")]
    AlreadyUp(String),
    /// A base with this name exists already.
    #[error("base `{0}` is there already")]
    BaseExists(String),
    /// The systemd of the machine did not come up.
    #[error("machine `{name}` did not boot: {state}\n{console}")]
    Boot {
        /// The machine.
        name: String,
        /// The last state that systemd or systemd-nspawn reported.
        state: String,
        /// The end of the console's output.
        console: String,
    },
    /// The processes of the machine did not end in time.
    #[error("machine `{name}` still runs {seconds} seconds after it was told to stop")]
    StillRunning {
        /// The machine.
        name: String,
        /// How long the caller waited.
        seconds: u64,
    },
}

/// Adds the operation and the path to an I/O error.
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
