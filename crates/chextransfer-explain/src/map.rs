//! Class activation maps and their scales.

use std::str::FromStr;

use ndarray::{Array2, ArrayView2};

use crate::{Error, Result};

/// Where an image speaks for a class.
#[derive(Debug, Clone, PartialEq)]
pub struct ClassActivationMap {
    /// The class: an output of the network.
    pub class: usize,
    /// Evidence, unscaled and at least 0, `[map height, map width]`.
    pub values: Array2<f32>,
    /// The class's probability: the logistic function of its logit.
    pub probability: f32,
}

/// What a map's values are made relative to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Scale {
    /// Nothing: values as they are, comparable between images and classes of one network.
    Raw,
    /// The map's own range: its lowest value becomes 0, its highest 1.
    #[default]
    MinMax,
    /// [`MinMax`](Self::MinMax) times the class's probability, so that confident predictions appear
    /// brighter: how Ke et al. 2021, section 3.3, draw their maps.
    Probability,
}

impl Scale {
    /// The scales of pictures, with their names on the command line. Raw values have no fixed range to give colours to.
    pub const OF_PICTURES: [(Self, &str); 2] = [
        (Self::MinMax, "min-max"),
        (Self::Probability, "probability"),
    ];
}

impl FromStr for Scale {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        let found = Self::OF_PICTURES
            .into_iter()
            .find(|(_, known)| *known == name);
        found
            .map(|(scale, _)| scale)
            .ok_or_else(|| Error::UnknownName {
                what: "scale",
                name: name.to_owned(),
                known: Self::OF_PICTURES.map(|(_, name)| name).join(", "),
            })
    }
}

impl ClassActivationMap {
    /// The map of an ensemble: the mean of its members' maps and of their probabilities. Raw values are averaged, so a
    /// member that sees more evidence has more weight.
    ///
    /// # Errors
    /// [`Error::Unequal`] without members, and for maps of different classes or sizes.
    pub fn mean(members: &[Self]) -> Result<Self> {
        let Some(first) = members.first() else {
            return Err(Error::Unequal(
                "found no map, expected one of each member".to_owned(),
            ));
        };
        let mut mean = Self {
            class: first.class,
            values: Array2::zeros(first.values.dim()),
            probability: 0.0,
        };
        let share = 1.0 / members.len() as f32;
        for member in members {
            let found = (member.class, member.values.dim());
            let expected = (first.class, first.values.dim());
            if found != expected {
                return Err(Error::Unequal(format!(
                    "found a map of class {} and size {:?} beside one of class {} and size {:?}",
                    found.0, found.1, expected.0, expected.1
                )));
            }
            mean.values.scaled_add(share, &member.values);
            mean.probability += share * member.probability;
        }
        Ok(mean)
    }

    /// The values on this scale, `[map height, map width]`. A map without contrast is 0 everywhere
    /// on every scale but [`Scale::Raw`].
    pub fn scaled(&self, scale: Scale) -> Array2<f32> {
        match scale {
            Scale::Raw => self.values.clone(),
            Scale::MinMax => self.stretched(1.0),
            Scale::Probability => self.stretched(self.probability),
        }
    }

    fn stretched(&self, highest: f32) -> Array2<f32> {
        let low = self.values.fold(f32::INFINITY, |low, &v| low.min(v));
        let high = self.values.fold(f32::NEG_INFINITY, |high, &v| high.max(v));
        if high > low {
            self.values.mapv(|v| (v - low) / (high - low) * highest)
        } else {
            Array2::zeros(self.values.dim())
        }
    }
}

/// A map stretched bilinearly to `[height, width]`, for example to the image that it explains.
///
/// Pixel centres lie at half-integers and the border is repeated: `torch.nn.functional.interpolate`
/// with `align_corners=False`, and OpenCV's `INTER_LINEAR`.
///
/// # Errors
/// [`Error::Empty`] when the map or the size has no pixels.
pub fn upsample(map: ArrayView2<f32>, [height, width]: [usize; 2]) -> Result<Array2<f32>> {
    not_empty("map", map.dim())?;
    not_empty("picture", (height, width))?;
    let rows = taps(map.nrows(), height);
    let columns = taps(map.ncols(), width);
    Ok(Array2::from_shape_fn((height, width), |(row, column)| {
        let (top, bottom, down) = rows[row];
        let (left, right, across) = columns[column];
        let mix = |row| map[[row, left]] * (1.0 - across) + map[[row, right]] * across;
        mix(top) * (1.0 - down) + mix(bottom) * down
    }))
}

