//! How hard the findings of a picture are to see.

use std::fmt;
use std::str::FromStr;

use crate::{Error, Result};

/// How well findings show. Patients, truth, labels and the places of the findings are the same at every level.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Difficulty {
    /// Strong findings, little noise, faint ribs and vessels.
    Easy,
    /// What a fair radiograph shows.
    #[default]
    Medium,
    /// Faint findings, much noise, and ribs and vessels that lie over them strongly.
    Hard,
}

/// What a level does to a picture, as factors.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Visibility {
    /// Of the findings' density, and of the size of those that are a matter of size.
    pub(crate) contrast: f32,
    /// Of the noise.
    pub(crate) noise: f32,
    /// Of the ribs, vessels and uneven flesh that overlap with findings.
    pub(crate) overlap: f32,
}

impl Difficulty {
    /// All levels, the easiest first.
    pub const ALL: [Self; 3] = [Self::Easy, Self::Medium, Self::Hard];

    /// `easy`, `medium` or `hard`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Easy => "easy",
            Self::Medium => "medium",
            Self::Hard => "hard",
        }
    }

    /// Chosen by eye: in easy pictures findings are seen at once, in hard ones the mild are found with their mask only.
    #[rustfmt::skip]
    pub(crate) const fn visibility(self) -> Visibility {
        match self {
            Self::Easy   => Visibility { contrast: 1.3, noise: 0.5, overlap: 0.6 },
            Self::Medium => Visibility { contrast: 1.0, noise: 1.0, overlap: 1.0 },
            Self::Hard   => Visibility { contrast: 0.5, noise: 2.5, overlap: 1.5 },
        }
    }
}

impl fmt::Display for Difficulty {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Difficulty {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        Self::ALL
            .into_iter()
            .find(|level| level.name() == name)
            .ok_or_else(|| {
                Error::unknown_name("difficulty", name, Self::ALL.iter().map(|d| d.name()))
            })
    }
}
