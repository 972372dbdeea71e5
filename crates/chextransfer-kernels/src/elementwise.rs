//! Operations of each element alone.

use rayon::prelude::*;

use crate::Activation;
use crate::scalar::with_constant_activation;
use crate::simd::vectorized;

/// Elements of a task: enough to be worth one, and to stay in the second cache.
const TASK: usize = 32 * 1024;

/// Replaces values by the activation's.
pub(crate) fn activate(values: &mut [f32], activation: Activation) {
    values.par_chunks_mut(TASK).for_each(|values| {
        vectorized(
            #[inline(always)]
            || activation.apply(values),
        );
    });
}

/// Takes a gradient through an activation of `input`.
pub(crate) fn activation_gradient(input: &[f32], gradient: &mut [f32], activation: Activation) {
    let tasks = gradient.par_chunks_mut(TASK).zip(input.par_chunks(TASK));
    tasks.for_each(|(gradient, input)| {
        vectorized(
            #[inline(always)]
            || {
                with_constant_activation!(activation, ACTIVATION => {
                    for (gradient, input) in gradient.iter_mut().zip(input) {
                        *gradient *= ACTIVATION.slope(*input);
                    }
                });
            },
        );
    });
}

/// `max(0, a + b)` in place of `a`.
pub(crate) fn add_relu(a: &mut [f32], b: &[f32]) {
    let tasks = a.par_chunks_mut(TASK).zip(b.par_chunks(TASK));
    tasks.for_each(|(a, b)| {
        vectorized(
            #[inline(always)]
            || {
                for (a, b) in a.iter_mut().zip(b) {
                    *a = Activation::Relu.value(*a + b);
                }
            },
        );
    });
}
