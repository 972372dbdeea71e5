//! The lateral view, put together.

use super::aeration::Aeration;
use super::canvas::{Field, Frame, Knot, Profile};
use super::difficulty::{Difficulty, Visibility};
use super::draws::{Key, Purpose};
use super::film::Film;
use super::findings::Findings;
use super::math::{Curve, Ellipse, Point, exp, lerp, point, smoothstep};
use super::person::Person;
use super::pose::Pose;
use super::radiograph::Radiograph;
use super::vessels::vessels;
use crate::Observation;

/// The chest from the side. Across, it is measured as `depth`: -1 at the breastbone to 1 at the back wall.
struct Chest {
    half: f32,
    facing: f32,
    front: Curve,
    back: Curve,
    spine: Curve,
    /// Heights of the two domes' tops.
    domes: [f32; 2],
}

impl Chest {
    fn new(person: &Person, pose: &Pose, lift: f32) -> Self {
        let top = person.right_dome - pose.shallow;
        Self {
            half: 0.66 * person.half_width + 0.02 * person.fat,
            facing: pose.facing,
            front: Curve::new(0.0, 0.2, [-0.36, -0.62, -0.82, -0.95, -1.0, -0.98, -0.90]),
            back: Curve::new(0.0, 0.2, [0.70, 0.92, 1.02, 1.04, 1.02, 0.96, 0.88]),
            spine: Curve::new(-0.4, 0.3, [0.42, 0.55, 0.80, 0.90, 0.86, 0.74, 0.62]),
            domes: [top - lift, top + person.dome_step],
        }
    }

    fn place(&self, depth: f32, y: f32) -> Point {
        point(-self.facing * self.half * depth, y)
    }

    fn depth(&self, at: Point) -> f32 {
        -self.facing * at.x / self.half
    }

    fn hilum(&self) -> Point {
        self.place(0.12, 0.42)
    }

    /// Front and back edge of the lungs at a height.
    fn chord(&self, y: f32) -> Option<(f32, f32)> {
        if y <= 0.0 {
            return None;
        }
        let quarter = |reach: f32| {
            let t = 1.0 - (y / reach).min(1.0);
            (1.0 - t * t).sqrt()
        };
        const APEX: f32 = 0.22;
        Some((
            lerp(APEX, self.front.at(y), quarter(0.30)),
            lerp(APEX, self.back.at(y), quarter(0.22)),
        ))
    }

    fn dome(&self, which: usize, depth: f32) -> f32 {
        let top = self.domes.get(which).copied().unwrap_or(1.0);
        let d = depth + 0.25;
        top + if d < 0.0 { 0.16 * d * d } else { 0.19 * d * d }
    }

    /// Depth of air, 0 to 1; each lung gives half.
    fn air(&self, at: Point, edge: f32) -> f32 {
        let Some((front, back)) = self.chord(at.y) else {
            return 0.0;
        };
        let depth = self.depth(at);
        let t = (depth - front) / (back - front);
        if !(0.0..=1.0).contains(&t) {
            return 0.0;
        }
        let round = (6.0 * t * (1.0 - t)).min(1.0);
        let slice = (round * (2.0 - round)).sqrt();
        let above = |which| 0.5 * smoothstep(-edge, edge, self.dome(which, depth) - at.y);
        // Arms and shoulders make the upper third dense; that is drawn elsewhere.
        slice * (0.55 + 0.45 * smoothstep(0.0, 0.45, at.y)) * (above(0) + above(1))
    }
}

/// Both lungs lie over each other: what fills one takes at most this share of the air.
const ONE_LUNG: f32 = 0.6;
const FAINT: f32 = 0.1;

