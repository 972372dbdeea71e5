//! Numbers with their intervals.

use chextransfer_metrics::{Bootstrap, Distribution};
use serde::Serialize;

/// A number and how far it may be off.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Estimate {
    /// On the test set as it is.
    pub value: f64,
    /// The bootstrap interval; `None` where there are no replicates.
    pub interval: Option<[f64; 2]>,
    /// Standard deviation of the replicates.
    pub deviation: Option<f64>,
}

impl Estimate {
    /// `None` where the data do not define the number.
    pub(super) fn of(distribution: &Distribution, bootstrap: &Bootstrap) -> Option<Self> {
        Some(Self {
            value: distribution.estimate.ok()?,
            interval: distribution.interval(bootstrap),
            deviation: distribution.standard_error(),
        })
    }
}

/// A difference of two AUCs on the same replicates.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Change {
    /// The difference.
    pub estimate: Estimate,
    /// Two-sided p-value of no difference, by the paired bootstrap.
    pub p_value: Option<f64>,
    /// The same, adjusted by Holm's procedure for the differences of the same table.
    pub adjusted_p: Option<f64>,
}

impl Change {
    pub(super) fn of(distribution: &Distribution, bootstrap: &Bootstrap) -> Option<Self> {
        Some(Self {
            estimate: Estimate::of(distribution, bootstrap)?,
            p_value: distribution.p_value(),
            adjusted_p: None,
        })
    }

    /// Whether the interval leaves zero out, as the paper decides; `None` without an interval.
    pub fn significant(&self) -> Option<bool> {
        let [low, high] = self.estimate.interval?;
        Some(low > 0.0 || high < 0.0)
    }

    /// What may be said of its sign.
    pub fn verdict(&self) -> Verdict {
        match self.significant() {
            Some(true) if self.estimate.value > 0.0 => Verdict::Higher,
            Some(true) => Verdict::Lower,
            Some(false) | None => Verdict::NotShown,
        }
    }
}

/// What an interval lets one say of a difference.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// It lies above zero.
    Higher,
    /// It lies below zero.
    Lower,
    /// It includes zero, or there is none.
    NotShown,
}
