//! Draws a graph as an SVG: boxes with two lines of text, and lines between them.

use std::fmt::Write as _;

use super::layout::{Cell, HEIGHT, Layout, whole};
use super::{COLOURS, Node, class};

/// The width of a letter, in pixels.
const LETTER: i64 = 7;
/// The free space on each side of a box's text.
const BESIDE: i64 = 12;
/// The most letters of a line to show. The title of the box contains all letters.
const LETTERS: usize = 36;

pub(super) fn draw(nodes: &[Node]) -> String {
    let layout = Layout::of(nodes, width);
    let (width, height) = (layout.width, layout.height);
    let mut text = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" \
         viewBox=\"0 0 {width} {height}\" font-family=\"monospace\" font-size=\"11\">\n<style>\
         rect{{fill:#fff;stroke:#555}}path{{fill:none;stroke:#777}}.tip{{fill:#777;stroke:none}}.name{{font-weight:bold}}"
    );
    // writing to a `String` cannot fail
    for (name, fill, stroke) in COLOURS {
        let _ = write!(text, ".{name} rect{{fill:{fill};stroke:{stroke}}}");
    }
    text += "</style>\n<rect width=\"100%\" height=\"100%\" style=\"stroke:none\"/>\n";
    for cell in &layout.cells {
        for above in &cell.above {
            line(&mut text, &layout.cells[*above], cell);
        }
    }
    for cell in &layout.cells {
        if let Some(node) = cell.node.and_then(|place| nodes.get(place)) {
            step(&mut text, cell, node);
        }
    }
    text + "</svg>\n"
}

fn width(node: &Node) -> i64 {
    let letters = |text: &str| text.chars().count().min(LETTERS);
    whole(letters(&node.name).max(letters(&node.subject))) * LETTER + 2 * BESIDE
}

/// A line from the cell above. It passes straight through a bend, and ends with an arrowhead at a box.
fn line(text: &mut String, from: &Cell, to: &Cell) {
    let (x, y) = (from.middle(), from.top + HEIGHT);
    let (to_x, to_y) = (to.middle(), to.top);
    let half = i64::midpoint(y, to_y);
    let _ = write!(
        text,
        "<path d=\"M{x} {y}C{x} {half} {to_x} {half} {to_x} {to_y}"
    );
    if to.node.is_none() {
        let _ = write!(text, "v{HEIGHT}");
    }
    *text += "\"/>\n";
    if to.node.is_some() {
        let _ = writeln!(text, "<path class=\"tip\" d=\"M{to_x} {to_y}l-4 -7h8z\"/>");
    }
}

fn step(text: &mut String, cell: &Cell, node: &Node) {
    let (left, top, width) = (cell.left, cell.top, cell.width);
    let (name, subject) = (escaped(&node.name), escaped(&node.subject));
    let (x, first, second) = (left + BESIDE, top + 18, top + 34);
    let class = node.action.map_or("step", class);
    let _ = writeln!(
        text,
        "<g class=\"{class}\"><title>{name}: {subject}</title>\
         <rect x=\"{left}\" y=\"{top}\" width=\"{width}\" height=\"{HEIGHT}\" rx=\"5\"/>\
         <text class=\"name\" x=\"{x}\" y=\"{first}\">{}</text><text x=\"{x}\" y=\"{second}\">{}</text></g>",
        escaped(&cut(&node.name)),
        escaped(&cut(&node.subject)),
    );
}

/// Cuts the middle out of a long text: the end of a path says more than its beginning, so both ends stay.
fn cut(text: &str) -> String {
    let letters: Vec<char> = text.chars().collect();
    if letters.len() <= LETTERS {
        return text.to_owned();
    }
    let (head, tail) = (LETTERS / 2, LETTERS - LETTERS / 2 - 1);
    let head = letters[..head].iter();
    let tail = letters[letters.len() - tail..].iter();
    head.chain(&['…']).chain(tail).collect()
}

/// Escapes a text for XML. Control characters are not allowed in XML, so they are replaced.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for char in text.chars() {
        match char {
            '&' => escaped += "&amp;",
            '<' => escaped += "&lt;",
            '>' => escaped += "&gt;",
            '"' => escaped += "&quot;",
            '\u{fffe}' | '\u{ffff}' => escaped.push(char::REPLACEMENT_CHARACTER),
            char if char.is_control() => escaped.push(char::REPLACEMENT_CHARACTER),
            char => escaped.push(char),
        }
    }
    escaped
}
