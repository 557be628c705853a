//! `render`.

use std::fmt::Write as _;

use crate::command::Ending;
use crate::command::args::Render;
use crate::command::session::{Session, refused, unplannable};
use crate::host::Host;
use crate::plan::blueprint::built_in;
use crate::resource::{AnyResource, File};

/// The files of the site, secrets masked; or a template, as it is built in.
pub(super) fn render(host: Host, asked: &Render) -> Result<String, Ending> {
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

/// A file with a line above it that says where it goes.
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
