//! `graph`.

use crate::command::Ending;
use crate::command::args::{Drawing, GraphOf};
use crate::command::session::{Session, unplannable};
use crate::event::change::Change;
use crate::host::Host;
use crate::plan::{Plan, Step};
use crate::report::graph::{Graph, Node};

/// The plan as a picture; with what would become of each step, where that is asked for.
pub(super) async fn graph(host: Host, asked: &GraphOf) -> Result<String, Ending> {
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
