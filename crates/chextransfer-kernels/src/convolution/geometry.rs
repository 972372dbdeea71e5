//! Which values of a map a convolution sees.

use std::ops::Range;

/// Sizes of a convolution; `[rows, columns]` where there are two of something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ConvShape {
    /// Images.
    pub(crate) batch: usize,
    /// Channels of the input.
    pub(crate) input_channels: usize,
    /// Channels of the output.
    pub(crate) output_channels: usize,
    /// Sides of the input map.
    pub(crate) input: [usize; 2],
    /// Sides of the kernel.
    pub(crate) kernel: [usize; 2],
    /// Step of the kernel.
    pub(crate) stride: [usize; 2],
    /// Zeros on either side.
    pub(crate) padding: [usize; 2],
    /// Whether each channel has a kernel of its own and sees no other.
    pub(crate) depthwise: bool,
}

impl ConvShape {
    /// Sides of the output map.
    pub(crate) fn output(&self) -> [usize; 2] {
        [0, 1].map(|axis| {
            let padded = self.input[axis] + 2 * self.padding[axis];
            (padded - self.kernel[axis]) / self.stride[axis] + 1
        })
    }

    pub(crate) fn input_area(&self) -> usize {
        self.input[0] * self.input[1]
    }

    pub(crate) fn output_area(&self) -> usize {
        let [height, width] = self.output();
        height * width
    }

    pub(crate) fn taps(&self) -> usize {
        self.kernel[0] * self.kernel[1]
    }

    /// The convolution of the output's gradient with turned kernels that gives the input's, where steps are single and the
    /// padding is less than the kernel.
    pub(crate) fn turned(&self) -> Self {
        Self {
            input_channels: self.output_channels,
            output_channels: self.input_channels,
            input: self.output(),
            padding: [0, 1].map(|axis| self.kernel[axis] - 1 - self.padding[axis]),
            ..*self
        }
    }

    /// Phases of the stride: the first of the inputs that are a stride apart.
    pub(crate) fn phases(&self) -> impl Iterator<Item = [usize; 2]> {
        let [down, right] = self.stride;
        (0..down * right).map(move |phase| [phase / right, phase % right])
    }

    /// The taps through which outputs see the inputs of the phase that begins with `first`.
    pub(crate) fn taps_to(&self, first: [usize; 2]) -> Vec<TapTo> {
        // Tap t of output o sees input o * stride + t - padding.
        let along = |axis: usize| {
            let (stride, origin) = (self.stride[axis], first[axis] + self.padding[axis]);
            (0..self.kernel[axis])
                .filter(move |tap| tap % stride == origin % stride)
                .map(move |tap| (tap, (origin as isize - tap as isize) / stride as isize))
        };
        along(0)
            .flat_map(|row| along(1).map(move |column| (row, column)))
            .map(|((row, down), (column, right))| TapTo {
                index: row * self.kernel[1] + column,
                shift: [down, right],
            })
            .collect()
    }

    /// What the outputs see of the input.
    pub(crate) fn windows(&self) -> Windows {
        let [rows, columns] = self.kernel;
        let [top, left] = self.padding.map(|side| side as isize);
        let taps = (0..rows * columns).map(|tap| {
            let (row, column) = (tap / columns, tap % columns);
            [row as isize - top, column as isize - left]
        });
        Windows::new(self.input, self.output(), self.stride, taps.collect())
    }
}

/// A tap of a kernel through which an output sees the n-th input of a phase.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TapTo {
    /// Which of the kernel's.
    pub(crate) index: usize,
    /// How far the output is from the n-th one.
    pub(crate) shift: [isize; 2],
}

/// For every place of a grid and every tap of a kernel, the place of a map that it sees: `place * step + tap`, or the
/// border's zero.
#[derive(Debug, Clone)]
pub(crate) struct Windows {
    map: [usize; 2],
    grid: [usize; 2],
    step: [usize; 2],
    taps: Vec<[isize; 2]>,
}

impl Windows {
    pub(crate) fn new(
        map: [usize; 2],
        grid: [usize; 2],
        step: [usize; 2],
        taps: Vec<[isize; 2]>,
    ) -> Self {
        // A kernel of one tap that sees every place in order needs no rows: the map is one.
        let mut windows = Self {
            map,
            grid,
            step,
            taps,
        };
        if windows.are_the_map() {
            windows.map = [1, map[0] * map[1]];
            windows.grid = windows.map;
        }
        windows
    }

