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
    /// The study, such as `patient00001/study1`: all views of one examination. No two patients share a study.
    pub study: String,
    /// Frontal or lateral; `None` if neither the table nor the file's name says.
    pub view: Option<View>,
    /// The `AP/PA` cell as it is: `AP`, `PA`, and rarely `LL` or `RL`. Laterals usually have none.
    pub projection: Option<String>,
    /// The patient's sex.
    pub sex: Sex,
    /// The patient's age in years, where the table says; CheXpert caps it at 90.
    pub age: Option<u16>,
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
    /// Both views.
    pub const ALL: [Self; 2] = [Self::Frontal, Self::Lateral];

    /// The cell's text.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Frontal => "Frontal",
            Self::Lateral => "Lateral",
        }
    }

    pub(crate) fn from_csv(cell: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|view| view.name() == cell)
    }

    /// The view that a file name such as `view2_lateral.jpg` states.
    pub(crate) fn from_file_name(path: &str) -> Option<Self> {
        let name = path.rsplit('/').next()?;
        let stem = name.split_once('.').map_or(name, |(stem, _)| stem);
        let (number, view) = stem.strip_prefix("view")?.split_once('_')?;
        let numbered = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
        match view {
            "frontal" if numbered => Some(Self::Frontal),
            "lateral" if numbered => Some(Self::Lateral),
            _ => None,
        }
    }
}

impl fmt::Display for View {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// The `Sex` cell; `Unknown` also where the table does not say.
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
    /// All three.
    pub const ALL: [Self; 3] = [Self::Male, Self::Female, Self::Unknown];

    /// The cell's text.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Male => "Male",
            Self::Female => "Female",
            Self::Unknown => "Unknown",
        }
    }

    pub(crate) fn from_csv(cell: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|sex| sex.name() == cell)
    }
}

impl fmt::Display for Sex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_view_is_read_from_a_file_name_that_states_it() {
        for (path, view) in [
            ("a/view1_frontal.jpg", Some(View::Frontal)),
            ("view12_lateral.dcm", Some(View::Lateral)),
            ("view_frontal.jpg", None),
            ("view1_oblique.jpg", None),
            ("review1_frontal.jpg", None),
            ("view1_frontal.jpg/00000001_000.png", None),
        ] {
            assert_eq!(View::from_file_name(path), view, "{path}");
        }
    }
}
