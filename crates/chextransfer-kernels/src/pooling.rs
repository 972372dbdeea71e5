//! Pooling over windows, and over whole maps.

use rayon::prelude::*;

use crate::PoolKind;
use crate::buffer::unwritten;
use crate::simd::{LANES, total, vectorized};

/// Sizes of a pooling; `[rows, columns]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct PoolShape {
    /// Sides of the input map.
    pub(crate) input: [usize; 2],
    /// Sides of the window.
    pub(crate) kernel: [usize; 2],
    /// Step of the window.
    pub(crate) stride: [usize; 2],
    /// Border on either side, at most half a window.
    pub(crate) padding: [usize; 2],
    /// What is taken of a window.
    pub(crate) kind: PoolKind,
}

impl PoolShape {
    /// Sides of the output map.
    pub(crate) fn output(&self) -> [usize; 2] {
        [0, 1].map(|axis| {
            let padded = self.input[axis] + 2 * self.padding[axis];
            (padded - self.kernel[axis]) / self.stride[axis] + 1
        })
    }

    fn input_area(&self) -> usize {
        self.input[0] * self.input[1]
    }

    fn output_area(&self) -> usize {
        let [height, width] = self.output();
        height * width
    }

    /// The rows, or columns, that a window sees.
    #[inline(always)]
    fn seen(&self, axis: usize, place: usize) -> std::ops::Range<usize> {
        let start = place * self.stride[axis];
        let end = (start + self.kernel[axis]).saturating_sub(self.padding[axis]);
        start.saturating_sub(self.padding[axis])..end.min(self.input[axis])
    }

    /// How many values the mean of each window is over.
    fn counts(&self) -> Vec<f32> {
        let [height, width] = self.output();
        let count = |row, column| match self.kind {
            PoolKind::AverageInside => self.seen(0, row).len() * self.seen(1, column).len(),
            _ => self.kernel[0] * self.kernel[1],
        };
        let counts = |row| (0..width).map(move |column| count(row, column) as f32);
        (0..height).flat_map(counts).collect()
    }
}

/// Pools every map.
pub(crate) fn pool(shape: &PoolShape, input: &[f32]) -> Vec<f32> {
    let [_, width] = shape.output();
    let mut output = unwritten(input.len() / shape.input_area() * shape.output_area());
    let counts = shape.counts();
    output
        .par_chunks_exact_mut(shape.output_area())
        .zip(input.par_chunks_exact(shape.input_area()))
        .for_each_init(Vec::new, |line, (output, input)| {
            vectorized(
                #[inline(always)]
                || {
                    for (row, output) in output.chunks_exact_mut(width).enumerate() {
                        match shape.kind {
                            PoolKind::Max => {
                                let larger =
                                    |a: f32, b: f32| if b > a || b.is_nan() { b } else { a };
                                pool_row(
                                    shape,
                                    input,
                                    row,
                                    line,
                                    output,
                                    f32::NEG_INFINITY,
                                    larger,
                                );
                            }
                            _ => {
                                pool_row(shape, input, row, line, output, 0.0, |a, b| a + b);
                                let counts = &counts[row * width..];
                                for (output, count) in output.iter_mut().zip(counts) {
                                    *output /= count;
                                }
                            }
                        }
                    }
                },
            );
        });
    output
}

/// First joins rows, as vectors, then columns.
#[inline(always)]
fn pool_row(
    shape: &PoolShape,
    input: &[f32],
    row: usize,
    line: &mut Vec<f32>,
    output: &mut [f32],
    neutral: f32,
    join: impl Fn(f32, f32) -> f32 + Copy,
) {
    let (width, left) = (shape.input[1], shape.padding[1]);
    line.clear();
    line.resize(width + 2 * left, neutral);
    for row in shape.seen(0, row) {
        let row = &input[row * width..][..width];
        for (line, value) in line[left..left + width].iter_mut().zip(row) {
            *line = join(*line, *value);
        }
    }
    let (kernel, stride) = (shape.kernel[1], shape.stride[1]);
    match (kernel, stride) {
        (3, 1) => join_columns::<3, 1>(line, output, join),
        (3, 2) => join_columns::<3, 2>(line, output, join),
        (2, 2) => join_columns::<2, 2>(line, output, join),
        _ => {
            for (column, output) in output.iter_mut().enumerate() {
                let seen = &line[column * stride..][..kernel];
                *output = seen.iter().fold(neutral, |a, b| join(a, *b));
            }
        }
    }
}

