//! One batch over several devices: the same gradients as on one, up to rounding.
//!
//! A batch is cut into contiguous shards, one a device ([`shards`]). The first device computes with the
//! network that is trained; every other one, on a thread of its own ([`Replica`]), with a copy that is
//! made anew at each step. When all have their gradients, a [`GradientReducer`] adds them up on the
//! first device, where the one optimiser is. Replicas are equal by construction, and everything behind
//! the gradients (optimiser, clipping, averaging of weights, checkpoints, validation) is that of one
//! device. The price is one copy of the parameters a step, 28 MB for `densenet121`, which is little
//! beside its activations.

mod reducer;
mod replica;
mod shard;

use std::sync::{Arc, Mutex, PoisonError};

use burn::module::Module;
use burn::optim::GradientsParams;
use burn::tensor::{Device, Tensor};
use chextransfer_data::Batch;
use chextransfer_models::Network;

use crate::gradients::scale;
use crate::{Error, Result};

pub use reducer::{Collectives, GradientReducer, InProcess};
pub use replica::{Pending, Replica};
pub(crate) use shard::place;
pub use shard::{Shard, shards};

/// The loss of a batch on its way to a gradient.
#[derive(Debug)]
pub struct BatchLoss {
    /// Mean over the targets that count, `[1]`.
    pub mean: Tensor<1>,
    /// How many those are, for instance by [`Loss::counted`](crate::Loss::counted): the weight of this
    /// mean among those of other shards.
    pub counted: f64,
}

/// What a step has found out about a batch.
#[derive(Debug)]
pub struct BatchGradients {
    /// Mean loss over the targets of the whole batch that count.
    pub loss: f32,
    /// Its gradients, on the first device, under the ids of the network's parameters.
    pub gradients: GradientsParams,
}

type Objective = dyn Fn(&Network, &Shard) -> Result<BatchLoss> + Send + Sync;

/// Gradients of batches on one or more devices.
///
/// Batch normalisation works as in PyTorch's `DistributedDataParallel` without `SyncBatchNorm`: every
/// replica normalises with the statistics of its own shard, and only the first one's enter the running
/// statistics. A network that normalises by its batch is therefore trained a little differently on two
/// devices than on one; frozen layers, which use the running statistics, are not.
///
/// A loss is a mean over the targets that count, and shards have different numbers of them: gradients
/// are weighted by that number, so that their sum is the gradient of the whole batch's mean.
pub struct DataParallel {
    device: Device,
    replicas: Vec<Replica>,
    reducer: Box<dyn GradientReducer>,
    objective: Arc<Objective>,
    loss_scale: f32,
    /// Whose turn it is to draw random numbers: Burn has one generator for all devices of a backend.
    generator: Arc<Mutex<()>>,
}

impl DataParallel {
    /// Starts a thread for every device but the first, which is the one of the trained network.
    ///
    /// `objective` is what a single device would take the gradient of: forward pass and loss of a batch,
    /// or a shard of one.
    ///
    /// # Errors
    /// [`Error::Setting`] without devices, or with one that does not track gradients;
    /// [`Error::Replica`] when a thread cannot be started.
    pub fn new(
        devices: &[Device],
        reducer: Box<dyn GradientReducer>,
        objective: impl Fn(&Network, &Shard) -> Result<BatchLoss> + Send + Sync + 'static,
    ) -> Result<Self> {
        let (Some((first, others)), true) = (
            devices.split_first(),
            devices.iter().all(Device::is_autodiff),
        ) else {
            return Err(Error::Setting {
                setting: "devices",
                found: format!("{devices:?}"),
                expected: "at least one, each opened for training",
            });
        };
        let replicas = (1..).zip(others);
        Ok(Self {
            device: first.clone(),
            replicas: replicas
                .map(|(rank, device)| Replica::start(rank, device.clone()))
                .collect::<Result<_>>()?,
            reducer,
            objective: Arc::new(objective),
            loss_scale: 1.0,
            generator: Arc::default(),
        })
    }

    /// Mean loss and gradients of a batch with at least one image.
    ///
    /// `seed` is that of the step's dropout; every replica draws from a number of its own made of it, and
    /// forward passes of a network that draws go one after the other.
    /// Only the calling thread changes `network`: its running statistics, as a forward pass does.
    ///
    /// # Errors
    /// What the objective or the reducer returns, and [`Error::Replica`] when one of them panics on
    /// another thread: whatever happens to a shard, no other one is waited for in vain.
    pub fn gradients(&self, network: &Network, batch: &Batch, seed: u64) -> Result<BatchGradients> {
        self.gradients_of(network, place(batch, &self.devices()), seed)
    }

