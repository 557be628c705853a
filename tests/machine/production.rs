//! The site of a company: modules, language, limits, tuned PostgreSQL, logs.

mod remote;

use std::time::Duration;

use libtest_mimic::Trial;
use serde_json::{Value, json};

use super::support::server::{SITE, Server};
use super::support::tally::show;
use super::support::web::{self, Admin};
use super::support::world::{SHARED, world};
use super::support::{bases, scenario};

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        scenario("production_twelve_modules", modules),
        scenario("production_remote_server", remote::remote),
    ]
}

/// The modules that most companies use.
const MODULES: [&str; 12] = [
    "contacts",
    "product",
    "sale_management",
    "purchase",
    "account",
    "stock",
    "project",
    "hr",
    "hr_timesheet",
    "website_sale",
    "website",
    "point_of_sale",
];

/// A name with every character that is special in a shell, SQL, Python or an INI file.
const COMPANY: &str = "Müller & Söhne \"Holz\" 100 % 'GmbH' \\ {{ 7*7 }} $(id)";

fn modules() {
    let binds = world().binds_with_all_modules();
    let server = Server::boot_binding("production", bases::packed(), binds);
    let site = format!(
        "[odoo]\nversion = \"19.0\"\nrepository = \"file://{SHARED}/odoo-full.git\"\nmodules = {MODULES:?}\n\
         language = \"de_DE\"\ncountry = \"DE\"\ncompany = {COMPANY:?}\nlog_handlers = [\"odoo.modules.loading:DEBUG\"]\n\
         [python]\nwheels = \"{SHARED}/wheels\"\n[http]\nusers = 12\n[postgres]\ntuning = true\n[logs]\nfile = true\n"
    );
    server.write(SITE, &site);
    let run = server.json(&["install", "--yes"]);
    run.expect_code(0);
    web::expect_alive(&server);

    let admin = Admin::of(&server);
    let made = records(&admin);
    first(&admin);
    let settled = server.json(&["audit"]);
    settled.expect_code(0);
    show(
        14,
        format!(
            "12 modules from site.toml in {:.0} s, all `installed`, {made} records created and read over JSON-RPC; \
             German, company and euro; nothing to do after it ({:.2} s)",
            run.seconds, settled.seconds
        ),
    );
    consumers(&server);
    rotation(&server);
    tuning(&server, &site);
}

/// Checks that every module is installed, and that a record of its main model can be created and read.
fn records(admin: &Admin<'_>) -> usize {
    let domain = json!([[["name", "in", MODULES], ["state", "=", "installed"]]]);
    let installed = admin.execute("ir.module.module", "search_count", domain);
    assert_eq!(installed, json!(MODULES.len()), "installed modules");
    let create = |model: &str, values: Value| {
        let made = admin.execute(model, "create", json!([[values.clone()]]));
        let read = admin.execute(model, "read", json!([made, ["display_name"]]));
        assert!(read[0]["display_name"].is_string(), "{model}: {read}");
        made[0].as_u64().expect("its number")
    };
    let partner = create("res.partner", json!({"name": "Kundin"}));
    create("product.template", json!({"name": "Brett"}));
    create("sale.order", json!({"partner_id": partner}));
    create("purchase.order", json!({"partner_id": partner}));
    create("account.move", json!({"move_type": "entry"}));
    let types = admin.execute("stock.picking.type", "search", json!([[]]));
    create("stock.picking", json!({"picking_type_id": types[0]}));
    let project = create("project.project", json!({"name": "Dachstuhl"}));
    let employee = create("hr.employee", json!({"name": "Zimmerer"}));
    create(
        "account.analytic.line",
        json!({"name": "gesägt", "project_id": project, "employee_id": employee, "unit_amount": 2}),
    );
    create("product.public.category", json!({"name": "Bretter"}));
    create("website", json!({"name": "Zweite"}));
    create("pos.config", json!({"name": "Kasse"}));
    MODULES.len()
}

/// Checks the language, country and company of the new database.
fn first(admin: &Admin<'_>) {
    let fields = json!(["name", "country_id", "currency_id"]);
    let company = &admin.execute("res.company", "read", json!([[1], fields]))[0];
    assert_eq!(company["name"], json!(COMPANY));
    assert_eq!(company["country_id"][1], json!("Germany"));
    assert_eq!(company["currency_id"][1], json!("EUR"));
    let german = json!([[["code", "=", "de_DE"], ["active", "=", true]]]);
    assert_eq!(admin.execute("res.lang", "search_count", german), json!(1));
    let users = admin.execute(
        "res.users",
        "search_read",
        json!([[["login", "=", "admin"]], ["lang"]]),
    );
    assert_eq!(users[0]["lang"], json!("de_DE"));
    let chart = json!([
        [["module", "=", "base"], ["name", "=", "main_company"]],
        ["res_id"]
    ]);
    admin.execute("ir.model.data", "search_read", chart);
    let l10n = json!([[["name", "=", "l10n_de"], ["state", "=", "installed"]]]);
    let accounts = admin.execute("ir.module.module", "search_count", l10n);
    assert_eq!(accounts, json!(1), "the accounts of the country");
}

