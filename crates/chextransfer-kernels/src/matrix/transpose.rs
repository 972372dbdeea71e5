//! Rows to columns.

#[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
use pulp::x86::V3;

/// Sides of a block that is turned in registers.
const SIDE: usize = 8;

/// A matrix within a larger one: how far it is from one row to the next.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pitch {
    pub(crate) from: usize,
    pub(crate) to: usize,
}

/// Writes the transpose of `from`, `[rows, columns]`, to `to`.
pub(crate) fn transpose([rows, columns]: [usize; 2], pitch: Pitch, from: &[f32], to: &mut [f32]) {
    if rows.min(columns) < SIDE {
        return one_by_one([rows, columns], pitch, from, to);
    }
    // The last block of a row or a column lies over the one before.
    let starts = |side: usize| (0..side).step_by(SIDE).map(move |at| at.min(side - SIDE));
    let blocks = starts(rows).flat_map(|row| starts(columns).map(move |column| (row, column)));
    #[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
    if let Some(simd) = V3::try_new() {
        return simd.vectorize(
            #[inline(always)]
            || {
                for (row, column) in blocks {
                    let from = &from[row * pitch.from + column..];
                    in_registers(simd, pitch, from, &mut to[column * pitch.to + row..]);
                }
            },
        );
    }
    for (row, column) in blocks {
        let from = &from[row * pitch.from + column..];
        one_by_one(
            [SIDE, SIDE],
            pitch,
            from,
            &mut to[column * pitch.to + row..],
        );
    }
}

#[inline(always)]
fn one_by_one([rows, columns]: [usize; 2], pitch: Pitch, from: &[f32], to: &mut [f32]) {
    for column in 0..columns {
        let line = &mut to[column * pitch.to..][..rows];
        for (row, value) in line.iter_mut().enumerate() {
            *value = from[row * pitch.from + column];
        }
    }
}

/// A block of eight rows and columns.
#[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
#[inline(always)]
fn in_registers(simd: V3, pitch: Pitch, from: &[f32], to: &mut [f32]) {
    let avx = simd.avx;
    let zero = avx._mm256_setzero_ps();
    let mut rows = [zero; SIDE];
    for (row, values) in rows
        .iter_mut()
        .enumerate()
        .map(|(i, row)| (row, &from[i * pitch.from..]))
    {
        *row = pulp::cast(*values.first_chunk::<SIDE>().unwrap_or(&[0.0; SIDE]));
    }
    let mut pairs = [zero; SIDE];
    for half in 0..4 {
        let [a, b] = [rows[2 * half], rows[2 * half + 1]];
        pairs[2 * half] = avx._mm256_unpacklo_ps(a, b);
        pairs[2 * half + 1] = avx._mm256_unpackhi_ps(a, b);
    }
    let mut fours = [zero; SIDE];
    for half in 0..2 {
        for side in 0..2 {
            let [a, b] = [pairs[4 * half + side], pairs[4 * half + 2 + side]];
            fours[4 * half + 2 * side] = avx._mm256_shuffle_ps::<0b01_00_01_00>(a, b);
            fours[4 * half + 2 * side + 1] = avx._mm256_shuffle_ps::<0b11_10_11_10>(a, b);
        }
    }
    for column in 0..4 {
        let [a, b] = [fours[column], fours[4 + column]];
        let lower: [f32; SIDE] = pulp::cast(avx._mm256_permute2f128_ps::<0x20>(a, b));
        let upper: [f32; SIDE] = pulp::cast(avx._mm256_permute2f128_ps::<0x31>(a, b));
        to[column * pitch.to..][..SIDE].copy_from_slice(&lower);
        to[(4 + column) * pitch.to..][..SIDE].copy_from_slice(&upper);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_become_columns() {
        for (rows, columns) in [(1, 1), (3, 20), (20, 3), (8, 8), (9, 15), (16, 24), (33, 8)] {
            let pitch = Pitch {
                from: columns + 3,
                to: rows + 5,
            };
            let from: Vec<f32> = (0..rows * pitch.from).map(|index| index as f32).collect();
            let mut to = vec![-1.0; columns * pitch.to];
            transpose([rows, columns], pitch, &from, &mut to);
            for (index, value) in to.into_iter().enumerate() {
                let (column, row) = (index / pitch.to, index % pitch.to);
                let expected = if row < rows {
                    from[row * pitch.from + column]
                } else {
                    -1.0
                };
                assert_eq!(value, expected, "{rows}x{columns}: row {row} of {column}");
            }
        }
    }
}
