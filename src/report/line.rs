//! Styled text. It is cut and wrapped before it is coloured, so that no escape sequence is ever cut.

use std::fmt::Write as _;
use std::io::Write;
use std::mem;

use anstyle::{AnsiColor, Style};

use super::options::Terminal;

/// Something is new, or succeeded.
pub(super) const GOOD: Style = AnsiColor::Green.on_default();
/// Something changes, or needs attention.
pub(super) const WARN: Style = AnsiColor::Yellow.on_default();
/// Something is removed, or failed.
pub(super) const BAD: Style = AnsiColor::Red.on_default();
/// A detail that most readers skip.
pub(super) const DIM: Style = Style::new().dimmed();
/// Something that readers look for first.
pub(super) const BOLD: Style = Style::new().bold();
/// Any other text.
pub(super) const PLAIN: Style = Style::new();

/// One line of styled text without control characters.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Line(Vec<(char, Style)>);

impl Line {
    /// A line without styles.
    pub(super) fn plain(text: &str) -> Self {
        Self::default().then(PLAIN, text)
    }

    /// Appends `text`.
    #[must_use]
    pub(super) fn then(mut self, style: Style, text: &str) -> Self {
        for char in text.chars() {
            match char {
                '\t' => self.0.extend([(' ', style); 4]),
                // the terminal would obey these characters, which may come from a file or a program
                char if char.is_control() || is_bidirectional(char) => self
                    .0
                    .extend(char.escape_default().map(|char| (char, style))),
                char => self.0.push((char, style)),
            }
        }
        self
    }

    /// Appends `text`, filled with spaces to `width`.
    #[must_use]
    pub(super) fn padded(self, style: Style, text: &str, width: usize) -> Self {
        let blank = width.saturating_sub(text.chars().count());
        self.then(style, text).then(PLAIN, &" ".repeat(blank))
    }

    /// The width in columns, one for each character.
    pub(super) fn width(&self) -> usize {
        self.0.len()
    }

    /// Cuts the line to `width`; `ellipsis` replaces the end.
    #[must_use]
    pub(super) fn cut(mut self, width: usize, ellipsis: &str) -> Self {
        if self.width() <= width {
            return self;
        }
        self.0
            .truncate(width.saturating_sub(ellipsis.chars().count()));
        let mut cut = self.then(DIM, ellipsis);
        cut.0.truncate(width);
        cut
    }

    /// Breaks the line at spaces into lines of at most `width`. All lines but the first are indented.
    pub(super) fn wrap(self, width: usize, indent: usize) -> Vec<Self> {
        // a wider indent would leave room for one letter per line
        let indent = indent.min(width / 2);
        let mut lines = Vec::new();
        let mut rest = self.0;
        while rest.len() > width.max(1) {
            let margin = if lines.is_empty() { 0 } else { indent };
            let first_word = margin
                + rest
                    .iter()
                    .skip(margin)
                    .take_while(|(char, _)| *char == ' ')
                    .count();
            let space = (first_word + 1..=width).rev().find(|&at| rest[at].0 == ' ');
            let at = space.unwrap_or(width.max(indent + 1));
            let tail: Vec<_> = rest
                .drain(at..)
                .skip_while(|(char, _)| *char == ' ')
                .collect();
            lines.push(Self(mem::take(&mut rest)).trimmed());
            if tail.is_empty() {
                return lines;
            }
            rest = vec![(' ', PLAIN); indent];
            rest.extend(tail);
        }
        lines.push(Self(rest).trimmed());
        lines
    }

    fn trimmed(mut self) -> Self {
        while self.0.last().is_some_and(|(char, _)| *char == ' ') {
            self.0.pop();
        }
        self
    }

    fn write(&self, color: bool) -> String {
        let mut text = String::with_capacity(self.0.len());
        let mut current = PLAIN;
        for &(char, style) in &self.0 {
            if color && style != current {
                let _ = write!(text, "{current:#}{style}");
                current = style;
            }
            text.push(char);
        }
        if color {
            let _ = write!(text, "{current:#}");
        }
        text
    }
}

