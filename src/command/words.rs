//! What the owner should know of a plan beyond its changes.

use crate::engine::observe::Observed;
use crate::event::change::Change;
use crate::site::{Site, Tls};

/// What is said once, when the step that it comes with is pending.
pub(super) fn words(site: &Site, observed: &Observed) -> Vec<String> {
    let comes = |step: &str| {
        let mut pending = observed.pending();
        pending.any(|change| change.step == step && change.before.is_none())
    };
    let mut words = Vec::new();
    if comes("fail2ban") {
        words.push(
            "fail2ban guards SSH too, as the distribution sets it up: five failed logins within ten minutes keep an \
             address out for ten; see `fail2ban-client status sshd`"
                .to_owned(),
        );
    }
    let mut pending = observed.pending();
    let changes_code = |change: &Change| {
        let is_link = change.kind == "link" && change.step.starts_with("release");
        is_link && change.before.is_some() && change.after.is_some()
    };
    if pending.any(changes_code) {
        words.push(
            "the database is not updated for the new code: a run that finds other views, rights or reports in an installed \
             module is taken back, or does without them by `--code-only`"
                .to_owned(),
        );
    }
    let unseen = |proxy: &crate::site::Proxy| proxy.tls == Tls::None && proxy.trusted.is_empty();
    if comes("proxy") && site.proxy.as_ref().is_some_and(unseen) {
        words.push(
            "`tls = \"none\"` without `trusted`: if another proxy is before nginx, all visitors have its address, and the \
             limits on sign-ins hold for all of them together; name it in `trusted` of `[proxy]`"
                .to_owned(),
        );
    }
    words
}
