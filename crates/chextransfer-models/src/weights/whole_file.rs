//! A file that is written whole or not at all.

use std::io::{BufWriter, Result, Write};
use std::path::Path;

/// Writes into a temporary file beside `path`, syncs it and renames it.
pub(super) fn write_whole(
    path: &Path,
    write: impl FnOnce(&mut dyn Write) -> Result<()>,
) -> Result<()> {
    let folder = path.parent().filter(|folder| *folder != Path::new(""));
    let temporary = tempfile::NamedTempFile::new_in(folder.unwrap_or(Path::new(".")))?;
    let mut file = BufWriter::new(temporary);
    write(&mut file)?;
    let temporary = file.into_inner()?;
    temporary.as_file().sync_all()?;
    temporary.persist(path)?;
    Ok(())
}
