//! Tests that the reference in `docs/playbook.md` agrees with the code: the kinds with their fields, and all names.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::Path;
use std::{env, fs};

use schemars::generate::SchemaSettings;
use serde_json::Value;

use super::Blueprint;
use crate::check::Check;
use crate::odoo::distribution::Distribution;
use crate::odoo::facts::Facts;
use crate::odoo::release::Release;
use crate::odoo::target::target;
use crate::resource::AnyResource;
use crate::site::Site;

/// The meaning of each name. `*` stands for an index or for any id.
const NAMES: &[(&str, &str)] = &[
    (
        "site",
        "the site: each section and key as in [configuration.md](configuration.md), with defaults",
    ),
    ("site.paths.conf", "Odoo's configuration"),
    ("site.paths.unit", "the unit of systemd"),
    ("site.paths.home", "the folder of sources and environments"),
    ("site.paths.data", "the folder of attachments and sessions"),
    ("site.paths.state", "the folder of journals and secrets"),
    ("site.paths.user", "the account that the service runs as"),
    ("site.paths.builder", "the account that fetches and builds"),
    ("site.paths.role", "the role in the PostgreSQL of this host"),
    ("site.paths.logs", "the folder of Odoo's log"),
    (
        "release",
        "what this release of Odoo needs on this distribution: `playbooks/releases/` has the keys",
    ),
    (
        "host.architecture",
        "the architecture of this machine, as dpkg names it",
    ),
    ("host.cores", "how many processors this machine has"),
    ("host.distribution_name", "the distribution of this machine"),
    ("host.ipv6", "if true, the kernel has IPv6"),
    ("host.memory", "the memory of this machine, in MiB"),
    (
        "host.network",
        "if true, this machine has a route to a network",
    ),
    ("host.systemd", "if true, systemd runs this machine"),
    ("run", "the folder of records in memory, gone after a boot"),
    (
        "reads.*",
        "in templates, for each step that has `inputs`: the paths of the files and links that these make, without certificates",
    ),
    (
        "odoo.access",
        "the key or token that opens Odoo's repository",
    ),
    ("odoo.branch", "the branch of Odoo's source"),
    ("odoo.commit", "the commit of Odoo's source"),
    ("odoo.link", "the link to the source that runs"),
    ("odoo.name", "`odoo`"),
    ("odoo.path", "the folder of Odoo's source"),
    ("odoo.repository", "Odoo's repository"),
    ("odoo.target", "the folder that the link leads to"),
    (
        "addons",
        "the repositories of add-ons, in order, for `each`; each has the names of `odoo`",
    ),
    ("venv.path", "the folder of the Python environment"),
    ("venv.requirements", "the requirements that it is made from"),
    ("packages.all", "all packages of apt that the site needs"),
    ("packages.build", "those that the environment is made with"),
    ("packages.fetch", "those that fetch the sources"),
    ("packages.rest", "the others"),
    (
        "postgresql.minimum",
        "the oldest major version of PostgreSQL for this release",
    ),
    (
        "postgresql.tuned",
        "if true, this host's PostgreSQL is set up",
    ),
    (
        "postgresql.settings.*",
        "the settings of this host's PostgreSQL",
    ),
    (
        "postgresql.remote",
        "if true, PostgreSQL is on another host",
    ),
    (
        "postgresql.service",
        "the service file of libpq for the other host",
    ),
    ("postgresql.host", "the other host"),
    ("postgresql.port", "its port"),
    ("postgresql.user", "the role to sign in as"),
    ("postgresql.sslmode", "how the connection is secured"),
    (
        "postgresql.root_certificate",
        "the authority of its certificate",
    ),
    ("postgresql.password", "the file with the password"),
    ("role", "the role that owns the database"),
    (
        "conf.secrets.*",
        "for each key of `odoo.conf` with a secret value: the file that has the value",
    ),
    ("workers", "how many workers Odoo gets"),
    ("cron_threads", "how many processes run scheduled actions"),
    ("gevent", "if true, Odoo listens on the port for websockets"),
    (
        "pools.process",
        "how many connections a process of Odoo may open",
    ),
    (
        "pools.gevent",
        "how many connections the websocket process may open",
    ),
    ("sizing.because", "why there are so many workers, in words"),
    ("sizing.cron_threads", "as `cron_threads`"),
    (
        "sizing.memory_hard",
        "the hard limit of memory of a worker, in bytes",
    ),
    (
        "sizing.memory_soft",
        "the soft limit of memory of a worker, in bytes",
    ),
    ("sizing.workers", "as `workers`"),
    (
        "local",
        "the address at which this host reaches Odoo, as in a URL",
    ),
    ("proxy.present", "if true, the site has `[proxy]`"),
    ("proxy.tls", "if true, nginx answers HTTPS"),
    (
        "proxy.authority",
        "the folder of this server's own authority",
    ),
    ("proxy.certificate", "the file of the certificate"),
    ("proxy.domain", "the domain of the site"),
    ("proxy.email", "the address for letters of the issuer"),
    ("proxy.key", "the file of the private key"),
    (
        "proxy.nginx.*",
        "what the nginx of this distribution understands",
    ),
    (
        "proxy.printer",
        "the address at which nginx serves Odoo's own reports",
    ),
    (
        "proxy.record",
        "the file to which nginx's unit writes what it reads of this site",
    ),
    ("proxy.roots", "the folders with static files of modules"),
    (
        "proxy.trust",
        "the authority that a check of the proxy trusts",
    ),
    ("proxy.trusted", "the networks of proxies in front of nginx"),
    (
        "proxy.variable",
        "the beginning of the names of this site's variables in nginx",
    ),
    (
        "proxy.webroot",
        "the folder for the answers to an ACME issuer",
    ),
    (
        "wkhtmltopdf.packages",
        "the packages of apt that the printer needs",
    ),
    ("wkhtmltopdf.patched", "if true, it is the patched build"),
    ("wkhtmltopdf.path", "the folder of the patched build"),
    (
        "wkhtmltopdf.present",
        "if true, the site has a printer of reports",
    ),
    ("wkhtmltopdf.program", "the program"),
    ("wkhtmltopdf.sha256", "the SHA-256 of the archive"),
    ("wkhtmltopdf.url", "the address of the archive"),
    ("firewall.enabled", "if true, the site has a packet filter"),
    ("firewall.closed", "the ports that the packet filter closes"),
    ("firewall.rules", "the file of its rules"),
    ("firewall.table", "the name of its table of nftables"),
    ("firewall.unit", "its unit"),
    (
        "fail2ban.enabled",
        "if true, the site has a jail of fail2ban",
    ),
    ("fail2ban.action", "the file of the jail's action"),
    ("fail2ban.before", "if true, nginx keeps the banned out"),
    ("fail2ban.filter", "the file of the filter for Odoo's log"),
    ("fail2ban.ignored", "the addresses that are never banned"),
    ("fail2ban.jail", "the file of the jail"),
    ("fail2ban.jails", "the names of the jails"),
    ("fail2ban.nginx", "the file of the filter for nginx's log"),
    (
        "fail2ban.record",
        "the file to which fail2ban's unit writes what it reads of this site",
    ),
    ("fail2ban.unit", "the drop-in of fail2ban's unit"),
    ("code_only", "if true, `--code-only` was given"),
    (
        "cleared",
        "releases and environments that go, for `each`: `name`, `path`, `goes`",
    ),
    ("mask", "what stands for a secret in a text that is shown"),
    ("item", "with `each`: the present element of the list"),
];