#[inline(always)]
fn join_columns<const KERNEL: usize, const STRIDE: usize>(
    line: &[f32],
    output: &mut [f32],
    join: impl Fn(f32, f32) -> f32,
) {
    let line = &line[..(output.len() - 1) * STRIDE + KERNEL];
    for (column, output) in output.iter_mut().enumerate() {
        let mut joined = line[column * STRIDE];
        for tap in 1..KERNEL {
            joined = join(joined, line[column * STRIDE + tap]);
        }
        *output = joined;
    }
}

/// The gradient of the input of a maximum from that of its output; of equal largest values the first has it.
pub(crate) fn maximum_gradient(shape: &PoolShape, input: &[f32], gradient: &[f32]) -> Vec<f32> {
    let mut result = unwritten(input.len());
    result
        .par_chunks_exact_mut(shape.input_area())
        .zip(input.par_chunks_exact(shape.input_area()))
        .zip(gradient.par_chunks_exact(shape.output_area()))
        .for_each(|((result, input), gradient)| {
            result.fill(0.0);
            maximum_gradient_of(shape, input, gradient, result);
        });
    result
}

fn maximum_gradient_of(shape: &PoolShape, input: &[f32], gradient: &[f32], result: &mut [f32]) {
    let [_, columns] = shape.output();
    let width = shape.input[1];
    for (row, gradient) in gradient.chunks_exact(columns).enumerate() {
        let rows = shape.seen(0, row);
        for (column, gradient) in gradient.iter().enumerate() {
            let seen = shape.seen(1, column);
            let mut largest = (rows.start * width + seen.start, f32::NEG_INFINITY);
            for row in rows.clone() {
                let start = row * width + seen.start;
                for (place, &value) in (start..).zip(&input[start..start + seen.len()]) {
                    if value > largest.1 || value.is_nan() {
                        largest = (place, value);
                    }
                }
            }
            result[largest.0] += gradient;
        }
    }
}

/// The gradient of the input of an average from that of its output.
pub(crate) fn average_gradient(shape: &PoolShape, gradient: &[f32]) -> Vec<f32> {
    let maps = gradient.len() / shape.output_area();
    let mut result = unwritten(maps * shape.input_area());
    let counts = shape.counts();
    result
        .par_chunks_exact_mut(shape.input_area())
        .zip(gradient.par_chunks_exact(shape.output_area()))
        .for_each_init(Vec::new, |line, (result, gradient)| {
            result.fill(0.0);
            vectorized(
                #[inline(always)]
                || average_gradient_of(shape, gradient, &counts, line, result),
            );
        });
    result
}

/// First spreads over columns, then, as vectors, over rows.
#[inline(always)]
fn average_gradient_of(
    shape: &PoolShape,
    gradient: &[f32],
    counts: &[f32],
    line: &mut Vec<f32>,
    result: &mut [f32],
) {
    let [_, columns] = shape.output();
    let (width, left) = (shape.input[1], shape.padding[1]);
    let (kernel, stride) = (shape.kernel[1], shape.stride[1]);
    let windows = gradient
        .chunks_exact(columns)
        .zip(counts.chunks_exact(columns));
    for (row, (gradient, counts)) in windows.enumerate() {
        line.clear();
        line.resize(width + 2 * left, 0.0);
        for tap in 0..kernel {
            let shares = gradient.iter().zip(counts);
            if stride == 1 {
                for (line, (gradient, count)) in line[tap..].iter_mut().zip(shares) {
                    *line += gradient / count;
                }
            } else {
                for (line, (gradient, count)) in line[tap..].iter_mut().step_by(stride).zip(shares)
                {
                    *line += gradient / count;
                }
            }
        }
        for row in shape.seen(0, row) {
            let result = &mut result[row * width..][..width];
            for (value, line) in result.iter_mut().zip(&line[left..]) {
                *value += line;
            }
        }
    }
}

/// The mean of each map of this area.
pub(crate) fn means(area: usize, input: &[f32]) -> Vec<f32> {
    let maps = input.par_chunks_exact(area).with_min_len(16);
    maps.map(|map| {
        vectorized(
            #[inline(always)]
            || {
                let mut lanes = [0.0f32; LANES];
                let (groups, rest) = map.as_chunks::<LANES>();
                for group in groups {
                    for lane in 0..LANES {
                        lanes[lane] += group[lane];
                    }
                }
                for (lane, value) in lanes.iter_mut().zip(rest) {
                    *lane += value;
                }
                total(lanes) / area as f32
            },
        )
    })
    .collect()
}

/// The gradient of the maps of [`means`].
pub(crate) fn means_gradient(area: usize, gradient: &[f32]) -> Vec<f32> {
    let mut result = unwritten(area * gradient.len());
    result
        .par_chunks_exact_mut(area)
        .zip(gradient)
        .for_each(|(map, gradient)| map.fill(gradient / area as f32));
    result
}
