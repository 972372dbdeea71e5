//! How well a map finds what a mask shows.

use ndarray::ArrayView2;

use crate::{Error, Mask, Result};

/// The thresholds of the curves: 0.05 to 0.95 in steps of 0.05.
pub const THRESHOLDS: [f32; 19] = {
    let mut thresholds = [0.0; 19];
    let mut index = 0;
    while index < 19 {
        thresholds[index] = (index + 1) as f32 / 20.0;
        index += 1;
    }
    thresholds
};

/// How well one map finds one finding. All numbers are in 0 to 1, and more is better.
///
/// With `M` the mask and `A` the map, stretched to the mask's size and to its own range (0 to 1):
///
/// * `hit`: whether the highest place of `A` lies in `M`, the pointing game of Zhang et al. (IJCV 2018), CheXlocalize's hit
///   rate. Of several highest places it is the share that lies in `M`, what a random choice among them would score.
/// * `iou[t]`: with `P = {A >= t}`, `|P and M| / |P or M|` at each of the [`THRESHOLDS`]: Jaccard's index, CheXlocalize's
///   (Saporta et al., Nature Machine Intelligence 2022) measure of overlap.
/// * `energy[t]`: the share of the sum of `A` over `P` that lies in `M`. Over all of the map that is the energy-based
///   pointing game (Wang et al., Score-CAM, CVPRW 2020); as `t` grows it turns into `hit`.
///
/// A map without contrast points nowhere: all of its numbers are 0.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Localization {
    /// Pointing game.
    pub hit: f64,
    /// Intersection over union at each threshold.
    pub iou: [f64; THRESHOLDS.len()],
    /// Share of the evidence that lies in the mask, of all of it.
    pub energy: f64,
    /// The same of the evidence at each threshold or above.
    pub energy_above: [f64; THRESHOLDS.len()],
}

impl Localization {
    /// Compares a map with a mask of the same picture.
    ///
    /// # Shapes
    /// Both `[height, width]`; [`Window::place`](crate::Window::place) brings a map to the mask's size.
    ///
    /// # Errors
    /// [`Error::Mask`] when the sizes differ or the mask is empty: what is not there cannot be found.
    pub fn of(map: ArrayView2<f32>, mask: &Mask) -> Result<Self> {
        let size = [map.nrows(), map.ncols()];
        if size != mask.size() {
            let [height, width] = mask.size();
            return Err(Error::mask(format!(
                "found {height}x{width}, expected the map's {}x{}",
                size[0], size[1]
            )));
        }
        let area = mask.area();
        if area == 0 {
            return Err(Error::mask("found no pixel inside, expected one at least"));
        }
        let low = map.fold(f32::INFINITY, |low, &v| low.min(v));
        let high = map.fold(f32::NEG_INFINITY, |high, &v| high.max(v));
        let range = high - low;
        if !range.is_finite() {
            return Err(Error::mask(format!(
                "found a map from {low} to {high}, expected finite values"
            )));
        }
        if range <= 0.0 {
            return Ok(Self {
                hit: 0.0,
                iou: [0.0; 19],
                energy: 0.0,
                energy_above: [0.0; 19],
            });
        }

        // By the number of thresholds that a pixel reaches, and whether it is inside.
        const LEVELS: usize = THRESHOLDS.len() + 1;
        let mut pixels = [[0usize; 2]; LEVELS];
        let mut sums = [[0f64; 2]; LEVELS];
        let mut highest = [0usize; 2];
        for (&value, &inside) in map.iter().zip(mask.pixels()) {
            let share = (value - low) / range;
            let level = THRESHOLDS.partition_point(|&threshold| threshold <= share);
            pixels[level][usize::from(inside)] += 1;
            sums[level][usize::from(inside)] += f64::from(share);
            if value == high {
                highest[usize::from(inside)] += 1;
            }
        }
        let share = |[outside, inside]: [f64; 2]| inside / (outside + inside);
        let mut found = Self {
            hit: share(highest.map(|count| count as f64)),
            iou: [0.0; 19],
            energy: 0.0,
            energy_above: [0.0; 19],
        };
        let (mut above, mut energy) = ([0usize; 2], [0f64; 2]);
        for level in (0..LEVELS).rev() {
            for inside in 0..2 {
                above[inside] += pixels[level][inside];
                energy[inside] += sums[level][inside];
            }
            match level.checked_sub(1) {
                Some(threshold) => {
                    found.iou[threshold] = above[1] as f64 / (above[0] + area) as f64;
                    found.energy_above[threshold] = share(energy);
                }
                None => found.energy = share(energy),
            }
        }
        Ok(found)
    }

