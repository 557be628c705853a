//! Settings and connections that sessions of Odoo will get from PostgreSQL.

use super::{Found, Inspected};
use crate::host::Result;
use crate::inspect::finding::session;

/// Checks that a database can be filled, and a service started, with them.
pub(super) async fn look(inspected: &Inspected<'_>, found: &mut Found) -> Result<()> {
    let (host, site) = (inspected.host, inspected.site);
    if inspected.pending_of("cluster").next().is_some() {
        return Ok(());
    }
    if inspected.pending_of("database").next().is_some() {
        for wrong in session::wrong(host, site).await? {
            found.refuse(format!("{}; {}", wrong.what, wrong.way));
        }
    }
    let mut services = inspected.pending_of("service");
    if services.any(|change| change.subject == site.paths.unit)
        && let Some((what, way)) = session::crowded(host, site).await?
    {
        found.refuse(format!("{what}; {way}"));
    }
    Ok(())
}
