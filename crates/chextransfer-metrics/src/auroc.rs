//! Area under the ROC curve, exact under ties, and the curve itself.

use std::ops::Range;

use crate::{ScoredLabels, Undefined};

/// One point of a ROC curve.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct RocPoint {
    /// Rows of at least this score are called positive; infinite at the curve's first point.
    pub threshold: f64,
    /// Share of the negatives that are called positive, 1 - specificity.
    pub false_positive_rate: f64,
    /// Share of the positives that are called positive, the sensitivity.
    pub true_positive_rate: f64,
}

impl ScoredLabels {
    /// Area under the ROC curve.
    ///
    /// This is the Mann-Whitney statistic: the share of (positive, negative) pairs in which the positive scores higher, a
    /// tied pair counting one half (Hanley and McNeil, Radiology 143, 1982). Without weights every sum is a whole number,
    /// so that the only rounding is one division (up to 2^52 pairs). O(n log n) time, the sorting included.
    ///
    /// # Errors
    ///
    /// [`Undefined`] where there is no positive or no negative.
    pub fn auroc(&self) -> Result<f64, Undefined> {
        self.check_classes()?;
        Ok(self.auroc_of(|places| places.map(|place| self.weight(place)).sum()))
    }

    /// AUROC with the rows at some places of the sorted order counting `weight(places)` times together; NaN if a class
    /// counts nothing.
    pub(crate) fn auroc_of(&self, weight: impl Fn(Range<usize>) -> f64) -> f64 {
        let (mut negatives_below, mut positives_below) = (0.0, 0.0);
        // Twice the number of pairs won, so that a tie is a whole number too.
        let mut doubled_wins = 0.0;
        for run in &self.runs {
            let negatives = weight(run.start..run.split);
            let positives = weight(run.split..run.end);
            doubled_wins += positives * (2.0 * negatives_below + negatives);
            negatives_below += negatives;
            positives_below += positives;
        }
        doubled_wins / (2.0 * negatives_below * positives_below)
    }

    /// AUROC with each of `units` units left out in turn, NaN where a class is missing then; rows without weights.
    ///
    /// One pass instead of one a unit: from the pairs won, those of the unit's positives and of its negatives are taken
    /// away, and the pairs within the unit, which both hold, are given back. All are whole numbers.
    pub(crate) fn auroc_without_each(&self, units: usize) -> Vec<f64> {
        let [positives, negatives] = [self.positives() as f64, self.negatives() as f64];
        let (mut negatives_below, mut positives_below, mut doubled_wins) = (0.0, 0.0, 0.0);
        let mut of_units = vec![OfUnit::default(); units];
        for run in &self.runs {
            let (negative, positive) = (run.start..run.split, run.split..run.end);
            let (tied_negatives, tied_positives) = (negative.len() as f64, positive.len() as f64);
            let beaten = 2.0 * negatives_below + tied_negatives;
            let beaten_by = 2.0 * (positives - positives_below) - tied_positives;
            for &unit in &self.units[negative.clone()] {
                let of = &mut of_units[unit as usize];
                of.tied_negatives += 1.0;
                of.doubled_wins += beaten_by;
            }
            for &unit in &self.units[positive] {
                let of = &mut of_units[unit as usize];
                of.positives += 1.0;
                of.doubled_wins += beaten - 2.0 * of.negatives - of.tied_negatives;
            }
            for &unit in &self.units[negative] {
                let of = &mut of_units[unit as usize];
                of.negatives += std::mem::take(&mut of.tied_negatives);
            }
            doubled_wins += tied_positives * beaten;
            negatives_below += tied_negatives;
            positives_below += tied_positives;
        }
        let without = |of: OfUnit| {
            let pairs = (positives - of.positives) * (negatives - of.negatives);
            (doubled_wins - of.doubled_wins) / (2.0 * pairs)
        };
        of_units.into_iter().map(without).collect()
    }

    /// The ROC curve: (0, 0), then one point a distinct score, from the highest down to (1, 1).
    ///
    /// # Errors
    ///
    /// [`Undefined`] where there is no positive or no negative.
    pub fn roc_curve(&self) -> Result<Vec<RocPoint>, Undefined> {
        self.check_classes()?;
        let counts = self.called_positive();
        let [false_positives, true_positives] = counts.last().map_or([0.0; 2], |last| last.1);
        let first = (f64::INFINITY, [0.0, 0.0]);
        let points = std::iter::once(first).chain(counts);
        let points = points.map(|(threshold, [negatives, positives])| RocPoint {
            threshold,
            false_positive_rate: negatives / false_positives,
            true_positive_rate: positives / true_positives,
        });
        Ok(points.collect())
    }

    /// For each distinct score, from the highest down: the weight of the `[negatives, positives]` of at least that score.
    pub(crate) fn called_positive(&self) -> Vec<(f64, [f64; 2])> {
        let mut above = [0.0, 0.0];
        let points = self.ties().rev().map(|tied| {
            for place in tied.clone() {
                above[usize::from(self.rows[place].positive)] += self.weight(place);
            }
            (self.rows[tied.start].score, above)
        });
        points.collect()
    }
}

