//! Pulmonary edema: haze around both hila, thick and blurred vessels, septal lines at the bases.

use crate::phantom::canvas::{Field, Frame, Knot, Profile};
use crate::phantom::draws::Draws;
use crate::phantom::math::{Point, lerp, point, smoothstep};
use crate::phantom::texture::Texture;
use crate::phantom::thorax::Lung;

#[derive(Clone, Copy, Debug)]
pub(crate) struct Edema {
    severity: f32,
    /// Relative density of the two sides (right, left).
    sides: [f32; 2],
    texture: Texture,
    lines: u32,
}

impl Edema {
    pub(crate) fn draw(severity: f32, draws: &mut Draws) -> Self {
        Self {
            severity,
            sides: [draws.between(0.8, 1.0), draws.between(0.8, 1.0)],
            texture: Texture::new(draws.salt(), 14.0),
            lines: draws.salt(),
        }
    }

    /// How much thicker the vessels are.
    pub(crate) fn congestion(&self) -> f32 {
        1.0 + 0.35 * self.severity
    }

    /// Share of the air that is replaced by fluid.
    pub(crate) fn opacity(&self, lung: &Lung, at: Point) -> f32 {
        let d = at.minus(lung.hilum().plus(point(0.03 * lung.side, 0.06)));
        let r = point(d.x / 0.34, d.y / 0.42).length();
        let [right, left] = self.sides;
        let side = if lung.side > 0.0 { left } else { right };
        let wings = 1.0 - smoothstep(0.15, 1.25, r);
        let haze = lerp(0.03, 0.28, self.severity) + lerp(0.18, 0.44, self.severity) * wings;
        let mottled = 1.0 + 0.45 * self.texture.cloud(at);
        (side * haze * mottled).clamp(0.0, 0.9)
    }

    /// Septal lines: short, thin, horizontal, at the chest wall above the angle.
    pub(crate) fn septal_lines(&self, frame: Frame, lung: &Lung, field: &mut Field) {
        let count = (10.0 * self.severity) as u32;
        for i in 0..count {
            let jitter = Texture::new(self.lines.wrapping_add(i), 1.0).at(point(0.0, lung.side));
            let y = lung.dome.top + 0.06 - 0.03 * i as f32 + 0.012 * jitter;
            let Some((_, outer)) = lung.chord(y) else {
                continue;
            };
            let knot = |inwards: f32| Knot {
                at: lung.place(outer - inwards, y + 0.1 * inwards),
                radius: 0.002,
                strength: 0.13,
            };
            field.stroke(
                frame,
                &[knot(0.004), knot(0.05 + 0.02 * jitter)],
                Profile::Flat,
            );
        }
    }
}
