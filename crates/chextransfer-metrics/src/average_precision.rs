//! Precision, recall, and average precision.

use crate::{ScoredLabels, Undefined};

/// One point of a precision-recall curve.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct PrecisionRecallPoint {
    /// Rows of at least this score are called positive.
    pub threshold: f64,
    /// Share of the rows called positive that are positive.
    pub precision: f64,
    /// Share of the positives that are called positive.
    pub recall: f64,
}

impl ScoredLabels {
    /// Average precision: the sum over the distinct scores, from the highest down, of the precision there times the recall
    /// gained there; no interpolation (scikit-learn's `average_precision_score`).
    ///
    /// # Errors
    ///
    /// [`Undefined`] where there is no positive.
    pub fn average_precision(&self) -> Result<f64, Undefined> {
        self.check_positives()?;
        Ok(self.average_precision_of(|place| self.weight(place)))
    }

    /// Average precision with the row at a place counting `weight(place)` times; NaN if the positives count nothing.
    pub(crate) fn average_precision_of(&self, weight: impl Fn(usize) -> f64) -> f64 {
        let (mut called, mut hits, mut area) = (0.0, 0.0, 0.0);
        let mut end = self.rows.len();
        while end > 0 {
            let score = self.rows[end - 1].score;
            let hits_before = hits;
            while end > 0 && self.rows[end - 1].score == score {
                end -= 1;
                let weight = weight(end);
                called += weight;
                hits += if self.rows[end].positive { weight } else { 0.0 };
            }
            if hits > hits_before {
                area += (hits - hits_before) * hits / called;
            }
        }
        area / hits
    }

    /// The precision-recall curve: one point a distinct score, from the highest down to recall 1.
    ///
    /// # Errors
    ///
    /// [`Undefined`] where there is no positive.
    pub fn precision_recall_curve(&self) -> Result<Vec<PrecisionRecallPoint>, Undefined> {
        self.check_positives()?;
        let counts = self.called_positive();
        let all = counts.last().map_or(0.0, |(_, [_, positives])| *positives);
        let points =
            counts.iter().map(
                |&(threshold, [negatives, positives])| PrecisionRecallPoint {
                    threshold,
                    precision: positives / (negatives + positives),
                    recall: positives / all,
                },
            );
        Ok(points.collect())
    }
}
