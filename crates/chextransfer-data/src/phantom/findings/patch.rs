//! Consolidation and pneumonia: dense patches of lung.

use crate::phantom::draws::Draws;
use crate::phantom::math::{Ellipse, Point, lerp, smoothstep};
use crate::phantom::texture::Texture;
use crate::phantom::thorax::Lung;

/// A patch with a fuzzy rim.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Patch {
    side: f32,
    /// Where in the lung: share from mediastinum to wall, share from apex to diaphragm.
    across: f32,
    down: f32,
    a: f32,
    b: f32,
    angle: f32,
    /// Share of the air replaced at the densest place.
    density: f32,
    texture: Texture,
    /// How ragged the rim, how patchy the inside: 0 even, 1 in flakes.
    flaky: f32,
    /// A fissure cuts the patch off sharply below.
    fissure: bool,
}

impl Patch {
    /// An even, dense patch, more often in the lower half.
    pub(crate) fn consolidation(severity: f32, draws: &mut Draws) -> Self {
        Self {
            side: draws.side(0.5),
            across: draws.between(0.30, 0.70),
            down: draws.between(0.30, 0.86),
            a: lerp(0.165, 0.25, severity) * draws.between(0.9, 1.1),
            b: lerp(0.145, 0.22, severity) * draws.between(0.9, 1.1),
            angle: draws.between(-1.0, 1.0),
            density: lerp(0.80, 0.96, severity),
            texture: Texture::new(draws.salt(), 6.0),
            flaky: 0.50,
            fissure: false,
        }
    }

    /// Either flakes in a lower lobe or a whole lobe down to its fissure.
    pub(crate) fn pneumonia(severity: f32, draws: &mut Draws) -> Self {
        let lobar = draws.chance(0.4);
        let salt = draws.salt();
        let size = lerp(0.15, 0.25, severity);
        if lobar {
            Self {
                side: -1.0,
                across: draws.between(0.45, 0.60),
                down: draws.between(0.27, 0.36),
                a: 1.25 * size,
                b: 1.05 * size,
                angle: draws.between(-0.2, 0.2),
                density: lerp(0.55, 0.85, severity),
                texture: Texture::new(salt, 12.0),
                flaky: 0.45,
                fissure: true,
            }
        } else {
            Self {
                side: draws.side(0.45),
                across: draws.between(0.3, 0.65),
                down: draws.between(0.60, 0.9),
                a: 1.2 * size,
                b: size,
                angle: draws.between(-0.8, 0.8),
                density: lerp(0.55, 0.85, severity),
                texture: Texture::new(salt, 17.0),
                flaky: 1.0,
                fissure: false,
            }
        }
    }

    /// The patch laid into a lung; `None` if it is the other one.
    pub(crate) fn within(&self, lung: &Lung) -> Option<Laid> {
        if lung.side != self.side {
            return None;
        }
        let y = self.down * lung.dome.top;
        let (inner, outer) = lung.chord(y)?;
        let centre = lung.place(lerp(inner, outer, self.across), y);
        Some(Laid {
            patch: *self,
            centre,
            outline: Ellipse::new(centre, self.a, self.b, self.angle),
        })
    }

    /// The patch in a lateral view. `place` maps a depth (-1 at the breastbone to 1 at the back) and a share of the
    /// height from apex to diaphragm to the body.
    pub(crate) fn seen_sideways(&self, place: impl Fn(f32, f32) -> Point) -> Laid {
        let centre = place(lerp(-0.1, 0.55, self.down), self.down);
        Laid {
            patch: Self {
                fissure: false,
                ..*self
            },
            centre,
            outline: Ellipse::new(centre, self.a, self.b, 0.5),
        }
    }
}

/// A patch in its place.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Laid {
    patch: Patch,
    centre: Point,
    outline: Ellipse,
}

impl Laid {
    /// Share of the air that is replaced.
    pub(crate) fn opacity(&self, at: Point) -> f32 {
        let patch = &self.patch;
        let round = self.outline.at(at);
        if round < -0.8 {
            return 0.0;
        }
        let ragged = round + (0.30 + 0.45 * patch.flaky) * patch.texture.cloud(at);
        let cut = if patch.fissure {
            let fissure = self.centre.y + 0.45 * patch.b + 0.06 * (at.x - self.centre.x);
            1.0 - smoothstep(-0.008, 0.008, at.y - fissure)
        } else {
            1.0
        };
        let inside = 1.0 - 0.35 * patch.flaky * (0.5 + 0.5 * patch.texture.at(at));
        patch.density * cut * inside * smoothstep(-0.15, 0.70, ragged)
    }
}
