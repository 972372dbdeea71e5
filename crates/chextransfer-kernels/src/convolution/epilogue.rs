//! What happens to a convolution's results while they are still in the cache.

use crate::Activation;
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
    /// Writes results of one channel.
    pub(crate) fn apply(&self, channel: usize, results: &[f32], output: &mut [f32]) {
        output.copy_from_slice(results);
        self.apply_in_place(channel, output);
    }

    /// The same where the results lie already.
    pub(crate) fn apply_in_place(&self, channel: usize, output: &mut [f32]) {
        let of_channel = |values: Option<&[f32]>, default| values.map_or(default, |v| v[channel]);
        let factor = of_channel(self.factor, 1.0);
        let summand = of_channel(self.summand, 0.0);
        vectorized(
            #[inline(always)]
            || {
                if self.factor.is_some() || self.summand.is_some() {
                    for output in output.iter_mut() {
                        *output = factor.mul_add(*output, summand);
                    }
                }
                self.activation.apply(output);
            },
        );
    }
}
