//! The files of a machine at one moment, and how two moments differ.

use std::collections::BTreeMap;

use super::server::Server;

/// One file, folder or link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    kind: String,
    mode: String,
    owner: String,
    modified: String,
    target: String,
    content: String,
}

/// What counts as a difference.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Precision {
    /// Everything, including the time of the last change.
    Exact,
    /// Content, mode, owner and target. The time is ignored, because a file created and removed again changes
    /// its folder's time.
    Content,
    /// The same, without content.
    Mode,
}

#[derive(Clone)]
pub(crate) struct Snapshot(BTreeMap<String, Entry>);

impl Snapshot {
    /// Records everything below `roots`, on their own file systems, except `without`.
    pub(crate) fn take(server: &Server, roots: &[&str], without: &[&str]) -> Self {
        let prune: Vec<String> = without
            .iter()
            .map(|path| format!("-path '{path}'"))
            .collect();
        let prune = match prune.join(" -o ") {
            none if none.is_empty() => String::new(),
            paths => format!("\\( {paths} \\) -prune -o"),
        };
        let find = format!("find {} -xdev {prune}", roots.join(" "));
        let listed = server.sh(&format!("{find} -printf '%y|%m|%U:%G|%T@|%l|%p\\n'"));
        let mut entries: BTreeMap<String, Entry> = listed.lines().filter_map(parse).collect();
        // exit code 123 means that a program removed a file meanwhile; its content is then missing
        let sums = format!("{find} -type f -print0 | xargs -0 -r sha256sum || [ $? = 123 ]");
        let sums = server.sh(&sums);
        for line in sums.lines() {
            let (sum, path) = line.split_once("  ").expect("a sum and a path");
            if let Some(entry) = entries.get_mut(path) {
                sum.clone_into(&mut entry.content);
            }
        }
        Self(entries)
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// What differs in `later`: `+ path` is new, `- path` is gone, `~ path: what` is changed.
    pub(crate) fn differences(&self, later: &Self, precision: Precision) -> Vec<String> {
        let gone = self.0.keys().filter(|path| !later.0.contains_key(*path));
        let mut found: Vec<String> = gone.map(|path| format!("- {path}")).collect();
        for (path, entry) in &later.0 {
            match self.0.get(path) {
                None => found.push(format!("+ {path}")),
                Some(before) => {
                    let changed = before.changed(entry, precision);
                    if !changed.is_empty() {
                        found.push(format!("~ {path}: {}", changed.join(", ")));
                    }
                }
            }
        }
        found
    }
}

fn parse(line: &str) -> Option<(String, Entry)> {
    let mut fields = line.splitn(6, '|').map(str::to_owned);
    let entry = Entry {
        kind: fields.next()?,
        mode: fields.next()?,
        owner: fields.next()?,
        modified: fields.next()?,
        target: fields.next()?,
        content: String::new(),
    };
    Some((fields.next()?, entry))
}

impl Entry {
    fn changed(&self, later: &Self, precision: Precision) -> Vec<String> {
        let pairs = [
            ("kind", &self.kind, &later.kind),
            ("mode", &self.mode, &later.mode),
            ("owner", &self.owner, &later.owner),
            ("target", &self.target, &later.target),
            ("content", &self.content, &later.content),
            ("modified", &self.modified, &later.modified),
        ];
        let counted = match precision {
            Precision::Exact => 6,
            Precision::Content => 5,
            Precision::Mode => 4,
        };
        pairs[..counted]
            .iter()
            .filter(|(_, before, after)| before != after)
            .map(|(what, before, after)| format!("{what} {} → {}", short(before), short(after)))
            .collect()
    }
}

fn short(text: &str) -> &str {
    text.get(..12).filter(|_| text.len() > 40).unwrap_or(text)
}
