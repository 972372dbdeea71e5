//! The reference's weights, images and targets; `tests/reference/network_parity.py` has the same.

use burn::tensor::{Device, Tensor, TensorData};

pub(crate) const BATCH: usize = 2;
pub(crate) const CLASSES: usize = 14;

/// Which weights a network gets.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Weights {
    /// Maps keep their scale from the first block to the last, with zero within their spread.
    Evaluation {
        /// Scale of the convolutions; the network's own.
        gain: f64,
    },
    /// Normalised values stay away from the kinks of ReLU, ReLU6 and hard-swish, which rounding
    /// would move some across; that changes all gradients before them.
    Training,
}

impl Weights {
    const TRAINING_GAIN: f64 = 2.0;

    /// The tensor of this name and shape; `normalization` says whose it is.
    pub(crate) fn tensor(self, name: &str, shape: &[usize], normalization: bool) -> Vec<f32> {
        let (_, kind) = name.rsplit_once('.').unwrap_or_default();
        let gain = match self {
            Self::Evaluation { gain } => gain,
            Self::Training => Self::TRAINING_GAIN,
        };
        let fan_in: usize = shape[1..].iter().product();
        let scale = gain / (fan_in as f64).sqrt();
        // The reference adds these to a shortcut before the activation.
        let added = name
            .split('.')
            .any(|part| ["bn2", "bn3", "downsample"].contains(&part));
        let sheltered = self == Self::Training && normalization;
        let value = |value: f64| match kind {
            "weight" if sheltered => 0.3 * (1.0 + 0.2 * value),
            "bias" if sheltered && (value >= -0.5 || added) => 1.5 + 0.1 * value,
            "bias" if sheltered => -4.5 + 0.1 * value,
            "weight" if shape.len() > 1 => value * scale,
            "weight" => 1.0 + 0.2 * value,
            "running_var" => 1.0 + 0.25 * value,
            _ => 0.1 * value,
        };
        uniform(name, shape.iter().product())
            .map(|number| value(number) as f32)
            .collect()
    }
}

/// Numbers in -1..1: splitmix64 of the index, started at the FNV-1a hash of the name; 24 bits.
pub(crate) fn uniform(name: &str, count: usize) -> impl Iterator<Item = f64> + use<> {
    let seed = name.bytes().fold(0xcbf2_9ce4_8422_2325u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    (1..=count as u64).map(move |index| {
        let z = seed.wrapping_add(index.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 40) as f64 / f64::from(1 << 23) - 1.0
    })
}

/// Squares of 32 pixels under one of many draws of noise: `[batch, 3, height, width]`.
pub(crate) fn images([height, width]: [usize; 2], draw: usize, device: &Device) -> Tensor<4> {
    let (rows, columns) = (height.div_ceil(32), width.div_ceil(32));
    let squares: Vec<f64> = uniform("squares", BATCH * 3 * rows * columns).collect();
    let noise = uniform(&format!("noise{draw}"), BATCH * 3 * height * width);
    let pixels: Vec<f32> = noise
        .enumerate()
        .map(|(index, noise)| {
            let (plane, y) = (index / width / height, index / width % height);
            let square = (plane * rows + y / 32) * columns + index % width / 32;
            (squares[square] + noise) as f32
        })
        .collect();
    Tensor::from_data(TensorData::new(pixels, [BATCH, 3, height, width]), device)
}

/// Zeros and ones: `[batch, classes]`.
pub(crate) fn targets(device: &Device) -> Tensor<2> {
    let targets: Vec<f32> = uniform("targets", BATCH * CLASSES)
        .map(|value| f32::from(u8::from(value > 0.0)))
        .collect();
    Tensor::from_data(TensorData::new(targets, [BATCH, CLASSES]), device)
}
