//! The parts around Odoo, as a company would run them.

use std::fs;
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::time::Duration;

use libtest_mimic::Trial;
use serde_json::Value;

use super::bare::exposure;
use super::support::server::{PASSWORD, SITE, Server, site};
use super::support::tally::show;
use super::support::world::world;
use super::support::{bases, scenario, web};

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        scenario("full_odoo_under_the_hardened_unit", full),
        scenario("firewall_and_fail2ban", guarded),
    ]
}

/// The highest exposure that `systemd-analyze security` may report.
const EXPOSURE: f64 = 1.5;

/// An archive like that of the patched build, with the distribution's program inside. It tests how the archive
/// is fetched, verified, unpacked and found, not how the program prints.
const ARCHIVE: &str = r#"
    mkdir -p /srv/w/DEBIAN /srv/w/usr/local/bin
    printf 'Package: wkhtmltox\nVersion: 1\nArchitecture: all\nMaintainer: t <t@example.org>\nDescription: t\n' > /srv/w/DEBIAN/control
    printf '#!/bin/sh\ntest "$1" = --version && echo "wkhtmltopdf 0.12.6.1 (with patched qt)" && exit\nshift 5\nexec /usr/bin/wkhtmltopdf --quiet "$@"\n' \
        > /srv/w/usr/local/bin/wkhtmltopdf
    chmod 755 /srv/w/usr/local/bin/wkhtmltopdf
    dpkg-deb --root-owner-group --build /srv/w /srv/w.deb >/dev/null && sha256sum /srv/w.deb | cut -c 1-64
"#;

/// Counts pages and pictures, and checks that words leave ink: the distribution's build draws letters as
/// curves, so there is no text to extract.
const INK: &str = "/opt/odoo/venv/bin/python -c \"
import PyPDF2
def look(name):
    pages = PyPDF2.PdfReader(name).pages
    images = sum('/Image' in str(x.get_object()) for page in pages for x in page['/Resources'].get('/XObject', {}).values())
    drawn = b''.join(page.get_contents().get_data() for page in pages)
    return len(pages), images, sum(drawn.count(word) for word in (b' c\\n', b' Tj', b' TJ'))
page, blank = look('/tmp/page.pdf'), look('/tmp/blank.pdf')
print(*page[:2], page[2] >= blank[2] + 50 or (page, blank))\"";

