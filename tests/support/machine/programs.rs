//! Finds the model of the called program.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use nix::unistd::{setfsgid, setfsuid};
use odoo_deploy::host::Output;
use odoo_deploy::host::command::Cmd;

use super::{Answer, Model};

impl Model {
    /// Runs a program, in trouble or not. Returns `None` if it never ends.
    pub(super) fn answer(&self, cmd: &Cmd) -> Option<Output> {
        match self.fuse.call(cmd) {
            None => Some(self.well(cmd)),
            Some(trouble) => self.troubled(trouble, cmd),
        }
    }

    /// Runs a program that is not in trouble.
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
        let called = || self.call(cmd, &args);
        let mut output = into_output(match &cmd.user {
            // the server does the work for psql, not the caller
            Some(user) if !cmd.program.ends_with("/psql") => {
                as_account(self.account(user).expect("checked before"), called)
            }
            _ => called(),
        });
        if cmd.program.ends_with("openssl") && self.is_about_to_end(&args) {
            output.code = Some(1);
        }
        output
    }

    fn call(&self, cmd: &Cmd, args: &[&str]) -> Answer {
        match cmd.program.as_str() {
            "apt-get" => self.apt_get(args),
            "dpkg" => self.dpkg(args),
            "pg_dropcluster" => self.pg_dropcluster(args),
            "useradd" => self.useradd(args),
            "usermod" => self.usermod(args),
            "userdel" => self.userdel(args),
            "systemctl" => self.systemctl(args),
            "journalctl" => Ok(String::new()),
            "git" if !self.disk.exists("/usr/bin/git") => Err(MISSING),
            "git" => self.git(cmd, args),
            "/usr/lib/apt/apt-helper" => self.apt_helper(args),
            "dpkg-deb" => self.dpkg_deb(args),
            "nft" if !self.disk.exists("/usr/sbin/nft") => Err(MISSING),
            "nft" => self.nft(cmd, args),
            "systemd-run" => Ok(Self::systemd_run(args)),
            "mkdir" => self.mkdir(cmd, args),
            "rm" => self.rm(cmd, args),
            "dd" => self.dd(cmd, args),
            "find" => self.find(args),
            "mv" => self.mv(cmd, args),
            "GET" if cmd.stdin.is_some() => self.visit(cmd, false),
            "GET" => self.get(args[0]),
            "nginx" if !self.has_nginx() => Err(MISSING),
            "nginx" => self.nginx(args),
            "openssl" | "/usr/bin/openssl" if !self.disk.exists("/usr/bin/openssl") => Err(MISSING),
            "openssl" | "/usr/bin/openssl" => self.openssl(cmd, args),
            program if program.ends_with("/psql") => self.psql(cmd, args),
            "sh" => match args {
                ["-c", "\"$@\" | cat", "sh", program, rest @ ..]
                    if program.ends_with("/wkhtmltopdf") && self.disk.exists(program) =>
                {
                    Self::wkhtmltopdf(rest)
                }
                _ => panic!("no model of sh {args:?}"),
            },
            program if !self.disk.exists(program) => Err(MISSING),
            program if program.ends_with("/wkhtmltopdf") => Self::wkhtmltopdf(args),
            program if program.contains("/bin/") => self.python(cmd, args),
            program => panic!("no model of `{program}`"),
        }
    }
}

fn into_output(answer: Answer) -> Output {
    match answer {
        Ok(stdout) => Output {
            code: Some(0),
            stdout,
            ..Output::default()
        },
        Err((127, words)) if words.is_empty() => Output {
            code: Some(127),
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

/// The shell's answer if a program is missing.
const MISSING: (i32, String) = (127, String::new());

/// Runs `work` with an account's rights on the file system. If the kernel refuses a call, the real program
/// would fail too.
fn as_account((uid, gid): (u32, u32), work: impl FnOnce() -> Answer) -> Answer {
    let (own_gid, own_uid) = (setfsgid(gid.into()), setfsuid(uid.into()));
    let done = catch_unwind(AssertUnwindSafe(work));
    setfsuid(own_uid);
    setfsgid(own_gid);
    done.unwrap_or_else(|panic| match panic.downcast_ref::<String>() {
        Some(words) if words.contains("Os { code: ") => Err((1, words.clone())),
        _ => resume_unwind(panic),
    })
}

/// Runs `work` as root, even while a program runs as another account.
pub(super) fn as_root<T>(work: impl FnOnce() -> T) -> T {
    let (gid, uid) = (setfsgid(0.into()), setfsuid(0.into()));
    let done = work();
    setfsuid(uid);
    setfsgid(gid);
    done
}

pub(super) fn missing() -> Output {
    Output {
        code: Some(127),
        ..Output::default()
    }
}
