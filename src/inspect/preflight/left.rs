//! What an earlier installation, or a restore, has left in the data folder with an owner that Odoo is not.

use std::path::Path;

use super::{Found, Inspected};
use crate::host::Result;

/// What Odoo writes into below its data folder, beside the folder itself.
const WRITTEN: [&str; 3] = ["", "filestore", "sessions"];

/// How many entries of a folder are looked at: they came together, and there may be millions.
const MOST: usize = 20;

/// Looks at the entries that Odoo makes there, and at those of the attachments.
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
            // of what others keep beside Odoo's own nothing is asked
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
