//! Maps of a group of channels side by side.

use super::CHANNELS;
use crate::matrix::Runs;

/// Some rows of maps with a border of zeros; each place has the values of all channels of a group.
pub(super) struct Slab {
    pub(super) places: Vec<[f32; CHANNELS]>,
    rows: usize,
    /// Places of a row.
    columns: usize,
}

impl Slab {
    pub(super) fn new([rows, columns]: [usize; 2]) -> Self {
        Self {
            places: vec![[0.0; CHANNELS]; rows * columns],
            rows,
            columns,
        }
    }

    /// Copies the rows of at most a group's maps that begin with a place, which may be outside. Columns outside stay zero: what
    /// is laid in a slab always begins with the same column.
    pub(super) fn lay(&mut self, maps: &[f32], [height, width]: [usize; 2], first: [isize; 2]) {
        let inside = |bound: isize, count: usize| (bound.max(0) as usize).min(count);
        let top = inside(-first[0], self.rows);
        let bottom = inside(height as isize - first[0], self.rows).max(top);
        self.places[..top * self.columns].fill([0.0; CHANNELS]);
        self.places[bottom * self.columns..].fill([0.0; CHANNELS]);
        let (left, skipped) = (inside(-first[1], self.columns), inside(first[1], width));
        if bottom > top {
            let runs = Runs {
                count: bottom - top,
                length: (width - skipped).min(self.columns - left),
                first: (first[0] + top as isize) as usize * width + skipped,
                from: width,
                to: self.columns,
            };
            let into = &mut self.places[top * self.columns + left..];
            runs.interleave(maps, height * width, into);
        }
    }
}
