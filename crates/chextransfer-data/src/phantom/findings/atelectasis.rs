//! Atelectasis: plates of collapsed lung above a diaphragm that the loss of volume pulls up.

use crate::phantom::canvas::{Field, Frame, Knot, Profile};
use crate::phantom::draws::Draws;
use crate::phantom::math::{Point, lerp, smoothstep};
use crate::phantom::thorax::Lung;

#[derive(Clone, Debug)]
pub(crate) struct Atelectasis {
    pub(crate) side: f32,
    /// How far the diaphragm is pulled up.
    pub(crate) lift: f32,
    /// Density of the haze right above the diaphragm.
    haze: f32,
    plates: Vec<Plate>,
}

#[derive(Clone, Copy, Debug)]
struct Plate {
    /// Height above the dome.
    above: f32,
    /// From and to, as shares from mediastinum to wall.
    from: f32,
    to: f32,
    /// Rise from the inner to the outer end; negative falls.
    slope: f32,
    radius: f32,
    density: f32,
}

impl Atelectasis {
    pub(crate) fn draw(severity: f32, draws: &mut Draws) -> Self {
        let side = draws.side(0.5);
        let count = 1 + draws.below(if severity > 0.5 { 3 } else { 2 });
        let plates = (0..count)
            .map(|i| {
                let from = draws.between(0.10, 0.35);
                Plate {
                    above: 0.045 + 0.075 * i as f32 + draws.between(0.0, 0.035),
                    from,
                    to: (from + draws.between(0.40, 0.62)).min(0.95),
                    slope: draws.between(-0.05, 0.09),
                    radius: lerp(0.010, 0.017, severity) * draws.between(0.85, 1.15),
                    density: lerp(0.6, 0.85, severity),
                }
            })
            .collect();
        Self {
            side,
            lift: lerp(0.08, 0.17, severity) * draws.between(0.85, 1.1),
            haze: lerp(0.25, 0.55, severity),
            plates,
        }
    }

    /// Share of the air that is replaced. `lung` has the lifted diaphragm already.
    pub(crate) fn opacity(&self, frame: Frame, lung: &Lung) -> Field {
        let mut field = Field::zeros(frame);
        if lung.side != self.side {
            return field;
        }
        for plate in &self.plates {
            const STEPS: usize = 8;
            let knots: Vec<Knot> = (0..=STEPS)
                .filter_map(|i| {
                    let t = i as f32 / STEPS as f32;
                    let y = lung.dome.top - plate.above - plate.slope * t
                        + 0.03 * (t - 0.5) * (t - 0.5);
                    let (inner, outer) = lung.chord(y)?;
                    // Plates taper at their ends.
                    let thick = 1.0 - 0.6 * (2.0 * t - 1.0) * (2.0 * t - 1.0);
                    Some(Knot {
                        at: lung.place(lerp(inner, outer, lerp(plate.from, plate.to, t)), y),
                        radius: plate.radius * thick,
                        strength: plate.density,
                    })
                })
                .collect();
            field.stroke(frame, &knots, Profile::Rod);
        }
        let haze = Field::of_body(frame, |at| self.haze_at(lung, at));
        field.zip(&haze, |value, haze| {
            *value = 1.0 - (1.0 - *value) * (1.0 - haze)
        });
        field
    }

    fn haze_at(&self, lung: &Lung, at: Point) -> f32 {
        let Some(t) = lung.share(at) else { return 0.0 };
        let over = lung.dome.at(lung.across(at)) - at.y;
        self.haze * (1.0 - smoothstep(0.02, 0.17, over)) * (1.0 - smoothstep(0.6, 1.0, t))
    }
}
