//! Reads the configuration of nginx: its directives, each with file and line, and the included files.

use std::path::{Path, PathBuf};
use std::rc::Rc;

use crate::host::{Host, Result};
use crate::inspect::preflight::pattern::is_like;

/// The folder of nginx's configuration, in packages of the distributions and of nginx's makers. Paths of `include`
/// are relative to it.
const FOLDER: &str = "/etc/nginx";

/// The deepest level of includes: a file that includes itself would never end.
const DEEPEST: usize = 16;

/// A directive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Directive {
    /// The name and the values.
    pub(super) words: Vec<String>,
    /// The directives in its block, if it has one.
    pub(super) block: Vec<Directive>,
    /// The file.
    pub(super) file: Rc<Path>,
    /// The line, counted from 1.
    pub(super) line: usize,
}

impl Directive {
    /// The name.
    pub(super) fn name(&self) -> &str {
        self.words.first().map_or("", String::as_str)
    }

    /// The values after the name.
    pub(super) fn values(&self) -> &[String] {
        self.words.get(1..).unwrap_or_default()
    }

    /// The directives of the block with this name.
    pub(super) fn all<'d>(&'d self, name: &'d str) -> impl Iterator<Item = &'d Directive> {
        self.block.iter().filter(move |inner| inner.name() == name)
    }

    /// File and line, for messages.
    pub(super) fn place(&self) -> String {
        format!("`{}` (line {})", self.file.display(), self.line)
    }
}

/// The whole configuration; empty if there is none. Files that cannot be included are skipped: nginx itself reports
/// them.
pub(super) fn whole(host: &Host) -> Result<Vec<Directive>> {
    file(host, &Path::new(FOLDER).join("nginx.conf"), 0)
}

fn file(host: &Host, path: &Path, depth: usize) -> Result<Vec<Directive>> {
    let text = host.read_text(path)?.unwrap_or_default();
    let mut reader = Reader::new(&text, path);
    included(host, reader.block(), depth)
}

/// The directives, and those of all included files.
fn included(host: &Host, directives: Vec<Directive>, depth: usize) -> Result<Vec<Directive>> {
    let mut all = Vec::new();
    for mut directive in directives {
        directive.block = included(host, directive.block, depth)?;
        if directive.name() == "include" && depth < DEEPEST {
            for pattern in directive.values() {
                for path in matching(host, &Path::new(FOLDER).join(pattern))? {
                    all.extend(file(host, &path, depth + 1)?);
                }
            }
        }
        all.push(directive);
    }
    Ok(all)
}

/// The files that match a pattern, in nginx's order.
fn matching(host: &Host, pattern: &Path) -> Result<Vec<PathBuf>> {
    let mut found = vec![PathBuf::from("/")];
    for part in pattern.components().skip(1) {
        let part = part.as_os_str().to_string_lossy();
        let mut next = Vec::new();
        for folder in found {
            if !part.contains(['*', '?', '[']) {
                next.push(folder.join(&*part));
                continue;
            }
            if !host.path(&folder).is_dir() {
                continue;
            }
            let names = host.list(&folder)?;
            let named = names.iter().filter(|name| is_like(name, &part));
            next.extend(named.map(|name| folder.join(name)));
        }
        found = next;
    }
    found.retain(|path| host.path(path).is_file());
    Ok(found)
}

/// Whether a pattern of `include` matches a path.
pub(super) fn names(pattern: &str, path: &Path) -> bool {
    let pattern = Path::new(FOLDER).join(pattern);
    let (mut parts, mut names) = (pattern.components(), path.components());
    loop {
        match (parts.next(), names.next()) {
            (None, None) => return true,
            (Some(part), Some(name)) => {
                let (part, name) = (part.as_os_str(), name.as_os_str());
                if !is_like(&name.to_string_lossy(), &part.to_string_lossy()) {
                    return false;
                }
            }
            _ => return false,
        }
    }
}

/// Parses the text of one file.
struct Reader<'t> {
    letters: std::iter::Peekable<std::str::Chars<'t>>,
    line: usize,
    file: Rc<Path>,
}

impl<'t> Reader<'t> {
    fn new(text: &'t str, file: &Path) -> Self {
        Self {
            letters: text.chars().peekable(),
            line: 1,
            file: file.into(),
        }
    }

    fn next(&mut self) -> Option<char> {
        let letter = self.letters.next()?;
        self.line += usize::from(letter == '\n');
        Some(letter)
    }

