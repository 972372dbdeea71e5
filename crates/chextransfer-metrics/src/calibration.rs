//! Do probabilities mean what they say? Brier score, reliability bins, expected calibration error.

use serde::{Deserialize, Serialize};

use crate::interval::quantile;
use crate::{ScoredLabels, Undefined};

/// How probabilities are put into bins. A probability on an edge belongs to the bin below, 0 to the first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Bins {
    /// This many bins of one width (Guo et al., ICML 2017, use 15).
    EqualWidth(usize),
    /// This many bins that hold about as many rows each: edges are quantiles of the probabilities, without weights.
    Quantile(usize),
}

impl Default for Bins {
    /// 15 of one width.
    fn default() -> Self {
        Self::EqualWidth(15)
    }
}

/// What was predicted in a bin, and what happened.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct ReliabilityBin {
    /// Lower and upper edge.
    pub edges: [f64; 2],
    /// Rows in the bin.
    pub rows: usize,
    /// Their weight; as many as rows if they have none.
    pub weight: f64,
    /// Weighted mean of the probabilities; `None` in an empty bin.
    pub mean_probability: Option<f64>,
    /// Weighted share of positives; `None` in an empty bin.
    pub positive_share: Option<f64>,
}

impl ScoredLabels {
    /// Brier score: the mean squared difference of probability and label, from 0 to 1, the smaller the better (Brier,
    /// Monthly Weather Review 78, 1950, for two classes and one probability).
    ///
    /// # Errors
    ///
    /// [`Undefined`] where no row counts or a score is no probability.
    pub fn brier_score(&self) -> Result<f64, Undefined> {
        self.check_probabilities()?;
        Ok(self.brier_score_of(|place| self.weight(place)))
    }

    /// Brier score with the row at a place counting `weight(place)` times; NaN if nothing counts.
    pub(crate) fn brier_score_of(&self, weight: impl Fn(usize) -> f64) -> f64 {
        let (mut loss, mut total) = (0.0, 0.0);
        for (place, row) in self.rows.iter().enumerate() {
            let weight = weight(place);
            loss += weight * (row.score - f64::from(u8::from(row.positive))).powi(2);
            total += weight;
        }
        loss / total
    }

    /// Expected calibration error: the mean over the bins of the distance between mean probability and share of positives,
    /// weighted by the bins' rows (Naeini, Cooper and Hauskrecht, AAAI 2015).
    ///
    /// # Errors
    ///
    /// As [`reliability`](Self::reliability).
    pub fn calibration_error(&self, bins: Bins) -> Result<f64, Undefined> {
        self.check_probabilities()?;
        let ends = self.bin_ends(&self.edges(bins));
        Ok(self.calibration_error_of(&ends, |place| self.weight(place)))
    }

    /// Calibration error with the row at a place counting `weight(place)` times, for bins that end before these places;
    /// NaN if nothing counts.
    pub(crate) fn calibration_error_of(
        &self,
        ends: &[usize],
        weight: impl Fn(usize) -> f64,
    ) -> f64 {
        let (mut distance, mut total, mut start) = (0.0, 0.0, 0);
        for &end in ends {
            let [weight, probability, positives] = self.bin_sums(start..end, &weight);
            distance += (probability - positives).abs();
            total += weight;
            start = end;
        }
        distance / total
    }

    /// The reliability diagram's bins, from the lowest probability to the highest; empty ones are listed.
    ///
    /// # Errors
    ///
    /// [`Undefined`] where no row counts, a score is no probability, or no bins are asked for.
    pub fn reliability(&self, bins: Bins) -> Result<Vec<ReliabilityBin>, Undefined> {
        self.check_probabilities()?;
        let edges = self.edges(bins);
        let mut start = 0;
        let ends = self.bin_ends(&edges);
        let reliability = edges.windows(2).zip(ends).map(|(edges, end)| {
            let places = std::mem::replace(&mut start, end)..end;
            let [weight, probability, positives] =
                self.bin_sums(places.clone(), |place| self.weight(place));
            let mean_of = |sum| (!places.is_empty()).then(|| sum / weight);
            ReliabilityBin {
                edges: [edges[0], edges[1]],
                rows: places.len(),
                weight,
                mean_probability: mean_of(probability),
                positive_share: mean_of(positives),
            }
        });
        Ok(reliability.collect())
    }

    /// Weight, and weighted sums of probabilities and of labels.
    fn bin_sums(&self, places: std::ops::Range<usize>, weight: impl Fn(usize) -> f64) -> [f64; 3] {
        let mut sums = [0.0; 3];
        for place in places {
            let (row, weight) = (self.rows[place], weight(place));
            let positive = if row.positive { weight } else { 0.0 };
            for (sum, term) in sums.iter_mut().zip([weight, weight * row.score, positive]) {
                *sum += term;
            }
        }
        sums
    }

    /// The bins' edges, one more than there are bins; at least one bin.
    fn edges(&self, bins: Bins) -> Vec<f64> {
        match bins {
            Bins::EqualWidth(count) => {
                // As numpy.linspace, whose edges tied probabilities may lie on.
                let width = 1.0 / count.max(1) as f64;
                let inner = (1..count.max(1)).map(|edge| edge as f64 * width);
                [0.0].into_iter().chain(inner).chain([1.0]).collect()
            }
            Bins::Quantile(count) => {
                let scores: Vec<f64> = self.rows.iter().map(|row| row.score).collect();
                let count = count.max(1);
                let edges =
                    (0..=count).filter_map(|edge| quantile(&scores, edge as f64 / count as f64));
                edges.collect()
            }
        }
    }

    /// Where in the sorted order each bin ends.
    pub(crate) fn bin_ends(&self, edges: &[f64]) -> Vec<usize> {
        let (_, upper) = edges.split_first().unwrap_or((&0.0, &[]));
        let mut ends: Vec<usize> = upper
            .iter()
            .map(|&edge| self.rows.partition_point(|row| row.score <= edge))
            .collect();
        // Interpolation may round the last quantile below the highest probability.
        if let Some(last) = ends.last_mut() {
            *last = self.rows.len();
        }
        ends
    }

    /// Where the bins of these rows end; they stay where they are when the rows are resampled.
    pub(crate) fn ends_of(&self, bins: Bins) -> Vec<usize> {
        self.bin_ends(&self.edges(bins))
    }

    pub(crate) fn check_probabilities(&self) -> Result<(), Undefined> {
        self.check_rows()?;
        let outside = |row: &crate::scored_labels::ScoredRow| !(0.0..=1.0).contains(&row.score);
        // Sorted: the first and the last row tell.
        match self.rows.first().is_some_and(outside) || self.rows.last().is_some_and(outside) {
            true => Err(Undefined::NotProbabilities),
            false => Ok(()),
        }
    }
}
