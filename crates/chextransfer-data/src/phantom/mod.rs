//! A phantom dataset: radiographs of chests that never were, in CheXpert's layout, for tests, examples and
//! experiments that need no real patient and no licence.
//!
//! [`generate`] writes `train.csv`, `valid.csv`, `test.csv` with CheXpert's header, the 8-bit grey JPEGs that they
//! name, and beside each picture one PNG mask (0 or 255, of the picture's size) for each finding drawn in it, whose
//! path [`mask_path`] gives. [`crate::CheXpert::open`] reads the folder.
//!
//! # What is drawn
//!
//! Each patient has a body of their own (build, lungs, rib cage, heart, vessels) and one to three studies; each study
//! a frontal view, a few a second one, and about 15 % a lateral one. A picture is a sum of attenuations along the
//! rays: body, bones, heart and vessels, less the lungs' air; then come scatter, noise, blur and a tone curve. Findings
//! change the anatomy before that: fluid and consolidation replace air, atelectasis pulls up the diaphragm, a
//! pneumothorax takes the vessels away.
//!
//! [`Difficulty`] sets how well findings show against noise and overlapping anatomy; all else stays the same, so that
//! sets of different levels compare picture by picture.
//!
//! # Labels
//!
//! The truth of a study comes first: which findings, how severe. It is what is drawn. Findings are correlated through
//! illnesses that bring several of them, at rates like CheXpert's with the rare findings raised. Validation and test
//! rows hold the truth; training rows hold what an automatic reader would make of a report, with uncertain and blank
//! cells about as often as in CheXpert. `Lung Opacity` stands for lesion, edema, consolidation, pneumonia and
//! atelectasis together; `No Finding` follows CheXpert's rule: none of the others but `Support Devices`.
//!
//! # Masks
//!
//! A mask is the region in which its finding was drawn: the whole heart for cardiomegaly, the widened upper
//! mediastinum, the fluid, the patch, the free air of a pneumothorax, the surroundings of a fracture, and for the
//! rimless haze of edema where it is at least half as dense as at its densest. Where findings lie over each other,
//! so do their masks. A finding that does not show in a lateral view has no mask there.
//!
//! # Reproducibility
//!
//! All pixels, labels and file names are a pure function of [`PhantomConfig`]: each patient's draws depend on the seed
//! and the patient's number only, never on threads, and the arithmetic uses only operations that IEEE 754 defines
//! exactly, so it gives the same pixels on every platform. The bytes of the files are the same as long as the JPEG and
//! PNG encoders of the `image` crate are.

mod aeration;
mod bones;
mod canvas;
mod difficulty;
mod draws;
mod film;
mod findings;
mod frontal;
mod heart;
mod lateral;
mod math;
mod person;
mod pose;
mod radiograph;
mod report;
mod soft_tissue;
mod study;
#[cfg(test)]
mod tests;
mod texture;
mod thorax;
mod tree;
mod truth;
mod vessels;

use std::path::{Path, PathBuf};
use std::str::FromStr;

use crate::{Error, Observation, Result};
pub use difficulty::Difficulty;

/// What to generate.
#[derive(Clone, Debug, PartialEq)]
pub struct PhantomConfig {
    /// How many patients; there are about 1.7 pictures a patient.
    pub patients: usize,
    /// Where all draws start.
    pub seed: u64,
    /// The pictures' shorter side in pixels, 32 to 4096; CheXpert-small has 320.
    pub side: u32,
    /// How the patients are dealt to the three tables.
    pub splits: SplitFractions,
    /// How well findings show.
    pub difficulty: Difficulty,
}

impl Default for PhantomConfig {
    fn default() -> Self {
        Self {
            patients: 600,
            seed: 0,
            side: 320,
            splits: SplitFractions::default(),
            difficulty: Difficulty::default(),
        }
    }
}

/// Shares of the patients; they add up to 1. No patient is in two splits. A split of share 0 is not written, any
/// other has at least one patient.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SplitFractions {
    /// Share in `train.csv`.
    pub train: f64,
    /// Share in `valid.csv`.
    pub valid: f64,
    /// Share in `test.csv`.
    pub test: f64,
}

impl Default for SplitFractions {
    fn default() -> Self {
        Self {
            train: 0.7,
            valid: 0.1,
            test: 0.2,
        }
    }
}

impl FromStr for SplitFractions {
    type Err = Error;