pub(crate) fn render(
    key: Key,
    person: &Person,
    pose: &Pose,
    findings: &Findings,
    difficulty: Difficulty,
) -> Radiograph {
    let Visibility {
        contrast,
        noise,
        overlap,
    } = difficulty.visibility();
    let findings = &findings.scaled(contrast);
    let frame = pose.frame;
    let edge = (0.7 * frame.pixel()).max(0.006);
    let lift = findings.atelectasis.as_ref().map_or(0.0, |a| a.lift);
    let chest = Chest::new(person, pose, lift);
    let heart = heart(frame, person, &chest, findings.cardiomegaly);
    let mut air = Field::of_body(frame, |at| chest.air(at, edge));
    air.zip(&heart, |air, heart| {
        *air *= 1.0 - 0.42 * smoothstep(0.0, 0.9, heart)
    });
    let mut lungs = Aeration::new(frame, air, contrast);
    if findings.cardiomegaly.is_some() {
        lungs
            .regions
            .mark(Observation::Cardiomegaly, &heart, |thickness| {
                thickness > 0.05
            });
    }
    fill(&chest, findings, frame, &mut lungs);

    let mut sum = body(frame, person, &chest);
    let abdomen = Field::of_body(frame, |at| {
        let depth = chest.depth(at);
        let below = at.y - 0.5 * (chest.dome(0, depth) + chest.dome(1, depth));
        0.22 * smoothstep(-0.03, 0.03, below) * (1.0 - 0.85 * exp(-below.max(0.0) / 0.15))
    });
    sum.add(&abdomen);
    sum.zip(&lungs.remaining(), |sum, air| *sum -= 0.68 * air);
    let mut vascular = vasculature(key, frame, person, &chest, findings);
    lungs.show_through(&mut vascular);
    sum.zip(&vascular, |sum, vessel| *sum += overlap * vessel);
    sum.zip(&heart, |sum, heart| *sum += 0.16 * heart);
    sum.add(&bones(frame, person, &chest, overlap));
    sum.zip(&airway(frame, &chest), |sum, air| *sum -= air);
    let mut regions = lungs.regions;
    if let Some(devices) = &findings.devices {
        let metal = devices.lateral(frame, |depth, y| chest.place(depth, y));
        regions.mark(Observation::SupportDevices, &metal, |metal| metal > 0.05);
        sum.zip(&metal, |sum, metal| *sum += contrast * metal);
    }
    let draws = &mut key.draws(Purpose::Film);
    let film = Film::draw(draws, pose, true).with_noise(noise);
    Radiograph {
        image: film.develop(frame, &sum, None, draws),
        masks: regions.into_masks(),
    }
}

/// Thickness of the heart, 0 outside.
fn heart(frame: Frame, person: &Person, chest: &Chest, enlarged: Option<f32>) -> Field {
    let size = (person.heart_ratio + enlarged.map_or(0.0, |s| 0.09 + 0.12 * s)) / 0.44;
    let [lower, upper] = chest.domes;
    let bottom = 0.5 * (lower + upper) + 0.05;
    let grown = 0.06 * (size - 1.0);
    let ventricles = point(-0.42 * chest.half + grown, bottom - 0.235 * size);
    let ventricles = Ellipse::new(ventricles, 0.27 * size, 0.20 * size, 2.25);
    let atrium = point(-0.02 * chest.half + grown, bottom - 0.36 * size);
    let atrium = Ellipse::new(atrium, 0.15 * size, 0.17 * size, 0.0);
    let vessels = Ellipse::new(point(-0.10 * chest.half, 0.36), 0.12, 0.22, -0.35);
    Field::of_body(frame, |at| {
        let at = point(chest.half * chest.depth(at), at.y);
        let parts = [(ventricles, 1.0), (atrium, 0.35), (vessels, 0.04)];
        let square = |(part, share): &(Ellipse, f32)| {
            let inside = part.at(at).max(0.0);
            share * inside * inside
        };
        parts.iter().map(square).sum::<f32>().sqrt().sqrt()
    })
}

