//! One row of a split's CSV, typed.

use std::fmt;

use crate::{Label, Observation};

/// One radiograph: a row of the CSV.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// The `Path` cell as the CSV has it; [`crate::Records::image_path`] gives the file.
    pub path: String,
    /// The patient, such as `patient00001`.
    pub patient: String,
    /// The study, such as `patient00001/study1`: all views of one examination.
    pub study: String,
    /// Frontal or lateral.
    pub view: View,
    /// The `AP/PA` cell as it is: `AP`, `PA`, and rarely `LL` or `RL`. Laterals usually have none.
    pub projection: Option<String>,
    /// The patient's sex.
    pub sex: Sex,
    /// The patient's age in years; CheXpert caps it at 90.
    pub age: u16,
    /// The labels in the order of [`Observation::ALL`].
    pub labels: [Label; Observation::COUNT],
    /// The row's line in the CSV, counted from 1 (the header is usually line 1).
    pub line: u64,
}

impl Record {
    /// The label of one observation.
    pub fn label(&self, observation: Observation) -> Label {
        self.labels[observation.index()]
    }
}

/// The `Frontal/Lateral` cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum View {
    /// From the front or the back.
    Frontal,
    /// From the side.
    Lateral,
}

impl View {
    /// The cell's text.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Frontal => "Frontal",
            Self::Lateral => "Lateral",
        }
    }

    pub(crate) fn from_csv(cell: &str) -> Option<Self> {
        [Self::Frontal, Self::Lateral]
            .into_iter()
            .find(|view| view.name() == cell)
    }
}

impl fmt::Display for View {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// The `Sex` cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Sex {
    /// `Male`.
    Male,
    /// `Female`.
    Female,
    /// `Unknown`, which CheXpert's training set has once.
    Unknown,
}

impl Sex {
    /// The cell's text.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Male => "Male",
            Self::Female => "Female",
            Self::Unknown => "Unknown",
        }
    }

    pub(crate) fn from_csv(cell: &str) -> Option<Self> {
        [Self::Male, Self::Female, Self::Unknown]
            .into_iter()
            .find(|sex| sex.name() == cell)
    }
}

impl fmt::Display for Sex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}
