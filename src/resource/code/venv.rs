//! A Python virtual environment, at a path that contains the digest of its content.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::gate;
use crate::host::command::Cmd;
use crate::host::{Error, Host, Ownership, Result, layout};
use crate::resource::{Footprint, Moved, Resource};

/// The folder in which Debian and Ubuntu keep the wheel of pip from `python3-venv`.
const WHEELS: &str = "/usr/share/python-wheels";

/// The folder of the files that the builder reads during a build.
const SCRATCH: &str = layout::RUN;

/// The certificates that the host trusts, which may include those of a company.
const CERTIFICATES: &str = "/etc/ssl/certs/ca-certificates.crt";

/// The requirement for uv: the next major version may change its options.
const UV: &str = "uv<1";

/// The file that marks a complete environment; written last.
const MARKER: &str = ".odoo-deploy-complete";

/// Which program installs into it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Installer {
    /// uv, fetched from the same index as the requirements.
    Uv,
    /// The distribution's pip.
    Pip,
}

/// A Python virtual environment with what Odoo and its add-ons require.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Venv {
    /// The folder of the environment; its name is the digest of what is in it.
    pub path: PathBuf,
    /// The interpreter.
    pub python: PathBuf,
    /// The program that installs.
    pub installer: Installer,
    /// The requirements, in the form of a requirements file.
    pub requirements: String,
    /// The versions to which builds from source are held, in the same form.
    #[serde(default)]
    pub build_constraints: Vec<String>,
    /// The package index instead of PyPI.
    #[serde(default)]
    pub index: Option<String>,
    /// A folder of wheels. If it is given, no network is used.
    #[serde(default)]
    pub wheels: Option<PathBuf>,
    /// Python statements. Each must run before the environment counts as built.
    #[serde(default)]
    pub probes: Vec<String>,
    /// The folder of the Odoo that must be importable.
    pub odoo: PathBuf,
    /// The link to the Odoo that runs; whatever runs in the environment can import it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub current: Option<PathBuf>,
    /// The account that builds: neither root nor the account of the service.
    pub builder: String,
    /// The name of the site. It marks the processes that this step starts, so that a later run finds those of a killed
    /// one.
    pub site: String,
}

/// The content of the environment, according to its marker.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    content: String,
}

impl Venv {
    fn content(&self) -> String {
        self.path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned()
    }

    fn bin(&self, program: &str) -> String {
        self.path.join("bin").join(program).display().to_string()
    }

    fn tools(&self) -> PathBuf {
        self.path.join(".tools")
    }

    fn scratch(&self) -> PathBuf {
        Path::new(SCRATCH).join(format!("{}-venv", self.site))
    }

    fn as_builder(&self, host: &Host, program: impl Into<String>) -> Cmd {
        let home = self.tools().display().to_string();
        let constraints = self
            .scratch()
            .join("build-constraints.txt")
            .display()
            .to_string();
        let mut cmd = Cmd::new(program)
            .user(&self.builder)
            .folder(self.path.parent().unwrap_or(Path::new("/")))
            .env("HOME", &home)
            .env("TMPDIR", &home)
            .env("PIP_DISABLE_PIP_VERSION_CHECK", "1")
            .env("PIP_NO_INPUT", "1")
            // the owner may have set in `/etc/pip.conf` where pip installs
            .env("PIP_REQUIRE_VIRTUALENV", "0")
            .env("PIP_USER", "0")
            .env("PIP_CONSTRAINT", &constraints)
            .env("PIP_BUILD_CONSTRAINT", &constraints)
            .env("UV_BUILD_CONSTRAINT", &constraints)
            .env("UV_NO_CONFIG", "1")
            .env("UV_NO_PROGRESS", "1")
            .env("UV_PYTHON_DOWNLOADS", "never")
            .env("UV_LINK_MODE", "copy")
            // use the server's certificates, with uv before and since 0.11; as a flag, the old name would be an error
            // now
            .env("UV_NATIVE_TLS", "true")
            .env("UV_SYSTEM_CERTS", "true")
            .killable(&self.site)
            .contained()
            .deadline(3600);
        if host.path(Path::new(CERTIFICATES)).exists() {
            cmd = cmd
                .env("SSL_CERT_FILE", CERTIFICATES)
                .env("PIP_CERT", CERTIFICATES);
        }
        cmd
    }

