//! Pleural effusion: fluid that blunts the costophrenic angle and climbs the chest wall in a meniscus.

use crate::phantom::draws::Draws;
use crate::phantom::math::{Point, lerp, smoothstep};
use crate::phantom::thorax::Lung;

/// Fluid in one or both pleural spaces.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Effusion {
    /// Height above the costophrenic angle at the chest wall, by side (right, left).
    heights: [Option<f32>; 2],
    /// Share of that height reached at the mediastinum.
    level: f32,
}

impl Effusion {
    pub(crate) fn draw(severity: f32, draws: &mut Draws) -> Self {
        let height = |severity: f32| 0.205 + 0.46 * severity * severity;
        let first = usize::from(draws.chance(0.45));
        let second = draws
            .chance(0.4)
            .then(|| height(severity * draws.between(0.3, 1.0)));
        let mut heights = [second; 2];
        if let Some(place) = heights.get_mut(first) {
            *place = Some(height(severity));
        }
        Self {
            heights,
            level: draws.between(0.55, 0.8),
        }
    }

    fn height(&self, side: f32) -> Option<f32> {
        let [right, left] = self.heights;
        if side > 0.0 { left } else { right }
    }

    /// Share of the air that is replaced by fluid.
    pub(crate) fn opacity(&self, lung: &Lung, at: Point) -> f32 {
        let Some(height) = self.height(lung.side) else {
            return 0.0;
        };
        let Some(t) = lung.share(at) else { return 0.0 };
        let level = lung.dome.angle() - height * lerp(self.level, 1.0, t * t * t);
        0.94 * smoothstep(-0.03, 0.02, at.y - level)
    }

    /// Height of the fluid behind the heart in a lateral view.
    pub(crate) fn tallest(&self) -> f32 {
        let [right, left] = self.heights;
        right.unwrap_or(0.0).max(left.unwrap_or(0.0))
    }
}
