//! The plain tools that the builder uses: `mkdir`, `rm`, `dd`.

use odoo_deploy::host::command::Cmd;

use super::{Answer, Model};

impl Model {
    /// The numbers of the account that a call runs as.
    pub(super) fn caller(&self, cmd: &Cmd) -> (u32, u32) {
        let user = cmd.user.as_deref().unwrap_or("root");
        self.account(user).expect("checked before")
    }

    /// Refuses where the caller may not make entries in the folder of `path`.
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
        let ["-rf", "--", path] = args else {
            panic!("no model of rm {args:?}");
        };
        if self.disk.exists(path) {
            self.may_write(cmd, path)?;
            self.fuse.effect(|| self.disk.remove(path));
        }
        Ok(String::new())
    }

    pub(super) fn mv(&self, cmd: &Cmd, args: &[&str]) -> Answer {
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
            // whoever's it was: a name belongs to the folder
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
