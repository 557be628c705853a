//! Samples, and their statistics.

use serde::{Deserialize, Serialize};

/// One run of one program.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Sample {
    /// The contender.
    pub(crate) who: String,
    /// The job.
    pub(crate) what: String,
    /// The number of the run, from 1.
    pub(crate) round: usize,
    #[serde(flatten)]
    pub(crate) cost: Cost,
}

/// The cost of a run: of the program and of all processes that it waited for.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Cost {
    /// Wall-clock seconds.
    pub(crate) wall: f64,
    /// Processor seconds in user mode.
    pub(crate) user: f64,
    /// Processor seconds in the kernel.
    pub(crate) system: f64,
    /// The memory of its largest process, in MiB.
    pub(crate) peak: f64,
}

/// A percentile. `None` if there are no values.
pub(crate) fn percentile(values: &[f64], hundredths: usize) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let rank = (sorted.len() * hundredths).div_ceil(100).max(1);
    sorted.get(rank - 1).copied()
}

/// The median.
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

/// The slopes between neighbouring points; all are equal on a straight line.
pub(crate) fn slopes(points: &[(f64, f64)]) -> Vec<f64> {
    let steep = |pair: &[(f64, f64)]| (pair[1].1 - pair[0].1) / (pair[1].0 - pair[0].0);
    points.windows(2).map(steep).collect()
}
