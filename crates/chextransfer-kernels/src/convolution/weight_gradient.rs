//! The gradient of a convolution's weights.

use std::ops::Range;

use rayon::prelude::*;

use super::geometry::{ConvShape, Sheet, Windows};
use super::product::even;
use super::winograd;
use crate::matrix::{DotProducts, Lines};
use crate::simd::vectorized;

/// Places whose products are added up at once, and which stay in the caches; a multiple of 16.
const PLACES: usize = 528;

/// Rows of windows that a task works on.
const ROWS: usize = 128;

/// The gradient of the weights, `[output channels, input channels, rows, columns]`, from the input and the gradient of the
/// output.
pub(crate) fn weight_gradient(shape: &ConvShape, input: &[f32], gradient: &[f32]) -> Vec<f32> {
    if winograd::pays(shape) {
        return winograd::filter_gradient(shape, input, gradient);
    }
    let taps = shape.taps();
    // Tasks share the input's channels, so that no sum is split.
    let threads = rayon::current_num_threads();
    let most = (ROWS / taps)
        .max(1)
        .min(shape.input_channels.div_ceil(threads));
    let channels = even(shape.input_channels, most);
    let starts: Vec<_> = (0..shape.input_channels).step_by(channels).collect();
    let windows = shape.windows();
    let parts: Vec<_> = starts
        .into_par_iter()
        .map(|first| {
            let channels = first..shape.input_channels.min(first + channels);
            let mut part = Part::new(shape, &windows, channels, input, gradient);
            match windows.sheet() {
                Some(sheet) => part.add_on_sheets(&sheet),
                None if windows.are_the_map() && windows.places().is_multiple_of(16) => {
                    part.add_in_place()
                }
                None => part.add_packed(),
            }
            part
        })
        .collect();
    let mut weights = Vec::with_capacity(shape.output_channels * shape.input_channels * taps);
    for row in 0..shape.output_channels {
        for part in &parts {
            weights.extend_from_slice(part.row(row));
        }
    }
    weights
}

/// The gradient of the weights of some input channels.
struct Part<'a> {
    shape: &'a ConvShape,
    windows: &'a Windows,
    channels: Range<usize>,
    input: &'a [f32],
    gradient: &'a [f32],
    kernels: DotProducts,
    /// Rows of windows, rounded up to tiles.
    columns: usize,
    /// `[output channels, columns]`, both rounded up to tiles.
    product: Vec<f32>,
}

impl<'a> Part<'a> {
    fn new(
        shape: &'a ConvShape,
        windows: &'a Windows,
        channels: Range<usize>,
        input: &'a [f32],
        gradient: &'a [f32],
    ) -> Self {
        let kernels = DotProducts::new();
        let columns = (channels.len() * windows.taps()).next_multiple_of(kernels.columns);
        let rows = shape.output_channels.next_multiple_of(kernels.rows);
        Self {
            shape,
            windows,
            channels,
            input,
            gradient,
            kernels,
            columns,
            product: vec![0.0; rows * columns],
        }
    }

    fn row(&self, row: usize) -> &[f32] {
        let width = self.channels.len() * self.windows.taps();
        &self.product[row * self.columns..][..width]
    }

