//! Who does the job, and by which command.

/// Where the contenders' files are in a machine.
const FILES: &str = "/run/bench/contenders";
/// Where their programs are.
const TOOLS: &str = "/run/bench/tools";

/// One that does the job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Contender {
    Ours,
    Ansible,
    Pyinfra,
    Script,
    /// The script with the packages that Odoo needs alone, instead of the list that scripts have.
    ShortScript,
}

impl Contender {
    /// All, ours first.
    pub(crate) const ALL: [Self; 5] = [
        Self::Ours,
        Self::Ansible,
        Self::Pyinfra,
        Self::Script,
        Self::ShortScript,
    ];

    /// Its name, in tables and of its machine.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Ours => "odoo-deploy",
            Self::Ansible => "ansible",
            Self::Pyinfra => "pyinfra",
            Self::Script => "script",
            Self::ShortScript => "script-short",
        }
    }

    /// What is typed, in a shell; the same for the first time and for every other.
    pub(crate) fn line(self) -> String {
        match self {
            Self::Ours => {
                "/run/bench/odoo-deploy install --yes --config /srv/site/site.toml".into()
            }
            Self::Ansible => {
                format!("cd {FILES} && exec {TOOLS}/ansible/bin/ansible-playbook playbook.yml")
            }
            // it writes a log beside its deploy
            Self::Pyinfra => format!(
                "mkdir -p /srv/pyinfra && cp {FILES}/deploy.py {FILES}/*.j2 /srv/pyinfra && \
                 cd /srv/pyinfra && exec {TOOLS}/pyinfra/bin/pyinfra -y @local deploy.py"
            ),
            Self::Script => format!("exec bash {FILES}/install.sh"),
            Self::ShortScript => format!("PACKAGES=minimal exec bash {FILES}/install.sh"),
        }
    }
}
