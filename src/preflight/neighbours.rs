//! Other sites of the server: whether they have what this one wants, also while they do not run.

use std::path::Path;

use crate::host::{Host, Result};
use crate::site::Site;

/// Where the journals of all sites lie.
const SITES: &str = "/var/lib/odoo-deploy";

/// What nginx serves.
const ENABLED: &str = "/etc/nginx/sites-enabled";

/// The ports that another site's configuration has.
pub(super) fn ports(host: &Host, site: &Site, workers: u32) -> Result<Vec<String>> {
    let mut reasons = Vec::new();
    for other in host.list(Path::new(SITES))? {
        if other == site.name.as_str() {
            continue;
        }
        let conf = format!("/etc/{other}.conf");
        let text = host.read_text(Path::new(&conf))?.unwrap_or_default();
        for wanted in super::wanted(site, workers) {
            let has = |key| value(&text, key) == Some(wanted.port);
            let gevent = has("gevent_port") && value(&text, "workers") != Some(0);
            if has("http_port") || gevent {
                reasons.push(format!(
                    "port {} is that of the site `{other}`, by `{conf}`; {}",
                    wanted.port, wanted.otherwise
                ));
            }
        }
    }
    Ok(reasons)
}

/// The number after `key =`.
fn value(conf: &str, key: &str) -> Option<u16> {
    let pairs = conf.lines().filter_map(|line| line.split_once('='));
    let mut found = pairs.filter(|(k, _)| k.trim() == key);
    found.next()?.1.trim().parse().ok()
}

/// The name for which nginx has another site, which would hide this one or be hidden by it; and our
/// own site, where the owner no longer asks for it.
pub(super) fn names(host: &Host, site: &Site) -> Result<Vec<String>> {
    let mut reasons = Vec::new();
    let own = [
        format!("{}.conf", site.name),
        format!("{}.http.conf", site.name),
    ];
    for name in host.list(Path::new(ENABLED))? {
        let path = Path::new(ENABLED).join(&name);
        let place = path.display();
        match (&site.proxy, &site.domain) {
            (None, _) if own.contains(&name) => reasons.push(format!(
                "`[proxy]` is gone from the site, and nginx still serves `{place}`; put it back, or \
                 `rm {place} && systemctl reload nginx`"
            )),
            (Some(_), Some(domain)) if !own.contains(&name) => {
                let text = host.read_text(&path)?.unwrap_or_default();
                if serves(&text, domain.as_str()) {
                    reasons.push(format!(
                        "nginx has a site for `{domain}` already: `{place}`; take that one away, or choose another `site.domain`"
                    ));
                }
            }
            _ => (),
        }
    }
    Ok(reasons)
}

/// Whether a configuration of nginx has `domain` among its `server_name`s.
fn serves(conf: &str, domain: &str) -> bool {
    let lines = conf
        .lines()
        .map(|line| line.split('#').next().unwrap_or_default());
    let text = lines.collect::<Vec<_>>().join(" ");
    text.split([';', '{', '}']).any(|directive| {
        let mut words = directive.split_whitespace();
        words.next() == Some("server_name") && words.any(|name| name == domain)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_names_of_a_site_are_read_as_nginx_does() {
        for (conf, expected) in [
            ("server { server_name a.b; }", true),
            ("server_name x.y\n  a.b ;", true),
            ("# server_name a.b;", false),
            ("server_name a.b.c;", false),
            ("proxy_pass http://a.b;", false),
        ] {
            assert_eq!(serves(conf, "a.b"), expected, "{conf}");
        }
    }

    #[test]
    fn the_ports_of_a_configuration_are_read() {
        let conf = "[options]\nhttp_port = 8069\nworkers=0\n";
        assert_eq!(value(conf, "http_port"), Some(8069));
        assert_eq!(value(conf, "workers"), Some(0));
        assert_eq!(value(conf, "gevent_port"), None);
    }
}
