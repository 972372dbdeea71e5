//! Lines around the places where a map is at least as high as a threshold.

use std::collections::BTreeMap;

use ndarray::{Array2, ArrayView2, s};

use crate::{Result, Window, upsample};

/// A closed line: points `[x, y]` in pixels from a picture's top left.
pub type Outline = Vec<[f32; 2]>;

/// The finest grid that a map is stretched to before lines are drawn on it: finer than a screen shows.
const GRID: usize = 256;

/// The lines around the places of a window where a map, stretched bilinearly to it, is at least `threshold`.
///
/// # Errors
/// As [`upsample`].
pub fn contour(map: ArrayView2<f32>, threshold: f32, window: Window) -> Result<Vec<Outline>> {
    let grid = [window.height, window.width].map(|side| side.min(GRID));
    let fine = upsample(map, grid)?;
    let across = window.width as f32 / grid[1] as f32;
    let down = window.height as f32 / grid[0] as f32;
    let mut outlines = marching_squares(fine.view(), threshold);
    for [x, y] in outlines.iter_mut().flatten() {
        *x = *x * across + window.left as f32;
        *y = *y * down + window.top as f32;
    }
    Ok(outlines)
}

/// A crossing of a contour with the line between two neighbouring pixels: row, column, and whether the second pixel is
/// the next row's.
type Edge = (usize, usize, bool);

