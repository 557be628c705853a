//! Whether other accounts of this server can read the owner's files with secrets.

use std::path::Path;

use super::{Found, Inspected, Trouble};
use crate::host::Result;

/// The mode bits with which every account may read, write or run a file.
const EVERYBODY: u32 = 0o007;

/// Checks the files with secrets for the service and for nginx. Keys and tokens of repositories are checked when they
/// are used.
pub(super) fn look(inspected: &Inspected<'_>, found: &mut Found) -> Result<()> {
    let site = inspected.site;
    let password = site.postgres.server.as_ref().map(|server| &server.password);
    let key = site.proxy.as_ref().and_then(|proxy| proxy.key.as_ref());
    let files = [
        (password, "the password of `[postgres]`"),
        (key, "the private key of `[proxy]`"),
    ];
    for (file, what) in files {
        let Some(file) = file.map(ToString::to_string) else {
            continue;
        };
        let meta = inspected.host.meta(Path::new(&file))?;
        if meta.is_some_and(|meta| meta.mode & EVERYBODY != 0) {
            let trouble = Trouble::new(
                format!("`{file}` holds {what}, and every account of this server may read it"),
                format!("`chmod o= {file}`, and change the secret if anyone may have seen it"),
            );
            found.trouble(inspected, trouble);
        }
    }
    Ok(())
}
