//! A step of Adam.

use rayon::prelude::*;

use crate::AdamStep;
use crate::simd::vectorized;

/// Values of a task: enough to be worth one.
const TASK: usize = 16 * 1024;

/// Moves weights and both moments in place.
pub(crate) fn step(
    weights: &mut [f32],
    gradient: &[f32],
    [first, second]: [&mut [f32]; 2],
    step: AdamStep,
) {
    let [first_decay, second_decay] = step.betas;
    let moments = first.par_chunks_mut(TASK).zip(second.par_chunks_mut(TASK));
    let weights = weights.par_chunks_mut(TASK).zip(gradient.par_chunks(TASK));
    weights
        .zip(moments)
        .for_each(|((weights, gradient), (first, second))| {
            vectorized(
                #[inline(always)]
                || {
                    let moments = first.iter_mut().zip(second);
                    for ((weight, gradient), (first, second)) in
                        weights.iter_mut().zip(gradient).zip(moments)
                    {
                        let gradient = step.penalty.mul_add(*weight, *gradient);
                        *first = first_decay.mul_add(*first, (1.0 - first_decay) * gradient);
                        *second = second_decay
                            .mul_add(*second, (1.0 - second_decay) * (gradient * gradient));
                        let change = step.rate * *first / (second.sqrt() + step.epsilon);
                        *weight = step.retention.mul_add(*weight, -change);
                    }
                },
            );
        });
}
