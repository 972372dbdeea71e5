//! Probabilities of a split.

use std::ops::ControlFlow;

use burn::tensor::{Device, activation::sigmoid};
use chextransfer_data::{Loader, Normalization, Observation, Records, Skipped};
use chextransfer_metrics::Predictions;
use chextransfer_models::Network;
use ndarray::Array2;

use crate::event::{Event, Observer};
use crate::input::Input;
use crate::loss::masked_binary_cross_entropy;
use crate::{Error, Result};

/// What a network says of a split, with the labels.
#[derive(Debug, Clone)]
pub struct Prediction {
    /// Probability and label of every readable image.
    pub table: Predictions,
    /// Mean masked cross-entropy over the images.
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
    let records = loader.records();
    let (mut paths, mut studies) = (Vec::new(), Vec::new());
    let (mut labels, mut probabilities, mut skipped) = (Vec::new(), Vec::new(), Vec::new());
    let (mut loss, mut counted) = (0.0, 0.0);
    for batch in loader.in_order() {
        let batch = batch?;
        if !batch.indices.is_empty() {
            let rows = 0..batch.indices.len();
            let input = Input::new(&batch, rows, normalization, device);
            let logits = network.forward(input.images);
            let elements = batch.mask.iter().map(|&mask| f64::from(mask)).sum::<f64>();
            let mean = masked_binary_cross_entropy(logits.clone(), input.targets, input.mask)
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
            probabilities.extend(sigmoid(logits).into_data().iter::<f64>());
        }
        for &index in &batch.indices {
            let record = &records.records()[index];
            paths.push(record.path.clone());
            studies.push(record.study.clone());
        }
        let pairs = batch.targets.iter().zip(&batch.mask);
        labels.extend(pairs.map(|(&target, &mask)| (mask == 1.0).then_some(target == 1.0)));
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
    let shape = (paths.len(), Observation::COUNT);
    let shaped = |error: ndarray::ShapeError| Error::io("arrange", records.file())(error);
    let table = Predictions::new(
        Observation::ALL
            .map(|observation| observation.name().to_owned())
            .to_vec(),
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
