//! The contenders: programs that install Odoo, and the command line of each.

/// The folder of the contenders' files in a machine.
const FILES: &str = "/run/bench/contenders";
/// The folder of the contenders' programs in a machine.
const TOOLS: &str = "/run/bench/tools";

/// A contender.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Contender {
    Ours,
    Ansible,
    Pyinfra,
    Script,
    /// The script with only the packages that Odoo needs, instead of the usual long list.
    ShortScript,
}

impl Contender {
    /// All contenders, odoo-deploy first.
    pub(crate) const ALL: [Self; 5] = [
        Self::Ours,
        Self::Ansible,
        Self::Pyinfra,
        Self::Script,
        Self::ShortScript,
    ];

    /// Its name, in tables and in the name of its machine.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Ours => "odoo-deploy",
            Self::Ansible => "ansible",
            Self::Pyinfra => "pyinfra",
            Self::Script => "script",
            Self::ShortScript => "script-short",
        }
    }

    /// The shell command, the same for the first run and all others.
    pub(crate) fn line(self) -> String {
        match self {
            Self::Ours => {
                "/run/bench/odoo-deploy install --yes --config /srv/site/site.toml".into()
            }
            Self::Ansible => {
                format!("cd {FILES} && exec {TOOLS}/ansible/bin/ansible-playbook playbook.yml")
            }
            // pyinfra writes a log next to its deploy file
            Self::Pyinfra => format!(
                "mkdir -p /srv/pyinfra && cp {FILES}/deploy.py {FILES}/*.j2 /srv/pyinfra && \
                 cd /srv/pyinfra && exec {TOOLS}/pyinfra/bin/pyinfra -y @local deploy.py"
            ),
            Self::Script => format!("exec bash {FILES}/install.sh"),
            Self::ShortScript => format!("PACKAGES=minimal exec bash {FILES}/install.sh"),
        }
    }
}
