//! The lungs' air, and what findings leave of it.

use super::canvas::{Field, Frame};
use super::math::Point;
use super::radiograph::Regions;
use crate::Observation;

/// There is lung where the depth of air is more than this.
const LUNG: f32 = 0.06;

/// Air by pixel while findings are being drawn.
#[derive(Clone, Debug)]
pub(crate) struct Aeration {
    frame: Frame,
    /// Factor of the findings' density.
    contrast: f32,
    /// Depth of air without findings, 0 to 1.
    pub(crate) air: Field,
    /// Share of it that is left.
    pub(crate) clear: Field,
    pub(crate) regions: Regions,
}

impl Aeration {
    pub(crate) fn new(frame: Frame, air: Field, contrast: f32) -> Self {
        Self {
            frame,
            contrast,
            air,
            clear: Field::of_body(frame, |_| 1.0),
            regions: Regions::new(frame),
        }
    }

    /// Replaces a share of the air by something dense. The finding's region is where that share, before the contrast's
    /// factor, is above `faint`.
    pub(crate) fn fill(&mut self, observation: Observation, opacity: &Field, faint: f32) {
        self.mark(observation, opacity, faint);
        let contrast = self.contrast;
        self.clear.zip(opacity, |clear, opacity| {
            *clear *= 1.0 - (contrast * opacity).min(1.0)
        });
    }

    /// As [`Aeration::fill`], from the opacity at each point of the body. Returns the field.
    pub(crate) fn fill_by(
        &mut self,
        observation: Observation,
        faint: f32,
        opacity: impl Fn(Point) -> f32,
    ) -> Field {
        let field = Field::of_body(self.frame, opacity);
        self.fill(observation, &field, faint);
        field
    }

    /// Marks a finding's region where `field` is above `faint` and there is lung.
    pub(crate) fn mark(&mut self, observation: Observation, field: &Field, faint: f32) {
        let mut visible = field.clone();
        visible.zip(&self.air, |value, air| {
            if air <= LUNG {
                *value = f32::MIN;
            }
        });
        self.regions
            .mark(observation, &visible, |value| value > faint);
    }

    /// Lets vessels show only where there is air.
    pub(crate) fn show_through(&self, vessels: &mut Field) {
        vessels.zip(&self.air, |vessel, air| *vessel *= (air / 0.45).min(1.0));
        vessels.zip(&self.clear, |vessel, clear| *vessel *= clear.min(1.0));
    }

    /// The depth of air that is left.
    pub(crate) fn remaining(&self) -> Field {
        let mut left = self.air.clone();
        left.zip(&self.clear, |air, clear| *air *= clear);
        left
    }
}
