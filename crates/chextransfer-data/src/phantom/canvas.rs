//! The drawing ground: a grid of numbers, laid over the body, with strokes and blurs.

use super::draws::Draws;
use super::math::{Point, lerp, point, sin_cos};

/// How body units lie on the pixels of one picture.
///
/// Body units: in a frontal view the spine is at x = 0, the lungs' apices at y = 0 and the domes of the diaphragm near
/// y = 1 in deep breath, so that a unit is about 24 cm.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Frame {
    pub(crate) width: usize,
    pub(crate) height: usize,
    /// Pixels a unit.
    pub(crate) scale: f32,
    /// Where body point (0, 0.5) lies, in pixels.
    pub(crate) middle: Point,
    /// Clockwise turn of the body as (sine, cosine).
    turn: (f32, f32),
}

impl Frame {
    pub(crate) fn new(width: usize, height: usize, scale: f32, middle: Point, turn: f32) -> Self {
        Self {
            width,
            height,
            scale,
            middle,
            turn: sin_cos(turn),
        }
    }

    pub(crate) fn to_pixel(self, body: Point) -> Point {
        let (sin, cos) = self.turn;
        let (x, y) = (body.x * self.scale, (body.y - 0.5) * self.scale);
        point(
            self.middle.x + cos * x - sin * y,
            self.middle.y + sin * x + cos * y,
        )
    }

    pub(crate) fn to_body(self, pixel: Point) -> Point {
        let (sin, cos) = self.turn;
        let d = pixel.minus(self.middle).times(1.0 / self.scale);
        point(cos * d.x + sin * d.y, 0.5 - sin * d.x + cos * d.y)
    }

    /// A pixel's width in body units.
    pub(crate) fn pixel(self) -> f32 {
        1.0 / self.scale
    }
}

/// A knot of a stroke, in body units.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Knot {
    pub(crate) at: Point,
    pub(crate) radius: f32,
    /// Attenuation at the stroke's highest place.
    pub(crate) strength: f32,
}

/// How a stroke's attenuation runs across it.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Profile {
    /// A full round rod, such as a vessel.
    Rod,
    /// A hollow bone: bright rims, fainter between.
    Bone,
    /// The same everywhere.
    Flat,
}

impl Profile {
    /// `q` is the distance from the axis in radii, `within` the distance inside the rim in pixels.
    fn height(self, q: f32, within: f32) -> f32 {
        let cover = (within + 0.5).clamp(0.0, 1.0);
        match self {
            Self::Rod => cover * (1.0 - q * q).max(0.08).sqrt(),
            Self::Bone => {
                let s = q * q;
                cover * (0.55 + 0.45 * s * s)
            }
            Self::Flat => cover,
        }
    }
}

/// Numbers on the pixel grid, row by row.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Field {
    pub(crate) width: usize,
    pub(crate) height: usize,
    pub(crate) values: Vec<f32>,
}

impl Field {
    pub(crate) fn zeros(frame: Frame) -> Self {
        Self {
            width: frame.width,
            height: frame.height,
            values: vec![0.0; frame.width * frame.height],
        }
    }

    /// `value` of the body point under each pixel's centre.
    pub(crate) fn of_body(frame: Frame, value: impl Fn(Point) -> f32) -> Self {
        let mut field = Self::zeros(frame);
        for (y, row) in field.values.chunks_exact_mut(frame.width).enumerate() {
            for (x, cell) in row.iter_mut().enumerate() {
                *cell = value(frame.to_body(point(x as f32 + 0.5, y as f32 + 0.5)));
            }
        }
        field
    }

    /// Changes every value, together with the value of `other` at the same pixel.
    pub(crate) fn zip(&mut self, other: &Self, change: impl Fn(&mut f32, f32)) {
        for (value, &with) in self.values.iter_mut().zip(&other.values) {
            change(value, with);
        }
    }

    pub(crate) fn add(&mut self, other: &Self) {
        self.zip(other, |value, more| *value += more);
    }

    /// Draws a line through `knots`; where it crosses itself or what is there already, the higher value stays.
    pub(crate) fn stroke(&mut self, frame: Frame, knots: &[Knot], profile: Profile) {
        /// Thinner strokes are drawn this wide, and fainter instead, in pixels.
        const THINNEST: f32 = 0.7;
        let widened = |knot: &Knot| {
            let radius = knot.radius * frame.scale;
            let share = (radius / THINNEST).min(1.0);
            (
                frame.to_pixel(knot.at),
                radius.max(THINNEST),
                knot.strength * share,
            )
        };
        for pair in knots.windows(2) {
            let [from, to] = pair else { continue };
            let ((a, radius_a, strength_a), (b, radius_b, strength_b)) =
                (widened(from), widened(to));
            let along = b.minus(a);
            let square = along.dot(along).max(1e-6);
            let reach = radius_a.max(radius_b) + 0.5;
            let columns = span(a.x.min(b.x) - reach, a.x.max(b.x) + reach, self.width);
            for y in span(a.y.min(b.y) - reach, a.y.max(b.y) + reach, self.height) {
                let row = y * self.width;
                for x in columns.clone() {
                    let d = point(x as f32 + 0.5, y as f32 + 0.5).minus(a);
                    let t = (d.dot(along) / square).clamp(0.0, 1.0);
                    let distance = d.minus(along.times(t)).length();
                    let radius = lerp(radius_a, radius_b, t);
                    if distance > radius + 0.5 {
                        continue;
                    }
                    let value = lerp(strength_a, strength_b, t)
                        * profile.height(distance / radius, radius - distance);
                    if let Some(cell) = self.values.get_mut(row + x) {
                        *cell = cell.max(value);
                    }
                }
            }
        }
    }

