//! Other pleural disease: thickening along the chest wall, sometimes calcified.

use crate::phantom::draws::Draws;
use crate::phantom::math::{Point, lerp, smoothstep};
use crate::phantom::texture::Texture;
use crate::phantom::thorax::Lung;

#[derive(Clone, Copy, Debug)]
pub(crate) struct Thickening {
    side: f32,
    /// From and to, as shares from apex to diaphragm.
    from: f32,
    to: f32,
    depth: f32,
    /// Attenuation of calcium.
    pub(crate) calcium: f32,
    texture: Texture,
}

impl Thickening {
    pub(crate) fn draw(severity: f32, draws: &mut Draws) -> Self {
        let apical = draws.chance(0.35);
        let from = if apical {
            -0.1
        } else {
            draws.between(0.15, 0.4)
        };
        Self {
            side: draws.side(0.5),
            from,
            to: if apical {
                draws.between(0.25, 0.4)
            } else {
                from + draws.between(0.3, 0.5)
            },
            depth: lerp(0.035, 0.075, severity),
            calcium: if draws.chance(0.35) {
                draws.between(0.1, 0.3)
            } else {
                0.0
            },
            texture: Texture::new(draws.salt(), 16.0),
        }
    }

    /// Share of the air that is replaced.
    pub(crate) fn opacity(&self, lung: &Lung, at: Point) -> f32 {
        if lung.side != self.side || lung.share(at).is_none() {
            return 0.0;
        }
        let Some((inner, outer)) = lung.chord(at.y) else {
            return 0.0;
        };
        let across = lung.across(at);
        let v = at.y / lung.dome.top;
        let along = smoothstep(self.from, self.from + 0.1, v)
            * (1.0 - smoothstep(self.to - 0.1, self.to, v));
        let depth = self.depth * along * (1.0 + 0.5 * self.texture.cloud(at));
        // At the apex the cap follows the lung's top.
        let from_wall = (outer - across).min((across - inner).max(0.0) + at.y.max(0.0));
        if along <= 0.0 {
            return 0.0;
        }
        0.8 * (1.0 - smoothstep(depth - 0.008, depth + 0.008, from_wall))
            * smoothstep(0.0, 0.3, along)
    }
}
