//! To the points and back.

use pulp::{Arch, Simd, WithSimd};

/// The points are 0, ±`A`, ±`B` and infinity.
const A: f32 = 0.75;
const B: f32 = 1.5;
const A2: f32 = A * A;
const B2: f32 = B * B;

/// What Lagrange's polynomials are divided by.
const AT_0: f32 = 1.0 / (A2 * B2);
const AT_A: f32 = 1.0 / (2.0 * A2 * (A2 - B2));
const AT_B: f32 = 1.0 / (2.0 * B2 * (B2 - A2));

/// A linear map of `IN` values to `OUT`, which is applied to the columns of a plane and then to its rows.
pub(super) trait Transform<const IN: usize, const OUT: usize> {
    fn line<S: Simd>(simd: S, values: [S::f32s; IN]) -> [S::f32s; OUT];
}

/// Inputs to points.
pub(super) struct OfInput;

/// Points to outputs.
pub(super) struct ToOutput;

/// The transpose of [`ToOutput`].
pub(super) struct OfGradient;

/// A filter to points.
pub(super) struct OfFilter;

/// The transpose of [`OfFilter`].
pub(super) struct ToFilterGradient;

impl Transform<6, 6> for OfInput {
    #[inline(always)]
    fn line<S: Simd>(simd: S, [x0, x1, x2, x3, x4, x5]: [S::f32s; 6]) -> [S::f32s; 6] {
        let times = |factor: f32, x, y| simd.mul_add_e_f32s(simd.splat_f32s(factor), x, y);
        let ends = |low, middle, high| times(-A2 - B2, middle, times(A2 * B2, low, high));
        let (even_a, odd_a) = (times(-B2, x2, x4), times(-B2, x1, x3));
        let (even_b, odd_b) = (times(-A2, x2, x4), times(-A2, x1, x3));
        [
            ends(x0, x2, x4),
            times(A, odd_a, even_a),
            times(-A, odd_a, even_a),
            times(B, odd_b, even_b),
            times(-B, odd_b, even_b),
            ends(x1, x3, x5),
        ]
    }
}

impl Transform<6, 4> for ToOutput {
    #[inline(always)]
    fn line<S: Simd>(simd: S, [p0, p1, p2, p3, p4, p5]: [S::f32s; 6]) -> [S::f32s; 4] {
        let times = |factor: f32, x, y| simd.mul_add_e_f32s(simd.splat_f32s(factor), x, y);
        let scaled = |factor: f32, x| simd.mul_f32s(simd.splat_f32s(factor), x);
        let (even_a, odd_a) = (simd.add_f32s(p1, p2), simd.sub_f32s(p1, p2));
        let (even_b, odd_b) = (simd.add_f32s(p3, p4), simd.sub_f32s(p3, p4));
        [
            simd.add_f32s(p0, simd.add_f32s(even_a, even_b)),
            times(A, odd_a, scaled(B, odd_b)),
            times(A2, even_a, scaled(B2, even_b)),
            times(A2 * A, odd_a, times(B2 * B, odd_b, p5)),
        ]
    }
}

impl Transform<4, 6> for OfGradient {
    #[inline(always)]
    fn line<S: Simd>(simd: S, [y0, y1, y2, y3]: [S::f32s; 4]) -> [S::f32s; 6] {
        let times = |factor: f32, x, y| simd.mul_add_e_f32s(simd.splat_f32s(factor), x, y);
        let (even_a, odd_a) = (times(A2, y2, y0), times(A2, y3, y1));
        let (even_b, odd_b) = (times(B2, y2, y0), times(B2, y3, y1));
        [
            y0,
            times(A, odd_a, even_a),
            times(-A, odd_a, even_a),
            times(B, odd_b, even_b),
            times(-B, odd_b, even_b),
            y3,
        ]
    }
}

impl Transform<3, 6> for OfFilter {
    #[inline(always)]
    fn line<S: Simd>(simd: S, [g0, g1, g2]: [S::f32s; 3]) -> [S::f32s; 6] {
        let times = |factor: f32, x, y| simd.mul_add_e_f32s(simd.splat_f32s(factor), x, y);
        let scaled = |factor: f32, x| simd.mul_f32s(simd.splat_f32s(factor), x);
        let even_a = scaled(AT_A, times(A2, g2, g0));
        let even_b = scaled(AT_B, times(B2, g2, g0));
        [
            scaled(AT_0, g0),
            times(AT_A * A, g1, even_a),
            times(-AT_A * A, g1, even_a),
            times(AT_B * B, g1, even_b),
            times(-AT_B * B, g1, even_b),
            g2,
        ]
    }
}

