//! What a table of predictions is of: the JSON file beside each.

use std::path::{Path, PathBuf};

use chextransfer_data::{ImageRecipe, LabelProblem, Normalization, Skipped, Split};
use chextransfer_metrics::{Aggregation, Predictions, Temperatures};
use chextransfer_models::weights::sha256_hex;
use serde::Serialize;

use crate::checkpoint::Best;
use crate::provenance::Program;

/// Where the probabilities of a table come from.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Sidecar {
    #[serde(flatten)]
    pub(crate) program: Program,
    pub(crate) device: String,
    /// The runs whose probabilities are averaged.
    pub(crate) runs: Vec<RunOrigin>,
    pub(crate) data: DataOrigin,
    /// What became of a study's views; none in a table by image.
    pub(crate) aggregation: Option<Aggregation>,
    pub(crate) calibration: Option<Temperatures>,
    pub(crate) unreadable: Vec<UnreadableImage>,
}

/// A run, and which of its checkpoints.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct RunOrigin {
    /// Its folder; absent in a file that lies there, which may be moved.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) path: Option<PathBuf>,
    pub(crate) network: String,
    /// SHA-256 of the weights that it started from; none for random ones.
    pub(crate) weights_sha256: Option<String>,
    pub(crate) labels: LabelProblem,
    pub(crate) normalization: Normalization,
    pub(crate) recipe: ImageRecipe,
    pub(crate) checkpoints: Vec<Best>,
}

/// What was predicted.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct DataOrigin {
    /// The dataset's folder, or what was named to be predicted.
    pub(crate) paths: Vec<PathBuf>,
    pub(crate) split: Option<&'static str>,
    /// SHA-256 of the split's CSV, or of the list of images, as `sha256sum` writes it.
    pub(crate) sha256: String,
}

#[derive(Debug, Clone, Serialize)]
pub(crate) struct UnreadableImage {
    pub(crate) path: String,
    pub(crate) reason: String,
}

/// A sidecar with what is known of one table.
#[derive(Serialize)]
pub(crate) struct TableOrigin<'a> {
    #[serde(flatten)]
    of: &'a Sidecar,
    rows: usize,
    /// SHA-256 of the table's file.
    table_sha256: String,
}

impl Sidecar {
    pub(crate) fn of_table(&self, table: &Predictions, bytes: &[u8]) -> TableOrigin<'_> {
        TableOrigin {
            of: self,
            rows: table.rows(),
            table_sha256: sha256_hex(bytes),
        }
    }
}

impl From<&Skipped> for UnreadableImage {
    fn from(skipped: &Skipped) -> Self {
        Self {
            path: skipped.path.clone(),
            reason: skipped.reason.clone(),
        }
    }
}

impl DataOrigin {
    pub(crate) fn split(root: &Path, split: Split, sha256: &str) -> Self {
        Self {
            paths: vec![root.to_owned()],
            split: Some(split.name()),
            sha256: sha256.to_owned(),
        }
    }
}

/// Whether a stored sidecar is of exactly these checkpoints on this data, uncalibrated, and of this table.
///
/// Digests say it all: a checkpoint's stands for its weights, and its run's settings cannot change.
pub(crate) fn is_of(
    stored: &serde_json::Value,
    checkpoints: &[&Best],
    data_sha256: &str,
    table: &[u8],
) -> bool {
    let stored_checkpoints = stored["runs"].as_array().into_iter().flatten();
    let stored_checkpoints =
        stored_checkpoints.flat_map(|run| run["checkpoints"].as_array().into_iter().flatten());
    let stored_digests = stored_checkpoints.map(|checkpoint| checkpoint["sha256"].as_str());
    stored_digests.eq(checkpoints.iter().map(|best| Some(best.sha256.as_str())))
        && stored["data"]["sha256"] == data_sha256
        && stored["calibration"].is_null()
        && stored["aggregation"].is_null()
        && stored["table_sha256"] == sha256_hex(table)
}
