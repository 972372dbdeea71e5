//! From a study's truth to the labels that a table gives: complete for validation and test, and for training as an
//! automatic reader of reports leaves them, with uncertain and blank cells.

use super::draws::Draws;
use super::truth::{Truth, is_pathology};
use crate::{Label, Observation};

/// Counts of CheXpert's training labels, in thousands: positive, uncertain, negative, blank (Irvin et al., AAAI 2019).
#[rustfmt::skip]
pub(crate) const CHEXPERT: [(Observation, [f32; 4]); 13] = [
    (Observation::EnlargedCardiomediastinum, [ 10.798, 12.403, 21.638, 178.575]),
    (Observation::Cardiomegaly,              [ 27.000,  8.087, 11.116, 177.211]),
    (Observation::LungOpacity,               [105.581,  5.598,  6.599, 105.636]),
    (Observation::LungLesion,                [  9.186,  1.488,  1.270, 211.470]),
    (Observation::Edema,                     [ 52.246, 12.984, 20.726, 137.458]),
    (Observation::Consolidation,             [ 14.783, 27.742, 28.097, 152.792]),
    (Observation::Pneumonia,                 [  6.039, 18.770,  2.799, 195.806]),
    (Observation::Atelectasis,               [ 33.376, 33.739,  1.328, 154.971]),
    (Observation::Pneumothorax,              [ 19.448,  3.145, 56.341, 144.480]),
    (Observation::PleuralEffusion,           [ 86.187, 11.628, 35.396,  90.203]),
    (Observation::PleuralOther,              [  3.523,  2.653,  0.316, 216.922]),
    (Observation::Fracture,                  [  9.040,  0.642,  2.512, 211.220]),
    (Observation::SupportDevices,            [116.001,  1.079,  6.137, 100.197]),
];

/// Share of the present findings that a report does not mention.
const UNMENTIONED: f32 = 0.03;
/// Present findings are called uncertain at most this often, so that enough stay positive.
const MOST_DOUBT: f32 = 0.35;
/// Reports of healthy patients hedge this much less than others.
const HEALTHY_DOUBT: f32 = 0.25;

/// Complete labels: 1 or 0, for validation and test.
pub(crate) fn complete(truth: &Truth) -> [Label; Observation::COUNT] {
    Observation::ALL.map(|observation| {
        if truth.has(observation) {
            Label::Positive
        } else {
            Label::Negative
        }
    })
}

/// Labels as mined from a report, for training.
///
/// The mild are doubted more often than the severe. As in CheXpert, `No Finding` is 1 or blank, and 1 exactly where
/// no pathology is positive or uncertain.
pub(crate) fn mined(truth: &Truth, draws: &mut Draws) -> [Label; Observation::COUNT] {
    let healthy = truth.has(Observation::NoFinding);
    let mut labels = [Label::Blank; Observation::COUNT];
    for (observation, [positive, uncertain, negative, blank]) in CHEXPERT {
        let all = positive + uncertain + negative + blank;
        // CheXpert's uncertain cells, halved between present and absent findings.
        let share = uncertain / all;
        let present = (positive + 0.5 * uncertain) / all;
        let (mention, doubt) = (draws.unit(), draws.unit());
        let label = match truth.severity(observation) {
            Some(severity) => {
                let rate = (0.5 * share / present).min(MOST_DOUBT);
                // The mean severity is near 0.56.
                if doubt < rate * (1.56 - severity) {
                    Label::Uncertain
                } else if mention < UNMENTIONED {
                    Label::Blank
                } else {
                    Label::Positive
                }
            }
            None => {
                let rate =
                    0.5 * share / (1.0 - present) * if healthy { HEALTHY_DOUBT } else { 1.0 };
                if doubt < rate {
                    Label::Uncertain
                } else if mention < negative / (negative + blank) {
                    Label::Negative
                } else {
                    Label::Blank
                }
            }
        };
        set(&mut labels, observation, label);
    }
    let noted = |labels: &[Label]| {
        Observation::ALL.into_iter().zip(labels).any(|(o, label)| {
            is_pathology(o) && matches!(label, Label::Positive | Label::Uncertain)
        })
    };
    // A report of a sick patient mentions something.
    if !healthy && !noted(&labels) {
        let first = Observation::ALL
            .into_iter()
            .find(|&o| is_pathology(o) && truth.has(o));
        if let Some(observation) = first {
            set(&mut labels, observation, Label::Positive);
        }
    }
    let none = if noted(&labels) {
        Label::Blank
    } else {
        Label::Positive
    };
    set(&mut labels, Observation::NoFinding, none);
    labels
}

fn set(labels: &mut [Label; Observation::COUNT], observation: Observation, label: Label) {
    if let Some(place) = labels.get_mut(observation.index()) {
        *place = label;
    }
}
