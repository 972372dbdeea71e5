//! Where other programs and users keep the same files.

use std::path::{Path, PathBuf};

use super::{Origin, WeightStore};
use crate::weights::Checkpoint;

/// The hub that rows of the manifest name; `HF_ENDPOINT` stands in for it.
pub(in crate::weights) const HUB: &str = "https://huggingface.co";

/// A file of the Hugging Face hub, as its address names it.
struct HubFile<'a> {
    /// `organisation/name`.
    repository: &'a str,
    /// A branch, tag or commit.
    revision: &'a str,
    /// Path within the repository.
    path: &'a str,
}

impl WeightStore {
    /// Files outside our cache that may be the checkpoint, in the order of trial.
    ///
    /// Where nothing is known of the content, the name alone has to say which checkpoint it is:
    /// `model.safetensors` in a user's folder does not, nor does an old revision in the hub's cache.
    pub(super) fn elsewhere(&self, checkpoint: &Checkpoint, known: bool) -> Vec<(Origin, PathBuf)> {
        let Checkpoint { id, file, url, .. } = checkpoint;
        let hub_file = HubFile::of(url);
        let mut candidates = Vec::new();
        for folder in &self.folders {
            let origin = || Origin::Folder(folder.clone());
            candidates.push((origin(), folder.join(id).join(file)));
            if let Some(extension) = Path::new(file).extension() {
                let named = format!("{id}.{}", extension.to_string_lossy());
                candidates.push((origin(), folder.join(named)));
            }
            if known || hub_file.is_none() {
                candidates.push((origin(), folder.join(file)));
            }
        }
        if let (Some(cache), Some(hub_file)) = (&self.hugging_face, &hub_file) {
            let files = hub_file.copies(cache, known).into_iter();
            candidates.extend(files.map(|path| (Origin::HuggingFace, path)));
        }
        if let (Some(cache), None) = (&self.torch_hub, &hub_file) {
            candidates.push((Origin::TorchHub, cache.join(file)));
        }
        candidates
    }
}

impl<'a> HubFile<'a> {
    fn of(url: &'a str) -> Option<Self> {
        let (repository, rest) = url
            .strip_prefix(HUB)?
            .strip_prefix('/')?
            .split_once("/resolve/")?;
        let (revision, path) = rest.split_once('/')?;
        let plain = |part: &str| !part.is_empty() && part != "." && part != "..";
        let all = repository
            .split('/')
            .chain([revision])
            .chain(path.split('/'));
        all.into_iter().all(plain).then_some(Self {
            repository,
            revision,
            path,
        })
    }

    /// `models--ORG--NAME/snapshots/COMMIT/PATH`: the revision's commit first; the other commits
    /// only where a digest tells them apart.
    fn copies(&self, cache: &Path, known: bool) -> Vec<PathBuf> {
        let repository = format!("models--{}", self.repository.replace('/', "--"));
        let repository = cache.join(repository);
        let commit = std::fs::read_to_string(repository.join("refs").join(self.revision));
        let commit = commit.map_or(self.revision.to_owned(), |text| text.trim().to_owned());
        let snapshots = repository.join("snapshots");
        let current = snapshots.join(commit);
        let mut others: Vec<_> = (std::fs::read_dir(&snapshots).into_iter().flatten())
            .filter_map(|entry| entry.ok().map(|entry| entry.path()))
            .filter(|folder| known && *folder != current)
            .collect();
        others.sort();
        let folders = [current].into_iter().chain(others);
        folders.map(|folder| folder.join(self.path)).collect()
    }
}
