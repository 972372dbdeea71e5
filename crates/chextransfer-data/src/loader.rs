//! Batches from several threads, in an order that depends on the seed and the epoch only.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use rand::seq::SliceRandom;

use crate::batch::{Assembly, panic_message};
use crate::draw::{Purpose, generator};
use crate::{Error, ImageRecipe, LabelEncoder, LabelProblem, Records, Result};

pub use crate::batch::{Batch, Skipped};

/// How batches are made; none of it changes what they hold, except for `batch_size`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LoaderConfig {
    /// Images in a batch, at least 1; the last batch of an epoch may be smaller.
    pub batch_size: usize,
    /// Threads that decode; 0 decodes in the caller's thread when a batch is asked for.
    pub threads: usize,
    /// How many batches may be under way or waiting, at least 1 and at least one a thread.
    pub queue: usize,
}

impl Default for LoaderConfig {
    /// Batches of 16, two threads, a queue of four.
    fn default() -> Self {
        Self {
            batch_size: 16,
            threads: 2,
            queue: 4,
        }
    }
}

/// Makes the batches of a split, epoch after epoch.
#[derive(Clone, Debug)]
pub struct Loader {
    records: Arc<Records>,
    recipe: ImageRecipe,
    labels: LabelEncoder,
    config: LoaderConfig,
}

impl Loader {
    /// Checks the settings; opens no image yet.
    ///
    /// # Errors
    ///
    /// [`Error::Setting`] for a batch size or queue of 0, a recipe that cannot be followed or a problem that contradicts
    /// itself; what is wrong in the problem's table; [`Error::NoTarget`] if the table lacks a value that is needed.
    pub fn new(
        records: Arc<Records>,
        recipe: ImageRecipe,
        problem: LabelProblem,
        config: LoaderConfig,
    ) -> Result<Self> {
        recipe.validate()?;
        for (setting, value) in [("batch_size", config.batch_size), ("queue", config.queue)] {
            if value == 0 {
                return Err(Error::Setting {
                    setting,
                    found: "0".to_owned(),
                    expected: "at least 1".to_owned(),
                });
            }
        }
        let labels = problem.encoder()?;
        labels.check(records.records())?;
        Ok(Self {
            records,
            recipe,
            labels,
            config,
        })
    }

    /// The split that is loaded.
    pub fn records(&self) -> &Arc<Records> {
        &self.records
    }

    /// What makes the targets.
    pub fn labels(&self) -> &LabelEncoder {
        &self.labels
    }

    /// Batches in an epoch, the last one perhaps smaller.
    pub fn batches_per_epoch(&self) -> usize {
        self.records.len().div_ceil(self.config.batch_size)
    }

    /// The batches of a training epoch, from `start_batch` on.
    ///
    /// The order is a pure function of `seed` and `epoch`, a random crop one of `seed`, `epoch` and the image's row. So
    /// batch i holds the same whatever the number of threads, and a run that was interrupted before batch i goes on with
    /// `start_batch = i` as if it had not been.
    pub fn shuffled(&self, seed: u64, epoch: u64, start_batch: usize) -> Batches {
        let mut order: Vec<usize> = (0..self.records.len()).collect();
        order.shuffle(&mut generator(Purpose::Order, seed, epoch, 0));
        Batches::start(self.plan(order, self.recipe, seed, epoch), start_batch)
    }

    /// The batches of an evaluation: the split in its order, always with the crop in the middle, since there is no seed.
    pub fn in_order(&self) -> Batches {
        let order = (0..self.records.len()).collect();
        Batches::start(self.plan(order, self.recipe.centered(), 0, 0), 0)
    }

    fn plan(&self, order: Vec<usize>, recipe: ImageRecipe, seed: u64, epoch: u64) -> Plan {
        Plan {
            loader: self.clone(),
            order,
            recipe,
            seed,
            epoch,
        }
    }
}

/// All that determines the batches of one epoch.
#[derive(Debug)]
struct Plan {
    loader: Loader,
    order: Vec<usize>,
    recipe: ImageRecipe,
    seed: u64,
    epoch: u64,
}

impl Plan {
    fn batches(&self) -> usize {
        self.loader.batches_per_epoch()
    }

    /// `None` if `cancelled` said so on the way.
    fn batch(&self, number: usize, cancelled: impl Fn() -> bool) -> Option<Result<Batch>> {
        let size = self.loader.config.batch_size;
        let from = number * size;
        let indices = &self.order[from..self.order.len().min(from + size)];
        let assembly = Assembly {
            records: &self.loader.records,
            recipe: self.recipe,
            labels: &self.loader.labels,
            seed: self.seed,
            epoch: self.epoch,
        };
        match catch_unwind(AssertUnwindSafe(|| {
            assembly.batch(number, indices, cancelled)
        })) {
            Ok(batch) => batch,
            Err(panic) => Some(Err(Error::Worker {
                batch: number,
                problem: panic_message(&*panic).to_owned(),
            })),
        }
    }
}

