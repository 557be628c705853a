//! `render`.

use crate::cli::Render;
use crate::command::Ending;
use crate::command::session::{Session, refused, unplannable};
use crate::event::{Events, Outcome};
use crate::host::Host;
use crate::report;
use crate::resource::AnyResource;

/// Prints the files of the site, secrets masked.
pub(super) fn render(asked: &Render) -> Result<Ending, Ending> {
    let session = Session::open(Host::this(Events::silent()), &asked.site.config)?;
    let plan = session.blueprint.compile().map_err(unplannable)?;
    let files = plan.steps.iter().filter_map(|step| match &step.resource {
        AnyResource::File(file) => Some(file),
        _ => None,
    });
    let wanted: Vec<_> = files
        .filter(|file| asked.path.as_ref().is_none_or(|path| *path == file.path))
        .collect();
    if wanted.is_empty() {
        return Err(refused("the site has no file of that path"));
    }
    for file in wanted {
        if asked.path.is_none() {
            report::print(&format!(
                "# {} ({}:{} {})\n",
                file.path.display(),
                file.owner,
                file.group,
                file.mode
            ));
        }
        report::print(&file.content);
    }
    Ok(Ending::new(Outcome::Unchanged, 0))
}
