//! Whether there is a network, if a step fetches something.

use super::{Found, Inspected};

/// Refuses a server without a route if a pending step fetches something. A folder of wheels means that the owner has
/// no network and gives apt its packages in another way.
pub(super) fn look(inspected: &Inspected<'_>, found: &mut Found) {
    let steps = inspected.plan.steps.iter().zip(&inspected.observed.changes);
    let mut pending = steps.filter(|(_, change)| change.is_pending());
    let fetches = pending.any(|(step, _)| step.resource.needs_network());
    if fetches && !inspected.facts.network && inspected.site.python.wheels.is_none() {
        found.refuse("there is no network: nothing but the loopback has a route; see `ip route`");
    }
}
