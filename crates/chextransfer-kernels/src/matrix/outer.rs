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

    /// Adds to, or overwrites, `C` with the product of `A` and `B`.
    ///
    /// `c` is `[rows rounded up to tiles, columns rounded up to tiles]`, of which every element is written.
    pub(crate) fn multiply(&self, a: impl Columns, b: Rows<'_>, c: &mut [f32], accumulate: bool) {
        self.arch.dispatch(Multiply {
            a,
            b,
            c,
            accumulate,
        });
    }
}

/// `A`, of which a tile of `C` takes some rows, one column after the other.
pub(crate) trait Columns {
    /// Rows, rounded up to tiles.
    fn rows(&self) -> usize;

    /// The values of `ROWS` rows, the first of which is `row`.
    fn columns<const ROWS: usize>(&self, row: usize) -> impl Iterator<Item = [f32; ROWS]>;
}

/// Some of the columns of packed rows.
#[derive(Debug, Clone)]
pub(crate) struct Packed<'a> {
    pub(crate) rows: &'a PackedRows,
    pub(crate) depth: Range<usize>,
}

impl Columns for Packed<'_> {
    #[inline(always)]
    fn rows(&self) -> usize {
        self.rows.values.len() / self.rows.depth.max(1)
    }

    #[inline(always)]
    fn columns<const ROWS: usize>(&self, row: usize) -> impl Iterator<Item = [f32; ROWS]> {
        debug_assert_eq!(self.rows.panel, ROWS);
        let Range { start, end } = self.depth;
        let panel = &self.rows.values[row * self.rows.depth..];
        let (columns, _) = panel[start * ROWS..end * ROWS].as_chunks();
        columns.iter().copied()
    }
}

/// Columns that lie one behind the other, each with whole tiles of rows.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Stacked<'a> {
    pub(crate) values: &'a [f32],
    pub(crate) rows: usize,
    /// How far it is from a column to the next.
    pub(crate) pitch: usize,
}

impl Columns for Stacked<'_> {
    #[inline(always)]
    fn rows(&self) -> usize {
        self.rows
    }

    #[inline(always)]
    fn columns<const ROWS: usize>(&self, row: usize) -> impl Iterator<Item = [f32; ROWS]> {
        let columns = self.values.chunks(self.pitch);
        columns.map(
            #[inline(always)]
            move |column| *column[row..].first_chunk().unwrap_or(&[0.0; ROWS]),
        )
    }
}

/// Rows as they lie in memory, whole tiles of them.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Unpacked<'a> {
    pub(crate) values: &'a [f32],
    pub(crate) rows: usize,
    pub(crate) depth: usize,
    /// How far it is from a row to the next.
    pub(crate) pitch: usize,
}

impl Columns for Unpacked<'_> {
    #[inline(always)]
    fn rows(&self) -> usize {
        self.rows
    }

    #[inline(always)]
    fn columns<const ROWS: usize>(&self, row: usize) -> impl Iterator<Item = [f32; ROWS]> {
        let mut rows = [&self.values[..self.depth]; ROWS];
        for (index, values) in rows.iter_mut().enumerate() {
            *values = &self.values[(row + index) * self.pitch..][..self.depth];
        }
        (0..self.depth).map(
            #[inline(always)]
            move |k| {
                let mut column = [0.0; ROWS];
                for (value, row) in column.iter_mut().zip(rows) {
                    *value = row[k];
                }
                column
            },
        )
    }
}

/// `B`: where the first tile of each of its rows begins, and how far it is to the next tile.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rows<'a> {
    pub(crate) values: &'a [f32],
    pub(crate) offsets: &'a [usize],
    pub(crate) step: usize,
}

struct Multiply<'a, A> {
    a: A,
    b: Rows<'a>,
    c: &'a mut [f32],
    accumulate: bool,
}

impl<A: Columns> WithSimd for Multiply<'_, A> {
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

impl<A: Columns> Multiply<'_, A> {
    #[inline(always)]
    fn tiles<S: Simd, const ROWS: usize, const VECTORS: usize>(self, simd: S) {
        let tile_columns = VECTORS * S::F32_LANES;
        let rows = self.a.rows();
        debug_assert_eq!(rows % ROWS, 0);
        let stride = self.c.len() / rows;
        for column in 0..stride / tile_columns {
            let b = &self.b.values[column * self.b.step..];
            for (tile, c) in self.c.chunks_exact_mut(ROWS * stride).enumerate() {
                let a = self.a.columns::<ROWS>(tile * ROWS);
                let sums = sums::<S, ROWS, VECTORS>(simd, a, b, self.b.offsets);
                for (c, sums) in c.chunks_exact_mut(stride).zip(sums) {
                    let c = &mut c[column * tile_columns..][..tile_columns];
                    let (c, _) = S::as_mut_simd_f32s(c);
                    for (c, sum) in c.iter_mut().zip(sums) {
                        *c = if self.accumulate {
                            simd.add_f32s(*c, sum)
                        } else {
                            sum
                        };
                    }
                }
            }
        }
    }
}

/// One tile of the product; each row of `b` begins at an offset.
#[inline(always)]
fn sums<S: Simd, const ROWS: usize, const VECTORS: usize>(
    simd: S,
    a: impl Iterator<Item = [f32; ROWS]>,
    b: &[f32],
    offsets: &[usize],
) -> [[S::f32s; VECTORS]; ROWS] {
    let width = VECTORS * S::F32_LANES;
    let mut sums = [[simd.splat_f32s(0.0); VECTORS]; ROWS];
    for (a, &offset) in a.zip(offsets) {
        let (b, _) = S::as_simd_f32s(&b[offset..offset + width]);
        for (sums, a) in sums.iter_mut().zip(a) {
            let a = simd.splat_f32s(a);
            for (sum, &b) in sums.iter_mut().zip(b) {
                *sum = simd.mul_add_e_f32s(a, b, *sum);
            }
        }
    }
    sums
}
