//! Which program answers a call.

use odoo_deploy::host::Output;
use odoo_deploy::host::command::Cmd;

use super::{Answer, Model};

impl Model {
    /// The answer of a program, in trouble or not; `None` where it does not end.
    pub(super) fn answer(&self, cmd: &Cmd) -> Option<Output> {
        match self.fuse.call(cmd) {
            None => Some(self.well(cmd)),
            Some(trouble) => self.troubled(trouble, cmd),
        }
    }

    /// The answer of a program to which nothing happens.
    pub(super) fn well(&self, cmd: &Cmd) -> Output {
        let syncs = ["apt-get", "dpkg", "useradd", "usermod", "userdel"];
        let syncs = syncs.contains(&cmd.program.as_str()) || cmd.program.ends_with("/psql");
        self.disk.unsynced.program(syncs);
        let args: Vec<&str> = cmd.args.iter().map(String::as_str).collect();
        if let Some(user) = &cmd.user
            && self.account(user).is_none()
        {
            return complaint(1, &format!("{user}: no such user"));
        }
        let folder = cmd.folder.as_ref().map(|f| f.to_str().unwrap());
        if folder.is_some_and(|folder| !self.disk.exists(folder)) {
            return complaint(
                1,
                &format!("{}: no such folder", folder.unwrap_or_default()),
            );
        }
        let answer = match cmd.program.as_str() {
            "apt-get" => self.apt_get(&args),
            "dpkg" => self.dpkg(&args),
            "useradd" => self.useradd(&args),
            "usermod" => self.usermod(&args),
            "userdel" => self.userdel(&args),
            "systemctl" => self.systemctl(&args),
            "journalctl" => Ok(String::new()),
            "git" if !self.disk.exists("/usr/bin/git") => return missing(),
            "git" => self.git(cmd, &args),
            "mkdir" => self.mkdir(cmd, &args),
            "rm" => self.rm(cmd, &args),
            "dd" => self.dd(cmd, &args),
            "mv" => self.mv(cmd, &args),
            "GET" => self.get(args[0]),
            program if program.ends_with("/psql") => self.psql(cmd, &args),
            program if !self.disk.exists(program) => return missing(),
            program if program.contains("/bin/") => self.python(cmd, &args),
            program => panic!("no model of `{program}`"),
        };
        into_output(answer)
    }
}

fn into_output(answer: Answer) -> Output {
    match answer {
        Ok(stdout) => Output {
            code: Some(0),
            stdout,
            ..Output::default()
        },
        Err((code, words)) => complaint(code, &words),
    }
}

pub(super) fn complaint(code: i32, words: &str) -> Output {
    Output {
        code: Some(code),
        stderr: format!("{words}\n"),
        ..Output::default()
    }
}

pub(super) fn missing() -> Output {
    Output {
        code: Some(127),
        ..Output::default()
    }
}
