//! Drifts of the service, the PostgreSQL server, and the database.

use super::{Drift, Machine, Then};

const RECORD: &str = "/run/odoo-deploy/odoo.started";

const SERVICE: fn() -> Then = || Then::Mended(&["service"]);

pub(super) fn all() -> Vec<Drift> {
    let mut all = vec![
        Drift::new("the service", "is stopped", SERVICE(), |m| stop(m, false)),
        Drift::new("the service", "has failed", SERVICE(), |m| stop(m, true)),
        Drift::new("the service at boot", "is not started", SERVICE(), |m| {
            m.disk
                .remove("/etc/systemd/system/multi-user.target.wants/odoo.service");
        }),
        Drift::new(RECORD, "is gone", SERVICE(), |m| m.disk.remove(RECORD)),
        Drift::new(RECORD, "is empty", SERVICE(), |m| m.disk.put(RECORD, "")),
        Drift::new(
            "the server",
            "is stopped",
            Then::Mended(&["postgresql"]),
            |m| {
                m.state.borrow_mut().postgres.running = false;
                m.disk.remove("/run/postgresql");
            },
        ),
        Drift::new(
            "the database",
            "lacks a module",
            Then::Mended(&["database"]),
            |m| {
                let postgres = &mut m.state.borrow_mut().postgres;
                let database = postgres.databases.get_mut("odoo").unwrap();
                database.modules.as_mut().unwrap().remove("sale");
            },
        ),
    ];
    for line in 0..3 {
        let what = format!("has an older line {line}");
        all.push(Drift::new(RECORD, what, SERVICE(), move |m| {
            let older = |(at, text): (usize, &str)| {
                let first = if at == line { "x" } else { &text[..1] };
                format!("{first}{}\n", &text[1..])
            };
            let text: String = m.disk.text(RECORD).lines().enumerate().map(older).collect();
            m.disk.put(RECORD, text);
        }));
    }
    all
}

fn stop(machine: &Machine, failed: bool) {
    let mut state = machine.state.borrow_mut();
    let unit = state.units.get_mut("odoo.service").unwrap();
    unit.pid = None;
    unit.failed = failed;
    for name in machine.disk.list("/proc") {
        if name.parse::<u32>().is_ok() {
            machine.disk.remove(&format!("/proc/{name}"));
        }
    }
    machine.disk.put("/proc/net/tcp", "  sl  local_address\n");
}