    /// What losses are multiplied by before the backward pass, so that gradients do not vanish in a type
    /// with few digits, and gradients divided by behind it; 1 unless it is set.
    pub fn set_loss_scale(&mut self, scale: f32) {
        self.loss_scale = scale;
    }

    /// The devices, the trained network's first.
    pub(crate) fn devices(&self) -> Vec<Device> {
        let others = self.replicas.iter().map(|replica| replica.device().clone());
        [self.device.clone()].into_iter().chain(others).collect()
    }

    /// The same for a batch whose shards lie on their devices.
    pub(crate) fn gradients_of(
        &self,
        network: &Network,
        shards: Vec<Shard>,
        seed: u64,
    ) -> Result<BatchGradients> {
        let mut shards = shards.into_iter();
        let Some(first) = shards.next() else {
            return Err(Error::Setting {
                setting: "batch",
                found: "no image".to_owned(),
                expected: "at least one",
            });
        };
        let alone = shards.len() == 0;
        let step = |rank| Step {
            objective: self.objective.clone(),
            turn: (network.spec().is_stochastic() && !alone).then(|| self.generator.clone()),
            seed: network
                .spec()
                .is_stochastic()
                .then(|| replica_seed(seed, rank)),
            weighted: !alone,
            scale: self.loss_scale,
        };
        let pending: Vec<_> = (1..)
            .zip(self.replicas.iter().zip(shards))
            .map(|(rank, (replica, shard))| {
                let (step, network) = (step(rank), network.valid());
                replica.run(move |device| {
                    step.gradients(&replica::network(network, device), &shard, device)
                })
            })
            .collect();
        let mut computed = vec![step(0).gradients(network, &first, &self.device)?];
        for pending in pending {
            computed.push(pending.wait()?);
        }
        let unscale = 1.0 / self.loss_scale;
        if alone {
            let only = computed.pop();
            let only = only.ok_or_else(|| Error::replica(0, "nothing was computed"))?;
            let gradients = match unscale {
                1.0 => only.gradients,
                _ => scale(network, only.gradients, unscale),
            };
            return Ok(BatchGradients {
                loss: only.mean,
                gradients,
            });
        }
        let counted: f64 = computed.iter().map(|one| one.counted).sum();
        // A mean over nothing is 0, as it is on one device.
        let counted = counted.max(1.0);
        let sum: f64 = computed.iter().map(|one| one.sum()).sum();
        let gradients = computed.into_iter().map(|one| one.gradients).collect();
        let sums = self.reducer.sum(network, gradients, &self.replicas)?;
        Ok(BatchGradients {
            loss: (sum / counted) as f32,
            gradients: scale(network, sums, (1.0 / counted) as f32 * unscale),
        })
    }
}

/// A replica's part in one step.
struct Step {
    objective: Arc<Objective>,
    /// Taken while the network draws, if it does beside others.
    turn: Option<Arc<Mutex<()>>>,
    /// Of what the network draws, if it does.
    seed: Option<u64>,
    /// Whether the gradient is that of the sum over what counts; otherwise it is that of the mean.
    weighted: bool,
    scale: f32,
}

struct Computed {
    mean: f32,
    counted: f64,
    gradients: GradientsParams,
}

impl Computed {
    fn sum(&self) -> f64 {
        f64::from(self.mean) * self.counted
    }
}

impl Step {
    fn gradients(self, network: &Network, shard: &Shard, device: &Device) -> Result<Computed> {
        let turn =
            (self.turn.as_ref()).map(|turn| turn.lock().unwrap_or_else(PoisonError::into_inner));
        if let Some(seed) = self.seed {
            device.seed(seed);
        }
        let BatchLoss { mean, counted } = (self.objective)(network, shard)?;
        let read = |mean: &Tensor<1>| mean.clone().into_scalar::<f32>();
        // Reading it ends the forward pass, and with it the draws, for which others wait.
        let early = turn.map(|_turn| read(&mean));
        let mut loss = match self.weighted {
            true => mean.clone() * counted,
            false => mean.clone(),
        };
        if self.scale != 1.0 {
            loss = loss * self.scale;
        }
        let gradients = GradientsParams::from_grads(loss.backward(), network);
        Ok(Computed {
            // Where nobody waits, behind the backward pass: a card has work while this waits for it.
            mean: early.unwrap_or_else(|| read(&mean)),
            counted,
            gradients,
        })
    }
}

/// Steps and runs differ by other multiples, see `Run::step`; the first replica draws as a single one.
fn replica_seed(seed: u64, rank: u64) -> u64 {
    seed ^ rank.wrapping_mul(0xbf58_476d_1ce4_e5b9)
}
