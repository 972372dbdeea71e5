//! From replicates to intervals and p-values.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::distributions::{normal_cdf, normal_quantile};
use crate::names::choice;
use crate::{Bootstrap, Error, Result, Undefined};

/// Values closer than this are equal but for rounding: a tie is a tie whatever the order of additions.
pub(crate) const ROUNDING: f64 = 1e-12;

/// How an interval is made of the replicates (Efron and Tibshirani, An Introduction to the Bootstrap, 1993).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IntervalMethod {
    /// Quantiles of the replicates (chapter 13), as in the paper.
    #[default]
    Percentile,
    /// Twice the estimate minus those quantiles (the "basic" or "reverse" interval of Davison and Hinkley, 1997, 5.2).
    Basic,
    /// Bias-corrected and accelerated (chapter 14), the acceleration by leaving out one unit at a time.
    Bca,
}

impl FromStr for IntervalMethod {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let names = [
            (Self::Percentile, "percentile"),
            (Self::Basic, "basic"),
            (Self::Bca, "bca"),
        ];
        choice(&names, text, "interval", "percentile, basic or bca")
    }
}

/// A quantity on the sample and on the replicates.
#[derive(Debug, Clone, PartialEq)]
pub struct Distribution {
    /// Its value on the sample.
    pub estimate: Result<f64, Undefined>,
    /// Its values on the replicates in which it is defined, in their order.
    pub replicates: Vec<f64>,
    /// Replicates in which it is not.
    pub undefined_replicates: usize,
    /// Its values with one unit left out, where that is defined; empty unless BCa was asked for.
    pub jackknife: Vec<f64>,
}

impl Distribution {
    /// The interval by the bootstrap's method, at its confidence.
    ///
    /// `None` without an estimate or replicates, and for BCa also if all replicates lie to one side of the estimate: their
    /// bias is beyond correction.
    pub fn interval(&self, bootstrap: &Bootstrap) -> Option<[f64; 2]> {
        let estimate = self.estimate.ok()?;
        let mut sorted = self.replicates.clone();
        sorted.sort_unstable_by(f64::total_cmp);
        let tail = (1.0 - bootstrap.confidence) / 2.0;
        let between = |[low, high]: [f64; 2]| -> Option<[f64; 2]> {
            Some([quantile(&sorted, low)?, quantile(&sorted, high)?])
        };
        let tails = [tail, 1.0 - tail];
        match bootstrap.method {
            IntervalMethod::Percentile => between(tails),
            IntervalMethod::Basic => {
                between(tails).map(|[low, high]| [2.0 * estimate - high, 2.0 * estimate - low])
            }
            IntervalMethod::Bca => {
                let below = share(&sorted, |value| value < estimate - ROUNDING);
                let up_to = share(&sorted, |value| value <= estimate + ROUNDING);
                let bias = normal_quantile((below + up_to) / 2.0);
                let acceleration = self.acceleration();
                bias.is_finite().then_some(())?;
                between(tails.map(|tail| {
                    let shifted = bias + normal_quantile(tail);
                    normal_cdf(bias + shifted / (1.0 - acceleration * shifted))
                }))
            }
        }
    }

    /// Skewness of the jackknife over six (Efron and Tibshirani 14.15); 0 if it has no spread.
    fn acceleration(&self) -> f64 {
        let mean = self.jackknife.iter().sum::<f64>() / self.jackknife.len() as f64;
        let moment = |power| -> f64 {
            let terms = self
                .jackknife
                .iter()
                .map(|value| (mean - value).powi(power));
            terms.sum()
        };
        let (squares, cubes) = (moment(2), moment(3));
        match squares > 0.0 {
            true => cubes / (6.0 * squares.powf(1.5)),
            false => 0.0,
        }
    }

    /// Standard deviation of the replicates; `None` if fewer than two.
    pub fn standard_error(&self) -> Option<f64> {
        let count = self.replicates.len();
        let mean = self.replicates.iter().sum::<f64>() / count as f64;
        let squares: f64 = self
            .replicates
            .iter()
            .map(|value| (value - mean).powi(2))
            .sum();
        (count > 1).then(|| (squares / (count - 1) as f64).sqrt())
    }

    /// Two-sided p-value of the hypothesis that the quantity is zero: twice the smaller share of replicates that lie on
    /// either side of zero, so that p falls below 5 % where the 95 % percentile interval leaves zero out. Counting the
    /// sample itself as a replicate keeps p above zero (Davison and Hinkley, 1997, 4.2).
    ///
    /// `None` without an estimate or replicates.
    pub fn p_value(&self) -> Option<f64> {
        let smaller = f64::min(self.p_at_most(0.0)?, self.p_at_least(0.0)?);
        Some((2.0 * smaller).min(1.0))
    }

    /// One-sided p-value of the hypothesis that the quantity is at most `bound`.
    ///
    /// For a difference "candidate - reference" and the bound `-margin` this is the test of non-inferiority: a small p says
    /// that the candidate is not worse by the margin or more.
    ///
    /// `None` without an estimate or replicates.
    pub fn p_at_most(&self, bound: f64) -> Option<f64> {
        self.p_counting(|value| value <= bound + ROUNDING)
    }

