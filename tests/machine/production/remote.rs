//! PostgreSQL on another host: over TLS, with a password, and never changed by odoo-deploy except for the
//! site's database.

use crate::support::allowed::EVERY_RUN;
use crate::support::server::{SITE, Server, site};
use crate::support::start::Start;
use crate::support::tally::show;
use crate::support::{bases, web};

/// A password that must be found only where it belongs.
const CANARY: &str = "Kanarienvogel%7*7'\"$(id)";
/// The password after the owner changes it.
const CHANGED: &str = "Zweiter-Vogel";

/// Sets up a second PostgreSQL server on another port, with its own certificate authority, TLS only and SCRAM;
/// removes the local one.
const FAR: &str = r#"
    pg_dropcluster --stop 15 main
    pg_createcluster --port 5433 15 far >/dev/null
    cd /etc/postgresql/15/far
    openssl req -x509 -newkey rsa:2048 -nodes -days 30 -subj /CN=authority \
        -keyout /root/ca.key -out /etc/ssl/db-ca.pem 2>/dev/null
    openssl req -newkey rsa:2048 -nodes -subj /CN=db.test -keyout server.key -out /root/db.csr 2>/dev/null
    echo subjectAltName=DNS:db.test > /root/names
    openssl x509 -req -in /root/db.csr -CA /etc/ssl/db-ca.pem -CAkey /root/ca.key -CAcreateserial -days 30 \
        -extfile /root/names -out server.crt 2>/dev/null
    chown postgres: server.key server.crt
    chmod 0600 server.key
    printf "%s\n" "listen_addresses = '127.0.0.1'" "ssl = on" "ssl_cert_file = '$PWD/server.crt'" \
        "ssl_key_file = '$PWD/server.key'" > conf.d/far.conf
    printf "%s\n" "local all postgres peer" "hostssl all far 127.0.0.1/32 scram-sha-256" > pg_hba.conf
    systemctl start postgresql@15-far
    echo 127.0.0.1 db.test >> /etc/hosts
    apt-get -qq -o Dpkg::Use-Pty=0 --yes install postgresql-client >/dev/null
"#;

pub(super) fn remote() {
    let server = Server::ready("remote", bases::packed());
    server.sh(FAR);
    alter(
        &server,
        &format!(
            "create role far login createdb password '{}'",
            CANARY.replace('\'', "''")
        ),
    );
    let sited = |host: &str, port: u16| {
        site(&format!(
            "[http]\nworkers = 2\n[postgres]\nhost = \"{host}\"\nport = {port}\nuser = \"far\"\n\
             root_certificate = \"/etc/ssl/db-ca.pem\"\npassword = {{ file = \"/root/password\" }}\n"
        ))
    };
    let right = sited("db.test", 5433);
    let refused = [
        (right.clone(), "wrong", "password authentication failed"),
        (sited("db.test", 5999), CANARY, "Connection refused"),
        (sited("127.0.0.1", 5433), CANARY, "does not match host name"),
    ];
    server.sh("install -m 0600 /dev/null /root/password");
    for (text, password, cause) in &refused {
        server.write("/root/password", password);
        server.write(SITE, text);
        let start = Start::of(&server);
        let run = server.odoo(&["install", "--yes"]);
        run.expect_code(3).expect_told(cause);
        start.expect_again(&server, &[EVERY_RUN]);
    }
    server.write("/root/password", &format!("{CANARY}\n"));
    server.write(SITE, &right);
    let run = server.json(&["install", "--yes"]);
    run.expect_code(0);
    web::expect_alive(&server);
    assert!(!run.out.contains("Kanarienvogel") && !run.err.contains("Kanarienvogel"));
    let secured = "select count(*) > 0 and bool_and(ssl) from pg_stat_ssl join pg_stat_activity using (pid) \
                   where usename = 'far'";
    assert_eq!(
        alter(&server, secured),
        "t",
        "every connection of Odoo's is encrypted"
    );
    server.json(&["audit"]).expect_code(0);
    // the store has the earlier bytes of the files that were rolled back; only root may read them
    let kept = "/var/lib/odoo-deploy/odoo/blobs/";
    let readable = server.sh("find /var/lib/odoo-deploy/odoo/blobs -perm /0077");
    assert_eq!(readable, "", "the journal and the store");
    let found = leaks(&server);
    let places: Vec<&str> = found
        .lines()
        .filter(|path| !path.starts_with(kept))
        .collect();
    assert_eq!(
        places.join("\n"),
        "/etc/odoo.conf\n/root/password\n/var/lib/odoo-deploy/odoo/secrets/postgresql.service"
    );

    alter(&server, &format!("alter role far password '{CHANGED}'"));
    server.write("/root/password", CHANGED);
    let run = server.json(&["install", "--yes"]);
    run.expect_code(0);
    // with the old password, odoo-deploy cannot find out whether the database exists: the step is a forecast,
    // and is then not needed
    let began = run.of("step_began");
    let began: Vec<&str> = began.iter().filter_map(|e| e["step"].as_str()).collect();
    assert_eq!(began, ["connection", "conf", "service"]);
    let planned = run.pending();
    let database = planned.iter().find(|change| change["step"] == "database");
    assert!(database.is_some_and(|change| {
        change["forecast"] == true && change["before"]["unseen"] == true
    }));
    web::expect_alive(&server);
    server.sh("systemctl stop postgresql@15-far");
    server
        .odoo(&["audit"])
        .expect_code(1)
        .expect_told("Connection refused");
    show(
        14,
        format!(
            "PostgreSQL of another host, TLS verify-full and SCRAM: {} wrong ways refused and rolled back; installed, \
             every connection encrypted, the password in 3 files, with the journal, and nowhere else; a new password taken up",
            refused.len()
        ),
    );
}

fn alter(server: &Server, sql: &str) -> String {
    server.write("/tmp/sql", sql);
    server.sh("cd / && runuser -u postgres -- psql -XAtq -p 5433 -f /tmp/sql; rm /tmp/sql")
}

/// Every file, argument and environment with the password in it.
fn leaks(server: &Server) -> String {
    server.sh(
        "grep -lrs --exclude-dir=proc --exclude-dir=sys --exclude-dir=e2e 'Kanarien[v]ogel' \
            /etc /opt/odoo /root /run /tmp /var/lib/odoo /var/lib/odoo-deploy /var/log | sort
         for file in /proc/[0-9]*/cmdline /proc/[0-9]*/environ; do
            if tr '\\0' '\\n' < $file 2>/dev/null | grep -v ^grep | grep -q 'Kanarien[v]ogel'; then echo $file; fi
         done
         if journalctl --no-pager -q | grep -q 'Kanarien[v]ogel'; then echo the journal; fi",
    )
}
