//! The JSON Schema of `site.toml` agrees with the reader: every accepted site is valid, and every wrong value
//! is refused by both.

use std::fs;
use std::path::Path;

use odoo_deploy::site::{Site, schema};
use serde_json::{Map, Value, json};
use support::dice::Dice;
use support::site::{SiteFile, SiteSpec};

/// Sites that together have every key.
const SITES: [&str; 4] = [
    r#"
[site]
name = "erp"
domain = "erp.example.org"
[odoo]
version = "19.0"
repository = "ssh://git@example.org/odoo.git"
key = { file = "/etc/private/deploy", known_hosts = "/etc/private/known_hosts" }
branch = "19.0-erp"
commit = "0123456789012345678901234567890123456789"
database = "erp.live"
modules = ["sale_management", "stock"]
demo = true
language = "de_DE"
languages = ["fr_FR", "es_419", "sr@latin"]
country = "DE"
company = "Müller & Söhne"
log_handlers = ["odoo.sql_db:DEBUG", ":INFO"]
[[addons]]
name = "web"
repository = "https://example.org/web.git"
branch = "main"
commit = "0123456789ABCDEF012345678901234567890123"
folder = "src/addons"
token = { env = "TOKEN", user = "me" }
[[addons]]
name = "own"
repository = "git@example.org:own.git"
key = { file = "/etc/private/deploy" }
[python]
installer = "pip"
index = "https://pypi.example.org/simple"
wheels = "/srv/wheels"
[apt]
upgrade = true
[http]
interface = "127.0.0.1"
port = 9069
gevent_port = 9072
workers = 4
users = 25
proxy_mode = true
[postgres]
tuning = true
[logs]
file = true
[wkhtmltopdf]
build = "patched"
url = "https://example.org/w.deb"
sha256 = "98ba0d157b50d36f23bd0dedf4c0aa28c7b0c50fcdcdc54aa5b6bbba81a3941d"
fonts = ["cjk", "arabic"]
[firewall]
enabled = true
[fail2ban]
enabled = true
attempts = 3
minutes = 60
[proxy]
tls = "acme"
email = "it@example.org"
body_limit = 64
trusted = ["192.0.2.7", "10.1.0.0/24", "2001:db8::/32"]
rpc = false
rpc_clients = ["198.51.100.7"]
"#,
    r#"
[site]
domain = "erp.example.org"
[odoo]
version = "18.0"
repository = "git@example.org:odoo.git"
languages = "all"
[http]
interface = "::1"
workers = "auto"
[postgres]
host = "db.example.org"
port = 5433
user = "erp"
sslmode = "verify-full"
root_certificate = "/etc/ssl/ca.pem"
password = { file = "/root/password" }
[proxy]
tls = "files"
certificate = "/etc/ssl/erp.crt"
key = "/etc/ssl/private/erp.key"
[wkhtmltopdf]
file = "/srv/w.deb"
"#,
    "odoo = { version = \"17.0\", token = { file = \"/t\" } }\nhttp.workers = 0\n",
    "odoo = { version = \"20.0\", token = { credential = \"t\" } }\nwkhtmltopdf = {}\n",
];

fn parse(text: &str) -> Option<Site> {
    Site::parse(Path::new("site.toml"), text).ok()
}

fn declared() -> Value {
    serde_json::from_str(&schema()).unwrap()
}

/// The tables of the file: name, whether the table is a list, and keys.
fn tables(schema: &Value) -> Vec<(String, bool, Map<String, Value>)> {
    let tables = schema["properties"].as_object().unwrap();
    let tables = tables.iter().map(|(key, value)| {
        let listed = value.get("items");
        let keys = &listed.unwrap_or(value)["properties"];
        (
            key.clone(),
            listed.is_some(),
            keys.as_object().unwrap().clone(),
        )
    });
    tables.collect()
}

/// A good site that ends with the table of `key`, so that a line can be appended.
fn open(table: &str, key: &str) -> String {
    let good = "[odoo]\nversion = \"19.0\"\n";
    match (table, key) {
        ("odoo", "version") => "[odoo]\n".to_owned(),
        ("odoo", _) => good.to_owned(),
        ("addons", "name") => format!("{good}[[addons]]\nrepository = \"https://example.org/a\"\n"),
        ("addons", "repository") => format!("{good}[[addons]]\nname = \"a\"\n"),
        ("addons", _) => {
            format!("{good}[[addons]]\nname = \"a\"\nrepository = \"https://example.org/a\"\n")
        }
        ("postgres", key) if !["tuning", "host", "password"].contains(&key) => {
            format!("{good}[postgres]\nhost = \"db\"\npassword = {{ file = \"/p\" }}\n")
        }
        ("proxy", _) => format!("{good}[site]\ndomain = \"erp.example.org\"\n[proxy]\n"),
        _ => format!("{good}[{table}]\n"),
    }
}

fn json_of(text: &str) -> Value {
    toml::from_str(text.trim_start_matches('\u{feff}')).unwrap()
}

/// All sites in tests and documentation.
fn sites() -> Vec<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut sites: Vec<_> = SITES.map(str::to_owned).into();
    let seeds = fs::read_dir(root.join("fuzz/seeds/site")).unwrap();
    sites.extend(seeds.filter_map(|seed| fs::read_to_string(seed.unwrap().path()).ok()));
    let proxy = SiteSpec {
        proxy: true,
        languages: vec!["de_DE"],
        later: true,
        name: "shop",
        database: "Shop.live",
        ..SiteSpec::default()
    };
    for spec in [SiteSpec::default(), proxy] {
        sites.push(fs::read_to_string(SiteFile::new(&spec).path()).unwrap());
    }
    let readme = fs::read_to_string(root.join("README.md")).unwrap();
    for block in readme.split("```toml\n").skip(1) {
        let block = block.split("```").next().unwrap();
        let block = block.replace("commit = \"…\"", "demo = true\n#");
        sites.push(block.replace("sha256 = \"…\"", "#"));
        sites.push(format!("[odoo]\nversion = \"19.0\"\n{block}"));
    }
    sites
}

