//! Whether the site can work in its folders, which may be on other disks, behind links or mounts.

use std::path::{Path, PathBuf};

use super::{Found, Inspected};
use crate::host::{Host, Kind, Result};

/// Folders that the unit hides from the service or replaces by private ones.
const HIDDEN: [&str; 6] = ["/home", "/root", "/run/user", "/tmp", "/var/tmp", "/dev"];

/// The mode bit with which other accounts may enter a folder.
const ENTER: u32 = 0o001;

/// Checks the real paths of the site's folders.
pub(super) fn look(inspected: &Inspected<'_>, found: &mut Found) -> Result<()> {
    let (host, paths) = (inspected.host, &inspected.site.paths);
    for (folder, runs) in [(paths.home.as_str(), true), (paths.data.as_str(), false)] {
        let place = host.resolved(Path::new(folder))?;
        for reason in place_of(host, folder, &place, runs)? {
            found.refuse(reason);
        }
    }
    Ok(())
}

/// Why `place`, the real path of `folder`, is unsuitable. `runs` says whether code is run from there.
fn place_of(host: &Host, folder: &str, place: &Path, runs: bool) -> Result<Vec<String>> {
    let there = above(host, place)?;
    let mut reasons = Vec::new();
    let shown = place.display();
    if let Some(hidden) = HIDDEN.iter().find(|hidden| place.starts_with(hidden)) {
        reasons.push(format!(
            "`{folder}` is a link to `{shown}`, and the service sees nothing below `{hidden}`; mount it instead of \
             linking it: remove the link, `mkdir` it, `mount --bind {shown} {folder}`, with its line in /etc/fstab"
        ));
    }
    let root = Path::new("/");
    let entered = there.ancestors().skip(usize::from(there == place));
    for entered in entered.filter(|entered| *entered != root) {
        let meta = host.meta(entered)?;
        if let Some(meta) = meta.filter(|meta| meta.kind == Kind::Folder && meta.mode & ENTER == 0)
        {
            reasons.push(format!(
                "`{folder}` is in `{}`, which the service may not enter (owner {}, mode {:04o}); `chmod o+x {}`",
                entered.display(),
                meta.owner,
                meta.mode,
                entered.display()
            ));
        }
    }
    let forbidden: &[&str] = if runs { &["ro", "noexec"] } else { &["ro"] };
    let options = mount_options(host, &there)?;
    if let Some(option) = forbidden
        .iter()
        .find(|option| options.contains(&(**option).to_owned()))
    {
        let other = if *option == "ro" { "rw" } else { "exec" };
        reasons.push(format!(
            "the file system of `{folder}` (`{}`) is mounted with `{option}`; `mount -o remount,{other}` it, and mend \
             its line in /etc/fstab",
            there.display()
        ));
    }
    Ok(reasons)
}

/// `place`, or the nearest existing folder above it.
fn above(host: &Host, place: &Path) -> Result<PathBuf> {
    for folder in place.ancestors() {
        if host.meta(folder)?.is_some() {
            return Ok(folder.to_owned());
        }
    }
    Ok(PathBuf::from("/"))
}

/// The options of the mount that contains `place`, both per mount and per file system.
fn mount_options(host: &Host, place: &Path) -> Result<Vec<String>> {
    let table = host.read_text(Path::new("/proc/self/mountinfo"))?;
    let table = table.unwrap_or_default();
    let mounts = table.lines().filter_map(mount);
    let around = mounts.filter(|(point, _)| place.starts_with(point));
    // if two mounts have the same path, the later one is visible
    let last = around.max_by_key(|(point, _)| point.components().count());
    Ok(last.map(|(_, options)| options).unwrap_or_default())
}

/// The mount point and the options in a line of `/proc/self/mountinfo`: fields 5 and 6, and the last.
fn mount(line: &str) -> Option<(PathBuf, Vec<String>)> {
    let fields: Vec<&str> = line.split(' ').collect();
    let point = fields.get(4)?.replace("\\040", " ");
    let options = [fields.get(5)?, fields.last()?];
    let options = options.into_iter().flat_map(|options| options.split(','));
    Some((point.into(), options.map(str::to_owned).collect()))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use super::*;
    use crate::event::Events;
    use crate::host::Programs;

    #[test]
    fn an_unsuitable_folder_is_reported() {
        let root = tempfile::tempdir().unwrap();
        let at = |path: &str| root.path().join(path);
        for folder in [
            "srv/opt",
            "home/opt",
            "mnt/closed/opt",
            "mnt/ro",
            "mnt/noexec/opt",
            "proc/self",
        ] {
            fs::create_dir_all(at(folder)).unwrap();
        }
        fs::set_permissions(at("mnt/closed"), fs::Permissions::from_mode(0o700)).unwrap();
        let mounts = "1 0 8:1 / / rw - ext4 /dev/a rw\n\
                      2 1 8:2 / /mnt/ro rw,relatime shared:1 - ext4 /dev/b ro\n\
                      3 1 8:3 / /mnt/noexec rw,noexec shared:2 - ext4 /dev/c rw\n";
        fs::write(at("proc/self/mountinfo"), mounts).unwrap();
        let host = Host::at(root.path(), Programs::Real, Events::silent());
        for (target, word) in [
            ("srv/opt", None),
            ("home/opt", Some("`mount --bind /home/opt/odoo /opt/odoo`")),
            ("mnt/closed/opt", Some("`chmod o+x /mnt/closed`")),
            ("mnt/ro", Some("remount,rw")),
            ("mnt/noexec/opt", Some("remount,exec")),
        ] {
            let _ = fs::remove_file(at("opt"));
            symlink(target, at("opt")).unwrap();
            let place = host.resolved(Path::new("/opt/odoo")).unwrap();
            let reasons = place_of(&host, "/opt/odoo", &place, true).unwrap();
            assert_eq!(reasons.is_empty(), word.is_none(), "{target}: {reasons:?}");
            assert!(
                reasons
                    .iter()
                    .all(|reason| reason.contains(word.unwrap_or_default())),
                "{reasons:?}"
            );
        }
        symlink("mnt/noexec/opt", at("data")).unwrap();
        let place = host.resolved(Path::new("/data")).unwrap();
        assert!(place_of(&host, "/data", &place, false).unwrap().is_empty());
    }
}
