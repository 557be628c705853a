//! Python: virtual environments, pip, uv, and Odoo's launcher.

use odoo_deploy::host::command::Cmd;

use super::{Answer, Model};

impl Model {
    pub(super) fn python(&self, cmd: &Cmd, args: &[&str]) -> Answer {
        match args {
            ["-m", "venv", "--without-pip", path] => self.make_venv(cmd, path),
            ["-m", "compileall", "-q", "-j", "0", "-x", "/tests/", path] => {
                Ok(self.compile(cmd, path))
            }
            ["pip", "install", rest @ ..] => self.fill_venv(cmd, rest),
            [pip, "install", rest @ ..] if pip.ends_with(".whl/pip") => {
                if let Some(place) = rest.iter().position(|arg| *arg == "--target") {
                    self.get_uv(cmd, rest[place + 1])
                } else {
                    self.fill_venv(cmd, rest)
                }
            }
            ["-c", _] => self.imports(&cmd.program).map(|()| String::new()),
            [odoo, ..] if odoo.ends_with("/odoo-bin") && !self.disk.exists(odoo) => {
                Err((2, format!("can't open file '{odoo}'")))
            }
            [odoo, "--version"] if odoo.ends_with("/odoo-bin") => self
                .can_run(&cmd.program, odoo)
                .map(|()| "Odoo Server 19.0\n".into())
                .map_err(|why| (1, why)),
            [odoo, rest @ ..] if odoo.ends_with("/odoo-bin") => self.odoo(cmd, odoo, rest),
            _ => panic!("no model of {cmd}"),
        }
    }

    fn make_venv(&self, cmd: &Cmd, path: &str) -> Answer {
        self.may_write(cmd, path)?;
        let owner = self.caller(cmd);
        let python = cmd.program.as_str();
        self.fuse.halves(
            || self.disk.folder_as(&format!("{path}/bin"), owner, 0o755),
            |()| {
                self.disk.own(path, owner, 0o755);
                let name = python.rsplit('/').next().unwrap();
                let packages = format!("{path}/lib/{name}/site-packages");
                self.disk.folder_as(&packages, owner, 0o755);
                self.disk.link(&format!("{path}/bin/python"), python);
                let text = format!("home = {python}\n");
                self.disk
                    .put_as(&format!("{path}/pyvenv.cfg"), text, owner, 0o644);
            },
        );
        Ok(String::new())
    }

    /// Compiles the files in a folder. A missing folder is reported and is no error, as with `compileall`.
    fn compile(&self, cmd: &Cmd, path: &str) -> String {
        if !self.disk.exists(path) {
            return format!("Can't list '{path}'\n");
        }
        let owner = self.caller(cmd);
        let cache = format!("{path}/__pycache__");
        self.fuse.halves(
            || self.disk.folder_as(&cache, owner, 0o755),
            |()| {
                let code = format!("{cache}/release.cpython-311.pyc");
                self.disk.put_as(&code, "", owner, 0o644);
            },
        );
        String::new()
    }

    fn get_uv(&self, cmd: &Cmd, target: &str) -> Answer {
        self.may_write(cmd, target)?;
        let owner = self.caller(cmd);
        self.fuse.halves(
            || self.disk.folder_as(target, owner, 0o755),
            |()| {
                let uv = format!("{target}/bin/uv");
                self.disk.put_as(&uv, "", owner, 0o755);
            },
        );
        Ok(String::new())
    }

    fn fill_venv(&self, cmd: &Cmd, args: &[&str]) -> Answer {
        let after = |flag: &str| {
            let place = args.iter().position(|arg| *arg == flag)?;
            args.get(place + 1).copied()
        };
        let python = after("--python").unwrap_or(&cmd.program);
        let venv = python.strip_suffix("/bin/python").expect("a venv's python");
        let Some(requirements) = self.disk.bytes(after("-r").expect("requirements")) else {
            return Err(if cmd.program.ends_with("/uv") {
                (2, "error: File not found: ".into())
            } else {
                (1, "ERROR: Could not open requirements file: ".into())
            });
        };
        let packages = format!("{venv}/lib/site-packages");
        self.may_write(cmd, &format!("{venv}/lib"))?;
        let owner = self.caller(cmd);
        self.fuse.halves(
            || self.disk.folder_as(&packages, owner, 0o755),
            |()| {
                let installed = format!("{packages}/installed.txt");
                self.disk.put_as(&installed, requirements, owner, 0o644);
            },
        );
        Ok(String::new())
    }

    /// Whether the required packages can be imported.
    fn imports(&self, python: &str) -> Result<(), (i32, String)> {
        let venv = python.strip_suffix("/bin/python").expect("a venv's python");
        if self
            .disk
            .exists(&format!("{venv}/lib/site-packages/installed.txt"))
        {
            Ok(())
        } else {
            Err((1, "ModuleNotFoundError: No module named 'babel'".into()))
        }
    }

    /// Whether an interpreter can start this Odoo.
    pub(super) fn can_run(&self, python: &str, odoo: &str) -> Result<(), String> {
        for path in [python, odoo] {
            if !self.disk.exists(path) {
                return Err(format!("{path}: No such file or directory"));
            }
        }
        self.imports(python).map_err(|(_, words)| words)
    }
}
