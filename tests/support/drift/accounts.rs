//! Users, and the role of PostgreSQL.

use super::super::machine::Role;
use super::{Drift, Then, member, passwd};

const USERS: &[(&[&str], &str)] = &[(&["user"], "odoo"), (&["builder"], "odoo-build")];

pub(super) fn all() -> Vec<Drift> {
    let mut all = Vec::new();
    for (steps, user) in USERS {
        for shell in ["/bin/bash", "/bin/sh", "/usr/bin/zsh"] {
            let (at, what) = (format!("the shell of {user}"), format!("is {shell}"));
            all.push(Drift::new(at, what, Then::Mended(steps), move |m| {
                passwd(&m.disk, user, "/usr/sbin/nologin", shell);
            }));
        }
        for group in ["sudo", "adm"] {
            let at = format!("the group {group} of {user}");
            all.push(Drift::new(at, "is there", Then::Mended(steps), move |m| {
                member(&m.disk, group, user);
            }));
        }
    }
    // every combination of attributes except the wanted one; `createdb` is the owner's choice
    for bits in (0..8_u8).filter(|bits| *bits != 0b001) {
        let on = move |bit: u8| bits & (1 << bit) != 0;
        let what = format!("has the attributes {bits:03b}");
        all.push(Drift::new(
            "the role",
            what,
            Then::Mended(&["role"]),
            move |m| {
                let mut state = m.state.borrow_mut();
                *state.postgres.roles.get_mut("odoo").unwrap() = Role {
                    login: on(0),
                    superuser: on(1),
                    createrole: on(2),
                    ..Role::default()
                };
            },
        ));
    }
    all
}
