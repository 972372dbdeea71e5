//! The metrics that can be resampled, by name.

use std::fmt;
use std::str::FromStr;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::names::choice;
use crate::{Bins, Error, ScoredLabels, Undefined};

/// What is measured on each replicate.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Metric {
    /// [`ScoredLabels::auroc`]
    #[default]
    Auroc,
    /// [`ScoredLabels::average_precision`]
    AveragePrecision,
    /// [`ScoredLabels::brier_score`]
    BrierScore,
    /// [`ScoredLabels::calibration_error`], whose bins stay those of the whole sample
    CalibrationError(Bins),
}

impl Metric {
    /// The metric of the rows as they are.
    ///
    /// # Errors
    ///
    /// [`Undefined`], as the metric's own method says.
    pub fn of(self, rows: &ScoredLabels) -> Result<f64, Undefined> {
        match self {
            Self::Auroc => rows.auroc(),
            Self::AveragePrecision => rows.average_precision(),
            Self::BrierScore => rows.brier_score(),
            Self::CalibrationError(bins) => rows.calibration_error(bins),
        }
    }

    /// Whether only the order of the scores matters.
    pub fn ranks_only(self) -> bool {
        matches!(self, Self::Auroc | Self::AveragePrecision)
    }

    /// Whether a smaller value is a better one.
    pub fn smaller_is_better(self) -> bool {
        matches!(self, Self::BrierScore | Self::CalibrationError(_))
    }

    /// The metric prepared for many resamples of `rows`.
    pub(crate) fn prepare(self, rows: &ScoredLabels) -> Prepared<'_> {
        let ends = match self {
            Self::CalibrationError(bins) => rows.ends_of(bins),
            _ => Vec::new(),
        };
        Prepared {
            metric: self,
            rows,
            ends,
        }
    }
}

impl fmt::Display for Metric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Auroc => "AUROC",
            Self::AveragePrecision => "AP",
            Self::BrierScore => "Brier",
            Self::CalibrationError(_) => "ECE",
        })
    }
}

impl FromStr for Metric {
    type Err = Error;

    fn from_str(text: &str) -> crate::Result<Self> {
        let names = [
            (Self::Auroc, "auroc"),
            (Self::AveragePrecision, "average-precision"),
            (Self::BrierScore, "brier"),
            (Self::CalibrationError(Bins::default()), "calibration-error"),
        ];
        let expected = "auroc, average-precision, brier or calibration-error";
        choice(&names, text, "metric", expected)
    }
}

/// A metric of some rows, and what of it all resamples share.
pub(crate) struct Prepared<'a> {
    metric: Metric,
    rows: &'a ScoredLabels,
    /// Of the calibration error's bins.
    ends: Vec<usize>,
}

impl Prepared<'_> {
    /// The metric of the resample that holds the rows of unit `u` `counts[u]` times; NaN where it is undefined.
    pub(crate) fn resampled(&self, counts: &[u32]) -> f64 {
        let units = &self.rows.units;
        let count = |unit: &u32| counts[*unit as usize];
        match (&self.rows.weights, self.metric) {
            // What most replicates are of: whole numbers, added up without waiting for the last addition.
            (None, Metric::Auroc) => self.rows.auroc_of(|places| {
                let counts = units[places].iter().map(|unit| u64::from(count(unit)));
                counts.sum::<u64>() as f64
            }),
            (None, _) => self.weighted(|place| f64::from(count(&units[place]))),
            (Some(weights), _) => {
                self.weighted(|place| f64::from(count(&units[place])) * weights[place])
            }
        }
    }

    /// The metric with each of `units` units left out in turn; NaN where it is undefined then.
    ///
    /// Of an AUROC without weights this is one pass, of the others as many as there are units.
    pub(crate) fn without_each(&self, units: usize) -> Vec<f64> {
        if self.metric == Metric::Auroc && self.rows.weights.is_none() {
            return self.rows.auroc_without_each(units);
        }
        let without = |counts: &mut Vec<u32>, unit: usize| {
            counts[unit] = 0;
            let metric = self.resampled(counts);
            counts[unit] = 1;
            metric
        };
        let each = (0..units).into_par_iter();
        each.map_init(|| vec![1; units], without).collect()
    }

    fn weighted(&self, weight: impl Fn(usize) -> f64) -> f64 {
        match self.metric {
            Metric::Auroc => self.rows.auroc_of(|places| places.map(&weight).sum()),
            Metric::AveragePrecision => self.rows.average_precision_of(weight),
            Metric::BrierScore => self.rows.brier_score_of(weight),
            Metric::CalibrationError(_) => self.rows.calibration_error_of(&self.ends, weight),
        }
    }
}
