//! What a rolled-back machine may keep: the residue that the steps name, and nothing else.

use super::snapshot::{Snapshot, differences};

/// The residue that the steps `lists`, `packages`, `user` and `builder` name, and odoo-deploy's own folders.
const LEFT: &[&str] = &[
    "/etc/group-",
    "/etc/passwd-",
    "/etc/nginx/sites-available/default",
    "/etc/nginx/sites-enabled/default",
    "/etc/postgresql",
    "/etc/ssl/certs",
    "/etc/systemd/system/multi-user.target.wants/nginx.service",
    "/etc/systemd/system/multi-user.target.wants/postgresql.service",
    "/var/lib/apt/lists/",
    "/var/lib/apt/periodic/",
    "/var/lib/postgresql",
];

/// Folders that are created together with files in them.
const FOLDERS: &[&str] = &[
    "/etc/nginx",
    "/etc/nginx/sites-available",
    "/etc/nginx/sites-enabled",
    "/etc/ssl",
    "/etc/systemd/system/multi-user.target.wants",
    "/run/odoo-deploy",
    "/run/postgresql",
    "/var/lib/apt/periodic",
    "/var/lib/odoo-deploy",
    "/var/lib/odoo-deploy/odoo",
    "/var/lib/odoo-deploy/odoo-two",
];

const RECORD: &str = "/run/odoo-deploy/odoo.started";

/// Returns where a rolled-back machine differs from its original state, without the residue.
pub fn remains(start: &Snapshot, found: &Snapshot) -> Vec<String> {
    let (start, mut found) = (less_residue(start), less_residue(found));
    // a service that is restarted runs the files on disk, even if it ran older ones before the run
    if let (Some(before), Some(now)) = (start.get(RECORD), found.get_mut(RECORD)) {
        let all_current = now.split("; ").all(|part| {
            part.ends_with("as on disk") || before.contains(part) || part.trim().is_empty()
        });
        let head = |text: &str| text.chars().take(10).collect::<String>();
        if all_current && head(before) == head(now) {
            now.clone_from(before);
        }
    }
    // modules added to an existing database stay; its step names them as residue
    let databases = start
        .iter()
        .filter(|(place, _)| place.starts_with("postgres database "));
    for (place, before) in databases {
        let less_modules = |text: &str| text.split("modules:").next().unwrap().to_owned();
        if let Some(now) = found.get_mut(place)
            && less_modules(now) == less_modules(before)
        {
            now.clone_from(before);
        }
    }
    differences(&start, &found)
}

fn less_residue(all: &Snapshot) -> Snapshot {
    let stays = |place: &str| {
        !LEFT.iter().any(|left| place.starts_with(left))
            && !FOLDERS.contains(&place)
            && !place.ends_with(".kept")
    };
    let kept = all.iter().filter(|(place, _)| stays(place));
    kept.map(|(place, seen)| (place.clone(), less_packages(place, seen)))
        .collect()
}

/// Removes the account that PostgreSQL's packages made, and dpkg's entries of removed packages.
fn less_packages(place: &str, seen: &str) -> String {
    match place {
        "/etc/passwd" | "/etc/group" => seen
            .lines()
            .filter(|line| !line.starts_with("postgres:"))
            .map(|line| format!("{line}\n"))
            .collect(),
        "/var/lib/dpkg/status" => seen
            .split("\n\n")
            .filter(|paragraph| !paragraph.contains("Status: deinstall"))
            .collect::<Vec<_>>()
            .join("\n\n"),
        _ => seen.to_owned(),
    }
}
