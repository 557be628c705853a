//! The limits that the control groups of a container, or of the services in it, set.

use std::path::{Path, PathBuf};

use crate::host::{Host, Result};

/// The folders of control groups: cgroup v2 (the unified hierarchy), and two controllers of cgroup v1.
const UNIFIED: &str = "/sys/fs/cgroup";
const MEMORY: &str = "/sys/fs/cgroup/memory";
const CPU: &str = "/sys/fs/cgroup/cpu";

/// The group in which systemd starts services.
const SERVICES: &str = "system.slice";

/// The lowest limits that apply to a service of this machine: the memory in MiB, and the cores.
pub(super) fn read(host: &Host) -> Result<(Option<u64>, Option<u32>)> {
    let text = host.read_text(Path::new("/proc/1/cgroup"))?;
    let text = text.unwrap_or_default();
    let (mut memory, mut cores) = (None, None);
    for group in groups(&text, "") {
        let folder = Path::new(UNIFIED).join(&group);
        least(&mut memory, number(host, &folder.join("memory.max"))?);
        let said = host.read_text(&folder.join("cpu.max"))?.unwrap_or_default();
        least(
            &mut cores,
            said.split_once(' ').and_then(|(q, p)| quota(q, p)),
        );
    }
    for group in groups(&text, "memory") {
        let limit = Path::new(MEMORY).join(&group).join("memory.limit_in_bytes");
        least(&mut memory, number(host, &limit)?);
    }
    for group in groups(&text, "cpu") {
        let folder = Path::new(CPU).join(&group);
        let of = |name: &str| host.read_text(&folder.join(name));
        let (quota_text, period) = (of("cpu.cfs_quota_us")?, of("cpu.cfs_period_us")?);
        let both = quota_text.zip(period);
        least(&mut cores, both.and_then(|(q, p)| quota(&q, &p)));
    }
    Ok((memory.map(|bytes| bytes >> 20), cores))
}

/// The groups above services, outermost first, in the hierarchy of `controller`; `controller` is empty for cgroup v2.
/// Process 1 is in the group of the whole system, or in a group below it that it has made for itself.
fn groups(cgroup: &str, controller: &str) -> Vec<PathBuf> {
    let path = cgroup.lines().find_map(|line| {
        let (_, rest) = line.split_once(':')?;
        let (controllers, path) = rest.split_once(':')?;
        let is_it = controllers.split(',').any(|known| known == controller);
        is_it.then_some(path)
    });
    let path = path
        .unwrap_or("/")
        .trim_end_matches("/init.scope")
        .trim_matches('/');
    let mut group = PathBuf::new();
    let mut groups = vec![group.clone()];
    for part in path
        .split('/')
        .filter(|part| !part.is_empty() && *part != "..")
    {
        group.push(part);
        groups.push(group.clone());
    }
    groups.push(group.join(SERVICES));
    groups
}

fn least<N: Ord>(known: &mut Option<N>, limit: Option<N>) {
    let smaller = match (&known, &limit) {
        (Some(known), Some(limit)) => limit < known,
        (None, Some(_)) => true,
        (_, None) => false,
    };
    if smaller {
        *known = limit;
    }
}

/// Reads a number of bytes. `None` for `max`, which is no limit.
fn number(host: &Host, path: &Path) -> Result<Option<u64>> {
    let text = host.read_text(path)?;
    Ok(text.and_then(|text| text.trim().parse().ok()))
}

/// The cores that a quota allows, rounded up. Quota and period are in microseconds.
fn quota(quota: &str, period: &str) -> Option<u32> {
    let (quota, period): (u64, u64) = (quota.trim().parse().ok()?, period.trim().parse().ok()?);
    let cores = quota.checked_add(period.checked_sub(1)?)? / period;
    u32::try_from(cores.max(1)).ok()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::event::Events;
    use crate::host::Programs;

    #[test]
    fn the_lowest_limit_counts() {
        for (files, expected) in [
            (&[][..], (None, None)),
            (
                &[
                    ("sys/fs/cgroup/memory.max", "max\n"),
                    ("sys/fs/cgroup/cpu.max", "max 100000\n"),
                ][..],
                (None, None),
            ),
            (
                &[
                    ("sys/fs/cgroup/memory.max", "2147483648\n"),
                    ("sys/fs/cgroup/cpu.max", "150000 100000\n"),
                ],
                (Some(2048), Some(2)),
            ),
            (
                &[
                    ("proc/1/cgroup", "0::/lxc/7/init.scope\n"),
                    ("sys/fs/cgroup/lxc/memory.max", "4294967296\n"),
                    (
                        "sys/fs/cgroup/lxc/7/system.slice/memory.max",
                        "1073741824\n",
                    ),
                    ("sys/fs/cgroup/lxc/7/init.scope/memory.max", "1\n"),
                ],
                (Some(1024), None),
            ),
            (
                &[
                    (
                        "proc/1/cgroup",
                        "5:cpu,cpuacct:/docker/x\n4:memory:/docker/x\n0::/\n",
                    ),
                    (
                        "sys/fs/cgroup/memory/docker/x/memory.limit_in_bytes",
                        "1073741824\n",
                    ),
                    ("sys/fs/cgroup/cpu/cpu.cfs_quota_us", "-1\n"),
                    ("sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000\n"),
                    ("sys/fs/cgroup/cpu/docker/x/cpu.cfs_quota_us", "50000\n"),
                    ("sys/fs/cgroup/cpu/docker/x/cpu.cfs_period_us", "100000\n"),
                ],
                (Some(1024), Some(1)),
            ),
        ] {
            let root = tempfile::tempdir().unwrap();
            for (path, text) in files {
                let path = root.path().join(path);
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                fs::write(path, text).unwrap();
            }
            let host = Host::at(root.path(), Programs::Real, Events::silent());
            assert_eq!(read(&host).unwrap(), expected, "{files:?}");
        }
    }
}
