//! nginx in front of Odoo: certificates, allowed and refused requests, and other sites on the same nginx.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use libtest_mimic::Trial;

use super::support::browser::Browser;
use super::support::proxy::{AUTHORITY, DOMAIN, ask, ask_plainly, pid, site, status};
use super::support::server::{SITE, Server};
use super::support::snapshot::{Precision, Snapshot};
use super::support::tally::show;
use super::support::{bases, scenario, web};

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        scenario("proxy_serves_and_a_browser_signs_in", serves),
        scenario(
            "proxy_without_a_certificate_stays_as_it_was",
            no_certificate,
        ),
    ]
}

/// A site of nginx that existed before odoo-deploy.
const NEIGHBOUR: &str =
    "server { listen 80; server_name shop.example.org; return 200 'the shop'; }\n";

/// Requests the site over plain HTTP until told to stop; counts all answers, and those that are not the login
/// page.
const WATCH: &str = "use IO::Socket::INET; my ($all, $bad) = (0, 0); until (-e '/tmp/enough') { \
     my $s = IO::Socket::INET->new('127.0.0.1:80'); my $text = ''; \
     if ($s) { print $s \"GET /web/login HTTP/1.1\\r\\nHost: erp.example.org\\r\\nConnection: close\\r\\n\\r\\n\"; \
     local $/; $text = <$s> // ''; } $all++; $bad++ unless $text =~ m{^HTTP/1.1 200}; \
     select(undef, undef, undef, 0.1); } print \"$all $bad\"";

fn install_nginx(server: &Server, more: &str) {
    server.sh(&format!(
        "export DEBIAN_FRONTEND=noninteractive; apt-get -qq update; \
         apt-get -qq -o Dpkg::Use-Pty=0 --yes --no-install-recommends install nginx {more} >/dev/null"
    ));
    server.write("/etc/nginx/sites-available/shop", NEIGHBOUR);
    server.sh(
        "ln -s ../sites-available/shop /etc/nginx/sites-enabled/shop && systemctl reload nginx",
    );
}

fn expect_neighbours(server: &Server) {
    assert!(ask_plainly(server, "shop.example.org", "/").ends_with("the shop"));
    assert!(ask_plainly(server, "unknown.example.org", "/").contains("Welcome to nginx"));
}

fn serves() {
    let server = Server::ready("proxy", bases::installed());
    web::await_health(&server);
    install_nginx(&server, "chromium libnss3-tools");
    let nginx = pid(&server, "nginx.service");
    server.write(SITE, &site(DOMAIN, "tls = \"self-signed\""));
    let run = server.odoo(&["install", "--yes"]);
    run.expect_code(0)
        .expect_told(AUTHORITY)
        .expect_told("answers 101");
    assert_eq!(
        nginx,
        pid(&server, "nginx.service"),
        "nginx was reloaded, not restarted"
    );
    server.sh("nginx -q -t && systemd-analyze verify --man=no odoo.service nginx.service");
    expect_neighbours(&server);

    let mut seen = Vec::new();
    for (path, expected) in [
        ("/web/login", 200),
        ("/web/database/manager", 403),
        ("/web/database/selector", 403),
        ("/xmlrpc/2/db", 403),
        ("/web/static/%2e%2e/__manifest__.py", 404),
        ("/web/filestore/odoo", 404),
        ("/web/static/img/favicon.ico", 200),
    ] {
        let answer = ask(&server, DOMAIN, path);
        assert_eq!(status(&answer), expected, "{path}: {answer}");
        assert!(
            answer.contains("\nStrict-Transport-Security: "),
            "{path}: {answer}"
        );
        seen.push(format!("{path} {expected}"));
    }
    let plain = ask_plainly(&server, DOMAIN, "/web?a=b");
    assert!(
        status(&plain) == 301 && plain.contains("\nLocation: https://erp.example.org/web?a=b\n")
    );
    assert_eq!(status(&ask(&server, DOMAIN, "/web/login")), 200);
    attachments(&server);
    others_see_nothing(&server);

    server.sh("systemctl stop odoo.service");
    assert_eq!(
        status(&ask(&server, DOMAIN, "/web/static/img/favicon.ico")),
        200,
        "by nginx"
    );
    assert_eq!(status(&ask(&server, DOMAIN, "/web/login")), 502);
    server.sh("systemctl start odoo.service");
    web::await_health(&server);

    edited(&server);
    let again = server.json(&["install", "--yes"]);
    assert_eq!(again.outcome(), "unchanged", "{}", again.out);
    show(
        12,
        format!(
            "proxy on an installed server in {:.0} s: {}; websocket 101; static files with Odoo stopped; \
             nginx kept its process; two neighbours answer; the next run changed nothing in {:.2} s",
            run.seconds,
            seen.join(", "),
            again.seconds
        ),
    );
    browser(&server);
}

