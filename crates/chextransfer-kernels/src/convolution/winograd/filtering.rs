//! The convolution, and with turned filters the gradient of its input.

use pulp::Arch;
use rayon::prelude::*;

use super::super::Epilogue;
use super::super::geometry::ConvShape;
use super::super::product::{even, images_per_task};
use super::tiles::{AtPoints, Slab, Tiling};
use super::transforms::{Layout, OfFilter, OfInput, Planes, ToOutput};
use super::{LANES, POINTS, SEEN, TILE};
use crate::buffer::unwritten;
use crate::matrix::{OuterProducts, Product, Rows, Unpacked};
use crate::simd::arch;

/// Depth of a block of the products.
const DEPTH: usize = 256;

/// Filters that are taken to their points at once.
const FILTERS: usize = 64;

/// Filters a input with `filter(output channel, input channel, tap)`.
pub(in super::super) fn filter(
    shape: &ConvShape,
    input: &[f32],
    filter: impl Fn(usize, usize, usize) -> f32 + Sync,
    epilogue: &Epilogue<'_>,
) -> Vec<f32> {
    let filters = Filters::new(shape, filter);
    let places = shape.output_area();
    let mut output = unwritten(shape.batch * shape.output_channels * places);
    let group = images_per_task(shape.batch, places);
    output
        .par_chunks_mut(group * shape.output_channels * places)
        .zip(input.par_chunks(group * shape.input_channels * shape.input_area()))
        .for_each(|(output, input)| Task::new(shape, &filters).run(input, epilogue, output));
    output
}

/// Filters at the points: for each tile of output channels and each point `[input channels, tile]`.
struct Filters {
    kernels: OuterProducts,
    values: Vec<f32>,
    /// How far it is from a point to the next.
    point: usize,
    /// Where the row of an input channel begins.
    offsets: Vec<usize>,
}

impl Filters {
    fn new(shape: &ConvShape, filter: impl Fn(usize, usize, usize) -> f32 + Sync) -> Self {
        let kernels = OuterProducts::new();
        let tile = kernels.columns;
        let inputs = shape.input_channels;
        let point = inputs * tile;
        let tiles = shape.output_channels.div_ceil(tile);
        let mut values = unwritten(tiles * POINTS * point);
        let arch = arch();
        values
            .par_chunks_exact_mut(POINTS * point)
            .enumerate()
            .for_each(|(index, values)| {
                let outputs = (index * tile)..shape.output_channels.min((index + 1) * tile);
                let mut taps = vec![0.0; FILTERS * 9 * tile];
                for first in (0..inputs).step_by(FILTERS) {
                    let count = FILTERS.min(inputs - first);
                    for (index, line) in taps.chunks_exact_mut(tile).take(9 * count).enumerate() {
                        for (value, output) in line.iter_mut().zip(outputs.clone()) {
                            *value = filter(output, first + index / 9, index % 9);
                        }
                    }
                    let planes = Planes {
                        count,
                        width: tile,
                        from: &taps,
                        from_layout: Layout {
                            row: 3 * tile,
                            column: tile,
                            plane: 9 * tile,
                        },
                        to: &mut values[first * tile..],
                        to_layout: Layout {
                            row: SEEN * point,
                            column: point,
                            plane: tile,
                        },
                    };
                    planes.apply(OfFilter, arch);
                }
            });
        Self {
            kernels,
            values,
            point,
            offsets: (0..inputs).map(|channel| channel * tile).collect(),
        }
    }

    fn at(&self, point: usize) -> Rows<'_> {
        Rows {
            values: &self.values[point * self.point..],
            offsets: &self.offsets,
            step: POINTS * self.point,
        }
    }
}

/// The work on some images.
struct Task<'a> {
    arch: Arch,
    shape: &'a ConvShape,
    filters: &'a Filters,
    tiling: Tiling,
    seen: Slab,
    inputs: AtPoints,
    outputs: AtPoints,
    given: Slab,
    lines: Vec<f32>,
    /// Rows of tiles in a block.
    rows: usize,
}

