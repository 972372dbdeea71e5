//! Our own cache: paths that contain the digest, and what lies there.

use std::path::{Path, PathBuf};

use super::WeightStore;
use super::first_use::{Expectation, is_sha256};
use crate::weights::Checkpoint;
use crate::weights::digest::sha256_of;
use crate::{Error, Result};

/// A file of our own cache.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct CacheEntry {
    /// The file.
    pub path: PathBuf,
    /// The digest that its path promises.
    pub sha256: String,
}

impl CacheEntry {
    /// Reads the file and compares.
    ///
    /// # Errors
    /// [`Error::WeightsDamaged`] with both digests, [`Error::WeightsCache`] when it cannot be read.
    pub fn verify(&self) -> Result<()> {
        let found = sha256_of(&self.path).map_err(trouble(&self.path))?;
        if found != self.sha256 {
            return Err(Error::WeightsDamaged {
                path: self.path.clone(),
                found,
                expected: self.sha256.clone(),
            });
        }
        Ok(())
    }
}

impl WeightStore {
    /// Every file of the cache, in the order of their digests; none where there is no cache yet.
    ///
    /// # Errors
    /// [`Error::WeightsCache`] when a folder cannot be read.
    pub fn entries(&self) -> Result<Vec<CacheEntry>> {
        let mut entries = Vec::new();
        for (folder, sha256) in self.digests()? {
            let files = std::fs::read_dir(&folder).map_err(trouble(&folder))?;
            for file in files {
                let path = file.map_err(trouble(&folder))?.path();
                let sha256 = sha256.clone();
                entries.push(CacheEntry { path, sha256 });
            }
        }
        entries.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(entries)
    }

    /// The cache's files of a checkpoint, not verified: none, one, or for a pin by prefix that was
    /// never used several.
    ///
    /// # Errors
    /// [`Error::WeightsCache`], [`Error::FirstUseRecord`], and [`Error::Manifest`] for an id or a
    /// file name that is no plain name.
    pub fn cached(&self, checkpoint: &Checkpoint) -> Result<Vec<CacheEntry>> {
        self.require_plain_names(checkpoint)?;
        let expectation = Expectation::of(self, checkpoint)?;
        let digests = match expectation.whole() {
            Some(whole) => vec![(self.digest_folder(whole), whole.to_owned())],
            None if expectation.is_known() => self.digests()?,
            None => Vec::new(),
        };
        Ok(digests
            .into_iter()
            .filter(|(_, sha256)| expectation.admits(sha256))
            .map(|(folder, sha256)| CacheEntry {
                path: folder.join(&checkpoint.file),
                sha256,
            })
            .filter(|entry| entry.path.exists())
            .collect())
    }

    /// Where our cache keeps a content.
    pub(in crate::weights) fn digest_folder(&self, sha256: &str) -> PathBuf {
        self.cache.join("sha256").join(sha256)
    }

    /// Where the first use of a checkpoint without a whole digest is recorded.
    pub(super) fn record_path(&self, checkpoint: &Checkpoint) -> PathBuf {
        let file = format!("{}.toml", checkpoint.id);
        self.cache.join("first-use").join(file)
    }

    /// Ids and file names become parts of paths, and a manifest may be anybody's.
    pub(super) fn require_plain_names(&self, checkpoint: &Checkpoint) -> Result<()> {
        let Checkpoint { id, file, .. } = checkpoint;
        for name in [id, file] {
            let odd = |c: char| c.is_control() || "/\\:*?\"<>|".contains(c);
            if name.is_empty() || name.starts_with('.') || name.contains(odd) {
                return Err(Error::Manifest {
                    reason: format!("row `{id}`: `{name}` is no plain file name"),
                });
            }
        }
        Ok(())
    }

    /// The cache's folders with the digests that are their names.
    fn digests(&self) -> Result<Vec<(PathBuf, String)>> {
        let folder = self.cache.join("sha256");
        let listing = match std::fs::read_dir(&folder) {
            Ok(listing) => listing,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(trouble(&folder)(error)),
        };
        let mut digests = Vec::new();
        for entry in listing {
            let entry = entry.map_err(trouble(&folder))?;
            let name = entry.file_name().to_string_lossy().into_owned();
            if is_sha256(&name) {
                digests.push((entry.path(), name));
            }
        }
        digests.sort();
        Ok(digests)
    }
}

/// The error of a file or folder of the cache, with what helps.
pub(in crate::weights) fn trouble(path: &Path) -> impl Fn(std::io::Error) -> Error {
    use std::io::ErrorKind;
    move |error| {
        let help = match error.kind() {
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge => {
                "; make room, or let CHEXTRANSFER_WEIGHTS name a folder that has some"
            }
            ErrorKind::PermissionDenied
            | ErrorKind::ReadOnlyFilesystem
            | ErrorKind::NotADirectory
            | ErrorKind::Unsupported => "; CHEXTRANSFER_WEIGHTS can name another folder",
            _ => "",
        };
        Error::WeightsCache {
            path: path.to_owned(),
            reason: format!("{error}{help}"),
        }
    }
}
