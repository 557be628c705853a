//! Computes the positions of boxes and lines, after Sugiyama: boxes are put in layers by the longest path, ordered
//! within a layer by barycentre, and moved towards their neighbours. The same plan always gets the same layout.

use std::collections::BTreeMap;

use super::Node;

/// The height of a box, in pixels.
pub(super) const HEIGHT: i64 = 44;
/// The distance between layers.
const LAYER: i64 = 56;
/// The distance between the boxes of a layer.
const GAP: i64 = 24;
/// The margin around the graph.
const MARGIN: i64 = 20;
/// How many times the layers are ordered, each time downwards and upwards.
const ROUNDS: usize = 12;
/// The distance between the places of two neighbours. A large number, so that mean places between them are distinct.
const PLACE: i64 = 1024;

/// A box, or the point at which a line passes a layer (a bend).
#[derive(Clone, Debug)]
pub(super) struct Cell {
    /// The step; `None` for a bend.
    pub(super) node: Option<usize>,
    pub(super) layer: usize,
    pub(super) left: i64,
    pub(super) top: i64,
    pub(super) width: i64,
    /// The connected cells in the layer above; `below` are those in the layer below.
    pub(super) above: Vec<usize>,
    below: Vec<usize>,
    /// Its place in its layer, in units of [`PLACE`].
    place: i64,
}

impl Cell {
    /// The horizontal centre.
    pub(super) fn middle(&self) -> i64 {
        self.left + self.width / 2
    }
}

/// The cells of the graph: first a box for each step, in order, then the bends.
#[derive(Debug)]
pub(super) struct Layout {
    pub(super) cells: Vec<Cell>,
    pub(super) width: i64,
    pub(super) height: i64,
}

impl Layout {
    /// Lays out steps. `width` returns the width of a step's box.
    pub(super) fn of(nodes: &[Node], width: impl Fn(&Node) -> i64) -> Self {
        let mut cells = boxes(nodes, width);
        join(&mut cells, nodes);
        let mut layers = layers(&mut cells);
        for _ in 0..ROUNDS {
            for layer in &mut layers {
                order(&mut cells, layer, Way::Down);
            }
            for layer in layers.iter_mut().rev() {
                order(&mut cells, layer, Way::Up);
            }
        }
        for layer in &layers {
            pack(&mut cells, layer, |cell| cell.left);
        }
        for _ in 0..ROUNDS {
            for layer in &layers {
                draw_near(&mut cells, layer, Way::Down);
            }
            for layer in layers.iter().rev() {
                draw_near(&mut cells, layer, Way::Up);
            }
        }
        let leftmost = cells.iter().map(|cell| cell.left).min().unwrap_or(0);
        for cell in &mut cells {
            cell.left += MARGIN - leftmost;
            cell.top = MARGIN + whole(cell.layer) * (HEIGHT + LAYER);
        }
        let right = cells.iter().map(|cell| cell.left + cell.width).max();
        let bottom = cells.iter().map(|cell| cell.top + HEIGHT).max();
        Self {
            cells,
            width: right.unwrap_or(0) + MARGIN,
            height: bottom.unwrap_or(0) + MARGIN,
        }
    }
}

/// The direction of a pass through the layers. It determines which neighbours count.
#[derive(Clone, Copy)]
enum Way {
    Down,
    Up,
}

fn neighbours(cell: &Cell, way: Way) -> &[usize] {
    match way {
        Way::Down => &cell.above,
        Way::Up => &cell.below,
    }
}

/// Makes a box for each step, in the layer below everything that the step needs.
fn boxes(nodes: &[Node], width: impl Fn(&Node) -> i64) -> Vec<Cell> {
    let mut cells: Vec<Cell> = Vec::with_capacity(nodes.len());
    for (place, node) in nodes.iter().enumerate() {
        let below = node.needs.iter().map(|need| cells[*need].layer + 1);
        let layer = below.max().unwrap_or(0);
        cells.push(cell(Some(place), layer, width(node)));
    }
    cells
}

fn cell(node: Option<usize>, layer: usize, width: i64) -> Cell {
    Cell {
        node,
        layer,
        width,
        left: 0,
        top: 0,
        above: Vec::new(),
        below: Vec::new(),
        place: 0,
    }
}

/// Connects each step with the steps that it needs, through bends in the layers between. All lines from one step
/// share their bends and separate as late as possible.
fn join(cells: &mut Vec<Cell>, nodes: &[Node]) {
    let mut bends: BTreeMap<(usize, usize), usize> = BTreeMap::new();
    for (place, node) in nodes.iter().enumerate() {
        for need in &node.needs {
            let mut upper = *need;
            for layer in cells[*need].layer + 1..cells[place].layer {
                upper = *bends.entry((*need, layer)).or_insert_with(|| {
                    let bend = cells.len();
                    cells.push(cell(None, layer, 0));
                    cells[upper].below.push(bend);
                    cells[bend].above.push(upper);
                    bend
                });
            }
            cells[upper].below.push(place);
            cells[place].above.push(upper);
        }
    }
}

/// The cells of each layer, in their original order.
fn layers(cells: &mut [Cell]) -> Vec<Vec<usize>> {
    let count = cells.iter().map(|cell| cell.layer + 1).max().unwrap_or(0);
    let mut layers = vec![Vec::new(); count];
    for (index, cell) in cells.iter_mut().enumerate() {
        let layer = &mut layers[cell.layer];
        cell.place = whole(layer.len()) * PLACE;
        layer.push(index);
    }
    layers
}

/// Orders the cells of a layer by the mean place of their neighbours.
fn order(cells: &mut [Cell], layer: &mut [usize], way: Way) {
    layer.sort_by_cached_key(|index| {
        let cell = &cells[*index];
        mean(
            neighbours(cell, way)
                .iter()
                .map(|other| cells[*other].place),
        )
        .unwrap_or(cell.place)
    });
    for (place, index) in (0..).zip(layer.iter()) {
        cells[*index].place = place * PLACE;
    }
}

/// Moves the cells of a layer towards the centre of their neighbours. The order of the cells stays.
fn draw_near(cells: &mut [Cell], layer: &[usize], way: Way) {
    let wished: Vec<i64> = layer
        .iter()
        .map(|index| {
            let cell = &cells[*index];
            let middles = neighbours(cell, way)
                .iter()
                .map(|other| cells[*other].middle());
            mean(middles).map_or(cell.left, |middle| middle - cell.width / 2)
        })
        .collect();
    let mut next = wished.iter();
    pack(cells, layer, |cell| {
        next.next().copied().unwrap_or(cell.left)
    });
    // cells can only have been pushed to the right: move all of them back by the mean distance
    let astray = layer
        .iter()
        .zip(&wished)
        .map(|(index, wish)| wish - cells[*index].left);
    let back = mean(astray).unwrap_or(0);
    for index in layer {
        cells[*index].left += back;
    }
}

/// Puts each cell at its wished position, or further right if the cell before it is in the way.
fn pack(cells: &mut [Cell], layer: &[usize], mut wish: impl FnMut(&Cell) -> i64) {
    let mut free = i64::MIN;
    for index in layer {
        let cell = &mut cells[*index];
        cell.left = wish(cell).max(free);
        free = cell.left + cell.width + GAP;
    }
}

fn mean(values: impl Iterator<Item = i64>) -> Option<i64> {
    let (sum, count) = values.fold((0, 0), |(sum, count), value| (sum + value, count + 1));
    (count > 0).then(|| sum / count)
}

pub(super) fn whole(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
