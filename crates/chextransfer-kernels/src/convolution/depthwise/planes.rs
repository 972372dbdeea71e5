//! A map copied into planes with a border, one for each phase of the stride.

use super::super::geometry::every;

/// Values that a plane has behind its last row: vectors may reach there.
const SLACK: usize = 32;

/// A map in planes with a border.
pub(super) struct Planes {
    /// Values between two rows of a plane.
    pub(super) pitch: usize,
    /// Values between two planes.
    area: usize,
    /// Rows and columns between two values of a plane.
    step: [usize; 2],
    /// Zeros before the first row and column.
    border: [usize; 2],
    pub(super) values: Vec<f32>,
}

impl Planes {
    /// Planes for maps whose `grid` of results has `reach` of the padded map behind each.
    pub(super) fn new(
        grid: [usize; 2],
        step: [usize; 2],
        border: [usize; 2],
        reach: [usize; 2],
    ) -> Self {
        let [height, pitch] = [0, 1].map(|axis| grid[axis] + (reach[axis] - 1) / step[axis]);
        let area = height * pitch + reach[1] + SLACK;
        Self {
            pitch,
            area,
            step,
            border,
            values: vec![0.0; area * step[0] * step[1]],
        }
    }

    /// Where the tap at this row and column of the kernel finds the first result's value.
    pub(super) fn offset(&self, [row, column]: [usize; 2]) -> usize {
        let [down, right] = self.step;
        let phase = (row % down) * right + column % right;
        phase * self.area + (row / down) * self.pitch + column / right
    }

    /// Copies a map in; what lies outside it stays zero.
    #[inline(always)]
    pub(super) fn fill(&mut self, map: &[f32], width: usize) {
        let [down, right] = self.step;
        let rows_of_plane = (self.area - SLACK) / self.pitch;
        for (index, line) in map.chunks_exact(width).enumerate() {
            let row = index + self.border[0];
            if row / down >= rows_of_plane {
                break;
            }
            let planes = &mut self.values[(row % down) * right * self.area..][..right * self.area];
            let start = (row / down) * self.pitch;
            let room = |column: usize| self.pitch - column;
            let border = self.border[1];
            match right {
                1 => {
                    let count = width.min(room(border));
                    copy(&map[index * width..], count, &mut planes[start + border..]);
                }
                2 => {
                    let (first, second) = planes.split_at_mut(self.area);
                    let (evens, odds) = match border % 2 {
                        0 => (first, second),
                        _ => (second, first),
                    };
                    let [even, odd] = [border / 2, border.div_ceil(2)];
                    let evens = &mut evens[start + even..][..width.div_ceil(2).min(room(even))];
                    let odds = &mut odds[start + odd..][..(width / 2).min(room(odd))];
                    alternate(line, evens, odds);
                }
                _ => {
                    for phase in 0..right {
                        // The first column of the map in this phase.
                        let skipped = (phase + right - border % right) % right;
                        let column = (skipped + border) / right;
                        if let Some(line) = line.get(skipped..) {
                            let count = line.len().div_ceil(right).min(room(column));
                            let start = phase * self.area + start + column;
                            every(right, line, &mut planes[start..start + count]);
                        }
                    }
                }
            }
        }
    }
}

/// Writes what stands at even and at odd places of a line.
#[inline(always)]
fn alternate(line: &[f32], evens: &mut [f32], odds: &mut [f32]) {
    let (pairs, _) = line.as_chunks::<2>();
    for ((even, odd), pair) in evens.iter_mut().zip(&mut *odds).zip(pairs) {
        [*even, *odd] = *pair;
    }
    for (place, even) in evens.iter_mut().enumerate().skip(odds.len()) {
        *even = line[2 * place];
    }
}

/// Copies `count` values into a row with zeros behind it. Short rows are copied as whole vectors, which takes less time than
/// the call that copies any number.
#[inline(always)]
pub(super) fn copy(from: &[f32], count: usize, into: &mut [f32]) {
    let copied = match count.div_ceil(8) {
        1 => copy_whole::<8>(from, count, into),
        2 => copy_whole::<16>(from, count, into),
        3 => copy_whole::<24>(from, count, into),
        4 => copy_whole::<32>(from, count, into),
        _ => false,
    };
    if !copied {
        into[..count].copy_from_slice(&from[..count]);
    }
}

/// Copies `WHOLE` values and overwrites those behind the first `count` with zeros, if there is room.
#[inline(always)]
fn copy_whole<const WHOLE: usize>(from: &[f32], count: usize, into: &mut [f32]) -> bool {
    let Some(from) = from.first_chunk::<WHOLE>() else {
        return false;
    };
    let Some(room) = into.get_mut(..count + 8) else {
        return false;
    };
    if let Some(into) = room.first_chunk_mut::<WHOLE>() {
        *into = *from;
    }
    room[count..].fill(0.0);
    true
}
