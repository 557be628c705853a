//! Special characters in names: PostgreSQL, systemd, the shell, git and the file system get each name exactly
//! as it was written, or the name is refused.

use libtest_mimic::Trial;

use super::support::server::{SITE, Server, short_site};
use super::support::tally::show;
use super::support::world::SHARED;
use super::support::{bases, scenario};

pub(crate) fn trials() -> Vec<Trial> {
    vec![scenario("payloads_arrive_as_they_were_written", payloads)]
}

/// Texts with a meaning for a program that reads names; tests put them between harmless letters.
const PAYLOADS: [&str; 32] = [
    "\n",
    "\r",
    "\r\n",
    "\t",
    " ",
    "%",
    "%%",
    "%n",
    "%i",
    "$",
    "$$",
    "${HOME}",
    "$(id)",
    "`id`",
    ";",
    "#",
    "&& id",
    "| id",
    "> x",
    "'",
    "''",
    "\"",
    "\"\"",
    "'; drop role odoo; --",
    "\\",
    "\\n",
    "\\q",
    "*",
    "~",
    "\u{202e}",
    "\u{2028}",
    "e\u{301}",
];

/// Texts that have a meaning at the beginning of a word.
const LEADING: [&str; 6] = ["-", "--version", "-c id", "=", ":", "@"];

/// The names to try, including one as long as a file system allows.
fn words() -> Vec<String> {
    let around = PAYLOADS.iter().map(|payload| format!("zqx{payload}y"));
    let after = PAYLOADS.iter().map(|payload| format!("zqx{payload}"));
    let before = PAYLOADS
        .iter()
        .chain(&LEADING)
        .map(|payload| format!("{payload}zqx"));
    around.chain(after).chain(before).collect()
}

/// Writes a playbook of these steps, and the site next to it.
fn ask(server: &Server, steps: &[String]) {
    let step = |(number, step): (usize, &String)| {
        format!("[[step]]\nid = \"s{number}\"\nneeds = []\n{step}\n\n")
    };
    let playbook: String = steps.iter().enumerate().map(step).collect();
    server.write(SITE, &short_site());
    server.write("/srv/site/odoo.toml", &playbook);
}

fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

/// The rows of a query with one field each, with any characters.
fn rows(server: &Server, sql: &str) -> Vec<String> {
    let hex = server.sql("postgres", sql);
    let text = |line: &str| {
        let bytes: Vec<u8> = (0..line.len() / 2)
            .map(|i| u8::from_str_radix(&line[i * 2..i * 2 + 2], 16).expect("hex"))
            .collect();
        String::from_utf8(bytes).expect("UTF-8")
    };
    hex.lines().map(text).collect()
}

fn sorted(mut all: Vec<String>) -> Vec<String> {
    all.sort();
    all
}

fn payloads() {
    let server = Server::boot("payloads", bases::packed());
    let mut counts = Vec::new();
    for (reader, readings) in [
        ("PostgreSQL's roles", roles(&server)),
        ("PostgreSQL's databases", databases(&server)),
        ("the file system", files(&server)),
        ("systemd and the shell", units(&server)),
        ("git", branches(&server)),
    ] {
        counts.push(format!("{readings} by {reader}"));
    }
    assert!(!server.exists("/run/pwned") && !server.exists("/pwned"));
    show(
        17,
        format!("names read back as written: {}", counts.join(", ")),
    );
}

const ROLES: &str =
    "select encode(convert_to(rolname, 'UTF8'), 'hex') from pg_roles where rolname like '%zqx%'";

/// A hundred steps without needs, and a PostgreSQL that does not accept as many connections.
fn roles(server: &Server) -> usize {
    server.sql("postgres", "alter system set max_connections = 40");
    server.sh("systemctl restart postgresql");
    let names = words();
    let step = |name: &String| format!("role = {{ name = {} }}", quoted(name));
    ask(server, &names.iter().map(step).collect::<Vec<_>>());
    server.json(&["install", "--yes"]).expect_code(0);
    assert_eq!(sorted(rows(server, ROLES)), sorted(names.clone()));
    server.json(&["audit"]).expect_code(0);
    server.json(&["rollback", "--yes"]).expect_code(0);
    assert_eq!(rows(server, ROLES), [""; 0]);
    names.len()
}

