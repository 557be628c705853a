//! An administrator's own steps: the examples in `docs/playbook.md`, next to a running Odoo.

use libtest_mimic::Trial;
use support::site::own_steps;

use super::support::server::Server;
use super::support::tally::show;
use super::support::{bases, scenario, web};

pub(crate) fn trials() -> Vec<Trial> {
    vec![scenario("own_steps_of_an_administrator", own)]
}

const EXTRA: &str = "/srv/site/extra.toml";

/// The files that the steps create.
const FILES: [&str; 5] = [
    "/etc/sysctl.d/60-own-swap.conf",
    "/etc/sysctl.d/60-odoo.conf",
    "/etc/cron.d/odoo-report",
    "/usr/local/sbin/odoo-pulse",
    "/etc/systemd/system/odoo-pulse.service",
];

fn own() {
    let server = Server::ready("own-steps", bases::installed());
    web::await_health(&server);
    let process = |unit: &str| server.sh(&format!("systemctl show --value -p MainPID {unit}"));
    let odoo = process("odoo");
    server.sh("mkdir -p /etc/cron.d && echo 'vm.swappiness = 60' > /etc/sysctl.d/60-odoo.conf");
    let extra = own_steps().concat();
    server.write(EXTRA, &extra);

    let dry = server.json(&["install", "--dry-run"]);
    dry.expect_code(0);
    let own: Vec<String> = dry
        .pending_steps()
        .iter()
        .filter(|step| step.starts_with("own-"))
        .map(ToString::to_string)
        .collect();
    assert_eq!(own.len(), 6, "{own:?}");
    assert_eq!(
        dry.pending_steps().len(),
        own.len(),
        "nothing else is pending"
    );
    assert_eq!(
        server.sh("cat /etc/sysctl.d/60-odoo.conf"),
        "vm.swappiness = 60"
    );

    let run = server.json(&["install", "--yes"]);
    run.expect_code(0);
    let pulse = process("odoo-pulse");
    assert_ne!(pulse.trim(), "0");
    server.sh("test -s /run/odoo-pulse && grep -q pulse /run/odoo-deploy/odoo-pulse.started");
    let settled = server.json(&["install", "--yes"]);
    settled.expect_code(0);
    assert_eq!(settled.outcome(), "unchanged");
    server.json(&["audit"]).expect_code(0);

    // a changed program of the service restarts the service, and changes nothing else
    server.write(EXTRA, &extra.replace("sleep 60", "sleep 50"));
    let changed = server.json(&["install", "--yes"]);
    changed.expect_code(0);
    assert_ne!(process("odoo-pulse"), pulse, "restarted");
    assert_eq!(process("odoo"), odoo, "Odoo was left alone");

    // a unit that cannot start fails the run, which is rolled back completely
    server.write(EXTRA, &extra.replace("#!/bin/sh", "#!/bin/none"));
    let broken = server.json(&["install", "--yes"]);
    broken.expect_code(3);
    server.sh("systemctl is-active odoo-pulse");
    assert!(server.sh(&format!("cat {}", FILES[3])).contains("sleep 50"));

    server.write(EXTRA, &extra.replace("sleep 60", "sleep 50"));
    for _ in 0..2 {
        server.json(&["rollback", "--yes"]).expect_code(0);
    }
    for file in FILES {
        let is_there = server.sh(&format!("test -e {file} && echo yes || echo no"));
        assert_eq!(is_there.trim() == "yes", file == FILES[1], "{file}");
    }
    assert_eq!(
        server.sh("cat /etc/sysctl.d/60-odoo.conf"),
        "vm.swappiness = 60"
    );
    assert_eq!(process("odoo"), odoo, "Odoo was left alone");
    web::expect_alive(&server);
    server.json(&["audit"]).expect_code(2);
    show(13, "own steps: 6 made, the second run unchanged, a changed program restarts its service and not Odoo, a broken one is rolled back, two rollbacks leave the file of before".to_owned());
}
