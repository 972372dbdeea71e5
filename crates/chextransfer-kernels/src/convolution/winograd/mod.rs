//! Winograd's minimal filtering of 3x3 kernels that move by single steps.
//!
//! A tile of 4x4 outputs takes 36 multiplications for each pair of channels instead of 144: what its 6x6 inputs and the filter
//! are at 36 points is multiplied and added up over the channels, point by point, as 36 matrix products, and taken back to
//! outputs (Winograd 1980; Lavin and Gray 2015, "Fast Algorithms for Convolutional Neural Networks", F(4x4, 3x3)). The gradient of the input is
//! the same filtering; that of the filter is the transposed one, with a tile's inputs and its outputs' gradients at the points.
//!
//! The points are 0, ±3/4, ±3/2 and infinity. With the usual 0, ±1, ±2 the results' rounding is two to three times as large; with
//! these it is two to three times that of a plain sum (a test below holds it), and up to ten times where values rise from place to
//! place as in a ramp.
//!
//! Values lie with their channels last here, so that a vector holds as many channels of one place, whatever the sides of a map.

mod filter_gradient;
mod filtering;
mod tiles;
mod transforms;

pub(super) use filter_gradient::filter_gradient;
pub(super) use filtering::filter;

use super::geometry::ConvShape;
use tiles::Tiling;

/// Outputs of a tile, in each direction.
const TILE: usize = 4;

/// Inputs that they see.
const SEEN: usize = TILE + 2;

/// Points of a tile.
const POINTS: usize = SEEN * SEEN;

/// Channels are rounded up to this: any vector's width divides it.
const LANES: usize = 16;

/// Values of the points that should stay in the second cache.
const BLOCK: usize = 256 * 1024;

/// Multiplications in the time of taking one channel of a tile to its points or back, and in that of taking one filter there;
/// measured.
const TILE_COST: usize = 400;
const FILTER_COST: usize = 400;

/// Images of a batch for which it is decided what pays: the same for any batch, so that what is computed of an image does not
/// depend on those beside it.
const BATCH: usize = 16;

/// Whether a convolution is one of these, and takes less time so.
pub(super) fn pays(shape: &ConvShape) -> bool {
    if shape.kernel != [3, 3] || shape.stride != [1, 1] || shape.depthwise {
        return false;
    }
    let (inputs, outputs) = (shape.input_channels, shape.output_channels);
    if inputs.min(outputs) < LANES {
        return false;
    }
    let tiling = Tiling::new(shape);
    let tiles = BATCH * tiling.down * tiling.across;
    let direct = 9 * BATCH * shape.output_area() * inputs * outputs;
    let here =
        (POINTS * tiles + FILTER_COST) * inputs * outputs + TILE_COST * tiles * (inputs + outputs);
    here < direct
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::convolution::Epilogue;

    /// The root mean square of what is off, as a share of the values'.
    fn off(found: &[f32], exact: &[f64]) -> f64 {
        let squares = |values: &mut dyn Iterator<Item = f64>| values.map(|x| x * x).sum::<f64>();
        let pairs = &mut found.iter().zip(exact);
        let error = squares(&mut pairs.map(|(found, exact)| f64::from(*found) - exact));
        (error / squares(&mut exact.iter().copied())).sqrt()
    }

    #[test]
    fn rounding_is_at_most_thrice_that_of_a_plain_sum() {
        let shape = ConvShape {
            batch: 4,
            input_channels: 256,
            output_channels: 32,
            input: [12, 12],
            kernel: [3, 3],
            stride: [1, 1],
            padding: [1, 1],
            depthwise: false,
        };
        assert!(pays(&shape));
        // Without pattern: values that rise from one to the next are rounded ten times as coarsely as a plain sum's.
        let values = |count: usize, seed: usize| -> Vec<f32> {
            let value = |index: usize| {
                let mixed = (index + seed).wrapping_mul(0x9E37_79B9_7F4A_7C15);
                (mixed ^ (mixed >> 29)).wrapping_mul(0xBF58_476D_1CE4_E5B9) >> 40
            };
            (0..count)
                .map(|index| value(index) as f32 / 8_388_608.0 - 1.0)
                .collect()
        };
        let mut input = values(4 * 256 * 144, 1);
        input.iter_mut().for_each(|value| *value = value.max(0.0));
        let weight = values(32 * 256 * 9, 1 << 32);
        let at = |output: usize, input: usize, tap: usize| weight[(output * 256 + input) * 9 + tap];
        let found = filter(&shape, &input, at, &Epilogue::default());
        let (mut plain, mut exact) = (Vec::new(), Vec::new());
        let windows = shape.windows();
        for image in input.chunks_exact(256 * 144) {
            for output in 0..32 {
                let (mut sums, mut exact_sums) = (vec![0.0f32; 144], vec![0.0f64; 144]);
                let mut seen = vec![0.0; 144];
                for (channel, map) in image.chunks_exact(144).enumerate() {
                    for tap in 0..9 {
                        windows.gather(map, tap, 0, &mut seen);
                        let weight = at(output, channel, tap);
                        for (place, seen) in seen.iter().enumerate() {
                            sums[place] = weight.mul_add(*seen, sums[place]);
                            exact_sums[place] += f64::from(weight) * f64::from(*seen);
                        }
                    }
                }
                plain.extend(sums);
                exact.extend(exact_sums);
            }
        }
        let (here, plain) = (off(&found, &exact), off(&plain, &exact));
        assert!(here < 3.0 * plain, "{here:.1e}, a plain sum's {plain:.1e}");
    }
}
