//! `render`.

use std::fmt::Write as _;
use std::path::PathBuf;

use clap::Args;

use crate::command::args::ForSite;
use crate::command::ending::{Refused, refused, unplannable};
use crate::command::session::Session;
use crate::host::Host;
use crate::plan::blueprint::built_in;
use crate::resource::{AnyResource, File};

/// `render`.
#[derive(Clone, Debug, Args)]
pub struct Render {
    /// The site.
    #[command(flatten)]
    pub site: ForSite,
    /// Only the file at this path, as it is named on the server.
    #[arg(value_name = "PATH")]
    pub path: Option<PathBuf>,
    /// A template as it is built in, to begin one of your own with.
    #[arg(long, value_name = "NAME", conflicts_with = "path")]
    pub template: Option<String>,
}

/// Returns the files of the site with masked secrets, or a built-in template.
pub(super) fn render(host: Host, asked: &Render) -> Result<String, Refused> {
    if let Some(name) = &asked.template {
        return built_in(name).map(str::to_owned).map_err(refused);
    }
    let session = Session::open(host, &asked.site.config)?;
    let plan = session.blueprint.compile().map_err(unplannable)?;
    let files = plan.steps.iter().filter_map(|step| match &step.resource {
        AnyResource::File(file) => Some(file),
        _ => None,
    });
    let Some(path) = &asked.path else {
        return Ok(files.map(headed).collect());
    };
    let found = files.into_iter().find(|file| file.path == *path);
    let found =
        found.ok_or_else(|| refused(format!("the site has no file `{}`", path.display())))?;
    Ok(found.content.clone())
}

/// Returns the text of a file below a line with its path, owner and mode.
fn headed(file: &File) -> String {
    let mut text = String::new();
    let (path, owner, group) = (file.path.display(), &file.owner, &file.group);
    // writing into memory does not fail
    let _ = writeln!(
        text,
        "# {path} ({owner}:{group} {})\n{}",
        file.mode, file.content
    );
    text
}