    fn map(&self, image: usize, channel: usize) -> &'a [f32] {
        let area = self.windows.map_area();
        &self.input[(image * self.shape.input_channels + channel) * area..][..area]
    }

    /// Adds the products of rows of windows, which begin at `offsets` of `seen`, with the gradients of all output channels,
    /// which `give` writes.
    fn add(
        &mut self,
        seen: &[f32],
        offsets: &[usize],
        given: &mut [f32],
        length: usize,
        give: impl Fn(usize, &mut [f32]),
    ) {
        let kernels = self.kernels;
        let tiles = self.product.chunks_exact_mut(kernels.rows * self.columns);
        for (tile, product) in tiles.enumerate() {
            for (row, given) in given.chunks_exact_mut(length).enumerate() {
                let channel = tile * kernels.rows + row;
                if channel < self.shape.output_channels {
                    give(channel, given);
                } else {
                    given.fill(0.0);
                }
            }
            let own: Vec<_> = (0..kernels.rows).map(|row| row * length).collect();
            let given = Lines {
                values: given,
                offsets: &own,
            };
            let seen = Lines {
                values: seen,
                offsets,
            };
            kernels.multiply(given, seen, length, product);
        }
    }

    /// Places are the map's, and both operands are read where they lie.
    fn add_in_place(&mut self) {
        let (kernels, places) = (self.kernels, self.windows.places());
        let (inputs, outputs) = (self.shape.input_channels, self.shape.output_channels);
        let step = even(places, PLACES).next_multiple_of(16);
        // What completes a tile is multiplied, and not read.
        let lines = |count: usize, first: usize, channels: usize| -> Vec<usize> {
            let channel = |index: usize| first + index.min(channels - 1);
            (0..count).map(|index| channel(index) * places).collect()
        };
        let seen = lines(self.columns, self.channels.start, self.channels.len());
        let given = lines(outputs.next_multiple_of(kernels.rows), 0, outputs);
        for image in 0..self.shape.batch {
            let input = &self.input[image * inputs * places..];
            let gradient = &self.gradient[image * outputs * places..];
            for first in (0..places).step_by(step) {
                let length = step.min(places - first);
                let tiles = self.product.chunks_exact_mut(kernels.rows * self.columns);
                for (given, product) in given.chunks_exact(kernels.rows).zip(tiles) {
                    let given = Lines {
                        values: &gradient[first..],
                        offsets: given,
                    };
                    let seen = Lines {
                        values: &input[first..],
                        offsets: &seen,
                    };
                    kernels.multiply(given, seen, length, product);
                }
            }
        }
    }

    /// Every tap is a shift of the map with its border; the gradients lie in rows as long, with zeros under the border.
    fn add_on_sheets(&mut self, sheet: &Sheet) {
        let [height, width] = self.windows.grid();
        let rows = even(height, (PLACES / sheet.pitch).max(1));
        let most = (rows * sheet.pitch).next_multiple_of(16);
        let size = sheet.size(rows, 16);
        let mut sheets = vec![0.0; self.channels.len() * size];
        let mut given = vec![0.0; self.kernels.rows * most];
        let mut offsets: Vec<_> = (0..self.channels.len())
            .flat_map(|channel| sheet.offsets(rows, 16).map(move |tap| channel * size + tap))
            .collect();
        offsets.resize(self.columns, 0);
        let (batch, channels) = (self.shape.batch, self.shape.output_channels);
        let (windows, gradient) = (self.windows, self.gradient);
        for image in 0..batch {
            for first in (0..height).step_by(rows) {
                let rows = first..height.min(first + rows);
                let length = (rows.len() * sheet.pitch).next_multiple_of(16);
                let maps = self
                    .channels
                    .clone()
                    .map(|channel| self.map(image, channel));
                vectorized(
                    #[inline(always)]
                    || {
                        for (map, into) in maps.zip(sheets.chunks_exact_mut(size)) {
                            windows.lay(sheet, map, rows.clone(), into);
                        }
                    },
                );
                let given = &mut given[..self.kernels.rows * length];
                self.add(&sheets, &offsets, given, length, |channel, given| {
                    let map = &gradient[(image * channels + channel) * height * width..];
                    let lines = map[rows.start * width..rows.end * width].chunks_exact(width);
                    given.fill(0.0);
                    for (given, line) in given.chunks_mut(sheet.pitch).zip(lines) {
                        given[..width].copy_from_slice(line);
                    }
                });
            }
        }
    }

    /// What every tap sees is packed for itself.
    fn add_packed(&mut self) {
        let (windows, gradient) = (self.windows, self.gradient);
        let (taps, places) = (windows.taps(), windows.places());
        let total = self.shape.batch * places;
        let step = even(total, PLACES).next_multiple_of(16);
        let mut seen = vec![0.0; self.columns * step];
        let mut given = vec![0.0; self.kernels.rows * step];
        let channels = self.shape.output_channels;
        for first in (0..total).step_by(step) {
            let count = step.min(total - first);
            let length = count.next_multiple_of(16);
            let runs = Runs {
                places,
                first,
                count,
            };
            vectorized(
                #[inline(always)]
                || {
                    let rows = self.channels.len() * taps;
                    for (index, seen) in seen.chunks_exact_mut(length).take(rows).enumerate() {
                        let (channel, tap) = (self.channels.start + index / taps, index % taps);
                        for (image, place, run) in runs {
                            let map = self.map(image, channel);
                            windows.gather(map, tap, place, &mut seen[run]);
                        }
                        seen[count..].fill(0.0);
                    }
                },
            );
            let offsets: Vec<_> = (0..self.columns).map(|row| row * length).collect();
            let given = &mut given[..self.kernels.rows * length];
            self.add(&seen, &offsets, given, length, |channel, given| {
                for (image, place, run) in runs {
                    let map = &gradient[(image * channels + channel) * places + place..];
                    given[run.clone()].copy_from_slice(&map[..run.len()]);
                }
                given[count..].fill(0.0);
            });
        }
    }
}

/// Some places, counted through all images: for each image its number, the first of its places, and where they are among these.
#[derive(Debug, Clone, Copy)]
struct Runs {
    places: usize,
    first: usize,
    count: usize,
}

impl IntoIterator for Runs {
    type Item = (usize, usize, Range<usize>);
    type IntoIter = RunsIterator;

    #[inline(always)]
    fn into_iter(self) -> RunsIterator {
        RunsIterator { of: self, done: 0 }
    }
}

struct RunsIterator {
    of: Runs,
    done: usize,
}

impl Iterator for RunsIterator {
    type Item = (usize, usize, Range<usize>);

    #[inline(always)]
    fn next(&mut self) -> Option<Self::Item> {
        let Runs {
            places,
            first,
            count,
        } = self.of;
        let (image, place) = ((first + self.done) / places, (first + self.done) % places);
        let run = (count - self.done).min(places - place);
        let at = self.done..self.done + run;
        self.done += run;
        (run > 0).then_some((image, place, at))
    }
}
