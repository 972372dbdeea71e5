//! The frontal view, put together.

use super::aeration::Aeration;
use super::bones;
use super::canvas::{Field, Frame, Knot, Profile};
use super::difficulty::{Difficulty, Visibility};
use super::draws::{Key, Purpose};
use super::film::{Film, Marker};
use super::findings::{Findings, Pneumothorax};
use super::heart::{Heart, Mediastinum};
use super::math::{Ellipse, Point, point, smoothstep};
use super::person::Person;
use super::pose::Pose;
use super::radiograph::Radiograph;
use super::soft_tissue;
use super::texture::Texture;
use super::thorax::Lung;
use super::vessels::vessels;
use crate::Observation;

/// Attenuation that a full depth of air takes away.
const AIR: f32 = 0.66;
/// Opacities thinner than this share of the air do not count as the finding's region.
const FAINT: f32 = 0.12;

/// The organs of one picture, shaped by the findings that change their size or place.
struct Chest<'a> {
    frame: Frame,
    /// Half the blur of a smooth edge, in body units.
    edge: f32,
    person: &'a Person,
    findings: &'a Findings,
    visibility: Visibility,
    /// Right, left.
    lungs: [Lung; 2],
    /// The same without the loss of volume by atelectasis.
    full_lungs: [Lung; 2],
    heart: Heart,
    mediastinum: Mediastinum,
}

pub(crate) fn render(
    key: Key,
    person: &Person,
    pose: &Pose,
    findings: &Findings,
    difficulty: Difficulty,
) -> Radiograph {
    let visibility = difficulty.visibility();
    let Visibility {
        contrast, overlap, ..
    } = visibility;
    let findings = &findings.scaled(contrast);
    let chest = Chest::new(person, pose, findings, visibility);
    let frame = chest.frame;
    // Vessels and textures are the patient's own and stay from study to study.
    let draws = &mut Key {
        study: 0,
        view: 0,
        ..key
    }
    .draws(Purpose::Vessels);
    let flesh = Texture::new(draws.salt(), 5.0);
    let marking = Texture::new(draws.salt(), 55.0);

    let thick_heart = Field::of_body(frame, |at| chest.visible_heart(at));
    let thick_middle = Field::of_body(frame, |at| chest.mediastinum.thickness(at));
    let mut lungs = Aeration::new(frame, chest.air(&thick_heart, &thick_middle), contrast);
    let mut added = Field::zeros(frame);
    chest.mark_silhouettes(&mut lungs, &thick_heart);
    chest.fill(&mut lungs, &mut added);

    let mut vascular = Field::zeros(frame);
    let congestion = chest.congestion();
    for lung in &chest.lungs {
        let calibre = person.vessels * congestion;
        // Upright, the upper lobes' vessels are thin; congestion fills them.
        let upper = if congestion > 1.0 { 1.15 } else { 0.9 };
        vascular.add(&vessels(
            frame,
            lung.hilum(),
            lung.side,
            calibre,
            upper,
            draws,
        ));
    }
    vascular.add(&chest.hila());
    lungs.show_through(&mut vascular);
    let mut markings = Field::of_body(frame, |at| 0.035 * marking.cloud(at));
    if let Some(pneumothorax) = &findings.pneumothorax {
        for field in [&mut vascular, &mut markings] {
            chest.collapse(pneumothorax, field);
        }
        chest.free_air(pneumothorax, &mut lungs, &mut added);
    }
    vascular.add(&markings);

    let body = soft_tissue::body(frame, person, pose);
    let gas = &mut Key { view: 0, ..key }.draws(Purpose::Gas);
    let mut sum = body.clone();
    sum.add(&soft_tissue::abdomen(
        frame,
        &chest.lungs,
        chest.edge,
        &body,
        gas,
    ));
    if let Some(breasts) = soft_tissue::breasts(frame, person) {
        sum.add(&breasts);
    }
    let uneven = Field::of_body(frame, |at| 1.0 + 0.07 * overlap * flesh.cloud(at));
    sum.zip(&uneven, |sum, uneven| *sum *= uneven);
    sum.zip(&lungs.remaining(), |sum, air| *sum -= AIR * air);
    sum.zip(&vascular, |sum, vessel| *sum += overlap * vessel);
    sum.zip(&added, |sum, added| *sum += contrast * added);
    sum.zip(&thick_heart, |sum, heart| {
        *sum += 0.13 * heart + 0.11 * smoothstep(0.0, 0.5, heart)
    });
    sum.zip(&thick_middle, |sum, middle| {
        *sum += 0.06 * middle + 0.13 * smoothstep(0.0, 0.7, middle)
    });
    sum.add(&chest.aorta());
    let ribs = bones::ribs(frame, person, findings.fracture.as_ref());
    sum.zip(&ribs, |sum, rib| *sum += overlap * rib);
    sum.add(&bones::shoulders(frame, person, pose));
    sum.add(&bones::spine(frame, person));
    let airways = soft_tissue::airways(frame, &chest.mediastinum, &chest.lungs, pose.twist);
    sum.zip(&airways, |sum, air| *sum -= air);
    let mut regions = lungs.regions;
    if findings.fracture.is_some() {
        let reach = (1.5 * person.ribs.radius).max(1.5 * frame.pixel());
        regions.mark(Observation::Fracture, &chest.distance_to_breaks(), |d| {
            d < reach
        });
    }
    if let Some(devices) = &findings.devices {
        let metal = devices.frontal(frame, &chest.lungs, &chest.heart, &chest.mediastinum);
        regions.mark(Observation::SupportDevices, &metal, |metal| metal > 0.05);
        sum.zip(&metal, |sum, metal| *sum += contrast * metal);
    }

    let draws = &mut key.draws(Purpose::Film);
    let film = Film::draw(draws, pose, false).with_noise(visibility.noise);
    let marker = Marker::draw_some(key);
    Radiograph {
        image: film.develop(frame, &sum, marker.as_ref(), draws),
        masks: regions.into_masks(),
    }
}

