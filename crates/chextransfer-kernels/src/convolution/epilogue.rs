//! What happens to a convolution's results while they are still in the cache.

use pulp::Simd;

use crate::Activation;
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
        let x = simd.mul_add_e_f32s(factor, x, summand);
        // In this order what is no number stays so on vectors.
        if S::F32_LANES > 1 {
            return simd.min_f32s(high, simd.max_f32s(low, x));
        }
        let x = simd.select_f32s(simd.less_than_f32s(x, low), low, x);
        simd.select_f32s(simd.greater_than_f32s(x, high), high, x)
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

impl Epilogue<'_> {
    /// The part that registers do, of each of so many channels, if there is one.
    pub(crate) fn clamps(&self, channels: usize) -> Vec<Clamp> {
        if self.is_none() {
            return Vec::new();
        }
        let of_channel = |values: Option<&[f32]>, channel: usize, default| {
            values.map_or(default, |values| values[channel])
        };
        let (low, high) = match self.activation {
            Activation::Relu => (0.0, f32::INFINITY),
            Activation::Relu6 => (0.0, 6.0),
            _ => (f32::NEG_INFINITY, f32::INFINITY),
        };
        (0..channels)
            .map(|channel| Clamp {
                factor: of_channel(self.factor, channel, 1.0),
                summand: of_channel(self.summand, channel, 0.0),
                low,
                high,
            })
            .collect()
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
