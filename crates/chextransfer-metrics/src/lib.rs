//! Numbers about predictions.
//!
//! In: a table of probabilities and labels, one row an image or a study ([`Predictions`], from memory or from a CSV file).
//! Out: tie-exact AUROC of every observation, their mean, and bootstrap intervals over studies ([`Evaluation`]).
//!
//! An area that is undefined, because only one class is present, is `None` and is printed as such; it is never a number.
//! Labels may be masked (`None`): such a row does not count for that observation. No tensors here: arrays are `ndarray`'s.
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
mod bootstrap;
mod csv_file;
mod error;
mod evaluation;
mod predictions;

pub use auroc::{RankedScores, auroc};
pub use bootstrap::Bootstrap;
pub use error::{Error, Result};
pub use evaluation::{Evaluation, ObservationResult};
pub use predictions::Predictions;
