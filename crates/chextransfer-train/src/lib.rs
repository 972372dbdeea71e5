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

mod batch_size;
mod checkpoint;
mod config;
mod data_parallel;
mod ensemble;
mod error;
mod event;
mod files;
mod input;
mod loss;
mod panic_message;
mod predict;
mod progress_bar;
mod run;
mod run_directory;
mod unreadable;

pub use batch_size::{BatchSizeReport, BatchSizeSearch, BatchSizeTrial, Stopped, find_batch_size};
pub use checkpoint::Best;
pub use config::TrainConfig;
pub use data_parallel::{
    BatchGradients, BatchLoss, Collectives, DataParallel, GradientReducer, InProcess, Pending,
    Replica, shards,
};
pub use ensemble::Ensemble;
pub use error::{Error, Result};
pub use event::{Event, Observer};
pub use input::normalized;
pub use loss::{Loss, masked_binary_cross_entropy};
pub use predict::{Prediction, predict};
pub use progress_bar::ProgressBar;
pub use run::{Outcome, Run};
pub use run_directory::{
    Provenance, RunDirectory, SplitProvenance, ValidationRecord, WeightsProvenance,
};
