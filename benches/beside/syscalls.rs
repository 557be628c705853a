//! How often each asks the kernel in a run that changes nothing, in runs of their own: being watched costs time.

use super::report::Results;
use super::server::Server;
use super::world::say;

const COUNTED: &str = "/root/syscalls";

pub(crate) fn count(servers: &[Server], results: &mut Results) {
    for server in servers {
        server.sh("apt-get -qq update && DEBIAN_FRONTEND=noninteractive \
             apt-get -qq install --yes --no-install-recommends strace >/dev/null 2>&1");
        let mut watched = server.command("strace");
        watched.args(["--follow-forks", "--summary-only", "--output", COUNTED]);
        watched.args(["sh", "-c", &server.contender.line()]);
        let output = watched.output().expect("strace");
        let name = server.contender.name();
        assert!(output.status.success(), "{name}: {}", output.status);
        let calls = total(&server.sh(&format!("cat {COUNTED}")));
        say(format!("no-op: {name} {calls} system calls"));
        results.syscalls.insert(name.into(), calls);
    }
}

/// The number of calls in strace's table: `100.00    0.123456           4     30123      4567 total`.
fn total(table: &str) -> u64 {
    let line = table.lines().rfind(|line| line.ends_with("total"));
    let calls = line.and_then(|line| line.split_whitespace().nth(3));
    calls
        .and_then(|calls| calls.parse().ok())
        .unwrap_or_else(|| panic!("no total in\n{table}"))
}
