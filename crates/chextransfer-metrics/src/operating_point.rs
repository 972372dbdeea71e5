//! Decisions at a threshold: sensitivity, specificity, predictive values.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::{Error, ScoredLabels, Undefined};

/// Which threshold to take.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OperatingRule {
    /// Sensitivity + specificity as large as can be (Youden, Cancer 3, 1950); of several the highest threshold.
    Youden,
    /// At least this sensitivity, from 0 to 1, and then as much specificity as can be.
    Sensitivity(f64),
    /// At least this specificity, from 0 to 1, and then as much sensitivity as can be.
    Specificity(f64),
    /// This score.
    Threshold(f64),
}

impl OperatingRule {
    const EXPECTED: &str =
        "youden, sensitivity=0.9, specificity=0.9 or threshold=0.5, with a number from 0 to 1";

    /// Checks that the number is a share or a probability.
    pub(crate) fn check(self) -> crate::Result<()> {
        match self {
            Self::Youden => Ok(()),
            Self::Sensitivity(number) | Self::Specificity(number) | Self::Threshold(number) => {
                match (0.0..=1.0).contains(&number) {
                    true => Ok(()),
                    false => Err(Self::unknown(&self.to_string())),
                }
            }
        }
    }

    fn unknown(found: &str) -> Error {
        Error::Setting {
            setting: "operating point",
            found: found.to_owned(),
            expected: Self::EXPECTED,
        }
    }
}

impl fmt::Display for OperatingRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Youden => f.write_str("youden"),
            Self::Sensitivity(least) => write!(f, "sensitivity={least}"),
            Self::Specificity(least) => write!(f, "specificity={least}"),
            Self::Threshold(score) => write!(f, "threshold={score}"),
        }
    }
}

impl FromStr for OperatingRule {
    type Err = Error;

    fn from_str(text: &str) -> crate::Result<Self> {
        let unknown = || Self::unknown(text);
        let rule = match text.split_once('=') {
            None if text == "youden" => Self::Youden,
            None => return Err(unknown()),
            Some((name, number)) => {
                let number = number.parse().map_err(|_| unknown())?;
                match name {
                    "sensitivity" => Self::Sensitivity(number),
                    "specificity" => Self::Specificity(number),
                    "threshold" => Self::Threshold(number),
                    _ => return Err(unknown()),
                }
            }
        };
        rule.check().map(|()| rule)
    }
}

/// A threshold and the four numbers of its decisions; weights if the rows have any.
///
/// ```
/// use chextransfer_metrics::{OperatingRule, ScoredLabels};
///
/// let labels = [false, false, false, true, true].map(Some);
/// let point = ScoredLabels::new(&[0.1, 0.3, 0.6, 0.5, 0.9], &labels)?
///     .operating_point(OperatingRule::Sensitivity(0.9))?;
/// assert_eq!((point.threshold, point.sensitivity()), (0.5, 1.0));
/// // Where one patient in ten has the finding, and not two in five:
/// assert!(point.ppv_at(0.1)? < point.ppv()?);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct OperatingPoint {
    /// Rows of at least this score are called positive; infinite if none is.
    pub threshold: f64,
    /// Positives called positive.
    pub true_positives: f64,
    /// Negatives called positive.
    pub false_positives: f64,
    /// Positives called negative.
    pub false_negatives: f64,
    /// Negatives called negative.
    pub true_negatives: f64,
}

impl OperatingPoint {
    /// Share of the positives that are called positive.
    pub fn sensitivity(&self) -> f64 {
        self.true_positives / (self.true_positives + self.false_negatives)
    }

    /// Share of the negatives that are called negative.
    pub fn specificity(&self) -> f64 {
        self.true_negatives / (self.true_negatives + self.false_positives)
    }

    /// Share of positives among the rows.
    pub fn prevalence(&self) -> f64 {
        let positives = self.true_positives + self.false_negatives;
        positives / (positives + self.true_negatives + self.false_positives)
    }

