//! Values that a plan cannot know before some of its steps are done.

use std::fmt;

/// A value that is not known yet. A plan shows its marker instead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unknown {
    /// The commit of a branch, until git is installed and can be asked.
    Commit {
        /// The branch.
        branch: String,
    },
    /// The Python requirements of a series of Odoo, until its source is fetched.
    Requirements {
        /// The series.
        series: String,
    },
    /// The connections that PostgreSQL allows, until it is installed.
    Connections,
}

impl Unknown {
    /// The marker that replaces the value in texts. No value in `site.toml` can contain a marker.
    #[must_use]
    pub fn marker(&self) -> String {
        format!("‹{self}›")
    }
}

impl fmt::Display for Unknown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Commit { branch } => write!(f, "commit of {branch}"),
            Self::Requirements { series } => write!(f, "requirements of {series}"),
            Self::Connections => f.write_str("max_connections of PostgreSQL"),
        }
    }
}

/// Whether a text contains a marker.
pub(super) fn is_marked(text: &str) -> bool {
    text.contains('‹')
}
