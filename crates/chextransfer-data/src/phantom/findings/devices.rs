//! Support devices: tubes, lines, pacemakers, drains, wires.

use std::f32::consts::FRAC_PI_6;

use crate::phantom::canvas::{Field, Frame, Knot, Profile};
use crate::phantom::draws::Draws;
use crate::phantom::heart::{Heart, Mediastinum};
use crate::phantom::math::{Point, lerp, point, sin_cos};
use crate::phantom::thorax::Lung;

#[derive(Clone, Debug)]
pub(crate) struct Devices {
    devices: Vec<Device>,
    /// Small offsets that make no two devices lie the same way.
    sway: [f32; 4],
}

#[derive(Clone, Copy, Debug)]
enum Device {
    /// In the windpipe, its tip above the carina.
    EndotrachealTube,
    /// From neck or shoulder into the superior vena cava.
    CentralLine { side: f32, jugular: bool },
    /// Box below the left clavicle, leads into the heart.
    Pacemaker { side: f32, leads: u32 },
    /// Through the gullet into the stomach.
    GastricTube,
    /// From the flank into the pleural space.
    ChestDrain { side: f32 },
    /// Electrodes on the skin with their wires.
    Electrodes { count: u32 },
    /// Wires that close the breastbone after surgery.
    SternalWires,
}

impl Devices {
    pub(crate) fn draw(severity: f32, draws: &mut Draws) -> Self {
        let count = 1 + draws.below(if severity > 0.6 { 3 } else { 2 });
        let mut devices: Vec<Device> = Vec::new();
        for _ in 0..count {
            let device = match draws.below(100) {
                0..18 => Device::EndotrachealTube,
                18..46 => Device::CentralLine {
                    side: draws.side(0.35),
                    jugular: draws.chance(0.5),
                },
                46..64 => Device::Pacemaker {
                    side: draws.side(0.85),
                    leads: 1 + draws.below(2),
                },
                64..74 => Device::GastricTube,
                74..82 => Device::ChestDrain {
                    side: draws.side(0.5),
                },
                82..91 => Device::Electrodes {
                    count: 3 + draws.below(3),
                },
                _ => Device::SternalWires,
            };
            let same =
                |other: &Device| std::mem::discriminant(other) == std::mem::discriminant(&device);
            if !devices.iter().any(same) {
                devices.push(device);
            }
        }
        Self {
            devices,
            sway: std::array::from_fn(|_| draws.between(-1.0, 1.0)),
        }
    }

