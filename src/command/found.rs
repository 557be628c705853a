//! What is wrong on the host, told before a run and after it.

use crate::check::Unhealthy;
use crate::command::ending::Ending;
use crate::event::{Event, Events, Found, Outcome, Weight};
use crate::inspect::finding::Finding;

/// Tells what was found.
pub(super) fn tell(events: &Events, findings: &[Finding], found: Found) {
    for finding in findings {
        events.tell(Event::Finding {
            what: finding.what.clone(),
            hint: finding.hint.clone(),
            weight: finding.weight,
            found,
        });
    }
}

/// Tells what is found after a run, that which was there before apart from what is new.
///
/// # Errors
/// At the first new one that concerns the site itself.
pub(super) fn after(
    events: &Events,
    before: &[Finding],
    now: Vec<Finding>,
) -> Result<(), Unhealthy> {
    let was_there = |finding: &Finding| before.iter().any(|known| known.what == finding.what);
    let (still, new): (Vec<_>, Vec<_>) = now.into_iter().partition(was_there);
    tell(events, &still, Found::Still);
    tell(events, &new, Found::New);
    match new.into_iter().find(|new| new.weight == Weight::Site) {
        Some(finding) => Err(Unhealthy {
            check: finding.what,
            detail: finding.hint,
            cause: None,
            journal: Vec::new(),
        }),
        None => Ok(()),
    }
}

/// How a command ends that changes nothing and has found something wrong.
pub(super) fn wrong(findings: &[Finding]) -> Option<Ending> {
    let first = findings.iter().find(|finding| finding.is_wrong())?;
    let others = findings.iter().filter(|finding| finding.is_wrong()).count() - 1;
    let more = match others {
        0 => String::new(),
        others => format!(" (and {others} more, see above)"),
    };
    let ending = Ending::of(Outcome::Unhealthy);
    Some(ending.because(format!("{}{more}: {}", first.what, first.hint)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_new_and_of_the_site_fails_a_run() {
        let site = |what: &str, hint: &str| Finding::of_site(what, hint);
        for (before, now, expected) in [
            (vec![], vec![], None),
            (vec![site("a", "1")], vec![site("a", "2")], None),
            (vec![site("a", "1")], vec![], None),
            (vec![], vec![Finding::of_host("disk", "h")], None),
            (vec![], vec![Finding::soon("end", "h")], None),
            (vec![site("a", "1")], vec![site("b", "h")], Some("b: h")),
        ] {
            let failed = after(&Events::silent(), &before, now.clone()).err();
            let failed = failed.map(|failed| failed.to_string());
            assert_eq!(failed.as_deref(), expected, "{before:?} {now:?}");
        }
    }

    #[test]
    fn what_will_be_wrong_is_not_wrong() {
        assert_eq!(wrong(&[Finding::soon("end", "h")]), None);
        let ending = wrong(&[Finding::soon("end", "h"), Finding::of_host("disk", "h")]);
        assert_eq!(ending.map(|ending| ending.code()), Some(5));
    }
}
