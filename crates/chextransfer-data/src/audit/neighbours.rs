//! All pairs of hashes that differ in few bits, without comparing all pairs.
//!
//! Multi-index hashing (Norouzi, Punjani and Fleet, CVPR 2012): a hash of 256 bits is cut into 16 bands of 16. Two hashes
//! that differ in at most 31 bits have a band in which they differ in at most one bit, by the pigeonhole principle. So
//! for each band the hashes are sorted by its value, and each is compared only with those of the same value or one bit
//! off. On the radiographs of [`super::thumbnail`] that is 1.2 % of the pairs.

use rayon::prelude::*;

use super::thumbnail::PerceptualHash;

const BANDS: usize = 16;
const VALUES: usize = 1 << 16;

/// The largest distance for which the bands find every pair.
const REACH: u32 = 2 * BANDS as u32 - 1;

/// The pairs `(i, j)` with `i < j` whose hashes differ in at most `distance` bits, sorted; `distance` is at most 31.
pub(super) fn neighbours(hashes: &[PerceptualHash], distance: u32) -> Vec<(usize, usize)> {
    debug_assert!(distance <= REACH);
    let mut pairs: Vec<(usize, usize)> = (0..BANDS)
        .flat_map(|band| {
            let index = Index::of_band(hashes, band);
            let found: Vec<(usize, usize)> = hashes
                .par_iter()
                .enumerate()
                .flat_map_iter(|(i, &hash)| {
                    index.near(value(hash, band)).filter_map(move |j| {
                        let other = *hashes.get(j)?;
                        let close = i < j && hash.distance(other) <= distance;
                        // Each pair is given by its first band only.
                        (close && first_band(hash, other) == Some(band)).then_some((i, j))
                    })
                })
                .collect();
            found
        })
        .collect();
    pairs.sort_unstable();
    pairs
}

/// The 16 bits of a band. Frequencies run along the bits, and the low ones are alike in all chests; a band takes every
/// sixteenth bit, one step further in each row of the 16x16 frequencies, so that each has low and high ones.
fn value(hash: PerceptualHash, band: usize) -> u16 {
    (0..16).fold(0, |value, row| {
        let word = hash.0[row / 4];
        let column = (band + row) % 16;
        let bit = word >> (16 * (row % 4) + column) & 1;
        value | (bit as u16) << row
    })
}

fn first_band(one: PerceptualHash, other: PerceptualHash) -> Option<usize> {
    (0..BANDS).find(|&band| (value(one, band) ^ value(other, band)).count_ones() <= 1)
}

/// Places of the hashes, sorted by their value in one band.
struct Index {
    /// Where each value's places begin; one more than there are values.
    starts: Vec<u32>,
    places: Vec<u32>,
}

impl Index {
    fn of_band(hashes: &[PerceptualHash], band: usize) -> Self {
        let values: Vec<u16> = hashes.par_iter().map(|&h| value(h, band)).collect();
        let mut starts = vec![0; VALUES + 1];
        for &value in &values {
            starts[usize::from(value) + 1] += 1;
        }
        for i in 0..VALUES {
            starts[i + 1] += starts[i];
        }
        let mut next = starts.clone();
        let mut places = vec![0; values.len()];
        for (place, &value) in values.iter().enumerate() {
            let slot = &mut next[usize::from(value)];
            places[*slot as usize] = place as u32;
            *slot += 1;
        }
        Self { starts, places }
    }

    /// Places whose value is this one or one bit off.
    fn near(&self, value: u16) -> impl Iterator<Item = usize> + '_ {
        let flips = std::iter::once(0).chain((0..16).map(|bit| 1 << bit));
        flips.flat_map(move |flip| {
            let value = usize::from(value ^ flip);
            let bucket = self.starts[value] as usize..self.starts[value + 1] as usize;
            self.places[bucket].iter().map(|&place| place as usize)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::draw::{Purpose, generator};
    use rand::Rng;

    /// Random hashes, and for each a copy in which so many bits are flipped.
    fn hashes() -> Vec<PerceptualHash> {
        let mut random = generator(Purpose::Order, 4, 0, 0);
        let mut hashes = Vec::new();
        for flips in (0..48).cycle().take(600) {
            let hash = PerceptualHash([0; 4].map(|_| random.next_u64()));
            let mut copy = hash;
            let mut flipped = std::collections::BTreeSet::new();
            while flipped.len() < flips {
                flipped.insert(random.next_u64() as usize % 256);
            }
            for bit in flipped {
                copy.0[bit / 64] ^= 1 << (bit % 64);
            }
            hashes.extend([hash, copy]);
        }
        hashes
    }

    #[test]
    fn the_index_finds_exactly_the_pairs_that_comparing_all_finds() {
        let hashes = hashes();
        for distance in [0, 8, REACH] {
            let mut expected = Vec::new();
            for (i, one) in hashes.iter().enumerate() {
                for (j, other) in hashes.iter().enumerate().skip(i + 1) {
                    if one.distance(*other) <= distance {
                        expected.push((i, j));
                    }
                }
            }
            assert!(expected.len() > 10 * distance as usize, "{distance}");
            assert_eq!(neighbours(&hashes, distance), expected, "{distance}");
        }
    }

    #[test]
    fn each_bit_is_in_one_band() {
        let mut seen = [0; 4];
        for bit in 0..256 {
            let mut hash = PerceptualHash([0; 4]);
            hash.0[bit / 64] = 1 << (bit % 64);
            let bands = (0..BANDS).filter(|&band| value(hash, band) != 0);
            assert_eq!(bands.count(), 1, "{bit}");
            seen[bit / 64] |= hash.0[bit / 64];
        }
        assert_eq!(seen, [u64::MAX; 4]);
    }
}