    /// Attenuation of all devices in a frontal view.
    pub(crate) fn frontal(
        &self,
        frame: Frame,
        lungs: &[Lung; 2],
        heart: &Heart,
        mediastinum: &Mediastinum,
    ) -> Field {
        let mut field = Field::zeros(frame);
        let [s0, s1, s2, s3] = self.sway;
        let carina = mediastinum.carina;
        for device in &self.devices {
            match *device {
                Device::EndotrachealTube => {
                    let tip = carina.plus(point(0.0, -0.10 - 0.05 * s0));
                    let path = [
                        point(0.02 * s1, -0.9),
                        point(0.01 * s1, -0.4),
                        point(0.0, -0.1),
                        tip,
                    ];
                    field.stroke(frame, &line(&path, 0.016, 0.20), Profile::Flat);
                    field.stroke(frame, &line(&path, 0.0045, 0.62), Profile::Flat);
                }
                Device::CentralLine { side, jugular } => {
                    let end = point(-0.075, 0.43 + 0.06 * s0);
                    let path = if jugular {
                        curve(&[
                            point(side * (0.13 + 0.03 * s1), -0.60),
                            point(side * 0.12, -0.20),
                            point(side * 0.085, 0.06),
                            point(-0.07, 0.22),
                            end,
                        ])
                    } else {
                        curve(&[
                            point(side * (1.05 + 0.05 * s1), 0.55),
                            point(side * 0.80, 0.14),
                            point(side * 0.50, 0.04 + 0.02 * s2),
                            point(side * 0.20, 0.085),
                            point(-0.06, 0.17),
                            end,
                        ])
                    };
                    field.stroke(frame, &line(&path, 0.0055, 0.62), Profile::Flat);
                }
                Device::Pacemaker { side, leads } => {
                    let middle = point(side * (0.46 + 0.04 * s0), 0.20 + 0.03 * s1);
                    box_of(&mut field, frame, middle, 0.35 * s2);
                    for lead in 0..leads {
                        let tip = if lead == 0 {
                            heart.inside(0.55, 0.12)
                        } else {
                            heart.inside(-0.72, 0.50)
                        };
                        let path = curve(&[
                            middle.plus(point(-side * 0.02, -0.06)),
                            point(side * 0.34, 0.06),
                            point(side * 0.16, 0.08),
                            point(-0.055, 0.20),
                            point(-0.085, 0.42),
                            heart.inside(-0.62, 0.35 + 0.12 * lead as f32),
                            tip,
                        ]);
                        field.stroke(frame, &line(&path, 0.0055, 0.62), Profile::Flat);
                        field.stroke(
                            frame,
                            &line(&path[path.len() - 2..], 0.009, 0.8),
                            Profile::Flat,
                        );
                    }
                }
                Device::GastricTube => {
                    let stomach = point(0.24 + 0.05 * s1, lungs[1].dome.top + 0.14);
                    let path = curve(&[
                        point(0.03 * s0, -0.9),
                        point(0.02, -0.2),
                        point(0.015, 0.4),
                        point(0.04, 0.85),
                        point(0.10, stomach.y - 0.02),
                        stomach,
                    ]);
                    field.stroke(frame, &line(&path, 0.006, 0.50), Profile::Flat);
                }
                Device::ChestDrain { side } => {
                    let [right, left] = lungs;
                    let lung = if side > 0.0 { left } else { right };
                    let y = 0.72 + 0.06 * s0;
                    let wall = lung.wall_at(y);
                    let path = curve(&[
                        lung.place(wall + 0.30, y + 0.16),
                        lung.place(wall, y),
                        lung.place(0.72 * wall, y - 0.14),
                        lung.place(0.60 * wall, 0.40),
                        lung.place(0.55 * wall, 0.22 + 0.05 * s1),
                    ]);
                    field.stroke(frame, &line(&path, 0.014, 0.13), Profile::Flat);
                    field.stroke(frame, &line(&path, 0.0045, 0.6), Profile::Flat);
                }
                Device::Electrodes { count } => {
                    for i in 0..count {
                        let side = if i % 2 == 0 { -1.0 } else { 1.0 };
                        let down = (i / 2) as f32;
                        let at = point(
                            side * (0.42 + 0.08 * s0 + 0.05 * down),
                            0.16 + 0.34 * down + 0.06 * s1 * side,
                        );
                        field.stroke(
                            frame,
                            &line(&[at, at.plus(point(0.001, 0.0))], 0.022, 0.5),
                            Profile::Flat,
                        );
                        let wire = curve(&[
                            at,
                            at.plus(point(0.12 * s2, 0.16)),
                            at.plus(point(-0.10 * side + 0.1 * s3, 0.42)),
                            at.plus(point(0.06 * s1, 0.95)),
                        ]);
                        field.stroke(frame, &line(&wire, 0.0042, 0.36), Profile::Flat);
                    }
                }
                Device::SternalWires => {
                    for i in 0..5 {
                        let middle = point(0.006 * s0, 0.16 + 0.115 * i as f32);
                        let ring: Vec<Point> = (0..=12)
                            .map(|k| {
                                let (sin, cos) = sin_cos(k as f32 * FRAC_PI_6 + s1);
                                middle.plus(point(0.030 * cos, 0.015 * sin + 0.006 * cos * s2))
                            })
                            .collect();
                        field.stroke(frame, &line(&ring, 0.0038, 0.75), Profile::Flat);
                    }
                }
            }
        }
        field
    }

