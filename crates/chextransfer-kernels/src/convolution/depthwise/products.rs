//! Sums over places of products with what taps see, for eight channels at once.

use pulp::{Simd, WithSimd};

use super::CHANNELS;
use crate::simd::on_eight;

/// Adds `sum over p of given[p] * values[step p + offset]` for every tap of a kernel.
pub(super) struct Products<'a> {
    pub(super) values: &'a [[f32; CHANNELS]],
    /// Places of a row of `values`.
    pub(super) line: usize,
    /// Rows and columns of `values` from one place of `given` to the next.
    pub(super) step: [usize; 2],
    pub(super) kernel: [usize; 2],
    pub(super) given: &'a [[f32; CHANNELS]],
    /// Places of a row of `given`.
    pub(super) width: usize,
    /// Of each tap.
    pub(super) sums: &'a mut [[f64; CHANNELS]],
}

/// Places whose products are added up in float32.
const PLACES: usize = 64;

impl Products<'_> {
    pub(super) fn add(self) {
        on_eight(self);
    }
}

impl WithSimd for Products<'_> {
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

impl Products<'_> {
    #[inline(always)]
    fn of_vectors<S: Simd, const VECTORS: usize>(mut self, simd: S) {
        let [height, width] = self.kernel;
        let mut row = 0;
        while row < height {
            row += match (width, height - row) {
                (3, 3..) => self.of_taps::<S, VECTORS, 3, 3>(simd, [row, 0]),
                (3, _) => self.of_taps::<S, VECTORS, 1, 3>(simd, [row, 0]),
                (5, 2..) => self.of_taps::<S, VECTORS, 2, 5>(simd, [row, 0]),
                (5, _) => self.of_taps::<S, VECTORS, 1, 5>(simd, [row, 0]),
                _ => {
                    for column in 0..width {
                        self.of_taps::<S, VECTORS, 1, 1>(simd, [row, column]);
                    }
                    1
                }
            };
        }
    }

    /// The taps that begin with one, and how many rows these are.
    #[inline(always)]
    fn of_taps<S: Simd, const VECTORS: usize, const ROWS: usize, const COLUMNS: usize>(
        &mut self,
        simd: S,
        first: [usize; 2],
    ) -> usize {
        match self.step[1] {
            1 => self.of_step::<S, VECTORS, ROWS, COLUMNS, 1>(simd, first),
            2 => self.of_step::<S, VECTORS, ROWS, COLUMNS, 2>(simd, first),
            _ => self.of_step::<S, VECTORS, ROWS, COLUMNS, 0>(simd, first),
        }
    }

    #[inline(always)]
    fn of_step<
        S: Simd,
        const VECTORS: usize,
        const ROWS: usize,
        const COLUMNS: usize,
        const STEP: usize,
    >(
        &mut self,
        simd: S,
        [top, left]: [usize; 2],
    ) -> usize {
        let step = if STEP == 0 { self.step[1] } else { STEP };
        let (values, _) = S::as_simd_f32s(self.values.as_flattened());
        let (given, _) = S::as_simd_f32s(self.given.as_flattened());
        let (values, _) = values.as_chunks::<VECTORS>();
        let (given, _) = given.as_chunks::<VECTORS>();
        let none = [[[simd.splat_f32s(0.0); VECTORS]; COLUMNS]; ROWS];
        let (mut sums, mut added) = (none, 0);
        let mut rows = given.chunks_exact(self.width).enumerate().peekable();
        while let Some((row, given)) = rows.next() {
            let mut seen = [values; ROWS];
            for (index, seen) in seen.iter_mut().enumerate() {
                let start = (row * self.step[0] + top + index) * self.line + left;
                *seen = &values[start..][..(given.len() - 1) * step + COLUMNS];
            }
            for (place, given) in given.iter().enumerate() {
                for (sums, seen) in sums.iter_mut().zip(seen) {
                    let seen = &seen[place * step..][..COLUMNS];
                    for (sums, seen) in sums.iter_mut().zip(seen) {
                        for ((sum, &given), &seen) in sums.iter_mut().zip(given).zip(seen) {
                            *sum = simd.mul_add_e_f32s(given, seen, *sum);
                        }
                    }
                }
            }
            added += given.len();
            if added < PLACES && rows.peek().is_some() {
                continue;
            }
            for (row, sums) in sums.iter().enumerate() {
                for (column, sums) in sums.iter().enumerate() {
                    let tap = (top + row) * self.kernel[1] + left + column;
                    let mut of_channels = [0.0; CHANNELS];
                    let (vectors, _) = S::as_mut_simd_f32s(&mut of_channels);
                    vectors.copy_from_slice(sums);
                    for (total, sum) in self.sums[tap].iter_mut().zip(of_channels) {
                        *total += f64::from(sum);
                    }
                }
            }
            (sums, added) = (none, 0);
        }
        ROWS
    }
}