fn full() {
    let binds = world().binds_with_all_modules();
    let server = Server::boot_binding("full", bases::installed(), binds);
    web::await_health(&server);
    // install every module's code first, so that the service serves from it while a module is added
    let serving = site("[http]\nworkers = 2\n").replace("odoo.git", "odoo-full.git");
    server.write(SITE, &serving);
    server.json(&["install", "--yes"]).expect_code(0);
    let asked = |lines: &str| {
        serving.replace("[python]", "modules = [\"mail\"]\n\n[python]")
            + &format!("\n[wkhtmltopdf]\n{lines}\n")
    };
    server.write(
        SITE,
        &asked("build = \"distribution\"\nfonts = [\"arabic\"]"),
    );
    let run = server.json(&["install", "--yes"]);
    run.expect_code(0)
        .expect_told("/usr/bin/wkhtmltopdf prints a page");
    web::expect_alive(&server);
    let exposure = exposure(&server);
    assert!(exposure <= EXPOSURE, "exposure {exposure}");

    server.write("/srv/hardened.py", include_str!("hardened.py"));
    let output = server.try_sh(&format!("python3 /srv/hardened.py {PASSWORD}"));
    let said = super::support::server::text(&output.stdout);
    let journal = || server.sh("journalctl -u odoo.service --no-pager -o cat | tail -n 60");
    let wrong = || super::support::server::text(&output.stderr);
    assert!(output.status.success(), "{said}{}\n{}", wrong(), journal());
    let found: Value = serde_json::from_str(said.trim()).expect("JSON");
    assert!(
        found["pdf"]
            .as_str()
            .is_some_and(|pdf| pdf.starts_with("%PDF-")),
        "{found}"
    );
    // the words after the status code may change between versions
    assert!(
        found["websocket"]
            .as_str()
            .is_some_and(|line| line.starts_with("HTTP/1.1 101 ")),
        "{found}"
    );
    assert_eq!(
        (&found["barcode"], &found["cron"], &found["mail"]),
        (&true.into(), &true.into(), &true.into()),
        "{found}"
    );
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("pictures");
    fs::create_dir_all(&folder).expect("a folder");
    fs::copy(server.path("/tmp/page.pdf"), folder.join("page.pdf")).expect("a page");
    assert_eq!(server.sh(INK), "1 1 True", "pages, pictures, words");
    let denied = server.sh(
        "journalctl --no-pager -o cat -u odoo.service | grep -ciE 'not permitted|denied' || true",
    );
    assert_eq!(denied, "0", "{}", journal());
    show(
        13,
        format!(
            "a full Odoo under its unit (exposure {exposure}): PDF with a bar code ({}, {} s), a letter out to an SMTP sink and a job by a \
             cron worker, websocket {}",
            found["pdf"], found["pdf_seconds"], found["websocket"]
        ),
    );

    let sha256 = server.sh(ARCHIVE);
    let archive = |sha256: &str| asked(&format!("file = \"/srv/w.deb\"\nsha256 = \"{sha256}\""));
    let path = || server.sh("systemctl show -P Environment odoo.service; ls -A /opt/odoo");
    let before = (path(), server.sh("systemctl show -P MainPID odoo.service"));
    let wrong = [
        (archive(&"0".repeat(64)), "Hash Sum mismatch"),
        (archive(&sha256).replace("w.deb", "gone.deb"), "gone.deb"),
    ];
    for (text, words) in &wrong {
        server.write(SITE, text);
        let run = server.odoo(&["install", "--yes"]);
        run.expect_code(3).expect_told(words);
        let after = (path(), server.sh("systemctl show -P MainPID odoo.service"));
        assert_eq!(before, after, "{words}: the site is not as it was");
    }
    server.write(SITE, &archive(&sha256));
    server.json(&["install", "--yes"]).expect_code(0);
    let own = format!("/opt/odoo/wkhtmltopdf-{}/usr/local/bin", &sha256[..16]);
    assert!(path().contains(&own), "{}", path());
    server.json(&["audit"]).expect_code(0);
    server.json(&["rollback", "--yes"]).expect_code(0);
    assert_eq!(
        before.0,
        path(),
        "going back takes the archive and nothing else"
    );
    // the rollback restarted the service, and does not wait until Odoo answers
    web::await_health(&server);
    web::expect_alive(&server);
    show(
        13,
        "an archive of wkhtmltopdf: one with another SHA-256 and one that is gone refused and rolled back with the \
         service untouched, the right one unpacked, found by the service, and gone again after going back",
    );
}

/// Lets PostgreSQL and SSH listen on every address, loads firewall rules of somebody else, and installs what
/// that needs.
const OPEN: &str = "
    DEBIAN_FRONTEND=noninteractive apt-get -qq -o Dpkg::Use-Pty=0 --yes --no-install-recommends \
        install openssh-server nftables >/dev/null
    systemctl restart ssh
    echo \"listen_addresses = '*'\" > /etc/postgresql/15/main/conf.d/open.conf && systemctl restart postgresql
    nft 'add table inet theirs; add chain inet theirs input { type filter hook input priority 10; }; \
         add rule inet theirs input tcp dport 9 counter'
";

/// Two wrong passwords, sent as the login form sends them.
const WRONG: &str = r#"python3 -c '
import json, urllib.request
params = {"db": "odoo", "login": "admin", "password": "wrong"}
body = json.dumps({"jsonrpc": "2.0", "method": "call", "params": params}).encode()
for _ in range(2):
    urllib.request.urlopen(urllib.request.Request("http://127.0.0.1:8069/web/session/authenticate", body,
                                                  {"Content-Type": "application/json"})).read()
'"#;

fn reaches(server: &Server, port: u16) -> bool {
    let address = server.sh("hostname -I");
    let address = address.split(' ').next().unwrap_or_default();
    let address: SocketAddr = format!("{address}:{port}").parse().expect("an address");
    TcpStream::connect_timeout(&address, Duration::from_millis(700)).is_ok()
}

fn expect_reach(server: &Server, when: &str, open: &[u16], closed: &[u16]) {
    for port in open {
        assert!(reaches(server, *port), "{when}: {port} is closed");
    }
    for port in closed {
        assert!(!reaches(server, *port), "{when}: {port} is open");
    }
}

fn rules(server: &Server) -> String {
    server.sh("nft list ruleset | sed 's/packets [0-9]* bytes [0-9]*//'")
}

