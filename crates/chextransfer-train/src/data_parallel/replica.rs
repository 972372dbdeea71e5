//! A device with a thread of its own.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::{self, JoinHandle};

use burn::module::{Module, ModuleMapper, Param};
use burn::tensor::{Device, Tensor};
use chextransfer_models::Network;

use crate::panic_message::panic_message;
use crate::{Error, Result};

type Job = Box<dyn FnOnce(&Device) + Send>;

/// A device with a thread that works on it, and only on it, one job after the other.
///
/// One thread for the whole run: Burn gives every thread of a GPU a stream with memory of its own.
pub struct Replica {
    rank: usize,
    device: Device,
    jobs: Option<Sender<Job>>,
    thread: Option<JoinHandle<()>>,
}

/// What a job will return.
#[must_use]
pub struct Pending<T> {
    rank: usize,
    result: Receiver<Result<T>>,
}

impl Replica {
    /// Starts the thread.
    pub(super) fn start(rank: usize, device: Device) -> Result<Self> {
        let (jobs, queue) = channel::<Job>();
        let own = device.clone();
        let thread = thread::Builder::new()
            .name(format!("replica-{rank}"))
            .spawn(move || queue.into_iter().for_each(|job| job(&own)))
            .map_err(|error| Error::replica(rank, error))?;
        Ok(Self {
            rank,
            device,
            jobs: Some(jobs),
            thread: Some(thread),
        })
    }

    /// The device.
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// Has the thread do a job; a panic becomes an error of the job.
    pub fn run<T: Send + 'static>(
        &self,
        job: impl FnOnce(&Device) -> Result<T> + Send + 'static,
    ) -> Pending<T> {
        let (rank, (sender, result)) = (self.rank, channel());
        let job = move |device: &Device| {
            let outcome = catch_unwind(AssertUnwindSafe(|| job(device)))
                .unwrap_or_else(|panic| Err(Error::replica(rank, panic_message(&*panic))));
            // Nobody may be waiting any more: another shard failed first.
            let _ = sender.send(outcome);
        };
        if let Some(jobs) = &self.jobs {
            // Were the thread gone, the job and its sender would be dropped, which `wait` sees.
            let _ = jobs.send(Box::new(job));
        }
        Pending { rank, result }
    }
}

impl Drop for Replica {
    fn drop(&mut self) {
        self.jobs = None;
        if let Some(thread) = self.thread.take() {
            // Jobs catch their panics, so there is none to pass on.
            let _ = thread.join();
        }
    }
}

impl<T> Pending<T> {
    /// Waits for the job's end.
    ///
    /// # Errors
    /// The job's own; [`Error::Replica`] when it panicked.
    pub fn wait(self) -> Result<T> {
        let gone = || Error::replica(self.rank, "its thread ended");
        self.result.recv().unwrap_or_else(|_| Err(gone()))
    }
}

/// The network of this inference copy on another device, for training there.
///
/// Parameters keep their ids, so that its gradients are those of the original, and frozen layers stay
/// frozen. The copy's running statistics are its own: clones would share them.
pub(super) fn network(inference: Network, device: &Device) -> Network {
    inference
        .to_device(&device.clone().without_autodiff())
        .map(&mut Tracked(device))
        .train()
}

/// Ties tensors to a device's way of tracking gradients: `train` alone would forget that activations
/// are to be computed again instead of kept.
struct Tracked<'a>(&'a Device);

impl ModuleMapper for Tracked<'_> {
    fn map_float<const D: usize>(&mut self, parameter: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let strategy = self.0.gradient_checkpointing_strategy();
        parameter.map(|tensor| {
            let tensor = tensor.autodiff();
            match strategy {
                Some(strategy) => tensor.with_gradient_checkpointing_strategy(strategy),
                None => tensor,
            }
        })
    }
}
