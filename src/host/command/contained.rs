//! Programs that run foreign code: no process that they start survives them, or odoo-deploy.
//!
//! Each program runs in its own PID namespace. The first process of the namespace belongs to root and waits for the
//! program. When this first process ends, the kernel kills every process in the namespace, including daemons and
//! processes that have changed their process group or their name. The first process ends with the program, and it is
//! killed if odoo-deploy dies, however that happens. No process in the namespace can gain privileges through a setuid
//! file, so none can leave a job with cron or at.

use std::io;
use std::path::Path;

use tokio::process::Command;

use super::find;

/// The script of the first process. The `exit` keeps the shell from replacing itself by the program: the shell must
/// wait.
const WAIT: &str = "\"$@\"; exit $?";

/// A command that runs `program` as the given account. Add the arguments of `program` to it. Needs root, which alone
/// can create the namespace.
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

/// Finds `setpriv` or `unshare`. Both are in the package `util-linux`, which every Debian has.
fn tool(name: &str) -> io::Result<std::path::PathBuf> {
    find(name).ok_or_else(|| io::Error::other(format!("there is no `{name}`, of `util-linux`")))
}

#[cfg(test)]
mod tests {
    use crate::event::Events;
    use crate::host::Host;
    use crate::host::command::Cmd;

    /// Starts daemons in every way there is, without odoo-deploy's mark, and ends.
    const DAEMON: &str = "env -i setsid sh -c 'trap \"\" TERM HUP; touch left.$$; sleep 20' & \
                          setsid nohup sleep 20 & until ls left.* >/dev/null 2>&1; do sleep 0.01; done; exit 7";

    #[test]
    fn no_process_outlives_a_contained_program() {
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
