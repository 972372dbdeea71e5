//! What a checkpoint's content has to be: its pin, and without a whole digest the record of its
//! first use.

use std::fmt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::WeightStore;
use super::cache::trouble;
use crate::weights::whole_file::write_whole;
use crate::weights::{Checkpoint, Pin};
use crate::{Error, Result};

/// What is known of a checkpoint's digest.
#[derive(Debug)]
pub(in crate::weights) struct Expectation {
    pin: Pin,
    /// The digest of the first use.
    recorded: Option<String>,
    /// Where the record is, or would be; nowhere for a whole digest.
    record: Option<PathBuf>,
}

/// A file `first-use/<id>.toml` of the cache.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Record {
    id: String,
    url: String,
    sha256: String,
}

impl Expectation {
    /// # Errors
    /// [`Error::FirstUseRecord`] for a record that is malformed, or contradicts the manifest,
    /// [`Error::WeightsCache`] when it cannot be read.
    pub(in crate::weights) fn of(store: &WeightStore, checkpoint: &Checkpoint) -> Result<Self> {
        let mut expectation = Self {
            pin: checkpoint.pin.clone(),
            recorded: None,
            record: None,
        };
        if matches!(checkpoint.pin, Pin::Sha256(_)) {
            return Ok(expectation);
        }
        let path = store.record_path(checkpoint);
        let unusable = |reason: String| Error::FirstUseRecord {
            path: path.clone(),
            reason,
        };
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                expectation.record = Some(path);
                return Ok(expectation);
            }
            Err(error) if error.kind() == std::io::ErrorKind::InvalidData => {
                return Err(unusable(error.to_string()));
            }
            Err(error) => return Err(trouble(&path)(error)),
        };
        let record: Record = toml::from_str(&text)
            .map_err(|error| unusable(error.to_string().trim().replace('\n', " ")))?;
        let Record { id, url, sha256 } = record;
        for (field, found, expected) in
            [("id", &id, &checkpoint.id), ("url", &url, &checkpoint.url)]
        {
            if found != expected {
                let reason = format!("{field} = `{found}`, but the manifest says `{expected}`");
                return Err(unusable(reason));
            }
        }
        if !is_sha256(&sha256) || !checkpoint.pin.admits(&sha256) {
            let reason = format!(
                "sha256 = `{sha256}`, which is not {}",
                expectation.pin_text()
            );
            return Err(unusable(reason));
        }
        expectation.recorded = Some(sha256);
        expectation.record = Some(path);
        Ok(expectation)
    }

    /// Whether a file of this digest is the checkpoint, as far as anything is known of it.
    pub(in crate::weights) fn admits(&self, sha256: &str) -> bool {
        match &self.recorded {
            Some(recorded) => recorded == sha256,
            None => self.pin.admits(sha256),
        }
    }

    /// The digest, where all of it is known.
    pub(super) fn whole(&self) -> Option<&str> {
        match (&self.pin, &self.recorded) {
            (Pin::Sha256(whole), _) => Some(whole),
            (_, recorded) => recorded.as_deref(),
        }
    }

    /// Whether a wrong file would be noticed.
    pub(in crate::weights) fn is_known(&self) -> bool {
        self.recorded.is_some() || self.pin != Pin::FirstUse
    }

    /// The digest of the first use, and the file that says so.
    #[cfg(feature = "download")]
    pub(in crate::weights) fn record(&self) -> Option<(&str, &Path)> {
        Some((self.recorded.as_deref()?, self.record.as_deref()?))
    }

    /// Records this digest, if it is the first use of a row without a whole digest.
    ///
    /// # Errors
    /// The cause in one line.
    pub(in crate::weights) fn remember(
        &self,
        checkpoint: &Checkpoint,
        sha256: &str,
    ) -> std::result::Result<(), String> {
        let (Some(path), None) = (&self.record, &self.recorded) else {
            return Ok(());
        };
        let record = Record {
            id: checkpoint.id.clone(),
            url: checkpoint.url.clone(),
            sha256: sha256.to_owned(),
        };
        let text = toml::to_string(&record).map_err(|error| error.to_string())?;
        let folder = path.parent().map_or(Ok(()), std::fs::create_dir_all);
        folder
            .and_then(|()| write_whole(path, |file| file.write_all(text.as_bytes())))
            .map_err(|error| format!("cannot record the digest in {}: {error}", path.display()))
    }

    fn pin_text(&self) -> String {
        match &self.pin {
            Pin::Sha256(whole) => whole.clone(),
            Pin::Sha256Prefix(prefix) => format!("64 hexadecimal digits that begin {prefix}"),
            Pin::FirstUse => "64 hexadecimal digits".to_owned(),
        }
    }
}

impl fmt::Display for Expectation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.recorded, &self.record) {
            (Some(recorded), Some(record)) => {
                write!(
                    f,
                    "{recorded}, recorded at first use in {}",
                    record.display()
                )
            }
            _ => f.write_str(&self.pin_text()),
        }
    }
}

/// Whether this is a whole digest as we write it.
pub(super) fn is_sha256(text: &str) -> bool {
    let digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    text.len() == 64 && text.bytes().all(digit)
}
