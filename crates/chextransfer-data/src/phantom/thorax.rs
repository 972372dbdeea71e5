//! The lungs' outline in the frontal view.

use super::math::{Curve, Point, point, smoothstep};
use super::person::Person;
use super::pose::Pose;

/// One lung. Across, it is measured as distance from the spine, so that both lungs share the formulas.
#[derive(Clone, Debug)]
pub(crate) struct Lung {
    /// -1 for the patient's right lung (left in the picture), 1 for the left.
    pub(crate) side: f32,
    apex: Point,
    /// Inner edge of the chest wall by height.
    wall: Curve,
    /// Edge towards the mediastinum.
    medial: f32,
    spine: Curve,
    pub(crate) dome: Dome,
}

/// A dome of the diaphragm.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Dome {
    /// Height of its top.
    pub(crate) top: f32,
    /// Distance of its top from the spine.
    pub(crate) centre: f32,
    /// Distance of the chest wall from the spine.
    pub(crate) rim: f32,
    /// Fall from the top to the chest wall.
    pub(crate) fall: f32,
}

impl Dome {
    /// Height of the diaphragm at a distance from the spine.
    pub(crate) fn at(&self, across: f32) -> f32 {
        let d = across - self.centre;
        if d < 0.0 {
            let t = d / self.centre;
            self.top + 0.035 * t * t
        } else {
            let t = (d / (self.rim - self.centre)).min(1.0);
            self.top + self.fall * t * t * (0.55 + 0.45 * t * t)
        }
    }

    /// Height of the costophrenic angle, the lung's lowest place.
    pub(crate) fn angle(&self) -> f32 {
        self.top + self.fall
    }
}

impl Lung {
    pub(crate) fn new(person: &Person, pose: &Pose, side: f32, lift: f32) -> Self {
        let rim = person.half_width;
        let step = if side > 0.0 { person.dome_step } else { 0.0 };
        Self {
            side,
            apex: point(0.44 * rim, 0.012 * side),
            wall: person.wall.clone().map(|share| share * rim),
            medial: 0.098 + 0.5 * pose.twist * side,
            spine: person.spine.clone(),
            dome: Dome {
                top: person.right_dome - pose.shallow - lift + step,
                centre: 0.52 * rim,
                rim,
                fall: 0.135 + 0.4 * lift.min(0.06) - 0.3 * pose.shallow,
            },
        }
    }

    /// Distance from the spine, positive on this lung's side.
    pub(crate) fn across(&self, at: Point) -> f32 {
        self.side * (at.x - self.spine.at(at.y))
    }

    /// The body point at a distance from the spine.
    pub(crate) fn place(&self, across: f32, y: f32) -> Point {
        point(self.spine.at(y) + self.side * across, y)
    }

    /// The lung's edges at a height, as distances from the spine: towards the mediastinum, towards the chest wall.
    /// `None` above the apex.
    pub(crate) fn chord(&self, y: f32) -> Option<(f32, f32)> {
        let below = y - self.apex.y;
        if below <= 0.0 {
            return None;
        }
        let quarter = |reach: f32| {
            let t = 1.0 - (below / reach).min(1.0);
            (1.0 - t * t).sqrt()
        };
        let wall = self.wall.at(y);
        Some((
            self.apex.x - (self.apex.x - self.medial) * quarter(0.17),
            self.apex.x + (wall - self.apex.x) * quarter(0.30),
        ))
    }

    /// Where in the lung a point lies: 0 at the mediastinum to 1 at the chest wall. `None` outside, the diaphragm
    /// not counted.
    pub(crate) fn share(&self, at: Point) -> Option<f32> {
        let (inner, outer) = self.chord(at.y)?;
        let t = (self.across(at) - inner) / (outer - inner);
        (0.0..=1.0).contains(&t).then_some(t)
    }

    /// Depth of air along the ray, 0 to 1: an ellipse-like slice at each height, cut by the diaphragm.
    /// `edge` is the diaphragm's blur in body units.
    pub(crate) fn air(&self, at: Point, edge: f32) -> f32 {
        let Some(t) = self.share(at) else { return 0.0 };
        let round = 4.0 * t * (1.0 - t);
        let slice = (round * (2.0 - round)).sqrt();
        let depth = 0.42 + 0.58 * smoothstep(-0.05, 0.45, at.y) - 0.12 * smoothstep(0.6, 1.1, at.y);
        slice * depth * self.above_dome(at, edge)
    }

    /// 1 above the diaphragm, 0 below.
    pub(crate) fn above_dome(&self, at: Point, edge: f32) -> f32 {
        let over = self.dome.at(self.across(at)) - at.y;
        smoothstep(-edge, edge, over)
    }

    /// Where vessels and bronchi enter.
    pub(crate) fn hilum(&self) -> Point {
        let middle = 0.5 * (self.apex.y + self.dome.top);
        self.place(0.155, middle - if self.side > 0.0 { 0.055 } else { 0.03 })
    }

    /// The distance from the chest wall to the spine at a height.
    pub(crate) fn wall_at(&self, y: f32) -> f32 {
        self.wall.at(y)
    }
}
