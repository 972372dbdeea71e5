//! The findings of one study: where they lie and how large they are, drawn once and shown in every view.

mod atelectasis;
mod devices;
mod edema;
mod effusion;
mod fracture;
mod lesion;
mod patch;
mod pleura;
mod pneumothorax;

pub(crate) use atelectasis::Atelectasis;
pub(crate) use devices::Devices;
pub(crate) use edema::Edema;
pub(crate) use effusion::Effusion;
pub(crate) use fracture::Fracture;
pub(crate) use lesion::Lesions;
pub(crate) use patch::Patch;
pub(crate) use pleura::Thickening;
pub(crate) use pneumothorax::Pneumothorax;

use super::draws::{Draws, Key, Purpose};
use super::truth::Truth;
use crate::Observation;

/// What to draw. Each finding has its own stream of draws, so leaving one out changes no other.
#[derive(Clone, Debug)]
pub(crate) struct Findings {
    /// Severity of an enlarged heart.
    pub(crate) cardiomegaly: Option<f32>,
    /// Severity of a wide mediastinum.
    pub(crate) mediastinum: Option<f32>,
    pub(crate) lesions: Option<Lesions>,
    pub(crate) edema: Option<Edema>,
    pub(crate) consolidation: Option<Patch>,
    pub(crate) pneumonia: Option<Patch>,
    pub(crate) atelectasis: Option<Atelectasis>,
    pub(crate) pneumothorax: Option<Pneumothorax>,
    pub(crate) effusion: Option<Effusion>,
    pub(crate) thickening: Option<Thickening>,
    pub(crate) fracture: Option<Fracture>,
    pub(crate) devices: Option<Devices>,
}

impl Findings {
    /// What is a matter of size, drawn so many times as large: the heart, the mediastinum, the pull on the diaphragm,
    /// the step of a fracture. Density is the drawing's business.
    pub(crate) fn scaled(&self, factor: f32) -> Self {
        let larger = |severity: f32| (factor * severity).min(1.0);
        let mut scaled = self.clone();
        scaled.cardiomegaly = self.cardiomegaly.map(larger);
        scaled.mediastinum = self.mediastinum.map(larger);
        if let Some(atelectasis) = &mut scaled.atelectasis {
            atelectasis.lift *= factor;
        }
        if let Some(fracture) = &mut scaled.fracture {
            fracture.step *= factor;
        }
        scaled
    }

    pub(crate) fn draw(key: Key, truth: &Truth) -> Self {
        fn shape<T>(
            key: Key,
            truth: &Truth,
            observation: Observation,
            draw: impl FnOnce(f32, &mut Draws) -> T,
        ) -> Option<T> {
            let severity = truth.severity(observation)?;
            let key = Key { view: 0, ..key };
            let index = observation.index() as u8;
            Some(draw(severity, &mut key.draws(Purpose::Finding(index))))
        }
        use Observation as O;
        Self {
            cardiomegaly: truth.severity(O::Cardiomegaly),
            mediastinum: truth.severity(O::EnlargedCardiomediastinum),
            lesions: shape(key, truth, O::LungLesion, Lesions::draw),
            edema: shape(key, truth, O::Edema, Edema::draw),
            consolidation: shape(key, truth, O::Consolidation, Patch::consolidation),
            pneumonia: shape(key, truth, O::Pneumonia, Patch::pneumonia),
            atelectasis: shape(key, truth, O::Atelectasis, Atelectasis::draw),
            pneumothorax: shape(key, truth, O::Pneumothorax, Pneumothorax::draw),
            effusion: shape(key, truth, O::PleuralEffusion, Effusion::draw),
            thickening: shape(key, truth, O::PleuralOther, Thickening::draw),
            fracture: shape(key, truth, O::Fracture, Fracture::draw),
            devices: shape(key, truth, O::SupportDevices, Devices::draw),
        }
    }
}
