//! The paper's comparison as one file and one command, and what run directories have to tell.
//!
//! A [`Study`] is a folder with a `study.toml` ([`StudyConfig`]; [`ReadyMade`] ones are carried along), from which its
//! [`Cell`]s follow. [`Study::run`] trains and evaluates each in a process and a run folder of its own, from wherever it was
//! stopped or killed; [`Study::plan`] tells what that costs and what is done; [`StudyResults`] reads what came out and refuses
//! what does not fit together; [`report`] makes tables, figures and sentences of it, beside the [`paper`]'s.
//!
//! Of a single run: figures as SVG files that any browser shows, sheets of class activation maps, and how well those find
//! what masks show ([`RunExplainer`]). No number is computed here that is about predictions: that is what
//! `chextransfer-metrics` is for.
//!
//! ```
//! use chextransfer_study::{ReadyMade, Study};
//!
//! # let folder = tempfile::tempdir()?;
//! let study = Study::create(&folder.path().join("paper"), ReadyMade::Paper.text())?;
//! assert_eq!(study.cells().len(), 44);
//! assert_eq!(study.cells()[0].id(), "densenet121.pretrained.f100.s0");
//! println!("{}", study.plan()?);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! A figure:
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
