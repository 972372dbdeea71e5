//! Where predictions and evaluations are kept: in a run's folder, or in one of their own.

use std::fs;
use std::path::{Path, PathBuf};

use chextransfer_data::Split;
use chextransfer_metrics::Predictions;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::digest_list::DigestList;
use crate::files::create_folder;
use crate::sidecar::Sidecar;
use crate::{Error, Result};

/// A folder of results, whose files are listed in the `SHA256SUMS` of the folder that it is or lies in.
#[derive(Debug, Clone)]
pub(crate) struct Results {
    digests: DigestList,
    /// What stands before the name of a file in the list: nothing, or a folder and `/`.
    below: String,
}

impl Results {
    /// Those that lie in this folder itself.
    pub(crate) fn of(root: &Path) -> Self {
        Self {
            digests: DigestList::of(root),
            below: String::new(),
        }
    }

    /// Those of a run on another dataset.
    pub(crate) fn of_dataset(root: &Path, dataset: &str) -> Self {
        Self {
            digests: DigestList::of(root),
            below: format!("evaluations/{dataset}/"),
        }
    }

    pub(crate) fn folder(&self) -> PathBuf {
        self.digests.root().join(&self.below)
    }

    pub(crate) fn path(&self, file: &str) -> PathBuf {
        self.digests.root().join(self.name(file))
    }

    pub(crate) fn write(&self, file: &str, content: &[u8]) -> Result<()> {
        if let Some(folder) = self.path(file).parent() {
            create_folder(folder)?;
        }
        self.digests.write(&self.name(file), content)
    }

    pub(crate) fn write_json(&self, file: &str, value: &impl Serialize) -> Result<()> {
        self.write(file, &json(value, &self.path(file))?)
    }

    pub(crate) fn read_json<T: DeserializeOwned>(&self, file: &str) -> Result<T> {
        let path = self.path(file);
        let bytes = fs::read(&path).map_err(Error::io("read", &path))?;
        serde_json::from_slice(&bytes).map_err(Error::io("read", &path))
    }

    /// Stores a table, and beside it what it is of.
    pub(crate) fn write_table(&self, csv: &str, table: &Predictions, of: &Sidecar) -> Result<()> {
        let (csv, bytes) = (csv.to_owned(), table.to_csv()?);
        self.write(&csv, &bytes)?;
        let sidecar = format!("{}.json", csv.trim_end_matches(".csv"));
        self.write_json(&sidecar, &of.of_table(table, &bytes))
    }

    fn name(&self, file: &str) -> String {
        format!("{}{file}", self.below)
    }
}

/// Name of a split's table by image.
pub(crate) fn by_image(split: Split) -> String {
    format!("predictions/{}.csv", split.name())
}

/// Name of a split's table by study.
pub(crate) fn by_study(split: Split) -> String {
    format!("predictions/{}-by-study.csv", split.name())
}

pub(crate) const METRICS: &str = "metrics.json";
pub(crate) const UNREADABLE: &str = "unreadable.csv";

/// A value as the text of the JSON file at `path`.
pub(crate) fn json(value: &impl Serialize, path: &Path) -> Result<Vec<u8>> {
    let mut bytes = serde_json::to_vec_pretty(value).map_err(Error::io("write", path))?;
    bytes.push(b'\n');
    Ok(bytes)
}
