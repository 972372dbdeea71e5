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

mod adam;
mod average;
mod batch_size;
mod checkpoint;
mod config;
mod data_parallel;
mod digest_list;
mod ensemble;
mod error;
mod evaluate;
mod event;
mod feed;
mod files;
mod freeze;
mod gradients;
mod images;
mod input;
mod interval;
mod learning_rates;
mod loss;
mod loss_scale;
mod optimizer;
mod outputs;
mod panic_message;
mod predict;
mod predict_images;
mod progress_bar;
mod provenance;
mod results;
mod run;
mod run_directory;
mod schedule;
mod sidecar;
mod step_log;
mod stored;
mod trainer;
mod training_time;
mod unreadable;
mod verify;

pub use batch_size::{BatchSizeReport, BatchSizeSearch, BatchSizeTrial, Stopped, find_batch_size};
pub use checkpoint::Best;
pub use config::{NonFinite, Precision, TrainConfig};
pub use data_parallel::{
    BatchGradients, BatchLoss, Collectives, DataParallel, GradientReducer, InProcess, Pending,
    Replica, Shard, shards,
};
pub use ensemble::Ensemble;
pub use error::{Error, Result};
pub use evaluate::{EvaluateConfig, Judgement};
pub use event::{Event, Observer};
pub use freeze::Freeze;
pub use images::{ImageFile, ImageFiles, find_images};
pub use input::normalized;
pub use interval::Interval;
pub use loss::Loss;
pub use optimizer::OptimizerConfig;
pub use predict::{Prediction, predict};
pub use predict_images::{ImagePredictions, PredictConfig};
pub use progress_bar::ProgressBar;
pub use provenance::{Program, Provenance, SplitProvenance, WeightsProvenance};
pub use run::{Outcome, Run};
pub use run_directory::{RunDirectory, ValidationRecord};
pub use schedule::{EarlyStopping, Schedule};
pub use training_time::TrainingTime;
pub use verify::{FileState, Verification, verify};