    /// The directives up to the closing brace of the block, or to the end of the text.
    fn block(&mut self) -> Vec<Directive> {
        let mut directives = Vec::new();
        let (mut words, mut line) = (Vec::<String>::new(), self.line);
        while let Some(letter) = self.letters.peek().copied() {
            match letter {
                _ if letter.is_whitespace() => _ = self.next(),
                '#' => while self.next().is_some_and(|letter| letter != '\n') {},
                '}' => {
                    self.next();
                    break;
                }
                ';' | '{' => {
                    self.next();
                    let is_code = words.first().is_some_and(|w| w.ends_with("_by_lua_block"));
                    let block = match letter {
                        '{' if is_code => self.skip_code(),
                        '{' => self.block(),
                        _ => Vec::new(),
                    };
                    directives.push(Directive {
                        words: std::mem::take(&mut words),
                        block,
                        file: self.file.clone(),
                        line,
                    });
                }
                _ => {
                    if words.is_empty() {
                        line = self.line;
                    }
                    words.push(self.word());
                }
            }
        }
        directives
    }

    /// One word, without its quotes.
    fn word(&mut self) -> String {
        let mut word = String::new();
        let quote = self
            .letters
            .peek()
            .copied()
            .filter(|c| ['"', '\''].contains(c));
        if quote.is_some() {
            self.next();
        }
        while let Some(letter) = self.letters.peek().copied() {
            let ends = match quote {
                Some(quote) => letter == quote,
                None => letter.is_whitespace() || [';', '{'].contains(&letter),
            };
            // `${name}` is a variable, not a block
            if ends && !(quote.is_none() && letter == '{' && word.ends_with('$')) {
                break;
            }
            self.next();
            word.push(letter);
            if letter == '\\' {
                word.extend(self.next());
            }
        }
        if quote.is_some() {
            self.next();
        }
        word
    }

    /// Skips a block of code in another language.
    fn skip_code(&mut self) -> Vec<Directive> {
        let mut depth = 1_usize;
        while depth > 0 {
            match self.next() {
                Some('{') => depth += 1,
                Some('}') => depth -= 1,
                Some(_) => (),
                None => break,
            }
        }
        Vec::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Vec<Directive> {
        Reader::new(text, Path::new("/etc/nginx/nginx.conf")).block()
    }

    #[test]
    fn directives_are_read_as_nginx_reads_them() {
        let text = "user www-data; # who\nhttp {\n  server {\n    listen 80; server_name a 'b c';\n    set $x ${y}z;\n    \
                    location ~ \"^/a{2}\" { return 200 \"}\"; }\n  }\n}\n";
        let found = read(text);
        assert_eq!(found[0].words, ["user", "www-data"]);
        let server = found[1].all("server").next().unwrap();
        assert_eq!((server.line, server.block.len()), (3, 4));
        assert_eq!(server.block[1].words, ["server_name", "a", "b c"]);
        assert_eq!(server.block[2].words, ["set", "$x", "${y}z"]);
        assert_eq!(server.block[3].words, ["location", "~", "^/a{2}"]);
        let code = read("content_by_lua_block { if x then y = {} end }\nlisten 80;");
        assert_eq!(code[1].words, ["listen", "80"]);
    }

    #[test]
    fn include_patterns_match_paths() {
        for (pattern, path, expected) in [
            (
                "sites-enabled/*",
                "/etc/nginx/sites-enabled/odoo.conf",
                true,
            ),
            (
                "/etc/nginx/sites-enabled/*.conf",
                "/etc/nginx/sites-enabled/odoo.conf",
                true,
            ),
            (
                "/etc/nginx/conf.d/*.conf",
                "/etc/nginx/sites-enabled/odoo.conf",
                false,
            ),
            (
                "/etc/nginx/*/*.conf",
                "/etc/nginx/sites-enabled/odoo.conf",
                true,
            ),
            (
                "sites-enabled/*",
                "/etc/nginx/sites-enabled/.odoo.conf",
                false,
            ),
            (
                "sites-enabled/od?o*",
                "/etc/nginx/sites-enabled/odoo.conf",
                true,
            ),
            (
                "sites-enabled/*.site",
                "/etc/nginx/sites-enabled/odoo.conf",
                false,
            ),
        ] {
            assert_eq!(names(pattern, Path::new(path)), expected, "{pattern}");
        }
    }
}
