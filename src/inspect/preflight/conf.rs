//! The owner's own template of `odoo.conf`: settings that would make Odoo insecure, unreachable, or use other data.

use std::collections::BTreeMap;
use std::path::Path;

use super::{Found, Inspected};
use crate::resource::MASK;
use crate::site::Site;

/// The name of the template, beside `site.toml`.
const TEMPLATE: &str = "odoo.conf";

/// Values that Odoo reads as false.
const NO: [&str; 4] = ["false", "0", "no", "none"];

/// The requirement for one key.
struct Asked {
    key: &'static str,
    /// The allowed values; empty if any value is allowed.
    values: Vec<String>,
    /// The line that the user should write.
    line: String,
    /// What happens without that line.
    why: &'static str,
}

/// Checks the rendered configuration if the owner has a template.
pub(super) fn look(inspected: &Inspected<'_>, found: &mut Found) {
    let template = inspected.beside.join(TEMPLATE);
    let Ok(source) = std::fs::read_to_string(&template) else {
        return;
    };
    let Some(conf) = inspected.plan.file(Path::new(&inspected.site.paths.conf)) else {
        return;
    };
    for (line, reason) in wrong(&conf.content, &source, inspected.site, inspected.workers) {
        let place = line.map_or_else(String::new, |line| format!(" (line {line})"));
        found.refuse(format!("`{}`{place}: {reason}", template.display()));
    }
}

/// The problems of a configuration that was rendered from `source`, with their lines in `source`.
fn wrong(conf: &str, source: &str, site: &Site, workers: u32) -> Vec<(Option<usize>, String)> {
    let values = options(conf);
    if !conf.lines().any(|line| line.trim() == "[options]") {
        return vec![(
            None,
            "it has no line `[options]`, without which Odoo reads nothing of it; start from \
             `odoo-deploy render --template odoo.conf`"
                .into(),
        )];
    }
    let mut wrong = Vec::new();
    for asked in asked(site, workers) {
        let Asked { key, line, why, .. } = &asked;
        let at = line_of(source, key);
        match values.get(key) {
            None => wrong.push((at, format!("there is no `{key}`: {why}; write `{line}`"))),
            Some(value) if !asked.allows(value) => wrong.push((
                at,
                format!("`{key}` is `{}`: {why}; write `{line}`", shown(key, value)),
            )),
            Some(_) => (),
        }
    }
    wrong
}

impl Asked {
    fn allows(&self, value: &str) -> bool {
        let value = value.trim();
        match self.key {
            "admin_passwd" => !["", "admin", "False"].contains(&value),
            "workers" => value.parse::<u32>().is_ok_and(|count| count > 0),
            "db_name" => value
                .split(',')
                .any(|name| self.values.iter().any(|v| v == name.trim())),
            "list_db" => NO.contains(&value.to_lowercase().as_str()),
            _ => {
                self.values.is_empty() && !value.is_empty()
                    || self.values.iter().any(|v| v == value)
            }
        }
    }
}

/// What a site requires of its configuration.
fn asked(site: &Site, workers: u32) -> Vec<Asked> {
    let asked = |key, values: &[&dyn ToString], line: &str, why| Asked {
        key,
        values: values.iter().map(|value| value.to_string()).collect(),
        line: format!("{key} = {line}"),
        why,
    };
    let mut all = vec![
        asked(
            "http_interface",
            &[&site.http.interface],
            "{{ site.http.interface }}",
            "Odoo listens on every address of the server",
        ),
        asked(
            "http_port",
            &[&site.http.port.number()],
            "{{ site.http.port }}",
            "Odoo listens where neither this program nor a proxy looks for it",
        ),
        asked(
            "admin_passwd",
            &[],
            "{{ mask }}",
            "everybody knows the master password that Odoo has then",
        ),
        asked(
            "list_db",
            &[],
            "False",
            "everybody sees the databases, and can try to take or drop them",
        ),
        asked(
            "db_name",
            &[&site.odoo.database],
            "{{ site.odoo.database }}",
            "Odoo's scheduled jobs run in every database that its role can read",
        ),
        asked(
            "data_dir",
            &[&site.paths.data],
            "{{ site.paths.data }}",
            "Odoo may write nowhere else",
        ),
        asked(
            "addons_path",
            &[],
            "{% for addon in addons %}{{ addon.link }},{% endfor %}{{ odoo.link }}/addons",
            "Odoo does not find its modules",
        ),
    ];
    if workers > 0 {
        all.push(asked(
            "workers",
            &[],
            "{{ workers }}",
            "nothing listens for websockets then",
        ));
        all.push(asked(
            "gevent_port",
            &[&site.http.gevent_port.number()],
            "{{ site.http.gevent_port }}",
            "websockets are listened for at another port",
        ));
    }
    if site.http.proxy_mode {
        all.push(asked(
            "proxy_mode",
            &[&"True", &"true", &"1"],
            "True",
            "Odoo takes the proxy for every visitor, and makes links to itself",
        ));
    }
    if let Some(server) = &site.postgres.server {
        all.push(asked(
            "db_host",
            &[&server.host],
            "{{ postgresql.host }}",
            "Odoo looks for PostgreSQL on this server",
        ));
    }
    all
}

