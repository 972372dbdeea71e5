//! Which batch size a machine takes: measured, not guessed.

use std::fmt;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Instant;

use burn::optim::{GradientsParams, ModuleOptimizer};
use burn::tensor::{Device, Tensor, TensorData};
use chextransfer_models::{Channels, DeviceChoice, Network, NetworkSpec};

use crate::panic_message::panic_message;
use crate::{Error, Loss, OptimizerConfig, Result};

/// Which batches to try, and how far to go. Plain data.
#[derive(Debug, Clone, PartialEq)]
pub struct BatchSizeSearch {
    /// Height and width of an image, in pixels.
    pub image: [usize; 2],
    /// Batch sizes, growing.
    pub batches: Vec<usize>,
    /// Steps that are timed for each; one more goes before.
    pub steps: usize,
    /// Resident memory of the process in bytes that no batch may need, where it can be measured.
    pub memory_limit: u64,
    /// Whether activations are computed again in the backward pass instead of kept.
    pub gradient_checkpointing: bool,
}

/// What training with one batch size takes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BatchSizeTrial {
    /// Images a batch.
    pub batch: usize,
    /// Training speed: forward, loss, backward and Adam.
    pub images_per_second: f64,
    /// The most resident memory that the process had, in bytes. `None` on a GPU, whose memory Burn does
    /// not tell, and on systems without `/proc`.
    pub peak_bytes: Option<u64>,
}

/// Why no larger batch was tried.
#[derive(Debug, Clone, PartialEq)]
pub enum Stopped {
    /// There was none.
    Done,
    /// It would need, or did need, more memory than allowed.
    MemoryLimit {
        /// That batch size.
        batch: usize,
        /// Bytes: measured, or on the line through the last two trials.
        bytes: u64,
    },
    /// It failed, for instance because the device had no memory left.
    Failed {
        /// That batch size.
        batch: usize,
        /// Why.
        cause: String,
    },
}

/// The trials, smallest batch first; its [`Display`](fmt::Display) is a table.
#[derive(Debug, Clone, PartialEq)]
pub struct BatchSizeReport {
    /// Those that worked and kept to the limit.
    pub trials: Vec<BatchSizeTrial>,
    /// Why they ended.
    pub stopped: Stopped,
}

impl BatchSizeReport {
    /// The trial with the most images per second.
    pub fn fastest(&self) -> Option<&BatchSizeTrial> {
        let speed = |trial: &&BatchSizeTrial| trial.images_per_second;
        (self.trials.iter()).max_by(|one, other| speed(one).total_cmp(&speed(other)))
    }
}

impl fmt::Display for BatchSizeReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "batch  images/s  peak memory")?;
        for trial in &self.trials {
            let peak = trial.peak_bytes.map_or("unknown".to_owned(), mebibytes);
            let speed = trial.images_per_second;
            writeln!(f, "{:>5}  {speed:>8.2}  {peak:>11}", trial.batch)?;
        }
        match &self.stopped {
            Stopped::Done => Ok(()),
            Stopped::MemoryLimit { batch, bytes } => {
                let bytes = mebibytes(*bytes);
                writeln!(f, "stopped: batch {batch} needs {bytes}, more than allowed")
            }
            Stopped::Failed { batch, cause } => writeln!(f, "stopped: batch {batch}: {cause}"),
        }
    }
}

fn mebibytes(bytes: u64) -> String {
    format!("{} MiB", bytes >> 20)
}

