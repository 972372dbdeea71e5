//! Resized grey levels on disk, so that a second epoch decodes nothing.
//!
//! One file an image: 64 bytes and the levels, in the precision of the image. Its name is a digest of the recipe's first half
//! and of the source's path, size and time of modification, so a changed source or recipe has another file. A file also
//! names its source's SHA-256, which is held against the source once a run, before the file is first used.
//!
//! A file appears under its name by renaming, so a process sees it whole or not at all, and two processes at most make the
//! same file twice. It is not synced to the disk, which would cost more than decoding: what a power cut may leave is found by
//! its checksum and made anew.

use std::borrow::Cow;
use std::collections::HashSet;
use std::fs::File;
use std::io::{ErrorKind, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::{Duration, SystemTime};

use sha2::{Digest, Sha256};

use crate::digest::hex;
use crate::transform::{ImageRecipe, Levels, Resized};
use crate::{Error, Result};

/// Begins every file; the digit is the layout's version.
const MAGIC: &[u8; 8] = b"CXTGREY1";

/// Magic, width, height, bits a level, zero (each 32 bits, little endian), the source's SHA-256, the checksum.
const HEADER: usize = 64;
const SOURCE: std::ops::Range<usize> = 24..56;
const CHECKSUM: std::ops::Range<usize> = 56..64;

/// A temporary file of this age was left by a process that was killed.
const ABANDONED: Duration = Duration::from_secs(24 * 60 * 60);

/// What a loader's cache has done since the loader was made.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CacheReport {
    /// Images that were taken from the cache.
    pub hits: u64,
    /// Images that were decoded and put into it.
    pub stored: u64,
    /// Files of the cache that were damaged or made from another source; they were made anew.
    pub replaced: u64,
    /// Images that could not be put into it, as when the disk is full; the batches lack nothing.
    pub not_stored: u64,
    /// Why the first of those could not.
    pub first_problem: Option<String>,
}

/// A folder of resized images under one recipe.
#[derive(Debug)]
pub(crate) struct Cache {
    folder: PathBuf,
    /// The part of a key that all images share.
    recipe: Sha256,
    /// Keys whose source has been compared, by their first eight bytes: all the memory that grows with the images.
    trusted: Mutex<HashSet<u64>>,
    hits: AtomicU64,
    stored: AtomicU64,
    replaced: AtomicU64,
    not_stored: AtomicU64,
    first_problem: OnceLock<String>,
}

/// Names one image under one recipe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Key([u8; 16]);

impl Cache {
    /// Makes the folder and sweeps out what killed processes left in it.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] if the folder cannot be made or written to.
    pub(crate) fn open(folder: &Path, recipe: &ImageRecipe) -> Result<Self> {
        let temporary = folder.join("tmp");
        std::fs::create_dir_all(&temporary).map_err(Error::io("make cache folder", &temporary))?;
        tempfile::NamedTempFile::new_in(&temporary)
            .map_err(Error::io("write to cache folder", &temporary))?;
        sweep(&temporary);
        // Crop and position come after what is kept.
        let ImageRecipe {
            resize,
            crop: _,
            position: _,
            interpolation,
            fit,
            voi,
        } = recipe;
        let mut hash = Sha256::new_with_prefix(MAGIC);
        hash.update(resize.to_le_bytes());
        hash.update(format!("{interpolation:?} {fit:?} {voi:?}\n"));
        Ok(Self {
            folder: folder.to_path_buf(),
            recipe: hash,
            trusted: Mutex::default(),
            hits: AtomicU64::new(0),
            stored: AtomicU64::new(0),
            replaced: AtomicU64::new(0),
            not_stored: AtomicU64::new(0),
            first_problem: OnceLock::new(),
        })
    }

    pub(crate) fn report(&self) -> CacheReport {
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        CacheReport {
            hits: count(&self.hits),
            stored: count(&self.stored),
            replaced: count(&self.replaced),
            not_stored: count(&self.not_stored),
            first_problem: self.first_problem.get().cloned(),
        }
    }

