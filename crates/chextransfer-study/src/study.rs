//! A study's folder, and where things lie in it.

use std::path::{Path, PathBuf};

use chextransfer_models::weights::write_whole;
use chextransfer_train::TrainConfig;

use crate::config::StudyConfig;
use crate::grid::{Cell, percent};
use crate::ledger::Ledger;
use crate::{Error, Result};

/// A study in its folder.
///
/// | file | content |
/// | --- | --- |
/// | `study.toml` | what is compared ([`StudyConfig`]) |
/// | `runs/ID/` | the run of each cell ([`chextransfer_train::RunDirectory`]) |
/// | `ledger/ID.json` | how a cell ended, written whole or not at all; absent while it has not |
/// | `data/` | phantoms, and tables of shares of the training patients |
/// | `sources/`, `weights/` | of a source task, its runs and what networks start from |
/// | `speed/` | how fast cells trained and infer; the only files in which two executions differ |
#[derive(Debug, Clone)]
pub struct Study {
    folder: PathBuf,
    config: StudyConfig,
}

const CONFIG: &str = "study.toml";

impl Study {
    /// Makes a study's folder with this `study.toml`, and opens it.
    ///
    /// # Errors
    /// [`Error::Study`] where there is one already or the text is none.
    pub fn create(folder: &Path, text: &str) -> Result<Self> {
        let path = folder.join(CONFIG);
        if path.exists() {
            let problem = "it is there already; edit it, or choose another folder".to_owned();
            return Err(Error::in_study(&path)(problem));
        }
        StudyConfig::parse(text).map_err(Error::in_study(&path))?;
        std::fs::create_dir_all(folder).map_err(Error::io("create", folder))?;
        write_whole(&path, |file| file.write_all(text.as_bytes()))
            .map_err(Error::io("write", &path))?;
        Self::open(folder)
    }

    /// Opens a study's folder, which [`folder`](Self::folder) then names from the root, so that its runs can be used from
    /// anywhere.
    ///
    /// # Errors
    /// [`Error::Io`], and [`Error::Study`] with what is wrong in its `study.toml`.
    pub fn open(folder: &Path) -> Result<Self> {
        let folder = folder.canonicalize().map_err(Error::io("open", folder))?;
        let config = StudyConfig::read(&folder.join(CONFIG))?;
        Ok(Self { folder, config })
    }

    /// Its folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// What is compared.
    pub fn config(&self) -> &StudyConfig {
        &self.config
    }

    /// Every run, in the order in which results are told.
    pub fn cells(&self) -> Vec<Cell> {
        self.config.cells()
    }

    /// The folder of a cell's run.
    pub fn run_folder(&self, cell: &Cell) -> PathBuf {
        self.folder.join(Self::run_name(cell))
    }

    /// The same, relative to the study's.
    pub(crate) fn run_name(cell: &Cell) -> PathBuf {
        Path::new("runs").join(cell.id())
    }

    /// The folder of the dataset.
    pub fn data_folder(&self) -> PathBuf {
        self.config.data.folder(&self.folder)
    }

    /// The folder of the tables with a share of the training patients; `None` for all of them.
    pub(crate) fn share_folder(&self, cell: &Cell) -> Option<PathBuf> {
        let name = format!("f{}.s{}", percent(cell.fraction), cell.seed);
        (cell.fraction < 1.0).then(|| self.folder.join("data").join(name))
    }

    pub(crate) fn ledger(&self) -> Ledger {
        Ledger::of(&self.folder)
    }

    pub(crate) fn speed_folder(&self) -> PathBuf {
        self.folder.join("speed")
    }

    /// The settings of a cell's run, but for the weights that it starts from.
    pub(crate) fn settings(&self, cell: &Cell) -> Result<TrainConfig> {
        let data = self.data_folder();
        let asked = match self.share_folder(cell) {
            None => self.config.train_config(cell, data),
            Some(tables) => self
                .config
                .train_config(cell, tables)
                .map(|config| TrainConfig {
                    images: Some(data),
                    ..config
                }),
        };
        let mut config = asked.map_err(Error::in_study(&self.folder.join(CONFIG)))?;
        config.cache = config.cache.map(|cache| self.folder.join(cache));
        Ok(config)
    }

    /// What is wrong with this study, for use in `map_err`.
    pub(crate) fn wrong<P: ToString>(&self) -> impl FnOnce(P) -> Error {
        let wrong = Error::in_study(&self.folder.join(CONFIG));
        move |problem| wrong(problem.to_string())
    }
}
