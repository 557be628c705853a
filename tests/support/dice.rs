//! Pseudo-random numbers, the same in every run.

/// A linear congruential generator, with the constants of Knuth's MMIX.
pub struct Dice(u64);

impl Dice {
    /// Creates dice with the given seed.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A number below `limit`.
    pub fn below(&mut self, limit: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        // the upper bits of a linear congruential generator are the more random ones
        usize::try_from(self.0 >> 33).unwrap() % limit
    }

    /// Picks an item of `all`.
    pub fn pick<'t, T>(&mut self, all: &'t [T]) -> &'t T {
        &all[self.below(all.len())]
    }
}
