//! How each cell ended: one small file a cell, so that any number of processes on a shared folder write without a lock.

use std::fmt;
use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use chextransfer_models::weights::write_whole;
use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// How a cell ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum Record {
    Done,
    Failed { error: String, attempts: u32 },
}

/// Where a cell stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "state", rename_all = "snake_case")]
#[non_exhaustive]
pub enum CellState {
    /// Trained and evaluated.
    Done,
    /// Ended with an error; it is tried again on request only.
    Failed {
        /// The error of the last attempt.
        error: String,
        /// How often it was tried.
        attempts: u32,
    },
    /// A process works on it.
    Running,
    /// Begun, and stopped; it goes on from its newest checkpoint.
    Begun,
    /// Not begun.
    Pending,
}

impl CellState {
    /// Its name in one word.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Failed { .. } => "failed",
            Self::Running => "running",
            Self::Begun => "begun",
            Self::Pending => "pending",
        }
    }
}

impl fmt::Display for CellState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// The folder of all records.
#[derive(Debug, Clone)]
pub(crate) struct Ledger {
    folder: PathBuf,
}

/// A cell in work by this process. The system takes it back when the process ends, however it ends; the file stays and
/// means nothing.
#[derive(Debug)]
pub(crate) struct Claim {
    _file: File,
}

/// Time between two looks at a claim of another process.
const LOOK_EVERY: Duration = Duration::from_millis(100);

impl Ledger {
    pub(crate) fn of(study: &Path) -> Self {
        Self {
            folder: study.join("ledger"),
        }
    }

    /// How a cell ended; `None` if it has not.
    pub(crate) fn read(&self, id: &str) -> Result<Option<Record>> {
        let path = self.path(id);
        let bytes = match std::fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(Error::io("read", &path)(error)),
        };
        let record = serde_json::from_slice(&bytes);
        record.map(Some).map_err(Error::in_study(&path))
    }

    pub(crate) fn write(&self, id: &str, record: &Record) -> Result<()> {
        let path = self.path(id);
        std::fs::create_dir_all(&self.folder).map_err(Error::io("create", &self.folder))?;
        let text = serde_json::to_string(record).map_err(Error::in_study(&path))? + "\n";
        write_whole(&path, |file| file.write_all(text.as_bytes()))
            .map_err(Error::io("write", &path))
    }

    /// Records one failure more.
    pub(crate) fn fail(&self, id: &str, error: String) -> Result<()> {
        let before = match self.read(id)? {
            Some(Record::Failed { attempts, .. }) => attempts,
            Some(Record::Done) | None => 0,
        };
        let attempts = before.saturating_add(1);
        self.write(id, &Record::Failed { error, attempts })
    }

    /// Claims a cell, waiting for a process that is about to end; `None` if another keeps it so long.
    ///
    /// What keeps processes apart is the shard that each has; this is for the case that one is started twice. A file system
    /// that knows no locks goes without.
    pub(crate) fn claim(&self, id: &str, patience: Duration) -> Result<Option<Claim>> {
        std::fs::create_dir_all(&self.folder).map_err(Error::io("create", &self.folder))?;
        let path = self.claim_path(id);
        let file = File::create(&path).map_err(Error::io("write", &path))?;
        let begun = Instant::now();
        while let Err(TryLockError::WouldBlock) = file.try_lock() {
            if begun.elapsed() >= patience {
                return Ok(None);
            }
            std::thread::sleep(LOOK_EVERY);
        }
        Ok(Some(Claim { _file: file }))
    }

    /// Whether a process works on a cell now.
    pub(crate) fn is_claimed(&self, id: &str) -> bool {
        let file = File::open(self.claim_path(id));
        file.is_ok_and(|file| matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock)))
    }

    fn path(&self, id: &str) -> PathBuf {
        self.folder.join(format!("{id}.json"))
    }

    fn claim_path(&self, id: &str) -> PathBuf {
        self.folder.join(format!("{id}.claim"))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn records_are_read_as_written_and_failures_counted() {
        let folder = tempfile::tempdir().unwrap();
        let ledger = Ledger::of(folder.path());
        assert_eq!(ledger.read("a").unwrap(), None);
        ledger.fail("a", "no disk".to_owned()).unwrap();
        ledger.fail("a", "no memory".to_owned()).unwrap();
        let failed = Record::Failed {
            error: "no memory".to_owned(),
            attempts: 2,
        };
        assert_eq!(ledger.read("a").unwrap(), Some(failed));
        ledger.write("a", &Record::Done).unwrap();
        assert_eq!(ledger.read("a").unwrap(), Some(Record::Done));

        std::fs::write(folder.path().join("ledger/a.json"), "{\"state\":\"do").unwrap();
        let message = ledger.read("a").unwrap_err().to_string();
        assert!(message.contains("a.json"), "{message}");
    }

    #[test]
    fn a_claim_is_one_processs_and_ends_with_it() {
        let folder = tempfile::tempdir().unwrap();
        let ledger = Ledger::of(folder.path());
        let first = ledger.claim("a", Duration::ZERO).unwrap();
        assert!(first.is_some() && ledger.is_claimed("a"));
        assert!(ledger.claim("a", Duration::ZERO).unwrap().is_none());
        assert!(ledger.claim("b", Duration::ZERO).unwrap().is_some());
        drop(first);
        assert!(!ledger.is_claimed("a"));
        assert!(ledger.claim("a", Duration::ZERO).unwrap().is_some());
    }
}
