//! Rib fractures: a gap and a step in one to three neighbouring ribs.

use crate::phantom::draws::Draws;
use crate::phantom::math::{lerp, smoothstep};

#[derive(Clone, Copy, Debug)]
pub(crate) struct Fracture {
    side: f32,
    first: usize,
    count: usize,
    /// Where along the rib, radians from the spine.
    angle: f32,
    pub(crate) step: f32,
}

/// Half the gap's length along the rib in radians.
const GAP: f32 = 0.04;
/// Length of the displaced part in radians.
const BENT: f32 = 0.4;

impl Fracture {
    pub(crate) fn draw(severity: f32, draws: &mut Draws) -> Self {
        Self {
            side: draws.side(0.5),
            first: 2 + draws.below(5) as usize,
            count: 1 + draws.below(if severity > 0.4 { 3 } else { 2 }) as usize,
            angle: draws.between(0.75, 1.35),
            step: lerp(0.022, 0.036, severity),
        }
    }

    /// Fall of the rib's outer part, and what remains of the bone (0 in the gap).
    pub(crate) fn at(&self, side: f32, rib: usize, angle: f32) -> (f32, f32) {
        if side != self.side || !self.ribs().contains(&rib) {
            return (0.0, 1.0);
        }
        let past = angle - self.angle;
        // The broken-off part is bent out of line near the break only.
        let jump = if past > 0.0 {
            self.step * (1.0 - smoothstep(0.1, BENT, past))
        } else {
            0.0
        };
        (jump, if past.abs() < GAP { 0.0 } else { 1.0 })
    }

    fn ribs(&self) -> std::ops::Range<usize> {
        self.first..self.first + self.count
    }

    /// Side, rib and angle of points on each displaced part, from the break outwards.
    pub(crate) fn places(&self) -> impl Iterator<Item = (f32, usize, f32)> + '_ {
        self.ribs()
            .flat_map(|rib| [0.0, 0.08, 0.16, 0.24].map(|past| (self.side, rib, self.angle + past)))
    }
}