    /// Attenuation in a lateral view, which shows only what lies in the chest's middle or the heart.
    /// `x` runs from the breastbone (-1) to the spine (1); `place` maps it to the body.
    pub(crate) fn lateral(&self, frame: Frame, place: impl Fn(f32, f32) -> Point) -> Field {
        let mut field = Field::zeros(frame);
        let [s0, s1, ..] = self.sway;
        let along = |points: &[(f32, f32)]| -> Vec<Point> {
            let points: Vec<Point> = points.iter().map(|&(x, y)| place(x, y)).collect();
            curve(&points)
        };
        for device in &self.devices {
            match *device {
                Device::EndotrachealTube => {
                    let path = along(&[(0.0, -0.6), (0.05, -0.1), (0.15, 0.22 + 0.05 * s0)]);
                    field.stroke(frame, &line(&path, 0.009, 0.4), Profile::Flat);
                }
                Device::CentralLine { .. } => {
                    let path = along(&[
                        (-0.25, -0.5),
                        (-0.2, 0.0),
                        (-0.1, 0.25),
                        (-0.08, 0.42 + 0.05 * s1),
                    ]);
                    field.stroke(frame, &line(&path, 0.0055, 0.6), Profile::Flat);
                }
                Device::Pacemaker { .. } => {
                    box_of(&mut field, frame, place(-0.66, 0.15), 1.2);
                    let path = along(&[
                        (-0.62, 0.12),
                        (-0.35, 0.05),
                        (-0.1, 0.3),
                        (-0.15, 0.6),
                        (-0.6, 0.82),
                    ]);
                    field.stroke(frame, &line(&path, 0.0055, 0.62), Profile::Flat);
                }
                Device::GastricTube => {
                    let path = along(&[(0.1, -0.7), (0.3, 0.2), (0.35, 0.7), (0.1, 1.15)]);
                    field.stroke(frame, &line(&path, 0.006, 0.5), Profile::Flat);
                }
                Device::ChestDrain { .. } => {
                    let path = along(&[(-0.2, 1.2), (0.1, 0.8), (0.3, 0.3)]);
                    field.stroke(frame, &line(&path, 0.008, 0.5), Profile::Flat);
                }
                Device::Electrodes { count } => {
                    for i in 0..count {
                        let at = place(-0.55 + 0.3 * i as f32, 0.2 + 0.12 * i as f32);
                        field.stroke(
                            frame,
                            &line(&[at, at.plus(point(0.001, 0.0))], 0.02, 0.45),
                            Profile::Flat,
                        );
                    }
                }
                Device::SternalWires => {
                    for i in 0..5 {
                        let y = 0.16 + 0.115 * i as f32;
                        // The breastbone leans forward.
                        let at = place(-0.48 - 0.9 * y + 0.35 * y * y, y);
                        field.stroke(
                            frame,
                            &line(&[at, at.plus(point(0.02, 0.012))], 0.005, 0.75),
                            Profile::Flat,
                        );
                    }
                }
            }
        }
        field
    }
}

fn line(path: &[Point], radius: f32, strength: f32) -> Vec<Knot> {
    path.iter()
        .map(|&at| Knot {
            at,
            radius,
            strength,
        })
        .collect()
}

/// A smooth path through `points` (Catmull-Rom).
fn curve(points: &[Point]) -> Vec<Point> {
    use crate::phantom::math::Curve;
    const STEPS: usize = 6;
    let across = Curve::new(0.0, 1.0, points.iter().map(|p| p.x).collect::<Vec<_>>());
    let down = Curve::new(0.0, 1.0, points.iter().map(|p| p.y).collect::<Vec<_>>());
    let last = points.len().saturating_sub(1) * STEPS;
    (0..=last)
        .map(|i| {
            let t = i as f32 / STEPS as f32;
            point(across.at(t), down.at(t))
        })
        .collect()
}

/// A pacemaker's can: a rounded box with a connector block.
fn box_of(field: &mut Field, frame: Frame, middle: Point, turn: f32) {
    let (sin, cos) = sin_cos(turn);
    let corner = |x: f32, y: f32| middle.plus(point(cos * x - sin * y, sin * x + cos * y));
    for i in 0..=4 {
        let y = lerp(-0.022, 0.030, i as f32 / 4.0);
        let path = [corner(-0.042, y), corner(0.042, y)];
        field.stroke(frame, &line(&path, 0.018, 0.85), Profile::Flat);
    }
    let block = [corner(-0.035, -0.05), corner(0.03, -0.05)];
    field.stroke(frame, &line(&block, 0.012, 0.5), Profile::Flat);
}
