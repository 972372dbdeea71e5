//! One download of a file at a time on a machine.

use std::fs::{File, TryLockError};
use std::path::Path;

use super::{LOOK_EVERY, Progress};
use crate::Result;
use crate::weights::store::trouble;

/// A lock that the system releases with the process, however it ends. The file stays: removing it
/// would let two processes lock two files of one name.
pub(super) struct Lock {
    _file: File,
}

impl Lock {
    /// Waits until no other process holds it; `None` when the caller no longer wants to.
    pub(super) fn wait(path: &Path, progress: Progress<'_>) -> Result<Option<Self>> {
        let file = File::create(path).map_err(trouble(path))?;
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(Some(Self { _file: file })),
                Err(TryLockError::Error(error)) => return Err(trouble(path)(error)),
                Err(TryLockError::WouldBlock) if progress(0, None).is_break() => return Ok(None),
                Err(TryLockError::WouldBlock) => std::thread::sleep(LOOK_EVERY),
            }
        }
    }
}
