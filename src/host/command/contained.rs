//! Programs that run code of strangers: nothing that they start outlives them, or this program.
//!
//! Each runs in a namespace of processes of its own, whose first process is root's and waits for it. When that
//! one ends, the kernel kills whatever is left in there: what has become a daemon, has left its group or wears another
//! name. It ends with the program, and dies with this one, whatever killed it. Nothing in there gains a privilege by a
//! file that has one, so it leaves no job with cron or at either.

use std::io;
use std::path::Path;

use tokio::process::Command;

use super::find;

/// What the first process runs. With something left to do the shell stays: it must be the one that waits.
const WAIT: &str = "\"$@\"; exit $?";

/// Calls `program` as that account; its arguments follow. As root, else the namespace is not given.
///
/// # Errors
/// If the server has no `unshare` or `setpriv`.
pub(super) fn command(uid: u32, gid: u32, program: &Path) -> io::Result<Command> {
    let (setpriv, unshare) = (tool("setpriv")?, tool("unshare")?);
    let mut command = Command::new(&setpriv);
    command
        .args(["--pdeathsig", "KILL"])
        .arg(unshare)
        .args([
            "--pid",
            "--fork",
            "--kill-child=KILL",
            "/bin/sh",
            "-c",
            WAIT,
            "sh",
        ])
        .arg(setpriv)
        .args(["--no-new-privs", "--clear-groups"])
        .args([format!("--reuid={uid}"), format!("--regid={gid}")])
        .arg("--")
        .arg(program);
    Ok(command)
}

/// Both are in the package `util-linux`, without which there is no Debian.
fn tool(name: &str) -> io::Result<std::path::PathBuf> {
    find(name).ok_or_else(|| io::Error::other(format!("there is no `{name}`, of `util-linux`")))
}

#[cfg(test)]
mod tests {
    use crate::event::Events;
    use crate::host::Host;
    use crate::host::command::Cmd;

    /// Becomes a daemon in every way there is, without the mark of this program, and ends.
    const DAEMON: &str = "env -i setsid sh -c 'trap \"\" TERM HUP; touch left.$$; sleep 20' & \
                          setsid nohup sleep 20 & until ls left.* >/dev/null 2>&1; do sleep 0.01; done; exit 7";

    #[test]
    fn nothing_that_it_starts_outlives_it() {
        if !nix::unistd::geteuid().is_root() {
            return;
        }
        let folder = tempfile::tempdir().unwrap();
        let open = std::os::unix::fs::PermissionsExt::from_mode(0o777);
        std::fs::set_permissions(folder.path(), open).unwrap();
        let host = Host::this(Events::silent());
        let cmd = Cmd::new("sh").args(["-c", DAEMON]).user("nobody");
        let cmd = cmd.folder(folder.path()).contained().accept(7);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        let output = runtime.block_on(host.run(&cmd)).unwrap();
        assert_eq!(output.code, Some(7), "{output:?}");
        let left = host.processes().unwrap().into_iter().filter(|pid| {
            let place = std::fs::read_link(format!("/proc/{pid}/cwd"));
            place.is_ok_and(|place| place == folder.path())
        });
        assert_eq!(left.count(), 0, "it left something running");
    }
}