/// Closed contours by marching squares (Lorensen and Cline 1987, in two dimensions): linear between pixel centres, a saddle
/// decided by its mean, everything beyond the border below the threshold.
pub(crate) fn marching_squares(map: ArrayView2<f32>, threshold: f32) -> Vec<Outline> {
    let (height, width) = map.dim();
    let mut padded = Array2::from_elem((height + 2, width + 2), f32::NEG_INFINITY);
    padded.slice_mut(s![1..=height, 1..=width]).assign(&map);
    let inside = |row, column| padded[[row, column]] >= threshold;

    // From crossing to crossing with the inside on the right: each is the start of one piece and the end of another.
    let mut next: BTreeMap<Edge, Edge> = BTreeMap::new();
    for row in 0..=height {
        for column in 0..=width {
            let top = (row, column, false);
            let bottom = (row + 1, column, false);
            let left = (row, column, true);
            let right = (row, column + 1, true);
            let corners = [
                (row, column),
                (row, column + 1),
                (row + 1, column + 1),
                (row + 1, column),
            ];
            let mean =
                || corners.iter().map(|&(r, c)| padded[[r, c]]).sum::<f32>() / 4.0 >= threshold;
            let pieces: &[(Edge, Edge)] = match corners.map(|(r, c)| inside(r, c)) {
                [false, false, false, false] | [true, true, true, true] => &[],
                [false, false, false, true] => &[(left, bottom)],
                [false, false, true, false] => &[(bottom, right)],
                [false, false, true, true] => &[(left, right)],
                [false, true, false, false] => &[(right, top)],
                [false, true, false, true] if mean() => &[(left, top), (right, bottom)],
                [false, true, false, true] => &[(left, bottom), (right, top)],
                [false, true, true, false] => &[(bottom, top)],
                [false, true, true, true] => &[(left, top)],
                [true, false, false, false] => &[(top, left)],
                [true, false, false, true] => &[(top, bottom)],
                [true, false, true, false] if mean() => &[(top, right), (bottom, left)],
                [true, false, true, false] => &[(top, left), (bottom, right)],
                [true, false, true, true] => &[(top, right)],
                [true, true, false, false] => &[(right, left)],
                [true, true, false, true] => &[(right, bottom)],
                [true, true, true, false] => &[(bottom, left)],
            };
            next.extend(pieces.iter().copied());
        }
    }

    // A pixel's centre lies half a pixel from its corner, and the padding is one pixel.
    let point = |(row, column, down): Edge| {
        let (first, second) = (
            padded[[row, column]],
            padded[[row + usize::from(down), column + usize::from(!down)]],
        );
        // Towards the padding the contour stands on the picture's border, half a pixel out.
        let share = match (first.is_finite(), second.is_finite()) {
            (true, true) => (threshold - first) / (second - first),
            _ => 0.5,
        };
        let (x, y) = (column as f32 - 0.5, row as f32 - 0.5);
        if down { [x, y + share] } else { [x + share, y] }
    };
    let clamped = |[x, y]: [f32; 2]| [x.clamp(0.0, width as f32), y.clamp(0.0, height as f32)];
    let mut outlines = Vec::new();
    while let Some((start, mut edge)) = next.pop_first() {
        let mut outline = vec![clamped(point(start))];
        while edge != start {
            outline.push(clamped(point(edge)));
            match next.remove(&edge) {
                Some(following) => edge = following,
                None => break,
            }
        }
        outlines.push(outline);
    }
    outlines
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    /// Signed area by the shoelace formula; lines with the inside on the right are positive where y points down.
    fn area(outline: &Outline) -> f32 {
        let next = outline.iter().cycle().skip(1);
        outline
            .iter()
            .zip(next)
            .map(|(a, b)| a[0] * b[1] - b[0] * a[1])
            .sum::<f32>()
            / 2.0
    }

    #[test]
    fn the_contour_of_a_cone_is_a_circle() {
        let cone = Array2::from_shape_fn((41, 61), |(row, column)| {
            let (y, x) = (row as f32 - 20.0, column as f32 - 30.0);
            20.0 - (x * x + y * y).sqrt()
        });
        let outlines = marching_squares(cone.view(), 8.0);
        assert_eq!(outlines.len(), 1);
        for [x, y] in &outlines[0] {
            let radius = ((x - 30.5).powi(2) + (y - 20.5).powi(2)).sqrt();
            assert!((radius - 12.0).abs() < 0.05, "{radius}");
        }
        let circle = std::f32::consts::PI * 144.0;
        assert!((area(&outlines[0]) / circle - 1.0).abs() < 0.01);
    }

    #[test]
    fn holes_islands_and_the_border_each_get_a_closed_line() {
        #[rustfmt::skip]
        let map = ndarray::array![
            [1.0f32, 1.0, 1.0, 0.0, 0.0],
            [1.0, 0.0, 1.0, 0.0, 0.0],
            [1.0, 1.0, 1.0, 0.0, 1.0],
        ];
        let outlines = marching_squares(map.view(), 0.5);
        let mut areas: Vec<f32> = outlines.iter().map(area).collect();
        areas.sort_by(f32::total_cmp);
        assert_eq!(areas.len(), 3);
        assert!(areas[0] < 0.0, "a hole turns the other way: {areas:?}");
        assert!(areas[1] < 1.1 && areas[2] > 8.0, "{areas:?}");
        assert!(
            outlines
                .iter()
                .flatten()
                .all(|[x, y]| (0.0..=5.0).contains(x) && (0.0..=3.0).contains(y))
        );
    }

    #[test]
    fn saddles_are_closed_too() {
        for (low, expected) in [(0.0f32, 2), (0.9, 1)] {
            let map = ndarray::array![[1.0, low], [low, 1.0f32]];
            assert_eq!(
                marching_squares(map.view(), 0.95 - 0.4 * (1.0 - low)).len(),
                expected,
                "{low}"
            );
        }
    }

    #[test]
    fn a_contour_is_in_the_pictures_pixels() {
        let map = ndarray::array![[0.0f32, 0.0], [0.0, 1.0]];
        let window = Window {
            top: 100,
            left: 50,
            height: 600,
            width: 600,
        };
        let outlines = contour(map.view(), 0.5, window).unwrap();
        assert_eq!(outlines.len(), 1);
        let inside = |x: &f32, y: &f32| (350.0..=651.0).contains(x) && (400.0..=701.0).contains(y);
        assert!(
            outlines[0].iter().all(|[x, y]| inside(x, y)),
            "{outlines:?}"
        );
        assert!(contour(map.view(), 2.0, window).unwrap().is_empty());
    }
}
