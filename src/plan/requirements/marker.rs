//! Environment markers (PEP 508), as far as they can be evaluated before anything is installed.

use super::version::{Version, holds};

/// Whether a requirement with this marker applies on version `python` of Python. `None` if that is not known.
pub(super) fn applies(marker: &str, python: &str) -> Option<bool> {
    let words = words(marker)?;
    let mut reader = Reader {
        words: &words,
        python,
    };
    let found = reader.any();
    reader.words.is_empty().then_some(found)?
}

#[derive(Clone, Debug, PartialEq)]
enum Word<'a> {
    Text(&'a str),
    Sign(&'a str),
}

/// Splits a marker into strings, names and operators. `None` if a string is not closed.
fn words(marker: &str) -> Option<Vec<Word<'_>>> {
    let (mut words, mut rest) = (Vec::new(), marker.trim());
    while let Some(first) = rest.chars().next() {
        let length = match first {
            '\'' | '"' => {
                let length = rest[1..].find(first)?;
                words.push(Word::Text(&rest[1..=length]));
                rest = rest[length + 2..].trim_start();
                continue;
            }
            '(' | ')' => 1,
            '<' | '>' | '=' | '!' | '~' => rest.find(|c| !"<>=!~".contains(c))?,
            _ => rest
                .find(|c: char| !(c.is_alphanumeric() || "_.".contains(c)))
                .unwrap_or(rest.len())
                .max(first.len_utf8()),
        };
        words.push(Word::Sign(&rest[..length]));
        rest = rest[length..].trim_start();
    }
    Some(words)
}

struct Reader<'w, 'a> {
    words: &'w [Word<'a>],
    python: &'a str,
}

impl<'a> Reader<'_, 'a> {
    fn next(&mut self) -> Option<Word<'a>> {
        let (first, rest) = self.words.split_first()?;
        self.words = rest;
        Some(first.clone())
    }

    fn take(&mut self, sign: &str) -> bool {
        let is_next = self.words.first() == Some(&Word::Sign(sign));
        if is_next {
            self.words = &self.words[1..];
        }
        is_next
    }

    fn any(&mut self) -> Option<bool> {
        let mut all = self.every();
        while self.take("or") {
            let next = self.every();
            all = match (all, next) {
                (Some(true), _) | (_, Some(true)) => Some(true),
                (Some(false), Some(false)) => Some(false),
                _ => None,
            };
        }
        all
    }

    fn every(&mut self) -> Option<bool> {
        let mut all = self.one();
        while self.take("and") {
            let next = self.one();
            all = match (all, next) {
                (Some(false), _) | (_, Some(false)) => Some(false),
                (Some(true), Some(true)) => Some(true),
                _ => None,
            };
        }
        all
    }

    fn one(&mut self) -> Option<bool> {
        if self.take("(") {
            let inside = self.any();
            return if self.take(")") { inside } else { None };
        }
        let (left, sign, right) = (self.next()?, self.next()?, self.next()?);
        let (Word::Sign(name), Word::Sign(sign), Word::Text(text)) = (left, sign, right) else {
            return None;
        };
        let value = match name {
            "python_version" => {
                return holds(&Version::read(self.python)?, sign, text);
            }
            "sys_platform" => "linux",
            "platform_system" => "Linux",
            "os_name" => "posix",
            "implementation_name" => "cpython",
            "platform_python_implementation" => "CPython",
            _ => return None,
        };
        match sign {
            "==" => Some(value == text),
            "!=" => Some(value != text),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markers_are_evaluated_as_pip_does() {
        for (marker, expected) in [
            ("python_version < '3.11'", Some(false)),
            (
                "python_version >= \"3.11\" and python_version < \"3.12\"",
                Some(true),
            ),
            (
                "python_version == '3.9' or sys_platform != 'win32'",
                Some(true),
            ),
            ("sys_platform == 'win32' and extra == 'x'", Some(false)),
            (
                "(python_version < '3.9') or (sys_platform == 'linux')",
                Some(true),
            ),
            ("python_version > '3.9'", Some(true)),
            ("extra == 'x'", None),
            ("python_version", None),
            ("python_version < '3.11", None),
            ("sys_platform in 'linux darwin'", None),
        ] {
            assert_eq!(applies(marker, "3.11"), expected, "{marker}");
        }
    }
}
