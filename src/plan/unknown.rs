//! What a plan cannot know before some of its steps are done.

use std::fmt;

/// One thing that is not known yet. In a plan that is shown its marker stands for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unknown {
    /// The commit at which a branch of a repository is, until git is there to ask for it.
    Commit {
        /// The branch.
        branch: String,
    },
    /// The Python requirements of a series, until its source is there.
    Requirements {
        /// The series.
        series: String,
    },
    /// The connections that PostgreSQL allows, until it is there.
    Connections,
}

impl Unknown {
    /// What stands for it in a text. Nothing that an owner writes can contain it.
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

/// Whether something is not known in a text.
pub(super) fn is_marked(text: &str) -> bool {
    text.contains('‹')
}
