//! The files of a freshly installed Debian 12.

use std::collections::BTreeMap;

use super::Disk;
use super::apt::{Status, write_status};
use super::universe::{BASE, TOKEN, TOKEN_FILE};

pub(super) fn fill(disk: &Disk) {
    for folder in [
        "/etc/systemd/system",
        "/etc/cron.d",
        "/etc/sysctl.d",
        "/usr/local/sbin",
        "/opt",
        "/proc/net",
        "/run/systemd/system",
        "/usr/lib",
        "/var/cache/apt/archives",
        "/var/lib/apt/lists",
        "/var/lib/dpkg/updates",
    ] {
        disk.folder_as(folder, (0, 0), 0o755);
    }
    disk.folder_as("/root", (0, 0), 0o700);
    disk.folder_as("/tmp", (0, 0), 0o1777);
    disk.link("/var/run", "../run");
    disk.put(
        "/etc/os-release",
        "PRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\nID=debian\nVERSION_ID=\"12\"\n",
    );
    disk.put_as(TOKEN_FILE, format!("{TOKEN}\n"), (0, 0), 0o600);
    disk.put("/var/lib/dpkg/arch", "amd64\n");
    disk.put("/proc/meminfo", "MemTotal:        8000000 kB\n");
    disk.put(
        "/proc/net/route",
        "Iface\tDestination\tGateway\neth0\t00000000\t010200C0\n",
    );
    disk.put("/proc/net/tcp", "  sl  local_address\n");
    disk.put(
        "/etc/passwd",
        "root:x:0:0:root:/root:/bin/bash\ndaemon:x:1:1:daemon:/usr/sbin:/usr/sbin/nologin\n\
         www-data:x:33:33:www-data:/var/www:/usr/sbin/nologin\n\
         nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n",
    );
    disk.put(
        "/etc/group",
        "root:x:0:\ndaemon:x:1:\nadm:x:4:\nsudo:x:27:\nwww-data:x:33:\nusers:x:100:\nnogroup:x:65534:\n",
    );
    let status = |package: &super::universe::Package| Status {
        state: "install ok installed".into(),
        version: package.version.into(),
    };
    let all: BTreeMap<String, Status> = BASE
        .iter()
        .map(|package| (package.name.to_owned(), status(package)))
        .collect();
    write_status(disk, &all);
    for path in BASE.iter().flat_map(|package| package.files) {
        disk.put_as(path, "", (0, 0), 0o755);
    }
}
