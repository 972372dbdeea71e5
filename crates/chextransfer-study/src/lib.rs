//! The paper's comparison as a command: a grid of runs, and its tables, figures and sentences.
//!
//! In: `study.toml`, which says what is compared ([`StudyConfig`]). [`Study`] runs its cells, and [`StudyResults`] is what they
//! left behind. Out: [`report`], one document as a page, Markdown, CSV, LaTeX and SVG, with every number from
//! `chextransfer-metrics` and traced to its run ([`analysis`]), the paper's own beside it and apart ([`paper`]). Single runs have
//! their figures ([`run_curve`]), sheets of class activation maps, and how well those find what masks show ([`RunExplainer`]).
//! Nothing is computed here but the place of a mark on paper.
//!
//! | room | what is in it |
//! | --- | --- |
//! | `config` `grid` `plan` | study.toml, its cells, what they cost |
//! | `study` `runner` `ledger` `shard` `results` | running them, resumably, over machines; reading what they left |
//! | [`analysis`] | boosts, correlations, families, truncation and its advisor, learning curves, the work of training |
//! | [`paper`] | the paper's numbers, each with its standing |
//! | [`report`] | the document, its figures, its formats |
//! | `explanations` `figures` | maps and curves of single runs |
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
//! The same code speaks of a study and of the paper's tables:
//!
//! ```
//! use chextransfer_study::analysis::{Quantity, Relation, mean_times_smaller, paper_models, paper_truncations};
//!
//! let size = Relation::of(&paper_models(), Quantity::Parameters, Quantity::AucWith)?;
//! assert_eq!(format!("{:.2}", size.rho?.coefficient), "0.60");
//!
//! let truncations = paper_truncations();
//! let mean = mean_times_smaller(&truncations.iter().collect::<Vec<_>>());
//! assert_eq!(mean.to_string(), "3.2500 (mean of 4 of 4)");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! A figure of one run:
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
