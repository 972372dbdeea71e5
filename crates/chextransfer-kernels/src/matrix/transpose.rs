//! Rows to columns.

#[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
use {crate::simd::avx2, pulp::x86::V3};

/// Sides of a block that is turned in registers.
pub(crate) const SIDE: usize = 8;

/// Matrices of the same size within larger ones.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Matrices {
    pub(crate) count: usize,
    /// Before they are transposed.
    pub(crate) rows: usize,
    pub(crate) columns: usize,
    /// How far it is from one matrix and from one row to the next, before and after.
    pub(crate) from: [usize; 2],
    pub(crate) to: [usize; 2],
}

impl Matrices {
    /// Writes the transpose of each matrix of `from` to `to`.
    pub(crate) fn transpose(&self, from: &[f32], to: &mut [f32]) {
        #[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
        if self.rows >= SIDE
            && let Some(simd) = avx2()
        {
            return simd.vectorize(
                #[inline(always)]
                || {
                    for index in 0..self.count {
                        let (from, to) =
                            (&from[index * self.from[0]..], &mut to[index * self.to[0]..]);
                        if self.columns < SIDE {
                            self.narrow(simd, from, to);
                        } else {
                            self.wide(simd, from, to);
                        }
                    }
                },
            );
        }
        for index in 0..self.count {
            let (from, to) = (&from[index * self.from[0]..], &mut to[index * self.to[0]..]);
            for column in 0..self.columns {
                let line = &mut to[column * self.to[1]..][..self.rows];
                for (row, value) in line.iter_mut().enumerate() {
                    *value = from[row * self.from[1] + column];
                }
            }
        }
    }
}

#[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
impl Matrices {
    /// Rows of whole vectors.
    #[inline(always)]
    fn wide(&self, simd: V3, from: &[f32], to: &mut [f32]) {
        for row in starts(self.rows) {
            let mut rows = [from; SIDE];
            for (index, line) in rows.iter_mut().enumerate() {
                *line = &from[(row + index) * self.from[1]..][..self.columns];
            }
            for column in starts(self.columns) {
                let mut block = [[0.0; SIDE]; SIDE];
                for (block, line) in block.iter_mut().zip(rows) {
                    block.copy_from_slice(&line[column..column + SIDE]);
                }
                let to = to[column * self.to[1]..].chunks_mut(self.to[1]);
                for (to, column) in to.zip(turned(simd, block)) {
                    to[row..row + SIDE].copy_from_slice(&column);
                }
            }
        }
    }

    /// Rows that are shorter than a vector.
    #[inline(always)]
    fn narrow(&self, simd: V3, from: &[f32], to: &mut [f32]) {
        for row in starts(self.rows) {
            let mut block = [[0.0; SIDE]; SIDE];
            let lines = from[row * self.from[1]..].chunks(self.from[1]);
            for (block, line) in block.iter_mut().zip(lines) {
                if let Some(line) = line.first_chunk() {
                    *block = *line;
                } else {
                    block[..self.columns].copy_from_slice(&line[..self.columns]);
                }
            }
            let to = to.chunks_mut(self.to[1]).take(self.columns);
            for (to, column) in to.zip(turned(simd, block)) {
                to[row..row + SIDE].copy_from_slice(&column);
            }
        }
    }
}

/// Some runs of values of maps.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Runs {
    pub(crate) count: usize,
    pub(crate) length: usize,
    /// Where the first one begins in each map.
    pub(crate) first: usize,
    /// How far it is from one run to the next, in a map and side by side.
    pub(crate) from: usize,
    pub(crate) to: usize,
}

impl Runs {
    /// Writes runs of at most eight maps of so many values side by side.
    pub(crate) fn interleave(&self, maps: &[f32], area: usize, to: &mut [[f32; SIDE]]) {
        #[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
        if maps.len() == SIDE * area
            && area >= SIDE
            && let Some(simd) = avx2()
        {
            return simd.vectorize(
                #[inline(always)]
                || self.interleave_eight(simd, maps, area, to),
            );
        }
        for run in 0..self.count {
            for (channel, map) in maps.chunks_exact(area).enumerate() {
                let run_of_map = &map[self.first + run * self.from..][..self.length];
                for (to, value) in to[run * self.to..].iter_mut().zip(run_of_map) {
                    to[channel] = *value;
                }
            }
        }
    }

    #[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
    #[inline(always)]
    fn interleave_eight(&self, simd: V3, maps: &[f32], area: usize, to: &mut [[f32; SIDE]]) {
        let lines: [&[f32]; SIDE] = std::array::from_fn(|map| &maps[map * area..][..area]);
        for run in 0..self.count {
            let first = self.first + run * self.from;
            let to = &mut to[run * self.to..][..self.length];
            if self.length >= SIDE {
                for start in starts(self.length) {
                    to[start..start + SIDE].copy_from_slice(&block(simd, lines, first + start));
                }
            } else {
                // The last run may not have a whole block behind its beginning.
                let start = first.min(area - SIDE);
                for (place, values) in block(simd, lines, start).into_iter().enumerate() {
                    if let Some(to) = (place + start)
                        .checked_sub(first)
                        .and_then(|at| to.get_mut(at))
                    {
                        *to = values;
                    }
                }
            }
        }
    }
}

/// The columns of a block of lines.
#[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
#[inline(always)]
fn block(simd: V3, lines: [&[f32]; SIDE], first: usize) -> [[f32; SIDE]; SIDE] {
    let mut block = [[0.0; SIDE]; SIDE];
    for (block, line) in block.iter_mut().zip(lines) {
        block.copy_from_slice(&line[first..first + SIDE]);
    }
    turned(simd, block)
}

