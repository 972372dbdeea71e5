//! Ribs, clavicles, shoulder blades, arms and spine in the frontal view.

use super::canvas::{Field, Frame, Knot, Profile};
use super::findings::Fracture;
use super::math::{Point, lerp, point, sin_cos, smoothstep};
use super::person::Person;
use super::pose::{Pose, Projection};

const RIBS: usize = 11;

/// A point of a rib: `angle` runs from 0 at the spine over pi/2 at the flank to the front.
pub(crate) fn rib_at(person: &Person, side: f32, rib: usize, angle: f32) -> Point {
    let number = rib as f32;
    let uneven = person.ribs.unevenness.at(point(number, 3.0 * side));
    let start = person.ribs.first + person.ribs.spacing * number + 0.010 * uneven;
    let fall = person.ribs.fall + person.ribs.fall_step * number;
    let (sin, cos) = sin_cos(angle);
    let flank = start + 0.5 * fall;
    // The first ribs lie over the apices and are much shorter than the wall is wide there.
    let short = match rib {
        0 => 0.70,
        1 => 0.90,
        _ => 1.0,
    };
    let reach = short * person.half_width * person.wall.at(flank) + 0.012;
    let spine = person.spine.at(start);
    // Near the spine a rib rises a little before it falls.
    let rise = 0.035 * sin_cos(2.0 * angle.min(1.57)).0;
    point(
        spine + side * (0.05 + (reach - 0.05) * sin),
        start + 0.5 * fall * (1.0 - cos) - rise,
    )
}

pub(crate) fn ribs(frame: Frame, person: &Person, fracture: Option<&Fracture>) -> Field {
    const STEPS: usize = 44;
    /// Where the bone ends and cartilage, which hardly shows, begins.
    const FRONT: f32 = 2.45;
    let mut back = Field::zeros(frame);
    let mut front = Field::zeros(frame);
    for rib in 0..RIBS {
        for side in [-1.0, 1.0] {
            let radius = person.ribs.radius * if rib == 0 { 0.85 } else { 1.0 };
            let knot = |i: usize| {
                let angle = FRONT * i as f32 / STEPS as f32;
                let place = rib_at(person, side, rib, angle);
                let fade = 1.0 - 0.9 * smoothstep(1.9, FRONT, angle);
                let (jump, gap) = fracture.map_or((0.0, 1.0), |f| f.at(side, rib, angle));
                Knot {
                    at: place.plus(point(0.0, jump)),
                    radius: radius * lerp(1.0, 0.9, angle / FRONT),
                    strength: 0.145 * person.bone * fade * gap,
                }
            };
            let knots: Vec<Knot> = (0..=STEPS).map(knot).collect();
            let flank = STEPS * 63 / 100;
            back.stroke(frame, &knots[..=flank], Profile::Bone);
            front.stroke(frame, &knots[flank..], Profile::Bone);
        }
    }
    front.zip(&back, |value, behind| *value = 0.72 * *value + behind);
    front
}

/// Clavicles, shoulder blades and upper arms.
pub(crate) fn shoulders(frame: Frame, person: &Person, pose: &Pose) -> Field {
    let mut field = Field::zeros(frame);
    let mut faint = Field::zeros(frame);
    let lift = pose.shoulders;
    let bone = person.bone;
    for side in [-1.0, 1.0] {
        let line = |places: &[(f32, f32)], radius: f32, strength: f32| -> Vec<Knot> {
            places
                .iter()
                .map(|&(x, y)| Knot {
                    at: point(side * x + pose.twist * side, y),
                    radius,
                    strength: strength * bone,
                })
                .collect()
        };
        let clavicle = line(
            &[
                (0.055, 0.105),
                (0.12, 0.085),
                (0.22, 0.058 + 0.3 * lift),
                (0.34, 0.020 + 0.6 * lift),
                (0.46, -0.012 + 0.8 * lift),
                (0.58, -0.018 + lift),
                (0.68, 0.0 + lift),
            ],
            0.0205,
            0.26,
        );
        field.stroke(frame, &clavicle, Profile::Bone);
        // In a bedside picture the shoulder blades lie over the lungs' flanks, otherwise they are turned away.
        let out = if pose.projection == Projection::Ap {
            0.0
        } else {
            0.09
        };
        let blade = line(
            &[
                (0.56 + out, 0.10 + lift),
                (0.545 + out, 0.25 + lift),
                (0.56 + out, 0.42 + lift),
                (0.60 + out, 0.54 + lift),
                (0.67 + out, 0.36 + lift),
                (0.74, 0.12 + lift),
                (0.56 + out, 0.10 + lift),
            ],
            0.008,
            0.085,
        );
        field.stroke(frame, &blade, Profile::Rod);
        let plate = line(
            &[(0.63 + out, 0.18 + lift), (0.615 + out, 0.42 + lift)],
            0.07,
            0.05,
        );
        faint.stroke(frame, &plate, Profile::Flat);
        let head = line(&[(0.80, 0.115 + lift), (0.815, 0.14 + lift)], 0.078, 0.22);
        field.stroke(frame, &head, Profile::Rod);
        let elbow = if pose.projection == Projection::Ap {
            0.92
        } else {
            1.12
        };
        let shaft = line(
            &[
                (0.825, 0.16 + lift),
                (elbow, 0.75 + lift),
                (elbow + 0.03, 1.5),
            ],
            0.042,
            0.24,
        );
        field.stroke(frame, &shaft, Profile::Bone);
    }
    field.add(&faint);
    field
}

/// The vertebral column: bodies and discs, pedicles, spinous processes.
pub(crate) fn spine(frame: Frame, person: &Person) -> Field {
    let bone = person.bone;
    let span = frame.pixel().max(0.006);
    let mut field = Field::of_body(frame, |at| {
        let x = (at.x - person.spine.at(at.y)).abs();
        let half = 0.056 + 0.014 * at.y.clamp(-0.2, 1.4);
        if x > half + 0.02 {
            return 0.0;
        }
        let period = 0.078 + 0.012 * at.y.clamp(-0.2, 1.4);
        let phase = (at.y + 0.6) / period;
        let within = phase - phase.floor() - 0.5;
        // The disc space is fainter; the waist of a body is narrower than its ends.
        let disc = smoothstep(0.33, 0.46, within.abs());
        let waist = half * (0.92 + 0.10 * smoothstep(0.1, 0.4, within.abs()));
        let t = (x / waist).min(1.0);
        let edge = 1.0 - smoothstep(waist - span, waist + span, x);
        edge * bone * (0.13 * (1.0 - t * t).sqrt() + 0.045) * (1.0 - 0.45 * disc)
    });
    let mut marks = Field::zeros(frame);
    let mut y = -0.35;
    while y < 1.5 {
        let x = person.spine.at(y);
        for (dx, dy, radius, strength) in [
            (-0.034, 0.0, 0.010, 0.06),
            (0.034, 0.0, 0.010, 0.06),
            (0.0, 0.02, 0.007, 0.07),
        ] {
            let at = point(x + dx, y + dy);
            let knot = |at| Knot {
                at,
                radius,
                strength: strength * bone,
            };
            marks.stroke(
                frame,
                &[knot(at), knot(at.plus(point(0.0, 0.012)))],
                Profile::Rod,
            );
        }
        y += 0.078 + 0.012 * y;
    }
    field.add(&marks);
    field
}
