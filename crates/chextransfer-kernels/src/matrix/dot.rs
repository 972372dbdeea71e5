//! `C += A Bᵀ` with both operands stored by rows: many dot products of long rows, side by side.

use pulp::{Arch, Simd, WithSimd};

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
        struct Shape;
        impl WithSimd for Shape {
            type Output = (usize, usize);
            fn with_simd<S: Simd>(self, _: S) -> (usize, usize) {
                if S::REGISTER_COUNT >= 32 {
                    WIDE
                } else {
                    NARROW
                }
            }
        }
        let arch = Arch::new();
        let (rows, columns) = arch.dispatch(Shape);
        Self {
            arch,
            rows,
            columns,
        }
    }

    /// Adds `A Bᵀ` to `C`.
    ///
    /// `a` is one tile of rows, each `length` long, a multiple of 16; the rows of `b`, whole tiles of them, begin at
    /// `offsets`; `c` is `[rows of a tile, rows of b]`.
    pub(crate) fn multiply(
        &self,
        a: &[f32],
        b: &[f32],
        offsets: &[usize],
        length: usize,
        c: &mut [f32],
    ) {
        debug_assert_eq!(length % 16, 0);
        self.arch.dispatch(Multiply {
            a,
            b,
            offsets,
            length,
            c,
        });
    }
}

struct Multiply<'a> {
    a: &'a [f32],
    b: &'a [f32],
    offsets: &'a [usize],
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
        let stride = self.offsets.len();
        let (tiles, _) = self.offsets.as_chunks::<COLUMNS>();
        for (index, offsets) in tiles.iter().enumerate() {
            let sums = tile::<S, ROWS, COLUMNS>(simd, self.a, self.b, offsets, self.length);
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
    a: &[f32],
    b: &[f32],
    offsets: &[usize; COLUMNS],
    length: usize,
) -> [[S::f32s; COLUMNS]; ROWS] {
    let vectors = length / S::F32_LANES;
    let (a, _) = S::as_simd_f32s(&a[..ROWS * length]);
    let zero = simd.splat_f32s(0.0);
    let (mut rows, mut columns) = ([&a[..vectors]; ROWS], [&a[..vectors]; COLUMNS]);
    for (row, a) in rows.iter_mut().zip(a.chunks_exact(vectors)) {
        *row = a;
    }
    for (column, &offset) in columns.iter_mut().zip(offsets) {
        (*column, _) = S::as_simd_f32s(&b[offset..offset + length]);
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
