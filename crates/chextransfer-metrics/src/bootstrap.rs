//! Resampling: the settings of the bootstrap, and metrics on replicates that all of them share.

use std::fmt;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::metric::Prepared;
use crate::{
    Distribution, Error, IntervalMethod, Metric, Result, ScoredLabels, Undefined, Unit, Units,
};

/// The nonparametric bootstrap (Efron and Tibshirani, An Introduction to the Bootstrap, 1993).
///
/// A replicate draws as many units (studies) as there are, with replacement. It is a pure function of the seed and the
/// replicate's number: every observation, metric and model on the same units with the same seed sees the same replicates,
/// in any order and on any number of threads.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Bootstrap {
    /// Number of replicates; 0 asks for no interval.
    pub replicates: usize,
    /// Share of the replicates inside the interval, between 0 and 1, both excluded.
    pub confidence: f64,
    /// Seed of every draw.
    pub seed: u64,
    /// What is drawn.
    pub unit: Unit,
    /// How an interval is made of the replicates.
    pub method: IntervalMethod,
    /// Observation whose positive, negative and masked units keep their numbers in every replicate; `None` draws freely.
    /// One observation, because the replicates are those of all observations.
    pub stratify: Option<String>,
}

impl Default for Bootstrap {
    /// 1,000 replicates of the studies, 95 %, percentile: what CheXtransfer reports; seed 0.
    fn default() -> Self {
        Self {
            replicates: 1000,
            ..Self::NONE
        }
    }
}

impl Bootstrap {
    /// No replicates, hence no intervals: for an evaluation whose estimate alone is wanted.
    pub const NONE: Self = Self {
        replicates: 0,
        confidence: 0.95,
        seed: 0,
        unit: Unit::Study,
        method: IntervalMethod::Percentile,
        stratify: None,
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

    /// Each statistic on the sample and on every replicate of its `units`; [`unit`](Self::unit) and
    /// [`stratify`](Self::stratify) are what the units were made with and are not looked at.
    ///
    /// Time is rows times replicates times statistics; memory is one number a replicate and statistic, whatever the number
    /// of rows, and with [`IntervalMethod::Bca`] one a unit and statistic. For BCa each unit is left out once: of an AUROC
    /// that costs next to nothing, of the other metrics as much as that many replicates more.
    ///
    /// # Errors
    ///
    /// If the settings are out of range, or a statistic's rows belong to units that `units` does not have.
    pub fn resample(&self, units: &Units, statistics: &[Statistic<'_>]) -> Result<Replicates> {
        self.check()?;
        let last_unit = |statistic: &Statistic<'_>| statistic.rows.units.iter().max().copied();
        if let Some(unit) = statistics.iter().filter_map(last_unit).max()
            && unit as usize >= units.count()
        {
            let count = units.count();
            let problem = format!("found a row of unit {unit}, expected one of {count} units");
            return Err(Error::table(problem));
        }
        let estimates: Vec<_> = statistics
            .iter()
            .map(|statistic| statistic.metric.of(statistic.rows))
            .collect();
        // What is undefined on the sample is not asked for on its replicates.
        let prepared: Vec<_> = statistics
            .iter()
            .zip(&estimates)
            .map(|(statistic, estimate)| {
                estimate
                    .is_ok()
                    .then(|| statistic.metric.prepare(statistic.rows))
            })
            .collect();
        let values = measure(
            self.replicates,
            units.count(),
            &prepared,
            |replicate, counts| {
                units.draw(self.seed, replicate as u64, counts);
            },
        );
        let jackknife = match self.method {
            IntervalMethod::Bca if self.replicates > 0 => leave_one_out(units.count(), &prepared),
            _ => Vec::new(),
        };
        Ok(Replicates {
            estimates,
            values,
            jackknife,
        })
    }
}

impl fmt::Display for Bootstrap {
    /// As a note below a table.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (replicates, units, seed) = (self.replicates, self.unit.plural(), self.seed);
        if replicates == 0 {
            return write!(f, "no bootstrap");
        }
        write!(
            f,
            "{replicates} bootstrap replicates of the {units}, seed {seed}"
        )?;
        if let Some(observation) = &self.stratify {
            write!(f, ", stratified by {observation}")?;
        }
        match self.method {
            IntervalMethod::Percentile => Ok(()),
            IntervalMethod::Basic => write!(f, ", basic intervals"),
            IntervalMethod::Bca => write!(f, ", BCa intervals"),
        }
    }
}

/// Every statistic on each of `resamples` that `fill(resample, counts)` makes: `[resamples][statistics]`.
pub(crate) fn measure(
    resamples: usize,
    units: usize,
    statistics: &[Option<Prepared<'_>>],
    fill: impl Fn(usize, &mut [u32]) + Sync,
) -> Vec<Vec<f64>> {
    let resamples = (0..resamples).into_par_iter();
    let measured = resamples.map_init(
        || vec![0; units],
        |counts, resample| {
            fill(resample, counts);
            let of = |statistic: &Option<Prepared<'_>>| {
                statistic
                    .as_ref()
                    .map_or(f64::NAN, |statistic| statistic.resampled(counts))
            };
            statistics.iter().map(of).collect()
        },
    );
    measured.collect()
}

/// Every statistic with each unit left out in turn: `[units][statistics]`.
fn leave_one_out(units: usize, statistics: &[Option<Prepared<'_>>]) -> Vec<Vec<f64>> {
    let columns: Vec<Vec<f64>> = statistics
        .iter()
        .map(|statistic| match statistic {
            Some(statistic) => statistic.without_each(units),
            None => vec![f64::NAN; units],
        })
        .collect();
    let row = |unit: usize| columns.iter().map(|column| column[unit]).collect();
    (0..units).map(row).collect()
}

/// One metric of one observation of one model.
#[derive(Debug, Clone, Copy)]
pub struct Statistic<'a> {
    /// What is measured.
    pub metric: Metric,
    /// What it is measured on.
    pub rows: &'a ScoredLabels,
}

/// Statistics on the same replicates, and so means and differences of them.
#[derive(Debug, Clone)]
pub struct Replicates {
    estimates: Vec<Result<f64, Undefined>>,
    /// `[replicates][statistics]`, NaN where undefined.
    values: Vec<Vec<f64>>,
    /// `[units][statistics]`, that unit left out.
    jackknife: Vec<Vec<f64>>,
}

impl Replicates {
    pub(crate) fn new(
        estimates: Vec<Result<f64, Undefined>>,
        values: Vec<Vec<f64>>,
        jackknife: Vec<Vec<f64>>,
    ) -> Self {
        Self {
            estimates,
            values,
            jackknife,
        }
    }

