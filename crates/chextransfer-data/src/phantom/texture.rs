//! Cloudy texture: random values on a lattice, smoothly joined.

use super::math::{Point, lerp};

/// A texture that depends on nothing but its salt and the place.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Texture {
    salt: u32,
    /// Lattice cells a body unit.
    cells: f32,
}

impl Texture {
    pub(crate) fn new(salt: u32, cells: f32) -> Self {
        Self { salt, cells }
    }

    /// The value at a place, in [-1, 1], with mean 0.
    pub(crate) fn at(self, place: Point) -> f32 {
        let (x, y) = (place.x * self.cells, place.y * self.cells);
        let (column, row) = (floor(x), floor(y));
        let ease = |t: f32| t * t * (3.0 - 2.0 * t);
        let (u, v) = (ease(x - column), ease(y - row));
        let (column, row) = (column as i32, row as i32);
        let corner = |i: i32, j: i32| self.lattice(column.wrapping_add(i), row.wrapping_add(j));
        lerp(
            lerp(corner(0, 0), corner(1, 0), u),
            lerp(corner(0, 1), corner(1, 1), u),
            v,
        )
    }

    /// Three octaves, in [-1, 1].
    pub(crate) fn cloud(self, place: Point) -> f32 {
        let octave = |k: u32| Self {
            salt: self.salt.wrapping_add(k.wrapping_mul(0x9e37_79b9)),
            cells: self.cells * (1 << k) as f32,
        };
        (self.at(place) * 4.0 + octave(1).at(place) * 2.0 + octave(2).at(place)) / 7.0
    }

    /// An integer hash (multiply and shift rounds) of a lattice point.
    fn lattice(self, column: i32, row: i32) -> f32 {
        let mut h = self.salt
            ^ (column as u32).wrapping_mul(0x85eb_ca6b)
            ^ (row as u32).wrapping_mul(0xc2b2_ae35);
        for _ in 0..2 {
            h ^= h >> 15;
            h = h.wrapping_mul(0x2c1b_3c6d);
            h ^= h >> 13;
        }
        (h >> 8) as f32 / (1 << 23) as f32 - 1.0
    }
}

/// As the standard library's, without its call on processors that lack an instruction for it.
fn floor(x: f32) -> f32 {
    let whole = x as i32 as f32;
    if whole > x { whole - 1.0 } else { whole }
}

#[cfg(test)]
mod tests {
    use super::super::math::point;
    use super::*;

    #[test]
    fn a_texture_is_bounded_smooth_and_differs_by_salt() {
        let (one, other) = (Texture::new(1, 10.0), Texture::new(2, 10.0));
        let mut apart = 0.0_f32;
        for i in 0..1000 {
            let place = point(i as f32 * 0.01 - 5.0, 0.37);
            let value = one.cloud(place);
            assert!(value.abs() <= 1.0);
            assert!((one.at(place.plus(point(1e-4, 0.0))) - one.at(place)).abs() < 0.01);
            apart = apart.max((value - other.cloud(place)).abs());
        }
        assert!(apart > 0.5);
    }
}
