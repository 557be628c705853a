//! Other sites of this server: whether they have the same ports or names, even if they do not run now.

use std::path::Path;

use super::ports::wanted;
use super::{Found, Inspected};
use crate::host::{Host, Result, layout};
use crate::inspect::finding::is_ours;
use crate::site::Site;

/// The folder of sites that nginx serves.
const ENABLED: &str = "/etc/nginx/sites-enabled";

/// The folder of sites that nginx could serve.
const AVAILABLE: &str = "/etc/nginx/sites-available";

/// Checks the ports of other sites, and the remains of this site's own `[proxy]`.
pub(super) fn look(inspected: &Inspected<'_>, found: &mut Found) -> Result<()> {
    let (host, site) = (inspected.host, inspected.site);
    found.reasons.extend(ports(host, site, inspected.workers)?);
    found.reasons.extend(left(host, site)?);
    Ok(())
}

/// The ports that other sites have in their configuration.
fn ports(host: &Host, site: &Site, workers: u32) -> Result<Vec<String>> {
    let mut reasons = Vec::new();
    for other in layout::other_sites(host, site.name.as_str())? {
        let conf = layout::conf(&other);
        let text = host.read_text(&conf)?.unwrap_or_default();
        for wanted in wanted(site, workers) {
            let has = |key| value(&text, key) == Some(wanted.port);
            let gevent = has("gevent_port") && value(&text, "workers") != Some(0);
            if has("http_port") || gevent {
                reasons.push(format!(
                    "port {} is that of the site `{other}`, by `{}`; {}",
                    wanted.port,
                    conf.display(),
                    wanted.otherwise
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

/// Files that a run wrote for `[proxy]`, if the site no longer has this section and nginx still serves them.
fn left(host: &Host, site: &Site) -> Result<Vec<String>> {
    if site.proxy.is_some() {
        return Ok(Vec::new());
    }
    let mut left = Vec::new();
    for kind in ["conf", "http.conf"] {
        let name = format!("{}.{kind}", site.name);
        let (enabled, file) = (
            Path::new(ENABLED).join(&name),
            Path::new(AVAILABLE).join(&name),
        );
        if host.link_target(&enabled)?.as_ref() == Some(&file) && is_ours(host, &file)? {
            left.push(format!(
                "`[proxy]` is gone from the site, and nginx still serves `{0}`; put it back, or \
                 `rm {0} && systemctl reload nginx`",
                enabled.display()
            ));
        }
    }
    Ok(left)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ports_of_a_configuration_are_read() {
        let conf = "[options]\nhttp_port = 8069\nworkers=0\n";
        assert_eq!(value(conf, "http_port"), Some(8069));
        assert_eq!(value(conf, "workers"), Some(0));
        assert_eq!(value(conf, "gevent_port"), None);
    }
}
