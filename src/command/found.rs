//! Reports findings before and after a run.

use crate::check::Unhealthy;
use crate::command::ending::Ending;
use crate::event::{Event, Events, Found, Outcome, Weight};
use crate::inspect::finding::Finding;

/// Reports findings.
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

/// Reports the findings after a run. Findings that existed before the run and new ones are reported separately.
///
/// # Errors
/// If a finding about the site itself is new. Returns the first such finding.
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

/// The ending of a command that changes nothing, if a finding says that something is wrong.
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
    fn only_a_new_finding_about_the_site_fails_a_run() {
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
    fn a_finding_about_the_future_is_not_an_error_yet() {
        assert_eq!(wrong(&[Finding::soon("end", "h")]), None);
        let ending = wrong(&[Finding::soon("end", "h"), Finding::of_host("disk", "h")]);
        assert_eq!(ending.map(|ending| ending.code()), Some(5));
    }
}