    /// The options that select the sources of packages, the same for both installers.
    fn sources(&self) -> Vec<String> {
        let mut options = Vec::new();
        if let Some(index) = &self.index {
            options.extend(["--index-url".to_owned(), index.clone()]);
        }
        if let Some(wheels) = &self.wheels {
            options.extend([
                "--no-index".to_owned(),
                "--find-links".to_owned(),
                wheels.display().to_string(),
            ]);
        }
        options
    }

    /// The distribution's pip, run directly from the wheel of `python3-venv`. Installing pip into the environment
    /// first would take seconds and leave it there.
    fn pip(&self, host: &Host) -> Result<Cmd> {
        let wheels = host.list(Path::new(WHEELS))?;
        let wheel = wheels.iter().find(|name| name.starts_with("pip-"));
        let wheel = wheel.ok_or_else(|| Error::Missing {
            program: "python3-venv".into(),
        })?;
        let pip = Path::new(WHEELS)
            .join(wheel)
            .join("pip")
            .display()
            .to_string();
        Ok(self
            .as_builder(host, self.python.display().to_string())
            .arg(pip))
    }

    async fn install(&self, host: &Host) -> Result<()> {
        let requirements = self
            .scratch()
            .join("requirements.txt")
            .display()
            .to_string();
        let install = match self.installer {
            Installer::Pip => {
                // run by the environment's own Python: pip has `--python` since 22.3, and Ubuntu 22.04 has pip 22.0
                let mut pip =
                    self.pip(host)?
                        .args(["install", "--quiet", "--no-warn-script-location"]);
                pip.program = self.bin("python");
                pip.args(self.sources()).args(["-r", &requirements])
            }
            Installer::Uv => {
                let tools = self.tools().join("uv").display().to_string();
                let get =
                    self.pip(host)?
                        .args(["install", "--quiet", "--no-deps", "--target", &tools]);
                host.run(&get.args(self.sources()).arg(UV).log("uv"))
                    .await?;
                let python = self.bin("python");
                self.as_builder(host, format!("{tools}/bin/uv"))
                    .args([
                        "pip",
                        "install",
                        "--quiet",
                        "--compile-bytecode",
                        "--python",
                        &python,
                    ])
                    .args(self.sources())
                    .args(["-r", &requirements])
            }
        };
        host.run(&install.log("requirements")).await?;
        Ok(())
    }

    async fn probe(&self, host: &Host) -> Result<()> {
        let odoo = self.odoo.join("odoo-bin").display().to_string();
        let python = |home: PathBuf| {
            let cmd = self
                .as_builder(host, self.bin("python"))
                .env("HOME", home.display().to_string());
            cmd.env("PYTHONDONTWRITEBYTECODE", "1")
                .folder(&self.odoo)
                .deadline(300)
        };
        host.run(&python(self.tools()).args([odoo.as_str(), "--version"]))
            .await?;
        if !self.probes.is_empty() {
            host.run(&python(self.tools()).args(["-c", &self.probes.join("\n")]))
                .await?;
        }
        Ok(())
    }

    /// Makes `import odoo` work in the environment: Odoo is started by its path and not installed, but tools that run
    /// beside it import it. Odoo's own requirements take precedence. The path in this file is the same in every
    /// environment of the site, so it is not part of the digest.
    async fn lead_to_odoo(&self, host: &Host) -> Result<()> {
        let (Some(current), Some(python)) = (&self.current, self.python.file_name()) else {
            return Ok(());
        };
        let packages = self.path.join("lib").join(python).join("site-packages");
        let file = packages.join("odoo-deploy.pth").display().to_string();
        let write = self.as_builder(host, "dd").args([
            format!("of={file}"),
            "conv=fsync".into(),
            "status=none".into(),
        ]);
        let line = format!("{}\n", current.display());
        host.run(&write.stdin(line.clone())).await?;
        // `dd` may exit with 0 and have written nothing, which only a program that imports Odoo would notice
        if host.text(Path::new(&file))?.as_deref() != Some(&line) {
            return Err(Error::impossible(format!(
                "`dd` ended well and did not write `{file}`"
            )));
        }
        Ok(())
    }

