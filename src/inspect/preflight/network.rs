//! A way to the network, where something is fetched from it.

use super::{Found, Ground};

/// Whether there is one, where there must be.
pub(super) fn look(ground: &Ground<'_>, found: &mut Found) {
    let fetches = ground
        .observed
        .pending()
        .any(|change| ["packages", "venv"].contains(&change.kind.as_str()));
    if fetches && !ground.facts.network && ground.site.python.wheels.is_none() {
        found.refuse("there is no network: nothing but the loopback has a route; see `ip route`");
    }
}