impl<'a> Task<'a> {
    fn new(shape: &'a ConvShape, filters: &'a Filters) -> Self {
        let tiling = Tiling::new(shape);
        let seen = Slab::seen(tiling, shape.input_channels);
        let outputs = shape
            .output_channels
            .next_multiple_of(filters.kernels.columns);
        let given = Slab::given(tiling, outputs.next_multiple_of(LANES));
        let rows = tiling.rows_of_block(POINTS * (seen.pitch + outputs));
        let tiles = (rows * tiling.across).next_multiple_of(filters.kernels.rows);
        Self {
            arch: arch(),
            shape,
            filters,
            tiling,
            inputs: AtPoints::new(tiles, seen.pitch),
            outputs: AtPoints::new(tiles, outputs),
            lines: vec![0.0; shape.output_channels * TILE * shape.output()[1]],
            seen,
            given,
            rows,
        }
    }

    fn run(&mut self, input: &[f32], epilogue: &Epilogue<'_>, output: &mut [f32]) {
        let image = self.shape.input_channels * self.shape.input_area();
        let rows = input.len() / image * self.tiling.down;
        let block = even(rows, self.rows);
        for first in (0..rows).step_by(block) {
            let rows = first..rows.min(first + block);
            for (index, row) in rows.clone().enumerate() {
                let image = &input[row / self.tiling.down * image..][..image];
                self.take(image, row % self.tiling.down, index);
            }
            self.multiply(rows.len() * self.tiling.across);
            for (index, row) in rows.enumerate() {
                let image = self.shape.output_channels * self.shape.output_area();
                let image = &mut output[row / self.tiling.down * image..][..image];
                self.give(index, row % self.tiling.down, epilogue, image);
            }
        }
    }

    /// Takes a row of tiles to the points.
    fn take(&mut self, image: &[f32], row: usize, index: usize) {
        let [top, left] = self.shape.padding.map(|side| side as isize);
        let first = [(row * TILE) as isize - top, -left];
        self.seen.lay(image, self.shape.input, first);
        let to_layout = self.inputs.layout();
        let planes = Planes {
            count: self.tiling.across,
            width: self.inputs.pitch,
            from: &self.seen.values,
            from_layout: self.seen.layout(),
            to: &mut self.inputs.values[index * self.tiling.across * self.inputs.pitch..],
            to_layout,
        };
        planes.apply(OfInput, self.arch);
    }

    fn multiply(&mut self, tiles: usize) {
        let kernels = self.filters.kernels;
        let rows = tiles.next_multiple_of(kernels.rows);
        let depth = self.shape.input_channels;
        let deep = even(depth, DEPTH);
        for point in 0..POINTS {
            let filters = self.filters.at(point);
            let product = &mut self.outputs.values[point * self.outputs.point..];
            for from in (0..depth).step_by(deep) {
                let range = from..depth.min(from + deep);
                let inputs = Unpacked {
                    values: &self.inputs.at(point)[from..],
                    rows,
                    pitch: self.inputs.pitch,
                };
                let filters = Rows {
                    offsets: &filters.offsets[range],
                    ..filters
                };
                let product = Product {
                    values: product,
                    rows,
                    columns: self.outputs.pitch,
                    pitch: self.outputs.pitch,
                    finish: &[],
                };
                kernels.multiply(inputs, filters, product, from > 0);
            }
        }
    }

    /// Writes the outputs of a row of tiles.
    fn give(&mut self, index: usize, row: usize, epilogue: &Epilogue<'_>, image: &mut [f32]) {
        let to_layout = self.given.layout();
        let planes = Planes {
            count: self.tiling.across,
            width: self.outputs.pitch,
            from: &self.outputs.values[index * self.tiling.across * self.outputs.pitch..],
            from_layout: self.outputs.layout(),
            to: &mut self.given.values,
            to_layout,
        };
        planes.apply(ToOutput, self.arch);
        let [height, width] = self.shape.output();
        let rows = TILE.min(height - row * TILE);
        let channels = self.shape.output_channels;
        self.given.lift(channels, rows, width, &mut self.lines);
        let lines = self.lines.chunks_exact(TILE * width);
        for (channel, lines) in lines.enumerate() {
            let place = channel * height * width + row * TILE * width;
            let output = &mut image[place..][..rows * width];
            epilogue.apply(channel, &lines[..output.len()], output);
        }
    }
}
