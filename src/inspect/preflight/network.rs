//! A way to the network, where something is fetched from it.

use super::{Found, Inspected};

/// Whether there is one, where there must be.
pub(super) fn look(inspected: &Inspected<'_>, found: &mut Found) {
    let fetches = inspected
        .observed
        .pending()
        .any(|change| ["packages", "venv"].contains(&change.kind.as_str()));
    if fetches && !inspected.facts.network && inspected.site.python.wheels.is_none() {
        found.refuse("there is no network: nothing but the loopback has a route; see `ip route`");
    }
}
