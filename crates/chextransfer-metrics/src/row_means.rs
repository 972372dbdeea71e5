//! Means of numbers that rows have, such as how well a map finds a finding, on replicates.

use rayon::prelude::*;

use crate::scored_labels::check_lengths;
use crate::{Bootstrap, Error, IntervalMethod, Replicates, Result, Undefined, Units};

/// A column by unit: the sum of its values and how many there are.
type Sums = Vec<(f64, u32)>;

impl Bootstrap {
    /// The mean of each column on the sample and on every replicate of its `units`: the same replicates as
    /// [`resample`](Self::resample)'s, so that columns may be compared in pairs.
    ///
    /// `columns`: one value a row each; `None` where a row does not count for the column. A replicate without any row that
    /// counts has no mean. As there, [`unit`](Self::unit) and [`stratify`](Self::stratify) are not looked at.
    ///
    /// # Errors
    ///
    /// If the settings are out of range, a column has not one value a row of `units`, or a value is not finite.
    pub fn resample_means(
        &self,
        units: &Units,
        columns: &[Vec<Option<f64>>],
    ) -> Result<Replicates> {
        self.check()?;
        let columns: Vec<Sums> = columns
            .iter()
            .map(|column| units.sums(column))
            .collect::<Result<_>>()?;
        let means = |counts: &[u32]| -> Vec<f64> {
            columns.iter().map(|column| mean(column, counts)).collect()
        };
        let resampled =
            |resamples: usize, fill: &(dyn Fn(usize, &mut [u32]) + Sync)| -> Vec<Vec<f64>> {
                let resamples = (0..resamples).into_par_iter();
                let measured = resamples.map_init(
                    || vec![1; units.count()],
                    |counts, resample| {
                        fill(resample, counts);
                        means(counts)
                    },
                );
                measured.collect()
            };
        let estimates = means(&vec![1; units.count()]);
        let jackknife = match self.method {
            IntervalMethod::Bca if self.replicates > 0 => {
                resampled(units.count(), &|unit, counts| {
                    counts.fill(1);
                    counts[unit] = 0;
                })
            }
            _ => Vec::new(),
        };
        Ok(Replicates::new(
            estimates
                .into_iter()
                .map(|mean| {
                    if mean.is_nan() {
                        Err(Undefined::NothingToAverage)
                    } else {
                        Ok(mean)
                    }
                })
                .collect(),
            resampled(self.replicates, &|replicate, counts| {
                units.draw(self.seed, replicate as u64, counts);
            }),
            jackknife,
        ))
    }
}

impl Units {
    /// A column's sums by unit.
    fn sums(&self, column: &[Option<f64>]) -> Result<Sums> {
        check_lengths(self.rows(), column, "values")?;
        let mut sums = vec![(0.0, 0); self.count()];
        for (row, value) in column.iter().enumerate() {
            let Some(value) = *value else { continue };
            if !value.is_finite() {
                return Err(Error::Value {
                    what: "value",
                    row,
                    found: value,
                    expected: "a finite number",
                });
            }
            let (sum, count) = &mut sums[self.of_row(row as u32) as usize];
            *sum += value;
            *count += 1;
        }
        Ok(sums)
    }
}

/// The mean over the rows of all units, unit `u` `counts[u]` times; NaN without rows.
fn mean(column: &Sums, counts: &[u32]) -> f64 {
    let (mut sum, mut rows) = (0.0, 0);
    for ((of_unit, count), times) in column.iter().zip(counts) {
        sum += of_unit * f64::from(*times);
        rows += u64::from(*count) * u64::from(*times);
    }
    match rows {
        0 => f64::NAN,
        rows => sum / rows as f64,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_mean_is_over_the_rows_that_count_and_a_replicate_repeats_whole_units() {
        let units = Units::named(["a", "a", "b", "c"]);
        let columns = [
            vec![Some(1.0), Some(3.0), None, Some(8.0)],
            vec![Some(2.0), Some(4.0), None, Some(9.0)],
            vec![None, None, None, None],
        ];
        let bootstrap = Bootstrap::default();
        let replicates = bootstrap.resample_means(&units, &columns).unwrap();
        assert_eq!(
            replicates.estimates(),
            [Ok(4.0), Ok(5.0), Err(Undefined::NothingToAverage)]
        );
        let found = replicates.mean(&[0]);
        let mut counts = vec![0; 3];
        let mut defined = found.replicates.iter();
        for replicate in 0..bootstrap.replicates as u64 {
            units.draw(bootstrap.seed, replicate, &mut counts);
            let (a, c) = (f64::from(counts[0]), f64::from(counts[2]));
            if a + c > 0.0 {
                assert_eq!(
                    *defined.next().unwrap(),
                    (4.0 * a + 8.0 * c) / (2.0 * a + c)
                );
            }
        }
        // b alone is drawn with probability 1/27.
        assert!(defined.next().is_none() && (15..70).contains(&found.undefined_replicates));
        let difference = replicates.mean_difference(&[[0, 1]]);
        assert!(
            difference
                .replicates
                .iter()
                .all(|difference| (difference - 1.0).abs() < 1e-12)
        );
    }

    #[test]
    fn bca_leaves_each_unit_out_once() {
        let units = Units::of_rows(3);
        let bootstrap = Bootstrap {
            method: IntervalMethod::Bca,
            ..Bootstrap::default()
        };
        let column = vec![Some(0.0), Some(3.0), Some(9.0)];
        let found = bootstrap
            .resample_means(&units, &[column])
            .unwrap()
            .mean(&[0]);
        assert_eq!(found.jackknife, [6.0, 4.5, 1.5]);
    }

    #[test]
    fn columns_that_do_not_fit_are_errors() {
        let units = Units::of_rows(2);
        for column in [vec![Some(1.0)], vec![Some(1.0), Some(f64::NAN)]] {
            assert!(
                Bootstrap::default()
                    .resample_means(&units, &[column])
                    .is_err()
            );
        }
    }
}