#[test]
fn every_accepted_site_is_valid() {
    let validator = jsonschema::validator_for(&declared()).unwrap();
    let holds = |text: &str| {
        let read = parse(text).is_some();
        if read {
            let errors: Vec<_> = validator
                .iter_errors(&json_of(text))
                .map(|e| e.to_string())
                .collect();
            assert!(errors.is_empty(), "{text}\n{errors:#?}");
        }
        read
    };
    for site in SITES {
        assert!(
            holds(site),
            "{site}\n{:?}",
            Site::parse(Path::new("site.toml"), site)
        );
    }
    let sites = sites();
    let mut dice = Dice::new(7);
    let mut read = 0;
    for site in &sites {
        read += usize::from(holds(site));
        for _ in 0..200 {
            let lines = site.lines().filter(|_| dice.below(12) > 0);
            read += usize::from(holds(&lines.collect::<Vec<_>>().join("\n")));
        }
    }
    assert!(read > 200, "{read}");
}

#[test]
fn the_sites_have_every_key() {
    let sites = SITES.map(json_of);
    for (table, listed, keys) in tables(&declared()) {
        for key in keys.keys() {
            let has = |site: &Value| match site.get(&table) {
                Some(value) if listed => value
                    .as_array()
                    .unwrap()
                    .iter()
                    .any(|one| one.get(key).is_some()),
                Some(value) => value.get(key).is_some(),
                None => false,
            };
            assert!(sites.iter().any(has), "{table}.{key}");
        }
    }
}

#[test]
fn wrong_values_are_refused_by_schema_and_reader() {
    let schema = declared();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let refused = |text: &str| {
        assert!(parse(text).is_none(), "{text}");
        assert!(!validator.is_valid(&json_of(text)), "{text}");
    };
    assert!(jsonschema::meta::is_valid(&schema));
    refused("[odoo]\n");
    refused("[odoo]\nversion = \"19.0\"\n[odo]\n");
    let mut enums = 0;
    for (table, _, keys) in tables(&schema) {
        let good = open(&table, "");
        assert!(validator.is_valid(&json_of(&good)), "{good}");
        refused(&format!("{good}zzzzzzzz = 1\n"));
        for (key, value) in keys {
            let good = open(&table, &key);
            refused(&format!("{good}{key} = 7.5\n"));
            if let Some(inner) = value.get("properties") {
                refused(&format!("{good}{key} = {{ zzzzzzzz = 1 }}\n"));
                for inner in inner.as_object().unwrap().keys() {
                    refused(&format!("{good}{key} = {{ {inner} = 7 }}\n"));
                }
            } else {
                refused(&format!("{good}{key} = {{ a = 1 }}\n"));
            }
            let choice = value.get("items").unwrap_or(&value);
            if choice.get("enum").is_some() {
                let none = if choice == &value {
                    "\"zzzz\""
                } else {
                    "[\"zzzz\"]"
                };
                refused(&format!("{good}{key} = {none}\n"));
                enums += 1;
            }
        }
    }
    assert_eq!(enums, 6);
}

#[test]
fn a_missing_required_key_is_named_by_the_reader() {
    let schema = declared();
    let mut asked = Vec::new();
    for (table, _, keys) in tables(&schema) {
        let whole = &schema["properties"][&table];
        let whole = whole.get("items").unwrap_or(whole);
        for key in whole["required"].as_array().into_iter().flatten() {
            let key = key.as_str().unwrap();
            asked.push((key.to_owned(), open(&table, key)));
        }
        for (key, value) in keys {
            for inner in value["required"].as_array().into_iter().flatten() {
                let text = format!("{}{key} = {{}}\n", open(&table, &key));
                asked.push((inner.as_str().unwrap().to_owned(), text));
            }
        }
    }
    for (key, text) in &asked {
        let errors = Site::parse(Path::new("site.toml"), text).unwrap_err();
        let told = errors.render(200, false);
        assert!(
            told.contains(&format!("`{key}` of")) || told.contains(&format!("{{ {key} =")),
            "{text}{told}"
        );
    }
    let keys: Vec<_> = asked.iter().map(|(key, _)| key.as_str()).collect();
    assert_eq!(
        keys,
        ["name", "repository", "file", "version", "file", "file"]
    );
}

#[test]
fn a_default_that_is_written_out_changes_nothing() {
    let mut defaults = 0;
    let mut same = |open: &str, line: &str| {
        let site = parse(open);
        assert!(site.is_some(), "{open}");
        assert_eq!(parse(&format!("{open}{line}\n")), site, "{open}{line}");
        defaults += 1;
    };
    for (table, _, keys) in tables(&declared()) {
        for (key, value) in keys {
            if let Some(default) = value.get("default") {
                same(&open(&table, &key), &format!("{key} = {default}"));
            }
        }
    }
    assert!(defaults >= 20, "{defaults}");
    let token = |more: &str| {
        let user = format!("token = {{ file = \"/t\"{more} }}");
        parse(&format!("{}{user}\n", open("odoo", "")))
    };
    let schema = declared();
    let user = &schema["properties"]["odoo"]["properties"]["token"]["properties"]["user"];
    assert_eq!(user["default"], json!("x-access-token"));
    assert_eq!(token(&format!(", user = {}", user["default"])), token(""));
}
