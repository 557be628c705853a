//! Signals to the real binary in the middle of a run: after each, the run can be continued or rolled back.

use std::thread::sleep;
use std::time::{Duration, Instant};

use libtest_mimic::Trial;
use nix::sys::signal::Signal;
use odoo_deploy::engine::journal::Standing;

use super::support::allowed::{EVERY_RUN, RUNNING};
use super::support::run::Run;
use super::support::server::{SITE, Server, site};
use super::support::start::Start;
use super::support::tally::{count, show};
use super::support::world::SHARED;
use super::support::{bases, scenario, web};

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        scenario("signals_in_a_first_install", first_install),
        scenario("signals_in_a_change", change),
    ]
}

const INSTALL: &[&str] = &["install", "--yes"];
const ROLLBACK: &[&str] = &["rollback", "--yes"];

/// The longest time, in seconds, for a stop without waiting.
const AT_ONCE: f64 = 5.0;

/// Sends the signals half a second apart, starting half a second into a step, and waits for the end.
fn signalled(server: &Server, words: &[&str], step: &str, signals: &[Signal]) -> Run {
    let mut running = server.start(words);
    running.await_step(step);
    for signal in signals {
        sleep(Duration::from_millis(500));
        assert!(running.signal(*signal), "it had ended before {signal}");
    }
    running.finish()
}

/// Whether the newest run is open and its last step is done.
fn stands_open(server: &Server) -> bool {
    let runs = server.runs();
    let run = runs.last().expect("a run");
    assert_eq!(run.standing, Standing::Open);
    run.steps.last().expect("a step").done
}

fn expect_back(server: &Server, start: &Start) {
    server.json(ROLLBACK).expect_code(0);
    start.expect_again(server, &[EVERY_RUN]);
}

fn first_install() {
    let server = Server::ready("signals-first", bases::packed());
    let start = Start::of(&server);

    let once = signalled(&server, INSTALL, "venv", &[Signal::SIGINT]);
    once.expect_code(130)
        .expect_told("a second signal kills what runs");
    assert_eq!(once.outcome(), "interrupted");
    assert!(stands_open(&server), "the step was finished first");
    let steps = once.of("step_began");
    assert_eq!(
        steps.last().expect("a step")["step"],
        "venv",
        "and no other was begun"
    );
    expect_back(&server, &start);

    let twice = signalled(&server, INSTALL, "database", &[Signal::SIGINT; 2]);
    twice
        .expect_code(130)
        .expect_told("as a second signal asked");
    assert!(!stands_open(&server), "the step was killed");
    let left = server.sh("grep -lz ODOO_DEPLOY_SITE=odoo /proc/[0-9]*/environ 2>/dev/null || true");
    assert_eq!(left, "", "what it ran is gone with it");
    expect_back(&server, &start);

    let term = signalled(&server, INSTALL, "source", &[Signal::SIGTERM]);
    term.expect_code(143);
    assert!(stands_open(&server));
    let hups = [Signal::SIGHUP; 3];
    let on = signalled(&server, INSTALL, "venv", &hups);
    on.expect_code(0);
    web::expect_alive(&server);
    server.json(&["audit"]).expect_code(0);
    count("signals", 7);
    show(
        13,
        "first install: SIGINT finishes the step and stops at its edge (130), twice kills what runs (130), \
         SIGTERM (143), all rolled back or continued; SIGHUP stops nothing",
    );
}

/// Signals on an installed server with a changed site.
fn change() {
    let server = Server::ready("signals-change", bases::installed());
    web::await_health(&server);
    let start = Start::of(&server);
    let back = |server: &Server| {
        server.json(ROLLBACK).expect_code(0);
        start.expect_again(server, &[EVERY_RUN, RUNNING]);
    };
    server.write(SITE, &site("[http]\nworkers = 2\n"));
    let settled = |server: &Server| {
        web::expect_alive(server);
        server.json(&["audit"]).expect_code(0);
    };

    stopped_and_continued(&server);
    settled(&server);
    back(&server);

    // a closed pipe stops nothing
    for line in ["2>&1 | head -n 1", "--json 2>&1 | head -n 1"] {
        let script = format!(
            "{} {line}; echo \"codes: ${{PIPESTATUS[0]}}\"",
            command_line("install --yes")
        );
        let told = server.sh(&format!("bash -c '{script}'"));
        assert!(told.ends_with("codes: 0"), "{told}");
        settled(&server);
        back(&server);
    }

    dropped(&server, true);
    settled(&server);
    back(&server);

    dropped(&server, false);
    start.expect_again(&server, &[EVERY_RUN, RUNNING]);

    // a rollback also stops between two steps, and can be continued
    server.json(INSTALL).expect_code(0);
    let mut running = server.start(ROLLBACK);
    running.await_event("began");
    assert!(running.signal(Signal::SIGINT));
    let run = running.finish();
    run.expect_code(130).expect_told("odoo-deploy rollback");
    back(&server);

    started_between(&server);
    start.expect_again(&server, &[EVERY_RUN, RUNNING]);

    let seconds = waiting_for_health(&server);
    server.sh("rm /srv/site/odoo.toml");
    back(&server);
    count("signals", 10);
    show(
        13,
        format!(
            "change: stopped and continued, the reader of the output gone, the terminal gone in the middle: all go on to \
             the end; Ctrl-C at the question touches nothing; a stopped rollback continues; a rollback restarts \
             only a service that was started since; waiting for health is given up {seconds:.1} s after SIGINT"
        ),
    );
}