/// Trains a network with growing batches of made-up images, and reports speed and memory of each until
/// the list or the memory ends.
///
/// Peak memory is that of the whole process, in which nothing else should run. A batch of which the two
/// before it already say that it passes the limit is not tried: a system without memory ends processes.
///
/// # Errors
/// [`Error::Setting`] for no or not growing batches, or no step; [`Error::Models`] for a device that
/// cannot be opened or images too small for the network.
pub fn find_batch_size(
    spec: &NetworkSpec,
    search: &BatchSizeSearch,
    device: DeviceChoice,
    mut on_trial: impl FnMut(&BatchSizeTrial),
) -> Result<BatchSizeReport> {
    search.check()?;
    spec.check_training_image(search.image)?;
    let resident = device == DeviceChoice::Cpu;
    let device = device.open()?.autodiff();
    let device = match search.gradient_checkpointing {
        true => device.gradient_checkpointing(),
        false => device,
    };
    let network = spec.init(0, &device);
    let mut trainer = Trainer {
        optimizer: OptimizerConfig::default().init(&network, true),
        network,
    };
    let mut trials: Vec<BatchSizeTrial> = Vec::new();
    let report = |trials, stopped| Ok(BatchSizeReport { trials, stopped });
    for &batch in &search.batches {
        if let Some(bytes) = expected_bytes(&trials, batch)
            && bytes > search.memory_limit
        {
            return report(trials, Stopped::MemoryLimit { batch, bytes });
        }
        if resident {
            forget_peak();
        }
        // A device without memory left panics, or tells when it is waited for.
        let outcome = catch_unwind(AssertUnwindSafe(|| trainer.speed(search, batch, &device)))
            .unwrap_or_else(|panic| Err(panic_message(&*panic).to_owned()));
        let images_per_second = match outcome {
            Ok(speed) => speed,
            Err(cause) => return report(trials, Stopped::Failed { batch, cause }),
        };
        let peak_bytes = resident.then(peak_bytes).flatten();
        if let Some(bytes) = peak_bytes
            && bytes > search.memory_limit
        {
            return report(trials, Stopped::MemoryLimit { batch, bytes });
        }
        let trial = BatchSizeTrial {
            batch,
            images_per_second,
            peak_bytes,
        };
        on_trial(&trial);
        trials.push(trial);
    }
    report(trials, Stopped::Done)
}

impl BatchSizeSearch {
    fn check(&self) -> Result<()> {
        let growing = self.batches.windows(2).all(|pair| pair[0] < pair[1]);
        if !growing || self.batches.first().is_none_or(|&batch| batch == 0) {
            return Err(Error::Setting {
                setting: "batches",
                found: format!("{:?}", self.batches),
                expected: "at least one batch size above 0, each larger than the one before",
            });
        }
        if self.steps == 0 {
            return Err(Error::Setting {
                setting: "steps",
                found: "0".to_owned(),
                expected: "at least 1",
            });
        }
        Ok(())
    }
}

struct Trainer {
    network: Network,
    optimizer: ModuleOptimizer,
}

impl Trainer {
    /// Images per second, after a step that is not counted; or why there are none.
    fn speed(
        &mut self,
        search: &BatchSizeSearch,
        batch: usize,
        device: &Device,
    ) -> Result<f64, String> {
        self.train(search.image, batch, 1, device)?;
        let begun = Instant::now();
        self.train(search.image, batch, search.steps, device)?;
        Ok((batch * search.steps) as f64 / begun.elapsed().as_secs_f64())
    }

    /// Some steps, to the end of the last.
    fn train(
        &mut self,
        [height, width]: [usize; 2],
        batch: usize,
        steps: usize,
        device: &Device,
    ) -> Result<(), String> {
        let channels = match self.network.spec().channels() {
            Channels::Rgb => 3,
            Channels::Gray => 1,
        };
        let classes = self.network.spec().classes();
        // Any numbers that are not all the same; golden-ratio steps through -1..1.
        let noise = |index: usize| (index.wrapping_mul(0x9e37_79b9) as u32) as f32 / 2.2e9 - 1.0;
        for _ in 0..steps {
            let pixels: Vec<f32> = (0..batch * channels * height * width).map(noise).collect();
            let images = TensorData::new(pixels, [batch, channels, height, width]);
            let labels = Tensor::zeros([batch, classes], device);
            let images = Tensor::from_data(images, device);
            let (logits, _) = self.network.forward_with_auxiliary(images);
            let loss = Loss::binary(classes).mean(logits, labels.clone(), labels + 1.0);
            let gradients = GradientsParams::from_grads(loss.backward(), &self.network);
            self.network = self.optimizer.step(1e-6, self.network.clone(), gradients);
        }
        device.sync().map_err(|error| error.to_string())
    }
}

