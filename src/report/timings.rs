//! The times of an install's steps, as a table.

use std::time::Duration;

use super::line::{BOLD, DIM, Line, PLAIN, WARN};
use super::options::Signs;
use super::time;
use crate::event::Timing;

/// The width of a column of times: `59 min 59 s` and two spaces.
const TIME: usize = 13;

/// The lines of the table.
pub(super) fn lines(steps: &[Timing], signs: Signs, width: usize) -> Vec<Line> {
    let names = steps.iter().map(|step| step.step.chars().count());
    let room = width.saturating_sub(3 * TIME).max(1);
    let longest = names.chain([4]).max().unwrap_or_default().min(room);
    let row = |name: Line, times: [String; 3], styles: [_; 3]| {
        let name = name.cut(longest, signs.ellipsis);
        let blank = " ".repeat(longest.saturating_sub(name.width()));
        let line = times
            .iter()
            .zip(styles)
            .fold(name.then(PLAIN, &blank), |line, (time, style)| {
                line.then(style, &format!("{time:>TIME$}"))
            });
        line.cut(width, signs.ellipsis)
    };
    let heading = ["began after", "took", "on the path"].map(str::to_owned);
    let mut lines = vec![row(Line::default().then(BOLD, "step"), heading, [BOLD; 3])];
    for step in steps {
        let name = Line::default().then(PLAIN, &step.step);
        let on_path = step.path > 0.0;
        let path = if on_path {
            spoken(step.path)
        } else {
            String::new()
        };
        let times = [spoken(step.waiting), spoken(step.running), path];
        lines.push(row(name, times, [DIM, PLAIN, WARN]));
    }
    lines
}

fn spoken(seconds: f64) -> String {
    time::spoken(Duration::try_from_secs_f64(seconds).unwrap_or_default())
}
