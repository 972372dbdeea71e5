//! Convolutions of each channel alone, and their gradients.
//!
//! A map is copied once into planes with a border, one plane for each phase of the stride; then every tap is a shift of a
//! plane, and a whole map is one run without rows or edges.

use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;

use super::geometry::{ConvShape, every};
use super::{Clamp, Epilogue};
use crate::buffer::unwritten;
use crate::simd::{LANES, vectorized};

/// Results that are computed at once: four registers of eight.
const RUN: usize = 32;

/// A map in planes with a border.
struct Planes {
    /// Values between two rows of a plane.
    pitch: usize,
    /// Values between two planes.
    area: usize,
    /// Rows and columns between two values of a plane.
    step: [usize; 2],
    /// Zeros before the first row and column.
    border: [usize; 2],
    values: Vec<f32>,
}

impl Planes {
    /// Planes for maps of `map` whose `grid` of results has `reach` of the padded map behind each.
    fn new(grid: [usize; 2], step: [usize; 2], border: [usize; 2], reach: [usize; 2]) -> Self {
        let [height, pitch] = [0, 1].map(|axis| grid[axis] + (reach[axis] - 1) / step[axis]);
        // Runs may begin in the last row and read one run too far.
        let area = height * pitch + reach[1] + RUN;
        Self {
            pitch,
            area,
            step,
            border,
            values: vec![0.0; area * step[0] * step[1]],
        }
    }

    /// Where the tap at this row and column of the kernel finds the first result's value.
    fn offset(&self, [row, column]: [usize; 2]) -> usize {
        let [down, right] = self.step;
        let phase = (row % down) * right + column % right;
        phase * self.area + (row / down) * self.pitch + column / right
    }

    /// Copies a map in; what lies outside it stays zero.
    #[inline(always)]
    fn fill(&mut self, map: &[f32], width: usize) {
        let [down, right] = self.step;
        let rows_of_plane = (self.area - RUN) / self.pitch;
        for (row, line) in map.chunks_exact(width).enumerate() {
            let row = row + self.border[0];
            if row / down >= rows_of_plane {
                break;
            }
            if right == 1 {
                let start = (row % down) * self.area + (row / down) * self.pitch + self.border[1];
                let width = width.min(self.pitch - self.border[1]);
                self.values[start..start + width].copy_from_slice(&line[..width]);
                continue;
            }
            for phase in 0..right {
                // The first column of the map in this phase.
                let skipped = (phase + right - self.border[1] % right) % right;
                let start = ((row % down) * right + phase) * self.area
                    + (row / down) * self.pitch
                    + (skipped + self.border[1]) / right;
                let room = self.pitch - (skipped + self.border[1]) / right;
                if skipped < width {
                    let line = &line[skipped..];
                    let count = line.len().div_ceil(right).min(room);
                    every(right, line, &mut self.values[start..start + count]);
                }
            }
        }
    }
}

/// `into[p] = sum over taps of weight * values[p + offset]`; `into` is whole runs.
struct Correlation<'a> {
    values: &'a [f32],
    offsets: &'a [usize],
    weights: &'a [f32],
    finish: Option<Clamp>,
    into: &'a mut [f32],
}

impl WithSimd for Correlation<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        simd.vectorize(
            #[inline(always)]
            || match S::F32_LANES {
                16 => self.of_width::<S, 2>(simd),
                8 => self.of_width::<S, 4>(simd),
                4 => self.of_width::<S, 8>(simd),
                _ => self.of_width::<S, RUN>(simd),
            },
        );
    }
}

