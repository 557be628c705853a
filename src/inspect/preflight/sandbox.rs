//! Tries out whether systemd can set up the sandbox of the service here.

use std::path::{Path, PathBuf};

use super::{Found, Inspected};
use crate::host::command::Cmd;
use crate::host::{Error, Host, Result};
use crate::resource::File;

/// The sandbox settings of a unit, without those that need files which only the run makes.
const SURROUNDINGS: &[&str] = &[
    "AmbientCapabilities",
    "BindPaths",
    "BindReadOnlyPaths",
    "CapabilityBoundingSet",
    "DevicePolicy",
    "EnvironmentFile",
    "ExecPaths",
    "InaccessiblePaths",
    "IPCNamespacePath",
    "KeyringMode",
    "LimitNOFILE",
    "LockPersonality",
    "MemoryDenyWriteExecute",
    "MountImages",
    "NetworkNamespacePath",
    "NoExecPaths",
    "NoNewPrivileges",
    "PrivateDevices",
    "PrivateIPC",
    "PrivateMounts",
    "PrivateNetwork",
    "PrivateTmp",
    "PrivateUsers",
    "ProcSubset",
    "ProtectClock",
    "ProtectControlGroups",
    "ProtectHome",
    "ProtectHostname",
    "ProtectKernelLogs",
    "ProtectKernelModules",
    "ProtectKernelTunables",
    "ProtectProc",
    "ProtectSystem",
    "ReadOnlyPaths",
    "ReadWritePaths",
    "RemoveIPC",
    "RestrictAddressFamilies",
    "RestrictNamespaces",
    "RestrictRealtime",
    "RestrictSUIDSGID",
    "RootDirectory",
    "RootImage",
    "SystemCallArchitectures",
    "SystemCallErrorNumber",
    "SystemCallFilter",
    "TemporaryFileSystem",
    "UMask",
];

/// The folders in which packages and administrators put drop-ins.
const UNITS: [&str; 3] = [
    "/usr/lib/systemd/system",
    "/run/systemd/system",
    "/etc/systemd/system",
];

/// A line of a unit.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Line {
    /// `Key=value`.
    text: String,
    /// File and line; `None` for our own unit.
    place: Option<(PathBuf, usize)>,
}

/// Tries the sandbox in a transient unit, if the service is about to be started.
pub(super) async fn look(inspected: &Inspected<'_>, found: &mut Found) -> Result<()> {
    let host = inspected.host;
    let unit = &inspected.site.paths.unit;
    let mut services = inspected.pending_of("service");
    if !services.any(|change| change.subject == *unit) {
        return Ok(());
    }
    let path = Path::new("/etc/systemd/system").join(unit);
    let Some(file) = inspected.plan.file(&path) else {
        return Ok(());
    };
    let mut lines = own(file);
    lines.extend(added(host, unit)?);
    let Some(said) = failure(host, &lines).await? else {
        return Ok(());
    };
    // find the lines at fault: try each alone, those of others first
    let mut wrong = Vec::new();
    for line in lines.iter().filter(|line| line.place.is_some()) {
        if failure(host, std::slice::from_ref(line)).await?.is_some() {
            wrong.push(line);
        }
    }
    for line in &wrong {
        if let Some((file, number)) = &line.place {
            found.refuse(format!(
                "systemd cannot start `{unit}` with `{}` in `{}` (line {number}); mend that line, or take it away",
                line.text,
                file.display()
            ));
        }
    }
    if !wrong.is_empty() {
        return Ok(());
    }
    for line in &lines {
        if failure(host, std::slice::from_ref(line)).await?.is_some() {
            wrong.push(line);
        }
    }
    let names: Vec<&str> = wrong.iter().map(|line| key(&line.text)).collect();
    let (what, example) = match names.first() {
        Some(first) => (format!("`{}`", names.join("`, `")), *first),
        None => ("all of it together".to_owned(), "ProtectSystem"),
    };
    found.refuse(format!(
        "systemd cannot set up here what keeps the service apart from the rest of the server: {what} \
         (`systemd-run`: {said}). In a container, allow \
         it namespaces of its own (Proxmox: `pct set ID --features nesting=1`, LXD and Incus: `security.nesting=true`); or \
         do without, by a file `/etc/systemd/system/{unit}.d/here.conf` with `[Service]` and below it a line like \
         `{example}=no` for each of them"
    ));
    Ok(())
}

