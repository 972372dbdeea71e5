//! Convolutions of each channel alone, and their gradients.
//!
//! A map is copied once into planes with a border, one plane for each phase of the stride; then every tap is a shift of a
//! plane, and a row of results is whole vectors without edges.

mod correlation;
mod planes;

use rayon::prelude::*;

use super::Epilogue;
use super::geometry::ConvShape;
use crate::buffer::unwritten;
use crate::simd::{LANES, vectorized};
use correlation::{Correlation, Products};
use planes::{Planes, copy};

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
        .for_each_init(planes, |planes, (index, (output, map))| {
            let channel = index % shape.input_channels;
            vectorized(
                #[inline(always)]
                || planes.fill(map, shape.input[1]),
            );
            let correlation = Correlation {
                values: &planes.values,
                pitch: planes.pitch,
                offsets: &offsets,
                weights: &weight[channel * taps..][..taps],
                finish: clamps.get(channel).copied(),
                width,
                into: output,
            };
            correlation.compute();
            vectorized(
                #[inline(always)]
                || rest.apply(output),
            );
        });
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
            (offsets, indices)
        })
        .collect();
    let mut result = unwritten(shape.batch * shape.input_channels * height * width);
    result
        .par_chunks_mut(height * width)
        .zip(gradient.par_chunks(output[0] * output[1]))
        .enumerate()
        .for_each_init(
            || {
                // The gradient of each phase of the columns.
                let of_phases = vec![vec![0.0; grid[0] * grid[1]]; right];
                (planes(), of_phases, Vec::new())
            },
            |(planes, of_phases, weights), (index, (result, gradient))| {
                let channel = index % shape.input_channels;
                let weight = &weight[channel * taps..][..taps];
                vectorized(
                    #[inline(always)]
                    || planes.fill(gradient, output[1]),
                );
                let mut correlate = |(offsets, indices): &(Vec<_>, Vec<usize>),
                                     into: &mut [f32]| {
                    weights.clear();
                    weights.extend(indices.iter().map(|&tap| weight[tap]));
                    let correlation = Correlation {
                        values: &planes.values,
                        pitch,
                        offsets,
                        weights,
                        finish: None,
                        width: grid[1],
                        into,
                    };
                    correlation.compute();
                };
                if shape.stride == [1, 1] {
                    return correlate(&phases[0], result);
                }
                for (first, phases) in phases.chunks_exact(right).enumerate() {
                    for (phase, into) in phases.iter().zip(&mut *of_phases) {
                        correlate(phase, into);
                    }
                    let lines = result.chunks_exact_mut(width).skip(first).step_by(down);
                    for (row, line) in lines.enumerate() {
                        interleave(of_phases, row * grid[1], line);
                    }
                }
            },
        );
    result
}

/// Writes a value of each phase in turn, from the values that begin with `first`.
fn interleave(phases: &[Vec<f32>], first: usize, line: &mut [f32]) {
    if let [evens, odds] = phases {
        let (pairs, last) = line.as_chunks_mut::<2>();
        for ((pair, even), odd) in pairs.iter_mut().zip(&evens[first..]).zip(&odds[first..]) {
            *pair = [*even, *odd];
        }
        if let [last] = last {
            *last = evens[first + pairs.len()];
        }
        return;
    }
    for (phase, values) in phases.iter().enumerate() {
        let places = line.iter_mut().skip(phase).step_by(phases.len());
        for (place, value) in places.zip(&values[first..]) {
            *place = *value;
        }
    }
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
                        for row in 0..height {
                            let given = &mut given[row * planes.pitch..];
                            copy(&gradient[row * width..], width, given);
                        }
                    },
                );
                let rows = offsets.chunks_exact(shape.kernel[1]);
                for (offsets, sums) in rows.zip(sums.chunks_exact_mut(shape.kernel[1])) {
                    let products = Products {
                        values: &planes.values,
                        given,
                        offsets,
                        sums,
                    };
                    products.add();
                }
            }
            for (weight, sum) in weights.iter_mut().zip(sums) {
                *weight = *sum as f32;
            }
        },
    );
    weights
}