impl Correlation<'_> {
    #[inline(always)]
    fn of_width<S: Simd, const VECTORS: usize>(self, simd: S) {
        match (self.offsets.len(), self.weights.len()) {
            (9, 9) => self.of_taps::<S, VECTORS, 9>(simd),
            (25, 25) => self.of_taps::<S, VECTORS, 25>(simd),
            _ => self.of_taps::<S, VECTORS, 0>(simd),
        }
    }

    /// With the number of taps known to the compiler, or 0 if it is not.
    #[inline(always)]
    fn of_taps<S: Simd, const VECTORS: usize, const TAPS: usize>(self, simd: S) {
        let taps = if TAPS > 0 { TAPS } else { self.offsets.len() };
        let (offsets, weights) = (&self.offsets[..taps], &self.weights[..taps]);
        for (index, into) in self.into.chunks_exact_mut(RUN).enumerate() {
            let values = &self.values[index * RUN..];
            let mut sums = [simd.splat_f32s(0.0); VECTORS];
            for (&offset, &weight) in offsets.iter().zip(weights) {
                let weight = simd.splat_f32s(weight);
                let (seen, _) = S::as_simd_f32s(&values[offset..offset + RUN]);
                for (sum, &seen) in sums.iter_mut().zip(seen) {
                    *sum = simd.mul_add_e_f32s(weight, seen, *sum);
                }
            }
            if let Some(clamp) = self.finish {
                for sum in &mut sums {
                    *sum = clamp.apply(simd, *sum);
                }
            }
            let (into, _) = S::as_mut_simd_f32s(into);
            into.copy_from_slice(&sums);
        }
    }
}

fn correlate(
    values: &[f32],
    offsets: &[usize],
    weights: &[f32],
    finish: Option<Clamp>,
    into: &mut [f32],
) {
    Arch::new().dispatch(Correlation {
        values,
        offsets,
        weights,
        finish,
        into,
    });
}

/// Offsets of all taps of a kernel in planes.
fn offsets(planes: &Planes, [rows, columns]: [usize; 2]) -> Vec<usize> {
    (0..rows * columns)
        .map(|tap| planes.offset([tap / columns, tap % columns]))
        .collect()
}

/// The convolution of each channel with its own kernel, `[channels, 1, rows, columns]`.
pub(crate) fn depthwise(
    shape: &ConvShape,
    input: &[f32],
    weight: &[f32],
    epilogue: &Epilogue<'_>,
) -> Vec<f32> {
    let [height, width] = shape.output();
    let (area, taps) = (height * width, shape.taps());
    let planes = || Planes::new([height, width], shape.stride, shape.padding, shape.kernel);
    let offsets = offsets(&planes(), shape.kernel);
    let (clamps, rest) = (epilogue.clamps(shape.input_channels), epilogue.rest());
    let mut output = unwritten(shape.batch * shape.input_channels * area);
    output
        .par_chunks_mut(area)
        .zip(input.par_chunks(shape.input_area()))
        .enumerate()
        .for_each_init(
            || {
                let planes = planes();
                let run = vec![0.0; (height * planes.pitch).next_multiple_of(RUN)];
                (planes, run)
            },
            |(planes, run), (index, (output, map))| {
                let channel = index % shape.input_channels;
                let weight = &weight[channel * taps..][..taps];
                vectorized(
                    #[inline(always)]
                    || planes.fill(map, shape.input[1]),
                );
                let clamp = clamps.get(channel).copied();
                correlate(&planes.values, &offsets, weight, clamp, run);
                vectorized(
                    #[inline(always)]
                    || {
                        let rows = run.chunks(planes.pitch);
                        for (output, run) in output.chunks_exact_mut(width).zip(rows) {
                            output.copy_from_slice(&run[..width]);
                        }
                        rest.apply(output);
                    },
                );
            },
        );
    output
}

