//! A file that is written whole or not at all.

use std::io::{BufWriter, Result, Write};
use std::path::Path;

/// Writes a file whole or not at all: into a temporary one beside it, which is synced and renamed.
///
/// Who may read it is up to the process's umask, as for any other file.
///
/// # Errors
/// Those of the file system and of `write`; what stood at `path` before then stands there still.
pub fn write_whole(path: &Path, write: impl FnOnce(&mut dyn Write) -> Result<()>) -> Result<()> {
    let folder = path.parent().filter(|folder| *folder != Path::new(""));
    let mut builder = tempfile::Builder::new();
    // Left to itself the crate makes files that only their owner can read.
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    let temporary = builder.tempfile_in(folder.unwrap_or(Path::new(".")))?;
    let mut file = BufWriter::new(temporary);
    write(&mut file)?;
    let temporary = file.into_inner()?;
    temporary.as_file().sync_all()?;
    temporary.persist(path)?;
    Ok(())
}

#[cfg(all(test, unix))]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_file_is_as_readable_as_any_other_and_a_failure_leaves_the_one_before() {
        let folder = tempfile::tempdir().unwrap();
        let (path, ordinary) = (folder.path().join("a"), folder.path().join("b"));
        write_whole(&path, |file| file.write_all(b"whole")).unwrap();
        std::fs::write(&ordinary, "").unwrap();
        let mode = |path: &Path| path.metadata().unwrap().permissions().mode();
        assert_eq!(mode(&path), mode(&ordinary));

        let failed = write_whole(&path, |file| {
            file.write_all(b"half")?;
            Err(std::io::Error::other("no more"))
        });
        assert_eq!(failed.unwrap_err().to_string(), "no more");
        assert_eq!(std::fs::read(&path).unwrap(), b"whole");
        assert_eq!(folder.path().read_dir().unwrap().count(), 2);
    }
}