    pub(crate) fn taps(&self) -> usize {
        self.taps.len()
    }

    /// Whether every place sees the map's value at that place alone.
    pub(crate) fn are_the_map(&self) -> bool {
        self.taps == [[0, 0]] && self.map == self.grid && self.step == [1, 1]
    }

    pub(crate) fn places(&self) -> usize {
        self.grid[0] * self.grid[1]
    }

    pub(crate) fn map_area(&self) -> usize {
        self.map[0] * self.map[1]
    }

    /// A layout of maps in which every tap is a shift, if the border between rows, which is multiplied too, costs less than packing
    /// every tap would.
    pub(crate) fn sheet(&self) -> Option<Sheet> {
        let least = |axis: usize| self.taps.iter().map(|tap| tap[axis]).min().unwrap_or(0);
        let first = [least(0), least(1)];
        let [down, right] = self.step;
        // For each tap its phase, and how far into a plane it sees.
        let seen: Vec<_> = (self.taps.iter())
            .map(|tap| {
                let [row, column] = [0, 1].map(|axis| (tap[axis] - first[axis]) as usize);
                (
                    row % down * right + column % right,
                    [row / down, column / right],
                )
            })
            .collect();
        let reach = |axis: usize| seen.iter().map(|(_, place)| place[axis]).max().unwrap_or(0);
        let is_narrow = self.grid[1] < 12 || self.grid[1] < 6 * reach(1);
        (self.taps.len() > 1 && !is_narrow).then(|| {
            let pitch = self.grid[1] + reach(1);
            let shifts = (seen.iter()).map(|(phase, [row, column])| (*phase, row * pitch + column));
            Sheet {
                first,
                phases: self.step,
                rows_behind: reach(0),
                pitch,
                shifts: shifts.collect(),
            }
        })
    }

    /// Sides of the grid of places.
    pub(crate) fn grid(&self) -> [usize; 2] {
        self.grid
    }

    /// Copies what rows of the grid see of a map into a sheet of the size for so many rows.
    #[inline(always)]
    pub(crate) fn lay(&self, sheet: &Sheet, map: &[f32], rows: Range<usize>, into: &mut [f32]) {
        let [down, right] = sheet.phases;
        let plane = into.len() / (down * right);
        for (phase, into) in into.chunks_exact_mut(plane).enumerate() {
            let top = sheet.first[0] + (phase / right) as isize;
            let left = sheet.first[1] + (phase % right) as isize;
            let lines = into.chunks_exact_mut(sheet.pitch);
            for (line, into) in lines.take(rows.len() + sheet.rows_behind).enumerate() {
                let row = top + ((rows.start + line) * down) as isize;
                self.gather_line(map, row, left, into);
            }
        }
    }

    /// Writes what `tap` sees from `into.len()` places beginning with `first`.
    #[inline(always)]
    pub(crate) fn gather(&self, map: &[f32], tap: usize, first: usize, into: &mut [f32]) {
        let [_, columns] = self.grid;
        let (mut row, mut column) = (first / columns, first % columns);
        let mut rest = into;
        while !rest.is_empty() {
            let count = rest.len().min(columns - column);
            let (run, behind) = rest.split_at_mut(count);
            self.gather_run(map, self.taps[tap], row, column, run);
            rest = behind;
            row += 1;
            column = 0;
        }
    }

    /// A run of places of one row.
    #[inline(always)]
    fn gather_run(
        &self,
        map: &[f32],
        [down, right]: [isize; 2],
        row: usize,
        column: usize,
        run: &mut [f32],
    ) {
        let row = (row * self.step[0]) as isize + down;
        self.gather_line(map, row, (column * self.step[1]) as isize + right, run);
    }