    /// Reads `train,valid,test`, such as `0.7,0.1,0.2`.
    fn from_str(text: &str) -> Result<Self> {
        let shares: Vec<f64> = text
            .split(',')
            .map_while(|s| s.trim().parse().ok())
            .collect();
        match (shares.as_slice(), text.split(',').count()) {
            (&[train, valid, test], 3) => Ok(Self { train, valid, test }),
            _ => Err(Error::Setting {
                setting: "splits",
                found: format!("{text:?}"),
                expected: "three shares train,valid,test such as 0.7,0.1,0.2".to_owned(),
            }),
        }
    }
}

/// What was generated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Patients over all splits.
    pub patients: usize,
    /// Studies over all patients.
    pub studies: usize,
    /// Pictures over all studies.
    pub images: usize,
    /// Masks over all pictures.
    pub masks: usize,
}

/// Writes a phantom dataset to the folder `out`, which must be empty or not there yet.
///
/// Works on all threads of the current rayon pool. `progress` is called from any of them with the number of patients
/// done and their total. The tree is made in a temporary folder beside `out` and renamed when it is complete.
///
/// # Errors
///
/// [`Error::Setting`] for a setting out of range or an `out` that holds something, [`Error::Io`], [`Error::Table`] or
/// [`Error::Image`] if something cannot be written. On any error `out` is as it was and nothing lies beside it.
///
/// # Example
///
/// ```
/// use chextransfer_data::phantom::{self, PhantomConfig};
/// use chextransfer_data::{CheXpert, Observation, Split};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let folder = tempfile::tempdir()?;
/// # let out = folder.path().join("phantom");
/// let config = PhantomConfig { patients: 6, seed: 1, side: 64, ..PhantomConfig::default() };
/// let summary = phantom::generate(&config, &out, |_done, _total| ())?;
/// assert_eq!(summary.patients, 6);
///
/// let test = CheXpert::open(&out)?.split(Split::Test)?;
/// let image = test.image_path(&test.records()[0]);
/// assert!(image.is_file());
/// println!("{}", phantom::mask_path(&image, Observation::PleuralEffusion).display());
/// # Ok(())
/// # }
/// ```
pub fn generate(
    config: &PhantomConfig,
    out: &Path,
    progress: impl Fn(usize, usize) + Sync,
) -> Result<Summary> {
    tree::write(config, out, &progress)
}

/// Where the mask of a finding lies: `view1_frontal.pleural_effusion.mask.png` beside `view1_frontal.jpg`.
///
/// The file is there exactly if the finding was drawn in that picture.
pub fn mask_path(image: &Path, observation: Observation) -> PathBuf {
    let stem = image.file_stem().unwrap_or_default().to_string_lossy();
    let finding = observation.name().to_lowercase().replace(' ', "_");
    image.with_file_name(format!("{stem}.{finding}.mask.png"))
}

impl PhantomConfig {
    /// Patients in train, valid and test.
    fn check(&self) -> Result<[usize; 3]> {
        let wrong = |setting, found: String, expected: &str| Error::Setting {
            setting,
            found,
            expected: expected.to_owned(),
        };
        if !(32..=4096).contains(&self.side) {
            return Err(wrong("side", self.side.to_string(), "32 to 4096 pixels"));
        }
        let SplitFractions { train, valid, test } = self.splits;
        let fractions = [train, valid, test];
        let sum: f64 = fractions.iter().sum();
        if !fractions.iter().all(|f| (0.0..=1.0).contains(f)) || (sum - 1.0).abs() > 1e-6 {
            return Err(wrong(
                "splits",
                format!("{train} + {valid} + {test}"),
                "three shares from 0 to 1 that add up to 1",
            ));
        }
        let asked = fractions.iter().filter(|f| **f > 0.0).count();
        if self.patients < asked {
            return Err(wrong(
                "patients",
                self.patients.to_string(),
                &format!("at least {asked}, one for each split"),
            ));
        }
        Ok(self.counts(fractions))
    }

    /// Rounds, but leaves no split that was asked for without a patient.
    fn counts(&self, fractions: [f64; 3]) -> [usize; 3] {
        let mut counts = fractions.map(|fraction| {
            let share = (fraction * self.patients as f64).round() as usize;
            share.max(usize::from(fraction > 0.0))
        });
        // What rounding brought too much or too little, the largest split bears.
        loop {
            let total: usize = counts.iter().sum();
            let Some(largest) = counts.iter_mut().max() else {
                return counts;
            };
            match total.cmp(&self.patients) {
                std::cmp::Ordering::Less => *largest += self.patients - total,
                std::cmp::Ordering::Greater => *largest -= 1,
                std::cmp::Ordering::Equal => return counts,
            }
        }
    }
}
