//! Fine-tuning: from settings, data and weights to a run directory.
//!
//! In goes a [`TrainConfig`]; out comes a folder ([`RunDirectory`]) with checkpoints, validation
//! metrics, predictions and `metrics.json`, from which the same command goes on after any stop.
//!
//! ```no_run
//! use std::ops::ControlFlow;
//! use std::path::Path;
//!
//! use chextransfer_data::Split;
//! use chextransfer_models::{Architecture, DeviceChoice};
//! use chextransfer_train::{Ensemble, Run, TrainConfig};
//!
//! let config = TrainConfig::paper(Architecture::DenseNet121, "CheXpert-v1.0-small");
//! let mut quiet = |_: chextransfer_train::Event| ControlFlow::Continue(());
//! let mut run = Run::begin(config, Path::new("runs/densenet121"), DeviceChoice::Cpu, &mut quiet)?;
//! run.train(&mut quiet)?;
//!
//! let ensemble = Ensemble::open(run.directory())?; // the ten best checkpoints
//! if let Some(evaluation) = ensemble.evaluate(Split::Test, DeviceChoice::Cpu, &mut quiet)? {
//!     println!("{evaluation}");
//! }
//! # Ok::<(), chextransfer_train::Error>(())
//! ```

mod average;
mod checkpoint;
mod config;
mod ensemble;
mod error;
mod event;
mod files;
mod freeze;
mod gradients;
mod input;
mod interval;
mod learning_rates;
mod loss;
mod optimizer;
mod predict;
mod progress_bar;
mod run;
mod run_directory;
mod schedule;
mod step_log;
mod stored;
mod trainer;
mod unreadable;

pub use checkpoint::Best;
pub use config::{NonFinite, TrainConfig};
pub use ensemble::Ensemble;
pub use error::{Error, Result};
pub use event::{Event, Observer};
pub use freeze::Freeze;
pub use input::normalized;
pub use interval::Interval;
pub use loss::masked_binary_cross_entropy;
pub use optimizer::OptimizerConfig;
pub use predict::{Prediction, predict};
pub use progress_bar::ProgressBar;
pub use run::{Outcome, Run};
pub use run_directory::{
    Provenance, RunDirectory, SplitProvenance, ValidationRecord, WeightsProvenance,
};
pub use schedule::{EarlyStopping, Schedule};
