#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

use std::collections::BTreeSet;
use std::io::Write as _;
use std::process::{Command, Stdio};

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;

use super::layout::Layout;
use super::{Graph, Node};
use crate::event::change::Action;

fn node(name: &str, subject: &str, needs: &[usize], action: Option<Action>) -> Node {
    Node {
        name: name.into(),
        subject: subject.into(),
        needs: needs.into(),
        action,
    }
}

fn small() -> Graph {
    Graph::new(vec![
        node("packages", "git and 7 more", &[], Some(Action::Change)),
        node("user", "odoo", &[], Some(Action::Nothing)),
        node("home", "/var/lib/odoo", &[1], Some(Action::Create)),
        node("conf", "/etc/\"<odoo>\".conf", &[0, 1, 2], None),
        node("service", "odoo.service", &[0, 1, 2, 3], None),
    ])
}

#[test]
fn a_small_plan_in_mermaid() {
    assert_eq!(
        small().mermaid(),
        "flowchart TD
    s0[\"packages<br/>git and 7 more\"]
    s1[\"user<br/>odoo\"]
    s2[\"home<br/>/var/lib/odoo\"]
    s3[\"conf<br/>/etc/#34;#60;odoo#62;#34;.conf\"]
    s4[\"service<br/>odoo.service\"]
    s1 --> s2
    s0 --> s3
    s2 --> s3
    s3 --> s4
    classDef create fill:#d9f2dd,stroke:#2d7a41,color:#000
    class s2 create
    classDef change fill:#fff1cc,stroke:#a06a00,color:#000
    class s0 change
    classDef unchanged fill:#f2f2f2,stroke:#8a8a8a,color:#000
    class s1 unchanged
"
    );
}

/// Random plans with any names; each step needs some of the steps above it.
fn plans() -> impl Strategy<Value = Vec<Node>> {
    let step = (
        any::<String>(),
        any::<String>(),
        vec(any::<prop::sample::Index>(), 0..5),
    );
    vec(step, 0..24).prop_map(|steps| {
        let steps = steps.into_iter().enumerate();
        let node = |(place, (name, subject, needs)): (
            usize,
            (String, String, Vec<prop::sample::Index>),
        )| {
            let above = needs.iter().filter(|_| place > 0);
            let needs: Vec<usize> = above.map(|need| need.index(place)).collect();
            node(&name, &subject, &needs, None)
        };
        steps.map(node).collect()
    })
}

/// The direct and indirect needs of each step.
fn reach(nodes: &[Node]) -> Vec<BTreeSet<usize>> {
    let mut all: Vec<BTreeSet<usize>> = Vec::new();
    for node in nodes {
        let mut found: BTreeSet<usize> = node.needs.iter().copied().collect();
        found.extend(node.needs.iter().flat_map(|need| all[*need].clone()));
        all.push(found);
    }
    all
}

proptest! {
    #[test]
    fn needs_that_are_left_out_follow_from_those_drawn(nodes in plans()) {
        let graph = Graph::new(nodes.clone());
        prop_assert_eq!(reach(&graph.nodes), reach(&nodes));
        let all = reach(&nodes);
        for node in &graph.nodes {
            for need in &node.needs {
                prop_assert!(node.needs.iter().all(|other| !all[*other].contains(need)));
            }
        }
    }

    #[test]
    fn every_step_is_drawn_once_and_every_line_goes_down(nodes in plans()) {
        let graph = Graph::new(nodes);
        let layout = Layout::of(&graph.nodes, |_| 100);
        let drawn: Vec<usize> = layout.cells.iter().filter_map(|cell| cell.node).collect();
        prop_assert_eq!(drawn, (0..graph.nodes.len()).collect::<Vec<_>>());
        for cell in &layout.cells {
            for above in &cell.above {
                prop_assert_eq!(layout.cells[*above].layer + 1, cell.layer);
            }
            prop_assert!(cell.left >= 0 && cell.left + cell.width <= layout.width);
        }
        for (place, node) in graph.nodes.iter().enumerate() {
            for need in &node.needs {
                let mut upper: BTreeSet<usize> = [place].into();
                while !upper.contains(need) {
                    upper = upper.iter().flat_map(|cell| layout.cells[*cell].above.clone()).collect();
                    prop_assert!(!upper.is_empty(), "no line from {need} to {place}");
                }
            }
        }
        let text = graph.mermaid();
        prop_assert_eq!(text.matches("<br/>").count(), graph.nodes.len());
        prop_assert_eq!(graph.svg(), graph.clone().svg());
    }

    #[test]
    fn boxes_of_a_layer_do_not_touch(nodes in plans()) {
        let layout = Layout::of(&Graph::new(nodes).nodes, |_| 100);
        let boxes = || layout.cells.iter().enumerate();
        for (at, one) in boxes() {
            for (_, other) in boxes().skip(at + 1).filter(|(_, other)| other.layer == one.layer) {
                let apart = one.left + one.width < other.left || other.left + other.width < one.left;
                prop_assert!(apart, "{one:?} {other:?}");
            }
        }
    }
}

/// Checks that a foreign XML parser accepts all `texts`, and finds the right number of boxes in each.
fn parse(texts: &[(String, usize)]) {
    let script = "import json, sys, xml.etree.ElementTree as tree\n\
        for text, steps in json.load(sys.stdin):\n    \
        root = tree.fromstring(text.encode())\n    \
        assert len(root.findall('{*}g')) == steps, text\n";
    let mut python = Command::new("python3")
        .args(["-c", script])
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    let input = serde_json::to_vec(texts).unwrap();
    python.stdin.take().unwrap().write_all(&input).unwrap();
    assert!(python.wait().unwrap().success());
}

#[test]
fn an_svg_is_valid_xml_with_any_names() {
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let mut texts = vec![(small().svg(), 5), (Graph::new(Vec::new()).svg(), 0)];
    for name in [
        "</text>",
        "a & b",
        "\"'<>&",
        "]]>",
        "\u{0}\u{1b}\u{ffff}",
        "&#0;",
    ] {
        texts.push((Graph::new(vec![node(name, name, &[], None)]).svg(), 1));
    }
    for _ in 0..100 {
        let nodes = plans().new_tree(&mut runner).unwrap().current();
        let count = nodes.len();
        texts.push((Graph::new(nodes).svg(), count));
    }
    parse(&texts);
}
