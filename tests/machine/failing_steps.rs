//! On a server with a running site: a wrong value in a section is refused before anything changes, and a
//! failing step of a section leaves the site as it was. Other modules test the failures that need more than one
//! machine: certificates in `proxy`, fail2ban filters and wkhtmltopdf archives in `hardened`, PostgreSQL on
//! another host in `production`, private repositories in `private`.

use std::cell::RefCell;

use libtest_mimic::Trial;

use super::support::allowed::{EVERY_RUN, PACKAGES, RUNNING};
use super::support::server::{SITE, Server, site};
use super::support::start::Start;
use super::support::tally::show;
use super::support::{bases, scenario, web};

pub(crate) fn trials() -> Vec<Trial> {
    vec![scenario("a_failing_step_of_each_section", each)]
}

const PLAYBOOK: &str = include_str!("../../playbooks/odoo.toml");
const FIREWALL: &str = include_str!("../../templates/firewall.nft");
const ROTATION: &str = include_str!("../../templates/odoo.logrotate");

/// Sites with a wrong last line, and the hint that each gets.
const WRONG: &[(&str, &str)] = &[
    (
        "[site]\ndomain = \"erp.example.org\"\n[proxy]\ntls = \"acm\"",
        "did you mean `acme`?",
    ),
    (
        "[postgres]\npassword = { file = \"/p\" }\nhost = \"db:5433\"",
        "port = 5433",
    ),
    ("[logs]\nfile = \"yes\"", "`true` or `false`"),
    (
        "[wkhtmltopdf]\nbuild = \"patchd\"",
        "did you mean `patched`?",
    ),
    ("[firewall]\nenabled = \"yes\"", "`true` or `false`"),
    ("[fail2ban]\nattempts = 0", "1 to 10000"),
    (
        "[[addons]]\nname = \"a\"\nrepository = \"https://me:tok@example.org/a\"",
        "write `token = { file",
    ),
    (
        "modules = [\"sale-management\"]",
        "did you mean `sale_management`?",
    ),
];

/// A module that creates a table and a record before it fails, in a repository of add-ons.
const BROKEN: &str = "
    git config --system safe.directory '*'
    mkdir -p /srv/source/broken/data && cd /srv/source/broken
    echo '{\"name\": \"broken\", \"depends\": [\"base\"], \"data\": [\"data/all.xml\"]}' > __manifest__.py
    printf '%s\\n' 'from odoo import fields, models' 'class Thing(models.Model):' '    _name = \"broken.thing\"' \
        '    _description = \"a thing\"' '    name = fields.Char()' > __init__.py
    echo '<odoo><record id=\"one\" model=\"broken.thing\"><field name=\"name\">one</field></record>
        <record id=\"two\" model=\"no.such.model\"/></odoo>' > data/all.xml
    cd .. && git init -q -b 19.0 && git add . && git -c user.name=t -c user.email=t@example.org commit -qm first
    git clone -q --bare /srv/source /srv/git/broken.git && chmod -R a+rX /srv/git
";

/// Lists modules in any state but `uninstalled`, and what the broken module may have left in the database.
const DATABASE: &str = "
    select name || ' ' || state from ir_module_module where state <> 'uninstalled'
    union select 'data ' || count(*) from ir_model_data where module = 'broken'
    union select 'table ' || coalesce(to_regclass('broken_thing')::text, 'none') order by 1";

/// A server with a running site, and its state.
struct Ground {
    server: Server,
    start: Start,
    database: String,
    process: RefCell<String>,
}

impl Ground {
    fn new() -> Self {
        let server = Server::ready("failing", bases::installed());
        web::await_health(&server);
        // install packages now, so that the runs are only about their sections
        server.sh("apt-get -qq update; DEBIAN_FRONTEND=noninteractive apt-get -qq -o Dpkg::Use-Pty=0 --yes \
                   --no-install-recommends install nftables logrotate >/dev/null");
        server.sh(BROKEN);
        server.json(&["audit"]).expect_code(0);
        let roots: &[&str] = &["/etc", "/opt", "/var/lib/odoo"];
        Self {
            start: Start::within(&server, roots),
            database: server.sql("odoo", DATABASE),
            process: process(&server).into(),
            server,
        }
    }

    /// Installs the site `text`, which must exit with `code`, print `words`, and leave the site as it is.
    fn fails(&self, text: &str, code: i32, words: &str) {
        self.server.write(SITE, text);
        let run = self.server.odoo(&["install", "--yes"]);
        run.expect_code(code).expect_told(words);
        self.server
            .sh("cd /srv/site && rm -f odoo.toml firewall.nft odoo.logrotate");
        self.server.write(SITE, &site(""));
        self.expect_as_it_was(words);
    }

