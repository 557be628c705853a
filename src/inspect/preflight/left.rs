//! Files in the data folder that an earlier installation or a restore left with the wrong owner.

use std::path::Path;

use super::{Found, Inspected};
use crate::host::Result;

/// The folders below the data folder (and the data folder itself) into which Odoo writes.
const WRITTEN: [&str; 3] = ["", "filestore", "sessions"];

/// The number of entries of a folder that are checked: there may be millions, and they usually have the same owner.
const MOST: usize = 20;

/// Checks the folders and the attachments that Odoo writes.
pub(super) fn look(inspected: &Inspected<'_>, found: &mut Found) -> Result<()> {
    let (host, paths) = (inspected.host, &inspected.site.paths);
    let data = Path::new(&paths.data);
    for folder in WRITTEN {
        let folder = data.join(folder);
        for name in host.list(&folder)?.into_iter().take(MOST) {
            let path = folder.join(&name);
            let Some(meta) = host.meta(&path)?.filter(|meta| meta.owner != paths.user) else {
                continue;
            };
            // files of others beside Odoo's own do not matter
            let is_odoos = folder != data || WRITTEN.contains(&name.as_str());
            if !is_odoos {
                continue;
            }
            let user = &paths.user;
            let account = if host.accounts()?.user(user).is_ok() {
                String::new()
            } else {
                format!(
                    "`useradd --system --user-group --no-create-home --home-dir {} --shell /usr/sbin/nologin {user}` and ",
                    paths.data
                )
            };
            found.refuse(format!(
                "`{}` is there and belongs to `{}`: Odoo, which runs as `{user}`, could not write to it; {account}\
                 `chown -R {user}:www-data {}`, or move it away",
                path.display(),
                meta.owner,
                folder.display()
            ));
            return Ok(());
        }
    }
    Ok(())
}
