//! The optimisers.

use burn::module::{Module, ModuleVisitor, Param, ParamGroup};
use burn::optim::decay::WeightDecayConfig;
use burn::optim::momentum::MomentumConfig;
use burn::optim::{DynOptimizer, ModuleOptimizer, Optimizer, SgdConfig};
use burn::tensor::Tensor;
use serde::{Deserialize, Serialize};

use crate::adam::{Adam, Decay};

/// How weights follow their gradients; formulas and names are PyTorch's.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum OptimizerConfig {
    /// Adam (Kingma and Ba 2015); weight decay is added to the gradient.
    Adam {
        /// Decay of the two moments.
        #[serde(default = "betas")]
        betas: [f32; 2],
        /// Added to the root of the second moment.
        #[serde(default = "epsilon")]
        epsilon: f32,
        /// L2 penalty.
        #[serde(default)]
        weight_decay: f32,
    },
    /// Adam with decoupled weight decay (Loshchilov and Hutter 2019).
    AdamW {
        /// Decay of the two moments.
        #[serde(default = "betas")]
        betas: [f32; 2],
        /// Added to the root of the second moment.
        #[serde(default = "epsilon")]
        epsilon: f32,
        /// Share of a weight that goes in a step, times the learning rate.
        #[serde(default = "decoupled_decay")]
        weight_decay: f32,
    },
    /// Stochastic gradient descent.
    Sgd {
        /// Decay of the velocity; 0 for none.
        #[serde(default = "momentum")]
        momentum: f64,
        /// Whether the gradient is taken where the velocity leads (Nesterov).
        #[serde(default)]
        nesterov: bool,
        /// L2 penalty.
        #[serde(default)]
        weight_decay: f32,
    },
}

fn betas() -> [f32; 2] {
    [0.9, 0.999]
}

fn epsilon() -> f32 {
    1e-8
}

fn decoupled_decay() -> f32 {
    0.01
}

fn momentum() -> f64 {
    0.9
}

impl Default for OptimizerConfig {
    /// The paper's: Adam without weight decay.
    fn default() -> Self {
        Self::Adam {
            betas: betas(),
            epsilon: epsilon(),
            weight_decay: 0.0,
        }
    }
}

impl OptimizerConfig {
    /// The setting that is out of range, what it is, and what it may be.
    pub(crate) fn wrong(&self) -> Option<(&'static str, String, &'static str)> {
        let unit = 0.0..1.0;
        let (decay, shares) = match *self {
            Self::Adam {
                betas,
                epsilon,
                weight_decay,
            }
            | Self::AdamW {
                betas,
                epsilon,
                weight_decay,
            } => {
                if !(epsilon > 0.0 && epsilon.is_finite()) {
                    let expected = "a number above 0";
                    return Some(("optimizer.epsilon", epsilon.to_string(), expected));
                }
                (weight_decay, betas.map(f64::from))
            }
            Self::Sgd {
                momentum,
                weight_decay,
                nesterov,
            } => {
                if nesterov && momentum == 0.0 {
                    let expected = "a momentum, for nesterov";
                    return Some(("optimizer.momentum", momentum.to_string(), expected));
                }
                (weight_decay, [momentum; 2])
            }
        };
        if let Some(wrong) = shares.into_iter().find(|share| !unit.contains(share)) {
            let setting = match self {
                Self::Sgd { .. } => "optimizer.momentum",
                _ => "optimizer.betas",
            };
            return Some((setting, wrong.to_string(), "from 0 to below 1"));
        }
        (!(decay >= 0.0 && decay.is_finite())).then(|| {
            let expected = "a number that is not negative";
            ("optimizer.weight_decay", decay.to_string(), expected)
        })
    }

    /// The optimiser of a module. Unless `decay_all`, the parameters with one axis (biases and
    /// normalisations) have no weight decay.
    pub fn init(&self, module: &impl Module, decay_all: bool) -> ModuleOptimizer {
        let exempt = (!decay_all).then(|| ParamGroup::from_paths(vectors(module)));
        match *self {
            Self::Adam {
                betas,
                epsilon,
                weight_decay,
            } => {
                let rule = |decay| Adam {
                    betas,
                    epsilon,
                    decay: Decay::Coupled(decay),
                };
                grouped(rule(weight_decay), exempt.map(|group| (group, rule(0.0))))
            }
            Self::AdamW {
                betas,
                epsilon,
                weight_decay,
            } => {
                let rule = |decay| Adam {
                    betas,
                    epsilon,
                    decay: Decay::Decoupled(decay),
                };
                grouped(rule(weight_decay), exempt.map(|group| (group, rule(0.0))))
            }
            Self::Sgd {
                momentum,
                nesterov,
                weight_decay,
            } => {
                let velocity = (momentum > 0.0).then(|| {
                    MomentumConfig::new()
                        .with_momentum(momentum)
                        // PyTorch's default; Burn's is 0.1.
                        .with_dampening(0.0)
                        .with_nesterov(nesterov)
                });
                let rule = |decay| {
                    SgdConfig::new()
                        .with_momentum(velocity.clone())
                        .with_weight_decay(penalty(decay))
                        .build()
                };
                grouped(rule(weight_decay), exempt.map(|group| (group, rule(0.0))))
            }
        }
    }
}