/// Writes what is side by side to at most eight maps of so many values, beginning with `first` in each.
pub(crate) fn deinterleave(from: &[[f32; SIDE]], maps: &mut [f32], area: usize, first: usize) {
    #[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
    if maps.len() == SIDE * area
        && from.len() >= SIDE
        && let Some(simd) = avx2()
    {
        let mut rest = maps;
        let mut lines: [&mut [f32]; SIDE] = std::array::from_fn(|_| {
            let (map, behind) = std::mem::take(&mut rest).split_at_mut(area);
            rest = behind;
            &mut map[first..][..from.len()]
        });
        return simd.vectorize(
            #[inline(always)]
            || {
                for start in starts(from.len()) {
                    let mut block = [[0.0; SIDE]; SIDE];
                    block.copy_from_slice(&from[start..start + SIDE]);
                    for (line, values) in lines.iter_mut().zip(turned(simd, block)) {
                        line[start..start + SIDE].copy_from_slice(&values);
                    }
                }
            },
        );
    }
    for (channel, map) in maps.chunks_exact_mut(area).enumerate() {
        for (value, from) in map[first..].iter_mut().zip(from) {
            *value = from[channel];
        }
    }
}

/// Where blocks begin; the last one lies over the one before.
#[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
#[inline(always)]
fn starts(side: usize) -> impl Iterator<Item = usize> {
    (0..side.div_ceil(SIDE)).map(move |block| (block * SIDE).min(side - SIDE))
}

/// The columns of a block.
#[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
#[inline(always)]
fn turned(simd: V3, block: [[f32; SIDE]; SIDE]) -> [[f32; SIDE]; SIDE] {
    let avx = simd.avx;
    let rows = block.map(pulp::cast);
    let mut pairs = rows;
    for half in 0..4 {
        let [a, b] = [rows[2 * half], rows[2 * half + 1]];
        pairs[2 * half] = avx._mm256_unpacklo_ps(a, b);
        pairs[2 * half + 1] = avx._mm256_unpackhi_ps(a, b);
    }
    let mut fours = rows;
    for half in 0..2 {
        for side in 0..2 {
            let [a, b] = [pairs[4 * half + side], pairs[4 * half + 2 + side]];
            fours[4 * half + 2 * side] = avx._mm256_shuffle_ps::<0b01_00_01_00>(a, b);
            fours[4 * half + 2 * side + 1] = avx._mm256_shuffle_ps::<0b11_10_11_10>(a, b);
        }
    }
    let mut columns = rows;
    for column in 0..4 {
        let [a, b] = [fours[column], fours[4 + column]];
        columns[column] = avx._mm256_permute2f128_ps::<0x20>(a, b);
        columns[4 + column] = avx._mm256_permute2f128_ps::<0x31>(a, b);
    }
    columns.map(pulp::cast)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_become_columns() {
        for (rows, columns) in [
            (1, 1),
            (3, 20),
            (20, 3),
            (8, 8),
            (9, 15),
            (8, 7),
            (17, 5),
            (16, 24),
            (33, 8),
        ] {
            let [before, after] = [columns + 3, rows + 5];
            let matrices = Matrices {
                count: 3,
                rows,
                columns,
                from: [rows * before + 2, before],
                to: [columns * after + 1, after],
            };
            let size = 2 * matrices.from[0] + (rows - 1) * before + columns;
            let from: Vec<f32> = (0..size).map(|index| index as f32).collect();
            let mut to = vec![-1.0; 2 * matrices.to[0] + (columns - 1) * after + rows];
            matrices.transpose(&from, &mut to);
            for (index, value) in to.into_iter().enumerate() {
                let (matrix, place) = (index / matrices.to[0], index % matrices.to[0]);
                let (column, row) = (place / after, place % after);
                let expected = if row < rows && column < columns {
                    from[matrix * matrices.from[0] + row * before + column]
                } else {
                    -1.0
                };
                assert_eq!(value, expected, "{rows}x{columns}: row {row} of {column}");
            }
        }
    }

    #[test]
    fn maps_side_by_side_come_apart_again() {
        for (channels, height, width) in [(8, 7, 7), (8, 3, 20), (8, 1, 5), (8, 2, 4), (3, 9, 8)] {
            let area = height * width;
            let maps: Vec<f32> = (0..channels * area).map(|index| index as f32).collect();
            // The last rows, in rows that are longer by two.
            let runs = Runs {
                count: height - height / 2,
                length: width,
                first: height / 2 * width,
                from: width,
                to: width + 2,
            };
            let mut places = vec![[-1.0; SIDE]; runs.count * runs.to];
            runs.interleave(&maps, area, &mut places);
            for (index, place) in places.iter().enumerate() {
                let (row, column) = (index / runs.to, index % runs.to);
                for (channel, value) in place.iter().enumerate() {
                    let expected = match channel < channels && column < width {
                        true => maps[channel * area + runs.first + row * width + column],
                        false => -1.0,
                    };
                    assert_eq!(*value, expected, "{channels}x{height}x{width}: {index}");
                }
            }
            let rows: Vec<_> = (places.chunks_exact(runs.to))
                .flat_map(|row| row[..width].to_vec())
                .collect();
            let mut apart = vec![0.0; channels * area];
            deinterleave(&rows, &mut apart, area, runs.first);
            for (apart, map) in apart.chunks_exact(area).zip(maps.chunks_exact(area)) {
                assert!(apart[..runs.first].iter().all(|value| *value == 0.0));
                assert_eq!(apart[runs.first..], map[runs.first..]);
            }
        }
    }
}