/// The sandbox settings of our own unit, without the writable paths, which only the run makes.
fn own(file: &File) -> Vec<Line> {
    let lines = lines(&file.content).into_iter();
    let lines = lines.filter(|(_, text)| key(text) != "ReadWritePaths");
    lines.map(|(_, text)| Line { text, place: None }).collect()
}

/// The sandbox settings in drop-ins of others, in the order in which systemd reads them.
fn added(host: &Host, unit: &str) -> Result<Vec<Line>> {
    let mut files = Vec::new();
    for folder in ["service.d".to_owned(), format!("{unit}.d")] {
        let mut of_folder: Vec<(String, PathBuf)> = Vec::new();
        for units in UNITS {
            let folder = Path::new(units).join(&folder);
            for name in host.list(&folder)? {
                let path = folder.join(&name);
                if path.extension().is_some_and(|kind| kind == "conf") {
                    // a later file of the same name takes precedence
                    of_folder.retain(|(earlier, _)| *earlier != name);
                    of_folder.push((name, path));
                }
            }
        }
        of_folder.sort();
        files.extend(of_folder.into_iter().map(|(_, path)| path));
    }
    let mut all = Vec::new();
    for file in files {
        let text = host.read_text(&file)?.unwrap_or_default();
        let of_file = lines(&text).into_iter().map(|(number, text)| Line {
            text,
            place: Some((file.clone(), number)),
        });
        all.extend(of_file);
    }
    Ok(all)
}

/// The sandbox settings in a unit, with their line numbers. Lines with specifiers are left out, because only the real
/// unit resolves them.
fn lines(unit: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let mut in_service = false;
    for (index, line) in unit.lines().enumerate() {
        let line = line.trim();
        if line.starts_with('[') {
            in_service = line == "[Service]";
        } else if in_service
            && SURROUNDINGS.contains(&key(line))
            && !line.contains('%')
            && !line.ends_with('\\')
        {
            let (key, value) = line.split_once('=').unwrap_or_default();
            found.push((index + 1, format!("{}={}", key.trim(), value.trim())));
        }
    }
    found
}

fn key(line: &str) -> &str {
    line.split_once('=').map_or("", |(key, _)| key.trim())
}

/// The error of `systemd-run` if no process can be started with these settings.
async fn failure(host: &Host, lines: &[Line]) -> Result<Option<String>> {
    // `--wait` would need D-Bus, which a minimal Debian does not have
    let mut run = Cmd::new("systemd-run")
        .args(["--quiet", "--collect", "--property=Type=oneshot"])
        .deadline(30)
        .accept(1);
    for line in lines {
        run = run.arg(format!("--property={}", line.text));
    }
    match host.run(&run.args(["--", "/bin/true"])).await {
        Ok(output) if output.code == Some(0) => Ok(None),
        Ok(output) => {
            let said = output.stderr.trim().lines().next_back();
            Ok(Some(
                said.unwrap_or("it failed and said nothing").to_owned(),
            ))
        }
        Err(Error::Missing { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::event::Events;
    use crate::host::Programs;

    #[test]
    fn drop_ins_are_read_in_order_and_with_their_lines() {
        let root = tempfile::tempdir().unwrap();
        let write = |path: &str, text: &str| {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        let host = Host::at(root.path(), Programs::Real, Events::silent());
        write(
            "etc/systemd/system/odoo.service.d/b.conf",
            "[Unit]\nPrivateTmp=no\n[Service]\nBindPaths=/nowhere\n",
        );
        write(
            "run/systemd/system/odoo.service.d/a.conf",
            "[Service]\n# x\nNice=5\nPrivateTmp = no\n",
        );
        write(
            "usr/lib/systemd/system/odoo.service.d/b.conf",
            "[Service]\nPrivateUsers=yes\n",
        );
        write(
            "etc/systemd/system/service.d/z.conf",
            "[Service]\nProtectHome=%h\nUMask=0022\n",
        );
        write(
            "etc/systemd/system/odoo.service.d/b.conf.old",
            "[Service]\nPrivateUsers=yes\n",
        );
        let found = added(&host, "odoo.service").unwrap();
        let found: Vec<_> = found
            .iter()
            .map(|line| (line.text.as_str(), line.place.as_ref().unwrap().1))
            .collect();
        let expected = [
            ("UMask=0022", 3),
            ("PrivateTmp=no", 4),
            ("BindPaths=/nowhere", 4),
        ];
        assert_eq!(found, expected);
    }
}