fn command_line(words: &str) -> String {
    format!("{SHARED}/odoo-deploy {words} --config {SITE}")
}

fn stopped_and_continued(server: &Server) {
    let mut running = server.start(INSTALL);
    running.await_step("conf");
    assert!(running.signal(Signal::SIGSTOP));
    sleep(Duration::from_secs(2));
    // the program that entered the machine stops together with odoo-deploy, and forwards SIGCONT
    assert!(running.continues());
    running.finish().expect_code(0);
}

/// The terminal closes, as when an SSH session drops: while odoo-deploy works, or while it asks whether to
/// begin.
fn dropped(server: &Server, at_work: bool) {
    let words = if at_work { "install --yes" } else { "install" };
    let mut session = server
        .command("script")
        .args(["-qfc", &command_line(words), "/run/terminal"])
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::null())
        .spawn()
        .expect("script");
    let shown = if at_work { "conf" } else { "[y/N]" };
    let until = Instant::now() + Duration::from_secs(60);
    while !(server.exists("/run/terminal") && server.read("/run/terminal").contains(shown)) {
        assert!(Instant::now() < until, "no `{shown}` on the terminal");
        sleep(Duration::from_millis(20));
    }
    if at_work {
        server.sh("kill -9 $(pidof script)");
    } else {
        use std::io::Write as _;
        let terminal = session.stdin.as_mut().expect("its keyboard");
        terminal.write_all(b"\x03").expect("Ctrl-C");
        let code = session.wait().expect("its end").code();
        assert!(
            server.read("/run/terminal").contains("nothing was touched"),
            "{code:?}"
        );
    }
    while server.lock_is_held() {
        assert!(Instant::now() < until, "it works on and on");
        sleep(Duration::from_millis(50));
    }
    let _ = session.kill();
    session.wait().expect("its end");
    server.sh("rm /run/terminal");
}

/// Stops a run after it wrote the configuration and before it changed the service.
fn stopped_before_service(server: &Server) {
    for _ in 0..5 {
        signalled_at_once(server, "conf").expect_code(130);
        let runs = server.runs();
        let steps = &runs.last().expect("a run").steps;
        if steps.iter().all(|step| step.step != "service") {
            return;
        }
        // the signal arrived after the next step had begun
        server.json(ROLLBACK).expect_code(0);
    }
    panic!("it was never stopped before its service");
}

fn signalled_at_once(server: &Server, step: &str) -> Run {
    let mut running = server.start(INSTALL);
    running.await_step(step);
    assert!(running.signal(Signal::SIGINT));
    running.finish()
}

/// A rollback does not restart a service that runs since before the run. It restarts a service that somebody
/// started in between with the configuration that is rolled back.
fn started_between(server: &Server) {
    let process = || server.sh("systemctl show --property=MainPID odoo.service");
    let before = process();
    stopped_before_service(server);
    server.json(ROLLBACK).expect_code(0);
    assert_eq!(before, process(), "left alone");
    stopped_before_service(server);
    server.sh("systemctl restart odoo.service");
    let by_hand = process();
    let back = server.json(ROLLBACK);
    back.expect_code(0).expect_told("restarted `odoo.service`");
    assert_ne!(by_hand, process(), "restarted");
    web::await_health(server);
}

/// A signal ends the health checks at once, although they wait for a status that never comes.
fn waiting_for_health(server: &Server) -> f64 {
    let playbook =
        include_str!("../../playbooks/odoo.toml").replacen("status = 200", "status = 418", 1);
    server.write("/srv/site/odoo.toml", &playbook);
    let mut running = server.start(INSTALL);
    running.await_event("waiting");
    let asked = Instant::now();
    assert!(running.signal(Signal::SIGINT));
    let run = running.finish();
    run.expect_code(130);
    let seconds = asked.elapsed().as_secs_f64();
    assert!(seconds < AT_ONCE, "stopped only after {seconds:.0} s");
    seconds
}