/// Draws the findings that replace air. Pneumothorax, pleural thickening and fractures do not show from the side.
fn fill(chest: &Chest, findings: &Findings, frame: Frame, lungs: &mut Aeration) {
    let [lower, _] = chest.domes;
    if let Some(edema) = &findings.edema {
        let hilum = chest.hilum();
        let opacity = Field::of_body(frame, |at| {
            let d = at.minus(hilum);
            let r = point(d.x / 0.30, d.y / 0.42).length();
            (edema.congestion() - 1.0) * (0.5 + 0.9 * (1.0 - smoothstep(0.2, 1.2, r)))
        });
        let peak = opacity.values.iter().copied().fold(0.0, f32::max);
        lungs.fill(Observation::Edema, &opacity, 0.5 * peak);
    }
    for (observation, patch) in [
        (Observation::Consolidation, &findings.consolidation),
        (Observation::Pneumonia, &findings.pneumonia),
    ] {
        if let Some(patch) = patch {
            let outline = patch.seen_sideways(|depth, down| chest.place(depth, down * lower));
            lungs.fill_by(observation, FAINT, |at| ONE_LUNG * outline.opacity(at));
        }
    }
    if let Some(lesions) = &findings.lesions {
        for nodule in lesions.nodules() {
            let centre = chest.place(nodule.place_in_depth(), nodule.down * lower);
            let pixel = frame.pixel();
            lungs.fill_by(Observation::LungLesion, FAINT, |at| {
                ONE_LUNG * nodule.shade(at, centre, pixel)
            });
        }
    }
    if findings.atelectasis.is_some() {
        lungs.fill_by(Observation::Atelectasis, FAINT, |at| {
            let over = chest.dome(0, chest.depth(at)) - at.y;
            ONE_LUNG * smoothstep(-0.01, 0.0, over) * (1.0 - smoothstep(0.01, 0.12, over))
        });
    }
    if let Some(effusion) = &findings.effusion {
        let level = chest.dome(1, 0.95) - 0.75 * effusion.tallest();
        lungs.fill_by(Observation::PleuralEffusion, 0.4, |at| {
            // Fluid stands highest along the back wall.
            let surface = level + 0.10 * (0.9 - chest.depth(at)).max(0.0);
            0.85 * smoothstep(-0.03, 0.02, at.y - surface)
        });
    }
}

fn vasculature(
    key: Key,
    frame: Frame,
    person: &Person,
    chest: &Chest,
    findings: &Findings,
) -> Field {
    let draws = &mut Key {
        study: 0,
        view: 0,
        ..key
    }
    .draws(Purpose::Vessels);
    let congestion = findings
        .edema
        .as_ref()
        .map_or(1.0, |edema| edema.congestion());
    let calibre = 0.9 * person.vessels * congestion;
    let hilum = chest.hilum();
    let mut field = Field::zeros(frame);
    for side in [-1.0, 1.0] {
        field.add(&vessels(frame, hilum, side, calibre, 0.9, draws));
    }
    let knot = Ellipse::new(hilum, 0.06, 0.075, 0.0);
    let dense = Field::of_body(frame, |at| {
        0.16 * congestion * smoothstep(-0.3, 1.0, knot.at(at))
    });
    field.zip(&dense, |vessel, dense| *vessel = 0.7 * *vessel + dense);
    field
}

fn airway(frame: Frame, chest: &Chest) -> Field {
    let mut field = Field::zeros(frame);
    let knot = |depth: f32, y: f32, strength: f32| Knot {
        at: chest.place(depth, y),
        radius: 0.032,
        strength,
    };
    let path = [
        knot(-0.15, -0.6, 0.3),
        knot(0.0, -0.1, 0.25),
        knot(0.1, 0.15, 0.2),
        knot(0.16, 0.36, 0.13),
    ];
    field.stroke(frame, &path, Profile::Rod);
    field
}

fn body(frame: Frame, person: &Person, chest: &Chest) -> Field {
    let skin = (0.035 + 0.09 * person.fat) / chest.half;
    let breast = if person.breast.is_some() {
        0.13 + 0.1 * person.fat
    } else {
        0.03
    };
    let thick = 1.0 + 0.22 * person.fat;
    let mut field = Field::of_body(frame, |at| {
        let depth = chest.depth(at);
        let y = at.y.clamp(0.05, 1.2);
        let bust = breast * exp(-(at.y - 0.72) * (at.y - 0.72) / 0.06);
        let belly = 0.25 * person.fat * smoothstep(0.8, 1.4, at.y);
        let front = chest.front.at(y) - skin - 0.06 - bust - belly;
        let back = chest.back.at(y) + skin + 0.16 - 0.12 * smoothstep(0.9, 1.5, at.y);
        let t = (depth - front) / (back - front);
        if !(0.0..=1.0).contains(&t) {
            return 0.0;
        }
        let round = (4.0 * t * (1.0 - t)).max(0.0);
        thick * (round * (2.0 - round)).sqrt() * smoothstep(-0.14, 0.16, at.y)
    });
    let mut upper = Field::zeros(frame);
    let knot = |depth: f32, y: f32, radius: f32, strength: f32| Knot {
        at: chest.place(depth, y),
        radius,
        strength,
    };
    // Neck, and the raised arms whose shadow lies over the upper chest.
    upper.stroke(
        frame,
        &[
            knot(0.0, -0.9, 0.17, 0.7),
            knot(0.15, -0.3, 0.17, 0.7),
            knot(0.35, 0.05, 0.24, 0.75),
            knot(0.6, 0.3, 0.2, 0.3),
        ],
        Profile::Rod,
    );
    let mut arms = Field::zeros(frame);
    arms.stroke(
        frame,
        &[
            knot(-1.2, -0.8, 0.13, 0.45),
            knot(-0.35, -0.22, 0.15, 0.5),
            knot(0.25, 0.02, 0.17, 0.45),
        ],
        Profile::Rod,
    );
    upper.zip(&arms, |sum, arm| *sum = (*sum * *sum + arm * arm).sqrt());
    upper.blur(0.012 * frame.scale);
    field.zip(&upper, |sum, upper| {
        *sum = (*sum * *sum + 0.8 * upper * upper).sqrt()
    });
    field
}

