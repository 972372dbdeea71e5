//! Everything that is neither bone nor lung nor heart: body outline, breasts, abdomen, windpipe.

use super::canvas::{Field, Frame, Knot, Profile};
use super::draws::Draws;
use super::heart::Mediastinum;
use super::math::{Curve, Ellipse, Point, exp, lerp, point, smoothstep};
use super::person::Person;
use super::pose::{Pose, Projection};
use super::thorax::Lung;

/// The body's thickness along the ray; 1 at the middle of an average chest, 0 beside the body.
pub(crate) fn body(frame: Frame, person: &Person, pose: &Pose) -> Field {
    let wide = person.half_width / 0.6;
    let skin = 0.02 + 0.11 * person.fat;
    let outline = Curve::new(
        -0.1,
        0.1,
        [
            0.45, 0.56, 0.645, 0.70, 0.725, 0.735, 0.74, 0.735, 0.73, 0.728, 0.73, 0.735, 0.74,
            0.745, 0.75, 0.755,
        ],
    )
    .map(|half| half * wide + skin);
    let thick = 0.88 + 0.30 * person.fat;
    let mut field = Field::of_body(frame, |at| {
        let t = at.x / outline.at(at.y);
        let slice = (1.0 - t * t * t.abs()).max(0.0).sqrt();
        slice
            * thick
            * (0.25 + 0.75 * smoothstep(-0.35, 0.40, at.y))
            * smoothstep(-0.16, 0.10, at.y)
    });
    let mut limbs = Field::zeros(frame);
    let knot = |x: f32, y: f32, radius: f32, strength: f32| Knot {
        at: point(x, y),
        radius,
        strength,
    };
    let stout = 0.85 + 0.35 * person.fat;
    let neck = 0.155 + 0.035 * person.fat;
    limbs.stroke(
        frame,
        &[
            knot(pose.twist, -1.0, neck * 1.3, 0.75),
            knot(pose.twist, -0.30, neck * 1.05, 0.62),
            knot(0.0, -0.02, neck * 1.25, 0.62),
        ],
        Profile::Rod,
    );
    let elbow = if pose.projection == Projection::Ap {
        0.94
    } else {
        1.15
    };
    let lift = pose.shoulders;
    for side in [-1.0, 1.0] {
        limbs.stroke(
            frame,
            &[
                knot(side * 0.02, -0.05, 0.15 * stout, 0.52),
                knot(side * 0.25, -0.02 + 0.4 * lift, 0.135 * stout, 0.50),
                knot(side * 0.52, 0.07 + lift, 0.145 * stout, 0.52),
                knot(side * 0.79, 0.14 + lift, 0.155 * stout, 0.52),
                knot(
                    side * (0.5 * (0.82 + elbow)),
                    0.42 + lift,
                    0.135 * stout,
                    0.48,
                ),
                knot(side * elbow, 0.80 + lift, 0.12 * stout, 0.45),
                knot(side * (elbow + 0.02), 1.6, 0.11 * stout, 0.42),
            ],
            Profile::Rod,
        );
    }
    field.zip(&limbs, |value, limb| {
        *value = (*value * *value + limb * limb).sqrt()
    });
    field
}

/// The breasts' shadows.
pub(crate) fn breasts(frame: Frame, person: &Person) -> Option<Field> {
    let breast = person.breast?;
    let outline = Ellipse::new(
        point(breast.x, breast.y),
        1.05 * breast.radius,
        breast.radius,
        0.0,
    );
    Some(Field::of_body(frame, |at| {
        let round = outline.at(point(at.x.abs(), at.y));
        // They hang: thin above, thick below.
        let low = smoothstep(-1.0, 0.6, (at.y - breast.y) / breast.radius);
        breast.strength * low * round.max(0.0).sqrt()
    }))
}

/// Liver, spleen and the rest below the diaphragm, with gas in stomach and bowel.
pub(crate) fn abdomen(
    frame: Frame,
    lungs: &[Lung; 2],
    edge: f32,
    body: &Field,
    draws: &mut Draws,
) -> Field {
    struct Gas {
        outline: Ellipse,
        strength: f32,
    }
    let [right, left] = lungs;
    let mut gases = Vec::new();
    if draws.chance(0.6) {
        let top = left.dome.top;
        let (a, b) = (draws.between(0.06, 0.14), draws.between(0.035, 0.075));
        let at = point(
            draws.between(0.20, 0.36),
            top + b + draws.between(0.035, 0.08),
        );
        gases.push(Gas {
            outline: Ellipse::new(at, a, b, draws.between(-0.3, 0.3)),
            strength: draws.between(0.25, 0.5),
        });
    }
    for _ in 0..draws.below(5) {
        let at = point(
            draws.between(-0.45, 0.5),
            right.dome.top + draws.between(0.26, 0.5),
        );
        let (a, b) = (draws.between(0.03, 0.08), draws.between(0.02, 0.04));
        gases.push(Gas {
            outline: Ellipse::new(at, a, b, draws.between(-1.5, 1.5)),
            strength: draws.between(0.10, 0.3),
        });
    }
    let solid = |lung: &Lung, at: Point| {
        // Beside the lung there is no sharp border.
        let beside = smoothstep(0.0, 0.04, lung.across(at) - lung.dome.rim);
        let below = 1.0 - lung.above_dome(at, edge + 0.06 * beside);
        let deep = (at.y - lung.dome.top).max(0.0);
        (below, 0.34 * (1.0 - 0.80 * exp(-deep / 0.16)))
    };
    let mut field = Field::of_body(frame, |at| {
        // The domes meet in front of the spine, each at its own height.
        let t = smoothstep(-0.09, 0.09, at.x);
        let ((below_r, thick_r), (below_l, thick_l)) = (solid(right, at), solid(left, at));
        let below = lerp(below_r, below_l, t);
        if below <= 0.0 {
            return 0.0;
        }
        let gas: f32 = gases
            .iter()
            .map(|gas| gas.strength * smoothstep(0.0, 0.5, gas.outline.at(at)))
            .sum();
        below * (lerp(thick_r, thick_l, t) - gas.min(0.6))
    });
    // Only within the body, and fading towards its flanks.
    field.zip(body, |value, thick| *value *= smoothstep(0.1, 0.7, thick));
    field
}

/// Windpipe and main bronchi: a column of air, to be subtracted.
pub(crate) fn airways(
    frame: Frame,
    mediastinum: &Mediastinum,
    lungs: &[Lung; 2],
    shift: f32,
) -> Field {
    let mut field = Field::zeros(frame);
    let carina = mediastinum.carina;
    let knot = |at: Point, radius: f32, strength: f32| Knot {
        at,
        radius,
        strength,
    };
    field.stroke(
        frame,
        &[
            knot(point(shift, -0.8), 0.040, 0.28),
            knot(point(shift, -0.15), 0.038, 0.28),
            knot(point(shift * 0.8 - 0.004, 0.10), 0.036, 0.26),
            knot(carina, 0.034, 0.21),
        ],
        Profile::Rod,
    );
    for lung in lungs {
        let hilum = lung.hilum();
        let drop = if lung.side > 0.0 { 0.02 } else { 0.01 };
        field.stroke(
            frame,
            &[
                knot(carina, 0.026, 0.19),
                knot(
                    point(
                        0.5 * (carina.x + hilum.x),
                        0.5 * (carina.y + hilum.y) + drop,
                    ),
                    0.023,
                    0.16,
                ),
                knot(hilum, 0.017, 0.08),
            ],
            Profile::Rod,
        );
    }
    field
}
