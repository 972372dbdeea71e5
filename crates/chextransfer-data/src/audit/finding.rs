//! What an audit can find, as a table of kinds.

use std::fmt;

use serde::{Serialize, Serializer};

use crate::Split;

/// How much a finding matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Results from this dataset are wrong, or part of it cannot be used.
    Error,
    /// Probably a fault: look at it.
    Warning,
    /// Unusual, though it may be right.
    Note,
}

impl Severity {
    /// All severities, the gravest first.
    pub const ALL: [Self; 3] = [Self::Error, Self::Warning, Self::Note];

    /// `error`, `warning` or `note`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Note => "note",
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// What is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FindingKind {
    /// A split's CSV cannot be read as a whole.
    UnreadableTable,
    /// A row of a CSV cannot be read.
    BadRow,
    /// A path leaves the dataset's folder.
    PathOutside,
    /// A patient is in more than one split.
    PatientOverlap,
    /// An image file is not there.
    MissingFile,
    /// An image file ends early.
    TruncatedFile,
    /// An image file cannot be decoded for another reason.
    UnreadableFile,
    /// All pixels of an image have one value.
    ConstantImage,
    /// Files of the same bytes in different splits.
    DuplicateAcrossSplits,
    /// An image is listed by more than one row.
    DuplicateRow,
    /// `No Finding` is positive, and so is a pathology.
    Contradiction,
    /// An image has fewer than [`super::MIN_SIDE`] pixels on a side.
    TinyImage,
    /// The samples use at most a quarter of their range, such as 12 bits stored in 16.
    UnusedDepth,
    /// Air is bright and bone is dark, as in a MONOCHROME1 image that was not inverted.
    InvertedImage,
    /// Files of the same bytes in one split.
    Duplicate,
    /// Nearly the same picture in different splits.
    NearDuplicateAcrossSplits,
    /// An observation has no positive label in a split.
    NoPositives,
    /// An observation has neither a negative nor a blank label in a split.
    NoNegatives,
    /// Nearly the same picture twice in one split.
    NearDuplicate,
    /// `AP/PA` holds something else, such as LL or RL.
    OddProjection,
    /// The patient's sex is unknown.
    UnknownSex,
    /// The patient's age is 0 or above 90.
    OddAge,
    /// A row has no label at all.
    AllBlank,
}

/// The kinds in the order of a report, with severity and heading.
#[rustfmt::skip]
const KINDS: [(FindingKind, Severity, &str); 23] = {
    use {FindingKind as K, Severity::{Error, Note, Warning}};
    [
        (K::UnreadableTable,           Error,   "tables that cannot be read"),
        (K::BadRow,                    Error,   "rows that cannot be read"),
        (K::PathOutside,               Error,   "paths that leave the folder"),
        (K::PatientOverlap,            Error,   "patients in more than one split"),
        (K::MissingFile,               Error,   "missing files"),
        (K::TruncatedFile,             Error,   "truncated files"),
        (K::UnreadableFile,            Error,   "files that cannot be decoded"),
        (K::ConstantImage,             Error,   "images of one value"),
        (K::DuplicateAcrossSplits,     Error,   "identical files in different splits"),
        (K::DuplicateRow,              Warning, "images listed by more than one row"),
        (K::Contradiction,             Warning, "No Finding with a finding"),
        (K::TinyImage,                 Warning, "images too small for a radiograph"),
        (K::UnusedDepth,               Warning, "images whose samples use little of their range"),
        (K::InvertedImage,             Warning, "images that are probably inverted"),
        (K::Duplicate,                 Warning, "identical files in one split"),
        (K::NearDuplicateAcrossSplits, Warning, "nearly identical images in different splits"),
        (K::NoPositives,               Warning, "observations without a positive label in a split"),
        (K::NoNegatives,               Warning, "observations without a negative label in a split"),
        (K::NearDuplicate,             Note,    "nearly identical images in one split"),
        (K::OddProjection,             Note,    "projections other than AP and PA"),
        (K::UnknownSex,                Note,    "unknown sex"),
        (K::OddAge,                    Note,    "ages of 0 or above 90"),
        (K::AllBlank,                  Note,    "rows without any label"),
    ]
};

impl FindingKind {
    /// All kinds in the order of a report: errors, warnings, notes.
    pub fn all() -> impl Iterator<Item = Self> {
        KINDS.into_iter().map(|(kind, ..)| kind)
    }

    /// How much findings of this kind matter.
    pub fn severity(self) -> Severity {
        self.row().1
    }

    /// What a report calls them, in the plural.
    pub fn heading(self) -> &'static str {
        self.row().2
    }

    fn row(self) -> (Self, Severity, &'static str) {
        // The variants stand in the table's order; a test holds them together.
        KINDS[self as usize]
    }
}

/// One finding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What is wrong.
    pub kind: FindingKind,
    /// How much it matters: [`FindingKind::severity`].
    pub severity: Severity,
    /// What was found, in one line.
    pub message: String,
    /// The rows concerned, in the order of splits and lines; none where a table or a split as a whole is meant.
    pub rows: Vec<Row>,
}

impl Finding {
    pub(super) fn new(kind: FindingKind, message: String, rows: Vec<Row>) -> Self {
        Self {
            kind,
            severity: kind.severity(),
            message,
            rows,
        }
    }
}

/// A row of a split's CSV.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Row {
    /// The split.
    #[serde(serialize_with = "by_name")]
    pub split: Split,
    /// The line in its CSV, counted from 1.
    pub line: u64,
    /// The `Path` cell; none if the row cannot be read.
    pub path: Option<String>,
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, line {}", self.split, self.line)?;
        match &self.path {
            Some(path) => write!(f, ": {path}"),
            None => Ok(()),
        }
    }
}

pub(super) fn by_name<S: Serializer>(split: &Split, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(split.name())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_of_kinds_follows_the_variants_and_puts_the_gravest_first() {
        let mut last = Severity::Error;
        for (place, kind) in FindingKind::all().enumerate() {
            assert_eq!(kind as usize, place);
            assert!(kind.severity() >= last, "{kind:?}");
            last = kind.severity();
        }
        assert_eq!(last, Severity::Note);
    }
}