    /// The area under the curve of `iou` over thresholds: a score that needs no threshold.
    pub fn iou_area(&self) -> f64 {
        mean(&self.iou)
    }

    /// The area under the energy curve over thresholds.
    pub fn energy_area(&self) -> f64 {
        mean(&self.energy_above)
    }
}

/// The area under a curve at evenly spaced thresholds, scaled to 0 to 1.
fn mean(curve: &[f64]) -> f64 {
    curve.iter().sum::<f64>() / curve.len() as f64
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use ndarray::{Array2, array};

    fn mask(pixels: Array2<u8>) -> Mask {
        Mask::new(pixels.mapv(|pixel| pixel > 0)).unwrap()
    }

    #[test]
    fn the_numbers_of_a_small_map_are_those_of_the_formulas() {
        let map = array![[0.0f32, 2.0, 8.0], [0.0, 4.0, 6.0]];
        let mask = mask(array![[0, 0, 1], [0, 1, 0]]);
        let found = Localization::of(map.view(), &mask).unwrap();
        assert_eq!(found.hit, 1.0);
        // In shares of the highest: 0.25 and 0.75 outside, 1 and 0.5 inside.
        assert_eq!(found.energy, 1.5 / 2.5);
        let at = |threshold: f32| THRESHOLDS.iter().position(|t| *t == threshold).unwrap();
        for (threshold, iou, energy) in [
            (0.25, 2.0 / 4.0, 1.5 / 2.5),
            (0.3, 2.0 / 3.0, 1.5 / 2.25),
            (0.5, 2.0 / 3.0, 1.5 / 2.25),
            (0.55, 1.0 / 3.0, 1.0 / 1.75),
            (0.8, 1.0 / 2.0, 1.0),
        ] {
            assert_eq!(found.iou[at(threshold)], iou, "{threshold}");
            assert_eq!(found.energy_above[at(threshold)], energy, "{threshold}");
        }
        let area: f64 = found.iou.iter().sum::<f64>() / 19.0;
        assert_eq!(found.iou_area(), area);
    }

    #[test]
    fn a_map_that_is_the_mask_scores_one_and_one_beside_it_zero() {
        let mask = mask(array![[0, 1, 1], [0, 0, 0]]);
        let same = array![[0.0f32, 3.0, 3.0], [0.0, 0.0, 0.0]];
        let found = Localization::of(same.view(), &mask).unwrap();
        assert_eq!(
            (
                found.hit,
                found.energy,
                found.iou_area(),
                found.energy_area()
            ),
            (1.0, 1.0, 1.0, 1.0)
        );
        let beside = array![[3.0f32, 0.0, 0.0], [0.0, 0.0, 0.0]];
        let found = Localization::of(beside.view(), &mask).unwrap();
        assert_eq!(
            (
                found.hit,
                found.energy,
                found.iou_area(),
                found.energy_area()
            ),
            (0.0, 0.0, 0.0, 0.0)
        );
    }

    #[test]
    fn equal_highest_places_share_the_hit_and_a_dark_map_has_none() {
        let mask = mask(array![[0, 1, 1], [0, 0, 0]]);
        let tied = array![[1.0f32, 1.0, 0.0], [0.0, 0.0, 0.0]];
        assert_eq!(Localization::of(tied.view(), &mask).unwrap().hit, 0.5);
        let dark = Localization::of(Array2::zeros((2, 3)).view(), &mask).unwrap();
        assert_eq!((dark.hit, dark.energy, dark.iou_area()), (0.0, 0.0, 0.0));
    }

    #[test]
    fn what_cannot_be_compared_is_an_error() {
        let map = Array2::<f32>::zeros((2, 3));
        let message = Localization::of(map.view(), &mask(array![[0, 1]]))
            .unwrap_err()
            .to_string();
        assert_eq!(message, "mask: found 1x2, expected the map's 2x3");
        let empty = mask(array![[0, 0, 0], [0, 0, 0]]);
        assert!(Localization::of(map.view(), &empty).is_err());
        let broken = array![[f32::NAN, 1.0, f32::INFINITY]];
        assert!(Localization::of(broken.view(), &mask(array![[0, 1, 0]])).is_err());
    }
}
