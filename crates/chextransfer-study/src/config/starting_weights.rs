//! What pretrained networks start from.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::{DataSource, NetworkName};

/// Where the weights of pretrained networks are found; the first of these that says something of a network counts:
/// `files`, `source`, `checkpoints`, and the architecture's default checkpoint of the manifest.
///
/// A truncated network takes what is named for it, or its architecture's. Nothing here opens a socket: a checkpoint that
/// this machine lacks is an error that says how to fetch it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct StartingWeights {
    /// Files under torchvision's or timm's names, by network.
    pub files: BTreeMap<NetworkName, PathBuf>,
    /// Checkpoints of the manifest by their ids, by network.
    pub checkpoints: BTreeMap<NetworkName, String>,
    /// Folders in which checkpoints of the manifest are looked for before this machine's caches.
    pub folders: Vec<PathBuf>,
    /// Rows beside the manifest's own, in its format.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub manifest: Option<PathBuf>,
    /// Another task, from which networks start instead of ImageNet's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<SourceTask>,
}

/// A task on which each architecture is trained first, from drawn weights; its best checkpoint is what the study's
/// pretrained networks start from. Such weights are not ImageNet's.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SourceTask {
    /// Its dataset.
    pub data: DataSource,
    /// Settings that differ from the study's `protocol`.
    #[serde(default)]
    pub protocol: toml::Table,
    /// Seed of everything that is drawn.
    #[serde(default)]
    pub seed: u64,
}

impl StartingWeights {
    /// What a table says of a network, or of its architecture.
    pub(crate) fn of<T>(table: &BTreeMap<NetworkName, T>, network: NetworkName) -> Option<&T> {
        let whole = NetworkName {
            minus: 0,
            ..network
        };
        table.get(&network).or_else(|| table.get(&whole))
    }
}
