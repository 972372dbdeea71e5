//! Grad-CAM overlays of a run's most confident findings.

use std::path::PathBuf;

use burn::tensor::{Device, Tensor, TensorData};
use chextransfer_data::{Observation, Records, Split};
use chextransfer_explain::{GradCam, Scale, side_by_side, write_png};
use chextransfer_metrics::Predictions;
use chextransfer_train::{Ensemble, RunDirectory, normalized};
use ndarray::Array2;

use crate::{Error, Result};

/// Side of a shown radiograph in pixels, at least: what a network takes may be too small for the eye.
const SHOWN: u32 = 320;

/// For each of these observations, the image of the split that has it and that the run is surest of: radiograph and
/// Grad-CAM map side by side, as `explanations/<observation>.png` in the run's folder.
///
/// The map is the best checkpoint's at its last block, stretched to its own range: it tells where,
/// not how sure. An observation without a positive in the split gets no picture. The split must have been evaluated
/// before ([`Ensemble::evaluate`]). Returns the pictures' paths.
///
/// # Errors
/// When predictions, checkpoint, radiograph or picture cannot be read or written.
pub fn explain_run(
    directory: &RunDirectory,
    split: Split,
    observations: &[Observation],
    device: &Device,
) -> Result<Vec<PathBuf>> {
    let config = directory.config()?;
    let predictions = Predictions::read_csv(directory.predictions_path(split))?;
    let records = config.dataset()?.split(split)?;
    let ensemble = Ensemble::open(directory)?;
    let explainer = GradCam::new(&ensemble.best_network(device)?);
    let folder = directory.root().join("explanations");
    std::fs::create_dir_all(&folder).map_err(Error::io("create", &folder))?;

    let mut pictures = Vec::new();
    for &observation in observations {
        let Some(path) = surest_positive(&predictions, &records, observation) else {
            continue;
        };
        let load = |side| chextransfer_data::image::load_grey(&path, side, side);
        let side = config.image_size as usize;
        let grey = TensorData::new(load(config.image_size)?, [1, 1, side, side]);
        let image = normalized(Tensor::from_data(grey, device), ensemble.normalization());
        let shown = config.image_size.max(SHOWN);
        let name = observation.name().to_lowercase().replace(' ', "_");
        let picture = folder.join(format!("{name}.png"));
        let radiograph = Array2::from_shape_vec([shown as usize; 2], load(shown)?)
            .map_err(Error::figure(&picture))?;
        for map in explainer.explain(image, &[observation.index()])? {
            let map = map.scaled(Scale::MinMax);
            write_png(&side_by_side(radiograph.view(), map.view())?, &picture)?;
        }
        pictures.push(picture);
    }
    directory.note_files(&pictures)?;
    Ok(pictures)
}

/// The file of the positive image with the highest probability.
fn surest_positive(
    predictions: &Predictions,
    records: &Records,
    observation: Observation,
) -> Option<PathBuf> {
    let column = predictions
        .observations()
        .iter()
        .position(|name| name == observation.name())?;
    let labels = predictions.labels().column(column);
    let probabilities = predictions.probabilities().column(column);
    let (row, _) = labels
        .iter()
        .zip(probabilities)
        .enumerate()
        .filter(|(_, (label, _))| **label == Some(true))
        .map(|(row, (_, probability))| (row, probability))
        .max_by(|(_, a), (_, b)| a.total_cmp(b))?;
    let path = &predictions.paths()[row];
    let record = records
        .records()
        .iter()
        .find(|record| record.path == *path)?;
    Some(records.image_path(record))
}
