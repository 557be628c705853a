//! A site that cannot work is refused before anything changes.

use libtest_mimic::Trial;

use super::support::run::Run;
use super::support::server::{SITE, Server, short_site};
use super::support::start::Start;
use super::support::tally::show;
use super::support::world::SHARED;
use super::support::{bases, scenario};

pub(crate) fn trials() -> Vec<Trial> {
    vec![scenario("refused_before_anything_is_touched", refused)]
}

/// Listens on a port until killed; Perl is on every Debian.
const LISTENER: &str = "use IO::Socket::INET; my $s = IO::Socket::INET->new(LocalAddr => '127.0.0.1:8069', \
                        Listen => 1) or die; sleep 600";

fn refused() {
    let server = Server::boot("refusals", bases::bare("bookworm"));
    server.write(SITE, &short_site());
    let start = Start::of(&server);
    let expect_untouched = || {
        assert_eq!(start.expect_again(&server, &[]), 0);
    };

    let mut nobody = server.command("setpriv");
    nobody.args(["--reuid=65534", "--regid=65534", "--clear-groups"]);
    nobody.args([
        &format!("{SHARED}/odoo-deploy"),
        "install",
        "--yes",
        "--config",
        SITE,
    ]);
    let run = Run::to_end(nobody);
    run.expect_code(1).expect_told("must be run by root");
    expect_untouched();

    server.write(SITE, &short_site().replace("19.0", "20.0"));
    let run = server.odoo(&["install", "--yes"]);
    run.expect_code(1)
        .expect_told("Odoo 20.0")
        .expect_told("Debian 12")
        .expect_told("choose");
    let way_out = run
        .told()
        .lines()
        .map(str::trim)
        .collect::<Vec<_>>()
        .join(" ");
    server.write(SITE, &short_site());
    expect_untouched();

    let mut listener = server
        .command("perl")
        .args(["-e", LISTENER])
        .spawn()
        .expect("perl");
    while !server
        .sh("cat /proc/net/tcp")
        .contains("0100007F:1F85 00000000:0000 0A")
    {
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    let run = server.odoo(&["install", "--yes"]);
    server.sh("pkill -x perl || kill $(pidof perl)");
    listener.wait().expect("the listener's end");
    run.expect_code(1)
        .expect_told("port 8069 is taken by `perl");
    expect_untouched();

    show(
        10,
        format!(
            "refused, {} files untouched: not root; Odoo 20 on Debian 12 ({way_out}); port 8069 held by perl",
            start.files()
        ),
    );
}
