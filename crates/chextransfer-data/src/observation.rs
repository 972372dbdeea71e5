//! CheXpert's 14 observations.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// One of CheXpert's 14 labels, in the order of its CSV columns (Irvin et al., AAAI 2019).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "&'static str", try_from = "String")]
pub enum Observation {
    /// No pathology; support devices are allowed.
    NoFinding,
    /// A mediastinum wider than normal.
    EnlargedCardiomediastinum,
    /// An enlarged heart.
    Cardiomegaly,
    /// Any opacity of the lung.
    LungOpacity,
    /// A nodule or mass.
    LungLesion,
    /// Fluid in the lung.
    Edema,
    /// Airspace filled with something other than air.
    Consolidation,
    /// Infection of the lung.
    Pneumonia,
    /// Collapsed lung tissue.
    Atelectasis,
    /// Air between lung and chest wall.
    Pneumothorax,
    /// Fluid between lung and chest wall.
    PleuralEffusion,
    /// Any other pleural abnormality.
    PleuralOther,
    /// A fracture of a bone.
    Fracture,
    /// Lines, tubes, pacemakers and the like.
    SupportDevices,
}

impl Observation {
    /// How many observations there are.
    pub const COUNT: usize = 14;

    /// All observations in the order of the CSV columns.
    pub const ALL: [Self; Self::COUNT] = [
        Self::NoFinding,
        Self::EnlargedCardiomediastinum,
        Self::Cardiomegaly,
        Self::LungOpacity,
        Self::LungLesion,
        Self::Edema,
        Self::Consolidation,
        Self::Pneumonia,
        Self::Atelectasis,
        Self::Pneumothorax,
        Self::PleuralEffusion,
        Self::PleuralOther,
        Self::Fracture,
        Self::SupportDevices,
    ];

    /// The six whose mean AUROC is the paper's CheXpert AUC.
    pub const CHEXPERT_AUC: [Self; 6] = [
        Self::Atelectasis,
        Self::Cardiomegaly,
        Self::Consolidation,
        Self::Edema,
        Self::PleuralEffusion,
        Self::NoFinding,
    ];

    /// The name of the CSV column.
    pub const fn name(self) -> &'static str {
        match self {
            Self::NoFinding => "No Finding",
            Self::EnlargedCardiomediastinum => "Enlarged Cardiomediastinum",
            Self::Cardiomegaly => "Cardiomegaly",
            Self::LungOpacity => "Lung Opacity",
            Self::LungLesion => "Lung Lesion",
            Self::Edema => "Edema",
            Self::Consolidation => "Consolidation",
            Self::Pneumonia => "Pneumonia",
            Self::Atelectasis => "Atelectasis",
            Self::Pneumothorax => "Pneumothorax",
            Self::PleuralEffusion => "Pleural Effusion",
            Self::PleuralOther => "Pleural Other",
            Self::Fracture => "Fracture",
            Self::SupportDevices => "Support Devices",
        }
    }

    /// The observation of a CSV column: its [`name`](Self::name), or `Airspace Opacity`, as CheXpert's labeller and some of
    /// its tables call Lung Opacity.
    pub fn from_column(name: &str) -> Option<Self> {
        if name == "Airspace Opacity" {
            return Some(Self::LungOpacity);
        }
        Self::ALL
            .into_iter()
            .find(|observation| observation.name() == name)
    }

    /// The place among the 14, 0 to 13: the column of a logit, a target, a probability.
    pub const fn index(self) -> usize {
        self as usize
    }
}

impl fmt::Display for Observation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Observation {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        Self::from_column(name).ok_or_else(|| {
            Error::unknown_name("observation", name, Self::ALL.iter().map(|o| o.name()))
        })
    }
}

impl From<Observation> for &'static str {
    fn from(observation: Observation) -> Self {
        observation.name()
    }
}

impl TryFrom<String> for Observation {
    type Error = Error;

    fn try_from(name: String) -> Result<Self> {
        name.parse()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn every_observation_sits_at_its_index_and_parses_from_its_name() {
        for (place, observation) in Observation::ALL.into_iter().enumerate() {
            assert_eq!(observation.index(), place);
            assert_eq!(
                observation.name().parse::<Observation>().unwrap(),
                observation
            );
        }
    }

    #[test]
    fn airspace_opacity_is_another_name_of_lung_opacity() {
        assert_eq!(
            "Airspace Opacity".parse::<Observation>().unwrap(),
            Observation::LungOpacity
        );
    }

    #[test]
    fn an_unknown_observation_is_an_error_that_lists_the_names() {
        let message = "Effusion".parse::<Observation>().unwrap_err().to_string();
        assert!(message.contains("\"Effusion\""), "{message}");
        assert!(
            message.contains("Pleural Effusion, Pleural Other"),
            "{message}"
        );
    }
}
