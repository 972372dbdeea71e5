//! Why a number does not exist, and means that say how many they are of.

use std::fmt;

use serde::{Serialize, Serializer};

/// Why a number is not defined: the data hold no answer, although nothing is wrong with them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Undefined {
    /// Every label is masked.
    AllMasked,
    /// No row has a weight above zero.
    ZeroWeight,
    /// No row has the observation.
    NoPositives,
    /// Every row has the observation.
    NoNegatives,
    /// No row is called positive, hence no positive predictive value.
    NoneCalledPositive,
    /// No row is called negative, hence no negative predictive value.
    NoneCalledNegative,
    /// No threshold among the scores does what was asked.
    NoThreshold,
    /// The labels are most likely at no finite temperature above 0.
    NoTemperature,
    /// A score that should be a probability lies outside [0, 1].
    NotProbabilities,
    /// Fewer values than the formula needs.
    TooFew,
    /// Values that are all equal have no correlation.
    Constant,
    /// A difference without spread has no standard error to be compared with.
    NoSpread,
    /// The formula holds for rows that are independent and count once; these are weighted or belong together.
    NotIndependent,
    /// Nothing that the mean is over is defined.
    NothingToAverage,
}

impl fmt::Display for Undefined {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::AllMasked => "all masked",
            Self::ZeroWeight => "all weights are zero",
            Self::NoPositives => "0 positives",
            Self::NoNegatives => "0 negatives",
            Self::NoneCalledPositive => "0 called positive",
            Self::NoneCalledNegative => "0 called negative",
            Self::NoThreshold => "no threshold does it",
            Self::NoTemperature => "no temperature fits",
            Self::NotProbabilities => "scores outside 0 to 1",
            Self::TooFew => "too few values",
            Self::Constant => "all values equal",
            Self::NoSpread => "no spread",
            Self::NotIndependent => "rows are weighted or belong together",
            Self::NothingToAverage => "nothing to average",
        })
    }
}

impl std::error::Error for Undefined {}

impl Serialize for Undefined {
    /// As its text.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// A mean over numbers of which some may be undefined: it says how many it used.
///
/// ```
/// use chextransfer_metrics::{Mean, Undefined};
///
/// let mean = Mean::over([Ok(0.9), Err(Undefined::NoPositives), Ok(0.8)]);
/// assert_eq!(mean.to_string(), "0.8500 (mean of 2 of 3)");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Mean {
    /// The mean of those that are defined; `None` if none is.
    pub value: Option<f64>,
    /// How many are defined.
    pub used: usize,
    /// How many there are.
    pub of: usize,
}

impl Mean {
    /// Averages what is defined.
    pub fn over(values: impl IntoIterator<Item = Result<f64, Undefined>>) -> Self {
        let (mut sum, mut used, mut of) = (0.0, 0, 0);
        for value in values {
            of += 1;
            if let Ok(value) = value {
                used += 1;
                sum += value;
            }
        }
        let value = (used > 0).then(|| sum / used as f64);
        Self { value, used, of }
    }
}

impl fmt::Display for Mean {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.value {
            Some(value) => write!(f, "{value:.4}")?,
            None => write!(f, "undefined")?,
        }
        write!(f, " (mean of {} of {})", self.used, self.of)
    }
}
