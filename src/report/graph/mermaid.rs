//! Draws a graph as a Mermaid flowchart.

use std::fmt::Write as _;

use super::{COLOURS, Node, class};

pub(super) fn draw(nodes: &[Node]) -> String {
    let mut text = "flowchart TD\n".to_owned();
    for (place, node) in nodes.iter().enumerate() {
        let (name, subject) = (escaped(&node.name), escaped(&node.subject));
        // writing to a `String` cannot fail
        let _ = writeln!(text, "    s{place}[\"{name}<br/>{subject}\"]");
    }
    for (place, node) in nodes.iter().enumerate() {
        for need in &node.needs {
            let _ = writeln!(text, "    s{need} --> s{place}");
        }
    }
    for (name, fill, stroke) in COLOURS {
        let of_class = |(_, node): &(usize, &Node)| node.action.map(class) == Some(name);
        let members = nodes.iter().enumerate().filter(of_class);
        let members: Vec<String> = members.map(|(place, _)| format!("s{place}")).collect();
        if !members.is_empty() {
            let _ = writeln!(
                text,
                "    classDef {name} fill:{fill},stroke:{stroke},color:#000\n    class {} {name}",
                members.join(",")
            );
        }
    }
    text
}

/// Escapes characters that have a meaning in Mermaid, or in the HTML that it makes of a label, by their code point.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for char in text.chars() {
        match char {
            char if char.is_control() => escaped.push(' '),
            '"' | '#' | '&' | '<' | '>' | '`' | ';' | '\\' => {
                let _ = write!(escaped, "#{};", u32::from(char));
            }
            char => escaped.push(char),
        }
    }
    escaped
}
