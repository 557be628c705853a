//! A filestore without its database.

use std::path::Path;

use crate::engine::observe::Observed;
use crate::host::{Host, Result};
use crate::resource::filestore;
use crate::site::Site;

/// Why a new database cannot be made: the filestore of an earlier one is in its place.
pub(super) fn left(host: &Host, site: &Site, observed: &Observed) -> Result<Option<String>> {
    let of = |kind: &str| observed.changes.iter().find(|change| change.kind == kind);
    let is_new = of("database").is_some_and(|change| change.before.is_none());
    // if the server cannot be asked yet, the database may exist; then this is checked again before the database is
    // made
    let is_known = if site.postgres.server.is_some() {
        of("remote").is_some_and(|change| change.before.is_some() && !change.is_pending())
    } else {
        let cluster = of("cluster").and_then(|change| change.before.as_ref());
        cluster.is_none_or(|cluster| cluster["running"] == true)
    };
    if !is_new || !is_known {
        return Ok(None);
    }
    let data = Path::new(site.paths.data.as_str());
    filestore::left(host, data, site.odoo.database.as_str())
}
