//! What a rendering gives: the picture, and for each finding drawn the region where it was drawn.

use image::GrayImage;

use super::canvas::{Field, Frame};
use super::truth::OPACITIES;
use crate::Observation;

/// One view, ready to be written.
#[derive(Clone, Debug)]
pub(crate) struct Radiograph {
    pub(crate) image: GrayImage,
    pub(crate) masks: Vec<(Observation, GrayImage)>,
}

/// The regions of the findings while they are being drawn.
#[derive(Clone, Debug)]
pub(crate) struct Regions {
    width: usize,
    height: usize,
    masks: Vec<(Observation, Vec<bool>)>,
}

impl Regions {
    pub(crate) fn new(frame: Frame) -> Self {
        Self {
            width: frame.width,
            height: frame.height,
            masks: Vec::new(),
        }
    }

    /// Marks the pixels where `inside` holds for the field's value; a finding may be marked several times.
    pub(crate) fn mark(
        &mut self,
        observation: Observation,
        field: &Field,
        inside: impl Fn(f32) -> bool,
    ) {
        if !self.masks.iter().any(|(of, _)| *of == observation) {
            self.masks
                .push((observation, vec![false; self.width * self.height]));
        }
        for (of, mask) in &mut self.masks {
            if *of == observation {
                for (pixel, &value) in mask.iter_mut().zip(&field.values) {
                    *pixel |= inside(value);
                }
            }
        }
    }

    /// The masks as pictures of 0 and 255, with that of `Lung Opacity` as the union of its kinds; empty ones are left out.
    pub(crate) fn into_masks(mut self) -> Vec<(Observation, GrayImage)> {
        let mut opacity = vec![false; self.width * self.height];
        for (_, mask) in self.masks.iter().filter(|(of, _)| OPACITIES.contains(of)) {
            for (pixel, &inside) in opacity.iter_mut().zip(mask) {
                *pixel |= inside;
            }
        }
        self.masks.push((Observation::LungOpacity, opacity));
        self.masks.sort_by_key(|(of, _)| *of);
        let (width, height) = (self.width as u32, self.height as u32);
        self.masks
            .into_iter()
            .filter(|(_, mask)| mask.contains(&true))
            .filter_map(|(of, mask)| {
                let pixels = mask
                    .into_iter()
                    .map(|inside| if inside { 255 } else { 0 })
                    .collect();
                Some((of, GrayImage::from_raw(width, height, pixels)?))
            })
            .collect()
    }
}