/// A unit's share of the pairs.
#[derive(Debug, Clone, Copy, Default)]
struct OfUnit {
    positives: f64,
    /// Of the runs before.
    negatives: f64,
    /// Of the run at hand.
    tied_negatives: f64,
    /// Twice the pairs won, of this unit's rows against all and of all against this unit's.
    doubled_wins: f64,
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
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
        ScoredLabels::new(scores, labels).unwrap().auroc().ok()
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
    fn weights_count_as_often_as_they_say() {
        for seed in 0..200 {
            let mut rng = ChaCha8Rng::seed_from_u64(seed);
            let rows = 30;
            let scores: Vec<f64> = (0..rows)
                .map(|_| f64::from(rng.random_range(0..9)))
                .collect();
            let labels: Vec<_> = (0..rows)
                .map(|_| (!rng.random_bool(0.1)).then(|| rng.random_bool(0.3)))
                .collect();
            let weights: Vec<u32> = (0..rows).map(|_| rng.random_range(0..4)).collect();
            let as_floats: Vec<f64> = weights.iter().map(|&weight| f64::from(weight)).collect();
            let weighted = ScoredLabels::weighted(&scores, &labels, &as_floats).unwrap();

            let repeated: Vec<usize> = (0..rows)
                .flat_map(|row| std::iter::repeat_n(row, weights[row] as usize))
                .collect();
            let repeated = auc(
                &repeated.iter().map(|&row| scores[row]).collect::<Vec<_>>(),
                &repeated.iter().map(|&row| labels[row]).collect::<Vec<_>>(),
            );
            assert_eq!(weighted.auroc().ok(), repeated, "seed {seed}");
            match (
                weighted.auroc().ok(),
                pair_count(&scores, &labels, &weights),
            ) {
                (Some(found), Some(pairs)) => assert!((found - pairs).abs() < 1e-12),
                (found, pairs) => assert_eq!(found, pairs),
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
    fn undefined_comes_with_its_reason() {
        let reason = |labels: &[Option<bool>], weights: &[f64]| {
            let rows = ScoredLabels::weighted(&[0.1, 0.9], labels, weights).unwrap();
            rows.auroc().unwrap_err()
        };
        let ones = [1.0, 1.0];
        assert_eq!(
            reason(&[Some(true), Some(true)], &ones),
            Undefined::NoNegatives
        );
        assert_eq!(
            reason(&[Some(false), Some(false)], &ones),
            Undefined::NoPositives
        );
        assert_eq!(reason(&[Some(true), None], &ones), Undefined::NoNegatives);
        assert_eq!(reason(&[None, None], &ones), Undefined::AllMasked);
        assert_eq!(
            reason(&[Some(true), Some(false)], &[0.0, 0.0]),
            Undefined::ZeroWeight
        );
        assert_eq!(
            reason(&[Some(true), Some(false)], &[0.0, 2.0]),
            Undefined::NoPositives
        );
    }

    #[test]
    fn a_masked_score_does_not_count_even_if_nan() {
        let labels = [Some(false), None, Some(true)];
        assert_eq!(auc(&[0.1, f64::NAN, 0.9], &labels), Some(1.0));
    }

    #[test]
    fn only_neighbours_of_one_label_share_a_run() {
        let labels = [0, 0, 1, 1, 0, 1, 1].map(|label| Some(label == 1));
        let rows = ScoredLabels::new(&[0.1, 0.2, 0.3, 0.4, 0.5, 0.5, 0.6], &labels).unwrap();
        // {0.1, 0.2}, {0.3, 0.4}, the tie at 0.5, {0.6}
        assert_eq!(rows.runs.len(), 4);
        // 12 pairs, of which 9 are won and one is tied
        assert_eq!(rows.auroc(), Ok(9.5 / 12.0));
    }

    #[test]
    fn the_area_under_the_curves_points_is_the_area() {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let scores: Vec<f64> = (0..100)
            .map(|_| f64::from(rng.random_range(0..20)))
            .collect();
        let labels: Vec<_> = (0..100).map(|_| Some(rng.random_bool(0.3))).collect();
        let weights: Vec<f64> = (0..100).map(|_| rng.random_range(0.0..2.0)).collect();
        let rows = ScoredLabels::weighted(&scores, &labels, &weights).unwrap();
        let points = rows.roc_curve().unwrap();
        let trapezoids = points.windows(2).map(|of| {
            let height = (of[0].true_positive_rate + of[1].true_positive_rate) / 2.0;
            (of[1].false_positive_rate - of[0].false_positive_rate) * height
        });
        let area: f64 = trapezoids.sum();
        assert!((area - rows.auroc().unwrap()).abs() < 1e-12);
        assert_eq!(points[0].threshold, f64::INFINITY);
        let last = points.last().unwrap();
        assert_eq!(
            (last.false_positive_rate, last.true_positive_rate),
            (1.0, 1.0)
        );
    }
}