const DATABASES: &str = "select encode(convert_to(datname || ' ' || shobj_description(oid, 'pg_database'), 'UTF8'), 'hex') \
                         from pg_database where datname like '%zqx%'";

/// A database is created under its name, then the run fails because Odoo is not there to fill it, and the
/// rollback drops it.
fn databases(server: &Server) -> usize {
    server.sh(
        "useradd --system --home-dir /var/lib/zqx zqx && install -d -o zqx -g zqx /var/lib/zqx",
    );
    server.sql("postgres", "create role zqx createdb login");
    // psql reads some of these as connection strings instead of names
    let names = [
        "zqx'y",
        "zqx\"y",
        "zqx;y",
        "zqx\\y",
        "zqx$(id)",
        "zqx\ny",
        "zqx %y",
        "-zqx",
        "'; drop role zqx; --",
    ];
    for name in names {
        let step = format!(
            "database = {{ name = {}, owner = \"zqx\", modules = [], python = \"/bin/true\", odoo = \"/x\", conf = \"/x\", \
             data = \"/var/lib/zqx\", password = \"/x\", site = \"odoo\" }}",
            quoted(name)
        );
        ask(server, &[step]);
        server
            .json(&["install", "--yes", "--on-failure", "keep"])
            .expect_code(1);
        assert_eq!(
            rows(server, DATABASES),
            [format!("{name} odoo-deploy: being initialised")]
        );
        server.json(&["rollback", "--yes"]).expect_code(0);
        assert_eq!(rows(server, DATABASES), [""; 0], "{name}");
    }
    names.len()
}

fn files(server: &Server) -> usize {
    let long = format!("zqx{}", "y".repeat(200));
    let names: Vec<String> = words()
        .into_iter()
        .filter(|word| !word.contains('/'))
        .chain([long])
        .collect();
    let mut steps = vec![
        "directory = { path = \"/srv/zqx\", owner = \"root\", group = \"root\", mode = \"0755\" }"
            .to_owned(),
    ];
    for name in &names {
        let path = |kind: &str| quoted(&format!("/srv/zqx/{kind}{name}"));
        let text = quoted(name);
        steps.push(format!(
            "directory = {{ path = {}, owner = \"root\", group = \"root\", mode = \"0755\" }}",
            path("d")
        ));
        steps.push(format!(
            "link = {{ path = {}, target = {text} }}",
            path("l")
        ));
        steps.push(format!("file = {{ path = {}, content = {text}, owner = \"root\", group = \"root\", mode = \"0644\" }}", path("f")));
    }
    ask(server, &steps);
    server.json(&["install", "--yes"]).expect_code(0);
    let found = server.try_sh(
        "cd /srv/zqx && find . -mindepth 1 -printf '%P\\0%l\\0' && find . -type f -exec cat {} +",
    );
    let text = String::from_utf8(found.stdout).expect("UTF-8");
    for name in &names {
        assert!(
            text.contains(&format!("l{name}\0{name}\0")),
            "link {name:?}"
        );
        assert!(
            text.contains(&format!("d{name}\0\0")) && text.contains(&format!("f{name}\0\0")),
            "{name:?}"
        );
    }
    server.json(&["audit"]).expect_code(0);
    server.json(&["rollback", "--yes"]).expect_code(0);
    assert!(!server.exists("/srv/zqx"));
    names.len() * 3
}

