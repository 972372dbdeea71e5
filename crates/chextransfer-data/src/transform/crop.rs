//! Where the crop lies in the resized image.

use rand::RngExt;

use crate::draw::Draw;
use crate::draw::{Purpose, generator};

/// Offset of a centred crop, as torchvision computes it: `int(round((side - crop) / 2.0))`, where Python rounds a half
/// to the even neighbour.
pub(super) fn centered(side: u32, crop: u32) -> u32 {
    let margin = side - crop;
    let half = margin / 2;
    half + (margin % 2) * (half % 2)
}

/// Offsets `(left, top)` of a random crop, uniform over all that fit.
pub(super) fn random(width: u32, height: u32, crop: u32, draw: Draw) -> (u32, u32) {
    let mut generator = generator(Purpose::Crop, draw.seed, draw.epoch, draw.index);
    let left = generator.random_range(0..=width - crop);
    let top = generator.random_range(0..=height - crop);
    (left, top)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_centred_crop_rounds_half_a_pixel_to_the_even_offset() {
        // Python: [int(round((224 + m - 224) / 2.0)) for m in range(10)]
        let python = [0, 0, 1, 2, 2, 2, 3, 4, 4, 4];
        for (margin, expected) in (0..).zip(python) {
            assert_eq!(centered(224 + margin, 224), expected, "margin {margin}");
        }
    }

    #[test]
    fn a_random_crop_depends_on_seed_epoch_and_index_and_reaches_every_offset() {
        let draw = |seed, epoch, index| random(13, 11, 10, Draw { seed, epoch, index });
        assert_eq!(draw(1, 2, 3), draw(1, 2, 3));
        let mut seen = std::collections::BTreeSet::new();
        for index in 0..200 {
            seen.insert(draw(0, 0, index));
        }
        assert_eq!(seen.len(), 4 * 2);
        for changed in [|i| (i, 0, 0), |i| (0, i, 0)] {
            let offsets: Vec<_> = (0..20)
                .map(|i| {
                    let (seed, epoch, index) = changed(i);
                    draw(seed, epoch, index)
                })
                .collect();
            assert!(offsets.iter().any(|&offset| offset != offsets[0]));
        }
    }
}
