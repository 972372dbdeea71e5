//! Resampling of studies and percentile intervals.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// The nonparametric percentile bootstrap (Efron and Tibshirani, An Introduction to the Bootstrap, 1993, section 13.3).
///
/// A replicate draws as many units (studies) as there are, with replacement. It is a pure function of the seed and the
/// replicate's number: every observation, and every model evaluated on the same units with the same seed, sees the same
/// replicates, in any order and on any number of threads.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Bootstrap {
    /// Number of replicates; 0 asks for no interval.
    pub replicates: usize,
    /// Share of the replicates inside the interval, between 0 and 1, both excluded.
    pub confidence: f64,
    /// Seed of every draw.
    pub seed: u64,
}

impl Default for Bootstrap {
    /// 1,000 replicates, 95 %: what CheXtransfer reports; seed 0.
    fn default() -> Self {
        Self {
            replicates: 1000,
            confidence: 0.95,
            seed: 0,
        }
    }
}

impl Bootstrap {
    /// No replicates, hence no intervals: for an evaluation whose estimate alone is wanted.
    pub const NONE: Self = Self {
        replicates: 0,
        confidence: 0.95,
        seed: 0,
    };

    /// Checks the settings.
    ///
    /// # Errors
    ///
    /// If the confidence does not lie strictly between 0 and 1.
    pub fn check(&self) -> Result<()> {
        if self.confidence > 0.0 && self.confidence < 1.0 {
            return Ok(());
        }
        Err(Error::Setting {
            setting: "bootstrap confidence",
            found: self.confidence.to_string(),
            expected: "a number between 0 and 1, such as 0.95",
        })
    }

    /// Draws replicate `replicate` of `counts.len()` units into `counts`: how often each unit is in it.
    pub fn draw(&self, replicate: u64, counts: &mut [u32]) {
        // One ChaCha key a seed, one stream a replicate: streams never overlap.
        let mut rng = ChaCha8Rng::seed_from_u64(self.seed);
        rng.set_stream(replicate);
        counts.fill(0);
        for _ in 0..counts.len() {
            counts[rng.random_range(0..counts.len())] += 1;
        }
    }

    /// The central interval that holds [`confidence`](Self::confidence) of the `values` of the replicates.
    ///
    /// `None` if there are no values.
    pub fn interval(&self, mut values: Vec<f64>) -> Option<[f64; 2]> {
        values.sort_unstable_by(f64::total_cmp);
        let tail = (1.0 - self.confidence) / 2.0;
        Some([quantile(&values, tail)?, quantile(&values, 1.0 - tail)?])
    }
}

/// Quantile `q` in [0, 1] of ascending `values` by linear interpolation, type 7 of Hyndman and Fan (The American
/// Statistician 50, 1996), which is numpy's default.
///
/// `None` if there are no values.
fn quantile(values: &[f64], q: f64) -> Option<f64> {
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

    fn drawn(seed: u64, replicate: u64, units: usize) -> Vec<u32> {
        let mut counts = vec![7; units];
        let bootstrap = Bootstrap {
            seed,
            ..Bootstrap::default()
        };
        bootstrap.draw(replicate, &mut counts);
        counts
    }

    #[test]
    fn a_replicate_depends_on_its_seed_and_number_alone() {
        assert_eq!(drawn(3, 5, 50), drawn(3, 5, 50));
        assert_ne!(drawn(3, 5, 50), drawn(3, 6, 50));
        assert_ne!(drawn(3, 5, 50), drawn(4, 5, 50));
    }

    #[test]
    fn a_replicate_is_as_large_as_the_sample() {
        for replicate in 0..20 {
            assert_eq!(drawn(0, replicate, 37).iter().sum::<u32>(), 37);
        }
        assert_eq!(drawn(0, 0, 1), [1]);
        assert!(drawn(0, 0, 0).is_empty());
    }

    #[test]
    fn every_unit_is_drawn_equally_often_in_the_long_run() {
        let (units, replicates) = (10, 4000);
        let mut total = vec![0_u32; units];
        for replicate in 0..replicates {
            for (total, count) in total.iter_mut().zip(drawn(1, replicate, units)) {
                *total += count;
            }
        }
        // Binomial(40,000, 1/10): standard deviation 60; five of them to either side.
        assert!(
            total.iter().all(|&n| (3700..=4300).contains(&n)),
            "{total:?}"
        );
        // A unit is absent from a replicate with probability (9/10)^10 = 0.349.
        let absent = (0..replicates)
            .filter(|&r| drawn(1, r, units)[0] == 0)
            .count();
        assert!((1246..=1546).contains(&absent), "{absent}");
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
        let values = (0..=1000).rev().map(f64::from).collect();
        let [low, high] = Bootstrap::default().interval(values).unwrap();
        assert!((low - 25.0).abs() < 1e-9 && (high - 975.0).abs() < 1e-9);
        assert_eq!(Bootstrap::default().interval(Vec::new()), None);
    }

    #[test]
    fn a_confidence_outside_its_range_is_an_error() {
        for confidence in [0.0, 1.0, -0.5, 95.0, f64::NAN] {
            let bootstrap = Bootstrap {
                confidence,
                ..Bootstrap::default()
            };
            let message = bootstrap.check().unwrap_err().to_string();
            assert!(message.contains("confidence"), "{message}");
            assert!(message.contains(&confidence.to_string()), "{message}");
        }
        assert!(Bootstrap::default().check().is_ok());
    }
}
