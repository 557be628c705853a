//! Transcripts: calls of programs with the answers of the real programs, in text files that tests compare line
//! by line. The recorder keeps the calls and rewrites the answers.
//!
//!
//! ```text
//! # a remark
//! real: SCRIPT             a script for the real machine only, which makes what the model has from the start
//! same WORD: SCRIPT        the output of SCRIPT on the real machine stands for WORD here and on the model
//! file PATH [MODE]         a file of root, with the lines `| TEXT` below
//! folder PATH OWNER        a folder
//! link PATH TARGET         a link
//! USER[:FOLDER]$ [KEY=VALUE ...] PROGRAM [ARGUMENT ...]
//! < TEXT                   a line of standard input
//! << PATH                  a file as standard input
//! > TEXT                   a line of standard output that odoo-deploy reads; see `read`
//! ! TEXT                   a line of standard error
//! = CODE                   the exit code, if it is not 0
//! keep PATH                writes the output of the last call to a file that only root can read
//! ```

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

/// The words that odoo-deploy looks for in the standard error of a program.
pub const SIGNS: &[&str] = &[
    "Could not get lock",
    "locked by another process",
    "not our ref",
    "unadvertised object",
    "not advertised",
    "hostname mismatch",
    "errors.SerializationFailure",
];

/// One entry of a transcript.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Entry {
    /// A remark, or an empty line.
    Remark(String),
    /// A script that runs on the real machine only.
    Real(String),
    /// A word, and a script that prints its value on the real machine.
    Same(String, String),
    /// A file: path, mode, text.
    File(String, u32, String),
    /// A folder and its owner.
    Folder(String, String),
    /// A link and its target.
    Link(String, String),
    /// The file that gets the output of the last call.
    Keep(String),
    /// A call.
    Call(Box<Call>),
}

/// A call and its answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Call {
    /// The transcript line of the call.
    pub line: String,
    /// The user that runs the call.
    pub user: String,
    /// The working folder.
    pub folder: Option<String>,
    /// The environment, the program, and its arguments.
    pub words: Vec<String>,
    /// The text on standard input.
    pub stdin: Option<String>,
    /// The file on standard input.
    pub reads: Option<String>,
    /// The answer.
    pub answer: Answer,
}

/// The answer of a program.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    /// The exit code.
    pub code: i32,
    /// The lines of standard output that odoo-deploy reads.
    pub stdout: Vec<String>,
    /// The lines of standard error.
    pub stderr: Vec<String>,
}

/// The names and paths of all transcripts.
pub fn all() -> Vec<(String, PathBuf)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../transcripts");
    let entries = fs::read_dir(folder).unwrap();
    let mut all: Vec<(String, PathBuf)> = entries
        .map(|entry| entry.unwrap().path())
        .map(|path| (path.file_stem().unwrap().display().to_string(), path))
        .collect();
    all.sort();
    all
}

/// The entries of a transcript.
pub fn parse(text: &str) -> Vec<Entry> {
    let mut entries: Vec<Entry> = Vec::new();
    for line in text.lines() {
        let taken = entries.last_mut().is_some_and(|last| last.take(line));
        if !taken {
            entries.push(entry(line));
        }
    }
    entries
}

fn entry(line: &str) -> Entry {
    let own = |text: &str| text.to_owned();
    if let Some((who, call)) = line.split_once("$ ")
        && !who.contains(' ')
    {
        let (user, folder) = match who.split_once(':') {
            Some((user, folder)) => (user, Some(own(folder))),
            None => (who, None),
        };
        return Entry::Call(Box::new(Call {
            line: own(line),
            user: own(user),
            folder,
            words: words(call),
            ..Call::default()
        }));
    }
    if let Some(script) = line.strip_prefix("real: ") {
        return Entry::Real(own(script));
    }
    let parts: Vec<&str> = line.splitn(3, ' ').collect();
    match parts[..] {
        ["same", word, script] => Entry::Same(own(word.trim_end_matches(':')), own(script)),
        ["file", path] => Entry::File(own(path), 0o644, String::new()),
        ["file", path, mode] => {
            let mode = u32::from_str_radix(mode, 8).expect("a mode");
            Entry::File(own(path), mode, String::new())
        }
        ["folder", path, owner] => Entry::Folder(own(path), own(owner)),
        ["keep", path] => Entry::Keep(own(path)),
        ["link", path, target] => Entry::Link(own(path), own(target)),
        _ if line.is_empty() || line.starts_with('#') => Entry::Remark(own(line)),
        _ => panic!("no entry of a transcript: {line}"),
    }
}

