//! Drifts of files, folders, links and secrets, one attribute at a time.

use std::fs;

use nix::sys::stat::Mode;

use super::{Drift, Machine, SECRETS, Then, gid};

const MODES: &[u32] = &[
    0o400, 0o600, 0o640, 0o644, 0o666, 0o700, 0o750, 0o755, 0o777,
];

/// The other accounts on the machine.
const OTHERS: &[&str] = &["root", "odoo", "odoo-build", "postgres"];

/// A managed path: its step, path, owner, group and mode.
type Managed = (
    &'static [&'static str],
    &'static str,
    &'static str,
    &'static str,
    u32,
);

const FILES: &[Managed] = &[
    (&["conf"], "/etc/odoo.conf", "root", "odoo", 0o640),
    (
        &["unit"],
        "/etc/systemd/system/odoo.service",
        "root",
        "root",
        0o644,
    ),
];

const FOLDERS: &[Managed] = &[
    (&["home"], "/opt/odoo", "root", "root", 0o755),
    (
        &["releases"],
        "/opt/odoo/releases",
        "odoo-build",
        "odoo-build",
        0o755,
    ),
    (
        &["venvs"],
        "/opt/odoo/venvs",
        "odoo-build",
        "odoo-build",
        0o755,
    ),
    (&["addons"], "/opt/odoo/addons", "root", "root", 0o755),
    (&["data"], "/var/lib/odoo", "odoo", "www-data", 0o2700),
    (&["secrets"], SECRETS, "root", "root", 0o700),
];

/// Paths inside a folder that are deleted with it.
const GONE: &[(&str, &[&str])] = &[
    ("/opt/odoo/releases", &["releases", "source", "source-web"]),
    ("/opt/odoo/venvs", &["venv", "venvs"]),
    ("/opt/odoo/addons", &["addons", "release-web"]),
    (SECRETS, &["admin-password", "master-password", "secrets"]),
];

const LINKS: &[(&[&str], &str)] = &[
    (&["release"], "/opt/odoo/current"),
    (&["environment"], "/opt/odoo/venv"),
    (&["release-web"], "/opt/odoo/addons/web"),
];

const KEPT: &[(&[&str], &str)] = &[
    (&["master-password"], "master-password"),
    (&["admin-password"], "admin-password"),
];

pub(super) fn all() -> Vec<Drift> {
    let mut all = Vec::new();
    for file in FILES {
        attributes(&mut all, file, file.1);
        contents(&mut all, file);
        refused(&mut all, file.1, &["a folder", "a FIFO", "a link"]);
    }
    for folder in FOLDERS {
        attributes(&mut all, folder, &format!("{}/.", folder.1));
        refused(&mut all, folder.1, &["a file", "a FIFO", "a link"]);
    }
    for (path, steps) in GONE {
        all.push(Drift::new(*path, "is gone", Then::Mended(steps), |m| {
            m.disk.remove(path);
        }));
    }
    for (steps, path) in LINKS {
        for target in ["/opt/elsewhere", "venvs/other", "../..", "/"] {
            let what = format!("points to {target}");
            all.push(Drift::new(*path, what, Then::Mended(steps), move |m| {
                m.disk.link(path, target);
            }));
        }
        all.push(Drift::new(*path, "is gone", Then::Mended(steps), |m| {
            m.disk.remove(path);
        }));
        refused(&mut all, path, &["a file", "a folder", "a FIFO"]);
    }
    for (steps, name) in KEPT {
        secret(&mut all, steps, name);
    }
    all
}

/// Adds drifts with other modes, owners and groups.
fn attributes(all: &mut Vec<Drift>, managed: &Managed, at: &str) {
    let (steps, path, owner, group, mode) = *managed;
    let mut own = |what: String, owner: &'static str, group: &'static str, mode: u32| {
        all.push(Drift::new(at, what, Then::Mended(steps), move |m| {
            let owner = (gid(&m.disk, owner), gid(&m.disk, group));
            m.disk.own(path, owner, mode);
        }));
    };
    for other in MODES.iter().filter(|other| **other != mode) {
        own(format!("has mode {other:04o}"), owner, group, *other);
    }
    for other in OTHERS {
        if *other != owner {
            own(format!("belongs to {other}"), other, group, mode);
        }
        if *other != group {
            own(format!("has group {other}"), owner, other, mode);
        }
    }
}

