//! Files and folders, with this crate's errors.

use std::path::Path;

use chextransfer_models::weights;

use crate::{Error, Result};

/// Writes a file whole or not at all.
pub(crate) fn write_whole(path: &Path, content: &[u8]) -> Result<()> {
    weights::write_whole(path, |file| file.write_all(content)).map_err(Error::io("write", path))
}

/// Creates a folder and those above it.
pub(crate) fn create_folder(path: &Path) -> Result<()> {
    std::fs::create_dir_all(path).map_err(Error::io("create", path))
}
