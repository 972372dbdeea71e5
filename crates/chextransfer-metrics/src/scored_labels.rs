//! Scores and labels of one observation, sorted once: what every metric is computed from.

use crate::{Error, Result, Undefined};

/// Scores and labels of one observation, from plain arrays or from a column of [`Predictions`](crate::Predictions).
///
/// Sorted by score when it is made, so that each metric, on the rows as they are or on a resample, is one pass over them.
/// Rows whose label is masked are left out, as are rows of weight zero.
///
/// ```
/// use chextransfer_metrics::{ScoredLabels, Undefined};
///
/// let labels = [Some(false), Some(false), None, Some(true), Some(true)];
/// let edema = ScoredLabels::new(&[0.1, 0.4, 0.9, 0.35, 0.8], &labels)?;
/// assert_eq!(edema.auroc(), Ok(0.75));
///
/// let fracture = ScoredLabels::new(&[0.1, 0.4], &[Some(false), Some(false)])?;
/// assert_eq!(fracture.auroc(), Err(Undefined::NoPositives));
/// # Ok::<(), chextransfer_metrics::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct ScoredLabels {
    /// Ascending by score, and within equal scores negatives first.
    pub(crate) rows: Vec<ScoredRow>,
    /// Unit of every row, apart from the rest: it alone is read in every pass.
    pub(crate) units: Vec<u32>,
    /// Weight of every row; `None` if all are one.
    pub(crate) weights: Option<Vec<f64>>,
    /// From the lowest score to the highest.
    pub(crate) runs: Vec<Run>,
    /// Why there are no rows, if there are none.
    if_empty: Undefined,
}

/// One row that counts.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct ScoredRow {
    pub(crate) score: f64,
    pub(crate) positive: bool,
    /// Its place in the arrays that were given.
    pub(crate) row: u32,
}

/// A stretch of rows that have one score, or one label: then their order makes no difference to the ranking, and rare
/// positives leave few runs.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Run {
    pub(crate) start: usize,
    /// Where the negatives end and the positives begin.
    pub(crate) split: usize,
    pub(crate) end: usize,
}

impl Run {
    fn all_negative(self) -> bool {
        self.split == self.end
    }

    fn all_positive(self) -> bool {
        self.split == self.start
    }
}

impl ScoredLabels {
    /// Sorts `scores` `[rows]` with their `labels` `[rows]`, `None` being masked.
    ///
    /// # Errors
    ///
    /// If the arrays are empty or differ in length, or a score that counts is NaN.
    pub fn new(scores: &[f64], labels: &[Option<bool>]) -> Result<Self> {
        check_lengths(scores, labels, "labels")?;
        Self::build(scores, labels, None, |row| row)
    }

    /// As [`new`](Self::new), each row counting `weights` `[rows]` times; zero leaves it out.
    ///
    /// # Errors
    ///
    /// As for [`new`](Self::new), and if a weight is negative, infinite or NaN.
    pub fn weighted(scores: &[f64], labels: &[Option<bool>], weights: &[f64]) -> Result<Self> {
        check_lengths(scores, labels, "labels")?;
        check_lengths(scores, weights, "weights")?;
        let bad = |weight: &f64| !weight.is_finite() || *weight < 0.0;
        if let Some(row) = weights.iter().position(bad) {
            let found = weights[row];
            return Err(Error::Value {
                what: "weight",
                row,
                found,
                expected: "a finite number of at least 0",
            });
        }
        Self::build(scores, labels, Some(weights), |row| row)
    }

    /// Rows that belong to resampling units: `unit_of(row)`, counted from 0. All slices are of one length.
    pub(crate) fn build(
        scores: &[f64],
        labels: &[Option<bool>],
        weights: Option<&[f64]>,
        unit_of: impl Fn(u32) -> u32,
    ) -> Result<Self> {
        let weight_of = |row: u32| weights.map_or(1.0, |weights| weights[row as usize]);
        let labelled = (0..).zip(scores.iter().zip(labels));
        let labelled = labelled.filter_map(|(row, (&score, label))| {
            label.map(|positive| ScoredRow {
                score,
                positive,
                row,
            })
        });
        let mut rows: Vec<ScoredRow> = labelled.collect();
        let if_empty = match rows.is_empty() {
            true => Undefined::AllMasked,
            false => Undefined::ZeroWeight,
        };
        rows.retain(|row| weight_of(row.row) > 0.0);
        if let Some(row) = rows.iter().find(|row| row.score.is_nan()) {
            return Err(Error::Value {
                what: "score",
                row: row.row as usize,
                found: row.score,
                expected: "a number",
            });
        }
        // Ties after -0.0 is made 0.0, which the total order would tell apart; then a fixed order, whatever the input's.
        for row in &mut rows {
            row.score += 0.0;
        }
        rows.sort_unstable_by(|a, b| {
            let by_score = a.score.total_cmp(&b.score);
            by_score
                .then(a.positive.cmp(&b.positive))
                .then(a.row.cmp(&b.row))
        });
        Ok(Self {
            units: rows.iter().map(|row| unit_of(row.row)).collect(),
            weights: weights.map(|_| rows.iter().map(|row| weight_of(row.row)).collect()),
            runs: runs(&rows),
            rows,
            if_empty,
        })
    }

