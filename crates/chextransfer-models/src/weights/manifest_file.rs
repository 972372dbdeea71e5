//! A user's own manifest beside the carried one.

use std::path::Path;

use super::Manifest;
use crate::{Error, Result};

impl Manifest {
    /// These rows and, after them, those of a file in the same format.
    ///
    /// # Errors
    /// [`Error::Manifest`] with the file: it cannot be read, a row is unsound as in
    /// [`Manifest::parse`], or an id is taken.
    pub fn extended_by(mut self, path: &Path) -> Result<Self> {
        let wrong = |reason: String| Error::Manifest {
            reason: format!("{}: {reason}", path.display()),
        };
        let text = std::fs::read_to_string(path).map_err(|error| wrong(error.to_string()))?;
        let own = Self::parse(&text).map_err(|error| match error {
            Error::Manifest { reason } => wrong(reason),
            other => wrong(other.to_string()),
        })?;
        for row in own.checkpoints {
            if self.checkpoints.iter().any(|other| other.id == row.id) {
                return Err(wrong(format!("row `{}`: this id is taken", row.id)));
            }
            self.checkpoints.push(row);
        }
        Ok(self)
    }
}
