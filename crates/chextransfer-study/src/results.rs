//! What a study's finished cells left behind, read from its folder.

use std::path::{Path, PathBuf};

use chextransfer_data::Split;
use chextransfer_metrics::{Bootstrap, Predictions};
use chextransfer_models::weights::{Manifest, sha256_hex};
use chextransfer_train::{RunDirectory, TrainConfig};
use serde::Deserialize;

use crate::grid::Cell;
use crate::ledger::CellState;
use crate::speed::Phase;
use crate::study::Study;
use crate::{Error, Result};

/// What a finished cell left behind.
#[derive(Debug, Clone)]
pub struct CellResult {
    /// Which.
    pub cell: Cell,
    /// The run's folder, relative to the study's: every number traces to it.
    pub run: PathBuf,
    /// Trainable parameters.
    pub parameters: u64,
    /// Multiply-accumulates of one image at the study's image size.
    pub macs: u64,
    /// Side of the last block's feature map at the study's image size.
    pub map_side: usize,
    /// ImageNet accuracy in percent that is stated for the architecture's weights.
    pub imagenet_top1: Option<f64>,
    /// Images a second in inference as measured; two executions of a study differ in it.
    pub images_per_second: Option<f64>,
    /// Training examples that the run has processed at its end.
    pub examples: u64,
    /// Probabilities and labels of the test split, by study.
    pub predictions: Predictions,
    /// SHA-256 of the weights that the run started from; none for random ones.
    pub weights_digest: Option<String>,
    /// SHA-256 of the test split's table.
    pub data_digest: String,
    /// The version that trained it.
    pub version: String,
    /// The device that trained it.
    pub device: String,
}

/// A study as read from its folder.
#[derive(Debug, Clone)]
pub struct StudyResults {
    /// Its title.
    pub title: String,
    /// What a reader must know of it, such as where its weights come from; empty where nothing is said.
    pub note: String,
    /// The observations whose mean AUROC is the study's AUC: those of the CheXpert AUC among its targets.
    pub judged: Vec<String>,
    /// How intervals are drawn.
    pub bootstrap: Bootstrap,
    /// A network worse by less than this mean AUROC is not inferior.
    pub margin: f64,
    /// Side of the images in pixels.
    pub image_size: usize,
    /// Training epochs of every cell.
    pub epochs: u64,
    /// Finished cells, in the grid's order.
    pub cells: Vec<CellResult>,
    /// Failed cells, each with its error.
    pub failed: Vec<(Cell, String)>,
    /// Cells that are neither finished nor failed.
    pub pending: Vec<Cell>,
}

impl StudyResults {
    /// Reads a study's folder. What is not finished is listed, not read.
    ///
    /// # Errors
    /// What cannot be read, and with the run's folder what does not fit: settings that are not the study's, a table of
    /// predictions that was changed, a test split or a label problem that is not the other runs'.
    pub fn read(folder: &Path) -> Result<Self> {
        let study = Study::open(folder)?;
        let config = study.config();
        let manifest = study.manifest()?;
        let (mut cells, mut failed, mut pending) =
            (Vec::<CellResult>::new(), Vec::new(), Vec::new());
        let (mut judged, mut epochs) = (Vec::new(), 0);
        for cell in study.cells() {
            let settings = study.settings(&cell)?;
            judged = settings.judged().iter().map(ToString::to_string).collect();
            epochs = settings.epochs;
            match study.state(&cell)? {
                CellState::Done => {
                    let result = read_cell(&study, cell, &settings, &manifest)?;
                    if let Some(first) = cells.first() {
                        fits(&study, first, &result)?;
                    }
                    cells.push(result);
                }
                CellState::Failed { error, .. } => failed.push((cell, error)),
                _ => pending.push(cell),
            }
        }
        Ok(Self {
            title: config.title.clone(),
            note: config.note.clone(),
            judged,
            bootstrap: config.bootstrap.clone(),
            margin: config.margin,
            image_size: config.image_size as usize,
            epochs,
            cells,
            failed,
            pending,
        })
    }
}

