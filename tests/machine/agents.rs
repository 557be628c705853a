//! Two agents on one site.

use libtest_mimic::Trial;

use super::support::server::Server;
use super::support::tally::{arrived, show};
use super::support::{bases, scenario, web};

pub(crate) fn trials() -> Vec<Trial> {
    vec![scenario("two_agents_at_once", two_agents)]
}

fn two_agents() {
    let server = Server::ready("agents", bases::packed());
    let mut first = server.start(&["install", "--yes"]);
    first.await_step("venv");
    let holder = server.lock_holder();
    for words in [&["install", "--yes"], &["rollback", "--yes"]] {
        let second = server.odoo(words);
        second.expect_code(6).expect_told("holds the lock since");
        second.expect_told(&format!("pid {holder}"));
    }
    server.kill_agent();
    drop(first.finish());
    let third = server.json(&["install", "--yes"]);
    third.expect_code(0);
    web::expect_alive(&server);
    arrived();
    show(
        8,
        "the second agent exits 6 and names the holder and since when; a killed agent's lock blocks nobody",
    );
}
