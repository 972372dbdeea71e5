//! The gradient of a convolution's input.

use rayon::prelude::*;

use super::geometry::{ConvShape, Windows};
use super::product::{Scratch, WindowProduct, images_per_task};
use super::{Epilogue, winograd};
use crate::Activation;
use crate::buffer::unwritten;
use crate::matrix::{OuterProducts, PackedRows};

/// The inputs whose row and column have the same remainder by the stride: all see the same taps.
struct Phase {
    /// The first of them.
    first: [usize; 2],
    /// What they see of the output's gradient; `None` where no tap reaches them.
    product: Option<(Windows, PackedRows)>,
    /// Their number.
    grid: [usize; 2],
}

/// The gradient of the input from that of the output.
pub(crate) fn input_gradient(shape: &ConvShape, gradient: &[f32], weight: &[f32]) -> Vec<f32> {
    let turned = shape.turned();
    if winograd::pays(&turned) {
        let filter =
            |input, output, tap| weight[(output * shape.input_channels + input) * 9 + 8 - tap];
        return winograd::filter(&turned, gradient, filter, &Epilogue::default());
    }
    let kernels = OuterProducts::new();
    let phases: Vec<_> = (shape.phases())
        .map(|first| Phase::new(shape, &kernels, first, weight))
        .collect();
    let (rows, area) = (shape.input_channels, shape.input_area());
    let places = shape.output_area();
    let mut output = unwritten(shape.batch * rows * area);
    let group = images_per_task(shape.batch, area / phases.len());
    output
        .par_chunks_mut(group * rows * area)
        .zip(gradient.par_chunks(group * shape.output_channels * places))
        .for_each_init(Scratch::default, |scratch, (output, gradient)| {
            for phase in &phases {
                phase.write(shape, &kernels, gradient, scratch, output);
            }
        });
    output
}

impl Phase {
    fn new(shape: &ConvShape, kernels: &OuterProducts, first: [usize; 2], weight: &[f32]) -> Self {
        let grid = [0, 1].map(|axis| {
            let rest = shape.input[axis].saturating_sub(first[axis]);
            rest.div_ceil(shape.stride[axis])
        });
        let taps = shape.taps_to(first);
        let product = (!taps.is_empty()).then(|| {
            let places = taps.iter().map(|tap| tap.shift);
            let windows = Windows::new(shape.output(), grid, [1, 1], places.collect());
            let depth = shape.output_channels * taps.len();
            let weights = kernels.pack_rows(shape.input_channels, depth, |input, k| {
                let filter = (k / taps.len()) * shape.input_channels + input;
                weight[filter * shape.taps() + taps[k % taps.len()].index]
            });
            (windows, weights)
        });
        Self {
            first,
            product,
            grid,
        }
    }

    /// Writes the gradients of this phase of some images.
    fn write(
        &self,
        shape: &ConvShape,
        kernels: &OuterProducts,
        gradient: &[f32],
        scratch: &mut Scratch,
        output: &mut [f32],
    ) {
        let area = shape.input_area();
        let [_, width] = shape.input;
        let [down, right] = shape.stride;
        let [_, columns] = self.grid;
        let strided = |place: usize| {
            let (row, column) = (place / columns, place % columns);
            (self.first[0] + row * down) * width + self.first[1] + column * right
        };
        let Some((windows, weights)) = &self.product else {
            for map in output.chunks_exact_mut(area) {
                (0..self.grid[0] * columns).for_each(|place| map[strided(place)] = 0.0);
            }
            return;
        };
        let rows = shape.input_channels;
        let product = WindowProduct {
            kernels: *kernels,
            weights,
            rows,
            channels: shape.output_channels,
            windows,
            prepare: &[],
            finish: &[],
            rest: Activation::Identity,
        };
        if [down, right] == [1, 1] && product.writes() {
            return product.write(gradient, scratch, output);
        }
        product.run(gradient, scratch, |image, row, place, values| {
            let map = &mut output[(image * rows + row) * area..][..area];
            if [down, right] == [1, 1] {
                map[place..place + values.len()].copy_from_slice(values);
                return;
            }
            let (mut place, mut rest) = (place, values);
            while !rest.is_empty() {
                let (run, behind) = rest.split_at(rest.len().min(columns - place % columns));
                let line = &mut map[strided(place)..];
                for (value, run) in line.iter_mut().step_by(right).zip(run) {
                    *value = *run;
                }
                place += run.len();
                rest = behind;
            }
        });
    }
}
