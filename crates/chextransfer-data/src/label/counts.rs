//! How often each label and each target occurs.

use serde::Serialize;

use super::{Label, LabelEncoder, UncertaintyPolicy};
use crate::{Observation, Record, Result};

/// The cells of one observation's column.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct LabelCounts {
    /// Cells that hold `1.0`.
    pub positive: usize,
    /// Cells that hold `-1.0`.
    pub uncertain: usize,
    /// Cells that hold `0.0`.
    pub negative: usize,
    /// Empty cells.
    pub blank: usize,
}

impl LabelCounts {
    /// The counts of every observation, in the order of [`Observation::ALL`].
    pub fn of(records: &[Record]) -> [Self; Observation::COUNT] {
        let mut counts = [Self::default(); Observation::COUNT];
        for record in records {
            for (count, label) in counts.iter_mut().zip(record.labels) {
                match label {
                    Label::Positive => count.positive += 1,
                    Label::Uncertain => count.uncertain += 1,
                    Label::Negative => count.negative += 1,
                    Label::Blank => count.blank += 1,
                }
            }
        }
        counts
    }
}

/// The targets of one observation under a label problem; the five numbers add up to the rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TargetCounts {
    /// The target.
    pub observation: Observation,
    /// Targets of 1.
    pub positive: usize,
    /// Targets of 0.
    pub negative: usize,
    /// Of a multi-class target, those of the class uncertain.
    pub uncertain: usize,
    /// Targets between 0 and 1, smoothed or from a table.
    pub soft: usize,
    /// Targets that do not count.
    pub masked: usize,
}

impl LabelEncoder {
    /// Encodes every record and counts what comes out, one entry for each target in order.
    ///
    /// # Errors
    ///
    /// As [`LabelEncoder::encode`].
    pub fn counts(&self, records: &[Record]) -> Result<Vec<TargetCounts>> {
        let problem = self.problem();
        let mut counts: Vec<TargetCounts> = problem
            .targets()
            .iter()
            .map(|&observation| TargetCounts {
                observation,
                positive: 0,
                negative: 0,
                uncertain: 0,
                soft: 0,
                masked: 0,
            })
            .collect();
        let columns: Vec<_> = (0..counts.len())
            .map(|target| problem.columns(target))
            .collect();
        let (mut targets, mut mask) = (Vec::new(), Vec::new());
        for record in records {
            targets.clear();
            mask.clear();
            self.encode(record, &mut targets, &mut mask)?;
            for (count, columns) in counts.iter_mut().zip(&columns) {
                let values = &targets[columns.clone()];
                let multi_class =
                    problem.uncertainty(count.observation) == UncertaintyPolicy::MultiClass;
                let place = match (mask[columns.start] == 1.0, values) {
                    (false, _) => &mut count.masked,
                    (true, [_, positive, uncertain]) if multi_class => {
                        if *positive == 1.0 {
                            &mut count.positive
                        } else if *uncertain == 1.0 {
                            &mut count.uncertain
                        } else {
                            &mut count.negative
                        }
                    }
                    (true, [1.0]) => &mut count.positive,
                    (true, [0.0]) => &mut count.negative,
                    (true, _) => &mut count.soft,
                };
                *place += 1;
            }
        }
        Ok(counts)
    }
}
