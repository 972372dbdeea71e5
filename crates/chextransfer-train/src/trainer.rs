//! One optimiser step after the other.

use burn::module::Module;
use burn::optim::{GradientsAccumulator, GradientsParams, ModuleOptimizer};
use burn::tensor::Device;
use chextransfer_data::{Batch, Normalization};
use chextransfer_models::{Network, NetworkSpec};

use crate::average::Average;
use crate::config::NonFinite;
use crate::freeze::Frozen;
use crate::gradients;
use crate::input::Input;
use crate::learning_rates::LearningRates;
use crate::loss::masked_binary_cross_entropy;
use crate::stored::{load_network, load_optimizer, network_bytes, optimizer_bytes};
use crate::{Error, Result, TrainConfig};

/// A network in training, with all that its next step depends on.
pub(crate) struct Trainer {
    config: TrainConfig,
    spec: NetworkSpec,
    normalization: Normalization,
    /// With gradients.
    device: Device,
    network: Network,
    optimizer: ModuleOptimizer,
    rates: LearningRates,
    average: Option<Average>,
    frozen: Frozen,
}

/// All that a trainer remembers, as bytes for a checkpoint.
pub(crate) struct State {
    pub(crate) network: Vec<u8>,
    pub(crate) optimizer: Vec<u8>,
    pub(crate) average: Option<Vec<u8>>,
}

/// A step's numbers.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Step {
    pub(crate) loss: f32,
    pub(crate) gradient_norm: f32,
    pub(crate) learning_rate: f64,
}

impl Step {
    /// Whether the network was changed: no step is taken along what is no number.
    pub(crate) fn is_taken(&self) -> bool {
        self.loss.is_finite() && self.gradient_norm.is_finite()
    }

    /// The error of a run that ends at such a step.
    pub(crate) fn not_finite(&self, step: u64, images: String) -> Error {
        let (what, found) = match self.loss.is_finite() {
            true => ("the norm of the gradients", self.gradient_norm),
            false => ("loss", self.loss),
        };
        Error::NotFinite {
            what,
            found,
            step,
            images,
        }
    }
}

impl Trainer {
    /// Begins with the weights of a network, and a fresh optimiser.
    pub(crate) fn new(
        config: TrainConfig,
        normalization: Normalization,
        device: Device,
        network: &Network,
    ) -> Result<Self> {
        let weights = network_bytes(&network.valid()).map_err(internal)?;
        let optimizer = config.optimizer.init(network, config.decay_all);
        let state = State {
            average: config.ema_decay.is_some().then(|| weights.clone()),
            network: weights,
            optimizer: optimizer_bytes(&optimizer).map_err(internal)?,
        };
        Self::restore(config, normalization, device, &state).map_err(internal)
    }

    /// Goes on from what [`Trainer::state`] gave, on a device with gradients.
    pub(crate) fn restore(
        config: TrainConfig,
        normalization: Normalization,
        device: Device,
        state: &State,
    ) -> Result<Self, String> {
        let spec = config.network().map_err(|error| error.to_string())?;
        let rates = config
            .learning_rates(&spec)
            .map_err(|error| error.to_string())?;
        let network = load_network(spec.init(0, &device), &state.network)?;
        let optimizer = config.optimizer.init(&network, config.decay_all);
        let average = match (config.ema_decay, &state.average) {
            (Some(decay), Some(bytes)) => {
                let network = spec.init(0, &device.clone().inner());
                Some(Average::new(load_network(network, bytes)?, decay))
            }
            (Some(_), None) => return Err("it has no average of the weights".to_owned()),
            (None, _) => None,
        };
        Ok(Self {
            optimizer: load_optimizer(optimizer, &state.optimizer)?,
            spec,
            normalization,
            device,
            network,
            rates,
            average,
            frozen: Frozen::Nothing,
            config,
        })
    }

    pub(crate) fn state(&self) -> Result<State, String> {
        let average = self.average.as_ref();
        Ok(State {
            // A training module commits running statistics one step late; `valid` synchronises them.
            network: network_bytes(&self.network.valid())?,
            optimizer: optimizer_bytes(&self.optimizer)?,
            average: average
                .map(|average| network_bytes(average.network()))
                .transpose()?,
        })
    }

    /// The network to validate and to keep: an inference copy, or the average where one is kept.
    pub(crate) fn inference(&self) -> Network {
        match &self.average {
            Some(average) => average.network().clone(),
            None => self.network.valid(),
        }
    }

