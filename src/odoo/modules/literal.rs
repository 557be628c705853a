//! Parses Python literals, such as a manifest, as `ast.literal_eval` does. Nothing is executed.
//!
//! An expression that is no literal (a call, a name, a sum) becomes [`Literal::Other`]. The parser skips it by its
//! brackets and strings, so that the rest of the manifest can still be used.

/// The deepest nesting of brackets: deeper than in any manifest, and shallow enough for the stack.
const DEEPEST: usize = 64;

/// A Python value.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Literal {
    /// A string, also one that is made of several adjacent literals.
    Text(String),
    /// A list, a tuple or a set.
    List(Vec<Literal>),
    /// A dictionary.
    Dict(Vec<(Literal, Literal)>),
    /// `True`, `False`.
    Bool(bool),
    /// Anything else: a number, `None`, bytes, or no literal at all.
    Other,
}

impl Literal {
    /// Parses a text with one value; comments before and after it are skipped. `None` if the value is not complete.
    pub(super) fn read(text: &str) -> Option<Self> {
        let mut reader = Reader {
            rest: text.trim_start_matches('\u{feff}'),
            depth: 0,
        };
        reader.skip();
        reader.value()
    }

    /// The value of a key in a dictionary. As in Python, the last one counts if the key is repeated.
    pub(super) fn value(&self, key: &str) -> Option<&Self> {
        let Self::Dict(pairs) = self else {
            return None;
        };
        let mut pairs = pairs.iter().rev();
        let is_it = |found: &Self| matches!(found, Self::Text(text) if text == key);
        Some(&pairs.find(|(found, _)| is_it(found))?.1)
    }

    /// The value as a string, if it is one.
    pub(super) fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The strings in a list.
    pub(super) fn texts(&self) -> Vec<&str> {
        match self {
            Self::List(items) => items.iter().filter_map(Self::text).collect(),
            _ => Vec::new(),
        }
    }
}

struct Reader<'a> {
    rest: &'a str,
    depth: usize,
}