/// nginx serves attachments, which it reads from the filestore.
fn attachments(server: &Server) {
    let page = ask(server, DOMAIN, "/web/login");
    let at = page.find("/web/assets/").expect("an asset");
    let path: String = page[at..].chars().take_while(|c| *c != '"').collect();
    let asset = ask(server, DOMAIN, &path);
    assert_eq!(status(&asset), 200, "{path}: {asset}");
    let (head, body) = asset.split_once("\n\n").expect("a body");
    assert!(
        head.contains("\nAccept-Ranges: bytes") || head.contains("\nContent-Encoding: gzip"),
        "{head}"
    );
    assert!(head.contains("\nX-Content-Type-Options: nosniff"), "{head}");
    assert!(body.len() > 1000, "{path}: {} bytes", body.len());
}

/// nginx's processes can read attachments, but neither secrets nor sessions.
fn others_see_nothing(server: &Server) {
    for path in [
        "/etc/odoo.conf",
        "/etc/ssl/odoo-deploy/ca.key",
        "/etc/ssl/odoo-deploy/odoo.pem",
        "/var/lib/odoo/sessions/.",
        "/var/lib/odoo-deploy/.",
    ] {
        let read = server.try_sh(&format!(
            "runuser -u www-data -- ls {path} && runuser -u www-data -- cat {path}"
        ));
        assert!(!read.status.success(), "nginx reads {path}");
    }
    let write = server.try_sh("runuser -u www-data -- touch /var/lib/odoo/filestore/odoo/planted");
    assert!(!write.status.success(), "nginx writes into the filestore");
}

/// An edit of nginx's configuration is reverted, whether nginx was reloaded with it or not.
fn edited(server: &Server) {
    let conf = "/etc/nginx/sites-available/odoo.conf";
    server.sh(&format!(
        "sed -i s/128m/1m/ {conf} && systemctl reload nginx"
    ));
    let run = server.json(&["install", "--yes"]);
    run.expect_code(0);
    assert_eq!(run.pending_steps(), ["proxy", "nginx"]);
    assert!(server.read(conf).contains("128m"));
}

fn browser(server: &Server) {
    server.sh("echo 127.0.0.1 erp.example.org >> /etc/hosts");
    let mut browser = Browser::start(server, AUTHORITY);
    browser.open(&format!("https://{DOMAIN}/web/login"));
    browser.await_shown("#login");
    keep("login", &browser.picture());
    let password = web::password(server);
    browser.worth(&format!(
        "document.querySelector('#login').value = 'admin'; document.querySelector('#password').value = '{password}'; \
         document.querySelector('.oe_login_form button[type=submit]').click()"
    ));
    browser.await_shown(".o_main_navbar");
    std::thread::sleep(std::time::Duration::from_secs(2));
    let secure = browser.worth("location.protocol + ' ' + isSecureContext");
    assert_eq!(secure, "https: true");
    keep("signed-in", &browser.picture());
    show(
        12,
        "Chromium trusts the authority and signs in by HTTPS; pictures are kept as proxy-*.png",
    );
}

fn keep(name: &str, picture: &[u8]) {
    assert!(picture.starts_with(b"\x89PNG"), "no picture");
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("pictures");
    fs::create_dir_all(&folder).expect("a folder");
    fs::write(folder.join(format!("proxy-{name}.png")), picture).expect("a picture");
}

