//! How fast cells train and infer. Kept apart from results: no two executions agree in it.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use burn::tensor::Tensor;
use chextransfer_models::DeviceChoice;
use chextransfer_models::weights::write_whole;
use chextransfer_train::{Ensemble, Event, RunDirectory};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::grid::Cell;
use crate::study::Study;
use crate::{Error, Result};

/// Speed in training.
#[derive(Debug, Default)]
pub(crate) struct TrainingSpeed {
    last: Option<(Instant, u64)>,
    examples: u64,
    time: Duration,
    waiting: f64,
}

/// A measured speed, as it is kept.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Speed {
    pub(crate) images_per_second: f64,
    pub(crate) device: String,
    /// Images that were computed at a time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) batch: Option<usize>,
    /// The share of training in which the device waited for data.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) waiting: Option<f64>,
}

/// What is measured.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Phase {
    Training,
    Inference,
}

/// How long inference is measured, and how often at least.
const MEASURED: (Duration, usize) = (Duration::from_millis(500), 3);

impl TrainingSpeed {
    /// Counts the examples between two steps with nothing else in between.
    pub(crate) fn see(&mut self, event: &Event) {
        let now = match event {
            Event::Step { examples, time, .. } => {
                self.waiting = time.waiting();
                Some((Instant::now(), *examples))
            }
            _ => None,
        };
        if let (Some((before, seen)), Some((at, examples))) = (self.last, now) {
            self.time += at - before;
            self.examples += examples.saturating_sub(seen);
        }
        self.last = now;
    }

    /// Keeps the speed of a cell, if a step was seen.
    pub(crate) fn keep(&self, study: &Study, id: &str, device: DeviceChoice) -> Result<()> {
        if self.examples == 0 || self.time.is_zero() {
            return Ok(());
        }
        let speed = Speed {
            images_per_second: self.examples as f64 / self.time.as_secs_f64(),
            device: device.to_string(),
            batch: None,
            waiting: Some(self.waiting),
        };
        write(&path(study, id, Phase::Training), &speed)
    }
}

impl Study {
    /// Measures how many images a second a finished cell's network infers, on random numbers and with a whole batch at a
    /// time, and keeps it; what was measured before stays.
    ///
    /// It says something only when nothing else computes on the device.
    ///
    /// # Errors
    /// Those of the run's checkpoint, the device and files.
    pub fn measure_inference(&self, cell: &Cell, device: DeviceChoice) -> Result<f64> {
        let path = path(self, &cell.id(), Phase::Inference);
        if let Some(speed) = read::<Speed>(&path)? {
            return Ok(speed.images_per_second);
        }
        let directory = RunDirectory::open(self.run_folder(cell))?;
        let config = directory.config()?;
        let opened = device.open()?;
        let network = Ensemble::open(&directory)?.best_network(&opened)?;
        let (batch, side) = (config.batch_size, config.image_size as usize);
        let images = Tensor::<4>::ones([batch, 3, side, side], &opened);
        let infer = || network.forward(images.clone()).into_data();
        // The first one also compiles kernels and fills caches.
        infer();
        let (begun, mut times) = (Instant::now(), Vec::new());
        while begun.elapsed() < MEASURED.0 || times.len() < MEASURED.1 {
            let one = Instant::now();
            infer();
            times.push(one.elapsed());
        }
        times.sort_unstable();
        let median = times[times.len() / 2].as_secs_f64();
        let speed = Speed {
            images_per_second: batch as f64 / median,
            device: device.to_string(),
            batch: Some(batch),
            waiting: None,
        };
        write(&path, &speed)?;
        Ok(speed.images_per_second)
    }

    /// The measured speed of a cell; `None` where there is none.
    pub(crate) fn speed(&self, cell: &Cell, phase: Phase) -> Result<Option<Speed>> {
        read(&path(self, &cell.id(), phase))
    }
}

fn path(study: &Study, id: &str, phase: Phase) -> PathBuf {
    let phase = match phase {
        Phase::Training => "training",
        Phase::Inference => "inference",
    };
    study.speed_folder().join(format!("{id}.{phase}.json"))
}

fn write(path: &Path, value: &impl Serialize) -> Result<()> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(Error::io("create", folder))?;
    }
    let text = serde_json::to_string(value).map_err(Error::in_study(path))? + "\n";
    write_whole(path, |file| file.write_all(text.as_bytes())).map_err(Error::io("write", path))
}

fn read<T: DeserializeOwned>(path: &Path) -> Result<Option<T>> {
    match std::fs::read(path) {
        Ok(bytes) => serde_json::from_slice(&bytes)
            .map(Some)
            .map_err(Error::in_study(path)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Error::io("read", path)(error)),
    }
}
