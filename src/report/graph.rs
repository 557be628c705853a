//! Draws a plan as a graph: its steps, and the steps that each step needs. Does not look at the host.

mod layout;
mod mermaid;
mod svg;

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use crate::event::change::Action;

/// A step in the graph.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// The step's name in the playbook.
    pub name: String,
    /// The subject of the step: a path, a name.
    pub subject: String,
    /// The positions of the steps that it needs, which are all above it.
    pub needs: Vec<usize>,
    /// What the step does; `None` if the host was not looked at.
    pub action: Option<Action>,
}

/// Steps in the order of the plan, without needs that follow from other needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Graph {
    nodes: Vec<Node>,
}

impl Graph {
    /// Makes a graph. A need that follows from other needs is left out, because a graph with all of them is
    /// unreadable.
    #[must_use]
    pub fn new(mut nodes: Vec<Node>) -> Self {
        // the direct and indirect needs of each step
        let mut stands_on: Vec<BTreeSet<usize>> = Vec::with_capacity(nodes.len());
        for node in &mut nodes {
            let above = |need: &usize| *need < stands_on.len();
            let needs: BTreeSet<usize> = node.needs.iter().copied().filter(above).collect();
            let follows = |need: &usize| needs.iter().any(|other| stands_on[*other].contains(need));
            node.needs = needs
                .iter()
                .copied()
                .filter(|need| !follows(need))
                .collect();
            let mut all = needs.clone();
            all.extend(needs.iter().flat_map(|need| &stands_on[*need]));
            stands_on.push(all);
        }
        Self { nodes }
    }

    /// The graph as a flowchart in Mermaid, which many forges and wikis can show.
    #[must_use]
    pub fn mermaid(&self) -> String {
        mermaid::draw(&self.nodes)
    }

    /// The graph as a self-contained SVG.
    #[must_use]
    pub fn svg(&self) -> String {
        svg::draw(&self.nodes)
    }
}

/// The class name of an action.
fn class(action: Action) -> &'static str {
    match action {
        Action::Create => "create",
        Action::Change => "change",
        Action::Remove => "remove",
        Action::Nothing => "unchanged",
    }
}

/// The classes, with the fill and the stroke of their boxes.
const COLOURS: [(&str, &str, &str); 4] = [
    ("create", "#d9f2dd", "#2d7a41"),
    ("change", "#fff1cc", "#a06a00"),
    ("remove", "#fbdcdc", "#b02a2a"),
    ("unchanged", "#f2f2f2", "#8a8a8a"),
];
