//! Random changes to training images.

mod blur;
mod geometry;
#[cfg(test)]
mod reference;
mod tone;

use std::ops::RangeInclusive;

use rand::RngExt;
use serde::{Deserialize, Serialize};

use crate::draw::{Draw, Purpose, generator};
use crate::{Error, Result};
use blur::gaussian_blur;
use geometry::{Affine, cut_out, flip};

/// Random changes to a square of grey values in 0 to 1, all off by default: a training setting.
///
/// They are applied in the order of the fields. Every draw is a pure function of seed, epoch and image, and is made whether
/// it is needed or not, so that switching one change on or off leaves the others' draws as they are. Each agrees with the
/// function of torchvision's `transforms.v2.functional` that is named at its field.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Augmentation {
    /// Probability, 0 to 1, of swapping left and right (`horizontal_flip`).
    ///
    /// Think before switching it on: a mirrored chest has its heart on the right, which is a finding of its own
    /// (dextrocardia), and side markers become unreadable. The paper does not say that it flips.
    pub horizontal_flip: f64,
    /// Degrees, 0 to 180: turned by an angle from minus to plus this, clockwise if positive (`affine`, bilinear; what
    /// comes in from outside is black).
    pub rotate: f64,
    /// Share of the side, 0 to 1: moved by minus to plus this, each axis for itself (`affine`).
    pub translate: f64,
    /// Least and greatest factor of enlargement, each above 0 and at most 10 (`affine`).
    pub scale: [f64; 2],
    /// 0 to 1: values are multiplied by 1 minus to 1 plus this (`adjust_brightness`).
    pub brightness: f64,
    /// 0 to 1: distances from the mean are multiplied by 1 minus to 1 plus this (`adjust_contrast`).
    pub contrast: f64,
    /// Least and greatest exponent of the values, each above 0 and at most 10 (`adjust_gamma`).
    pub gamma: [f64; 2],
    /// Greatest standard deviation in pixels, 0 to 100, of a Gaussian that the image is convolved with; drawn from 0 on
    /// (`gaussian_blur` with a kernel that reaches three deviations, reflected at the border).
    pub blur: f64,
    /// Share of the side, 0 to 1, of a square of black whose middle lies anywhere in the image (cutout, DeVries and Taylor
    /// 2017); it is there in every image if not 0.
    pub cutout: f64,
}

impl Default for Augmentation {
    /// No change.
    fn default() -> Self {
        Self {
            horizontal_flip: 0.0,
            rotate: 0.0,
            translate: 0.0,
            scale: [1.0; 2],
            brightness: 0.0,
            contrast: 0.0,
            gamma: [1.0; 2],
            blur: 0.0,
            cutout: 0.0,
        }
    }
}

/// The changes drawn for one image.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Changes {
    flip: bool,
    affine: Affine,
    brightness: f32,
    contrast: f32,
    gamma: f32,
    blur: f64,
    /// Middle of the black square as a share of the side, `(across, down)`.
    cutout: (f64, f64),
}

impl Augmentation {
    /// Whether no image is changed.
    pub fn is_off(&self) -> bool {
        *self == Self::default()
    }

    /// Checks every setting.
    ///
    /// # Errors
    ///
    /// [`Error::Setting`] with the first one that is out of its range.
    pub fn validate(&self) -> Result<()> {
        const SHARE: RangeInclusive<f64> = 0.0..=1.0;
        let single = [
            ("augmentation.horizontal_flip", self.horizontal_flip, SHARE),
            ("augmentation.rotate", self.rotate, 0.0..=180.0),
            ("augmentation.translate", self.translate, SHARE),
            ("augmentation.brightness", self.brightness, SHARE),
            ("augmentation.contrast", self.contrast, SHARE),
            ("augmentation.blur", self.blur, 0.0..=100.0),
            ("augmentation.cutout", self.cutout, SHARE),
        ];
        for (setting, value, range) in single {
            if !range.contains(&value) {
                return Err(Error::Setting {
                    setting,
                    found: value.to_string(),
                    expected: format!("{} to {}", range.start(), range.end()),
                });
            }
        }
        for (setting, [least, greatest]) in [
            ("augmentation.scale", self.scale),
            ("augmentation.gamma", self.gamma),
        ] {
            if !(least > 0.0 && least <= greatest && greatest <= 10.0) {
                return Err(Error::Setting {
                    setting,
                    found: format!("[{least}, {greatest}]"),
                    expected: "two numbers above 0 and at most 10, the lesser first".to_owned(),
                });
            }
        }
        Ok(())
    }

    /// Changes `[side, side]` grey values in place, as drawn for this seed, epoch and image; the settings must be valid.
    pub(crate) fn apply(&self, image: &mut [f32], side: usize, draw: Draw) {
        let changes = self.draw(draw, side);
        if changes.flip {
            flip(image, side);
        }
        changes.affine.apply(image, side);
        if changes.brightness != 1.0 {
            tone::adjust_brightness(image, changes.brightness);
        }
        if changes.contrast != 1.0 {
            tone::adjust_contrast(image, changes.contrast);
        }
        if changes.gamma != 1.0 {
            tone::adjust_gamma(image, changes.gamma);
        }
        gaussian_blur(image, side, changes.blur);
        if self.cutout > 0.0 {
            cut_out(image, side, self.cutout, changes.cutout);
        }
    }

