//! Arithmetic that gives the same bits on every platform.
//!
//! Only `+ - * /`, square root, floor and comparisons of `f32` are used, all of which IEEE 754 defines to the last bit.
//! The standard library's `exp` and `sin` come from the platform and differ between platforms.

use std::f32::consts::{FRAC_PI_2, LN_2, LOG2_E, PI, TAU};

/// A point, in body units or in pixels.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Point {
    /// Rightwards in the picture, which is the patient's left in a frontal view.
    pub(crate) x: f32,
    /// Downwards.
    pub(crate) y: f32,
}

pub(crate) const fn point(x: f32, y: f32) -> Point {
    Point { x, y }
}

impl Point {
    pub(crate) fn plus(self, other: Self) -> Self {
        point(self.x + other.x, self.y + other.y)
    }

    pub(crate) fn minus(self, other: Self) -> Self {
        point(self.x - other.x, self.y - other.y)
    }

    pub(crate) fn times(self, factor: f32) -> Self {
        point(self.x * factor, self.y * factor)
    }

    pub(crate) fn dot(self, other: Self) -> f32 {
        self.x * other.x + self.y * other.y
    }

    pub(crate) fn length(self) -> f32 {
        self.dot(self).sqrt()
    }

    /// The unit vector at `angle` radians, clockwise from rightwards as the picture shows it.
    pub(crate) fn heading(angle: f32) -> Self {
        let (sin, cos) = sin_cos(angle);
        point(cos, sin)
    }
}

pub(crate) fn lerp(from: f32, to: f32, t: f32) -> f32 {
    from + (to - from) * t
}

/// 0 up to `low`, 1 from `high` on, smooth between.
pub(crate) fn smoothstep(low: f32, high: f32, x: f32) -> f32 {
    let t = ((x - low) / (high - low)).clamp(0.0, 1.0);
    t * t * (3.0 - 2.0 * t)
}

/// e to the power of `x`, relative error below 1e-6 for `x` in [-80, 80], clamped outside.
pub(crate) fn exp(x: f32) -> f32 {
    let x = x.clamp(-80.0, 80.0);
    let doublings = (x * LOG2_E + 0.5).floor();
    let r = x - doublings * LN_2;
    // Taylor series; |r| <= ln 2 / 2, so the first term left out is below 2e-7.
    let series = 1.0
        + r * (1.0
            + r * (0.5
                + r * (1.0 / 6.0 + r * (1.0 / 24.0 + r * (1.0 / 120.0 + r * (1.0 / 720.0))))));
    series * f32::from_bits(((doublings as i32 + 127) as u32) << 23)
}

/// Sine and cosine, absolute error below 1e-5 for angles within a few turns.
pub(crate) fn sin_cos(angle: f32) -> (f32, f32) {
    (sine(angle), sine(angle + FRAC_PI_2))
}

fn sine(angle: f32) -> f32 {
    let turned = angle - ((angle + PI) / TAU).floor() * TAU;
    // Fold [-pi, pi] onto [-pi/2, pi/2], where the series is short.
    let a = if turned > FRAC_PI_2 {
        PI - turned
    } else if turned < -FRAC_PI_2 {
        -PI - turned
    } else {
        turned
    };
    let s = a * a;
    a * (1.0 - s / 6.0 * (1.0 - s / 20.0 * (1.0 - s / 42.0 * (1.0 - s / 72.0 * (1.0 - s / 110.0)))))
}

/// An ellipse, also a tilted one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ellipse {
    centre: Point,
    /// The unit vector of the first axis, divided by that half axis; and of the second.
    axes: (Point, Point),
}

impl Ellipse {
    /// Half axes `a`, `angle` radians from the horizontal, and `b`.
    pub(crate) fn new(centre: Point, a: f32, b: f32, angle: f32) -> Self {
        let along = Point::heading(angle);
        Self {
            centre,
            axes: (
                along.times(1.0 / a),
                point(-along.y, along.x).times(1.0 / b),
            ),
        }
    }

    /// One minus the squared normalised radius: 1 at the centre, 0 on the rim, negative outside.
    pub(crate) fn at(&self, place: Point) -> f32 {
        let d = place.minus(self.centre);
        let (u, v) = (d.dot(self.axes.0), d.dot(self.axes.1));
        1.0 - u * u - v * v
    }
}

/// A smooth curve through evenly spaced values (Catmull-Rom), constant beyond its ends.
#[derive(Clone, Debug)]
pub(crate) struct Curve {
    start: f32,
    step: f32,
    values: Vec<f32>,
}

impl Curve {
    /// `values` lie at `start`, `start + step`, ...; there must be at least one.
    pub(crate) fn new(start: f32, step: f32, values: impl Into<Vec<f32>>) -> Self {
        Self {
            start,
            step,
            values: values.into(),
        }
    }

    pub(crate) fn map(mut self, change: impl Fn(f32) -> f32) -> Self {
        for value in &mut self.values {
            *value = change(*value);
        }
        self
    }

    pub(crate) fn at(&self, x: f32) -> f32 {
        let last = self.values.len().saturating_sub(1);
        let place = ((x - self.start) / self.step).clamp(0.0, last as f32);
        let cell = (place as usize).min(last.saturating_sub(1));
        let t = place - cell as f32;
        let value = |i: usize| self.values.get(i.min(last)).copied().unwrap_or(0.0);
        let (before, from, to, after) = (
            value(cell.saturating_sub(1)),
            value(cell),
            value(cell + 1),
            value(cell + 2),
        );
        from + 0.5
            * t
            * (to - before
                + t * (2.0 * before - 5.0 * from + 4.0 * to - after
                    + t * (3.0 * (from - to) + after - before)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exp_and_sine_agree_with_the_standard_library() {
        for i in -400..400 {
            let x = i as f32 / 20.0;
            assert!((exp(x) / x.exp() - 1.0).abs() < 2e-6, "exp({x})");
            let (sin, cos) = sin_cos(x);
            assert!((sin - x.sin()).abs() < 1e-5, "sin({x})");
            assert!((cos - x.cos()).abs() < 1e-5, "cos({x})");
        }
    }

    #[test]
    fn a_curve_passes_through_its_values_and_stays_constant_beyond() {
        let curve = Curve::new(1.0, 0.5, [2.0, 4.0, 3.0]);
        let at = [0.0, 1.0, 1.5, 2.0, 9.0].map(|x| curve.at(x));
        assert_eq!(at, [2.0, 2.0, 4.0, 3.0, 3.0]);
    }

    #[test]
    fn an_ellipse_is_one_at_its_centre_and_zero_on_its_rim() {
        let centre = point(1.0, 2.0);
        let ellipse = Ellipse::new(centre, 2.0, 1.0, 0.3);
        assert_eq!(ellipse.at(centre), 1.0);
        for (angle, half) in [(0.3, 2.0), (0.3 + FRAC_PI_2, 1.0)] {
            let rim = centre.plus(Point::heading(angle).times(half));
            assert!(ellipse.at(rim).abs() < 1e-5);
        }
    }
}
