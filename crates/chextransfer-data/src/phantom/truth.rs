//! Which findings a study has: the latent truth behind its labels and its pictures.

use super::draws::{Draws, Key, Purpose};
use crate::Observation;

/// The severity of each finding, in (0, 1], by [`Observation::index`]; `None` where there is none.
///
/// `No Finding` and `Lung Opacity` follow from the others.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Truth([Option<f32>; Observation::COUNT]);

/// The observations that are opacities of the lung.
pub(crate) const OPACITIES: [Observation; 5] = [
    Observation::LungLesion,
    Observation::Edema,
    Observation::Consolidation,
    Observation::Pneumonia,
    Observation::Atelectasis,
];

/// What ails a patient; several at a time. Findings are drawn given these, which is what correlates them.
#[derive(Clone, Copy, Debug, Default)]
struct Illness {
    heart_failure: bool,
    infection: bool,
    intensive_care: bool,
    injury: bool,
    tumour: bool,
}

/// Probability of each finding: for a patient without any of the illnesses, and what each illness adds.
/// The sums were set so that about 1,000 studies have CheXpert-like shares of positives, with the rare ones
/// (lesion, pneumothorax, pleural other, fracture) raised so that small sets have some of each.
#[rustfmt::skip]
const ODDS: [(Observation, f32, [f32; 5]); 11] = [
    //                                                  base   failure infection intensive injury tumour
    (Observation::EnlargedCardiomediastinum,            0.045, [0.04,  0.00,     0.03,     0.10,  0.10]),
    (Observation::Cardiomegaly,                         0.05,  [0.42,  0.00,     0.03,     0.00,  0.00]),
    (Observation::LungLesion,                           0.02,  [0.00,  0.00,     0.00,     0.00,  0.55]),
    (Observation::Edema,                                0.04,  [0.58,  0.02,     0.10,     0.00,  0.00]),
    (Observation::Consolidation,                        0.02,  [0.00,  0.30,     0.06,     0.05,  0.03]),
    (Observation::Pneumonia,                            0.015, [0.00,  0.28,     0.02,     0.00,  0.00]),
    (Observation::Atelectasis,                          0.12,  [0.05,  0.06,     0.24,     0.08,  0.05]),
    (Observation::Pneumothorax,                         0.03,  [0.00,  0.00,     0.08,     0.25,  0.02]),
    (Observation::PleuralEffusion,                      0.20,  [0.45,  0.16,     0.20,     0.10,  0.22]),
    (Observation::PleuralOther,                         0.04,  [0.00,  0.03,     0.02,     0.05,  0.06]),
    (Observation::Fracture,                             0.02,  [0.00,  0.00,     0.02,     0.40,  0.03]),
];

/// Share of the patients who have neither illness nor findings.
const HEALTHY: f32 = 0.06;

impl Truth {
    /// Draws the truth of one study. Chronic findings stay with the patient from study to study.
    pub(crate) fn draw(key: Key) -> Self {
        let patient = Key {
            study: 0,
            view: 0,
            ..key
        };
        let study = Key { view: 0, ..key };
        let chronic = &mut patient.draws(Purpose::Truth);
        let acute = &mut study.draws(Purpose::Truth);
        let healthy = chronic.chance(HEALTHY);
        let lasting = Illness {
            heart_failure: !healthy & chronic.chance(0.38),
            tumour: !healthy & chronic.chance(0.09),
            ..Illness::default()
        };
        let illness = Illness {
            infection: !healthy & acute.chance(0.35),
            intensive_care: !healthy & acute.chance(0.50),
            injury: !healthy & acute.chance(0.10),
            ..lasting
        };
        let mut severity = [None; Observation::COUNT];
        for (observation, base, added) in ODDS {
            let (draws, illness) = if Self::is_chronic(observation) {
                (&mut *chronic, &lasting)
            } else {
                (&mut *acute, &illness)
            };
            let risk = if healthy {
                0.0
            } else {
                illness.risk(base, added)
            };
            let (present, degree) = (draws.chance(risk), degree(draws));
            if let Some(place) = severity.get_mut(observation.index()) {
                *place = present.then_some(degree);
            }
        }
        let device = illness.device_risk(healthy);
        let (present, degree) = (acute.chance(device), degree(acute));
        let mut truth = Self(severity);
        truth.set(Observation::SupportDevices, present.then_some(degree));
        truth.derive();
        truth
    }

    fn is_chronic(observation: Observation) -> bool {
        matches!(
            observation,
            Observation::Cardiomegaly | Observation::LungLesion | Observation::PleuralOther
        )
    }

    pub(crate) fn severity(&self, observation: Observation) -> Option<f32> {
        self.0.get(observation.index()).copied().flatten()
    }

    pub(crate) fn has(&self, observation: Observation) -> bool {
        self.severity(observation).is_some()
    }

    fn set(&mut self, observation: Observation, severity: Option<f32>) {
        if let Some(place) = self.0.get_mut(observation.index()) {
            *place = severity;
        }
    }

    /// The same truth without one finding.
    #[cfg(test)]
    pub(crate) fn without(&self, observation: Observation) -> Self {
        let mut truth = self.clone();
        truth.set(observation, None);
        truth.derive();
        truth
    }

    /// A truth with only these findings.
    #[cfg(test)]
    pub(crate) fn of(findings: &[(Observation, f32)]) -> Self {
        let mut truth = Self([None; Observation::COUNT]);
        for &(observation, severity) in findings {
            truth.set(observation, Some(severity));
        }
        truth.derive();
        truth
    }

    /// Sets the two observations that follow from the others: `Lung Opacity`, and CheXpert's rule that
    /// `No Finding` means none of the others but `Support Devices`.
    fn derive(&mut self) {
        let opacity = OPACITIES
            .iter()
            .filter_map(|&observation| self.severity(observation))
            .fold(None, |worst: Option<f32>, s| {
                Some(worst.map_or(s, |w| w.max(s)))
            });
        self.set(Observation::LungOpacity, opacity);
        let pathology = Observation::ALL
            .into_iter()
            .any(|o| is_pathology(o) && self.has(o));
        self.set(Observation::NoFinding, (!pathology).then_some(1.0));
    }
}

/// Whether an observation excludes `No Finding`.
pub(crate) fn is_pathology(observation: Observation) -> bool {
    !matches!(
        observation,
        Observation::NoFinding | Observation::SupportDevices
    )
}

impl Illness {
    fn risk(&self, base: f32, added: [f32; 5]) -> f32 {
        let ills = [
            self.heart_failure,
            self.infection,
            self.intensive_care,
            self.injury,
            self.tumour,
        ];
        // Each cause acts by itself: the finding stays away only if every one fails to bring it.
        let away: f32 = ills
            .into_iter()
            .zip(added)
            .filter(|(ill, _)| *ill)
            .map(|(_, p)| 1.0 - p)
            .product();
        1.0 - (1.0 - base) * away
    }

    fn device_risk(&self, healthy: bool) -> f32 {
        if healthy {
            0.08
        } else if self.intensive_care {
            0.85
        } else if self.heart_failure {
            0.40
        } else {
            0.22
        }
    }
}

/// Severity: few are hardly visible, most are moderate.
fn degree(draws: &mut Draws) -> f32 {
    0.12 + 0.88 * 0.5 * (draws.unit() + draws.unit())
}
