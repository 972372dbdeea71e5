//! Feature maps and logits of images on the host, a few images at a time.

use burn::module::Module;
use burn::tensor::{Device, Tensor, TensorData};

use crate::{Channels, Error, Network, Result};

/// What a network makes of images.
#[derive(Debug, Clone, PartialEq)]
pub struct Extraction {
    /// The feature map of every block, `[images, channels, height, width]`.
    pub blocks: Vec<TensorData>,
    /// The logits, `[images, classes]`.
    pub logits: TensorData,
}

/// Images on the device at once.
const BATCH: usize = 16;

impl Network {
    /// Every block's map and the logits of any number of images, as in inference.
    ///
    /// # Shapes
    /// Images `[images, 3, height, width]` (1 for [`Channels::Gray`]), already normalised.
    ///
    /// # Errors
    /// [`Error::NotImages`] and [`Error::InputTooSmall`].
    pub fn extract(&self, images: &TensorData, device: &Device) -> Result<Extraction> {
        let channels = match self.spec().channels() {
            Channels::Rgb => 3,
            Channels::Gray => 1,
        };
        let (count, height, width) = match images.shape()[..] {
            [count, found, height, width] if found == channels && count > 0 => {
                (count, height, width)
            }
            _ => {
                return Err(Error::NotImages {
                    network: self.spec().name(),
                    channels,
                    found: images.shape().to_vec(),
                });
            }
        };
        let blocks = self.spec().describe([height, width])?;
        let network = self.valid();
        let pixels: Vec<f32> = images.iter().collect();
        let mut maps = vec![Vec::new(); blocks.len()];
        let mut logits = Vec::new();
        for batch in pixels.chunks(BATCH * channels * height * width) {
            let batch_size = batch.len() / (channels * height * width);
            let batch = TensorData::new(batch.to_vec(), [batch_size, channels, height, width]);
            let features = network.forward_features(Tensor::from_data(batch, device));
            if let Some(last) = features.last() {
                logits.extend(network.forward_head(last.clone()).into_data().iter::<f32>());
            }
            for (values, map) in maps.iter_mut().zip(features) {
                values.extend(map.into_data().iter::<f32>());
            }
        }
        let maps = maps.into_iter().zip(blocks).map(|(values, block)| {
            let [height, width] = block.side;
            TensorData::new(values, [count, block.channels, height, width])
        });
        Ok(Extraction {
            blocks: maps.collect(),
            logits: TensorData::new(logits, [count, self.spec().classes()]),
        })
    }
}