impl Reader<'_> {
    /// Skips blanks, line ends, line continuations and comments.
    fn skip(&mut self) {
        loop {
            self.rest = self.rest.trim_start();
            if let Some(comment) = self.rest.strip_prefix('#') {
                self.rest = comment.split_once('\n').map_or("", |(_, rest)| rest);
            } else if let Some(next) = self.rest.strip_prefix('\\')
                && next.starts_with(['\n', '\r'])
            {
                self.rest = next;
            } else {
                return;
            }
        }
    }

    fn next(&self) -> Option<char> {
        self.rest.chars().next()
    }

    /// Skips `sign`, if it is the next character. Returns whether it was.
    fn take(&mut self, sign: char) -> bool {
        let Some(rest) = self.rest.strip_prefix(sign) else {
            return false;
        };
        self.rest = rest;
        self.skip();
        true
    }

    /// Parses one expression, up to the comma, colon or closing bracket that ends it.
    fn value(&mut self) -> Option<Literal> {
        self.skip();
        let value = match self.next()? {
            '[' => self.items('[', ']').map(|(items, _)| Literal::List(items)),
            '(' => self.bracket(),
            '{' => self.braces(),
            _ => match self.texts() {
                Text::Read(text) => Some(Literal::Text(text)),
                Text::None => Some(self.word()),
                Text::Endless => None,
            },
        }?;
        self.skip();
        let ends = |sign: Option<char>| sign.is_none_or(|sign| ",:)]}".contains(sign));
        if ends(self.next()) {
            return Some(value);
        }
        // more follows (a sum, a call, a comprehension), so it is no literal
        while !ends(self.next()) {
            let before = self.rest.len();
            match self.next()? {
                '[' => _ = self.items('[', ']')?,
                '(' => _ = self.bracket()?,
                '{' => _ = self.braces()?,
                _ => match self.texts() {
                    Text::Endless => return None,
                    Text::Read(_) => (),
                    Text::None => _ = self.word(),
                },
            }
            self.skip();
            if self.rest.len() == before {
                let sign = self.next()?;
                self.rest = &self.rest[sign.len_utf8()..];
                self.skip();
            }
        }
        Some(Literal::Other)
    }

    /// Parses the items between two brackets, separated by commas or colons. Also returns whether the last item is
    /// followed by a comma.
    fn items(&mut self, open: char, close: char) -> Option<(Vec<Literal>, bool)> {
        self.depth += 1;
        if self.depth > DEEPEST || !self.take(open) {
            return None;
        }
        let (mut items, mut ends_so) = (Vec::new(), false);
        while !self.take(close) {
            items.push(self.value()?);
            ends_so = self.take(',');
            if !ends_so && !self.take(':') && self.next() != Some(close) {
                return None;
            }
        }
        self.depth -= 1;
        Some((items, ends_so))
    }

    /// Parses a tuple, or a value in parentheses.
    fn bracket(&mut self) -> Option<Literal> {
        let (mut items, is_tuple) = self.items('(', ')')?;
        if items.len() == 1 && !is_tuple {
            return items.pop();
        }
        Some(Literal::List(items))
    }

    /// Parses a dictionary or a set.
    fn braces(&mut self) -> Option<Literal> {
        self.depth += 1;
        if self.depth > DEEPEST || !self.take('{') {
            return None;
        }
        let (mut pairs, mut items) = (Vec::new(), Vec::new());
        while !self.take('}') {
            let first = self.value()?;
            if self.take(':') {
                pairs.push((first, self.value()?));
            } else {
                items.push(first);
            }
            if !self.take(',') && self.next() != Some('}') {
                return None;
            }
        }
        self.depth -= 1;
        Some(if items.is_empty() {
            Literal::Dict(pairs)
        } else {
            Literal::List(items)
        })
    }

    /// Parses a number or a name.
    fn word(&mut self) -> Literal {
        let ends = |sign: char| !(sign.is_alphanumeric() || "_.".contains(sign));
        let end = self.rest.find(ends).unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(end);
        self.rest = rest;
        match word {
            "True" => Literal::Bool(true),
            "False" => Literal::Bool(false),
            _ => Literal::Other,
        }
    }

    /// Parses adjacent string literals, which Python joins to one string.
    fn texts(&mut self) -> Text {
        let mut all = None;
        while let Some((start, is_raw)) = start(self.rest) {
            let quoted = &self.rest[start..];
            let quote = &quoted[..1];
            let triple = quote.repeat(3);
            let quote = if quoted.starts_with(&triple) {
                triple.as_str()
            } else {
                quote
            };
            let Some(length) = end(&quoted[quote.len()..], quote) else {
                return Text::Endless;
            };
            let inside = &quoted[quote.len()..quote.len() + length];
            let text = if is_raw {
                inside.to_owned()
            } else {
                unescaped(inside)
            };
            all.get_or_insert_with(String::new).push_str(&text);
            self.rest = &quoted[quote.len() * 2 + length..];
            self.skip();
        }
        all.map_or(Text::None, Text::Read)
    }
}

/// The result of parsing a string.
enum Text {
    /// A string.
    Read(String),
    /// There was no string.
    None,
    /// A string without an end.
    Endless,
}

/// The position of the quote after the prefix of a string, and whether it is a raw string.
fn start(text: &str) -> Option<(usize, bool)> {
    let length = text.find(['\'', '"'])?;
    let prefix = text[..length].to_ascii_lowercase();
    let known = ["", "u", "r", "b", "f", "br", "rb", "fr", "rf"];
    known
        .contains(&prefix.as_str())
        .then(|| (length, prefix.contains('r')))
}

/// The length of a string up to its closing quote.
fn end(text: &str, quote: &str) -> Option<usize> {
    let mut place = 0;
    while !text[place..].starts_with(quote) {
        let mut signs = text[place..].chars();
        let sign = signs.next()?;
        place += sign.len_utf8();
        match sign {
            '\\' => place += signs.next()?.len_utf8(),
            '\n' if quote.len() == 1 => return None,
            _ => (),
        }
    }
    Some(place)
}