/// Names that only playbooks and templates of version 0.1.0 use.
const EARLIER: &[&str] = &[
    "inputs",
    "firewall.inputs",
    "fail2ban.inputs",
    "fail2ban.reads",
    "proxy.inputs",
    "proxy.certificates",
    "proxy.reads",
    "proxy.self_signed",
    "proxy.files",
    "proxy.acme",
];

/// Sites that together use every name.
const SITES: [&str; 3] = [
    "",
    "[site]\ndomain = \"erp.example.org\"\n[proxy]\n[fail2ban]\nenabled = true\n[firewall]\nenabled = true\n\
     [wkhtmltopdf]\nbuild = \"patched\"\n[postgres]\ntuning = true\n\
     [[addons]]\nname = \"web\"\nrepository = \"https://git.example.org/web.git\"\n",
    "[postgres]\nhost = \"db.example.org\"\npassword = { file = \"/root/password\" }\nsslmode = \"require\"\n",
];

fn blueprint(lines: &str) -> Blueprint {
    let text = format!("[odoo]\nversion = \"19.0\"\n{lines}");
    let site = Site::parse(Path::new("site.toml"), &text).unwrap();
    let distribution = Distribution::of("debian", "12").unwrap();
    let release = target(Release::of(site.odoo.version), distribution).unwrap();
    let facts = Facts {
        distribution: Some(distribution),
        distribution_name: "Debian 12".into(),
        architecture: "amd64".into(),
        cores: 2,
        memory: 4096,
        systemd: true,
        network: true,
        ipv6: true,
    };
    let folder = tempfile::tempdir().unwrap();
    Blueprint::new(site, release, facts, folder.path(), BTreeMap::new()).unwrap()
}