/// If no certificate can be obtained, the existing site keeps answering.
fn no_certificate() {
    let server = Server::ready("proxy-acme", bases::installed());
    web::await_health(&server);
    install_nginx(&server, "certbot");
    server.write(SITE, &site(DOMAIN, "tls = \"none\""));
    server
        .odoo(&["install", "--yes"])
        .expect_code(0)
        .expect_told("answers 101");
    assert_eq!(status(&ask_plainly(&server, DOMAIN, "/web/login")), 200);
    let files = || {
        Snapshot::take(
            &server,
            &["/etc/nginx", "/etc/systemd", "/etc/odoo.conf", "/opt/odoo"],
            &[],
        )
    };
    let (before, process) = (files(), pid(&server, "nginx.service"));

    let watch = server
        .command("perl")
        .args(["-e", WATCH])
        .stdout(std::process::Stdio::piped())
        .spawn();
    let watch = watch.expect("perl");
    server.write(
        SITE,
        &site(DOMAIN, "tls = \"acme\"\nemail = \"it@example.org\""),
    );
    let run = server.odoo(&["install", "--yes"]);
    server.sh("touch /tmp/enough");
    let counted = watch.wait_with_output().expect("what it counted").stdout;
    let counted = String::from_utf8_lossy(&counted).into_owned();
    let (all, bad) = counted.split_once(' ').expect("two numbers");
    run.expect_code(3).expect_told("certbot");
    assert_eq!(bad, "0", "of {all} answers during the failing run");
    let same = before.differences(&files(), Precision::Content);
    assert!(same.is_empty(), "{same:#?}");
    assert_eq!(
        process,
        pid(&server, "nginx.service"),
        "nginx kept its process"
    );
    expect_neighbours(&server);

    let files_of =
        "tls = \"files\"\ncertificate = \"/etc/ssl/erp.crt\"\nkey = \"/etc/ssl/erp.key\"";
    server.write(SITE, &site(DOMAIN, files_of));
    server
        .odoo(&["install", "--yes"])
        .expect_code(1)
        .expect_told("there is no `/etc/ssl/erp.crt`");
    let make = |domain: &str, days: u32| {
        server.sh(&format!(
            "openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=x -addext subjectAltName=DNS:{domain} \
             -days {days} -keyout /etc/ssl/erp.key -out /etc/ssl/erp.crt 2>/dev/null && chmod 0600 /etc/ssl/erp.key"
        ));
    };
    make("other.example.org", 9);
    server
        .odoo(&["install", "--yes"])
        .expect_code(1)
        .expect_told("is not for");
    make(DOMAIN, 9);
    server.sh("openssl genrsa -out /etc/ssl/erp.key 2048 2>/dev/null");
    server
        .odoo(&["install", "--yes"])
        .expect_code(1)
        .expect_told("another certificate");
    let same = before.differences(&files(), Precision::Content);
    assert!(same.is_empty(), "{same:#?}");
    make(DOMAIN, 9);
    server.odoo(&["install", "--yes"]).expect_code(0);
    expect_neighbours(&server);
    server.json(&["audit"]).expect_code(0);
    renewed(&server, || make(DOMAIN, 20));
    show(
        12,
        format!(
            "no certificate by ACME: exit 3 in {:.0} s, {all} pages asked meanwhile, {bad} not answered, all as before; \
             own certificates: missing, of another name, with another key refused, a good one taken, a renewed one \
             served after the next run",
            run.seconds
        ),
    );
}

/// A certificate that its owner renews, even through a link, is served after the next run by the same nginx
/// process. nginx's record contains no digest of the key.
fn renewed(server: &Server, renew: impl Fn()) {
    let lying = || server.sh("openssl x509 -noout -serial -in /etc/ssl/erp.crt");
    let served = || {
        server.sh(&format!(
            "openssl s_client -connect 127.0.0.1:443 -servername {DOMAIN} </dev/null 2>/dev/null \
             | openssl x509 -noout -serial"
        ))
    };
    let process = pid(server, "nginx.service");
    for linked in [false, true] {
        if linked {
            server.sh("mv /etc/ssl/erp.crt /etc/ssl/erp.1 && ln -s erp.1 /etc/ssl/erp.crt");
            let moved = server.json(&["audit"]);
            moved.expect_code(0);
        }
        renew();
        assert_ne!(lying(), served(), "nobody has reloaded nginx");
        let run = server.json(&["install", "--yes"]);
        run.expect_code(0);
        assert_eq!(run.pending_steps(), ["nginx"]);
        let nginx = &run.pending()[0];
        assert_eq!(nginx["causes"][0], "certificate-file", "{nginx}");
        // after a reload, nginx's old processes may still answer for a moment
        let end = Instant::now() + Duration::from_secs(10);
        while lying() != served() && Instant::now() < end {
            std::thread::sleep(Duration::from_millis(100));
        }
        assert_eq!(lying(), served(), "what is served");
        assert_eq!(process, pid(server, "nginx.service"));
        server.json(&["audit"]).expect_code(0);
    }
    let record = server.read("/run/odoo-deploy/odoo.nginx");
    let key = server.sh("sha256sum /etc/ssl/erp.key | cut -c 1-64");
    assert!(!record.contains(&key), "{record}");
    assert!(record.contains(" /etc/ssl/erp.crt"), "{record}");
}