    /// The places of a row of the map that begin with a column and are a step apart; zero outside.
    #[inline(always)]
    fn gather_line(&self, map: &[f32], row: isize, column: isize, run: &mut [f32]) {
        let [height, width] = self.map;
        if row < 0 || row >= height as isize {
            return run.fill(0.0);
        }
        let line = &map[row as usize * width..][..width];
        let step = self.step[1];
        // The first place whose column is inside, and the first behind them.
        let inside = |bound: isize| {
            let columns = (bound - column).max(0) as usize;
            columns.div_ceil(step).min(run.len())
        };
        let (from, to) = (inside(0), inside(width as isize));
        run[..from].fill(0.0);
        run[to..].fill(0.0);
        if from == to {
            return;
        }
        let line = &line[((from * step) as isize + column) as usize..];
        let run = &mut run[from..to];
        match step {
            1 => run.copy_from_slice(&line[..run.len()]),
            _ => every(step, line, run),
        }
    }
}

/// Writes every `step`-th value of `line` to `run`.
#[inline(always)]
pub(super) fn every(step: usize, line: &[f32], run: &mut [f32]) {
    let mut done = 0;
    if step == 2 {
        // As vectors.
        let runs = run.as_chunks_mut::<8>().0.iter_mut();
        for (run, line) in runs.zip(line.as_chunks::<16>().0) {
            for (place, value) in run.iter_mut().enumerate() {
                *value = line[2 * place];
            }
            done += run.len();
        }
    }
    let (run, line) = (&mut run[done..], &line[step * done..]);
    for (value, seen) in run.iter_mut().zip(line.iter().step_by(step)) {
        *value = *seen;
    }
}

/// Rows of a map with their borders, one behind the other, in a plane for each phase of the steps.
#[derive(Debug, Clone)]
pub(crate) struct Sheet {
    /// Row and column of the map that the first place's first tap sees.
    first: [isize; 2],
    /// Of rows and of columns.
    phases: [usize; 2],
    /// Rows of a plane that the last place sees below its own first.
    rows_behind: usize,
    /// Values of a plane's row.
    pub(crate) pitch: usize,
    /// For each tap its phase, and where in the plane its first place is.
    shifts: Vec<(usize, usize)>,
}

impl Sheet {
    /// Values of the planes for so many rows of the grid; products of whole tiles may reach behind the last one.
    pub(crate) fn size(&self, rows: usize, tile: usize) -> usize {
        self.phases[0] * self.phases[1] * self.plane(rows, tile)
    }

    fn plane(&self, rows: usize, tile: usize) -> usize {
        (rows + self.rows_behind + 1) * self.pitch + tile
    }

    /// Where in a sheet of that size each tap's first place is.
    pub(crate) fn offsets(&self, rows: usize, tile: usize) -> impl Iterator<Item = usize> {
        let plane = self.plane(rows, tile);
        (self.shifts.iter()).map(move |(phase, shift)| phase * plane + shift)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_see_what_the_definition_says() {
        for (map, kernel, stride, padding) in [
            ([5, 7], [3, 3], [1, 1], [1, 1]),
            ([5, 7], [3, 3], [2, 2], [1, 1]),
            ([6, 4], [1, 1], [2, 2], [0, 0]),
            ([6, 4], [1, 1], [1, 1], [0, 0]),
            ([9, 8], [7, 7], [2, 2], [3, 3]),
            ([4, 9], [1, 7], [1, 1], [0, 3]),
            ([3, 3], [5, 5], [3, 1], [2, 2]),
        ] {
            let shape = ConvShape {
                batch: 1,
                input_channels: 1,
                output_channels: 1,
                input: map,
                kernel,
                stride,
                padding,
                depthwise: false,
            };
            let windows = shape.windows();
            let values: Vec<f32> = (1..=map[0] * map[1]).map(|value| value as f32).collect();
            let [height, width] = shape.output();
            for tap in 0..shape.taps() {
                for first in 0..height * width {
                    let mut seen = vec![f32::NAN; height * width - first];
                    windows.gather(&values, tap, first, &mut seen);
                    for (place, seen) in (first..).zip(seen) {
                        let at = |axis: usize, place: usize, tap: usize| {
                            (place * stride[axis] + tap) as isize - padding[axis] as isize
                        };
                        let row = at(0, place / width, tap / kernel[1]);
                        let column = at(1, place % width, tap % kernel[1]);
                        let inside = (0..map[0] as isize).contains(&row)
                            && (0..map[1] as isize).contains(&column);
                        let expected = match inside {
                            true => values[row as usize * map[1] + column as usize],
                            false => 0.0,
                        };
                        assert_eq!(seen, expected, "{shape:?} tap {tap} place {place}");
                    }
                }
            }
        }
    }
}