/// Replaces the escapes in a string. Numeric escapes are replaced only if they are a valid character.
fn unescaped(text: &str) -> String {
    let mut read = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('\\') {
        read.push_str(before);
        let mut signs = after.chars();
        let sign = signs.next();
        rest = signs.as_str();
        let digits = match sign {
            Some('n') => {
                read.push('\n');
                continue;
            }
            Some('t') => {
                read.push('\t');
                continue;
            }
            Some('\n') | None => continue,
            Some('x') => 2,
            Some('u') => 4,
            Some('U') => 8,
            Some(sign @ ('\\' | '\'' | '"')) => {
                read.push(sign);
                continue;
            }
            Some(other) => {
                read.push('\\');
                read.push(other);
                continue;
            }
        };
        let number = rest.get(..digits);
        let sign = number.and_then(|digits| u32::from_str_radix(digits, 16).ok());
        match sign.and_then(char::from_u32) {
            Some(sign) => {
                read.push(sign);
                rest = &rest[digits..];
            }
            None => read.push('\\'),
        }
    }
    read + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Literal {
        Literal::Text(text.to_owned())
    }

    #[test]
    fn literals_are_read_as_python_reads_them() {
        for (code, expected) in [
            ("'a'", text("a")),
            ("# -*- coding: utf-8 -*-\n\"a\"", text("a")),
            ("u'a' \"b\"\n  'c'", text("abc")),
            ("('a'\n # why\n 'b')", text("ab")),
            (r"'it\'s \\ \x41\u00e9\n'", text("it's \\ A\u{e9}\n")),
            (r"r'\n'", text("\\n")),
            ("'''a\n'b' # no comment\n'''", text("a\n'b' # no comment\n")),
            ("('a#',) # c", Literal::List(vec![text("a#")])),
            ("('a',)", Literal::List(vec![text("a")])),
            ("('a')", text("a")),
            ("()", Literal::List(vec![])),
            ("{'a', 'b'}", Literal::List(vec![text("a"), text("b")])),
            ("{}", Literal::Dict(vec![])),
            ("True", Literal::Bool(true)),
            ("-1.5e+3", Literal::Other),
            ("['a'] + more", Literal::Other),
            ("'%s' % f(x, [1])", Literal::Other),
        ] {
            assert_eq!(Literal::read(code), Some(expected), "{code}");
        }
        for code in [
            "",
            "'a",
            "['a'",
            "{'a': ",
            "'a\n'",
            "{'a': 1",
            &"[".repeat(99),
        ] {
            assert_eq!(Literal::read(code), None, "{code}");
        }
    }

    #[test]
    fn a_manifest_is_read_even_if_parts_of_it_are_no_literals() {
        let manifest = "\u{feff}# 'depends': ['gone'],\n{\n 'name': \"It's {x}\", # 'depends': ['x'],\n \
            'description': \"\"\"\n'depends': ['y'],\n\"\"\",\n 'version': '19.0.' '1.0',\n \
            'data': [*files, 'a.xml'],\n 'price': 9.5, 'x': f(1, g=2), 'installable': False,\n \
            'depends': ['old'],\n 'depends': [\n  'base', # 'z',\n  'web'\n  ,],\n}\n";
        let read = Literal::read(manifest).expect("a literal");
        let depends = read.value("depends").map(Literal::texts);
        assert_eq!(depends, Some(vec!["base", "web"]));
        assert_eq!(
            read.value("version").and_then(Literal::text),
            Some("19.0.1.0")
        );
        assert_eq!(read.value("installable"), Some(&Literal::Bool(false)));
        assert_eq!(
            read.value("description").and_then(Literal::text),
            Some("\n'depends': ['y'],\n")
        );
        assert_eq!(read.value("gone"), None);
    }
}