    fn expect_as_it_was(&self, when: &str) {
        let server = &self.server;
        assert_eq!(
            *self.process.borrow(),
            process(server),
            "{when}: Odoo's process"
        );
        assert_eq!(self.database, server.sql("odoo", DATABASE), "{when}");
        assert!(
            !server.sh("nft list tables").contains("odoo-deploy"),
            "{when}: a packet filter"
        );
        assert!(!server.exists("/var/log/odoo"), "{when}: a log folder");
        web::await_health(server);
        web::expect_alive(server);
        self.start
            .expect_again(server, &[EVERY_RUN, RUNNING, PACKAGES]);
        server.json(&["audit"]).expect_code(0);
    }
}

fn process(server: &Server) -> String {
    server.sh("systemctl show -P MainPID odoo.service")
}

fn with_modules(modules: &str, more: &str) -> String {
    site(more).replace("[python]", &format!("{modules}\n\n[python]"))
}

fn addons(name: &str, more: &str) -> String {
    format!("[[addons]]\nname = \"{name}\"\nrepository = \"file:///srv/git/{name}.git\"\n{more}\n")
}

fn each() {
    let ground = Ground::new();
    let server = &ground.server;
    for (lines, hint) in WRONG {
        let text = if lines.starts_with('[') {
            site(lines)
        } else {
            with_modules(lines, "")
        };
        let wrong = lines.lines().last().expect("a line");
        let line = text.lines().position(|line| line == wrong);
        let place = format!("site.toml:{}:", line.expect("it is there") + 1);
        server.write(SITE, &text);
        let run = server.odoo(&["install", "--yes"]);
        run.expect_code(78)
            .expect_told(&place)
            .expect_told(hint)
            .expect_told("untouched");
    }
    server.write(SITE, &site(""));
    ground.expect_as_it_was("wrong values");
    let refused = WRONG.len();

    let mut failed = Vec::new();
    let mut fails = |what: &'static str, text: &str, code: i32, words: &str| {
        ground.fails(text, code, words);
        failed.push(what);
    };
    fails(
        "a repository that is gone",
        &site(&addons("gone", "")),
        1,
        "gone.git",
    );
    let commit = format!("commit = \"{}\"", "5".repeat(40));
    fails(
        "a repository that is gone, with its commit known",
        &site(&addons("gone", &commit)),
        3,
        "gone.git",
    );
    fails(
        "a broken module",
        &with_modules("modules = [\"broken\"]", &addons("broken", "")),
        3,
        "no.such.model",
    );
    server.write(
        "/srv/site/firewall.nft",
        &FIREWALL.replace("policy accept", "policy perhaps"),
    );
    fails(
        "rules that nft refuses",
        &site("[firewall]\nenabled = true\n"),
        1,
        "unexpected string",
    );
    let logs = site("[logs]\nfile = true\n");
    server.write(
        "/srv/site/odoo.logrotate",
        &ROTATION.replace("rotate 30", "rotate often"),
    );
    fails("a rule that logrotate refuses", &logs, 3, "often");
    server.sh("mkdir /var/log/odoo && mount -t tmpfs -o ro,mode=0700 none /var/log/odoo");
    server.write(SITE, &logs);
    let run = server.odoo(&["install", "--yes"]);
    run.expect_code(3).expect_told("/var/log/odoo");
    server.sh("umount /var/log/odoo && rmdir /var/log/odoo");
    server.write(SITE, &site(""));
    ground.expect_as_it_was("a log folder that is read-only");
    failed.push("a log folder that is read-only");

    let values = "values = \"{{ postgresql.settings }}\"";
    assert!(PLAYBOOK.contains(values), "the step of the settings");
    server.write(
        "/srv/site/odoo.toml",
        &PLAYBOOK.replace(values, "values = { shared_buffers = \"900GB\" }"),
    );
    let tuned = site("[postgres]\ntuning = true\n");
    server.write(SITE, &tuned);
    let run = server.odoo(&["install", "--yes"]);
    run.expect_code(3).expect_told("postgresql");
    server.sh("rm /srv/site/odoo.toml");
    server.write(SITE, &site(""));
    web::await_health(server);
    // Odoo's master process exits if PostgreSQL is away when it checks the registries, and systemd restarts it
    // (`check_registries` in Odoo's `odoo/service/server.py`)
    ground.process.replace(process(server));
    ground.expect_as_it_was("settings with which PostgreSQL does not start");
    failed.push("settings with which PostgreSQL does not start");
    // without a fault, the same section is applied and rolled back
    server.write(SITE, &logs);
    server.odoo(&["install", "--yes"]).expect_code(0);
    assert!(server.exists("/etc/logrotate.d/odoo-deploy-odoo"));
    server.odoo(&["rollback", "--yes"]).expect_code(0);
    assert!(!server.exists("/etc/logrotate.d/odoo-deploy-odoo"));
    show(
        6,
        format!(
            "{refused} sections with a wrong value refused with place and hint; rolled back, with files, database, \
             packages and Odoo's process as before (but for PostgreSQL's, without which Odoo ends): {}",
            failed.join(", ")
        ),
    );
}
