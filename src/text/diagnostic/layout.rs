//! Renders one error as text for people.

use std::borrow::Cow;
use std::fmt::Write;
use std::ops::Range;

use annotate_snippets::{AnnotationKind, Level, Origin, Renderer, Snippet};

use super::Diagnostic;

/// The least width to wrap for. In a narrower terminal, wrapped text is harder to read than long lines.
const NARROWEST: usize = 40;

/// Appends one error to `text`.
///
/// The renderer gets only the line in which the error starts. Further lines of a span would say no more, and a text
/// of a megabyte would be laid out again for each of its errors.
pub(super) fn render(
    text: &mut String,
    path: &str,
    source: &str,
    item: &Diagnostic,
    width: usize,
    color: bool,
) {
    let width = width.max(NARROWEST);
    let (number, line, span) = line_of(source, &item.span, width);
    let number_width = number.to_string().len();
    let column = line[..span.start].chars().count() + 1;
    let (window, span) = window(line, &span, width);

    let title = wrap(&item.message, width.saturating_sub("error: ".len()));
    // the renderer does not wrap labels, so a label that is too long becomes a note below
    let used = number_width + " |  ".len() + columns(&window[..span.end]);
    let beside = used + columns(&item.label) <= width;
    let mut annotation = AnnotationKind::Primary.span(span);
    if beside && !item.label.is_empty() {
        annotation = annotation.label(item.label.as_str());
    }
    let snippet = Snippet::source(window.as_ref())
        .line_start(number)
        .fold(false)
        .annotation(annotation);
    let title = Level::ERROR.primary_title(title);
    let mut group = if window.len() == line.len() {
        title.element(snippet.path(path))
    } else {
        // in a cut line the renderer would count the column from the cut
        let origin = Origin::path(path).line(number).char_column(column);
        title.element(origin).element(snippet)
    };
    let below = width.saturating_sub(number_width + " = help: ".len());
    if !beside && !item.label.is_empty() {
        group = group.element(Level::NOTE.message(wrap(&item.label, below)));
    }
    if let Some(hint) = &item.hint {
        group = group.element(Level::HELP.message(wrap(hint, below)));
    }
    let renderer = if color {
        Renderer::styled()
    } else {
        Renderer::plain()
    };
    let renderer = renderer.term_width(width);
    for line in renderer.render(&[group]).lines() {
        // writing to a `String` cannot fail
        let _ = writeln!(text, "{}", line.trim_end());
    }
}

/// The approximate number of columns of `text`: a tab is shown as four spaces.
fn columns(text: &str) -> usize {
    text.chars().map(|c| if c == '\t' { 4 } else { 1 }).sum()
}

/// The number and the text of the line in which `span` starts, and the span within this line. The span is limited to
/// the part that is worth underlining on a terminal `width` columns wide.
fn line_of<'a>(
    source: &'a str,
    span: &Range<usize>,
    width: usize,
) -> (usize, &'a str, Range<usize>) {
    let start = source[..span.start].rfind('\n').map_or(0, |at| at + 1);
    let end = source[span.start..]
        .find('\n')
        .map_or(source.len(), |at| span.start + at);
    let (number, _) = super::text::place(source, start);
    let line = source[start..end].trim_end_matches('\r');
    let from = (span.start - start).min(line.len());
    let to = (span.end.min(end) - start).clamp(from, line.len());
    let to = super::text::ceil(line, to.min(from + width / 2));
    (number, line, from..to)
}

/// The part of a line to show, and the span in it. A line much longer than the terminal is wide is cut on both sides
/// of the span, and `...` marks the cuts.
fn window<'a>(line: &'a str, span: &Range<usize>, width: usize) -> (Cow<'a, str>, Range<usize>) {
    const CUT: &str = "...";
    if line.len() <= 8 * width {
        return (line.into(), span.clone());
    }
    let from = super::text::ceil(line, span.start.saturating_sub(width / 4));
    let to = super::text::ceil(line, (span.end + width / 4).min(line.len()));
    let before = if from > 0 { CUT } else { "" };
    let after = if to < line.len() { CUT } else { "" };
    let start = before.len() + span.start - from;
    let window = format!("{before}{}{after}", &line[from..to]);
    (window.into(), start..start + span.len())
}

/// Breaks `text` between words into lines of at most `width` characters.
fn wrap(text: &str, width: usize) -> String {
    let mut wrapped = String::new();
    let mut used = 0;
    for word in text.split(' ') {
        let length = word.chars().count();
        if used > 0 && used + 1 + length > width {
            wrapped.push('\n');
            used = 0;
        } else if !wrapped.is_empty() {
            wrapped.push(' ');
            used += 1;
        }
        wrapped.push_str(word);
        used += length;
    }
    wrapped
}