    fn draw(&self, draw: Draw, side: usize) -> Changes {
        let mut generator = generator(Purpose::Augmentation, draw.seed, draw.epoch, draw.index);
        let mut uniform = |least: f64, greatest: f64| {
            let share: f64 = generator.random();
            least + share * (greatest - least)
        };
        // A struct's fields are evaluated in the order in which they are written, which is therefore part of what a seed
        // means.
        Changes {
            flip: uniform(0.0, 1.0) < self.horizontal_flip,
            affine: Affine {
                degrees: uniform(-self.rotate, self.rotate),
                right: uniform(-self.translate, self.translate) * side as f64,
                down: uniform(-self.translate, self.translate) * side as f64,
                scale: uniform(self.scale[0], self.scale[1]),
            },
            brightness: uniform(1.0 - self.brightness, 1.0 + self.brightness) as f32,
            contrast: uniform(1.0 - self.contrast, 1.0 + self.contrast) as f32,
            gamma: uniform(self.gamma[0], self.gamma[1]) as f32,
            blur: uniform(0.0, self.blur),
            cutout: (uniform(0.0, 1.0), uniform(0.0, 1.0)),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    const ALL: Augmentation = Augmentation {
        horizontal_flip: 0.5,
        rotate: 10.0,
        translate: 0.1,
        scale: [0.9, 1.1],
        brightness: 0.2,
        contrast: 0.2,
        gamma: [0.8, 1.25],
        blur: 1.0,
        cutout: 0.25,
    };

    fn picture(side: usize) -> Vec<f32> {
        (0..side * side)
            .map(|place| (place * 37 % 101) as f32 / 100.0)
            .collect()
    }

    fn draw(seed: u64, epoch: u64, index: u64) -> Draw {
        Draw { seed, epoch, index }
    }

    #[test]
    fn without_settings_nothing_changes() {
        let mut image = picture(9);
        Augmentation::default().apply(&mut image, 9, draw(1, 2, 3));
        assert_eq!(image, picture(9));
        assert!(Augmentation::default().is_off() && !ALL.is_off());
        assert!(Augmentation::default().validate().is_ok() && ALL.validate().is_ok());
    }

    #[test]
    fn changes_depend_on_seed_epoch_and_image_and_stay_between_0_and_1() {
        let changed = |draw| {
            let mut image = picture(16);
            ALL.apply(&mut image, 16, draw);
            assert!(image.iter().all(|value| (0.0..=1.0).contains(value)));
            image
        };
        let first = changed(draw(1, 2, 3));
        assert_eq!(changed(draw(1, 2, 3)), first);
        for other in [draw(2, 2, 3), draw(1, 3, 3), draw(1, 2, 4)] {
            assert_ne!(changed(other), first);
        }
    }

    #[test]
    fn a_change_that_is_switched_off_leaves_the_others_draws_alone() {
        let all = ALL.draw(draw(5, 0, 8), 100);
        let without = Augmentation {
            horizontal_flip: 0.0,
            rotate: 0.0,
            brightness: 0.0,
            ..ALL
        }
        .draw(draw(5, 0, 8), 100);
        assert_eq!((without.affine.degrees, without.brightness), (0.0, 1.0));
        assert_eq!(without.affine.right, all.affine.right);
        assert_eq!((without.gamma, without.cutout), (all.gamma, all.cutout));
    }

    #[test]
    fn draws_fill_their_ranges() {
        let changes: Vec<Changes> = (0..500)
            .map(|index| ALL.draw(draw(0, 0, index), 10))
            .collect();
        let flips = changes.iter().filter(|changes| changes.flip).count();
        assert!((200..300).contains(&flips), "{flips}");
        let range = |of: fn(&Changes) -> f64| {
            let values = changes.iter().map(of);
            values.fold((f64::MAX, f64::MIN), |(low, high), v| {
                (low.min(v), high.max(v))
            })
        };
        for (of, least, greatest) in [
            ((|c| c.affine.degrees) as fn(&Changes) -> f64, -10.0, 10.0),
            (|c| c.affine.right, -1.0, 1.0),
            (|c| c.affine.scale, 0.9, 1.1),
            (|c| c.brightness.into(), 0.8, 1.2),
            (|c| c.gamma.into(), 0.8, 1.25),
            (|c| c.blur, 0.0, 1.0),
        ] {
            let (low, high) = range(of);
            let slack = 0.02 * (greatest - least);
            assert!(low >= least - 1e-6 && low < least + slack, "{low} {least}");
            assert!(
                high <= greatest + 1e-6 && high > greatest - slack,
                "{high} {greatest}"
            );
        }
    }

    #[test]
    fn a_setting_out_of_range_is_named() {
        let off = Augmentation::default();
        for (broken, setting) in [
            (
                Augmentation {
                    horizontal_flip: 1.5,
                    ..off
                },
                "horizontal_flip is 1.5",
            ),
            (
                Augmentation {
                    rotate: -1.0,
                    ..off
                },
                "rotate is -1",
            ),
            (
                Augmentation {
                    translate: f64::NAN,
                    ..off
                },
                "translate is NaN",
            ),
            (
                Augmentation {
                    scale: [1.1, 0.9],
                    ..off
                },
                "scale is [1.1, 0.9]",
            ),
            (
                Augmentation {
                    gamma: [0.0, 1.0],
                    ..off
                },
                "gamma is [0, 1]",
            ),
            (Augmentation { cutout: 2.0, ..off }, "cutout is 2"),
        ] {
            let message = broken.validate().unwrap_err().to_string();
            assert!(
                message.starts_with(&format!("augmentation.{setting}")),
                "{message}"
            );
        }
    }
}
