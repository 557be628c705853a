//! `git`: branches of far repositories, and one commit of them at a time.

use odoo_deploy::host::command::Cmd;

use super::universe::{PRIVATE, REPOSITORIES, Repository, TOKEN};
use super::{Answer, Model};

impl Model {
    pub(super) fn git(&self, cmd: &Cmd, args: &[&str]) -> Answer {
        let (mut folder, mut words) = (None, Vec::new());
        let mut iter = args.iter().copied();
        while let Some(arg) = iter.next() {
            match arg {
                "-c" => _ = iter.next(),
                "-C" => folder = iter.next(),
                "--file" => words.extend(iter.next()),
                arg if arg.starts_with("--") => (),
                word => words.push(word),
            }
        }
        if let Some(folder) = folder
            && !self.disk.exists(folder)
        {
            return Err((128, format!("fatal: cannot change to '{folder}'")));
        }
        let folder = folder.unwrap_or_default();
        match words[..] {
            ["ls-remote", url, branch, _] => {
                self.let_in(cmd, url)?;
                ls_remote(url, branch)
            }
            ["config", file, "safe.directory", "*"] => {
                self.may_write(cmd, file)?;
                let owner = self.caller(cmd);
                let text = "[safe]\n\tdirectory = *\n";
                self.fuse
                    .effect(|| self.disk.put_as(file, text, owner, 0o644));
                Ok(String::new())
            }
            ["init"] => self.init(cmd, folder),
            ["fetch", url, what] => {
                self.let_in(cmd, url)?;
                self.fetch(cmd, folder, url, what)
            }
            ["checkout", commit] => self.checkout(cmd, folder, commit),
            _ => panic!("no model of git {args:?}"),
        }
    }

    /// Asks for a token, as the server of a private repository does: git gets it from the helper for
    /// this server, which runs as the caller.
    fn let_in(&self, cmd: &Cmd, url: &str) -> Result<(), (i32, String)> {
        if url != PRIVATE {
            return Ok(());
        }
        let mut helpers = cmd.args.iter().filter_map(|arg| {
            arg.strip_prefix("credential.https://git.example.org.helper=")?
                .strip_suffix("; }; f")
        });
        let file = helpers.next().and_then(|helper| helper.rsplit(' ').next());
        let account = self.caller(cmd);
        let answered = file.filter(|file| self.disk.readable(file, account));
        if answered.is_some_and(|file| self.disk.text(file).contains(TOKEN)) {
            return Ok(());
        }
        let words = "fatal: could not read Username for 'https://git.example.org': terminal prompts disabled";
        Err((128, words.into()))
    }

    fn init(&self, cmd: &Cmd, folder: &str) -> Answer {
        let head = format!("{folder}/.git/HEAD");
        self.may_write(cmd, &format!("{folder}/.git"))?;
        let owner = self.caller(cmd);
        self.fuse.halves(
            || {
                self.disk.folder_as(&format!("{folder}/.git"), owner, 0o755);
            },
            |()| {
                self.disk
                    .put_as(&head, "ref: refs/heads/main\n", owner, 0o644);
            },
        );
        Ok(String::new())
    }

    fn fetch(&self, cmd: &Cmd, folder: &str, url: &str, what: &str) -> Answer {
        if !self.disk.exists(&format!("{folder}/.git/HEAD")) {
            return Err((128, "fatal: not a git repository".into()));
        }
        if at(url).is_none() {
            return Err((128, format!("fatal: unable to access '{url}/'")));
        }
        let found = all_at(url).find(|(_, branch, commit, _)| [branch, commit].contains(&&what));
        let Some((_, _, commit, _)) = found else {
            let is_commit = what.len() == super::universe::ODOO_COMMIT.len();
            let words = if is_commit {
                format!("fatal: remote error: upload-pack: not our ref {what}")
            } else {
                format!("fatal: couldn't find remote ref {what}")
            };
            return Err((128, words));
        };
        let owner = self.caller(cmd);
        let fetched = format!("{folder}/.git/FETCH_HEAD");
        let partial = format!("{folder}/.git/objects.partial");
        self.fuse.halves(
            || self.disk.put_as(&partial, "", owner, 0o644),
            |()| {
                self.disk.remove(&partial);
                self.disk
                    .put_as(&fetched, format!("{commit} {url}\n"), owner, 0o644);
            },
        );
        Ok(String::new())
    }

    fn checkout(&self, cmd: &Cmd, folder: &str, commit: &str) -> Answer {
        let fetched = self.disk.text(&format!("{folder}/.git/FETCH_HEAD"));
        let Some((_, url)) = fetched
            .trim()
            .split_once(' ')
            .filter(|(found, _)| *found == commit)
        else {
            let words = format!("fatal: reference is not a tree: {commit}");
            return Err((128, words));
        };
        let found = all_at(url).find(|(_, _, at, _)| *at == commit);
        let files = found.expect("it was fetched").3;
        let owner = self.caller(cmd);
        let write = |files: &[(&str, &str)]| {
            for (name, text) in files {
                self.disk
                    .put_as(&format!("{folder}/{name}"), text, owner, 0o644);
            }
        };
        self.fuse.halves(
            || write(&files[..1]),
            |()| {
                write(&files[1..]);
                let head = format!("{folder}/.git/HEAD");
                self.disk.put_as(&head, format!("{commit}\n"), owner, 0o644);
            },
        );
        Ok(String::new())
    }
}

fn at(url: &str) -> Option<Repository> {
    all_at(url).next()
}

/// A repository by its branches.
fn all_at(url: &str) -> impl Iterator<Item = Repository> {
    REPOSITORIES
        .iter()
        .copied()
        .filter(move |(at, ..)| *at == url)
}

fn ls_remote(url: &str, name: &str) -> Answer {
    let Some((_, branch, commit, _)) = at(url) else {
        return Err((128, format!("fatal: unable to access '{url}/'")));
    };
    if name == format!("refs/heads/{branch}") {
        Ok(format!("{commit}\t{name}\n"))
    } else {
        Err((2, String::new()))
    }
}