/// What a finished cell's run left behind, checked against what the study asks for.
fn read_cell(
    study: &Study,
    cell: Cell,
    settings: &TrainConfig,
    manifest: &Manifest,
) -> Result<CellResult> {
    let directory = RunDirectory::open(study.run_folder(&cell))?;
    same_settings(&directory.config()?, settings, directory.root())?;
    let provenance = directory.provenance()?;
    let table = directory.predictions_path(Split::Test);
    let (bytes, of) = (read(&table)?, Sidecar::read(&table.with_extension("json"))?);
    let digest = sha256_hex(&bytes);
    if digest != of.table_sha256 {
        let problem = format!(
            "its SHA-256 was {}, now {digest}; the run must be evaluated again",
            of.table_sha256
        );
        return Err(Error::in_study(&table)(problem));
    }
    let network = settings.network()?;
    let side = settings.image_size as usize;
    let blocks = network.describe([side; 2])?;
    let weights_digest = provenance.weights.map(|weights| weights.sha256);
    let used =
        (weights_digest.as_ref()).and_then(|digest| manifest.identify(cell.architecture, digest));
    let row = match used {
        Some(row) => Some(row),
        None => manifest.find(cell.architecture.name()).ok(),
    };
    let speed = study.speed(&cell, Phase::Inference)?;
    Ok(CellResult {
        run: Study::run_name(&cell),
        parameters: network.parameters() as u64,
        macs: network.macs([side; 2])?,
        map_side: blocks.last().map_or(0, |block| block.side[0]),
        imagenet_top1: row.map(|row| row.top1),
        images_per_second: speed.map(|speed| speed.images_per_second),
        examples: directory
            .validations()?
            .last()
            .map_or(0, |last| last.examples),
        predictions: Predictions::read_csv(&table)?.by_study()?,
        weights_digest,
        data_digest: of.data.sha256,
        version: provenance.program.version,
        device: provenance.device,
        cell,
    })
}

/// What is needed of the JSON file beside a table of predictions.
#[derive(Deserialize)]
struct Sidecar {
    table_sha256: String,
    data: DataOrigin,
}

#[derive(Deserialize)]
struct DataOrigin {
    sha256: String,
}

impl Sidecar {
    fn read(path: &Path) -> Result<Self> {
        serde_json::from_slice(&read(path)?).map_err(Error::in_study(path))
    }
}

fn read(path: &Path) -> Result<Vec<u8>> {
    std::fs::read(path).map_err(Error::io("read", path))
}

/// Refuses a run whose test split is not the first's: their numbers would not compare.
fn fits(study: &Study, first: &CellResult, other: &CellResult) -> Result<()> {
    if first.data_digest == other.data_digest {
        return Ok(());
    }
    let problem = format!(
        "its test split's table has the SHA-256 {}, that of {} has {}; they cannot be compared",
        other.data_digest,
        first.run.display(),
        first.data_digest
    );
    Err(Error::in_study(&study.folder().join(&other.run))(problem))
}

/// Refuses a run that was begun with other settings than the study has now. Where files lie is no matter: what is in them
/// has digests.
fn same_settings(begun: &TrainConfig, asked: &TrainConfig, run: &Path) -> Result<()> {
    let compared = |config: &TrainConfig| {
        let mut table = toml::Table::try_from(config).map_err(Error::in_study(run))?;
        for place in [
            "data",
            "images",
            "cache",
            "weights",
            "checkpoint",
            "loader_threads",
        ] {
            table.remove(place);
        }
        Ok::<_, Error>(table)
    };
    let (begun, asked) = (compared(begun)?, compared(asked)?);
    let differs = |setting: &&String| begun.get(*setting) != asked.get(*setting);
    let Some(setting) = begun.keys().chain(asked.keys()).find(differs) else {
        return Ok(());
    };
    let text = |table: &toml::Table| {
        (table.get(setting)).map_or("nothing".to_owned(), ToString::to_string)
    };
    let problem = format!(
        "it was run with {setting} = {}, and study.toml has {}; remove the run to run it again",
        text(&begun),
        text(&asked)
    );
    Err(Error::in_study(run)(problem))
}