/// The peak that the line through the last two trials gives a batch.
fn expected_bytes(trials: &[BatchSizeTrial], batch: usize) -> Option<u64> {
    let [.., before, last] = trials else {
        return None;
    };
    let (low, high) = (before.peak_bytes? as f64, last.peak_bytes? as f64);
    let an_image = (high - low) / (last.batch - before.batch) as f64;
    Some((high + an_image.max(0.0) * (batch - last.batch) as f64) as u64)
}

/// `VmHWM` of this process.
fn peak_bytes() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes << 10)
}

/// Lets the kernel count `VmHWM` anew. Where it may not, the peak so far stays; batches grow, so that
/// only memory from before the search would be counted too.
fn forget_peak() {
    let _ = fs::write("/proc/self/clear_refs", "5");
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use chextransfer_models::Architecture;

    fn search(batches: &[usize], memory_limit: u64) -> BatchSizeSearch {
        BatchSizeSearch {
            image: [64, 64],
            batches: batches.to_vec(),
            steps: 1,
            memory_limit,
            gradient_checkpointing: false,
        }
    }

    fn find(search: &BatchSizeSearch) -> Result<BatchSizeReport> {
        let spec = Architecture::ResNet18.minus(3).unwrap();
        find_batch_size(&spec, search, DeviceChoice::Cpu, |_| ())
    }

    #[test]
    fn every_batch_gets_its_speed_and_its_peak_memory() {
        let report = find(&search(&[1, 2], u64::MAX)).unwrap();
        assert_eq!(report.stopped, Stopped::Done);
        let batches: Vec<_> = report.trials.iter().map(|trial| trial.batch).collect();
        assert_eq!(batches, [1, 2]);
        assert!(
            report
                .trials
                .iter()
                .all(|trial| trial.images_per_second > 0.0)
        );
        assert!(report.fastest().is_some());
        if cfg!(target_os = "linux") {
            let peak = report.trials[0].peak_bytes.unwrap();
            assert!((1 << 20..1 << 36).contains(&peak), "{peak}");
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_batch_beyond_the_limit_ends_the_search_and_is_named() {
        let report = find(&search(&[1, 2], 1 << 20)).unwrap();
        assert!(report.trials.is_empty());
        assert!(
            matches!(report.stopped, Stopped::MemoryLimit { batch: 1, bytes } if bytes > 1 << 20)
        );
        assert!(report.to_string().contains("batch 1 needs"), "{report}");
    }

    #[test]
    fn the_next_peak_lies_on_the_line_through_the_last_two() {
        let trial = |batch, peak_bytes| BatchSizeTrial {
            batch,
            images_per_second: 1.0,
            peak_bytes,
        };
        let trials = [trial(1, Some(9)), trial(2, Some(100)), trial(4, Some(140))];
        assert_eq!(expected_bytes(&trials, 8), Some(220));
        assert_eq!(expected_bytes(&trials[..1], 8), None);
        assert_eq!(
            expected_bytes(&[trial(1, None), trial(2, Some(5))], 8),
            None
        );
    }

    #[test]
    fn batches_that_do_not_grow_and_too_small_images_are_errors() {
        for batches in [&[][..], &[0, 1], &[4, 4]] {
            assert!(find(&search(batches, u64::MAX)).is_err(), "{batches:?}");
        }
        let mut tiny = search(&[1], u64::MAX);
        tiny.image = [0, 0];
        assert!(find(&tiny).is_err());
    }
}
