//! What is wrong with a dataset, before a network learns it.
//!
//! [`Audit::run`] reads a CheXpert-style folder and reports, as typed [`Finding`]s: patients in two splits, rows that
//! cannot be read, paths that leave the folder, missing, truncated and undecodable files, files of the same bytes and
//! pictures that look the same within and across splits, labels that contradict each other, odd values, images that are
//! inverted, constant, tiny or nearly black, and observations that a split cannot judge. [`FindingKind`] is the list.
//!
//! Nothing is changed. Images are read one by one on all threads of the current rayon pool; of each, about 100 bytes are kept.
//! The findings and their order depend on the files only.
//!
//! ```
//! use chextransfer_data::audit::{Audit, AuditConfig, FindingKind, Severity};
//! use chextransfer_data::phantom::{self, PhantomConfig};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let folder = tempfile::tempdir()?;
//! # let tree = folder.path().join("phantom");
//! phantom::generate(&PhantomConfig { patients: 6, side: 64, ..PhantomConfig::default() }, &tree, |_, _| ())?;
//! std::fs::remove_file(tree.join("train/patient00001/study1/view1_frontal.jpg"))?;
//!
//! let audit = Audit::run(&tree, &AuditConfig::default(), |_done, _total| ())?;
//! assert_eq!(audit.count(Severity::Error), 1);
//! let missing = audit.findings().iter().find(|finding| finding.kind == FindingKind::MissingFile);
//! assert_eq!(missing.map(|finding| finding.rows[0].line), Some(2));
//! println!("{audit}");
//! # Ok(())
//! # }
//! ```

mod duplicates;
mod finding;
mod images;
mod neighbours;
mod report;
mod tables;
mod thumbnail;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use rayon::prelude::*;
use serde::Serialize;

pub use finding::{Finding, FindingKind, Row, Severity};
pub use thumbnail::{
    INVERTED_BELOW, MAX_DISTANCE, MIN_CORRELATION, PerceptualHash, PerceptualHasher, Thumbnail,
};

use crate::{CheXpert, Result, Split};
use images::{Examined, examine};
use tables::{ListedImage, Tables, row};

/// The least number of pixels on an image's shorter side that is not called tiny.
pub const MIN_SIDE: u32 = 64;

/// What to look at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AuditConfig {
    /// Read the images; without them the tables alone are checked, and not whether a file is there.
    pub images: bool,
}

impl Default for AuditConfig {
    /// Tables and images.
    fn default() -> Self {
        Self { images: true }
    }
}

/// What an audit found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Audit {
    root: PathBuf,
    tables: Vec<AuditedTable>,
    images: Option<usize>,
    findings: Vec<Finding>,
}

/// A table that was read, wholly or in part.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AuditedTable {
    /// The split.
    #[serde(serialize_with = "finding::by_name")]
    pub split: Split,
    /// The rows that could be read.
    pub rows: usize,
    /// SHA-256 of the CSV's bytes, in hexadecimal.
    pub sha256: String,
}

impl Audit {
    /// Audits the folder `root`.
    ///
    /// `progress` is called from any thread with the number of images read and their total.
    ///
    /// # Errors
    ///
    /// As [`CheXpert::open`]. Whatever is wrong inside the folder is a finding, not an error.
    pub fn run(
        root: impl AsRef<Path>,
        config: &AuditConfig,
        progress: impl Fn(usize, usize) + Sync,
    ) -> Result<Self> {
        let dataset = CheXpert::open(root)?;
        let mut findings = Vec::new();
        let tables = Tables::read(&dataset, &mut findings);
        let listed = tables.images();
        tables.check(&listed, &mut findings);
        if config.images {
            check_images(&listed, &progress, &mut findings);
        }
        // Stable: within a kind, findings stay in the order of rows.
        findings.sort_by_key(|finding| finding.kind);
        Ok(Self {
            root: dataset.root().to_path_buf(),
            tables: tables
                .splits
                .iter()
                .map(|(split, records)| AuditedTable {
                    split: *split,
                    rows: records.len(),
                    sha256: records.digest().to_owned(),
                })
                .collect(),
            images: config.images.then_some(listed.len()),
            findings,
        })
    }

    /// The folder.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The tables that could be read.
    pub fn tables(&self) -> &[AuditedTable] {
        &self.tables
    }

    /// How many image files were looked at; none if the images were left out.
    pub fn images(&self) -> Option<usize> {
        self.images
    }

    /// The findings by kind, in the order of [`FindingKind::all`], and by row.
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }

    /// How many findings have this severity.
    pub fn count(&self, severity: Severity) -> usize {
        let alike = self.findings.iter().filter(|f| f.severity == severity);
        alike.count()
    }
}

fn check_images(
    listed: &[ListedImage<'_>],
    progress: &(impl Fn(usize, usize) + Sync),
    findings: &mut Vec<Finding>,
) {
    let done = AtomicUsize::new(0);
    progress(0, listed.len());
    let examined: Vec<Examined> = listed
        .par_iter()
        .map_init(PerceptualHasher::new, |hasher, image| {
            let view = image.rows.first().and_then(|(_, record)| record.view);
            let examined = examine(&image.file, view, hasher);
            progress(done.fetch_add(1, Ordering::Relaxed) + 1, listed.len());
            examined
        })
        .collect();
    for (image, examined) in listed.iter().zip(&examined) {
        for (kind, message) in &examined.problems {
            let rows = image.rows.iter().map(|(split, record)| row(*split, record));
            findings.push(Finding::new(*kind, message.clone(), rows.collect()));
        }
    }
    duplicates::find(listed, &examined, findings);
}
