//! What a run used: the content of `provenance.json`.

use std::collections::BTreeMap;
use std::path::PathBuf;

use chextransfer_data::{CheXpert, LabelProblem, Normalization};
use chextransfer_models::weights::{LoadReport, sha256_hex};
use serde::{Deserialize, Serialize};

use crate::Result;

include!(concat!(env!("OUT_DIR"), "/lock_file.rs"));

/// What a run used, so that its numbers can be traced.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Provenance {
    /// The program.
    #[serde(flatten)]
    pub program: Program,
    /// The network's name, for example `densenet121-minus1`.
    pub network: String,
    /// Its trainable parameters.
    pub parameters: usize,
    /// The device, as it was asked for.
    pub device: String,
    /// Seed of everything that was drawn; 0 in runs of versions that did not note it.
    #[serde(default)]
    pub seed: u64,
    /// The weights that it started from; `None` for random ones.
    pub weights: Option<WeightsProvenance>,
    /// What became of uncertain and blank labels.
    pub labels: LabelProblem,
    /// The statistics by which images are normalised.
    pub normalization: Normalization,
    /// Rows and digest of each split's CSV.
    pub data: BTreeMap<String, SplitProvenance>,
}

/// The program that did the work.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Program {
    /// Version of this crate.
    pub version: String,
    /// The commit that it was built from; absent where the sources were no checkout. Changes that were not committed
    /// do not show.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
    /// SHA-256 of the workspace's `Cargo.lock`, which pins every dependency; absent where the crate was built from a
    /// registry.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lock_sha256: Option<String>,
}

/// A checkpoint that a run started from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WeightsProvenance {
    /// The file.
    pub path: PathBuf,
    /// SHA-256 of the file.
    pub sha256: String,
    /// How many of its tensors the network took.
    pub applied: usize,
    /// Its tensors that were left out.
    pub left_out: Vec<String>,
    /// Its tensors that were converted to float32.
    pub converted: Vec<String>,
}

/// A split that a run used.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SplitProvenance {
    /// Rows of the CSV.
    pub rows: usize,
    /// SHA-256 of the CSV.
    pub sha256: String,
}

impl From<&LoadReport> for WeightsProvenance {
    fn from(report: &LoadReport) -> Self {
        let names = |list: &[(String, String)]| list.iter().map(|(name, _)| name.clone()).collect();
        Self {
            path: report.path.clone(),
            sha256: report.sha256.clone(),
            applied: report.applied.len(),
            left_out: report
                .left_out
                .iter()
                .map(|(name, _)| name.clone())
                .collect(),
            converted: names(&report.converted),
        }
    }
}

impl Program {
    /// This one.
    pub fn this() -> Self {
        Self {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            commit: option_env!("CHEXTRANSFER_COMMIT").map(str::to_owned),
            lock_sha256: LOCK_FILE.map(sha256_hex),
        }
    }
}

impl Provenance {
    /// The digests of the splits that a dataset has.
    pub(crate) fn data_of(dataset: &CheXpert) -> Result<BTreeMap<String, SplitProvenance>> {
        let splits = dataset.splits().iter().map(|split| {
            let records = dataset.split(*split)?;
            let sha256 = records.digest().to_owned();
            let rows = records.len();
            Ok((split.name().to_owned(), SplitProvenance { rows, sha256 }))
        });
        splits.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_program_knows_its_version_and_in_a_checkout_its_commit_and_lock_file() {
        let program = Program::this();
        assert_eq!(program.version, env!("CARGO_PKG_VERSION"));
        let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
        if let Ok(lock) = std::fs::read(format!("{root}/Cargo.lock")) {
            assert_eq!(program.lock_sha256, Some(sha256_hex(&lock)));
        }
        if let Some(commit) = program.commit {
            let hexadecimal = commit.bytes().all(|byte| byte.is_ascii_hexdigit());
            assert!(hexadecimal && commit.len() >= 40, "{commit}");
        }
    }
}
