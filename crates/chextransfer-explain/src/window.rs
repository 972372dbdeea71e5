//! The part of a radiograph that the network saw.

use ndarray::{Array2, ArrayView2, s};

use crate::{Error, Result, upsample};

/// A rectangle of a picture, in pixels from its top left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// First row.
    pub top: usize,
    /// First column.
    pub left: usize,
    /// Rows.
    pub height: usize,
    /// Columns.
    pub width: usize,
}

impl Window {
    /// All of a picture of `[height, width]`.
    pub fn whole([height, width]: [usize; 2]) -> Self {
        Self {
            top: 0,
            left: 0,
            height,
            width,
        }
    }

    /// The largest square in the middle of a picture of `[height, width]`: what is left when its shorter side is resized
    /// to a square's and the square is cut from the centre, to the nearest pixel.
    pub fn centered_square([height, width]: [usize; 2]) -> Self {
        let side = height.min(width);
        Self {
            top: (height - side) / 2,
            left: (width - side) / 2,
            height: side,
            width: side,
        }
    }

    /// A map stretched bilinearly to this window of a picture of `[height, width]`, and 0 around it.
    ///
    /// # Errors
    /// [`Error::Empty`] when the map or the window has no pixels, [`Error::Picture`] when the window is not inside the
    /// picture.
    pub fn place(self, map: ArrayView2<f32>, [height, width]: [usize; 2]) -> Result<Array2<f32>> {
        let (bottom, right) = (self.top + self.height, self.left + self.width);
        if bottom > height || right > width {
            return Err(Error::picture(format!(
                "found a window up to row {bottom} and column {right}, expected one inside {height}x{width}"
            )));
        }
        let mut placed = Array2::zeros((height, width));
        let stretched = upsample(map, [self.height, self.width])?;
        placed
            .slice_mut(s![self.top..bottom, self.left..right])
            .assign(&stretched);
        Ok(placed)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use ndarray::array;

    #[test]
    fn the_square_lies_in_the_middle() {
        let window = |top, left, side| Window {
            top,
            left,
            height: side,
            width: side,
        };
        assert_eq!(Window::centered_square([320, 390]), window(0, 35, 320));
        assert_eq!(Window::centered_square([400, 101]), window(149, 0, 101));
        assert_eq!(Window::centered_square([7, 7]), Window::whole([7, 7]));
    }

    #[test]
    fn a_map_is_placed_in_its_window_and_nothing_around_it() {
        let map = array![[1.0, 1.0], [1.0, 1.0]];
        let placed = Window::centered_square([2, 5])
            .place(map.view(), [2, 5])
            .unwrap();
        let row = [0.0, 1.0, 1.0, 0.0, 0.0];
        assert_eq!(placed, array![row, row]);
        assert!(Window::whole([3, 5]).place(map.view(), [2, 5]).is_err());
    }
}
