//! DeLong's variance of an AUROC, and of the difference of two on the same rows.

use serde::Serialize;

use crate::distributions::{normal_cdf, normal_quantile};
use crate::{Error, Result, ScoredLabels, Undefined};

/// An AUROC and its variance.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct DeLong {
    /// The area.
    pub auc: f64,
    /// Its estimated variance.
    pub variance: f64,
}

/// The difference of two AUROCs on the same rows, tested.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct DeLongTest {
    /// The areas of the two models.
    pub aucs: [f64; 2],
    /// Their estimated variances and covariance: `[[first, both], [both, second]]`.
    pub covariance: [[f64; 2]; 2],
}

impl ScoredLabels {
    /// Nonparametric variance of the AUROC (DeLong, DeLong and Clarke-Pearson, Biometrics 44, 1988), from the share of
    /// negatives that each positive beats and of positives that beat each negative. One pass over the sorted rows gives all
    /// of them, as the midranks of Sun and Xu (IEEE Signal Processing Letters 21, 2014) do: O(n log n).
    ///
    /// # Errors
    ///
    /// [`Undefined`] with less than two positives or two negatives, or if rows are weighted or share units.
    pub fn delong(&self) -> Result<DeLong, Undefined> {
        let placements = self.placements()?;
        Ok(DeLong {
            auc: placements.auc(),
            variance: placements.covariance(&placements),
        })
    }

    /// The paired comparison of this model with `other` on the same rows.
    ///
    /// # Errors
    ///
    /// If the rows or labels of the two differ.
    pub fn delong_test(&self, other: &Self) -> Result<Result<DeLongTest, Undefined>> {
        if !self.same_rows(other) {
            return Err(Error::NotPaired);
        }
        Ok(self.placements().and_then(|first| {
            let second = other.placements()?;
            let both = first.covariance(&second);
            Ok(DeLongTest {
                aucs: [first.auc(), second.auc()],
                covariance: [
                    [first.covariance(&first), both],
                    [both, second.covariance(&second)],
                ],
            })
        }))
    }

    fn placements(&self) -> Result<Placements, Undefined> {
        self.check_classes()?;
        let [positives, negatives] = [self.positives(), self.negatives()];
        let mut units = self.units.clone();
        units.sort_unstable();
        if self.weights.is_some() || units.windows(2).any(|pair| pair[0] == pair[1]) {
            return Err(Undefined::NotIndependent);
        }
        if positives < 2 || negatives < 2 {
            return Err(Undefined::TooFew);
        }
        let (mut negatives_below, mut positives_below) = (0, 0);
        let mut placed = Placements {
            of_positives: Vec::with_capacity(positives),
            of_negatives: Vec::with_capacity(negatives),
        };
        for run in &self.runs {
            let (tied_negatives, tied_positives) = (run.split - run.start, run.end - run.split);
            let beaten = negatives_below as f64 + tied_negatives as f64 / 2.0;
            let beaten_by = (positives - positives_below) as f64 - tied_positives as f64 / 2.0;
            let row = |place: usize| self.rows[place].row;
            let beaten = beaten / negatives as f64;
            let beaten_by = beaten_by / positives as f64;
            placed
                .of_positives
                .extend((run.split..run.end).map(|place| (row(place), beaten)));
            placed
                .of_negatives
                .extend((run.start..run.split).map(|place| (row(place), beaten_by)));
            negatives_below += tied_negatives;
            positives_below += tied_positives;
        }
        // Back to the order of the rows, which two models share.
        placed.of_positives.sort_unstable_by_key(|placed| placed.0);
        placed.of_negatives.sort_unstable_by_key(|placed| placed.0);
        Ok(placed)
    }
}

/// Placement values: (row, share of the other class on the right side of it, ties counting one half).
struct Placements {
    of_positives: Vec<(u32, f64)>,
    of_negatives: Vec<(u32, f64)>,
}

impl Placements {
    fn auc(&self) -> f64 {
        mean(&self.of_positives)
    }

    fn covariance(&self, other: &Self) -> f64 {
        covariance_of_means(&self.of_positives, &other.of_positives)
            + covariance_of_means(&self.of_negatives, &other.of_negatives)
    }
}

fn mean(placed: &[(u32, f64)]) -> f64 {
    placed.iter().map(|placed| placed.1).sum::<f64>() / placed.len() as f64
}

/// Sample covariance over the number of rows.
fn covariance_of_means(first: &[(u32, f64)], second: &[(u32, f64)]) -> f64 {
    let (of_first, of_second) = (mean(first), mean(second));
    let products = first
        .iter()
        .zip(second)
        .map(|(a, b)| (a.1 - of_first) * (b.1 - of_second));
    let count = first.len() as f64;
    products.sum::<f64>() / (count - 1.0) / count
}

impl DeLong {
    /// The normal interval at `confidence` (between 0 and 1), cut off at 0 and 1.
    pub fn interval(&self, confidence: f64) -> [f64; 2] {
        let half = normal_quantile((1.0 + confidence) / 2.0) * self.variance.sqrt();
        [(self.auc - half).max(0.0), (self.auc + half).min(1.0)]
    }
}

impl DeLongTest {
    /// Second area minus first.
    pub fn difference(&self) -> f64 {
        self.aucs[1] - self.aucs[0]
    }

    /// Standard error of the difference.
    pub fn standard_error(&self) -> f64 {
        let [[first, both], [_, second]] = self.covariance;
        (first + second - 2.0 * both).max(0.0).sqrt()
    }

    /// Two-sided p-value of equal areas, by the normal distribution.
    ///
    /// # Errors
    ///
    /// [`Undefined::NoSpread`] if areas that differ have no standard error. Two models that rank alike have p = 1.
    pub fn p_value(&self) -> Result<f64, Undefined> {
        if self.difference() == 0.0 {
            return Ok(1.0);
        }
        let z = self.z(0.0)?;
        Ok(2.0 * normal_cdf(-z.abs()))
    }

    /// One-sided p-value of the second model's area being smaller than the first's by `margin` or more: if small, the
    /// second is not inferior.
    ///
    /// # Errors
    ///
    /// [`Undefined::NoSpread`] without a standard error.
    pub fn p_inferior(&self, margin: f64) -> Result<f64, Undefined> {
        Ok(normal_cdf(-self.z(-margin)?))
    }

    /// The normal interval of the difference at `confidence` (between 0 and 1).
    pub fn interval(&self, confidence: f64) -> [f64; 2] {
        let half = normal_quantile((1.0 + confidence) / 2.0) * self.standard_error();
        [self.difference() - half, self.difference() + half]
    }

    fn z(&self, null: f64) -> Result<f64, Undefined> {
        let error = self.standard_error();
        // Below the rounding of areas near 1 there is nothing left to estimate.
        match error > 1e-9 {
            true => Ok((self.difference() - null) / error),
            false => Err(Undefined::NoSpread),
        }
    }
}
