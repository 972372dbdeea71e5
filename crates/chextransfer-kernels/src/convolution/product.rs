//! The product of packed weights with windows.

use rayon::prelude::*;

use super::geometry::{ConvShape, Sheet, Windows};
use super::{Clamp, Epilogue, winograd};
use crate::Activation;
use crate::buffer::unwritten;
use crate::matrix::{OuterProducts, Packed, PackedRows, Product, Rows};
use crate::simd::vectorized;

/// Depth of a block: a tile's columns of it stay in the first cache.
const DEPTH: usize = 256;

/// Values of the packed windows and of the product that should stay in the second cache together.
const BLOCK: usize = 96 * 1024;

/// Tiles of rows of weights, up to which what they are multiplied with is read where it lies: packing costs as much as they do.
const UNPACKED: usize = 4;

/// Weights, `[rows, channels * taps]`, that are multiplied with what windows see of maps.
pub(super) struct WindowProduct<'a> {
    pub(super) kernels: OuterProducts,
    pub(super) weights: &'a PackedRows,
    pub(super) rows: usize,
    pub(super) channels: usize,
    pub(super) windows: &'a Windows,
    /// What happens to what windows of one value see of each channel, or nothing.
    pub(super) prepare: &'a [Clamp],
    /// What happens to each row's results, or nothing.
    pub(super) finish: &'a [Clamp],
    /// What happens to all results then.
    pub(super) rest: Activation,
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
        match self.windows.sheet() {
            Some(sheet) => self.run_on_sheets(&sheet, images, scratch, &mut finish),
            None => self.run_packed(images, scratch, &mut finish),
        }
    }

    /// What happens to results, if these are their last summands.
    fn finish_behind(&self, last: bool) -> &[Clamp] {
        if last { self.finish } else { &[] }
    }

    fn activate(&self, results: &mut [f32]) {
        if self.rest != Activation::Identity {
            vectorized(
                #[inline(always)]
                || self.rest.apply(results),
            );
        }
    }

    /// Whether results can be written where they belong: places are the map's, in whole tiles.
    pub(super) fn writes(&self) -> bool {
        self.windows.are_the_map() && self.windows.places().is_multiple_of(self.kernels.columns)
    }

    /// Multiplies for some images, and writes the results, `[images, rows, places]`, where [`WindowProduct::writes`].
    pub(super) fn write(&self, images: &[f32], scratch: &mut Scratch, output: &mut [f32]) {
        let (places, tile) = (self.windows.places(), self.kernels.columns);
        let block = (BLOCK / (self.channels.min(DEPTH) + self.rows)).clamp(3 * tile, 32 * tile);
        let width = even(places, block).next_multiple_of(tile);
        let deep = even(self.channels, DEPTH);
        let packs = self.rows > UNPACKED * self.kernels.rows || !self.prepare.is_empty();
        let in_place: Vec<_> = (0..deep).map(|k| k * places).collect();
        let packed_offsets: Vec<_> = (0..deep).map(|k| k * tile).collect();
        scratch.windows.resize(deep * width, 0.0);
        let maps = images.chunks_exact(self.channels * places);
        for (maps, output) in maps.zip(output.chunks_exact_mut(self.rows * places)) {
            for first in (0..places).step_by(width) {
                let columns = first..places.min(first + width);
                for from in (0..self.channels).step_by(deep) {
                    let range = from..self.channels.min(from + deep);
                    let depth = range.len();
                    let b = if packs {
                        let packed = &mut scratch.windows[..depth * columns.len()];
                        vectorized(
                            #[inline(always)]
                            || self.pack(maps, range, columns.clone(), &mut [], packed),
                        );
                        Rows {
                            values: &scratch.windows,
                            offsets: &packed_offsets[..depth],
                            step: depth * tile,
                        }
                    } else {
                        Rows {
                            values: &maps[from * places + first..],
                            offsets: &in_place[..depth],
                            step: tile,
                        }
                    };
                    let a = Packed {
                        rows: self.weights,
                        from,
                    };
                    let c = Product {
                        values: &mut output[first..],
                        rows: self.rows,
                        columns: columns.len(),
                        pitch: places,
                        finish: self.finish_behind(from + depth == self.channels),
                    };
                    self.kernels.multiply(a, b, c, from > 0);
                }
                for map in output.chunks_exact_mut(places) {
                    self.activate(&mut map[columns.clone()]);
                }
            }
        }
    }

    /// Every tap is a shift of the map with its border.
    fn run_on_sheets(
        &self,
        sheet: &Sheet,
        images: &[f32],
        scratch: &mut Scratch,
        finish: &mut impl FnMut(usize, usize, usize, &[f32]),
    ) {
        let [grid_height, grid_width] = self.windows.grid();
        let (area, taps) = (self.windows.map_area(), self.windows.taps());
        let tile = self.kernels.columns;
        let height = self.rows.next_multiple_of(self.kernels.rows);
        let channels = even(self.channels, (DEPTH / taps).max(1));
        let block = (BLOCK / (channels * taps + height)).clamp(3 * tile, 32 * tile);
        let rows = even(grid_height, (block / sheet.pitch).max(1));
        let size = sheet.size(rows, tile);
        scratch.windows.clear();
        scratch.windows.resize(channels * size, 0.0);
        scratch
            .product
            .resize(height * (rows * sheet.pitch).next_multiple_of(tile), 0.0);
        let offsets: Vec<_> = (0..channels)
            .flat_map(|channel| {
                sheet
                    .offsets(rows, tile)
                    .map(move |tap| channel * size + tap)
            })
            .collect();
        for (image, maps) in images.chunks_exact(self.channels * area).enumerate() {
            for first in (0..grid_height).step_by(rows) {
                let rows = first..grid_height.min(first + rows);
                let width = (rows.len() * sheet.pitch).next_multiple_of(tile);
                let product = &mut scratch.product[..height * width];
                for from in (0..self.channels).step_by(channels) {
                    let to = self.channels.min(from + channels);
                    let maps = maps[from * area..to * area].chunks_exact(area);
                    vectorized(
                        #[inline(always)]
                        || {
                            let sheets = scratch.windows.chunks_exact_mut(size);
                            for (map, into) in maps.zip(sheets) {
                                self.windows.lay(sheet, map, rows.clone(), into);
                            }
                        },
                    );
                    let b = Rows {
                        values: &scratch.windows,
                        offsets: &offsets[..(to - from) * taps],
                        step: tile,
                    };
                    let a = Packed {
                        rows: self.weights,
                        from: from * taps,
                    };
                    let c = Product {
                        values: product,
                        rows: self.rows,
                        columns: width,
                        pitch: width,
                        finish: self.finish_behind(to == self.channels),
                    };
                    self.kernels.multiply(a, b, c, from > 0);
                }
                for (channel, product) in
                    product.chunks_exact_mut(width).take(self.rows).enumerate()
                {
                    self.activate(product);
                    let lines = product.chunks(sheet.pitch);
                    for (row, line) in rows.clone().zip(lines) {
                        finish(image, channel, row * grid_width, &line[..grid_width]);
                    }
                }
            }
        }
    }

    /// What every tap sees is packed for itself.
    fn run_packed(
        &self,
        images: &[f32],
        scratch: &mut Scratch,
        finish: &mut impl FnMut(usize, usize, usize, &[f32]),
    ) {
        let places = self.windows.places();
        let columns = images.len() / (self.channels * self.windows.map_area()) * places;
        let depth = self.channels * self.windows.taps();
        let tile = self.kernels.columns;
        let height = self.rows.next_multiple_of(self.kernels.rows);

        let block = (BLOCK / (depth.min(DEPTH) + height)).clamp(3 * tile, 32 * tile);
        let width = even(columns, block).next_multiple_of(tile);
        let deep = even(depth, DEPTH);
        let offsets: Vec<_> = (0..deep).map(|k| k * tile).collect();
        scratch.row.resize(width, 0.0);
        scratch.windows.resize(deep * width, 0.0);
        scratch.product.resize(height * width, 0.0);
        for first in (0..columns).step_by(width) {
            let count = width.min(columns - first);
            let width = count.next_multiple_of(tile);
            let product = &mut scratch.product[..height * width];
            for from in (0..depth).step_by(deep) {
                let end = depth.min(from + deep);
                let range = from..end;
                let packed = &mut scratch.windows[..range.len() * width];
                let row = &mut scratch.row[..width];
                vectorized(
                    #[inline(always)]
                    || self.pack(images, range.clone(), first..first + count, row, packed),
                );
                let b = Rows {
                    values: packed,
                    offsets: &offsets[..range.len()],
                    step: range.len() * tile,
                };
                let a = Packed {
                    rows: self.weights,
                    from,
                };
                let c = Product {
                    values: product,
                    rows: self.rows,
                    columns: width,
                    pitch: width,
                    finish: self.finish_behind(end == depth),
                };
                self.kernels.multiply(a, b, c, from > 0);
            }
            for (row, product) in product.chunks_exact_mut(width).take(self.rows).enumerate() {
                self.activate(product);
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

    /// Packs with the width of a tile known to the compiler, where it is a common one.
    #[inline(always)]
    fn pack(
        &self,
        images: &[f32],
        range: std::ops::Range<usize>,
        columns: std::ops::Range<usize>,
        row: &mut [f32],
        packed: &mut [f32],
    ) {
        match self.kernels.columns {
            8 => self.pack_tiles(images, range, columns, row, packed.as_chunks_mut::<8>().0),
            16 => self.pack_tiles(images, range, columns, row, packed.as_chunks_mut::<16>().0),
            32 => self.pack_tiles(images, range, columns, row, packed.as_chunks_mut::<32>().0),
            _ => self.pack_tiles(images, range, columns, row, packed.as_chunks_mut::<2>().0),
        }
    }

    /// Panels of a tile's columns, each `[range, columns of a tile]`.
    #[inline(always)]
    fn pack_tiles<const TILE: usize>(
        &self,
        images: &[f32],
        range: std::ops::Range<usize>,
        columns: std::ops::Range<usize>,
        row: &mut [f32],
        packed: &mut [[f32; TILE]],
    ) {
        let (places, area) = (self.windows.places(), self.windows.map_area());
        let taps = self.windows.taps();
        let deep = range.len();
        let (image, place) = (columns.start / places, columns.start % places);
        let direct = self.windows.are_the_map() && place + columns.len() <= places;
        if !direct {
            row[columns.len()..].fill(0.0);
        }
        for (index, k) in range.enumerate() {
            let (channel, tap) = (k / taps, k % taps);
            let map = |image: usize| &images[(image * self.channels + channel) * area..][..area];
            let seen = if direct {
                &map(image)[place..place + columns.len()]
            } else {
                let mut rest = &mut row[..columns.len()];
                let mut column = columns.start;
                while !rest.is_empty() {
                    let (image, place) = (column / places, column % places);
                    let run = rest.len().min(places - place);
                    let (run, behind) = rest.split_at_mut(run);
                    self.windows.gather(map(image), tap, place, run);
                    column += run.len();
                    rest = behind;
                }
                &*row
            };
            let (tiles, last) = seen.as_chunks::<TILE>();
            let places = packed[index..].iter_mut().step_by(deep);
            let clamp = self.prepare.get(channel).copied();
            if let Some(clamp) = clamp {
                for (place, tile) in places.zip(tiles) {
                    *place = clamp.values(*tile);
                }
            } else {
                for (place, tile) in places.zip(tiles) {
                    *place = *tile;
                }
            }
            if let (false, Some(place)) =
                (last.is_empty(), packed.get_mut(index + tiles.len() * deep))
            {
                *place = [0.0; TILE];
                place[..last.len()].copy_from_slice(last);
                if let Some(clamp) = clamp {
                    *place = clamp.values(*place);
                }
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

/// The convolution of `input` with `weight`, `[output channels, input channels, rows, columns]`. `before` clamps, and only where
/// windows see one value each.
pub(crate) fn convolve(
    shape: &ConvShape,
    input: &[f32],
    before: &Epilogue<'_>,
    weight: &[f32],
    epilogue: &Epilogue<'_>,
) -> Vec<f32> {
    debug_assert!(before.is_none() || (shape.taps() == 1 && shape.padding == [0, 0]));
    let depth = shape.input_channels * shape.taps();
    if winograd::pays(shape) {
        let filter = |output, input, tap| weight[output * depth + input * 9 + tap];
        return winograd::filter(shape, input, filter, epilogue);
    }
    let windows = shape.windows();
    let kernels = OuterProducts::new();
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
        prepare: &before.clamps(shape.input_channels),
        finish: &epilogue.clamps(rows),
        rest: epilogue.rest(),
    };
    let mut output = unwritten(shape.batch * rows * places);
    let group = images_per_task(shape.batch, places);
    let image = shape.input_channels * shape.input_area();
    output
        .par_chunks_mut(group * rows * places)
        .zip(input.par_chunks(group * image))
        .for_each_init(Scratch::default, |scratch, (output, images)| {
            if product.writes() {
                return product.write(images, scratch, output);
            }
            product.run(images, scratch, |image, row, place, values| {
                let start = (image * rows + row) * places + place;
                output[start..][..values.len()].copy_from_slice(values);
            });
        });
    output
}
