//! Several sites for people: a heading for each site, and a summary at the end.

use super::line::{BAD, BOLD, Line, Output, PLAIN};
use crate::event::{Outcome, SiteEnd};

/// The heading of a site.
pub(super) fn heading(config: &str, number: usize, total: usize, out: &mut Output) {
    if out.used {
        out.line(&Line::default());
    }
    let line = Line::default().then(BOLD, &format!("Site {number} of {total}: "));
    out.wrapped(line.then(PLAIN, config), 2);
}

/// The summary: the number of sites with each outcome on `out`, and the failed sites on `err`.
pub(super) fn tell(sites: &[SiteEnd], out: &mut Output, err: &mut Output) {
    let mut counts: Vec<(&str, usize)> = Vec::new();
    for word in sites.iter().map(|site| word(site.outcome)) {
        match counts.iter_mut().find(|(known, _)| *known == word) {
            Some((_, count)) => *count += 1,
            None => counts.push((word, 1)),
        }
    }
    let counts = counts.iter().map(|(word, count)| format!("{count} {word}"));
    let counts: Vec<String> = counts.collect();
    let text = format!("{} sites: {}.", sites.len(), counts.join(", "));
    out.line(&Line::default());
    out.wrapped(Line::default().then(BOLD, &text), 2);
    let failed = sites
        .iter()
        .filter(|site| ![0, 2].contains(&site.exit_code));
    for site in failed {
        let how = format!(": {} (exit code {})", word(site.outcome), site.exit_code);
        let line = Line::default()
            .then(BAD, "failed: ")
            .then(BOLD, &site.config);
        err.wrapped(line.then(PLAIN, &how), 2);
    }
}

fn word(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Changed => "changed",
        Outcome::Unchanged => "unchanged",
        Outcome::Pending => "with changes pending",
        Outcome::Failed => "failed",
        Outcome::RolledBack => "taken back",
        Outcome::RollbackIncomplete => "not taken back as a whole",
        Outcome::Refused => "refused",
        Outcome::Unhealthy => "without an answer as it should be",
        Outcome::Interrupted => "stopped",
        Outcome::Locked => "held by another process",
        Outcome::Rehearsed => "rehearsed",
    }
}
