//! A map cut into tiles.

use super::super::geometry::ConvShape;
use super::transforms::Layout;
use super::{LANES, POINTS, SEEN, TILE};
use crate::matrix::{Pitch, transpose};

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

    /// Copies the rows of `maps`, `[channels, rows, columns]`, that begin with a place, which may be outside.
    pub(super) fn lay(&mut self, maps: &[f32], [height, width]: [usize; 2], first: [isize; 2]) {
        let line = self.columns * self.pitch;
        let channels = maps.len() / (height * width);
        let left = ((-first[1]).max(0) as usize).min(self.columns);
        let skipped = (first[1].max(0) as usize).min(width);
        let count = (width - skipped).min(self.columns - left);
        for (row, into) in self.values.chunks_exact_mut(line).enumerate() {
            let row = first[0] + row as isize;
            if row < 0 || row >= height as isize {
                into.fill(0.0);
                continue;
            }
            let (before, rest) = into.split_at_mut(left * self.pitch);
            let (inside, behind) = rest.split_at_mut(count * self.pitch);
            before.fill(0.0);
            behind.fill(0.0);
            let pitch = Pitch {
                from: height * width,
                to: self.pitch,
            };
            let seen = &maps[row as usize * width + skipped..];
            transpose([channels, count], pitch, seen, inside);
        }
    }

    /// Writes `rows` rows of `width` places as `[channels, rows, columns]`, each channel with room for a whole tile's rows.
    pub(super) fn lift(&self, channels: usize, rows: usize, width: usize, into: &mut [f32]) {
        let lines = self.values.chunks_exact(self.columns * self.pitch);
        for (row, line) in lines.take(rows.min(self.rows)).enumerate() {
            let pitch = Pitch {
                from: self.pitch,
                to: TILE * width,
            };
            transpose([width, channels], pitch, line, &mut into[row * width..]);
        }
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