/// Collects the names below `value`. A list counts as one name.
fn collect(name: &str, value: &Value, names: &mut BTreeSet<String>) {
    match value {
        Value::Object(fields) if !fields.is_empty() => {
            for (key, value) in fields {
                let inner = if name.is_empty() {
                    key.clone()
                } else {
                    format!("{name}.{key}")
                };
                collect(&inner, value, names);
            }
        }
        _ => _ = names.insert(name.to_owned()),
    }
}

/// Whether a name matches a pattern. `a.*` matches `a` and all names below it.
fn fits(pattern: &str, name: &str) -> bool {
    let whole = pattern.trim_end_matches(".*");
    let is_open = whole != pattern || ["site", "release"].contains(&pattern);
    name == whole || (is_open && name.starts_with(&format!("{whole}.")))
}

#[test]
fn every_name_has_a_meaning_and_every_meaning_a_name() {
    let mut names = BTreeSet::new();
    for lines in SITES {
        let blueprint = blueprint(lines);
        let mut context = blueprint.names().unwrap();
        super::earlier::of_playbooks(&mut context, blueprint.site());
        context["reads"] = serde_json::json!({ "service": [] });
        super::earlier::of_templates(&mut context);
        collect("", &context, &mut names);
    }
    let known = |name: &String| {
        EARLIER.contains(&name.as_str()) || NAMES.iter().any(|(pattern, _)| fits(pattern, name))
    };
    let unknown: Vec<_> = names.iter().filter(|name| !known(name)).collect();
    assert!(unknown.is_empty(), "names without a meaning: {unknown:?}");
    for (pattern, _) in NAMES {
        let is_there = names.iter().any(|name| fits(pattern, name)) || *pattern == "item";
        assert!(is_there, "`{pattern}` is no name");
    }
}

/// A text in one line, escaped for a Markdown table.
fn flat(text: &str) -> String {
    let text = text.split("\n\n").next().unwrap_or_default();
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    text.replace("[`MASK`]", "`•••`").replace('|', "\\|")
}

/// The type of a field, in words.
fn words(schema: &Value, definitions: &Value) -> String {
    let either = ["anyOf", "oneOf"]
        .into_iter()
        .find_map(|key| schema.get(key));
    if let Some(either) = either.and_then(Value::as_array) {
        let all: BTreeSet<String> = either
            .iter()
            .filter(|one| one["type"] != "null")
            .map(|one| words(one, definitions))
            .collect();
        return all.into_iter().collect::<Vec<_>>().join(" or ");
    }
    if let Some(name) = schema["$ref"]
        .as_str()
        .and_then(|path| path.rsplit('/').next())
    {
        return words(&definitions[name], definitions);
    }
    if let Some(word) = schema["const"].as_str() {
        return format!("`{word}`");
    }
    if let Some(list) = schema["enum"].as_array() {
        let all: Vec<_> = list
            .iter()
            .map(|word| format!("`{}`", word.as_str().unwrap()))
            .collect();
        return all.join(" or ");
    }
    let kinds = &schema["type"];
    let kind = kinds
        .as_str()
        .or_else(|| kinds[0].as_str())
        .unwrap_or_default();
    match kind {
        "string" => "text".into(),
        "integer" => "number".into(),
        "boolean" => "`true` or `false`".into(),
        "array" => format!("list of {}", words(&schema["items"], definitions)),
        "object" => match schema["properties"].as_object() {
            Some(fields) => format!(
                "table: {}",
                fields
                    .keys()
                    .map(|key| format!("`{key}`"))
                    .collect::<Vec<_>>()
                    .join(", ")
            ),
            None => format!(
                "table of {}",
                words(&schema["additionalProperties"], definitions)
            ),
        },
        _ => "value".into(),
    }
}

