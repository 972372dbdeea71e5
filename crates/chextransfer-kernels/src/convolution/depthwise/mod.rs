//! Convolutions of each channel alone, and their gradients.
//!
//! Channels are taken in groups of eight and laid side by side, with a border of zeros: what a tap sees is then a vector of its
//! own at a fixed distance, for any step and any side of a map.

mod correlation;
mod pass;
mod products;
mod slab;

use rayon::prelude::*;

use super::Epilogue;
use super::geometry::ConvShape;
use super::product::even;
use crate::matrix::SIDE;
use pass::{Pass, Phase, Tap};
use products::Products;
use slab::Slab;

/// Channels of a group.
const CHANNELS: usize = SIDE;

/// Places of what is seen and of the results that should stay in the second cache together.
const BLOCK: usize = 6 * 1024;

/// Images whose gradient of the weights one task adds up.
const IMAGES: usize = 4;

/// The convolution of each channel with its own kernel, `[channels, 1, rows, columns]`.
pub(crate) fn depthwise(
    shape: &ConvShape,
    input: &[f32],
    weight: &[f32],
    epilogue: &Epilogue<'_>,
) -> Vec<f32> {
    let columns = shape.kernel[1];
    let taps = (0..shape.taps()).map(|index| Tap {
        index,
        place: [index / columns, index % columns],
    });
    let pass = Pass {
        channels: shape.input_channels,
        map: shape.input,
        results: shape.output(),
        step: shape.stride,
        spread: [1, 1],
        first: shape.padding.map(|side| -(side as isize)),
        reach: shape.kernel,
    };
    let phase = Phase {
        first: [0, 0],
        taps: taps.collect(),
    };
    pass.run(&[phase], input, weight, epilogue)
}

/// The gradient of the input of [`depthwise`] from that of its output.
pub(crate) fn depthwise_input_gradient(
    shape: &ConvShape,
    gradient: &[f32],
    weight: &[f32],
) -> Vec<f32> {
    let taps: Vec<_> = (shape.phases())
        .map(|first| (first, shape.taps_to(first)))
        .collect();
    // What is seen of the outputs begins with the least shift.
    let bounds = [0, 1].map(|axis| {
        let all = || taps.iter().flat_map(|(_, taps)| taps);
        let least = all().map(|tap| tap.shift[axis]).min().unwrap_or(0);
        let most = all().map(|tap| tap.shift[axis]).max().unwrap_or(0);
        (least, (most - least + 1) as usize)
    });
    let phases: Vec<_> = (taps.iter())
        .map(|(first, taps)| Phase {
            first: *first,
            taps: (taps.iter())
                .map(|tap| Tap {
                    index: tap.index,
                    place: [0, 1].map(|axis| (tap.shift[axis] - bounds[axis].0) as usize),
                })
                .collect(),
        })
        .collect();
    let pass = Pass {
        channels: shape.input_channels,
        map: shape.output(),
        results: shape.input,
        step: [1, 1],
        spread: shape.stride,
        first: bounds.map(|(least, _)| least),
        reach: bounds.map(|(_, reach)| reach),
    };
    pass.run(&phases, gradient, weight, &Epilogue::default())
}

/// The gradient of the weights of [`depthwise`], `[channels, 1, rows, columns]`.
pub(crate) fn depthwise_weight_gradient(
    shape: &ConvShape,
    input: &[f32],
    gradient: &[f32],
) -> Vec<f32> {
    let (channels, taps) = (shape.input_channels, shape.taps());
    let [height, width] = shape.output();
    let [down, right] = shape.stride;
    let [kernel_rows, kernel_columns] = shape.kernel;
    let columns = (width - 1) * right + kernel_columns;
    let rows = even(height, (BLOCK / (down * columns + width)).max(1));
    let groups = channels.div_ceil(CHANNELS);
    let tasks = groups * shape.batch.div_ceil(IMAGES);
    // Of each task and tap.
    let mut parts = vec![[0.0f64; CHANNELS]; tasks * taps];
    let scratch = || {
        let seen = Slab::new([(rows - 1) * down + kernel_rows, columns]);
        (seen, Slab::new([rows, width]))
    };
    parts.par_chunks_exact_mut(taps).enumerate().for_each_init(
        scratch,
        |(seen, given), (task, sums)| {
            let first = task % groups * CHANNELS;
            let last = channels.min(first + CHANNELS);
            let of_group = |image: usize, area: usize| {
                (image * channels + first) * area..(image * channels + last) * area
            };
            let images = task / groups * IMAGES;
            for image in images..shape.batch.min(images + IMAGES) {
                let input = &input[of_group(image, shape.input_area())];
                let gradient = &gradient[of_group(image, height * width)];
                for row in (0..height).step_by(rows) {
                    let [top, left] = shape.padding.map(|side| -(side as isize));
                    seen.lay(input, shape.input, [(row * down) as isize + top, left]);
                    given.lay(gradient, [height, width], [row as isize, 0]);
                    let products = Products {
                        values: &seen.places,
                        line: columns,
                        step: shape.stride,
                        kernel: shape.kernel,
                        given: &given.places[..(height - row).min(rows) * width],
                        width,
                        sums,
                    };
                    products.add();
                }
            }
        },
    );
    let mut weights = vec![0.0; channels * taps];
    for (channel, weights) in weights.chunks_exact_mut(taps).enumerate() {
        for (tap, weight) in weights.iter_mut().enumerate() {
            let place = channel / CHANNELS * taps + tap;
            let sums = parts.iter().skip(place).step_by(groups * taps);
            let sums = sums.map(|sums| sums[channel % CHANNELS]);
            *weight = sums.sum::<f64>() as f32;
        }
    }
    weights
}