/// Adds drifts with other file contents.
fn contents(all: &mut Vec<Drift>, managed: &Managed) {
    let (steps, path, owner, group, mode) = *managed;
    let mut edit = |what: &str, change: fn(Vec<u8>) -> Vec<u8>| {
        all.push(Drift::new(path, what, Then::Mended(steps), move |m| {
            let owner = (gid(&m.disk, owner), gid(&m.disk, group));
            let bytes = change(m.disk.bytes(path).unwrap());
            m.disk.put_as(path, bytes, owner, mode);
        }));
    };
    edit("has a line more", |b| [&b[..], b"# by hand\n"].concat());
    edit("has a setting more", |b| {
        [&b[..], b"limit_time_cpu = 60\n"].concat()
    });
    edit("is empty", |_| Vec::new());
    edit("is cut in half", |b| b[..b.len() / 2].to_vec());
    edit("has Windows lines", |b| {
        String::from_utf8(b)
            .unwrap()
            .replace('\n', "\r\n")
            .into_bytes()
    });
    // the model of systemd reads units as text, so only `odoo.conf` gets bytes that are not UTF-8
    if steps == ["conf"] {
        edit("is no text", |b| [&b[..], &[0xff, 0xfe, 0x00]].concat());
    }
    all.push(Drift::new(path, "is gone", Then::Mended(steps), |m| {
        m.disk.remove(path);
    }));
}

/// Adds drifts that replace the path with something of another type. Nobody knows what it is for, so an install
/// refuses.
fn refused(all: &mut Vec<Drift>, path: &str, kinds: &[&'static str]) {
    for kind in kinds.iter().copied() {
        let at = path.to_owned();
        let what = format!("is {kind}");
        all.push(Drift::new(path, what, Then::Refused, move |m| {
            replace(m, &at, kind);
        }));
    }
}

fn replace(machine: &Machine, path: &str, kind: &str) {
    let aside = machine.disk.at(path);
    let kept = format!("/srv-aside{}", path.replace('/', "-"));
    if aside.symlink_metadata().is_ok() {
        fs::rename(&aside, machine.disk.at(&kept)).unwrap();
    }
    match kind {
        "a file" => machine.disk.put(path, "by hand\n"),
        "a folder" => machine.disk.put(&format!("{path}/theirs"), "by hand\n"),
        "a link" => machine.disk.link(path, &kept),
        _ => nix::unistd::mkfifo(&aside, Mode::from_bits_truncate(0o600)).unwrap(),
    }
}

fn secret(all: &mut Vec<Drift>, steps: &'static [&'static str], name: &str) {
    let path = format!("{SECRETS}/{name}");
    for mode in MODES.iter().filter(|mode| **mode != 0o600) {
        let (at, what) = (path.clone(), format!("has mode {mode:04o}"));
        all.push(Drift::new(
            at.clone(),
            what,
            Then::Mended(steps),
            move |m| {
                m.disk.own(&at, (0, 0), *mode);
            },
        ));
    }
    for other in &OTHERS[1..] {
        let (at, what) = (path.clone(), format!("belongs to {other}"));
        all.push(Drift::new(
            at.clone(),
            what,
            Then::Mended(steps),
            move |m| {
                m.disk.own(&at, (gid(&m.disk, other), 0), 0o600);
            },
        ));
    }
    for (what, suffix) in [("is gone", ""), ("has no hash", ".hash")] {
        let at = format!("{path}{suffix}");
        all.push(Drift::new(
            path.clone(),
            what,
            Then::Mended(steps),
            move |m| {
                m.disk.remove(&at);
            },
        ));
    }
    refused(all, &path, &["a folder", "a FIFO", "a link"]);
}