impl<'a> Chest<'a> {
    fn new(
        person: &'a Person,
        pose: &'a Pose,
        findings: &'a Findings,
        visibility: Visibility,
    ) -> Self {
        let lift = |side: f32| {
            let pulled = findings.atelectasis.as_ref().filter(|a| a.side == side);
            pulled.map_or(0.0, |a| a.lift)
        };
        let lungs = [-1.0, 1.0].map(|side| Lung::new(person, pose, side, lift(side)));
        let full_lungs = [-1.0, 1.0].map(|side| Lung::new(person, pose, side, 0.0));
        Self {
            frame: pose.frame,
            edge: (0.7 * pose.frame.pixel()).max(0.006),
            person,
            findings,
            visibility,
            heart: Heart::new(person, pose, &full_lungs, findings.cardiomegaly),
            mediastinum: Mediastinum::new(person, pose, findings.mediastinum),
            lungs,
            full_lungs,
        }
    }

    /// Depth of air, less where heart and mediastinum take the place.
    fn air(&self, heart: &Field, middle: &Field) -> Field {
        let mut air = Field::of_body(self.frame, |at| self.lung_of(at).air(at, self.edge));
        air.zip(heart, |air, heart| {
            *air *= 1.0 - 0.55 * smoothstep(0.0, 0.45, heart)
        });
        air.zip(middle, |air, middle| {
            *air *= 1.0 - 0.9 * smoothstep(0.0, 0.35, middle)
        });
        air
    }

    /// Thickness of the heart; what dips into the shadow of the diaphragm hardly shows.
    fn visible_heart(&self, at: Point) -> f32 {
        let below = at.y - self.lung_of(at).dome.top;
        self.heart.thickness(at) * (1.0 - smoothstep(-0.01, 0.09, below))
    }

    /// The lung on whose side of the spine a point lies.
    fn lung_of(&self, at: Point) -> &Lung {
        let [right, left] = &self.lungs;
        if left.across(at) > 0.0 { left } else { right }
    }

    fn congestion(&self) -> f32 {
        self.findings
            .edema
            .as_ref()
            .map_or(1.0, |edema| edema.congestion())
    }

    fn mark_silhouettes(&self, lungs: &mut Aeration, heart: &Field) {
        if self.findings.cardiomegaly.is_some() {
            lungs
                .regions
                .mark(Observation::Cardiomegaly, heart, |thickness| {
                    thickness > 0.05
                });
        }
        if self.findings.mediastinum.is_some() {
            let upper = Field::of_body(self.frame, |at| {
                let inside = (-0.02..0.62).contains(&at.y);
                if inside {
                    self.mediastinum.thickness(at)
                } else {
                    0.0
                }
            });
            lungs.regions.mark(
                Observation::EnlargedCardiomediastinum,
                &upper,
                |thickness| thickness > 0.05,
            );
        }
    }