/// For every output pixel of one axis the two input pixels beside it, and the weight of the second.
fn taps(input: usize, output: usize) -> Vec<(usize, usize, f32)> {
    let step = input as f64 / output as f64;
    (0..output)
        .map(|index| {
            let place = ((index as f64 + 0.5) * step - 0.5).max(0.0);
            let first = (place as usize).min(input - 1);
            let weight = (place - first as f64) as f32;
            (first, (first + 1).min(input - 1), weight)
        })
        .collect()
}

pub(crate) fn not_empty(what: &'static str, (height, width): (usize, usize)) -> Result<()> {
    if height == 0 || width == 0 {
        return Err(Error::Empty {
            what,
            height,
            width,
        });
    }
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use ndarray::array;

    fn map() -> ClassActivationMap {
        ClassActivationMap {
            class: 0,
            values: array![[1.0, 2.0], [5.0, 3.0]],
            probability: 0.5,
        }
    }

    #[test]
    fn scales_reach_from_zero_to_one_or_to_the_probability() {
        assert_eq!(map().scaled(Scale::Raw), map().values);
        let min_max = array![[0.0, 0.25], [1.0, 0.5]];
        assert_eq!(map().scaled(Scale::MinMax), min_max);
        assert_eq!(map().scaled(Scale::Probability), min_max * 0.5);
    }

    #[test]
    fn an_ensembles_map_is_the_mean_of_its_members() {
        let other = ClassActivationMap {
            values: array![[3.0, 0.0], [0.0, 1.0]],
            probability: 0.7,
            ..map()
        };
        let mean = ClassActivationMap::mean(&[map(), other.clone()]).unwrap();
        assert_eq!(mean.values, array![[2.0, 1.0], [2.5, 2.0]]);
        assert!((mean.probability - 0.6).abs() < 1e-6);
        let larger = ClassActivationMap {
            values: Array2::zeros((2, 3)),
            ..map()
        };
        let of_another_class = ClassActivationMap { class: 1, ..map() };
        for unequal in [larger, of_another_class] {
            assert!(ClassActivationMap::mean(&[map(), unequal]).is_err());
        }
        assert!(ClassActivationMap::mean(&[]).is_err());
    }

    #[test]
    fn a_scale_is_read_by_its_name_and_raw_is_none_for_pictures() {
        assert_eq!("probability".parse::<Scale>().unwrap(), Scale::Probability);
        let message = "raw".parse::<Scale>().unwrap_err().to_string();
        assert!(
            message.ends_with("expected one of: min-max, probability"),
            "{message}"
        );
    }

    #[test]
    fn a_map_without_contrast_is_dark() {
        for value in [0.0, 3.0] {
            let flat = ClassActivationMap {
                values: Array2::from_elem((2, 3), value),
                ..map()
            };
            assert_eq!(flat.scaled(Scale::MinMax), Array2::<f32>::zeros((2, 3)));
            assert_eq!(
                flat.scaled(Scale::Probability),
                Array2::<f32>::zeros((2, 3))
            );
        }
    }

    /// torch.nn.functional.interpolate(mode="bilinear", align_corners=False) of torch 2.15.0.
    #[test]
    fn upsampling_is_pytorchs() {
        let map = array![[0.0f32, 1.0, 4.0], [2.0, 8.0, 3.0]];
        #[rustfmt::skip]
        let expected: [([usize; 2], Vec<f32>); 3] = [
            ([5, 4], vec![0.0, 0.625, 2.125, 4.0, 0.2, 1.1375, 2.525, 3.9, 1.0, 3.1875, 4.125, 3.5,
                1.8, 5.2375, 5.725, 3.1, 2.0, 5.75, 6.125, 3.0]),
            ([3, 7], vec![0.0, 0.142857, 0.571429, 1.0, 2.285714, 3.571429, 4.0,
                1.0, 1.5, 3.0, 4.5, 4.071429, 3.642857, 3.5,
                2.0, 2.857143, 5.428571, 8.0, 5.857143, 3.714286, 3.0]),
            ([1, 2], vec![1.875, 3.75]),
        ];
        for (size, expected) in expected {
            let stretched = upsample(map.view(), size).unwrap();
            assert_eq!(stretched.dim(), (size[0], size[1]));
            for (found, expected) in stretched.iter().zip(expected) {
                assert!(
                    (found - expected).abs() < 1e-5,
                    "{size:?}: {found} for {expected}"
                );
            }
        }
    }

    #[test]
    fn a_map_keeps_its_values_at_its_own_size() {
        let values = map().values;
        assert_eq!(upsample(values.view(), [2, 2]).unwrap(), values);
    }

    #[test]
    fn nothing_can_be_stretched_from_or_to_no_pixels() {
        let empty = Array2::<f32>::zeros((0, 3));
        let message = upsample(empty.view(), [4, 4]).unwrap_err().to_string();
        assert_eq!(message, "the map is 0x3, expected at least 1x1");
        assert!(upsample(map().values.view(), [4, 0]).is_err());
    }
}
