//! Adam and AdamW, with a step that is one pass over the weights.

use burn::optim::{AdamState, AdaptiveMomentumState, LearningRate, Optimizer};
use burn::tensor::{Device, Tensor};
use chextransfer_kernels::{AdamStep, adam_step};

/// Adam (Kingma and Ba 2015), with the state that Burn's has.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Adam {
    pub(crate) betas: [f32; 2],
    pub(crate) epsilon: f32,
    pub(crate) decay: Decay,
}

/// How weights shrink.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Decay {
    /// An L2 penalty is in the gradient.
    Coupled(f32),
    /// This share of a weight goes in a step, times the learning rate (Loshchilov and Hutter 2019).
    Decoupled(f32),
}

impl Adam {
    /// Step `time`, counted from one.
    fn step_at(&self, rate: LearningRate, time: usize) -> AdamStep {
        let left = |beta: f32| 1.0 - f64::from(beta).powf(time as f64);
        let [first, second] = self.betas.map(left);
        let (penalty, retention) = match self.decay {
            Decay::Coupled(decay) => (decay, 1.0),
            Decay::Decoupled(decay) => (0.0, 1.0 - rate * f64::from(decay)),
        };
        AdamStep {
            betas: self.betas,
            rate: (rate * second.sqrt() / first) as f32,
            epsilon: (f64::from(self.epsilon) * second.sqrt()) as f32,
            penalty,
            retention: retention as f32,
        }
    }
}

impl Optimizer for Adam {
    type State<const D: usize> = AdamState<D>;

    fn step<const D: usize>(
        &self,
        rate: LearningRate,
        weight: Tensor<D>,
        gradient: Tensor<D>,
        state: Option<AdamState<D>>,
    ) -> (Tensor<D>, Option<AdamState<D>>) {
        let state = state.map(|state| state.momentum);
        let (time, moments) = match state {
            Some(state) => (state.time + 1, [state.moment_1, state.moment_2]),
            None => (1, [gradient.zeros_like(), gradient.zeros_like()]),
        };
        let step = self.step_at(rate, time);
        let (weight, [first, second]) = adam_step(weight, gradient, moments, step);
        let state = AdamState::new(AdaptiveMomentumState::new(time, first, second));
        (weight, Some(state))
    }

    fn to_device<const D: usize>(state: AdamState<D>, device: &Device) -> AdamState<D> {
        AdamState::new(state.momentum.to_device(device))
    }
}