impl Transform<6, 3> for ToFilterGradient {
    #[inline(always)]
    fn line<S: Simd>(simd: S, [p0, p1, p2, p3, p4, p5]: [S::f32s; 6]) -> [S::f32s; 3] {
        let times = |factor: f32, x, y| simd.mul_add_e_f32s(simd.splat_f32s(factor), x, y);
        let scaled = |factor: f32, x| simd.mul_f32s(simd.splat_f32s(factor), x);
        let (even_a, odd_a) = (simd.add_f32s(p1, p2), simd.sub_f32s(p1, p2));
        let (even_b, odd_b) = (simd.add_f32s(p3, p4), simd.sub_f32s(p3, p4));
        [
            times(AT_A, even_a, times(AT_B, even_b, scaled(AT_0, p0))),
            times(AT_A * A, odd_a, scaled(AT_B * B, odd_b)),
            times(AT_A * A2, even_a, times(AT_B * B2, even_b, p5)),
        ]
    }
}

/// How far it is from one row, column or plane to the next; multiples of a vector's width.
#[derive(Debug, Clone, Copy)]
pub(super) struct Layout {
    pub(super) row: usize,
    pub(super) column: usize,
    pub(super) plane: usize,
}

/// Planes of `width` channels each, and where what becomes of them goes.
pub(super) struct Planes<'a> {
    pub(super) count: usize,
    pub(super) width: usize,
    pub(super) from: &'a [f32],
    pub(super) from_layout: Layout,
    pub(super) to: &'a mut [f32],
    pub(super) to_layout: Layout,
}

impl Planes<'_> {
    pub(super) fn apply<T: Transform<IN, OUT>, const IN: usize, const OUT: usize>(
        self,
        _: T,
        arch: Arch,
    ) {
        arch.dispatch(Apply::<T, IN, OUT>(self, std::marker::PhantomData));
    }
}

struct Apply<'a, T, const IN: usize, const OUT: usize>(Planes<'a>, std::marker::PhantomData<T>);

impl<T: Transform<IN, OUT>, const IN: usize, const OUT: usize> WithSimd for Apply<'_, T, IN, OUT> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let planes = self.0;
        simd.vectorize(
            #[inline(always)]
            || {
                let vectors = |layout: Layout| Layout {
                    row: layout.row / S::F32_LANES,
                    column: layout.column / S::F32_LANES,
                    plane: layout.plane / S::F32_LANES,
                };
                let (from, _) = S::as_simd_f32s(planes.from);
                let (to, _) = S::as_mut_simd_f32s(planes.to);
                let at = vectors(planes.from_layout);
                let goal = vectors(planes.to_layout);
                for plane in 0..planes.count {
                    for lane in 0..planes.width / S::F32_LANES {
                        let from = &from[plane * at.plane + lane..];
                        let to = &mut to[plane * goal.plane + lane..];
                        apply::<S, T, IN, OUT>(simd, from, at, to, goal);
                    }
                }
            },
        );
    }
}

/// One plane of vectors.
#[inline(always)]
fn apply<S: Simd, T: Transform<IN, OUT>, const IN: usize, const OUT: usize>(
    simd: S,
    from: &[S::f32s],
    at: Layout,
    to: &mut [S::f32s],
    goal: Layout,
) {
    let zero = simd.splat_f32s(0.0);
    let mut between = [[zero; IN]; OUT];
    for column in 0..IN {
        let mut values = [zero; IN];
        for (row, value) in values.iter_mut().enumerate() {
            *value = from[row * at.row + column * at.column];
        }
        for (between, value) in between.iter_mut().zip(T::line(simd, values)) {
            between[column] = value;
        }
    }
    for (row, values) in between.into_iter().enumerate() {
        for (column, value) in T::line(simd, values).into_iter().enumerate() {
            to[row * goal.row + column * goal.column] = value;
        }
    }
}
