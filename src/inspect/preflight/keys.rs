//! SSH repositories for which the fetching account has no key.

use super::{Found, Inspected};
use crate::secret::access::{is_ssh, without_key};

/// Checks the repositories that are about to be fetched.
pub(super) fn look(inspected: &Inspected<'_>, found: &mut Found) {
    let site = inspected.site;
    let odoo = &site.odoo;
    let first = ("source".to_owned(), &odoo.repository, &odoo.access);
    let addons = site.addons.iter().map(|addons| {
        let step = format!("source-{}", addons.name);
        (step, &addons.repository, &addons.access)
    });
    for (step, url, access) in std::iter::once(first).chain(addons) {
        let is_pending = || {
            inspected
                .observed
                .pending()
                .any(|change| change.step == step)
        };
        if access.is_none() && is_ssh(url.as_str()) && is_pending() {
            found.refuse(without_key(&site.paths.builder, url.as_str()));
        }
    }
}
