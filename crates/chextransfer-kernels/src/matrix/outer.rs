//! `C += A B` with `B` packed by rows: one row of `B` and one column of `A` at a time.

use pulp::{Arch, Simd, WithSimd};

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
                let (rows, vectors) = if S::REGISTER_COUNT >= 32 { WIDE } else { NARROW };
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
        value: impl Fn(usize, usize) -> f32,
    ) -> PackedRows {
        let panel = self.rows;
        let mut values = vec![0.0; rows.div_ceil(panel) * panel * depth];
        for (index, panel_values) in values.chunks_exact_mut(panel * depth).enumerate() {
            for row in 0..panel.min(rows - index * panel) {
                for k in 0..depth {
                    panel_values[k * panel + row] = value(index * panel + row, k);
                }
            }
        }
        PackedRows {
            values,
            depth,
            panel,
        }
    }

    /// Adds to, or overwrites, `C` with the product of rows `depth_range` of `A` transposed and `B`.
    ///
    /// `b` holds panels of a tile's columns, each `[depth of the range, columns of a tile]`. `c` is
    /// `[rows rounded up to tiles, columns rounded up to tiles]`, of which every element is written.
    pub(crate) fn multiply(
        &self,
        a: &PackedRows,
        depth_range: std::ops::Range<usize>,
        b: &[f32],
        c: &mut [f32],
        accumulate: bool,
    ) {
        struct Multiply<'a> {
            a: &'a PackedRows,
            from: usize,
            depth: usize,
            b: &'a [f32],
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
                let columns = VECTORS * S::F32_LANES;
                let panels = self.b.len() / (self.depth * columns);
                let stride = panels * columns;
                for (panel, b) in self.b.chunks_exact(self.depth * columns).enumerate() {
                    let rows = self.a.values.chunks_exact(self.a.depth * ROWS);
                    for (a, c) in rows.zip(self.c.chunks_exact_mut(ROWS * stride)) {
                        let a = &a[self.from * ROWS..(self.from + self.depth) * ROWS];
                        let place = panel * columns;
                        tile::<S, ROWS, VECTORS>(simd, a, b, &mut c[place..], stride, self.accumulate);
                    }
                }
            }
        }
        debug_assert_eq!(a.panel, self.rows);
        self.arch.dispatch(Multiply {
            a,
            from: depth_range.start,
            depth: depth_range.len(),
            b,
            c,
            accumulate,
        });
    }
}

/// One tile of `C`; `a` is `[depth, ROWS]`, `b` `[depth, VECTORS vectors]`.
#[inline(always)]
fn tile<S: Simd, const ROWS: usize, const VECTORS: usize>(
    simd: S,
    a: &[f32],
    b: &[f32],
    c: &mut [f32],
    stride: usize,
    accumulate: bool,
) {
    let (b, _) = S::as_simd_f32s(b);
    let (a, _) = a.as_chunks::<ROWS>();
    let (b, _) = b.as_chunks::<VECTORS>();
    let mut sums = [[simd.splat_f32s(0.0); VECTORS]; ROWS];
    for (a, b) in a.iter().zip(b) {
        for (sums, &a) in sums.iter_mut().zip(a) {
            let a = simd.splat_f32s(a);
            for (sum, &b) in sums.iter_mut().zip(b) {
                *sum = simd.mul_add_e_f32s(a, b, *sum);
            }
        }
    }
    for (row, sums) in sums.iter().enumerate() {
        let c = &mut c[row * stride..row * stride + VECTORS * S::F32_LANES];
        let (c, _) = S::as_mut_simd_f32s(c);
        for (c, &sum) in c.iter_mut().zip(sums) {
            *c = if accumulate { simd.add_f32s(*c, sum) } else { sum };
        }
    }
}