    /// The key of the file at `path` as it is now; `None` if there is no such file.
    pub(crate) fn key(&self, path: &Path) -> Option<Key> {
        let metadata = path.metadata().ok().filter(std::fs::Metadata::is_file)?;
        let modified = metadata
            .modified()
            .ok()?
            .duration_since(SystemTime::UNIX_EPOCH)
            .map_or(0, |since| since.as_nanos());
        let mut hash = self.recipe.clone();
        hash.update(metadata.len().to_le_bytes());
        hash.update(modified.to_le_bytes());
        hash.update(
            std::path::absolute(path)
                .ok()?
                .as_os_str()
                .as_encoded_bytes(),
        );
        let digest: [u8; 32] = hash.finalize().into();
        let (key, _) = digest.split_first_chunk()?;
        Some(Key(*key))
    }

    /// Reads an entry; `false` if there is none or it is damaged.
    pub(crate) fn load(&self, key: &Key, entry: &mut Vec<u8>) -> bool {
        entry.clear();
        let read = File::open(self.file(key)).and_then(|mut file| file.read_to_end(entry));
        match read {
            Err(error) if error.kind() == ErrorKind::NotFound => return false,
            Ok(_) if is_intact(entry) => return true,
            _ => {}
        }
        self.replaced.fetch_add(1, Ordering::Relaxed);
        false
    }

    /// Whether the entry of this key has been held against its source, or made from it, in this run; then it counts as a
    /// hit.
    pub(crate) fn is_trusted(&self, key: &Key) -> bool {
        let trusted = self.lock().contains(&key.short());
        if trusted {
            self.hits.fetch_add(1, Ordering::Relaxed);
        }
        trusted
    }

    /// Holds an intact entry against its source's bytes.
    pub(crate) fn trust_if_made_from(&self, key: &Key, entry: &[u8], source: &[u8]) -> bool {
        let same = entry[SOURCE] == Self::digest(source);
        if same {
            self.lock().insert(key.short());
            self.hits.fetch_add(1, Ordering::Relaxed);
        } else {
            self.replaced.fetch_add(1, Ordering::Relaxed);
        }
        same
    }

    /// SHA-256 of a source.
    pub(crate) fn digest(source: &[u8]) -> [u8; 32] {
        Sha256::digest(source).into()
    }

    /// The levels of an intact entry.
    pub(crate) fn levels(entry: &[u8]) -> Resized<'_> {
        let levels = &entry[HEADER..];
        Resized {
            size: (number(entry, 8), number(entry, 12)),
            levels: if number(entry, 16) == 8 {
                Levels::Bits8(levels)
            } else {
                let (pairs, _) = levels.as_chunks::<2>();
                Levels::Bits16(Cow::Owned(
                    pairs.iter().map(|&pair| u16::from_le_bytes(pair)).collect(),
                ))
            },
        }
    }

    /// Keeps the levels that were made from a source of this digest; a failure is counted, not returned, since the image
    /// itself is there.
    pub(crate) fn store(&self, key: &Key, source: &[u8; 32], resized: &Resized<'_>) {
        match self.write(key, source, resized) {
            Ok(()) => {
                self.lock().insert(key.short());
                self.stored.fetch_add(1, Ordering::Relaxed);
            }
            Err(error) => {
                self.not_stored.fetch_add(1, Ordering::Relaxed);
                let problem = || format!("cannot write {}: {error}", self.file(key).display());
                self.first_problem.get_or_init(problem);
            }
        }
    }

    fn write(
        &self,
        key: &Key,
        source: &[u8; 32],
        resized: &Resized<'_>,
    ) -> Result<(), std::io::Error> {
        let (bits, levels) = match &resized.levels {
            Levels::Bits8(levels) => (8_u32, Cow::Borrowed(*levels)),
            Levels::Bits16(levels) => {
                let bytes = levels.iter().flat_map(|level| level.to_le_bytes());
                (16, Cow::Owned(bytes.collect()))
            }
        };
        let mut header = [0; HEADER];
        header[..8].copy_from_slice(MAGIC);
        for (place, number) in [resized.size.0, resized.size.1, bits]
            .into_iter()
            .enumerate()
        {
            header[8 + 4 * place..12 + 4 * place].copy_from_slice(&number.to_le_bytes());
        }
        header[SOURCE].copy_from_slice(source);
        let sum = checksum(&header[..CHECKSUM.start], &levels);
        header[CHECKSUM].copy_from_slice(&sum.to_le_bytes());

        let mut temporary = tempfile::NamedTempFile::new_in(self.folder.join("tmp"))?;
        temporary.write_all(&header)?;
        temporary.write_all(&levels)?;
        let file = self.file(key);
        // Its folder is missing once in 256 first files.
        if let Err(error) = temporary.persist(&file) {
            let parent = file.parent().unwrap_or(&self.folder);
            std::fs::create_dir_all(parent)?;
            error.file.persist(&file)?;
        }
        Ok(())
    }

    /// In one of 256 folders, so that none holds too many files for a tool that lists it.
    fn file(&self, key: &Key) -> PathBuf {
        let name = hex(&key.0);
        self.folder.join(&name[..2]).join(&name[2..])
    }

    // A set of numbers has no state between two calls that a panic could leave half done.
    fn lock(&self) -> std::sync::MutexGuard<'_, HashSet<u64>> {
        self.trusted.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Key {
    fn short(&self) -> u64 {
        let [a, b, c, d, e, f, g, h, ..] = self.0;
        u64::from_le_bytes([a, b, c, d, e, f, g, h])
    }
}

