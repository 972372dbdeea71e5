//! Other datasets' tables, read into the same records.
//!
//! **What enters:** the tables of NIH ChestX-ray14, of MIMIC-CXR-JPG, or a plain `path,label...` CSV. **What leaves:**
//! [`Records`] a split, and [`Note`]s on everything that has no place in CheXpert's columns. Written with
//! [`crate::split::write_tables`] they train through the same door, [`CheXpert::open_with_images`].
//!
//! A source that knows nothing of an observation leaves its cells blank. Blank is negative by default, so take the
//! [`Converted::labelled`] observations as targets.

mod images;
mod label_map;
mod mimic;
mod nih;
mod plain;

use std::fmt;
use std::path::Path;
use std::str::FromStr;

pub use label_map::LabelMap;

use crate::{CheXpert, Error, Label, Observation, Records, Result, Split};

/// Where tables come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Source {
    /// A folder in CheXpert's layout.
    CheXpert,
    /// NIH ChestX-ray14 (Wang et al., CVPR 2017): `Data_Entry_2017*.csv`, `train_val_list.txt` and `test_list.txt`.
    Nih,
    /// MIMIC-CXR-JPG (Johnson et al., 2019) with the labels of CheXpert's labeller: `mimic-cxr-*-chexpert.csv`,
    /// `-split.csv` and `-metadata.csv`.
    Mimic,
    /// The same with NegBio's labels, `mimic-cxr-*-negbio.csv`.
    MimicNegbio,
    /// One CSV with `path`, label columns, and perhaps `patient`, `study`, `sex`, `age`, `view`, `projection`, `split`.
    Plain,
}

/// A dataset's splits as records.
#[derive(Clone, Debug)]
pub struct Converted {
    /// The splits that the source names; all rows are training rows where it names none.
    pub splits: Vec<(Split, Records)>,
    /// What has no place in the records.
    pub notes: Vec<Note>,
}

/// Something that a source says and the records cannot, or the other way round.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Note {
    /// A label that no observation stands for.
    Unmapped {
        /// The source's name of it.
        label: String,
        /// How many rows have it.
        rows: usize,
    },
    /// An observation of which the source says nothing.
    Unlabelled {
        /// The observation.
        observation: Observation,
    },
    /// Rows left out because the source has no labels for their study.
    WithoutLabels {
        /// How many.
        rows: usize,
        /// The first one's image.
        first: String,
    },
    /// Rows kept whose image was not found.
    WithoutImage {
        /// How many.
        rows: usize,
        /// The first one's image.
        first: String,
    },
    /// Names in the source's lists of splits that its table lacks.
    NotInTable {
        /// How many.
        names: usize,
        /// The first one.
        first: String,
    },
}

impl Source {
    /// All sources.
    pub const ALL: [Self; 5] = [
        Self::CheXpert,
        Self::Nih,
        Self::Mimic,
        Self::MimicNegbio,
        Self::Plain,
    ];

    /// The name on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::CheXpert => "chexpert",
            Self::Nih => "nih",
            Self::Mimic => "mimic",
            Self::MimicNegbio => "mimic-negbio",
            Self::Plain => "plain",
        }
    }

    /// What the source's labels are called here.
    pub fn label_map(self) -> LabelMap {
        match self {
            Self::Nih => LabelMap::nih(),
            Self::CheXpert | Self::Mimic | Self::MimicNegbio | Self::Plain => LabelMap::chexpert(),
        }
    }

    /// Reads the source's tables; `tables` is their folder (of [`Source::Plain`] the file), `images` the folder below
    /// which the images lie.
    ///
    /// # Errors
    ///
    /// What is wrong in the tables; a label that the map does not know is [`Error::UnknownName`].
    pub fn read(self, tables: &Path, images: &Path) -> Result<Converted> {
        self.read_with(tables, images, &self.label_map())
    }

    /// As [`Source::read`] with a map of one's own; [`Source::CheXpert`] needs none and ignores it.
    ///
    /// # Errors
    ///
    /// As [`Source::read`].
    pub fn read_with(self, tables: &Path, images: &Path, map: &LabelMap) -> Result<Converted> {
        match self {
            Self::CheXpert => chexpert(tables, images),
            Self::Nih => nih::read(tables, images, map),
            Self::Mimic => mimic::read(tables, images, "chexpert", map),
            Self::MimicNegbio => mimic::read(tables, images, "negbio", map),
            Self::Plain => plain::read(tables, images, map),
        }
    }
}

impl Converted {
    /// All rows of all splits.
    ///
    /// # Errors
    ///
    /// [`Error::Setting`] if there is no split.
    pub fn all(&self) -> Result<Records> {
        Records::concat(self.splits.iter().map(|(_, records)| records))
    }

    /// The observations of which the source says something.
    pub fn labelled(&self) -> Vec<Observation> {
        let silent = |observation: Observation| {
            let note = Note::Unlabelled { observation };
            self.notes.contains(&note)
        };
        Observation::ALL
            .into_iter()
            .filter(|&observation| !silent(observation))
            .collect()
    }
}

fn chexpert(tables: &Path, images: &Path) -> Result<Converted> {
    let dataset = CheXpert::open_with_images(tables, images)?;
    let read = |&split: &Split| Ok((split, dataset.split(split)?));
    let splits: Vec<_> = dataset.splits().iter().map(read).collect::<Result<_>>()?;
    let said = |observation: Observation| {
        let mut rows = splits.iter().flat_map(|(_, records)| records.records());
        rows.any(|record| record.label(observation) != Label::Blank)
    };
    let notes = label_map::unlabelled(said).collect();
    Ok(Converted { splits, notes })
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Source {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        Self::ALL
            .into_iter()
            .find(|source| source.name() == name)
            .ok_or_else(|| Error::unknown_name("source", name, Self::ALL.iter().map(|s| s.name())))
    }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unmapped { label, rows } => {
                write!(
                    f,
                    "no observation stands for {label:?}, which {rows} rows have"
                )
            }
            Self::Unlabelled { observation } => {
                write!(
                    f,
                    "there are no labels for {observation}; its cells are blank"
                )
            }
            Self::WithoutLabels { rows, first } => {
                write!(
                    f,
                    "{rows} rows are left out, since their study has no labels; the first is {first}"
                )
            }
            Self::WithoutImage { rows, first } => {
                write!(
                    f,
                    "the images of {rows} rows were not found; the first is {first}"
                )
            }
            Self::NotInTable { names, first } => {
                write!(
                    f,
                    "{names} names in the lists of splits have no row; the first is {first}"
                )
            }
        }
    }
}
