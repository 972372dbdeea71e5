//! Checkpoints: the newest to resume from, the best for the ensemble.

use std::fs;
use std::path::{Path, PathBuf};

use chextransfer_models::Network;
use chextransfer_models::weights::sha256_hex;
use serde::{Deserialize, Serialize};

use crate::digest_list::{DIGESTS, line};
use crate::files::{create_folder, write_whole};
use crate::loss_scale::LossScale;
use crate::run_directory::RunDirectory;
use crate::stored::{load_network, network_bytes};
use crate::trainer::State;
use crate::{Error, Result};

/// Where a run is: all that a resumed one needs besides weights and optimiser.
///
/// There is no state of a random generator: order and crops are functions of (seed, epoch), dropout
/// of (seed, step).
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Progress {
    /// Optimiser steps taken.
    pub(crate) step: u64,
    /// Epochs completed.
    pub(crate) epoch: u64,
    /// Batches done in the current epoch.
    pub(crate) batch: usize,
    /// Training examples seen.
    pub(crate) examples: u64,
    /// `examples` at the last validation.
    pub(crate) validated_at: u64,
    /// `step` at the last validation.
    pub(crate) validated_step: u64,
    /// Steps left out because their numbers were not finite.
    pub(crate) skipped_steps: u64,
    /// Losses of the steps since then.
    pub(crate) losses: Vec<f32>,
    /// Mean AUROC of every validation, on which schedules depend; NaN where it was undefined.
    pub(crate) validation_aucs: Vec<f64>,
    /// All validations: the lines of `metrics.jsonl`.
    pub(crate) validations: Vec<String>,
    /// The best checkpoints, best first.
    pub(crate) best: Vec<Best>,
    /// The factor of the loss, where the precision asks for one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) loss_scale: Option<LossScale>,
}

/// A checkpoint that is kept for the ensemble.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Best {
    /// The optimiser step after which it was taken.
    pub step: u64,
    /// Its mean validation AUROC; `None` where that is undefined.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub validation_auc: Option<f64>,
    /// SHA-256 of its weights.
    pub sha256: String,
}

const NETWORK: &str = "network.bpk";
const OPTIMIZER: &str = "optimizer.bpk";
/// The moving average of the weights, in runs that keep one.
const AVERAGE: &str = "average.bpk";
/// TOML, because its reader returns every number to the last bit. serde_json's may miss it, unless a
/// feature is switched on for the whole program.
const PROGRESS: &str = "progress.toml";
/// Checkpoints to resume from: the newest, and the one before in case it is damaged.
const KEPT: usize = 2;

impl Best {
    /// Better first: the higher AUROC, an undefined one last, the earlier of equals.
    fn rank(&self, other: &Self) -> std::cmp::Ordering {
        let auc = |best: &Self| best.validation_auc.unwrap_or(f64::NEG_INFINITY);
        auc(other)
            .total_cmp(&auc(self))
            .then(self.step.cmp(&other.step))
    }

    pub(crate) fn path(&self, directory: &RunDirectory) -> PathBuf {
        best_folder(directory).join(format!("step-{:08}.bpk", self.step))
    }

    /// Loads its weights into a network of the same shape.
    pub(crate) fn load(&self, network: Network, directory: &RunDirectory) -> Result<Network> {
        let path = self.path(directory);
        let bytes = read_checked(&path, &self.sha256)?;
        load_network(network, &bytes).map_err(|reason| Error::Checkpoint { path, reason })
    }
}

impl Progress {
    /// Ranks a network, an inference copy, among the best, and stores it where it is one of `keep`;
    /// those that no longer are go with the next [`Progress::save`].
    pub(crate) fn keep_if_good(
        &mut self,
        network: &Network,
        validation_auc: Option<f64>,
        keep: usize,
        directory: &RunDirectory,
    ) -> Result<()> {
        let mut candidate = Best {
            step: self.step,
            validation_auc,
            sha256: String::new(),
        };
        let rank = self
            .best
            .partition_point(|best| best.rank(&candidate).is_lt());
        if rank >= keep {
            return Ok(());
        }
        let path = candidate.path(directory);
        let bytes = network_bytes(network).map_err(Error::io("write", &path))?;
        candidate.sha256 = sha256_hex(&bytes);
        create_folder(&best_folder(directory))?;
        write_whole(&path, &bytes)?;
        self.best.insert(rank, candidate);
        self.best.truncate(keep);
        Ok(())
    }

