//! Calls of the host's programs.

use std::process::{Command, Stdio};

use super::error::{Error, Result};

/// The most characters of a failed program's output that an error contains.
const COMPLAINT: usize = 2000;

/// Runs a program without a terminal, waits for its end, and returns its output.
pub(super) fn run(command: &mut Command) -> Result<String> {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    let words: Vec<_> = words.map(|word| word.to_string_lossy()).collect();
    let line = words.join(" ");
    tracing::debug!(command = line, "run");
    let output = command
        .env("LC_ALL", "C.UTF-8")
        .stdin(Stdio::null())
        .output();
    let output = output.map_err(|source| Error::Start {
        command: line.clone(),
        source,
    })?;
    if output.status.success() {
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    } else {
        Err(Error::Program {
            command: line,
            status: output.status,
            stderr: tail(&String::from_utf8_lossy(&output.stderr)),
        })
    }
}

/// The end of a text, cut at a line break if possible.
pub(super) fn tail(text: &str) -> String {
    let text = text.trim();
    let surplus = text.chars().count().saturating_sub(COMPLAINT);
    if surplus == 0 {
        return text.to_owned();
    }
    let cut: String = text.chars().skip(surplus).collect();
    match cut.split_once('\n') {
        Some((_, lines)) => lines.to_owned(),
        None => cut,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_long_text_starts_at_a_line() {
        let text = "0123456789\n".repeat(COMPLAINT);
        let end = tail(&text);
        assert!(end.len() <= COMPLAINT && end.starts_with("0123456789"));
        assert_eq!(tail(" short\n"), "short");
    }
}