/// The batches of one epoch, in order. Dropping it stops the threads.
#[derive(Debug)]
pub struct Batches {
    shared: Arc<Shared>,
    workers: Vec<JoinHandle<()>>,
    next: usize,
}

#[derive(Debug)]
struct Shared {
    plan: Plan,
    /// How far the threads may run ahead of the consumer, in batches.
    window: usize,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug)]
struct State {
    /// The next batch that a thread may begin.
    next_to_begin: usize,
    /// The next batch that the consumer takes.
    next_to_take: usize,
    done: BTreeMap<usize, Result<Batch>>,
    stop: bool,
}

impl Shared {
    // A panic while the lock is held is impossible short of exhausted memory; the state stays consistent all the same.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'a>(&self, guard: MutexGuard<'a, State>) -> MutexGuard<'a, State> {
        self.changed
            .wait(guard)
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn work(&self) {
        loop {
            let mut state = self.lock();
            while !state.stop && state.next_to_begin >= state.next_to_take + self.window {
                state = self.wait(state);
            }
            let number = state.next_to_begin;
            if state.stop || number >= self.plan.batches() {
                return;
            }
            state.next_to_begin += 1;
            drop(state);

            let Some(batch) = self.plan.batch(number, || self.lock().stop) else {
                return;
            };
            self.lock().done.insert(number, batch);
            self.changed.notify_all();
        }
    }

    fn take(&self, number: usize) -> Result<Batch> {
        let mut state = self.lock();
        loop {
            if let Some(batch) = state.done.remove(&number) {
                state.next_to_take = number + 1;
                drop(state);
                self.changed.notify_all();
                return batch;
            }
            state = self.wait(state);
        }
    }
}

impl Batches {
    fn start(plan: Plan, start_batch: usize) -> Self {
        let config = plan.loader.config;
        let start = start_batch.min(plan.batches());
        let threads = config.threads.min(plan.batches() - start);
        let shared = Arc::new(Shared {
            plan,
            window: config.queue.max(threads),
            state: Mutex::new(State {
                next_to_begin: start,
                next_to_take: start,
                done: BTreeMap::new(),
                stop: false,
            }),
            changed: Condvar::new(),
        });
        // Where the system gives fewer threads than asked for, those it gives do the work, or the caller's does.
        let workers = (0..threads)
            .map_while(|number| {
                let shared = Arc::clone(&shared);
                std::thread::Builder::new()
                    .name(format!("loader-{number}"))
                    .spawn(move || shared.work())
                    .ok()
            })
            .collect();
        Self {
            shared,
            workers,
            next: start,
        }
    }
}

impl Iterator for Batches {
    type Item = Result<Batch>;

    fn next(&mut self) -> Option<Self::Item> {
        let number = self.next;
        if number >= self.shared.plan.batches() {
            return None;
        }
        self.next += 1;
        if self.workers.is_empty() {
            return self.shared.plan.batch(number, || false);
        }
        Some(self.shared.take(number))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = self.shared.plan.batches() - self.next;
        (left, Some(left))
    }
}

impl ExactSizeIterator for Batches {}

impl Drop for Batches {
    fn drop(&mut self) {
        self.shared.lock().stop = true;
        self.shared.changed.notify_all();
        for worker in self.workers.drain(..) {
            // A worker catches its own panics and reports them as a batch, so there is nothing to learn from the result.
            let _ = worker.join();
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::{CropPosition, Interpolation};

    #[test]
    fn a_panic_while_a_batch_is_made_is_an_error_and_not_a_hang() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("train.csv");
        let row = format!("patient1/study1/a.jpg,Male,1,Frontal,AP{}", ",".repeat(14));
        std::fs::write(
            &file,
            format!("{}\n{row}\n{row}\n{row}\n", crate::COLUMNS.join(",")),
        )
        .unwrap();
        let records = Arc::new(Records::read(folder.path(), &file).unwrap());
        let recipe = ImageRecipe {
            resize: 8,
            crop: 8,
            position: CropPosition::Center,
            interpolation: Interpolation::Bilinear,
        };
        for threads in [0, 1, 3] {
            let config = LoaderConfig {
                batch_size: 1,
                threads,
                queue: 1,
            };
            let loader =
                Loader::new(Arc::clone(&records), recipe, LabelProblem::paper(), config).unwrap();
            // Row 99 does not exist.
            let plan = loader.plan(vec![0, 99, 2], recipe, 0, 0);
            let batches: Vec<_> = Batches::start(plan, 0).collect();
            assert!(batches[0].is_ok() && batches[2].is_ok());
            let message = batches[1].as_ref().unwrap_err().to_string();
            assert!(
                message.starts_with("loader failed on batch 1: index out of bounds"),
                "{message}"
            );
        }
    }
}
