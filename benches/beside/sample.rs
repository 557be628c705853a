//! Samples, and what is made of many.

use serde::{Deserialize, Serialize};

/// One run of one program.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Sample {
    /// Which program.
    pub(crate) who: String,
    /// What it did.
    pub(crate) what: String,
    /// Which of its runs it was, from 1.
    pub(crate) round: usize,
    #[serde(flatten)]
    pub(crate) cost: Cost,
}

/// What a run took: of the program and of all that it waited for.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Cost {
    /// Seconds on the wall.
    pub(crate) wall: f64,
    /// Seconds of processors, in programs.
    pub(crate) user: f64,
    /// Seconds of processors, in the kernel.
    pub(crate) system: f64,
    /// The memory of the largest process, in MiB.
    pub(crate) peak: f64,
}

/// Where so many in a hundred are below. `None` of nothing.
pub(crate) fn percentile(values: &[f64], hundredths: usize) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let rank = (sorted.len() * hundredths).div_ceil(100).max(1);
    sorted.get(rank - 1).copied()
}

/// The one in the middle, or between the two there.
pub(crate) fn median(values: &[f64]) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    let upper = *sorted.get(middle)?;
    Some(if sorted.len().is_multiple_of(2) {
        f64::midpoint(sorted[middle - 1], upper)
    } else {
        upper
    })
}

/// How steep it is from each point to the next: equal on a straight line.
pub(crate) fn slopes(points: &[(f64, f64)]) -> Vec<f64> {
    let steep = |pair: &[(f64, f64)]| (pair[1].1 - pair[0].1) / (pair[1].0 - pair[0].0);
    points.windows(2).map(steep).collect()
}
