//! The search for a checkpoint on this machine.

use std::path::PathBuf;

use super::first_use::Expectation;
use super::{Located, Origin, Rejected, WeightStore};
use crate::weights::Checkpoint;
use crate::weights::digest::sha256_of;
use crate::{Error, Result};

/// A search's outcome.
pub(in crate::weights) struct Search {
    pub(in crate::weights) expectation: Expectation,
    pub(in crate::weights) located: Option<Located>,
    rejected: Vec<Rejected>,
    looked: Vec<PathBuf>,
}

impl WeightStore {
    /// Looks for a checkpoint in our cache, the caller's folders, the Hugging Face cache and the
    /// torch hub cache, in this order, and verifies what it finds; opens no socket.
    ///
    /// A file that is not the pinned one is passed over and listed in [`Located::rejected`]. The
    /// first use of a row without a whole digest is recorded, and binds every later one.
    ///
    /// # Errors
    /// [`Error::WeightsDamaged`] for a file of our own cache that has changed, and the errors of
    /// [`WeightStore::cached`]. That there is none is no error.
    pub fn locate(&self, checkpoint: &Checkpoint) -> Result<Option<Located>> {
        Ok(self.search(checkpoint)?.located)
    }

    /// [`WeightStore::locate`] for callers that cannot go on without the file.
    ///
    /// # Errors
    /// Those of [`WeightStore::locate`], and [`Error::WeightsAbsent`] with every path that was tried.
    pub fn require(&self, checkpoint: &Checkpoint) -> Result<Located> {
        let why = "this call fetches nothing (`chextransfer weights fetch` does)";
        let mut search = self.search(checkpoint)?;
        let located = search.located.take();
        located.ok_or_else(|| search.absent(checkpoint, why))
    }

    pub(in crate::weights) fn search(&self, checkpoint: &Checkpoint) -> Result<Search> {
        let cached = self.cached(checkpoint)?;
        let mut search = Search {
            expectation: Expectation::of(self, checkpoint)?,
            located: None,
            rejected: Vec::new(),
            looked: Vec::new(),
        };
        if let Some(entry) = cached.first() {
            entry.verify()?;
            let path = entry.path.clone();
            search.located = Some(search.used(checkpoint, path, &entry.sha256, Origin::Cache));
            return Ok(search);
        }
        search.looked.push(self.cache.clone());
        for (origin, path) in self.elsewhere(checkpoint, search.expectation.is_known()) {
            if path.is_file() {
                let reason = match sha256_of(&path) {
                    Ok(sha256) if search.expectation.admits(&sha256) => {
                        search.located = Some(search.used(checkpoint, path, &sha256, origin));
                        return Ok(search);
                    }
                    Ok(found) => format!("SHA-256 {found}, expected {}", search.expectation),
                    Err(error) => error.to_string(),
                };
                let path = path.clone();
                search.rejected.push(Rejected { path, reason });
            }
            search.looked.push(path);
        }
        Ok(search)
    }
}

impl Search {
    /// A verified file that is handed out, and remembered if it is the first.
    pub(in crate::weights) fn used(
        &self,
        checkpoint: &Checkpoint,
        path: PathBuf,
        sha256: &str,
        origin: Origin,
    ) -> Located {
        let unrecorded = self.expectation.remember(checkpoint, sha256).err();
        Located {
            path,
            sha256: sha256.to_owned(),
            origin,
            rejected: self.rejected.clone(),
            unrecorded,
        }
    }

    /// The error of a search that found nothing and must not be followed by a download.
    pub(in crate::weights) fn absent(&self, checkpoint: &Checkpoint, why: &'static str) -> Error {
        let paths = self.looked.iter().map(|path| path.display().to_string());
        let rejected = self.rejected.iter().map(Rejected::to_string);
        Error::WeightsAbsent {
            id: checkpoint.id.clone(),
            why,
            looked: paths.chain(rejected).collect::<Vec<_>>().join("; "),
        }
    }
}
