//! One optimiser step after the other.

use std::sync::Arc;

use burn::module::Module;
use burn::optim::{GradientsAccumulator, GradientsParams, ModuleOptimizer};
use burn::tensor::Device;
use chextransfer_data::Normalization;
use chextransfer_models::{DeviceChoice, Network, NetworkSpec};

use crate::average::Average;
use crate::config::{NonFinite, Precision};
use crate::data_parallel::Shard;
use crate::feed::{Fed, Placement};
use crate::freeze::Frozen;
use crate::gradients;
use crate::input::normalized;
use crate::learning_rates::LearningRates;
use crate::loss_scale::LossScale;
use crate::stored::{load_network, load_optimizer, network_bytes, optimizer_bytes};
use crate::{
    BatchGradients, BatchLoss, Collectives, DataParallel, Error, GradientReducer, InProcess, Loss,
    Result, TrainConfig,
};

/// A network in training, with all that its next step depends on.
pub(crate) struct Trainer {
    config: TrainConfig,
    spec: NetworkSpec,
    normalization: Normalization,
    /// With gradients.
    device: Device,
    network: Network,
    optimizer: ModuleOptimizer,
    parallel: DataParallel,
    loss: Arc<Loss>,
    rates: LearningRates,
    average: Option<Average>,
    frozen: Frozen,
    /// The factor of the loss, where the precision asks for one.
    pub(crate) loss_scale: Option<LossScale>,
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
    /// Whether the gradients are no finite numbers because of the loss's factor, which was halved.
    pub(crate) overflowed: bool,
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
        let text = |error: Error| error.to_string();
        let spec = config.network().map_err(text)?;
        let rates = config.learning_rates(&spec).map_err(text)?;
        let loss = Arc::new(config.loss().map_err(text)?);
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
        let objective = objective(&config, normalization, &loss);
        let own = std::slice::from_ref(&device);
        let parallel = DataParallel::new(own, Box::new(InProcess), objective).map_err(text)?;
        Ok(Self {
            parallel,
            loss,
            optimizer: load_optimizer(optimizer, &state.optimizer)?,
            spec,
            normalization,
            device,
            network,
            rates,
            average,
            frozen: Frozen::Nothing,
            loss_scale: (config.precision == Precision::Float16).then(LossScale::default),
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

    /// Shares every batch among these devices, of which the first is its own.
    pub(crate) fn spread_over(&mut self, choices: &[DeviceChoice]) -> Result<()> {
        let others = choices
            .iter()
            .skip(1)
            .map(|choice| training_device(&self.config, *choice));
        let others = others.collect::<Result<Vec<_>>>()?;
        let devices: Vec<_> = [self.device.clone()].into_iter().chain(others).collect();
        let reducer: Box<dyn GradientReducer> = match Collectives::new(choices, &self.device) {
            Ok(collectives) => Box::new(collectives),
            Err(_) => Box::new(InProcess),
        };
        let objective = objective(&self.config, self.normalization, &self.loss);
        self.parallel = DataParallel::new(&devices, reducer, objective)?;
        Ok(())
    }

    /// Where the parts of a batch are computed.
    pub(crate) fn placement(&self) -> Placement {
        Placement {
            devices: self.parallel.devices(),
            part: self.config.micro_batch_size,
        }
    }

    /// One step along the gradient of a batch's loss, `number` counted from 1, the learning rates times
    /// `factor`.
    pub(crate) fn step(&mut self, fed: Fed, number: u64, factor: f64) -> Result<Step> {
        let skip = self.config.non_finite == NonFinite::Skip;
        let before = skip.then(|| self.network.valid());

        if let Some(scale) = &self.loss_scale {
            self.parallel.set_loss_scale(scale.factor());
        }
        let (loss, mut gradients) = self.gradients(fed, number)?;
        let gradient_norm = gradients::norm(&self.network, &gradients);
        let mut step = Step {
            loss,
            gradient_norm,
            learning_rate: self.config.learning_rate * factor,
            overflowed: false,
        };
        if let Some(scale) = &mut self.loss_scale {
            match step.is_taken() {
                true => scale.keep(),
                // A loss that is no number was none before it was scaled.
                false => step.overflowed = loss.is_finite() && scale.fall(),
            }
        }
        if !step.is_taken() {
            // The forward pass of gradients that overflowed is as good as any, and so are its statistics.
            if let (Some(before), false) = (before, step.overflowed) {
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
    ///
    /// The batch is computed in parts of at most `micro_batch_size`; each part's loss counts by its
    /// share of the labels that count, so the gradient is that of the whole batch, up to batch normalisation,
    /// which sees the parts.
    fn gradients(&self, fed: Fed, number: u64) -> Result<(f32, GradientsParams)> {
        let Fed { batch, mut parts } = fed;
        // Dropout draws from the device's generator, whose state cannot be stored: it starts anew for
        // each part of a step, from a number that differs for every seed, step and part.
        let seed = self
            .config
            .seed
            .wrapping_mul(0x9e37_79b9_7f4a_7c15)
            .wrapping_add(number);
        if parts.len() == 1
            && let Some(only) = parts.pop()
        {
            let BatchGradients { loss, gradients } =
                self.parallel.gradients_of(&self.network, only, seed)?;
            return Ok((loss, gradients));
        }
        let all = self.loss.counted(&batch.mask).max(1.0);
        let (mut mean, mut sum) = (0.0, GradientsAccumulator::new());
        for (place, part) in (0..).zip(parts) {
            let counted: f64 = part
                .iter()
                .map(|shard| self.loss.counted(&shard.counts))
                .sum();
            let share = (counted / all) as f32;
            let seed = seed ^ u64::wrapping_mul(place, 0x94d0_49bb_1331_11eb);
            let BatchGradients { loss, gradients } =
                self.parallel.gradients_of(&self.network, part, seed)?;
            mean += loss * share;
            let gradients = gradients::scale(&self.network, gradients, share);
            sum.accumulate(&self.network, gradients);
        }
        Ok((mean, sum.grads()))
    }

    /// A fresh training network with these weights, frozen where it is to be.
    fn rebuild(&mut self, weights: &Network) -> Result<()> {
        let bytes = network_bytes(weights).map_err(internal)?;
        let network = load_network(self.spec.init(0, &self.device), &bytes).map_err(internal)?;
        self.network = self.frozen.apply(network);
        Ok(())
    }
}

/// Forward pass and loss of a batch, or of a shard of one.
fn objective(
    config: &TrainConfig,
    normalization: Normalization,
    loss: &Arc<Loss>,
) -> impl Fn(&Network, &Shard) -> Result<BatchLoss> + Send + Sync + use<> {
    let (loss, auxiliary_weight) = (loss.clone(), config.auxiliary_loss_weight);
    let precision = config.precision;
    move |network, shard| {
        let images = normalized(shard.images.clone(), &normalization);
        let (logits, auxiliary) = match precision.cast() {
            None => network.forward_with_auxiliary(images),
            Some(half) => {
                let network = network.compute_in(half);
                network.forward_with_auxiliary(images.cast(half))
            }
        };
        let of = |logits| loss.mean(logits, shard.targets.clone(), shard.mask.clone());
        let mut mean = of(logits);
        if let Some(logits) = auxiliary {
            mean = mean + of(logits) * auxiliary_weight;
        }
        let counted = loss.counted(&shard.counts);
        Ok(BatchLoss { mean, counted })
    }
}

/// Where gradients are computed.
pub(crate) fn training_device(config: &TrainConfig, choice: DeviceChoice) -> Result<Device> {
    let device = choice.open()?.autodiff();
    if let Some(half) = config.precision.cast()
        && !device.supports_dtype(half)
    {
        return Err(Error::Setting {
            setting: "precision",
            found: format!("{} on {choice}", config.precision.name()),
            expected: "one that the device computes in, such as float32",
        });
    }
    Ok(match config.gradient_checkpointing {
        true => device.gradient_checkpointing(),
        false => device,
    })
}

/// A network's own weights did not fit it: a defect of this program, not of its input.
fn internal(reason: String) -> Error {
    Error::Internal { reason }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use chextransfer_data::{Batch, Observation};
    use chextransfer_models::{Architecture, DeviceChoice};

    const SIDE: usize = 32;

    fn batch(value: f32) -> Batch {
        let count = 3;
        let labels = count * Observation::COUNT;
        Batch {
            number: 0,
            indices: (0..count).collect(),
            side: SIDE,
            images: (0..count * SIDE * SIDE)
                .map(|i| value * (i % 13) as f32 / 13.0)
                .collect(),
            targets: (0..labels).map(|i| f32::from(i % 3 == 0)).collect(),
            mask: vec![1.0; labels],
            skipped: Vec::new(),
        }
    }

    fn fed(trainer: &Trainer, value: f32) -> Fed {
        let batch = batch(value);
        let parts = trainer.placement().parts(&batch);
        Fed { batch, parts }
    }

    fn trainer(precision: Precision) -> Trainer {
        let config = TrainConfig {
            minus: 3,
            image_size: SIDE as u32,
            non_finite: NonFinite::Skip,
            ema_decay: Some(0.5),
            micro_batch_size: Some(2),
            precision,
            ..TrainConfig::paper(Architecture::ResNet18, "data")
        };
        let device = DeviceChoice::Cpu.open().unwrap().autodiff();
        let network = config.network().unwrap().init(7, &device);
        Trainer::new(config, Normalization::IMAGENET, device, &network).unwrap()
    }

    #[test]
    fn a_skipped_step_leaves_nothing_behind() {
        let [mut expected, mut found] = [Precision::Float32; 2].map(trainer);
        for (number, value) in [(1, 1.0), (2, f32::NAN), (3, 0.5)] {
            let step = found.step(fed(&found, value), number, 1.0).unwrap();
            assert_eq!(step.is_taken(), value.is_finite(), "{step:?}");
            if value.is_finite() {
                let as_expected = expected.step(fed(&expected, value), number, 1.0);
                assert_eq!(as_expected.unwrap(), step);
            }
        }
        let (expected, found) = (expected.state().unwrap(), found.state().unwrap());
        assert!(
            found.network == expected.network,
            "weights or running statistics differ"
        );
        assert!(
            found.optimizer == expected.optimizer,
            "the optimiser differs"
        );
        assert!(found.average == expected.average, "the average differs");
    }

    /// At 2^40 times its size no gradient of the last convolution fits in float16, whatever the rounding.
    #[test]
    fn a_step_whose_scaled_gradients_overflow_changes_no_weight_and_halves_the_factor() {
        let mut trainer = trainer(Precision::Float16);
        trainer.loss_scale = Some(LossScale::at(1.0995e12));
        let weights = |trainer: &Trainer| trainer.state().unwrap().optimizer;
        let before = weights(&trainer);
        let mut overflows = 0;
        loop {
            let factor = trainer.loss_scale.unwrap().factor();
            let step = trainer.step(fed(&trainer, 1.0), 1, 1.0).unwrap();
            assert!(step.loss.is_finite());
            if step.is_taken() {
                assert_eq!(trainer.loss_scale.unwrap().factor(), factor);
                break;
            }
            overflows += 1;
            assert!(step.overflowed);
            assert_eq!(trainer.loss_scale.unwrap().factor(), factor / 2.0);
            assert!(weights(&trainer) == before, "the optimiser went on");
        }
        assert!(overflows > 1, "{overflows}");
        assert!(weights(&trainer) != before);

        // What is no number before it is scaled is not the factor's doing.
        let factor = trainer.loss_scale;
        let step = trainer.step(fed(&trainer, f32::NAN), 2, 1.0).unwrap();
        assert!(!step.is_taken() && !step.overflowed);
        assert_eq!(trainer.loss_scale, factor);
    }

    #[test]
    fn equal_states_have_equal_bytes_and_are_restored_to_them() {
        let mut trainer = trainer(Precision::Float32);
        trainer.step(fed(&trainer, 1.0), 1, 1.0).unwrap();
        let state = trainer.state().unwrap();
        let Trainer {
            config,
            normalization,
            device,
            ..
        } = trainer;
        let restored = Trainer::restore(config, normalization, device, &state).unwrap();
        let again = restored.state().unwrap();
        assert!(again.network == state.network && again.optimizer == state.optimizer);
        assert!(again.average == state.average && state.average.is_some());
    }
}
