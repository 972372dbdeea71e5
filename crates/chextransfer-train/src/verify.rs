//! Every digest of a run, recomputed.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use chextransfer_models::weights::sha256_hex;
use serde::Serialize;

use crate::checkpoint::{Progress, all};
use crate::digest_list::{DIGESTS, DigestList, LOCK};
use crate::run_directory::RunDirectory;
use crate::{Error, Result};

/// What became of a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum FileState {
    /// It has the digest that was noted.
    Fine,
    /// It has another one, or a list of digests holds a line that is none.
    Changed {
        /// What was noted.
        expected: String,
        /// What there is.
        found: String,
    },
    /// It is not there, or cannot be read.
    Missing {
        /// Why not.
        reason: String,
    },
    /// No digest of it was noted; no difference.
    Unlisted,
}

/// Every file of a run and of what it used, in the order of their names. Its [`Display`](fmt::Display) has one file a
/// line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Verification {
    /// By path: those of the run's own files are relative to its folder.
    pub files: BTreeMap<PathBuf, FileState>,
}

impl Verification {
    /// Files that changed or are missing.
    pub fn differences(&self) -> usize {
        let differs = |state: &&FileState| {
            matches!(state, FileState::Changed { .. } | FileState::Missing { .. })
        };
        self.files.values().filter(differs).count()
    }
}

impl fmt::Display for Verification {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (path, state) in &self.files {
            let path = path.display();
            match state {
                FileState::Fine => writeln!(f, "fine      {path}")?,
                FileState::Changed { expected, found } => {
                    writeln!(f, "changed   {path}: found {found}, expected {expected}")?;
                }
                FileState::Missing { reason } => writeln!(f, "missing   {path}: {reason}")?,
                FileState::Unlisted => writeln!(f, "unlisted  {path}")?,
            }
        }
        let (files, differences) = (self.files.len(), self.differences());
        write!(f, "{files} files, {differences} differences")
    }
}

/// Recomputes the digests of a run: its own files, the weights that it started from, and the CSVs of its dataset. A folder
/// that several runs were evaluated into is checked by its list alone.
///
/// # Errors
/// [`Error::Io`] when there is no such folder, or it is neither a run's nor one with a list of digests.
pub fn verify(root: &Path) -> Result<Verification> {
    fs::read_dir(root).map_err(Error::io("read", root))?;
    let mut check = Check {
        root,
        files: BTreeMap::new(),
    };
    check.list(Path::new(""))?;
    if check.root.join("provenance.json").exists() || RunDirectory::is_begun(root) {
        check.run()?;
    } else if !root.join(DIGESTS).exists() {
        let cause = format!("it holds neither config.toml nor {DIGESTS}");
        return Err(Error::io("verify", root)(cause));
    }
    check.unlisted(Path::new(""))?;
    Ok(Verification { files: check.files })
}

struct Check<'a> {
    root: &'a Path,
    files: BTreeMap<PathBuf, FileState>,
}

impl Check<'_> {
    /// Compares a file, or one elsewhere, with the digests that it may have.
    fn compare(&mut self, path: PathBuf, expected: &[&str]) {
        let state = match fs::read(self.root.join(&path)) {
            Err(cause) => FileState::Missing {
                reason: cause.to_string(),
            },
            Ok(content) => {
                let found = sha256_hex(&content);
                match expected.contains(&found.as_str()) {
                    true => FileState::Fine,
                    false => FileState::Changed {
                        expected: expected.join(" or "),
                        found,
                    },
                }
            }
        };
        self.files.insert(path, state);
    }

    /// Checks what the list of this folder lists, and the list itself.
    fn list(&mut self, folder: &Path) -> Result<()> {
        let path = folder.join(DIGESTS);
        if !self.root.join(&path).exists() {
            let reason = "no such file".to_owned();
            self.files.insert(path, FileState::Missing { reason });
            return Ok(());
        }
        let mut digests: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        let mut state = FileState::Fine;
        for line in DigestList::of(&self.root.join(folder)).entries()? {
            match line {
                Ok((digest, name)) => {
                    digests.entry(name).or_default().insert(digest);
                }
                Err(line) => {
                    state = FileState::Changed {
                        expected: "lines of a digest, two blanks and a name".to_owned(),
                        found: format!("{line:?}"),
                    };
                }
            }
        }
        self.files.insert(path, state);
        for (name, digests) in digests {
            let digests: Vec<_> = digests.iter().map(String::as_str).collect();
            self.compare(folder.join(name), &digests);
        }
        Ok(())
    }

    /// What a run has besides: checkpoints, and what it used.
    fn run(&mut self) -> Result<()> {
        let directory = match RunDirectory::open(self.root) {
            Ok(directory) => directory,
            Err(error) => return self.damaged("config.toml", &error),
        };
        for checkpoint in all(&directory)? {
            let folder = self.inside(&checkpoint);
            self.list(&folder)?;
        }
        match Progress::newest(&directory, |_, _| {}) {
            Ok(newest) => {
                for best in &newest.progress.best {
                    let path = self.inside(&best.path(&directory));
                    self.compare(path, &[&best.sha256]);
                }
            }
            Err(error) => self.damaged("checkpoints", &error)?,
        }
        let provenance = match directory.provenance() {
            Ok(provenance) => provenance,
            Err(error) => return self.damaged("provenance.json", &error),
        };
        if let Some(weights) = provenance.weights {
            self.compare(whole(&weights.path), &[&weights.sha256]);
        }
        let data = directory.config()?.data;
        for (split, of) in &provenance.data {
            self.compare(whole(&data.join(format!("{split}.csv"))), &[&of.sha256]);
        }
        Ok(())
    }

    /// A file that the digests let pass, or that is not there, and that does not say what it should.
    fn damaged(&mut self, name: &str, error: &Error) -> Result<()> {
        let known = self.files.get(Path::new(name));
        if !matches!(
            known,
            Some(FileState::Changed { .. } | FileState::Missing { .. })
        ) {
            let reason = error.to_string();
            self.files
                .insert(name.into(), FileState::Missing { reason });
        }
        Ok(())
    }

    fn inside(&self, path: &Path) -> PathBuf {
        path.strip_prefix(self.root).unwrap_or(path).to_owned()
    }

    /// Adds what no list names. Folders of a checkpoint that was being written are none of the run's.
    fn unlisted(&mut self, folder: &Path) -> Result<()> {
        let here = self.root.join(folder);
        for entry in fs::read_dir(&here).map_err(Error::io("read", &here))? {
            let entry = entry.map_err(Error::io("read", &here))?;
            let path = folder.join(entry.file_name());
            let kind = entry.file_type().map_err(Error::io("read", &here))?;
            if kind.is_dir() {
                self.unlisted(&path)?;
            } else if entry.file_name() != LOCK {
                self.files.entry(path).or_insert(FileState::Unlisted);
            }
        }
        Ok(())
    }
}

/// A path that is relative to where the program runs, and not to the run's folder.
fn whole(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}