fn penalty(decay: f32) -> Option<WeightDecayConfig> {
    (decay > 0.0).then(|| WeightDecayConfig::new(decay))
}

fn grouped<O: Optimizer + DynOptimizer + 'static>(
    rule: O,
    exempt: Option<(ParamGroup, O)>,
) -> ModuleOptimizer {
    let optimizer = ModuleOptimizer::from(rule);
    match exempt {
        Some((group, rule)) => optimizer.with_group(group, rule, None),
        None => optimizer,
    }
}

/// The paths of all parameters with one axis.
fn vectors(module: &impl Module) -> Vec<String> {
    #[derive(Default)]
    struct Vectors {
        path: Vec<String>,
        found: Vec<String>,
    }
    impl ModuleVisitor for Vectors {
        fn enter_module(&mut self, name: &str, _: &str) {
            self.path.push(name.to_owned());
        }

        fn exit_module(&mut self, _: &str, _: &str) {
            self.path.pop();
        }

        fn visit_float<const D: usize>(&mut self, _: &Param<Tensor<D>>) {
            if D == 1 {
                self.found.push(self.path.join("."));
            }
        }
    }
    let mut vectors = Vectors::default();
    module.visit(&mut vectors);
    vectors.found
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use burn::optim::GradientsParams;
    use chextransfer_models::DeviceChoice;

    #[derive(Module, Debug)]
    struct Layer {
        weight: Param<Tensor<2>>,
        bias: Param<Tensor<1>>,
    }

    /// Weight and bias after three steps at rate 0.1 along the same made-up gradients.
    fn after_three_steps(config: OptimizerConfig, decay_all: bool) -> [f32; 3] {
        let device = DeviceChoice::Cpu.open().unwrap().autodiff();
        let mut layer = Layer {
            weight: Param::from_tensor(Tensor::from_floats([[0.5, -1.0]], &device)),
            bias: Param::from_tensor(Tensor::from_floats([2.0], &device)),
        };
        let mut optimizer = config.init(&layer, decay_all);
        for step in 1..=3 {
            let step = step as f32;
            let mut gradients = GradientsParams::new();
            let plain = device.clone().inner();
            let weight = Tensor::<2>::from_floats([[0.3 * step, -0.2 / step]], &plain);
            gradients.register(layer.weight.id, weight);
            gradients.register(
                layer.bias.id,
                Tensor::<1>::from_floats([0.1 * step], &plain),
            );
            layer = optimizer.step(0.1, layer, gradients);
        }
        let weight = layer
            .weight
            .val()
            .into_data()
            .try_into_vec_as::<f32>()
            .unwrap();
        let bias = layer
            .bias
            .val()
            .into_data()
            .try_into_vec_as::<f32>()
            .unwrap();
        [weight[0], weight[1], bias[0]]
    }

    /// torch.optim of torch 2.15.0 on the same numbers, weight decay 0.05; in the second column the bias
    /// is in a group without decay.
    #[test]
    fn three_steps_are_pytorchs() {
        let adam = OptimizerConfig::Adam {
            betas: betas(),
            epsilon: epsilon(),
            weight_decay: 0.05,
        };
        let adam_w = OptimizerConfig::AdamW {
            betas: betas(),
            epsilon: epsilon(),
            weight_decay: 0.05,
        };
        let sgd = |momentum, nesterov| OptimizerConfig::Sgd {
            momentum,
            nesterov,
            weight_decay: 0.05,
        };
        for (config, expected, bias_without_decay) in [
            (adam, [0.2066943, -0.7134304, 1.7019338], 1.7076817),
            (adam_w, [0.2016992, -0.7060047, 1.6793115], 1.7076817),
            (sgd(0.0, false), [0.3131367, -0.9486577, 1.9103495], 1.94),
            (sgd(0.9, false), [0.2016042, -0.8926327, 1.8493295], 1.904_9),
            (sgd(0.9, true), [0.0459035, -0.852_762, 1.7754879], 1.854_41),
        ] {
            let near = |a: f32, b: f32| (a - b).abs() < 2e-6;
            let found = after_three_steps(config, true);
            let equal = found.into_iter().zip(expected).all(|(a, b)| near(a, b));
            assert!(equal, "{config:?}: {found:?}, expected {expected:?}");
            let found = after_three_steps(config, false);
            let expected = [expected[0], expected[1], bias_without_decay];
            let equal = found.into_iter().zip(expected).all(|(a, b)| near(a, b));
            assert!(equal, "{config:?}: {found:?}, expected {expected:?}");
        }
    }
}
