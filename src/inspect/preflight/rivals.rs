//! Services of others that do not run now, but would take this site's ports at the next boot.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::ports::wanted;
use super::{Found, Inspected, Trouble};
use crate::host::{Host, Kind, Result};
use crate::resource::AnyResource;

/// The folders in which systemd looks for units, in the order of precedence.
const UNITS: [&str; 4] = [
    "/etc/systemd/system",
    "/run/systemd/system",
    "/usr/lib/systemd/system",
    "/lib/systemd/system",
];

/// The init scripts, older than systemd, that start in the usual run level.
const SCRIPTS: &str = "/etc/rc3.d";

/// Web servers: the unit, the configuration file with the ports, the word before a port, and the default ports if the
/// file cannot be read.
const WEB: &[(&str, &str, &str, &[u16])] = &[
    (
        "apache2.service",
        "/etc/apache2/ports.conf",
        "Listen",
        &[80, 443],
    ),
    ("caddy.service", "/etc/caddy/Caddyfile", "", &[80, 443]),
    (
        "haproxy.service",
        "/etc/haproxy/haproxy.cfg",
        "bind",
        &[80, 443],
    ),
    (
        "lighttpd.service",
        "/etc/lighttpd/lighttpd.conf",
        "server.port",
        &[80],
    ),
    ("openresty.service", "", "", &[80, 443]),
    ("traefik.service", "", "", &[80, 443]),
    ("varnish.service", "", "", &[80]),
];

/// The beginning of every file that odoo-deploy writes.
const OURS: &str = "Written by odoo-deploy";

/// A service that starts at boot.
struct Started {
    /// The name of the unit, or of the init script.
    name: String,
    /// The path of the unit or script.
    path: PathBuf,
    /// The text of the unit or script.
    text: String,
}

/// Checks for services that would take the ports at the next boot, and for a unit with the name of ours.
pub(super) fn look(inspected: &Inspected<'_>, found: &mut Found) -> Result<()> {
    let (host, site) = (inspected.host, inspected.site);
    for reason in namesakes(inspected)? {
        found.refuse(reason);
    }
    let wanted: Vec<u16> = wanted(site, inspected.workers)
        .iter()
        .map(|w| w.port)
        .collect();
    let is_planned = |unit: &str| {
        let mut steps = inspected.plan.steps.iter();
        steps.any(|step| matches!(&step.resource, AnyResource::Service(own) if own.unit == unit))
    };
    for started in started(host)? {
        if is_planned(&started.name) || started.text.contains(OURS) {
            continue;
        }
        // a step of the administrator's `extra.toml` wrote this unit, even if the step has been removed since
        if host.wrote(&started.path, started.text.as_bytes())? {
            continue;
        }
        let ports = match WEB.iter().find(|(name, ..)| *name == started.name) {
            Some((_, file, word, usual)) => web_ports(host, file, word, usual)?,
            None if is_odoo(&started) => odoo_ports(host, &started.text)?,
            None => continue,
        };
        let Some(port) = ports.iter().find(|port| wanted.contains(port)) else {
            continue;
        };
        let name = started.name.trim_end_matches(".service");
        let trouble = Trouble::new(
            format!(
                "`{name}` (`{}`) is started at every boot and would take port {port} from this site then",
                started.path.display()
            ),
            format!("`systemctl disable --now {name}`, or give one of them another port"),
        );
        found.trouble(inspected, trouble);
    }
    Ok(())
}

/// A unit of somebody else with the name of ours, if this site was never installed. Our unit would hide a unit of a
/// package, and replace a unit of the administrator.
fn namesakes(inspected: &Inspected<'_>) -> Result<Vec<String>> {
    let (host, site) = (inspected.host, inspected.site);
    let is_new = host.list(Path::new(&site.paths.state))?.is_empty();
    let mut reasons = Vec::new();
    for folder in UNITS {
        let path = Path::new(folder).join(&site.paths.unit);
        if !is_new || host.meta(&path)?.is_none_or(|meta| meta.kind != Kind::File) {
            continue;
        }
        let text = host.read_text(&path)?.unwrap_or_default();
        let Some(start) = setting(&text, "ExecStart").filter(|_| !text.contains(OURS)) else {
            continue;
        };
        let unit = &site.paths.unit;
        let way = if folder == UNITS[0] {
            format!(
                "`systemctl disable --now {unit}` and `mv {} /root/`",
                path.display()
            )
        } else {
            format!("remove its package (`dpkg -S {}`)", path.display())
        };
        reasons.push(format!(
            "`{}` is there and is not of this program: it starts `{start}`. Give this site another `site.name` (and other \
             ports below `[http]`), or take that one out of service: {way}",
            path.display()
        ));
        break;
    }
    Ok(reasons)
}

