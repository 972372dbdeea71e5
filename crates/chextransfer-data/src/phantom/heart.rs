//! Heart, great vessels and the mediastinum's soft tissue in the frontal view.

use super::math::{Curve, Ellipse, Point, point, sin_cos, smoothstep};
use super::person::Person;
use super::pose::{Pose, Projection};
use super::thorax::Lung;

/// The heart's silhouette.
#[derive(Clone, Debug)]
pub(crate) struct Heart {
    /// Width as a share of the thorax's inner width (the cardiothoracic ratio).
    #[cfg(test)]
    pub(crate) ratio: f32,
    width: f32,
    /// Halfway between right and left edge.
    middle: f32,
    bottom: f32,
    parts: [Ellipse; 3],
}

impl Heart {
    /// `enlarged` is the severity of cardiomegaly, if any.
    pub(crate) fn new(
        person: &Person,
        pose: &Pose,
        lungs: &[Lung; 2],
        enlarged: Option<f32>,
    ) -> Self {
        let magnified = if pose.projection == Projection::Ap {
            0.012
        } else {
            0.0
        };
        // Wider than half of the thorax is the usual criterion of an enlarged heart in a frontal view.
        let ratio = magnified
            + enlarged.map_or(person.heart_ratio, |severity| {
                0.532 + 0.125 * severity + 0.4 * (person.heart_ratio - 0.44)
            });
        let width = 2.0 * ratio * person.half_width;
        let to_right = person.heart_right - if enlarged.is_some() { 0.02 } else { 0.0 };
        let right_edge = pose.twist - to_right * width;
        let left_edge = right_edge + width;
        let [right, left] = lungs;
        let bottom = 0.5 * (right.dome.top + left.dome.top) + 0.045;
        // A shallow breath lays the heart more horizontally.
        let tilt = person.heart_tilt - 1.2 * pose.shallow - 0.12 * enlarged.unwrap_or(0.0);
        let (sin, cos) = sin_cos(tilt);
        let (long, short) = (0.50 * width, 0.345 * width);
        // The left ventricle's tilted ellipse touches the left edge.
        let reach = (long * long * cos * cos + short * short * sin * sin).sqrt();
        let part = |x: f32, up: f32, a: f32, b: f32, angle: f32| {
            Ellipse::new(point(x, bottom - up * width), a, b, angle)
        };
        Self {
            #[cfg(test)]
            ratio,
            width,
            middle: 0.5 * (right_edge + left_edge),
            bottom,
            parts: [
                // right atrium and ventricle
                part(
                    right_edge + 0.33 * width,
                    0.36,
                    0.33 * width,
                    0.43 * width,
                    0.0,
                ),
                // left ventricle
                part(left_edge - reach, 0.33, long, short, tilt),
                // outflow tract and left auricle
                part(
                    pose.twist + 0.055 * width,
                    0.62,
                    0.19 * width,
                    0.34 * width,
                    -0.30,
                ),
            ],
        }
    }

    /// Thickness along the ray: 1 at its thickest, 0 outside.
    pub(crate) fn thickness(&self, at: Point) -> f32 {
        join(self.parts.map(|part| part.at(at)))
    }

    /// A point inside: `across` from -1 at the right edge to 1 at the left, `up` from 0 at the diaphragm to 1.
    pub(crate) fn inside(&self, across: f32, up: f32) -> Point {
        point(
            self.middle + 0.5 * across * self.width,
            self.bottom - up * 0.8 * self.width,
        )
    }
}

/// Thickness of ellipsoids joined without a seam; each part is given as one minus its squared radius.
fn join<const N: usize>(parts: [f32; N]) -> f32 {
    let fourth: f32 = parts.iter().map(|part| part.max(0.0) * part.max(0.0)).sum();
    fourth.sqrt().sqrt().min(1.1)
}

/// The tissue between the lungs above and behind the heart.
#[derive(Clone, Debug)]
pub(crate) struct Mediastinum {
    /// Half-widths by height: towards the patient's right, towards the left.
    right: Curve,
    left: Curve,
    knob: Point,
    /// Aortic knob, pulmonary trunk.
    bulges: [Ellipse; 2],
    shift: f32,
    /// Where the windpipe divides.
    pub(crate) carina: Point,
}

/// Half-widths of a normal mediastinum at heights -0.1, 0, ... 0.9.
const RIGHT: [f32; 11] = [
    0.085, 0.080, 0.080, 0.088, 0.098, 0.105, 0.11, 0.11, 0.10, 0.09, 0.08,
];
const LEFT: [f32; 11] = [
    0.085, 0.078, 0.080, 0.088, 0.100, 0.112, 0.11, 0.10, 0.09, 0.08, 0.08,
];
/// How much of a widening each height takes part in: most at the aortic arch.
const WIDENING: [f32; 11] = [0.35, 0.6, 0.9, 1.0, 1.0, 0.8, 0.5, 0.3, 0.1, 0.0, 0.0];

impl Mediastinum {
    /// `widened` is the severity of an enlarged cardiomediastinum, if any.
    pub(crate) fn new(person: &Person, pose: &Pose, widened: Option<f32>) -> Self {
        let extra = widened.map_or(0.0, |severity| 0.45 + 0.85 * severity);
        let portable = if pose.projection == Projection::Ap {
            1.08
        } else {
            1.0
        };
        let widths = |mut values: [f32; 11]| {
            for (value, share) in values.iter_mut().zip(WIDENING) {
                *value *= portable * (1.0 + extra * share);
            }
            Curve::new(-0.1, 0.1, values)
        };
        let radius = person.knob * (1.0 + 0.35 * extra);
        let knob = point(
            pose.twist + 0.068 + 0.055 * extra,
            0.285 - 0.5 * pose.shallow,
        );
        Self {
            right: widths(RIGHT),
            left: widths(LEFT),
            knob,
            bulges: [
                Ellipse::new(knob, radius, radius * 1.1, 0.0),
                Ellipse::new(knob.plus(point(0.008, 0.15)), 0.062, 0.13, -0.12),
            ],
            shift: pose.twist,
            carina: point(0.5 * pose.twist - 0.005, 0.37 - 0.4 * pose.shallow),
        }
    }

    /// Thickness along the ray: 1 at its thickest, 0 outside.
    pub(crate) fn thickness(&self, at: Point) -> f32 {
        let x = at.x - self.shift;
        let half = if x < 0.0 {
            self.right.at(at.y)
        } else {
            self.left.at(at.y)
        };
        let t = x / half;
        let [knob, trunk] = self.bulges;
        // Behind the heart only the gullet and the aorta are left.
        let strip = 1.0 - 0.75 * smoothstep(0.45, 0.85, at.y);
        join([strip * (1.0 - t * t), knob.at(at), trunk.at(at)])
    }

    /// The descending aorta's axis.
    pub(crate) fn aorta(&self) -> [Point; 3] {
        [
            self.knob.plus(point(0.01, 0.02)),
            point(self.shift + 0.062, 0.6),
            point(self.shift + 0.035, 1.2),
        ]
    }
}
