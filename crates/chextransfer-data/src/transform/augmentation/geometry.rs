//! Changes of place: flip, rotation, translation, scale, and a part that is blacked out.

/// Swaps left and right.
pub(super) fn flip(image: &mut [f32], side: usize) {
    image.chunks_exact_mut(side).for_each(<[f32]>::reverse);
}

/// Rotation, enlargement and translation about the middle, in this order.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Affine {
    /// Clockwise.
    pub(super) degrees: f64,
    /// Pixels.
    pub(super) right: f64,
    /// Pixels.
    pub(super) down: f64,
    pub(super) scale: f64,
}

impl Affine {
    const NONE: Self = Self {
        degrees: 0.0,
        right: 0.0,
        down: 0.0,
        scale: 1.0,
    };

    /// Bilinear, black outside: torchvision's `affine` without shear, through the inverse map of every pixel.
    pub(super) fn apply(self, image: &mut [f32], side: usize) {
        if self == Self::NONE {
            return;
        }
        let source = image.to_vec();
        let (sin, cos) = self.degrees.to_radians().sin_cos();
        let (sin, cos) = (sin / self.scale, cos / self.scale);
        let middle = (side as f64 - 1.0) / 2.0;
        for (row, values) in image.chunks_exact_mut(side).enumerate() {
            let y = row as f64 - middle - self.down;
            for (column, value) in values.iter_mut().enumerate() {
                let x = column as f64 - middle - self.right;
                *value = bilinear(
                    &source,
                    side,
                    cos * x + sin * y + middle,
                    cos * y - sin * x + middle,
                );
            }
        }
    }
}

/// The image between its pixels' centres, which lie at whole numbers; 0 outside.
fn bilinear(image: &[f32], side: usize, x: f64, y: f64) -> f32 {
    let pixel = |x: i64, y: i64| {
        let inside = |place: i64| usize::try_from(place).ok().filter(|&place| place < side);
        match (inside(x), inside(y)) {
            (Some(x), Some(y)) => image[y * side + x],
            _ => 0.0,
        }
    };
    let (left, top) = (x.floor(), y.floor());
    let (across, down) = ((x - left) as f32, (y - top) as f32);
    let (left, top) = (left as i64, top as i64);
    let above = pixel(left, top) * (1.0 - across) + pixel(left + 1, top) * across;
    let below = pixel(left, top + 1) * (1.0 - across) + pixel(left + 1, top + 1) * across;
    above * (1.0 - down) + below * down
}

/// Blacks out a square of `share` of the side around `middle`, as far as it lies within the image.
pub(super) fn cut_out(image: &mut [f32], side: usize, share: f64, middle: (f64, f64)) {
    let length = (share * side as f64).round();
    let span = |middle: f64| {
        let begin = (middle * side as f64 - length / 2.0).round();
        // Casts of negative numbers give 0.
        (begin as usize).min(side)..((begin + length) as usize).min(side)
    };
    let columns = span(middle.0);
    for row in image
        .chunks_exact_mut(side)
        .take(span(middle.1).end)
        .skip(span(middle.1).start)
    {
        row[columns.clone()].fill(0.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flip_reverses_every_row() {
        let mut image = [1.0, 2.0, 3.0, 4.0];
        flip(&mut image, 2);
        assert_eq!(image, [2.0, 1.0, 4.0, 3.0]);
    }

    #[test]
    fn a_quarter_turn_and_a_whole_pixel_are_exact() {
        let mut image = [1.0, 2.0, 3.0, 4.0];
        let turn = Affine {
            degrees: 90.0,
            ..Affine::NONE
        };
        turn.apply(&mut image, 2);
        for (value, expected) in image.iter().zip([3.0, 1.0, 4.0, 2.0]) {
            assert!((value - expected).abs() < 1e-6, "{image:?}");
        }
        let mut image = [1.0, 2.0, 3.0, 4.0];
        let shift = Affine {
            right: 1.0,
            ..Affine::NONE
        };
        shift.apply(&mut image, 2);
        assert_eq!(image, [0.0, 1.0, 0.0, 3.0]);
    }

    #[test]
    fn a_blacked_out_square_has_its_size_and_ends_at_the_border() {
        for (middle, black) in [((0.5, 0.5), 16), ((0.0, 0.0), 4), ((1.0, 0.5), 8)] {
            let mut image = [1.0; 100];
            cut_out(&mut image, 10, 0.4, middle);
            let found = image.iter().filter(|&&value| value == 0.0).count();
            assert_eq!(found, black, "{middle:?}");
        }
    }
}