    /// The statistics on the sample, in the order they were given.
    pub fn estimates(&self) -> &[Result<f64, Undefined>] {
        &self.estimates
    }

    /// The mean of some statistics, which may be one.
    ///
    /// A replicate in which one of them is undefined is left out and counted: a mean over fewer would be another quantity.
    ///
    /// # Panics
    ///
    /// If a statistic's place is not one of [`estimates`](Self::estimates).
    pub fn mean(&self, statistics: &[usize]) -> Distribution {
        let each: Vec<_> = statistics.iter().map(|&statistic| [statistic]).collect();
        self.mean_over(&each, |[value]| value)
    }

    /// The mean over pairs of statistics of the second minus the first, on the same replicates. As for
    /// [`mean`](Self::mean), a replicate needs all of them. Differences are taken before they are added up, so that models
    /// that agree differ by exactly zero.
    ///
    /// # Panics
    ///
    /// If a statistic's place is not one of [`estimates`](Self::estimates).
    pub fn mean_difference(&self, pairs: &[[usize; 2]]) -> Distribution {
        self.mean_over(pairs, |[first, second]| second - first)
    }

    fn mean_over<const N: usize>(
        &self,
        items: &[[usize; N]],
        value: impl Fn([f64; N]) -> f64,
    ) -> Distribution {
        let mean = |values: &[f64]| -> f64 {
            let terms = items
                .iter()
                .map(|item| value(item.map(|place| values[place])));
            terms.sum::<f64>() / items.len() as f64
        };
        let defined = |resamples: &[Vec<f64>]| -> Vec<f64> {
            let means = resamples.iter().map(|values| mean(values));
            means.filter(|mean| !mean.is_nan()).collect()
        };
        let mut places = items.iter().flatten();
        let undefined = places.find_map(|&place| self.estimates[place].err());
        let undefined = undefined.or(items.is_empty().then_some(Undefined::NothingToAverage));
        if let Some(undefined) = undefined {
            return Distribution {
                estimate: Err(undefined),
                replicates: Vec::new(),
                undefined_replicates: self.values.len(),
                jackknife: Vec::new(),
            };
        }
        let estimates: Vec<f64> = self
            .estimates
            .iter()
            .map(|of| of.unwrap_or(f64::NAN))
            .collect();
        let replicates = defined(&self.values);
        Distribution {
            estimate: Ok(mean(&estimates)),
            undefined_replicates: self.values.len() - replicates.len(),
            replicates,
            jackknife: defined(&self.jackknife),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    use super::*;

    #[test]
    fn every_metric_of_a_replicate_is_that_of_the_repeated_rows() {
        for seed in 0..60 {
            let mut rng = ChaCha8Rng::seed_from_u64(seed);
            let rows = 40;
            let scores: Vec<f64> = (0..rows)
                .map(|_| f64::from(rng.random_range(0..9)) / 8.0)
                .collect();
            let labels: Vec<_> = (0..rows)
                .map(|_| (!rng.random_bool(0.1)).then(|| rng.random_bool(0.3)))
                .collect();
            let names: Vec<String> = (0..rows)
                .map(|_| format!("{}", rng.random_range(0..15)))
                .collect();
            let units = Units::named(names.iter().map(String::as_str));
            let sample = ScoredLabels::of_units(&scores, &labels, &units).unwrap();
            let mut counts = vec![0; units.count()];
            units.draw(seed, 7, &mut counts);

            let repeated: Vec<usize> = (0..rows)
                .flat_map(|row| {
                    let times = counts[units.of_row(row as u32) as usize] as usize;
                    std::iter::repeat_n(row, times)
                })
                .collect();
            let repeated = ScoredLabels::new(
                &repeated.iter().map(|&row| scores[row]).collect::<Vec<_>>(),
                &repeated.iter().map(|&row| labels[row]).collect::<Vec<_>>(),
            )
            .unwrap();
            // Bins of equal width: those of quantiles stay where they are and would move with the repeated rows.
            let bins = crate::Bins::EqualWidth(5);
            for metric in [
                Metric::Auroc,
                Metric::AveragePrecision,
                Metric::BrierScore,
                Metric::CalibrationError(bins),
            ] {
                let found = metric.prepare(&sample).resampled(&counts);
                match metric.of(&repeated) {
                    Ok(expected) => assert!((found - expected).abs() < 1e-12, "{metric} {seed}"),
                    Err(_) => assert!(found.is_nan(), "{metric} {seed}: {found}"),
                }
            }
        }
    }

    #[test]
    fn replicates_are_the_same_bits_on_any_number_of_threads() {
        let mut rng = ChaCha8Rng::seed_from_u64(0);
        let scores: Vec<f64> = (0..300).map(|_| rng.random()).collect();
        let labels: Vec<_> = (0..300).map(|_| Some(rng.random_bool(0.3))).collect();
        let rows = ScoredLabels::new(&scores, &labels).unwrap();
        let units = Units::of_rows(300);
        let statistics = [Metric::Auroc, Metric::AveragePrecision].map(|metric| Statistic {
            metric,
            rows: &rows,
        });
        let bootstrap = Bootstrap {
            method: IntervalMethod::Bca,
            ..Bootstrap::default()
        };
        let on = |threads| {
            let pool = rayon::ThreadPoolBuilder::new()
                .num_threads(threads)
                .build()
                .unwrap();
            pool.install(|| {
                let replicates = bootstrap.resample(&units, &statistics).unwrap();
                replicates.mean_difference(&[[0, 1]])
            })
        };
        let one = on(1);
        assert_eq!((one.replicates.len(), one.jackknife.len()), (1000, 300));
        assert_eq!(on(2), one);
        assert_eq!(on(8), one);
    }

    #[test]
    fn leaving_units_out_in_one_pass_equals_leaving_them_out_one_by_one() {
        for seed in 0..100 {
            let mut rng = ChaCha8Rng::seed_from_u64(seed);
            let rows = rng.random_range(2..60);
            let scores: Vec<f64> = (0..rows)
                .map(|_| f64::from(rng.random_range(0..15)))
                .collect();
            let labels: Vec<_> = (0..rows)
                .map(|_| (!rng.random_bool(0.1)).then(|| rng.random_bool(0.3)))
                .collect();
            let names: Vec<String> = (0..rows)
                .map(|_| rng.random_range(0..20).to_string())
                .collect();
            let units = Units::named(names.iter().map(String::as_str));
            let sample = ScoredLabels::of_units(&scores, &labels, &units).unwrap();
            let auroc = Metric::Auroc.prepare(&sample);
            let at_once = auroc.without_each(units.count());
            for (unit, found) in at_once.into_iter().enumerate() {
                let mut counts = vec![1; units.count()];
                counts[unit] = 0;
                let expected = auroc.resampled(&counts);
                assert!(
                    found == expected || (found.is_nan() && expected.is_nan()),
                    "{seed}, {unit}: {found} {expected}"
                );
            }
        }
    }

    #[test]
    fn settings_written_before_there_were_units_and_methods_can_be_read() {
        let json = r#"{"replicates": 20, "confidence": 0.9, "seed": 3}"#;
        let read: Bootstrap = serde_json::from_str(json).unwrap();
        let expected = Bootstrap {
            replicates: 20,
            confidence: 0.9,
            seed: 3,
            ..Bootstrap::default()
        };
        assert_eq!(read, expected);
        let written = serde_json::to_string(&read).unwrap();
        assert_eq!(serde_json::from_str::<Bootstrap>(&written).unwrap(), read);
    }

    #[test]
    fn means_of_statistics_are_means_replicate_by_replicate() {
        let scores: Vec<f64> = (0..40).map(|row| f64::from(row * 7 % 40)).collect();
        let labels = |every| -> Vec<_> { (0..40).map(|row| Some(row % every == 0)).collect() };
        let columns = [labels(2), labels(3), labels(39), labels(1)];
        let columns = columns.map(|labels| ScoredLabels::new(&scores, &labels).unwrap());
        let statistics = columns.each_ref().map(|rows| Statistic {
            metric: Metric::Auroc,
            rows,
        });
        let bootstrap = Bootstrap::default();
        let replicates = bootstrap
            .resample(&Units::of_rows(40), &statistics)
            .unwrap();
        let [first, second, rare] = [0, 1, 2].map(|statistic| replicates.mean(&[statistic]));
        let mean = replicates.mean(&[0, 1]);
        let difference = replicates.mean_difference(&[[0, 1]]);
        for (replicate, (first, second)) in
            first.replicates.iter().zip(&second.replicates).enumerate()
        {
            assert_eq!(mean.replicates[replicate], (first + second) / 2.0);
            assert_eq!(difference.replicates[replicate], second - first);
        }
        assert_eq!(
            difference.estimate,
            Ok(second.estimate.unwrap() - first.estimate.unwrap())
        );
        // Two positives of forty are both absent with probability (38/40)^40 = 0.128.
        assert!(
            (90..170).contains(&rare.undefined_replicates),
            "{}",
            rare.undefined_replicates
        );
        assert_eq!(rare.replicates.len() + rare.undefined_replicates, 1000);
        assert_eq!(
            replicates.mean(&[0, 2]).undefined_replicates,
            rare.undefined_replicates
        );

        let all_positive = replicates.mean(&[0, 3]);
        assert_eq!(all_positive.estimate, Err(Undefined::NoNegatives));
        assert_eq!(all_positive.undefined_replicates, 1000);
        assert_eq!(
            replicates.mean(&[]).estimate,
            Err(Undefined::NothingToAverage)
        );
        assert_eq!(
            replicates.mean_difference(&[[1, 1], [0, 0]]).replicates,
            vec![0.0; 1000]
        );
    }

    #[test]
    fn units_that_are_not_there_are_an_error() {
        let rows = ScoredLabels::new(&[0.1, 0.2, 0.3], &[Some(true), Some(false), None]).unwrap();
        let statistic = Statistic {
            metric: Metric::Auroc,
            rows: &rows,
        };
        let error = Bootstrap::default().resample(&Units::of_rows(1), &[statistic]);
        let message = error.unwrap_err().to_string();
        assert!(message.contains("unit 1, expected one of 1"), "{message}");
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
