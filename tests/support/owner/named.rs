//! Whether odoo-deploy named to the owner what happened to a thing, before or while it did it.

use super::said::Said;
use super::things::{Thing, Things};
use crate::machine::{Database, Machine, Role};

/// Whether the change of the thing at `place`, from `was` to its present state, was named.
pub(super) fn is_named(
    machine: &Machine,
    said: &Said,
    (place, was): (&str, &Thing),
    now: &Things,
) -> bool {
    let subject = place.split_once(' ').map_or(place, |(_, name)| name);
    let plans = |kinds: &[&str]| {
        let mut planned = said.planned();
        planned.any(|change| {
            let is_it = change.subject == subject
                || at(machine, &change.subject) == subject
                // a folder of the site may be a link to another folder
                || change.kind == "directory" && machine.disk.resolve(&change.subject) == subject;
            is_it && kinds.contains(&change.kind.as_str())
        })
    };
    // the new thing replaced the old one, and the owner was told the old one's new path
    if now.contains_key(place) && said.names_place(subject) && is_elsewhere(was, now) {
        return true;
    }
    match (was, now.get(place)) {
        // the thing is gone: it must be at another path, and the owner was told
        (was, None) => (said.names(subject) || said.names_place(subject)) && is_elsewhere(was, now),
        (Thing::Folder(_), Some(Thing::Folder(_))) => plans(&["directory"]),
        (Thing::File(_, digest), Some(Thing::File(_, found))) if digest == found => {
            plans(&["file", "certificate", "secret"])
        }
        (Thing::File(_, digest), Some(_)) => {
            let kinds = ["file", "link", "certificate"];
            (plans(&kinds) || said.names(subject)) && is_kept(machine, digest, now)
        }
        (Thing::Link(..), Some(_)) => plans(&["file", "link", "service"]),
        (Thing::User(was), Some(Thing::User(now))) => {
            plans(&["user"]) && less_shell(was) == less_shell(now)
        }
        (Thing::Group(was, members), Some(Thing::Group(now, left))) => {
            let gone: Vec<&String> = members.symmetric_difference(left).collect();
            let named = |name: &&String| {
                let mut planned = said.planned();
                planned.any(|change| change.kind == "user" && change.subject == ***name)
            };
            was == now && gone.iter().all(named)
        }
        (Thing::Package(_), Some(_)) => said.planned().any(|change| {
            let after = change.after.as_ref().map(ToString::to_string);
            change.kind == "packages"
                && after.is_some_and(|text| text.contains(&format!("{subject:?}")))
        }),
        (Thing::Role(was), Some(Thing::Role(now))) => {
            let grants = |role: &Role| role.grants.clone();
            plans(&["role"]) && grants(was) == grants(now)
        }
        (Thing::Database(was), Some(Thing::Database(now))) => {
            plans(&["database"]) && (was.is_empty() || has_only_more_modules(was, now))
        }
        (Thing::Running(_), Some(Thing::Running(_))) => plans(&["service"]),
        _ => false,
    }
}

/// The path of a thing, with links in the folders above it resolved.
pub(super) fn at(machine: &Machine, path: &str) -> String {
    match path.rsplit_once('/') {
        Some((folder, name)) => format!("{}/{name}", machine.disk.resolve(folder)),
        None => path.to_owned(),
    }
}

/// Whether a thing is now at another path.
fn is_elsewhere(thing: &Thing, now: &Things) -> bool {
    now.values().any(|other| match (thing, other) {
        (Thing::File(_, digest), Thing::File(_, found)) => digest == found,
        (Thing::Database(was), Thing::Database(found)) => was.oid == found.oid,
        (Thing::Folder(_), Thing::Folder(_)) => true,
        (Thing::Link(_, to), Thing::Link(_, target)) => to == target,
        _ => false,
    })
}

/// Whether the bytes of a file are in the store or at another path.
fn is_kept(machine: &Machine, digest: &str, now: &Things) -> bool {
    let sites = "/var/lib/odoo-deploy";
    let kept = |site: &String| {
        let blob = format!("{sites}/{site}/blobs/{digest}");
        machine.disk.exists(&blob)
    };
    let is_it = |thing: &Thing| matches!(thing, Thing::File(_, found) if found == digest);
    machine.disk.list(sites).iter().any(kept) || now.values().any(is_it)
}

fn less_shell(line: &str) -> &str {
    line.rsplit_once(':').map_or(line, |(rest, _)| rest)
}

/// Whether a database is unchanged except for additional modules.
fn has_only_more_modules(was: &Database, now: &Database) -> bool {
    let more = match (&was.modules, &now.modules) {
        (Some(was), Some(now)) => was.is_subset(now),
        (was, now) => was == now,
    };
    let less = |database: &Database| Database {
        modules: None,
        ..database.clone()
    };
    more && less(was) == less(now)
}
