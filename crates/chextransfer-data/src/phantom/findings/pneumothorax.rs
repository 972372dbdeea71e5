//! Pneumothorax: the lung shrinks from the chest wall; beyond its thin edge there is air without vessels.

use crate::phantom::draws::Draws;
use crate::phantom::math::{Point, lerp, point, smoothstep};
use crate::phantom::thorax::Lung;

#[derive(Clone, Copy, Debug)]
pub(crate) struct Pneumothorax {
    pub(crate) side: f32,
    /// Share of its width that the lung has lost at the top.
    collapse: f32,
    /// How much of the loss remains at the base.
    base: f32,
}

/// What a point of the chest belongs to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Collapse {
    /// 1 in the free air beyond the lung's edge.
    pub(crate) free: f32,
    /// 1 on the visible edge.
    pub(crate) edge: f32,
}

impl Pneumothorax {
    pub(crate) fn draw(severity: f32, draws: &mut Draws) -> Self {
        Self {
            side: draws.side(0.45),
            collapse: lerp(0.14, 0.52, severity) * draws.between(0.9, 1.1),
            base: draws.between(0.0, 0.7) * severity,
        }
    }

    /// What becomes of the depth of air: more in the free part, less in the collapsed lung.
    pub(crate) fn aeration(&self, lung: &Lung, part: Collapse) -> f32 {
        let collapsed = if lung.side == self.side {
            1.0 - 0.35 * self.collapse
        } else {
            1.0
        };
        lerp(collapsed, 1.16, part.free)
    }

    pub(crate) fn at(&self, lung: &Lung, at: Point, pixel: f32) -> Collapse {
        let none = Collapse {
            free: 0.0,
            edge: 0.0,
        };
        if lung.side != self.side {
            return none;
        }
        let Some(t) = lung.share(at) else { return none };
        let base = lung.dome.top;
        let down = smoothstep(0.25, 1.0, at.y / base);
        // The collapsed lung has the lung's own shape, shrunk towards the hilum and the diaphragm.
        let narrow = 1.0 - self.collapse * lerp(1.0, self.base, down);
        let short = 1.0 - 0.55 * self.collapse;
        let y = base + (at.y - base) / short;
        let Some((inner, outer)) = lung.chord(y) else {
            return Collapse {
                free: 1.0,
                edge: 0.0,
            };
        };
        let (inner_here, outer_here) = lung.chord(at.y).unwrap_or((inner, outer));
        let across = lerp(inner_here, outer_here, t);
        let shrunk = inner_here.min(inner) + (across - inner_here.min(inner)) / narrow;
        // Distance inside the shrunk lung, from its outer edge and from its top.
        let within = (outer - shrunk) * narrow;
        let top = point(0.0, y).y * short;
        let inside = within.min(top);
        let line = 0.0065_f32.max(0.8 * pixel);
        Collapse {
            free: smoothstep(-0.5 * pixel, 0.5 * pixel, -inside),
            edge: smoothstep(-pixel, 0.0, inside)
                * (1.0 - smoothstep(line - 0.5 * pixel, line + 0.5 * pixel, inside)),
        }
    }
}