/// `overlap` is a factor of the ribs.
fn bones(frame: Frame, person: &Person, chest: &Chest, overlap: f32) -> Field {
    let bone = person.bone;
    let mut ribs = Field::zeros(frame);
    // Each pair shows twice: the side at the detector and, larger, the other.
    for (magnified, strength) in [(1.0, 0.085), (1.05, 0.06)] {
        for rib in 1..10 {
            let start = person.ribs.first + person.ribs.spacing * rib as f32;
            let fall = (person.ribs.fall + person.ribs.fall_step * rib as f32) * magnified;
            let knots: Vec<Knot> = (0..=12)
                .map(|i| {
                    let t = i as f32 / 12.0;
                    let back = chest.back.at(start + 0.05) * magnified + 0.03;
                    let front = chest.front.at(start + fall) * magnified;
                    let y = start + fall * (0.25 * t + 0.75 * t * t);
                    Knot {
                        at: chest.place(lerp(back, front, t), y),
                        radius: 0.9 * person.ribs.radius * magnified,
                        strength: strength * bone * (1.0 - 0.8 * t),
                    }
                })
                .collect();
            ribs.stroke(frame, &knots, Profile::Bone);
        }
    }
    let mut field = Field::of_body(frame, |at| {
        let middle = chest.spine.at(at.y) * chest.half;
        let x = (chest.depth(at) * chest.half - middle).abs();
        let half = 0.058 + 0.012 * at.y.clamp(-0.2, 1.3);
        if x > half + 0.03 {
            return 0.0;
        }
        let period = 0.085 + 0.014 * at.y.clamp(-0.2, 1.3);
        let phase = (at.y + 0.6) / period;
        let within = (phase - phase.floor() - 0.5).abs();
        let disc = smoothstep(0.34, 0.44, within);
        let rim = smoothstep(0.24, 0.33, within) * (1.0 - disc);
        let waist = half * (0.9 + 0.12 * smoothstep(0.1, 0.4, within));
        let edge = 1.0 - smoothstep(waist - 0.014, waist + 0.014, x);
        edge * bone * (0.15 + 0.05 * rim) * (1.0 - 0.42 * disc)
    });
    field.zip(&ribs, |sum, rib| *sum += overlap * rib);
    let mut more = Field::zeros(frame);
    // Arches behind the vertebrae, breastbone, shoulder blades.
    let line = |points: &[(f32, f32)], radius: f32, strength: f32| -> Vec<Knot> {
        points
            .iter()
            .map(|&(depth, y)| Knot {
                at: chest.place(depth, y),
                radius,
                strength: strength * bone,
            })
            .collect()
    };
    let arches: Vec<(f32, f32)> = (0..=7)
        .map(|i| {
            let y = 0.06 + 0.2 * i as f32;
            (chest.spine.at(y) + 0.26, y)
        })
        .collect();
    more.stroke(frame, &line(&arches, 0.035, 0.10), Profile::Rod);
    let breastbone: Vec<(f32, f32)> = (1..=6)
        .map(|i| {
            let y = 0.1 + 0.1 * i as f32;
            (chest.front.at(y) - 0.05, y)
        })
        .collect();
    more.stroke(frame, &line(&breastbone, 0.020, 0.22), Profile::Bone);
    more.stroke(
        frame,
        &line(&[(0.55, 0.02), (0.72, 0.25), (0.85, 0.45)], 0.009, 0.14),
        Profile::Rod,
    );
    more.stroke(
        frame,
        &line(&[(0.72, 0.00), (0.90, 0.22), (0.98, 0.42)], 0.009, 0.12),
        Profile::Rod,
    );
    field.add(&more);
    field
}
