//! The tools that run as the builder account: `mkdir`, `rm`, `dd`, `find`.

use odoo_deploy::host::command::Cmd;

use super::{Answer, Model};

impl Model {
    /// The user and group number of the account that a call runs as.
    pub(super) fn caller(&self, cmd: &Cmd) -> (u32, u32) {
        let user = cmd.user.as_deref().unwrap_or("root");
        self.account(user).expect("checked before")
    }

    /// Fails if the caller may not create entries in the folder of `path`.
    pub(super) fn may_write(&self, cmd: &Cmd, path: &str) -> Result<(), (i32, String)> {
        let folder = path.rsplit_once('/').map_or("/", |(folder, _)| folder);
        let (uid, _) = self.caller(cmd);
        let why = match self.disk.owner(folder) {
            Some(owner) if owner == uid || uid == 0 => return Ok(()),
            Some(_) => "Permission denied",
            None => "No such file or directory",
        };
        let words = match cmd.program.as_str() {
            "mkdir" => format!("mkdir: cannot create directory ‘{path}’: {why}"),
            "rm" => format!("rm: cannot remove '{path}': {why}"),
            "dd" => format!("dd: failed to open '{path}': {why}"),
            program if program.contains("/python") => format!("{why}: '{path}'"),
            _ => format!("{path}: {why}"),
        };
        Err((1, words))
    }

    pub(super) fn mkdir(&self, cmd: &Cmd, args: &[&str]) -> Answer {
        let ["-p", "--", path] = args else {
            panic!("no model of mkdir {args:?}");
        };
        let mut missing: Vec<String> = Vec::new();
        let mut here = (*path).to_owned();
        while !self.disk.exists(&here) {
            missing.push(here.clone());
            here = here.rsplit_once('/').unwrap().0.to_owned();
        }
        if let Some(first) = missing.last() {
            self.may_write(cmd, first)?;
        }
        for folder in missing.iter().rev() {
            let owner = self.caller(cmd);
            self.fuse
                .effect(|| self.disk.folder_as(folder, owner, 0o755));
        }
        Ok(String::new())
    }

    pub(super) fn rm(&self, cmd: &Cmd, args: &[&str]) -> Answer {
        let ["-rf" | "-f", "--", path] = args else {
            panic!("no model of rm {args:?}");
        };
        if self.disk.exists(path) {
            self.may_write(cmd, path)?;
            self.fuse.effect(|| self.disk.remove(path));
        }
        Ok(String::new())
    }

    /// `find TREE -type f ( -name … -o -name … ) ! -name … -delete -o -type d -name i18n* -empty -delete`.
    pub(super) fn find(&self, args: &[&str]) -> Answer {
        if let [tree, "!", "-type", "d", "-printf", "%P\\0"] = args {
            return self.find_files(tree);
        }
        if let ["/", "-xdev", "-uid", uid, "-print", "-quit"] = args {
            return Ok(self.find_owned(uid.parse().unwrap()));
        }
        let [
            tree,
            "-type",
            "f",
            "(",
            "-name",
            one,
            "-o",
            "-name",
            other,
            ")",
            but @ ..,
            "-delete",
            "-o",
            "-type",
            "d",
            "-name",
            "i18n*",
            "-empty",
            "-delete",
        ] = args
        else {
            panic!("no model of find {args:?}");
        };
        if !self.disk.exists(tree) {
            let words = format!("find: ‘{tree}’: No such file or directory");
            return Err((1, words));
        }
        let is = |name: &str, pattern: &str| match pattern.strip_prefix('*') {
            Some(end) => name.ends_with(end),
            None => name == pattern,
        };
        let but: Vec<&str> = but.chunks(3).map(|words| words[2]).collect();
        let goes = |name: &str| {
            [one, other].iter().any(|pattern| is(name, pattern))
                && !but.iter().any(|pattern| is(name, pattern))
        };
        let (mut found, mut folders) = (Vec::new(), Vec::new());
        let mut left = vec![(*tree).to_owned()];
        while let Some(folder) = left.pop() {
            for name in self.disk.list(&folder) {
                let path = format!("{folder}/{name}");
                if self.disk.at(&path).is_dir() {
                    if name.starts_with("i18n") {
                        folders.push(path.clone());
                    }
                    left.push(path);
                } else if goes(&name) {
                    found.push(path);
                }
            }
        }
        if !found.is_empty() {
            found.sort();
            let remove = |paths: &[String]| paths.iter().for_each(|path| self.disk.remove(path));
            let (first, rest) = found.split_at(found.len().div_ceil(2));
            self.fuse.halves(|| remove(first), |()| remove(rest));
        }
        folders.retain(|folder| self.disk.list(folder).is_empty());
        if !folders.is_empty() {
            self.fuse
                .effect(|| folders.iter().for_each(|folder| self.disk.remove(folder)));
        }
        Ok(String::new())
    }

    /// Files that belong to a user number.
    fn find_owned(&self, uid: u32) -> String {
        let mut left = vec![String::new()];
        while let Some(folder) = left.pop() {
            for name in self.disk.list(&format!("{folder}/")) {
                let path = format!("{folder}/{name}");
                if ["/dev", "/proc", "/run", "/sys"].contains(&path.as_str()) {
                    continue;
                }
                let meta = self.disk.at(&path).symlink_metadata().unwrap();
                if std::os::unix::fs::MetadataExt::uid(&meta) == uid {
                    return path + "\n";
                }
                if meta.is_dir() {
                    left.push(path);
                }
            }
        }
        String::new()
    }

    /// Everything below `tree` except folders.
    fn find_files(&self, tree: &str) -> Answer {
        let (mut found, mut left) = (String::new(), vec![String::new()]);
        while let Some(folder) = left.pop() {
            for name in self.disk.list(&format!("{tree}/{folder}")) {
                let path = format!("{folder}{name}");
                if self.disk.at(&format!("{tree}/{path}")).is_dir() {
                    left.push(path + "/");
                } else {
                    found += &(path + "\0");
                }
            }
        }
        Ok(found)
    }

    pub(super) fn mv(&self, cmd: &Cmd, args: &[&str]) -> Answer {
        if let ["-T", "--no-clobber", "--", from, to] = args {
            self.may_write(cmd, to)?;
            let place = |path: &str| self.disk.at(path);
            self.fuse
                .effect(|| std::fs::rename(place(from), place(to)).unwrap());
            return Ok(String::new());
        }
        let ["-fT", "--", from, to] = args else {
            panic!("no model of mv {args:?}");
        };
        self.may_write(cmd, to)?;
        if !self.disk.exists(from) {
            let words = format!("mv: cannot stat '{from}': No such file or directory");
            return Err((1, words));
        }
        let owner = self.caller(cmd);
        let text = self.disk.text(from);
        self.fuse.effect(|| {
            // the owner of `to` does not matter: the folder's permissions decide who may replace a name
            self.disk.remove(to);
            self.disk.put_as(to, text, owner, 0o644);
            self.disk.remove(from);
        });
        Ok(String::new())
    }

    pub(super) fn dd(&self, cmd: &Cmd, args: &[&str]) -> Answer {
        let [of, "conv=fsync", "status=none"] = args else {
            panic!("no model of dd {args:?}");
        };
        let path = of.strip_prefix("of=").expect("a file");
        self.may_write(cmd, path)?;
        let owner = self.caller(cmd);
        let bytes = cmd.stdin.clone().unwrap_or_default();
        self.fuse
            .effect(|| self.disk.put_as(path, bytes, owner, 0o644));
        Ok(String::new())
    }
}
