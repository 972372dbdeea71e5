//! The optimisers, made of Burn's.

use burn::module::{Module, ModuleVisitor, Param, ParamGroup};
use burn::optim::decay::WeightDecayConfig;
use burn::optim::momentum::MomentumConfig;
use burn::optim::{AdamConfig, AdamWConfig, DynOptimizer, ModuleOptimizer, Optimizer, SgdConfig};
use burn::tensor::Tensor;
use chextransfer_models::Network;
use serde::{Deserialize, Serialize};

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

    /// The optimiser of a network. Unless `decay_all`, the parameters with one axis (biases and
    /// normalisations) have no weight decay.
    pub(crate) fn init(&self, network: &Network, decay_all: bool) -> ModuleOptimizer {
        let exempt = (!decay_all).then(|| ParamGroup::from_paths(vectors(network)));
        match *self {
            Self::Adam {
                betas: [beta_1, beta_2],
                epsilon,
                weight_decay,
            } => {
                let rule = |decay| {
                    AdamConfig::new()
                        .with_beta_1(beta_1)
                        .with_beta_2(beta_2)
                        .with_epsilon(epsilon)
                        .with_weight_decay(penalty(decay))
                        .build()
                };
                grouped(rule(weight_decay), exempt.map(|group| (group, rule(0.0))))
            }
            Self::AdamW {
                betas: [beta_1, beta_2],
                epsilon,
                weight_decay,
            } => {
                let rule = |decay| {
                    AdamWConfig::new()
                        .with_beta_1(beta_1)
                        .with_beta_2(beta_2)
                        .with_epsilon(epsilon)
                        .with_weight_decay(decay)
                        .build()
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
fn vectors(network: &Network) -> Vec<String> {
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
    network.visit(&mut vectors);
    vectors.found
}
