//! Installed modules that would lose their code.

use std::collections::BTreeSet;
use std::path::Path;

use super::{Found, Inspected};
use crate::host::Result;
use crate::inspect::finding::modules::{folders, installed};
use crate::odoo::modules::parted;

/// Compares the module folders in the present `odoo.conf` with those in the new one. A new folder may contain the
/// modules; in that case the code is tried on the database before the service runs it.
pub(super) async fn look(inspected: &Inspected<'_>, found: &mut Found) -> Result<()> {
    let (host, site) = (inspected.host, inspected.site);
    let conf = Path::new(&site.paths.conf);
    let mut files = inspected.pending_of("file");
    if !files.any(|change| Path::new(&change.subject) == conf) {
        return Ok(());
    }
    let Some(now) = host.text(conf)? else {
        return Ok(());
    };
    let Some(next) = inspected.plan.file(conf) else {
        return Ok(());
    };
    let (now, next) = (
        folders(host, site, &now)?,
        folders(host, site, &next.content)?,
    );
    let goes = now.iter().any(|folder| !next.contains(folder));
    if !goes || next.iter().any(|folder| !now.contains(folder)) {
        return Ok(());
    }
    let names = installed(host, inspected.plan).await?;
    let names: BTreeSet<&str> = names.iter().map(String::as_str).collect();
    let (there, _) = parted(host, &now, &names)?;
    let (stays, _) = parted(host, &next, &names)?;
    for (name, place) in there.iter().filter(|(name, _)| !stays.contains_key(*name)) {
        found.refuse(format!(
            "`{name}` is installed in the database `{}`, and the site no longer names the add-ons that hold its code \
             (`{}`): Odoo would not load it. Put them back, or uninstall it in Odoo first",
            site.odoo.database,
            place.display()
        ));
    }
    Ok(())
}