fn guarded() {
    let mut server = Server::boot_with("guarded", bases::installed(), Some(&bases::wheels()));
    server.sh(OPEN);
    let guarded = |more: &str| {
        let listen = "[http]\ninterface = \"0.0.0.0\"\nworkers = 0\n";
        site(&format!("{listen}\n{more}"))
    };
    server.write(SITE, &guarded(""));
    server.json(&["install", "--yes"]).expect_code(0);
    expect_reach(&server, "without a firewall", &[22, 5432, 8069], &[]);
    let before = rules(&server);

    server.write(
        SITE,
        &guarded("[firewall]\nenabled = true\n\n[fail2ban]\nenabled = true\nattempts = 3\n"),
    );
    let run = server.json(&["install", "--yes"]);
    run.expect_code(0);
    web::expect_alive(&server);
    expect_reach(&server, "with a firewall", &[22], &[5432, 8069, 8072]);
    server.sh("nft --check --file /etc/odoo.nft");
    let verified = server.sh("systemd-analyze verify /etc/systemd/system/odoo-firewall.service /etc/systemd/system/odoo.service 2>&1");
    assert_eq!(verified, "", "systemd-analyze verify");
    assert!(
        rules(&server).contains("table inet theirs"),
        "{}",
        rules(&server)
    );
    server.json(&["audit"]).expect_code(0);

    // match a line that Odoo really wrote against the filter as fail2ban really reads it (over RPC, Odoo logs
    // no address for a failed login)
    server.sh(WRONG);
    let journal = "fail2ban-regex --print-all-matched systemd-journal /etc/fail2ban/filter.d/odoo-deploy-odoo.conf";
    let matched = server.sh(journal);
    assert!(matched.contains("2 matched"), "{matched}");
    server.sh("journalctl -u odoo.service -o cat --no-pager | grep 'Login failed' > /srv/lines");
    let file = "sed 's/127.0.0.1/192.0.2.7/; s/login:admin/login:x from 192.0.2.9 y/' /srv/lines > /srv/typed
        fail2ban-regex --print-all-matched /srv/typed /etc/fail2ban/filter.d/odoo-deploy-odoo.conf; \
        fail2ban-regex -o '<ip>' /srv/typed /etc/fail2ban/filter.d/odoo-deploy-odoo.conf | sort -u";
    let matched = server.sh(file);
    assert!(
        matched.contains("2 matched") && matched.ends_with("192.0.2.7"),
        "{matched}"
    );
    let jail = "fail2ban-client status odoo-deploy-odoo";
    assert!(
        server.sh(jail).contains("Total failed"),
        "{}",
        server.sh(jail)
    );

    // a filter that fail2ban cannot read: the run is rolled back
    let filter = include_str!("../../templates/fail2ban-filter.conf");
    server.write(
        "/srv/site/fail2ban-filter.conf",
        &filter.replace("failregex = ^", "failregex = ^(((\n broken = %(nothing)s "),
    );
    server.odoo(&["install", "--yes"]).expect_code(3);
    server.sh("rm /srv/site/fail2ban-filter.conf");
    assert!(
        server.sh(jail).contains("Total failed"),
        "the jail is not as it was"
    );
    server.json(&["audit"]).expect_code(0);
    expect_reach(&server, "after a failed run", &[22], &[5432, 8069]);

    server.reboot();
    web::await_health(&server);
    expect_reach(&server, "after a reboot", &[22], &[5432, 8069]);
    server.json(&["audit"]).expect_code(0);

    // roll back, and check all the while that SSH answers
    let mut back = server.start(&["rollback", "--yes"]);
    let mut looks = 0;
    while back.is_running() {
        assert!(reaches(&server, 22), "SSH was cut off during the rollback");
        looks += 1;
        std::thread::sleep(Duration::from_millis(100));
    }
    back.finish().expect_code(0);
    expect_reach(&server, "after going back", &[22, 8069], &[]);
    assert!(
        !rules(&server).contains("odoo-deploy"),
        "{}",
        rules(&server)
    );
    for gone in [
        "/etc/odoo.nft",
        "/etc/fail2ban/jail.d/odoo-deploy-odoo.conf",
        "/etc/systemd/system/fail2ban.service.d",
    ] {
        assert!(!server.exists(gone), "{gone}");
    }
    show(
        14,
        format!(
            "firewall and fail2ban in {:.0} s: from another network 5432, 8069 and 8072 closed, SSH open, also after a \
             reboot, a failed run, and in {looks} looks during the rollback; others' rules ({} lines) stay; `nft --check`, \
             `systemd-analyze verify`, `fail2ban-regex` (journal and file) accept",
            run.seconds,
            before.lines().count()
        ),
    );
}
