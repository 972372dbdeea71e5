//! The statistics by which images are centred and scaled before they enter a network.

use serde::{Deserialize, Serialize};

/// Mean and standard deviation of each channel, red first, for values in 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Normalization {
    /// Subtracted from every value.
    pub mean: [f32; 3],
    /// Divides what is left.
    pub std: [f32; 3],
}

impl Normalization {
    /// The statistics that torchvision's ImageNet weights were trained with.
    pub const IMAGENET: Self = Self {
        mean: [0.485, 0.456, 0.406],
        std: [0.229, 0.224, 0.225],
    };

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
