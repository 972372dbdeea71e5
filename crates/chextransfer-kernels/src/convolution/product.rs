//! The product of packed weights with windows.

use rayon::prelude::*;

use super::geometry::{ConvShape, Windows};
use super::Epilogue;
use crate::buffer::unwritten;
use crate::matrix::{OuterProducts, PackedRows};
use crate::simd::vectorized;

/// Depth of a block: a tile's columns of it stay in the first cache.
const DEPTH: usize = 256;

/// Values of the packed windows and of the product that should stay in the second cache together.
const BLOCK: usize = 96 * 1024;

/// Weights, `[rows, channels * taps]`, that are multiplied with what windows see of maps.
pub(super) struct WindowProduct<'a> {
    pub(super) kernels: OuterProducts,
    pub(super) weights: &'a PackedRows,
    pub(super) rows: usize,
    pub(super) channels: usize,
    pub(super) windows: &'a Windows,
}

/// Memory of a task.
#[derive(Default)]
pub(super) struct Scratch {
    row: Vec<f32>,
    windows: Vec<f32>,
    product: Vec<f32>,
}

impl WindowProduct<'_> {
    /// Multiplies for some images, `[images, channels, map area]`, and hands over each run of results: image, row, first
    /// place and values.
    pub(super) fn run(
        &self,
        images: &[f32],
        scratch: &mut Scratch,
        mut finish: impl FnMut(usize, usize, usize, &[f32]),
    ) {
        let places = self.windows.places();
        let columns = images.len() / (self.channels * self.windows.map_area()) * places;
        let depth = self.channels * self.windows.taps();
        let tile = self.kernels.columns;
        let height = self.rows.next_multiple_of(self.kernels.rows);

        let block = (BLOCK / (depth.min(DEPTH) + height)).clamp(3 * tile, 32 * tile);
        let width = even(columns, block).next_multiple_of(tile);
        let deep = even(depth, DEPTH);
        scratch.row.resize(width, 0.0);
        scratch.windows.resize(deep * width, 0.0);
        scratch.product.resize(height * width, 0.0);
        for first in (0..columns).step_by(width) {
            let count = width.min(columns - first);
            let width = count.next_multiple_of(tile);
            let product = &mut scratch.product[..height * width];
            for from in (0..depth).step_by(deep) {
                let range = from..depth.min(from + deep);
                let packed = &mut scratch.windows[..range.len() * width];
                let row = &mut scratch.row[..width];
                vectorized(
                    #[inline(always)]
                    || self.pack(images, range.clone(), first, count, row, packed),
                );
                self.kernels
                    .multiply(self.weights, range, packed, product, from > 0);
            }
            for (row, product) in product.chunks_exact(width).take(self.rows).enumerate() {
                let mut rest = &product[..count];
                let mut column = first;
                while !rest.is_empty() {
                    let place = column % places;
                    let (run, behind) = rest.split_at(rest.len().min(places - place));
                    finish(column / places, row, place, run);
                    column += run.len();
                    rest = behind;
                }
            }
        }
    }

    /// Panels of a tile's columns, each `[range, columns of a tile]`.
    #[inline(always)]
    fn pack(
        &self,
        images: &[f32],
        range: std::ops::Range<usize>,
        first: usize,
        count: usize,
        row: &mut [f32],
        packed: &mut [f32],
    ) {
        let (places, area) = (self.windows.places(), self.windows.map_area());
        let (taps, tile) = (self.windows.taps(), self.kernels.columns);
        let deep = range.len();
        row[count..].fill(0.0);
        for (index, k) in range.enumerate() {
            let (channel, tap) = (k / taps, k % taps);
            let mut rest = &mut row[..count];
            let mut column = first;
            while !rest.is_empty() {
                let (image, place) = (column / places, column % places);
                let run = rest.len().min(places - place);
                let (run, behind) = rest.split_at_mut(run);
                let map = &images[(image * self.channels + channel) * area..][..area];
                self.windows.gather(map, tap, place, run);
                column += run.len();
                rest = behind;
            }
            let panels = packed.chunks_exact_mut(deep * tile);
            for (panel, row) in panels.zip(row.chunks_exact(tile)) {
                panel[index * tile..][..tile].copy_from_slice(row);
            }
        }
    }
}

/// Parts of `total` of at most about `part`, as equal as can be.
pub(super) fn even(total: usize, part: usize) -> usize {
    total.div_ceil(total.div_ceil(part).max(1)).max(1)
}

/// Images of a task: enough for a product worth its packing, few enough to keep all threads busy.
pub(super) fn images_per_task(batch: usize, places: usize) -> usize {
    let threads = rayon::current_num_threads();
    let tasks = threads * (batch * places / (512 * threads)).max(1);
    batch.div_ceil(tasks.min(batch).max(1)).max(1)
}

/// The convolution of `input` with `weight`, `[output channels, input channels, rows, columns]`.
pub(crate) fn convolve(
    shape: &ConvShape,
    input: &[f32],
    weight: &[f32],
    epilogue: &Epilogue<'_>,
) -> Vec<f32> {
    let windows = shape.windows();
    let kernels = OuterProducts::new();
    let depth = shape.input_channels * shape.taps();
    let weights = kernels.pack_rows(shape.output_channels, depth, |row, k| {
        weight[row * depth + k]
    });
    let (rows, places) = (shape.output_channels, windows.places());
    let product = WindowProduct {
        kernels,
        weights: &weights,
        rows,
        channels: shape.input_channels,
        windows: &windows,
    };
    let mut output = unwritten(shape.batch * rows * places);
    let group = images_per_task(shape.batch, places);
    let image = shape.input_channels * shape.input_area();
    output
        .par_chunks_mut(group * rows * places)
        .zip(input.par_chunks(group * image))
        .for_each_init(Scratch::default, |scratch, (output, images)| {
            product.run(images, scratch, |image, row, place, values| {
                let start = (image * rows + row) * places + place;
                let output = &mut output[start..][..values.len()];
                epilogue.apply(row, values, output);
            });
        });
    output
}
