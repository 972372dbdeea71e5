//! The paired permutation test: what if the models' names meant nothing?

use rand::RngExt;
use serde::Serialize;

use crate::bootstrap::measure;
use crate::interval::ROUNDING;
use crate::units::stream;
use crate::{Error, Metric, Result, ScoredLabels, Undefined};

/// The first stream of swaps, beyond those of the bootstrap with the same seed.
const SWAPS: u64 = 1 << 63;

/// Result of [`permutation_test`].
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct PermutationTest {
    /// Mean over the pairs of the second model's metric minus the first's.
    pub difference: f64,
    /// Two-sided p-value of exchangeable models.
    pub p_value: f64,
    /// Permutations looked at that have a difference.
    pub permutations: usize,
    /// Whether these were all there are.
    pub exact: bool,
}

/// Tests the difference of two models by swapping, in each unit with probability one half, which model its scores are of.
///
/// `pairs` are the observations, each with the rows of the first and of the second model; their differences are averaged,
/// and a swap is of all of a unit's observations. Where only ranks matter, scores are replaced by their midranks within
/// model first, so that models on different scales can be swapped (Venkatraman and Begg, Biometrika 83, 1996; Bandos,
/// Rockette and Gur, Statistics in Medicine 24, 2005). If there are no more than `permutations` ways to swap, each is tried
/// once; else they are drawn, each a pure function of the seed and its number, and the sample itself counts as one.
///
/// # Errors
///
/// If the rows, labels or units of a pair differ. Inside: [`Undefined`] if the metric is, or without pairs or permutations.
pub fn permutation_test(
    pairs: &[(&ScoredLabels, &ScoredLabels)],
    metric: Metric,
    permutations: usize,
    seed: u64,
) -> Result<Result<PermutationTest, Undefined>> {
    if pairs.iter().any(|(first, second)| !first.same_rows(second)) {
        return Err(Error::NotPaired);
    }
    if pairs.is_empty() || permutations == 0 {
        return Ok(Err(Undefined::NothingToAverage));
    }
    for (first, second) in pairs {
        if let Err(undefined) = metric.of(first).and(metric.of(second)) {
            return Ok(Err(undefined));
        }
    }
    let last_unit = |(rows, _): &(&ScoredLabels, &ScoredLabels)| rows.units.iter().max().copied();
    let units = pairs
        .iter()
        .filter_map(last_unit)
        .max()
        .map_or(0, |unit| unit as usize + 1);
    let pooled = pairs
        .iter()
        .map(|(first, second)| first.pooled(second, metric, units as u32))
        .collect::<Result<Vec<_>>>()?;
    let pooled: Vec<_> = pooled
        .iter()
        .map(|rows| Some(metric.prepare(rows)))
        .collect();

    let exact = units < 63 && permutations as u64 >= 1 << units;
    let resamples = if exact { 1 << units } else { permutations + 1 };
    // Two resamples a permutation: the rows that go by the first model's name, and the others. The zeroth swaps nothing.
    let swap = |resample: usize, counts: &mut [u32]| {
        let (number, second) = (resample / 2, (resample % 2) as u32);
        let (own, other) = counts.split_at_mut(units);
        let mut rng = stream(seed, SWAPS + number as u64);
        for (unit, (own, other)) in own.iter_mut().zip(other).enumerate() {
            let swapped = match exact {
                true => number >> unit & 1 == 1,
                false => number > 0 && rng.random::<bool>(),
            };
            *own = if swapped { second } else { 1 - second };
            *other = 1 - *own;
        }
    };
    let values = measure(2 * resamples, 2 * units, &pooled, swap);
    let differences: Vec<f64> = values
        .chunks_exact(2)
        .map(|models| {
            let pairs = models[0].iter().zip(&models[1]);
            pairs.map(|(first, second)| second - first).sum::<f64>() / pooled.len() as f64
        })
        .filter(|difference| !difference.is_nan())
        .collect();
    let difference = differences[0];
    let as_large = differences
        .iter()
        .filter(|other| other.abs() >= difference.abs() - ROUNDING)
        .count();
    Ok(Ok(PermutationTest {
        difference,
        p_value: as_large as f64 / differences.len() as f64,
        permutations: differences.len() - usize::from(!exact),
        exact,
    }))
}

impl ScoredLabels {
    /// The rows of both models as one sample: unit `u` holds the first model's, unit `units + u` the second's.
    fn pooled(&self, other: &Self, metric: Metric, units: u32) -> Result<Self> {
        let (mut scores, mut labels, mut weights) = (Vec::new(), Vec::new(), Vec::new());
        let mut of_rows = Vec::new();
        for (model, rows) in (0..).zip([self, other]) {
            for tied in rows.ties() {
                let midrank = (tied.start + tied.end - 1) as f64 / 2.0;
                for place in tied {
                    let row = rows.rows[place];
                    scores.push(if metric.ranks_only() {
                        midrank
                    } else {
                        row.score
                    });
                    labels.push(Some(row.positive));
                    weights.push(rows.weight(place));
                    of_rows.push(rows.units[place] + model * units);
                }
            }
        }
        let weights = self.weights.is_some().then_some(&weights[..]);
        Self::build(&scores, &labels, weights, |row| of_rows[row as usize])
    }
}
