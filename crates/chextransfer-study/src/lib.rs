//! Tables and figures from run directories.
//!
//! In: what a training run wrote down. Out: figures as SVG files that any browser shows, sheets of class activation maps,
//! and how well those find what masks show ([`RunExplainer`]). Nothing is computed here but the place of a mark on paper.
//!
//! ```
//! use chextransfer_study::{CurvePoint, training_curve};
//!
//! let points = [(8_192, 0.42, 0.71), (16_384, 0.35, 0.78)].map(|(examples, loss, auc)| CurvePoint {
//!     examples,
//!     training_loss: loss,
//!     validation_loss: Some(loss + 0.02),
//!     validation_auc: Some(auc),
//! });
//! let folder = tempfile::tempdir()?;
//! let file = folder.path().join("training_curve.svg");
//! training_curve(&points, &file)?;
//! assert!(std::fs::read_to_string(file)?.contains("best: 0.780 at 16,384"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod analysis;
mod cell_run;
mod config;
mod dataset;
mod error;
mod explanations;
mod figures;
mod grid;
mod ledger;
pub mod paper;
mod plan;
pub mod report;
mod results;
mod runner;
mod shard;
mod speed;
mod starting;
mod study;

pub use cell_run::Ending;
pub use config::{
    DataSource, Initialization, NetworkName, PhantomSettings, ReadyMade, SourceTask,
    StartingWeights, StudyConfig,
};
pub use error::{Error, Result};
pub use explanations::{
    ExplainConfig, MaskSource, Mistake, PictureFormat, Place, RunExplainer, Subject, explain_run,
};
pub use figures::{CurvePoint, run_curve, training_curve};
pub use grid::Cell;
pub use ledger::CellState;
pub use plan::{Plan, PlannedCell, PlannedSource};
pub use results::{CellResult, StudyResults};
pub use runner::{BUSY, INTERRUPTED, Notice, RunOptions, RunSummary};
pub use shard::Shard;
pub use study::Study;