/// Whether a character reorders the text around it, so that readers see something else than the text contains.
fn is_bidirectional(char: char) -> bool {
    matches!(char, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// A stream to print to.
pub(super) struct Output {
    out: Box<dyn Write>,
    /// The other end of the stream.
    pub(super) terminal: Terminal,
    /// Whether anything was printed.
    pub(super) used: bool,
}

impl Output {
    pub(super) fn new(out: Box<dyn Write>, terminal: Terminal) -> Self {
        Self {
            out,
            terminal,
            used: false,
        }
    }

    /// Prints one line unchanged.
    pub(super) fn line(&mut self, line: &Line) {
        let text = line.clone().trimmed().write(self.terminal.color);
        self.raw(&format!("{text}\n"));
    }

    /// Prints one line, wrapped to the width of the terminal.
    pub(super) fn wrapped(&mut self, line: Line, indent: usize) {
        for line in line.wrap(self.terminal.width, indent) {
            self.line(&line);
        }
    }

    /// Prints the progress line, which the next line overwrites.
    pub(super) fn passing(&mut self, line: &Line) {
        let text = line.write(self.terminal.color);
        self.raw(&format!("\r\x1b[2K{text}"));
    }

    /// Removes the progress line.
    pub(super) fn clear(&mut self) {
        self.raw("\r\x1b[2K");
    }

    pub(super) fn raw(&mut self, text: &str) {
        self.used = true;
        // a run continues if the reader has closed the pipe
        let _ = self
            .out
            .write_all(text.as_bytes())
            .and_then(|()| self.out.flush());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(lines: &[Line]) -> Vec<String> {
        lines.iter().map(|line| line.write(false)).collect()
    }

    #[test]
    fn lines_wrap_at_spaces() {
        for (text, width, indent, expected) in [
            ("short", 10, 2, vec!["short"]),
            ("one two three", 8, 2, vec!["one two", "  three"]),
            ("one two three", 7, 0, vec!["one two", "three"]),
            ("abcdefghij", 4, 1, vec!["abcd", " efg", " hij"]),
            ("    lead words", 9, 4, vec!["    lead", "    words"]),
            ("ab ", 2, 1, vec!["ab"]),
            ("abc", 0, 5, vec!["a", "b", "c"]),
            ("", 5, 0, vec![""]),
        ] {
            assert_eq!(
                texts(&Line::plain(text).wrap(width, indent)),
                expected,
                "{text:?} to {width}"
            );
        }
    }

    #[test]
    fn wrapping_keeps_the_width() {
        let text = "a bb ccc dddd eeeee ffffff ggggggg hhhhhhhhhhhhhhhhhh i";
        for width in 1..30 {
            for indent in 0..8 {
                let lines = texts(&Line::plain(text).wrap(width, indent));
                assert!(
                    lines.iter().all(|line| line.chars().count() <= width),
                    "{width}, {indent}: {lines:?}"
                );
                let joined: String = lines.concat();
                assert_eq!(joined.replace(' ', ""), text.replace(' ', ""));
            }
        }
    }

    #[test]
    fn cutting_leaves_room_for_the_ellipsis() {
        assert_eq!(Line::plain("abcdef").cut(4, "…").write(false), "abc…");
        assert_eq!(Line::plain("abcdef").cut(5, "...").write(false), "ab...");
        assert_eq!(Line::plain("abcdef").cut(2, "...").write(false), "..");
        assert_eq!(Line::plain("abcd").cut(4, "…").write(false), "abcd");
    }

    #[test]
    fn control_characters_are_escaped() {
        let line = Line::plain("a\tb\x1b[31mc\u{202e}d\r");
        assert_eq!(line.write(false), "a    b\\u{1b}[31mc\\u{202e}d\\r");
    }

    #[test]
    fn every_colour_is_reset() {
        let line = Line::default()
            .then(GOOD, "+")
            .then(PLAIN, " a")
            .then(BAD, "b");
        assert_eq!(line.write(true), "\x1b[32m+\x1b[0m a\x1b[31mb\x1b[0m");
    }
}