    /// Positive predictive value: share of those called positive that are.
    ///
    /// # Errors
    ///
    /// [`Undefined::NoneCalledPositive`].
    pub fn ppv(&self) -> Result<f64, Undefined> {
        let called = self.true_positives + self.false_positives;
        share(self.true_positives, called, Undefined::NoneCalledPositive)
    }

    /// Negative predictive value: share of those called negative that are.
    ///
    /// # Errors
    ///
    /// [`Undefined::NoneCalledNegative`].
    pub fn npv(&self) -> Result<f64, Undefined> {
        let called = self.true_negatives + self.false_negatives;
        share(self.true_negatives, called, Undefined::NoneCalledNegative)
    }

    /// Positive predictive value where `prevalence` (from 0 to 1) of the patients are positive, by Bayes' theorem from
    /// sensitivity and specificity (Altman and Bland, BMJ 309, 1994).
    ///
    /// # Errors
    ///
    /// [`Undefined::NoneCalledPositive`].
    pub fn ppv_at(&self, prevalence: f64) -> Result<f64, Undefined> {
        let hits = self.sensitivity() * prevalence;
        let false_alarms = (1.0 - self.specificity()) * (1.0 - prevalence);
        share(hits, hits + false_alarms, Undefined::NoneCalledPositive)
    }

    /// Negative predictive value where `prevalence` (from 0 to 1) of the patients are positive, by Bayes' theorem.
    ///
    /// # Errors
    ///
    /// [`Undefined::NoneCalledNegative`].
    pub fn npv_at(&self, prevalence: f64) -> Result<f64, Undefined> {
        let passes = self.specificity() * (1.0 - prevalence);
        let misses = (1.0 - self.sensitivity()) * prevalence;
        share(passes, passes + misses, Undefined::NoneCalledNegative)
    }
}

fn share(part: f64, of: f64, otherwise: Undefined) -> Result<f64, Undefined> {
    if of > 0.0 {
        Ok(part / of)
    } else {
        Err(otherwise)
    }
}

impl ScoredLabels {
    /// The decisions at the threshold that `rule` chooses among the scores.
    ///
    /// # Errors
    ///
    /// [`Undefined`] where there is no positive or no negative, or no threshold does what is asked.
    pub fn operating_point(&self, rule: OperatingRule) -> Result<OperatingPoint, Undefined> {
        self.check_classes()?;
        let counts = self.called_positive();
        let [negatives, positives] = counts.last().map_or([0.0; 2], |last| last.1);
        let point =
            |(threshold, [false_positives, true_positives]): (f64, [f64; 2])| OperatingPoint {
                threshold,
                true_positives,
                false_positives,
                false_negatives: positives - true_positives,
                true_negatives: negatives - false_positives,
            };
        // From the strictest threshold to the laxest, along which sensitivity grows and specificity falls.
        let none = point((f64::INFINITY, [0.0, 0.0]));
        let mut points = std::iter::once(none).chain(counts.into_iter().map(point));
        let last_while = |holds: &dyn Fn(&OperatingPoint) -> bool| {
            points.clone().take_while(|point| holds(point)).last()
        };
        let chosen = match rule {
            OperatingRule::Youden => {
                let index = |point: &OperatingPoint| point.sensitivity() + point.specificity();
                points.clone().reduce(|best, next| {
                    if index(&next) > index(&best) {
                        next
                    } else {
                        best
                    }
                })
            }
            OperatingRule::Sensitivity(least) => points.find(|point| point.sensitivity() >= least),
            OperatingRule::Specificity(least) => last_while(&|point| point.specificity() >= least),
            OperatingRule::Threshold(score) => {
                last_while(&|point| point.threshold >= score).map(|point| OperatingPoint {
                    threshold: score,
                    ..point
                })
            }
        };
        chosen.ok_or(Undefined::NoThreshold)
    }
}
