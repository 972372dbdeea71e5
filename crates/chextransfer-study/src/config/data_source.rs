//! Where a study's radiographs come from.

use std::path::{Path, PathBuf};

use chextransfer_data::phantom::{Difficulty, PhantomConfig, SplitFractions};
use serde::{Deserialize, Serialize};

/// A dataset that is there, or one that the study makes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum DataSource {
    /// A folder in CheXpert's layout with a training, a validation and a test split.
    Folder(PathBuf),
    /// Radiographs of chests that never were.
    Phantom(PhantomSettings),
}

/// What phantoms are made; what is left out is the generator's own default.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PhantomSettings {
    /// How many patients; there are about 1.7 pictures a patient.
    pub patients: usize,
    /// Where all draws start.
    pub seed: u64,
    /// The pictures' shorter side in pixels.
    pub side: u32,
    /// `easy`, `medium` or `hard`: how well findings show.
    #[serde(with = "as_text")]
    pub difficulty: Difficulty,
    /// Shares of the patients in train, valid and test, which add up to 1.
    pub splits: [f64; 3],
}

impl Default for PhantomSettings {
    fn default() -> Self {
        let PhantomConfig {
            patients,
            seed,
            side,
            splits: SplitFractions { train, valid, test },
            difficulty,
        } = PhantomConfig::default();
        Self {
            patients,
            seed,
            side,
            difficulty,
            splits: [train, valid, test],
        }
    }
}

impl PhantomSettings {
    /// What the generator is asked for.
    pub fn config(&self) -> PhantomConfig {
        let [train, valid, test] = self.splits;
        PhantomConfig {
            patients: self.patients,
            seed: self.seed,
            side: self.side,
            splits: SplitFractions { train, valid, test },
            difficulty: self.difficulty,
        }
    }

    /// The name of its folder, which says everything that makes the pictures: other settings are another folder.
    pub(crate) fn folder_name(&self) -> String {
        let Self {
            patients,
            seed,
            side,
            difficulty,
            splits: [train, valid, test],
        } = self;
        format!("phantom-{patients}x{side}-{difficulty}-s{seed}-{train}-{valid}-{test}")
    }
}

impl DataSource {
    /// Its folder, of a study in `study`.
    pub(crate) fn folder(&self, study: &Path) -> PathBuf {
        match self {
            Self::Folder(folder) => study.join(folder),
            Self::Phantom(phantom) => study.join("data").join(phantom.folder_name()),
        }
    }
}

/// A value by the name that it prints.
mod as_text {
    use std::fmt::Display;
    use std::str::FromStr;

    use serde::{Deserialize, Deserializer, Serializer, de};

    pub(super) fn serialize<S: Serializer>(
        value: &impl Display,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_str(value)
    }

    pub(super) fn deserialize<'de, T, D>(deserializer: D) -> Result<T, D::Error>
    where
        T: FromStr<Err: Display>,
        D: Deserializer<'de>,
    {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}
