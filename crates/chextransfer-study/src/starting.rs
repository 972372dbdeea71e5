//! What a pretrained cell starts from: a file, a checkpoint of the manifest, or a network of the source task.

use std::collections::BTreeMap;
use std::path::PathBuf;

use chextransfer_models::Architecture;
use chextransfer_models::weights::{self, Checkpoint, Dialect, Manifest, WeightStore};
use chextransfer_train::{Ensemble, TrainConfig};

use crate::config::{NetworkName, SourceTask, StartingWeights, with_settings};
use crate::grid::Cell;
use crate::shard::Shard;
use crate::study::Study;
use crate::{Error, Result};

/// A file of weights, and what the manifest knows of it.
pub(crate) type Start = (PathBuf, Option<Checkpoint>);

/// A network trained on the source task.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Source {
    pub(crate) architecture: Architecture,
}

impl Source {
    pub(crate) fn id(&self) -> String {
        format!("{}.source", self.architecture)
    }
}

impl Study {
    /// What a cell starts from; `None` for drawn weights.
    pub(crate) fn start_of(&self, cell: &Cell) -> Result<Option<Start>> {
        if !cell.pretrained {
            return Ok(None);
        }
        let asked = &self.config().weights;
        let network = NetworkName {
            architecture: cell.architecture,
            minus: cell.minus,
        };
        if let Some(file) = StartingWeights::of(&asked.files, network) {
            return Ok(Some((self.folder().join(file), None)));
        }
        if asked.source.is_some() {
            let architecture = cell.architecture;
            return Ok(Some((self.source_weights(&Source { architecture }), None)));
        }
        let manifest = self.manifest()?;
        let id = StartingWeights::of(&asked.checkpoints, network);
        let id = id.map_or(cell.architecture.name(), String::as_str);
        let row = manifest.find(id)?;
        let mut store = WeightStore::from_environment()?;
        store.folders = asked
            .folders
            .iter()
            .map(|folder| self.folder().join(folder))
            .collect();
        let located = store.require(row)?;
        Ok(Some((located.path, Some(row.clone()))))
    }

    /// The known checkpoints.
    pub(crate) fn manifest(&self) -> Result<Manifest> {
        let carried = Manifest::carried()?;
        Ok(match &self.config().weights.manifest {
            None => carried,
            Some(path) => carried.extended_by(&self.folder().join(path))?,
        })
    }

    /// The networks of the source task that cells start from and that were not trained yet.
    pub(crate) fn missing_sources<'a>(&self, cells: impl Iterator<Item = &'a Cell>) -> Vec<Source> {
        let asked = &self.config().weights;
        let mut missing: Vec<Source> = Vec::new();
        for cell in cells.filter(|cell| cell.pretrained && asked.source.is_some()) {
            let network = NetworkName {
                architecture: cell.architecture,
                minus: cell.minus,
            };
            let source = Source {
                architecture: cell.architecture,
            };
            let has_file = StartingWeights::of(&asked.files, network).is_some();
            if !has_file && !missing.contains(&source) && !self.source_weights(&source).exists() {
                missing.push(source);
            }
        }
        missing
    }

    fn source_weights(&self, source: &Source) -> PathBuf {
        let file = format!("{}.safetensors", source.architecture);
        self.folder().join("weights").join(file)
    }

    /// The run of a source task. Shards share no run, so each that needs it trains its own; the first to be done counts.
    pub(crate) fn source_folder(&self, source: &Source, shard: Shard) -> PathBuf {
        let name = match shard.is_whole() {
            true => source.architecture.to_string(),
            false => format!("{}.shard{}", source.architecture, shard).replace('/', "of"),
        };
        self.folder().join("sources").join(name)
    }

    /// The settings of a source task's run.
    pub(crate) fn source_settings(&self, source: &Source) -> Result<TrainConfig> {
        let task = self.source_task()?;
        let cell = Cell {
            architecture: source.architecture,
            minus: 0,
            pretrained: false,
            fraction: 1.0,
            seed: task.seed,
        };
        let data = task.data.folder(self.folder());
        let config = self.config().train_config(&cell, data);
        let config = config.and_then(|config| with_settings(&config, &task.protocol));
        let mut config = config.map_err(|problem| self.wrong()(problem))?;
        config.cache = config.cache.map(|cache| self.folder().join(cache));
        Ok(config)
    }

    pub(crate) fn source_task(&self) -> Result<&SourceTask> {
        let source = self.config().weights.source.as_ref();
        source.ok_or_else(|| self.wrong()("weights.source: found nothing, expected a source task"))
    }

    /// Writes the best network of a source task's run as the file that cells start from, unless another process did.
    pub(crate) fn keep_source(&self, source: &Source, ensemble: &Ensemble) -> Result<()> {
        let path = self.source_weights(source);
        if path.exists() {
            return Ok(());
        }
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).map_err(Error::io("create", folder))?;
        }
        let device = chextransfer_models::DeviceChoice::Cpu.open()?;
        let network = ensemble.best_network(&device)?;
        let dialect = match source.architecture {
            Architecture::InceptionV4 => Dialect::Timm,
            _ => Dialect::Torchvision,
        };
        let metadata = BTreeMap::from([("task".to_owned(), "the study's source task".to_owned())]);
        Ok(weights::export(&network, dialect, &path, metadata)?)
    }
}
