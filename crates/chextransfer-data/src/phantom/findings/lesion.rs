//! Lung lesions: round nodules.

use crate::phantom::draws::Draws;
use crate::phantom::math::{Point, lerp, smoothstep};
use crate::phantom::thorax::Lung;

#[derive(Clone, Debug)]
pub(crate) struct Lesions(Vec<Nodule>);

#[derive(Clone, Copy, Debug)]
pub(crate) struct Nodule {
    side: f32,
    /// Shares from mediastinum to wall and from apex to diaphragm.
    across: f32,
    pub(crate) down: f32,
    pub(crate) radius: f32,
    pub(crate) density: f32,
}

impl Lesions {
    pub(crate) fn draw(severity: f32, draws: &mut Draws) -> Self {
        let count = if draws.chance(0.65) {
            1
        } else {
            2 + draws.below(4)
        };
        let nodule = |i: u32| Nodule {
            side: draws.side(0.5),
            across: draws.between(0.35, 0.85),
            down: draws.between(0.15, 0.85),
            // The first is the largest.
            radius: lerp(0.030, 0.075, severity)
                * if i == 0 { 1.0 } else { draws.between(0.5, 1.0) },
            density: lerp(0.65, 0.95, severity),
        };
        Self((0..count).map(nodule).collect())
    }

    pub(crate) fn nodules(&self) -> &[Nodule] {
        &self.0
    }

    /// Share of the air of one lung that is replaced.
    pub(crate) fn opacity(&self, lung: &Lung, pixel: f32) -> impl Fn(Point) -> f32 {
        let placed: Vec<(Nodule, Point)> = self
            .0
            .iter()
            .filter(|nodule| nodule.side == lung.side)
            .filter_map(|nodule| {
                let y = nodule.down * lung.dome.top;
                let (inner, outer) = lung.chord(y)?;
                Some((*nodule, lung.place(lerp(inner, outer, nodule.across), y)))
            })
            .collect();
        move |at| {
            let air: f32 = placed
                .iter()
                .map(|(nodule, centre)| 1.0 - nodule.shade(at, *centre, pixel))
                .product();
            1.0 - air
        }
    }
}

impl Nodule {
    /// Place between breastbone (-1) and back (1) in a lateral view.
    pub(crate) fn place_in_depth(&self) -> f32 {
        lerp(-0.3, 0.7, self.across)
    }

    pub(crate) fn shade(&self, at: Point, centre: Point, pixel: f32) -> f32 {
        let d = at.minus(centre).length();
        let soft = (0.12 * self.radius).max(0.5 * pixel);
        let r = (d / self.radius).min(1.0);
        let round = 0.55 + 0.45 * (1.0 - r * r).sqrt();
        self.density * round * (1.0 - smoothstep(self.radius - soft, self.radius + soft, d))
    }
}
