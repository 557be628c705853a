//! Checks that PostgreSQL's packages will create the cluster that Odoo uses.

use std::path::Path;

use super::{Found, Inspected};
use crate::host::{Host, Result};
use crate::resource::{Configured, configured, settings_not_read};
use crate::site::Site;

/// The port in the name of the socket that Odoo uses.
const PORT: u16 = 5432;

/// The configuration that decides whether the packages create a cluster, and which.
const CREATION: &str = "/etc/postgresql-common/createcluster.conf";

/// Checks the remains of other clusters if no cluster can run, and whether a running cluster reads our settings.
pub(super) fn look(inspected: &Inspected<'_>, found: &mut Found) -> Result<()> {
    let mut settings = inspected.pending_of("settings");
    if settings.any(|change| change.after.is_some()) {
        found.reasons.extend(settings_not_read(inspected.host)?);
    }
    let Some(known) = inspected.facts.distribution else {
        return Ok(());
    };
    for reason in clusters(inspected.host, inspected.site, known.postgresql)? {
        found.refuse(reason);
    }
    Ok(())
}

/// Why there would be no cluster on the default port, and the way out. `comes` is the major version to be installed.
fn clusters(host: &Host, site: &Site, comes: u16) -> Result<Vec<String>> {
    let all = configured(host)?;
    if site.postgres.server.is_some() || all.iter().any(Configured::is_alive) {
        return Ok(Vec::new());
    }
    let mut reasons = Vec::new();
    let comes = comes.to_string();
    let (same, others): (Vec<_>, Vec<_>) = all.iter().partition(|found| found.version == comes);
    for found in &same {
        reasons.extend(awakened(found));
    }
    for found in others.iter().filter(|found| found.port == PORT) {
        let (id, folder, version) = (found.id(), found.folder(), &found.version);
        reasons.push(format!(
            "`{id}` of a PostgreSQL that is removed still claims port {PORT}, so the new one would take another; give it \
             another `port` in {}/postgresql.conf, or `apt-get purge postgresql-{version}`, which removes its data too",
            folder.display()
        ));
    }
    let creation = host.read_text(Path::new(CREATION))?.unwrap_or_default();
    if same.is_empty() && forbids(&creation) {
        reasons.push(format!(
            "`create_main_cluster` is off in {CREATION}: the packages would make no cluster; set it to true"
        ));
    }
    Ok(reasons)
}

/// Why an existing cluster cannot be used once the server of its version is installed again.
fn awakened(found: &Configured) -> Option<String> {
    let (id, folder) = (found.id(), found.folder());
    let folder = folder.display();
    if !found.has_data {
        return Some(format!(
            "`{id}` is configured in {folder} and its data are gone from {}: no cluster is made beside it; move its \
             configuration away: `mv {folder} /root/postgresql-{}-{}`",
            found.data.display(),
            found.version,
            found.name
        ));
    }
    (found.port != PORT).then(|| {
        format!(
            "`{id}` of a removed PostgreSQL comes back with its package on port {}, Odoo's is {PORT}; set `port = {PORT}` \
             in {folder}/postgresql.conf",
            found.port
        )
    })
}

fn forbids(creation: &str) -> bool {
    let last = creation.lines().rev().find_map(|line| {
        let (name, value) = line.split('#').next()?.split_once('=')?;
        (name.trim() == "create_main_cluster").then(|| value.trim().trim_matches('\'').to_owned())
    });
    last.is_some_and(|value| ["false", "off", "no", "0"].contains(&value.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_line_decides_whether_a_cluster_is_created() {
        for (text, off) in [
            ("", false),
            ("#create_main_cluster = false\n", false),
            ("create_main_cluster = true\n", false),
            ("create_main_cluster = false\n", true),
            (
                "create_main_cluster = true\n create_main_cluster='off' # by us\n",
                true,
            ),
        ] {
            assert_eq!(forbids(text), off, "{text}");
        }
    }

    #[test]
    fn a_cluster_without_a_server_is_judged() {
        let found = |port, has_data| Configured {
            version: "15".into(),
            name: "main".into(),
            port,
            data: "/var/lib/postgresql/15/main".into(),
            has_server: false,
            has_data,
        };
        assert_eq!(awakened(&found(5432, true)), None);
        assert!(
            awakened(&found(5433, true))
                .unwrap()
                .contains("port = 5432")
        );
        assert!(
            awakened(&found(5432, false))
                .unwrap()
                .contains("mv /etc/postgresql/15/main")
        );
    }
}