/// The strangest names that a site may have, in its unit: as systemd reads it, and as the shell records it at a
/// start.
fn units(server: &Server) -> usize {
    let (name, addons) = ("zq-x_y-", ["a.b", "A-_b", "0..9"]);
    server.sh("rm -f /srv/site/odoo.toml");
    let repository = |addon: &str| {
        format!("[[addons]]\nname = \"{addon}\"\nrepository = \"https://example.org/a\"\n")
    };
    let more = addons.map(repository).concat();
    let head = format!("[site]\nname = \"{name}\"\n");
    server.write(SITE, &(head + &short_site() + &more));
    let path = format!("/etc/systemd/system/{name}.service");
    let unit = server.odoo(&["render", &path]);
    unit.expect_code(0);
    // without a program to run, only with the record
    let line = |line: &str| {
        !line.starts_with("ExecStart=") && !line.starts_with("User=") && !line.starts_with("Group=")
    };
    let kept: Vec<&str> = unit.out.lines().filter(|text| line(text)).collect();
    let runs = format!(
        "[Service]\nExecStart=/bin/sleep 60\nUser=zqx\nGroup=zqx\nReadWritePaths=-/var/lib/{name}\n"
    );
    server.write(&path, &kept.join("\n").replace("[Service]\n", &runs));
    server.sh(&format!(
        "install -d -o zqx /var/lib/{name} && systemctl daemon-reload"
    ));
    let verified = server.sh(&format!(
        "systemd-analyze verify --man=no {path} 2>&1 || true"
    ));
    assert!(!verified.contains(name), "{verified}");
    let shown = server.sh(&format!("systemctl show -p Description,WorkingDirectory,Environment,SyslogIdentifier,ReadWritePaths {name}.service"));
    for expected in [
        format!("Description=Odoo 19.0 ({name})"),
        format!("WorkingDirectory=/var/lib/{name}"),
        format!("Environment=PATH=/opt/{name}/venv/bin:/usr/local/bin:/usr/bin:/bin"),
        format!("SyslogIdentifier={name}"),
    ] {
        assert!(shown.contains(&expected), "{expected}\n{shown}");
    }
    let mut links = vec![format!("/opt/{name}/current"), format!("/opt/{name}/venv")];
    links.extend(addons.map(|addon| format!("/opt/{name}/addons/{addon}")));
    let script = links
        .iter()
        .map(|link| format!("mkdir -p $(dirname {link}) && ln -sfn '/srv/%n $HOME' {link}\n"));
    server.sh(&format!("{}touch /etc/{name}.conf; umask 077; rm -rf /run/odoo-deploy; systemctl restart {name}.service", script.collect::<String>()));
    let record = server.read(&format!("/run/odoo-deploy/{name}.started"));
    for link in &links {
        assert!(
            record.contains(&format!("/srv/%n $HOME  {link}\n")),
            "{link}\n{record}"
        );
    }
    let files = unit.out.split_once("sha256sum ").expect("digests").1;
    let files = files.split(';').next().unwrap_or_default();
    let lines = links.len() + files.split_whitespace().count();
    assert_eq!(record.lines().count(), lines, "{record}");
    assert_eq!(
        server.sh("stat -c %a /run/odoo-deploy"),
        "755",
        "the builder must pass"
    );
    server.sh(&format!(
        "systemctl stop {name}.service && rm {path} && systemctl daemon-reload"
    ));
    lines + 4
}

/// Branches with names that git allows, fetched by name.
fn branches(server: &Server) -> usize {
    let names: Vec<String> = words()
        .into_iter()
        .filter(|word| {
            !word.contains([
                '\n', '\r', '\t', ' ', '~', '*', '\\', ':', '\u{2028}', '\u{202e}',
            ])
        })
        .filter(|word| !word.starts_with('-'))
        .collect();
    server.sh("git init -q --bare /srv/payloads.git && chmod -R go+rX /srv/payloads.git");
    let commit = server.sh("cd /srv/payloads.git && git -c user.name=a -c user.email=a commit-tree -m a $(git mktree </dev/null)");
    for name in &names {
        let reference = format!("refs/heads/{name}");
        let made = server
            .command("git")
            .args([
                "--git-dir=/srv/payloads.git",
                "update-ref",
                &reference,
                &commit,
            ])
            .output();
        assert!(made.expect("git").status.success(), "{name}");
    }
    for name in &names {
        let addons = format!(
            "[[addons]]\nname = \"a\"\nrepository = \"file:///srv/payloads.git\"\nbranch = {}\n",
            quoted(name)
        );
        server.write(SITE, &(short_site() + &addons));
        let run = server.json(&["audit"]);
        let found = run.out.contains(&format!("releases/a-{commit}"));
        // a site may refuse names that git allows
        assert!(found || run.code == 78, "{name:?}: {}", run.out);
    }
    server.write(SITE, &format!("{}\n[[addons]]\nname = \"a\"\nrepository = \"file://{SHARED}/none.git\"\nbranch = \"--upload-pack=touch${{IFS}}/run/pwned\"\n", short_site()));
    server.json(&["audit"]).expect_code(78);
    names.len()
}
