//! What a loader hands out.

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::draw::Draw;
use crate::image::decode_grey;
use crate::{Error, ImageRecipe, LabelEncoder, Records, Result};

/// Some images with their targets, as flat arrays in row-major order.
#[derive(Clone, Debug, PartialEq)]
pub struct Batch {
    /// The batch's number in its epoch, counted from 0.
    pub number: usize,
    /// The rows of the split, in the order of the images: `[n]`.
    pub indices: Vec<usize>,
    /// Height and width of an image.
    pub side: usize,
    /// `[n, 1, side, side]` grey values in 0 to 1, not normalised.
    pub images: Vec<f32>,
    /// `[n, outputs]` targets, 0 to 1, as [`crate::LabelEncoder::encode`] makes them; 0 where masked.
    pub targets: Vec<f32>,
    /// `[n, outputs]`: 1 where the target counts, 0 where it is masked.
    pub mask: Vec<f32>,
    /// The batch's images that could not be read. If none could, the batch is empty: `n` is 0.
    pub skipped: Vec<Skipped>,
}

/// An image that was left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Skipped {
    /// The path as in the CSV.
    pub path: String,
    /// Why, in one line that names the file.
    pub reason: String,
}

/// What all batches of an epoch share.
pub(crate) struct Assembly<'a> {
    pub(crate) records: &'a Records,
    pub(crate) recipe: ImageRecipe,
    pub(crate) labels: &'a LabelEncoder,
    pub(crate) seed: u64,
    pub(crate) epoch: u64,
}

impl Assembly<'_> {
    /// Builds one batch; `None` if `cancelled` said so on the way.
    pub(crate) fn batch(
        &self,
        number: usize,
        indices: &[usize],
        cancelled: impl Fn() -> bool,
    ) -> Option<Result<Batch>> {
        let side = self.recipe.crop as usize;
        let outputs = self.labels.problem().outputs();
        let mut batch = Batch {
            number,
            indices: Vec::with_capacity(indices.len()),
            side,
            images: Vec::with_capacity(indices.len() * side * side),
            targets: Vec::with_capacity(indices.len() * outputs),
            mask: Vec::with_capacity(indices.len() * outputs),
            skipped: Vec::new(),
        };
        for &index in indices {
            if cancelled() {
                return None;
            }
            let record = &self.records.records()[index];
            match self.image(index) {
                Ok(image) => {
                    batch.indices.push(index);
                    batch.images.extend(image);
                    let (targets, mask) = (&mut batch.targets, &mut batch.mask);
                    if let Err(error) = self.labels.encode(record, targets, mask) {
                        return Some(Err(error));
                    }
                }
                Err(error) => batch.skipped.push(Skipped {
                    path: record.path.clone(),
                    reason: error.to_string(),
                }),
            }
        }
        Some(Ok(batch))
    }

    fn image(&self, index: usize) -> Result<Vec<f32>> {
        let path = self.records.image_path(&self.records.records()[index]);
        let draw = Draw {
            seed: self.seed,
            epoch: self.epoch,
            index: index as u64,
        };
        // A decoder that panics on some file must not cost the other images of the run.
        catch_unwind(AssertUnwindSafe(|| {
            self.recipe.apply(&decode_grey(&path)?, draw)
        }))
        .unwrap_or_else(|panic| {
            Err(Error::Image {
                path: path.clone(),
                problem: format!("the decoder panicked: {}", panic_message(&*panic)),
            })
        })
    }
}

/// The text of a panic.
pub(crate) fn panic_message(panic: &(dyn std::any::Any + Send)) -> &str {
    panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("a panic without a message")
}
