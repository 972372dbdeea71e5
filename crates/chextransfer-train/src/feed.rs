//! Batches on their way to the devices, ahead of the steps that need them.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread::{self, JoinHandle};

use burn::tensor::Device;
use chextransfer_data::{Batch, Batches};

use crate::data_parallel::{Shard, place, shards};
use crate::panic_message::panic_message;
use crate::{Error, Result};

/// A batch with its numbers on the devices.
pub(crate) struct Fed {
    pub(crate) batch: Batch,
    pub(crate) parts: Vec<Vec<Shard>>,
}

/// Where the parts of a batch are computed.
#[derive(Clone)]
pub(crate) struct Placement {
    /// Which share every part, the trained network's first.
    pub(crate) devices: Vec<Device>,
    /// Images that are computed at a time; all of a batch without.
    pub(crate) part: Option<usize>,
}

impl Placement {
    /// Parts of the batch, which follow each other, each with its shards.
    pub(crate) fn parts(&self, batch: &Batch) -> Vec<Vec<Shard>> {
        let rows = batch.indices.len();
        let parts = rows.div_ceil(self.part.unwrap_or(rows).max(1));
        if parts <= 1 {
            return vec![place(batch, &self.devices)];
        }
        let parts = shards(batch, parts);
        parts
            .iter()
            .map(|part| place(part, &self.devices))
            .collect()
    }

    fn feed(&self, batch: Batch) -> Result<Fed> {
        let upload = || -> Result<_> {
            let parts = self.parts(&batch);
            for device in &self.devices {
                device.flush().map_err(|error| Error::replica(0, error))?;
            }
            Ok(parts)
        };
        // A device without memory left panics.
        let parts = catch_unwind(AssertUnwindSafe(upload))
            .unwrap_or_else(|panic| Err(Error::replica(0, panic_message(&*panic))))?;
        Ok(Fed { batch, parts })
    }
}

/// The batches of an epoch, each on its devices.
pub(crate) struct Feed {
    placement: Placement,
    source: Source,
}

enum Source {
    /// Taken when they are asked for.
    Here(Box<Batches>),
    /// A batch is copied while the one before is computed.
    Ahead {
        fed: Option<Receiver<Result<Fed>>>,
        thread: Option<JoinHandle<()>>,
    },
}

impl Feed {
    /// Batches that are taken when they are asked for.
    pub(crate) fn here(batches: Batches, placement: Placement) -> Self {
        Self {
            placement,
            source: Source::Here(Box::new(batches)),
        }
    }

    /// Batches that a thread copies to the devices, one ahead: it has streams of its own there, so that copies and
    /// computations overlap.
    ///
    /// # Errors
    /// [`Error::Replica`] when the thread cannot be started.
    pub(crate) fn ahead(batches: Batches, placement: Placement) -> Result<Self> {
        // Without room, so that one batch is held by the thread, and none in between.
        let (sender, fed) = sync_channel(0);
        let own = placement.clone();
        let work = move || {
            for batch in batches {
                let next = batch.map_err(Error::from).and_then(|batch| own.feed(batch));
                let is_last = next.is_err();
                // Nobody takes it where the run was stopped.
                if sender.send(next).is_err() || is_last {
                    return;
                }
            }
        };
        let thread = thread::Builder::new().name("feed".to_owned()).spawn(work);
        Ok(Self {
            placement,
            source: Source::Ahead {
                fed: Some(fed),
                thread: Some(thread.map_err(|error| Error::replica(0, error))?),
            },
        })
    }
}

impl Iterator for Feed {
    type Item = Result<Fed>;

    fn next(&mut self) -> Option<Self::Item> {
        match &mut self.source {
            Source::Here(batches) => {
                let batch = batches.next()?.map_err(Error::from);
                Some(batch.and_then(|batch| self.placement.feed(batch)))
            }
            Source::Ahead { fed, .. } => fed.as_ref()?.recv().ok(),
        }
    }
}

impl Drop for Feed {
    fn drop(&mut self) {
        if let Source::Ahead { fed, thread } = &mut self.source {
            *fed = None;
            if let Some(thread) = thread.take() {
                // It catches panics of the device and the loader, so there is none to pass on.
                let _ = thread.join();
            }
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::sync::Arc;

    use chextransfer_data::phantom::{PhantomConfig, generate};
    use chextransfer_data::{
        CheXpert, ImageRecipe, LabelProblem, Loader, LoaderConfig, Observation, Split,
    };
    use chextransfer_models::DeviceChoice;

    use super::*;

    fn loader(folder: &std::path::Path, threads: usize) -> Loader {
        let config = PhantomConfig {
            patients: 12,
            side: 32,
            ..PhantomConfig::default()
        };
        let data = folder.join("data");
        if !data.exists() {
            generate(&config, &data, |_, _| ()).unwrap();
        }
        let records = CheXpert::open(&data).unwrap().split(Split::Train).unwrap();
        let recipe = ImageRecipe {
            resize: 32,
            crop: 32,
            ..ImageRecipe::paper()
        };
        let config = LoaderConfig {
            batch_size: 4,
            threads,
            ..LoaderConfig::default()
        };
        Loader::new(Arc::new(records), recipe, LabelProblem::paper(), config).unwrap()
    }

    fn placement() -> Placement {
        let device = DeviceChoice::Cpu.open().unwrap().autodiff();
        Placement {
            devices: vec![device.clone(), device],
            part: Some(3),
        }
    }

    fn values<const D: usize>(tensor: &burn::tensor::Tensor<D>) -> Vec<f32> {
        tensor.clone().into_data().iter::<f32>().collect()
    }

    #[test]
    fn batches_that_are_copied_ahead_are_those_that_are_taken_when_asked_for() {
        let folder = tempfile::tempdir().unwrap();
        let loader = loader(folder.path(), 2);
        let here = Feed::here(loader.shuffled(3, 0, 1), placement());
        let mut ahead = Feed::ahead(loader.shuffled(3, 0, 1), placement()).unwrap();
        let mut batches = 0;
        for expected in here {
            let (expected, found) = (expected.unwrap(), ahead.next().unwrap().unwrap());
            assert_eq!(expected.batch, found.batch);
            batches += 1;
            // Parts of at most three, each over two devices, in the batch's order.
            let shards: Vec<_> = found.parts.iter().flatten().collect();
            let images: Vec<_> = shards
                .iter()
                .flat_map(|shard| values(&shard.images))
                .collect();
            let targets: Vec<_> = shards
                .iter()
                .flat_map(|shard| values(&shard.targets))
                .collect();
            let mask: Vec<_> = shards
                .iter()
                .flat_map(|shard| values(&shard.mask))
                .collect();
            assert_eq!(
                (images, targets),
                (found.batch.images.clone(), found.batch.targets.clone())
            );
            assert_eq!(mask, found.batch.mask);
            assert_eq!(mask.len(), found.batch.indices.len() * Observation::COUNT);
            assert!(found.parts.iter().all(|part| part.len() <= 2));
            assert_eq!(found.parts.len(), found.batch.indices.len().div_ceil(3));
        }
        assert!(batches > 1 && ahead.next().is_none());
    }

    #[test]
    fn a_feed_that_is_left_in_the_middle_ends_its_thread() {
        let folder = tempfile::tempdir().unwrap();
        for threads in [0, 2] {
            let mut feed = Feed::ahead(
                loader(folder.path(), threads).shuffled(0, 0, 0),
                placement(),
            )
            .unwrap();
            feed.next().unwrap().unwrap();
            drop(feed);
        }
    }
}
