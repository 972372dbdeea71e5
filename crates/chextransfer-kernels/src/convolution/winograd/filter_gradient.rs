//! The gradient of the filters.

use std::ops::Range;

use pulp::Arch;
use rayon::prelude::*;

use super::super::geometry::ConvShape;
use super::super::product::even;
use super::tiles::{AtPoints, Slab, Tiling};
use super::transforms::{Layout, OfGradient, OfInput, Planes, ToFilterGradient};
use super::{POINTS, TILE};
use crate::matrix::{OuterProducts, Product, Rows, Stacked};
use crate::simd::arch;

/// Channels of a task, of the input and of the output, at most, and below which they are not shared out.
const MOST: usize = 128;
const LEAST: usize = 32;

/// The gradient of the filters, `[output channels, input channels, 3, 3]`.
pub(in super::super) fn filter_gradient(
    shape: &ConvShape,
    input: &[f32],
    gradient: &[f32],
) -> Vec<f32> {
    let (inputs, outputs) = (shape.input_channels, shape.output_channels);
    let [of_input, of_output] = channels_of_task(inputs, outputs);
    let tasks: Vec<_> = (0..outputs)
        .step_by(of_output)
        .flat_map(|output| {
            (0..inputs)
                .step_by(of_input)
                .map(move |input| (output, input))
        })
        .collect();
    let parts: Vec<_> = tasks
        .into_par_iter()
        .map(|(output, first)| {
            let outputs = output..outputs.min(output + of_output);
            let inputs = first..inputs.min(first + of_input);
            let part = Task::new(shape, outputs.clone(), inputs.clone()).run(input, gradient);
            (outputs, inputs, part)
        })
        .collect();
    let mut filters = vec![0.0; outputs * inputs * 9];
    for (outputs, of_inputs, part) in parts {
        for (output, line) in outputs.zip(part.chunks_exact(9 * of_inputs.len())) {
            let start = (output * inputs + of_inputs.start) * 9;
            filters[start..][..line.len()].copy_from_slice(line);
        }
    }
    filters
}

/// Channels of the input and of the output: no sum is split, so that results do not depend on how many tasks there are.
fn channels_of_task(inputs: usize, outputs: usize) -> [usize; 2] {
    let mut sizes = [inputs, outputs].map(|channels| even(channels, MOST));
    let tasks = |sizes: [usize; 2]| inputs.div_ceil(sizes[0]) * outputs.div_ceil(sizes[1]);
    while tasks(sizes) < rayon::current_num_threads() {
        let larger = usize::from(sizes[1] > sizes[0]);
        if sizes[larger] < 2 * LEAST {
            break;
        }
        sizes[larger] = sizes[larger].div_ceil(2);
    }
    sizes
}

struct Task<'a> {
    arch: Arch,
    kernels: OuterProducts,
    shape: &'a ConvShape,
    tiling: Tiling,
    outputs: Range<usize>,
    inputs: Range<usize>,
}

impl<'a> Task<'a> {
    fn new(shape: &'a ConvShape, outputs: Range<usize>, inputs: Range<usize>) -> Self {
        Self {
            arch: arch(),
            kernels: OuterProducts::new(),
            shape,
            tiling: Tiling::new(shape),
            outputs,
            inputs,
        }
    }

    fn run(&self, input: &[f32], gradient: &[f32]) -> Vec<f32> {
        let Tiling { down, across } = self.tiling;
        let mut seen = Slab::seen(
            self.tiling,
            self.inputs.len().next_multiple_of(self.kernels.columns),
        );
        let height = self.outputs.len().next_multiple_of(self.kernels.rows);
        let mut given = Slab::given(self.tiling, height);
        // The same for tasks of any size: tiles of a block are added up first.
        let rows = self.tiling.rows_of_block(POINTS * 2 * MOST);
        let mut inputs = AtPoints::new(rows * across, seen.pitch);
        let mut gradients = AtPoints::new(rows * across, given.pitch);
        let mut product = AtPoints::new(height, seen.pitch);
        let offsets: Vec<_> = (0..rows * across).map(|tile| tile * seen.pitch).collect();

        let [top, left] = self.shape.padding.map(|side| side as isize);
        let all = self.shape.batch * down;
        for first in (0..all).step_by(rows) {
            let rows = first..all.min(first + rows);
            for (index, row) in rows.clone().enumerate() {
                let (image, row) = (row / down, (row % down * TILE) as isize);
                let maps = self.maps(
                    input,
                    image,
                    self.shape.input_channels,
                    &self.inputs,
                    self.shape.input,
                );
                seen.lay(maps, self.shape.input, [row - top, -left]);
                self.take(&seen, OfInput, index, &mut inputs);
                let maps = self.maps(
                    gradient,
                    image,
                    self.shape.output_channels,
                    &self.outputs,
                    self.shape.output(),
                );
                given.lay(maps, self.shape.output(), [row, 0]);
                self.take(&given, OfGradient, index, &mut gradients);
            }
            let tiles = rows.len() * across;
            for point in 0..POINTS {
                let a = Stacked {
                    values: &gradients.values[point * gradients.point..],
                    rows: height,
                    pitch: gradients.pitch,
                };
                let b = Rows {
                    values: inputs.at(point),
                    offsets: &offsets[..tiles],
                    step: self.kernels.columns,
                };
                let c = Product {
                    values: &mut product.values[point * product.point..],
                    rows: height,
                    columns: product.pitch,
                    pitch: product.pitch,
                    finish: &[],
                };
                self.kernels.multiply(a, b, c, true);
            }
        }
        self.filters(&product)
    }

    /// Some channels of an image.
    fn maps<'m>(
        &self,
        values: &'m [f32],
        image: usize,
        channels: usize,
        range: &Range<usize>,
        [height, width]: [usize; 2],
    ) -> &'m [f32] {
        let area = height * width;
        let maps = &values[image * channels * area..][..channels * area];
        &maps[range.start * area..range.end * area]
    }

    /// Takes a row of tiles to the points.
    fn take<T: super::transforms::Transform<IN, 6>, const IN: usize>(
        &self,
        slab: &Slab,
        transform: T,
        index: usize,
        points: &mut AtPoints,
    ) {
        let to_layout = points.layout();
        let planes = Planes {
            count: self.tiling.across,
            width: points.pitch,
            from: &slab.values,
            from_layout: slab.layout(),
            to: &mut points.values[index * self.tiling.across * points.pitch..],
            to_layout,
        };
        planes.apply(transform, self.arch);
    }

    /// Takes the sums of products back to taps, `[outputs, inputs, 9]`.
    fn filters(&self, product: &AtPoints) -> Vec<f32> {
        let (width, inputs) = (product.pitch, self.inputs.len());
        let mut taps = vec![0.0; 9 * width];
        let mut filters = vec![0.0; self.outputs.len() * inputs * 9];
        for (row, filters) in filters.chunks_exact_mut(9 * inputs).enumerate() {
            let planes = Planes {
                count: 1,
                width,
                from: &product.values[row * width..],
                from_layout: product.layout(),
                to: &mut taps,
                to_layout: Layout {
                    row: 3 * width,
                    column: width,
                    plane: 0,
                },
            };
            planes.apply(ToFilterGradient, self.arch);
            for (tap, taps) in taps.chunks_exact(width).enumerate() {
                for (filter, value) in filters.chunks_exact_mut(9).zip(taps) {
                    filter[tap] = *value;
                }
            }
        }
        filters
    }
}
