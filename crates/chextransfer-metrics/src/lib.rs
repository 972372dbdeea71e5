//! Numbers about predictions.
//!
//! In: a table of probabilities and labels, one row an image or a study ([`Predictions`], from memory, from our CSV files
//! or from the leaderboard's), or the plain arrays of one observation ([`ScoredLabels`]). Out: metrics with intervals
//! ([`Evaluation`]), models compared in pairs ([`Comparison`]), and correlations ([`spearman`], [`Line`]).
//!
//! | room | what is in it |
//! | --- | --- |
//! | `predictions` `csv_file` `leaderboard` `join` | tables, their files, rows of one found in another |
//! | `scored_labels` | one observation, sorted once: what every metric is a pass over |
//! | `auroc` `average_precision` `calibration` `operating_point` | the metrics and their curves, with weights and masks |
//! | `study_aggregation` `temperature` `decisions` | from images to studies; fitted on validation and applied to test: calibration, thresholds |
//! | `undefined` | why a number does not exist; means that say how many they are of |
//! | `units` `bootstrap` `row_means` `interval` | what is drawn, replicates that everything shares, intervals and p-values |
//! | `delong` `permutation` `multiple_testing` | the other tests, and many at once |
//! | `evaluation` `comparison` `panel` | one model; several, each against the first; many at once, in groups |
//! | `correlation` `distributions` | Pearson, Spearman, the line with its band; tails of the normal and of Student's t |
//!
//! A number that the data do not define, such as an area with one class, is [`Undefined`] with its reason and is printed as
//! such; it is never a number. Labels may be masked (`None`): such a row does not count for that observation. No tensors
//! here: arrays are `ndarray`'s or slices.
//!
//! ```
//! use chextransfer_metrics::{Bootstrap, Predictions};
//! use ndarray::array;
//!
//! let names = |names: &[&str]| names.iter().map(|name| name.to_string()).collect::<Vec<_>>();
//! let predictions = Predictions::new(
//!     names(&["Edema", "Fracture"]),
//!     names(&["a/view1.jpg", "a/view2.jpg", "b/view1.jpg", "c/view1.jpg"]),
//!     names(&["a", "a", "b", "c"]),
//!     array![
//!         [Some(true), Some(false)],
//!         [Some(true), Some(false)],
//!         [Some(false), None],
//!         [Some(false), Some(false)],
//!     ],
//!     array![[0.9, 0.1], [0.3, 0.2], [0.4, 0.3], [0.2, 0.1]],
//! )?;
//! let evaluation = predictions
//!     .by_study()? // the highest probability of a study's views
//!     .evaluate(&["Edema", "Fracture"], &Bootstrap { replicates: 200, ..Bootstrap::default() })?;
//! assert_eq!(evaluation.mean_auc, Some(1.0));
//! assert_eq!(evaluation.averaged, ["Edema"]);
//! assert!(evaluation.to_string().contains("undefined (0 positives)"));
//! # Ok::<(), chextransfer_metrics::Error>(())
//! ```

mod auroc;
mod average_precision;
mod bootstrap;
mod calibration;
mod comparison;
mod comparison_table;
mod correlation;
mod csv_file;
mod csv_table;
mod decisions;
mod delong;
mod distributions;
mod error;
mod evaluation;
mod interval;
mod join;
mod leaderboard;
mod metric;
mod multiple_testing;
mod names;
mod operating_point;
mod panel;
mod permutation;
mod predictions;
mod proportion;
mod row_means;
mod scored_labels;
mod study_aggregation;
mod temperature;
mod undefined;
mod units;

pub use auroc::RocPoint;
pub use average_precision::PrecisionRecallPoint;
pub use bootstrap::{Bootstrap, Replicates, Statistic};
pub use calibration::{Bins, ReliabilityBin};
pub use comparison::{AgainstFirst, Comparison, ComparisonConfig, Difference, NonInferiority};
pub use correlation::{Correlation, Line, correlation_p_value, pearson, spearman};
pub use decisions::{ChosenThreshold, DecisionCounts, Decisions, ObservationDecisions, Thresholds};
pub use delong::{DeLong, DeLongTest};
pub use error::{Error, Result};
pub use evaluation::{Evaluation, ObservationResult};
pub use interval::{Distribution, IntervalMethod};
pub use metric::Metric;
pub use multiple_testing::Adjustment;
pub use operating_point::{OperatingPoint, OperatingRule};
pub use panel::Panel;
pub use permutation::{PermutationTest, permutation_test};
pub use predictions::Predictions;
pub use proportion::Proportion;
pub use scored_labels::{ScoredLabels, labels_from_numbers};
pub use study_aggregation::Aggregation;
pub use temperature::{
    Calibration, CalibrationEffect, Temperature, TemperatureScope, Temperatures,
};
pub use undefined::{Mean, Undefined};
pub use units::{Unit, Units};