    pub(crate) fn config(&self) -> &TrainConfig {
        &self.config
    }

    pub(crate) fn normalization(&self) -> &Normalization {
        &self.normalization
    }

    /// Where inference happens.
    pub(crate) fn inference_device(&self) -> Device {
        self.device.clone().inner()
    }

    /// Freezes what is to be frozen in this epoch, and nothing else.
    pub(crate) fn enter_epoch(&mut self, epoch: u64) -> Result<()> {
        let frozen = self.config.freeze.at(epoch, self.spec.blocks().len());
        if frozen != self.frozen {
            self.frozen = frozen;
            self.rebuild(&self.network.valid())?;
        }
        Ok(())
    }

    /// One step along the gradient of a batch's loss, `number` counted from 1, the learning rates times
    /// `factor`.
    ///
    /// The batch is computed in parts of `micro_batch_size`; each part's loss counts by its share of the
    /// labels that count, so the gradient is that of the whole batch, up to batch normalisation, which sees the
    /// parts.
    pub(crate) fn step(&mut self, batch: &Batch, number: u64, factor: f64) -> Result<Step> {
        // Dropout draws from the device's generator, whose state cannot be stored: it starts anew
        // at each step, from a number that differs for every seed and step.
        let seed = self.config.seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        self.device.seed(seed.wrapping_add(number));
        let skip = self.config.non_finite == NonFinite::Skip;
        let before = skip.then(|| self.network.valid());

        let (loss, mut gradients) = self.gradients(batch);
        let gradient_norm = gradients::norm(&self.network, &gradients);
        let step = Step {
            loss,
            gradient_norm,
            learning_rate: self.config.learning_rate * factor,
        };
        if !step.is_taken() {
            if let Some(before) = before {
                // The forward pass has left its mark in the running statistics.
                self.rebuild(&before)?;
            }
            return Ok(step);
        }
        let limit = self.config.clip_norm;
        if let Some(factor) = limit.and_then(|limit| gradients::clip_factor(gradient_norm, limit)) {
            gradients = gradients::scale(&self.network, gradients, factor);
        }
        let rates = self.rates.times(factor);
        self.network = self.optimizer.step(rates, self.network.clone(), gradients);
        if let Some(average) = &mut self.average {
            average.update(&self.network.valid());
        }
        Ok(step)
    }

    /// Mean loss of a batch and the gradient of every parameter that is not frozen.
    fn gradients(&self, batch: &Batch) -> (f32, GradientsParams) {
        let rows = batch.indices.len();
        let part = self
            .config
            .micro_batch_size
            .unwrap_or(rows)
            .clamp(1, rows.max(1));
        let outputs = batch.mask.len() / rows.max(1);
        let counted = |rows: &std::ops::Range<usize>| {
            let mask = &batch.mask[rows.start * outputs..rows.end * outputs];
            mask.iter().copied().map(f64::from).sum::<f64>()
        };
        let all = counted(&(0..rows)).max(1.0);
        let mut sum = GradientsAccumulator::new();
        let mut mean = 0.0;
        for start in (0..rows).step_by(part) {
            let rows = start..rows.min(start + part);
            let share = counted(&rows) / all;
            let input = Input::new(batch, rows, &self.normalization, &self.device);
            let (logits, auxiliary) = self.network.forward_with_auxiliary(input.images);
            let cross_entropy = |logits| {
                masked_binary_cross_entropy(logits, input.targets.clone(), input.mask.clone())
            };
            let mut loss = cross_entropy(logits);
            if let Some(logits) = auxiliary {
                loss = loss + cross_entropy(logits) * self.config.auxiliary_loss_weight;
            }
            let loss = loss.mul_scalar(share);
            mean += loss.clone().into_scalar::<f32>();
            let gradients = GradientsParams::from_grads(loss.backward(), &self.network);
            sum.accumulate(&self.network, gradients);
        }
        (mean, sum.grads())
    }

    /// A fresh training network with these weights, frozen where it is to be.
    fn rebuild(&mut self, weights: &Network) -> Result<()> {
        let bytes = network_bytes(weights).map_err(internal)?;
        let network = load_network(self.spec.init(0, &self.device), &bytes).map_err(internal)?;
        self.network = self.frozen.apply(network);
        Ok(())
    }
}

/// A network's own weights did not fit it: a defect of this program, not of its input.
fn internal(reason: String) -> Error {
    Error::Internal { reason }
}
