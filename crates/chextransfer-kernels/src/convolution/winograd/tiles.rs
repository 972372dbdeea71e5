//! A map cut into tiles.

use super::super::geometry::ConvShape;
use super::transforms::Layout;
use super::{LANES, POINTS, SEEN, TILE};
use crate::matrix::Matrices;

/// The tiles of the outputs of an image.
#[derive(Debug, Clone, Copy)]
pub(super) struct Tiling {
    /// Tiles in a column.
    pub(super) down: usize,
    /// Tiles in a row.
    pub(super) across: usize,
}

impl Tiling {
    pub(super) fn new(shape: &ConvShape) -> Self {
        let [down, across] = shape.output().map(|side| side.div_ceil(TILE));
        Self { down, across }
    }

    /// Rows of tiles of a block whose points have so many values for each tile.
    pub(super) fn rows_of_block(&self, values: usize) -> usize {
        let tiles = (super::BLOCK / values).clamp(24, 96);
        (tiles / self.across).max(1)
    }
}

/// Some rows of places of an image, with all channels of a place side by side.
pub(super) struct Slab {
    pub(super) values: Vec<f32>,
    rows: usize,
    columns: usize,
    /// Channels, rounded up.
    pub(super) pitch: usize,
}

impl Slab {
    /// For what a row of tiles sees.
    pub(super) fn seen(tiling: Tiling, channels: usize) -> Self {
        Self::new(SEEN, TILE * tiling.across + SEEN - TILE, channels)
    }

    /// For what a row of tiles gives.
    pub(super) fn given(tiling: Tiling, channels: usize) -> Self {
        Self::new(TILE, TILE * tiling.across, channels)
    }

    fn new(rows: usize, columns: usize, channels: usize) -> Self {
        let pitch = channels.next_multiple_of(LANES);
        Self {
            values: vec![0.0; rows * columns * pitch],
            rows,
            columns,
            pitch,
        }
    }

    /// Where the tiles lie.
    pub(super) fn layout(&self) -> Layout {
        Layout {
            row: self.columns * self.pitch,
            column: self.pitch,
            plane: TILE * self.pitch,
        }
    }

    /// Copies the rows of `maps`, `[channels, rows, columns]`, that begin with a place, which may be outside. Columns outside stay
    /// zero: what is laid in a slab always begins with the same column.
    pub(super) fn lay(&mut self, maps: &[f32], [height, width]: [usize; 2], first: [isize; 2]) {
        let line = self.columns * self.pitch;
        let inside = |bound: isize, count: usize| (bound.max(0) as usize).min(count);
        let top = inside(-first[0], self.rows);
        let bottom = inside(height as isize - first[0], self.rows).max(top);
        self.values[..top * line].fill(0.0);
        self.values[bottom * line..].fill(0.0);
        let (left, skipped) = (inside(-first[1], self.columns), inside(first[1], width));
        let matrices = Matrices {
            count: bottom - top,
            rows: maps.len() / (height * width),
            columns: (width - skipped).min(self.columns - left),
            from: [width, height * width],
            to: [line, self.pitch],
        };
        if matrices.count > 0 {
            let seen = (first[0] + top as isize) as usize * width + skipped;
            let into = &mut self.values[top * line + left * self.pitch..];
            matrices.transpose(&maps[seen..], into);
        }
    }

    /// Writes `rows` rows of `width` places as `[channels, rows, columns]`, each channel with room for a whole tile's rows.
    pub(super) fn lift(&self, channels: usize, rows: usize, width: usize, into: &mut [f32]) {
        let matrices = Matrices {
            count: rows.min(self.rows),
            rows: width,
            columns: channels,
            from: [self.columns * self.pitch, self.pitch],
            to: [width, TILE * width],
        };
        matrices.transpose(&self.values, into);
    }
}

/// The points of some tiles, `[points, tiles, channels]`.
pub(super) struct AtPoints {
    pub(super) values: Vec<f32>,
    /// Channels, rounded up.
    pub(super) pitch: usize,
    /// How far it is from a point to the next: not a multiple of a page, which the first cache could not hold.
    pub(super) point: usize,
}

impl AtPoints {
    pub(super) fn new(tiles: usize, pitch: usize) -> Self {
        let point = tiles * pitch + LANES;
        Self {
            values: vec![0.0; POINTS * point],
            pitch,
            point,
        }
    }

    pub(super) fn layout(&self) -> Layout {
        Layout {
            row: SEEN * self.point,
            column: self.point,
            plane: self.pitch,
        }
    }

    /// The values of a point.
    pub(super) fn at(&self, point: usize) -> &[f32] {
        &self.values[point * self.point..][..self.point]
    }
}
