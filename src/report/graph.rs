//! A plan as a picture: its steps, and what each stands on. Only draws; knows nothing of a host.

mod layout;
mod mermaid;
mod svg;

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use crate::event::change::Action;

/// A step of the picture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// The step's name in the playbook.
    pub name: String,
    /// What is to be so: a path, a name.
    pub subject: String,
    /// The steps above that it stands on, by their place.
    pub needs: Vec<usize>,
    /// What becomes of it, where the host was looked at.
    pub action: Option<Action>,
}

/// Steps in the order of the work, with no need that follows from others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Graph {
    nodes: Vec<Node>,
}

impl Graph {
    /// Leaves out each need that another need has already: a picture of all of them cannot be read.
    #[must_use]
    pub fn new(mut nodes: Vec<Node>) -> Self {
        // all that each step stands on, directly or not
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

    /// As a flowchart in the language of Mermaid, which many forges and wikis draw.
    #[must_use]
    pub fn mermaid(&self) -> String {
        mermaid::draw(&self.nodes)
    }

    /// As an SVG of its own.
    #[must_use]
    pub fn svg(&self) -> String {
        svg::draw(&self.nodes)
    }
}

/// The name of an action as a class.
fn class(action: Action) -> &'static str {
    match action {
        Action::Create => "create",
        Action::Change => "change",
        Action::Remove => "remove",
        Action::Nothing => "unchanged",
    }
}

/// The classes with how a box of each is filled and framed.
const COLOURS: [(&str, &str, &str); 4] = [
    ("create", "#d9f2dd", "#2d7a41"),
    ("change", "#fff1cc", "#a06a00"),
    ("remove", "#fbdcdc", "#b02a2a"),
    ("unchanged", "#f2f2f2", "#8a8a8a"),
];