impl Entry {
    /// Takes a line that belongs to this call; returns whether it did.
    fn take(&mut self, line: &str) -> bool {
        match self {
            Self::Call(call) => call.take(line),
            Self::File(.., text) if line.starts_with('|') => {
                *text += after(line);
                *text += "\n";
                true
            }
            _ => false,
        }
    }
}

impl Call {
    /// Takes a line that belongs to this answer; returns whether it did.
    fn take(&mut self, line: &str) -> bool {
        let text = after(line);
        match line.chars().next() {
            Some('<') if line.starts_with("<< ") => self.reads = line.get(3..).map(str::to_owned),
            Some('<') => {
                let stdin = self.stdin.get_or_insert_default();
                *stdin += text;
                *stdin += "\n";
            }
            Some('>') => self.answer.stdout.push(text.to_owned()),
            Some('!') => self.answer.stderr.push(text.to_owned()),
            Some('=') => self.answer.code = text.parse().expect("an exit code"),
            _ => return false,
        }
        true
    }

    /// Splits `words` into the environment and the program with its arguments.
    pub fn parts(&self) -> (Vec<(&str, &str)>, &[String]) {
        let is_variable = |word: &&String| {
            word.split_once('=').is_some_and(|(key, _)| {
                key.bytes()
                    .all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_')
            })
        };
        let count = self.words.iter().take_while(is_variable).count();
        let (variables, rest) = self.words.split_at(count);
        let pairs = variables.iter().filter_map(|word| word.split_once('='));
        (pairs.collect(), rest)
    }

    /// The part of an output that odoo-deploy reads, with parts that change from day to day removed.
    pub fn read(&self, stdout: &str) -> Vec<String> {
        let mut read = self.in_order(stdout);
        let (_, words) = self.parts();
        // odoo-deploy finds these lines by their first words, so their order does not matter
        if ["apt-get", "systemctl"].contains(&words[0].as_str()) {
            read.sort();
        }
        read
    }

    fn in_order(&self, stdout: &str) -> Vec<String> {
        let (_, words) = self.parts();
        let has = |word: &str| words.iter().any(|w| w == word);
        let lines = stdout.lines().filter(|line| !line.is_empty());
        let asked = |line: &&str| line.split(' ').nth(1).is_some_and(has);
        match words[0].rsplit('/').next().unwrap_or_default() {
            "apt-get" if has("-s") => lines
                .filter(|line| line.starts_with("Inst ") || line.starts_with("Conf "))
                .filter(asked)
                .map(|line| line.split(' ').take(2).collect::<Vec<_>>().join(" ") + " (VERSION)")
                .collect(),
            "apt-get" if has("--print-uris") => {
                let sized = |line: &&str| {
                    line.starts_with('\'') && line.split(' ').nth(2).is_some_and(|size| size != "0")
                };
                let any = lines.clone().any(|line| sized(&line));
                any.then(|| "'URI' FILE SIZE HASH".to_owned())
                    .into_iter()
                    .collect()
            }
            // odoo-deploy reads these programs' output only after a failure
            "apt-get" | "apt-helper" | "dpkg" => Vec::new(),
            "openssl" => lines.filter_map(fixed).collect(),
            _ => lines.map(str::to_owned).collect(),
        }
    }

