//! The lung's branching vessels, fanning out from the hilum and tapering to the periphery.

use super::canvas::{Field, Frame, Knot, Profile};
use super::draws::Draws;
use super::math::{Point, point};

/// Attenuation of a vessel, for each body unit of its diameter.
const DENSITY: f32 = 6.5;
/// Vessels thinner than this are left to the texture.
const THINNEST: f32 = 0.0022;
/// Length of a piece of a vessel.
const STEP: f32 = 0.024;

struct Branch {
    at: Point,
    angle: f32,
    radius: f32,
}

/// Draws the tree of one lung, fanning out from `hilum` rightwards (`side` 1) or leftwards (-1). `calibre` scales all radii, `upper` those of the upper lobe.
///
/// The tree grows without regard to the lung's edge, so that the same draws give the same tree when a finding changes the
/// lung; the caller lets it show only where there is air.
pub(crate) fn vessels(
    frame: Frame,
    hilum: Point,
    side: f32,
    calibre: f32,
    upper: f32,
    draws: &mut Draws,
) -> Field {
    let mut field = Field::zeros(frame);
    let mut branches: Vec<Branch> = Vec::new();
    // Arteries leave the hilum in bundles, veins come in lower; each with its own height, so that no point is the hub.
    // Angles are those of a left lung, 0 towards the chest wall and positive downwards.
    const ROOTS: [(f32, f32, f32); 9] = [
        // height of the root, angle, calibre
        (-0.060, -1.25, 0.80),
        (-0.040, -0.95, 0.95),
        (-0.015, -0.45, 0.80),
        (0.010, 0.10, 0.75),
        (0.045, 0.45, 0.90),
        (0.075, 0.95, 1.10),
        (0.060, 1.30, 1.30),
        (0.110, 0.25, 0.75),
        (0.150, 0.75, 0.85),
    ];
    for (height, angle, calibre) in ROOTS {
        branches.push(Branch {
            at: point(0.018 * draws.normal(), height + 0.02 * draws.normal()),
            angle: angle + 0.15 * draws.normal(),
            radius: calibre * draws.between(0.0115, 0.0155),
        });
    }
    while let Some(mut branch) = branches.pop() {
        // A branch bends one way for a while, then another.
        let mut bend = 0.10 * draws.normal();
        let mut knots = Vec::new();
        while branch.radius > THINNEST {
            let share = if branch.at.y < -0.05 {
                calibre * upper
            } else {
                calibre
            };
            let radius = branch.radius * share;
            knots.push(Knot {
                at: hilum.plus(point(side * branch.at.x, branch.at.y)),
                radius,
                strength: DENSITY * 2.0 * radius,
            });
            branch.at = branch.at.plus(Point::heading(branch.angle).times(STEP));
            branch.angle += bend;
            if draws.chance(0.25) {
                bend = 0.13 * draws.normal();
            }
            branch.radius *= 0.945;
            if draws.chance(0.27) {
                // The trunk turns away from its branch, the more so the thicker that is.
                let away = draws.side(0.5);
                let share = draws.between(0.55, 0.9);
                branches.push(Branch {
                    at: branch.at,
                    angle: branch.angle + away * draws.between(0.35, 0.75),
                    radius: branch.radius * share,
                });
                branch.angle -= away * 0.3 * share;
                branch.radius *= 1.0 - 0.16 * share;
            }
        }
        field.stroke(frame, &knots, Profile::Rod);
    }
    field
}
