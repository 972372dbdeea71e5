//! What has arrived of a file: on the disk, hashed as it lands.

use std::fs::{File, OpenOptions};
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::Result;
use crate::weights::digest::feed;
use crate::weights::digest::hex;
use crate::weights::store::trouble;

pub(super) struct Partial {
    path: PathBuf,
    file: File,
    hasher: Sha256,
    received: u64,
    /// The server's strong name for the content; without it nothing can be added later.
    etag: Option<String>,
}

impl Partial {
    /// Takes up what an earlier download left, if it may be `kept` and its content has a name.
    pub(super) fn open(path: &Path, keep: bool) -> Result<Self> {
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(path)
            .map_err(trouble(path))?;
        let etag = std::fs::read_to_string(etag_path(path)).ok();
        let mut partial = Self {
            path: path.to_owned(),
            file,
            hasher: Sha256::new(),
            received: 0,
            etag: etag.filter(|etag| keep && is_strong(etag)),
        };
        if partial.etag.is_some() {
            partial.received =
                feed(&mut partial.hasher, &mut partial.file).map_err(trouble(path))?;
        } else {
            partial.restart(None)?;
        }
        Ok(partial)
    }

    /// Bytes that have arrived.
    pub(super) fn received(&self) -> u64 {
        self.received
    }

    /// The content's name, if there is something that can be added to.
    pub(super) fn resumes(&self) -> Option<&str> {
        self.etag.as_deref().filter(|_| self.received > 0)
    }

    /// Drops what has arrived, and makes ready for the content of this name.
    pub(super) fn restart(&mut self, etag: Option<&str>) -> Result<()> {
        let emptied = self
            .file
            .set_len(0)
            .and_then(|()| self.file.seek(SeekFrom::Start(0)));
        emptied.map_err(trouble(&self.path))?;
        self.hasher = Sha256::new();
        self.received = 0;
        self.etag = etag.filter(|etag| is_strong(etag)).map(str::to_owned);
        let path = etag_path(&self.path);
        match &self.etag {
            Some(etag) => std::fs::write(&path, etag).map_err(trouble(&path)),
            None => remove_if_there(&path),
        }
    }

    pub(super) fn append(&mut self, bytes: &[u8]) -> Result<()> {
        if let Err(error) = self.file.write_all(bytes) {
            // Part of it may have been written; what is hashed and what is there must agree.
            let _ = self.file.set_len(self.received);
            let _ = self.file.seek(SeekFrom::Start(self.received));
            return Err(trouble(&self.path)(error));
        }
        self.hasher.update(bytes);
        self.received += bytes.len() as u64;
        Ok(())
    }

    /// The digest of what has arrived.
    pub(super) fn sha256(&self) -> String {
        hex(&self.hasher.clone().finalize())
    }

    pub(super) fn remove(self) -> Result<()> {
        let Self { path, file, .. } = self;
        drop(file);
        remove_if_there(&path)?;
        remove_if_there(&etag_path(&path))
    }

    /// Gives the whole file its name.
    pub(super) fn publish(self, path: &Path) -> Result<()> {
        let Self {
            path: part, file, ..
        } = self;
        file.sync_all().map_err(trouble(&part))?;
        drop(file);
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).map_err(trouble(folder))?;
        }
        std::fs::rename(&part, path).map_err(trouble(path))?;
        remove_if_there(&etag_path(&part))
    }
}

fn etag_path(path: &Path) -> PathBuf {
    path.with_extension("etag")
}

/// Only a strong name says that two contents agree in every byte (RFC 9110, 8.8.1 and 13.1.5).
fn is_strong(etag: &str) -> bool {
    etag.len() >= 2 && etag.starts_with('"') && etag.ends_with('"')
}

fn remove_if_there(path: &Path) -> Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(trouble(path)(error)),
        _ => Ok(()),
    }
}
