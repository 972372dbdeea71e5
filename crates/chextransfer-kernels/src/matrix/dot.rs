//! `C += A Bᵀ` with both operands stored by rows: many dot products of long rows, side by side.

use pulp::{Arch, Simd, WithSimd};

use crate::simd::Registers;

/// Rows of `A` and of `B` whose products are held in registers at once: what 16 and 32 registers allow.
const NARROW: (usize, usize) = (6, 2);
const WIDE: (usize, usize) = (6, 4);

/// Dot products of the rows of two matrices.
#[derive(Debug, Clone, Copy)]
pub(crate) struct DotProducts {
    arch: Arch,
    /// Rows of `A` in a tile.
    pub(crate) rows: usize,
    /// Rows of `B` in a tile.
    pub(crate) columns: usize,
}

impl DotProducts {
    pub(crate) fn new() -> Self {
        let Registers { arch, many, .. } = Registers::new();
        let (rows, columns) = if many { WIDE } else { NARROW };
        Self {
            arch,
            rows,
            columns,
        }
    }

    /// Adds `A Bᵀ` to `C`.
    ///
    /// `a` is one tile of rows, `b` whole tiles of them, all `length` long, a multiple of 16; `c` is `[rows of a tile,
    /// rows of b]`.
    pub(crate) fn multiply(&self, a: Lines<'_>, b: Lines<'_>, length: usize, c: &mut [f32]) {
        debug_assert_eq!(length % 16, 0);
        debug_assert_eq!(a.offsets.len(), self.rows);
        debug_assert_eq!(b.offsets.len() % self.columns, 0);
        self.arch.dispatch(Multiply { a, b, length, c });
    }
}

/// Rows of a matrix, which begin at offsets.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Lines<'a> {
    pub(crate) values: &'a [f32],
    pub(crate) offsets: &'a [usize],
}

struct Multiply<'a> {
    a: Lines<'a>,
    b: Lines<'a>,
    length: usize,
    c: &'a mut [f32],
}

impl WithSimd for Multiply<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        simd.vectorize(
            #[inline(always)]
            || {
                if S::REGISTER_COUNT >= 32 {
                    self.tiles::<S, { WIDE.0 }, { WIDE.1 }>(simd);
                } else {
                    self.tiles::<S, { NARROW.0 }, { NARROW.1 }>(simd);
                }
            },
        );
    }
}

impl Multiply<'_> {
    #[inline(always)]
    fn tiles<S: Simd, const ROWS: usize, const COLUMNS: usize>(self, simd: S) {
        let stride = self.b.offsets.len();
        let mut rows = [&self.a.values[..self.length]; ROWS];
        for (row, &offset) in rows.iter_mut().zip(self.a.offsets) {
            *row = &self.a.values[offset..][..self.length];
        }
        let (tiles, _) = self.b.offsets.as_chunks::<COLUMNS>();
        for (index, offsets) in tiles.iter().enumerate() {
            let mut columns = [&self.b.values[..self.length]; COLUMNS];
            for (column, &offset) in columns.iter_mut().zip(offsets) {
                *column = &self.b.values[offset..][..self.length];
            }
            let sums = tile::<S, ROWS, COLUMNS>(simd, rows, columns, self.length);
            for (row, sums) in sums.into_iter().enumerate() {
                let place = row * stride + index * COLUMNS;
                for (c, sum) in self.c[place..place + COLUMNS].iter_mut().zip(sums) {
                    *c += simd.reduce_sum_f32s(sum);
                }
            }
        }
    }
}

/// The products of `ROWS` rows with `COLUMNS` rows, not yet added up within a vector.
#[inline(always)]
fn tile<S: Simd, const ROWS: usize, const COLUMNS: usize>(
    simd: S,
    a: [&[f32]; ROWS],
    b: [&[f32]; COLUMNS],
    length: usize,
) -> [[S::f32s; COLUMNS]; ROWS] {
    let vectors = length / S::F32_LANES;
    let zero = simd.splat_f32s(0.0);
    let (empty, _) = S::as_simd_f32s(&[]);
    let (mut rows, mut columns) = ([empty; ROWS], [empty; COLUMNS]);
    for (row, a) in rows.iter_mut().zip(a) {
        *row = &S::as_simd_f32s(a).0[..vectors];
    }
    for (column, b) in columns.iter_mut().zip(b) {
        *column = &S::as_simd_f32s(b).0[..vectors];
    }
    let mut sums = [[zero; COLUMNS]; ROWS];
    for k in 0..vectors {
        let mut b = [zero; COLUMNS];
        for (b, column) in b.iter_mut().zip(columns) {
            *b = column[k];
        }
        for (sums, row) in sums.iter_mut().zip(rows) {
            for (sum, b) in sums.iter_mut().zip(b) {
                *sum = simd.mul_add_e_f32s(row[k], b, *sum);
            }
        }
    }
    sums
}
