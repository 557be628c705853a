//! The section `[python]`.

use super::net::Index;
use super::place::Folder;
use super::section::section;
use super::setting::{choice, none_of};

section! {
    /// How Odoo's Python environment is built.
    pub struct Python from Written in "[python]" {
        /// The program that installs Python packages.
        installer: Installer = Installer::Uv,
        /// A package index, for instance a mirror, instead of PyPI. The address holds no credentials: they go to
        /// `/root/.netrc`.
        index: Option<Index>,
        /// A folder of wheels on the server, for a server without a network. With it, no index is asked.
        wheels: Option<Folder>,
    }
}

choice! {
    /// The program that builds the Python environment.
    Installer, "an installer", none_of {
        /// [uv](https://docs.astral.sh/uv/).
        Uv = "uv",
        /// The pip of the environment itself.
        Pip = "pip",
    }
}
