//! How the patient stands or lies before the detector in one picture.

use super::canvas::Frame;
use super::draws::{Key, Purpose};
use super::math::point;

/// The direction of the beam in a frontal view.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Projection {
    /// From the front: bedside pictures of the ill, shallow breath, heart magnified.
    Ap,
    /// From the back, upright.
    Pa,
}

impl Projection {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Ap => "AP",
            Self::Pa => "PA",
        }
    }
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Pose {
    pub(crate) frame: Frame,
    pub(crate) projection: Projection,
    /// How much higher the diaphragm stands than in deep breath.
    pub(crate) shallow: f32,
    /// Turn about the long axis: shift of the mediastinum against the lungs.
    pub(crate) twist: f32,
    /// Height of the shoulders relative to the usual; negative is higher.
    pub(crate) shoulders: f32,
    /// A lateral view looks left (-1, as usual) or right.
    pub(crate) facing: f32,
}

impl Pose {
    /// `side` is the picture's shorter side in pixels.
    pub(crate) fn draw(key: Key, side: u32, projection: Projection, lateral: bool) -> Self {
        let draws = &mut key.draws(Purpose::Pose);
        let bedside = projection == Projection::Ap && !lateral;
        let long = (side as f32
            * if draws.chance(0.25) {
                1.0
            } else {
                draws.between(1.12, 1.22)
            }
            + 0.5)
            .floor() as usize;
        let short = side as usize;
        let upright = if lateral {
            draws.chance(0.85)
        } else {
            draws.chance(0.3)
        };
        let (width, height) = if upright {
            (short, long)
        } else {
            (long, short)
        };
        // The lungs' height of one unit fills this share of the picture's height, limited by its width.
        let fill = draws.between(0.66, 0.76);
        let scale = if lateral {
            (fill * height as f32).min(0.86 * width as f32)
        } else {
            (fill * height as f32).min(draws.between(0.62, 0.70) * width as f32)
        };
        let sloppy = if bedside { 1.6 } else { 1.0 };
        let middle = point(
            width as f32 * 0.5 + scale * 0.03 * sloppy * draws.normal(),
            height as f32 * 0.485 + scale * 0.03 * sloppy * draws.normal(),
        );
        let turn = 0.014 * sloppy * draws.normal();
        Self {
            frame: Frame::new(width, height, scale, middle, turn),
            projection,
            shallow: if bedside {
                draws.between(0.03, 0.13)
            } else {
                draws.between(-0.01, 0.05)
            },
            twist: 0.008 * sloppy * draws.normal(),
            shoulders: draws.between(-0.03, 0.03),
            facing: draws.side(0.12),
        }
    }
}