/// All units that systemd starts because of a link, and all init scripts.
fn started(host: &Host) -> Result<Vec<Started>> {
    let mut all: BTreeMap<String, PathBuf> = BTreeMap::new();
    let units = Path::new(UNITS[0]);
    for folder in host.list(units)? {
        if !folder.ends_with(".target.wants") {
            continue;
        }
        for unit in host.list(&units.join(&folder))? {
            let link = units.join(&folder).join(&unit);
            let target = host.link_target(&link)?.unwrap_or_default();
            all.insert(unit, units.join(&folder).join(target));
        }
    }
    for name in host.list(Path::new(SCRIPTS))? {
        let script = name
            .strip_prefix('S')
            .map(|name| name.trim_start_matches(char::is_numeric));
        if let Some(script) = script {
            let path = Path::new("/etc/init.d").join(script);
            all.entry(format!("{script}.service")).or_insert(path);
        }
    }
    let mut started = Vec::new();
    for (name, path) in all {
        // a masked unit is a link to a file that cannot be read
        let Ok(text) = host.read_text(&path) else {
            continue;
        };
        started.push(Started {
            name,
            path,
            text: text.unwrap_or_default(),
        });
    }
    Ok(started)
}

/// Whether a service starts Odoo, or `OpenERP`, its earlier name.
fn is_odoo(started: &Started) -> bool {
    let starts = setting(&started.text, "ExecStart").unwrap_or(&started.text);
    ["odoo", "openerp"].iter().any(|word| {
        started.name.contains(word) && (starts.contains(word) || starts.contains(".conf"))
            || starts.contains(&format!("{word}-bin"))
            || starts.contains(&format!("{word}-server"))
    })
}

/// The ports of an Odoo service, from its configuration, or the defaults if its configuration is not found.
fn odoo_ports(host: &Host, text: &str) -> Result<Vec<u16>> {
    let words = text.split(|c: char| c.is_whitespace() || "='\"".contains(c));
    let mut conf = String::new();
    let is_conf = |word: &&str| {
        let kind = Path::new(word).extension();
        word.starts_with("/etc/") && kind.is_some_and(|kind| kind == "conf")
    };
    for path in words.filter(is_conf) {
        conf = host.read_text(Path::new(path))?.unwrap_or_default();
        if !conf.is_empty() {
            break;
        }
    }
    let port = |keys: [&str; 2], usual: u16| {
        let said = keys.iter().find_map(|key| setting(&conf, key));
        said.and_then(|port| port.parse().ok()).unwrap_or(usual)
    };
    let argument = text
        .split_once("--http-port")
        .or_else(|| text.split_once("--xmlrpc-port"))
        .or_else(|| text.split_once(" -p "))
        .map(|(_, rest)| rest.trim_start_matches(['=', ' ']));
    let argument = argument.and_then(|rest| {
        let number: String = rest.chars().take_while(char::is_ascii_digit).collect();
        number.parse().ok()
    });
    let http = argument.unwrap_or_else(|| port(["http_port", "xmlrpc_port"], 8069));
    let gevent = port(["gevent_port", "longpolling_port"], 8072);
    let workers = setting(&conf, "workers").is_some_and(|count| count != "0");
    Ok([http]
        .into_iter()
        .chain(workers.then_some(gevent))
        .collect())
}

/// The ports of a web server.
fn web_ports(host: &Host, file: &str, word: &str, usual: &[u16]) -> Result<Vec<u16>> {
    let text = if file.is_empty() {
        None
    } else {
        host.read_text(Path::new(file))?
    };
    let Some(text) = text else {
        return Ok(usual.to_vec());
    };
    if word.is_empty() {
        return Ok(caddy_ports(&text, usual));
    }
    let lines = text
        .lines()
        .map(|line| line.split('#').next().unwrap_or_default());
    let lines = lines.filter(|line| words(line).next() == Some(word));
    Ok(lines.flat_map(words).filter_map(port).collect())
}

/// The ports of a Caddyfile's sites. An address without a port has those of its scheme.
fn caddy_ports(text: &str, usual: &[u16]) -> Vec<u16> {
    let (mut depth, mut ports) = (0_usize, Vec::new());
    for line in text.lines().map(str::trim) {
        if let Some(addresses) = line.strip_suffix('{') {
            // inside a site, a block is a directive such as `reverse_proxy`; `(name)` is a snippet
            if depth == 0 && !addresses.starts_with('(') {
                for address in words(addresses) {
                    match (port(address), address.starts_with("http://")) {
                        (Some(port), _) => ports.push(port),
                        (None, true) => ports.push(80),
                        (None, false) => ports.extend(usual),
                    }
                }
            }
            depth += 1;
        } else if line == "}" {
            depth = depth.saturating_sub(1);
        }
    }
    // a file with one site needs no braces
    if ports.is_empty() {
        usual.to_vec()
    } else {
        ports
    }
}

