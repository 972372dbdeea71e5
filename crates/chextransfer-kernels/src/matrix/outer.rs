//! `C += A B`: one column of `A` and one row of `B` at a time. The rows of `B` may lie anywhere, also across each other.

use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;

use crate::convolution::Clamp;
use crate::simd::Registers;

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
        let Registers { arch, many, lanes } = Registers::new();
        let (rows, vectors) = if many { WIDE } else { NARROW };
        Self {
            arch,
            rows,
            columns: vectors * lanes,
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
    pub(crate) fn multiply(&self, a: impl Columns, b: Rows<'_>, c: Product<'_>, accumulate: bool) {
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

    /// The element of a column below `depth` and of one of the `ROWS` rows of which the first is `row`.
    fn tile<const ROWS: usize>(&self, row: usize, depth: usize) -> impl Fn(usize, usize) -> f32;
}

/// Some of the columns of packed rows.
#[derive(Debug, Clone)]
pub(crate) struct Packed<'a> {
    pub(crate) rows: &'a PackedRows,
    /// The first column.
    pub(crate) from: usize,
}

impl Columns for Packed<'_> {
    #[inline(always)]
    fn rows(&self) -> usize {
        self.rows.values.len() / self.rows.depth.max(1)
    }

    #[inline(always)]
    fn tile<const ROWS: usize>(&self, row: usize, depth: usize) -> impl Fn(usize, usize) -> f32 {
        debug_assert_eq!(self.rows.panel, ROWS);
        let panel = &self.rows.values[row * self.rows.depth + self.from * ROWS..];
        let (columns, _) = panel.as_chunks::<ROWS>();
        let columns = &columns[..depth];
        #[inline(always)]
        move |k, row| columns[k][row]
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
    fn tile<const ROWS: usize>(&self, row: usize, _: usize) -> impl Fn(usize, usize) -> f32 {
        let (values, pitch) = (&self.values[row..], self.pitch);
        #[inline(always)]
        move |k, row| values[k * pitch..][..ROWS][row]
    }
}

/// Rows as they lie in memory, whole tiles of them.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Unpacked<'a> {
    pub(crate) values: &'a [f32],
    pub(crate) rows: usize,
    /// How far it is from a row to the next.
    pub(crate) pitch: usize,
}

impl Columns for Unpacked<'_> {
    #[inline(always)]
    fn rows(&self) -> usize {
        self.rows
    }

    #[inline(always)]
    fn tile<const ROWS: usize>(&self, row: usize, depth: usize) -> impl Fn(usize, usize) -> f32 {
        let mut rows = [&self.values[..depth]; ROWS];
        for (index, values) in rows.iter_mut().enumerate() {
            *values = &self.values[(row + index) * self.pitch..][..depth];
        }
        #[inline(always)]
        move |k, row| rows[row][k]
    }
}

/// `B`: where the first tile of each of its rows begins, and how far it is to the next tile.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rows<'a> {
    pub(crate) values: &'a [f32],
    pub(crate) offsets: &'a [usize],
    pub(crate) step: usize,
}

/// `C`: rows of whole tiles of columns, of which every element is written.
#[derive(Debug)]
pub(crate) struct Product<'a> {
    pub(crate) values: &'a mut [f32],
    pub(crate) rows: usize,
    pub(crate) columns: usize,
    /// How far it is from a row to the next.
    pub(crate) pitch: usize,
    /// What happens to each row's results before they are written, or nothing.
    pub(crate) finish: &'a [Clamp],
}

struct Multiply<'a, A> {
    a: A,
    b: Rows<'a>,
    c: Product<'a>,
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
        let Product {
            values,
            rows,
            columns,
            pitch,
            finish,
        } = self.c;
        debug_assert!(rows <= self.a.rows() && self.a.rows().is_multiple_of(ROWS));
        debug_assert_eq!(columns % tile_columns, 0);
        for column in 0..columns / tile_columns {
            let b = &self.b.values[column * self.b.step..];
            let values = &mut values[column * tile_columns..];
            for first in (0..rows).step_by(ROWS) {
                let a = self.a.tile::<ROWS>(first, self.b.offsets.len());
                let sums = sums::<S, ROWS, VECTORS>(simd, a, b, self.b.offsets);
                for (row, mut sums) in (first..rows).zip(sums) {
                    let c = &mut values[row * pitch..][..tile_columns];
                    let (c, _) = S::as_mut_simd_f32s(c);
                    if self.accumulate {
                        for (sum, c) in sums.iter_mut().zip(&*c) {
                            *sum = simd.add_f32s(*c, *sum);
                        }
                    }
                    if let Some(clamp) = finish.get(row) {
                        for sum in &mut sums {
                            *sum = clamp.apply(simd, *sum);
                        }
                    }
                    for (c, sum) in c.iter_mut().zip(sums) {
                        *c = sum;
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
    a: impl Fn(usize, usize) -> f32,
    b: &[f32],
    offsets: &[usize],
) -> [[S::f32s; VECTORS]; ROWS] {
    let width = VECTORS * S::F32_LANES;
    let mut sums = [[simd.splat_f32s(0.0); VECTORS]; ROWS];
    for (k, &offset) in offsets.iter().enumerate() {
        let (b, _) = S::as_simd_f32s(&b[offset..offset + width]);
        for (row, sums) in sums.iter_mut().enumerate() {
            let a = simd.splat_f32s(a(k, row));
            for (sum, &b) in sums.iter_mut().zip(b) {
                *sum = simd.mul_add_e_f32s(a, b, *sum);
            }
        }
    }
    sums
}
