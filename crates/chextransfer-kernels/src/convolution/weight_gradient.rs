//! The gradient of a convolution's weights.

use rayon::prelude::*;

use super::geometry::ConvShape;
use super::product::even;
use crate::matrix::DotProducts;
use crate::simd::vectorized;

/// Places whose products are added up at once, and which stay in the caches; a multiple of 16.
const PLACES: usize = 528;

/// Rows of windows that a task works on.
const ROWS: usize = 128;

/// The gradient of the weights, `[output channels, input channels, rows, columns]`, from the input and the gradient of the
/// output.
pub(crate) fn weight_gradient(shape: &ConvShape, input: &[f32], gradient: &[f32]) -> Vec<f32> {
    let taps = shape.taps();
    // Tasks share the input's channels, so that no sum is split.
    let threads = rayon::current_num_threads();
    let most = (ROWS / taps).max(1).min(shape.input_channels.div_ceil(threads));
    let channels = even(shape.input_channels, most);
    let starts: Vec<_> = (0..shape.input_channels).step_by(channels).collect();
    let parts: Vec<_> = starts
        .into_par_iter()
        .map(|first| {
            let channels = first..shape.input_channels.min(first + channels);
            part(shape, input, gradient, channels)
        })
        .collect();

    let mut weights = Vec::with_capacity(shape.output_channels * shape.input_channels * taps);
    for row in 0..shape.output_channels {
        for (values, width) in &parts {
            let used = values.len() / shape.output_channels.next_multiple_of(DotProducts::new().rows);
            weights.extend_from_slice(&values[row * used..][..*width]);
        }
    }
    weights
}

/// The gradient of the weights of some input channels: `[output channels and more, width and more]`, and the width.
fn part(
    shape: &ConvShape,
    input: &[f32],
    gradient: &[f32],
    channels: std::ops::Range<usize>,
) -> (Vec<f32>, usize) {
    let windows = shape.windows();
    let kernels = DotProducts::new();
    let (taps, places, area) = (windows.taps(), windows.places(), windows.map_area());
    let width = channels.len() * taps;
    let columns = width.next_multiple_of(kernels.columns);
    let rows = shape.output_channels.next_multiple_of(kernels.rows);
    let total = shape.batch * places;
    let step = even(total, PLACES).next_multiple_of(16);

    let mut seen = vec![0.0; columns * step];
    let mut given = vec![0.0; kernels.rows * step];
    let mut product = vec![0.0; rows * columns];
    for first in (0..total).step_by(step) {
        let count = step.min(total - first);
        let length = count.next_multiple_of(16);
        let seen = &mut seen[..columns * length];
        let given = &mut given[..kernels.rows * length];
        // A run of places for each image that is met.
        let runs = || {
            let mut done = 0;
            std::iter::from_fn(move || {
                let (image, place) = ((first + done) / places, (first + done) % places);
                let run = (count - done).min(places - place);
                let at = done;
                done += run;
                (run > 0).then_some((image, place, at, run))
            })
        };
        vectorized(
            #[inline(always)]
            || {
                for (index, seen) in seen.chunks_exact_mut(length).take(width).enumerate() {
                    let (channel, tap) = (channels.start + index / taps, index % taps);
                    for (image, place, at, run) in runs() {
                        let map = (image * shape.input_channels + channel) * area;
                        let map = &input[map..][..area];
                        windows.gather(map, tap, place, &mut seen[at..at + run]);
                    }
                    seen[count..].fill(0.0);
                }
            },
        );
        for (tile, product) in product.chunks_exact_mut(kernels.rows * columns).enumerate() {
            for (row, given) in given.chunks_exact_mut(length).enumerate() {
                let channel = tile * kernels.rows + row;
                if channel >= shape.output_channels {
                    given.fill(0.0);
                    continue;
                }
                for (image, place, at, run) in runs() {
                    let map = (image * shape.output_channels + channel) * places + place;
                    given[at..at + run].copy_from_slice(&gradient[map..][..run]);
                }
                given[count..].fill(0.0);
            }
            kernels.multiply(given, seen, length, product);
        }
    }
    (product, width)
}