/// The gradient of the input of [`depthwise`] from that of its output.
pub(crate) fn depthwise_input_gradient(
    shape: &ConvShape,
    gradient: &[f32],
    weight: &[f32],
) -> Vec<f32> {
    let [height, width] = shape.input;
    let [down, right] = shape.stride;
    let taps = shape.taps();
    // Every input sees outputs up to a kernel away on either side; phases of the input see different taps.
    let border = shape.kernel.map(|side| side - 1);
    let grid = [height.div_ceil(down), width.div_ceil(right)];
    let output = shape.output();
    let reach = [0, 1].map(|axis| {
        let behind = output[axis] + border[axis] + shape.kernel[axis];
        behind.saturating_sub(grid[axis]).max(2 * border[axis] + 1)
    });
    let planes = || Planes::new(grid, [1, 1], border, reach);
    let pitch = planes().pitch;
    let phases: Vec<_> = (0..down * right)
        .map(|phase| {
            let first = [phase / right, phase % right];
            let axis_taps = |axis: usize| {
                let origin = first[axis] + shape.padding[axis];
                let stride = shape.stride[axis];
                (0..shape.kernel[axis])
                    .filter(move |tap| tap % stride == origin % stride)
                    .map(move |tap| (tap, (origin as isize - tap as isize) / stride as isize))
            };
            let taps: Vec<_> = axis_taps(0)
                .flat_map(|row| axis_taps(1).map(move |column| (row, column)))
                .collect();
            let place = |shift: isize, axis: usize| (shift + border[axis] as isize) as usize;
            let offsets: Vec<_> = (taps.iter())
                .map(|((_, row), (_, column))| place(*row, 0) * pitch + place(*column, 1))
                .collect();
            let indices: Vec<_> = (taps.iter())
                .map(|((row, _), (column, _))| row * shape.kernel[1] + column)
                .collect();
            (first, offsets, indices)
        })
        .collect();
    let mut result = unwritten(shape.batch * shape.input_channels * height * width);
    result
        .par_chunks_mut(height * width)
        .zip(gradient.par_chunks(output[0] * output[1]))
        .enumerate()
        .for_each_init(
            || {
                let run = vec![0.0; (grid[0] * pitch).next_multiple_of(RUN)];
                (planes(), run, Vec::new())
            },
            |(planes, run, weights), (index, (result, gradient))| {
                let channel = index % shape.input_channels;
                let weight = &weight[channel * taps..][..taps];
                vectorized(
                    #[inline(always)]
                    || {
                        planes.fill(gradient, output[1]);
                        for (first, offsets, indices) in &phases {
                            weights.clear();
                            weights.extend(indices.iter().map(|&tap| weight[tap]));
                            correlate(&planes.values, offsets, weights, None, run);
                            let lines = result.chunks_exact_mut(width);
                            let lines = lines.skip(first[0]).step_by(down);
                            for (line, run) in lines.zip(run.chunks(pitch)) {
                                if right == 1 {
                                    line.copy_from_slice(&run[..width]);
                                    continue;
                                }
                                let values = line.iter_mut().skip(first[1]).step_by(right);
                                for (value, run) in values.zip(run) {
                                    *value = *run;
                                }
                            }
                        }
                    },
                );
            },
        );
    result
}

/// The gradient of the weights of [`depthwise`], `[channels, 1, rows, columns]`.
pub(crate) fn depthwise_weight_gradient(
    shape: &ConvShape,
    input: &[f32],
    gradient: &[f32],
) -> Vec<f32> {
    let [height, width] = shape.output();
    let (area, taps) = (height * width, shape.taps());
    let planes = || Planes::new([height, width], shape.stride, shape.padding, shape.kernel);
    let offsets = offsets(&planes(), shape.kernel);
    let mut weights = vec![0.0; shape.input_channels * taps];
    weights.par_chunks_mut(taps).enumerate().for_each_init(
        || {
            let planes = planes();
            // What a plane's row has behind the map's width stays zero.
            let given = vec![0.0; (height * planes.pitch).next_multiple_of(LANES)];
            (planes, given, vec![0.0f64; taps])
        },
        |(planes, given, sums), (channel, weights)| {
            sums.fill(0.0);
            for image in 0..shape.batch {
                let map = image * shape.input_channels + channel;
                let input = &input[map * shape.input_area()..][..shape.input_area()];
                let gradient = &gradient[map * area..][..area];
                vectorized(
                    #[inline(always)]
                    || {
                        planes.fill(input, shape.input[1]);
                        let rows = given.chunks_mut(planes.pitch);
                        for (given, row) in rows.zip(gradient.chunks_exact(width)) {
                            given[..width].copy_from_slice(row);
                        }
                    },
                );
                let rows = offsets.chunks_exact(shape.kernel[1]);
                for (offsets, sums) in rows.zip(sums.chunks_exact_mut(shape.kernel[1])) {
                    Arch::new().dispatch(Products {
                        values: &planes.values,
                        given,
                        offsets,
                        sums,
                    });
                }
            }
            for (weight, sum) in weights.iter_mut().zip(sums) {
                *weight = *sum as f32;
            }
        },
    );
    weights
}

/// Adds `sum over p of given[p] * values[p + offset]` for every offset of a kernel's row.
struct Products<'a> {
    values: &'a [f32],
    given: &'a [f32],
    offsets: &'a [usize],
    sums: &'a mut [f64],
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
