use super::*;
use crate::text::diagnostic::quote;

fn parse(source: &str) -> Site {
    match Site::parse(Path::new("site.toml"), source) {
        Ok(site) => site,
        Err(errors) => panic!("{}", errors.render(80, false)),
    }
}

#[test]
fn the_smallest_site_has_every_default() {
    let site = parse("[odoo]\nversion = \"19.0\"\n");
    insta::assert_snapshot!(serde_json::to_string_pretty(&site).unwrap(), @r#"
    {
      "name": "odoo",
      "domain": null,
      "odoo": {
        "version": "19.0",
        "repository": "https://github.com/odoo/odoo.git",
        "branch": "19.0",
        "commit": null,
        "access": null,
        "database": "odoo",
        "modules": [],
        "demo": false,
        "language": null,
        "languages": [],
        "country": null,
        "company": null,
        "log_handlers": []
      },
      "addons": [],
      "python": {
        "installer": "uv",
        "index": null,
        "wheels": null
      },
      "apt": {
        "upgrade": false
      },
      "http": {
        "interface": "127.0.0.1",
        "port": 8069,
        "gevent_port": 8072,
        "workers": "auto",
        "users": null,
        "proxy_mode": false
      },
      "wkhtmltopdf": {
        "build": "none",
        "url": null,
        "file": null,
        "sha256": null,
        "fonts": []
      },
      "firewall": {
        "enabled": false
      },
      "fail2ban": {
        "enabled": false,
        "attempts": 5,
        "minutes": 15
      },
      "postgres": {
        "tuning": null,
        "server": null
      },
      "logs": {
        "file": false
      },
      "proxy": null,
      "paths": {
        "conf": "/etc/odoo.conf",
        "unit": "odoo.service",
        "home": "/opt/odoo",
        "data": "/var/lib/odoo",
        "state": "/var/lib/odoo-deploy/odoo",
        "user": "odoo",
        "builder": "odoo-build",
        "role": "odoo",
        "logs": "/var/log/odoo"
      }
    }
    "#);
}

#[test]
fn everything_can_be_said() {
    let site = parse(
        r#"
[site]
name = "shop"
domain = "ERP.example.org"
[odoo]
version = "18.0"
repository = "git@git.example.org:mirror/odoo.git"
branch = "18.0-shop"
commit = "0123456789ABCDEF0123456789abcdef01234567"
database = "Shop.live"
modules = ["sale_management", "stock"]
demo = true
language = "de_DE"
languages = ["en_US", "fr_FR"]
[[addons]]
name = "oca-web"
repository = "ssh://git@git.example.org:2222/oca/web"
[[addons]]
name = "own"
repository = "file:///srv/own.git"
branch = "main"
[python]
installer = "pip"
index = "https://pypi.example.org/simple"
wheels = "/srv/wheels"
[apt]
upgrade = true
[http]
interface = "::"
port = 9069
gevent_port = 9072
workers = 4
proxy_mode = true
"#,
    );
    assert_eq!(
        site.domain.as_ref().map(Domain::as_str),
        Some("erp.example.org")
    );
    let commit = "0123456789abcdef0123456789abcdef01234567";
    assert_eq!(site.odoo.commit.as_ref().map(Commit::as_str), Some(commit));
    assert_eq!(site.addons[0].branch.as_str(), "18.0");
    assert_eq!(site.addons[1].branch.as_str(), "main");
    assert_eq!(site.http.interface.to_string(), "::");
    let value = serde_json::to_value(&site).unwrap();
    assert_eq!(value["http"]["workers"], 4);
    assert_eq!(
        value["odoo"]["languages"],
        serde_json::json!(["de_DE", "fr_FR"])
    );
    assert_eq!(site.paths.builder, "shop-build");
    assert!(site.apt.upgrade && site.odoo.demo && site.http.proxy_mode);
    assert_eq!(site.odoo.database.as_str(), "Shop.live");
}

#[test]
fn all_languages_are_nothing_to_be_listed() {
    let site = parse("[odoo]\nversion = \"19.0\"\nlanguage = \"de_DE\"\nlanguages = \"all\"\n");
    assert_eq!(site.odoo.languages, Languages::All);
    let value = serde_json::to_value(&site).unwrap();
    assert!(value["odoo"]["languages"].is_null());
}

#[test]
fn repositories_that_git_can_clone() {
    for good in [
        ODOO,
        "https://example.org:8443/a/b.git",
        "https://[::1]:8443/a",
        "https://10.0.0.1/a",
        "ssh://git@example.org/a",
        "ssh://example.org:22/~me/a",
        "git@example.org:a.git",
        "deploy@10.0.0.1:/srv/a.git",
        "file:///srv/a.git",
    ] {
        assert_eq!(
            good.parse::<Repository>().map(|r| r.to_string()),
            Ok(good.to_owned())
        );
    }
}

#[test]
fn names_near_a_reserved_one_are_free() {
    for reserved in [
        "root",
        "nginx",
        "resolv",
        "systemd-odoo",
        "odoo-build",
        "odoo-deploy",
    ] {
        let error = reserved.parse::<SiteName>().unwrap_err();
        let shown = error.to_string();
        let (_, offer) = shown.split_once("such as `").unwrap();
        let offer = offer.split('`').next().unwrap();
        assert!(
            offer.parse::<SiteName>().is_ok(),
            "{} {offer}",
            quote(reserved)
        );
    }
    assert!("odoo".parse::<SiteName>().is_ok());
}

#[test]
fn a_masked_text_keeps_its_places() {
    let source = "a = 1\npassword = \"hünter2\"\nu = \"https://me:x@h/p\" # ssh://git@h/p\n";
    let masked = secret::mask(source, &[]);
    assert_eq!(masked.len(), source.len());
    assert_eq!(
        masked,
        "a = 1\npassword = **********\nu = \"https://****@h/p\" # ssh://git@h/p\n"
    );
}