/// Writes one kind: a heading, its description, its fields.
fn kind(page: &mut String, name: &str, about: &Value, schema: &Value, definitions: &Value) {
    writeln!(
        page,
        "#### `{name}`\n\n{}\n",
        flat(about.as_str().unwrap_or_default())
    )
    .unwrap();
    let empty = serde_json::Map::new();
    let fields = schema["properties"].as_object().unwrap_or(&empty);
    writeln!(page, "| field | takes | | meaning |\n|---|---|---|---|").unwrap();
    let required: Vec<&Value> = schema["required"]
        .as_array()
        .into_iter()
        .flatten()
        .collect();
    for (field, schema) in fields {
        let takes = words(schema, definitions);
        // a playbook gives step ids, and the program replaces them by paths
        let takes = if field == "inputs" {
            "list of step ids".to_owned()
        } else {
            takes
        };
        let must =
            required.iter().any(|known| *known == field) || field == "inputs" && name == "service";
        let about = flat(schema["description"].as_str().unwrap_or_default());
        let must = if must { "required" } else { "" };
        writeln!(page, "| `{field}` | {takes} | {must} | {about} |").unwrap();
    }
    page.push('\n');
}

/// Writes the variants of an enum that is written as `kind = { … }` in a playbook.
fn kinds(page: &mut String, schema: &Value, definitions: &Value) {
    for variant in schema["oneOf"].as_array().unwrap() {
        let (name, inner) = variant["properties"]
            .as_object()
            .unwrap()
            .iter()
            .next()
            .unwrap();
        let path = inner["$ref"].as_str();
        let inner = path.map_or(inner, |path| &definitions[path.rsplit('/').next().unwrap()]);
        let about = inner.get("description").unwrap_or(&variant["description"]);
        let about = if path.is_some() {
            about
        } else {
            &variant["description"]
        };
        kind(page, name, about, inner, definitions);
    }
}

fn reference() -> String {
    let mut generator = SchemaSettings::draft2020_12()
        .for_deserialize()
        .into_generator();
    let resources = generator.subschema_for::<AnyResource>().to_value();
    let check = generator.subschema_for::<Check>().to_value();
    let definitions = serde_json::to_value(generator.definitions()).unwrap();
    let of = |schema: &Value| {
        let name = schema["$ref"]
            .as_str()
            .unwrap()
            .rsplit('/')
            .next()
            .unwrap()
            .to_owned();
        definitions[name].clone()
    };
    let mut page = String::from("### Kinds of a step\n\n");
    kinds(&mut page, &of(&resources), &definitions);
    page += "### Kinds of a check\n\nEach kind has these fields, too:\n\n";
    page += "| field | takes | | meaning |\n|---|---|---|---|\n";
    let check = of(&check);
    let required = check["required"].as_array().unwrap();
    for (field, schema) in check["properties"].as_object().unwrap() {
        if field != "probe" {
            let must = if required.iter().any(|known| known == field) {
                "required"
            } else {
                ""
            };
            let about = flat(schema["description"].as_str().unwrap());
            writeln!(
                page,
                "| `{field}` | {} | {must} | {about} |",
                words(schema, &definitions)
            )
            .unwrap();
        }
    }
    page.push('\n');
    kinds(&mut page, &of(&check["properties"]["probe"]), &definitions);
    page += "### Names\n\n| name | meaning |\n|---|---|\n";
    for (name, meaning) in NAMES {
        writeln!(page, "| `{}` | {meaning} |", name.replace('*', "…")).unwrap();
    }
    page
}

#[test]
fn the_reference_is_what_the_code_says() {
    const BEGIN: &str =
        "<!-- made from the code: `UPDATE_SCHEMA=1 cargo test --lib reference` -->\n";
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/playbook.md");
    let page = fs::read_to_string(&path).unwrap();
    let (head, made) = page.split_once(BEGIN).unwrap();
    if env::var_os("UPDATE_SCHEMA").is_some_and(|value| value == "1") {
        fs::write(&path, format!("{head}{BEGIN}{}", reference())).unwrap();
    } else {
        assert_eq!(
            made,
            reference(),
            "`UPDATE_SCHEMA=1 cargo test --lib reference` writes it anew"
        );
    }
}
