//! Area under the ROC curve, exact under ties.

use ndarray::ArrayView1;

/// Area under the ROC curve of `scores` `[rows]` against `labels` `[rows]`.
///
/// This is the Mann-Whitney statistic: the share of (positive, negative) pairs in which the positive scores higher, a tied
/// pair counting one half (Hanley and McNeil, Radiology 143, 1982). Pairs are counted in integers, so that the only rounding
/// is one division, whatever the ties. O(n log n) time.
///
/// Rows whose label is `None` are masked and do not count, whatever their score.
///
/// `None` where the area is undefined: no positive, no negative, or a NaN among the scores that count.
///
/// # Panics
///
/// If `scores` and `labels` differ in length.
pub fn auroc(scores: ArrayView1<f64>, labels: ArrayView1<Option<bool>>) -> Option<f64> {
    // One unit that is drawn once: the sample as it is.
    RankedScores::new(scores, labels, |_| 0)?.auroc(&[1])
}

/// Scores of one observation, sorted once, whose AUROC can then be asked for many resamples of the rows.
///
/// Rows belong to units (studies): a resample says how often each unit was drawn, and all rows of a unit travel together.
/// One evaluation is one pass over the rows, without sorting and without allocation.
#[derive(Debug, Clone)]
pub struct RankedScores {
    /// Unit of every row that counts; by score, and within equal scores negatives first.
    units: Vec<u32>,
    /// From the lowest score to the highest.
    runs: Vec<Run>,
    positives: usize,
    /// One more than the largest unit.
    unit_count: usize,
}

/// A stretch of [`RankedScores::units`] whose rows have one score, or one label: then their order makes no difference to
/// the area, and rare positives leave few runs.
#[derive(Debug, Clone, Copy)]
struct Run {
    start: usize,
    /// Where the negatives end and the positives begin.
    split: usize,
    end: usize,
}

impl Run {
    fn all_negative(self) -> bool {
        self.split == self.end
    }

    fn all_positive(self) -> bool {
        self.split == self.start
    }
}

