//! apt's locks, held by other programs: odoo-deploy waits for them, names the holder, and gives up in time.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Stdio};

use libtest_mimic::Trial;

use super::support::allowed::{EVERY_RUN, PACKAGES};
use super::support::server::{SITE, Server, site};
use super::support::start::{Start, packages};
use super::support::tally::{count, show};
use super::support::{bases, scenario};

pub(crate) fn trials() -> Vec<Trial> {
    vec![scenario("locks_of_apt_held_by_others", contention)]
}

const LOCKS: [&str; 4] = [
    "/var/lib/dpkg/lock-frontend",
    "/var/lib/dpkg/lock",
    "/var/lib/apt/lists/lock",
    "/var/cache/apt/archives/lock",
];

/// When another program takes a lock, in addition to the start of the run: it waits for the lock, as dpkg does.
const MOMENTS: [(&str, &str); 2] = [("step_began", "git"), ("step_failed", "source")];

/// How many seconds another program holds a lock.
const HELD: u32 = 3;

/// A program that takes a lock as apt does, holds it for some seconds, and releases it.
const HOLDER: &str = "import fcntl, sys, time
lock = open(sys.argv[1], 'a')
fcntl.lockf(lock, fcntl.LOCK_EX)
print('held', flush=True)
time.sleep(float(sys.argv[2]))";

/// Another program that holds a lock.
struct Holder(Child);

impl Holder {
    fn start(server: &Server, lock: &str, seconds: u32) -> Self {
        let mut command = server.command("python3");
        command.args(["-c", HOLDER, lock, &seconds.to_string()]);
        Self(command.stdout(Stdio::piped()).spawn().expect("python3"))
    }

    /// Waits until the program holds the lock.
    fn holds(mut self) -> Self {
        let mut line = String::new();
        let out = self.0.stdout.take().expect("its output");
        BufReader::new(out).read_line(&mut line).expect("a line");
        assert_eq!(line, "held\n");
        self
    }

    fn let_go(mut self) {
        assert!(self.0.wait().expect("its end").success());
    }
}

/// A server without git and with old package lists; its site fails after the packages are installed. A run on
/// it needs every lock, during the install and during the rollback.
fn contention() {
    let server = Server::ready("locks", bases::packed());
    server.sh("dpkg --purge git >/dev/null; touch -d '3 days ago' /var/lib/apt/lists /var/lib/apt/lists/*");
    server.write(SITE, &site("").replace("odoo.git", "nowhere.git"));
    let start = Start::of(&server);
    let before = packages(&server);
    let mut waits = 0;
    for lock in LOCKS {
        let mut holders = vec![Holder::start(&server, lock, HELD).holds()];
        let mut running = server.start(&["install", "--yes"]);
        for (event, step) in MOMENTS {
            running.await_where(step, |told| told["event"] == event && told["step"] == step);
            holders.push(Holder::start(&server, lock, HELD));
        }
        let run = running.finish();
        run.expect_code(3).expect_told("nowhere.git");
        let waiting = run.of("waiting");
        let named = format!("the lock `{lock}`, held by `python3 -c");
        let first = waiting.first().expect("it tells that it waits");
        assert!(
            first["what"]
                .as_str()
                .is_some_and(|what| what.starts_with(&named)),
            "{first}"
        );
        assert!(
            first["at_most"]
                .as_u64()
                .is_some_and(|left| (890..=900).contains(&left)),
            "{first}"
        );
        waits += waiting.len();
        let held = holders.len();
        holders.into_iter().for_each(Holder::let_go);
        assert_eq!(before, packages(&server), "packages after {lock}");
        assert_eq!(server.sh("dpkg --audit"), "", "halves after {lock}");
        count("apt lock contentions", held);
        server.sh("touch -d '3 days ago' /var/lib/apt/lists /var/lib/apt/lists/*");
    }
    let holder = Holder::start(&server, LOCKS[0], 600).holds();
    let run = server.json(&["install", "--yes", "--apt-timeout", "2"]);
    run.expect_code(3).expect_told(&format!(
        "waited 2 s for the lock `{}`; still held by `python3 -c import fcntl",
        LOCKS[0]
    ));
    count("apt lock contentions", 1);
    server.sh("kill $(pidof python3)");
    drop(holder.0.wait_with_output());
    let left = start.expect_again(&server, &[EVERY_RUN, PACKAGES]);
    show(
        13,
        format!(
            "each of apt's {} locks held by another for {HELD} s: before the run, when it installs, when it removes; \
             {waits} times it told for whom it waits; with --apt-timeout 2 it gave up in {:.1} s, {left} left as named residue",
            LOCKS.len(),
            run.seconds
        ),
    );
}
