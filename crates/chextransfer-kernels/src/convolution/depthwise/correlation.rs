//! Sums over the taps of a kernel, and the sums that are its gradient.

use pulp::{Arch, Simd, WithSimd};

use super::super::Clamp;
use crate::simd::LANES;

/// `into[row, p] = sum over taps of weight * values[row * pitch + p + offset]`.
pub(super) struct Correlation<'a> {
    /// With at least a vector more than the last row sees.
    pub(super) values: &'a [f32],
    /// Values between two rows.
    pub(super) pitch: usize,
    /// Of each tap.
    pub(super) offsets: &'a [usize],
    /// Of each tap.
    pub(super) weights: &'a [f32],
    /// What happens to each sum.
    pub(super) finish: Option<Clamp>,
    /// Of each row.
    pub(super) width: usize,
    pub(super) into: &'a mut [f32],
}

impl Correlation<'_> {
    pub(super) fn compute(self) {
        Arch::new().dispatch(self);
    }
}

impl WithSimd for Correlation<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        simd.vectorize(
            #[inline(always)]
            || match (self.offsets.len(), self.weights.len()) {
                (9, 9) => self.of_taps::<S, 9>(simd),
                (25, 25) => self.of_taps::<S, 25>(simd),
                _ => self.of_taps::<S, 0>(simd),
            },
        );
    }
}

impl Correlation<'_> {
    /// With the number of taps known to the compiler, or 0 if it is not.
    #[inline(always)]
    fn of_taps<S: Simd, const TAPS: usize>(mut self, simd: S) {
        let taps = if TAPS > 0 { TAPS } else { self.offsets.len() };
        (self.offsets, self.weights) = (&self.offsets[..taps], &self.weights[..taps]);
        let rows = self.into.len() / self.width;
        let mut row = 0;
        while row < rows {
            // Short rows by twos and fours, so that there are sums enough at once.
            row += match (self.width.div_ceil(S::F32_LANES), rows - row) {
                (1, 4..) => self.vectors::<S, 4, 1>(simd, row, 0),
                (2, 2..) => self.vectors::<S, 2, 2>(simd, row, 0),
                (vectors, _) => {
                    for first in (0..vectors).step_by(4) {
                        match vectors - first {
                            1 => self.vectors::<S, 1, 1>(simd, row, first),
                            2 => self.vectors::<S, 1, 2>(simd, row, first),
                            3 => self.vectors::<S, 1, 3>(simd, row, first),
                            _ => self.vectors::<S, 1, 4>(simd, row, first),
                        };
                    }
                    1
                }
            };
        }
    }

    /// Some vectors of some rows, and how many rows these are. The last vector may reach into the row behind, which is written
    /// later.
    #[inline(always)]
    fn vectors<S: Simd, const ROWS: usize, const VECTORS: usize>(
        &mut self,
        simd: S,
        row: usize,
        first: usize,
    ) -> usize {
        let (column, count) = (first * S::F32_LANES, VECTORS * S::F32_LANES);
        let values = &self.values[row * self.pitch + column..];
        let mut sums = [[simd.splat_f32s(0.0); VECTORS]; ROWS];
        for (&offset, &weight) in self.offsets.iter().zip(self.weights) {
            let weight = simd.splat_f32s(weight);
            for (row, sums) in sums.iter_mut().enumerate() {
                let seen = &values[row * self.pitch + offset..][..count];
                let (seen, _) = S::as_simd_f32s(seen);
                for (sum, &seen) in sums.iter_mut().zip(seen) {
                    *sum = simd.mul_add_e_f32s(weight, seen, *sum);
                }
            }
        }
        for (row, mut sums) in (row..).zip(sums) {
            if let Some(clamp) = self.finish {
                for sum in &mut sums {
                    *sum = clamp.apply(simd, *sum);
                }
            }
            let into = &mut self.into[row * self.width + column..];
            if let Some(into) = into.get_mut(..count) {
                let (into, _) = S::as_mut_simd_f32s(into);
                into.copy_from_slice(&sums);
            } else {
                for (into, sum) in into.chunks_mut(S::F32_LANES).zip(sums) {
                    simd.partial_store_f32s(into, sum);
                }
            }
        }
        ROWS
    }
}

/// Adds `sum over p of given[p] * values[p + offset]` for every offset of a kernel's row.
pub(super) struct Products<'a> {
    pub(super) values: &'a [f32],
    /// Whole groups of lanes.
    pub(super) given: &'a [f32],
    pub(super) offsets: &'a [usize],
    pub(super) sums: &'a mut [f64],
}

impl Products<'_> {
    pub(super) fn add(self) {
        Arch::new().dispatch(self);
    }
}

impl WithSimd for Products<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        simd.vectorize(
            #[inline(always)]
            || match S::F32_LANES {
                16 => self.of_width::<S, 1>(simd),
                8 => self.of_width::<S, 2>(simd),
                4 => self.of_width::<S, 4>(simd),
                _ => self.of_width::<S, LANES>(simd),
            },
        );
    }
}

impl Products<'_> {
    #[inline(always)]
    fn of_width<S: Simd, const VECTORS: usize>(mut self, simd: S) {
        while !self.offsets.is_empty() {
            let taps = match self.offsets.len() {
                0..3 => self.of_taps::<S, VECTORS, 1>(simd),
                3 => self.of_taps::<S, VECTORS, 3>(simd),
                4 => self.of_taps::<S, VECTORS, 1>(simd),
                _ => self.of_taps::<S, VECTORS, 5>(simd),
            };
            self.offsets = &self.offsets[taps..];
            self.sums = &mut self.sums[taps..];
        }
    }

    /// The first taps, and how many these are.
    #[inline(always)]
    fn of_taps<S: Simd, const VECTORS: usize, const TAPS: usize>(&mut self, simd: S) -> usize {
        let mut lanes = [[simd.splat_f32s(0.0); VECTORS]; TAPS];
        let offsets = &self.offsets[..TAPS];
        for (index, given) in self.given.chunks_exact(LANES).enumerate() {
            let (given, _) = S::as_simd_f32s(given);
            let values = &self.values[index * LANES..];
            for (lanes, &offset) in lanes.iter_mut().zip(offsets) {
                let (seen, _) = S::as_simd_f32s(&values[offset..offset + LANES]);
                for ((lane, &given), &seen) in lanes.iter_mut().zip(given).zip(seen) {
                    *lane = simd.mul_add_e_f32s(given, seen, *lane);
                }
            }
        }
        for (sum, lanes) in self.sums.iter_mut().zip(lanes) {
            for lane in lanes {
                *sum += f64::from(simd.reduce_sum_f32s(lane));
            }
        }
        TAPS
    }
}