fn is_intact(entry: &[u8]) -> bool {
    if entry.len() < HEADER || !entry.starts_with(MAGIC) {
        return false;
    }
    let (width, height, bits) = (number(entry, 8), number(entry, 12), number(entry, 16));
    let length = u64::from(width) * u64::from(height) * u64::from(bits / 8);
    matches!(bits, 8 | 16)
        && (entry.len() - HEADER) as u64 == length
        && entry[CHECKSUM] == checksum(&entry[..CHECKSUM.start], &entry[HEADER..]).to_le_bytes()
}

/// The 32-bit number at `at` in an entry that is at least a header long.
fn number(entry: &[u8], at: usize) -> u32 {
    let bytes = [entry[at], entry[at + 1], entry[at + 2], entry[at + 3]];
    u32::from_le_bytes(bytes)
}

/// Fletcher's checksum of 64 bits (sums modulo 2^32 - 1 of 32-bit words) over both parts, one after the other.
///
/// Started at 1, so that zeros have a sum. It finds torn and rotten files, which is all it is for; a digest would take ten
/// times as long.
fn checksum(header: &[u8], levels: &[u8]) -> u64 {
    const MODULUS: u64 = u32::MAX as u64;
    /// The second sum stays below 2^64 over so many words.
    const BLOCK: usize = 65_536;
    let (mut first, mut second) = (1_u64, 0_u64);
    for part in [header, levels] {
        for block in part.chunks(4 * BLOCK) {
            let (words, rest) = block.as_chunks::<4>();
            for &word in words {
                first += u64::from(u32::from_le_bytes(word));
                second += first;
            }
            for &byte in rest {
                first += u64::from(byte);
                second += first;
            }
            first %= MODULUS;
            second %= MODULUS;
        }
    }
    second << 32 | first
}

/// Removes what is old; that it cannot be removed harms nothing.
fn sweep(temporary: &Path) {
    let Ok(entries) = std::fs::read_dir(temporary) else {
        return;
    };
    for entry in entries.flatten() {
        let age = entry
            .metadata()
            .and_then(|metadata| metadata.modified())
            .map(|modified| {
                SystemTime::now()
                    .duration_since(modified)
                    .unwrap_or_default()
            });
        if age.is_ok_and(|age| age > ABANDONED) {
            let _ = std::fs::remove_file(entry.path());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_checksum_finds_changed_swapped_and_missing_bytes() {
        let levels: Vec<u8> = (0..1_003_u32).map(|place| (place * 7) as u8).collect();
        let sum = checksum(b"header..", &levels);
        for change in [
            |levels: &mut Vec<u8>| levels[500] ^= 1,
            |levels: &mut Vec<u8>| levels.swap(0, 9),
            |levels: &mut Vec<u8>| levels[4..8].fill(255),
            |levels: &mut Vec<u8>| levels[512..].fill(0),
        ] {
            let mut changed = levels.clone();
            change(&mut changed);
            assert_ne!(checksum(b"header..", &changed), sum);
        }
        assert_ne!(checksum(&[0; 8], &[0; 400]), checksum(&[0; 8], &[0; 404]));
    }

    #[test]
    fn the_checksum_is_fletchers() {
        // Words 1 and 2 after a start of 1: first sums 2 and 4, second sums 2 and 6.
        assert_eq!(checksum(&[1, 0, 0, 0], &[2, 0, 0, 0]), 6 << 32 | 4);
    }
}
