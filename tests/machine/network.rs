//! A network that answers nothing, answers wrongly, or is too slow.

use libtest_mimic::Trial;

use super::support::allowed::{Allowance, EVERY_RUN, PACKAGES};
use super::support::server::{SITE, Server, site};
use super::support::start::Start;
use super::support::tally::show;
use super::support::{bases, scenario, web};
use ::support::counts;

pub(crate) fn trials() -> Vec<Trial> {
    vec![scenario("a_network_in_trouble", troubled)]
}

/// Answers according to the first part of the path, over HTTP for apt and over HTTPS for git.
const SERVER: &str = r#"
import http.server, socket, ssl, struct, sys, threading, time
class Fault(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        mode = self.path.split("/")[1]
        if mode == "gone":
            self.send_error(404)
        elif mode == "reset":
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.close_connection = True
            self.connection.close()
        elif mode == "portal":
            body = b"<html><body>Please sign in to use this network</body></html>\n"
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
        elif mode == "redirect":
            self.send_response(302)
            self.send_header("Location", "https://elsewhere.example.org/login")
            self.send_header("Content-Length", "0")
            self.end_headers()
        elif mode == "drip":
            self.send_response(200)
            self.send_header("Content-Type", "application/x-git-upload-pack-advertisement")
            self.send_header("Content-Length", "100000")
            self.end_headers()
            for _ in range(600):
                self.wfile.write(b"0")
                self.wfile.flush()
                time.sleep(1)
        elif mode == "short":
            self.send_response(200)
            self.send_header("Content-Length", "100000")
            self.end_headers()
            self.wfile.write(b"half of it")
            self.close_connection = True
        elif mode == "archive":
            try:
                with open("/srv" + self.path, "rb") as f: body = f.read()
            except OSError:
                return self.send_error(404)
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
    def log_message(self, *args): pass
class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    def handle_error(self, *args): pass
plain = Server(("127.0.0.1", 80), Fault)
threading.Thread(target=plain.serve_forever, daemon=True).start()
secure = Server(("127.0.0.1", 443), Fault)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain("/srv/tls/server.pem", "/srv/tls/server.key")
secure.socket = context.wrap_socket(secure.socket, server_side=True)
secure.serve_forever()
"#;

/// Adds a server that the machine trusts, an archive whose files differ from its lists, and host names that do
/// not answer.
const ARRANGE: &str = "
    mkdir -p /srv/tls /srv/archive && cd /srv/tls
    openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=git.example.org \
        -addext subjectAltName=DNS:git.example.org -keyout server.key -out server.pem 2>/dev/null
    cp server.pem /usr/local/share/ca-certificates/test.crt && update-ca-certificates >/dev/null 2>&1
    echo '127.0.0.1 git.example.org other.example.org' >> /etc/hosts
    echo 'nameserver 127.0.0.1' > /etc/resolv.conf
    cd /srv/archive
    mkdir -p good && printf 'not what was promised' > good/logrotate.deb
    printf 'Package: logrotate\\nVersion: 99\\nArchitecture: all\\nMaintainer: t <t@example.org>\\nDescription: t\\n\
Filename: ./logrotate.deb\\nSize: 21\\nSHA256: %064d\\n\\n' 7 > good/Packages
    printf 'SHA256:\\n %s %s Packages\\n' $(sha256sum < good/Packages | cut -c 1-64) $(stat -c %s good/Packages) > good/Release
    mkdir bad && cp good/Packages bad/Packages && printf 'SHA256:\\n %064d %s Packages\\n' 7 $(stat -c %s bad/Packages) > bad/Release
    systemd-run --quiet --unit fault python3 /srv/fault.py
    for i in $(seq 100); do (exec 3<>/dev/tcp/127.0.0.1/443) 2>/dev/null && exit 0; sleep 0.1; done; exit 1
";

/// The repository URLs, and what odoo-deploy must say of each.
const GIT: [(&str, &str, &str); 8] = [
    ("404", "https://git.example.org/gone/odoo.git", "not found"),
    (
        "reset",
        "https://git.example.org/reset/odoo.git",
        "git.example.org",
    ),
    (
        "a captive portal",
        "https://git.example.org/portal/odoo.git",
        "git.example.org",
    ),
    (
        "a redirection to another host",
        "https://git.example.org/redirect/odoo.git",
        "elsewhere.example.org",
    ),
    (
        "a drip",
        "https://git.example.org/drip/odoo.git",
        "did not end within 120 s",
    ),
    (
        "broken off",
        "https://git.example.org/short/odoo.git",
        "git.example.org",
    ),
    (
        "no name server",
        "https://nowhere.example.org/odoo.git",
        "nowhere.example.org",
    ),
    (
        "another's certificate",
        "https://other.example.org/gone/odoo.git",
        "certificate",
    ),
];

/// The only source of apt, and what odoo-deploy must say of it.
const APT: [(&str, &str, &str); 6] = [
    (
        "404",
        "deb [trusted=yes] http://git.example.org/gone ./",
        "404",
    ),
    (
        "reset",
        "deb [trusted=yes] http://git.example.org/reset ./",
        "apt-get",
    ),
    (
        "a captive portal",
        "deb http://git.example.org/portal ./",
        "Clearsigned file isn't valid",
    ),
    (
        "no name server",
        "deb http://nowhere.example.org/debian ./",
        "nowhere.example.org",
    ),
    (
        "lists of another hash",
        "deb [trusted=yes] http://git.example.org/archive/bad ./",
        "Hash Sum mismatch",
    ),
    (
        "a package of another hash",
        "deb [trusted=yes] http://git.example.org/archive/good ./",
        "Hash Sum mismatch",
    ),
];

/// The longest that a case may take, in seconds: a branch is retried for two minutes.
const PATIENCE: f64 = 200.0;

fn troubled() {
    let server = Server::ready("network", bases::packed());
    server.write("/srv/fault.py", SERVER);
    server.sh(&format!("bash -euc '{}'", ARRANGE.replace('\'', "'\\''")));
    let start = Start::of(&server);
    let own = server.read(SITE);
    let mut slowest: f64 = 0.0;
    let mut expect = |what: &str, words: &str| {
        let run = server.odoo(&["install", "--yes"]);
        assert!(
            [1, 3].contains(&run.code),
            "{what}: {}\n{}",
            run.code,
            run.told()
        );
        run.expect_told(words);
        assert!(run.seconds < PATIENCE, "{what}: {} s", run.seconds);
        slowest = slowest.max(run.seconds);
        println!(
            "machine: network: {what}: exit {} in {:.1} s",
            run.code, run.seconds
        );
    };
    for (what, url, words) in GIT {
        let asked = own
            .lines()
            .map(|line| match line.strip_prefix("repository = ") {
                Some(_) => format!("repository = \"{url}\"\n"),
                None => format!("{line}\n"),
            });
        let asked: String = asked.collect();
        server.write(SITE, &asked);
        expect(what, words);
        // a commit in the site is fetched at once, without a request for a branch first; at this speed that may
        // take half an hour
        if what == "a drip" {
            continue;
        }
        let commit = format!("\"\ncommit = \"{}\"\n", "7".repeat(40));
        server.write(
            SITE,
            &asked.replacen("\"\n\n[python]", &(commit + "\n[python]"), 1),
        );
        expect(what, words);
    }
    start.expect_again(&server, &[EVERY_RUN]);
    server.write(SITE, &site("[logs]\nfile = true\n"));
    for (what, source, words) in APT {
        server.sh("rm -rf /var/lib/apt/lists/* /etc/apt/sources.list.d/*");
        server.write("/etc/apt/sources.list", &format!("{source}\n"));
        expect(what, words);
    }
    let sources: &[Allowance] = &[
        ("/etc/apt/sources.list*", "the fault"),
        ("/var/lib/apt/*", "lists"),
    ];
    start.expect_again(&server, &[EVERY_RUN, PACKAGES, sources]);
    // with the network back, the install succeeds
    server.write(SITE, &own);
    server.json(&["install", "--yes"]).expect_code(0);
    web::expect_alive(&server);
    let tried = GIT.len() * 2 - 1 + APT.len();
    counts::tell("network faults", "machine", tried);
    show(
        15,
        format!(
            "{tried} faults of the network, of git and of apt: each named, at most {slowest:.0} s, {} files as before",
            start.files()
        ),
    );
}