/// Checks that each file is accepted by the program that reads it.
fn consumers(server: &Server) {
    let parsed = server.sh("python3 -c \"
import configparser
p = configparser.RawConfigParser()
p.read('/etc/odoo.conf')
o = dict(p.items('options'))
assert p.sections() == ['options'], p.sections()
assert int(o['limit_memory_soft']) < int(o['limit_memory_hard']), o
for key in ('workers', 'max_cron_threads', 'db_maxconn', 'db_maxconn_gevent', 'limit_request'): int(o[key])
print(o['workers'], o['db_maxconn'], o['log_handler'], o['logfile'])\"");
    assert_eq!(
        parsed,
        "2 8 :INFO,odoo.modules.loading:DEBUG /var/log/odoo/odoo.log"
    );
    let verified = server.sh("systemd-analyze verify /etc/systemd/system/odoo.service 2>&1");
    assert!(!verified.contains("odoo.service"), "{verified}");
    let rotate = server.sh("/usr/sbin/logrotate -d /etc/logrotate.d/odoo-deploy-odoo 2>&1");
    assert!(!rotate.contains("error"), "{rotate}");
    show(
        14,
        format!("read by who it is for: odoo.conf by configparser ({parsed}), unit, logrotate -d"),
    );
}

/// After a rotation Odoo writes to the new file, and the old file is complete.
fn rotation(server: &Server) {
    let log = "/var/log/odoo/odoo.log";
    assert_eq!(
        server.sh(&format!("stat -c '%U:%G %a' {log} /var/log/odoo")),
        "odoo:odoo 640\nodoo:odoo 750"
    );
    server.sh("/usr/sbin/logrotate --force /etc/logrotate.d/odoo-deploy-odoo");
    assert!(server.exists(&format!("{log}.1")));
    assert_eq!(
        server.sh(&format!("stat -c '%U:%G %a' {log}")),
        "odoo:odoo 640"
    );
    for _ in 0..50 {
        web::get(server, "/web/login");
        if !server.read(log).is_empty() {
            let journal = server
                .sh("journalctl --no-pager -q -u odoo.service -o cat | grep -c werkzeug || true");
            show(
                14,
                format!(
                    "one rotation: Odoo went on in the new file; {journal} requests in the journal"
                ),
            );
            return;
        }
        std::thread::sleep(Duration::from_millis(200));
    }
    panic!("Odoo still writes to the old file");
}

/// PostgreSQL uses the settings, and the rollback restores the earlier ones.
fn tuning(server: &Server, site: &str) {
    let file = "/etc/postgresql/15/main/conf.d/odoo-deploy.conf";
    let asked = server.read(file);
    let lines: Vec<&str> = asked
        .lines()
        .filter(|line| !line.starts_with('#'))
        .collect();
    for line in &lines {
        let (name, value) = line.split_once(" = ").expect("a setting");
        assert_eq!(
            server.sql("postgres", &format!("show {name}")),
            value,
            "{name}"
        );
        server.sh(&format!(
            "cd / && runuser -u postgres -- /usr/lib/postgresql/15/bin/postgres -C {name} \
             -D /var/lib/postgresql/15/main -c config_file=/etc/postgresql/15/main/postgresql.conf"
        ));
    }
    let main = || server.sh("sha256sum /etc/postgresql/15/main/postgresql.conf");
    let (started, before) = (postmaster(server), main());
    // an owner's change that needs no restart is reverted without a restart
    server.write(
        file,
        &asked.replace("random_page_cost = 1.1", "random_page_cost = 3"),
    );
    let run = server.json(&["install", "--yes"]);
    run.expect_code(0);
    assert_eq!(run.pending_steps(), ["settings"]);
    assert_eq!(started, postmaster(server), "it was restarted for nothing");
    server.write(SITE, &site.replace("tuning = true", "tuning = false"));
    let run = server.json(&["install", "--yes"]);
    run.expect_code(0);
    assert!(!server.exists(file));
    assert_ne!(
        started,
        postmaster(server),
        "`shared_buffers` needs a restart"
    );
    assert_eq!(server.sql("postgres", "show shared_buffers"), "128MB");
    assert_eq!(before, main(), "postgresql.conf is not ours");
    web::await_health(server);
    server.json(&["audit"]).expect_code(0);
    show(
        14,
        format!(
            "PostgreSQL: {} settings taken up (`postgres -C`, `show`), one mended without a restart, all taken away again",
            lines.len()
        ),
    );
}

/// The start time of the PostgreSQL server.
fn postmaster(server: &Server) -> String {
    server.sql("postgres", "select pg_postmaster_start_time()")
}