    /// Draws the findings that replace air, and into `added` what they bring besides.
    fn fill(&self, lungs: &mut Aeration, added: &mut Field) {
        let findings = self.findings;
        if let Some(edema) = &findings.edema {
            let opacity = Field::of_body(self.frame, |at| edema.opacity(self.lung_of(at), at));
            // Haze has no rim: its region is where it is more than half as dense as at its densest.
            let peak = opacity.values.iter().copied().fold(0.0, f32::max);
            lungs.fill(Observation::Edema, &opacity, 0.5 * peak);
            for lung in &self.lungs {
                edema.septal_lines(self.frame, lung, added);
            }
        }
        for (observation, patch) in [
            (Observation::Consolidation, &findings.consolidation),
            (Observation::Pneumonia, &findings.pneumonia),
        ] {
            for lung in &self.lungs {
                if let Some(laid) = patch.as_ref().and_then(|patch| patch.within(lung)) {
                    lungs.fill_by(observation, FAINT, |at| {
                        if lung.across(at) > 0.0 {
                            laid.opacity(at)
                        } else {
                            0.0
                        }
                    });
                }
            }
        }
        if let Some(lesions) = &findings.lesions {
            for lung in &self.lungs {
                lungs.fill_by(
                    Observation::LungLesion,
                    FAINT,
                    lesions.opacity(lung, self.frame.pixel()),
                );
            }
        }
        if let Some(atelectasis) = &findings.atelectasis {
            for (lung, full) in self.lungs.iter().zip(&self.full_lungs) {
                let opacity = atelectasis.opacity(self.frame, lung);
                lungs.fill(Observation::Atelectasis, &opacity, FAINT);
                // What the diaphragm was pulled over is lost lung too.
                let lost = Field::of_body(self.frame, |at| {
                    full.air(at, self.edge) - lung.air(at, self.edge)
                });
                lungs
                    .regions
                    .mark(Observation::Atelectasis, &lost, |lost| lost > 0.3);
            }
        }
        if let Some(effusion) = &findings.effusion {
            let fluid = lungs.fill_by(Observation::PleuralEffusion, 0.5, |at| {
                effusion.opacity(self.lung_of(at), at)
            });
            // As dense as the liver below, so that the diaphragm's outline is lost.
            added.zip(&fluid, |added, fluid| *added += 0.06 * fluid);
        }
        if let Some(thickening) = &findings.thickening {
            let rind = lungs.fill_by(Observation::PleuralOther, FAINT, |at| {
                thickening.opacity(self.lung_of(at), at)
            });
            added.zip(&rind, |added, rind| *added += thickening.calcium * rind);
        }
    }

    /// Takes away what the free air of a pneumothorax does not have.
    fn collapse(&self, pneumothorax: &Pneumothorax, field: &mut Field) {
        let pixel = self.frame.pixel();
        let free = Field::of_body(self.frame, |at| {
            pneumothorax.at(self.lung_of(at), at, pixel).free
        });
        let contrast = self.visibility.contrast;
        field.zip(&free, |value, free| {
            *value *= 1.0 - (contrast * free).min(1.0)
        });
    }

    /// Darkens the free air, thickens the collapsed lung, draws its edge.
    fn free_air(&self, pneumothorax: &Pneumothorax, lungs: &mut Aeration, added: &mut Field) {
        let part = |at| pneumothorax.at(self.lung_of(at), at, self.frame.pixel());
        let free = Field::of_body(self.frame, |at| part(at).free);
        lungs.mark(Observation::Pneumothorax, &free, 0.5);
        let change = Field::of_body(self.frame, |at| {
            pneumothorax.aeration(self.lung_of(at), part(at))
        });
        // Written so that a contrast of 1 gives the change itself, to the bit.
        let contrast = self.visibility.contrast;
        lungs.clear.zip(&change, |clear, change| {
            *clear *= 1.0 - contrast * (1.0 - change)
        });
        let mut line = Field::of_body(self.frame, |at| part(at).edge);
        line.zip(&lungs.air, |line, air| {
            *line *= 0.11 * smoothstep(0.0, 0.3, air)
        });
        added.add(&line);
    }

    fn hila(&self) -> Field {
        let congestion = self.congestion();
        let outlines = self
            .lungs
            .each_ref()
            .map(|lung| Ellipse::new(lung.hilum(), 0.045, 0.075, -0.35 * lung.side));
        Field::of_body(self.frame, |at| {
            let thick = |outline: &Ellipse| smoothstep(-0.2, 1.0, outline.at(at));
            0.17 * congestion * outlines.iter().map(thick).sum::<f32>()
        })
    }

    fn aorta(&self) -> Field {
        let mut field = Field::zeros(self.frame);
        let radius = 0.75 * self.person.knob;
        let knots = self.mediastinum.aorta().map(|at| Knot {
            at,
            radius,
            strength: 0.10,
        });
        field.stroke(self.frame, &knots, Profile::Rod);
        field
    }

    /// Distance to the nearest break of a rib.
    fn distance_to_breaks(&self) -> Field {
        let fracture = self.findings.fracture.as_ref();
        let breaks: Vec<Point> = fracture
            .into_iter()
            .flat_map(|fracture| {
                fracture.places().map(|(side, rib, angle)| {
                    let rib = bones::rib_at(self.person, side, rib, angle);
                    rib.plus(point(0.0, 0.5 * fracture.step))
                })
            })
            .collect();
        Field::of_body(self.frame, |at| {
            let distances = breaks.iter().map(|&b| at.minus(b).length());
            distances.fold(f32::MAX, f32::min)
        })
    }
}
