//! Checkouts, the virtual environment, and packages.

use super::{Drift, Machine, Then};

const CHECKOUTS: &[(&[&str], &str)] = &[
    (
        &["source"],
        "/opt/odoo/releases/1111111111111111111111111111111111111111",
    ),
    (
        &["source-web"],
        "/opt/odoo/releases/web-2222222222222222222222222222222222222222",
    ),
];

const VENV: Then = Then::Mended(&["venv"]);

pub(super) fn all() -> Vec<Drift> {
    let mut all = Vec::new();
    for (steps, tree) in CHECKOUTS {
        let at = (*tree).to_owned();
        all.push(Drift::new(
            &at,
            "is at another commit",
            Then::Mended(steps),
            |m| {
                let path = (*tree).to_owned() + "/.git/HEAD";
                let owner = m.disk.owner(&path).unwrap();
                m.disk
                    .put_as(&path, "3".repeat(40) + "\n", (owner, owner), 0o644);
            },
        ));
        for (what, file) in [
            ("is gone", ""),
            ("has no HEAD", "/.git/HEAD"),
            ("has no .git", "/.git"),
        ] {
            all.push(Drift::new(&at, what, Then::Mended(steps), move |m| {
                m.disk.remove(&((*tree).to_owned() + file));
            }));
        }
    }
    let at = "/opt/odoo/venvs/built";
    for (what, file) in [
        ("is gone", ""),
        ("was never finished", "/.odoo-deploy-complete"),
    ] {
        all.push(Drift::new(at, what, VENV, move |m| {
            m.disk.remove(&(built(m) + file));
        }));
    }
    for (what, text) in [("says nothing", ""), ("says it is another", "another\n")] {
        all.push(Drift::new(at, what, VENV, move |m| {
            let path = built(m) + "/.odoo-deploy-complete";
            let owner = m.disk.owner(&path).unwrap();
            m.disk.put_as(&path, text, (owner, owner), 0o644);
        }));
    }
    let python = Then::Mended(&["lists", "python"]);
    all.push(Drift::new("the package gcc", "was removed", python, |m| {
        let status = m.disk.text("/var/lib/dpkg/status");
        let stays = |paragraph: &&str| !paragraph.starts_with("Package: gcc\n");
        let status: Vec<&str> = status.split("\n\n").filter(stays).collect();
        m.disk.put("/var/lib/dpkg/status", status.join("\n\n"));
        m.disk.remove("/usr/bin/gcc");
        m.disk.remove("/var/lib/apt/periodic/odoo-deploy-stamp");
    }));
    all
}

/// The path of the only virtual environment, independent of the links to it.
fn built(machine: &Machine) -> String {
    let names = machine.disk.list("/opt/odoo/venvs");
    format!("/opt/odoo/venvs/{}", names[0])
}
