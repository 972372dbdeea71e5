//! Sums over the taps of kernels, for eight channels at once.

use pulp::{Simd, WithSimd};

use super::super::epilogue::GroupClamp;
use super::CHANNELS;
use crate::simd::on_eight;

/// `into[p] = sum over taps of weight * values[step p + offset]` for rows of places, each with the values of a group of channels.
pub(super) struct Correlation<'a> {
    pub(super) values: &'a [[f32; CHANNELS]],
    /// Places of `values` from one result to the next, in a column and in a row.
    pub(super) step: [usize; 2],
    /// Of each tap, in places.
    pub(super) offsets: &'a [usize],
    /// Of each tap.
    pub(super) weights: &'a [[f32; CHANNELS]],
    /// What happens to each sum.
    pub(super) finish: Option<GroupClamp>,
    /// Rows and columns of results.
    pub(super) results: [usize; 2],
    pub(super) into: &'a mut [[f32; CHANNELS]],
    /// Places of `into` from one result to the next, in a column and in a row.
    pub(super) into_step: [usize; 2],
}

/// Places whose sums are in registers at once.
const MOST: usize = 8;

impl Correlation<'_> {
    pub(super) fn compute(self) {
        on_eight(self);
    }
}

impl WithSimd for Correlation<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        simd.vectorize(
            #[inline(always)]
            || match CHANNELS / S::F32_LANES {
                1 => self.of_vectors::<S, 1>(simd),
                2 => self.of_vectors::<S, 2>(simd),
                _ => self.of_vectors::<S, 8>(simd),
            },
        );
    }
}

impl Correlation<'_> {
    #[inline(always)]
    fn of_vectors<S: Simd, const VECTORS: usize>(self, simd: S) {
        match self.step[1] {
            1 => self.of_step::<S, VECTORS, 1>(simd),
            2 => self.of_step::<S, VECTORS, 2>(simd),
            _ => self.of_places::<S, VECTORS, 0, 1>(simd),
        }
    }

    #[inline(always)]
    fn of_step<S: Simd, const VECTORS: usize, const STEP: usize>(self, simd: S) {
        let [_, width] = self.results;
        let places = match width {
            0..=MOST => width,
            _ => (MOST / 2 + 1..=MOST)
                .rev()
                .min_by_key(|places| width.next_multiple_of(*places))
                .unwrap_or(MOST),
        };
        match places {
            8 => self.of_places::<S, VECTORS, STEP, 8>(simd),
            7 => self.of_places::<S, VECTORS, STEP, 7>(simd),
            6 => self.of_places::<S, VECTORS, STEP, 6>(simd),
            5 => self.of_places::<S, VECTORS, STEP, 5>(simd),
            4 => self.of_places::<S, VECTORS, STEP, 4>(simd),
            3 => self.of_places::<S, VECTORS, STEP, 3>(simd),
            2 => self.of_places::<S, VECTORS, STEP, 2>(simd),
            _ => self.of_places::<S, VECTORS, STEP, 1>(simd),
        }
    }

    /// So many places at a time; the last ones of a row once more, where rows are no multiple of them.
    #[inline(always)]
    fn of_places<S: Simd, const VECTORS: usize, const STEP: usize, const PLACES: usize>(
        self,
        simd: S,
    ) {
        let (values, _) = S::as_simd_f32s(self.values.as_flattened());
        let (weights, _) = S::as_simd_f32s(self.weights.as_flattened());
        let (into, _) = S::as_mut_simd_f32s(self.into.as_flattened_mut());
        let (weights, _) = weights.as_chunks::<VECTORS>();
        let (values, _) = values.as_chunks::<VECTORS>();
        let (into, _) = into.as_chunks_mut::<VECTORS>();
        let [height, width] = self.results;
        let step = if STEP == 0 { self.step[1] } else { STEP };
        for row in 0..height {
            for first in (0..width).step_by(PLACES) {
                let first = first.min(width - PLACES);
                let seen = &values[row * self.step[0] + first * step..];
                let mut sums = [[simd.splat_f32s(0.0); VECTORS]; PLACES];
                for (&offset, weight) in self.offsets.iter().zip(weights) {
                    let seen = &seen[offset..][..(PLACES - 1) * step + 1];
                    for (place, sums) in sums.iter_mut().enumerate() {
                        let seen = &seen[place * step];
                        for ((sum, &weight), &seen) in sums.iter_mut().zip(weight).zip(seen) {
                            *sum = simd.mul_add_e_f32s(weight, seen, *sum);
                        }
                    }
                }
                if let Some(clamp) = &self.finish {
                    for sums in &mut sums {
                        clamp.apply(simd, sums);
                    }
                }
                let into = &mut into[row * self.into_step[0] + first * self.into_step[1]..];
                for (place, sums) in sums.into_iter().enumerate() {
                    into[place * self.into_step[1]] = sums;
                }
            }
        }
    }
}