/// The options by key; of a repeated key the last value.
fn options(conf: &str) -> BTreeMap<&str, &str> {
    let lines = conf
        .lines()
        .filter(|line| !line.trim_start().starts_with(['#', ';', '[']));
    let pairs = lines.filter_map(|line| line.split_once(['=', ':']));
    pairs
        .map(|(key, value)| (key.trim(), value.trim()))
        .collect()
}

/// The line of a template that sets a key.
fn line_of(source: &str, key: &str) -> Option<usize> {
    let is_it = |line: &str| {
        line.split_once(['=', ':'])
            .is_some_and(|(k, _)| k.trim().ends_with(key))
    };
    source.lines().position(is_it).map(|index| index + 1)
}

/// The value as messages may show it: never a password.
fn shown<'v>(key: &str, value: &'v str) -> &'v str {
    if key == "admin_passwd" && value != "admin" {
        MASK
    } else {
        value
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "[options]\naddons_path = /opt/odoo/current/addons\nadmin_passwd = •••\ndata_dir = /var/lib/odoo\n\
                        db_name = odoo\nhttp_interface = 127.0.0.1\nhttp_port = 8069\nlist_db = False\n";

    fn site(more: &str) -> Site {
        let text = format!("[odoo]\nversion = \"19.0\"\n{more}");
        Site::parse(Path::new("site.toml"), &text).unwrap()
    }

    fn told(conf: &str, more: &str, workers: u32) -> Vec<(Option<usize>, String)> {
        wrong(conf, conf, &site(more), workers)
    }

    #[test]
    fn a_complete_configuration_is_accepted() {
        assert_eq!(told(GOOD, "", 0), []);
        let with_workers = format!("{GOOD}workers = 2\ngevent_port = 8072\n");
        assert_eq!(told(&with_workers, "", 2), []);
    }

    #[test]
    fn missing_and_unsafe_settings_are_reported_with_their_line() {
        let without = |key: &str| {
            let lines = GOOD.lines().filter(|line| !line.starts_with(key));
            lines.fold(String::new(), |text, line| text + line + "\n")
        };
        for key in [
            "addons_path",
            "admin_passwd",
            "data_dir",
            "db_name",
            "http_interface",
            "http_port",
            "list_db",
        ] {
            let found = told(&without(key), "", 0);
            assert_eq!(found.len(), 1, "{key}: {found:?}");
            assert!(
                found[0].1.contains(&format!("there is no `{key}`")),
                "{found:?}"
            );
        }
        for (from, to, line, expected) in [
            (
                "list_db = False",
                "list_db = True",
                8,
                "`list_db` is `True`",
            ),
            (
                "admin_passwd = •••",
                "admin_passwd = admin",
                3,
                "`admin_passwd` is `admin`",
            ),
            (
                "= 127.0.0.1",
                "= 0.0.0.0",
                6,
                "`http_interface` is `0.0.0.0`",
            ),
            (
                "db_name = odoo",
                "db_name = other",
                5,
                "`db_name` is `other`",
            ),
        ] {
            let found = told(&GOOD.replace(from, to), "", 0);
            assert_eq!(found.len(), 1, "{to}: {found:?}");
            assert_eq!(found[0].0, Some(line));
            assert!(found[0].1.contains(expected), "{found:?}");
        }
        let mail = "[options]\nsmtp_server = mail.example.org\n";
        assert_eq!(told(mail, "", 0).len(), 7);
        assert!(told("smtp_server = x\n", "", 0)[0].1.contains("[options]"));
        assert_eq!(told(GOOD, "", 2).len(), 2);
    }
}