impl RankedScores {
    /// Sorts `scores` `[rows]`; `unit_of(row)` is the resampling unit of a row, counted from 0. Masked rows are left out.
    ///
    /// `None` if a score that counts is NaN.
    ///
    /// # Panics
    ///
    /// If `scores` and `labels` differ in length.
    pub fn new(
        scores: ArrayView1<f64>,
        labels: ArrayView1<Option<bool>>,
        unit_of: impl Fn(usize) -> u32,
    ) -> Option<Self> {
        assert_eq!(scores.len(), labels.len(), "one label a score");
        let mut rows: Vec<(f64, bool, u32)> = scores
            .iter()
            .zip(labels)
            .enumerate()
            .filter_map(|(row, (&score, label))| label.map(|label| (score, label, unit_of(row))))
            .collect();
        if rows.iter().any(|(score, ..)| score.is_nan()) {
            return None;
        }
        rows.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));

        let mut ranked = Self {
            units: Vec::with_capacity(rows.len()),
            runs: Vec::new(),
            positives: rows.iter().filter(|(_, label, _)| *label).count(),
            unit_count: rows.iter().map(|row| row.2 as usize + 1).max().unwrap_or(0),
        };
        // Equality of floats and not of their total order, in which -0.0 lies below 0.0.
        for tied in rows.chunk_by(|a, b| a.0 == b.0) {
            ranked.push_tied(tied);
        }
        Some(ranked)
    }

    fn push_tied(&mut self, tied: &[(f64, bool, u32)]) {
        let units_of = |label| {
            tied.iter()
                .filter(move |row| row.1 == label)
                .map(|row| row.2)
        };
        let start = self.units.len();
        self.units.extend(units_of(false));
        let split = self.units.len();
        self.units.extend(units_of(true));
        let end = self.units.len();

        let run = Run { start, split, end };
        match self.runs.last_mut() {
            Some(last) if last.all_negative() && run.all_negative() => {
                (last.split, last.end) = (end, end);
            }
            Some(last) if last.all_positive() && run.all_positive() => last.end = end,
            _ => self.runs.push(run),
        }
    }

    /// Positives among the rows that count.
    pub fn positives(&self) -> usize {
        self.positives
    }

    /// Negatives among the rows that count.
    pub fn negatives(&self) -> usize {
        self.units.len() - self.positives
    }

    /// AUROC of the resample that holds the rows of unit `u` `counts[u]` times.
    ///
    /// `None` where this resample holds no positive or no negative.
    ///
    /// # Panics
    ///
    /// If `counts` is shorter than the number of units.
    pub fn auroc(&self, counts: &[u32]) -> Option<f64> {
        assert!(counts.len() >= self.unit_count, "one count a unit");
        let drawn = |units: &[u32]| -> u64 {
            units
                .iter()
                .map(|&unit| u64::from(counts[unit as usize]))
                .sum()
        };
        let (mut negatives_below, mut positives_below) = (0_u64, 0_u64);
        // Twice the number of pairs won, so that a tie is an integer too.
        let mut doubled_wins = 0_u128;
        for run in &self.runs {
            let negatives = drawn(&self.units[run.start..run.split]);
            let positives = drawn(&self.units[run.split..run.end]);
            doubled_wins += u128::from(positives) * u128::from(2 * negatives_below + negatives);
            negatives_below += negatives;
            positives_below += positives;
        }
        let pairs = u128::from(negatives_below) * u128::from(positives_below);
        (pairs > 0).then(|| doubled_wins as f64 / (2 * pairs) as f64)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use ndarray::Array1;
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    use super::*;

    /// The definition, pair by pair, with weights.
    fn pair_count(scores: &[f64], labels: &[Option<bool>], weights: &[u32]) -> Option<f64> {
        let (mut wins, mut pairs) = (0.0, 0.0);
        for (i, (positive, _)) in scores
            .iter()
            .zip(labels)
            .enumerate()
            .filter(|(_, (_, l))| **l == Some(true))
        {
            for (j, (negative, _)) in scores
                .iter()
                .zip(labels)
                .enumerate()
                .filter(|(_, (_, l))| **l == Some(false))
            {
                let weight = f64::from(weights[i]) * f64::from(weights[j]);
                pairs += weight;
                wins += weight
                    * if positive > negative {
                        1.0
                    } else if positive == negative {
                        0.5
                    } else {
                        0.0
                    };
            }
        }
        (pairs > 0.0).then_some(wins / pairs)
    }

    fn auc(scores: &[f64], labels: &[Option<bool>]) -> Option<f64> {
        auroc(scores.into(), labels.into())
    }

    #[test]
    fn equals_counting_pairs_on_tied_and_masked_data() {
        let mut undefined = 0;
        for seed in 0..500 {
            let mut rng = ChaCha8Rng::seed_from_u64(seed);
            let rows = rng.random_range(1..40);
            let levels = rng.random_range(1..20);
            let prevalence = rng.random_range(0.0..1.0);
            let scores: Vec<f64> = (0..rows)
                .map(|_| f64::from(rng.random_range(0..levels)) / 7.0)
                .collect();
            let labels: Vec<_> = (0..rows)
                .map(|_| (!rng.random_bool(0.2)).then(|| rng.random_bool(prevalence)))
                .collect();
            let expected = pair_count(&scores, &labels, &vec![1; rows]);
            let found = auc(&scores, &labels);
            undefined += usize::from(expected.is_none());
            match (found, expected) {
                (Some(found), Some(expected)) => {
                    assert!(
                        (found - expected).abs() < 1e-12,
                        "seed {seed}: {found} {expected}"
                    );
                }
                (found, expected) => assert_eq!(found, expected, "seed {seed}"),
            }
        }
        assert!((1..250).contains(&undefined), "{undefined}");
    }

    #[test]
    fn resample_counts_equal_repeating_the_rows() {
        for seed in 0..200 {
            let mut rng = ChaCha8Rng::seed_from_u64(seed);
            let (rows, units) = (30, 12);
            let scores: Array1<f64> = (0..rows)
                .map(|_| f64::from(rng.random_range(0..9)))
                .collect();
            let labels: Array1<_> = (0..rows)
                .map(|_| (!rng.random_bool(0.1)).then(|| rng.random_bool(0.3)))
                .collect();
            let unit: Vec<u32> = (0..rows).map(|_| rng.random_range(0..units)).collect();
            let counts: Vec<u32> = (0..units).map(|_| rng.random_range(0..4)).collect();
            let ranked = RankedScores::new(scores.view(), labels.view(), |row| unit[row]).unwrap();

            let repeated: Vec<usize> = (0..rows)
                .flat_map(|row| std::iter::repeat_n(row, counts[unit[row] as usize] as usize))
                .collect();
            let expected = auc(
                &repeated.iter().map(|&row| scores[row]).collect::<Vec<_>>(),
                &repeated.iter().map(|&row| labels[row]).collect::<Vec<_>>(),
            );
            assert_eq!(ranked.auroc(&counts), expected, "seed {seed}");

            let weights: Vec<u32> = unit.iter().map(|&unit| counts[unit as usize]).collect();
            let by_pairs = pair_count(&scores.to_vec(), &labels.to_vec(), &weights);
            assert_eq!(by_pairs.is_some(), expected.is_some(), "seed {seed}");
            if let (Some(by_pairs), Some(expected)) = (by_pairs, expected) {
                assert!((by_pairs - expected).abs() < 1e-12, "seed {seed}");
            }
        }
    }

    #[test]
    fn known_orders_give_known_areas() {
        let labels = [Some(false), Some(false), Some(true), Some(true)];
        assert_eq!(auc(&[0.1, 0.2, 0.3, 0.4], &labels), Some(1.0));
        assert_eq!(auc(&[0.4, 0.3, 0.2, 0.1], &labels), Some(0.0));
        assert_eq!(auc(&[0.1, 0.4, 0.35, 0.8], &labels), Some(0.75));
        assert_eq!(auc(&[0.5, 0.5, 0.5, 0.5], &labels), Some(0.5));
        assert_eq!(auc(&[-0.0, 0.0, -0.0, 0.0], &labels), Some(0.5));
        let infinite = [f64::NEG_INFINITY, 0.0, 0.0, f64::INFINITY];
        assert_eq!(auc(&infinite, &labels), Some(0.875));
    }

    #[test]
    fn one_class_is_undefined() {
        assert_eq!(auc(&[0.1, 0.9], &[Some(true), Some(true)]), None);
        assert_eq!(auc(&[0.1, 0.9], &[Some(false), Some(false)]), None);
        assert_eq!(auc(&[0.1, 0.9], &[Some(true), None]), None);
        assert_eq!(auc(&[0.1, 0.9], &[None, None]), None);
        assert_eq!(auc(&[], &[]), None);
    }

    #[test]
    fn a_masked_score_does_not_count_even_if_nan() {
        let labels = [Some(false), None, Some(true)];
        assert_eq!(auc(&[0.1, f64::NAN, 0.9], &labels), Some(1.0));
        assert_eq!(auc(&[f64::NAN, 0.5, 0.9], &labels), None);
    }

    #[test]
    fn a_resample_without_a_class_is_undefined() {
        let scores = Array1::from(vec![0.1, 0.2, 0.3]);
        let labels = Array1::from(vec![Some(false), Some(true), Some(true)]);
        let ranked = RankedScores::new(scores.view(), labels.view(), |row| row as u32).unwrap();
        assert_eq!((ranked.positives(), ranked.negatives()), (2, 1));
        assert_eq!(ranked.auroc(&[0, 2, 1]), None);
        assert_eq!(ranked.auroc(&[3, 0, 0]), None);
        assert_eq!(ranked.auroc(&[2, 0, 1]), Some(1.0));
    }

    #[test]
    fn only_neighbours_of_one_label_share_a_run() {
        let scores = Array1::from(vec![0.1, 0.2, 0.3, 0.4, 0.5, 0.5, 0.6]);
        let labels = [0, 0, 1, 1, 0, 1, 1].map(|label| Some(label == 1));
        let labels = Array1::from(labels.to_vec());
        let ranked = RankedScores::new(scores.view(), labels.view(), |_| 0).unwrap();
        // {0.1, 0.2}, {0.3, 0.4}, the tie at 0.5, {0.6}
        assert_eq!(ranked.runs.len(), 4);
        // 12 pairs, of which 9 are won and one is tied
        assert_eq!(ranked.auroc(&[1]), Some(9.5 / 12.0));
    }
}
