//! What a study's finished cells left behind, read from its folder.

use std::path::{Path, PathBuf};

use chextransfer_metrics::{Bootstrap, Predictions};

use crate::grid::Cell;
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
    /// Training examples that the run has processed at its end.
    pub examples: u64,
    /// Images a second in inference as measured; two executions of a study differ in it.
    pub images_per_second: Option<f64>,
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
    /// Reads a study's folder.
    ///
    /// # Errors
    /// What cannot be read, and what does not fit together.
    pub fn read(folder: &Path) -> Result<Self> {
        Err(Error::Setting {
            setting: "study",
            problem: format!("{} cannot be read yet", folder.display()),
        })
    }
}
