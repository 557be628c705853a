//! The configurations of the tests, each in a temporary folder.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use odoo_deploy::odoo::distribution::Distribution;
use odoo_deploy::odoo::facts::Facts;
use odoo_deploy::odoo::release::Release;
use odoo_deploy::odoo::target::target;
use odoo_deploy::plan::Plan;
use odoo_deploy::plan::blueprint::{Blueprint, Error};
use odoo_deploy::site::Site;
use tempfile::TempDir;

use super::machine::LATER_COMMIT;

/// What may differ between two sites.
#[derive(Clone, Debug)]
#[allow(
    clippy::struct_excessive_bools,
    reason = "each is one thing that a site has or has not"
)]
pub struct SiteSpec {
    /// The number of worker processes.
    pub workers: u16,
    /// The modules.
    pub modules: Vec<&'static str>,
    /// Whether the site has add-ons.
    pub addons: bool,
    /// Whether nginx is in front of it.
    pub proxy: bool,
    /// Whether the site has the own steps that `docs/playbook.md` shows.
    pub own_steps: bool,
    /// The program that installs Python packages.
    pub installer: &'static str,
    /// The site's name: `odoo`, or the name of a second site on the same server.
    pub name: &'static str,
    /// Whether the site has a later commit of Odoo.
    pub later: bool,
    /// The languages besides English.
    pub languages: Vec<&'static str>,
    /// The database.
    pub database: &'static str,
}

impl Default for SiteSpec {
    fn default() -> Self {
        Self {
            workers: 2,
            modules: vec!["sale"],
            addons: true,
            proxy: false,
            own_steps: false,
            installer: "uv",
            name: "odoo",
            later: false,
            languages: Vec::new(),
            database: "odoo",
        }
    }
}

/// A site's configuration on disk.
pub struct SiteFile {
    folder: TempDir,
    name: &'static str,
}

impl SiteFile {
    /// Writes the configuration. The playbook beside it is the built-in one with shorter waits and fewer hash
    /// rounds.
    pub fn new(spec: &SiteSpec) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut text = format!(
            "[odoo]\nversion = \"19.0\"\nrepository = \"https://git.example.org/odoo.git\"\nmodules = {:?}\n\
             [wkhtmltopdf]\nbuild = \"patched\"\n[firewall]\nenabled = true\n[python]\ninstaller = \"{}\"\n[http]\nworkers = {}\n",
            spec.modules, spec.installer, spec.workers
        );
        if spec.name != "odoo" {
            text += "port = 8079\ngevent_port = 8082\n";
            writeln!(text, "[site]\nname = {:?}", spec.name).unwrap();
        }
        if spec.database != "odoo" {
            let database = format!("database = {:?}\nmodules", spec.database);
            text = text.replacen("modules", &database, 1);
        }
        if spec.later {
            let commit = format!("commit = {LATER_COMMIT:?}\nmodules");
            text = text.replacen("modules", &commit, 1);
        }
        if !spec.languages.is_empty() {
            let languages = format!("languages = {:?}\nmodules", spec.languages);
            text = text.replacen("modules", &languages, 1);
        }
        if spec.addons {
            writeln!(
                text,
                "[[addons]]\nname = \"web\"\nrepository = \"https://git.example.org/web.git\"\ntoken = {{ file = \"/etc/private.token\" }}"
            )
            .unwrap();
        }
        if spec.proxy {
            text += "[proxy]\n[site]\ndomain = \"erp.example.org\"\n";
        }
        fs::write(folder.path().join("site.toml"), text).unwrap();
        if spec.own_steps {
            fs::write(folder.path().join("extra.toml"), own_steps().concat()).unwrap();
        }
        fs::write(folder.path().join("odoo.toml"), quick_playbook()).unwrap();
        Self {
            folder,
            name: spec.name,
        }
    }

    /// The usual site, with a different virtual environment for each `number`.
    pub fn with_index(number: usize) -> Self {
        let file = Self::new(&SiteSpec::default());
        if number > 0 {
            let text = fs::read_to_string(file.path()).unwrap();
            let index = format!("[python]\nindex = \"https://pypi.example.org/{number}/simple\"\n");
            fs::write(file.path(), text.replace("[python]\n", &index)).unwrap();
        }
        file
    }

    /// The site's name.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Writes the configuration with other lines in `[proxy]`.
    pub fn with_proxy(lines: &str) -> Self {
        let spec = SiteSpec {
            proxy: true,
            ..SiteSpec::default()
        };
        let file = Self::new(&spec);
        let text = fs::read_to_string(file.path()).unwrap();
        let text = text.replace("[proxy]\n", &format!("[proxy]\n{lines}\n"));
        fs::write(file.path(), text).unwrap();
        file
    }

    /// The path of the configuration.
    pub fn path(&self) -> PathBuf {
        self.folder.path().join("site.toml")
    }
}

/// The built-in playbook with shorter waits and fewer hash rounds.
pub fn quick_playbook() -> String {
    include_str!("../../playbooks/odoo.toml")
        .replace("\"{{ release.admin_passwd.pbkdf2_rounds }}\"", "1")
        .replace("seconds = 2", "seconds = 0")
}

/// The plan of a site for a fresh Debian 12.
pub fn plan_of(site: Site) -> Plan {
    plan_beside(site, tempfile::tempdir().unwrap().path()).unwrap()
}

/// The plan of a site, with the files in `folder` in place of the built-in ones or added to them.
///
/// # Errors
/// If the plan cannot be made.
pub fn plan_beside(site: Site, folder: &Path) -> Result<Plan, Error> {
    let distribution = Distribution::of("debian", "12").unwrap();
    let release = target(Release::of(site.odoo.version), distribution).unwrap();
    let facts = Facts {
        distribution: Some(distribution),
        distribution_name: "Debian 12".into(),
        architecture: "amd64".into(),
        cores: 2,
        memory: 4096,
        systemd: true,
        network: true,
        ipv6: true,
    };
    Blueprint::new(site, release, facts, folder, BTreeMap::new())?.compile()
}

/// The examples of own steps in `docs/playbook.md`, each an `extra.toml`.
pub fn own_steps() -> Vec<String> {
    let page = include_str!("../../docs/playbook.md");
    let blocks = page.split("```toml-steps\n").skip(1);
    let ends = |block: &str| block.split("\n```").next().unwrap_or_default().to_owned();
    blocks.map(|block| ends(block) + "\n").collect()
}