/// The words of a line of a web server's configuration.
fn words(line: &str) -> impl Iterator<Item = &str> {
    let words = line.split(|c: char| c.is_whitespace() || c == ',' || c == '=');
    words.filter(|word| !word.is_empty())
}

/// The port of an address, or a word that is nothing but a port.
fn port(word: &str) -> Option<u16> {
    word.rsplit(':').next()?.parse().ok()
}

/// The value in a line `key=value`, with or without blanks around `=`.
fn setting<'t>(text: &'t str, key: &str) -> Option<&'t str> {
    text.lines().find_map(|line| {
        let (name, value) = line.split_once('=')?;
        (name.trim() == key).then_some(value.trim())
    })
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;
    use crate::event::Events;
    use crate::host::Programs;

    #[test]
    fn services_that_start_at_boot_are_found_with_their_ports() {
        let root = tempfile::tempdir().unwrap();
        let write = |path: &str, text: &str| {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        let host = Host::at(root.path(), Programs::Real, Events::silent());
        let wants = "etc/systemd/system/multi-user.target.wants";
        fs::create_dir_all(root.path().join(wants)).unwrap();
        let enable =
            |unit: &str, target: &str| symlink(target, root.path().join(wants).join(unit)).unwrap();
        write(
            "lib/systemd/system/odoo17.service",
            "[Service]\nExecStart=/opt/odoo17/odoo-bin -c /etc/odoo17.conf\n",
        );
        write(
            "etc/odoo17.conf",
            "[options]\nxmlrpc_port = 8070\nworkers = 2\n",
        );
        enable("odoo17.service", "/lib/systemd/system/odoo17.service");
        write(
            "etc/systemd/system/web.service",
            "[Service]\nExecStart=/usr/bin/web\n",
        );
        enable("web.service", "../web.service");
        write(
            "etc/init.d/odoo-server",
            "#!/bin/sh\nDAEMON=/opt/odoo/odoo-server\nCONFIG=\"/etc/odoo-server.conf\"\n",
        );
        write("etc/rc3.d/S02odoo-server", "");
        write("etc/rc3.d/K01odoo-old", "");
        let found: Vec<(String, Vec<u16>)> = started(&host)
            .unwrap()
            .into_iter()
            .filter(is_odoo)
            .map(|one| (one.name, odoo_ports(&host, &one.text).unwrap()))
            .collect();
        let expected = [
            ("odoo-server.service".to_owned(), vec![8069]),
            ("odoo17.service".to_owned(), vec![8070, 8072]),
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn the_ports_of_web_servers_are_read() {
        let root = tempfile::tempdir().unwrap();
        let host = Host::at(root.path(), Programs::Real, Events::silent());
        for (file, text, word, expected) in [
            (
                "ports.conf",
                "# Listen 1\nListen 8080\n<IfModule ssl>\n  Listen 192.0.2.1:443\n</IfModule>\n",
                "Listen",
                vec![8080, 443],
            ),
            (
                "lighttpd.conf",
                "server.port = 81\n",
                "server.port",
                vec![81],
            ),
            (
                "haproxy.cfg",
                "frontend x\n  bind *:80\n  bind :443 ssl\n",
                "bind",
                vec![80, 443],
            ),
            (
                "ports.conf",
                "ListenBacklog 511\nListen [2001:db8::1]:8443 https # 80\n",
                "Listen",
                vec![8443],
            ),
            (
                "haproxy.cfg",
                "backend y\n  server a 127.0.0.1:8069\nfrontend x\n  bind :81,:444 ssl crt /etc/x.pem\n",
                "bind",
                vec![81, 444],
            ),
            ("Caddyfile", ":8080 {\n respond hi\n}\n", "", vec![8080]),
            (
                "Caddyfile",
                "erp.example.org\nrespond hi\n",
                "",
                vec![80, 443],
            ),
            (
                "Caddyfile",
                "{\n admin off\n}\n(common) {\n log\n}\nhttp://a.example.org, b.example.org:8443 {\n reverse_proxy localhost:8069 {\n  \
                 transport http\n }\n}\n",
                "",
                vec![80, 8443],
            ),
            (
                "Caddyfile",
                "erp.example.org {\n respond hi\n}\n",
                "",
                vec![80, 443],
            ),
        ] {
            fs::write(root.path().join(file), text).unwrap();
            let found = web_ports(&host, &format!("/{file}"), word, &[80, 443]).unwrap();
            assert_eq!(found, expected, "{text}");
        }
        assert_eq!(web_ports(&host, "/none", "Listen", &[80]).unwrap(), [80]);
    }
}
