//! Probabilities of a split.

use std::ops::ControlFlow;

use burn::tensor::Device;
use chextransfer_data::{Loader, Normalization, Records, Skipped};
use chextransfer_metrics::Predictions;
use chextransfer_models::Network;
use ndarray::Array2;

use crate::data_parallel::Shard;
use crate::event::{Event, Observer};
use crate::input::normalized;
use crate::outputs::{self, target_names};
use crate::{Error, Result};

/// What a network says of a split, with the labels.
#[derive(Debug, Clone)]
pub struct Prediction {
    /// Probability and label of every readable image.
    pub table: Predictions,
    /// Mean cross-entropy of the targets that count, without weights or smoothing.
    pub loss: f64,
    /// Images that could not be read.
    pub skipped: Vec<Skipped>,
}

/// Predicts the images of a loader in their order; `None` when the observer asked to stop.
///
/// # Errors
/// [`Error::NothingReadable`] when there is no image to predict, [`Error::PredictionLoss`] when the
/// network gives no finite numbers.
pub fn predict(
    network: &Network,
    loader: &Loader,
    normalization: &Normalization,
    device: &Device,
    observer: &mut Observer,
) -> Result<Option<Prediction>> {
    let (records, encoder) = (loader.records(), loader.labels());
    let problem = encoder.problem();
    let cross_entropy = outputs::loss(problem)?;
    let (mut paths, mut studies) = (Vec::new(), Vec::new());
    let (mut labels, mut probabilities, mut skipped) = (Vec::new(), Vec::new(), Vec::new());
    let (mut loss, mut counted) = (0.0, 0.0);
    for batch in loader.in_order() {
        let batch = batch?;
        if !batch.indices.is_empty() {
            let shard = Shard::new(&batch, device);
            let logits = network.forward(normalized(shard.images, normalization));
            let elements = cross_entropy.counted(&batch.mask);
            let mean = (cross_entropy.mean(logits.clone(), shard.targets, shard.mask))
                .into_scalar::<f32>();
            if !mean.is_finite() {
                return Err(Error::PredictionLoss {
                    loss: mean,
                    images: named(records, &batch.indices),
                    table: records.file().to_owned(),
                });
            }
            loss += f64::from(mean) * elements;
            counted += elements;
            probabilities.extend(outputs::probabilities(logits, problem));
        }
        for &index in &batch.indices {
            let record = &records.records()[index];
            paths.push(record.path.clone());
            studies.push(record.study.clone());
            let targets = problem.targets().iter();
            labels.extend(targets.map(|&target| encoder.truth(record, target)));
        }
        skipped.extend(batch.skipped);
        let done = paths.len() + skipped.len();
        let event = Event::Predicting {
            done,
            of: records.len(),
        };
        if let ControlFlow::Break(()) = observer(event) {
            return Ok(None);
        }
    }
    if paths.is_empty() {
        let split = records.file().display().to_string();
        return Err(Error::NothingReadable { split });
    }
    let targets = target_names(problem);
    let shape = (paths.len(), targets.len());
    let shaped = |error: ndarray::ShapeError| Error::io("arrange", records.file())(error);
    let table = Predictions::new(
        targets,
        paths,
        studies,
        Array2::from_shape_vec(shape, labels).map_err(shaped)?,
        Array2::from_shape_vec(shape, probabilities).map_err(shaped)?,
    )?;
    Ok(Some(Prediction {
        table,
        loss: loss / f64::max(counted, 1.0),
        skipped,
    }))
}

/// The paths of these rows, the first few of many.
pub(crate) fn named(records: &Records, rows: &[usize]) -> String {
    const SHOWN: usize = 3;
    let paths = rows.iter().map(|&row| records.records()[row].path.as_str());
    let shown: Vec<_> = paths.take(SHOWN).collect();
    let shown = shown.join(", ");
    match rows.len().saturating_sub(SHOWN) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}
