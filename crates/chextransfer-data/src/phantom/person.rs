//! Who is before the detector: sex, age and the anatomy that all of a patient's pictures share.

use super::draws::{Draws, Key, Purpose};
use super::math::Curve;
use super::texture::Texture;
use crate::Sex;

/// One patient's body. Lengths are in body units (about 24 cm), attenuations in those of [`super::film`].
#[derive(Clone, Debug)]
pub(crate) struct Person {
    pub(crate) sex: Sex,
    /// Years, 18 to 90.
    pub(crate) age: u16,
    /// Half of the thorax's inner width at its widest.
    pub(crate) half_width: f32,
    /// How far the thorax reaches to the side, by height, as a share of `half_width`.
    pub(crate) wall: Curve,
    /// The spine's place by height; nearly straight, bent with scoliosis.
    pub(crate) spine: Curve,
    /// The top of the right dome of the diaphragm in deep breath.
    pub(crate) right_dome: f32,
    /// How much lower the left dome is.
    pub(crate) dome_step: f32,
    /// Width of the healthy heart as a share of the thorax's inner width.
    pub(crate) heart_ratio: f32,
    /// Share of the heart's width right of the midline.
    pub(crate) heart_right: f32,
    /// The long axis of the left ventricle, radians below the horizontal.
    pub(crate) heart_tilt: f32,
    /// Radius of the aortic knob; grows with age.
    pub(crate) knob: f32,
    /// 0 lean to 1 obese.
    pub(crate) fat: f32,
    pub(crate) breast: Option<Breast>,
    pub(crate) ribs: Ribs,
    /// Bone density relative to a young adult's.
    pub(crate) bone: f32,
    /// Calibre of the lung's vessels relative to the usual.
    pub(crate) vessels: f32,
}

/// The soft tissue shadow over the lower lung.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Breast {
    pub(crate) radius: f32,
    pub(crate) x: f32,
    pub(crate) y: f32,
    pub(crate) strength: f32,
}

/// The rib cage's build.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ribs {
    /// Height at which the first rib leaves the spine.
    pub(crate) first: f32,
    pub(crate) spacing: f32,
    /// Fall of a rib from the spine to its front end: the first, and the increase a rib.
    pub(crate) fall: f32,
    pub(crate) fall_step: f32,
    pub(crate) radius: f32,
    /// Where each rib lies off the regular spacing.
    pub(crate) unevenness: Texture,
}

impl Person {
    pub(crate) fn draw(key: Key) -> Self {
        let draws = &mut Key {
            study: 0,
            view: 0,
            ..key
        }
        .draws(Purpose::Person);
        let male = draws.chance(0.59);
        // The mean of two draws: most patients are between 45 and 75.
        let age = 18.0 + 72.0 * (0.5 * (draws.unit() + draws.unit()) + 0.12).min(1.0);
        let old = ((age - 40.0) / 50.0).clamp(0.0, 1.0);
        let half_width = draws.between(0.565, 0.635) + if male { 0.012 } else { -0.012 };
        let fat = (0.35 + 0.25 * draws.normal()).clamp(0.0, 1.0);
        Self {
            sex: if male { Sex::Male } else { Sex::Female },
            age: age as u16,
            half_width,
            wall: wall(draws),
            spine: spine(draws),
            right_dome: draws.between(0.96, 1.04),
            dome_step: draws.between(0.015, 0.06),
            heart_ratio: draws.between(0.41, 0.465),
            heart_right: draws.between(0.28, 0.35),
            heart_tilt: draws.between(0.55, 0.85),
            knob: draws.between(0.058, 0.072) + 0.018 * old,
            fat,
            breast: (!male).then(|| Breast {
                radius: draws.between(0.22, 0.30) + 0.06 * fat,
                x: draws.between(0.34, 0.42),
                y: draws.between(0.72, 0.90),
                strength: draws.between(0.10, 0.20) + 0.14 * fat,
            }),
            ribs: Ribs {
                first: draws.between(-0.10, -0.06),
                spacing: draws.between(0.083, 0.094),
                fall: draws.between(0.24, 0.32),
                fall_step: draws.between(0.022, 0.036),
                radius: draws.between(0.0185, 0.0225),
                unevenness: Texture::new(draws.salt(), 1.0),
            },
            bone: draws.between(0.85, 1.15) - 0.3 * old,
            vessels: draws.between(0.88, 1.15),
        }
    }
}

/// Half-width of the rib cage from the apices (0) downwards, in steps of 0.1.
const WALL: [f32; 14] = [
    0.60, 0.70, 0.775, 0.835, 0.885, 0.925, 0.955, 0.978, 0.993, 1.0, 1.0, 0.992, 0.975, 0.95,
];

fn wall(draws: &mut Draws) -> Curve {
    // Cone or barrel: how much narrower the upper chest is.
    let taper = draws.between(0.75, 1.25);
    Curve::new(0.0, 0.1, WALL).map(|share| 1.0 - (1.0 - share) * taper)
}

fn spine(draws: &mut Draws) -> Curve {
    let bend = 0.008 * draws.normal();
    let shift = 0.006 * draws.normal();
    let lean = 0.006 * draws.normal();
    Curve::new(
        -0.4,
        0.4,
        [
            shift - lean,
            shift - bend,
            shift + bend,
            shift - 0.5 * bend,
            shift + lean,
        ],
    )
}
