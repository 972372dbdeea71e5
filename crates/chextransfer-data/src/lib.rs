//! From a CheXpert-style folder of CSVs and radiographs to batches.
//!
//! **What enters:** a folder with `train.csv`, `valid.csv` and perhaps `test.csv` in CheXpert's columns, and the JPEG, PNG
//! or (feature `dicom`) DICOM files that they name. **What leaves:** typed [`Record`]s, and [`Batch`]es of grey squares in
//! 0 to 1 with targets and masks, as flat `f32` arrays. This crate knows no network and no tensor.
//!
//! * [`CheXpert`] and [`Records`]: the folder and its splits; every error names file, line and column.
//! * [`source`]: NIH ChestX-ray14, MIMIC-CXR-JPG and plain CSVs as the same records.
//! * [`split`] and [`Filter`]: splits by patient, folds, nested fractions; rows by view, sex and age.
//! * [`LabelProblem`] and [`LabelEncoder`]: which observations are predicted, and what becomes of uncertain and blank labels.
//! * [`ImageRecipe`]: resize and crop, as torchvision does it; [`Augmentation`]: random changes; [`image`] decodes.
//! * [`Loader`]: batches from several threads, in an order that depends on seed and epoch only; from a cache if wanted.
//! * [`Normalization`]: ImageNet's statistics or a split's own.
//! * [`audit`]: what is wrong with a folder; [`SplitStatistics`]: what is in a split; [`phantom`]: a folder to try things on.
//!
//! ```
//! use std::sync::Arc;
//! use chextransfer_data::{COLUMNS, CheXpert, ImageRecipe, LabelProblem, Loader, LoaderConfig, Split};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! // A dataset of one radiograph.
//! let root = tempfile::tempdir()?;
//! let study = root.path().join("train/patient00001/study1");
//! std::fs::create_dir_all(&study)?;
//! image::GrayImage::from_fn(390, 320, |x, y| image::Luma([(x + y) as u8])).save(study.join("view1_frontal.jpg"))?;
//! let row = "CheXpert-v1.0/train/patient00001/study1/view1_frontal.jpg,Female,61,Frontal,PA,,,1.0,,,-1.0,,,,,,,,";
//! std::fs::write(root.path().join("train.csv"), format!("{}\n{row}\n", COLUMNS.join(",")))?;
//!
//! let train = Arc::new(CheXpert::open(root.path())?.split(Split::Train)?);
//! let loader = Loader::new(train, ImageRecipe::paper(), LabelProblem::paper(), LoaderConfig::default())?;
//! for batch in loader.shuffled(/* seed */ 0, /* epoch */ 0, /* start_batch */ 0) {
//!     let batch = batch?;
//!     assert_eq!(batch.images.len(), 320 * 320); // [1, 1, 320, 320]
//!     assert_eq!(batch.targets[2], 1.0); // Cardiomegaly is positive ...
//!     assert_eq!(batch.mask[5], 0.0); // ... and Edema, uncertain, does not count.
//!     assert!(batch.skipped.is_empty()); // An unreadable image would be listed here.
//! }
//! # Ok(())
//! # }
//! ```

pub mod audit;
mod batch;
mod cache;
mod chexpert;
mod digest;
mod draw;
mod error;
mod filter;
pub mod image;
mod label;
mod loader;
mod measure;
mod normalize;
mod observation;
mod path;
pub mod phantom;
mod reader;
mod record;
mod records;
pub mod source;
pub mod split;
mod statistics;
mod stratify;
mod study;
mod table;
mod transform;

pub use cache::CacheReport;
pub use chexpert::{CheXpert, Split};
pub use draw::Draw;
pub use error::{Error, Result};
pub use filter::{Filter, FilterStep, Filtered};
pub use label::{
    BlankPolicy, Label, LabelCounts, LabelEncoder, LabelProblem, TargetCounts, UncertaintyPolicy,
};
pub use loader::{Batch, Batches, Loader, LoaderConfig, Skipped};
pub use measure::Measured;
pub use normalize::Normalization;
pub use observation::Observation;
pub use path::study_of;
pub use record::{Record, Sex, View};
pub use records::Records;
pub use statistics::SplitStatistics;
pub use study::Group;
pub use table::COLUMNS;
pub use transform::{Augmentation, CropPosition, Fit, ImageRecipe, Interpolation};