    /// Stores a checkpoint to resume from, whole or not at all, and then drops what it supersedes.
    pub(crate) fn save(&self, state: &State, directory: &RunDirectory) -> Result<()> {
        let path = self.path(directory);
        let progress = toml::to_string(self).map_err(Error::io("write", &path))?;
        let average = state.average.as_ref();
        let files = [
            (NETWORK, &state.network[..]),
            (OPTIMIZER, &state.optimizer),
            (PROGRESS, progress.as_bytes()),
        ];
        let files = files
            .into_iter()
            .chain(average.map(|average| (AVERAGE, &average[..])));
        let files: Vec<_> = files.collect();
        let digest = |(name, bytes): (&str, &[u8])| line(name, bytes) + "\n";
        let digests: String = files.iter().copied().map(digest).collect();
        let mut builder = tempfile::Builder::new();
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o777));
        let temporary = builder
            .prefix("unfinished-")
            .tempdir_in(directory.checkpoints())
            .map_err(Error::io("write", &path))?;
        for (name, bytes) in files.into_iter().chain([(DIGESTS, digests.as_bytes())]) {
            write_whole(&temporary.path().join(name), bytes)?;
        }
        if path.exists() {
            fs::remove_dir_all(&path).map_err(Error::io("replace", &path))?;
        }
        fs::rename(temporary.path(), &path).map_err(Error::io("write", &path))?;
        self.clean(directory)
    }

    fn path(&self, directory: &RunDirectory) -> PathBuf {
        directory
            .checkpoints()
            .join(format!("step-{:08}", self.step))
    }

    /// Removes checkpoints that are superseded and files of a run that ended half-way.
    pub(crate) fn clean(&self, directory: &RunDirectory) -> Result<()> {
        for old in all(directory)?.into_iter().skip(KEPT) {
            fs::remove_dir_all(&old).map_err(Error::io("remove", &old))?;
        }
        let kept: Vec<_> = self.best.iter().map(|best| best.path(directory)).collect();
        let folder = best_folder(directory);
        for path in entries(&folder)? {
            if !kept.contains(&path) {
                fs::remove_file(&path).map_err(Error::io("remove", &path))?;
            }
        }
        for path in entries(&directory.checkpoints())? {
            let name = path
                .file_name()
                .and_then(|name| name.to_str())
                .unwrap_or_default();
            if name.starts_with("unfinished-") {
                fs::remove_dir_all(&path).map_err(Error::io("remove", &path))?;
            }
        }
        Ok(())
    }

    /// Reads where a run is from its newest whole checkpoint; `refused` hears of damaged ones.
    pub(crate) fn newest(
        directory: &RunDirectory,
        mut refused: impl FnMut(&Path, &str),
    ) -> Result<Checkpoint> {
        let mut reasons = String::new();
        for path in all(directory)? {
            match Checkpoint::read(&path) {
                Ok(checkpoint) => return Ok(checkpoint),
                Err(error) => {
                    refused(&path, &error.to_string());
                    reasons += &format!("; {error}");
                }
            }
        }
        Err(Error::NoCheckpoint {
            path: directory.root().to_owned(),
            refused: reasons,
        })
    }
}

/// A checkpoint whose digests were found right.
pub(crate) struct Checkpoint {
    pub(crate) progress: Progress,
    pub(crate) state: State,
    pub(crate) path: PathBuf,
}

impl Checkpoint {
    fn read(path: &Path) -> Result<Self> {
        let wrong = |reason: String| Error::Checkpoint {
            path: path.to_owned(),
            reason,
        };
        let digests = fs::read_to_string(path.join(DIGESTS))
            .map_err(|cause| wrong(format!("{DIGESTS}: {cause}")))?;
        let digest = |name: &str| {
            (digests.lines()).find_map(|line| line.strip_suffix(name)?.strip_suffix("  "))
        };
        let read = |name: &str| {
            let digest = digest(name);
            let digest = digest.ok_or_else(|| wrong(format!("{DIGESTS} does not list {name}")))?;
            read_checked(&path.join(name), digest)
        };
        let progress = toml::from_slice(&read(PROGRESS)?)
            .map_err(|cause| wrong(format!("{PROGRESS}: {}", cause.message())))?;
        Ok(Self {
            progress,
            state: State {
                network: read(NETWORK)?,
                optimizer: read(OPTIMIZER)?,
                average: digest(AVERAGE).map(|_| read(AVERAGE)).transpose()?,
            },
            path: path.to_owned(),
        })
    }
}

/// Whether the folder holds a checkpoint behind the one that a run begins with.
pub(crate) fn holds_training(directory: &RunDirectory) -> Result<bool> {
    let beginning = Progress::default().path(directory);
    Ok(all(directory)?.iter().any(|path| *path != beginning))
}

fn best_folder(directory: &RunDirectory) -> PathBuf {
    directory.checkpoints().join("best")
}

/// Checkpoints to resume from, the newest first.
pub(crate) fn all(directory: &RunDirectory) -> Result<Vec<PathBuf>> {
    let is_checkpoint = |path: &PathBuf| {
        let name = path.file_name().and_then(|name| name.to_str());
        name.is_some_and(|name| name.starts_with("step-"))
    };
    let mut all: Vec<_> = entries(&directory.checkpoints())?
        .into_iter()
        .filter(is_checkpoint)
        .collect();
    all.sort_by(|a, b| b.cmp(a));
    Ok(all)
}

fn entries(folder: &Path) -> Result<Vec<PathBuf>> {
    if !folder.exists() {
        return Ok(Vec::new());
    }
    fs::read_dir(folder)
        .and_then(|entries| entries.map(|entry| Ok(entry?.path())).collect())
        .map_err(Error::io("read", folder))
}

fn read_checked(path: &Path, sha256: &str) -> Result<Vec<u8>> {
    let bytes = fs::read(path).map_err(Error::io("read", path))?;
    let found = sha256_hex(&bytes);
    if found != sha256 {
        return Err(Error::Checkpoint {
            path: path.to_owned(),
            reason: format!("its SHA-256 is {found}, expected {sha256}: half-written or changed"),
        });
    }
    Ok(bytes)
}