    /// One-sided p-value of the hypothesis that the quantity is at least `bound`; `None` as for
    /// [`p_at_most`](Self::p_at_most).
    pub fn p_at_least(&self, bound: f64) -> Option<f64> {
        self.p_counting(|value| value >= bound - ROUNDING)
    }

    fn p_counting(&self, against: impl Fn(f64) -> bool) -> Option<f64> {
        self.estimate.ok()?;
        let count = self
            .replicates
            .iter()
            .filter(|value| against(**value))
            .count();
        let replicates = self.replicates.len();
        (replicates > 0).then(|| (count + 1) as f64 / (replicates + 1) as f64)
    }
}

/// Share of ascending values that come before those for which `holds` is false; NaN if there are none.
fn share(sorted: &[f64], holds: impl Fn(f64) -> bool) -> f64 {
    sorted.partition_point(|&value| holds(value)) as f64 / sorted.len() as f64
}

/// Quantile `q` in [0, 1] of ascending `values` by linear interpolation, type 7 of Hyndman and Fan (The American
/// Statistician 50, 1996), which is numpy's default.
///
/// `None` if there are no values.
pub(crate) fn quantile(values: &[f64], q: f64) -> Option<f64> {
    let last = values.len().checked_sub(1)?;
    let position = q.clamp(0.0, 1.0) * last as f64;
    let below = (position.floor() as usize).min(last);
    let above = (below + 1).min(last);
    let share = position - below as f64;
    Some(values[below] + share * (values[above] - values[below]))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn distribution(estimate: f64, replicates: Vec<f64>) -> Distribution {
        Distribution {
            estimate: Ok(estimate),
            replicates,
            undefined_replicates: 0,
            jackknife: vec![1.0, 2.0, 3.0],
        }
    }

    fn by(method: IntervalMethod) -> Bootstrap {
        Bootstrap {
            method,
            ..Bootstrap::default()
        }
    }

    /// `numpy.quantile([0.1, 0.25, 0.3, 0.7, 0.95], q)`, numpy 2.
    #[test]
    fn quantiles_equal_numpys() {
        let values = [0.1, 0.25, 0.3, 0.7, 0.95];
        let numpy = [
            (0.0, 0.1),
            (0.025, 0.115),
            (0.5, 0.3),
            (0.6, 0.46),
            (0.975, 0.925),
            (1.0, 0.95),
        ];
        for (q, expected) in numpy {
            let found = quantile(&values, q).unwrap();
            assert!((found - expected).abs() < 1e-15, "{q}: {found}");
        }
        assert_eq!(quantile(&[0.4], 0.975), Some(0.4));
        assert_eq!(quantile(&[], 0.5), None);
    }

    #[test]
    fn an_interval_is_the_central_share_of_unsorted_values() {
        let values: Vec<f64> = (0..=1000).rev().map(f64::from).collect();
        let values = distribution(400.0, values);
        let [low, high] = values.interval(&by(IntervalMethod::Percentile)).unwrap();
        assert!((low - 25.0).abs() < 1e-9 && (high - 975.0).abs() < 1e-9);
        let [low, high] = values.interval(&by(IntervalMethod::Basic)).unwrap();
        assert!((low + 175.0).abs() < 1e-9 && (high - 775.0).abs() < 1e-9);
    }

    #[test]
    fn without_bias_and_skewness_bca_is_the_percentile_interval() {
        let values = distribution(500.0, (0..=1000).map(f64::from).collect());
        let [low, high] = values.interval(&by(IntervalMethod::Bca)).unwrap();
        assert!((low - 25.0).abs() < 1e-9 && (high - 975.0).abs() < 1e-9);
    }

    #[test]
    fn nothing_is_made_of_nothing() {
        for method in [
            IntervalMethod::Percentile,
            IntervalMethod::Basic,
            IntervalMethod::Bca,
        ] {
            assert_eq!(distribution(0.0, Vec::new()).interval(&by(method)), None);
            let mut undefined = distribution(0.0, vec![0.0]);
            undefined.estimate = Err(Undefined::NoPositives);
            assert_eq!(
                (undefined.interval(&by(method)), undefined.p_value()),
                (None, None)
            );
        }
        assert_eq!(distribution(0.0, Vec::new()).p_value(), None);
        assert_eq!(
            distribution(9.0, vec![1.0, 2.0]).interval(&by(IntervalMethod::Bca)),
            None
        );
    }

    #[test]
    fn p_values_count_the_replicates_beyond() {
        let values = distribution(0.5, (-4..95).map(f64::from).collect());
        // -4 to 0 of 99, and the sample.
        assert_eq!(values.p_value(), Some(0.12));
        assert_eq!(values.p_at_most(-2.0), Some(0.04));
        assert_eq!(values.p_at_least(90.0), Some(0.06));
        assert_eq!(distribution(0.0, vec![0.0; 99]).p_value(), Some(1.0));
    }
}
