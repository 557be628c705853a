//! `graph`.

use clap::{Args, ValueEnum};

use crate::command::args::ForSite;
use crate::command::ending::{Refused, unplannable};
use crate::command::session::Session;
use crate::event::change::Change;
use crate::host::Host;
use crate::plan::{Plan, Step};
use crate::report::graph::{Graph, Node};

/// `graph`.
#[derive(Clone, Debug, Args)]
pub struct GraphOf {
    /// The site.
    #[command(flatten)]
    pub site: ForSite,
    /// In which language.
    #[arg(long, value_enum, default_value_t = Drawing::Mermaid, value_name = "LANGUAGE")]
    pub format: Drawing,
    /// Look at this server, and colour each step by what `install` would do.
    #[arg(long)]
    pub pending: bool,
}

/// The language of a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Drawing {
    /// A flowchart in text, which many forges and wikis draw.
    Mermaid,
    /// A picture for browsers.
    Svg,
}

/// Draws the plan. With `--pending`, also shows what `install` would do with each step.
pub(super) async fn graph(host: Host, asked: &GraphOf) -> Result<String, Refused> {
    let mut session = Session::open(host, &asked.site.config)?;
    let graph = if asked.pending {
        let (plan, observed) = session.observe().await?;
        picture(&plan, &observed.changes)
    } else {
        picture(&session.blueprint.compile().map_err(unplannable)?, &[])
    };
    Ok(match asked.format {
        Drawing::Mermaid => graph.mermaid(),
        Drawing::Svg => graph.svg(),
    })
}

fn picture(plan: &Plan, changes: &[Change]) -> Graph {
    let node = |(place, step): (usize, &Step)| Node {
        name: step.id.clone(),
        subject: step.resource.subject(),
        needs: step.needs.clone(),
        action: changes.get(place).map(Change::action),
    };
    Graph::new(plan.steps.iter().enumerate().map(node).collect())
}
