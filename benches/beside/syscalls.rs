//! The number of system calls of each contender in a run that changes nothing. Separate runs, because tracing
//! takes time.

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
        let table = server.sh(&format!("cat {COUNTED}"));
        // without the shell that was started for the trace
        let programs = successes(&table, "execve").saturating_sub(1);
        let calls = row(&table, "total").0;
        say(format!(
            "no-op: {name} {calls} system calls, {programs} programs"
        ));
        results.syscalls.insert(name.into(), calls);
        results.programs.insert(name.into(), programs);
    }
}

/// The number of successful calls.
fn successes(table: &str, call: &str) -> u64 {
    let (calls, errors) = row(table, call);
    calls - errors
}

/// The calls and errors in a line of strace's table: `12.00    0.123456           4     30123      4567 total`.
/// The number of errors is missing if there were none.
fn row(table: &str, name: &str) -> (u64, u64) {
    let words =
        |line: &str| -> Vec<String> { line.split_whitespace().map(str::to_owned).collect() };
    let mut lines = table.lines().map(words);
    let line = lines.find(|words| words.last().is_some_and(|word| word == name));
    let line = line.unwrap_or_else(|| panic!("no {name} in\n{table}"));
    let number = |place: usize| line.get(place).and_then(|word| word.parse().ok());
    (number(3).unwrap_or(0), number(4).unwrap_or(0))
}
