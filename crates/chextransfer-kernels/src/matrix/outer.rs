//! `C += A B`: one column of `A` and one row of `B` at a time. The rows of `B` may lie anywhere, also across each other.

use std::ops::Range;

use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;

/// Rows and vector registers of a tile of `C`: what 16 and 32 registers hold beside their operands.
const NARROW: (usize, usize) = (6, 2);
const WIDE: (usize, usize) = (12, 2);

/// Tile sizes for this processor.
#[derive(Debug, Clone, Copy)]
pub(crate) struct OuterProducts {
    arch: Arch,
    /// Rows of a tile.
    pub(crate) rows: usize,
    /// Columns of a tile.
    pub(crate) columns: usize,
}

/// `A`, `[rows, depth]`, in panels of a tile's rows, each `[depth, rows of a tile]`; missing rows are zero.
#[derive(Debug)]
pub(crate) struct PackedRows {
    values: Vec<f32>,
    depth: usize,
    panel: usize,
}

impl OuterProducts {
    pub(crate) fn new() -> Self {
        struct Shape;
        impl WithSimd for Shape {
            type Output = (usize, usize);
            fn with_simd<S: Simd>(self, _: S) -> (usize, usize) {
                let (rows, vectors) = if S::REGISTER_COUNT >= 32 {
                    WIDE
                } else {
                    NARROW
                };
                (rows, vectors * S::F32_LANES)
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

    /// Packs `A`, given element by element.
    pub(crate) fn pack_rows(
        &self,
        rows: usize,
        depth: usize,
        value: impl Fn(usize, usize) -> f32 + Sync,
    ) -> PackedRows {
        let panel = self.rows;
        let mut values = vec![0.0; rows.div_ceil(panel) * panel * depth];
        let panels = values.par_chunks_exact_mut(panel * depth);
        panels.enumerate().for_each(|(index, values)| {
            for row in 0..panel.min(rows - index * panel) {
                for k in 0..depth {
                    values[k * panel + row] = value(index * panel + row, k);
                }
            }
        });
        PackedRows {
            values,
            depth,
            panel,
        }
    }

    /// Adds to, or overwrites, `C` with the product of columns `depth_range` of `A` and `B`.
    ///
    /// `c` is `[rows rounded up to tiles, columns rounded up to tiles]`, of which every element is written.
    pub(crate) fn multiply(
        &self,
        a: &PackedRows,
        depth_range: Range<usize>,
        b: Rows<'_>,
        c: &mut [f32],
        accumulate: bool,
    ) {
        debug_assert_eq!(a.panel, self.rows);
        debug_assert_eq!(b.offsets.len(), depth_range.len());
        self.arch.dispatch(Multiply {
            a,
            from: depth_range.start,
            b,
            c,
            accumulate,
        });
    }
}

/// `B`: where the first tile of each of its rows begins, and how far it is to the next tile.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rows<'a> {
    pub(crate) values: &'a [f32],
    pub(crate) offsets: &'a [usize],
    pub(crate) step: usize,
}

struct Multiply<'a> {
    a: &'a PackedRows,
    from: usize,
    b: Rows<'a>,
    c: &'a mut [f32],
    accumulate: bool,
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
    fn tiles<S: Simd, const ROWS: usize, const VECTORS: usize>(self, simd: S) {
        let tile_columns = VECTORS * S::F32_LANES;
        let panel = self.a.depth * ROWS;
        let stride = self.c.len() / (self.a.values.len() / panel * ROWS);
        let depth = self.b.offsets.len();
        for column in 0..stride / tile_columns {
            let b = &self.b.values[column * self.b.step..];
            let rows = self.a.values.chunks_exact(panel);
            for (a, c) in rows.zip(self.c.chunks_exact_mut(ROWS * stride)) {
                let a = &a[self.from * ROWS..(self.from + depth) * ROWS];
                let c = &mut c[column * tile_columns..];
                tile::<S, ROWS, VECTORS>(simd, a, b, self.b.offsets, c, stride, self.accumulate);
            }
        }
    }
}

/// One tile of `C`; `a` is `[depth, ROWS]`, and each row of `b` begins at an offset.
#[inline(always)]
fn tile<S: Simd, const ROWS: usize, const VECTORS: usize>(
    simd: S,
    a: &[f32],
    b: &[f32],
    offsets: &[usize],
    c: &mut [f32],
    stride: usize,
    accumulate: bool,
) {
    let (a, _) = a.as_chunks::<ROWS>();
    let width = VECTORS * S::F32_LANES;
    let mut sums = [[simd.splat_f32s(0.0); VECTORS]; ROWS];
    for (a, &offset) in a.iter().zip(offsets) {
        let (b, _) = S::as_simd_f32s(&b[offset..offset + width]);
        for (sums, &a) in sums.iter_mut().zip(a) {
            let a = simd.splat_f32s(a);
            for (sum, &b) in sums.iter_mut().zip(b) {
                *sum = simd.mul_add_e_f32s(a, b, *sum);
            }
        }
    }
    for (row, sums) in sums.iter().enumerate() {
        let (c, _) = S::as_mut_simd_f32s(&mut c[row * stride..row * stride + width]);
        for (c, &sum) in c.iter_mut().zip(sums) {
            *c = if accumulate {
                simd.add_f32s(*c, sum)
            } else {
                sum
            };
        }
    }
}
