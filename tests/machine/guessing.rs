//! Guessed passwords: on every way to sign in to Odoo, and whether other visitors notice the limit.

use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use libtest_mimic::Trial;
use serde_json::Value;

use super::support::proxy::{DOMAIN, site};
use super::support::server::{SITE, Server, text};
use super::support::tally::show;
use super::support::{bases, scenario, web};

pub(crate) fn trials() -> Vec<Trial> {
    vec![scenario("guessing_passwords", guessing)]
}

/// How many wrong passwords each visitor tries.
const TRIES: u64 = 200;

/// The ways to sign in, and how many guesses may get through before the limit applies: the burst, plus the
/// queue, plus what is allowed during the test.
const ROADS: &[(&str, u64)] = &[
    ("page", 32),
    ("session", 32),
    ("xmlrpc", 92),
    ("jsonrpc", 92),
    ("json2", 92),
];

/// Behind a proxy on the same machine, which passes on the visitors' addresses.
const PROXY: &str = "tls = \"none\"\ntrusted = [\"127.0.0.0/8\"]\n\n[fail2ban]\nenabled = true";

fn guessing() {
    let server = Server::ready("guessing", bases::installed());
    web::await_health(&server);
    server.write(SITE, &site(DOMAIN, PROXY));
    server.json(&["install", "--yes"]).expect_code(0);
    web::await_health(&server);
    let found = attack(&server);
    println!("machine: {found}");
    let mut told = Vec::new();
    for (road, most) in ROADS {
        let of = &found[*road];
        let count = |kind: &str| of[kind].as_u64().unwrap_or(0);
        let through = count("through");
        assert!(through > 0 && through <= *most, "{road}: {found}");
        assert_eq!(count("lost"), 0, "{road}: {found}");
        let after = of["after"].as_f64();
        assert!(after.is_some(), "{road} was never kept out: {found}");
        let after = after.unwrap_or_default();
        told.push(format!("{road} {through} through, out after {after} s"));
    }
    // a visitor behind the same proxy
    assert_eq!(
        (&found["neighbour"], &found["calls"]),
        (&200.into(), &200.into()),
        "{found}"
    );
    let files = server.sh("ls /run/odoo-deploy/*.banned | sort -u | grep -c '^198' || true");
    assert!(
        files
            .parse::<usize>()
            .is_ok_and(|files| files >= ROADS.len()),
        "{files}"
    );

    directly(&server);
    other_host(&server);
    server.json(&["audit"]).expect_code(0);
    closed(&server);
    show(
        14,
        format!(
            "{TRIES} wrong passwords on each road: {}; a neighbour behind the same proxy is served",
            told.join("; ")
        ),
    );
}

fn attack(server: &Server) -> Value {
    server.write("/srv/guessing.py", include_str!("guessing.py"));
    let output = server.try_sh(&format!("python3 /srv/guessing.py {DOMAIN} {TRIES}"));
    let said = text(&output.stdout);
    assert!(output.status.success(), "{said}{}", text(&output.stderr));
    serde_json::from_str(said.trim()).expect("JSON")
}

/// From another host, Odoo cannot be reached directly.
fn directly(server: &Server) {
    let address = server.sh("hostname -I");
    let address = address.split(' ').next().unwrap_or_default();
    for port in [8069, 8072] {
        let address: SocketAddr = format!("{address}:{port}").parse().expect("an address");
        let open = TcpStream::connect_timeout(&address, Duration::from_millis(700)).is_ok();
        assert!(!open, "{address} answers");
    }
}

/// A request whose URL names the site, and whose `Host` header names another host: Odoo gets the site's name.
fn other_host(server: &Server) {
    let script = "perl -MIO::Socket::INET -e 'my $s = IO::Socket::INET->new(\"127.0.0.1:80\") or exit; \
         print $s \"GET http://erp.example.org/web/session/logout?redirect=/x HTTP/1.1\\r\\nHost: evil.example.org\\r\\n\
         Connection: close\\r\\n\\r\\n\"; print while <$s>'";
    let answer = server.sh(script);
    assert!(
        answer.starts_with("HTTP/1.1 ") && !answer.contains("evil"),
        "{answer}"
    );
}

/// With RPC closed to all clients but one.
fn closed(server: &Server) {
    let rpc = PROXY.replacen(
        "\n\n",
        "\nrpc = false\nrpc_clients = [\"203.0.113.0/24\"]\n\n",
        1,
    );
    server.write(SITE, &site(DOMAIN, &rpc));
    server.json(&["install", "--yes"]).expect_code(0);
    let call = |address: &str, path: &str| {
        server.sh(&format!(
            "python3 -c 'import http.client; c = http.client.HTTPConnection(\"127.0.0.1\", 80); \
             c.request(\"POST\", \"{path}\", \"{{}}\", {{\"Host\": \"{DOMAIN}\", \"X-Forwarded-For\": \"{address}\", \
             \"Content-Type\": \"application/json\"}}); print(c.getresponse().status)'"
        ))
    };
    for path in [
        "/jsonrpc",
        "/xmlrpc/2/common",
        "/json/2/res.users/read",
        "/fr/jsonrpc/",
    ] {
        assert_eq!(call("198.51.100.98", path), "403", "{path}");
    }
    assert_eq!(call("203.0.113.9", "/jsonrpc"), "200");
}
