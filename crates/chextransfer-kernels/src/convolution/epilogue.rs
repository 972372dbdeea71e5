//! What happens to a convolution's results while they are still in the cache.

use pulp::Simd;

use crate::Activation;
use crate::matrix::SIDE;
use crate::scalar::with_constant_activation;
use crate::simd::vectorized;

/// `activation(factor x + summand)`, where each part may be missing.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Epilogue<'a> {
    /// Of each channel.
    pub(crate) factor: Option<&'a [f32]>,
    /// Of each channel.
    pub(crate) summand: Option<&'a [f32]>,
    /// The last step.
    pub(crate) activation: Activation,
}

/// What happens to results in registers: `factor x + summand`, held between two bounds.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Clamp {
    factor: f32,
    summand: f32,
    low: f32,
    high: f32,
}

impl Clamp {
    #[inline(always)]
    pub(crate) fn apply<S: Simd>(self, simd: S, x: S::f32s) -> S::f32s {
        let [factor, summand, low, high] =
            [self.factor, self.summand, self.low, self.high].map(|value| simd.splat_f32s(value));
        hold(simd, simd.mul_add_e_f32s(factor, x, summand), low, high)
    }

    /// The same for an array, where a loop becomes vectors.
    #[inline(always)]
    pub(crate) fn values<const COUNT: usize>(self, mut values: [f32; COUNT]) -> [f32; COUNT] {
        for value in &mut values {
            let x = self.factor.mul_add(*value, self.summand);
            // In this order what is no number stays so.
            let x = if x < self.low { self.low } else { x };
            *value = if x > self.high { self.high } else { x };
        }
        values
    }
}

/// [`Clamp`]s of eight channels side by side.
#[derive(Debug, Clone, Copy)]
pub(crate) struct GroupClamp {
    factors: [f32; SIDE],
    summands: [f32; SIDE],
    low: f32,
    high: f32,
}

impl GroupClamp {
    /// Clamps values of all channels.
    #[inline(always)]
    pub(crate) fn apply<S: Simd, const VECTORS: usize>(
        &self,
        simd: S,
        values: &mut [S::f32s; VECTORS],
    ) {
        let [(factors, _), (summands, _)] =
            [&self.factors, &self.summands].map(|values| S::as_simd_f32s(values));
        let [low, high] = [self.low, self.high].map(|value| simd.splat_f32s(value));
        for ((x, &factor), &summand) in values.iter_mut().zip(factors).zip(summands) {
            *x = simd.mul_add_e_f32s(factor, *x, summand);
            *x = hold(simd, *x, low, high);
        }
    }
}

/// In this order what is no number stays so.
#[inline(always)]
fn hold<S: Simd>(simd: S, x: S::f32s, low: S::f32s, high: S::f32s) -> S::f32s {
    if S::F32_LANES > 1 {
        return simd.min_f32s(high, simd.max_f32s(low, x));
    }
    let x = simd.select_f32s(simd.less_than_f32s(x, low), low, x);
    simd.select_f32s(simd.greater_than_f32s(x, high), high, x)
}

impl Epilogue<'_> {
    /// The part that registers do, of each of so many channels, if there is one.
    pub(crate) fn clamps(&self, channels: usize) -> Vec<Clamp> {
        if self.is_none() {
            return Vec::new();
        }
        let of_channel = |values: Option<&[f32]>, channel: usize, default| {
            values.map_or(default, |values| values[channel])
        };
        let (low, high) = self.bounds();
        (0..channels)
            .map(|channel| Clamp {
                factor: of_channel(self.factor, channel, 1.0),
                summand: of_channel(self.summand, channel, 0.0),
                low,
                high,
            })
            .collect()
    }

    /// Bounds between which registers hold results.
    fn bounds(&self) -> (f32, f32) {
        match self.activation {
            Activation::Relu => (0.0, f32::INFINITY),
            Activation::Relu6 => (0.0, 6.0),
            _ => (f32::NEG_INFINITY, f32::INFINITY),
        }
    }

    /// The part that registers do, of the channels that begin with `first`, if there is one.
    pub(crate) fn of_group(&self, first: usize) -> Option<GroupClamp> {
        let of_channels = |values: Option<&[f32]>, default| {
            let mut of_group = [default; SIDE];
            if let Some(values) = values {
                let values = &values[first..values.len().min(first + SIDE)];
                of_group[..values.len()].copy_from_slice(values);
            }
            of_group
        };
        let (low, high) = self.bounds();
        (!self.is_none()).then(|| GroupClamp {
            factors: of_channels(self.factor, 1.0),
            summands: of_channels(self.summand, 0.0),
            low,
            high,
        })
    }

    /// Whether an activation holds values between two bounds and no more.
    pub(crate) fn is_clamp(activation: Activation) -> bool {
        matches!(
            activation,
            Activation::Identity | Activation::Relu | Activation::Relu6
        )
    }

    /// The activation that is left behind the clamp.
    pub(crate) fn rest(&self) -> Activation {
        match Self::is_clamp(self.activation) {
            true => Activation::Identity,
            false => self.activation,
        }
    }

    /// Whether nothing happens.
    pub(crate) fn is_none(&self) -> bool {
        self.factor.is_none() && self.summand.is_none() && self.activation == Activation::Identity
    }

    /// Writes results of one channel.
    pub(crate) fn apply(&self, channel: usize, results: &[f32], output: &mut [f32]) {
        if self.is_none() {
            output.copy_from_slice(results);
            return;
        }
        let of_channel = |values: Option<&[f32]>, default| values.map_or(default, |v| v[channel]);
        let factor = of_channel(self.factor, 1.0);
        let summand = of_channel(self.summand, 0.0);
        vectorized(
            #[inline(always)]
            || {
                with_constant_activation!(self.activation, ACTIVATION => {
                    for (output, result) in output.iter_mut().zip(results) {
                        *output = ACTIVATION.value(factor.mul_add(*result, summand));
                    }
                });
            },
        );
    }
}