    /// Blurs by three passes of a running mean in each direction, close to a Gaussian of `deviation` pixels.
    pub(crate) fn blur(&mut self, deviation: f32) {
        // Three means of width w have the variance (w^2 - 1) / 4.
        let width = (4.0 * deviation * deviation + 1.0).sqrt();
        let reach = (((width - 1.0) / 2.0 + 0.5).floor() as usize).min(self.width.max(self.height));
        if reach == 0 {
            return self.soften(deviation);
        }
        let mut line = Vec::new();
        for _ in 0..3 {
            for row in 0..self.height {
                self.mean_along(row * self.width, 1, self.width, reach, &mut line);
            }
            for column in 0..self.width {
                self.mean_along(column, self.width, self.height, reach, &mut line);
            }
        }
    }

    /// A blur of less than a pixel: three taps in each direction, whose variance is `deviation` squared.
    fn soften(&mut self, deviation: f32) {
        let side = (deviation * deviation / 2.0).min(0.25);
        for (stride, count, lines, next) in [
            (1, self.width, self.height, self.width),
            (self.width, self.height, self.width, 1),
        ] {
            for line in 0..lines {
                let start = line * next;
                let mut before = self.values.get(start).copied().unwrap_or(0.0);
                for i in 0..count {
                    let here = start + i * stride;
                    let now = self.values.get(here).copied().unwrap_or(0.0);
                    let after = if i + 1 < count {
                        self.values.get(here + stride).copied().unwrap_or(now)
                    } else {
                        now
                    };
                    if let Some(cell) = self.values.get_mut(here) {
                        *cell = now + side * (before - 2.0 * now + after);
                    }
                    before = now;
                }
            }
        }
    }

    fn mean_along(
        &mut self,
        start: usize,
        stride: usize,
        count: usize,
        reach: usize,
        line: &mut Vec<f32>,
    ) {
        line.clear();
        line.extend(self.values.iter().skip(start).step_by(stride).take(count));
        let clamped = |i: isize| {
            let i = i.clamp(0, count as isize - 1) as usize;
            line.get(i).copied().unwrap_or(0.0)
        };
        let reach = reach as isize;
        let share = 1.0 / (2 * reach + 1) as f32;
        let mut sum: f32 = (-reach..=reach).map(clamped).sum();
        for i in 0..count {
            if let Some(cell) = self.values.get_mut(start + i * stride) {
                *cell = sum * share;
            }
            let i = i as isize;
            sum += clamped(i + reach + 1) - clamped(i - reach);
        }
    }

    /// Normal noise of deviation 1.
    pub(crate) fn noise(frame: Frame, draws: &mut Draws) -> Self {
        let mut field = Self::zeros(frame);
        for value in &mut field.values {
            *value = draws.normal();
        }
        field
    }
}

/// The pixels from `low` to `high`, cut to the picture.
fn span(low: f32, high: f32, count: usize) -> std::ops::Range<usize> {
    let start = low.floor().max(0.0) as usize;
    let end = (high.floor() + 1.0).clamp(0.0, count as f32) as usize;
    start.min(end)..end
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn frame() -> Frame {
        Frame::new(40, 30, 20.0, point(20.0, 15.0), 0.1)
    }

    #[test]
    fn body_and_pixel_coordinates_are_inverse() {
        let there = point(0.31, 0.72);
        let back = frame().to_body(frame().to_pixel(there));
        assert!(back.minus(there).length() < 1e-5, "{back:?}");
    }

    #[test]
    fn a_stroke_stays_within_its_radius_and_survives_knots_outside_the_picture() {
        let mut field = Field::zeros(frame());
        let knot = |x, y| Knot {
            at: point(x, y),
            radius: 0.1,
            strength: 2.0,
        };
        field.stroke(frame(), &[knot(-9.0, 0.5), knot(9.0, 0.5)], Profile::Flat);
        let axis = |p: Point| (frame().to_body(p).y - 0.5).abs() * 20.0;
        for (i, &value) in field.values.iter().enumerate() {
            let d = axis(point((i % 40) as f32 + 0.5, (i / 40) as f32 + 0.5));
            assert!(
                if d < 1.4 {
                    value == 2.0
                } else {
                    d < 2.6 || value == 0.0
                },
                "pixel {i}, {d} pixels off the axis: {value}"
            );
        }
    }

    #[test]
    fn a_blur_keeps_a_constant_and_spreads_a_dot() {
        for deviation in [0.4, 1.5, 6.0] {
            let mut flat = Field::of_body(frame(), |_| 3.0);
            flat.blur(deviation);
            assert!(flat.values.iter().all(|v| (v - 3.0).abs() < 1e-4));
            let mut dot = Field::zeros(frame());
            dot.values[15 * 40 + 20] = 1.0;
            dot.blur(deviation);
            assert!(dot.values[15 * 40 + 20] < 0.9);
            assert!(dot.values[15 * 40 + 21] > 0.003);
        }
    }
}
