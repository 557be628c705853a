//! Where boxes and lines are: layers by the longest path, in each an order by barycentre, and boxes
//! drawn towards what they are joined with (after Sugiyama). The same plan always is the same way.

use std::collections::BTreeMap;

use super::Node;

/// The height of a box, in pixels.
pub(super) const HEIGHT: i64 = 44;
/// How far apart layers are.
const LAYER: i64 = 56;
/// How far apart boxes of a layer are.
const GAP: i64 = 24;
/// What is free round the whole.
const MARGIN: i64 = 20;
/// How often layers are put in order, each time down and up again.
const ROUNDS: usize = 12;
/// Between two neighbours there is room for means.
const PLACE: i64 = 1024;

/// A box, or the bend of a line that passes a layer.
#[derive(Clone, Debug)]
pub(super) struct Cell {
    /// The step, where it is a box.
    pub(super) node: Option<usize>,
    pub(super) layer: usize,
    pub(super) left: i64,
    pub(super) top: i64,
    pub(super) width: i64,
    /// The cells of the layer above that it is joined with, and those of the layer below.
    pub(super) above: Vec<usize>,
    below: Vec<usize>,
    /// Its place in its layer.
    place: i64,
}

impl Cell {
    /// The middle, from left to right.
    pub(super) fn middle(&self) -> i64 {
        self.left + self.width / 2
    }
}

/// The picture's cells: first a box for each step, in order, then bends.
#[derive(Debug)]
pub(super) struct Layout {
    pub(super) cells: Vec<Cell>,
    pub(super) width: i64,
    pub(super) height: i64,
}

impl Layout {
    /// Lays out steps whose boxes are as wide as `width` says.
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

/// Towards which neighbours.
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

/// A box for each step, in the layer below all that it needs.
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

/// Joins each step with what it needs, by bends in the layers between. All lines that come from one
/// step share its bends: they part where they must.
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

/// The cells of each layer, in the order in which they came.
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

/// Puts a layer in order by the mean place of each cell's neighbours.
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

/// Moves the cells of a layer, in their order, to the middle of their neighbours.
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
    // who had to give way went to the right: half of that is taken back for all
    let astray = layer
        .iter()
        .zip(&wished)
        .map(|(index, wish)| wish - cells[*index].left);
    let back = mean(astray).unwrap_or(0);
    for index in layer {
        cells[*index].left += back;
    }
}

/// Puts each cell where it wishes to be, or right of the one before it.
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