    /// Rows with the observation.
    pub fn positives(&self) -> usize {
        self.rows.iter().filter(|row| row.positive).count()
    }

    /// Rows without it.
    pub fn negatives(&self) -> usize {
        self.rows.len() - self.positives()
    }

    /// Why there is no row; `Ok` if there is one.
    pub(crate) fn check_rows(&self) -> Result<(), Undefined> {
        match self.rows.is_empty() {
            true => Err(self.if_empty),
            false => Ok(()),
        }
    }

    /// Why there is no positive.
    pub(crate) fn check_positives(&self) -> Result<(), Undefined> {
        self.check_rows()?;
        match self.positives() {
            0 => Err(Undefined::NoPositives),
            _ => Ok(()),
        }
    }

    /// Why these rows have no AUROC.
    pub(crate) fn check_classes(&self) -> Result<(), Undefined> {
        self.check_positives()?;
        match self.negatives() {
            0 => Err(Undefined::NoNegatives),
            _ => Ok(()),
        }
    }

    /// Weight of the row at a place of the sorted order.
    pub(crate) fn weight(&self, place: usize) -> f64 {
        self.weights.as_ref().map_or(1.0, |weights| weights[place])
    }

    /// Places of equal score, from the lowest score to the highest.
    pub(crate) fn ties(&self) -> impl DoubleEndedIterator<Item = std::ops::Range<usize>> + '_ {
        let mut start = 0;
        let groups: Vec<_> = self
            .rows
            .chunk_by(|a, b| a.score == b.score)
            .map(|tied| {
                let group = start..start + tied.len();
                start = group.end;
                group
            })
            .collect();
        groups.into_iter()
    }

    /// Whether `other` has the same rows with the same labels, weights and units.
    pub(crate) fn same_rows(&self, other: &Self) -> bool {
        let in_order = |of: &Self| {
            let mut rows: Vec<_> = (0..of.rows.len())
                .map(|place| {
                    let row = of.rows[place];
                    (
                        row.row,
                        row.positive,
                        of.units[place],
                        of.weight(place).to_bits(),
                    )
                })
                .collect();
            rows.sort_unstable();
            rows
        };
        in_order(self) == in_order(other)
    }
}

fn runs(rows: &[ScoredRow]) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    let mut start = 0;
    for tied in rows.chunk_by(|a, b| a.score == b.score) {
        let split = start + tied.iter().filter(|row| !row.positive).count();
        let end = start + tied.len();
        let run = Run { start, split, end };
        match runs.last_mut() {
            Some(last) if last.all_negative() && run.all_negative() => {
                (last.split, last.end) = (end, end);
            }
            Some(last) if last.all_positive() && run.all_positive() => last.end = end,
            _ => runs.push(run),
        }
        start = end;
    }
    runs
}

/// Labels from numbers that are 0 or 1, as other programs store them; mask rows afterwards by setting them to `None`.
///
/// # Errors
///
/// If a number is neither 0 nor 1, NaN included: a missing label has to be masked on purpose.
pub fn labels_from_numbers(numbers: &[f64]) -> Result<Vec<Option<bool>>> {
    let labels = numbers.iter().enumerate().map(|(row, &found)| match found {
        0.0 => Ok(Some(false)),
        1.0 => Ok(Some(true)),
        _ => Err(Error::Value {
            what: "label",
            row,
            found,
            expected: "0 or 1",
        }),
    });
    labels.collect()
}

/// Checks that two columns make a table.
pub(crate) fn check_lengths<A, B>(scores: &[A], others: &[B], what: &str) -> Result<()> {
    let (rows, found) = (scores.len(), others.len());
    if rows == 0 {
        return Err(Error::table("found no rows, expected at least one"));
    }
    if rows != found {
        let problem = format!("found {found} {what} for {rows} scores, expected one each");
        return Err(Error::table(problem));
    }
    Ok(())
}
