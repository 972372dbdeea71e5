//! What happens to a convolution's results while they are still in the cache.

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

impl Epilogue<'_> {
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