    async fn build(&self, host: &Host) -> Result<()> {
        let run = Path::new(SCRATCH);
        for folder in [run, &self.scratch()] {
            host.ensure_folder(folder, Ownership::root(0o755))?;
        }
        let hand = |name: &str, text: &str| {
            host.write(
                &self.scratch().join(name),
                text.as_bytes(),
                Ownership::root(0o644),
            )
        };
        hand("requirements.txt", &self.requirements)?;
        hand(
            "build-constraints.txt",
            &(self.build_constraints.join("\n") + "\n"),
        )?;
        let path = self.path.display().to_string();
        let make = self.as_builder(host, self.python.display().to_string());
        host.run(&make.args(["-m", "venv", "--without-pip", &path]))
            .await?;
        let tools = self.tools().display().to_string();
        host.run(&self.as_builder(host, "mkdir").args(["-p", "--", &tools]))
            .await?;
        self.install(host).await?;
        self.probe(host).await?;
        self.lead_to_odoo(host).await?;
        let remove = gate::remove_tools(host, &self.tools())?;
        let call = self
            .as_builder(host, remove.program.clone())
            .args(&remove.args);
        host.run(&call).await?;
        if host.meta(&self.tools())?.is_some() {
            return Err(Error::impossible(format!(
                "`rm` ended well and did not remove `{tools}`"
            )));
        }
        // before the marker, because a run that finds the marker looks for nothing else
        gate::remove_record(host, &self.scratch())?;
        host.sync(&self.path)?;
        gate::note_tree(host, &self.path, &self.path)?;
        let marker = self.path.join(MARKER).display().to_string();
        let mark = self.as_builder(host, "dd").args([
            format!("of={marker}"),
            "conv=fsync".into(),
            "status=none".into(),
        ]);
        host.run(&mark.stdin(self.content() + "\n")).await?;
        host.sync_folder(&self.path)
    }
}

impl Resource for Venv {
    type State = State;

    fn footprint(&self, from: Option<&State>) -> Vec<Footprint> {
        if from.is_some() {
            return Vec::new();
        }
        vec![Footprint::new(&self.path, 600, 20).that_runs()]
    }

    fn needs_network(&self) -> bool {
        self.wheels.is_none()
    }

    fn subject(&self) -> String {
        self.path.display().to_string()
    }

    async fn read(&self, host: &Host) -> Result<Option<State>> {
        let marker = host.text(&self.path.join(MARKER))?;
        Ok(marker.map(|text| State {
            content: text.trim().to_owned(),
        }))
    }

    fn want(&self, _now: Option<&State>) -> Option<State> {
        Some(State {
            content: self.content(),
        })
    }

    async fn set(&self, host: &Host, from: Option<&State>, to: Option<&State>) -> Result<Moved> {
        if from == to && from.is_some() {
            return Ok(Moved::Applied);
        }
        gate::clear_partial(host, &self.path)?;
        gate::take_tree_away(host, &self.path, from.is_some())?;
        gate::remove_record(host, &self.scratch())?;
        if to.is_some() {
            gate::begin_tree(host, &self.path)?;
            self.build(host).await?;
        }
        Ok(Moved::Applied)
    }

    fn summary(&self, from: Option<&State>, to: Option<&State>) -> String {
        if from == to {
            return String::new();
        }
        let installer = match self.installer {
            Installer::Uv => "uv",
            Installer::Pip => "pip",
        };
        let lines = self.requirements.lines();
        let count = lines.filter(|line| !line.trim().is_empty()).count();
        let python = self.python.display();
        if self.content().contains('‹') {
            return format!("{python}, by {installer}; what it needs is known with the source");
        }
        format!("{python} with {count} requirements, by {installer}")
    }
}
