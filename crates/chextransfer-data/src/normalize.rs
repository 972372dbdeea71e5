//! The statistics by which images are centred and scaled before they enter a network.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::loader::{Loader, LoaderConfig, Skipped};
use crate::{Error, ImageRecipe, LabelProblem, Records, Result};

/// Mean and standard deviation of each channel, red first, for values in 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Normalization {
    /// Subtracted from every value.
    pub mean: [f32; 3],
    /// Divides what is left.
    pub std: [f32; 3],
}

/// A normalisation and what it was measured on.
#[derive(Clone, Debug, PartialEq)]
pub struct Measured {
    /// The statistics, the same in all three channels.
    pub normalization: Normalization,
    /// How many images they were measured on.
    pub images: usize,
    /// The images that could not be read and are not part of them.
    pub skipped: Vec<Skipped>,
}

impl Normalization {
    /// The statistics that torchvision's ImageNet weights were trained with.
    pub const IMAGENET: Self = Self {
        mean: [0.485, 0.456, 0.406],
        std: [0.229, 0.224, 0.225],
    };

    /// Measures a split: mean and population standard deviation over all pixels after the recipe with a centred crop.
    ///
    /// The images are streamed, so memory does not grow with their number, and summed in the order of the split in f64,
    /// so the result does not depend on `config`. `progress` is told the number of images done after every batch.
    ///
    /// # Errors
    ///
    /// [`Error::Normalization`] if no image can be read or all pixels are equal, [`Error::Setting`] for a recipe or
    /// configuration out of range.
    pub fn measure(
        records: &Arc<Records>,
        recipe: ImageRecipe,
        config: LoaderConfig,
        mut progress: impl FnMut(usize),
    ) -> Result<Measured> {
        let loader = Loader::new(Arc::clone(records), recipe, LabelProblem::paper(), config)?;
        let (mut images, mut pixels, mut sum, mut squares) = (0, 0.0_f64, 0.0_f64, 0.0_f64);
        let mut skipped = Vec::new();
        for batch in loader.in_order() {
            let batch = batch?;
            for image in batch.images.chunks_exact(batch.side * batch.side) {
                let values = || image.iter().map(|&value| f64::from(value));
                sum += values().sum::<f64>();
                squares += values().map(|value| value * value).sum::<f64>();
                pixels += image.len() as f64;
            }
            images += batch.indices.len();
            skipped.extend(batch.skipped);
            progress(images + skipped.len());
        }

        let impossible = |problem: String| Error::Normalization {
            file: records.file().to_path_buf(),
            problem,
        };
        if images == 0 {
            return Err(impossible(match skipped.first() {
                Some(first) => format!(
                    "none of its {} images is readable; {}",
                    skipped.len(),
                    first.reason
                ),
                None => "it has no images".to_owned(),
            }));
        }
        let mean = sum / pixels;
        let std = (squares / pixels - mean * mean).max(0.0).sqrt();
        // Below the rounding of the sums there is no spread to speak of.
        if std < 1e-6 {
            return Err(impossible(format!("all pixels have the value {mean}")));
        }
        Ok(Measured {
            normalization: Self {
                mean: [mean as f32; 3],
                std: [std as f32; 3],
            },
            images,
            skipped,
        })
    }

    /// Normalises `[3, height, width]` values in place.
    pub fn apply(&self, image: &mut [f32]) {
        let plane = image.len() / 3;
        for (channel, values) in image.chunks_exact_mut(plane.max(1)).take(3).enumerate() {
            for value in values {
                *value = (*value - self.mean[channel]) / self.std[channel];
            }
        }
    }
}