    /// The standard error of a program, with parts that change from day to day removed.
    pub fn complaint(&self, code: i32, stderr: &str) -> Vec<String> {
        let (_, words) = self.parts();
        // a report of the work, which goes to a log
        if code == 0 && ["apt-get", "dpkg"].contains(&words[0].as_str()) {
            return Vec::new();
        }
        let lines = stderr.lines().map(str::trim_end);
        lines.filter(|line| !line.is_empty()).map(tidy).collect()
    }
}

/// Removes keys and times from a line of `openssl`.
fn fixed(line: &str) -> Option<String> {
    if line.starts_with("notAfter=") {
        return Some("notAfter=TIME".to_owned());
    }
    let begins = ["-----", "Certificate will ", "HTTP/"];
    let stays = begins.iter().any(|begin| line.starts_with(begin));
    (stays || line.ends_with(": OK")).then(|| line.to_owned())
}

/// Removes process numbers, OpenSSL's thread numbers, and times from a line.
fn tidy(line: &str) -> String {
    if let Some((_, rest)) = line.split_once(" [emerg] ")
        && let Some((_, rest)) = rest.split_once(": ")
    {
        return format!("TIME [emerg] N: {rest}");
    }
    let line = match line.split_once(":error:") {
        Some((thread, rest)) if thread.bytes().all(|b| b.is_ascii_hexdigit()) => {
            format!("THREAD:error:{rest}")
        }
        _ => line.to_owned(),
    };
    for word in ["process ", "pid ", "after "] {
        if let Some((before, rest)) = line.split_once(word)
            && rest.starts_with(|c: char| c.is_ascii_digit())
        {
            let rest = rest.trim_start_matches(|c: char| c.is_ascii_digit());
            return format!("{before}{word}N{rest}");
        }
    }
    line
}

/// The rest of a line after its sign.
fn after(line: &str) -> &str {
    line.get(1..)
        .map_or("", |text| text.strip_prefix(' ').unwrap_or(text))
}

/// Splits a line into words as a shell would.
fn words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut letters = line.chars();
    while let Some(letter) = letters.next() {
        match letter {
            ' ' => words.extend(word.take()),
            '\\' => word.get_or_insert_default().extend(letters.next()),
            '\'' => {
                let quoted = letters.by_ref().take_while(|letter| *letter != '\'');
                word.get_or_insert_default().extend(quoted);
            }
            letter => word.get_or_insert_default().push(letter),
        }
    }
    words.extend(word);
    words
}

impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Remark(text) => writeln!(f, "{text}"),
            Self::Real(script) => writeln!(f, "real: {script}"),
            Self::Same(word, script) => writeln!(f, "same {word}: {script}"),
            Self::File(path, mode, text) => {
                match mode {
                    0o644 => writeln!(f, "file {path}")?,
                    mode => writeln!(f, "file {path} {mode:o}")?,
                }
                lines(f, '|', text.lines())
            }
            Self::Keep(path) => writeln!(f, "keep {path}"),
            Self::Folder(path, owner) => writeln!(f, "folder {path} {owner}"),
            Self::Link(path, target) => writeln!(f, "link {path} {target}"),
            Self::Call(call) => {
                writeln!(f, "{}", call.line)?;
                if let Some(path) = &call.reads {
                    writeln!(f, "<< {path}")?;
                }
                lines(f, '<', call.stdin.as_deref().unwrap_or_default().lines())?;
                lines(f, '>', call.answer.stdout.iter().map(String::as_str))?;
                lines(f, '!', call.answer.stderr.iter().map(String::as_str))?;
                match call.answer.code {
                    0 => Ok(()),
                    code => writeln!(f, "= {code}"),
                }
            }
        }
    }
}

fn lines<'t>(
    f: &mut fmt::Formatter<'_>,
    sign: char,
    lines: impl Iterator<Item = &'t str>,
) -> fmt::Result {
    for line in lines {
        writeln!(f, "{}", format!("{sign} {line}").trim_end())?;
    }
    Ok(())
}
